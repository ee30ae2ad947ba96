//! Architectures: the layers of [`nn`](crate::nn) put together as Table 1 says. Levels in, logits out.

mod config;
mod head;
mod multi_scale;
mod pixel_cnn;
mod pixel_rnn;
mod trunk;

pub use config::{Conditioning, ConfigError, ModelConfig, Network};
pub use head::Head;
pub use multi_scale::Upsampler;
pub use pixel_cnn::PixelCnn;
pub use pixel_rnn::PixelRnn;

use crate::image::level_to_input;
use crate::nn::Layer;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};

/// A network of the paper with the configuration that made it.
#[derive(Clone, Debug)]
pub struct Model {
    /// What the network is made of.
    pub config: ModelConfig,
    /// The layers and their weights.
    pub net: Net,
    /// The model that draws the small image this one enlarges (§3.6).
    pub small: Option<Box<Model>>,
}

/// The layers of whichever architecture the configuration names.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one of it")]
pub enum Net {
    /// §3.5.
    PixelCnn(PixelCnn),
    /// §3.1 or §3.2.
    PixelRnn(PixelRnn),
}

impl Net {
    /// What the head reads; shapes as in [`PixelCnn::features`].
    pub fn features(&self, input: Tensor<4>, small: Option<Tensor<4>>) -> Tensor<4> {
        match self {
            Self::PixelCnn(net) => net.features(input, small),
            Self::PixelRnn(net) => net.features(input, small),
        }
    }

    /// The layers behind them.
    pub fn head(&self) -> &Head {
        match self {
            Self::PixelCnn(net) => &net.head,
            Self::PixelRnn(net) => &net.head,
        }
    }

    /// What conditions the layers, where a small image does.
    pub fn upsampler(&self) -> Option<&Upsampler> {
        match self {
            Self::PixelCnn(net) => net.upsampler.as_ref(),
            Self::PixelRnn(net) => net.upsampler.as_ref(),
        }
    }
}

impl Model {
    /// A model with fresh weights, random as `device`'s seed says.
    ///
    /// # Errors
    /// When the configuration is not one a network can be built from.
    pub fn init(config: &ModelConfig, device: &Device) -> Result<Self, ConfigError> {
        config.validate()?;
        let net = match config.network {
            Network::PixelCnn => Net::PixelCnn(PixelCnn::init(config, device)),
            Network::RowLstm => Net::PixelRnn(PixelRnn::init(config, Layer::Row, device)),
            Network::DiagonalBiLstm => Net::PixelRnn(PixelRnn::init(config, Layer::Diagonal, device)),
        };
        let small = config.conditioning.as_ref().map(|conditioning| Self::init(&conditioning.small, device));
        Ok(Self { config: config.clone(), net, small: small.transpose()?.map(Box::new) })
    }

    /// The logits of every value given the values before it (Eq. 1 and 2), for all positions at once.
    ///
    /// # Shapes
    /// - `input`: `[batch, channels, height, width]`, as [`input`](Self::input) makes it
    /// - `small`: the small images in the same manner, where the network enlarges one; as
    ///   [`small_input`](Self::small_input) makes it
    /// - output: `[batch, channels, logits, height, width]`; one logit, the log-odds of level 1, for two levels
    pub fn forward(&self, input: Tensor<4>, small: Option<Tensor<4>>) -> Tensor<5> {
        let [batch, channels, height, width] = input.dims();
        let logits = self.net.head().forward(self.net.features(input, small));
        logits.reshape([batch, channels, self.config.logits(), height, width])
    }

    /// Levels `[batch, channels, height, width]` as the network wants them: scaled and centred (§5.2), −1 to 1, so that
    /// the zeros around the image are no level's value where there are two.
    ///
    /// # Panics
    /// When `levels` does not hold a whole number of images.
    pub fn input(&self, levels: &[u8], device: &Device) -> Tensor<4> {
        let ModelConfig { channels, height, width, .. } = self.config;
        let image = self.config.dimensions();
        assert!(levels.len().is_multiple_of(image), "{} levels are no whole number of images of {image}", levels.len());
        let values: Vec<f32> = levels.iter().map(|&level| level_to_input(level, self.config.levels)).collect();
        Tensor::from_data(TensorData::new(values, [levels.len() / image, channels, height, width]), device)
    }

    /// The small images inside `levels`, as the network wants them; none where it enlarges none.
    pub fn small_input(&self, levels: &[u8], device: &Device) -> Option<Tensor<4>> {
        Some(self.small.as_ref()?.input(&self.config.small_levels(levels), device))
    }

