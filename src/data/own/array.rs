//! Files that hold many pictures: `.npy` arrays of bytes, plain or bit-packed, and idx files; either may be compressed.

use image::DynamicImage;
use memmap2::Mmap;
use std::io::Read;
use std::ops::Deref;
use std::path::Path;

use super::picture::{Recipe, from_bytes};
use crate::data::unpacked::{is_packed, open_unpacked};
use crate::data::{DataError, open, packed};
use crate::image::level_to_byte;
use crate::{data::idx, npy};

/// Bytes a compressed file may hold; a larger one is to be unpacked first, so that it need not be in memory.
const MAX_UNPACKED: u64 = 4 << 30;

/// Bytes of a file, in memory or mapped from the disk.
pub enum Bytes {
    /// In memory.
    Memory(Vec<u8>),
    /// On the disk, read when they are looked at.
    Mapped(Mmap),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}

impl Bytes {
    /// Maps a whole file.
    pub fn map(path: &Path) -> Result<Self, DataError> {
        let file = open(path)?;
        // An empty file cannot be mapped.
        if file.metadata().map_err(DataError::read(path))?.len() == 0 {
            return Ok(Self::Memory(Vec::new()));
        }
        // SAFETY: the file must not be cut while it is mapped. Data sets are not written to while they are read.
        unsafe { Mmap::map(&file) }.map(Self::Mapped).map_err(DataError::read(path))
    }
}

/// How the values of a picture lie in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// `[channels, height, width]`.
    Planar,
    /// `[height, width, channels]`.
    Interleaved,
    /// Bits, most significant first.
    Packed,
}

/// Pictures in one file.
pub struct Array {
    bytes: Bytes,
    /// Where the first picture begins.
    start: usize,
    /// Pictures in the file.
    pub count: usize,
    channels: usize,
    height: usize,
    width: usize,
    layout: Layout,
    /// Levels the values are; 256 where they are bytes.
    levels: u16,
}

impl Array {
    /// Opens a file by what is in it: `.npy` or idx, compressed or not.
    ///
    /// An array whose largest value is below the number of levels asked for holds levels; any other holds brightness from 0 to
    /// 255.
    ///
    /// # Errors
    /// When it cannot be read, or is no array of pictures.
    pub fn open(path: &Path, recipe: &Recipe) -> Result<Self, DataError> {
        let mut bytes = Bytes::map(path)?;
        if is_packed(&bytes) {
            bytes = unpacked(path)?;
        }
        let is_npy = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"));
        let mut array =
            if is_npy || npy::is_npy(&bytes) { Self::npy(bytes, path, recipe)? } else { Self::idx(bytes, path)? };
        let largest = array.bytes[array.start..].iter().copied().max().unwrap_or(0);
        array.levels = match array.layout {
            Layout::Packed => 2,
            _ if u16::from(largest) < recipe.levels => recipe.levels,
            _ if recipe.threshold.is_some() && largest < 2 => 2,
            _ => 256,
        };
        Ok(array)
    }

    fn npy(mut bytes: Bytes, path: &Path, recipe: &Recipe) -> Result<Self, DataError> {
        let named = |error| DataError::mismatch(path, "array", error, "a .npy file of uint8 pictures");
        let npy::ByteHeader { shape, fortran_order, mut start } = npy::read_header_u8(&bytes).map_err(named)?;
        if fortran_order {
            bytes = Bytes::Memory(npy::read_u8(&bytes).map_err(named)?.data);
            start = 0;
        }
        let image_len = recipe.image_len();
        let colours = |channels: usize| matches!(channels, 1 | 3 | 4);
        let (layout, [channels, height, width]) = match shape[..] {
            [_, height, width] => (Layout::Planar, [1, height, width]),
            [_, channels @ (1 | 3), height, width] => (Layout::Planar, [channels, height, width]),
            [_, height, width, channels] if colours(channels) => (Layout::Interleaved, [channels, height, width]),
            [_, values] if values == image_len => (Layout::Planar, [recipe.channels, recipe.height, recipe.width]),
            [_, bytes] if bytes == image_len.div_ceil(8) => {
                (Layout::Packed, [recipe.channels, recipe.height, recipe.width])
            }
            _ => {
                let expected = format!(
                    "[N, C, H, W], [N, H, W, C] with 1, 3 or 4 colours, [N, H, W], [N, {image_len}] or, as bits, [N, {}]",
                    image_len.div_ceil(8)
                );
                return Err(DataError::mismatch(path, "shape", format_args!("{shape:?}"), expected));
            }
        };
        Ok(Self { bytes, start, count: shape[0], channels, height, width, layout, levels: 256 })
    }

