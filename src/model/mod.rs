//! Architectures: the layers of [`nn`](crate::nn) put together as Table 1 says. Levels in, logits out.

mod activations;
mod config;
mod head;
mod multi_scale;
mod network;
mod reach;

pub use activations::activations;
pub use config::{Conditioning, ConfigError, ModelConfig, Network};
pub use head::Head;
pub use multi_scale::Upsampler;
pub use network::{Block, Net};
pub use reach::{Reached, reach};

use crate::image::level_to_input;
use crate::nn::{floats, seeded};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};

/// A model of the paper: a network a scale (§3.6), and the configuration that made them.
#[derive(Module, Debug)]
pub struct Model {
    /// What the networks are made of.
    #[module(skip)]
    pub config: ModelConfig,
    /// The networks in the order they draw: that of the smallest image first, each the condition of the next.
    pub nets: Vec<Net>,
}

impl ModelConfig {
    /// Levels `[batch, channels, height, width]` as the network wants them: scaled and centred (§5.2), −1 to 1, so that
    /// the zeros around the image are no level's value where there are two.
    ///
    /// # Panics
    /// When `levels` does not hold a whole number of images.
    pub fn input(&self, levels: &[u8], device: &Device) -> Tensor<4> {
        let (&Self { channels, height, width, .. }, image) = (self, self.dimensions());
        assert!(levels.len().is_multiple_of(image), "{} levels are no whole number of images of {image}", levels.len());
        let values: Vec<f32> = levels.iter().map(|&level| level_to_input(level, self.levels)).collect();
        floats(values, [levels.len() / image, channels, height, width], device)
    }

    /// The small images inside `levels`, as the network wants them; none where it enlarges none.
    pub fn small_input(&self, levels: &[u8], device: &Device) -> Option<Tensor<4>> {
        let Conditioning { small, .. } = self.conditioning.as_ref()?;
        Some(small.input(&self.small_levels(levels), device))
    }
}

impl Model {
    /// A model with fresh weights, which on one kind of device depend on `seed` alone.
    ///
    /// # Errors
    /// When the configuration is not one a network can be built from.
    pub fn init(config: &ModelConfig, seed: u64, device: &Device) -> Result<Self, ConfigError> {
        config.validate()?;
        let scales = config.scales();
        let nets = seeded(seed, device, || {
            let nets = scales.into_iter().rev().map(|config| Net::init(config, device));
            let mut nets: Vec<Net> = nets.inspect(|net| net.visit(&mut Draw)).collect();
            nets.reverse();
            nets
        });
        Ok(Self { config: config.clone(), nets })
    }

    /// The network of every scale with its configuration, in the order they draw.
    pub fn scales(&self) -> impl DoubleEndedIterator<Item = (&ModelConfig, &Net)> + ExactSizeIterator {
        self.config.scales().into_iter().zip(&self.nets)
    }

    /// The network of the image itself.
    pub fn net(&self) -> &Net {
        self.nets.last().expect("at least one scale")
    }

    /// Every weight by its name, in a fixed order, as 32-bit values with their shape: those of the image itself first. Those of
    /// the small image's network have `small.` before their names, and so on.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>, Vec<f32>)> {
        let mut tensors = Vec::new();
        for (smaller, net) in self.nets.iter().rev().enumerate() {
            net.visit(&mut Collect { path: Path::of_scale(smaller), tensors: &mut tensors });
        }
        tensors
    }

    /// The model with every weight replaced by what `weight(name, shape)` gives, in the same order.
    pub fn map_tensors(self, mut weight: impl FnMut(&str, &[usize]) -> Vec<f32>) -> Self {
        let replace =
            |(smaller, net): (usize, Net)| net.map(&mut Replace { path: Path::of_scale(smaller), weight: &mut weight });
        let mut nets: Vec<Net> = self.nets.into_iter().rev().enumerate().map(replace).collect();
        nets.reverse();
        Self { nets, ..self }
    }
}

/// Names of the modules on the way to a weight, joined by dots. Variants of an enum, which burn enters by their Rust names,
/// are left out: the configuration says which they are.
struct Path(Vec<String>);

impl Path {
    /// The start of a name in a network that draws an image `smaller` scales below the whole.
    fn of_scale(smaller: usize) -> Self {
        Self(vec!["small".to_owned(); smaller])
    }

    fn name(&self) -> String {
        let fields = self.0.iter().map(String::as_str).filter(|name| !name.starts_with(char::is_uppercase));
        fields.collect::<Vec<_>>().join(".")
    }
}

/// Draws the weights that burn has only promised.
struct Draw;

impl ModuleVisitor for Draw {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        param.val();
    }
}

struct Collect<'a> {
    path: Path,
    tensors: &'a mut Vec<(String, Vec<usize>, Vec<f32>)>,
}

impl ModuleVisitor for Collect<'_> {
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
            let tensor = floats(values, shape, &old.device());
            if old.is_require_grad() { tensor.require_grad() } else { tensor }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_the_papers_names() {
        let config = ModelConfig::tiny(Network::PixelCnn, 1, 2, [4, 4]);
        let model = Model::init(&config, 1, &Device::flex()).expect("a good configuration");
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
