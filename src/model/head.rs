//! The head of every network (Table 1): ReLU and a 1×1 convolution under mask B, twice.

use super::ModelConfig;
use crate::nn::mask::MaskKind;
use crate::nn::{MaskedConv2d, MaskedConv2dConfig};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// 2h features → hidden features → logits of every colour.
#[derive(Module, Debug)]
pub struct Head {
    /// 1×1, 2h → head.
    pub hidden: MaskedConv2d,
    /// 1×1, head → channels · logits.
    pub output: MaskedConv2d,
}

impl Head {
    /// A head with fresh weights.
    pub fn init(config: &ModelConfig, device: &Device) -> Self {
        let conv = |features_in, features_out| {
            let features = [features_in, features_out];
            MaskedConv2dConfig { features, kernel: [1, 1], mask: MaskKind::B, groups: config.channels, gates: 1 }
                .init(device)
        };
        Self { hidden: conv(2 * config.h, config.head), output: conv(config.head, config.channels * config.logits()) }
    }

    /// # Shapes
    /// - `x`: `[batch, 2h, height, width]`
    /// - output: `[batch, channels · logits, height, width]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.output.forward_relu(self.hidden.forward_relu(x))
    }

    /// −ln p of `targets`, for the CPU in one operation.
    ///
    /// # Shapes
    /// - `x`: `[batch, 2h, height, width]`
    /// - output: `[batch, channels, height, width]`
    #[cfg(feature = "native")]
    pub fn nll_nats(&self, x: Tensor<4>, targets: crate::nn::Targets) -> Tensor<4> {
        let weights = Tensor::cat([self.hidden.flat(), self.output.flat()].concat(), 0);
        crate::nn::head_nll(x, weights, targets)
    }
}
