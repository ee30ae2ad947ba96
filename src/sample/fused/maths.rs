//! Arithmetic of one rounding an operation for the kernel, and with it the plain functions of [`maths`](crate::maths),
//! [`draw`](crate::sample::draw()) and [`uniform`](crate::sample::uniform()): the same operations in the same order, so that they
//! give the same bits.
//!
//! What WGSL and SPIR-V leave open, and what answers it:
//!
//! - *A product and a sum may be contracted into one rounding, sums may be put in another order, factors taken out.* CubeCL and
//!   drivers do. So the bits of every product and of every sum are combined by exclusive or with a zero that comes with the
//!   launch: no compiler knows that it is zero, so none sees through.
//! - *A division may be off by 2.5 units in the last place.* [`Rounded::over`] takes it as a guess, and finds the true quotient
//!   from the remainder in whole numbers.
//! - *Exponential and logarithm may be off by more.* [`Rounded::exp`], [`Rounded::ln`] and [`Rounded::ln_1p`] are series.
//! - *Numbers below 10⁻³⁸ may be taken for 0.* No function here gives or divides by one. As a product it can only make
//!   a difference where it is added to nothing but such numbers; no logit is then anything but 0 to rounding, and e^x of it is 1.
//! - *The direction of rounding may be any.* Every GPU known rounds to the nearest; the start-up test would see it.
//! - *Infinities and NaN may be anything.* Nothing here overflows where the CPU's sums do not.
#![allow(missing_docs, reason = "the macro makes public items of its own")]
#![allow(clippy::manual_rotate, reason = "the macro knows no `rotate_left`")]

use super::words::BLOCK;
use cubecl::prelude::*;

/// Bits of a number's mantissa, and the one above them that is not written.
const MANTISSA: u32 = 0x007f_ffff;
const HIDDEN: u32 = 0x0080_0000;
const SIGN: u32 = 0x8000_0000;

/// The largest number.
const MOST: u32 = 0x7f7f_ffff;

/// Of so many outputs.
pub type Block = Vector<f32, Const<BLOCK>>;

/// Arithmetic that rounds once an operation.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub struct Rounded {
    /// 0.
    pub zero: u32,
    /// Whether products are added unrounded: what a bad driver would do, for the test of the start-up test.
    #[cube(comptime)]
    pub contract: bool,
}

#[cube]
impl Rounded {
    /// The value, of which no compiler knows where it comes from.
    fn of(&self, value: f32) -> f32 {
        f32::from_bits(value.to_bits() ^ self.zero)
    }

    /// The product.
    pub fn times(&self, a: f32, b: f32) -> f32 {
        self.of(a * b)
    }

    /// The sum.
    pub fn plus(&self, a: f32, b: f32) -> f32 {
        self.of(a + b)
    }

    /// `sum + a · b`, in two roundings.
    pub fn add_product(&self, sum: f32, a: f32, b: f32) -> f32 {
        self.plus(sum, self.times(a, b))
    }

    /// The same of each output of a block.
    fn of_each(&self, values: Block) -> Block {
        Block::reinterpret(
            Vector::<u32, Const<BLOCK>>::reinterpret(values) ^ Vector::<u32, Const<BLOCK>>::new(self.zero),
        )
    }

    /// The sums.
    pub fn plus_each(&self, a: Block, b: Block) -> Block {
        self.of_each(a + b)
    }

    /// `sums + value · weights`, in two roundings.
    pub fn add_products(&self, sums: Block, value: f32, weights: Block) -> Block {
        if comptime!(self.contract) {
            // Twelve bits of the value and the others: the products of both hold more of it than one.
            let high = f32::from_bits(value.to_bits() & 0xffff_f000u32);
            let low = self.plus(value, -high);
            let sums = self.plus_each(sums, self.of_each(Block::new(high) * weights));
            self.plus_each(sums, self.of_each(Block::new(low) * weights))
        } else {
            self.plus_each(sums, self.of_each(Block::new(value) * weights))
        }
    }

    /// The quotient; 0 where it is too small for a number of full precision, and the largest number where it is 2¹²⁷ or more.
    pub fn over(&self, a: f32, b: f32) -> f32 {
        let a = a.to_bits();
        let b = b.to_bits();
        let dividend = (a & MANTISSA) | HIDDEN;
        let divisor = (b & MANTISSA) | HIDDEN;
        // A quotient from 1 to 2.
        let less = dividend < divisor;
        let dividend = select(less, dividend << 1u32, dividend);
        let exponent = ((a >> 23u32) & 255u32) as i32 - ((b >> 23u32) & 255u32) as i32 + select(less, 126i32, 127i32);
        let mut quotient = (dividend as f32 / divisor as f32 * 8_388_608.0f32) as u32;
        // The dividend is 23 bits longer than a word; the remainder is not.
        let mut rest = ((dividend << 23u32) - quotient * divisor) as i32;
        let divisor = divisor as i32;
        #[unroll]
        for _ in 0..4u32 {
            let above = rest < 0i32;
            quotient = select(above, quotient - 1u32, quotient);
            rest = select(above, rest + divisor, rest);
        }
        #[unroll]
        for _ in 0..4u32 {
            let below = rest >= divisor;
            quotient = select(below, quotient + 1u32, quotient);
            rest = select(below, rest - divisor, rest);
        }
        // To the nearest; it is never half way between two.
        quotient = select(2i32 * rest > divisor, quotient + 1u32, quotient);
        let bits = (exponent << 23i32) as u32 + (quotient - HIDDEN);
        let bits = select(exponent < 1i32 || (a & !SIGN) < HIDDEN, 0u32, select(exponent > 253i32, MOST, bits));
        f32::from_bits(bits | ((a ^ b) & SIGN))
    }

