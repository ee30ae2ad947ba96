//! A masked convolution over one image, forward and backward, on plain slices.
//!
//! The inputs that one kernel row needs lie in one stretch of memory. A convolution is then one contraction: every output
//! pixel multiplies a few stretches with the rows of a packed weight matrix, and masked taps are not in the matrix at all.
//! The gradient of the input is the same contraction with the kernel turned around.

use crate::cpu::contract::{Packed, Start, contract, weight_gradient};
use crate::cpu::frame::{Frame, padded};
use crate::cpu::vector::{LANES, Vector, Vectorised, vectorised};
use std::ops::Range;

/// A kernel row: how far below the output pixel it lies, and how far to the right its columns do.
type KernelRow = (isize, Range<isize>);

/// Which pixels a convolution sees. Tap t is the t-th kernel position in reading order; the unmasked ones are the first of
/// them.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// Height and width of the kernel, both odd.
    pub kernel: [usize; 2],
    /// Whether any weight at the kernel's centre is unmasked.
    pub centre: bool,
}

impl Reach {
    /// The pixel itself.
    pub const POINT: Self = Self { kernel: [1, 1], centre: true };

    fn taps(self) -> usize {
        let [height, width] = self.kernel;
        height / 2 * width + width / 2 + usize::from(self.centre)
    }

    /// The kernel rows above, whole, then the current one up to the centre.
    fn rows(self) -> Vec<KernelRow> {
        let [above, beside] = self.kernel.map(|side| (side / 2) as isize);
        let whole = (-above..0).map(|row| (row, -beside..beside + 1));
        whole.chain([(0, -beside..isize::from(self.centre))]).filter(|(_, columns)| !columns.is_empty()).collect()
    }

    /// The same reach seen from the input: the current row from the centre on, then the rows below, whole.
    fn turned(self) -> Vec<KernelRow> {
        let turn = |(row, columns): &KernelRow| (-row, 1 - columns.end..1 - columns.start);
        self.rows().iter().rev().map(turn).collect()
    }

    /// The frame of an image `[height, width]` whose border this kernel reaches: above the image, or below it when turned.
    /// A 1×1 kernel knows no rows: to it the image is one long row.
    fn frame(self, [height, width]: [usize; 2], channels: usize, turned: bool) -> Frame {
        if self.kernel == [1, 1] {
            return Frame::new([1, height * width, channels], [0; 4]);
        }
        let [row, side] = self.kernel.map(|side| side / 2);
        let [above, below] = if turned { [0, row] } else { [row, 0] };
        Frame::new([height, width, channels], [above, below, side, side])
    }
}

/// Some features of an image with a border of zeros, so that the inner loops need not ask where the image ends.
pub struct Input {
    frame: Frame,
    values: Vec<f32>,
}

impl Input {
    /// Copies the features from `first` on of each pixel of `image`, `[height, width, features]`, applying a ReLU on the way
    /// if asked.
    fn new(frame: Frame, image: &[f32], [first, features]: [usize; 2], relu: bool) -> Self {
        let (mut values, length) = (vec![0.0; frame.len()], frame.width * frame.channels);
        for (y, row) in image.chunks_exact(frame.width * features).enumerate() {
            let target = &mut values[frame.at(y as isize, 0)..][..length];
            if features == frame.channels {
                target.copy_from_slice(row);
            } else {
                for (target, pixel) in target.chunks_exact_mut(frame.channels).zip(row.chunks_exact(features)) {
                    target.copy_from_slice(&pixel[first..first + frame.channels]);
                }
            }
            if relu {
                target.iter_mut().for_each(|value| *value = value.max(0.0));
            }
        }
        Self { frame, values }
    }

