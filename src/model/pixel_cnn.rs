//! PixelCNN (§3.5, Table 1): masked convolutions all the way, a large but bounded field of view.

use super::{Head, ModelConfig};
use crate::nn::mask::MaskKind;
use crate::nn::{ConvBlock, ConvBlockConfig, MaskedConv2d, MaskedConv2dConfig};
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
}

impl PixelCnn {
    /// A network with fresh weights.
    pub fn init(config: &ModelConfig, device: &Device) -> Self {
        let (h, groups) = (config.h, config.channels);
        let block = ConvBlockConfig::new(h, config.skip, groups);
        Self {
            first: MaskedConv2dConfig { features: [groups, 2 * h], kernel: [7, 7], mask: MaskKind::A, groups }
                .init(device),
            blocks: (0..config.layers).map(|_| block.init(device)).collect(),
            head: Head::init(config, device),
        }
    }

    /// # Shapes
    /// - `input`: `[batch, channels, height, width]`
    /// - output: `[batch, channels · logits, height, width]`
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let mut x = self.first.forward(input); // [batch, 2h, height, width]
        #[cfg(feature = "native")]
        if crate::nn::on_cpu(&x.device()) {
            return self.head.forward(self.trunk_on_cpu(x));
        }
        let mut skips: Option<Tensor<4>> = None;
        for block in &self.blocks {
            let (output, skip) = block.forward(x);
            x = output;
            skips = match (skips, skip) {
                (Some(sum), Some(skip)) => Some(sum + skip),
                (sum, skip) => sum.or(skip),
            };
        }
        self.head.forward(match skips {
            Some(skips) => x + skips,
            None => x,
        })
    }

    /// The blocks and the sum of their skip connections, by the CPU's own operation.
    #[cfg(feature = "native")]
    fn trunk_on_cpu(&self, x: Tensor<4>) -> Tensor<4> {
        let features = x.dims()[1];
        let skip = self.blocks.iter().any(|block| block.skip.is_some());
        let stream = if skip { Tensor::cat(vec![x.clone(), x.zeros_like()], 1) } else { x };
        let stream = self.blocks.iter().fold(stream, |stream, block| block.forward_stream(stream));
        if !skip {
            return stream;
        }
        stream.clone().narrow(1, 0, features) + stream.narrow(1, features, features)
    }
}
