//! What one core could do at best: products and sums in the widest registers it has, rounded apart as the cached sampler
//! rounds them (`src/sample/lanes.rs`), with nothing read from memory.

use std::hint::black_box;
use std::time::Instant;

/// Steps of one timed loop, a few milliseconds.
const STEPS: usize = 2_000_000;

/// Timed loops; the quickest counts, because a peak has no slow side.
const LOOPS: usize = 15;

/// The registers used, and thousands of millions of multiplications with their additions a second.
pub fn gmac_per_s() -> (&'static str, f64) {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY (both): the processor has the registers that the function is compiled for.
        if std::is_x86_feature_detected!("avx512f") {
            return ("512 bits", best(|| unsafe { x86::avx512() }));
        }
        if std::is_x86_feature_detected!("avx2") {
            return ("256 bits", best(|| unsafe { x86::avx2() }));
        }
    }
    ("128 bits", best(plain))
}

/// `multiply` gives the number of its multiplications.
fn best(multiply: impl Fn() -> usize) -> f64 {
    let once = || {
        let start = Instant::now();
        let multiplications = multiply();
        multiplications as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..LOOPS).map(|_| once()).fold(0.0, f64::max)
}

/// For processors whose wide registers are not known here; the compiler uses those it may.
fn plain() -> usize {
    const CHAINS: usize = 8;
    let (factor, summand) = black_box((0.5f32, 0.5f32));
    let mut sums = [[0.0f32; 4]; CHAINS];
    for _ in 0..STEPS {
        for sum in sums.as_flattened_mut() {
            *sum = *sum * factor + summand;
        }
    }
    black_box(sums);
    STEPS * CHAINS * 4
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::STEPS;
    use core::arch::x86_64::*;
    use std::hint::black_box;

    /// Independent chains, more than the latency of a product and a sum needs and few enough for the registers. Each value
    /// goes into the next one, so that no product can be taken out of the loop; 0.5 · 1 + 0.5 stays 1, never denormal.
    macro_rules! chains {
        ($name:ident, $feature:literal, $chains:literal, $lanes:literal, $set:ident, $mul:ident, $add:ident) => {
            #[target_feature(enable = $feature)]
            pub fn $name() -> usize {
                let (factor, summand) = ($set(black_box(0.5)), $set(black_box(0.5)));
                let mut values = [$set(black_box(1.0)); $chains];
                for _ in 0..STEPS {
                    for value in &mut values {
                        *value = $add($mul(*value, factor), summand);
                    }
                }
                black_box(values);
                STEPS * $chains * $lanes
            }
        };
    }

    chains!(avx512, "avx512f", 16, 16, _mm512_set1_ps, _mm512_mul_ps, _mm512_add_ps);
    chains!(avx2, "avx2", 12, 8, _mm256_set1_ps, _mm256_mul_ps, _mm256_add_ps);
}
