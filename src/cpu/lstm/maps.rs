//! Feature maps with borders, and the two sums of products over them that a recurrent layer consists of.
//!
//! Activations are channels-last. The pixels that a scan computes together, a row or a diagonal, lie at equal distances in
//! memory, so a sum over what they see is a few [`Segment`]s walked side by side: no map is ever skewed or copied.
#![allow(
    clippy::needless_range_loop,
    reason = "closures are compiled without the wide registers, and iterators are closures"
)]

use crate::cpu::conv::{LANES, Lanes, Packed};

/// How a channels-last feature map with borders lies in memory.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub channels: usize,
    height: usize,
    width: usize,
    row_stride: usize,
    origin: usize,
    length: usize,
}

impl Layout {
    /// A map `[height, width, channels]` with `[above, below, left, right]` rows and columns of border.
    pub fn new([height, width, channels]: [usize; 3], [above, below, left, right]: [usize; 4]) -> Self {
        let row_stride = (left + width + right) * channels;
        let (origin, length) = (above * row_stride + left * channels, (above + height + below) * row_stride);
        Self { channels, height, width, row_stride, origin, length }
    }

    /// Values of the whole map, borders included.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Where a pixel starts: −1 is the row above or the column to the left of the image.
    #[inline(always)]
    pub fn at(&self, y: isize, x: isize) -> usize {
        let place = self.origin as isize + y * self.row_stride as isize + x * self.channels as isize;
        debug_assert!(place >= 0, "no pixel at ({y}, {x})");
        place as usize
    }

    /// The values of a pixel.
    #[inline(always)]
    pub fn pixel(&self, y: isize, x: isize) -> std::ops::Range<usize> {
        let start = self.at(y, x);
        start..start + self.channels
    }

    /// Copies the features from `first` on of each pixel of `image`, `[height, width, features]`, left and right exchanged if
    /// asked.
    pub fn fill(&self, map: &mut [f32], image: &[f32], [first, features]: [usize; 2], mirror: bool) {
        for (k, pixel) in image.chunks_exact(features).enumerate() {
            let (y, x) = (k / self.width, k % self.width);
            let x = if mirror { self.width - 1 - x } else { x };
            copy_lanes(&mut map[self.pixel(y as isize, x as isize)], &pixel[first..first + self.channels]);
        }
    }

    /// Values from one pixel of a line to the next.
    #[inline(always)]
    pub fn stride(&self, line: &Line) -> usize {
        (line.step.0 * self.row_stride as isize + line.step.1 * self.channels as isize) as usize
    }

    /// What the pixels of `line` see `tap` away: `length` values from there on.
    #[inline(always)]
    pub fn seen<'a>(&self, map: &'a [f32], line: &Line, tap: (isize, isize), length: usize) -> Segment<'a> {
        let start = self.at(line.y + tap.0, line.x + tap.1);
        Segment { values: &map[start..], stride: self.stride(line), length }
    }

    /// The rows of the map as lines.
    pub fn rows(&self) -> impl Iterator<Item = Line> + use<> {
        let (height, width) = (self.height as isize, self.width);
        (0..height).map(move |y| Line { y, x: 0, step: (0, 1), count: width })
    }
}

/// What a direction of a layer sees of one image.
pub struct Inputs {
    /// The stream, with its border.
    pub stream: Vec<f32>,
    /// The conditioning map.
    pub condition: Vec<f32>,
}

/// Where the gradients of one image and one direction are added.
pub struct Gradients<'a> {
    /// Of the inputs, `[height, width, 2h]`, features padded.
    pub inputs: &'a mut [f32],
    /// Of the conditioning map, `[height, width, maps]`, features padded.
    pub condition: &'a mut [f32],
    /// Of the flat weights.
    pub weights: &'a mut [f32],
}

/// Pixels at equal distances: from (`y`, `x`) on, `count` of them.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub y: isize,
    pub x: isize,
    pub step: (isize, isize),
    pub count: usize,
}

/// Inputs of a line: pixel p sees `length` values from `p · stride` on.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    pub values: &'a [f32],
    pub stride: usize,
    pub length: usize,
}

impl Segment<'_> {
    fn check(&self, count: usize) {
        assert!(count == 0 || (count - 1) * self.stride + self.length <= self.values.len(), "a line leaves its map");
    }
}

/// Copies a few registers' worth of values: at these lengths a call of `memcpy` costs more than the copy.
#[inline(always)]
pub fn copy_lanes(to: &mut [f32], from: &[f32]) {
    let ((to, to_rest), (from, from_rest)) = (to.as_chunks_mut::<LANES>(), from.as_chunks::<LANES>());
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    to_rest.copy_from_slice(from_rest);
}

