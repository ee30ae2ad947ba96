//! One operation of burn for all kernels: images and flat weights in, images out, and the backward pass.
//!
//! Memory is channels-last, `[height, width, features]` an image, behind burn's `[batch, features, height, width]`: results
//! come out as permuted views, and such views are taken without a copy. A thread computes an image from beginning to end.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, DispatchDevice, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;
use std::fmt::Debug;
use std::sync::Arc;

/// What is to be computed, before it is known on which images.
pub trait Operation: Debug + Send + Sync {
    /// The operation on images `[height, width, features]` with these weights; `backward` where it has to give the gradient of
    /// the images.
    fn prepare<'a>(&'a self, image: [usize; 3], weights: &'a [f32], backward: bool) -> Box<dyn Prepared + 'a>;
}

/// An operation on single images, its weights packed.
pub trait Prepared: Sync {
    /// Height, width and features of the images it gives.
    fn output(&self) -> [usize; 3];

    /// Values of an image that the forward pass leaves to the backward pass.
    fn kept(&self) -> usize {
        0
    }

    /// Image `index` of the batch, `x`, to `out`; fills `kept`. Both are zeros before.
    fn forward(&self, index: usize, x: &[f32], out: &mut [f32], kept: &mut [f32]);

    /// The gradient of the image's output, `delta`, to that of its input, `gradient`, zeros before; returns that of the
    /// weights.
    fn backward(&self, image: Image, delta: &[f32], gradient: &mut [f32]) -> Vec<f32>;

    /// Adds to the gradient of the weights what is summed over the whole batch in one go.
    fn backward_of_batch(&self, _delta: &[f32], _weights: &mut [f32]) {}
}

/// An image in the backward pass.
pub struct Image<'a> {
    /// Its number in the batch.
    pub index: usize,
    /// What the forward pass was given.
    pub x: &'a [f32],
    /// What the forward pass kept.
    pub kept: &'a [f32],
}

/// Whether tensors of this device can take this path.
pub fn serves(device: &Device) -> bool {
    matches!(device.clone().inner().as_dispatch(), DispatchDevice::Flex(_))
}

/// The operation on a batch, differentiable.
///
/// # Shapes
/// - `x`: `[batch, features, height, width]`
/// - `weights`: flattened, one after another
/// - output: the same order of axes, sizes as the [`Prepared`] operation says
pub fn apply(operation: impl Operation + 'static, x: Tensor<4>, weights: Tensor<1>) -> Tensor<4> {
    let (x, weights) = (x.into_dispatch(), weights.into_dispatch());
    Tensor::from_dispatch(<Dispatch as OperationOps>::apply(x, weights, Arc::new(operation)))
}

/// The operation as burn dispatches it.
#[backend_extension(Flex, Autodiff)]
pub trait OperationOps: Backend {
    /// See [`apply`].
    fn apply(x: FloatTensor<Self>, weights: FloatTensor<Self>, operation: Arc<dyn Operation>) -> FloatTensor<Self>;

