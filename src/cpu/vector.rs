//! Sixteen 32-bit floats side by side, in whatever registers the processor has, and the choice of these.
//!
//! Written with intrinsics because the compiler, left alone with arrays, vectorises the loop over pixels instead and gathers
//! its operands one by one: six times slower, measured on the weight gradient.

/// Values of a [`Vector`]: one AVX-512 register, or two of AVX2.
pub const LANES: usize = 16;

/// Work that is compiled for every kind of registers.
pub trait Vectorised {
    /// What it gives.
    type Output;

    /// Does it. To be inlined always, or it is compiled without the registers.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    unsafe fn run<V: Vector>(self) -> Self::Output;
}

/// Does the work with the widest registers this processor has.
pub fn vectorised<W: Vectorised>(work: W) -> W::Output {
    // SAFETY: each is called only where the processor has its instructions.
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f")]
        fn avx512<W: Vectorised>(work: W) -> W::Output {
            unsafe { work.run::<std::arch::x86_64::__m512>() }
        }
        #[target_feature(enable = "avx2,fma")]
        fn avx2<W: Vectorised>(work: W) -> W::Output {
            unsafe { work.run::<[std::arch::x86_64::__m256; 2]>() }
        }
        if std::is_x86_feature_detected!("avx512f") {
            return unsafe { avx512(work) };
        }
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            return unsafe { avx2(work) };
        }
    }
    unsafe { work.run::<[f32; LANES]>() }
}

/// Sixteen values in registers.
///
/// # Safety
/// The methods may only be called on a processor that has the implementation's instructions.
pub trait Vector: Copy {
    /// Whether there are registers for two dozen sums.
    const WIDE: bool;
    /// All zero.
    unsafe fn zero() -> Self;
    /// Sixteen values from `place` on, which must be readable.
    unsafe fn load(place: *const f32) -> Self;
    /// `self + factor · values`.
    unsafe fn add_product(self, factor: f32, values: Self) -> Self;
    /// Sixteen values to `place` and on, which must be writable.
    unsafe fn store(self, place: *mut f32);
}

impl Vector for [f32; LANES] {
    const WIDE: bool = false;

    #[inline(always)]
    unsafe fn zero() -> Self {
        [0.0; LANES]
    }

    #[inline(always)]
    unsafe fn load(place: *const f32) -> Self {
        unsafe { place.cast::<Self>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn add_product(self, factor: f32, values: Self) -> Self {
        std::array::from_fn(|l| self[l] + factor * values[l])
    }

    #[inline(always)]
    unsafe fn store(self, place: *mut f32) {
        unsafe { place.cast::<Self>().write_unaligned(self) }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! AVX-512 (one register) and AVX2 with FMA (two).

    use super::Vector;
    use std::arch::x86_64::*;

    impl Vector for __m512 {
        const WIDE: bool = true;

        #[inline(always)]
        unsafe fn zero() -> Self {
            unsafe { _mm512_setzero_ps() }
        }

        #[inline(always)]
        unsafe fn load(place: *const f32) -> Self {
            unsafe { _mm512_loadu_ps(place) }
        }

        #[inline(always)]
        unsafe fn add_product(self, factor: f32, values: Self) -> Self {
            unsafe { _mm512_fmadd_ps(_mm512_set1_ps(factor), values, self) }
        }

        #[inline(always)]
        unsafe fn store(self, place: *mut f32) {
            unsafe { _mm512_storeu_ps(place, self) }
        }
    }

    impl Vector for [__m256; 2] {
        const WIDE: bool = false;

        #[inline(always)]
        unsafe fn zero() -> Self {
            unsafe { [_mm256_setzero_ps(); 2] }
        }

        #[inline(always)]
        unsafe fn load(place: *const f32) -> Self {
            unsafe { [_mm256_loadu_ps(place), _mm256_loadu_ps(place.add(8))] }
        }

        #[inline(always)]
        unsafe fn add_product(self, factor: f32, values: Self) -> Self {
            unsafe {
                let factor = _mm256_set1_ps(factor);
                [_mm256_fmadd_ps(factor, values[0], self[0]), _mm256_fmadd_ps(factor, values[1], self[1])]
            }
        }

        #[inline(always)]
        unsafe fn store(self, place: *mut f32) {
            unsafe {
                _mm256_storeu_ps(place, self[0]);
                _mm256_storeu_ps(place.add(8), self[1]);
            }
        }
    }
}
