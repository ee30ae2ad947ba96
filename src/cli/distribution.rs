//! `pixelrnn distribution`.

use super::{Failure, PathBuf, load_model, npy_output, read_images, tell};
use burn::tensor::Device;
use pixelrnn::npy;
use pixelrnn::output::Output;
use pixelrnn::sample::{Plan, distribution};
use serde_json::json;

/// Levels listed where people read.
const LISTED: usize = 5;

#[derive(clap::Args)]
pub struct Options {
    /// Weights file.
    #[arg(long)]
    model: PathBuf,
    /// Levels, uint8 [N, C, H, W]; what stands at the place asked for and after it does not matter.
    #[arg(long)]
    images: PathBuf,
    /// Row of the pixel, from 0.
    #[arg(long, value_parser = super::index)]
    row: usize,
    /// Column of the pixel, from 0.
    #[arg(long, value_parser = super::index)]
    column: usize,
    /// Channel: 0, and in colour 1 for green and 2 for blue.
    #[arg(long, default_value_t = 0, value_parser = super::index)]
    channel: usize,
    /// float32 [N, levels], .npy or - for standard output: the probability of every level.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print one JSON object and nothing else.
    #[arg(long)]
    json: bool,
}

pub fn run(options: Options) -> Result<(), Failure> {
    let Options { row, column, channel, .. } = options;
    let output = options.out.as_deref().map(npy_output).transpose()?;
    if options.json && output.as_ref().is_some_and(Output::is_standard) {
        return Err("--json and --out - both write to standard output; leave one out".into());
    }
    let model = load_model(&options.model, &Device::flex())?.model;
    let images = read_images(&options.images, &model.config)?;
    let plans = Plan::of(&model);
    let of = |k: usize| distribution(&plans, images.image(k), [channel, row, column]);
    let distributions = (0..images.count).map(of).collect::<Result<Vec<_>, _>>()?;
    if let Some(output) = &output {
        output.write(&npy::write_f32(&[images.count, usize::from(images.levels)], &distributions.concat()))?;
    }
    if options.json {
        let place = json!({ "row": row, "column": column, "channel": channel });
        println!("{}", json!({ "place": place, "probabilities": distributions }));
        return Ok(());
    }
    for (k, probabilities) in distributions.iter().enumerate() {
        let mut levels: Vec<usize> = (0..probabilities.len()).collect();
        levels.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        let listed = levels.iter().take(LISTED).map(|&level| format!("{level}: {:.4}", probabilities[level]));
        let listed = listed.collect::<Vec<_>>().join(", ");
        let bits: f32 = probabilities.iter().filter(|&&p| p > 0.0).map(|p| -p * p.log2()).sum();
        let own = images.image(k)[(channel * images.height + row) * images.width + column];
        let line = format!(
            "image {k}: level {own} has {:.4}; {bits:.3} bits; likeliest {listed}",
            probabilities[usize::from(own)]
        );
        output.as_ref().map_or_else(|| println!("{line}"), |output| tell(output, &line));
    }
    Ok(())
}
