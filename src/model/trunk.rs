//! What every network has before its head: the first layer, then residual blocks and the sum of their skip connections (§3.3).

use super::ModelConfig;
use crate::nn::mask::MaskKind;
use crate::nn::{ConvBlock, LstmBlock, MaskedConv2d, MaskedConv2dConfig};
use burn::tensor::{Device, Tensor};

/// The first layer (Table 1) with fresh weights: 7×7, mask A, channels → 2h.
pub fn first_layer(config: &ModelConfig, device: &Device) -> MaskedConv2d {
    let (features, groups) = ([config.channels, 2 * config.h], config.channels);
    MaskedConv2dConfig { features, kernel: [7, 7], mask: MaskKind::A, groups, gates: 1 }.init(device)
}

/// A residual block, as the trunk sees it.
pub trait Block {
    /// The block's output, and what it adds to the sum of skip connections.
    ///
    /// # Shapes
    /// - `x`, both outputs: `[batch, 2h, height, width]`
    /// - `condition`: `[batch, maps, height, width]`, where the block has weights for it
    fn forward(&self, x: Tensor<4>, condition: Option<&Tensor<4>>) -> (Tensor<4>, Option<Tensor<4>>);

    /// Whether it has a skip connection.
    #[cfg(feature = "native")]
    fn skips(&self) -> bool;

    /// The same in one operation of the CPU, with the sum of skip connections behind `x` where there is one, and the
    /// conditioning map behind both.
    #[cfg(feature = "native")]
    fn forward_stream(&self, stream: Tensor<4>) -> Tensor<4>;
}

macro_rules! block {
    ($name:ty) => {
        impl Block for $name {
            fn forward(&self, x: Tensor<4>, condition: Option<&Tensor<4>>) -> (Tensor<4>, Option<Tensor<4>>) {
                self.forward(x, condition)
            }

            #[cfg(feature = "native")]
            fn skips(&self) -> bool {
                self.skip.is_some()
            }

            #[cfg(feature = "native")]
            fn forward_stream(&self, stream: Tensor<4>) -> Tensor<4> {
                self.forward_stream(stream)
            }
        }
    };
}

block!(ConvBlock);
block!(LstmBlock);

/// What the head reads: the output of the last block, plus the skip connections of all.
///
/// # Shapes
/// - `x`, output: `[batch, 2h, height, width]`
/// - `condition`: `[batch, maps, height, width]`
pub fn trunk(blocks: &[impl Block], mut x: Tensor<4>, condition: Option<Tensor<4>>) -> Tensor<4> {
    #[cfg(feature = "native")]
    if crate::nn::on_cpu(&x.device()) {
        return trunk_on_cpu(blocks, x, condition);
    }
    let mut skips: Option<Tensor<4>> = None;
    for block in blocks {
        let (output, skip) = block.forward(x, condition.as_ref());
        x = output;
        skips = match (skips, skip) {
            (Some(sum), Some(skip)) => Some(sum + skip),
            (sum, skip) => sum.or(skip),
        };
    }
    match skips {
        Some(skips) => x + skips,
        None => x,
    }
}

/// The same by the CPU's own operations.
#[cfg(feature = "native")]
fn trunk_on_cpu(blocks: &[impl Block], x: Tensor<4>, condition: Option<Tensor<4>>) -> Tensor<4> {
    let features = x.dims()[1];
    let skip = blocks.iter().any(Block::skips);
    let parts = [Some(x.clone()), skip.then(|| x.zeros_like()), condition];
    let stream = Tensor::cat(parts.into_iter().flatten().collect(), 1);
    let stream = blocks.iter().fold(stream, |stream, block| block.forward_stream(stream));
    if !skip {
        return stream.narrow(1, 0, features);
    }
    stream.clone().narrow(1, 0, features) + stream.narrow(1, features, features)
}
