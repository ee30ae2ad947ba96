//! Likelihood (Eq. 1 and 2, §5.1): logits and levels to nats an image and bits per dimension.

use crate::image::{ImageSource, Images};
use crate::model::{Model, ModelConfig, Net};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// −ln p of every value, differentiable.
///
/// # Shapes
/// - `logits`: `[batch, channels, logits, height, width]`; one logit is the log-odds of level 1
/// - `levels`: `[batch, channels, height, width]`
/// - output: `[batch, channels, height, width]`
pub fn nll_nats(logits: Tensor<5>, levels: Tensor<4, Int>) -> Tensor<4> {
    let [batch, channels, count, height, width] = logits.dims();
    if count == 1 {
        // −ln p = softplus(z) − z·level, with softplus(z) = max(z, 0) + ln(1 + e^−|z|), which cannot overflow.
        let z = logits.reshape([batch, channels, height, width]);
        let softplus = z.clone().clamp_min(0.0) + z.clone().abs().neg().exp().log1p();
        softplus - z * levels.float()
    } else {
        let targets = levels.reshape([batch, channels, 1, height, width]);
        log_softmax(logits, 2).gather(2, targets).neg().reshape([batch, channels, height, width])
    }
}

/// −ln p of every value of the images in `levels`, `[batch, channels, height, width]`, differentiable; given the small images
/// inside them where the network enlarges these (§3.6).
///
/// # Panics
/// When `levels` does not hold a whole number of the model's images.
pub fn nll_of(model: &Model, levels: &[u8], device: &Device) -> Tensor<4> {
    nll_of_net(&model.config, model.net(), levels, device)
}

fn nll_of_net(config: &ModelConfig, net: &Net, levels: &[u8], device: &Device) -> Tensor<4> {
    let (input, small) = (config.input(levels, device), config.small_input(levels, device));
    // The CPU's own operation counts in whole registers; other numbers of levels are few and take the plain path.
    #[cfg(feature = "native")]
    if crate::nn::on_cpu(device) && config.logits().is_multiple_of(16) {
        let (levels, logits) = (std::sync::Arc::new(levels.to_vec()), config.logits());
        let targets = crate::nn::Targets { levels, channels: config.channels, logits, hidden: config.head };
        return net.head.nll_nats(net.features(input, small), targets);
    }
    nll_nats(net.forward(input, small), targets(config, levels, device))
}

/// Levels `[batch, channels, height, width]` as the targets of [`nll_nats`].
pub fn targets(config: &ModelConfig, levels: &[u8], device: &Device) -> Tensor<4, Int> {
    let batch = levels.len() / config.dimensions();
    let values: Vec<i32> = levels.iter().map(|&level| i32::from(level)).collect();
    Tensor::from_data(TensorData::new(values, [batch, config.channels, config.height, config.width]), device)
}

/// [`nll_of`] for every scale, in the order they draw: of the smallest images inside `levels` first, of `levels` last.
pub fn nll_of_scales(model: &Model, levels: &[u8], device: &Device) -> Vec<Tensor<4>> {
    let levels = model.config.levels_of_scales(levels);
    model.scales().zip(levels).map(|((config, net), levels)| nll_of_net(config, net, &levels, device)).collect()
}

/// A likelihood over a whole set of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Likelihood {
    /// Mean over the images of −ln p(image). Of a network of several scales: of −ln p(small) − ln p(image | small), which is
    /// at least that, because the network gives some probability to images that do not hold the small one.
    pub nats_per_image: f64,
    /// The same in bits, divided by height · width · channels of the image.
    pub bits_per_dim: f64,
    /// Images it was measured on.
    pub images: usize,
    /// Of several scales: each scale's share of `nats_per_image`, in the order they draw.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nats_of_scales: Vec<f64>,
}

impl Likelihood {
    /// From the sums of −ln p over `images` images of `dimensions` values each, one sum a scale.
    pub fn from_sums(nats: &[f64], images: usize, dimensions: usize) -> Self {
        let nats: Vec<f64> = nats.iter().map(|nats| nats / images as f64).collect();
        let nats_per_image = nats.iter().sum::<f64>();
        let bits_per_dim = nats_per_image / std::f64::consts::LN_2 / dimensions as f64;
        let nats_of_scales = if nats.len() > 1 { nats } else { Vec::new() };
        Self { nats_per_image, bits_per_dim, images, nats_of_scales }
    }
}

