//! The residual blocks of PixelCNN and PixelRNN (§3.3, Fig. 5).

use super::diagonal_bilstm::{DiagonalBiLstm, DiagonalBiLstmConfig};
use super::gates::{add_condition, init_condition};
use super::mask::MaskKind;
use super::masked_conv::{MaskedConv2d, MaskedConv2dConfig};
use super::row_lstm::{RowLstm, RowLstmConfig};
use crate::maths::Layer;
use burn::config::Config;
use burn::module::{Module, Param};
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
    /// Features of the conditioning map (§3.6); 0 for none.
    pub maps: usize,
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
    /// 1×1 from the conditioning map, no mask, added to what `conv` gives, `[h, maps, 1, 1]`.
    pub condition: Option<Param<Tensor<4>>>,
}

impl ConvBlockConfig {
    /// A block with fresh weights.
    pub fn init(&self, device: &Device) -> ConvBlock {
        let conv = |features, kernel| {
            MaskedConv2dConfig { features, kernel: [kernel, kernel], mask: MaskKind::B, groups: self.groups, gates: 1 }
                .init(device)
        };
        let h = self.h;
        ConvBlock {
            reduce: conv([2 * h, h], 1),
            conv: conv([h, h], self.kernel),
            expand: conv([h, 2 * h], 1),
            skip: self.skip.then(|| conv([h, 2 * h], 1)),
            condition: init_condition(h, self.maps, device),
        }
    }
}

impl ConvBlock {
    /// The block's output and what it adds to the sum of skip connections.
    ///
    /// # Shapes
    /// - `x`, both outputs: `[batch, 2h, height, width]`
    /// - `condition`: `[batch, maps, height, width]`
    pub fn forward(&self, x: Tensor<4>, condition: Option<&Tensor<4>>) -> (Tensor<4>, Option<Tensor<4>>) {
        let [_, features, output] = self.layers(x.clone(), condition);
        let skip = self.skip.as_ref().map(|skip| skip.forward_relu(features));
        (output + x, skip)
    }

    /// What its three convolutions give, each before the rectifier of the next.
    ///
    /// # Shapes
    /// - `x`: `[batch, 2h, height, width]`
    /// - `condition`: `[batch, maps, height, width]`
    /// - output: `[batch, h, height, width]` twice, then `[batch, 2h, height, width]`, which the input is still to be added to
    pub fn layers(&self, x: Tensor<4>, condition: Option<&Tensor<4>>) -> [Tensor<4>; 3] {
        let reduced = self.reduce.forward_relu(x);
        let features = add_condition(self.conv.forward_relu(reduced.clone()), self.condition.as_ref(), condition);
        let output = self.expand.forward_relu(features.clone());
        [reduced, features, output]
    }

    /// The same for the CPU in one operation, on `x` with the sum of skip connections behind it where there is one, and behind
    /// both the conditioning map where there is one, which comes out as it went in.
    ///
    /// # Shapes
    /// - `stream`, output: `[batch, 2h + maps, height, width]`, or `[batch, 4h + maps, height, width]` with skip connections
    #[cfg(feature = "native")]
    pub fn forward_stream(&self, stream: Tensor<4>) -> Tensor<4> {
        let layers = [Some(&self.reduce), Some(&self.conv), Some(&self.expand), self.skip.as_ref()];
        let condition = self.condition.as_ref().map(|weight| weight.val().flatten(0, 3));
        let weights =
            Tensor::cat(layers.into_iter().flatten().flat_map(MaskedConv2d::flat).chain(condition).collect(), 0);
        let [h, _, kernel, _] = self.conv.weight.dims();
        let maps = maps_of(self.condition.as_ref());
        crate::cpu::conv_block(stream, weights, crate::cpu::ConvBlockShape { h, kernel, maps })
    }
}

/// Configuration of an [`LstmBlock`].
#[derive(Config, Debug)]
pub struct LstmBlockConfig {
    /// The recurrent layer.
    pub layer: Layer,
    /// The paper's width h; the block reads and writes 2h features.
    pub h: usize,
    /// Whether the block also feeds the head directly (layer-to-output connection, §3.3).
    pub skip: bool,
    /// Colour groups.
    pub groups: usize,
    /// Features of the conditioning map (§3.6); 0 for none.
    pub maps: usize,
}

