//! The browser's door to the crate: conversions only. JavaScript sees typed arrays, numbers and `Error`s whose message is
//! for a person.

#[cfg(feature = "webgpu")]
mod gpu;

#[cfg(feature = "webgpu")]
pub use gpu::{Gpu, GpuSampler};

use crate::image::row_rgba;
use crate::model::{self, ModelConfig};
use crate::sample::{self, CachedSampler, Given, NaiveSampler, Plan, Request};
use crate::weights;
use burn::tensor::Device;
use js_sys::Uint8ClampedArray;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// Sends panics to the console; called once when the module starts.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}

/// A network with its weights, ready to draw.
#[wasm_bindgen]
pub struct Model {
    model: model::Model,
    plan: Arc<Plan>,
    metadata: String,
}

#[wasm_bindgen]
impl Model {
    /// Reads a weights file; throws an Error that names the tensor or field.
    pub fn load(bytes: &[u8]) -> Result<Model, JsError> {
        let loaded = weights::load(bytes, &Device::flex())?;
        let weights::Loaded { model, training, results } = loaded;
        let metadata = serde_json::json!({ "config": model.config, "training": training, "results": results });
        Ok(Self { plan: Arc::new(Plan::new(&model)), model, metadata: metadata.to_string() })
    }

    /// Columns of an image.
    #[wasm_bindgen(getter)]
    pub fn width(&self) -> usize {
        self.model.config.width
    }

    /// Rows of an image.
    #[wasm_bindgen(getter)]
    pub fn height(&self) -> usize {
        self.model.config.height
    }

    /// Values of a pixel.
    #[wasm_bindgen(getter)]
    pub fn channels(&self) -> usize {
        self.model.config.channels
    }

    /// Levels of a value.
    #[wasm_bindgen(getter)]
    pub fn levels(&self) -> u16 {
        self.model.config.levels
    }

    /// Width and height of every scale's image, in the order they are drawn; the last is the image itself.
    #[wasm_bindgen(getter)]
    pub fn scales(&self) -> Vec<u32> {
        self.model.config.scales().iter().flat_map(|config| [config.width as u32, config.height as u32]).collect()
    }

    /// Weights and biases.
    #[wasm_bindgen(getter)]
    pub fn parameters(&self) -> usize {
        self.model.config.parameters()
    }

    /// Configuration, training record and results, as JSON.
    #[wasm_bindgen(getter)]
    pub fn metadata(&self) -> String {
        self.metadata.clone()
    }
}

enum Engine {
    Cached(CachedSampler),
    Naive(Box<NaiveSampler>),
}

/// Draws the images of one request on the CPU, row by row.
#[wasm_bindgen]
pub struct Sampler {
    engine: Engine,
    model: Arc<Plan>,
    count: usize,
}

#[wasm_bindgen]
impl Sampler {
    /// `method` is "cached" or "naive". `given`: levels `[channels, height, width]` or one such block an image; `mask`:
    /// 1 where a pixel is drawn, 0 where it is given, `[height, width]` or one an image.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::too_many_arguments, reason = "a JavaScript object would lose the types")]
    pub fn new(
        model: &Model,
        method: &str,
        seed: u64,
        first: u32,
        count: usize,
        temperature: f32,
        given: Option<Vec<u8>>,
        mask: Option<Vec<u8>>,
    ) -> Result<Sampler, JsError> {
        let request = request(seed, first, count, temperature, given, mask)?;
        let engine = match method {
            "cached" => Engine::Cached(CachedSampler::new(model.plan.clone(), request)?),
            "naive" => Engine::Naive(Box::new(NaiveSampler::new(model.model.clone(), request, &Device::flex())?)),
            other => return Err(JsError::new(&format!("method: found \"{other}\", expected \"cached\" or \"naive\""))),
        };
        Ok(Self { engine, model: model.plan.clone(), count })
    }

    /// The row drawn next, of the scale drawn next.
    #[wasm_bindgen(getter)]
    pub fn y(&self) -> usize {
        match &self.engine {
            Engine::Cached(sampler) => sampler.y(),
            Engine::Naive(sampler) => sampler.y(),
        }
    }

    /// The scale drawn next, by its place in the model's `scales`.
    #[wasm_bindgen(getter)]
    pub fn scale(&self) -> usize {
        match &self.engine {
            Engine::Cached(sampler) => sampler.scale(),
            Engine::Naive(sampler) => sampler.scale(),
        }
    }

