//! `pixelrnn train`.

use super::{DeviceKind, Failure, PathBuf};
use burn::tensor::Device;
use indicatif::{ProgressBar, ProgressStyle};
use pixelrnn::data::Split;
use pixelrnn::data::own::{Cache, MEMORY_BYTES, Pictures};
use pixelrnn::grid::write_atomic;
use pixelrnn::image::ImageSource;
use pixelrnn::model::Model;
use pixelrnn::train::{Checkpoint, EpochRecord, RunData, TrainConfig, Trainer, TrainingImages, plot, read_records};
use pixelrnn::weights;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;
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
    /// Where to train.
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceKind,
    /// Continue the run whose checkpoint is in --out.
    #[arg(long)]
    resume: bool,
    /// Begin with the weights of this file, which must be those of the same network.
    #[arg(long, conflicts_with = "resume")]
    from: Option<PathBuf>,
    /// Megabytes of pictures that may be in memory; more are read from a file in --out.
    #[arg(long, default_value_t = MEMORY_BYTES >> 20)]
    memory_mb: u64,
    /// Write a checkpoint every so many minutes, besides the one after every epoch.
    #[arg(long, default_value_t = 5.0)]
    checkpoint_minutes: f64,
    /// Stop, with a checkpoint, after so many minutes.
    #[arg(long)]
    stop_after_minutes: Option<f64>,
}

pub fn run(options: Options) -> Result<(), Failure> {
    let text = String::from_utf8(super::read(&options.config)?)
        .map_err(|_| format!("{}: not UTF-8 text", options.config.display()))?;
    let config = TrainConfig::from_json(&text).map_err(|error| format!("{}: {error}", options.config.display()))?;
    let folder = match (&options.data, config.dataset.kind()) {
        (Some(folder), _) => folder.clone(),
        (None, None) => options.config.parent().unwrap_or(Path::new("")).to_path_buf(),
        (None, Some(kind)) => return Err(format!("--data is missing: the folder that has {kind}").into()),
    };
    let device = options.device.open()?;
    // Read before the pictures are: a wrong file should not be told after minutes.
    let from = options.from.as_deref().map(|path| beginning(path, &device)).transpose()?;
    std::fs::create_dir_all(&options.out)
        .map_err(|error| format!("{}: cannot be made: {error}", options.out.display()))?;
    let checkpoint_path = options.out.join("checkpoint.safetensors");
    if !options.resume && checkpoint_path.exists() {
        return Err(format!("{} has a run already; continue it with --resume", options.out.display()).into());
    }
    let resumed = options.resume.then(|| resumed(&checkpoint_path, &config)).transpose()?;
    let cache = Cache { folder: options.out.clone(), memory_bytes: options.memory_mb << 20 };
    let mut data = RunData::new(&config, &folder, cache);
    let say = &mut |line: &str| eprintln!("{line}");
    let train = data.training(say)?;
    let valid = data.measured(Split::Valid, say)?;
    eprintln!("{} images to train on, {} to validate", train.count(), valid.shape()[0]);

    let metrics_path = options.out.join("metrics.jsonl");
    let (mut trainer, mut records) = if let Some(checkpoint) = resumed {
        let trainer = Trainer::resume(checkpoint, train.count(), &device)
            .map_err(|error| format!("{}: {error}", checkpoint_path.display()))?;
        let text = std::fs::read_to_string(&metrics_path).unwrap_or_default();
        let mut records = read_records(&text).map_err(|error| format!("{}: {error}", metrics_path.display()))?;
        records.truncate(trainer.progress().epoch);
        (trainer, records)
    } else {
        let trainer = match from {
            Some((model, record)) => Trainer::from_weights(config.clone(), model, record, train.count(), &device)
                .map_err(|error| format!("{}: {error}", options.from.unwrap_or_default().display()))?,
            None => Trainer::new(config.clone(), train.count(), &device)?,
        };
        (trainer, Vec::new())
    };

    let started = Instant::now();
    let mut saved = Instant::now();
    while !trainer.done() {
        let bar = epoch_bar(&trainer, &config);
        while trainer.progress().step < trainer.steps_per_epoch() {
            trainer.step(&train);
            bar.inc(1);
            if trainer.progress().step.is_multiple_of(25) {
                bar.set_message(format!("{:.2} nats", trainer.train_nats()));
            }
            let minutes = |since: Instant| since.elapsed().as_secs_f64() / 60.0;
            let stop = options.stop_after_minutes.is_some_and(|limit| minutes(started) >= limit);
            if stop || minutes(saved) >= options.checkpoint_minutes {
                write_atomic(&checkpoint_path, &trainer.checkpoint().to_bytes())?;
                saved = Instant::now();
            }
            if stop {
                bar.abandon_with_message("stopped; continue with --resume");
                return Ok(());
            }
        }
        bar.finish_and_clear();
        records.push(finish_epoch(&mut trainer, &valid, &config, &options.out)?);
        write_atomic(&checkpoint_path, &trainer.checkpoint().to_bytes())?;
        let lines: Vec<String> = records.iter().map(|r| serde_json::to_string(r).expect("plain numbers")).collect();
        write_atomic(&metrics_path, (lines.join("\n") + "\n").as_bytes())?;
        write_atomic(&options.out.join("metrics.svg"), plot(&config.name, &records)?.as_bytes())?;
        saved = Instant::now();
    }
    Ok(())
}

