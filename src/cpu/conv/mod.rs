//! A masked convolution for the CPU as one operation of burn, with its backward pass.
//!
//! burn's own convolution on `flex` multiplies masked weights too and, at the paper's small widths, spends most of its
//! time moving data. This one takes the ReLU that stands before a convolution in the paper's blocks along and works on
//! channels-last memory behind the usual `[batch, channel, height, width]` shape: results come out as permuted
//! views, and such views are taken without a copy. The tests below hold it to the plain one.

mod block;
mod kernel;
mod lanes;

pub use block::{BlockShape, conv_block};

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, DispatchDevice, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Device, Tensor, TensorData};
pub(super) use kernel::{LANES, Packed, Processor};
use kernel::{Padded, Run, contract, weight_gradient};
pub(super) use lanes::Lanes;
use rayon::prelude::*;

/// Whether tensors of this device can take this path.
pub fn serves(device: &Device) -> bool {
    matches!(device.clone().inner().as_dispatch(), DispatchDevice::Flex(_))
}

/// Convolves `relu(x)`, or `x`, with an already masked weight, seeing nothing below or right of the output pixel.
///
/// # Shapes
/// - `x`: `[batch, c_in, height, width]`
/// - `weight`: `[c_out, c_in, kernel_height, kernel_width]`, odd sides, zero after the centre
/// - `bias`: `[c_out]`
/// - output: `[batch, c_out, height, width]`
pub fn masked_conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, relu: bool, centre: bool) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as MaskedConvOps>::masked_conv2d(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        relu,
        centre,
    ))
}

/// The operation as burn dispatches it. `centre`: whether any weight at the kernel's centre is unmasked.
#[backend_extension(Flex, Autodiff)]
pub trait MaskedConvOps: Backend {
    /// See [`masked_conv2d`].
    fn masked_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        relu: bool,
        centre: bool,
    ) -> FloatTensor<Self>;

    /// Gradients of `x` (where asked for), `weight` and `bias`, given that of the output.
    fn masked_conv2d_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        delta: FloatTensor<Self>,
        relu: bool,
        centre: bool,
        wants_x: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl MaskedConvOps for Flex {
    fn masked_conv2d(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, relu: bool, centre: bool) -> FlexTensor {
        let geometry = Geometry::new(&x, &weight, centre);
        let [batch, height, width, c_in, c_out] = geometry.sizes;
        let (x, weight, bias) = (channels_last(x), weight.to_contiguous(), bias.to_contiguous());
        let (x, weight, bias) = (values(&x), values(&weight), values(&bias));
        let packed = Packed::new(geometry.taps() * c_in, c_out, |row, out| {
            weight[geometry.weight_at(out, row % c_in, row / c_in)]
        });
        let (runs, [top, side]) = (geometry.runs(), geometry.border());
        let mut output = vec![0.0; batch * height * width * c_out];
        output.par_chunks_mut(height * width * c_out).zip(x.par_chunks(height * width * c_in)).for_each(|(out, x)| {
            let shape = geometry.image_shape(c_in);
            out.chunks_exact_mut(c_out).for_each(|pixel| pixel.copy_from_slice(bias));
            contract(&Padded::new(x, shape, top, 0, side, relu), &runs, &packed, out, c_out);
        });
        from_channels_last(output, [batch, height, width, c_out])
    }

    fn masked_conv2d_backward(
        x: FlexTensor,
        weight: FlexTensor,
        delta: FlexTensor,
        relu: bool,
        centre: bool,
        wants_x: bool,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let geometry = Geometry::new(&x, &weight, centre);
        let [batch, height, width, c_in, c_out] = geometry.sizes;
        let (pixels, taps, lanes) = (height * width, geometry.taps(), c_out.next_multiple_of(LANES));
        let (x, weight, delta) = (channels_last(x), weight.to_contiguous(), channels_last(delta));
        let (x, weight, delta) = (values(&x), values(&weight), values(&delta));
        // The kernel turned around: from an output back to the inputs it saw.
        let turned = Packed::new(taps * c_out, c_in, |row, input| {
            weight[geometry.weight_at(row % c_out, input, geometry.turned_tap(row / c_out))]
        });
        let (runs, turned_runs, [border, side]) = (geometry.runs(), geometry.turned_runs(), geometry.border());

        let mut x_gradient = vec![0.0; if wants_x { batch * pixels * c_in } else { 0 }];
        // One partial sum an image, added up in order: the result does not depend on the number of threads.
        let mut partial = vec![0.0; batch * taps * c_in * lanes];
        let chunk = if wants_x { pixels * c_in } else { 1 };
        let mut x_parts: Vec<&mut [f32]> = x_gradient.chunks_mut(chunk).collect();
        x_parts.resize_with(batch, Default::default);
        x_parts
            .into_par_iter()
            .zip(partial.par_chunks_mut(taps * c_in * lanes))
            .zip(x.par_chunks(pixels * c_in).zip(delta.par_chunks(pixels * c_out)))
            .for_each(|((x_part, partial), (x, delta))| {
                let seen = Padded::new(x, geometry.image_shape(c_in), border, 0, side, relu);
                let lane_delta;
                let lane_delta = if lanes == c_out {
                    delta
                } else {
                    lane_delta = Packed::new(pixels, c_out, |pixel, out| delta[pixel * c_out + out]);
                    lane_delta.values()
                };
                weight_gradient(&seen, &runs, lane_delta, lanes, partial);
                if wants_x {
                    let delta = Padded::new(delta, geometry.image_shape(c_out), 0, border, side, false);
                    contract(&delta, &turned_runs, &turned, x_part, c_in);
                    if relu {
                        x_part.iter_mut().zip(x).filter(|(_, x)| **x <= 0.0).for_each(|(gradient, _)| *gradient = 0.0);
                    }
                }
            });

        let mut weight_sum = vec![0.0; weight.len()];
        for partial in partial.chunks_exact(taps * c_in * lanes) {
            for (row, partial) in partial.chunks_exact(lanes).enumerate() {
                for (out, value) in partial[..c_out].iter().enumerate() {
                    weight_sum[geometry.weight_at(out, row % c_in, row / c_in)] += value;
                }
            }
        }
        let mut bias_sum = vec![0.0; c_out];
        for pixel in delta.chunks_exact(c_out) {
            bias_sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
        }
        let x_gradient = if wants_x {
            from_channels_last(x_gradient, [batch, height, width, c_in])
        } else {
            tensor(Vec::new(), &[0])
        };
        let [kernel_h, kernel_w] = geometry.kernel;
        (x_gradient, tensor(weight_sum, &[c_out, c_in, kernel_h, kernel_w]), tensor(bias_sum, &[c_out]))
    }
}

