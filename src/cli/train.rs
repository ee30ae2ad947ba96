//! `pixelrnn train`.

use super::{DeviceKind, Failure, PathBuf};
use indicatif::{ProgressBar, ProgressStyle};
use pixelrnn::data::{Split, load_split};
use pixelrnn::grid::write_atomic;
use pixelrnn::image::Images;
use pixelrnn::train::{Checkpoint, EpochRecord, TrainConfig, Trainer, plot, read_records};
use pixelrnn::weights;
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

#[derive(clap::Args)]
pub struct Options {
    /// Training configuration, JSON.
    #[arg(long)]
    config: PathBuf,
    /// Folder of the data sets.
    #[arg(long)]
    data: PathBuf,
    /// Folder for best.safetensors, checkpoint.safetensors, metrics.jsonl and metrics.svg.
    #[arg(long)]
    out: PathBuf,
    /// Where to train.
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceKind,
    /// Continue the run whose checkpoint is in --out.
    #[arg(long)]
    resume: bool,
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
    std::fs::create_dir_all(&options.out)
        .map_err(|error| format!("{}: cannot be made: {error}", options.out.display()))?;
    let checkpoint_path = options.out.join("checkpoint.safetensors");
    if !options.resume && checkpoint_path.exists() {
        return Err(format!("{} has a run already; continue it with --resume", options.out.display()).into());
    }
    let [train, valid] = [Split::Train, Split::Valid]
        .map(|split| load_split(config.dataset(), split, config.validation(), &options.data));
    let (train, valid) = (fitting(train?, &config)?, fitting(valid?, &config)?);
    let device = options.device.open()?;

    let metrics_path = options.out.join("metrics.jsonl");
    let (mut trainer, mut records) = if options.resume {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", checkpoint_path.display());
        let checkpoint = Checkpoint::from_bytes(&super::read(&checkpoint_path)?, &config).map_err(|e| named(&e))?;
        let trainer = Trainer::resume(checkpoint, train.count, &device).map_err(|error| named(&error))?;
        let text = std::fs::read_to_string(&metrics_path).unwrap_or_default();
        let mut records = read_records(&text).map_err(|error| format!("{}: {error}", metrics_path.display()))?;
        records.truncate(trainer.progress().epoch);
        (trainer, records)
    } else {
        (Trainer::new(config.clone(), train.count, &device)?, Vec::new())
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
    valid: &Images,
    config: &TrainConfig,
    out: &Path,
) -> Result<EpochRecord, Failure> {
    let bar = ProgressBar::new(valid.count as u64).with_style(style("validating {wide_bar} {pos}/{len}"));
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
        let training = json!({ "config": config, "epochs": record.epoch, "elapsed_s": record.elapsed_s.round() });
        let results = json!({ "valid": {
            "nats_per_image": record.valid_nats,
            "bits_per_dim": record.valid_bits_per_dim,
            "images": valid.count,
            "protocol": config.dataset().protocol(Split::Valid),
        }});
        let bytes = weights::save(&trainer.kept(), Some(&training), Some(&results));
        write_atomic(&out.join("best.safetensors"), &bytes)?;
    }
    Ok(record)
}

/// The images, if they are what the network is made for.
fn fitting(images: Images, config: &TrainConfig) -> Result<Images, Failure> {
    let [_, channels, height, width] = images.shape();
    let model = &config.model;
    let found = (channels, height, width, images.levels);
    let expected = (model.channels, model.height, model.width, model.levels);
    if found != expected {
        let name = config.dataset();
        return Err(format!(
            "{name} has images of (channels, height, width, levels) {found:?}, the configuration's network expects {expected:?}"
        )
        .into());
    }
    Ok(images)
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
