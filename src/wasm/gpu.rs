//! WebGPU: the fused sampler, and the burn model itself, a whole forward pass for every pixel, for comparison. Reads never
//! block.

use super::{Model, SampleRequest, no_row, rgba_row};
use crate::likelihood::nll_of;
use crate::sample::{FusedDevice, FusedSampler, NaiveSampler};
use crate::selftest;
use burn::module::Module;
use burn::tensor::Device;
use js_sys::Uint8ClampedArray;
use std::cell::Cell;
use wasm_bindgen::prelude::*;

/// A WebGPU device that has passed the start-up test. One a worker.
#[wasm_bindgen]
pub struct Gpu {
    device: Device,
    fused: FusedDevice,
    /// Whether burn's own operations have been tested too: they are many kernels, and few ask for them.
    tested: Cell<bool>,
}

#[wasm_bindgen]
impl Gpu {
    /// Opens the device and tests the fused sampler on it; throws an Error of one sentence where there is none to be used.
    /// `software`: whether the adapter computes on the CPU.
    pub async fn init(software: bool) -> Result<Gpu, JsError> {
        let (device, setup) = Device::wgpu_options()
            .init_with_setup_async()
            .await
            .map_err(|error| JsError::new(&format!("The WebGPU device could not be opened: {error}")))?;
        let fused = FusedDevice::of_wgpu(&setup.device, "WebGPU", software);
        selftest::run_fused(&fused).await.map_err(|error| sentence(&error))?;
        Ok(Self { device, fused, tested: Cell::new(false) })
    }

    /// −ln p of every value of the given images by a full pass of the network, in nats, `[count, channels, height, width]`
    /// like `levels`.
    pub async fn score(&self, model: &Model, levels: Vec<u8>, count: usize) -> Result<Vec<f32>, JsError> {
        let expected = count * model.model.config.dimensions();
        if count == 0 || levels.len() != expected {
            let found = format!("levels: found {}, expected {expected} for {count} images", levels.len());
            return Err(JsError::new(&found));
        }
        let device = self.tested().await?;
        let model = model.model.clone().to_device(device);
        let nll = nll_of(&model, &levels, device).into_data_async().await;
        self.fused.check().map_err(|error| sentence(&error))?;
        nll.map_err(|error| lost(&error))?.try_into_vec().map_err(|error| lost(&error))
    }
}

impl Gpu {
    /// The same, taken for one whose threads are real. For tests where there are none.
    #[doc(hidden)]
    pub fn as_hardware(self) -> Self {
        Self { fused: self.fused.as_hardware(), ..self }
    }

    /// The device for burn's own operations.
    async fn tested(&self) -> Result<&Device, JsError> {
        if !self.tested.get() {
            selftest::run(&self.device).await.map_err(|error| sentence(&error))?;
            self.fused.check().map_err(|error| sentence(&error))?;
            self.tested.set(true);
        }
        Ok(&self.device)
    }
}

enum Kind {
    Fused(Box<FusedSampler>),
    Naive(Box<NaiveSampler>),
}

/// Draws the images of one request on the GPU, row by row.
#[wasm_bindgen]
pub struct GpuSampler {
    device: FusedDevice,
    sampler: Kind,
}

#[wasm_bindgen]
impl GpuSampler {
    /// A sampler before its first row; its method is "fused" or "naive". Throws an Error that names what does not fit.
    pub async fn create(gpu: &Gpu, model: &Model, request: &SampleRequest) -> Result<GpuSampler, JsError> {
        let (method, request) = request.read()?;
        let sampler = match method.as_str() {
            "fused" => {
                let sampler = FusedSampler::new(&gpu.fused, &model.plans, request);
                Kind::Fused(Box::new(sampler.map_err(|error| sentence(&error))?))
            }
            "naive" => {
                let device = gpu.tested().await?;
                Kind::Naive(Box::new(NaiveSampler::new(&model.model.clone().to_device(device), request, device)?))
            }
            other => return Err(JsError::new(&format!("method: found \"{other}\", expected \"fused\" or \"naive\""))),
        };
        Ok(Self { device: gpu.fused.clone(), sampler })
    }

    /// The row drawn next, of the scale drawn next.
    #[wasm_bindgen(getter)]
    pub fn y(&self) -> usize {
        match &self.sampler {
            Kind::Fused(sampler) => sampler.y(),
            Kind::Naive(sampler) => sampler.y(),
        }
    }

    /// The scale drawn next.
    #[wasm_bindgen(getter)]
    pub fn scale(&self) -> usize {
        match &self.sampler {
            Kind::Fused(sampler) => sampler.scale(),
            Kind::Naive(sampler) => sampler.scale(),
        }
    }

    /// Whether every row of every scale is drawn.
    #[wasm_bindgen(getter)]
    pub fn done(&self) -> bool {
        match &self.sampler {
            Kind::Fused(sampler) => sampler.done(),
            Kind::Naive(sampler) => sampler.done(),
        }
    }

    /// Draws the next row of every image: RGBA, `[count, width]`. Throws when there is none left or the device is lost.
    #[wasm_bindgen(js_name = nextRow)]
    pub async fn next_row(&mut self) -> Result<Uint8ClampedArray, JsError> {
        let (scale, y) = (self.scale(), self.y());
        let drawn = match &mut self.sampler {
            Kind::Fused(sampler) => sampler.next_row_async().await.map_err(|error| sentence(&error))?,
            Kind::Naive(sampler) => {
                let drawn = sampler.next_row_async().await.map_err(|error| lost(&error))?;
                self.device.check().map_err(|error| sentence(&error))?;
                drawn
            }
        };
        if !drawn {
            return Err(no_row());
        }
        Ok(match &self.sampler {
            Kind::Fused(sampler) => rgba_row(sampler.of_scale(scale), y),
            Kind::Naive(sampler) => rgba_row(sampler.of_scale(scale), y),
        })
    }

    /// Levels so far, `[count, channels, height, width]`; 0 where nothing is drawn yet.
    pub fn levels(&self) -> Vec<u8> {
        match &self.sampler {
            Kind::Fused(sampler) => sampler.levels(),
            Kind::Naive(sampler) => sampler.levels(),
        }
    }

    /// The name that [`nll_nats`](Self::nll_nats) had, which left out the sign.
    #[wasm_bindgen(js_name = logLikelihood)]
    pub fn log_likelihood(&self) -> Option<Vec<f32>> {
        self.nll_nats()
    }

    /// −ln p of every image, over the rows drawn so far, in nats; over all scales where there are several. Nothing where the
    /// naive sampler draws.
    #[wasm_bindgen(js_name = nllNats)]
    pub fn nll_nats(&self) -> Option<Vec<f32>> {
        match &self.sampler {
            Kind::Fused(sampler) => Some(sampler.nll_nats()),
            Kind::Naive(_) => None,
        }
    }
}

fn lost(error: &dyn std::fmt::Debug) -> JsError {
    JsError::new(&format!("The GPU stopped answering: {error:?}"))
}

/// An error as a sentence.
fn sentence(error: &dyn std::fmt::Display) -> JsError {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    JsError::new(&format!("{first}{}", letters.as_str()))
}
