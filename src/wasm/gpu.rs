//! WebGPU: the burn model itself on burn-wgpu, a whole forward pass for every pixel. Reads never block.

use super::{no_row, request, rgba_row};
use crate::likelihood::{nll_nats, targets};
use crate::model::{self, ModelConfig};
use crate::sample::NaiveSampler;
use crate::{selftest, weights};
use burn::tensor::Device;
use js_sys::{Function, Object, Promise, Reflect, Uint8ClampedArray};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// A WebGPU device that has passed the start-up test. One a worker.
#[wasm_bindgen]
pub struct Gpu {
    device: Device,
    adapter: String,
}

#[wasm_bindgen]
impl Gpu {
    /// Opens the device and tests it; throws an Error of one sentence where there is none to be used.
    pub async fn init() -> Result<Gpu, JsError> {
        let adapter = describe_adapter().await.ok_or_else(|| JsError::new("This browser has no WebGPU adapter."))?;
        let device = Device::wgpu_options()
            .init_async()
            .await
            .map_err(|error| JsError::new(&format!("The WebGPU device could not be opened: {error}")))?;
        selftest::run(&device).await?;
        Ok(Self { device, adapter })
    }

    /// `{ vendor, architecture, description, fallback }` as JSON.
    #[wasm_bindgen(getter)]
    pub fn adapter(&self) -> String {
        self.adapter.clone()
    }

    /// −ln p of every value of the given images, in nats, `[count, channels, height, width]` like `levels`.
    pub async fn score(&self, bytes: Vec<u8>, levels: Vec<u8>, count: usize) -> Result<Vec<f32>, JsError> {
        let model = self.load(&bytes)?;
        let expected = count * model.config.dimensions();
        if count == 0 || levels.len() != expected {
            let found = format!("levels: found {}, expected {expected} for {count} images", levels.len());
            return Err(JsError::new(&found));
        }
        let small = model.small_input(&levels, &self.device);
        let logits = model.forward(model.input(&levels, &self.device), small);
        let nll = nll_nats(logits, targets(&model, &levels, &self.device)).into_data_async().await;
        nll.map_err(|error| lost(&error))?.try_into_vec().map_err(|error| lost(&error))
    }
}

impl Gpu {
    fn load(&self, bytes: &[u8]) -> Result<model::Model, weights::LoadError> {
        let model = weights::load(bytes, &Device::flex())?.model;
        Ok(model.to_device(&self.device))
    }
}

/// Draws the images of one request on the GPU, row by row.
#[wasm_bindgen]
pub struct GpuSampler {
    sampler: NaiveSampler,
    config: ModelConfig,
    count: usize,
}

#[wasm_bindgen]
impl GpuSampler {
    /// Arguments as for `Sampler`, with the bytes of the weights file in place of the model.
    #[allow(clippy::too_many_arguments, reason = "a JavaScript object would lose the types")]
    pub async fn create(
        gpu: &Gpu,
        bytes: Vec<u8>,
        seed: u64,
        first: u32,
        count: usize,
        temperature: f32,
        given: Option<Vec<u8>>,
        mask: Option<Vec<u8>>,
    ) -> Result<GpuSampler, JsError> {
        let request = request(seed, first, count, temperature, given, mask)?;
        let model = gpu.load(&bytes)?;
        let config = model.config.clone();
        let sampler = NaiveSampler::new(model, request, &gpu.device)?;
        Ok(Self { sampler, config, count })
    }

    /// The row drawn next, of the scale drawn next.
    #[wasm_bindgen(getter)]
    pub fn y(&self) -> usize {
        self.sampler.y()
    }

    /// The scale drawn next.
    #[wasm_bindgen(getter)]
    pub fn scale(&self) -> usize {
        self.sampler.scale()
    }

    /// Whether every row of every scale is drawn.
    #[wasm_bindgen(getter)]
    pub fn done(&self) -> bool {
        self.sampler.done()
    }

    /// Draws the next row of every image: RGBA, `[count, width]`. Throws when there is none left or the device is lost.
    #[wasm_bindgen(js_name = nextRow)]
    pub async fn next_row(&mut self) -> Result<Uint8ClampedArray, JsError> {
        let (scale, y) = (self.scale(), self.y());
        let drawn = self.sampler.next_row_async().await.map_err(|error| lost(&error))?;
        let (levels, config) = (self.sampler.of_scale(scale).levels(), self.config.scales()[scale]);
        if drawn { Ok(rgba_row(levels, self.count, config, y)) } else { Err(no_row()) }
    }

    /// Levels so far, `[count, channels, height, width]`; 0 where nothing is drawn yet.
    pub fn levels(&self) -> Vec<u8> {
        self.sampler.levels().to_vec()
    }
}

fn lost(error: &dyn std::fmt::Debug) -> JsError {
    JsError::new(&format!("The GPU stopped answering: {error:?}"))
}

/// What the browser says of its adapter. Read by name: web-sys has WebGPU behind an unstable flag.
async fn describe_adapter() -> Option<String> {
    let get = |object: &JsValue, name: &str| Reflect::get(object, &name.into()).ok().filter(|v| !v.is_undefined());
    let gpu = get(&get(&js_sys::global(), "navigator")?, "gpu")?;
    let request: Function = get(&gpu, "requestAdapter")?.dyn_into().ok()?;
    let adapter = JsFuture::from(request.call0(&gpu).ok()?.dyn_into::<Promise>().ok()?).await.ok()?;
    if adapter.is_null() {
        return None;
    }
    let info = get(&adapter, "info").unwrap_or_else(|| Object::new().into());
    let text = |name: &str| get(&info, name).and_then(|value| value.as_string()).unwrap_or_default();
    // Where the flag stands has moved from the adapter to its description.
    let flag = get(&info, "isFallbackAdapter").or_else(|| get(&adapter, "isFallbackAdapter"));
    let description = serde_json::json!({
        "vendor": text("vendor"),
        "architecture": text("architecture"),
        "description": text("description"),
        "fallback": flag.is_some_and(|flag| flag.is_truthy()),
    });
    Some(description.to_string())
}
