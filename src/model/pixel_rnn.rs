//! PixelRNN (§3, Table 1): the same frame as PixelCNN around recurrent layers, whose field of view has no bound.

use super::multi_scale::{Upsampler, condition};
use super::trunk::{first_layer, trunk};
use super::{Head, ModelConfig};
use crate::nn::{Layer, LstmBlock, LstmBlockConfig, MaskedConv2d};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// A 7×7 convolution under mask A, residual blocks of Row LSTM or Diagonal BiLSTM layers, and the head.
#[derive(Module, Debug)]
pub struct PixelRnn {
    /// 7×7, mask A, channels → 2h.
    pub first: MaskedConv2d,
    /// The residual blocks, 2h → 2h each.
    pub blocks: Vec<LstmBlock>,
    /// 2h → logits.
    pub head: Head,
    /// From the small image to what conditions every block (§3.6).
    pub upsampler: Option<Upsampler>,
}

impl PixelRnn {
    /// A network of `layer`s with fresh weights.
    pub fn init(config: &ModelConfig, layer: Layer, device: &Device) -> Self {
        let (h, groups) = (config.h, config.channels);
        let block = LstmBlockConfig { layer, h, skip: config.skip, groups, maps: config.maps() };
        Self {
            first: first_layer(config, device),
            blocks: (0..config.layers).map(|_| block.init(device)).collect(),
            head: Head::init(config, device),
            upsampler: Upsampler::init(config, device),
        }
    }

    /// What the head reads.
    ///
    /// # Shapes
    /// - `input`: `[batch, channels, height, width]`
    /// - `small`: `[batch, channels, small height, small width]`, where the network enlarges one
    /// - output: `[batch, 2h, height, width]`
    pub fn features(&self, input: Tensor<4>, small: Option<Tensor<4>>) -> Tensor<4> {
        trunk(&self.blocks, self.first.forward(input), condition(self.upsampler.as_ref(), small))
    }
}
