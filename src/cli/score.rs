//! `pixelrnn eval` and `pixelrnn score`.

use super::{DeviceKind, Failure, PathBuf, check_output, load_model, read_images};
use indicatif::{ProgressBar, ProgressStyle};
use pixelrnn::data::{DatasetKind, Split, Validation, load_split};
use pixelrnn::grid::write_atomic;
use pixelrnn::likelihood::{Likelihood, evaluate, score as score_images};
use pixelrnn::npy;
use pixelrnn::weights::Loaded;
use serde_json::{Value, json};

/// Images a forward pass takes at once.
pub const BATCH: usize = 50;

#[derive(clap::Args)]
pub struct EvalOptions {
    /// Weights file.
    #[arg(long)]
    model: PathBuf,
    /// Folder of the data sets.
    #[arg(long)]
    data: PathBuf,
    /// Data set; by default the one that fits the network.
    #[arg(long)]
    dataset: Option<DatasetKind>,
    /// train, valid or test.
    #[arg(long, default_value = "test")]
    split: Split,
    /// Print one JSON object and nothing else.
    #[arg(long)]
    json: bool,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceKind,
}

pub fn eval(options: EvalOptions) -> Result<(), Failure> {
    let device = options.device.open()?;
    let Loaded { model, training, .. } = load_model(&options.model, &device)?;
    let config = &model.config;
    let kind = options.dataset.unwrap_or(match (config.channels, config.levels) {
        (1, 2) => DatasetKind::BinarizedMnist,
        (1, _) => DatasetKind::Mnist,
        _ => DatasetKind::Cifar10,
    });
    // The validation split is the one the network was chosen on.
    let run = training.as_ref().map(|training| &training["config"]).filter(|run| run["dataset"] == kind.name());
    let validation: Option<Validation> = run.and_then(|run| run["validation"].as_str()?.parse().ok());
    let validation = validation.filter(|&validation| kind.allows(validation)).unwrap_or(kind.validation());
    let images = load_split(kind, options.split, validation, &options.data)?;
    let [count, channels, height, width] = images.shape();
    let (found, expected) = ([channels, height, width], [config.channels, config.height, config.width]);
    if found != expected || images.levels != config.levels {
        return Err(format!(
            "{kind} has images {found:?} of {} levels, the network expects {expected:?} of {}",
            images.levels, config.levels
        )
        .into());
    }
    let bar = progress(count, "evaluating");
    let likelihood = evaluate(&model, &images, BATCH, &device, |done| bar.set_position(done as u64));
    bar.finish_and_clear();
    let protocol = kind.protocol(options.split);
    if options.json {
        println!("{}", described(&likelihood, &protocol));
    } else {
        println!(
            "{:.4} nats an image, {:.5} bits a dimension, {} images ({protocol})",
            likelihood.nats_per_image, likelihood.bits_per_dim, likelihood.images
        );
        for (scale, nats) in model.config.scales().iter().zip(&likelihood.nats_of_scales) {
            let given = if scale.conditioning.is_some() { " given the smaller image" } else { "" };
            println!("  of these {nats:.4} for the {}x{} image{given}", scale.width, scale.height);
        }
    }
    Ok(())
}

/// A likelihood as JSON.
pub fn described(likelihood: &Likelihood, protocol: &str) -> Value {
    let mut result = json!(likelihood);
    result["protocol"] = protocol.into();
    result
}

#[derive(clap::Args)]
pub struct ScoreOptions {
    /// Weights file.
    #[arg(long)]
    model: PathBuf,
    /// Levels, uint8 [N, C, H, W].
    #[arg(long)]
    images: PathBuf,
    /// float32 [N, C, H, W]: -ln p of each value, in nats.
    #[arg(long)]
    out: PathBuf,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceKind,
}

pub fn score(options: ScoreOptions) -> Result<(), Failure> {
    check_output(&options.out)?;
    let device = options.device.open()?;
    let model = load_model(&options.model, &device)?.model;
    let images = read_images(&options.images, &model.config)?;
    let bar = progress(images.count, "scoring");
    let nll = score_images(&model, &images, BATCH, &device, |done| bar.set_position(done as u64));
    bar.finish_and_clear();
    write_atomic(&options.out, &npy::write_f32(&images.shape(), &nll))?;
    let nats = nll.iter().map(|&v| f64::from(v)).sum::<f64>() / images.count as f64;
    let given = if model.small.is_some() { " given the small image in it" } else { "" };
    println!("{} images, {nats:.4} nats an image{given}, written to {}", images.count, options.out.display());
    Ok(())
}

fn progress(count: usize, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} images  {per_sec}  {eta} left")
        .expect("the template is fixed");
    ProgressBar::new(count as u64).with_style(style).with_prefix(what)
}
