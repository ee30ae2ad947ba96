//! Likelihood (Eq. 1 and 2, §5.1): logits and levels to nats an image and bits per dimension.

use crate::image::Images;
use crate::model::Model;
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

/// Levels `[batch, channels, height, width]` as the targets of [`nll_nats`].
pub fn targets(model: &Model, levels: &[u8], device: &Device) -> Tensor<4, Int> {
    let config = &model.config;
    let batch = levels.len() / config.dimensions();
    let values: Vec<i32> = levels.iter().map(|&level| i32::from(level)).collect();
    Tensor::from_data(TensorData::new(values, [batch, config.channels, config.height, config.width]), device)
}

/// A likelihood over a whole set of images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Likelihood {
    /// Mean over the images of −ln p(image).
    pub nats_per_image: f64,
    /// The same in bits, divided by height · width · channels.
    pub bits_per_dim: f64,
    /// Images it was measured on.
    pub images: usize,
}

impl Likelihood {
    /// From the sum of −ln p over `images` images of `dimensions` values each.
    pub fn from_sum(nats: f64, images: usize, dimensions: usize) -> Self {
        let nats_per_image = nats / images as f64;
        Self { nats_per_image, bits_per_dim: nats_per_image / std::f64::consts::LN_2 / dimensions as f64, images }
    }
}

/// −ln p of every value of all `images`, in their order, `batch` images at a time (the last batch may be smaller);
/// `progress` is told how many images are done.
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
    let config = &model.config;
    let [_, channels, height, width] = images.shape();
    assert_eq!([channels, height, width], [config.channels, config.height, config.width], "images of another size");
    let mut values = Vec::with_capacity(images.data.len());
    for levels in images.data.chunks(batch * config.dimensions()) {
        let logits = model.forward(model.input(levels, device));
        let nll = nll_nats(logits, targets(model, levels, device)).into_data();
        values.extend(nll.try_into_vec::<f32>().expect("32-bit floats"));
        progress(values.len() / config.dimensions());
    }
    values
}

/// The likelihood of all `images`; arguments as for [`score`].
///
/// # Panics
/// When the images are not of the model's size, or there are none.
pub fn evaluate(
    model: &Model,
    images: &Images,
    batch: usize,
    device: &Device,
    progress: impl FnMut(usize),
) -> Likelihood {
    assert!(images.count > 0, "no images to evaluate");
    let nats = score(model, images, batch, device, progress).iter().map(|&nll| f64::from(nll)).sum();
    Likelihood::from_sum(nats, images.count, model.config.dimensions())
}

#[cfg(test)]
mod tests {
    use super::*;

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
