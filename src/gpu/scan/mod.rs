//! A scan as an operation of burn: the launches of its lines, forward and backward.

mod backward;
mod forward;
mod place;

use super::memory::{THREADS, empty, features_first, images_a_part, strides, workgroups};
use crate::maths::{GATES, Layer};
use backward::{backward_border, backward_line, backward_weights};
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
use forward::forward_line;
use place::{Shape, UNITS, UNITS_BACK};

/// The states of all pixels, differentiable.
///
/// # Shapes
/// - `inputs`: input-to-state sums, `[batch, directions · 4h, height, width]`
/// - `weights`: state-to-state weights `[4h, h, taps]` of each direction, flattened one after another
/// - `initial`: initial h and c, `[h]` both, of each direction, one after another
/// - output: `[batch, directions · h, height, width]`
pub fn scan(layer: Layer, inputs: Tensor<4>, weights: Tensor<1>, initial: Tensor<1>) -> Tensor<4> {
    let [inputs, weights, initial] = [inputs.into_dispatch(), weights.into_dispatch(), initial.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as ScanOps>::scan(inputs, weights, initial, layer))
}

/// The operation as burn dispatches it.
#[backend_extension(Cube, Autodiff)]
pub trait ScanOps: Backend {
    /// See [`scan`].
    fn scan(
        inputs: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        initial: FloatTensor<Self>,
        layer: Layer,
    ) -> FloatTensor<Self>;