/// Validates, keeps the weights where they are the best so far, and prints one line.
fn finish_epoch(
    trainer: &mut Trainer,
    valid: &Pictures,
    config: &TrainConfig,
    out: &Path,
) -> Result<EpochRecord, Failure> {
    let bar = ProgressBar::new(valid.shape()[0] as u64).with_style(style("validating {wide_bar} {pos}/{len}"));
    let record = trainer.finish_epoch(valid, |done| bar.set_position(done as u64));
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
        let recorded = TrainConfig { dataset: config.dataset.clone().recorded(), ..config.clone() };
        let mut training = json!({ "config": recorded, "epochs": record.epoch, "elapsed_s": record.elapsed_s.round() });
        if let Some(from) = trainer.from() {
            training["from"] = from.clone();
        }
        let results = json!({ "valid": {
            "nats_per_image": record.valid_nats,
            "bits_per_dim": record.valid_bits_per_dim,
            "images": valid.shape()[0],
            "protocol": config.dataset.protocol(Split::Valid),
        }});
        let bytes = weights::save(&trainer.kept(), Some(&training), Some(&results));
        write_atomic(&out.join("best.safetensors"), &bytes)?;
        write_atomic(&out.join("samples.png"), &super::draw::samples(&trainer.kept())?)?;
    }
    Ok(record)
}

/// The checkpoint of the run.
fn resumed(path: &Path, config: &TrainConfig) -> Result<Checkpoint, Failure> {
    let checkpoint = Checkpoint::from_bytes(&super::read(path)?, config);
    Ok(checkpoint.map_err(|error| format!("{}: {error}", path.display()))?)
}

/// A model to begin with, and what the record of the run says of it.
fn beginning(path: &Path, device: &Device) -> Result<(Model, Value), Failure> {
    let bytes = super::read(path)?;
    let loaded = weights::load(&bytes, device).map_err(|error| format!("{}: {error}", path.display()))?;
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    Ok((loaded.model, json!({ "file": file, "sha256": sha256, "training": loaded.training })))
}

fn epoch_bar(trainer: &Trainer, config: &TrainConfig) -> ProgressBar {
    let bar = ProgressBar::new(trainer.steps_per_epoch() as u64)
        .with_style(style("{prefix} {wide_bar} {pos}/{len} steps  {per_sec}  {eta} left  {msg}"))
        .with_prefix(format!("epoch {}/{}", trainer.progress().epoch + 1, config.epochs))
        .with_position(trainer.progress().step as u64);
    bar.reset_eta();
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is fixed").progress_chars("━╸─")
}
