//! What is done with a downloaded file, and how a file of a data set is known whatever way it is stored.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::fetch::{bar, sha256};
use super::{DownloadError, Member};
use crate::data::packed;
use crate::data::unpacked::unpacked;
use crate::npy::{self, ByteArray};
use crate::output::write_atomic;

/// The hash of what a file holds: its bytes without compression, or the text that packed bits stand for.
pub fn content_sha256(path: &Path) -> Result<String, DownloadError> {
    let hash = || -> io::Result<String> {
        let file = File::open(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Hashing a large set takes seconds; the bar counts the bytes on disk.
        let bar = bar(&format!("checking {name}"), file.metadata()?.len());
        let mut reader = unpacked(bar.wrap_read(file))?;
        let hash = match path.extension().and_then(|extension| extension.to_str()) {
            Some("npy") => {
                let mut bytes = Vec::new();
                reader.read_to_end(&mut bytes)?;
                match npy::read_u8(&bytes) {
                    Ok(array) => sha256(amat_text(&array)),
                    Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
                }
            }
            _ => sha256(reader),
        };
        bar.finish_and_clear();
        hash
    };
    hash().map_err(DownloadError::file(path))
}

/// The lines of an `.amat` file for packed images: `0` or `1` for each pixel, with spaces between them.
fn amat_text(array: &ByteArray) -> impl Read {
    let bytes_per_image = array.shape.get(1).copied().unwrap_or(1).max(1);
    let lines = array.data.chunks(bytes_per_image).map(|image| {
        let mut line: Vec<u8> = packed::unpack(image).flat_map(|level| [b'0' + level, b' ']).collect();
        if let Some(end) = line.last_mut() {
            *end = b'\n';
        }
        line
    });
    Lines { lines, line: io::Cursor::new(Vec::new()) }
}

/// Reads line after line, so that the whole text, sixteen times the packed size, is never there at once.
struct Lines<I> {
    lines: I,
    line: io::Cursor<Vec<u8>>,
}

impl<I: Iterator<Item = Vec<u8>>> Read for Lines<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.line.position() == self.line.get_ref().len() as u64 {
            self.line = io::Cursor::new(self.lines.next().unwrap_or_default());
        }
        self.line.read(buffer)
    }
}

/// Packs the text of an `.amat` file into the `.npy` file `member`, once it is sure that nothing was lost.
pub fn pack_amat(text: &Path, folder: &Path, member: &Member) -> Result<(), DownloadError> {
    let bytes = fs::read(text).map_err(DownloadError::file(text))?;
    let mut images = 0;
    let mut data = Vec::new();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let levels: Vec<u8> = line.iter().filter(|byte| byte.is_ascii_digit()).map(|digit| digit & 1).collect();
        data.extend(packed::pack(&levels));
        images += 1;
    }
    let array = ByteArray { shape: vec![images, data.len() / images.max(1)], data };
    // Turned back into text, a line of another length or a value other than 0 and 1 shows in the hash.
    let found = sha256(amat_text(&array)).map_err(DownloadError::file(text))?;
    if found != member.sha256 {
        return Err(DownloadError::content(text, found, member));
    }
    Ok(write_atomic(&folder.join(&member.name), &npy::write_u8(&array.shape, &array.data))?)
}

/// Takes the members out of a `.tar.gz` archive, wherever in it they are.
pub fn unpack_tar(archive: &Path, folder: &Path, members: &[Member]) -> Result<(), DownloadError> {
    let failed = |source| DownloadError::file(archive)(source);
    let mut missing: Vec<&Member> = members.iter().collect();
    let file = File::open(archive).map_err(failed)?;
    let bar = bar("unpacking", file.metadata().map_err(failed)?.len());
    let mut tar = tar::Archive::new(MultiGzDecoder::new(BufReader::new(bar.wrap_read(file))));
    for entry in tar.entries().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path().map_err(failed)?.into_owned();
        let Some(at) = missing.iter().position(|member| path.file_name() == Some(member.name.as_ref())) else {
            continue;
        };
        // Only the name of an entry is used, never its folders, and no more of it than the member is long.
        let member = missing.remove(at);
        let mut bytes = Vec::new();
        entry.take(member.bytes + 1).read_to_end(&mut bytes).map_err(failed)?;
        let found = sha256(bytes.as_slice()).map_err(failed)?;
        if found != member.sha256 {
            return Err(DownloadError::content(archive, found, member));
        }
        write_atomic(&folder.join(&member.name), &bytes)?;
    }
    bar.finish_and_clear();
    match missing.first() {
        Some(member) => Err(DownloadError::content(archive, "nothing".into(), member)),
        None => Ok(()),
    }
}
