//! Up to sixteen 32-bit floats side by side, multiplied and added in two roundings each, so that every machine gets the same
//! bits. Written with intrinsics: left to itself, the compiler now and then takes sums apart and keeps them in memory.

/// `N` values, four times 1 to 4, in the registers of one kind of processor.
pub trait Lanes<const N: usize>: Copy {
    /// All zero.
    fn zero() -> Self;
    /// These values.
    fn load(values: &[f32; N]) -> Self;
    /// Puts them there.
    fn store(self, values: &mut [f32; N]);
    /// `self + factor · values`.
    fn add_product(self, factor: f32, values: Self) -> Self;
    /// The sum of two.
    fn add(self, other: Self) -> Self;
    /// ReLU; 0 for NaN.
    fn rectify(self) -> Self;

    /// Up to `N` values, zeros after them.
    #[inline(always)]
    fn load_some(values: &[f32]) -> Self {
        let mut some = [0.0; N];
        some.iter_mut().zip(values).for_each(|(some, value)| *some = *value);
        Self::load(&some)
    }

    /// Puts the first of them there, up to `N`.
    #[inline(always)]
    fn store_some(self, values: &mut [f32]) {
        let mut some = [0.0; N];
        self.store(&mut some);
        values.iter_mut().zip(some).for_each(|(value, some)| *value = some);
    }
}

/// The registers of a processor, whatever the number of values.
pub trait Registers: Lanes<4> + Lanes<8> + Lanes<12> + Lanes<16> {
    /// Images fed from one load of a weight: as many as there are registers for their sums beside the weights.
    const TOGETHER: usize;
}

/// For processors without wide registers, or whose are not known here.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[derive(Clone, Copy)]
pub struct Plain([f32; 16]);

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
impl Registers for Plain {
    // Elsewhere the compiler has half as many registers to spread the values over, and keeps what does not fit in memory.
    const TOGETHER: usize = if cfg!(target_arch = "aarch64") { 4 } else { 2 };
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
impl<const N: usize> Lanes<N> for Plain {
    #[inline(always)]
    fn zero() -> Self {
        Self([0.0; 16])
    }

    #[inline(always)]
    fn load(values: &[f32; N]) -> Self {
        let mut lanes = [0.0; 16];
        lanes[..N].copy_from_slice(values);
        Self(lanes)
    }

    #[inline(always)]
    fn store(self, values: &mut [f32; N]) {
        values.copy_from_slice(&self.0[..N]);
    }

    #[inline(always)]
    fn add_product(mut self, factor: f32, values: Self) -> Self {
        for l in 0..N {
            self.0[l] += factor * values.0[l];
        }
        self
    }

    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        for l in 0..N {
            self.0[l] += other.0[l];
        }
        self
    }

    #[inline(always)]
    fn rectify(mut self) -> Self {
        for l in 0..N {
            self.0[l] = if self.0[l] > 0.0 { self.0[l] } else { 0.0 };
        }
        self
    }
}

