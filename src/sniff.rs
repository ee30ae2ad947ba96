//! What a file is that is not what it should be, told by its first bytes.

use std::fmt;

/// A kind of file that people give by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mistaken {
    /// What it is.
    pub what: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

impl fmt::Display for Mistaken {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} found ({})", self.what, self.remedy)
    }
}

/// First bytes that tell a kind of file.
const BEGINNINGS: [(&[u8], Mistaken); 14] = [
    (b"version https://git-lfs", kind("a Git LFS pointer", "`git lfs pull` puts the file itself in its place")),
    (b"\x1f\x8b", kind("gzip-compressed data", "unpack it first")),
    (b"\xfd7zXZ", kind("xz-compressed data", "unpack it first")),
    (b"BZh", kind("bzip2-compressed data", "unpack it first")),
    (b"\x28\xb5\x2f\xfd", kind("zstd-compressed data", "unpack it first")),
    (b"PK\x03\x04", kind("a zip archive, as .zip, .npz and PyTorch's files are", "give the file it holds")),
    (b"\x93NUMPY", kind("an .npy array", "give the file that was asked for")),
    (b"\x89PNG", kind("a PNG picture", "give the file that was asked for")),
    (b"\xff\xd8\xff", kind("a JPEG picture", "give the file that was asked for")),
    (b"\x89HDF", kind("an HDF5 file", "save its array with numpy.save")),
    (b"\x00\x00\x08\x01", kind("an idx file of labels", "give the file of images, whose name has `images`")),
    (b"\x00\x00\x08\x03", IDX_IMAGES),
    (b"\xff\xfe", kind("text in UTF-16", "save it as UTF-8")),
    (b"\xfe\xff", kind("text in UTF-16", "save it as UTF-8")),
];

/// Pictures in MNIST's format.
pub const IDX_IMAGES: Mistaken =
    kind("an idx file of images", "name it in `dataset`; where levels are asked for, save them with numpy.save");
/// Weights and checkpoints.
pub const SAFETENSORS: Mistaken = kind("a safetensors file", "give the file that was asked for");

const fn kind(what: &'static str, remedy: &'static str) -> Mistaken {
    Mistaken { what, remedy }
}

/// What the bytes of a file look like; none, where that is not known.
pub fn mistaken(bytes: &[u8]) -> Option<Mistaken> {
    if bytes.is_empty() {
        return Some(kind("an empty file", "download or make it again"));
    }
    if let Some((_, found)) = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning)) {
        return Some(*found);
    }
    // A safetensors file is the length of its header and the header, JSON.
    if bytes.get(8) == Some(&b'{') && bytes[4..8] == [0; 4] {
        return Some(SAFETENSORS);
    }
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).to_ascii_lowercase();
    let text = text.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']);
    match text {
        _ if ["<!doctype html", "<html", "<head", "<?xml", "<!--"].iter().any(|tag| text.starts_with(tag)) => {
            Some(kind("a web page", "it was saved in place of the file, download that again"))
        }
        _ if text.starts_with(['{', '[']) => Some(kind("JSON text", "give the file that was asked for")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_given_by_mistake_are_named() {
        let what = |bytes: &[u8]| mistaken(bytes).map(|found| found.what);
        for (bytes, expected) in [
            (&b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"[..], "a Git LFS pointer"),
            (b"\n<!DOCTYPE HTML><html>", "a web page"),
            (b"\xef\xbb\xbf<html lang=en>", "a web page"),
            (b"\x1f\x8b\x08", "gzip-compressed data"),
            (b"\xef\xbb\xbf{\"a\": 1}", "JSON text"),
            (b"\x40\x00\x00\x00\x00\x00\x00\x00{\"__metadata__\"", "a safetensors file"),
            (b"", "an empty file"),
        ] {
            assert_eq!(what(bytes), Some(expected), "{:?}", String::from_utf8_lossy(bytes));
        }
        for bytes in [&b"x"[..], b"plain text", &[0; 100], &[0xff; 4]] {
            assert_eq!(what(bytes), None, "{bytes:?}");
        }
    }
}
