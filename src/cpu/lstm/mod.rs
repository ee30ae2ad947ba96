//! A recurrent residual block (§3.3, Fig. 5 right) for the CPU as one operation of burn, with its backward pass.
//!
//! Written with tensor operations, a scan is a dozen small ones a line, and a network of seven layers thousands a step. Here
//! each image is scanned by one thread from beginning to end, in registers, and gates, cells and states are kept for the
//! backward pass. The tests in `row_lstm.rs` and `diagonal_bilstm.rs` hold it to the plain one, in values and gradients.

mod block;
mod direction;
mod maps;
mod scan;

pub use direction::{BlockShape, Scan};
pub(super) use maps::{Segment, contract, weight_gradient};

use super::conv::{channels_last, from_channels_last, tensor, values};
use block::Block;
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
/// - `stream`, output: `[batch, 2h or 4h, height, width]`, and `maps` features of the conditioning map behind these, which
///   come out as they went in
/// - `weights`: flattened one after another, for each direction the masked input-to-state weight and its bias, the
///   state-to-state weight, initial h, initial c and the weight of the conditioning map; then weight and bias of the 1×1
///   convolution h → 2h and, where there are 4h features, of the one for the skip connection
pub fn lstm_block(stream: Tensor<4>, weights: Tensor<1>, shape: BlockShape) -> Tensor<4> {
    let output = <Dispatch as LstmBlockOps>::lstm_block(stream.into_dispatch(), weights.into_dispatch(), shape);
    Tensor::from_dispatch(output)
}

/// The operation as burn dispatches it.
#[backend_extension(Flex, Autodiff)]
pub trait LstmBlockOps: Backend {
    /// See [`lstm_block`].
    fn lstm_block(stream: FloatTensor<Self>, weights: FloatTensor<Self>, shape: BlockShape) -> FloatTensor<Self>;

    /// The same, and what the backward pass needs of it.
    fn lstm_block_keeping(
        stream: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        shape: BlockShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradients of the stream and the weights, given that of the output.
    fn lstm_block_backward(
        stream: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        kept: FloatTensor<Self>,
        delta: FloatTensor<Self>,
        shape: BlockShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// The block for the images of `stream`, and their shape, channels last.
fn prepare(stream: &FlexTensor, weights: &FlexTensor, shape: BlockShape) -> (Block, [usize; 4]) {
    let [batch, features, height, width] = stream.shape().dims();
    (Block::new(shape, [height, width, features], values(weights)), [batch, height, width, features])
}

impl LstmBlockOps for Flex {
    fn lstm_block(stream: FlexTensor, weights: FlexTensor, shape: BlockShape) -> FlexTensor {
        let (block, shape) = prepare(&stream, &weights, shape);
        let mut output = values(&channels_last(stream)).to_vec();
        output.par_chunks_mut(block.values()).for_each(|stream| block.forward(stream, &mut vec![0.0; block.kept()]));
        from_channels_last(output, shape)
    }

    fn lstm_block_keeping(stream: FlexTensor, weights: FlexTensor, shape: BlockShape) -> (FlexTensor, FlexTensor) {
        let (block, shape) = prepare(&stream, &weights, shape);
        let mut output = values(&channels_last(stream)).to_vec();
        let mut kept = vec![0.0; shape[0] * block.kept()];
        (output.par_chunks_mut(block.values()).zip(kept.par_chunks_mut(block.kept())))
            .for_each(|(stream, kept)| block.forward(stream, kept));
        let length = kept.len();
        (from_channels_last(output, shape), tensor(kept, &[length]))
    }

    fn lstm_block_backward(
        stream: FlexTensor,
        weights: FlexTensor,
        kept: FlexTensor,
        delta: FlexTensor,
        shape: BlockShape,
    ) -> (FlexTensor, FlexTensor) {
        let (block, shape) = prepare(&stream, &weights, shape);
        let stream = channels_last(stream);
        let mut gradient = values(&channels_last(delta)).to_vec();
        let image = block.values();
        let images = values(&stream).par_chunks(image).zip(values(&kept).par_chunks(block.kept()));
        // One partial sum an image, added up in order: the result does not depend on the number of threads.
        let partials: Vec<Vec<f32>> = gradient
            .par_chunks_mut(image)
            .zip(images)
            .map_init(
                || block.scratch(),
                |scratch, (delta, (stream, kept))| block.backward(stream, kept, delta, scratch),
            )
            .collect();
        let mut sum = vec![0.0; block.parameters()];
        for partial in &partials {
            sum.iter_mut().zip(partial).for_each(|(sum, value)| *sum += value);
        }
        (from_channels_last(gradient, shape), tensor(sum, &[block.parameters()]))
    }
}

impl<B: LstmBlockOps, C: CheckpointStrategy> LstmBlockOps for Autodiff<B, C> {
    fn lstm_block(stream: FloatTensor<Self>, weights: FloatTensor<Self>, shape: BlockShape) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct LstmBlock;

        impl<B: LstmBlockOps> Backward<B, 2> for LstmBlock {
            type State = (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>, BlockShape);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let delta = grads.consume::<B>(&ops.node);
                let (stream, weights, kept, shape) = ops.state;
                let (stream, weights) = B::lstm_block_backward(stream, weights, kept, delta, shape);
                for (node, gradient) in ops.parents.into_iter().zip([stream, weights]) {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, gradient);
                    }
                }
            }
        }

        let nodes = [stream.node(), weights.node()];
        let (stream, weights) = (stream.into_primitive(), weights.into_primitive());
        match LstmBlock.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (output, kept) = B::lstm_block_keeping(stream.clone(), weights.clone(), shape);
                prep.finish((stream, weights, kept, shape), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::lstm_block(stream, weights, shape)),
        }
    }

    fn lstm_block_keeping(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: BlockShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("the backward pass keeps tensors that are not differentiated again")
    }

    fn lstm_block_backward(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: BlockShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("a backward pass is not differentiated again")
    }
}