/// −ln p of every value of all `images`, in their order, `batch` images at a time (the last batch may be smaller);
/// `progress` is told how many images are done. As [`nll_of`], given the small image where there is one.
///
/// # Panics
/// When the images are not of the model's size.
pub fn score(
    model: &Model,
    images: &Images,
    batch: usize,
    device: &Device,
    mut progress: impl FnMut(usize),
) -> Vec<f32> {
    let mut values = Vec::with_capacity(images.data.len());
    for levels in batches(model, images, batch) {
        let nll = nll_of(model, &levels, device).into_data();
        values.extend(nll.try_into_vec::<f32>().expect("32-bit floats"));
        progress(values.len() / model.config.dimensions());
    }
    values
}

/// The likelihood of all `images`, over all scales; arguments as for [`score`].
///
/// # Panics
/// When the images are not of the model's size, or there are none.
pub fn evaluate(
    model: &Model,
    images: &impl ImageSource,
    batch: usize,
    device: &Device,
    mut progress: impl FnMut(usize),
) -> Likelihood {
    let [count, ..] = images.shape();
    assert!(count > 0, "no images to evaluate");
    let (mut sums, mut done) = (vec![0.0; model.nets.len()], 0);
    for levels in batches(model, images, batch) {
        for (sum, nll) in sums.iter_mut().zip(nll_of_scales(model, &levels, device)) {
            let nll = nll.into_data().try_into_vec::<f32>().expect("32-bit floats");
            // One addition a value, in their order: the sum does not depend on the batch.
            nll.into_iter().for_each(|nll| *sum += f64::from(nll));
        }
        done += levels.len() / model.config.dimensions();
        progress(done);
    }
    Likelihood::from_sums(&sums, count, model.config.dimensions())
}

/// The likelihood of all `images` under each of several networks, and under their mixture: −ln of the mean of their likelihoods of
/// an image, which is at most ln(number of networks) above that of the best one. Arguments as for [`score`].
///
/// # Panics
/// When the images are not of a model's size, a model has several scales, whose likelihood is not that of an image alone, or there
/// are no images or models.
pub fn evaluate_mixture(
    models: &[Model],
    images: &impl ImageSource,
    batch: usize,
    device: &Device,
    mut progress: impl FnMut(usize),
) -> (Vec<Likelihood>, Likelihood) {
    let [count, ..] = images.shape();
    assert!(count > 0 && !models.is_empty(), "no images to evaluate, or nothing to evaluate them by");
    assert!(models.iter().all(|model| model.nets.len() == 1), "networks of one scale");
    let (mut sums, mut mixed, mut done) = (vec![0.0; models.len()], 0.0, 0);
    let dimensions = models[0].config.dimensions();
    for levels in batches(&models[0], images, batch) {
        let nats_of_images = |model| {
            let nll = nll_of(model, &levels, device).into_data().try_into_vec::<f32>().expect("32-bit floats");
            let sum = |image: &[f32]| image.iter().map(|&nll| f64::from(nll)).sum::<f64>();
            nll.chunks_exact(dimensions).map(sum).collect::<Vec<f64>>()
        };
        let nats: Vec<Vec<f64>> = models.iter().map(nats_of_images).collect();
        sums.iter_mut().zip(&nats).for_each(|(sum, nats)| *sum += nats.iter().sum::<f64>());
        for image in 0..nats[0].len() {
            let least = nats.iter().map(|nats| nats[image]).fold(f64::INFINITY, f64::min);
            let likelihoods: f64 = nats.iter().map(|nats| (least - nats[image]).exp()).sum();
            mixed += least - (likelihoods / models.len() as f64).ln();
        }
        done += levels.len() / dimensions;
        progress(done);
    }
    let likelihood = |nats: f64| Likelihood::from_sums(&[nats], count, dimensions);
    (sums.into_iter().map(likelihood).collect(), likelihood(mixed))
}

