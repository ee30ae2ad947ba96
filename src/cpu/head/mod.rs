//! The head of a network of many levels (Table 1) with the softmax behind it (Eq. 2), for the CPU as one operation,
//! with its backward pass.
//!
//! Written with tensor operations, the 256 logits of every colour of every pixel are moved through memory a dozen times a
//! step, which takes longer than the network before them. Here a tile of pixels goes from its features to −ln p in the
//! processor's cache, each colour multiplies only what its mask lets it see, and the backward pass computes the logits again
//! instead of keeping them. The test below holds it to the plain one, in values and gradients.

mod tiles;

use super::operation::{Image, Operation, Prepared, apply};
use burn::tensor::Tensor;
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
    let ([batch, _, height, width], channels) = (x.dims(), targets.channels);
    apply(targets, x, weights).reshape([batch, channels, height, width])
}

impl Operation for Targets {
    fn prepare<'a>(
        &'a self,
        [height, width, inputs]: [usize; 3],
        weights: &'a [f32],
        _: bool,
    ) -> Box<dyn Prepared + 'a> {
        Box::new(PreparedHead { head: Head::new(inputs, self, weights), targets: self, size: [height, width] })
    }
}

struct PreparedHead<'a> {
    head: Head,
    targets: &'a Targets,
    size: [usize; 2],
}

impl PreparedHead<'_> {
    /// The levels of an image, `[channels, height · width]`.
    fn levels(&self, index: usize) -> &[u8] {
        let values = self.output().iter().product();
        &self.targets.levels[index * values..][..values]
    }
}

impl Prepared for PreparedHead<'_> {
    /// Colour after colour, as the levels are: an image of one feature.
    fn output(&self) -> [usize; 3] {
        [self.targets.channels * self.size[0], self.size[1], 1]
    }

    fn forward(&self, index: usize, x: &[f32], nll: &mut [f32], _: &mut [f32]) {
        self.head.forward(x, self.levels(index), nll);
    }

    fn backward(&self, Image { index, x, .. }: Image, delta: &[f32], gradient: &mut [f32]) -> Vec<f32> {
        self.head.backward(x, self.levels(index), delta, gradient)
    }
}
