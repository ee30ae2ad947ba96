//! Binarized MNIST, eight pixels to a byte: a `.npy` array `uint8 [count, height·width / 8]`.
//!
//! Rows are read left to right and top to bottom, the most significant bit of a byte first; 1 is ink.

use std::io::Read;
use std::path::Path;

use super::{DataError, open};
use crate::image::Images;
use crate::npy;

/// Reads a file that should hold images of the shape `[count, channels, height, width]`.
///
/// # Errors
/// When the file cannot be read, is no `.npy` file of bytes, or has another shape.
pub fn read(path: &Path, shape: [usize; 4]) -> Result<Images, DataError> {
    let [count, channels, height, width] = shape;
    let bytes_per_image = (channels * height * width).div_ceil(8);
    // One byte past the longest header and the data is enough to tell a file that is too long, however long it is.
    let limit = count * bytes_per_image + npy_header_limit();
    let mut file = Vec::new();
    open(path)?.take(limit as u64).read_to_end(&mut file).map_err(DataError::read(path))?;
    let expected = [count, bytes_per_image];
    let array = npy::read_u8(&file).map_err(|error| {
        DataError::mismatch(path, "packed images", error, format_args!("a .npy file of uint8 {expected:?}"))
    })?;
    if array.shape != expected {
        return Err(DataError::mismatch(
            path,
            "shape",
            format_args!("{:?}", array.shape),
            format_args!("{expected:?}"),
        ));
    }
    let data =
        array.data.chunks(bytes_per_image).flat_map(|image| unpack(image).take(channels * height * width)).collect();
    Ok(Images { count, channels, height, width, levels: 2, data })
}

/// Levels of packed bits, most significant first.
pub fn unpack(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1))
}

/// Bits of levels, most significant first; a last byte that is not filled ends in zeros.
pub fn pack(levels: &[u8]) -> Vec<u8> {
    let byte = |eight: &[u8]| eight.iter().rev().fold(0, |byte, level| (byte >> 1) | (level << 7));
    levels.chunks(8).map(byte).collect()
}

/// More than any header NumPy writes for two axes: 128 bytes, or 192 where it is padded more.
fn npy_header_limit() -> usize {
    4096
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 4] = [2, 1, 3, 4];

    fn message(file: &[u8]) -> String {
        let path = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&path, file).unwrap();
        let message = read(path.path(), SHAPE).unwrap_err().to_string();
        assert!(message.starts_with(path.path().to_str().unwrap()), "{message:?} does not name the file");
        message
    }

    #[test]
    fn the_most_significant_bit_is_the_first_pixel() {
        assert_eq!(
            unpack(&[0b1000_0010, 0b0100_0001]).collect::<Vec<_>>(),
            [1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]
        );
        assert_eq!(pack(&[1, 0, 0, 0, 0, 0, 1, 0, 0, 1]), [0b1000_0010, 0b0100_0000]);
    }

    #[test]
    fn a_file_is_read_image_by_image() {
        let path = tempfile::NamedTempFile::new().unwrap();
        let levels = [[1, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0]];
        let bytes = levels.map(|image| pack(&image)).concat();
        std::fs::write(&path, npy::write_u8(&[2, 2], &bytes)).unwrap();
        let images = read(path.path(), SHAPE).unwrap();
        assert_eq!(images, Images::new(SHAPE, 2, levels.concat()).unwrap());
    }

    #[test]
    fn another_shape_a_cut_and_another_type_are_named() {
        let whole = npy::write_u8(&[2, 2], &[0; 4]);
        for (file, expected) in [
            (npy::write_u8(&[3, 2], &[0; 6]), "shape: [3, 2] found, [2, 2] expected"),
            (whole[..whole.len() - 1].to_vec(), "3 bytes found, shape [2, 2] needs 4"),
            ([whole, vec![0; 9000]].concat(), "shape [2, 2] needs 4"),
            (npy::write_f32(&[2, 2], &[0.0; 4]), "dtype \"<f4\" found"),
            (b"1 0 1 0".to_vec(), "a .npy file of uint8 [2, 2] expected"),
        ] {
            assert!(message(&file).contains(expected), "{:?} lacks {expected:?}", message(&file));
        }
    }
}
