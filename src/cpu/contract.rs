//! The two sums of products that all kernels consist of: over what a pixel sees, and over the pixels that see.
#![allow(
    clippy::needless_range_loop,
    reason = "closures are compiled without the wide registers, and iterators are closures"
)]

use super::frame::Seen;
use super::vector::{LANES, Vector};

/// A matrix of weights, a row for every value seen and a column for every output, the columns padded with zeros to a
/// multiple of [`LANES`].
pub struct Packed {
    data: Vec<f32>,
    columns: usize,
    lanes: usize,
}

impl Packed {
    /// Packs `rows` rows of `columns` weights, asking `weight(row, column)` for each.
    pub fn new(rows: usize, columns: usize, weight: impl Fn(usize, usize) -> f32) -> Self {
        let lanes = columns.next_multiple_of(LANES);
        let mut data = vec![0.0; rows * lanes];
        for (row, target) in data.chunks_exact_mut(lanes).enumerate() {
            target[..columns].iter_mut().enumerate().for_each(|(column, t)| *t = weight(row, column));
        }
        Self { data, columns, lanes }
    }

    /// Values of a row.
    pub fn lanes(&self) -> usize {
        self.lanes
    }
}

/// What a sum of products begins with.
#[derive(Clone, Copy)]
pub enum Start<'a> {
    /// A bias, padded like the weights.
    Bias(&'a [f32]),
    /// What the output holds.
    Output,
    /// Zero; what the output holds is added to the whole sum.
    Zero,
}

/// `out[p] = start + Σ seen · weights`, for every pixel p of a line, a value for each column of the weights, pixels
/// `out_stride` apart.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
pub unsafe fn contract<V: Vector>(
    seen: &[Seen],
    weights: &Packed,
    start: Start,
    out: &mut [f32],
    out_stride: usize,
    count: usize,
) {
    let (columns, lanes) = (weights.columns, weights.lanes);
    seen.iter().for_each(|seen| seen.check(count));
    assert_eq!(seen.iter().map(|seen| seen.length).sum::<usize>() * lanes, weights.data.len());
    assert!(count == 0 || (count - 1) * out_stride + columns <= out.len(), "{count} pixels of {columns} values");
    assert!(!matches!(start, Start::Bias(bias) if bias.len() != lanes), "a bias for {lanes} lanes");
    let mut block = 0;
    while block < lanes {
        let blocks = blocks_together::<V>(lanes - block);
        let mut p = 0;
        while p < count {
            let tile = Tile { seen, weights, start, out_stride, p, block };
            // SAFETY: every place a tile reads or writes is inside the lengths just checked.
            p += unsafe {
                match (blocks, count - p) {
                    (4, 6..) => tile.run::<V, 6, 4>(out),
                    (4, 4..) => tile.run::<V, 4, 4>(out),
                    (4, 2..) => tile.run::<V, 2, 4>(out),
                    (4, _) => tile.run::<V, 1, 4>(out),
                    (2, 12..) if V::WIDE => tile.run::<V, 12, 2>(out),
                    (2, 6..) if V::WIDE => tile.run::<V, 6, 2>(out),
                    (2, 3..) => tile.run::<V, 3, 2>(out),
                    (2, _) => tile.run::<V, 1, 2>(out),
                    (_, 12..) if V::WIDE => tile.run::<V, 12, 1>(out),
                    (_, 6..) => tile.run::<V, 6, 1>(out),
                    (_, 3..) => tile.run::<V, 3, 1>(out),
                    _ => tile.run::<V, 1, 1>(out),
                }
            };
        }
        block += blocks * LANES;
    }
}

/// Blocks of outputs that are computed together: four, two or one, as there are registers.
#[inline(always)]
fn blocks_together<V: Vector>(lanes: usize) -> usize {
    match lanes / LANES {
        4.. if V::WIDE => 4,
        2.. => 2,
        _ => 1,
    }
}

struct Tile<'a> {
    seen: &'a [Seen<'a>],
    weights: &'a Packed,
    start: Start<'a>,
    out_stride: usize,
    p: usize,
    block: usize,
}