/// 2h → recurrent layer → h → 1×1 under mask B → 2h, plus the input.
#[derive(Module, Debug)]
pub struct LstmBlock {
    /// 2h → h.
    pub lstm: Recurrent,
    /// 1×1, h → 2h, back onto the residual stream.
    pub expand: MaskedConv2d,
    /// 1×1, h → 2h, to the head.
    pub skip: Option<MaskedConv2d>,
}

/// A recurrent layer.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "there are a dozen of them")]
pub enum Recurrent {
    /// §3.1.
    Row(RowLstm),
    /// §3.2.
    Diagonal(DiagonalBiLstm),
}

impl LstmBlockConfig {
    /// A block with fresh weights.
    pub fn init(&self, device: &Device) -> LstmBlock {
        let Self { h, groups, maps, .. } = *self;
        let point = || {
            MaskedConv2dConfig { features: [h, 2 * h], kernel: [1, 1], mask: MaskKind::B, groups, gates: 1 }
                .init(device)
        };
        let lstm = match self.layer {
            Layer::Row => Recurrent::Row(RowLstmConfig { h, groups, maps }.init(device)),
            Layer::Diagonal => Recurrent::Diagonal(DiagonalBiLstmConfig { h, groups, maps }.init(device)),
        };
        LstmBlock { lstm, expand: point(), skip: self.skip.then(point) }
    }
}

impl LstmBlock {
    /// The block's output and what it adds to the sum of skip connections.
    ///
    /// # Shapes
    /// - `x`, both outputs: `[batch, 2h, height, width]`
    /// - `condition`: `[batch, maps, height, width]`
    pub fn forward(&self, x: Tensor<4>, condition: Option<&Tensor<4>>) -> (Tensor<4>, Option<Tensor<4>>) {
        let [features, output] = self.layers(x.clone(), condition);
        let skip = self.skip.as_ref().map(|skip| skip.forward(features));
        (output + x, skip)
    }

    /// What its two layers give.
    ///
    /// # Shapes
    /// - `x`: `[batch, 2h, height, width]`
    /// - `condition`: `[batch, maps, height, width]`
    /// - output: `[batch, h, height, width]`, then `[batch, 2h, height, width]`, which the input is still to be added to
    pub fn layers(&self, x: Tensor<4>, condition: Option<&Tensor<4>>) -> [Tensor<4>; 2] {
        let features = match &self.lstm {
            Recurrent::Row(lstm) => lstm.forward(x, condition),
            Recurrent::Diagonal(lstm) => lstm.forward(x, condition),
        };
        let output = self.expand.forward(features.clone());
        [features, output]
    }

    /// The same for the CPU in one operation, on `x` with the sum of skip connections behind it where there is one, and behind
    /// both the conditioning map where there is one, which comes out as it went in.
    ///
    /// # Shapes
    /// - `stream`, output: `[batch, 2h + maps, height, width]`, or `[batch, 4h + maps, height, width]` with skip connections
    #[cfg(feature = "native")]
    pub fn forward_stream(&self, stream: Tensor<4>) -> Tensor<4> {
        use crate::cpu::{LstmBlockShape, lstm_block};
        let (mut weights, layer, condition) = match &self.lstm {
            Recurrent::Row(lstm) => (lstm.flat(), Layer::Row, &lstm.condition),
            Recurrent::Diagonal(lstm) => (lstm.flat(), Layer::Diagonal, &lstm.left.condition),
        };
        weights.extend([Some(&self.expand), self.skip.as_ref()].into_iter().flatten().flat_map(MaskedConv2d::flat));
        let (h, maps) = (self.expand.weight.dims()[1], maps_of(condition.as_ref()));
        lstm_block(stream, Tensor::cat(weights, 0), LstmBlockShape { layer, h, maps })
    }
}

/// Features of the conditioning map that these weights read.
#[cfg(feature = "native")]
fn maps_of(condition: Option<&Param<Tensor<4>>>) -> usize {
    condition.map_or(0, |weight| weight.dims()[1])
}

#[cfg(all(test, feature = "native"))]
pub(super) mod tests {
    use super::*;
    use burn::module::{ModuleVisitor, Param};
    use burn::tensor::{Distribution, Gradients, TensorData, Tolerance};

