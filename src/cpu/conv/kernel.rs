//! The arithmetic of a masked convolution on the CPU, on plain slices, forward and backward.
//!
//! Activations are channels-last, `[height, width, channels]` an image, so that the inputs one kernel row needs lie in
//! one contiguous run of memory. A convolution is then one contraction: every output pixel multiplies a few runs
//! with the rows of a packed weight matrix, sixteen outputs at a time, and masked taps are not in the matrix at all.
//! The gradient of the input is the same contraction with the kernel turned around.

use super::lanes::Lanes;
use std::ops::Range;

/// Outputs computed side by side: one AVX-512 register, or two of AVX2, of `f32`.
pub const LANES: usize = 16;
/// Pixels computed side by side. Seven divides the 28 columns of MNIST and leaves an AVX2 register for the weights.
const PIXELS: usize = 7;
/// Rows of the weight gradient computed side by side.
const ROWS: usize = 16;

/// An image with a border of zeros, so that the inner loops need not ask where the image ends.
pub struct Padded {
    data: Vec<f32>,
    channels: usize,
    row_stride: usize,
    width: usize,
    top: usize,
    side: usize,
}

impl Padded {
    /// Copies `image`, `[height, width, channels]`, with `top`, `bottom` rows and `side` columns of zeros around it,
    /// applying a ReLU on the way if asked.
    pub fn new(
        image: &[f32],
        [height, width, channels]: [usize; 3],
        top: usize,
        bottom: usize,
        side: usize,
        relu: bool,
    ) -> Self {
        let row_stride = (width + 2 * side) * channels;
        let mut data = vec![0.0; (top + height + bottom) * row_stride];
        for (y, row) in image.chunks_exact(width * channels).enumerate() {
            let start = (y + top) * row_stride + side * channels;
            let target = &mut data[start..start + row.len()];
            if relu {
                target.iter_mut().zip(row).for_each(|(t, &s)| *t = s.max(0.0));
            } else {
                target.copy_from_slice(row);
            }
        }
        Self { data, channels, row_stride, width, top, side }
    }

    /// The backward pass of the ReLU this image went through: zeroes `gradient`, `[height, width, channels]`, wherever
    /// the image is zero.
    pub fn gate(&self, gradient: &mut [f32]) {
        let row_length = self.width * self.channels;
        for (y, row) in gradient.chunks_exact_mut(row_length).enumerate() {
            let start = (y + self.top) * self.row_stride + self.side * self.channels;
            for (value, seen) in row.iter_mut().zip(&self.data[start..start + row_length]) {
                *value = if *seen > 0.0 { *value } else { 0.0 };
            }
        }
    }
}

/// One kernel row: where its inputs start, counted from the output pixel's own place in the unpadded grid, and how
/// many values it spans.
#[derive(Clone)]
pub struct Run {
    /// Padded rows below the padded row that has the output pixel's number.
    pub row: usize,
    /// Padded columns right of the padded column that has the output pixel's number.
    pub columns: Range<usize>,
}

/// Weights `[taps × c_in, c_out]`, the outputs padded with zeros to a multiple of [`LANES`].
pub struct Packed {
    data: Vec<f32>,
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
        Self { data, lanes }
    }

    /// Values of a row.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// The packed values, row after row.
    pub fn values(&self) -> &[f32] {
        &self.data
    }
}

/// `out[pixel] += Σ runs · weights`, all channels-last.
pub fn contract(input: &Padded, runs: &[Run], weights: &Packed, out: &mut [f32], c_out: usize) {
    let work = Contraction { input, runs, weights, c_out };
    // SAFETY: each implementation is chosen only where the processor has its instructions.
    unsafe {
        match Processor::find() {
            #[cfg(target_arch = "x86_64")]
            Processor::Avx512 => contract_avx512(&work, out),
            #[cfg(target_arch = "x86_64")]
            Processor::Avx2 => contract_avx2(&work, out),
            Processor::Any => work.run::<[f32; LANES]>(out),
        }
    }
}

/// Adds one image's share of the weight gradient, `[taps × c_in, lanes]`, to `gradient`:
/// `gradient[k] += Σ pixels input[pixel, k] · delta[pixel]`. `delta` is `[pixels, lanes]`, padded like the weights.
pub fn weight_gradient(input: &Padded, runs: &[Run], delta: &[f32], lanes: usize, gradient: &mut [f32]) {
    let work = WeightGradient { input, runs, delta, lanes };
    // SAFETY: as above.
    unsafe {
        match Processor::find() {
            #[cfg(target_arch = "x86_64")]
            Processor::Avx512 => weight_gradient_avx512(&work, gradient),
            #[cfg(target_arch = "x86_64")]
            Processor::Avx2 => weight_gradient_avx2(&work, gradient),
            Processor::Any => work.run::<[f32; LANES]>(gradient),
        }
    }
}

/// The vector instructions to use.
pub enum Processor {
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What every processor of the kind has.
    Any,
}

