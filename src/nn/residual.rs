//! The residual block of PixelCNN (§3.3, Fig. 5 left).

use super::mask::MaskKind;
use super::masked_conv::{MaskedConv2d, MaskedConv2dConfig};
use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// Configuration of a [`ConvBlock`].
#[derive(Config, Debug)]
pub struct ConvBlockConfig {
    /// The paper's width h; the block reads and writes 2h features.
    pub h: usize,
    /// Side of the square kernel of the middle convolution; 3 in Table 1.
    #[config(default = 3)]
    pub kernel: usize,
    /// Whether the block also feeds the head directly (layer-to-output connection, §3.3).
    pub skip: bool,
    /// Colour groups.
    pub groups: usize,
}

/// 2h → ReLU, 1×1 → h → ReLU, 3×3 → h → ReLU, 1×1 → 2h, plus the input; every convolution under mask B.
#[derive(Module, Debug)]
pub struct ConvBlock {
    /// 1×1, 2h → h.
    pub reduce: MaskedConv2d,
    /// 3×3, h → h.
    pub conv: MaskedConv2d,
    /// 1×1, h → 2h, back onto the residual stream.
    pub expand: MaskedConv2d,
    /// 1×1, h → 2h, to the head.
    pub skip: Option<MaskedConv2d>,
}

impl ConvBlockConfig {
    /// A block with fresh weights.
    pub fn init(&self, device: &Device) -> ConvBlock {
        let conv = |features, kernel| {
            MaskedConv2dConfig { features, kernel: [kernel, kernel], mask: MaskKind::B, groups: self.groups }
                .init(device)
        };
        let h = self.h;
        ConvBlock {
            reduce: conv([2 * h, h], 1),
            conv: conv([h, h], self.kernel),
            expand: conv([h, 2 * h], 1),
            skip: self.skip.then(|| conv([h, 2 * h], 1)),
        }
    }
}

impl ConvBlock {
    /// The block's output and what it adds to the sum of skip connections.
    ///
    /// # Shapes
    /// - `x`, both outputs: `[batch, 2h, height, width]`
    pub fn forward(&self, x: Tensor<4>) -> (Tensor<4>, Option<Tensor<4>>) {
        let features = self.reduce.forward_relu(x.clone()); // [batch, h, height, width]
        let features = self.conv.forward_relu(features);
        let skip = self.skip.as_ref().map(|skip| skip.forward_relu(features.clone()));
        (self.expand.forward_relu(features) + x, skip)
    }

    /// The same for the CPU in one operation, on `x` with the sum of skip connections behind it where there is one.
    ///
    /// # Shapes
    /// - `stream`, output: `[batch, 2h, height, width]`, or `[batch, 4h, height, width]` with skip connections
    #[cfg(feature = "native")]
    pub fn forward_stream(&self, stream: Tensor<4>) -> Tensor<4> {
        let layers = [Some(&self.reduce), Some(&self.conv), Some(&self.expand), self.skip.as_ref()];
        let flat = |layer: &MaskedConv2d| [layer.masked_weight().flatten(0, 3), layer.bias.val()];
        let weights = Tensor::cat(layers.into_iter().flatten().flat_map(flat).collect(), 0);
        let [h, _, kernel, _] = self.conv.weight.dims();
        super::cpu_conv::conv_block(stream, weights, h, kernel)
    }
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::*;
    use burn::tensor::{Distribution, Tolerance};

    #[test]
    fn cpu_path_equals_plain_path_in_value_and_gradient() {
        let device = Device::flex().autodiff();
        device.seed(2);
        for (h, kernel, skip, groups) in [(16, 3, true, 1), (5, 3, false, 3), (7, 5, true, 3)] {
            let block = ConvBlockConfig { h, kernel, skip, groups }.init(&device);
            let random = |c| Tensor::<4>::random([3, c, 6, 9], Distribution::Normal(0.0, 1.0), &device);
            let (x, skips, pull) = (random(2 * h), random(2 * h), random(4 * h));
            let pull = if skip { pull } else { pull.narrow(1, 0, 2 * h) };
            let run = |fast: bool| {
                let (x, skips) = (x.clone().require_grad(), skips.clone().require_grad());
                let stream = |x, skips| if skip { Tensor::cat(vec![x, skips], 1) } else { x };
                let out = if fast {
                    block.forward_stream(stream(x.clone(), skips.clone()))
                } else {
                    let (out, added) = block.forward(x.clone());
                    stream(out, added.map_or(skips.clone(), |added| skips.clone() + added))
                };
                let grads = (out.clone() * pull.clone()).sum().backward();
                let mut results = vec![out.into_data(), x.grad(&grads).expect("x").into_data()];
                results.extend(skips.grad(&grads).map(Tensor::into_data));
                for layer in [Some(&block.reduce), Some(&block.conv), Some(&block.expand), block.skip.as_ref()] {
                    let Some(layer) = layer else { continue };
                    results.push(layer.weight.val().grad(&grads).expect("weight").into_data());
                    results.push(layer.bias.val().grad(&grads).expect("bias").into_data());
                }
                results
            };
            let (fast, plain) = (run(true), run(false));
            assert_eq!(fast.len(), plain.len());
            // Sums of some hundred products of numbers near one, added in another order.
            let tolerance = Tolerance::<f32>::absolute(3e-4);
            fast.iter().zip(&plain).for_each(|(fast, plain)| fast.assert_approx_eq(plain, tolerance));
        }
    }
}
