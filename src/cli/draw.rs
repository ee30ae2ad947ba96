//! `pixelrnn sample` and `pixelrnn complete`.

use super::{Failure, PathBuf, check_output, load_model, read, read_images};
use burn::tensor::Device;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use pixelrnn::grid::{Grid, write_atomic};
use pixelrnn::image::Images;
use pixelrnn::model::{Model, ModelConfig};
use pixelrnn::npy;
use pixelrnn::sample::{CachedSampler, Given, NaiveSampler, Plan, Request};
#[cfg(feature = "fused")]
use pixelrnn::sample::{FusedDevice, FusedSampler};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// How to draw; all give the same images.
#[derive(Clone, Copy, ValueEnum)]
enum Method {
    /// A whole forward pass for every value.
    Naive,
    /// Every feature once.
    Cached,
    /// The same on a GPU, a row a kernel.
    Fused,
}

#[derive(clap::Args)]
struct Common {
    /// Weights file.
    #[arg(long)]
    model: PathBuf,
    /// Seed of the drawing, a whole number below 2^64.
    #[arg(long, default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    seed: u64,
    /// Number of the first image: image k of a seed is the same in any batch.
    #[arg(long, default_value_t = 0)]
    first: u32,
    /// Divides the logits; 1 draws from the model.
    #[arg(long, default_value_t = 1.0)]
    temperature: f32,
    /// How to draw.
    #[arg(long, value_enum, default_value = "cached")]
    sampler: Method,
    /// A grid.png, or levels.npy: uint8 [N, C, H, W].
    #[arg(long)]
    out: PathBuf,
}

#[derive(clap::Args)]
pub struct SampleOptions {
    #[command(flatten)]
    common: Common,
    /// Images.
    #[arg(long, default_value_t = 16)]
    count: usize,
}

#[derive(clap::Args)]
pub struct CompleteOptions {
    #[command(flatten)]
    common: Common,
    /// Levels of the images, uint8 [N, C, H, W].
    #[arg(long)]
    images: PathBuf,
    /// uint8 [H, W] or [N, H, W]: 1 = draw this pixel.
    #[arg(long)]
    mask: PathBuf,
    /// Completions of each image, one after another in the output.
    #[arg(long, default_value_t = 1)]
    count: usize,
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("a whole number from 0 to {} expected", u64::MAX))
}

pub fn sample(options: SampleOptions) -> Result<(), Failure> {
    let SampleOptions { common, count } = options;
    let format = Format::of(&common.out)?;
    let model = load_model(&common.model, &Device::flex())?.model;
    common.draw(model, count, None, format)
}

pub fn complete(options: CompleteOptions) -> Result<(), Failure> {
    let CompleteOptions { common, images, mask, count } = options;
    let format = Format::of(&common.out)?;
    let model = load_model(&common.model, &Device::flex())?.model;
    let images = read_images(&images, &model.config)?;
    let mask = read_mask(&mask, &model.config, images.count)?;
    if count == 0 {
        return Err("count: found 0, expected at least 1".into());
    }
    // Every completion gets its own copy of its image and mask.
    let repeat = |data: &[u8], one: usize| data.chunks_exact(one).flat_map(|item| item.repeat(count)).collect();
    let pixels = model.config.height * model.config.width;
    let mask = if mask.len() == pixels { mask } else { repeat(&mask, pixels) };
    let given = Given { levels: repeat(&images.data, images.image_len()), mask };
    common.draw(model, images.count * count, Some(given), format)
}

impl Common {
    fn draw(&self, model: Model, count: usize, given: Option<Given>, format: Format) -> Result<(), Failure> {
        let config = model.config.clone();
        let Self { seed, first, temperature, .. } = *self;
        let request = Request { seed, first, count, temperature, given, scale: 0 };
        let rows = ProgressStyle::with_template("drawing {wide_bar} {pos}/{len} rows  {eta} left")?;
        let bar = ProgressBar::new(config.scales().iter().map(|scale| scale.height as u64).sum()).with_style(rows);
        let start = Instant::now();
        let (levels, name) = match self.sampler {
            Method::Cached => (draw_cached(&model, request, &bar)?, "cached sampler".to_owned()),
            Method::Naive => {
                let mut sampler = NaiveSampler::new(model, request, &Device::flex())?;
                while sampler.next_row() {
                    bar.inc(1);
                }
                (sampler.levels().to_vec(), "naive sampler".to_owned())
            }
            Method::Fused => draw_fused(&model, request, &bar)?,
        };
        let elapsed_ms = start.elapsed().as_secs_f64() * 1e3;
        bar.finish_and_clear();
        let shape = [count, config.channels, config.height, config.width];
        let images = Images::new(shape, config.levels, levels)?;
        write_atomic(&self.out, &format.bytes(&images)?)?;
        println!(
            "{count} images, seed {seed}, {name}, {:.3} ms an image, written to {}",
            elapsed_ms / count as f64,
            self.out.display()
        );
        Ok(())
    }
}

