//! Training (§5.2), native only: the same networks the browser draws from, fitted to the training split, chosen on the
//! validation split.
//!
//! The loop is written out, burn-train's learner left aside: a run must continue bit for bit after an interruption in the
//! middle of a pass, and its average of the weights is what is validated and kept.

mod average;
mod batches;
mod checkpoint;
mod config;
mod data;
mod optimizer;
mod report;

pub use batches::{Augment, TrainingImages, Varied, binarize};
pub use checkpoint::{Checkpoint, CheckpointError, Progress};
pub use config::{NAME_RULE, TrainConfig, TrainConfigError, is_name};
pub use data::{RunData, default_dataset};
pub use optimizer::OptimizerKind;
pub use report::{EpochRecord, plot, read_records};

use crate::image::ImageSource;
use crate::likelihood::{evaluate, nll_of_scales};
use crate::model::Model;
use crate::sample::threefry2x32;
use crate::weights;
use average::Average;
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use checkpoint::{load_optimizer, number_parameters};
use serde_json::Value;
use std::time::Instant;

/// A run whose numbers have become infinite or none at all. Its last checkpoint is from before that.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "the run has diverged: {what} not finite after step {step} of pass {pass}; lower `learning_rate` ({learning_rate} now), raise `warmup_steps` or set a smaller `gradient_clip`"
)]
pub struct Diverged {
    /// What is not finite.
    pub what: &'static str,
    /// The pass, from 1.
    pub pass: usize,
    /// The step in it, from 1.
    pub step: usize,
    /// The highest rate of the configuration.
    pub learning_rate: f64,
}

/// Images a validation pass evaluates at once.
const EVALUATION_BATCH: usize = 50;

/// A training run that can be stepped, stopped and continued.
pub struct Trainer {
    config: TrainConfig,
    from: Option<Value>,
    device: Device,
    model: Model,
    average: Option<Average>,
    optimizer: ModuleOptimizer,
    progress: Progress,
    /// Steps of one pass.
    steps_per_epoch: usize,
    /// The order of the images in the current pass, once it has begun.
    order: Vec<usize>,
    /// Training images.
    images: usize,
    /// −ln p of the steps since the last read-back, on the device, one sum a step.
    pending: Vec<Tensor<1>>,
    /// Mean −ln p an image over the steps of the last read-back.
    recent_nats: f64,
}

impl Trainer {
    /// A run from its beginning, over `images` training images.
    ///
    /// # Errors
    /// When the network's configuration is not one.
    pub fn new(config: TrainConfig, images: usize, device: &Device) -> Result<Self, crate::model::ConfigError> {
        let device = device.clone().autodiff();
        let model = Model::init(&config.model, config.seed, &device)?;
        Ok(Self::begin(config, None, model, images, device))
    }

    /// A run that begins with the weights of `loaded`; `record` says which these are.
    ///
    /// # Errors
    /// When they are those of another network: the first field that differs.
    pub fn from_weights(
        config: TrainConfig,
        loaded: Model,
        record: Value,
        images: usize,
        device: &Device,
    ) -> Result<Self, String> {
        let fields = |model: &crate::model::ModelConfig| serde_json::to_value(model).expect("plain numbers");
        let (found, expected) = (fields(&loaded.config), fields(&config.model));
        let names = [&found, &expected].into_iter().flat_map(|fields| fields.as_object().into_iter().flatten());
        for name in names.map(|(name, _)| name) {
            if found[name] != expected[name] {
                return Err(format!(
                    "its network differs: `{name}` is {} there, {} in the configuration",
                    found[name], expected[name]
                ));
            }
        }
        let model = loaded.to_device(device).train();
        Ok(Self::begin(config, Some(record), model, images, device.clone().autodiff()))
    }

    fn begin(config: TrainConfig, from: Option<Value>, model: Model, images: usize, device: Device) -> Self {
        let model = number_parameters(model);
        let average = (config.average > 0.0).then(|| Average::new(config.average, &model, 0));
        let optimizer = config.init_optimizer(&model);
        let progress = Progress { epoch: 0, step: 0, train_nats: 0.0, elapsed_s: 0.0, best: None };
        let steps_per_epoch = images.div_ceil(config.batch);
        Self {
            config,
            from,
            device,
            model,
            average,
            optimizer,
            progress,
            steps_per_epoch,
            order: Vec::new(),
            images,
            pending: Vec::new(),
            recent_nats: 0.0,
        }
    }

