//! Compressed files, known by what is in them: a browser may unpack a file and leave its name, or the other way round.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::{DataError, open};

/// Twice what the strongest preset of xz needs.
const XZ_MEMORY_KB: u32 = 128 * 1024;

/// What a compressed file begins with.
const GZIP: &[u8] = b"\x1f\x8b";
const XZ: &[u8] = b"\xfd7zXZ";

/// Whether the bytes are compressed in a way [`unpacked`] knows.
pub fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(GZIP) || bytes.starts_with(XZ)
}

/// Reads what a file holds, which may be compressed by gzip or xz.
pub fn unpacked<'a>(reader: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut reader = BufReader::new(reader);
    let beginning = reader.fill_buf()?;
    Ok(match beginning {
        _ if beginning.starts_with(GZIP) => Box::new(MultiGzDecoder::new(reader)),
        // Bytes after the stream are as wrong as any, so a second stream is not looked for.
        _ if beginning.starts_with(XZ) => Box::new(XzReader::new_mem_limit(reader, false, XZ_MEMORY_KB)),
        _ => Box::new(reader),
    })
}

/// The same of a path.
pub fn open_unpacked(path: &Path) -> Result<Box<dyn Read>, DataError> {
    unpacked(open(path)?).map_err(DataError::read(path))
}
