//! One picture of any size, as levels of the network's size.

use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageReader, Limits, RgbImage};
use serde::Serialize;
use std::path::Path;

use crate::data::dataset::{Background, Fit};
use crate::image::byte_to_level;
use crate::sniff::mistaken;

/// Pixels of the largest picture that is decoded: 8,192 × 8,192.
pub const MAX_PIXELS: u64 = 1 << 26;
/// Bytes a decoder may ask for beside the picture itself.
const MAX_DECODER_BYTES: u64 = 1 << 30;

/// What is made of a picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recipe {
    /// 1 for grey, 3 for RGB.
    pub channels: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Levels brightness is rounded to.
    pub levels: u16,
    /// How another size is made to fit.
    pub fit: Fit,
    /// What shines through and lies around.
    pub background: Background,
    /// Level 1 is what is brighter than so much of 255; only with two levels.
    pub threshold: Option<f64>,
    /// Whether rows and columns of arrays change places.
    pub transpose: bool,
}

impl Recipe {
    /// Values of an image.
    pub fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Levels `[channels, height, width]` of a picture.
    pub fn levels_of(&self, picture: &DynamicImage) -> Vec<u8> {
        let picture = opaque(picture, self.background);
        if self.channels == 1 {
            let grey = self.fitted(&picture.to_luma8(), image::Luma([self.grey_background()]));
            grey.pixels().map(|pixel| self.level(pixel.0[0])).collect()
        } else {
            let colour = self.fitted(&picture.to_rgb8(), image::Rgb(self.background.0));
            (0..3).flat_map(|channel| colour.pixels().map(move |pixel| self.level(pixel.0[channel]))).collect()
        }
    }

    /// The level of each channel of the background.
    pub fn background_levels(&self) -> Vec<u8> {
        match self.channels {
            1 => vec![self.level(self.grey_background())],
            _ => self.background.0.iter().map(|&byte| self.level(byte)).collect(),
        }
    }

    fn grey_background(&self) -> u8 {
        let pixel = RgbImage::from_pixel(1, 1, image::Rgb(self.background.0));
        DynamicImage::from(pixel).to_luma8().get_pixel(0, 0).0[0]
    }

    fn level(&self, byte: u8) -> u8 {
        match self.threshold {
            Some(threshold) => u8::from(f64::from(byte) > threshold * 255.0),
            None => byte_to_level(byte, self.levels),
        }
    }

    /// The picture at the size of an image. One that has it already is left as it is.
    fn fitted<P>(&self, picture: &image::ImageBuffer<P, Vec<u8>>, background: P) -> image::ImageBuffer<P, Vec<u8>>
    where
        P: image::Pixel<Subpixel = u8> + 'static,
    {
        let [width, height] = [self.width as u32, self.height as u32];
        let (w, h) = picture.dimensions();
        if (w, h) == (width, height) {
            return picture.clone();
        }
        // Over so many rows and columns that belong to a pixel, or between two: no overshoot, so flat colours stay flat.
        let scale = |picture: &_, width, height| imageops::resize(picture, width, height, FilterType::Triangle);
        let share = |side: u32, of: u32, to: u32| {
            let scaled = (u64::from(side) * u64::from(to) + u64::from(of) / 2) / u64::from(of);
            (scaled as u32).max(1)
        };
        match self.fit {
            Fit::Stretch => scale(picture, width, height),
            Fit::Crop => {
                // The largest part in the middle that has the image's shape.
                let (w_kept, h_kept) = (share(h, height, width).min(w), share(w, width, height).min(h));
                let (x, y) = ((w - w_kept) / 2, (h - h_kept) / 2);
                scale(&imageops::crop_imm(picture, x, y, w_kept, h_kept).to_image(), width, height)
            }
            Fit::Pad => {
                let (w_fits, h_fits) = (share(w, h, height).min(width), share(h, w, width).min(height));
                let scaled = scale(picture, w_fits, h_fits);
                let mut padded = image::ImageBuffer::from_pixel(width, height, background);
                let (x, y) = ((width - w_fits) / 2, (height - h_fits) / 2);
                imageops::replace(&mut padded, &scaled, i64::from(x), i64::from(y));
                padded
            }
        }
    }
}

