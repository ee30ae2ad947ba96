//! The residual block of PixelCNN for the CPU as one operation, with its backward pass.
//!
//! Image by image, everything between a block's input and its output stays in the processor's cache, and the backward pass
//! computes the two inner feature maps again instead of keeping them. A block reads and writes one *stream*: the 2h features
//! of the residual connection and, behind them, the 2h features of the sum of skip connections where there is one.

use super::convolution::{Convolution, Input, Reach, Take};
use crate::cpu::operation::{Image, Operation, Prepared, apply};
use burn::tensor::Tensor;

/// The widths of a block.
#[derive(Clone, Copy, Debug)]
pub struct ConvBlockShape {
    /// The paper's h.
    pub h: usize,
    /// Side of the middle convolution.
    pub kernel: usize,
    /// Features of the conditioning map at the end of the stream; 0 for none.
    pub maps: usize,
}

/// The stream after a block.
///
/// # Shapes
/// - `stream`, output: `[batch, 2h or 4h, height, width]`, and `maps` features of the conditioning map behind these, which
///   come out as they went in
/// - `weights`: the masked weights and biases of the block, flattened one after another: 1×1 2h → h, k×k h → h, 1×1
///   h → 2h and, where there are 4h features, 1×1 h → 2h for the skip connection; then the weights maps → h without a bias
pub fn conv_block(stream: Tensor<4>, weights: Tensor<1>, shape: ConvBlockShape) -> Tensor<4> {
    apply(shape, stream, weights)
}

impl Operation for ConvBlockShape {
    fn prepare<'a>(&'a self, image: [usize; 3], weights: &'a [f32], _: bool) -> Box<dyn Prepared + 'a> {
        Box::new(Block::new(*self, image, weights))
    }
}

impl Prepared for Block {
    fn output(&self) -> [usize; 3] {
        self.shape
    }

    fn forward(&self, _: usize, x: &[f32], stream: &mut [f32], _: &mut [f32]) {
        stream.copy_from_slice(x);
        for pixel in stream.chunks_exact_mut(self.shape[2]) {
            pixel.iter_mut().zip(&self.expand.bias).for_each(|(value, bias)| *value += bias);
        }
        self.expand.add(&self.inside(x).third, stream);
    }

    fn backward(&self, image: Image, delta: &[f32], gradient: &mut [f32]) -> Vec<f32> {
        gradient.copy_from_slice(delta);
        self.backward_in_place(image.x, gradient)
    }
}

/// A block's weights and the size of the images it works on.
struct Block {
    /// Height, width and features of an image of the stream.
    shape: [usize; 3],
    reduce: Convolution,
    conv: Convolution,
    expand: Convolution,
    condition: Option<Convolution>,
    parameters: usize,
}

/// The inputs of the convolutions, rectified but for the conditioning map.
struct Inside {
    first: Input,
    second: Input,
    third: Input,
    condition: Option<Input>,
}

impl Block {
    fn new(ConvBlockShape { h, kernel, maps }: ConvBlockShape, shape: [usize; 3], flat: &[f32]) -> Self {
        let (residual, features) = (2 * h, shape[2] - maps);
        assert!(features == residual || features == 2 * residual, "a stream of {features} features, h is {h}");
        let start = &mut 0;
        let point = |features| Take { features, reach: Reach::POINT, parts: 1, bias: true, zeros: 0 };
        let reduce = Convolution::take(flat, start, point([residual, h]));
        let reach = Reach { kernel: [kernel, kernel], centre: true };
        let conv = Convolution::take(flat, start, Take { reach, ..point([h, h]) });
        let parts = features / residual;
        let expand = Convolution::take(flat, start, Take { parts, zeros: maps, ..point([h, residual]) });
        let condition = (maps > 0).then(|| Convolution::take(flat, start, Take { bias: false, ..point([maps, h]) }));
        assert_eq!(*start, flat.len(), "a block of width {h} has {start} weights");
        Self { shape, reduce, conv, expand, condition, parameters: flat.len() }
    }

    fn size(&self) -> [usize; 2] {
        [self.shape[0], self.shape[1]]
    }

    fn inside(&self, stream: &[f32]) -> Inside {
        let size = self.size();
        let first = self.reduce.input(stream, size, 0, true);
        let second = self.conv.input(&self.reduce.forward(&first), size, 0, true);
        let mut features = self.conv.forward(&second);
        let condition = self.condition.as_ref().map(|layer| {
            let condition = layer.input(stream, size, self.shape[2] - layer.c_in, false);
            layer.add(&condition, &mut features);
            condition
        });
        let third = self.expand.input(&features, size, 0, true);
        Inside { first, second, third, condition }
    }

    /// One image: turns the gradient of the output into that of the input, in place, and returns that of the weights.
    fn backward_in_place(&self, stream: &[f32], delta: &mut [f32]) -> Vec<f32> {
        let size = self.size();
        let Inside { first, second, third, condition } = self.inside(stream);
        let mut flat = vec![0.0; self.parameters];
        let mut gradient = |layer: &Convolution, input: &Input, delta: &[f32]| {
            layer.weight_gradient(input, delta, &mut flat);
            layer.bias_gradient(delta, &mut flat);
        };

        gradient(&self.expand, &third, delta);
        let mut delta_conv = self.expand.backward(delta, size);
        third.gate(&mut delta_conv);

        if let (Some(layer), Some(condition)) = (&self.condition, &condition) {
            gradient(layer, condition, &delta_conv);
            self.add(delta, self.shape[2] - layer.c_in, &layer.backward(&delta_conv, size));
        }

        gradient(&self.conv, &second, &delta_conv);
        let mut delta_reduce = self.conv.backward(&delta_conv, size);
        second.gate(&mut delta_reduce);

        gradient(&self.reduce, &first, &delta_reduce);
        let mut delta_residual = self.reduce.backward(&delta_reduce, size);
        first.gate(&mut delta_residual);
        self.add(delta, 0, &delta_residual);
        flat
    }

    /// Adds `[pixels, features]` to the features of the stream from `first` on.
    fn add(&self, stream: &mut [f32], first: usize, added: &[f32]) {
        let features = added.len() / (self.shape[0] * self.shape[1]);
        for (pixel, added) in stream.chunks_exact_mut(self.shape[2]).zip(added.chunks_exact(features)) {
            pixel[first..].iter_mut().zip(added).for_each(|(value, added)| *value += added);
        }
    }
}
