//! Randomness as an input: a counter-based hash from (seed, image, row, column, channel) to a uniform number.
//!
//! There is no generator state, so image k is the same in any batch, any sampler and any machine. The hash is
//! Threefry-2x32 with 20 rounds (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011): additions,
//! rotations and exclusive ors of 32-bit words only, which WebGPU has too.

/// Threefry-2x32-20.
pub fn threefry2x32(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    const ROTATIONS: [[u32; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
    let keys = [key[0], key[1], key[0] ^ key[1] ^ 0x1BD1_1BDA];
    let [mut a, mut b] = [counter[0].wrapping_add(keys[0]), counter[1].wrapping_add(keys[1])];
    for group in 0..5 {
        for rotation in ROTATIONS[group % 2] {
            a = a.wrapping_add(b);
            b = b.rotate_left(rotation) ^ a;
        }
        a = a.wrapping_add(keys[(group + 1) % 3]);
        b = b.wrapping_add(keys[(group + 2) % 3]).wrapping_add(group as u32 + 1);
    }
    [a, b]
}

/// The uniform number in `0.0..1.0` that decides channel `channel` of pixel (`x`, `y`) of image `image`.
///
/// `x` is below 2¹⁴, `y` below 2¹⁶ and `channel` below 4: the place does not depend on the size of the image.
pub fn uniform(seed: u64, image: u32, y: usize, x: usize, channel: usize) -> f32 {
    debug_assert!(y < 1 << 16 && x < 1 << 14 && channel < 4);
    let place = (y as u32) << 16 | (x as u32) << 2 | channel as u32;
    let [word, _] = threefry2x32([seed as u32, (seed >> 32) as u32], [image, place]);
    // 24 bits: every value is exact in 32-bit floating point, and 1.0 is never reached.
    (word >> 8) as f32 / (1u32 << 24) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers published with the algorithm.
    #[test]
    fn threefry_gives_the_published_answers() {
        let ones = u32::MAX;
        let cases = [
            ([0, 0], [0, 0], [0x6b20_0159, 0x99ba_4efe]),
            ([ones, ones], [ones, ones], [0x1cb9_96fc, 0xbb00_2be7]),
            ([0x1319_8a2e, 0x0370_7344], [0x243f_6a88, 0x85a3_08d3], [0xc492_3a9c, 0x483d_f7a0]),
        ];
        for (key, counter, expected) in cases {
            assert_eq!(threefry2x32(key, counter), expected, "key {key:x?}, counter {counter:x?}");
        }
    }

    #[test]
    fn uniforms_differ_by_every_argument_and_fill_the_interval() {
        let base = uniform(1, 2, 3, 4, 1);
        for other in [
            uniform(2, 2, 3, 4, 1),
            uniform(1 << 32, 2, 3, 4, 1),
            uniform(1, 3, 3, 4, 1),
            uniform(1, 2, 4, 4, 1),
            uniform(1, 2, 3, 5, 1),
            uniform(1, 2, 3, 4, 2),
        ] {
            assert_ne!(base, other);
        }
        let mean = (0..10_000).map(|k| uniform(7, k, 0, 0, 0)).sum::<f32>() / 10_000.0;
        // Five standard errors of a uniform's mean over 10,000 draws: 5 · 0.289 / 100.
        assert!((mean - 0.5).abs() < 0.0145, "mean {mean}");
    }
}
