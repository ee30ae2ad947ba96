//! The frame of every network (Table 1): a 7×7 convolution under mask A, residual blocks, the sum of their skip connections
//! (§3.3), and the head. The paper's networks differ in their blocks only.

use super::multi_scale::{Upsampler, condition};
use super::{Head, ModelConfig, Network};
use crate::nn::mask::MaskKind;
use crate::nn::{ConvBlock, ConvBlockConfig, Layer, LstmBlock, LstmBlockConfig, MaskedConv2d, MaskedConv2dConfig};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// The network of one scale.
#[derive(Module, Debug)]
pub struct Net {
    /// 7×7, mask A, channels → 2h.
    pub first: MaskedConv2d,
    /// The residual blocks, 2h → 2h each.
    pub blocks: Vec<Block>,
    /// 2h → logits.
    pub head: Head,
    /// From the small image to what conditions every block (§3.6).
    pub upsampler: Option<Upsampler>,
}

/// A residual block.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "those of a network are all of one kind")]
pub enum Block {
    /// Of a PixelCNN (§3.5): masked convolutions, a large but bounded field of view.
    Conv(ConvBlock),
    /// Of a PixelRNN (§3.1, §3.2): a recurrent layer, whose field of view has no bound.
    Lstm(LstmBlock),
}

impl Block {
    /// The block's output and what it adds to the sum of skip connections: see [`ConvBlock::forward`].
    fn forward(&self, x: Tensor<4>, condition: Option<&Tensor<4>>) -> (Tensor<4>, Option<Tensor<4>>) {
        match self {
            Self::Conv(block) => block.forward(x, condition),
            Self::Lstm(block) => block.forward(x, condition),
        }
    }
}

impl Net {
    /// A network with fresh weights.
    pub fn init(config: &ModelConfig, device: &Device) -> Self {
        let &ModelConfig { channels: groups, h, skip, .. } = config;
        let maps = config.maps();
        let lstm = |layer| Block::Lstm(LstmBlockConfig { layer, h, skip, groups, maps }.init(device));
        let block = |_| match config.network {
            Network::PixelCnn => Block::Conv(ConvBlockConfig::new(h, skip, groups, maps).init(device)),
            Network::RowLstm => lstm(Layer::Row),
            Network::DiagonalBiLstm => lstm(Layer::Diagonal),
        };
        let features = [groups, 2 * h];
        let first = MaskedConv2dConfig { features, kernel: [7, 7], mask: MaskKind::A, groups, gates: 1 };
        Self {
            first: first.init(device),
            blocks: (0..config.layers).map(block).collect(),
            head: Head::init(config, device),
            upsampler: Upsampler::init(config, device),
        }
    }

    /// The logits of every value given the values before it (Eq. 1 and 2), for all positions at once.
    ///
    /// # Shapes
    /// - `input`: `[batch, channels, height, width]`
    /// - `small`: `[batch, channels, small height, small width]`, where the network enlarges a small image
    /// - output: `[batch, channels, logits, height, width]`; one logit, the log-odds of level 1, for two levels
    pub fn forward(&self, input: Tensor<4>, small: Option<Tensor<4>>) -> Tensor<5> {
        let [batch, channels, height, width] = input.dims();
        let logits = self.head.forward(self.features(input, small));
        let values = logits.dims()[1];
        logits.reshape([batch, channels, values / channels, height, width])
    }

    /// What the head reads: the output of the last block, plus the skip connections of all.
    ///
    /// # Shapes
    /// - `input`: `[batch, channels, height, width]`
    /// - `small`: `[batch, channels, small height, small width]`, where the network enlarges a small image
    /// - output: `[batch, 2h, height, width]`
    pub fn features(&self, input: Tensor<4>, small: Option<Tensor<4>>) -> Tensor<4> {
        let (mut x, condition) = (self.first.forward(input), condition(self.upsampler.as_ref(), small));
        #[cfg(feature = "native")]
        if crate::nn::on_cpu(&x.device()) {
            return self.blocks_on_cpu(x, condition);
        }
        let mut skips: Option<Tensor<4>> = None;
        for block in &self.blocks {
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

    /// What a block takes in, and what its layers give: see [`ConvBlock::layers`] and [`LstmBlock::layers`].
    ///
    /// # Shapes
    /// - `input`, `small`: as in [`features`](Self::features)
    /// - output: `[batch, 2h, height, width]`, `[batch, h, height, width]` once or twice, `[batch, 2h, height, width]`
    ///
    /// # Panics
    /// When there is no such block.
    pub fn activations(&self, input: Tensor<4>, small: Option<Tensor<4>>, block: usize) -> Vec<Tensor<4>> {
        let condition = condition(self.upsampler.as_ref(), small);
        let condition = condition.as_ref();
        let x = self.blocks[..block].iter().fold(self.first.forward(input), |x, block| block.forward(x, condition).0);
        let layers = match &self.blocks[block] {
            Block::Conv(block) => block.layers(x.clone(), condition).to_vec(),
            Block::Lstm(block) => block.layers(x.clone(), condition).to_vec(),
        };
        [vec![x], layers].concat()
    }

    /// The blocks by the CPU's own operations, which hand on one map: the stream, then the sum of skip connections where there is
    /// one, then the conditioning map where there is one.
    #[cfg(feature = "native")]
    fn blocks_on_cpu(&self, x: Tensor<4>, condition: Option<Tensor<4>>) -> Tensor<4> {
        let features = x.dims()[1];
        let skip = self.blocks.iter().any(|block| match block {
            Block::Conv(block) => block.skip.is_some(),
            Block::Lstm(block) => block.skip.is_some(),
        });
        let parts = [Some(x.clone()), skip.then(|| x.zeros_like()), condition];
        let stream = Tensor::cat(parts.into_iter().flatten().collect(), 1);
        let stream = self.blocks.iter().fold(stream, |stream, block| match block {
            Block::Conv(block) => block.forward_stream(stream),
            Block::Lstm(block) => block.forward_stream(stream),
        });
        let x = stream.clone().narrow(1, 0, features);
        if skip { x + stream.narrow(1, features, features) } else { x }
    }
}
