//! The browser's door to the crate: conversions only. JavaScript sees typed arrays, numbers and `Error`s whose message is
//! for a person.

mod codec;
#[cfg(feature = "webgpu")]
mod gpu;
mod looks;
mod model;
mod request;
mod sampler;

pub use codec::Codec;
#[cfg(feature = "webgpu")]
pub use gpu::{Gpu, GpuSampler};
pub use looks::{Influence, activations, mask, mean_effects, reach};
pub use model::Model;
pub use request::SampleRequest;
pub use sampler::{RowTrace, Sampler};

use crate::image::row_rgba;
use crate::model::ModelConfig;
use crate::sample::{self, CachedSampler, Plan, Request, Scale, Scored};
use js_sys::Uint8ClampedArray;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// Sends panics to the console; called once when the module starts.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}

/// −ln p of every value of the given images, in nats, `[count, channels, height, width]` like `levels`.
#[wasm_bindgen]
pub fn score(model: &Model, levels: Vec<u8>, count: usize) -> Result<Vec<f32>, JsError> {
    let mut scorer = scorer(&model.plans, levels, count)?;
    while scorer.next_row() {}
    Ok(scorer.image().nll_nats_of_values().flatten().copied().collect())
}

/// The probability of every level of one value of an image, given the values before it (Fig. 6); `levels` is
/// `[channels, height, width]`.
#[wasm_bindgen]
pub fn distribution(model: &Model, levels: Vec<u8>, channel: usize, y: usize, x: usize) -> Result<Vec<f32>, JsError> {
    Ok(sample::distribution(&model.plans, &levels, [channel, y, x])?)
}

fn scorer(plans: &[Arc<Plan>], levels: Vec<u8>, count: usize) -> Result<CachedSampler, JsError> {
    let config = &plans.last().expect("a plan a scale").config;
    Ok(CachedSampler::new(plans, Request::scoring(levels, count, config))?)
}

/// One row of every image of a scale as RGBA, `[count, width]`.
fn rgba_row(scale: &impl Scale, y: usize) -> Uint8ClampedArray {
    let ModelConfig { channels, height, width, levels, .. } = *scale.config();
    Uint8ClampedArray::from(row_rgba(scale.images(), [channels, height, width], levels, y).as_slice())
}

fn no_row() -> JsError {
    JsError::new("every row is drawn already")
}
