//! A recurrent residual block (§3.3, Fig. 5 right) for the CPU as one operation, with its backward pass.
//!
//! Written with tensor operations, a scan is a dozen small ones a line, and a network of seven layers thousands a step. Here
//! each image is scanned by one thread from beginning to end, in registers, and gates, cells and states are kept for the
//! backward pass. The tests in `nn/row_lstm.rs` and `nn/diagonal_bilstm.rs` hold it to the plain one, in values and gradients.

mod block;
mod direction;
mod scan;

pub use direction::LstmBlockShape;

use super::operation::{Image, Operation, Prepared, apply};
use block::Block;
use burn::tensor::Tensor;

/// The stream after a block.
///
/// # Shapes
/// - `stream`, output: `[batch, 2h or 4h, height, width]`, and `maps` features of the conditioning map behind these, which
///   come out as they went in
/// - `weights`: flattened one after another, for each direction the masked input-to-state weight and its bias, the
///   state-to-state weight, initial h, initial c and the weight of the conditioning map; then weight and bias of the 1×1
///   convolution h → 2h and, where there are 4h features, of the one for the skip connection
pub fn lstm_block(stream: Tensor<4>, weights: Tensor<1>, shape: LstmBlockShape) -> Tensor<4> {
    apply(shape, stream, weights)
}

impl Operation for LstmBlockShape {
    fn prepare<'a>(&'a self, image: [usize; 3], weights: &'a [f32], _: bool) -> Box<dyn Prepared + 'a> {
        Box::new(Block::new(*self, image, weights))
    }
}

impl Prepared for Block {
    fn output(&self) -> [usize; 3] {
        self.image()
    }

    fn kept(&self) -> usize {
        self.values_kept()
    }

    fn forward(&self, _: usize, x: &[f32], stream: &mut [f32], kept: &mut [f32]) {
        stream.copy_from_slice(x);
        self.forward_in_place(stream, kept);
    }

    fn backward(&self, Image { x, kept, .. }: Image, delta: &[f32], gradient: &mut [f32]) -> Vec<f32> {
        gradient.copy_from_slice(delta);
        self.backward_in_place(x, kept, gradient)
    }
}
