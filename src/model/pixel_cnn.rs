//! PixelCNN (§3.5, Table 1): masked convolutions all the way, a large but bounded field of view.

use super::multi_scale::{Upsampler, condition};
use super::trunk::{first_layer, trunk};
use super::{Head, ModelConfig};
use crate::nn::{ConvBlock, ConvBlockConfig, MaskedConv2d};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// A 7×7 convolution under mask A, residual blocks under mask B, and the head.
#[derive(Module, Debug)]
pub struct PixelCnn {
    /// 7×7, mask A, channels → 2h.
    pub first: MaskedConv2d,
    /// The residual blocks, 2h → 2h each.
    pub blocks: Vec<ConvBlock>,
    /// 2h → logits.
    pub head: Head,
    /// From the small image to what conditions every block (§3.6).
    pub upsampler: Option<Upsampler>,
}

impl PixelCnn {
    /// A network with fresh weights.
    pub fn init(config: &ModelConfig, device: &Device) -> Self {
        let (h, groups) = (config.h, config.channels);
        let block = ConvBlockConfig::new(h, config.skip, groups, config.maps());
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
