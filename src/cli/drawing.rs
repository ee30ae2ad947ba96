//! Draws batch after batch with the sampler that was asked for.

use super::Failure;
use burn::tensor::Device;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use pixelrnn::model::Model;
use pixelrnn::sample::{CachedSampler, NaiveSampler, Plan, Request};
#[cfg(feature = "fused")]
use pixelrnn::sample::{FusedDevice, FusedSampler};
#[cfg(feature = "fused")]
use pixelrnn::selftest;
use std::sync::Arc;

/// How to draw; all give the same images.
#[derive(Clone, Copy, ValueEnum)]
pub enum Method {
    /// A whole forward pass for every value.
    Naive,
    /// Every feature once.
    Cached,
    /// The same on a GPU, a row a kernel.
    Fused,
}

impl Method {
    /// Images drawn at a time: enough to keep every thread busy, and so few that memory does not grow with those asked for.
    pub fn batch(self) -> usize {
        match self {
            Self::Naive => 32,
            Self::Cached => 64.max(8 * rayon::current_num_threads()),
            Self::Fused => 1024,
        }
    }
}

/// Draws batch after batch.
pub struct Drawing {
    model: Model,
    plans: Vec<Arc<Plan>>,
    sampler: Sampler,
    /// What draws, for people.
    pub name: String,
    pub bar: ProgressBar,
}

/// A [`Method`], ready to be used.
enum Sampler {
    Naive,
    Cached,
    #[cfg(feature = "fused")]
    Fused(FusedDevice),
}

impl Drawing {
    pub fn new(method: Method, model: Model, [count, ..]: [usize; 4]) -> Result<Self, Failure> {
        let (sampler, name) = match method {
            Method::Naive => (Sampler::Naive, "naive sampler".to_owned()),
            Method::Cached => (Sampler::Cached, "cached sampler".to_owned()),
            Method::Fused => open_fused()?,
        };
        let rows = ProgressStyle::with_template("drawing {wide_bar} {pos}/{len} rows  {eta} left")?;
        let rows_of_a_batch: u64 = model.config.scales().iter().map(|scale| scale.height as u64).sum();
        let bar = ProgressBar::new(rows_of_a_batch * count.div_ceil(method.batch()) as u64).with_style(rows);
        Ok(Self { plans: Plan::of(&model), model, sampler, name, bar })
    }

    /// The levels of all images of a request, `[count, channels, height, width]`.
    pub fn draw(&mut self, request: Request) -> Result<Vec<u8>, Failure> {
        match &self.sampler {
            Sampler::Cached => draw_cached(&self.plans, request, &self.bar),
            Sampler::Naive => {
                let mut sampler = NaiveSampler::new(&self.model, request, &Device::flex())?;
                while sampler.next_row() {
                    self.bar.inc(1);
                }
                Ok(sampler.levels())
            }
            #[cfg(feature = "fused")]
            Sampler::Fused(device) => {
                let (before, mut sampler) =
                    (self.bar.position(), FusedSampler::new(device, &self.plans, request.clone())?);
                loop {
                    match sampler.next_row() {
                        Ok(true) => self.bar.inc(1),
                        Ok(false) => return Ok(sampler.levels()),
                        // The CPU draws the same picture, from its first row on.
                        Err(error) => {
                            self.bar.suspend(|| eprintln!("{error}; the CPU draws instead"));
                            self.bar.set_position(before);
                            (self.sampler, self.name) = (Sampler::Cached, "fused, then cached sampler".to_owned());
                            return draw_cached(&self.plans, request, &self.bar);
                        }
                    }
                }
            }
        }
    }
}

pub fn draw_cached(plans: &[Arc<Plan>], request: Request, bar: &ProgressBar) -> Result<Vec<u8>, Failure> {
    let mut sampler = CachedSampler::new(plans, request)?;
    while sampler.next_row() {
        bar.inc(1);
    }
    Ok(sampler.levels())
}

/// A GPU that has passed the start-up test: CUDA where this build and the machine have it, else what wgpu finds.
#[cfg(feature = "fused")]
fn open_fused() -> Result<(Sampler, String), Failure> {
    let device = fused_device()?;
    selftest::run_fused_here(&device)?;
    let name = format!("fused sampler on {}", device.name());
    Ok((Sampler::Fused(device), name))
}

#[cfg(feature = "fused")]
fn fused_device() -> Result<FusedDevice, Failure> {
    #[cfg(feature = "cuda")]
    if let Ok(device) = FusedDevice::open_cuda() {
        return Ok(device);
    }
    #[cfg(feature = "wgpu")]
    return Ok(FusedDevice::open_wgpu()?);
    #[cfg(not(feature = "wgpu"))]
    Err("no CUDA device could be opened, and this build knows no other".into())
}

#[cfg(not(feature = "fused"))]
fn open_fused() -> Result<(Sampler, String), Failure> {
    Err("this build draws on no GPU; build it with `--features wgpu` or `--features cuda`".into())
}
