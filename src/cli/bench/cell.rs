//! One cell of the table: runs of one way to draw one network in one batch, within a budget.

use super::untrained;
use burn::tensor::Device;
use pixelrnn::model::{Model, ModelConfig};
use pixelrnn::sample::{CachedSampler, NaiveSampler, Plan, Request};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Warm runs of a cell at least and at most.
const RUNS: std::ops::RangeInclusive<usize> = 3..=25;

/// Each run, the cold one included, may take this part of the budget.
const RUNS_IN_BUDGET: u32 = 4;

/// What one run took for the whole batch, scaled up where it drew a part.
#[derive(Clone, Copy)]
pub struct Run {
    ms: f64,
    first_row_ms: f64,
    share: f64,
}

/// The runs of a cell.
pub struct Runs {
    cold: Run,
    warm: Vec<Run>,
}

impl Runs {
    /// The line described in `bench`.
    pub fn line(&self, network: &str, way: &str, batch: usize) -> Value {
        let images = batch as f64;
        let all = self.warm.iter().chain([&self.cold]);
        let ms_per_image: Vec<f64> = self.warm.iter().map(|run| run.ms / images).collect();
        let first_row_ms: Vec<f64> = self.warm.iter().map(|run| run.first_row_ms).collect();
        json!({
            "line": "cell", "host": "native", "way": way, "network": network, "batch": batch,
            "share": all.map(|run| run.share).fold(1.0, f64::min),
            "ms_per_image": ms_per_image, "first_row_ms": first_row_ms,
            "cold_ms_per_image": self.cold.ms / images, "cold_first_row_ms": self.cold.first_row_ms,
        })
    }

    /// A cold run, then warm ones until the budget is used. `run` is told how long it may take.
    fn of(budget: Duration, mut run: impl FnMut(Duration) -> Result<Run, String>) -> Result<Self, String> {
        let start = Instant::now();
        let limit = budget / RUNS_IN_BUDGET;
        let cold = run(limit)?;
        let mut warm = Vec::new();
        // A way so slow that a row overruns the budget is run once more, not three times.
        let least = if start.elapsed() > budget { 1 } else { *RUNS.start() };
        while warm.len() < least || (start.elapsed() < budget && warm.len() < *RUNS.end()) {
            warm.push(run(limit)?);
        }
        Ok(Self { cold, warm })
    }
}

/// Draws `batch` images of an untrained network.
pub fn measure(config: &ModelConfig, way: &str, batch: usize, budget: Duration) -> Result<Runs, String> {
    let model = untrained(config);
    match way {
        "naive" => naive(&model, batch, &Device::flex(), budget),
        "cached-1" => {
            let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(|error| error.to_string())?;
            one.install(|| cached(&model, batch, budget))
        }
        "cached-all" => cached(&model, batch, budget),
        #[cfg(feature = "fused")]
        "fused" => super::gpu::fused(&model, batch, budget),
        #[cfg(feature = "fused")]
        "naive-gpu" => super::gpu::naive_on_gpu(&model, batch, budget),
        other => Err(format!("the way \"{other}\" is not in this build")),
    }
}

fn cached(model: &Model, batch: usize, budget: Duration) -> Result<Runs, String> {
    let plans = Plan::of(model);
    rows(model.config.height, budget, || {
        let mut sampler = CachedSampler::new(&plans, Request::samples(1, batch)).map_err(|e| e.to_string())?;
        Ok(move || Ok(sampler.next_row()))
    })
}

/// Row by row where a row fits into the time, else one forward pass, which is what each value costs it.
pub fn naive(model: &Model, batch: usize, device: &Device, budget: Duration) -> Result<Runs, String> {
    let config = &model.config;
    let pass = || {
        let levels = vec![0; batch * config.dimensions()];
        let start = Instant::now();
        model.net().forward(config.input(&levels, device), None).into_data();
        start.elapsed()
    };
    let row_values = config.width * config.channels;
    let run = |elapsed: Duration| {
        let value_ms = elapsed.as_secs_f64() * 1e3;
        let (values, share) = (config.dimensions() as f64, 1.0 / config.dimensions() as f64);
        Run { ms: value_ms * values, first_row_ms: value_ms * row_values as f64, share }
    };
    let cold = pass();
    let mut runs = if pass() * row_values as u32 > budget / RUNS_IN_BUDGET {
        Runs::of(budget, |_| Ok(run(pass())))?
    } else {
        rows(config.height, budget, || {
            let mut sampler =
                NaiveSampler::new(model, Request::samples(1, batch), device).map_err(|error| error.to_string())?;
            Ok(move || Ok(sampler.next_row()))
        })?
    };
    runs.cold = run(cold);
    Ok(runs)
}

/// Runs of samplers that `start` makes; each is a function that draws the next row.
pub fn rows<Sampler: FnMut() -> Result<bool, String>>(
    height: usize,
    budget: Duration,
    mut start: impl FnMut() -> Result<Sampler, String>,
) -> Result<Runs, String> {
    Runs::of(budget, |limit| {
        let begin = Instant::now();
        let mut next_row = start()?;
        next_row()?;
        let first_row = begin.elapsed();
        let mut drawn = 1;
        while drawn < height && begin.elapsed() < limit {
            next_row()?;
            drawn += 1;
        }
        let share = drawn as f64 / height as f64;
        let ms = begin.elapsed().as_secs_f64() * 1e3 / share;
        Ok(Run { ms, first_row_ms: first_row.as_secs_f64() * 1e3, share })
    })
}

/// The middle one; NaN of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