    /// The same, and what the backward pass needs of it: cells and gates.
    fn scan_keeping(
        inputs: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        initial: FloatTensor<Self>,
        layer: Layer,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// Gradients of inputs, weights and initial states, given that of the states.
    #[allow(clippy::too_many_arguments, reason = "burn's tensors one by one")]
    fn scan_backward(
        weights: FloatTensor<Self>,
        initial: FloatTensor<Self>,
        states: FloatTensor<Self>,
        cells: FloatTensor<Self>,
        gates: FloatTensor<Self>,
        delta: FloatTensor<Self>,
        layer: Layer,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl ScanOps for Cube {
    fn scan(inputs: CubeTensor, weights: CubeTensor, initial: CubeTensor, layer: Layer) -> CubeTensor {
        forward(inputs, weights, initial, layer, false).0
    }

    fn scan_keeping(
        inputs: CubeTensor,
        weights: CubeTensor,
        initial: CubeTensor,
        layer: Layer,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        forward(inputs, weights, initial, layer, true)
    }

    fn scan_backward(
        weights: CubeTensor,
        initial: CubeTensor,
        states: CubeTensor,
        cells: CubeTensor,
        gates: CubeTensor,
        delta: CubeTensor,
        layer: Layer,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let shape = shape_of(&delta, layer, delta.shape()[1] / layer.directions(), false);
        let Shape { h, batch, height, width, .. } = shape;
        let (client, directions) = (delta.client.clone(), layer.directions());
        let features = directions * GATES * h;
        let gates_gradient = empty(&delta, batch * height * width * features);
        let carried = empty(&delta, batch * height * width * directions * h);
        for line in (0..layer.lines(height, width)).rev() {
            let (first, count) = layer.line(line, height, width);
            // SAFETY: every buffer has the values of `shape`, and threads beyond its places do nothing.
            unsafe {
                backward_line::launch_unchecked(
                    &client,
                    workgroups(count * shape.groups(), shape.tiles(UNITS_BACK)),
                    CubeDim::new_1d(THREADS as u32),
                    delta.clone().into_buffer_arg(),
                    weights.clone().into_buffer_arg(),
                    initial.clone().into_buffer_arg(),
                    cells.clone().into_buffer_arg(),
                    gates.clone().into_buffer_arg(),
                    gates_gradient.clone().into_buffer_arg(),
                    carried.clone().into_buffer_arg(),
                    line as u32,
                    first as u32,
                    count as u32,
                    shape,
                );
            }
        }
        let shape = Shape { strides: [0; 4], ..shape };
        let places = if layer == Layer::Row { width } else { height };
        let border = empty(&delta, initial.shape().num_elements() * places * batch);
        let images = images_a_part(width, batch);
        let parts = height * batch.div_ceil(images);
        let partial = empty(&delta, parts * weights.shape().num_elements());
        // SAFETY: as above.
        unsafe {
            backward_border::launch_unchecked(
                &client,
                workgroups(places * shape.groups(), shape.tiles(UNITS_BACK)),
                CubeDim::new_1d(THREADS as u32),
                weights.clone().into_buffer_arg(),
                gates_gradient.clone().into_buffer_arg(),
                carried.into_buffer_arg(),
                border.clone().into_buffer_arg(),
                places,
                shape,
            );
            backward_weights::launch_unchecked(
                &client,
                workgroups(parts * shape.inputs_and_taps(), shape.tiles(UNITS)),
                CubeDim::new_1d(THREADS as u32),
                states.into_buffer_arg(),
                initial.clone().into_buffer_arg(),
                gates_gradient.clone().into_buffer_arg(),
                partial.clone().into_buffer_arg(),
                images,
                shape,
            );
        }
        let border = Self::float_reshape(border, [initial.shape().num_elements(), places * batch].into());
        let partial = Self::float_reshape(partial, [parts, weights.shape().num_elements()].into());
        let inputs = features_first(gates_gradient, [batch, height, width, features]);
        let weights = Self::float_reshape(Self::float_sum_dim(partial, 0), weights.shape());
        (inputs, weights, Self::float_reshape(Self::float_sum_dim(border, 1), initial.shape()))
    }
}

/// States, cells and gates; gates where they are kept.
fn forward(
    inputs: CubeTensor,
    weights: CubeTensor,
    initial: CubeTensor,
    layer: Layer,
    keep: bool,
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let directions = layer.directions();
    let shape = shape_of(&inputs, layer, inputs.shape()[1] / (directions * GATES), keep);
    let Shape { h, batch, height, width, .. } = shape;
    for (what, tensor, expected) in [
        ("weights", &weights, directions * GATES * h * shape.weights()),
        ("initial states", &initial, directions * 2 * h),
    ] {
        let found = tensor.shape().num_elements();
        assert!(found == expected && tensor.is_contiguous(), "{found} {what}, expected {expected} in a row");
    }
    let client = inputs.client.clone();
    let pixels = batch * height * width * directions;
    let (states, cells) = (empty(&inputs, pixels * h), empty(&inputs, pixels * h));
    let gates = empty(&inputs, if keep { pixels * GATES * h } else { 1 });
    for line in 0..layer.lines(height, width) {
        let (first, count) = layer.line(line, height, width);
        // SAFETY: every buffer has the values of `shape`, and threads beyond its places do nothing.
        unsafe {
            forward_line::launch_unchecked(
                &client,
                workgroups(count * shape.groups(), shape.tiles(UNITS)),
                CubeDim::new_1d(THREADS as u32),
                inputs.clone().into_buffer_arg(),
                weights.clone().into_buffer_arg(),
                initial.clone().into_buffer_arg(),
                states.clone().into_buffer_arg(),
                cells.clone().into_buffer_arg(),
                gates.clone().into_buffer_arg(),
                line as u32,
                first as u32,
                count as u32,
                shape,
            );
        }
    }
    (features_first(states, [batch, height, width, directions * h]), cells, gates)
}

/// What the kernels are compiled for, `tensor` being one that burn laid out, `[batch, features, height, width]`.
fn shape_of(tensor: &CubeTensor, layer: Layer, h: usize, keep: bool) -> Shape {
    let [batch, _, height, width] = tensor.shape().dims();
    Shape { layer, h, batch, height, width, strides: strides(tensor), keep }
}

impl<B: ScanOps, C: CheckpointStrategy> ScanOps for Autodiff<B, C> {
    fn scan(
        inputs: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        initial: FloatTensor<Self>,
        layer: Layer,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Scan;

        impl<B: ScanOps> Backward<B, 3> for Scan {
            /// Weights, initial states, states, cells, gates, and the layer.
            type State = ([FloatTensor<B>; 5], Layer);

            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let delta = grads.consume::<B>(&ops.node);
                let ([weights, initial, states, cells, gates], layer) = ops.state;
                let (inputs, weights, initial) = B::scan_backward(weights, initial, states, cells, gates, delta, layer);
                for (node, gradient) in ops.parents.into_iter().zip([inputs, weights, initial]) {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, gradient);
                    }
                }
            }
        }

        let nodes = [inputs.node(), weights.node(), initial.node()];
        let [inputs, weights, initial] = [inputs, weights, initial].map(|tensor| tensor.into_primitive());
        match Scan.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (states, cells, gates) = B::scan_keeping(inputs, weights.clone(), initial.clone(), layer);
                prep.finish(([weights, initial, states.clone(), cells, gates], layer), states)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::scan(inputs, weights, initial, layer)),
        }
    }

    fn scan_keeping(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Layer,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("the backward pass keeps tensors that are not differentiated again")
    }

    fn scan_backward(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Layer,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("a backward pass is not differentiated again")
    }
}