    /// Gradients of every weight of a module.
    struct Collect<'a>(&'a Gradients, Vec<TensorData>);

    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.1.push(param.val().grad(self.0).expect("every weight has a gradient").into_data());
        }
    }

    /// Values, and gradients of inputs and weights, of a block's two ways.
    fn equal<M: Module>(
        block: &M,
        [h, maps]: [usize; 2],
        skip: bool,
        [height, width]: [usize; 2],
        plain: impl Fn(Tensor<4>, Option<&Tensor<4>>) -> (Tensor<4>, Option<Tensor<4>>),
        fast: impl Fn(Tensor<4>) -> Tensor<4>,
    ) {
        let device = Device::flex().autodiff();
        let random = |c| Tensor::<4>::random([3, c, height, width], Distribution::Normal(0.0, 1.0), &device);
        let (x, skips, map, pull) = (random(2 * h), random(2 * h), random(maps.max(1)), random(4 * h));
        let run = |in_one: bool| {
            let [x, skips, map] = [&x, &skips, &map].map(|tensor| tensor.clone().require_grad());
            let condition = (maps > 0).then_some(&map);
            let mut stream = vec![x.clone()];
            stream.extend(skip.then(|| skips.clone()));
            let features = stream.len() * 2 * h;
            let out = if in_one {
                stream.extend(condition.cloned());
                let out = fast(Tensor::cat(stream, 1));
                if let Some(condition) = condition {
                    out.clone().narrow(1, features, maps).into_data().assert_eq(&condition.to_data(), true);
                }
                out.narrow(1, 0, features)
            } else {
                let (out, added) = plain(x.clone(), condition);
                Tensor::cat(std::iter::once(out).chain(added.map(|added| skips.clone() + added)).collect(), 1)
            };
            let grads = (out.clone() * pull.clone().narrow(1, 0, features)).sum().backward();
            let mut results = vec![out.into_data(), x.grad(&grads).expect("x").into_data()];
            results.extend([&skips, &map].into_iter().filter_map(|tensor| tensor.grad(&grads)).map(Tensor::into_data));
            let mut collect = Collect(&grads, results);
            block.visit(&mut collect);
            collect.1
        };
        let (fast, plain) = (run(true), run(false));
        assert_eq!(fast.len(), plain.len());
        // Sums of some hundred products of numbers near one, added in another order.
        let tolerance = Tolerance::<f32>::absolute(3e-4);
        fast.iter().zip(&plain).for_each(|(fast, plain)| fast.assert_approx_eq(plain, tolerance));
    }

    /// The operation of the CPU against the plain one, for the tests of the recurrent layers.
    pub fn equal_on_cpu(config: &LstmBlockConfig, size: [usize; 2]) {
        let device = Device::flex().autodiff();
        device.seed(4);
        let block = config.init(&device);
        // Initial states start at zero; here they shall matter.
        let block = block.map(&mut Stir);
        let features = [config.h, config.maps];
        equal(
            &block,
            features,
            config.skip,
            size,
            |x, map| block.forward(x, map),
            |stream| block.forward_stream(stream),
        );
    }

    struct Stir;

    impl burn::module::ModuleMapper for Stir {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|value| {
                let noise = Tensor::random(value.dims(), Distribution::Normal(0.0, 0.2), &value.device());
                (value + noise).detach().require_grad()
            })
        }
    }

    #[test]
    fn cpu_path_equals_plain_path_in_value_and_gradient() {
        let device = Device::flex().autodiff();
        device.seed(2);
        for (h, kernel, skip, groups, maps) in [
            (16, 3, true, 1, 0),
            (5, 3, false, 3, 0),
            (7, 5, true, 3, 0),
            (16, 3, true, 1, 16),
            (5, 3, false, 3, 19),
            (7, 5, true, 3, 3),
        ] {
            let block = ConvBlockConfig { h, kernel, skip, groups, maps }.init(&device);
            let (plain, fast) =
                (|x, map: Option<&Tensor<4>>| block.forward(x, map), |stream| block.forward_stream(stream));
            equal(&block, [h, maps], skip, [6, 9], plain, fast);
        }
    }
}
