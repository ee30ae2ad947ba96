//! `pixelrnn new`: a configuration for pictures of one's own, fitted to the time there is.

use super::device::step_seconds;
use super::{DeviceKind, Failure, PathBuf, output, tell};
use burn::tensor::Device;
use clap::ValueEnum;
use pixelrnn::data::dataset::{Background, Colors, DatasetConfig, Fit, OwnConfig, Part, Paths, Size};
use pixelrnn::data::own::{Report, survey};
use pixelrnn::model::{ModelConfig, Network};
use pixelrnn::train::{Augment, OptimizerKind, TrainConfig, is_name};
use std::path::Path;
use std::time::Duration;

/// Pictures of this side are drawn where the files have many sizes, or large ones.
const SIDE: usize = 32;
/// Pictures that all have one size, no side above this, keep it.
const LARGEST_SIDE: usize = 64;
/// Largest error of rounding to fewer levels, as a share of full brightness.
const ROUNDING: f64 = 0.02;
/// Steps that a network needs to show what it can.
const STEPS: f64 = 2_500.0;
/// Muon's, at every width that is proposed better than Adam at this and at 0.003 (`benches/optimizers.py` has the narrowest ones,
/// which take twice as much; the others do not).
const LEARNING_RATE: f64 = 0.01;
/// More passes than this are memorised rather than learned.
const MOST_PASSES: usize = 100;
/// Pictures from which on a tenth is kept for a test.
const ENOUGH_TO_TEST: usize = 1_000;

