//! A network in the browser.

use crate::model::{self, ModelConfig};
use crate::sample::Plan;
use crate::weights;
use burn::tensor::Device;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// Most weights of a network that is made up here: a larger one would not fit beside its plan.
const MAX_UNTRAINED: usize = 50_000_000;

/// A network with its weights, ready to draw.
#[wasm_bindgen]
pub struct Model {
    pub(super) model: model::Model,
    pub(super) plans: Vec<Arc<Plan>>,
    metadata: String,
}

#[wasm_bindgen]
impl Model {
    /// Reads a weights file; throws an Error that names the tensor or field.
    pub fn load(bytes: &[u8]) -> Result<Model, JsError> {
        let loaded = weights::load(bytes, &Device::flex())?;
        let weights::Loaded { model, training, results } = loaded;
        let metadata = serde_json::json!({ "config": model.config, "training": training, "results": results });
        Ok(Self { plans: Plan::of(&model), model, metadata: metadata.to_string() })
    }

    /// An untrained network, for measuring: the configuration as JSON, as in a weights file, and a seed for its weights.
    pub fn untrained(config: &str, seed: u64) -> Result<Model, JsError> {
        let config: ModelConfig = serde_json::from_str(config)?;
        config.validate()?;
        if config.parameters() > MAX_UNTRAINED {
            return Err(JsError::new(&format!("{} weights, at most {MAX_UNTRAINED} expected", config.parameters())));
        }
        let model = model::Model::init(&config, seed, &Device::flex())?;
        let metadata = serde_json::json!({ "config": config });
        Ok(Self { plans: Plan::of(&model), model, metadata: metadata.to_string() })
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
