//! What several kinds of proof share: networks and images that are functions of a seed, and where the data sets are.

use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::image::Images;
use pixelrnn::model::{Conditioning, Model, ModelConfig, Network};
use pixelrnn::nn::mask::{MaskKind, conv_mask};
use pixelrnn::sample::{CachedSampler, NaiveSampler, Plan, Request, Scale, Scored, uniform};
use std::path::{Path, PathBuf};

/// A trial that fails by panicking.
pub fn trial(name: &str, body: fn()) -> Trial {
    Trial::test(name, move || {
        body();
        Ok(())
    })
}

/// A trial on the data set in the folder `set`; ignored, with the reason as its kind, where that is not on this machine.
pub fn data_trial(name: &str, set: &str, body: fn(&Path)) -> Trial {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let dir = std::env::var_os("PIXELRNN_DATA").map_or(beside, PathBuf::from);
    let missing = !dir.join(set).is_dir();
    let kind = if missing { format!("no {set} in {}", dir.display()) } else { String::new() };
    let run = move || {
        body(&dir);
        Ok(())
    };
    Trial::test(name, run).with_ignored_flag(missing).with_kind(kind)
}

/// The two recurrent ones.
pub const RECURRENT: [Network; 2] = [Network::RowLstm, Network::DiagonalBiLstm];

/// A small PixelCNN: two blocks with skip connections, widths that no number of colours divides.
pub fn config(channels: usize, levels: u16, size: [usize; 2]) -> ModelConfig {
    ModelConfig { layers: 2, h: 5, head: 7, ..ModelConfig::tiny(Network::PixelCnn, channels, levels, size) }
}

/// A network of two scales: `config`'s images are drawn from images `factor` times smaller. These have a network of another
/// kind and depth.
pub fn enlarging(config: &ModelConfig, factor: usize) -> ModelConfig {
    let (height, width) = (config.height / factor, config.width / factor);
    let network =
        Network::ALL[Network::ALL.iter().position(|&network| network == config.network).map_or(0, |k| (k + 1) % 3)];
    enlarging_from(config, ModelConfig { network, layers: 1, height, width, ..config.clone() })
}

/// The same with the network `small` for the smaller images, which may enlarge even smaller ones.
pub fn enlarging_from(config: &ModelConfig, small: ModelConfig) -> ModelConfig {
    ModelConfig { conditioning: Some(Conditioning { maps: 3, small: Box::new(small) }), ..config.clone() }
}

/// A model whose every weight, masked ones included, is a function of the seed and its place.
pub fn model(config: &ModelConfig, seed: u64) -> Model {
    model_on(config, seed, &Device::flex())
}

/// The same on another device.
pub fn model_on(config: &ModelConfig, seed: u64, device: &Device) -> Model {
    let mut tensor = 0;
    Model::init(config, 0, device).expect("a good configuration").map_tensors(|_, shape| {
        tensor += 1;
        let inputs = shape[1..].iter().product::<usize>();
        // Keeps the size of features through a ReLU and a mask, and gates off their ends; a forgotten bias or initial
        // state shows.
        let bound = if shape.len() == 1 { 0.5 } else { (6.0 / inputs as f32).sqrt() };
        let weight = |k| bound * (2.0 * uniform(seed, tensor, k >> 14, k & 0x3fff, 0) - 1.0);
        (0..shape.iter().product()).map(weight).collect()
    })
}

/// A model with every weight at zero: uniform over all images.
pub fn zero_model(config: &ModelConfig) -> Model {
    let model = Model::init(config, 0, &Device::flex()).expect("a good configuration");
    model.map_tensors(|_, shape| vec![0.0; shape.iter().product()])
}

/// Levels of `count` random images, `[count, channels, height, width]`.
pub fn random_levels(config: &ModelConfig, count: usize, seed: u64) -> Vec<u8> {
    let level = |k: usize| {
        let u = uniform(!seed, (k >> 14) as u32, 0, k & 0x3fff, 0);
        (u * f32::from(config.levels)) as u8
    };
    (0..count * config.dimensions()).map(level).collect()
}

/// The same as a batch.
pub fn random_images(config: &ModelConfig, count: usize, seed: u64) -> Images {
    images(config, random_levels(config, count, seed))
}

/// A batch of the network's size.
pub fn images(config: &ModelConfig, levels: Vec<u8>) -> Images {
    let count = levels.len() / config.dimensions();
    let shape = [count, config.channels, config.height, config.width];
    Images::new(shape, config.levels, levels).expect("levels of the network")
}

