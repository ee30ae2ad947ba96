//! The residual block of PixelCNN for the CPU as one operation of burn, with its backward pass.
//!
//! Image by image, everything between a block's input and its output stays in the processor's cache, and the backward pass
//! computes the two inner feature maps again instead of keeping them. A block reads and writes one *stream*: the 2h features
//! of the residual connection and, behind them, the 2h features of the sum of skip connections where there is one.

use super::kernel::{LANES, Packed, Padded, Run, contract, weight_gradient};
use super::{channels_last, from_channels_last, tensor, values};
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;

/// The stream after a block.
///
/// # Shapes
/// - `stream`, output: `[batch, 2h or 4h, height, width]`
/// - `weights`: the masked weights and biases of the block, flattened one after another: 1×1 2h → h, k×k h → h, 1×1
///   h → 2h and, where the stream is 4h wide, 1×1 h → 2h for the skip connection
pub fn conv_block(stream: Tensor<4>, weights: Tensor<1>, h: usize, kernel: usize) -> Tensor<4> {
    let output = <Dispatch as ConvBlockOps>::conv_block(stream.into_dispatch(), weights.into_dispatch(), h, kernel);
    Tensor::from_dispatch(output)
}

/// The operation as burn dispatches it.
#[backend_extension(Flex, Autodiff)]
pub trait ConvBlockOps: Backend {
    /// See [`conv_block`].
    fn conv_block(stream: FloatTensor<Self>, weights: FloatTensor<Self>, h: usize, kernel: usize) -> FloatTensor<Self>;

    /// Gradients of the stream and the weights, given that of the output.
    fn conv_block_backward(
        stream: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        delta: FloatTensor<Self>,
        h: usize,
        kernel: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

impl ConvBlockOps for Flex {
    fn conv_block(stream: FlexTensor, weights: FlexTensor, h: usize, kernel: usize) -> FlexTensor {
        let block = Block::new(&stream, values(&weights), h, kernel);
        let mut output = values(&channels_last(stream)).to_vec();
        output.par_chunks_mut(block.pixels() * block.stream).for_each(|stream| {
            let (_, _, features) = block.inside(stream);
            block.add_bias(stream, &block.expand.bias);
            contract(&features, &[block.point()], &block.expand.forward, stream, block.stream);
        });
        from_channels_last(output, block.shape)
    }

    fn conv_block_backward(
        stream: FlexTensor,
        weights: FlexTensor,
        delta: FlexTensor,
        h: usize,
        kernel: usize,
    ) -> (FlexTensor, FlexTensor) {
        let block = Block::new(&stream, values(&weights), h, kernel);
        let stream = channels_last(stream);
        let mut gradient = values(&channels_last(delta)).to_vec();
        let image = block.pixels() * block.stream;
        // One partial sum an image, added up in order: the result does not depend on the number of threads.
        let partials: Vec<Vec<f32>> = gradient
            .par_chunks_mut(image)
            .zip(values(&stream).par_chunks(image))
            .map(|(delta, stream)| block.backward(stream, delta))
            .collect();
        let mut sum = vec![0.0; values(&weights).len()];
        for partial in &partials {
            sum.iter_mut().zip(partial).for_each(|(sum, value)| *sum += value);
        }
        let length = sum.len();
        (from_channels_last(gradient, block.shape), tensor(sum, &[length]))
    }
}

impl<B: ConvBlockOps, C: CheckpointStrategy> ConvBlockOps for Autodiff<B, C> {
    fn conv_block(stream: FloatTensor<Self>, weights: FloatTensor<Self>, h: usize, kernel: usize) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct ConvBlock;

        impl<B: ConvBlockOps> Backward<B, 2> for ConvBlock {
            type State = (FloatTensor<B>, FloatTensor<B>, usize, usize);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let delta = grads.consume::<B>(&ops.node);
                let (stream, weights, h, kernel) = ops.state;
                let (stream, weights) = B::conv_block_backward(stream, weights, delta, h, kernel);
                for (node, gradient) in ops.parents.into_iter().zip([stream, weights]) {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, gradient);
                    }
                }
            }
        }

        let nodes = [stream.node(), weights.node()];
        let (stream, weights) = (stream.into_primitive(), weights.into_primitive());
        match ConvBlock.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let output = B::conv_block(stream.clone(), weights.clone(), h, kernel);
                prep.finish((stream, weights, h, kernel), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::conv_block(stream, weights, h, kernel)),
        }
    }

    fn conv_block_backward(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: usize,
        _: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("a backward pass is not differentiated again")
    }
}

