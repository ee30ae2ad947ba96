//! `pixelrnn train`.

use super::{DeviceKind, Failure, INTERRUPTED, PathBuf, make_folder, read_text, whole};
use burn::tensor::Device;
use indicatif::{ProgressBar, ProgressStyle};
use pixelrnn::data::Split;
use pixelrnn::data::own::{Cache, MEMORY_BYTES, Pictures};
use pixelrnn::image::ImageSource;
use pixelrnn::model::Model;
use pixelrnn::output::{Output, remove_parts, write_atomic};
use pixelrnn::sniff::mistaken;
use pixelrnn::train::{Checkpoint, EpochRecord, RunData, TrainConfig, Trainer, TrainingImages, plot, read_records};
use pixelrnn::weights;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[derive(clap::Args)]
pub struct Options {
    /// Training configuration, JSON.
    #[arg(long)]
    config: PathBuf,
    /// Folder of the data sets; for pictures of your own the folder that their paths begin at, that of the configuration
    /// where it is left out.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Folder for best.safetensors, samples.png drawn with it, checkpoint.safetensors, metrics.jsonl and metrics.svg.
    #[arg(long)]
    out: PathBuf,
    /// Where to train; auto times a step on the GPU and on the CPU, and takes the faster.
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceKind,
    /// Continue the run whose checkpoint is in --out.
    #[arg(long)]
    resume: bool,
    /// Begin with the weights of this file, which must be those of the same network.
    #[arg(long, conflicts_with = "resume")]
    from: Option<PathBuf>,
    /// Megabytes of pictures that may be in memory; more are read from a file in --out.
    #[arg(long, default_value_t = MEMORY_BYTES >> 20, value_parser = |text: &str| whole::<u64>(text, 0, 1 << 30))]
    memory_mb: u64,
    /// Write a checkpoint every so many minutes, besides the one after every epoch.
    #[arg(long, default_value_t = 5.0, value_parser = super::minutes)]
    checkpoint_minutes: f64,
    /// Stop, with a checkpoint, after so many minutes.
    #[arg(long, value_parser = super::minutes)]
    stop_after_minutes: Option<f64>,
}

pub fn run(options: Options) -> Result<(), Failure> {
    let text = read_text(&options.config)?;
    let config = TrainConfig::from_json(&text).map_err(|error| {
        let other = mistaken(text.as_bytes()).filter(|_| !text.trim_start().starts_with('{'));
        let found = other.map_or_else(|| error.to_string(), |other| format!("{other}, a configuration expected"));
        format!("{}: {found}", options.config.display())
    })?;
    let folder = match (&options.data, config.dataset.kind()) {
        (Some(folder), _) => folder.clone(),
        (None, None) => options.config.parent().unwrap_or(Path::new("")).to_path_buf(),
        (None, Some(kind)) => return Err(format!("--data is missing: the folder that has {kind}").into()),
    };
    let device = options.device.open_named()?;
    // Read before the pictures are: a wrong file should not be told after minutes.
    let from = options.from.as_deref().map(beginning).transpose()?;
    let out = Out::open(&options.out, options.resume)?;
    let resumed = options.resume.then(|| resumed(&out.checkpoint(), &config)).transpose()?;
    let cache = Cache { folder: options.out.clone(), memory_bytes: options.memory_mb << 20 };
    let mut data = RunData::new(&config, &folder, cache);
    let say = &mut |line: &str| eprintln!("{line}");
    let train = data.training(say)?;
    let valid = data.measured(Split::Valid, say)?;
    let protocol = data.protocol(Split::Valid);
    let (device, device_name) = options.device.faster(device, &config)?;
    eprintln!("{} images to train on, {} to validate, on {device_name}", train.count(), valid.shape()[0]);

    let (trainer, records) = if let Some(checkpoint) = resumed {
        let trainer = Trainer::resume(checkpoint, train.count(), &device)
            .map_err(|error| format!("{}: {error}", out.checkpoint().display()))?;
        let records = out.records(trainer.progress().epoch)?;
        (trainer, records)
    } else {
        let trainer = match from {
            Some((model, record)) => Trainer::from_weights(config.clone(), model, record, train.count(), &device)
                .map_err(|error| format!("{}: {error}", options.from.unwrap_or_default().display()))?,
            None => Trainer::new(config.clone(), train.count(), &device)?,
        };
        (trainer, Vec::new())
    };
    if trainer.done() {
        let passes = trainer.progress().epoch;
        eprintln!("the run is done: {passes} of {} passes; raise `epochs` to go on", config.epochs);
        return Ok(());
    }
    // The first signal asks to stop, the second one does it.
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            remove_parts();
            std::process::exit(INTERRUPTED);
        }
    })?;
    let minutes = |minutes: f64| Duration::from_secs_f64(60.0 * minutes);
    let run = Run {
        trainer,
        records,
        config: &config,
        protocol,
        out,
        checkpoint_every: minutes(options.checkpoint_minutes),
        stop_at: options.stop_after_minutes.map(|limit| Instant::now() + minutes(limit)),
    };
    run.finish(&train, &valid)
}

