//! The idx format of MNIST, plain or gzipped.
//!
//! Big-endian 32-bit numbers: a magic (2051 for images, 2049 for labels), the count, for images the rows and columns; then
//! one byte a value, 0 background to 255 ink.

use std::io::Read;
use std::path::Path;

use super::unpacked::open_unpacked;
use super::{DataError, read_exactly};
use crate::image::Images;
use crate::sniff::{IDX_IMAGES, mistaken};

/// First number of a file of images.
const IMAGES_MAGIC: u32 = 2051;
const HEADER_BYTES: usize = 16;

/// Reads a file that should hold images of the shape `[count, 1, height, width]`, compressed or not.
///
/// # Errors
/// When the file cannot be read, holds something else, or ends too early or too late.
pub fn read_images(path: &Path, shape: [usize; 4]) -> Result<Images, DataError> {
    decode(open_unpacked(path)?, shape, path)
}

/// The number of images, of their rows and of their columns in a file of images, and where the first one begins.
///
/// # Errors
/// When it holds something else, or not even that.
pub fn read_header(file: &[u8], path: &Path) -> Result<([usize; 3], usize), DataError> {
    let header = &file[..file.len().min(HEADER_BYTES)];
    let numbers: Vec<u32> = header
        .chunks_exact(4)
        .map(|bytes| bytes.iter().fold(0, |number, &byte| number << 8 | u32::from(byte)))
        .collect();
    let other =
        |found| DataError::Mistaken { path: path.to_path_buf(), found, expected: "an idx file of images".to_owned() };
    let (magic, size) = match numbers[..] {
        [magic, count, height, width] => (magic, [count, height, width].map(|n| n as usize)),
        _ => {
            let short = || DataError::mismatch(path, "bytes of header", header.len(), HEADER_BYTES);
            return Err(mistaken(file).filter(|&found| found != IDX_IMAGES).map_or_else(short, other));
        }
    };
    if magic != IMAGES_MAGIC {
        return Err(match mistaken(file) {
            Some(found) => other(found),
            None => DataError::mismatch(path, "magic number", magic, format_args!("{IMAGES_MAGIC} (images)")),
        });
    }
    Ok((size, HEADER_BYTES))
}

fn decode(mut reader: impl Read, shape: [usize; 4], path: &Path) -> Result<Images, DataError> {
    let [count, channels, height, width] = shape;
    let mut header = Vec::new();
    reader.by_ref().take(HEADER_BYTES as u64).read_to_end(&mut header).map_err(DataError::read(path))?;
    let (size, _) = read_header(&header, path)?;
    if size != [count, height, width] {
        let [found, expected] = [size, [count, height, width]].map(|[n, y, x]| format!("{n} images of {y}×{x}"));
        return Err(DataError::mismatch(path, "size", found, expected));
    }
    let data = read_exactly(reader, count * channels * height * width, HEADER_BYTES, path)?;
    Ok(Images { count, channels, height, width, levels: 256, data })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const SHAPE: [usize; 4] = [2, 1, 2, 3];

    fn idx(magic: u32, size: [u32; 3], data: &[u8]) -> Vec<u8> {
        [magic, size[0], size[1], size[2]].iter().flat_map(|n| n.to_be_bytes()).chain(data.iter().copied()).collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(name: &str, bytes: &[u8]) -> Result<Images, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        read_images(&path, SHAPE).map_err(|error| error.to_string().replace(path.to_str().unwrap(), name))
    }

    #[test]
    fn plain_and_gzipped_files_hold_the_same_images() {
        let levels: Vec<u8> = (0..12).collect();
        let file = idx(2051, [2, 2, 3], &levels);
        let images = Images::new(SHAPE, 256, levels).unwrap();
        for name in ["images", "images.gz"] {
            assert_eq!(read(name, &gzip(&file)), Ok(images.clone()));
            assert_eq!(read(name, &file), Ok(images.clone()));
        }
    }

    #[test]
    fn what_was_found_and_expected_is_named() {
        let whole = idx(2051, [2, 2, 3], &[0; 12]);
        let hostile = idx(2051, [u32::MAX; 3], &[0; 12]);
        let labels = [2049_u32.to_be_bytes(), 2_u32.to_be_bytes(), [7; 4], [1; 4]].concat();
        for (file, message) in [
            (
                labels,
                "an idx file of labels found (give the file of images, whose name has `images`), an idx file of images expected",
            ),
            (
                b"<!DOCTYPE html>\n<html lang=\"en\">".to_vec(),
                "a web page found (it was saved in place of the file, download that again), an idx file of images expected",
            ),
            (idx(7, [2, 2, 3], &[0; 12]), "magic number: 7 found, 2051 (images) expected"),
            (idx(2051, [3, 2, 3], &[0; 18]), "size: 3 images of 2×3 found, 2 images of 2×3 expected"),
            (hostile, "size: 4294967295 images of 4294967295×4294967295 found, 2 images of 2×3 expected"),
            (whole[..9].to_vec(), "bytes of header: 9 found, 16 expected"),
            (whole[..20].to_vec(), "bytes of data: 20 found, 28 expected"),
            ([whole.clone(), vec![0; 5]].concat(), "bytes of data: more than 28 found, 28 expected"),
        ] {
            assert_eq!(read("file", &file), Err(format!("file: {message}")));
            assert_eq!(read("file.gz", &gzip(&file)), Err(format!("file.gz: {message}")));
            // A browser that unpacked it left its name.
            assert_eq!(read("file.gz", &file), Err(format!("file.gz: {message}")));
        }
    }

    #[test]
    fn every_cut_of_a_gzipped_file_is_an_error() {
        let whole = gzip(&idx(2051, [2, 2, 3], &[0; 12]));
        for length in 0..whole.len() {
            assert!(read("file.gz", &whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
    }
}