impl Processor {
    /// What this processor has.
    pub fn find() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if std::is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Any
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn contract_avx512(work: &Contraction, out: &mut [f32]) {
    unsafe { work.run::<std::arch::x86_64::__m512>(out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn contract_avx2(work: &Contraction, out: &mut [f32]) {
    unsafe { work.run::<[std::arch::x86_64::__m256; 2]>(out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn weight_gradient_avx512(work: &WeightGradient, gradient: &mut [f32]) {
    unsafe { work.run::<std::arch::x86_64::__m512>(gradient) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn weight_gradient_avx2(work: &WeightGradient, gradient: &mut [f32]) {
    unsafe { work.run::<[std::arch::x86_64::__m256; 2]>(gradient) }
}

struct Contraction<'a> {
    input: &'a Padded,
    runs: &'a [Run],
    weights: &'a Packed,
    c_out: usize,
}

impl Contraction<'_> {
    /// # Safety
    /// The processor has the instructions of `L`.
    #[inline(always)]
    unsafe fn run<L: Lanes>(&self, out: &mut [f32]) {
        let width = self.input.width;
        for (y, row) in out.chunks_exact_mut(width * self.c_out).enumerate() {
            let mut x = 0;
            while x < width {
                let left = width - x;
                let count = if left >= PIXELS { PIXELS } else { left.min(4) };
                for block in (0..self.c_out).step_by(LANES) {
                    let place = (y, x, block);
                    unsafe {
                        match count {
                            PIXELS => self.tile::<L, PIXELS>(row, place),
                            4 => self.tile::<L, 4>(row, place),
                            3 => self.tile::<L, 3>(row, place),
                            2 => self.tile::<L, 2>(row, place),
                            _ => self.tile::<L, 1>(row, place),
                        }
                    }
                }
                x += count;
            }
        }
    }

    /// `P` pixels of one row times one block of outputs, all held in registers.
    #[inline(always)]
    unsafe fn tile<L: Lanes, const P: usize>(&self, row: &mut [f32], (y, x, block): (usize, usize, usize)) {
        let (input, stride) = (self.input, self.weights.lanes);
        let mut sums = [unsafe { L::zero() }; P];
        let mut first = 0;
        for run in self.runs {
            let length = run.columns.len() * input.channels;
            let start = (y + run.row) * input.row_stride + (x + run.columns.start) * input.channels;
            let pixels: [&[f32]; P] = std::array::from_fn(|p| &input.data[start + p * input.channels..][..length]);
            let rows = &self.weights.data[first * stride..(first + length) * stride];
            for (k, row) in rows.chunks_exact(stride).enumerate() {
                let weights = unsafe { L::load(row[block..block + LANES].try_into().expect("a block of lanes")) };
                for p in 0..P {
                    sums[p] = unsafe { sums[p].add_product(pixels[p][k], weights) };
                }
            }
            first += length;
        }
        let lanes = LANES.min(self.c_out - block);
        for (p, sum) in sums.into_iter().enumerate() {
            let mut values = [0.0; LANES];
            unsafe { sum.store(&mut values) };
            let target = &mut row[(x + p) * self.c_out + block..][..lanes];
            target.iter_mut().zip(values).for_each(|(t, value)| *t += value);
        }
    }
}

struct WeightGradient<'a> {
    input: &'a Padded,
    runs: &'a [Run],
    delta: &'a [f32],
    lanes: usize,
}

impl WeightGradient<'_> {
    /// # Safety
    /// The processor has the instructions of `L`.
    #[inline(always)]
    unsafe fn run<L: Lanes>(&self, gradient: &mut [f32]) {
        let mut rows = gradient.chunks_exact_mut(self.lanes);
        for run in self.runs {
            let length = run.columns.len() * self.input.channels;
            let start = run.row * self.input.row_stride + run.columns.start * self.input.channels;
            let mut k = 0;
            while k < length {
                let left = length - k;
                let count = if left >= ROWS {
                    ROWS
                } else if left >= 7 {
                    7
                } else {
                    left.min(4)
                };
                let mut targets: Vec<&mut [f32]> = rows.by_ref().take(count).collect();
                for block in (0..self.lanes).step_by(LANES) {
                    unsafe {
                        match count {
                            ROWS => self.tile::<L, ROWS>(start + k, block, &mut targets),
                            7 => self.tile::<L, 7>(start + k, block, &mut targets),
                            4 => self.tile::<L, 4>(start + k, block, &mut targets),
                            3 => self.tile::<L, 3>(start + k, block, &mut targets),
                            2 => self.tile::<L, 2>(start + k, block, &mut targets),
                            _ => self.tile::<L, 1>(start + k, block, &mut targets),
                        }
                    }
                }
                k += count;
            }
        }
    }

    /// `R` rows of the gradient times one block of outputs, summed over every pixel in registers.
    #[inline(always)]
    unsafe fn tile<L: Lanes, const R: usize>(&self, start: usize, block: usize, targets: &mut [&mut [f32]]) {
        let input = self.input;
        let mut sums = [unsafe { L::zero() }; R];
        for (y, deltas) in self.delta.chunks_exact(input.width * self.lanes).enumerate() {
            let row = &input.data[start + y * input.row_stride..];
            for (x, delta) in deltas.chunks_exact(self.lanes).enumerate() {
                let delta = unsafe { L::load(delta[block..block + LANES].try_into().expect("a block of lanes")) };
                let values: &[f32; R] = row[x * input.channels..][..R].try_into().expect("values of one run");
                for r in 0..R {
                    sums[r] = unsafe { sums[r].add_product(values[r], delta) };
                }
            }
        }
        for (target, sum) in targets.iter_mut().zip(sums) {
            let mut values = [0.0; LANES];
            unsafe { sum.store(&mut values) };
            target[block..block + LANES].iter_mut().zip(values).for_each(|(t, value)| *t += value);
        }
    }
}