    /// A run from where its checkpoint stands.
    ///
    /// # Errors
    /// When the checkpoint's parts do not fit together.
    pub fn resume(checkpoint: Checkpoint, images: usize, device: &Device) -> Result<Self, CheckpointError> {
        let Checkpoint { config, from, progress, weights, average, optimizer } = checkpoint;
        let device = device.clone().autodiff();
        let load = |bytes: &[u8]| weights::load(bytes, &device).map(|loaded| loaded.model);
        let fresh = Self::begin(config, from, load(&weights)?, images, device.clone());
        let steps = progress.epoch * fresh.steps_per_epoch + progress.step;
        let average = match fresh.config.average > 0.0 {
            true => Some(Average::new(fresh.config.average, &load(&average)?, steps)),
            false => None,
        };
        let optimizer = load_optimizer(fresh.config.init_optimizer(&fresh.model), optimizer)?;
        Ok(Self { average, optimizer, progress, ..fresh })
    }

    /// The record of the weights it began with, where these were not fresh.
    pub fn from(&self) -> Option<&Value> {
        self.from.as_ref()
    }

    /// Where the run stands.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Steps of one pass over the training images.
    pub fn steps_per_epoch(&self) -> usize {
        self.steps_per_epoch
    }

    /// Whether every pass is done.
    pub fn done(&self) -> bool {
        self.progress.epoch >= self.config.epochs
    }

    /// One optimiser step on the next images of the current pass.
    pub fn step(&mut self, images: &impl TrainingImages) {
        let start = Instant::now();
        if self.order.is_empty() {
            self.order = order(self.config.seed, self.progress.epoch, self.images);
        }
        let first = self.progress.step * self.config.batch;
        let chosen = &self.order[first..self.images.min(first + self.config.batch)];
        let batch = images.batch(self.progress.epoch, chosen);

        let values = chosen.len() * self.config.model.scales().iter().map(|scale| scale.dimensions()).sum::<usize>();
        let part = chosen.len().div_ceil(self.config.accumulate) * self.config.model.dimensions();
        let (mut accumulated, mut sums) = (GradientsAccumulator::new(), Vec::new());
        for levels in batch.data.chunks(part) {
            let nll = nll_of_scales(&self.model, levels, &self.device).into_iter().map(|nll| nll.sum());
            let nll = nll.reduce(|a, b| a + b).expect("at least one scale");
            let gradients = (nll.clone() / values as f32).backward();
            accumulated.accumulate(&self.model, GradientsParams::from_grads(gradients, &self.model));
            sums.push(nll.inner());
        }
        let gradients = accumulated.grads();
        let steps = self.config.epochs * self.steps_per_epoch;
        let step = self.progress.epoch * self.steps_per_epoch + self.progress.step;
        let rate = self.config.learning_rate_at(step, steps);
        self.model = self.optimizer.step(rate, self.model.clone(), gradients);
        if let Some(average) = &mut self.average {
            average.update(&self.model);
        }

        self.pending.push(sums.into_iter().reduce(|a, b| a + b).expect("at least one part"));
        self.progress.step += 1;
        self.progress.elapsed_s += start.elapsed().as_secs_f64();
    }

    /// Mean −ln p an image over the current pass so far. Reads back from the device.
    ///
    /// # Errors
    /// When it is not finite: the step in which that began.
    pub fn train_nats(&mut self) -> Result<f64, Diverged> {
        if !self.pending.is_empty() {
            let read = self.pending.len();
            let first = self.progress.step - read;
            let sums = Tensor::cat(std::mem::take(&mut self.pending), 0).into_data();
            let sums: Vec<f32> = sums.try_into_vec().expect("32-bit floats");
            if let Some(at) = sums.iter().position(|sum| !sum.is_finite()) {
                return Err(self.diverged("the loss is", first + at + 1));
            }
            // One addition a step, so that it does not matter when they are read back.
            sums.iter().for_each(|&sum| self.progress.train_nats += f64::from(sum));
            let images = self.images_until(self.progress.step) - self.images_until(first);
            self.recent_nats = sums.iter().map(|&sum| f64::from(sum)).sum::<f64>() / images as f64;
        }
        Ok(self.progress.train_nats / self.images_until(self.progress.step).max(1) as f64)
    }

