//! Images as integer levels, and the two ways out of them: the network's input and RGBA bytes.
//!
//! A *level* is what the network predicts, an integer in `0..levels` with `levels` 2 (binary) to 256. An *intensity* is the
//! same value as brightness in `0.0..=1.0`: level 0 is black paper, the highest level white ink, for every number of levels.
//! Axes are `[image, channel, y, x]` throughout.

use thiserror::Error;

/// A batch of images of one size, stored as levels.
///
/// The fields are public so that samplers can fill them in place; [`Images::new`] checks that they belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Number of images.
    pub count: usize,
    /// Colour channels: 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Number of levels a value can take: 2 to 256.
    pub levels: u16,
    /// Levels, `[count, channels, height, width]`.
    pub data: Vec<u8>,
}

/// Why bytes from outside are not a batch of images.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ImageError {
    /// Too few levels to tell anything, or more than a byte holds.
    #[error("{found} levels found, 2 to 256 expected")]
    Levels {
        /// Number of levels asked for.
        found: u16,
    },
    /// Neither grey nor RGB.
    #[error("{found} channels found, 1 or 3 expected")]
    Channels {
        /// Number of channels asked for.
        found: usize,
    },
    /// The data does not fill the shape.
    #[error("{found} values found, {shape:?} needs {expected}")]
    Length {
        /// Number of values given.
        found: usize,
        /// Product of the shape, saturated where it does not fit a machine word.
        expected: usize,
        /// The shape, `[count, channels, height, width]`.
        shape: [usize; 4],
    },
    /// A value outside `0..levels`.
    #[error(
        "level {found} found at image {image}, channel {channel}, row {y}, column {x}; levels below {levels} expected"
    )]
    Level {
        /// The value.
        found: u8,
        /// Number of levels of the batch.
        levels: u16,
        /// Image it is in.
        image: usize,
        /// Channel it is in.
        channel: usize,
        /// Row it is in.
        y: usize,
        /// Column it is in.
        x: usize,
    },
}

impl Images {
    /// Checks shape and values and wraps `data`.
    ///
    /// # Errors
    /// Names the first thing that does not fit: levels, channels, length, or the place of the first value out of range.
    pub fn new(shape: [usize; 4], levels: u16, data: Vec<u8>) -> Result<Self, ImageError> {
        let [count, channels, height, width] = shape;
        if !(2..=256).contains(&levels) {
            return Err(ImageError::Levels { found: levels });
        }
        if channels != 1 && channels != 3 {
            return Err(ImageError::Channels { found: channels });
        }
        let expected = shape.iter().fold(1, |product: usize, &n| product.saturating_mul(n));
        if data.len() != expected {
            return Err(ImageError::Length { found: data.len(), expected, shape });
        }
        if let Some(at) = data.iter().position(|&level| u16::from(level) >= levels) {
            let (row, x) = (at / width, at % width);
            let (plane, y) = (row / height, row % height);
            let (image, channel) = (plane / channels, plane % channels);
            return Err(ImageError::Level { found: data[at], levels, image, channel, y, x });
        }
        Ok(Self { count, channels, height, width, levels, data })
    }

    /// Number of values in one image.
    pub fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// The shape, `[count, channels, height, width]`.
    pub fn shape(&self) -> [usize; 4] {
        [self.count, self.channels, self.height, self.width]
    }

    /// Levels of image `k`, `[channels, height, width]`.
    pub fn image(&self, k: usize) -> &[u8] {
        let len = self.image_len();
        &self.data[k * len..][..len]
    }

    /// Copies the images named by `indices`, in that order.
    pub fn select(&self, indices: impl IntoIterator<Item = usize>) -> Self {
        ImageSource::select(self, indices)
    }

    /// RGBA bytes of row `y` of every image, `[count][width][4]`.
    pub fn row_rgba(&self, y: usize) -> Vec<u8> {
        let images = (0..self.count).map(|k| self.image(k));
        row_rgba(images, [self.channels, self.height, self.width], self.levels, y)
    }

    /// RGBA bytes of image `k`, `[height][width][4]`.
    pub fn image_rgba(&self, k: usize) -> Vec<u8> {
        let shape = [self.channels, self.height, self.width];
        (0..self.height).flat_map(|y| row_rgba([self.image(k)].into_iter(), shape, self.levels, y)).collect()
    }
}

