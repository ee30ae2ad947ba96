//! The plain functions of [`gates`](crate::nn::gates), [`draw`](crate::sample::draw()) and
//! [`uniform`](crate::sample::uniform()) for the kernel: the same operations in the same order.
#![allow(missing_docs, reason = "the macro makes public items of its own")]
#![allow(clippy::manual_rotate, reason = "the macro knows no `rotate_left`")]

use cubecl::prelude::*;

/// ReLU; 0 for NaN.
#[cube]
pub fn rectified(value: f32) -> f32 {
    select(value > 0.0f32, value, 0.0f32)
}

/// A product, rounded: as a fused sum with nothing, because compilers on the way would fuse a plain one with the next sum.
#[cube]
pub fn times(a: f32, b: f32) -> f32 {
    fma(a, b, 0.0f32)
}

/// e^x as in [`gates`](crate::nn::gates), to the bit where nothing is fused. Only the rounding to a whole number is asked for in
/// another way: there, a driver may take adding and subtracting a large number for doing nothing.
#[cube]
pub fn exp(x: f32) -> f32 {
    let x = select(x > 87.0f32, 87.0f32, x);
    let x = select(x < -87.0f32, -87.0f32, x);
    let n = f32::round(times(x, comptime!(std::f32::consts::LOG2_E)));
    let r = x - times(n, comptime!(355.0f32 / 512.0)) - times(n, comptime!(-2.121_944_4e-4f32));
    let series = times(1.987_569_1e-4f32, r) + 1.398_199_9e-3f32;
    let series = times(series, r) + 8.333_452e-3f32;
    let series = times(series, r) + 4.166_579_6e-2f32;
    let series = times(series, r) + 0.166_666_65f32;
    let series = times(series, r) + 0.5f32;
    let power = f32::from_bits(((n as i32 + 127i32) as u32) << 23u32);
    times(times(times(series, r), r) + r + 1.0f32, power)
}

/// The logistic function.
#[cube]
pub fn sigmoid(x: f32) -> f32 {
    1.0f32 / (1.0f32 + exp(-x))
}

/// The hyperbolic tangent.
#[cube]
pub fn tanh(x: f32) -> f32 {
    1.0f32 - 2.0f32 / (1.0f32 + exp(times(2.0f32, x)))
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
    (a >> 8u32) as f32 / 16_777_216.0f32
}