    /// The models of all scales, in the order they draw.
    pub fn scales(&self) -> Vec<&Self> {
        let mut scales: Vec<&Self> = std::iter::successors(Some(self), |model| model.small.as_deref()).collect();
        scales.reverse();
        scales
    }

    /// The layers of all scales, this one's first: together they are one module.
    pub fn nets(&self) -> Vec<Net> {
        self.scales().into_iter().rev().map(|model| model.net.clone()).collect()
    }

    /// The model with other layers of the same kind, in the order of [`nets`](Self::nets).
    ///
    /// # Panics
    /// When there are fewer of them than scales.
    pub fn with_nets(self, nets: Vec<Net>) -> Self {
        self.with_next_nets(&mut nets.into_iter())
    }

    fn with_next_nets(self, nets: &mut impl Iterator<Item = Net>) -> Self {
        let net = nets.next().expect("the layers of every scale");
        Self { net, small: self.small.map(|small| Box::new(small.with_next_nets(nets))), ..self }
    }

    /// The model on another device.
    pub fn to_device(&self, device: &Device) -> Self {
        self.clone().with_nets(self.nets().to_device(device))
    }

    /// Every weight by its name, in a fixed order, as 32-bit values with their shape. Those of the small image's network have
    /// `small.` before their names.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>, Vec<f32>)> {
        let mut visitor = Collect { path: Path::default(), tensors: Vec::new() };
        self.net.visit(&mut visitor);
        let small = self.small.iter().flat_map(|small| small.tensors());
        visitor.tensors.extend(small.map(|(name, shape, values)| (format!("small.{name}"), shape, values)));
        visitor.tensors
    }

    /// The model with every weight replaced by what `weight(name, shape)` gives.
    pub fn map_tensors(self, mut weight: impl FnMut(&str, &[usize]) -> Vec<f32>) -> Self {
        self.map_each(&mut weight)
    }

    fn map_each(self, weight: &mut dyn FnMut(&str, &[usize]) -> Vec<f32>) -> Self {
        let net = self.net.map(&mut Replace { path: Path::default(), weight: &mut *weight });
        let small = self.small.map(|small| {
            Box::new(small.map_each(&mut |name: &str, shape: &[usize]| weight(&format!("small.{name}"), shape)))
        });
        Self { config: self.config, net, small }
    }
}

/// Names of the modules on the way to a weight, joined by dots. Variants of an enum, which burn enters by their Rust names,
/// are left out: the configuration says which they are.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn name(&self) -> String {
        let fields = self.0.iter().map(String::as_str).filter(|name| !name.starts_with(char::is_uppercase));
        fields.collect::<Vec<_>>().join(".")
    }
}

struct Collect {
    path: Path,
    tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.0.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.0.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data();
        let shape = data.shape().to_vec();
        let values = data.try_into_vec().expect("weights are 32-bit floats");
        self.tensors.push((self.path.name(), shape, values));
    }
}

struct Replace<F> {
    path: Path,
    weight: F,
}

impl<F: FnMut(&str, &[usize]) -> Vec<f32>> ModuleMapper for Replace<F> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.0.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.0.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        param.map(|old| {
            let shape = old.dims();
            let values = (self.weight)(&name, &shape);
            let tensor = Tensor::from_data(TensorData::new(values, shape), &old.device());
            if old.is_require_grad() { tensor.require_grad() } else { tensor }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_the_papers_names() {
        let config = ModelConfig {
            network: Network::PixelCnn,
            channels: 1,
            levels: 2,
            height: 4,
            width: 4,
            layers: 1,
            h: 2,
            head: 3,
            skip: true,
            conditioning: None,
        };
        let model = Model::init(&config, &Device::flex()).expect("a good configuration");
        let names: Vec<String> = model.tensors().into_iter().map(|(name, ..)| name).collect();
        let expected = [
            "first.weight",
            "first.bias",
            "blocks.0.reduce.weight",
            "blocks.0.reduce.bias",
            "blocks.0.conv.weight",
            "blocks.0.conv.bias",
            "blocks.0.expand.weight",
            "blocks.0.expand.bias",
            "blocks.0.skip.weight",
            "blocks.0.skip.bias",
            "head.hidden.weight",
            "head.hidden.bias",
            "head.output.weight",
            "head.output.bias",
        ];
        assert_eq!(names, expected);
        assert_eq!(model.tensors().iter().map(|(.., values)| values.len()).sum::<usize>(), config.parameters());
    }
}