    fn idx(bytes: Bytes, path: &Path) -> Result<Self, DataError> {
        let (size, start) = idx::read_header(&bytes, path)?;
        let [count, height, width] = size;
        let (found, expected) = (bytes.len(), size.iter().fold(1, |n: usize, &m| n.saturating_mul(m)));
        if found != expected.saturating_add(start) {
            return Err(DataError::mismatch(path, "bytes", found, expected.saturating_add(start)));
        }
        Ok(Self { bytes, start, count, channels: 1, height, width, layout: Layout::Planar, levels: 256 })
    }

    /// Picture `k`.
    pub fn picture(&self, k: usize, transpose: bool) -> DynamicImage {
        let (planes, values) = (self.height * self.width, self.channels * self.height * self.width);
        let stored = match self.layout {
            Layout::Packed => values.div_ceil(8),
            _ => values,
        };
        let stored = &self.bytes[self.start + k * stored..][..stored];
        let byte = |level: u8| level_to_byte(level, self.levels);
        let interleaved = |planar: &dyn Fn(usize) -> u8| -> Vec<u8> {
            (0..values).map(|at| byte(planar(at % self.channels * planes + at / self.channels))).collect()
        };
        let bytes = match self.layout {
            Layout::Interleaved => stored.iter().map(|&level| byte(level)).collect(),
            Layout::Planar => interleaved(&|at| stored[at]),
            Layout::Packed => {
                let levels: Vec<u8> = packed::unpack(stored).collect();
                interleaved(&|at| levels[at])
            }
        };
        let picture = from_bytes(bytes, [self.height, self.width], self.channels);
        if transpose { picture.rotate90().fliph() } else { picture }
    }
}