    /// Mean −ln p an image over the steps that were read back last.
    pub fn recent_nats(&self) -> f64 {
        self.recent_nats
    }

    /// Images that the first `step` steps of a pass show.
    fn images_until(&self, step: usize) -> usize {
        self.images.min(step * self.config.batch)
    }

    fn diverged(&self, what: &'static str, step: usize) -> Diverged {
        Diverged { what, pass: self.progress.epoch + 1, step, learning_rate: self.config.learning_rate }
    }

    /// Reads back, and makes sure that weights may be written.
    fn check(&mut self) -> Result<f64, Diverged> {
        let nats = self.train_nats()?;
        // The last step's loss is of the weights before it.
        let finite = |model: &Model| model.tensors().iter().all(|(.., values)| values.iter().all(|v| v.is_finite()));
        if finite(&self.model) { Ok(nats) } else { Err(self.diverged("the weights are", self.progress.step)) }
    }

    /// Ends a pass: validates, and says whether this is the best so far.
    ///
    /// # Errors
    /// When the loss, the weights or the likelihood are not finite.
    pub fn finish_epoch(
        &mut self,
        valid: &impl ImageSource,
        progress: impl FnMut(usize),
    ) -> Result<EpochRecord, Diverged> {
        let train_nats = self.check()?;
        let start = Instant::now();
        let plain = self.device.clone().inner();
        let likelihood = evaluate(&self.kept(), valid, EVALUATION_BATCH, &plain, progress);
        if !likelihood.nats_per_image.is_finite() {
            return Err(self.diverged("the validation likelihood is", self.progress.step));
        }
        self.progress.elapsed_s += start.elapsed().as_secs_f64();
        self.progress.epoch += 1;
        self.progress.step = 0;
        self.progress.train_nats = 0.0;
        self.order.clear();
        let best = self.progress.best.is_none_or(|(nats, _)| likelihood.nats_per_image < nats);
        if best {
            self.progress.best = Some((likelihood.nats_per_image, self.progress.epoch));
        }
        Ok(EpochRecord {
            epoch: self.progress.epoch,
            train_nats,
            valid_nats: likelihood.nats_per_image,
            valid_bits_per_dim: likelihood.bits_per_dim,
            elapsed_s: self.progress.elapsed_s,
            best,
        })
    }

    /// The model that is validated and kept: the average where one is kept, on a device without gradients.
    pub fn kept(&self) -> Model {
        let model = match &self.average {
            Some(average) => average.apply(&self.model),
            None => self.model.clone(),
        };
        model.valid()
    }

    /// Everything needed to go on from here.
    ///
    /// # Errors
    /// When the loss or the weights are not finite: a checkpoint of these would be of no use.
    pub fn checkpoint(&mut self) -> Result<Checkpoint, Diverged> {
        self.check()?;
        let save = |model: &Model| weights::save(model, None, None);
        Ok(Checkpoint {
            config: self.config.clone(),
            from: self.from.clone(),
            progress: self.progress.clone(),
            weights: save(&self.model),
            average: self.average.as_ref().map(|average| save(&average.apply(&self.model))).unwrap_or_default(),
            optimizer: self.optimizer.into_bytes().expect("the optimiser's state is plain tensors").to_vec(),
        })
    }
}

/// The order of `images` images in pass `epoch`: a function of its arguments alone, so that any run can be continued.
fn order(seed: u64, epoch: usize, images: usize) -> Vec<usize> {
    let key = [seed as u32, (seed >> 32) as u32];
    let mut order: Vec<usize> = (0..images).collect();
    order.sort_by_cached_key(|&image| threefry2x32(key, [epoch as u32, image as u32]));
    order
}