/// Images that may be anywhere: in memory, or in a file that is read image by image.
pub trait ImageSource {
    /// `[count, channels, height, width]`.
    fn shape(&self) -> [usize; 4];

    /// Number of levels a value can take.
    fn levels(&self) -> u16;

    /// Levels of image `k`, `[channels, height, width]`.
    fn image(&self, k: usize) -> &[u8];

    /// Copies the images named by `indices`, in that order.
    fn select(&self, indices: impl IntoIterator<Item = usize>) -> Images
    where
        Self: Sized,
    {
        let [_, channels, height, width] = self.shape();
        let (mut data, mut count) = (Vec::new(), 0);
        for k in indices {
            data.extend_from_slice(self.image(k));
            count += 1;
        }
        Images { count, channels, height, width, levels: self.levels(), data }
    }
}

impl ImageSource for Images {
    fn shape(&self) -> [usize; 4] {
        self.shape()
    }

    fn levels(&self) -> u16 {
        self.levels
    }

    fn image(&self, k: usize) -> &[u8] {
        self.image(k)
    }
}

/// Subsampled planes: of every `factor` × `factor` pixels the one at their centre, right of it and below where the factor is
/// even.
///
/// # Panics
/// When the planes, each `height` × `width`, are not whole blocks of pixels.
pub fn subsample(planes: &[u8], [height, width]: [usize; 2], factor: usize) -> Vec<u8> {
    assert!(height % factor == 0 && width % factor == 0, "{height} × {width} pixels in blocks of {factor}");
    assert!(planes.len().is_multiple_of(height * width), "{} values are no whole planes", planes.len());
    let centres = |row: &[u8]| -> Vec<u8> { row.iter().skip(factor / 2).step_by(factor).copied().collect() };
    planes.chunks(width).skip(factor / 2).step_by(factor).flat_map(centres).collect()
}

/// Brightness of a level, in `0.0..=1.0`.
pub fn level_to_intensity(level: u8, levels: u16) -> f32 {
    f32::from(level) / f32::from(levels - 1)
}

/// What the network is shown for a level: the intensity, scaled and centred to `-1.0..=1.0`.
pub fn level_to_input(level: u8, levels: u16) -> f32 {
    2.0 * level_to_intensity(level, levels) - 1.0
}

/// What a screen is shown for a level: the intensity as a byte.
pub fn level_to_byte(level: u8, levels: u16) -> u8 {
    // Float to integer casts saturate, so no level can wrap around.
    (level_to_intensity(level, levels) * 255.0).round() as u8
}

/// The level nearest to a byte of brightness: what a picture of 256 levels becomes in one of fewer.
pub fn byte_to_level(byte: u8, levels: u16) -> u8 {
    let steps = u32::from(levels) - 1;
    ((u32::from(byte) * steps * 2 + 255) / 510) as u8
}