#[derive(clap::Args)]
pub struct Options {
    /// A folder of pictures, an .npy or idx file; several times for several.
    #[arg(long, required = true)]
    from: Vec<String>,
    /// The configuration to write, JSON; - for standard output.
    #[arg(long)]
    out: PathBuf,
    /// How long the training may take, such as 90s, 20m or 2h.
    #[arg(long, default_value = "20m", value_parser = duration)]
    time: Duration,
    /// One of the networks; by default the most powerful that the time is enough for.
    #[arg(long, value_enum)]
    network: Option<NetworkName>,
    /// Name of the weights; by default that of the folder.
    #[arg(long)]
    name: Option<String>,
    /// Where it will be trained.
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceKind,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum NetworkName {
    /// Sees a neighbourhood of fixed size; the cheapest.
    Pixelcnn,
    /// Sees a triangle above.
    RowLstm,
    /// Sees everything above and to the left; the best, and the slowest.
    DiagonalBilstm,
}

impl NetworkName {
    fn network(self) -> Network {
        match self {
            Self::Pixelcnn => Network::PixelCnn,
            Self::RowLstm => Network::RowLstm,
            Self::DiagonalBilstm => Network::DiagonalBiLstm,
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "s" => 1.0,
        "m" | "" => 60.0,
        "h" => 3600.0,
        _ => f64::NAN,
    } * digits.parse::<f64>().unwrap_or(f64::NAN);
    // From half a minute to a month.
    match (30.0..=2.7e6).contains(&seconds) {
        true => Ok(Duration::from_secs_f64(seconds)),
        false => Err("a time such as 90s, 20m or 2h expected, at least 30s".to_owned()),
    }
}

pub fn run(options: Options) -> Result<(), Failure> {
    let output = output(&options.out)?;
    // Something that is there may be the work of an hour.
    if !output.is_stream() && options.out.exists() {
        return Err(format!("{} is there already; remove it or name another --out", options.out.display()).into());
    }
    let device = options.device.open()?;
    let report = survey(&Paths::Several(options.from.clone()), Path::new(""))?;
    report.lines(None).iter().for_each(|line| tell(&output, line));
    if report.pictures < pixelrnn::data::own::LEAST {
        let least = pixelrnn::data::own::LEAST;
        return Err(format!("{} pictures can be used, at least {least} expected", report.pictures).into());
    }

    let config = configuration(&options, &report, &device, &|line: String| tell(&output, &line))?;
    let json = serde_json::to_string_pretty(&config)? + "\n";
    // What is written must be read: the checks are those of `train`.
    TrainConfig::from_json(&json)?;
    output.write(json.as_bytes())?;
    if output.is_stream() {
        return Ok(());
    }
    let out = options.out.display();
    println!("written to {out}; next:");
    println!("  pixelrnn train --config {out} --out {}", options.out.with_extension("run").display());
    Ok(())
}

/// The configuration, its reasons told.
fn configuration(
    options: &Options,
    report: &Report,
    device: &Device,
    say: &dyn Fn(String),
) -> Result<TrainConfig, Failure> {
    let colors = if report.colourful * 50 > report.pictures { Colors::Rgb } else { Colors::Grey };
    say(format!("colours: {} of {} pictures have any: {}", report.colourful, report.pictures, text(colors)));
    let [height, width] = size(report);
    let (background, fit) = surroundings(report);
    say(format!("size: {width}×{height}, others are made to fit ({}), on {}", text(fit), String::from(background)));
    let levels = levels(report, say);

    let folder = options.out.parent().unwrap_or(Path::new(""));
    let paths = options.from.iter().map(|path| seen_from(path, folder)).collect::<Result<Vec<_>, Failure>>()?;
    let train = if let [only] = &paths[..] { Paths::One(only.clone()) } else { Paths::Several(paths) };
    let test = (report.pictures >= ENOUGH_TO_TEST).then_some(Part::Share(0.1));
    let own = OwnConfig {
        name: None,
        train,
        valid: Part::Share(0.1),
        test: test.clone(),
        size: Some(Size::Sides([height, width])),
        fit,
        background,
        colors: Some(colors),
        levels: Some(levels),
        binarize: None,
        transpose: false,
    };
    let trained = report.pictures as f64 * if test.is_some() { 0.8 } else { 0.9 };
    let name = name(options, &own)?;
    let own = OwnConfig { name: Some(name.clone()), ..own };
    let flip = colors == Colors::Rgb && levels > 2;
    if flip {
        let doubt = "take `flip` out where left and right matter, as in writing";
        say(format!("varied: flipped left to right by chance; {doubt}"));
    }
    let augment = flip.then_some(Augment { flip: true, shift: 0 });

    let batch = if trained < 320.0 { 8 } else { 16 };
    let base = |model| TrainConfig {
        name: name.clone(),
        dataset: DatasetConfig::Own(Box::new(own.clone())),
        augment,
        batch,
        optimizer: OptimizerKind::Muon,
        learning_rate: LEARNING_RATE,
        warmup_steps: 100,
        ..TrainConfig::of_dataset(DatasetConfig::Own(Box::new(own.clone())), model)
    };
    let shape = [colors.channels(), usize::from(levels), height, width];
    let steps_per_pass = (trained / batch as f64).ceil();
    say(format!("networks, a step of {batch} pictures each on this machine, {steps_per_pass} steps a pass:"));
    let mut chosen: Option<(TrainConfig, f64)> = None;
    for model in candidates(shape, options.network.map(NetworkName::network)) {
        let step_s = step_seconds(&base(model.clone()), device, options.time)?;
        // Validation: a tenth of the pictures, without gradients, about a third of the work.
        let passes = 0.9 * options.time.as_secs_f64() / (steps_per_pass * step_s * 1.05);
        let (network, &ModelConfig { layers, h, head, .. }) = (text(model.network), &model);
        say(format!("  {network}, {layers} layers, h = {h}, head {head}: {step_s:.3} s, {passes:.1} passes"));
        let steps = passes * steps_per_pass;
        let better = chosen.as_ref().is_none_or(|(_, most)| steps >= STEPS || (*most < STEPS && steps > *most));
        if better {
            let epochs = (passes as usize).clamp(1, MOST_PASSES);
            chosen = Some((TrainConfig { epochs, ..base(model) }, steps));
        }
    }
    let (config, steps) = chosen.ok_or("no network was tried")?;
    let ModelConfig { network, layers, h, .. } = &config.model;
    let reason = match steps {
        steps if steps >= STEPS => format!("the most powerful that makes {STEPS} steps in the time"),
        _ => {
            format!("the one that makes most steps in the time, {steps:.0}; with {STEPS} and more it would draw better")
        }
    };
    say(format!("network: {}, {layers} layers, h = {h}: {reason}; {} passes", text(network), config.epochs));
    Ok(config)
}

/// The name of a value as it is written in the configuration.
fn text(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// `[height, width]`: that of the pictures, where nearly all have one and it is small, else a small square.
fn size(report: &Report) -> [usize; 2] {
    match report.sizes_by_count()[..] {
        [([width, height], count, _), ..]
            if count * 10 >= report.pictures * 9 && *width.max(height) <= LARGEST_SIDE && *width.min(height) >= 4 =>
        {
            [*height, *width]
        }
        _ => [SIDE; 2],
    }
}

/// What lies around the pictures, and whether they are padded with it or cut.
fn surroundings(report: &Report) -> (Background, Fit) {
    let sum = |weight: &dyn Fn(usize) -> f64| -> f64 {
        report.histogram.iter().enumerate().map(|(byte, &count)| weight(byte) * count as f64).sum()
    };
    if report.transparent * 2 > report.pictures {
        let mean = sum(&|byte| byte as f64) / sum(&|_| 1.0).max(1.0);
        return (Background(if mean > 192.0 { [0; 3] } else { [255; 3] }), Fit::Pad);
    }
    match report.edges.iter().max_by_key(|(_, count)| count) {
        Some((color, count)) if count * 2 > report.pictures => (Background(*color), Fit::Pad),
        _ => (Background::default(), Fit::Crop),
    }
}

/// The fewest levels that the pictures survive, told with the reason.
fn levels(report: &Report, say: &dyn Fn(String)) -> u16 {
    let error = |levels| report.rounding_error(levels);
    let levels = [2, 4, 8, 16, 32, 64].into_iter().find(|&levels| error(levels) <= ROUNDING).unwrap_or(256);
    say(format!(
        "levels: {} brightnesses are used; {levels} levels change them by {:.1} % (root mean square), 256 by nothing; fewer learn faster",
        report.brightnesses(),
        100.0 * error(levels)
    ));
    levels
}

/// The name asked for, or one made of the folder's.
fn name(options: &Options, own: &OwnConfig) -> Result<String, Failure> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let path = std::path::absolute(&options.from[0]).unwrap_or_default();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let from_path: String = stem.to_lowercase().chars().map(plain).take(64).collect();
    let name = options.name.clone().unwrap_or(from_path);
    match is_name(&name) {
        true => Ok(name),
        false => {
            Err(format!("{:?} is no name for weights; give one with --name", own.name.clone().unwrap_or(name)).into())
        }
    }
}

/// The path as the configuration has it: relative to its folder where it is inside, else from the root.
fn seen_from(path: &str, folder: &Path) -> Result<String, Failure> {
    let (path, folder) = (std::path::absolute(path)?, std::path::absolute(folder.join("x"))?);
    let folder = folder.parent().unwrap_or(Path::new("/"));
    let seen = path.strip_prefix(folder).unwrap_or(&path);
    let seen = if seen.as_os_str().is_empty() { Path::new(".") } else { seen };
    Ok(seen.to_str().ok_or("a path is not UTF-8 text")?.to_owned())
}

/// Networks from the weakest to the most powerful.
fn candidates([channels, levels, height, width]: [usize; 4], only: Option<Network>) -> Vec<ModelConfig> {
    // Layers, h and head; a head in many levels needs more.
    let sizes: [(usize, usize, usize); 3] = [(4, 16, 32), (7, 32, 64), (10, 64, 128)];
    let mut list = Vec::new();
    for (layers, h, head) in sizes {
        for network in Network::ALL.into_iter().filter(|&network| only.is_none_or(|only| only == network)) {
            // A recurrent layer sees as far as several convolutions.
            let layers = if network == Network::PixelCnn { layers } else { layers.div_ceil(2) + 1 };
            let head = if levels > 16 { 2 * head } else { head };
            let tiny = ModelConfig::tiny(network, channels, levels as u16, [height, width]);
            list.push(ModelConfig { layers, h, head, ..tiny });
        }
    }
    list
}
