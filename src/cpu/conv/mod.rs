//! A masked convolution for the CPU as one operation, with its backward pass.
//!
//! burn's own convolution on `flex` multiplies masked weights too and, at the paper's small widths, spends most of its
//! time moving data. This one takes the ReLU that stands before a convolution in the paper's blocks along. The tests in
//! `nn/masked_conv.rs` hold it to the plain one.

mod block;
mod convolution;

pub use block::{ConvBlockShape, conv_block};

use super::operation::{Image, Operation, Prepared, apply};
use burn::tensor::Tensor;
use convolution::{Convolution, Reach, Take};

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
    let operation = MaskedConv { features: [c_in, c_out], reach: Reach { kernel: [kernel_h, kernel_w], centre }, relu };
    apply(operation, x, Tensor::cat(vec![weight.flatten(0, 3), bias], 0))
}

#[derive(Debug)]
struct MaskedConv {
    features: [usize; 2],
    reach: Reach,
    relu: bool,
}

impl Operation for MaskedConv {
    fn prepare<'a>(&'a self, image: [usize; 3], flat: &'a [f32], backward: bool) -> Box<dyn Prepared + 'a> {
        let ([height, width, found], &Self { features, reach, relu }) = (image, self);
        assert_eq!(found, features[0], "the input has {found} features, the weight expects {}", features[0]);
        let take = Take { features, reach, parts: 1, bias: true, zeros: 0 };
        let conv = Convolution::take(flat, &mut 0, take);
        Box::new(PreparedConv { conv, relu, size: [height, width], parameters: flat.len(), backward })
    }
}

struct PreparedConv {
    conv: Convolution,
    relu: bool,
    size: [usize; 2],
    parameters: usize,
    /// Whether the gradient of the images is wanted.
    backward: bool,
}

impl Prepared for PreparedConv {
    fn output(&self) -> [usize; 3] {
        [self.size[0], self.size[1], self.conv.c_out]
    }

    fn forward(&self, _: usize, x: &[f32], out: &mut [f32], _: &mut [f32]) {
        out.chunks_exact_mut(self.conv.c_out).for_each(|pixel| pixel.copy_from_slice(&self.conv.bias));
        self.conv.add(&self.conv.input(x, self.size, 0, self.relu), out);
    }

    fn backward(&self, Image { x, .. }: Image, delta: &[f32], gradient: &mut [f32]) -> Vec<f32> {
        let input = self.conv.input(x, self.size, 0, self.relu);
        let mut flat = vec![0.0; self.parameters];
        self.conv.weight_gradient(&input, delta, &mut flat);
        if self.backward {
            self.conv.add_backward(delta, self.size, gradient);
            if self.relu {
                input.gate(gradient);
            }
        }
        flat
    }

    fn backward_of_batch(&self, delta: &[f32], flat: &mut [f32]) {
        self.conv.bias_gradient(delta, flat);
    }
}
