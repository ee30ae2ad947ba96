//! `pixelrnn reach`.

use super::{Failure, PathBuf, load_model, npy_output, read_text, tell};
use burn::tensor::Device;
use pixelrnn::model::{ModelConfig, Reached, reach};
use pixelrnn::npy;
use pixelrnn::sample::check_place;
use pixelrnn::train::TrainConfig;
use rayon::prelude::*;
use std::path::Path;

#[derive(clap::Args)]
pub struct Options {
    /// Weights file, or the configuration of a training run, .json.
    #[arg(long)]
    model: PathBuf,
    /// Row of a pixel, from 0; without one all pairs of pixels are counted.
    #[arg(long, value_parser = super::index, requires = "column")]
    row: Option<usize>,
    /// Column of the pixel, from 0.
    #[arg(long, value_parser = super::index, requires = "row")]
    column: Option<usize>,
    /// uint8 [H, W], .npy or - for standard output: 1 for the pixels before it that its distribution may depend on, and for
    /// those after it whose distributions may depend on it.
    #[arg(long, requires = "row")]
    out: Option<PathBuf>,
}

pub fn run(options: Options) -> Result<(), Failure> {
    let output = options.out.as_deref().map(npy_output).transpose()?;
    let config = read_config(&options.model)?;
    let pixels = config.height * config.width;
    let (Some(y), Some(x)) = (options.row, options.column) else {
        let sources = |k: usize| {
            let sources = Reached::only(&config, k / config.width, k % config.width).sources(&config).pixels;
            sources[..k].iter().filter(|&&reached| reached).count()
        };
        let (pairs, joined) = (pixels * (pixels - 1) / 2, (0..pixels).into_par_iter().map(sources).sum::<usize>());
        let unseen = pairs - joined;
        println!("{pairs} pairs of a pixel and an earlier one: the wiring joins {joined}, {unseen} it does not");
        return Ok(());
    };
    check_place(&config, [0, y, x])?;
    let map = reach(&config, y, x);
    if let Some(output) = &output {
        output.write(&npy::write_u8(&[config.height, config.width], &map))?;
    }
    let (before, after) = map.split_at(y * config.width + x);
    let [sees, seen] = [before, after].map(|part| part.iter().filter(|&&joined| joined == 1).count());
    let line = format!(
        "row {y}, column {x}: its distribution may depend on {sees} of {} pixels before it, and those of {seen} of {} \
         after it on it",
        before.len(),
        after.len() - 1
    );
    output.as_ref().map_or_else(|| println!("{line}"), |output| tell(output, &line));
    Ok(())
}

/// The configuration of a network, of the image itself where it has several scales.
fn read_config(path: &Path) -> Result<ModelConfig, Failure> {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
        let run = TrainConfig::from_json(&read_text(path)?).map_err(|error| format!("{}: {error}", path.display()))?;
        return Ok(run.model);
    }
    Ok(load_model(path, &Device::flex())?.model.config)
}