/// The picture over the background where it is transparent.
fn opaque(picture: &DynamicImage, Background(background): Background) -> DynamicImage {
    if !picture.color().has_alpha() {
        return picture.clone();
    }
    let rgba = picture.to_rgba8();
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    for (over, pixel) in rgb.pixels_mut().zip(rgba.pixels()) {
        let [.., alpha] = pixel.0.map(u32::from);
        for (channel, value) in over.0.iter_mut().enumerate() {
            let sum = u32::from(pixel.0[channel]) * alpha + u32::from(background[channel]) * (255 - alpha);
            *value = ((sum + 127) / 255) as u8;
        }
    }
    rgb.into()
}

/// Reads a PNG, JPEG, WebP, GIF or BMP file, whatever its name says: of an animation the first picture, turned upright as its
/// Exif entry says.
///
/// # Errors
/// What is wrong with the file, without its name.
pub fn decode(path: &Path) -> Result<DynamicImage, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let mut reader = ImageReader::new(std::io::Cursor::new(&bytes[..]));
    reader = reader.with_guessed_format().map_err(|error| error.to_string())?;
    let format = reader.format().ok_or_else(|| {
        let expected = "PNG, JPEG, WebP, GIF or BMP expected";
        mistaken(&bytes).map_or_else(|| format!("no picture: {expected}"), |found| format!("{found}, {expected}"))
    })?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(format!("{width}×{height} pixels found, at least one expected"));
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!("{width}×{height} pixels found, at most {MAX_PIXELS} are decoded"));
    }
    // The decoder fills what is missing with grey and says nothing.
    if format == image::ImageFormat::Jpeg && !jpeg_ends(&bytes) {
        return Err("the JPEG file is cut short".to_owned());
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Whether the last scan of a JPEG file is followed by the marker of its end. Inside a scan, no data byte looks like a marker.
fn jpeg_ends(bytes: &[u8]) -> bool {
    let last_scan = bytes.windows(2).rposition(|marker| marker == [0xff, 0xda]).unwrap_or(0);
    bytes[last_scan..].windows(2).any(|marker| marker == [0xff, 0xd9])
}

/// A picture of an array: bytes `[height, width]`, `[height, width, 3]` or `[height, width, 4]`.
pub fn from_bytes(bytes: Vec<u8>, [height, width]: [usize; 2], channels: usize) -> DynamicImage {
    let (w, h) = (width as u32, height as u32);
    let complete = "bytes that fill the shape";
    match channels {
        1 => GrayImage::from_raw(w, h, bytes).expect(complete).into(),
        3 => RgbImage::from_raw(w, h, bytes).expect(complete).into(),
        _ => image::RgbaImage::from_raw(w, h, bytes).expect(complete).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::ImageFormat;

    fn recipe(channels: usize, [height, width]: [usize; 2], levels: u16, fit: Fit) -> Recipe {
        let background = Background([255, 0, 0]);
        Recipe { channels, height, width, levels, fit, background, threshold: None, transpose: false }
    }

    /// Left half black, right half white.
    fn halves(width: u32, height: u32) -> DynamicImage {
        GrayImage::from_fn(width, height, |x, _| image::Luma([if 2 * x < width { 0 } else { 255 }])).into()
    }

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn decoded(bytes: &[u8]) -> Result<DynamicImage, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        decode(file.path())
    }

    #[test]
    fn each_fit_of_a_wide_picture() {
        let wide = halves(8, 4);
        // The middle square is half black, half white; so is the whole when it is squeezed.
        for fit in [Fit::Crop, Fit::Stretch] {
            assert_eq!(recipe(1, [2, 2], 2, fit).levels_of(&wide), [0, 1, 0, 1], "{fit:?}");
        }
        // Red, in grey, is 54 of 255.
        let padded = recipe(1, [4, 4], 256, Fit::Pad).levels_of(&wide);
        assert_eq!([padded[0], padded[4], padded[7], padded[12]], [54, 0, 255, 54]);
        let tall = DynamicImage::from(imageops::rotate90(&wide.to_luma8()));
        let padded = recipe(1, [4, 4], 256, Fit::Pad).levels_of(&tall);
        assert_eq!([padded[0], padded[1], padded[13], padded[15]], [54, 0, 255, 54]);
    }

    #[test]
    fn the_middle_is_kept_where_a_picture_is_cut() {
        let stripes = GrayImage::from_fn(6, 2, |x, _| image::Luma([if (2..4).contains(&x) { 255 } else { 0 }]));
        assert_eq!(recipe(1, [2, 2], 2, Fit::Crop).levels_of(&stripes.into()), [1; 4]);
    }

    #[test]
    fn colour_is_planar_and_transparency_shows_the_background() {
        let mut rgba = image::RgbaImage::from_pixel(2, 1, image::Rgba([0, 255, 255, 255]));
        rgba.put_pixel(1, 0, image::Rgba([0, 0, 255, 0]));
        let levels = recipe(3, [1, 2], 256, Fit::Crop).levels_of(&rgba.into());
        assert_eq!(levels, [0, 255, 255, 0, 255, 0]);
        let half = image::RgbaImage::from_pixel(1, 1, image::Rgba([0, 0, 0, 128]));
        assert_eq!(recipe(3, [1, 1], 256, Fit::Crop).levels_of(&half.into()), [127, 0, 0]);
    }

    #[test]
    fn brightness_is_rounded_to_levels_or_compared_with_a_threshold() {
        let ramp = DynamicImage::from(GrayImage::from_fn(256, 1, |x, _| image::Luma([x as u8])));
        let four = recipe(1, [1, 256], 4, Fit::Crop).levels_of(&ramp);
        assert_eq!([four[42], four[43], four[127], four[128], four[255]], [0, 1, 1, 2, 3]);
        let recipe = Recipe { threshold: Some(0.43), ..recipe(1, [1, 256], 2, Fit::Crop) };
        let two = recipe.levels_of(&ramp);
        // 0.43 of 255 is 109.65.
        assert_eq!([two[109], two[110]], [0, 1]);
        assert_eq!(recipe.background_levels(), [0]);
    }

    #[test]
    fn every_format_is_read_and_every_cut_of_it_is_told() {
        let picture = halves(16, 16).to_rgb8().into();
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Bmp] {
            let file = encoded(&picture, format);
            let levels = recipe(1, [16, 16], 2, Fit::Crop).levels_of(&decoded(&file).unwrap());
            assert_eq!(levels, recipe(1, [16, 16], 2, Fit::Crop).levels_of(&picture), "{format:?}");
            // Not the last bytes of each: a GIF or BMP may well do without its trailer or padding.
            for length in [1, 10, file.len() / 2, file.len() - 8] {
                assert!(decoded(&file[..length]).is_err(), "{format:?}: {length} of {} bytes", file.len());
            }
        }
    }

    #[test]
    fn what_is_no_picture_says_what_it_is() {
        let bomb = {
            // The header of a PNG file of 60,000 × 60,000 pixels.
            let mut file = encoded(&halves(2, 2), ImageFormat::Png);
            file[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
            file
        };
        for (bytes, message) in [
            (Vec::new(), "an empty file found"),
            (b"version https://git-lfs.github.com/spec/v1".to_vec(), "a Git LFS pointer found"),
            (b"<!doctype html>".to_vec(), "a web page found"),
            (b"notes".to_vec(), "no picture: PNG, JPEG"),
            (bomb, ""),
        ] {
            let error = decoded(&bytes).unwrap_err();
            assert!(error.contains(message), "{error:?} lacks {message:?}");
        }
    }
}
