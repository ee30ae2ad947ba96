//! `pixelrnn compare`: how many bits the images of a split take, by network and by the usual formats. A format has a file an image,
//! and one file of all images side by side, which spares small images their headers. WebP is as the `image` crate writes it: libwebp takes
//! longer, and its files are shorter.

use super::codec::{Network, progress};
use super::score::{BATCH, Measured, SplitOptions};
use super::{Failure, PathBuf, load_model};
use burn::tensor::Device;
use image::codecs::webp::WebPEncoder;
use pixelrnn::image::{ImageSource, Images, level_to_byte};
use pixelrnn::likelihood::evaluate;
use pixelrnn::weights::Loaded;
use std::time::Instant;

#[derive(clap::Args)]
pub struct Options {
    /// Weights file; give the option once for each of several.
    #[arg(long, required = true)]
    model: Vec<PathBuf>,
    #[command(flatten)]
    on: SplitOptions,
    /// Images, taken evenly from all of the split.
    #[arg(long, default_value_t = 1000, value_parser = super::count)]
    count: usize,
}

pub fn run(options: Options) -> Result<(), Failure> {
    println!("Bits a dimension:\n");
    println!(
        "| network | images | −log₂ p | file | PNG | PNG, one sheet | WebP | WebP, one sheet | ms an image there | and back |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for path in &options.model {
        let Loaded { model, training, .. } = load_model(path, &Device::flex())?;
        let Measured { pictures, .. } = options.on.measured(training.as_ref(), &model.config)?;
        let [total, ..] = pictures.shape();
        let count = options.count.min(total);
        let images = pictures.select((0..count).map(|k| k * total / count));
        let likelihood = evaluate(&model, &images, BATCH, &Device::flex(), |_| ());
        let (network, bar) = (Network::load(path)?, progress("compressing"));
        let begun = Instant::now();
        let file = network.compress(images.clone(), &bar)?;
        let there = begun.elapsed();
        let begun = Instant::now();
        let back = network.decompress(&file, &bar)?;
        let and_back = begun.elapsed();
        bar.finish_and_clear();
        if back != images {
            return Err(format!("{}: other images came back than went in", path.display()).into());
        }
        let bits = |bytes: usize| format!("{:.4}", bytes as f64 * 8.0 / images.data.len() as f64);
        let (singles, sheet) = ((0..count).map(|k| images.select([k])), sheet(&images));
        let (mut png_bytes, mut webp_bytes) = (0, 0);
        for single in singles {
            png_bytes += png(&single)?;
            webp_bytes += webp(&single)?;
        }
        let ms = |elapsed: std::time::Duration| format!("{:.2}", elapsed.as_secs_f64() * 1e3 / count as f64);
        let name = path.file_stem().unwrap_or(path.as_os_str()).display();
        let cells = [
            format!("{:.4}", likelihood.bits_per_dim),
            bits(file.len()),
            bits(png_bytes),
            bits(png(&sheet)?),
            bits(webp_bytes),
            bits(webp(&sheet)?),
            ms(there),
            ms(and_back),
        ];
        println!("| {name} | {count} | {} |", cells.join(" | "));
    }
    Ok(())
}

/// All images side by side as one, in rows as long as there are of them; what is left of the last is level 0.
fn sheet(images: &Images) -> Images {
    let Images { count, channels, height, width, levels, .. } = *images;
    let columns = (count as f64).sqrt().ceil() as usize;
    let rows = count.div_ceil(columns);
    let mut data = vec![0; channels * rows * height * columns * width];
    for k in 0..count {
        for (line, values) in images.image(k).chunks_exact(width).enumerate() {
            let (channel, y) = (line / height, line % height);
            let row = (channel * rows + k / columns) * height + y;
            data[(row * columns + k % columns) * width..][..width].copy_from_slice(values);
        }
    }
    Images { count: 1, channels, height: rows * height, width: columns * width, levels, data }
}

/// Values of one image, pixel after pixel.
fn interleaved(images: &Images) -> impl Iterator<Item = u8> {
    let planes = images.height * images.width;
    (0..images.data.len()).map(move |at| images.data[at % images.channels * planes + at / images.channels])
}

/// Bytes of one image as a PNG file, with as few bits a value as its levels need and the filter that makes it shortest.
fn png(image: &Images) -> Result<usize, Failure> {
    let (depth, bits) = match image.levels {
        2 => (png::BitDepth::One, 1),
        3..=4 => (png::BitDepth::Two, 2),
        5..=16 => (png::BitDepth::Four, 4),
        _ => (png::BitDepth::Eight, 8),
    };
    let values: Vec<u8> = interleaved(image).collect();
    let packed = |row: &[u8]| -> Vec<u8> {
        let byte =
            |some: &[u8]| some.iter().enumerate().fold(0, |byte, (k, value)| byte | value << (8 - bits * (k + 1)));
        row.chunks(8 / bits).map(byte).collect()
    };
    let rows: Vec<u8> = values.chunks(image.width * image.channels).flat_map(packed).collect();
    let length = |filter| -> Result<usize, Failure> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, image.width as u32, image.height as u32);
        encoder.set_color(if image.channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
        encoder.set_depth(depth);
        encoder.set_compression(png::Compression::High);
        encoder.set_filter(filter);
        encoder.write_header()?.write_image_data(&rows)?;
        Ok(file.len())
    };
    Ok(length(png::Filter::NoFilter)?.min(length(png::Filter::Adaptive)?))
}

/// Bytes of one image as a lossless WebP file.
fn webp(image: &Images) -> Result<usize, Failure> {
    let bytes: Vec<u8> = interleaved(image).map(|level| level_to_byte(level, image.levels)).collect();
    let colour = if image.channels == 1 { image::ExtendedColorType::L8 } else { image::ExtendedColorType::Rgb8 };
    let mut file = Vec::new();
    WebPEncoder::new_lossless(&mut file).encode(&bytes, image.width as u32, image.height as u32, colour)?;
    Ok(file.len())
}