/// The levels of `batch` images at a time.
fn batches<S: ImageSource>(model: &Model, images: &S, batch: usize) -> impl Iterator<Item = Vec<u8>> {
    let config = &model.config;
    let [count, channels, height, width] = images.shape();
    assert_eq!([channels, height, width], [config.channels, config.height, config.width], "images of another size");
    let last = move |first: usize| count.min(first + batch);
    (0..count).step_by(batch).map(move |first| images.select(first..last(first)).data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The CPU's operation for the head against the plain one, over more pixels than a tile and widths that fill no register.
    #[cfg(feature = "native")]
    #[test]
    fn cpu_path_equals_plain_path_in_value_and_gradient() {
        use crate::model::{ModelConfig, Network};
        use burn::module::{Module, ModuleVisitor, Param};

        struct Collect<'a>(&'a burn::tensor::Gradients, Vec<TensorData>);
        impl ModuleVisitor for Collect<'_> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.1.push(param.val().grad(self.0).expect("every weight has a gradient").into_data());
            }
        }

        let device = Device::flex().autodiff();
        for (channels, levels, h, head, [height, width]) in [
            (3, 256, 7, 20, [9, 11]),
            (1, 256, 8, 16, [8, 8]),
            (3, 256, 16, 48, [1, 3]),
            (3, 8, 7, 20, [9, 11]),
            (1, 3, 4, 6, [5, 5]),
            (3, 37, 5, 9, [4, 3]),
        ] {
            let tiny = ModelConfig::tiny(Network::PixelCnn, channels, levels, [height, width]);
            let config = ModelConfig { h, head, skip: false, ..tiny };
            let model = Model::init(&config, 1, &device).expect("a good configuration");
            let levels: Vec<u8> =
                (0..2 * config.dimensions()).map(|k| (k * 89 % usize::from(config.levels)) as u8).collect();
            let pull = Tensor::<4>::random([2, channels, height, width], burn::tensor::Distribution::Default, &device);
            let run = |nll: Tensor<4>| {
                let grads = (nll.clone() * pull.clone()).sum().backward();
                let mut collect = Collect(&grads, vec![nll.into_data()]);
                model.visit(&mut collect);
                collect.1
            };
            let logits = model.net().forward(config.input(&levels, &device), None);
            let plain = run(nll_nats(logits, targets(&config, &levels, &device)));
            let fast = run(nll_of(&model, &levels, &device));
            assert_eq!(fast.len(), plain.len());
            // Sums over up to two hundred pixels of numbers near one, added in another order.
            let tolerance = burn::tensor::Tolerance::<f32>::absolute(1e-4);
            fast.iter().zip(&plain).for_each(|(fast, plain)| fast.assert_approx_eq(plain, tolerance));
        }
    }

    /// By hand, image by image; in batches that do not divide the images.
    #[test]
    fn a_mixture_is_the_mean_of_likelihoods() {
        use crate::model::{ModelConfig, Network};
        let device = Device::flex();
        let models = Network::ALL.map(|network| {
            Model::init(&ModelConfig::tiny(network, 1, 2, [4, 5]), 1, &device).expect("a good configuration")
        });
        let data: Vec<u8> = (0..5 * 20).map(|k| (k * 7 % 3 % 2) as u8).collect();
        let images = Images::new([5, 1, 4, 5], 2, data).expect("five images");
        let (each, mixture) = evaluate_mixture(&models, &images, 2, &device, |_| ());
        let mut expected = 0.0;
        for image in 0..5 {
            let one = images.select(image..image + 1);
            let likelihood = |model: &Model| (-evaluate(model, &one, 1, &device, |_| ()).nats_per_image).exp();
            expected -= (models.iter().map(likelihood).sum::<f64>() / 3.0).ln() / 5.0;
        }
        assert!((mixture.nats_per_image - expected).abs() < 1e-5, "{} and {expected}", mixture.nats_per_image);
        for (model, found) in models.iter().zip(&each) {
            assert!((found.nats_per_image - evaluate(model, &images, 2, &device, |_| ()).nats_per_image).abs() < 1e-9);
            assert!(mixture.nats_per_image <= found.nats_per_image + 3f64.ln());
        }
    }

    #[test]
    fn extreme_logits_stay_finite() {
        let device = Device::flex();
        let logits = Tensor::<5>::from_data([[[[[-200.0f32, 200.0, 0.0]]]]], &device);
        let nll = |level: i32| -> Vec<f32> {
            let levels = Tensor::from_data([[[[level, level, level]]]], &device);
            nll_nats(logits.clone(), levels).into_data().try_into_vec().expect("floats")
        };
        let ln2 = std::f32::consts::LN_2;
        assert_eq!(nll(0), [0.0, 200.0, ln2]);
        assert_eq!(nll(1), [200.0, 0.0, ln2]);
    }
}