/// Registers of 128 bits in WebAssembly.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub use simd128::Simd128;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128 {
    use super::{Lanes, Registers};
    use core::arch::wasm32::{f32x4_add, f32x4_mul, f32x4_pmax, f32x4_splat, v128, v128_load, v128_store};

    #[derive(Clone, Copy)]
    pub struct Simd128([v128; 4]);

    impl Registers for Simd128 {
        const TOGETHER: usize = 2;
    }

    impl<const N: usize> Lanes<N> for Simd128 {
        #[inline(always)]
        fn zero() -> Self {
            Self([f32x4_splat(0.0); 4])
        }

        #[inline(always)]
        fn load(values: &[f32; N]) -> Self {
            let mut lanes = <Self as Lanes<N>>::zero();
            for (lanes, values) in lanes.0.iter_mut().zip(values.as_chunks::<4>().0) {
                // SAFETY: sixteen bytes are there, and this load asks for no alignment.
                *lanes = unsafe { v128_load(values.as_ptr().cast()) };
            }
            lanes
        }

        #[inline(always)]
        fn store(self, values: &mut [f32; N]) {
            for (lanes, values) in self.0.iter().zip(values.as_chunks_mut::<4>().0) {
                // SAFETY: sixteen bytes are there, and this store asks for no alignment.
                unsafe { v128_store(values.as_mut_ptr().cast(), *lanes) };
            }
        }

        #[inline(always)]
        fn add_product(mut self, factor: f32, values: Self) -> Self {
            for v in 0..N / 4 {
                self.0[v] = f32x4_add(self.0[v], f32x4_mul(f32x4_splat(factor), values.0[v]));
            }
            self
        }

        #[inline(always)]
        fn add(mut self, other: Self) -> Self {
            for v in 0..N / 4 {
                self.0[v] = f32x4_add(self.0[v], other.0[v]);
            }
            self
        }

        #[inline(always)]
        fn rectify(mut self) -> Self {
            for v in 0..N / 4 {
                // The second where it is above the first.
                self.0[v] = f32x4_pmax(f32x4_splat(0.0), self.0[v]);
            }
            self
        }
    }
}

/// Registers of 256 and 512 bits. Only for functions compiled for processors that have them: everything here is inlined there.
#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
#[allow(unused_unsafe, reason = "which intrinsics are unsafe depends on the features of the calling function")]
mod x86 {
    use super::{Lanes, Registers};
    use core::arch::x86_64::*;

    /// One register of 512 bits, or the lower part of it.
    #[derive(Clone, Copy)]
    pub struct Avx512(__m512);

    impl Registers for Avx512 {
        const TOGETHER: usize = 8;
    }

    /// The lanes below `n`.
    const fn mask(n: usize) -> __mmask16 {
        ((1u32 << n) - 1) as __mmask16
    }

    // SAFETY (all of it): the type is used in functions with AVX-512 only, and the masks end where the arrays do.
    impl<const N: usize> Lanes<N> for Avx512 {
        #[inline(always)]
        fn zero() -> Self {
            Self(unsafe { _mm512_setzero_ps() })
        }

        #[inline(always)]
        fn load(values: &[f32; N]) -> Self {
            Self(unsafe { _mm512_maskz_loadu_ps(mask(N), values.as_ptr()) })
        }

        #[inline(always)]
        fn store(self, values: &mut [f32; N]) {
            unsafe { _mm512_mask_storeu_ps(values.as_mut_ptr(), mask(N), self.0) };
        }

        #[inline(always)]
        fn load_some(values: &[f32]) -> Self {
            Self(unsafe { _mm512_maskz_loadu_ps(mask(values.len().min(N)), values.as_ptr()) })
        }

        #[inline(always)]
        fn store_some(self, values: &mut [f32]) {
            unsafe { _mm512_mask_storeu_ps(values.as_mut_ptr(), mask(values.len().min(N)), self.0) };
        }

        #[inline(always)]
        fn add_product(self, factor: f32, values: Self) -> Self {
            Self(unsafe { _mm512_add_ps(self.0, _mm512_mul_ps(_mm512_set1_ps(factor), values.0)) })
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }

        #[inline(always)]
        fn rectify(self) -> Self {
            // The first where it is above the second, else the second.
            Self(unsafe { _mm512_max_ps(self.0, _mm512_setzero_ps()) })
        }
    }

    /// Two registers of 256 bits; up to eight values leave the second alone.
    #[derive(Clone, Copy)]
    pub struct Avx2([__m256; 2]);

    impl Registers for Avx2 {
        const TOGETHER: usize = 4;
    }

    // SAFETY (all of it): the type is used in functions with AVX2 only, and what is read and written are parts of the arrays.
    impl<const N: usize> Lanes<N> for Avx2 {
        #[inline(always)]
        fn zero() -> Self {
            Self([unsafe { _mm256_setzero_ps() }; 2])
        }

