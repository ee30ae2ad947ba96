//! The ways that need a GPU, opened by the backend the program was built with: CUDA where it has it, else wgpu.

use super::cell::{self, Runs};
use burn::module::Module;
use burn::tensor::Device;
use pixelrnn::model::Model;
use pixelrnn::sample::{Figures, FusedDevice, FusedError, FusedSampler, Plan, Request};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What it calls itself.
pub fn adapter() -> Result<String, FusedError> {
    Ok(open()?.name().to_owned())
}

#[cfg(feature = "cuda")]
fn open() -> Result<FusedDevice, FusedError> {
    FusedDevice::open_cuda()
}

#[cfg(feature = "cuda")]
fn burn_device() -> Device {
    Device::cuda(0)
}

#[cfg(not(feature = "cuda"))]
fn open() -> Result<FusedDevice, FusedError> {
    FusedDevice::open_wgpu()
}

#[cfg(not(feature = "cuda"))]
fn burn_device() -> Device {
    Device::wgpu(Default::default())
}

/// What drawing the largest scale asks of the GPU, or of one of which nothing is known, by the images of a batch.
pub fn figures(plans: &[Arc<Plan>], batches: &[usize]) -> BTreeMap<usize, Figures> {
    let (device, plan) = (open().ok(), plans.last().expect("at least one scale"));
    let figures =
        |batch| device.as_ref().map_or_else(|| Figures::new(plan, batch), |gpu| Figures::on(gpu, plan, batch));
    batches.iter().map(|&batch| (batch, figures(batch))).collect()
}

/// The fused sampler; its cold run compiles the kernel.
pub fn fused(model: &Model, batch: usize, budget: Duration) -> Result<Runs, String> {
    let device = open().map_err(|error| error.to_string())?;
    let plans = Plan::of(model);
    cell::rows(model.config.height, budget, || {
        let sampler = FusedSampler::new(&device, &plans, Request::samples(1, batch));
        let mut sampler = sampler.map_err(|error| error.to_string())?;
        Ok(move || sampler.next_row().map_err(|error| error.to_string()))
    })
}

/// burn's own operations on the GPU, a forward pass a value.
pub fn naive_on_gpu(model: &Model, batch: usize, budget: Duration) -> Result<Runs, String> {
    let device = burn_device();
    cell::naive(&model.clone().to_device(&device), batch, &device, budget)
}
