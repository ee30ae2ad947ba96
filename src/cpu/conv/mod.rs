//! A masked convolution for the CPU as one operation, with its backward pass.
//!
//! burn's own convolution on `flex` multiplies masked weights too and, at the paper's small widths, spends most of its
//! time moving data. This one takes the ReLU that stands before a convolution in the paper's blocks along. The tests in
//! `nn/masked_conv.rs` hold it to the plain one.

mod block;
mod kernel;
mod lanes;

pub use block::{BlockShape, conv_block};
pub(super) use kernel::{LANES, Packed, Processor};
pub(super) use lanes::Lanes;

use super::operation::{Image, Kernel, Operation, apply};
use burn::tensor::Tensor;
use kernel::{Padded, Run, contract, weight_gradient};

/// Convolves `relu(x)`, or `x`, with an already masked weight, seeing nothing below or right of the output pixel.
/// `centre`: whether any weight at the kernel's centre is unmasked.
///
/// # Shapes
/// - `x`: `[batch, c_in, height, width]`
/// - `weight`: `[c_out, c_in, kernel_height, kernel_width]`, odd sides, zero after the centre
/// - `bias`: `[c_out]`
/// - output: `[batch, c_out, height, width]`
pub fn masked_conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, relu: bool, centre: bool) -> Tensor<4> {
    let [c_out, c_in, kernel_h, kernel_w] = weight.dims();
    let operation = MaskedConv { features: [c_in, c_out], kernel: [kernel_h, kernel_w], relu, centre };
    apply(operation, x, Tensor::cat(vec![weight.flatten(0, 3), bias], 0))
}

#[derive(Debug)]
struct MaskedConv {
    features: [usize; 2],
    kernel: [usize; 2],
    relu: bool,
    centre: bool,
}

impl Operation for MaskedConv {
    fn kernel<'a>(
        &'a self,
        [height, width, features]: [usize; 3],
        flat: &'a [f32],
        backward: bool,
    ) -> Box<dyn Kernel + 'a> {
        let [c_in, c_out] = self.features;
        assert_eq!(features, c_in, "the input has {features} features, the weight expects {c_in}");
        let geometry = Geometry { sizes: [height, width, c_in, c_out], kernel: self.kernel, centre: self.centre };
        let (weight, bias) = flat.split_at(flat.len() - c_out);
        let packed = Packed::new(geometry.taps() * c_in, c_out, |row, out| {
            weight[geometry.weight_at(out, row % c_in, row / c_in)]
        });
        // The kernel turned around: from an output back to the inputs it saw.
        let turned = backward.then(|| {
            Packed::new(geometry.taps() * c_out, c_in, |row, input| {
                weight[geometry.weight_at(row % c_out, input, geometry.turned_tap(row / c_out))]
            })
        });
        Box::new(MaskedConvKernel { relu: self.relu, geometry, packed, turned, bias, weights: weight.len() })
    }
}

struct MaskedConvKernel<'a> {
    relu: bool,
    geometry: Geometry,
    packed: Packed,
    /// Where the gradient of the images is wanted.
    turned: Option<Packed>,
    bias: &'a [f32],
    /// Weights before the biases.
    weights: usize,
}

