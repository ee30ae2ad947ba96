//! Pictures on disk: a batch of images as one PNG, and files that are either whole or not there. Native only.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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

/// Why a batch is not turned into a picture.
#[derive(Debug, Error)]
pub enum GridError {
    /// There is nothing to draw.
    #[error("no pixels in a grid of {shape:?}")]
    Empty {
        /// `[count, channels, height, width]`.
        shape: [usize; 4],
    },
    /// More pixels than a PNG file can have in a row or a column.
    #[error("a grid of {width}×{height} pixels does not fit a PNG file")]
    TooLarge {
        /// Columns of pixels.
        width: usize,
        /// Rows of pixels.
        height: usize,
    },
    /// The encoder failed.
    #[error("PNG encoder: {0}")]
    Encode(#[from] png::EncodingError),
}

/// A file could not be written; what was there before is untouched.
#[derive(Debug, Error)]
#[error("{}: cannot be written: {source}", .path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

impl Grid {
    /// The batch as the bytes of a PNG file, 8-bit grey or RGB.
    ///
    /// # Errors
    /// When there is nothing to draw, or more than a PNG file holds.
    pub fn png(&self, images: &Images) -> Result<Vec<u8>, GridError> {
        if images.data.is_empty() || self.scale == 0 {
            return Err(GridError::Empty { shape: images.shape() });
        }
        let columns = self.columns.unwrap_or_else(|| near_square_columns(images)).clamp(1, images.count);
        let rows = images.count.div_ceil(columns);
        let [cell_height, cell_width] = [images.height, images.width].map(|n| n * self.scale + self.gap);
        let [height, width] = [rows * cell_height + self.gap, columns * cell_width + self.gap];
        let (Ok(png_width), Ok(png_height)) = (u32::try_from(width), u32::try_from(height)) else {
            return Err(GridError::TooLarge { width, height });
        };

        let mut pixels = vec![GAP_BYTE; height * width * images.channels];
        for k in 0..images.count {
            let (top, left) = (k / columns * cell_height + self.gap, k % columns * cell_width + self.gap);
            self.draw(images, k, &mut pixels[(top * width + left) * images.channels..], width);
        }

        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, png_width, png_height);
        encoder.set_color(if images.channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&pixels)?;
        writer.finish()?;
        Ok(file)
    }

    /// Draws image `k` with its top left corner at the start of `pixels`, whose rows are `stride` pixels apart.
    fn draw(&self, images: &Images, k: usize, pixels: &mut [u8], stride: usize) {
        let Images { channels, height, width, levels, .. } = *images;
        let image = images.image(k);
        for y in 0..height * self.scale {
            for x in 0..width * self.scale {
                for channel in 0..channels {
                    let level = image[(channel * height + y / self.scale) * width + x / self.scale];
                    pixels[(y * stride + x) * channels + channel] = level_to_byte(level, levels);
                }
            }
        }
    }
}

/// The fewest columns that make the grid at least as wide as it is high.
fn near_square_columns(images: &Images) -> usize {
    let columns = (images.count * images.height) as f64 / images.width as f64;
    columns.sqrt().ceil() as usize
}

/// Writes a file beside `path` and moves it there, so that `path` never holds a part of it, whatever interrupts.
///
/// # Errors
/// When the folder is missing, not writable or full. A file that was at `path` is then still there.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let failed = |source| WriteError { path: path.to_path_buf(), source };
    let Some(name) = path.file_name() else {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file")));
    };
    // The process id keeps two runs that write the same file from sharing one part.
    let mut part_name = name.to_os_string();
    part_name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(part_name);
    let write = || {
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        // A rename may reach the disk before the bytes do; after this it cannot.
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(|source| {
        // The first error is the one to report; a part that cannot be removed does no harm.
        let _ = fs::remove_file(&part);
        failed(source)
    })
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
            let images = Images { count, channels: 1, height, width, levels: 2, data: Vec::new() };
            assert_eq!(near_square_columns(&images), columns, "{count} of {height}×{width}");
        }
    }

    #[test]
    fn nothing_to_draw_is_an_error() {
        let images = Images::new([0, 1, 28, 28], 2, Vec::new()).unwrap();
        assert!(matches!(Grid::default().png(&images), Err(GridError::Empty { .. })));
    }

    #[test]
    fn a_file_is_replaced_whole_and_leaves_no_part() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for bytes in [b"first".as_slice(), b"2"] {
            write_atomic(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing/file");
        let message = write_atomic(&missing, b"").unwrap_err().to_string();
        assert!(message.contains("missing/file: cannot be written"), "{message:?}");
        // A folder cannot be replaced by a file; the part written beside it has to go.
        let folder = dir.path().join("folder");
        fs::create_dir(&folder).unwrap();
        assert!(write_atomic(&folder, b"").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