    /// e^x. Only the rounding to a whole number is asked for in another way than on the CPU: a driver may take adding and
    /// subtracting a large number for doing nothing.
    pub fn exp(&self, x: f32) -> f32 {
        let x = select(x > 87.0f32, 87.0f32, x);
        let x = select(x < -87.0f32, -87.0f32, x);
        let n = f32::round(self.times(x, comptime!(std::f32::consts::LOG2_E)));
        let r = self.plus(x, -self.times(n, comptime!(355.0f32 / 512.0)));
        let r = self.plus(r, -self.times(n, comptime!(-2.121_944_4e-4f32)));
        let series = self.add_product(1.398_199_9e-3f32, 1.987_569_1e-4f32, r);
        let series = self.add_product(8.333_452e-3f32, series, r);
        let series = self.add_product(4.166_579_6e-2f32, series, r);
        let series = self.add_product(0.166_666_65f32, series, r);
        let series = self.add_product(0.5f32, series, r);
        let power = f32::from_bits(((n as i32 + 127i32) as u32) << 23u32);
        let sum = self.plus(self.add_product(r, self.times(series, r), r), 1.0f32);
        self.times(sum, power)
    }

    /// ln(1 + x), for x from 0 to 1.
    pub fn ln_1p(&self, x: f32) -> f32 {
        let s = self.over(x, self.plus(2.0f32, x));
        let square = self.times(s, s);
        let series = self.add_product(comptime!(1.0f32 / 13.0), square, comptime!(1.0f32 / 15.0));
        let series = self.add_product(comptime!(1.0f32 / 11.0), series, square);
        let series = self.add_product(comptime!(1.0f32 / 9.0), series, square);
        let series = self.add_product(comptime!(1.0f32 / 7.0), series, square);
        let series = self.add_product(comptime!(1.0f32 / 5.0), series, square);
        let series = self.add_product(comptime!(1.0f32 / 3.0), series, square);
        self.times(2.0f32, self.add_product(s, self.times(series, square), s))
    }

    /// ln x, for x from 1 on.
    pub fn ln(&self, x: f32) -> f32 {
        let bits = x.to_bits();
        let exponent = self.plus((bits >> 23u32) as f32, -127.0f32);
        let mantissa = f32::from_bits((bits & MANTISSA) | 0x3f80_0000u32);
        let rest = self.ln_1p(self.plus(mantissa, -1.0f32));
        self.add_product(rest, exponent, comptime!(std::f32::consts::LN_2))
    }

    /// The logistic function.
    pub fn sigmoid(&self, x: f32) -> f32 {
        self.over(1.0f32, self.plus(1.0f32, self.exp(-x)))
    }

    /// The hyperbolic tangent.
    pub fn tanh(&self, x: f32) -> f32 {
        self.plus(1.0f32, -self.over(2.0f32, self.plus(1.0f32, self.exp(self.times(2.0f32, x)))))
    }
}

/// ReLU; 0 for NaN.
#[cube]
pub fn rectified(value: f32) -> f32 {
    select(value > 0.0f32, value, 0.0f32)
}

/// The word rotated left.
#[cube]
fn rotated(word: u32, by: u32) -> u32 {
    word << by | word >> (32u32 - by)
}

/// The uniform number of a value, see [`uniform`](crate::sample::uniform()).
#[cube]
pub fn uniform(key_0: u32, key_1: u32, image: u32, spot: u32) -> f32 {
    let key_2 = key_0 ^ key_1 ^ 0x1BD1_1BDAu32;
    let mut a = image + key_0;
    let mut b = spot + key_1;
    for group in 0..5u32 {
        let even = group % 2u32 == 0u32;
        a += b;
        b = rotated(b, select(even, 13u32, 17u32)) ^ a;
        a += b;
        b = rotated(b, select(even, 15u32, 29u32)) ^ a;
        a += b;
        b = rotated(b, select(even, 26u32, 16u32)) ^ a;
        a += b;
        b = rotated(b, select(even, 6u32, 24u32)) ^ a;
        // The keys in turn: 1 and 2, 2 and 0, 0 and 1.
        let turn = group % 3u32;
        a += select(turn == 0u32, key_1, select(turn == 1u32, key_2, key_0));
        b += select(turn == 0u32, key_2, select(turn == 1u32, key_0, key_1)) + group + 1u32;
    }
    // 2⁻²⁴, by which a division would not be exact.
    (a >> 8u32) as f32 * comptime!(1.0f32 / 16_777_216.0)
}