/// One convolution of the block, packed for both directions.
struct Layer {
    c_in: usize,
    c_out: usize,
    taps: usize,
    /// Kernel positions a pair of features has in the flat weights, masked ones counted.
    area: usize,
    forward: Packed,
    backward: Packed,
    bias: Vec<f32>,
    /// Where its weights start in the flat tensor, part by part: the features out of each part, its weights, its biases.
    parts: Vec<(usize, usize, usize)>,
}

impl Layer {
    /// Takes `parts` convolutions of `c_out` outputs each from the flat weights, side by side.
    fn take(flat: &[f32], start: &mut usize, [c_in, c_out]: [usize; 2], kernel: usize, parts: usize) -> Self {
        let (area, taps) = (kernel * kernel, kernel / 2 * kernel + kernel / 2 + 1);
        let mut places = Vec::new();
        let mut bias = Vec::new();
        for _ in 0..parts {
            let biases = *start + c_in * c_out * area;
            places.push((c_out, *start, biases));
            bias.extend_from_slice(&flat[biases..biases + c_out]);
            *start = biases + c_out;
        }
        let weight = |out: usize, input: usize, tap: usize| {
            flat[places[out / c_out].1 + ((out % c_out) * c_in + input) * area + tap]
        };
        let width = c_out * parts;
        let forward = Packed::new(taps * c_in, width, |row, out| weight(out, row % c_in, row / c_in));
        // The kernel turned around reads its taps backwards.
        let backward = Packed::new(taps * width, c_in, |row, input| weight(row % width, input, taps - 1 - row / width));
        Self { c_in, c_out: width, taps, area, forward, backward, bias, parts: places }
    }

    /// Adds the gradients of one image to their places in `flat`. `delta` is `[pixels, c_out]`.
    fn gradient(&self, input: &Padded, runs: &[Run], delta: &[f32], flat: &mut [f32]) {
        let lanes = self.c_out.next_multiple_of(LANES);
        let padded;
        let delta_lanes = if lanes == self.c_out {
            delta
        } else {
            padded = Packed::new(delta.len() / self.c_out, self.c_out, |pixel, out| delta[pixel * self.c_out + out]);
            padded.values()
        };
        let mut rows = vec![0.0; self.taps * self.c_in * lanes];
        weight_gradient(input, runs, delta_lanes, lanes, &mut rows);
        let mut bias = vec![0.0; lanes];
        for pixel in delta_lanes.chunks_exact(lanes) {
            bias.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
        }
        let mut first = 0;
        for &(width, weights, biases) in &self.parts {
            for (row, values) in rows.chunks_exact(lanes).enumerate() {
                let (input, tap) = (row % self.c_in, row / self.c_in);
                for (out, value) in values[first..first + width].iter().enumerate() {
                    flat[weights + (out * self.c_in + input) * self.area + tap] += value;
                }
            }
            flat[biases..biases + width].iter_mut().zip(&bias[first..]).for_each(|(sum, value)| *sum += value);
            first += width;
        }
    }
}

/// A block's weights and the size of the images it works on.
struct Block {
    shape: [usize; 4],
    kernel: usize,
    /// Features of the residual connection.
    residual: usize,
    /// Features of the stream.
    stream: usize,
    reduce: Layer,
    conv: Layer,
    expand: Layer,
}

impl Block {
    fn new(stream: &FlexTensor, flat: &[f32], h: usize, kernel: usize) -> Self {
        let [batch, features, height, width] = stream.shape().dims();
        let residual = 2 * h;
        assert!(features == residual || features == 2 * residual, "a stream of {features} features, h is {h}");
        let start = &mut 0;
        let reduce = Layer::take(flat, start, [residual, h], 1, 1);
        let conv = Layer::take(flat, start, [h, h], kernel, 1);
        let expand = Layer::take(flat, start, [h, residual], 1, features / residual);
        assert_eq!(*start, flat.len(), "a block of width {h} has {start} weights");
        Self { shape: [batch, height, width, features], kernel, residual, stream: features, reduce, conv, expand }
    }

