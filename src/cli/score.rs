//! `pixelrnn eval` and `pixelrnn score`.

use super::{DeviceKind, Failure, PathBuf, clean_up_when_stopped, load_model, npy_output, read_images, tell};
use indicatif::{ProgressBar, ProgressStyle};
use pixelrnn::data::dataset::DatasetConfig;
use pixelrnn::data::genuine::Foreign;
use pixelrnn::data::own::{Cache, Pictures};
use pixelrnn::data::{DatasetKind, Split};
use pixelrnn::image::ImageSource;
use pixelrnn::likelihood::{Likelihood, evaluate, evaluate_mixture, score as score_images};
use pixelrnn::model::ModelConfig;
use pixelrnn::npy;
use pixelrnn::train::{RunData, TrainConfig, default_dataset};
use pixelrnn::weights::Loaded;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

/// Images a forward pass takes at once.
pub const BATCH: usize = 50;

#[derive(clap::Args)]
pub struct EvalOptions {
    /// Weights file.
    #[arg(long, required_unless_present = "mix", conflicts_with = "mix")]
    model: Option<PathBuf>,
    /// Several weights files, A,B,C: each, and the mean of their likelihoods of every image.
    #[arg(long, value_delimiter = ',', value_name = "MODEL,MODEL")]
    mix: Vec<PathBuf>,
    #[command(flatten)]
    on: SplitOptions,
    /// Print one JSON object and nothing else.
    #[arg(long)]
    json: bool,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceKind,
}

pub fn eval(options: EvalOptions) -> Result<(), Failure> {
    let Some(model) = &options.model else { return eval_mixture(&options) };
    let device = options.device.open()?;
    let Loaded { model, training, .. } = load_model(model, &device)?;
    let Measured { pictures: images, protocol, .. } = options.on.measured(training.as_ref(), &model.config)?;
    let [count, ..] = images.shape();
    let bar = progress(count, "evaluating");
    let likelihood = evaluate(&model, &images, BATCH, &device, |done| bar.set_position(done as u64));
    bar.finish_and_clear();
    if options.json {
        println!("{}", described(&likelihood, &protocol));
    } else {
        println!("{}", line(&likelihood, &protocol));
        for (scale, nats) in model.config.scales().iter().zip(&likelihood.nats_of_scales) {
            let given = if scale.conditioning.is_some() { " given the smaller image" } else { "" };
            println!("  of these {nats:.4} for the {}x{} image{given}", scale.width, scale.height);
        }
    }
    Ok(())
}

/// Of each network of `--mix`, on the images of the first one's set, and of all together.
fn eval_mixture(options: &EvalOptions) -> Result<(), Failure> {
    let device = options.device.open()?;
    let (mut models, mut images) = (Vec::new(), None);
    for path in &options.mix {
        let Loaded { model, training, .. } = load_model(path, &device)?;
        let refused = |found: String| Err(format!("{}: {found}", path.display()).into());
        if model.nets.len() > 1 {
            return refused(format!(
                "a network of {} scales, whose likelihood is not that of the image alone",
                model.nets.len()
            ));
        }
        let first = &models.first().unwrap_or(&model).config;
        let kind = |config: &ModelConfig| [config.channels, config.height, config.width, usize::from(config.levels)];
        if kind(&model.config) != kind(first) {
            return refused(format!(
                "channels, height, width and levels {:?} found, those of the first file expected, {:?}",
                kind(&model.config),
                kind(first)
            ));
        }
        if models.is_empty() {
            images = Some(options.on.measured(training.as_ref(), &model.config)?);
        }
        models.push(model);
    }
    let Measured { pictures: images, protocol, .. } = images.expect("at least one file");
    let bar = progress(images.shape()[0], "evaluating");
    let (each, mixture) = evaluate_mixture(&models, &images, BATCH, &device, |done| bar.set_position(done as u64));
    bar.finish_and_clear();
    if options.json {
        let each: Vec<Value> = each.iter().map(|likelihood| described(likelihood, &protocol)).collect();
        println!("{}", json!({ "mixture": described(&mixture, &protocol), "models": each }));
    } else {
        for (path, likelihood) in options.mix.iter().zip(&each) {
            println!("{}: {}", path.display(), line(likelihood, &protocol));
        }
        println!("mean likelihood of these {}: {}", models.len(), line(&mixture, &protocol));
    }
    Ok(())
}

