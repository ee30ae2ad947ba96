//! `pixelrnn compress` and `pixelrnn decompress`.

use super::images_in::read_pictures;
use super::{Failure, PathBuf, clean_up_when_stopped, make_folder, npy_output, output, read, read_images, tell};
use burn::tensor::Device;
use indicatif::{ProgressBar, ProgressStyle};
use pixelrnn::codec::{CodecError, Compressor, Decompressor, ModelId};
use pixelrnn::image::{Images, level_to_byte};
use pixelrnn::model::ModelConfig;
use pixelrnn::output::{Output, write_atomic};
use pixelrnn::sample::Plan;
use pixelrnn::{npy, weights};
use std::path::Path;
use std::sync::Arc;

#[derive(clap::Args)]
pub struct CompressOptions {
    /// Weights file.
    #[arg(long)]
    model: PathBuf,
    /// Levels, uint8 [N, C, H, W] in one .npy file, or pictures of the network's size (PNG, lossless WebP, BMP).
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// The compressed file, - for standard output.
    #[arg(long)]
    out: PathBuf,
}

pub fn compress(options: CompressOptions) -> Result<(), Failure> {
    let output = output(&options.out)?;
    clean_up_when_stopped()?;
    let network = Network::load(&options.model)?;
    let images = match &options.images[..] {
        [array] if array.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy")) => {
            read_images(array, network.config())?
        }
        pictures => read_pictures(pictures, network.config())?,
    };
    let (count, values) = (images.count, images.data.len());
    let bar = progress("compressing");
    let file = network.compress(images, &bar)?;
    bar.finish_and_clear();
    output.write(&file)?;
    let bits = file.len() as f64 * 8.0 / values as f64;
    let (bytes, out) = (file.len(), output.path().display());
    tell(&output, &format!("{count} images, {bytes} bytes, {bits:.5} bits a dimension, written to {out}"));
    Ok(())
}

#[derive(clap::Args)]
pub struct DecompressOptions {
    /// Weights file that the images were compressed with.
    #[arg(long)]
    model: PathBuf,
    /// A file that compress wrote.
    file: PathBuf,
    /// Levels, uint8 [N, C, H, W], .npy or - for standard output; or a new folder for a PNG file an image.
    #[arg(long)]
    out: PathBuf,
}

pub fn decompress(options: DecompressOptions) -> Result<(), Failure> {
    let out = ImagesOut::at(&options.out)?;
    clean_up_when_stopped()?;
    let network = Network::load(&options.model)?;
    let file = read(&options.file)?;
    let bar = progress("decompressing");
    let images = network.decompress(&file, &bar);
    bar.finish_and_clear();
    let images = images.map_err(|error| format!("{}: {error}", options.file.display()))?;
    out.write(&images)?;
    let line = format!("{} images, written to {}", images.count, options.out.display());
    match &out {
        ImagesOut::Array(output) => tell(output, &line),
        ImagesOut::Folder(_) => println!("{line}"),
    }
    Ok(())
}

/// A network that images are compressed with.
pub struct Network {
    plans: Vec<Arc<Plan>>,
    id: ModelId,
}

impl Network {
    pub fn load(path: &Path) -> Result<Self, Failure> {
        let file = read(path)?;
        let loaded = weights::load(&file, &Device::flex()).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { plans: Plan::of(&loaded.model), id: ModelId::of_file(&file) })
    }

    fn config(&self) -> &ModelConfig {
        &self.plans.last().expect("a plan a scale").config
    }

    pub fn compress(&self, images: Images, bar: &ProgressBar) -> Result<Vec<u8>, CodecError> {
        let mut compressor = Compressor::new(&self.plans, self.id, images)?;
        bar.set_length(compressor.rows() as u64);
        while !compressor.done() {
            compressor.next_row();
            bar.set_position(compressor.rows_done() as u64);
        }
        Ok(compressor.finish())
    }

    pub fn decompress(&self, file: &[u8], bar: &ProgressBar) -> Result<Images, CodecError> {
        let mut decompressor = Decompressor::new(&self.plans, self.id, file)?;
        bar.set_length(decompressor.rows() as u64);
        while !decompressor.done() {
            decompressor.next_row();
            bar.set_position(decompressor.rows_done() as u64);
        }
        decompressor.finish()
    }
}

/// Where images that come back are written.
enum ImagesOut {
    Array(Output),
    Folder(PathBuf),
}

impl ImagesOut {
    fn at(path: &Path) -> Result<Self, Failure> {
        let array = path.extension().is_some() || path == Path::new("-") || path.exists() && !path.is_dir();
        if array && !path.is_dir() {
            return Ok(Self::Array(npy_output(path)?));
        }
        let refused = |why: &str| Err(format!("{}: {why}", path.display()).into());
        match std::fs::read_dir(path).map(|entries| entries.count()) {
            Ok(1..) => refused("the folder is not empty, a new or empty one expected"),
            Err(_) if path.is_dir() => refused("the folder cannot be read"),
            _ => Ok(Self::Folder(path.to_path_buf())),
        }
    }

    fn write(&self, images: &Images) -> Result<(), Failure> {
        match self {
            Self::Array(output) => output.write(&npy::write_u8(&images.shape(), &images.data))?,
            Self::Folder(folder) => {
                make_folder(folder)?;
                let digits = (images.count - 1).to_string().len();
                for k in 0..images.count {
                    write_atomic(&folder.join(format!("{k:0digits$}.png")), &png(images, k)?)?;
                }
            }
        }
        Ok(())
    }
}

/// Image `k` as a PNG file of bytes.
fn png(images: &Images, k: usize) -> Result<Vec<u8>, png::EncodingError> {
    let (planes, channels) = (images.height * images.width, images.channels);
    let levels = images.image(k);
    let values = (0..planes * channels).map(|at| levels[at % channels * planes + at / channels]);
    let bytes: Vec<u8> = values.map(|level| level_to_byte(level, images.levels)).collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, images.width as u32, images.height as u32);
    encoder.set_color(if channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.write_header()?.write_image_data(&bytes)?;
    Ok(file)
}

pub fn progress(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} rows  {eta} left").expect("fixed");
    ProgressBar::new(0).with_style(style).with_prefix(what)
}
