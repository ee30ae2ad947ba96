//! `pixelrnn sample` and `pixelrnn complete`.

use super::drawing::{Drawing, Method, draw_cached};
use super::images_out::ImagesOut;
use super::{Failure, PathBuf, clean_up_when_stopped, load_model, read, read_images, tell, whole};
use burn::tensor::Device;
use indicatif::ProgressBar;
use pixelrnn::grid::Grid;
use pixelrnn::image::Images;
use pixelrnn::model::{Model, ModelConfig};
use pixelrnn::npy;
use pixelrnn::sample::{Given, Plan, Request, Sharpening};
use std::path::Path;
use std::time::{Duration, Instant};

#[derive(clap::Args)]
struct Common {
    /// Weights file.
    #[arg(long)]
    model: PathBuf,
    /// Seed of the drawing, a whole number below 2^64.
    #[arg(long, default_value_t = 1, value_parser = seed)]
    seed: u64,
    /// Number of the first image: image k of a seed is the same in any batch.
    #[arg(long, default_value_t = 0, value_parser = first)]
    first: u32,
    /// Divides the logits, at least 0.001; 1 draws from the model. Of several scales one for all or one each, smallest image
    /// first: 0.9,1.
    #[arg(long, default_value = "1", value_delimiter = ',', value_parser = temperature)]
    temperature: Vec<f32>,
    /// Draws only the so many likeliest levels of a value.
    #[arg(long, value_parser = top_k)]
    top_k: Option<u16>,
    /// Draws only the fewest likeliest levels of a value whose probability reaches this, of those that --top-k keeps.
    #[arg(long, default_value_t = 1.0, value_parser = top_p)]
    top_p: f32,
    /// How to draw.
    #[arg(long, value_enum, default_value = "cached")]
    sampler: Method,
    /// A grid.png, or levels.npy, uint8 [N, C, H, W]; - writes the levels to standard output.
    #[arg(long)]
    out: PathBuf,
}

#[derive(clap::Args)]
pub struct SampleOptions {
    #[command(flatten)]
    common: Common,
    /// Images.
    #[arg(long, default_value_t = 16, value_parser = super::count)]
    count: usize,
}

#[derive(clap::Args)]
pub struct CompleteOptions {
    #[command(flatten)]
    common: Common,
    /// Levels of the images, uint8 [N, C, H, W].
    #[arg(long)]
    images: PathBuf,
    /// uint8 [H, W] or [N, H, W]: 1 = draw this pixel; or [C, H, W] or [N, C, H, W]: 1 = draw this value.
    #[arg(long)]
    mask: PathBuf,
    /// Completions of each image, one after another in the output.
    #[arg(long, default_value_t = 1, value_parser = super::count)]
    count: usize,
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("a whole number from 0 to {} expected", u64::MAX))
}

fn first(text: &str) -> Result<u32, String> {
    whole(text, 0, u32::MAX.into())
}

fn temperature(text: &str) -> Result<f32, String> {
    let temperature = text.parse().ok().filter(|temperature: &f32| temperature.is_finite() && *temperature >= 1e-3);
    temperature.ok_or_else(|| "a number of at least 0.001 expected".to_owned())
}

fn top_k(text: &str) -> Result<u16, String> {
    whole(text, 1, 256)
}

fn top_p(text: &str) -> Result<f32, String> {
    let share = text.parse().ok().filter(|share: &f32| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "a number above 0, at most 1 expected".to_owned())
}

pub fn sample(options: SampleOptions) -> Result<(), Failure> {
    let SampleOptions { common, count } = options;
    let out = ImagesOut::at(&common.out)?;
    let model = load_model(&common.model, &Device::flex())?.model;
    common.draw(model, count, |_, _| None, &out)
}

