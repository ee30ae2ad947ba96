//! A masked convolution as an operation of burn.

mod kernels;
mod place;

use super::memory::{THREADS, empty, features_first, images_a_part, strides, workgroups};
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::CubeTensor;
use burn::backend::{Autodiff, Backend, Cube, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use cubecl::prelude::*;
use kernels::{backward_input, backward_weights, forward};
use place::Convolution;

/// What is the same for all images.
#[derive(Clone, Copy, Debug)]
pub struct Masked {
    /// Height and width of the kernel, both odd.
    kernel: [usize; 2],
    /// Whether any weight at the kernel's centre counts.
    centre: bool,
    /// Whether the input is rectified first.
    rectified: bool,
}

/// The convolution, differentiable, zeros around the image. Weights that no mask leaves are not read, their gradients zero.
///
/// # Shapes
/// - `x`: `[batch, features_in, height, width]`
/// - `weight`: masked, `[features_out, features_in, kernel_height, kernel_width]`
/// - `bias`: `[features_out]`
/// - output: `[batch, features_out, height, width]`
pub fn masked_conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, rectified: bool, centre: bool) -> Tensor<4> {
    let [.., height, width] = weight.dims();
    let masked = Masked { kernel: [height, width], centre, rectified };
    let [x, weight, bias] = [x.into_dispatch(), weight.flatten::<1>(0, 3).into_dispatch(), bias.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as ConvolutionOps>::masked_convolution(x, weight, bias, masked))
}

/// The operation as burn dispatches it; weights are flat.
#[backend_extension(Cube, Autodiff)]
pub trait ConvolutionOps: Backend {
    /// See [`masked_conv2d`].
    fn masked_convolution(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        masked: Masked,
    ) -> FloatTensor<Self>;

    /// The gradient of the input, given that of the output.
    fn masked_convolution_input(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        delta: FloatTensor<Self>,
        masked: Masked,
    ) -> FloatTensor<Self>;

    /// Gradients of weights and bias, given that of the output.
    fn masked_convolution_weights(
        x: FloatTensor<Self>,
        delta: FloatTensor<Self>,
        masked: Masked,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

impl ConvolutionOps for Cube {
    fn masked_convolution(x: CubeTensor, weights: CubeTensor, bias: CubeTensor, masked: Masked) -> CubeTensor {
        let outputs = bias.shape().num_elements();
        let shape = shape_of(&x, outputs, [0; 4], masked);
        assert!(weights.is_contiguous() && bias.is_contiguous(), "flat weights");
        assert_eq!(weights.shape().num_elements(), outputs * shape.weights(), "weights of {shape:?}");
        let out = empty(&x, shape.pixels() * outputs);
        // SAFETY: every buffer has the values of `shape`, and threads beyond its pixels do nothing.
        unsafe {
            forward::launch_unchecked(
                &x.client.clone(),
                workgroups(shape.groups(), outputs.div_ceil(shape.tile(outputs))),
                CubeDim::new_1d(THREADS as u32),
                x.into_buffer_arg(),
                weights.into_buffer_arg(),
                bias.into_buffer_arg(),
                out.clone().into_buffer_arg(),
                shape,
            );
        }
        features_first(out, [shape.batch, shape.height, shape.width, outputs])
    }

    fn masked_convolution_input(x: CubeTensor, weights: CubeTensor, delta: CubeTensor, masked: Masked) -> CubeTensor {
        let shape = shape_of(&x, delta.shape()[1], strides(&delta), masked);
        let gradient = empty(&x, shape.pixels() * shape.inputs);
        // SAFETY: as above.
        unsafe {
            backward_input::launch_unchecked(
                &x.client.clone(),
                workgroups(shape.groups(), shape.inputs.div_ceil(shape.tile(shape.inputs))),
                CubeDim::new_1d(THREADS as u32),
                x.into_buffer_arg(),
                weights.into_buffer_arg(),
                delta.into_buffer_arg(),
                gradient.clone().into_buffer_arg(),
                shape,
            );
        }
        features_first(gradient, [shape.batch, shape.height, shape.width, shape.inputs])
    }

    fn masked_convolution_weights(x: CubeTensor, delta: CubeTensor, masked: Masked) -> (CubeTensor, CubeTensor) {
        let shape = shape_of(&x, delta.shape()[1], strides(&delta), masked);
        let images = images_a_part(shape.width, shape.batch);
        let parts = shape.parts(images);
        let length = shape.outputs * shape.weights();
        let partial = empty(&x, parts * length);
        // SAFETY: as above.
        unsafe {
            backward_weights::launch_unchecked(
                &x.client.clone(),
                workgroups(parts * shape.groups_of_weights(), shape.outputs.div_ceil(shape.tile(shape.outputs))),
                CubeDim::new_1d(THREADS as u32),
                x.into_buffer_arg(),
                delta.clone().into_buffer_arg(),
                partial.clone().into_buffer_arg(),
                images,
                shape,
            );
        }
        let partial = Self::float_reshape(partial, [parts, length].into());
        let weights = Self::float_reshape(Self::float_sum_dim(partial, 0), [length].into());
        // Row by row first: no loop of a reduction is long.
        let rows = [shape.batch * shape.height, shape.width, shape.outputs];
        let delta = Self::float_reshape(Self::float_permute(delta, &[0, 2, 3, 1]), rows.into());
        let bias = Self::float_sum_dim(Self::float_sum_dim(delta, 1), 0);
        (weights, Self::float_reshape(bias, [shape.outputs].into()))
    }
}

/// What the kernels are compiled for.
fn shape_of(x: &CubeTensor, outputs: usize, delta: [usize; 4], masked: Masked) -> Convolution {
    let [batch, inputs, height, width] = x.shape().dims();
    let Masked { kernel, centre, rectified } = masked;
    Convolution { batch, height, width, inputs, outputs, kernel, centre, rectified, x: strides(x), delta }
}

impl<B: ConvolutionOps, C: CheckpointStrategy> ConvolutionOps for Autodiff<B, C> {
    fn masked_convolution(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        masked: Masked,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Convolve;

        impl<B: ConvolutionOps> Backward<B, 3> for Convolve {
            /// Input and weights.
            type State = ([FloatTensor<B>; 2], Masked);

            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let delta = grads.consume::<B>(&ops.node);
                let ([x, weights], masked) = ops.state;
                let [x_node, weights_node, bias_node] = ops.parents;
                if weights_node.is_some() || bias_node.is_some() {
                    let (weights, bias) = B::masked_convolution_weights(x.clone(), delta.clone(), masked);
                    for (node, gradient) in [(weights_node, weights), (bias_node, bias)] {
                        if let Some(node) = node {
                            grads.register::<B>(node.id, gradient);
                        }
                    }
                }
                if let Some(node) = x_node {
                    grads.register::<B>(node.id, B::masked_convolution_input(x, weights, delta, masked));
                }
            }
        }

        let nodes = [x.node(), weights.node(), bias.node()];
        let [x, weights, bias] = [x, weights, bias].map(|tensor| tensor.into_primitive());
        match Convolve.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let output = B::masked_convolution(x.clone(), weights.clone(), bias, masked);
                prep.finish(([x, weights], masked), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::masked_convolution(x, weights, bias, masked)),
        }
    }

    fn masked_convolution_input(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Masked,
    ) -> FloatTensor<Self> {
        unreachable!("a backward pass is not differentiated again")
    }

    fn masked_convolution_weights(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Masked,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("a backward pass is not differentiated again")
    }
}