    /// The backward pass of the ReLU this image went through: zeroes `gradient`, `[height, width, channels]`, wherever
    /// the image is zero.
    pub fn gate(&self, gradient: &mut [f32]) {
        let length = self.frame.width * self.frame.channels;
        for (y, row) in gradient.chunks_exact_mut(length).enumerate() {
            for (value, seen) in row.iter_mut().zip(&self.values[self.frame.at(y as isize, 0)..]) {
                *value = if *seen > 0.0 { *value } else { 0.0 };
            }
        }
    }
}

/// Where a convolution stands in flat weights, and what it is.
#[derive(Clone, Copy)]
pub struct Take {
    /// Features in and out.
    pub features: [usize; 2],
    /// What it sees.
    pub reach: Reach,
    /// Convolutions of these features, side by side.
    pub parts: usize,
    /// Whether biases stand behind the weights of each part.
    pub bias: bool,
    /// Outputs behind theirs that stay zero.
    pub zeros: usize,
}

/// The weights of a convolution, packed for both passes.
pub struct Convolution {
    reach: Reach,
    /// Features in.
    pub c_in: usize,
    /// Features out.
    pub c_out: usize,
    forward: Packed,
    turned: Packed,
    /// A value for each output; zero where there is no bias.
    pub bias: Vec<f32>,
    /// Part by part: its features, and where its weights and its biases start in the flat weights.
    parts: Vec<(usize, usize, Option<usize>)>,
}

impl Convolution {
    /// Takes the weights, `[c_out, c_in, kernel height, kernel width]`, that begin at `start`, and moves it behind them.
    pub fn take(flat: &[f32], start: &mut usize, take: Take) -> Self {
        let Take { features: [c_in, c_out], reach, parts, bias: has_bias, zeros } = take;
        let (area, taps) = (reach.kernel[0] * reach.kernel[1], reach.taps());
        let mut places = Vec::new();
        let mut bias = Vec::new();
        for _ in 0..parts {
            let end = *start + c_in * c_out * area;
            places.push((c_out, *start, has_bias.then_some(end)));
            *start = end;
            if has_bias {
                bias.extend_from_slice(&flat[end..end + c_out]);
                *start += c_out;
            }
        }
        let width = c_out * parts + zeros;
        bias.resize(width, 0.0);
        let weight = |out: usize, input: usize, tap: usize| match places.get(out / c_out) {
            Some((_, start, _)) => flat[start + ((out % c_out) * c_in + input) * area + tap],
            None => 0.0,
        };
        let forward = Packed::new(taps * c_in, width, |row, out| weight(out, row % c_in, row / c_in));
        // The kernel turned around reads its taps backwards.
        let turned = Packed::new(taps * width, c_in, |row, input| weight(row % width, input, taps - 1 - row / width));
        Self { reach, c_in, c_out: width, forward, turned, bias, parts: places }
    }

    /// What this convolution reads of an image `[height, width, features]`: its features from `first` on, rectified if asked.
    pub fn input(&self, image: &[f32], [height, width]: [usize; 2], first: usize, relu: bool) -> Input {
        let features = image.len() / (height * width);
        Input::new(self.reach.frame([height, width], self.c_in, false), image, [first, features], relu)
    }

    /// Adds the convolution, without the bias, to `out`, `[height, width, c_out]`.
    pub fn add(&self, input: &Input, out: &mut [f32]) {
        vectorised(Convolve { input, rows: &self.reach.rows(), weights: &self.forward, out, features: self.c_out });
    }

    /// Bias and convolution, `[height, width, c_out]`.
    pub fn forward(&self, input: &Input) -> Vec<f32> {
        let mut out = self.bias.repeat(input.frame.height * input.frame.width);
        self.add(input, &mut out);
        out
    }

    /// Adds the gradient of the input, `[height, width, c_in]`, to `out`, from that of the output, `[height, width, c_out]`.
    pub fn add_backward(&self, delta: &[f32], size: [usize; 2], out: &mut [f32]) {
        let frame = self.reach.frame(size, self.c_out, true);
        let input = Input::new(frame, delta, [0, self.c_out], false);
        let rows = self.reach.turned();
        vectorised(Convolve { input: &input, rows: &rows, weights: &self.turned, out, features: self.c_in });
    }