/// A picture of what a network draws, to be looked at while it is trained.
pub fn samples(model: &Model) -> Result<Vec<u8>, Failure> {
    let (config, request) = (&model.config, Request::samples(1, 36));
    let levels = draw_cached(model, request, &ProgressBar::hidden())?;
    let images = Images::new([36, config.channels, config.height, config.width], config.levels, levels)?;
    Format::Png.bytes(&images)
}

fn draw_cached(model: &Model, request: Request, bar: &ProgressBar) -> Result<Vec<u8>, Failure> {
    let mut sampler = CachedSampler::new(Arc::new(Plan::new(model)), request)?;
    while sampler.next_row() {
        bar.inc(1);
    }
    Ok(sampler.canvases().flat_map(|canvas| canvas.levels.iter().copied()).collect())
}

/// Draws on a GPU that has passed the start-up test; if it is lost, the CPU goes on from the rows drawn so far.
#[cfg(feature = "fused")]
fn draw_fused(model: &Model, request: Request, bar: &ProgressBar) -> Result<(Vec<u8>, String), Failure> {
    let device = open_fused()?;
    device.test()?;
    let mut sampler = FusedSampler::new(&device, Arc::new(Plan::new(model)), request)?;
    loop {
        match sampler.next_row() {
            Ok(true) => bar.inc(1),
            Ok(false) => return Ok((sampler.levels().to_vec(), format!("fused sampler on {}", device.name()))),
            Err(error) => {
                bar.suspend(|| eprintln!("{error}; the CPU goes on from row {}", sampler.y()));
                bar.set_position(0);
                return Ok((draw_cached(model, sampler.rest(), bar)?, "fused, then cached sampler".to_owned()));
            }
        }
    }
}

/// CUDA where this build and the machine have it, else what wgpu finds.
#[cfg(feature = "fused")]
fn open_fused() -> Result<FusedDevice, Failure> {
    #[cfg(feature = "cuda")]
    if let Ok(device) = FusedDevice::open_cuda() {
        return Ok(device);
    }
    #[cfg(feature = "wgpu")]
    return Ok(FusedDevice::open_wgpu()?);
    #[cfg(not(feature = "wgpu"))]
    Err("no CUDA device could be opened, and this build knows no other".into())
}

#[cfg(not(feature = "fused"))]
fn draw_fused(_: &Model, _: Request, _: &ProgressBar) -> Result<(Vec<u8>, String), Failure> {
    Err("this build draws on no GPU; build it with `--features wgpu` or `--features cuda`".into())
}

/// What is written, by the name of the file.
#[derive(Clone, Copy)]
enum Format {
    Png,
    Npy,
}

impl Format {
    fn of(path: &Path) -> Result<Self, Failure> {
        check_output(path)?;
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("png") => Ok(Self::Png),
            Some("npy") => Ok(Self::Npy),
            _ => Err(format!("{}: a name ending in .png or .npy expected", path.display()).into()),
        }
    }

    fn bytes(self, images: &Images) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Png => Ok(Grid::default().png(images)?),
            Self::Npy => Ok(npy::write_u8(&images.shape(), &images.data)),
        }
    }
}

fn read_mask(path: &Path, config: &ModelConfig, images: usize) -> Result<Vec<u8>, Failure> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let array = npy::read_u8(&read(path)?).map_err(|error| named(&error))?;
    let ModelConfig { height, width, .. } = *config;
    if array.shape != [height, width] && array.shape != [images, height, width] {
        let found = array.shape;
        let expected = format!("shape {found:?} found, [{height}, {width}] or [{images}, {height}, {width}] expected");
        return Err(named(&expected).into());
    }
    if let Some(value) = array.data.iter().find(|&&value| value > 1) {
        return Err(named(&format!("value {value} found, 0 (given) or 1 (drawn) expected")).into());
    }
    Ok(array.data)
}
