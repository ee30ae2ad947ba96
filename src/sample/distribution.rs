//! The predictive distribution of one value (Fig. 6), and nothing but it.

use super::cached::CachedSampler;
use super::cascade::Scale;
use super::draw::probabilities;
use super::plan::Plan;
use super::request::{Request, RequestError, check_place};
use std::sync::Arc;

/// The probability of every level of channel `channel` of pixel (`x`, `y`), given all values before it in `levels`,
/// `[channels, height, width]` of one image. What stands in that place and after it does not matter, except to the small
/// image that a network of several scales starts from: that is taken from all of `levels`.
///
/// # Errors
/// When the place is not one of the image, or `levels` is not one image.
pub fn distribution(plans: &[Arc<Plan>], levels: &[u8], [channel, y, x]: [usize; 3]) -> Result<Vec<f32>, RequestError> {
    let config = &plans.last().expect("a plan a scale").config;
    check_place(config, [channel, y, x])?;
    let mut sampler = CachedSampler::new(plans, Request::scoring(levels.to_vec(), 1, config))?;
    sampler.trace(0);
    while sampler.image().y() <= y {
        sampler.next_row();
    }
    let row = sampler.image().trace().expect("the row drawn last");
    Ok(probabilities(&row.logits[(channel * config.width + x) * config.logits()..][..config.logits()], 1.0))
}