    /// The gradient of the input, `[height, width, c_in]`.
    pub fn backward(&self, delta: &[f32], size: [usize; 2]) -> Vec<f32> {
        let mut out = vec![0.0; size[0] * size[1] * self.c_in];
        self.add_backward(delta, size, &mut out);
        out
    }

    /// Adds the gradients of the weights to their places in `flat`. `delta` is `[height, width, c_out]`.
    pub fn weight_gradient(&self, input: &Input, delta: &[f32], flat: &mut [f32]) {
        let (delta, lanes) = (padded(delta, self.c_out), self.c_out.next_multiple_of(LANES));
        let mut sums = vec![0.0; self.reach.taps() * self.c_in * lanes];
        vectorised(WeightGradient { input, rows: &self.reach.rows(), delta: &delta, lanes, sums: &mut sums });
        let (area, mut first) = (self.reach.kernel[0] * self.reach.kernel[1], 0);
        for &(width, weights, _) in &self.parts {
            for (row, sums) in sums.chunks_exact(lanes).enumerate() {
                let (input, tap) = (row % self.c_in, row / self.c_in);
                for (out, value) in sums[first..first + width].iter().enumerate() {
                    flat[weights + (out * self.c_in + input) * area + tap] += value;
                }
            }
            first += width;
        }
    }

    /// Adds the gradients of the biases to their places in `flat`. `delta` is `[pixels, c_out]`.
    pub fn bias_gradient(&self, delta: &[f32], flat: &mut [f32]) {
        let mut sums = vec![0.0; self.c_out];
        for pixel in delta.chunks_exact(self.c_out) {
            sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
        }
        let mut first = 0;
        for &(width, _, biases) in &self.parts {
            if let Some(biases) = biases {
                flat[biases..biases + width].iter_mut().zip(&sums[first..]).for_each(|(sum, value)| *sum += value);
            }
            first += width;
        }
    }
}

/// `out[pixel] += Σ kernel rows · weights`.
struct Convolve<'a> {
    input: &'a Input,
    rows: &'a [KernelRow],
    weights: &'a Packed,
    out: &'a mut [f32],
    /// Of an output pixel.
    features: usize,
}

impl Vectorised for Convolve<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self { input: Input { frame, values }, rows, weights, out, features } = self;
        for (line, out) in frame.rows().zip(out.chunks_exact_mut(frame.width * features)) {
            let seen = |(y, x): &KernelRow| frame.seen(values, &line, (*y, x.start), x.len() * frame.channels);
            let seen: Vec<_> = rows.iter().map(seen).collect();
            unsafe { contract::<V>(&seen, weights, Start::Zero, out, features, line.count) };
        }
    }
}

/// `sums[k] += Σ pixels input[pixel, k] · delta[pixel]`; `delta` is `[pixels, lanes]`.
struct WeightGradient<'a> {
    input: &'a Input,
    rows: &'a [KernelRow],
    delta: &'a [f32],
    lanes: usize,
    sums: &'a mut [f32],
}

impl Vectorised for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self { input: Input { frame, values }, rows, delta, lanes, mut sums } = self;
        let delta_frame = Frame::new([frame.height, frame.width, lanes], [0; 4]);
        for (y, x) in rows {
            let length = x.len() * frame.channels;
            let lines: Vec<_> = (frame.rows())
                .map(|line| {
                    let seen = frame.seen(values, &line, (*y, x.start), length);
                    (seen, delta_frame.seen(delta, &line, (0, 0), lanes), line.count)
                })
                .collect();
            let of_row;
            (of_row, sums) = sums.split_at_mut(length * lanes);
            unsafe { weight_gradient::<V>(&lines, lanes, of_row) };
        }
    }
}