/// `out[p] = start + Σ segments · weights`, for every pixel p of a line, `weights.lanes()` values each, `out_stride` apart.
/// `start` is a bias for all pixels, or what `out` holds.
///
/// # Safety
/// The processor has the instructions of `L`.
#[inline(always)]
pub unsafe fn contract<L: Lanes>(
    segments: &[Segment],
    weights: &Packed,
    bias: Option<&[f32]>,
    out: &mut [f32],
    out_stride: usize,
    count: usize,
) {
    let lanes = weights.lanes();
    segments.iter().for_each(|segment| segment.check(count));
    assert_eq!(segments.iter().map(|segment| segment.length).sum::<usize>() * lanes, weights.values().len());
    assert!(count == 0 || (count - 1) * out_stride + lanes <= out.len(), "{count} pixels of {lanes} lanes");
    assert!(bias.is_none_or(|bias| bias.len() == lanes));
    let mut block = 0;
    while block < lanes {
        let blocks = ((lanes - block) / LANES).min(if L::WIDE { 4 } else { 2 });
        let mut p = 0;
        while p < count {
            let left = count - p;
            let work = Tile { segments, weights, bias, out_stride, p, block };
            // SAFETY: every place a tile reads or writes is inside the lengths just checked.
            p += unsafe {
                match (blocks, left) {
                    (3.., 6..) if blocks == 4 => work.run::<L, 6, 4>(out),
                    (3.., 4..) if blocks == 4 => work.run::<L, 4, 4>(out),
                    (3.., 2..) if blocks == 4 => work.run::<L, 2, 4>(out),
                    (3.., _) if blocks == 4 => work.run::<L, 1, 4>(out),
                    (2.., 12..) if L::WIDE => work.run::<L, 12, 2>(out),
                    (2.., 6..) if L::WIDE => work.run::<L, 6, 2>(out),
                    (2.., 3..) => work.run::<L, 3, 2>(out),
                    (2.., _) => work.run::<L, 1, 2>(out),
                    (_, 12..) if L::WIDE => work.run::<L, 12, 1>(out),
                    (_, 6..) => work.run::<L, 6, 1>(out),
                    (_, 3..) => work.run::<L, 3, 1>(out),
                    _ => work.run::<L, 1, 1>(out),
                }
            };
        }
        block += LANES * if blocks == 3 { 2 } else { blocks };
    }
}

struct Tile<'a> {
    segments: &'a [Segment<'a>],
    weights: &'a Packed,
    bias: Option<&'a [f32]>,
    out_stride: usize,
    p: usize,
    block: usize,
}

impl Tile<'_> {
    /// `P` pixels times `B` blocks of outputs, all held in registers. Gives `P`.
    #[inline(always)]
    unsafe fn run<L: Lanes, const P: usize, const B: usize>(&self, out: &mut [f32]) -> usize {
        unsafe {
            let out = out.as_mut_ptr().add(self.p * self.out_stride + self.block);
            let mut sums = [[L::zero(); B]; P];
            for p in 0..P {
                for b in 0..B {
                    sums[p][b] = L::load_at(match self.bias {
                        Some(bias) => bias.as_ptr().add(self.block + b * LANES),
                        None => out.add(p * self.out_stride + b * LANES),
                    });
                }
            }
            let mut weights = self.weights.values().as_ptr().add(self.block);
            for segment in self.segments {
                let inputs = segment.values.as_ptr().add(self.p * segment.stride);
                for k in 0..segment.length {
                    let mut row = [L::zero(); B];
                    for b in 0..B {
                        row[b] = L::load_at(weights.add(b * LANES));
                    }
                    for p in 0..P {
                        let input = *inputs.add(p * segment.stride + k);
                        for b in 0..B {
                            sums[p][b] = sums[p][b].add_product(input, row[b]);
                        }
                    }
                    weights = weights.add(self.weights.lanes());
                }
            }
            for p in 0..P {
                for b in 0..B {
                    sums[p][b].store_at(out.add(p * self.out_stride + b * LANES));
                }
            }
        }
        P
    }
}

/// `gradient[k] += Σ pixels seen[pixel, k] · delta[pixel]`, over the pixels of every line of `lines`; `gradient` is
/// `[length, lanes]` and `delta` has `lanes` features. `seen` and `deltas` give a line's part of each.
///
/// # Safety
/// The processor has the instructions of `L`.
#[inline(always)]
pub unsafe fn weight_gradient<'a, L: Lanes>(
    lines: &[(Segment<'a>, Segment<'a>, usize)],
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
        let blocks = ((lanes - block) / LANES).min(if L::WIDE { 4 } else { 2 });
        let blocks = if blocks == 3 { 2 } else { blocks };
        let mut k = 0;
        while k < length {
            let left = length - k;
            // SAFETY: as above.
            k += unsafe {
                match (blocks, left) {
                    (4, 6..) => outer::<L, 6, 4>(lines, lanes, gradient, k, block),
                    (4, 4..) => outer::<L, 4, 4>(lines, lanes, gradient, k, block),
                    (4, _) => outer::<L, 1, 4>(lines, lanes, gradient, k, block),
                    (2, 12..) if L::WIDE => outer::<L, 12, 2>(lines, lanes, gradient, k, block),
                    (2, 4..) => outer::<L, 4, 2>(lines, lanes, gradient, k, block),
                    (2, _) => outer::<L, 1, 2>(lines, lanes, gradient, k, block),
                    (_, 12..) if L::WIDE => outer::<L, 12, 1>(lines, lanes, gradient, k, block),
                    (_, 4..) => outer::<L, 4, 1>(lines, lanes, gradient, k, block),
                    _ => outer::<L, 1, 1>(lines, lanes, gradient, k, block),
                }
            };
        }
        block += blocks * LANES;
    }
}

/// `R` rows of the gradient times `B` blocks of outputs, summed over every pixel in registers. Gives `R`.
#[inline(always)]
unsafe fn outer<L: Lanes, const R: usize, const B: usize>(
    lines: &[(Segment, Segment, usize)],
    lanes: usize,
    gradient: &mut [f32],
    k: usize,
    block: usize,
) -> usize {
    unsafe {
        let mut sums = [[L::zero(); B]; R];
        for (seen, delta, count) in lines {
            let (inputs, deltas) = (seen.values.as_ptr().add(k), delta.values.as_ptr().add(block));
            for p in 0..*count {
                let mut row = [L::zero(); B];
                for b in 0..B {
                    row[b] = L::load_at(deltas.add(p * delta.stride + b * LANES));
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
                L::load_at(place).add_product(1.0, sums[r][b]).store_at(place);
            }
        }
    }
    R
}