        #[inline(always)]
        fn load(values: &[f32; N]) -> Self {
            let mut lanes = <Self as Lanes<N>>::zero();
            for v in 0..N.div_ceil(8) {
                let at = unsafe { values.as_ptr().add(8 * v) };
                lanes.0[v] = if N - 8 * v >= 8 {
                    unsafe { _mm256_loadu_ps(at) }
                } else {
                    unsafe { _mm256_zextps128_ps256(_mm_loadu_ps(at)) }
                };
            }
            lanes
        }

        #[inline(always)]
        fn store(self, values: &mut [f32; N]) {
            for v in 0..N.div_ceil(8) {
                let at = unsafe { values.as_mut_ptr().add(8 * v) };
                if N - 8 * v >= 8 {
                    unsafe { _mm256_storeu_ps(at, self.0[v]) };
                } else {
                    unsafe { _mm_storeu_ps(at, _mm256_castps256_ps128(self.0[v])) };
                }
            }
        }

        #[inline(always)]
        fn add_product(mut self, factor: f32, values: Self) -> Self {
            for v in 0..N.div_ceil(8) {
                self.0[v] = unsafe { _mm256_add_ps(self.0[v], _mm256_mul_ps(_mm256_set1_ps(factor), values.0[v])) };
            }
            self
        }

        #[inline(always)]
        fn add(mut self, other: Self) -> Self {
            for v in 0..N.div_ceil(8) {
                self.0[v] = unsafe { _mm256_add_ps(self.0[v], other.0[v]) };
            }
            self
        }

        #[inline(always)]
        fn rectify(mut self) -> Self {
            for v in 0..N.div_ceil(8) {
                self.0[v] = unsafe { _mm256_max_ps(self.0[v], _mm256_setzero_ps()) };
            }
            self
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    /// What the registers give for `count` inputs and outputs, of up to `N`: a dot product, rectified.
    #[inline(always)]
    fn through<R: Lanes<N>, const N: usize>(count: usize) -> Vec<f32> {
        let values: Vec<f32> = (0..count).map(|k| (2.5 - k as f32) * 1.1).collect();
        let whole: [f32; N] = std::array::from_fn(|k| k as f32 * 0.3 - 1.0);
        let mut out = vec![7.0; count + 1];
        let sums = R::load(&whole).add_product(1.7, R::load_some(&values)).add(R::load_some(&values)).rectify();
        sums.store_some(&mut out[..count]);
        let mut all = [0.0; N];
        sums.store(&mut all);
        out.extend(all);
        out
    }

    fn all<R: Registers>() -> Vec<Vec<f32>> {
        let some = (1..=4).map(through::<R, 4>).chain((5..=8).map(through::<R, 8>));
        some.chain((9..=12).map(through::<R, 12>)).chain((13..=16).map(through::<R, 16>)).collect()
    }

    #[test]
    fn all_registers_give_the_same_bits() {
        #[target_feature(enable = "avx512f")]
        fn avx512() -> Vec<Vec<f32>> {
            all::<Avx512>()
        }
        #[target_feature(enable = "avx2")]
        fn avx2() -> Vec<Vec<f32>> {
            all::<Avx2>()
        }
        let expected = all::<Plain>();
        for (k, values) in expected.iter().enumerate() {
            let count = k + 1;
            assert_eq!(values[count], 7.0, "{count} values: nothing is written after them");
            assert_eq!(values[..count], values[count + 1..][..count], "{count} values");
            assert!(values[0] > 0.0, "{count} values: {values:?}");
        }
        // SAFETY: each is called only where the processor has its instructions.
        if std::is_x86_feature_detected!("avx2") {
            assert_eq!(unsafe { avx2() }, expected);
        }
        if std::is_x86_feature_detected!("avx512f") {
            assert_eq!(unsafe { avx512() }, expected);
        }
    }
}