/// Logits of a batch of levels on the CPU, `[batch, channels, logits, height, width]`; of several scales, given the small
/// images inside `levels`.
pub fn logits(model: &Model, levels: &[u8]) -> Vec<f32> {
    logits_given(
        model,
        levels,
        Some(&model.config.small_levels(levels)).filter(|_| model.nets.len() > 1).map(Vec::as_slice),
    )
}

/// The same given any small images, one for each of `levels`.
pub fn logits_given(model: &Model, levels: &[u8], small: Option<&[u8]>) -> Vec<f32> {
    let device = Device::flex();
    let conditioning = model.config.conditioning.as_ref();
    let small = conditioning.map(|of| of.small.input(small.expect("small images"), &device));
    let logits = model.net().forward(model.config.input(levels, &device), small);
    logits.into_data().try_into_vec().expect("32-bit floats")
}

/// The model of every scale, in the order they draw: each is the one before it and a network that enlarges its images.
pub fn scales(model: &Model) -> Vec<Model> {
    let configs = model.config.scales().into_iter().enumerate();
    configs.map(|(scale, config)| Model { config: config.clone(), nets: model.nets[..=scale].to_vec() }).collect()
}

/// What the cached sampler makes of a request: levels and −ln p, `[count, channels, height, width]`.
pub fn draw_cached(model: &Model, request: &Request) -> (Vec<u8>, Vec<f32>) {
    draw_cached_scales(model, request).pop().expect("at least one scale")
}

/// The same of every scale, in the order they draw.
pub fn draw_cached_scales(model: &Model, request: &Request) -> Vec<(Vec<u8>, Vec<f32>)> {
    let mut sampler = CachedSampler::new(&Plan::of(model), request.clone()).expect("a good request");
    while sampler.next_row() {}
    let of_scale = |scale| {
        let scale = sampler.of_scale(scale);
        (scale.levels(), scale.nll_nats_of_values().flatten().copied().collect())
    };
    (0..model.nets.len()).map(of_scale).collect()
}

/// What the naive sampler makes of a request, `[count, channels, height, width]`.
pub fn draw_naive(model: &Model, request: &Request) -> Vec<u8> {
    draw_naive_scales(model, request).pop().expect("at least one scale")
}

/// The same of every scale, in the order they draw.
pub fn draw_naive_scales(model: &Model, request: &Request) -> Vec<Vec<u8>> {
    let device = Device::flex();
    let mut sampler = NaiveSampler::new(model, request.clone(), &device).expect("a good request");
    while sampler.next_row() {}
    (0..model.nets.len()).map(|scale| sampler.of_scale(scale).levels()).collect()
}

/// The mask of a weight by its name, row-major; `None` for a bias or an initial state. State-to-state weights, and all that
/// carries a small image into a large one, have none and are all ones here; those of input-to-state have the groups inside
/// each of their four gates.
pub fn mask_of(config: &ModelConfig, name: &str, shape: &[usize]) -> Option<Vec<f32>> {
    let shape: [usize; 4] = shape.try_into().ok()?;
    let name = name.trim_start_matches("small.");
    if name.ends_with("state_to_state") || name.ends_with("condition") || name.starts_with("upsampler.") {
        return Some(vec![1.0; shape.iter().product()]);
    }
    let kind = if name.starts_with("first.") { MaskKind::A } else { MaskKind::B };
    let gates = if name.ends_with("input_to_state.weight") { 4 } else { 1 };
    Some(conv_mask(kind, config.channels, gates, shape))
}

/// A value of an image and its rank in drawing order: row, column, then R, G, B.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub channel: usize,
    pub y: usize,
    pub x: usize,
}

impl Place {
    /// Every value of an image, in the order of levels.
    pub fn all(config: &ModelConfig) -> Vec<Self> {
        let ModelConfig { channels, height, width, .. } = *config;
        let place = move |k: usize| Self { channel: k / (height * width), y: k / width % height, x: k % width };
        (0..channels * height * width).map(place).collect()
    }
}

/// Levels of `base` with one value changed, an image for each of `places`.
pub fn perturbed(config: &ModelConfig, base: &[u8], places: &[Place]) -> Vec<u8> {
    let mut images = base.repeat(places.len());
    for (image, place) in images.chunks_exact_mut(base.len()).zip(places) {
        let level = &mut image[(place.channel * config.height + place.y) * config.width + place.x];
        *level = ((u16::from(*level) + config.levels / 2) % config.levels) as u8;
    }
    images
}

/// Asserts that two lists of numbers agree to `tolerance` (absolute), and names the first that do not.
pub fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    for (k, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (found - expected).abs();
        assert!(off <= tolerance, "{what}: value {k} is {found}, {expected} expected; off by {off:e} > {tolerance:e}");
    }
}

/// Bit patterns, for comparisons that no rounding may pass.
pub fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}
