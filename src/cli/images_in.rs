//! Images read as levels: arrays of them, and pictures whose levels give back their very pixels.

use super::{Failure, read};
use image::DynamicImage;
use pixelrnn::data::own::decode;
use pixelrnn::image::{ImageError, Images, byte_to_level, level_to_byte};
use pixelrnn::model::ModelConfig;
use pixelrnn::npy;
use std::path::{Path, PathBuf};

/// Levels that are listed where another brightness is found.
const LISTED: u16 = 16;

/// Reads `[N, C, H, W]` levels that fit the network; a grey batch may leave out C.
pub fn read_images(path: &Path, config: &ModelConfig) -> Result<Images, Failure> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let array = npy::read_u8(&read(path)?).map_err(|error| named(&error))?;
    let expected = [config.channels, config.height, config.width];
    let shape = match array.shape[..] {
        [count, channels, height, width] if [channels, height, width] == expected => [count, channels, height, width],
        [count, height, width] if [1, height, width] == expected => [count, 1, height, width],
        _ => {
            let [channels, height, width] = expected;
            let remedy = reshaped(&array.shape, expected);
            let found = format!("shape {:?} found, [N, {channels}, {height}, {width}] expected{remedy}", array.shape);
            return Err(named(&found).into());
        }
    };
    if shape[0] == 0 {
        return Err(named(&"no images found, at least one expected").into());
    }
    Images::new(shape, config.levels, array.data).map_err(|error| {
        let remedy = match (&error, config.levels) {
            (ImageError::Level { .. }, 2) => "; of brightness from 0 to 255 save (array > 127)".to_owned(),
            (ImageError::Level { .. }, levels) => {
                format!("; of brightness from 0 to 255 save (array / 255 * {}).round().astype('uint8')", levels - 1)
            }
            _ => String::new(),
        };
        format!("{}{remedy}", named(&error)).into()
    })
}

/// What makes an array of `[channels, height, width]` images of one of another shape, where that is known.
fn reshaped(found: &[usize], [channels, height, width]: [usize; 3]) -> String {
    let remedy = match *found {
        [_, h, w, c] if [c, h, w] == [channels, height, width] => "array.transpose(0, 3, 1, 2)".to_owned(),
        [h, w, c] if [c, h, w] == [channels, height, width] => "array.transpose(2, 0, 1)[None]".to_owned(),
        [c, h, w] if [c, h, w] == [channels, height, width] => "array[None]".to_owned(),
        [h, w] if [1, h, w] == [channels, height, width] => "array[None, None]".to_owned(),
        [.., last] if last == channels * height * width => format!("array.reshape(-1, {channels}, {height}, {width})"),
        _ => return String::new(),
    };
    format!("; save {remedy}")
}

/// Reads pictures of the network's size, colours and levels.
pub fn read_pictures(paths: &[PathBuf], config: &ModelConfig) -> Result<Images, Failure> {
    let mut data = Vec::with_capacity(paths.len() * config.dimensions());
    for path in paths {
        let levels = decode(path).and_then(|picture| exact_levels(&picture, config));
        data.extend(levels.map_err(|error| format!("{}: {error}", path.display()))?);
    }
    Ok(Images::new([paths.len(), config.channels, config.height, config.width], config.levels, data)?)
}

/// Levels `[channels, height, width]` of a picture that has no pixel which they do not give back.
fn exact_levels(picture: &DynamicImage, config: &ModelConfig) -> Result<Vec<u8>, String> {
    let ModelConfig { channels, height, width, levels, .. } = *config;
    let size = [picture.width(), picture.height()];
    if size != [width as u32, height as u32] {
        return Err(format!("{}×{} pixels found, {width}×{height} expected", size[0], size[1]));
    }
    let depth = 8 * picture.color().bytes_per_pixel() / picture.color().channel_count();
    if depth != 8 {
        return Err(format!("{depth} bits a value found, 8 expected"));
    }
    let mut data = vec![0; config.dimensions()];
    for (at, pixel) in picture.to_rgba8().pixels().enumerate() {
        let [red, green, blue, alpha] = pixel.0;
        let place = format_args!("at row {}, column {}", at / width, at % width).to_string();
        if alpha != 255 {
            return Err(format!("a transparent pixel found {place}, opaque ones expected"));
        }
        if channels == 1 && (red != green || green != blue) {
            return Err(format!("a coloured pixel found {place}, grey ones expected"));
        }
        for (channel, &byte) in pixel.0[..channels].iter().enumerate() {
            let level = byte_to_level(byte, levels);
            if level_to_byte(level, levels) != byte {
                let all: Vec<_> = (0..levels).map(|level| level_to_byte(level as u8, levels).to_string()).collect();
                let listed = if levels <= LISTED { format!(" ({})", all.join(", ")) } else { String::new() };
                return Err(format!("brightness {byte} found {place}, one of {levels} levels{listed} expected"));
            }
            data[channel * height * width + at] = level;
        }
    }
    Ok(data)
}
