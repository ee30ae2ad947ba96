//! Four 32-bit floats side by side, multiplied and added in two roundings each, so that every machine gets the same bits.

/// Four values: a register in the browser, a quarter or half of one natively, where the compiler joins neighbours.
#[derive(Clone, Copy)]
pub struct F32x4(Register);

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
type Register = core::arch::wasm32::v128;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
type Register = [f32; 4];

/// Written with intrinsics: left to itself, the compiler keeps the sums in memory.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
impl F32x4 {
    /// All zero.
    pub const ZERO: Self = Self(core::arch::wasm32::f32x4(0.0, 0.0, 0.0, 0.0));

    /// The first four values.
    #[inline(always)]
    pub fn load(values: &[f32]) -> Self {
        let values: &[f32; 4] = values[..4].try_into().expect("four values");
        // SAFETY: sixteen bytes are there, and this load asks for no alignment.
        Self(unsafe { core::arch::wasm32::v128_load(values.as_ptr().cast()) })
    }

    /// `self + factor · values`.
    #[inline(always)]
    pub fn add_product(self, factor: f32, values: Self) -> Self {
        use core::arch::wasm32::{f32x4_add, f32x4_mul, f32x4_splat};
        Self(f32x4_add(self.0, f32x4_mul(f32x4_splat(factor), values.0)))
    }

    /// The sum of two.
    #[inline(always)]
    pub fn add(self, other: Self) -> Self {
        Self(core::arch::wasm32::f32x4_add(self.0, other.0))
    }

    /// As an array.
    #[inline(always)]
    pub fn to_array(self) -> [f32; 4] {
        use core::arch::wasm32::f32x4_extract_lane as lane;
        [lane::<0>(self.0), lane::<1>(self.0), lane::<2>(self.0), lane::<3>(self.0)]
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
impl F32x4 {
    /// All zero.
    pub const ZERO: Self = Self([0.0; 4]);

    /// The first four values.
    #[inline(always)]
    pub fn load(values: &[f32]) -> Self {
        Self(values[..4].try_into().expect("four values"))
    }

    /// `self + factor · values`.
    #[inline(always)]
    pub fn add_product(self, factor: f32, values: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, values.0);
        Self([a + factor * e, b + factor * f, c + factor * g, d + factor * h])
    }

    /// The sum of two.
    #[inline(always)]
    pub fn add(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a + e, b + f, c + g, d + h])
    }

    /// As an array.
    #[inline(always)]
    pub fn to_array(self) -> [f32; 4] {
        self.0
    }
}
