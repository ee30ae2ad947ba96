//! The head of a network of many levels (Table 1) with the softmax behind it (Eq. 2), for the CPU as one operation of burn,
//! with its backward pass.
//!
//! Written with tensor operations, the 256 logits of every colour of every pixel are moved through memory a dozen times a
//! step, which takes longer than the network before them. Here a tile of pixels goes from its features to −ln p in the
//! processor's cache, each colour multiplies only what its mask lets it see, and the backward pass computes the logits again
//! instead of keeping them. The test below holds it to the plain one, in values and gradients.

mod tiles;

use super::conv::{channels_last, from_channels_last, tensor, values};
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;
use std::sync::Arc;
use tiles::Head;

/// What the head is asked for besides its weights.
#[derive(Clone, Debug)]
pub struct Targets {
    /// The level of every value, `[batch, channels, height, width]`.
    pub levels: Arc<Vec<u8>>,
    /// Colours.
    pub channels: usize,
    /// Levels a value can take, a multiple of sixteen: logits of a colour.
    pub logits: usize,
    /// Features of the hidden layer.
    pub hidden: usize,
}

/// −ln p of every value, in nats.
///
/// # Shapes
/// - `x`: `[batch, 2h, height, width]`
/// - `weights`: masked weight and bias of the hidden layer, then of the output layer, flattened one after another
/// - output: `[batch, channels, height, width]`
pub fn head_nll(x: Tensor<4>, weights: Tensor<1>, targets: Targets) -> Tensor<4> {
    let output = <Dispatch as HeadOps>::head_nll(x.into_dispatch(), weights.into_dispatch(), targets);
    Tensor::from_dispatch(output)
}

/// The operation as burn dispatches it.
#[backend_extension(Flex, Autodiff)]
pub trait HeadOps: Backend {
    /// See [`head_nll`].
    fn head_nll(x: FloatTensor<Self>, weights: FloatTensor<Self>, targets: Targets) -> FloatTensor<Self>;

    /// Gradients of `x` and the weights, given that of the output.
    fn head_nll_backward(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        delta: FloatTensor<Self>,
        targets: Targets,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

impl HeadOps for Flex {
    fn head_nll(x: FlexTensor, weights: FlexTensor, targets: Targets) -> FlexTensor {
        let [batch, inputs, height, width] = x.shape().dims();
        let head = Head::new(inputs, &targets, values(&weights));
        let (x, pixels) = (channels_last(x), height * width);
        let image = targets.channels * pixels;
        let mut nll = vec![0.0; batch * image];
        let images = values(&x).par_chunks(pixels * inputs).zip(targets.levels.par_chunks(image));
        nll.par_chunks_mut(image).zip(images).for_each(|(nll, (x, levels))| head.forward(x, levels, nll));
        tensor(nll, &[batch, targets.channels, height, width])
    }

    fn head_nll_backward(
        x: FlexTensor,
        weights: FlexTensor,
        delta: FlexTensor,
        targets: Targets,
    ) -> (FlexTensor, FlexTensor) {
        let [batch, inputs, height, width] = x.shape().dims();
        let head = Head::new(inputs, &targets, values(&weights));
        let (x, delta, pixels) = (channels_last(x), delta.to_contiguous(), height * width);
        let image = targets.channels * pixels;
        let mut gradient = vec![0.0; batch * pixels * inputs];
        let images = values(&x).par_chunks(pixels * inputs).zip(targets.levels.par_chunks(image));
        // One partial sum an image, added up in order: the result does not depend on the number of threads.
        let partials: Vec<Vec<f32>> = gradient
            .par_chunks_mut(pixels * inputs)
            .zip(images.zip(values(&delta).par_chunks(image)))
            .map(|(gradient, ((x, levels), delta))| head.backward(x, levels, delta, gradient))
            .collect();
        let mut sum = vec![0.0; values(&weights).len()];
        for partial in &partials {
            sum.iter_mut().zip(partial).for_each(|(sum, value)| *sum += value);
        }
        let length = sum.len();
        (from_channels_last(gradient, [batch, height, width, inputs]), tensor(sum, &[length]))
    }
}

impl<B: HeadOps, C: CheckpointStrategy> HeadOps for Autodiff<B, C> {
    fn head_nll(x: FloatTensor<Self>, weights: FloatTensor<Self>, targets: Targets) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct HeadNll;

        impl<B: HeadOps> Backward<B, 2> for HeadNll {
            type State = (FloatTensor<B>, FloatTensor<B>, Targets);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let delta = grads.consume::<B>(&ops.node);
                let (x, weights, targets) = ops.state;
                let (x, weights) = B::head_nll_backward(x, weights, delta, targets);
                for (node, gradient) in ops.parents.into_iter().zip([x, weights]) {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, gradient);
                    }
                }
            }
        }

        let nodes = [x.node(), weights.node()];
        let (x, weights) = (x.into_primitive(), weights.into_primitive());
        match HeadNll.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let output = B::head_nll(x.clone(), weights.clone(), targets.clone());
                prep.finish((x, weights, targets), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::head_nll(x, weights, targets)),
        }
    }

    fn head_nll_backward(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Targets,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("a backward pass is not differentiated again")
    }
}
