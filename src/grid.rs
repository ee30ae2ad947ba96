//! Pictures on disk: a batch of images as one PNG, written as the images come. Native only.

use std::io::{self, Write};

use thiserror::Error;

use crate::image::{Images, level_to_byte};

/// Brightness between images: apart from both black and white, so that the edge of a binary image can be seen.
const GAP_BYTE: u8 = 96;

/// How a batch is laid out, in reading order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Images in a row; `None` for what makes the whole nearest to a square.
    pub columns: Option<usize>,
    /// Width and height of a drawn pixel.
    pub scale: usize,
    /// Pixels between images and around them.
    pub gap: usize,
}

impl Default for Grid {
    fn default() -> Self {
        Self { columns: None, scale: 4, gap: 2 }
    }
}

/// Longest side of a picture; programs that show pictures take little more.
const LONGEST_SIDE: usize = 65_535;

/// Why a batch is not turned into a picture.
#[derive(Debug, Error)]
pub enum GridError {
    /// There is nothing to draw.
    #[error("no pixels in a grid of {shape:?}")]
    Empty {
        /// `[count, channels, height, width]`.
        shape: [usize; 4],
    },
    /// More pixels than programs show.
    #[error(
        "a grid of {width}×{height} pixels found, at most {LONGEST_SIDE}×{LONGEST_SIDE} expected; write .npy, or fewer images"
    )]
    TooLarge {
        /// Columns of pixels.
        width: usize,
        /// Rows of pixels.
        height: usize,
    },
    /// The encoder, or what it writes to, failed.
    #[error("PNG encoder: {0}")]
    Encode(#[from] png::EncodingError),
    /// What it writes to failed.
    #[error(transparent)]
    Write(#[from] io::Error),
}

impl Grid {
    /// The batch as the bytes of a PNG file, 8-bit grey or RGB.
    ///
    /// # Errors
    /// When there is nothing to draw, or more than a picture should hold.
    pub fn png(&self, images: &Images) -> Result<Vec<u8>, GridError> {
        let mut file = Vec::new();
        self.write(images.shape(), &mut file, std::iter::once(Ok::<_, GridError>(images.clone())))?;
        Ok(file)
    }

    /// Columns of images, and columns and rows of pixels, of a picture of `[count, channels, height, width]`.
    ///
    /// # Errors
    /// When there is nothing to draw, or more than a picture should hold.
    pub fn size(&self, shape: [usize; 4]) -> Result<[usize; 3], GridError> {
        let [count, _, height, width] = shape;
        if shape.contains(&0) || self.scale == 0 {
            return Err(GridError::Empty { shape });
        }
        let columns = self.columns.unwrap_or_else(|| near_square_columns(shape)).clamp(1, count);
        let side = |images: usize, pixels: usize| {
            pixels.saturating_mul(self.scale).saturating_add(self.gap).saturating_mul(images).saturating_add(self.gap)
        };
        let (width, height) = (side(columns, width), side(count.div_ceil(columns), height));
        if width.max(height) > LONGEST_SIDE {
            Err(GridError::TooLarge { width, height })
        } else {
            Ok([columns, width, height])
        }
    }

    /// Writes a picture of `[count, channels, height, width]` as the `images` come, in batches of any size.
    ///
    /// # Errors
    /// As [`size`](Self::size), and when `out` fails or a batch does.
    pub fn write<E: From<GridError>>(
        &self,
        shape: [usize; 4],
        out: impl Write,
        images: impl Iterator<Item = Result<Images, E>>,
    ) -> Result<(), E> {
        let [columns, width, height] = self.size(shape)?;
        let [_, channels, image_height, _] = shape;
        let row = width * channels;
        let mut out = encoder(out, [width, height], channels)?;
        let mut out = out.stream_writer().map_err(GridError::Encode)?;
        let mut write = |pixels: &[u8]| out.write_all(pixels).map_err(GridError::Write);
        write(&vec![GAP_BYTE; self.gap * row])?;
        // A row of images, with the gap below it.
        let blank = vec![GAP_BYTE; (image_height * self.scale + self.gap) * row];
        let (mut band, mut in_band) = (blank.clone(), 0);
        for images in images {
            let images = images?;
            for k in 0..images.count {
                if in_band == columns {
                    write(&band)?;
                    band.copy_from_slice(&blank);
                    in_band = 0;
                }
                self.draw(&images, k, in_band, &mut band, row);
                in_band += 1;
            }
        }
        // The last row of images need not be full.
        write(&band)?;
        Ok(out.finish().map_err(GridError::Encode)?)
    }

    /// Draws image `k` at a place of a band, whose rows have so many bytes.
    fn draw(&self, images: &Images, k: usize, place: usize, band: &mut [u8], row: usize) {
        let Images { channels, height, width, levels, .. } = *images;
        let Self { scale, gap, .. } = *self;
        let (image, left) = (images.image(k), place * (width * scale + gap) + gap);
        for y in 0..height * scale {
            for x in 0..width * scale {
                for channel in 0..channels {
                    let level = image[(channel * height + y / scale) * width + x / scale];
                    band[y * row + (left + x) * channels + channel] = level_to_byte(level, levels);
                }
            }
        }
    }
}

/// A PNG file of so many columns and rows, its header written.
fn encoder<W: Write>(out: W, sides: [usize; 2], channels: usize) -> Result<png::Writer<W>, GridError> {
    let [width, height] = sides.map(|side| u32::try_from(side).expect("no longer than the longest side"));
    let mut encoder = png::Encoder::new(out, width, height);
    encoder.set_color(if channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    Ok(encoder.write_header()?)
}

/// The fewest columns that make the grid at least as wide as it is high.
fn near_square_columns([count, _, height, width]: [usize; 4]) -> usize {
    let columns = count as f64 * height as f64 / width as f64;
    columns.sqrt().ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(file: &[u8]) -> (png::ColorType, [u32; 2], Vec<u8>) {
        let mut reader = png::Decoder::new(io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.color_type, [info.width, info.height], pixels)
    }

    #[test]
    fn grey_images_are_scaled_and_kept_apart() {
        let images = Images::new([2, 1, 1, 2], 2, vec![0, 1, 1, 0]).unwrap();
        let grid = Grid { columns: Some(2), scale: 2, gap: 1 };
        let (color, size, pixels) = decode(&grid.png(&images).unwrap());
        assert_eq!((color, size), (png::ColorType::Grayscale, [11, 4]));
        let edge = [96; 11];
        let row = [96, 0, 0, 255, 255, 96, 255, 255, 0, 0, 96];
        assert_eq!(pixels, [edge, row, row, edge].concat());
    }

    #[test]
    fn planes_become_colours_and_a_ragged_last_row_stays_empty() {
        let images = Images::new([3, 3, 1, 1], 256, (1..10).collect()).unwrap();
        let grid = Grid { columns: None, scale: 1, gap: 0 };
        let (color, size, pixels) = decode(&grid.png(&images).unwrap());
        assert_eq!((color, size), (png::ColorType::Rgb, [2, 2]));
        assert_eq!(pixels, [1, 2, 3, 4, 5, 6, 7, 8, 9, 96, 96, 96]);
    }

    #[test]
    fn columns_make_the_grid_nearly_square() {
        for (count, height, width, columns) in
            [(16, 28, 28, 4), (10, 28, 28, 4), (1, 28, 28, 1), (8, 4, 32, 1), (4, 32, 8, 4)]
        {
            assert_eq!(near_square_columns([count, 1, height, width]), columns, "{count} of {height}×{width}");
        }
    }

    #[test]
    fn images_that_come_in_parts_make_the_same_picture() {
        let images = Images::new([7, 3, 2, 3], 256, (0..126).collect()).unwrap();
        let grid = Grid { columns: Some(3), ..Grid::default() };
        let mut file = Vec::new();
        let parts = [0..2, 2..3, 3..7].map(|part| Ok::<_, GridError>(images.select(part)));
        grid.write(images.shape(), &mut file, parts.into_iter()).unwrap();
        assert_eq!(decode(&file), decode(&grid.png(&images).unwrap()));
    }

    #[test]
    fn more_pixels_than_programs_show_are_told_before_they_are_drawn() {
        let size = |count| Grid::default().size([count, 1, 28, 28]);
        assert_eq!(size(574 * 574).unwrap(), [574, 65_438, 65_438]);
        let message = size(575 * 575).unwrap_err().to_string();
        assert!(message.starts_with("a grid of 65552×65552 pixels found, at most 65535×65535 expected"), "{message}");
        assert!(matches!(size(usize::MAX), Err(GridError::TooLarge { .. })));
    }

    #[test]
    fn nothing_to_draw_is_an_error() {
        let images = Images::new([0, 1, 28, 28], 2, Vec::new()).unwrap();
        assert!(matches!(Grid::default().png(&images), Err(GridError::Empty { .. })));
    }
}