/// Whether a signal has asked the run to stop.
static STOP: AtomicBool = AtomicBool::new(false);

/// The folder of a run.
struct Out(PathBuf);

impl Out {
    /// Makes the folder, and sure that nothing in it is lost: a run that is there is continued or left alone.
    fn open(folder: &Path, resume: bool) -> Result<Self, Failure> {
        make_folder(folder)?;
        let out = Self(folder.to_path_buf());
        if !resume && out.checkpoint().exists() {
            return Err(format!("{} has a run already; continue it with --resume", folder.display()).into());
        }
        if !resume && out.best().exists() {
            let best = out.best();
            return Err(format!("{} is there already; name another --out", best.display()).into());
        }
        // Written now, not found out after the first minutes.
        Output::at(&out.best())?;
        Ok(out)
    }

    fn checkpoint(&self) -> PathBuf {
        self.0.join("checkpoint.safetensors")
    }

    fn best(&self) -> PathBuf {
        self.0.join("best.safetensors")
    }

    fn metrics(&self) -> PathBuf {
        self.0.join("metrics.jsonl")
    }

    /// The records of the first `epochs` passes.
    fn records(&self, epochs: usize) -> Result<Vec<EpochRecord>, Failure> {
        let text = std::fs::read_to_string(self.metrics()).unwrap_or_default();
        let mut records = read_records(&text).map_err(|error| format!("{}: {error}", self.metrics().display()))?;
        records.truncate(epochs);
        Ok(records)
    }
}

/// A run on its way.
struct Run<'a> {
    trainer: Trainer,
    records: Vec<EpochRecord>,
    config: &'a TrainConfig,
    /// What it is validated on.
    protocol: String,
    out: Out,
    checkpoint_every: Duration,
    stop_at: Option<Instant>,
}

impl Run<'_> {
    fn finish(mut self, train: &impl TrainingImages, valid: &Pictures) -> Result<(), Failure> {
        let mut saved = Instant::now();
        while !self.trainer.done() {
            let mut shown = Shown::of(&self.trainer, self.config);
            while self.trainer.progress().step < self.trainer.steps_per_epoch() {
                self.trainer.step(train);
                shown.step(&mut self.trainer)?;
                let interrupted = STOP.load(Ordering::SeqCst);
                let stop = interrupted || self.stop_at.is_some_and(|at| Instant::now() >= at);
                if stop || saved.elapsed() >= self.checkpoint_every {
                    self.save()?;
                    saved = Instant::now();
                }
                if stop {
                    shown.bar.finish_and_clear();
                    return self.stopped(interrupted);
                }
            }
            shown.bar.finish_and_clear();
            // Before the validation: a run that is stopped in it begins with it again.
            self.save()?;
            self.finish_epoch(valid)?;
            self.save()?;
            saved = Instant::now();
        }
        Ok(())
    }

    fn save(&mut self) -> Result<(), Failure> {
        Ok(write_atomic(&self.out.checkpoint(), &self.trainer.checkpoint()?.to_bytes())?)
    }

    /// Says where the run was stopped, its checkpoint being written.
    fn stopped(&self, interrupted: bool) -> Result<(), Failure> {
        let (progress, steps) = (self.trainer.progress(), self.trainer.steps_per_epoch());
        let (pass, passes) = (progress.epoch + 1, self.config.epochs);
        eprintln!("stopped after step {} of {steps} of pass {pass} of {passes}; --resume goes on", progress.step);
        if interrupted {
            std::process::exit(INTERRUPTED);
        }
        Ok(())
    }

    /// Validates, keeps the weights where they are the best so far, and prints one line.
    fn finish_epoch(&mut self, valid: &Pictures) -> Result<(), Failure> {
        let images = valid.shape()[0];
        let bar = ProgressBar::new(images as u64).with_style(style("validating {wide_bar} {pos}/{len}"));
        let (pass, steps) = (self.trainer.progress().epoch + 1, self.trainer.steps_per_epoch());
        let record = self.trainer.finish_epoch(valid, |done| {
            bar.set_position(done as u64);
            if STOP.load(Ordering::SeqCst) {
                bar.finish_and_clear();
                eprintln!("stopped while validating, after step {steps} of {steps} of pass {pass}; --resume goes on");
                std::process::exit(INTERRUPTED);
            }
        })?;
        bar.finish_and_clear();
        println!(
            "epoch {:>3}  training {:.3} nats  validation {:.3} nats  {:.0} s{}",
            record.epoch,
            record.train_nats,
            record.valid_nats,
            record.elapsed_s,
            if record.best { "  best" } else { "" }
        );
        if record.best {
            let recorded = TrainConfig { dataset: self.config.dataset.clone().recorded(), ..self.config.clone() };
            let mut training =
                json!({ "config": recorded, "epochs": record.epoch, "elapsed_s": record.elapsed_s.round() });
            if let Some(from) = self.trainer.from() {
                training["from"] = from.clone();
            }
            let results = json!({ "valid": {
                "nats_per_image": record.valid_nats,
                "bits_per_dim": record.valid_bits_per_dim,
                "images": images,
                "protocol": self.protocol,
            }});
            let kept = self.trainer.kept();
            write_atomic(&self.out.best(), &weights::save(&kept, Some(&training), Some(&results)))?;
            write_atomic(&self.out.0.join("samples.png"), &super::draw::samples(&kept)?)?;
        }
        self.records.push(record);
        let line = |record| serde_json::to_string(record).expect("plain numbers") + "\n";
        let lines: String = self.records.iter().map(line).collect();
        write_atomic(&self.out.metrics(), lines.as_bytes())?;
        Ok(write_atomic(&self.out.0.join("metrics.svg"), plot(&self.config.name, &self.records)?.as_bytes())?)
    }
}

