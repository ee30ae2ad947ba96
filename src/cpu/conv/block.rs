//! The residual block of PixelCNN for the CPU as one operation, with its backward pass.
//!
//! Image by image, everything between a block's input and its output stays in the processor's cache, and the backward pass
//! computes the two inner feature maps again instead of keeping them. A block reads and writes one *stream*: the 2h features
//! of the residual connection and, behind them, the 2h features of the sum of skip connections where there is one.

use super::kernel::{LANES, Packed, Padded, Run, contract, weight_gradient};
use crate::cpu::operation::{Image, Kernel, Operation, apply};
use burn::tensor::Tensor;

/// The widths of a block.
#[derive(Clone, Copy, Debug)]
pub struct BlockShape {
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
pub fn conv_block(stream: Tensor<4>, weights: Tensor<1>, shape: BlockShape) -> Tensor<4> {
    apply(shape, stream, weights)
}

impl Operation for BlockShape {
    fn kernel<'a>(&'a self, image: [usize; 3], weights: &'a [f32], _: bool) -> Box<dyn Kernel + 'a> {
        Box::new(Block::new(*self, image, weights))
    }
}

impl Kernel for Block {
    fn output(&self) -> [usize; 3] {
        self.shape
    }

    fn forward(&self, _: usize, x: &[f32], stream: &mut [f32], _: &mut [f32]) {
        stream.copy_from_slice(x);
        let features = self.inside(x).third;
        self.add_bias(stream, &self.expand.bias);
        contract(&features, &[self.point()], &self.expand.forward, stream, self.stream);
    }

    fn backward(&self, image: Image, delta: &[f32], gradient: &mut [f32]) -> Vec<f32> {
        gradient.copy_from_slice(delta);
        self.backward_in_place(image.x, gradient)
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
    parts: Vec<(usize, usize, Option<usize>)>,
}

/// What a layer takes from the flat weights.
struct Take {
    features: [usize; 2],
    kernel: usize,
    /// Convolutions of these features, side by side.
    parts: usize,
    bias: bool,
    /// Outputs behind theirs that stay zero.
    zeros: usize,
}

impl Layer {
    fn take(flat: &[f32], start: &mut usize, take: Take) -> Self {
        let Take { features: [c_in, c_out], kernel, parts, bias: has_bias, zeros } = take;
        let (area, taps) = (kernel * kernel, kernel / 2 * kernel + kernel / 2 + 1);
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
            if let Some(biases) = biases {
                flat[biases..biases + width].iter_mut().zip(&bias[first..]).for_each(|(sum, value)| *sum += value);
            }
            first += width;
        }
    }
}

/// A block's weights and the size of the images it works on.
struct Block {
    /// Height, width and features of an image.
    shape: [usize; 3],
    kernel: usize,
    /// Features of the residual connection.
    residual: usize,
    /// Features of the stream.
    stream: usize,
    reduce: Layer,
    conv: Layer,
    expand: Layer,
    condition: Option<Layer>,
    parameters: usize,
}

/// The inputs of the convolutions, rectified but for the conditioning map.
struct Inside {
    first: Padded,
    second: Padded,
    third: Padded,
    condition: Option<Padded>,
}

impl Block {
    fn new(BlockShape { h, kernel, maps }: BlockShape, shape: [usize; 3], flat: &[f32]) -> Self {
        let stream = shape[2];
        let (residual, features) = (2 * h, stream - maps);
        assert!(features == residual || features == 2 * residual, "a stream of {features} features, h is {h}");
        let start = &mut 0;
        let layer = |features, kernel| Take { features, kernel, parts: 1, bias: true, zeros: 0 };
        let reduce = Layer::take(flat, start, layer([residual, h], 1));
        let conv = Layer::take(flat, start, layer([h, h], kernel));
        let parts = features / residual;
        let expand = Layer::take(flat, start, Take { parts, zeros: maps, ..layer([h, residual], 1) });
        let condition = (maps > 0).then(|| Layer::take(flat, start, Take { bias: false, ..layer([maps, h], 1) }));
        assert_eq!(*start, flat.len(), "a block of width {h} has {start} weights");
        Self { shape, kernel, residual, stream, reduce, conv, expand, condition, parameters: flat.len() }
    }

