//! SampleRequest on the CPU.

use super::{Model, SampleRequest, no_row, rgba_row, scorer};
use crate::sample::{self, CachedSampler, NaiveSampler, Plan};
use burn::tensor::Device;
use js_sys::Uint8ClampedArray;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

enum Kind {
    Cached(CachedSampler),
    Naive(Box<NaiveSampler>),
}

/// What the network said of a row of an image, and what was drawn with.
#[wasm_bindgen]
pub struct RowTrace(sample::RowTrace);

#[wasm_bindgen]
impl RowTrace {
    /// `[channels, width, logits]`; one logit, the log-odds of level 1, for two levels.
    #[wasm_bindgen(getter)]
    pub fn logits(&self) -> Vec<f32> {
        self.0.logits.clone()
    }

    /// The uniform number of every value, also of one that is given and needs none, `[channels, width]`.
    #[wasm_bindgen(getter)]
    pub fn uniforms(&self) -> Vec<f32> {
        self.0.uniforms.clone()
    }

    /// −ln p of every value at temperature 1, in nats, `[channels, width]`.
    #[wasm_bindgen(getter, js_name = nllNats)]
    pub fn nll_nats(&self) -> Vec<f32> {
        self.0.nll_nats.clone()
    }
}

/// Draws the images of one request on the CPU, row by row.
#[wasm_bindgen]
pub struct Sampler {
    sampler: Kind,
    plans: Vec<Arc<Plan>>,
    count: usize,
}

#[wasm_bindgen]
impl Sampler {
    /// A sampler before its first row; its method is "cached" or "naive". Throws an Error that names what does not fit.
    #[wasm_bindgen(constructor)]
    pub fn new(model: &Model, request: &SampleRequest) -> Result<Sampler, JsError> {
        let (method, drawn) = request.read()?;
        let count = drawn.count;
        let trace = request.trace(count)?;
        let sampler = match method.as_str() {
            "cached" => {
                let mut sampler = CachedSampler::new(&model.plans, drawn)?;
                if let Some(image) = trace {
                    sampler.trace(image);
                }
                Kind::Cached(sampler)
            }
            "naive" => Kind::Naive(Box::new(NaiveSampler::new(&model.model, drawn, &Device::flex())?)),
            other => return Err(JsError::new(&format!("method: found \"{other}\", expected \"cached\" or \"naive\""))),
        };
        Ok(Self { sampler, plans: model.plans.clone(), count })
    }

    /// The row drawn next, of the scale drawn next.
    #[wasm_bindgen(getter)]
    pub fn y(&self) -> usize {
        match &self.sampler {
            Kind::Cached(sampler) => sampler.y(),
            Kind::Naive(sampler) => sampler.y(),
        }
    }

    /// The scale drawn next, by its place in the model's `scales`.
    #[wasm_bindgen(getter)]
    pub fn scale(&self) -> usize {
        match &self.sampler {
            Kind::Cached(sampler) => sampler.scale(),
            Kind::Naive(sampler) => sampler.scale(),
        }
    }

    /// Whether every row of every scale is drawn.
    #[wasm_bindgen(getter)]
    pub fn done(&self) -> bool {
        match &self.sampler {
            Kind::Cached(sampler) => sampler.done(),
            Kind::Naive(sampler) => sampler.done(),
        }
    }

    /// Draws the next row of every image: RGBA, `[count, width]`. Throws when there is none left.
    #[wasm_bindgen(js_name = nextRow)]
    pub fn next_row(&mut self) -> Result<Uint8ClampedArray, JsError> {
        let (scale, y) = (self.scale(), self.y());
        let drawn = match &mut self.sampler {
            Kind::Cached(sampler) => sampler.next_row(),
            Kind::Naive(sampler) => sampler.next_row(),
        };
        if !drawn {
            return Err(no_row());
        }
        Ok(match &self.sampler {
            Kind::Cached(sampler) => rgba_row(sampler.of_scale(scale), y),
            Kind::Naive(sampler) => rgba_row(sampler.of_scale(scale), y),
        })
    }

    /// Draws the next value of every image, each by a run of the network: RGBA of its row so far, `[count, width]`. Throws when there
    /// is none left, and where features are kept, which goes row by row.
    #[wasm_bindgen(js_name = nextValue)]
    pub fn next_value(&mut self) -> Result<Uint8ClampedArray, JsError> {
        let (scale, y) = (self.scale(), self.y());
        let Kind::Naive(sampler) = &mut self.sampler else {
            return Err(JsError::new("method: found \"cached\", expected \"naive\" to draw value by value"));
        };
        if sampler.next_value() { Ok(rgba_row(sampler.of_scale(scale), y)) } else { Err(no_row()) }
    }

    /// Values of the row drawn next that are drawn already.
    #[wasm_bindgen(getter)]
    pub fn values(&self) -> usize {
        match &self.sampler {
            Kind::Cached(_) => 0,
            Kind::Naive(sampler) => sampler.values(),
        }
    }

    /// What the network said of the row drawn last, of the image that is traced; nothing where none is.
    #[wasm_bindgen(js_name = rowTrace)]
    pub fn row_trace(&self) -> Option<RowTrace> {
        let Kind::Cached(sampler) = &self.sampler else { return None };
        // Of the scale drawn last: the next one has no row yet.
        (0..self.plans.len()).rev().find_map(|scale| sampler.of_scale(scale).trace()).map(RowTrace)
    }

    /// Levels so far, `[count, channels, height, width]`; 0 where nothing is drawn yet.
    pub fn levels(&self) -> Vec<u8> {
        match &self.sampler {
            Kind::Cached(sampler) => sampler.levels(),
            Kind::Naive(sampler) => sampler.levels(),
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
        match &self.sampler {
            Kind::Cached(sampler) => Ok(sampler.nll_nats()),
            // The small image is part of what was drawn, and need not be the one inside the large image.
            Kind::Naive(_) if self.plans.len() > 1 => {
                Err(JsError::new("the naive sampler does not know the likelihood of images of several scales"))
            }
            Kind::Naive(sampler) if self.done() => {
                let mut scorer = scorer(&self.plans, sampler.levels(), self.count)?;
                while scorer.next_row() {}
                Ok(scorer.nll_nats())
            }
            Kind::Naive(_) => Err(JsError::new("the naive sampler knows the likelihood of finished images only")),
        }
    }
}