/// Steps between two looks at the loss, which has to be read back from the device.
const LOOK_EVERY: usize = 25;

/// What is told of a pass: a bar on a terminal, elsewhere a line a minute.
struct Shown {
    bar: ProgressBar,
    terminal: bool,
    began: Instant,
    told: Instant,
    first_step: usize,
    passes: usize,
    /// −ln p of an image under the uniform distribution.
    guessing_nats: f64,
    warned: bool,
}

impl Shown {
    fn of(trainer: &Trainer, config: &TrainConfig) -> Self {
        let bar = ProgressBar::new(trainer.steps_per_epoch() as u64)
            .with_style(style("{prefix} {wide_bar} {pos}/{len} steps  {per_sec}  {eta} left  {msg}"))
            .with_prefix(format!("epoch {}/{}", trainer.progress().epoch + 1, config.epochs))
            .with_position(trainer.progress().step as u64);
        bar.reset_eta();
        bar.enable_steady_tick(Duration::from_secs(1));
        let values: usize = config.model.scales().iter().map(|scale| scale.dimensions()).sum();
        Self {
            bar,
            terminal: std::io::stderr().is_terminal(),
            began: Instant::now(),
            told: Instant::now(),
            first_step: trainer.progress().step,
            passes: config.epochs,
            guessing_nats: values as f64 * f64::from(config.model.levels).ln(),
            warned: false,
        }
    }

    /// After a step.
    fn step(&mut self, trainer: &mut Trainer) -> Result<(), Failure> {
        self.bar.inc(1);
        let (step, steps, pass) = (trainer.progress().step, trainer.steps_per_epoch(), trainer.progress().epoch + 1);
        if step.is_multiple_of(LOOK_EVERY) {
            let nats = trainer.train_nats()?;
            self.bar.set_message(format!("{nats:.2} nats"));
            let (recent, guessing) = (trainer.recent_nats(), self.guessing_nats);
            // The first steps may be as bad as a guess; later ones must not.
            if !self.warned && step > LOOK_EVERY && recent > 2.0 * guessing {
                self.warned = true;
                self.bar.suspend(|| {
                    eprintln!(
                        "warning: {recent:.0} nats an image around step {step} of pass {pass}, guessing has {guessing:.0}: the learning rate may be too high"
                    );
                });
            }
        }
        if !self.terminal && self.told.elapsed() >= Duration::from_secs(60) {
            self.told = Instant::now();
            let rate = (step - self.first_step) as f64 / self.began.elapsed().as_secs_f64();
            let left = ((self.passes - pass) * steps + steps - step) as f64 / rate / 60.0;
            let nats = trainer.train_nats()?;
            eprintln!(
                "pass {pass} of {}, step {step} of {steps}, {rate:.2} steps a second, {left:.0} minutes left, training {nats:.2} nats",
                self.passes
            );
        }
        Ok(())
    }
}

/// The checkpoint of the run.
fn resumed(path: &Path, config: &TrainConfig) -> Result<Checkpoint, Failure> {
    let checkpoint = Checkpoint::from_bytes(&super::read(path)?, config);
    Ok(checkpoint.map_err(|error| format!("{}: {error}", path.display()))?)
}

/// A model to begin with, and what the record of the run says of it.
fn beginning(path: &Path) -> Result<(Model, Value), Failure> {
    let bytes = super::read(path)?;
    let loaded = weights::load(&bytes, &Device::flex()).map_err(|error| format!("{}: {error}", path.display()))?;
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    Ok((loaded.model, json!({ "file": file, "sha256": sha256, "training": loaded.training })))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is fixed").progress_chars("━╸─")
}