/// RGBA bytes of row `y` of `images`, levels `[channels, height, width]` each.
///
/// The answer is image-major, `[count][width][4]`, so that image `k` of a grid of canvases takes one contiguous piece.
/// Grey is repeated in red, green and blue; alpha is opaque.
///
/// # Panics
/// When an image does not fill the shape, or `y` is not a row of it.
pub fn row_rgba<'a>(
    images: impl Iterator<Item = &'a [u8]>,
    shape @ [channels, height, width]: [usize; 3],
    levels: u16,
    y: usize,
) -> Vec<u8> {
    assert!(y < height, "row {y} of images {height} high");
    let mut rgba = Vec::new();
    for image in images {
        assert_eq!(image.len(), channels * height * width, "levels do not fill {shape:?}");
        let plane = |channel: usize| &image[(channel * height + y) * width..][..width];
        // A grey image has one plane: its first and its last channel are the same.
        let (red, green, blue) = (plane(0), plane(channels / 2), plane(channels - 1));
        for x in 0..width {
            rgba.extend([red[x], green[x], blue[x]].map(|level| level_to_byte(level, levels)));
            rgba.push(255);
        }
    }
    rgba
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intensities_span_the_unit_interval_and_inputs_are_centred() {
        for (level, levels, intensity) in [(0, 2, 0.0), (1, 2, 1.0), (0, 256, 0.0), (51, 256, 0.2), (255, 256, 1.0)] {
            assert_eq!(level_to_intensity(level, levels), intensity, "level {level} of {levels}");
            assert_eq!(level_to_input(level, levels), 2.0 * intensity - 1.0, "level {level} of {levels}");
        }
    }

    #[test]
    fn bytes_of_8_bit_levels_are_the_levels_themselves() {
        for level in 0..=255 {
            assert_eq!(level_to_byte(level, 256), level);
        }
        assert_eq!([level_to_byte(0, 2), level_to_byte(1, 2)], [0, 255]);
    }

    #[test]
    fn a_level_is_the_nearest_to_its_byte_and_comes_back_from_the_screen() {
        for levels in 2..=256 {
            for level in 0..levels {
                let level = level as u8;
                assert_eq!(byte_to_level(level_to_byte(level, levels), levels), level, "{levels} levels");
            }
            for byte in 0..=255u8 {
                let steps = f64::from(levels) - 1.0;
                let off = (f64::from(byte_to_level(byte, levels)) / steps - f64::from(byte) / 255.0).abs();
                // Half a step, and a rounding of numbers below 1.
                assert!(off <= 0.5 / steps + 1e-12, "byte {byte} of {levels} levels is {off} away");
            }
        }
    }

    #[test]
    fn a_grey_row_repeats_its_plane_image_by_image() {
        let images = Images::new([2, 1, 2, 2], 2, vec![0, 0, 0, 1, 0, 0, 1, 0]).unwrap();
        let (black, white) = ([0, 0, 0, 255], [255; 4]);
        assert_eq!(images.row_rgba(1), [black, white, white, black].concat());
    }

    #[test]
    fn a_colour_row_takes_one_value_of_each_plane() {
        let levels: Vec<u8> = (0..24).collect();
        let images = Images::new([2, 3, 2, 2], 256, levels).unwrap();
        assert_eq!(images.row_rgba(1), [2, 6, 10, 255, 3, 7, 11, 255, 14, 18, 22, 255, 15, 19, 23, 255]);
        let rows = [images.select([1]).row_rgba(0), images.select([1]).row_rgba(1)].concat();
        assert_eq!(images.image_rgba(1), rows);
    }

    #[test]
    fn subsampling_takes_the_centre_of_every_block() {
        let planes: Vec<u8> = (0..48).collect(); // two planes of 4 × 6
        assert_eq!(subsample(&planes, [4, 6], 2), [7, 9, 11, 19, 21, 23, 31, 33, 35, 43, 45, 47]);
        assert_eq!(subsample(&planes, [4, 6], 1), planes);
        assert_eq!(subsample(&(0..16).collect::<Vec<u8>>(), [4, 4], 4), [10]);
    }

    #[test]
    fn select_keeps_the_order_asked_for() {
        let images = Images::new([3, 1, 1, 2], 256, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let picked = images.select([2, 0, 2]);
        assert_eq!((picked.shape(), picked.data.as_slice()), ([3, 1, 1, 2], [5, 6, 1, 2, 5, 6].as_slice()));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (shape, levels, data, message) in [
            ([1, 1, 1, 1], 1, vec![0], "1 levels found, 2 to 256 expected"),
            ([1, 1, 1, 1], 257, vec![0], "257 levels found, 2 to 256 expected"),
            ([1, 2, 1, 1], 2, vec![0, 0], "2 channels found, 1 or 3 expected"),
            ([1, 1, 2, 2], 2, vec![0; 3], "3 values found, [1, 1, 2, 2] needs 4"),
            (
                [2, 1, 2, 3],
                2,
                [vec![0; 10], vec![7, 0]].concat(),
                "level 7 found at image 1, channel 0, row 1, column 1; levels below 2 expected",
            ),
        ] {
            assert_eq!(Images::new(shape, levels, data).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_shape_too_large_to_multiply_is_an_error() {
        let shape = [usize::MAX, 3, usize::MAX, 28];
        assert!(matches!(Images::new(shape, 2, vec![0]), Err(ImageError::Length { .. })));
    }
}