    /// Whether every row of every scale is drawn.
    #[wasm_bindgen(getter)]
    pub fn done(&self) -> bool {
        match &self.engine {
            Engine::Cached(sampler) => sampler.done(),
            Engine::Naive(sampler) => sampler.done(),
        }
    }

    /// Draws the next row of every image: RGBA, `[count, width]`. Throws when there is none left.
    #[wasm_bindgen(js_name = nextRow)]
    pub fn next_row(&mut self) -> Result<Uint8ClampedArray, JsError> {
        let (scale, y) = (self.scale(), self.y());
        let drawn = match &mut self.engine {
            Engine::Cached(sampler) => sampler.next_row(),
            Engine::Naive(sampler) => sampler.next_row(),
        };
        let config = &self.model.scales()[scale].config;
        if drawn { Ok(rgba_row(&self.levels_of(scale), self.count, config, y)) } else { Err(no_row()) }
    }

    /// Levels so far, `[count, channels, height, width]`; 0 where nothing is drawn yet.
    pub fn levels(&self) -> Vec<u8> {
        self.levels_of(self.model.scales().len() - 1)
    }

    fn levels_of(&self, scale: usize) -> Vec<u8> {
        match &self.engine {
            Engine::Cached(sampler) => {
                sampler.of_scale(scale).canvases().flat_map(|canvas| canvas.levels.iter().copied()).collect()
            }
            Engine::Naive(sampler) => sampler.of_scale(scale).levels().to_vec(),
        }
    }

    /// −ln p of every image, over the rows drawn so far, in nats; over all scales where there are several.
    #[wasm_bindgen(js_name = logLikelihood)]
    pub fn log_likelihood(&self) -> Result<Vec<f32>, JsError> {
        match &self.engine {
            Engine::Cached(sampler) => Ok(sampler.nll_nats()),
            // The small image is part of what was drawn, and need not be the one inside the large image.
            Engine::Naive(_) if self.model.conditioning.is_some() => {
                Err(JsError::new("the naive sampler does not know the likelihood of images of several scales"))
            }
            Engine::Naive(sampler) if self.done() => {
                let mut scorer = scorer(&self.model, sampler.levels().to_vec(), self.count)?;
                while scorer.next_row() {}
                Ok(scorer.nll_nats())
            }
            Engine::Naive(_) => Err(JsError::new("the naive sampler knows the likelihood of finished images only")),
        }
    }
}

/// −ln p of every value of the given images, in nats, `[count, channels, height, width]` like `levels`.
#[wasm_bindgen]
pub fn score(model: &Model, levels: Vec<u8>, count: usize) -> Result<Vec<f32>, JsError> {
    let mut scorer = scorer(&model.plan, levels, count)?;
    while scorer.next_row() {}
    Ok(scorer.canvases().flat_map(|canvas| canvas.nll_nats.iter().copied()).collect())
}

/// The probability of every level of one value of an image, given the values before it (Fig. 6); `levels` is
/// `[channels, height, width]`.
#[wasm_bindgen]
pub fn distribution(model: &Model, levels: Vec<u8>, channel: usize, y: usize, x: usize) -> Result<Vec<f32>, JsError> {
    Ok(sample::distribution(&model.plan, &levels, [channel, y, x])?)
}

fn scorer(plan: &Arc<Plan>, levels: Vec<u8>, count: usize) -> Result<CachedSampler, JsError> {
    let request = Request::scoring(levels, count, &plan.config);
    Ok(CachedSampler::new(plan.clone(), request)?)
}

fn request(
    seed: u64,
    first: u32,
    count: usize,
    temperature: f32,
    given: Option<Vec<u8>>,
    mask: Option<Vec<u8>>,
) -> Result<Request, JsError> {
    if given.is_some() != mask.is_some() {
        return Err(JsError::new("given pixels and the mask that says which they are come together"));
    }
    let given = given.zip(mask).map(|(levels, mask)| Given { levels, mask });
    Ok(Request { seed, first, count, temperature, given, scale: 0 })
}

/// One row of every image as RGBA, `[count, width]`.
fn rgba_row(levels: &[u8], count: usize, config: &ModelConfig, y: usize) -> Uint8ClampedArray {
    let shape = [count, config.channels, config.height, config.width];
    Uint8ClampedArray::from(row_rgba(levels, shape, config.levels, y).as_slice())
}

fn no_row() -> JsError {
    JsError::new("every row is drawn already")
}