impl<B: MaskedConvOps, C: CheckpointStrategy> MaskedConvOps for Autodiff<B, C> {
    fn masked_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        relu: bool,
        centre: bool,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct MaskedConv2d;

        impl<B: MaskedConvOps> Backward<B, 3> for MaskedConv2d {
            type State = (FloatTensor<B>, FloatTensor<B>, bool, bool);

            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [x_node, weight_node, bias_node] = ops.parents;
                let delta = grads.consume::<B>(&ops.node);
                let (x, weight, relu, centre) = ops.state;
                let (x_gradient, weight_gradient, bias_gradient) =
                    B::masked_conv2d_backward(x, weight, delta, relu, centre, x_node.is_some());
                let gradients = [(x_node, x_gradient), (weight_node, weight_gradient), (bias_node, bias_gradient)];
                for (node, gradient) in gradients {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, gradient);
                    }
                }
            }
        }

        let nodes = [x.node(), weight.node(), bias.node()];
        let (x, weight, bias) = (x.into_primitive(), weight.into_primitive(), bias.into_primitive());
        match MaskedConv2d.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let output = B::masked_conv2d(x.clone(), weight.clone(), bias, relu, centre);
                prep.finish((x, weight, relu, centre), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::masked_conv2d(x, weight, bias, relu, centre)),
        }
    }

    fn masked_conv2d_backward(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: bool,
        _: bool,
        _: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("a backward pass is not differentiated again")
    }
}

/// Where the unmasked taps of a kernel lie. Tap t is the t-th kernel position in reading order; the unmasked ones are
/// the first of them.
struct Geometry {
    sizes: [usize; 5],
    kernel: [usize; 2],
    centre: bool,
}

impl Geometry {
    fn new(x: &FlexTensor, weight: &FlexTensor, centre: bool) -> Self {
        let [batch, c_in, height, width] = x.shape().dims();
        let [c_out, weight_in, kernel_h, kernel_w] = weight.shape().dims();
        assert_eq!(c_in, weight_in, "the input has {c_in} features, the weight expects {weight_in}");
        Self { sizes: [batch, height, width, c_in, c_out], kernel: [kernel_h, kernel_w], centre }
    }

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
        let [_, height, width, ..] = self.sizes;
        if self.kernel == [1, 1] { [1, height * width, channels] } else { [height, width, channels] }
    }

    /// Where weight (output, input, tap) lies in `[c_out, c_in, kernel_height, kernel_width]`.
    fn weight_at(&self, output: usize, input: usize, tap: usize) -> usize {
        let c_in = self.sizes[3];
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

/// `[batch, c, h, w]` in any layout as contiguous `[batch, h, w, c]`; no copy where memory already lies so.
pub(super) fn channels_last(x: FlexTensor) -> FlexTensor {
    x.permute(&[0, 2, 3, 1]).to_contiguous()
}

pub(super) fn from_channels_last(data: Vec<f32>, shape: [usize; 4]) -> FlexTensor {
    tensor(data, &shape).permute(&[0, 3, 1, 2])
}

pub(super) fn tensor(data: Vec<f32>, shape: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(data, shape.to_vec()))
}

/// The elements of a tensor that [`FlexTensor::to_contiguous`] has returned.
pub(super) fn values(x: &FlexTensor) -> &[f32] {
    x.as_slice().expect("a contiguous tensor of f32")
}