impl Kernel for MaskedConvKernel<'_> {
    fn output(&self) -> [usize; 3] {
        let [height, width, _, c_out] = self.geometry.sizes;
        [height, width, c_out]
    }

    fn forward(&self, _: usize, x: &[f32], out: &mut [f32], _: &mut [f32]) {
        let (geometry, [top, side], c_out) = (&self.geometry, self.geometry.border(), self.bias.len());
        let shape = geometry.image_shape(geometry.sizes[2]);
        out.chunks_exact_mut(c_out).for_each(|pixel| pixel.copy_from_slice(self.bias));
        contract(&Padded::new(x, shape, top, 0, side, self.relu), &geometry.runs(), &self.packed, out, c_out);
    }

    fn backward(&self, Image { x, .. }: Image, delta: &[f32], gradient: &mut [f32]) -> Vec<f32> {
        let (geometry, [border, side]) = (&self.geometry, self.geometry.border());
        let [height, width, c_in, c_out] = geometry.sizes;
        let lanes = c_out.next_multiple_of(LANES);
        let seen = Padded::new(x, geometry.image_shape(c_in), border, 0, side, self.relu);
        let lane_delta;
        let lane_delta = if lanes == c_out {
            delta
        } else {
            lane_delta = Packed::new(height * width, c_out, |pixel, out| delta[pixel * c_out + out]);
            lane_delta.values()
        };
        let mut sums = vec![0.0; geometry.taps() * c_in * lanes];
        weight_gradient(&seen, &geometry.runs(), lane_delta, lanes, &mut sums);
        let mut flat = vec![0.0; self.weights + c_out];
        for (row, sums) in sums.chunks_exact(lanes).enumerate() {
            for (out, value) in sums[..c_out].iter().enumerate() {
                flat[geometry.weight_at(out, row % c_in, row / c_in)] += value;
            }
        }
        if let Some(turned) = &self.turned {
            let delta = Padded::new(delta, geometry.image_shape(c_out), 0, border, side, false);
            contract(&delta, &geometry.turned_runs(), turned, gradient, c_in);
            if self.relu {
                gradient.iter_mut().zip(x).filter(|(_, x)| **x <= 0.0).for_each(|(gradient, _)| *gradient = 0.0);
            }
        }
        flat
    }

    fn backward_of_batch(&self, delta: &[f32], flat: &mut [f32]) {
        let bias = &mut flat[self.weights..];
        for pixel in delta.chunks_exact(bias.len()) {
            bias.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
        }
    }
}

/// Where the unmasked taps of a kernel lie. Tap t is the t-th kernel position in reading order; the unmasked ones are
/// the first of them.
struct Geometry {
    /// Height, width, features in, features out.
    sizes: [usize; 4],
    kernel: [usize; 2],
    centre: bool,
}

impl Geometry {
    fn taps(&self) -> usize {
        let [kernel_h, kernel_w] = self.kernel;
        kernel_h / 2 * kernel_w + kernel_w / 2 + usize::from(self.centre)
    }

    /// Rows and columns of zeros that the kernel can reach beyond the image.
    fn border(&self) -> [usize; 2] {
        [self.kernel[0] / 2, self.kernel[1] / 2]
    }

    /// Height, width and channels of one image. A 1×1 kernel knows no rows: to it the image is one long row.
    fn image_shape(&self, channels: usize) -> [usize; 3] {
        let [height, width, ..] = self.sizes;
        if self.kernel == [1, 1] { [1, height * width, channels] } else { [height, width, channels] }
    }

    /// Where weight (output, input, tap) lies in `[c_out, c_in, kernel_height, kernel_width]`.
    fn weight_at(&self, output: usize, input: usize, tap: usize) -> usize {
        let c_in = self.sizes[2];
        (output * c_in + input) * self.kernel[0] * self.kernel[1] + tap
    }

    /// The kernel rows above, whole, then the current one up to the centre.
    fn runs(&self) -> Vec<Run> {
        let [kernel_h, kernel_w] = self.kernel;
        let above = (0..kernel_h / 2).map(|row| Run { row, columns: 0..kernel_w });
        let current = Run { row: kernel_h / 2, columns: 0..kernel_w / 2 + usize::from(self.centre) };
        above.chain([current]).filter(|run| !run.columns.is_empty()).collect()
    }

    /// The same reach seen from the input: the current row from the centre on, then the rows below, whole.
    fn turned_runs(&self) -> Vec<Run> {
        let [kernel_h, kernel_w] = self.kernel;
        let current = Run { row: 0, columns: kernel_w / 2 + usize::from(!self.centre)..kernel_w };
        let below = (1..=kernel_h / 2).map(|row| Run { row, columns: 0..kernel_w });
        [current].into_iter().chain(below).filter(|run| !run.columns.is_empty()).collect()
    }

    /// The tap that stands at place `k` of the turned kernel: the turned kernel reads the taps backwards.
    fn turned_tap(&self, k: usize) -> usize {
        self.taps() - 1 - k
    }
}