    fn pixels(&self) -> usize {
        self.shape[0] * self.shape[1]
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

    /// Some features of every pixel of the stream as one long row.
    fn row(&self, stream: &[f32], features: std::ops::Range<usize>, relu: bool) -> Padded {
        let (pixels, width) = (self.pixels(), features.len());
        let mut row = Vec::with_capacity(pixels * width);
        stream.chunks_exact(self.stream).for_each(|pixel| row.extend_from_slice(&pixel[features.clone()]));
        Padded::new(&row, [1, pixels, width], 0, 0, 0, relu)
    }

    fn inside(&self, stream: &[f32]) -> Inside {
        let [height, width, _] = self.shape;
        let (pixels, border) = (self.pixels(), self.kernel / 2);
        let first = self.row(stream, 0..self.residual, true);
        let mut features = self.reduce.bias.repeat(pixels);
        contract(&first, &[self.point()], &self.reduce.forward, &mut features, self.reduce.c_out);
        let second = Padded::new(&features, [height, width, self.conv.c_in], border, 0, border, true);
        let mut features = self.conv.bias.repeat(pixels);
        contract(&second, &self.runs(), &self.conv.forward, &mut features, self.conv.c_out);
        let condition = self.condition.as_ref().map(|layer| {
            let condition = self.row(stream, self.stream - layer.c_in..self.stream, false);
            contract(&condition, &[self.point()], &layer.forward, &mut features, layer.c_out);
            condition
        });
        let third = Padded::new(&features, [1, pixels, self.expand.c_in], 0, 0, 0, true);
        Inside { first, second, third, condition }
    }

    /// One image: turns the gradient of the output into that of the input, in place, and returns that of the weights.
    fn backward_in_place(&self, stream: &[f32], delta: &mut [f32]) -> Vec<f32> {
        let [height, width, _] = self.shape;
        let (pixels, border, h) = (self.pixels(), self.kernel / 2, self.conv.c_out);
        let Inside { first, second, third, condition } = self.inside(stream);
        let mut flat = vec![0.0; self.parameters];
        let back = |delta: &Padded, layer: &Layer| {
            let mut input = vec![0.0; pixels * layer.c_in];
            contract(delta, &[self.point()], &layer.backward, &mut input, layer.c_in);
            input
        };

        self.expand.gradient(&third, &[self.point()], delta, &mut flat);
        let mut delta_conv = back(&Padded::new(delta, [1, pixels, self.stream], 0, 0, 0, false), &self.expand);
        third.gate(&mut delta_conv);

        if let (Some(layer), Some(condition)) = (&self.condition, &condition) {
            layer.gradient(condition, &[self.point()], &delta_conv, &mut flat);
            let added = back(&Padded::new(&delta_conv, [1, pixels, h], 0, 0, 0, false), layer);
            self.add(delta, self.stream - layer.c_in, &added);
        }

        self.conv.gradient(&second, &self.runs(), &delta_conv, &mut flat);
        let mut delta_reduce = vec![0.0; pixels * h];
        let padded = Padded::new(&delta_conv, [height, width, h], 0, border, border, false);
        contract(&padded, &self.turned_runs(), &self.conv.backward, &mut delta_reduce, h);
        second.gate(&mut delta_reduce);

        self.reduce.gradient(&first, &[self.point()], &delta_reduce, &mut flat);
        let mut delta_residual = back(&Padded::new(&delta_reduce, [1, pixels, h], 0, 0, 0, false), &self.reduce);
        first.gate(&mut delta_residual);
        self.add(delta, 0, &delta_residual);
        flat
    }

    /// Adds `[pixels, features]` to the features of the stream from `first` on.
    fn add(&self, stream: &mut [f32], first: usize, added: &[f32]) {
        let features = added.len() / self.pixels();
        for (pixel, added) in stream.chunks_exact_mut(self.stream).zip(added.chunks_exact(features)) {
            pixel[first..].iter_mut().zip(added).for_each(|(value, added)| *value += added);
        }
    }
}
