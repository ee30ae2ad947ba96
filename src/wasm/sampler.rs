//! Drawing on the CPU.

use super::{Model, no_row, request, rgba_row, scorer};
use crate::sample::{CachedSampler, NaiveSampler, Plan};
use burn::tensor::Device;
use js_sys::Uint8ClampedArray;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

enum Engine {
    Cached(CachedSampler),
    Naive(Box<NaiveSampler>),
}

/// Draws the images of one request on the CPU, row by row.
#[wasm_bindgen]
pub struct Sampler {
    engine: Engine,
    plans: Vec<Arc<Plan>>,
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
            "cached" => Engine::Cached(CachedSampler::new(&model.plans, request)?),
            "naive" => Engine::Naive(Box::new(NaiveSampler::new(&model.model, request, &Device::flex())?)),
            other => return Err(JsError::new(&format!("method: found \"{other}\", expected \"cached\" or \"naive\""))),
        };
        Ok(Self { engine, plans: model.plans.clone(), count })
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
        if !drawn {
            return Err(no_row());
        }
        Ok(match &self.engine {
            Engine::Cached(sampler) => rgba_row(sampler.of_scale(scale), y),
            Engine::Naive(sampler) => rgba_row(sampler.of_scale(scale), y),
        })
    }

    /// Levels so far, `[count, channels, height, width]`; 0 where nothing is drawn yet.
    pub fn levels(&self) -> Vec<u8> {
        match &self.engine {
            Engine::Cached(sampler) => sampler.levels(),
            Engine::Naive(sampler) => sampler.levels(),
        }
    }

    /// The name that [`nll_nats`](Self::nll_nats) had, which left out the sign.
    #[wasm_bindgen(js_name = logLikelihood)]
    pub fn log_likelihood(&self) -> Result<Vec<f32>, JsError> {
        self.nll_nats()
    }

    /// −ln p of every image, over the rows drawn so far, in nats; over all scales where there are several.
    #[wasm_bindgen(js_name = nllNats)]
    pub fn nll_nats(&self) -> Result<Vec<f32>, JsError> {
        match &self.engine {
            Engine::Cached(sampler) => Ok(sampler.nll_nats()),
            // The small image is part of what was drawn, and need not be the one inside the large image.
            Engine::Naive(_) if self.plans.len() > 1 => {
                Err(JsError::new("the naive sampler does not know the likelihood of images of several scales"))
            }
            Engine::Naive(sampler) if self.done() => {
                let mut scorer = scorer(&self.plans, sampler.levels(), self.count)?;
                while scorer.next_row() {}
                Ok(scorer.nll_nats())
            }
            Engine::Naive(_) => Err(JsError::new("the naive sampler knows the likelihood of finished images only")),
        }
    }
}