    /// The same, and what the backward pass needs of it.
    fn apply_keeping(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        operation: Arc<dyn Operation>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradients of `x`, zeros where it is not `wanted`, and of the weights, given that of the output.
    fn apply_backward(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        kept: FloatTensor<Self>,
        delta: FloatTensor<Self>,
        operation: Arc<dyn Operation>,
        wanted: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

impl OperationOps for Flex {
    fn apply(x: FlexTensor, weights: FlexTensor, operation: Arc<dyn Operation>) -> FlexTensor {
        forward(x, weights, &*operation, false).0
    }

    fn apply_keeping(x: FlexTensor, weights: FlexTensor, operation: Arc<dyn Operation>) -> (FlexTensor, FlexTensor) {
        forward(x, weights, &*operation, true)
    }

    fn apply_backward(
        x: FlexTensor,
        weights: FlexTensor,
        kept: FlexTensor,
        delta: FlexTensor,
        operation: Arc<dyn Operation>,
        wanted: bool,
    ) -> (FlexTensor, FlexTensor) {
        let (batch, shape) = image_shape(&x);
        let prepared = operation.prepare(shape, values(&weights), wanted);
        let (x, delta) = (channels_last(x), channels_last(delta));
        let (size, out_size) = (shape.iter().product(), prepared.output().iter().product());
        let mut gradient = vec![0.0; batch * size];
        let images = values(&x).par_chunks(size).zip(values(&kept).par_chunks(prepared.kept().max(1)));
        // One partial sum an image, added up in order: the result does not depend on the number of threads.
        let partials: Vec<Vec<f32>> = (gradient.par_chunks_mut(size).enumerate())
            .zip(images.zip(values(&delta).par_chunks(out_size)))
            .map(|((index, gradient), ((x, kept), delta))| prepared.backward(Image { index, x, kept }, delta, gradient))
            .collect();
        let mut sum = vec![0.0; values(&weights).len()];
        for partial in &partials {
            sum.iter_mut().zip(partial).for_each(|(sum, value)| *sum += value);
        }
        prepared.backward_of_batch(values(&delta), &mut sum);
        (images_from(gradient, batch, shape), flat_from(sum))
    }
}

fn forward(x: FlexTensor, weights: FlexTensor, operation: &dyn Operation, keep: bool) -> (FlexTensor, FlexTensor) {
    let (batch, shape) = image_shape(&x);
    let prepared = operation.prepare(shape, values(&weights), false);
    let (x, size, out_size) = (channels_last(x), shape.iter().product(), prepared.output().iter().product::<usize>());
    let mut out = vec![0.0; batch * out_size];
    let images = out.par_chunks_mut(out_size).zip(values(&x).par_chunks(size)).enumerate();
    // One value at least, so that every image has a share.
    let share = prepared.kept().max(1);
    let mut kept = vec![0.0; if keep { batch * share } else { 0 }];
    if keep {
        let images = images.zip(kept.par_chunks_mut(share));
        images.for_each(|((index, (out, x)), kept)| prepared.forward(index, x, out, kept));
    } else {
        images.for_each(|(index, (out, x))| prepared.forward(index, x, out, &mut vec![0.0; share]));
    }
    (images_from(out, batch, prepared.output()), flat_from(kept))
}

impl<B: OperationOps, C: CheckpointStrategy> OperationOps for Autodiff<B, C> {
    fn apply(x: FloatTensor<Self>, weights: FloatTensor<Self>, operation: Arc<dyn Operation>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Apply;

        impl<B: OperationOps> Backward<B, 2> for Apply {
            type State = (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>, Arc<dyn Operation>);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let delta = grads.consume::<B>(&ops.node);
                let (x, weights, kept, operation) = ops.state;
                let wanted = ops.parents[0].is_some();
                let (x, weights) = B::apply_backward(x, weights, kept, delta, operation, wanted);
                for (node, gradient) in ops.parents.into_iter().zip([x, weights]) {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, gradient);
                    }
                }
            }
        }

        let nodes = [x.node(), weights.node()];
        let (x, weights) = (x.into_primitive(), weights.into_primitive());
        match Apply.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (output, kept) = B::apply_keeping(x.clone(), weights.clone(), operation.clone());
                prep.finish((x, weights, kept, operation), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::apply(x, weights, operation)),
        }
    }

    fn apply_keeping(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Arc<dyn Operation>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("the backward pass keeps tensors that are not differentiated again")
    }

    fn apply_backward(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Arc<dyn Operation>,
        _: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("a backward pass is not differentiated again")
    }
}

/// Images of `[batch, features, height, width]`, and their height, width and features.
fn image_shape(x: &FlexTensor) -> (usize, [usize; 3]) {
    let [batch, features, height, width] = x.shape().dims();
    (batch, [height, width, features])
}

/// `[batch, features, height, width]` in any layout as contiguous `[batch, height, width, features]`; no copy where memory
/// already lies so.
fn channels_last(x: FlexTensor) -> FlexTensor {
    x.permute(&[0, 2, 3, 1]).to_contiguous()
}

/// The elements of a contiguous tensor.
fn values(x: &FlexTensor) -> &[f32] {
    x.as_slice().expect("a contiguous tensor of f32")
}

fn images_from(data: Vec<f32>, batch: usize, [height, width, features]: [usize; 3]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(data, vec![batch, height, width, features])).permute(&[0, 3, 1, 2])
}

fn flat_from(data: Vec<f32>) -> FlexTensor {
    let length = data.len();
    FlexTensor::from_data(TensorData::new(data, vec![length]))
}