fn line(likelihood: &Likelihood, protocol: &str) -> String {
    let Likelihood { nats_per_image, bits_per_dim, images, .. } = likelihood;
    format!("{nats_per_image:.4} nats an image, {bits_per_dim:.5} bits a dimension, {images} images ({protocol})")
}

/// The images that networks are measured on.
#[derive(clap::Args)]
pub struct SplitOptions {
    /// Folder of the data sets; for pictures of your own the folder that their paths begin at.
    #[arg(long)]
    data: PathBuf,
    /// Data set; by default the one it was trained on, else the one that fits the network.
    #[arg(long)]
    dataset: Option<DatasetKind>,
    /// train, valid or test.
    #[arg(long, default_value = "test")]
    split: Split,
}

impl SplitOptions {
    /// The images for a network with this record of its training.
    pub fn measured(&self, training: Option<&Value>, model: &ModelConfig) -> Result<Measured, Failure> {
        measured(&run_of(training, model, self.dataset), self.split, &self.data)
    }
}

/// The run a network comes from, as its record says; where that says nothing, or another data set is asked for, one on that set
/// or on the one that fits the network.
pub fn run_of(training: Option<&Value>, model: &ModelConfig, dataset: Option<DatasetKind>) -> TrainConfig {
    let recorded = training.and_then(|training| TrainConfig::from_json(&training["config"].to_string()).ok());
    let recorded = recorded.filter(|run| dataset.is_none_or(|kind| run.dataset.kind() == Some(kind)));
    recorded.map(|run| TrainConfig { model: model.clone(), ..run }).unwrap_or_else(|| {
        let kind = dataset.unwrap_or(default_dataset(model));
        TrainConfig::of_dataset(DatasetConfig::Known(kind), model.clone())
    })
}

/// The images of a split.
pub struct Measured {
    pub pictures: Pictures,
    /// What they are, to be printed beside a likelihood.
    pub protocol: String,
    /// Set where they are in the files of a known set and are not its own.
    pub foreign: Option<Foreign>,
}

/// The images of a split of a run, found in `folder`.
pub fn measured(run: &TrainConfig, split: Split, folder: &Path) -> Result<Measured, Failure> {
    let mut data = RunData::new(run, folder, Cache::in_folder(&std::env::temp_dir()));
    let pictures = data.measured(split, &mut |line| eprintln!("{line}"))?;
    Ok(Measured { pictures, protocol: data.protocol(split), foreign: data.foreign().cloned() })
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
    /// float32 [N, C, H, W], .npy or - for standard output: -ln p of each value, in nats.
    #[arg(long)]
    out: PathBuf,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceKind,
}

pub fn score(options: ScoreOptions) -> Result<(), Failure> {
    let output = npy_output(&options.out)?;
    clean_up_when_stopped()?;
    let device = options.device.open()?;
    let model = load_model(&options.model, &device)?.model;
    let images = read_images(&options.images, &model.config)?;
    let bar = progress(images.count, "scoring");
    let mut writer = output.open()?;
    writer.write_all(&npy::header_f32(&images.shape()))?;
    let mut nats = 0.0;
    for first in (0..images.count).step_by(BATCH) {
        let batch = images.select(first..images.count.min(first + BATCH));
        let nll = score_images(&model, &batch, BATCH, &device, |done| bar.set_position((first + done) as u64));
        // One addition a value, in their order: the sum does not depend on the batch.
        nll.iter().for_each(|&nll| nats += f64::from(nll));
        writer.write_all(&npy::bytes_f32(&nll))?;
    }
    bar.finish_and_clear();
    writer.finish()?;
    let nats = nats / images.count as f64;
    let given = if model.nets.len() > 1 { " given the small image in it" } else { "" };
    let out = output.path().display();
    tell(&output, &format!("{} images, {nats:.4} nats an image{given}, written to {out}", images.count));
    Ok(())
}

fn progress(count: usize, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} images  {per_sec}  {eta} left")
        .expect("the template is fixed");
    ProgressBar::new(count as u64).with_style(style).with_prefix(what)
}
