//! The binary version of CIFAR-10, plain or xz-compressed.
//!
//! A batch is 10,000 records of 3,073 bytes without a header: a label 0..=9, then the red, green and blue planes of a 32×32
//! image, each row by row, which is the axis order of [`Images`] already.

use std::io::Read;
use std::ops::Range;
use std::path::Path;

use super::unpacked::open_unpacked;
use super::{DataError, read_exactly};
use crate::image::Images;

/// Records of a batch.
pub const RECORDS: usize = 10_000;
const CLASSES: u8 = 10;
const IMAGE_BYTES: usize = 3 * 32 * 32;

/// An empty set for [`read_batch`] to append to.
pub fn no_images() -> Images {
    Images { count: 0, channels: 3, height: 32, width: 32, levels: 256, data: Vec::new() }
}

/// Appends the images of some records of a batch, compressed or not.
///
/// # Errors
/// When the file cannot be read, has a label that is none, or ends too early or too late. The whole batch is checked,
/// whichever records are taken.
pub fn read_batch(path: &Path, records: Range<usize>, images: &mut Images) -> Result<(), DataError> {
    decode(open_unpacked(path)?, records, images, path)
}

fn decode(reader: impl Read, records: Range<usize>, images: &mut Images, path: &Path) -> Result<(), DataError> {
    let bytes = read_exactly(reader, RECORDS * (1 + IMAGE_BYTES), 0, path)?;
    for (record, bytes) in bytes.chunks(1 + IMAGE_BYTES).enumerate() {
        // There is no magic number; ten thousand labels in range stand in for one.
        if bytes[0] >= CLASSES {
            let found = format!("{} in record {record}", bytes[0]);
            return Err(DataError::mismatch(path, "label", found, "0 to 9"));
        }
        if records.contains(&record) {
            images.data.extend_from_slice(&bytes[1..]);
            images.count += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch whose record `r` has label `r % 10` and three planes filled with `r % 250`, and one and two more than that.
    fn batch() -> Vec<u8> {
        let plane = |value: usize| vec![value as u8; 1024];
        let record = |r: usize| [vec![(r % 10) as u8], plane(r % 250), plane(r % 250 + 1), plane(r % 250 + 2)].concat();
        (0..RECORDS).flat_map(record).collect()
    }

    fn read(bytes: &[u8], records: Range<usize>) -> Result<Images, String> {
        let mut images = no_images();
        decode(bytes, records, &mut images, Path::new("batch")).map(|()| images).map_err(|error| error.to_string())
    }

    #[test]
    fn records_are_planar_images_after_a_label() {
        let images = read(&batch(), 253..255).unwrap();
        assert_eq!(images.shape(), [2, 3, 32, 32]);
        assert_eq!([images.data[0], images.data[1024], images.data[2048], images.data[3072]], [3, 4, 5, 4]);
        Images::new(images.shape(), images.levels, images.data).unwrap();
    }

    #[test]
    fn cuts_extra_bytes_and_lost_alignment_are_named() {
        let whole = batch();
        let shifted = [vec![1, 200], whole[..whole.len() - 2].to_vec()].concat();
        for (file, message) in [
            (whole[..30_000].to_vec(), "bytes of data: 30000 found, 30730000 expected"),
            ([whole, vec![0]].concat(), "bytes of data: more than 30730000 found, 30730000 expected"),
            (shifted, "label: 10 in record 9 found, 0 to 9 expected"),
        ] {
            assert_eq!(read(&file, 0..1), Err(format!("batch: {message}")));
        }
    }
}