impl Tile<'_> {
    /// `P` pixels times `B` blocks of outputs, all held in registers. Gives `P`.
    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const B: usize>(&self, out: &mut [f32]) -> usize {
        unsafe {
            let target = out.as_mut_ptr().add(self.p * self.out_stride + self.block);
            let columns = self.weights.columns - self.block;
            if columns >= B * LANES {
                self.sum::<V, P, B>(target, self.out_stride);
            } else {
                // The last block is not full: what lies behind it belongs to the next pixel.
                let mut whole = [[[0.0; LANES]; B]; P];
                let whole = whole.as_mut_ptr().cast::<f32>();
                for p in 0..P {
                    target.add(p * self.out_stride).copy_to(whole.add(p * B * LANES), columns);
                }
                self.sum::<V, P, B>(whole, B * LANES);
                for p in 0..P {
                    target.add(p * self.out_stride).copy_from(whole.add(p * B * LANES), columns);
                }
            }
        }
        P
    }

    #[inline(always)]
    unsafe fn sum<V: Vector, const P: usize, const B: usize>(&self, out: *mut f32, stride: usize) {
        unsafe {
            let mut sums = [[V::zero(); B]; P];
            match self.start {
                Start::Zero => {}
                Start::Bias(bias) => {
                    for p in 0..P {
                        for b in 0..B {
                            sums[p][b] = V::load(bias.as_ptr().add(self.block + b * LANES));
                        }
                    }
                }
                Start::Output => {
                    for p in 0..P {
                        for b in 0..B {
                            sums[p][b] = V::load(out.add(p * stride + b * LANES));
                        }
                    }
                }
            }
            let mut weights = self.weights.data.as_ptr().add(self.block);
            for seen in self.seen {
                let inputs = seen.values.as_ptr().add(self.p * seen.stride);
                for k in 0..seen.length {
                    let mut row = [V::zero(); B];
                    for b in 0..B {
                        row[b] = V::load(weights.add(b * LANES));
                    }
                    for p in 0..P {
                        let input = *inputs.add(p * seen.stride + k);
                        for b in 0..B {
                            sums[p][b] = sums[p][b].add_product(input, row[b]);
                        }
                    }
                    weights = weights.add(self.weights.lanes);
                }
            }
            if let Start::Zero = self.start {
                for p in 0..P {
                    for b in 0..B {
                        sums[p][b] = V::load(out.add(p * stride + b * LANES)).add_product(1.0, sums[p][b]);
                    }
                }
            }
            for p in 0..P {
                for b in 0..B {
                    sums[p][b].store(out.add(p * stride + b * LANES));
                }
            }
        }
    }
}

/// `gradient[k] += Σ pixels seen[pixel, k] · delta[pixel]`, over the pixels of every line of `lines`; `gradient` is
/// `[length, lanes]` and `delta` has `lanes` features. `seen` and `deltas` give a line's part of each.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
pub unsafe fn weight_gradient<'a, V: Vector>(
    lines: &[(Seen<'a>, Seen<'a>, usize)],
    lanes: usize,
    gradient: &mut [f32],
) {
    let Some(&(first, ..)) = lines.first() else { return };
    let length = first.length;
    assert_eq!(gradient.len(), length * lanes);
    for (seen, delta, count) in lines {
        seen.check(*count);
        delta.check(*count);
        assert!(seen.length == length && delta.length == lanes);
    }
    let mut block = 0;
    while block < lanes {
        let blocks = blocks_together::<V>(lanes - block);
        let mut k = 0;
        while k < length {
            let left = length - k;
            // SAFETY: as above.
            k += unsafe {
                match (blocks, left) {
                    (4, 6..) => outer::<V, 6, 4>(lines, lanes, gradient, k, block),
                    (4, 4..) => outer::<V, 4, 4>(lines, lanes, gradient, k, block),
                    (4, _) => outer::<V, 1, 4>(lines, lanes, gradient, k, block),
                    (2, 12..) if V::WIDE => outer::<V, 12, 2>(lines, lanes, gradient, k, block),
                    (2, 4..) => outer::<V, 4, 2>(lines, lanes, gradient, k, block),
                    (2, _) => outer::<V, 1, 2>(lines, lanes, gradient, k, block),
                    (_, 12..) if V::WIDE => outer::<V, 12, 1>(lines, lanes, gradient, k, block),
                    (_, 4..) => outer::<V, 4, 1>(lines, lanes, gradient, k, block),
                    _ => outer::<V, 1, 1>(lines, lanes, gradient, k, block),
                }
            };
        }
        block += blocks * LANES;
    }
}

/// `R` rows of the gradient times `B` blocks of outputs, summed over every pixel in registers. Gives `R`.
#[inline(always)]
unsafe fn outer<V: Vector, const R: usize, const B: usize>(
    lines: &[(Seen, Seen, usize)],
    lanes: usize,
    gradient: &mut [f32],
    k: usize,
    block: usize,
) -> usize {
    unsafe {
        let mut sums = [[V::zero(); B]; R];
        for (seen, delta, count) in lines {
            let (inputs, deltas) = (seen.values.as_ptr().add(k), delta.values.as_ptr().add(block));
            for p in 0..*count {
                let mut row = [V::zero(); B];
                for b in 0..B {
                    row[b] = V::load(deltas.add(p * delta.stride + b * LANES));
                }
                for r in 0..R {
                    let input = *inputs.add(p * seen.stride + r);
                    for b in 0..B {
                        sums[r][b] = sums[r][b].add_product(input, row[b]);
                    }
                }
            }
        }
        let out = gradient.as_mut_ptr().add(k * lanes + block);
        for r in 0..R {
            for b in 0..B {
                let place = out.add(r * lanes + b * LANES);
                V::load(place).add_product(1.0, sums[r][b]).store(place);
            }
        }
    }
    R
}