    fn pixels(&self) -> usize {
        self.shape[1] * self.shape[2]
    }

    /// The one run of a 1×1 kernel; to it the image is one long row.
    fn point(&self) -> Run {
        Run { row: 0, columns: 0..1 }
    }

    fn runs(&self) -> Vec<Run> {
        let above = (0..self.kernel / 2).map(|row| Run { row, columns: 0..self.kernel });
        above.chain([Run { row: self.kernel / 2, columns: 0..self.kernel / 2 + 1 }]).collect()
    }

    fn turned_runs(&self) -> Vec<Run> {
        let below = (1..=self.kernel / 2).map(|row| Run { row, columns: 0..self.kernel });
        [Run { row: 0, columns: self.kernel / 2..self.kernel }].into_iter().chain(below).collect()
    }

    fn add_bias(&self, pixels: &mut [f32], bias: &[f32]) {
        for pixel in pixels.chunks_exact_mut(bias.len()) {
            pixel.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
        }
    }

    /// The rectified inputs of the three convolutions.
    fn inside(&self, stream: &[f32]) -> (Padded, Padded, Padded) {
        let [_, height, width, _] = self.shape;
        let (pixels, border) = (self.pixels(), self.kernel / 2);
        let mut residual = Vec::with_capacity(pixels * self.residual);
        stream.chunks_exact(self.stream).for_each(|pixel| residual.extend_from_slice(&pixel[..self.residual]));
        let first = Padded::new(&residual, [1, pixels, self.residual], 0, 0, 0, true);
        let mut features = self.reduce.bias.repeat(pixels);
        contract(&first, &[self.point()], &self.reduce.forward, &mut features, self.reduce.c_out);
        let second = Padded::new(&features, [height, width, self.conv.c_in], border, 0, border, true);
        let mut features = self.conv.bias.repeat(pixels);
        contract(&second, &self.runs(), &self.conv.forward, &mut features, self.conv.c_out);
        let third = Padded::new(&features, [1, pixels, self.expand.c_in], 0, 0, 0, true);
        (first, second, third)
    }

    /// One image: turns the gradient of the output into that of the input, in place, and returns that of the weights.
    fn backward(&self, stream: &[f32], delta: &mut [f32]) -> Vec<f32> {
        let [_, height, width, _] = self.shape;
        let (pixels, border, h) = (self.pixels(), self.kernel / 2, self.conv.c_out);
        let (first, second, third) = self.inside(stream);
        let mut flat = vec![0.0; self.expand.parts.last().map_or(0, |(width, _, biases)| biases + width)];

        self.expand.gradient(&third, &[self.point()], delta, &mut flat);
        let mut delta_conv = vec![0.0; pixels * h];
        let padded = Padded::new(delta, [1, pixels, self.stream], 0, 0, 0, false);
        contract(&padded, &[self.point()], &self.expand.backward, &mut delta_conv, h);
        third.gate(&mut delta_conv);

        self.conv.gradient(&second, &self.runs(), &delta_conv, &mut flat);
        let mut delta_reduce = vec![0.0; pixels * h];
        let padded = Padded::new(&delta_conv, [height, width, h], 0, border, border, false);
        contract(&padded, &self.turned_runs(), &self.conv.backward, &mut delta_reduce, h);
        second.gate(&mut delta_reduce);

        self.reduce.gradient(&first, &[self.point()], &delta_reduce, &mut flat);
        let mut delta_residual = vec![0.0; pixels * self.residual];
        let padded = Padded::new(&delta_reduce, [1, pixels, h], 0, 0, 0, false);
        contract(&padded, &[self.point()], &self.reduce.backward, &mut delta_residual, self.residual);
        first.gate(&mut delta_residual);
        for (delta, added) in delta.chunks_exact_mut(self.stream).zip(delta_residual.chunks_exact(self.residual)) {
            delta.iter_mut().zip(added).for_each(|(delta, added)| *delta += added);
        }
        flat
    }
}