/// What a compressed file holds.
fn unpacked(path: &Path) -> Result<Bytes, DataError> {
    let mut bytes = Vec::new();
    open_unpacked(path)?.take(MAX_UNPACKED + 1).read_to_end(&mut bytes).map_err(DataError::read(path))?;
    if bytes.len() as u64 > MAX_UNPACKED {
        let found = format!("more than {MAX_UNPACKED}");
        return Err(DataError::mismatch(path, "bytes without compression", found, "fewer; unpack the file first"));
    }
    Ok(Bytes::Memory(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dataset::{Background, Fit};
    use std::io::Write;

    fn recipe(channels: usize, levels: u16) -> Recipe {
        let (height, width, fit, background) = (2, 3, Fit::Crop, Background::default());
        Recipe { channels, height, width, levels, fit, background, threshold: None, transpose: false }
    }

    fn open_file(name: &str, bytes: &[u8], recipe: &Recipe) -> Result<Vec<Vec<u8>>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let array = Array::open(&path, recipe).map_err(|error| error.to_string())?;
        Ok((0..array.count).map(|k| recipe.levels_of(&array.picture(k, recipe.transpose))).collect())
    }

    #[test]
    fn every_shape_of_a_grey_array_is_the_same_pictures() {
        let data: Vec<u8> = (0..12).map(|k| k * 20).collect();
        let expected = vec![data[..6].to_vec(), data[6..].to_vec()];
        for shape in [&[2, 2, 3][..], &[2, 1, 2, 3], &[2, 2, 3, 1], &[2, 6]] {
            assert_eq!(open_file("a.npy", &npy::write_u8(shape, &data), &recipe(1, 256)), Ok(expected.clone()));
        }
    }

    #[test]
    fn colour_is_read_with_its_channels_first_or_last() {
        let planar: Vec<u8> = (0..18).map(|k| k * 14).collect();
        let interleaved: Vec<u8> = (0..18).map(|at| planar[at % 3 * 6 + at / 3]).collect();
        for (shape, data) in [(&[1, 3, 2, 3][..], &planar), (&[1, 2, 3, 3], &interleaved), (&[1, 18], &planar)] {
            let found = open_file("a.npy", &npy::write_u8(shape, data), &recipe(3, 256));
            assert_eq!(found, Ok(vec![planar.clone()]), "{shape:?}");
        }
        let rgba = [planar[0], planar[6], planar[12], 255].repeat(6);
        let found = open_file("a.npy", &npy::write_u8(&[1, 2, 3, 4], &rgba), &recipe(3, 256)).unwrap();
        assert_eq!([found[0][0], found[0][6], found[0][12]], [planar[0], planar[6], planar[12]]);
    }

    #[test]
    fn levels_bits_and_bytes_are_told_apart() {
        let levels = vec![0, 1, 1, 0, 0, 1];
        let expected = Ok(vec![levels.clone()]);
        assert_eq!(open_file("a.npy", &npy::write_u8(&[1, 2, 3], &levels), &recipe(1, 2)), expected);
        assert_eq!(open_file("a.npy", &npy::write_u8(&[1, 1], &[0b0110_0100]), &recipe(1, 2)), expected);
        let bytes: Vec<u8> = levels.iter().map(|level| level * 200).collect();
        assert_eq!(open_file("a.npy", &npy::write_u8(&[1, 2, 3], &bytes), &recipe(1, 2)), expected);
        let eight = vec![7, 0, 1, 2, 3, 4];
        assert_eq!(open_file("a.npy", &npy::write_u8(&[1, 2, 3], &eight), &recipe(1, 8)), Ok(vec![eight.clone()]));
    }

    #[test]
    fn idx_files_are_read_plain_gzipped_and_turned() {
        let header = [2051_u32, 1, 2, 3].iter().flat_map(|n| n.to_be_bytes());
        let file: Vec<u8> = header.chain([10, 20, 30, 40, 50, 60]).collect();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&file).unwrap();
        let expected = Ok(vec![vec![10, 20, 30, 40, 50, 60]]);
        assert_eq!(open_file("images-idx3-ubyte", &file, &recipe(1, 256)), expected);
        let gzip = gzip.finish().unwrap();
        for name in ["images", "images.gz"] {
            assert_eq!(open_file(name, &gzip, &recipe(1, 256)), expected);
            assert_eq!(open_file(name, &file, &recipe(1, 256)), expected);
        }
        let turned = Recipe { transpose: true, height: 3, width: 2, ..recipe(1, 256) };
        assert_eq!(open_file("images-idx3-ubyte", &file, &turned), Ok(vec![vec![10, 40, 20, 50, 30, 60]]));
    }

    #[test]
    fn what_is_no_array_of_pictures_is_named() {
        let idx = |magic: u32| -> Vec<u8> { [magic, 1, 2, 3].iter().flat_map(|n| n.to_be_bytes()).collect() };
        for (name, bytes, message) in [
            ("a.npy", npy::write_u8(&[2, 7], &[0; 14]), "shape: [2, 7] found, [N, C, H, W]"),
            ("a.npy", npy::write_f32(&[1, 2, 3], &[0.0; 6]), "dtype \"<f4\" found"),
            ("a.npy", b"text".to_vec(), "not an .npy file"),
            ("a-idx3-ubyte", idx(2049), "an idx file of labels found (give the file of images"),
            ("a-idx3-ubyte", idx(2051), "bytes: 16 found, 22 expected"),
            ("a-idx3-ubyte", Vec::new(), "an empty file found"),
            ("a-idx3-ubyte", b"idx".to_vec(), "bytes of header: 3 found"),
            ("a.gz", b"\x1f\x8bno gzip".to_vec(), "a.gz: cannot be read"),
            ("a.gz", b"<html>".to_vec(), "a web page found"),
        ] {
            let error = open_file(name, &bytes, &recipe(1, 2)).unwrap_err();
            assert!(error.contains(message), "{error:?} lacks {message:?}");
        }
    }
}