pub fn complete(options: CompleteOptions) -> Result<(), Failure> {
    let CompleteOptions { ref common, count, .. } = options;
    let out = ImagesOut::at(&common.out)?;
    let model = load_model(&common.model, &Device::flex())?.model;
    let images = read_images(&options.images, &model.config)?;
    let Mask { data: mask, one } = read_mask(&options.mask, &model.config, images.count)?;
    // Every completion gets its own copy of its image and mask.
    let given = |first: usize, drawn: usize| {
        let of = |data: &[u8], one: usize| -> Vec<u8> {
            (first..first + drawn).flat_map(|k| &data[k / count * one..][..one]).copied().collect()
        };
        let mask = if mask.len() == one { mask.repeat(drawn) } else { of(&mask, one) };
        Some(Given { levels: of(&images.data, images.image_len()), mask })
    };
    common.draw(model, images.count.saturating_mul(count), given, &out)
}

impl Common {
    /// Draws `count` images, as many at a time as a batch has; `given` says of a batch, by its first image and its size, what
    /// is given of it.
    fn draw(
        &self,
        model: Model,
        count: usize,
        given: impl Fn(usize, usize) -> Option<Given>,
        out: &ImagesOut,
    ) -> Result<(), Failure> {
        let ModelConfig { channels, height, width, levels, .. } = model.config;
        let Self { seed, first, top_k, top_p, .. } = *self;
        let (&temperature, small_temperatures) = self.temperature.split_last().expect("one at least");
        let sharpening = Sharpening { temperature, top_k, top_p };
        let request = |start: usize, count: usize| Request {
            seed,
            first: first + start as u32,
            count,
            sharpening,
            small_temperatures: small_temperatures.to_vec(),
            given: given(start, count),
            scale: 0,
        };
        // What is left of the numbers that images have.
        let most = (1 << 32) - u64::from(first);
        if count as u64 > most {
            return Err(format!("count: found {count}, expected 1 to {most} from image {first} on").into());
        }
        let batch = self.sampler.batch();
        request(0, count.min(batch)).validate(&model.config)?;
        let shape = [count, channels, height, width];
        let mut drawing = Drawing::new(self.sampler, model, shape)?;
        clean_up_when_stopped()?;
        let mut elapsed = Duration::ZERO;
        let images = (0..count).step_by(batch).map(|start| {
            let drawn = batch.min(count - start);
            let begun = Instant::now();
            let values = drawing.draw(request(start, drawn))?;
            elapsed += begun.elapsed();
            Ok(Images::new([drawn, channels, height, width], levels, values)?)
        });
        out.write(shape, images)?;
        drawing.bar.finish_and_clear();
        let (name, path) = (&drawing.name, out.output.path().display());
        let ms = elapsed.as_secs_f64() * 1e3 / count as f64;
        tell(&out.output, &format!("{count} images, seed {seed}, {name}, {ms:.3} ms an image, written to {path}"));
        Ok(())
    }
}

/// A picture of what a network draws, to be looked at while it is trained.
pub fn samples(model: &Model) -> Result<Vec<u8>, Failure> {
    let (config, request) = (&model.config, Request::samples(1, 36));
    let levels = draw_cached(&Plan::of(model), request, &ProgressBar::hidden())?;
    let images = Images::new([36, config.channels, config.height, config.width], config.levels, levels)?;
    Ok(Grid::default().png(&images)?)
}

/// Which pixels or values are drawn.
struct Mask {
    data: Vec<u8>,
    /// Values for one image; as many where they are for all.
    one: usize,
}

fn read_mask(path: &Path, config: &ModelConfig, images: usize) -> Result<Mask, Failure> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let array = npy::read_u8(&read(path)?).map_err(|error| named(&error))?;
    let ModelConfig { channels, height, width, .. } = *config;
    let shape = &array.shape[..];
    // Three planes for three images of three channels are one an image.
    let one = if shape == [height, width] || shape == [images, height, width] {
        height * width
    } else if shape == [channels, height, width] || shape == [images, channels, height, width] {
        config.dimensions()
    } else {
        let expected = format!(
            "[{height}, {width}] or [{images}, {height}, {width}] for pixels, [{channels}, {height}, {width}] or \
             [{images}, {channels}, {height}, {width}] for values"
        );
        return Err(named(&format!("shape {shape:?} found, {expected} expected")).into());
    };
    if let Some(value) = array.data.iter().find(|&&value| value > 1) {
        return Err(named(&format!("value {value} found, 0 (given) or 1 (drawn) expected")).into());
    }
    Ok(Mask { data: array.data, one })
}
