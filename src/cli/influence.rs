//! `pixelrnn influence`.

use super::{Failure, PathBuf, load_model, npy_output, read_images, tell};
use burn::tensor::Device;
use pixelrnn::model::ModelConfig;
use pixelrnn::npy;
use pixelrnn::sample::{Influence, Plan, Question};

#[derive(clap::Args)]
pub struct Options {
    /// Weights file.
    #[arg(long)]
    model: PathBuf,
    /// Levels, uint8 [N, C, H, W].
    #[arg(long)]
    images: PathBuf,
    /// Row of the pixel, from 0.
    #[arg(long, value_parser = super::index, required_unless_present = "mean")]
    row: Option<usize>,
    /// Column of the pixel, from 0.
    #[arg(long, value_parser = super::index, required_unless_present = "mean")]
    column: Option<usize>,
    /// How far the pixel, flipped, moves those after it; else how far those before it move it.
    #[arg(long)]
    changes: bool,
    /// How far every pixel moves every other, averaged over the pairs that lie alike.
    #[arg(long, conflicts_with_all = ["row", "column", "changes"])]
    mean: bool,
    /// float32 [N, H, W], of the mean [N, H, 2 W - 1] as seen from the middle of the last row; .npy or - for standard output:
    /// by how much of its probability a distribution moves, 0 to 1.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub fn run(options: Options) -> Result<(), Failure> {
    let output = options.out.as_deref().map(npy_output).transpose()?;
    let model = load_model(&options.model, &Device::flex())?.model;
    let images = read_images(&options.images, &model.config)?;
    let ModelConfig { height, width, .. } = model.config;
    let question = match (options.row, options.column) {
        (Some(y), Some(x)) if options.changes => Question::Of { y, x },
        (Some(y), Some(x)) => Question::On { y, x },
        _ => Question::All,
    };
    let (plans, mut maps) = (Plan::of(&model), Vec::new());
    for k in 0..images.count {
        let mut influence = Influence::new(&plans, images.image(k), question)?;
        while !influence.done() {
            influence.step();
        }
        let moved = influence.effects().iter().filter(|&&effect| effect > 0.0).count();
        let map = influence.mean().unwrap_or_else(|| influence.effects().to_vec());
        let highest = map.iter().copied().fold(0.0, f32::max);
        let line = match question {
            Question::On { y, x } => {
                format!(
                    "image {k}: of {} pixels before row {y}, column {x}, {moved} move it, by up to {highest:.6}",
                    y * width + x
                )
            }
            Question::Of { y, x } => {
                let after = height * width - 1 - y * width - x;
                format!(
                    "image {k}: of {after} pixels after row {y}, column {x}, it moves {moved}, by up to {highest:.6}"
                )
            }
            Question::All => {
                let pairs = height * width * (height * width - 1) / 2;
                format!(
                    "image {k}: in {moved} of {pairs} pairs the earlier pixel moves the later one, by up to {highest:.6} on average"
                )
            }
        };
        output.as_ref().map_or_else(|| println!("{line}"), |output| tell(output, &line));
        maps.extend(map);
    }
    if let Some(output) = &output {
        let columns = if question == Question::All { 2 * width - 1 } else { width };
        output.write(&npy::write_f32(&[images.count, height, columns], &maps))?;
    }
    Ok(())
}
