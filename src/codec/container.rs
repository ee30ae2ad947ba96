//! The file that compressed images are in.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `89 50 52 43`, that is `\x89PRC` |
//! | 1 | version, 1 |
//! | 8 | the model: the first bytes of the sha256 of its weights file |
//! | 4 | number of images |
//! | 1, 2, 2, 2 | channels, height, width, levels |
//! | 4 | CRC-32 of the images' levels, `[count, channels, height, width]` |
//! | 1 to 5 each | length of each stream in bytes, seven bits a byte, the lowest first, the highest bit set but in the last |
//! | | the streams, of which there are as many as images, and at most [`STREAMS`]; image k is in stream k mod `STREAMS` |
//! | 4 | CRC-32 of everything before |
//!
//! Numbers of several bytes have their lowest byte first.

use super::error::CodecError;
use crate::model::ModelConfig;
use crate::sample::MAX_COUNT;
use crate::sniff::mistaken;
use crc::{CRC_32_ISO_HDLC, Crc, NoTable};
use std::fmt;

const MAGIC: &[u8] = b"\x89PRC";
const VERSION: u8 = 1;

/// Streams of a file at most; as many images are coded at once.
pub const STREAMS: usize = 64;

/// The same checksum as zip's, computed without a table: a download is dearer than the microseconds.
const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// The checksum of bytes.
pub fn checksum(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

/// A model, by the first bytes of the sha256 of its weights file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelId([u8; 8]);

impl ModelId {
    /// By the sha256 in hexadecimal digits.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_sha256(digits: &str) -> Result<Self, CodecError> {
        let none = || CodecError::Sha256 { found: digits.to_owned() };
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(none());
        }
        let first = u64::from_str_radix(&digits[..16], 16).map_err(|_| none())?;
        Ok(Self(first.to_be_bytes()))
    }

    /// By the bytes of the weights file.
    #[cfg(feature = "native")]
    pub fn of_file(bytes: &[u8]) -> Self {
        use sha2::{Digest, Sha256};
        Self(*Sha256::digest(bytes).first_chunk().expect("32 bytes"))
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a file holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Container {
    /// What its distributions are of.
    pub model: ModelId,
    /// Number of images.
    pub count: usize,
    /// Channels, height, width, levels.
    pub kind: [usize; 4],
    /// Of the images' levels.
    pub pictures_checksum: u32,
    /// What the lanes wrote.
    pub streams: Vec<Vec<u8>>,
}

impl Container {
    /// The bytes of the file.
    pub fn write(&self) -> Vec<u8> {
        let [channels, height, width, levels] = self.kind;
        let mut file =
            [MAGIC, &[VERSION], &self.model.0, &(self.count as u32).to_le_bytes(), &[channels as u8]].concat();
        [height, width, levels].iter().for_each(|&number| file.extend((number as u16).to_le_bytes()));
        file.extend(self.pictures_checksum.to_le_bytes());
        for stream in &self.streams {
            let mut rest = stream.len();
            while rest >= 0x80 {
                file.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            file.push(rest as u8);
        }
        self.streams.iter().for_each(|stream| file.extend(stream));
        file.extend(checksum(&file).to_le_bytes());
        file
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is another kind of file, or not as it was written.
    pub fn read(file: &[u8]) -> Result<Self, CodecError> {
        if !file.starts_with(MAGIC) {
            let found = file.iter().take(MAGIC.len()).copied().collect();
            return Err(mistaken(file).map_or(CodecError::Magic { found }, CodecError::Mistaken));
        }
        if let Some(&found) = file.get(MAGIC.len()).filter(|&&version| version != VERSION) {
            return Err(CodecError::Version { found, expected: VERSION });
        }
        let damaged = || CodecError::Damaged { bytes: file.len() };
        let (content, sum) = file.split_last_chunk().ok_or_else(damaged)?;
        if checksum(content) != u32::from_le_bytes(*sum) {
            return Err(damaged());
        }
        content.get(MAGIC.len() + 1..).and_then(|content| Reader(content).container()).ok_or_else(damaged)
    }

    /// Checks that it is of images that the network draws.
    ///
    /// # Errors
    /// Names what differs.
    pub fn check(&self, model: ModelId, config: &ModelConfig) -> Result<(), CodecError> {
        if self.model != model {
            return Err(CodecError::OtherModel { found: self.model.to_string(), expected: model.to_string() });
        }
        check_images(self.count, self.kind, config)
    }
}

/// Checks that so many images of these channels, height, width and levels are such as the network draws.
///
/// # Errors
/// Names what differs.
pub fn check_images(count: usize, kind: [usize; 4], config: &ModelConfig) -> Result<(), CodecError> {
    let own = [config.channels, config.height, config.width, usize::from(config.levels)];
    if kind != own {
        return Err(CodecError::OtherImages { found: described(kind), expected: described(own) });
    }
    let most = MAX_COUNT.min(isize::MAX as usize / config.dimensions());
    if !(1..=most).contains(&count) {
        return Err(CodecError::Count { found: count, most });
    }
    Ok(())
}

fn described([channels, height, width, levels]: [usize; 4]) -> String {
    let colour = if channels == 1 { "grey" } else { "RGB" };
    format!("{width}×{height} {colour} pixels of {levels} levels")
}

/// What is left of the bytes of a file; none where there are too few.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (some, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*some)
    }

    fn u16(&mut self) -> Option<usize> {
        self.bytes().map(|bytes| usize::from(u16::from_le_bytes(bytes)))
    }

    fn length(&mut self) -> Option<usize> {
        let mut length = 0u64;
        for place in 0..5 {
            let [byte] = self.bytes()?;
            length |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return usize::try_from(length).ok();
            }
        }
        None
    }

    fn stream(&mut self, length: usize) -> Option<Vec<u8>> {
        let (stream, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(stream.to_vec())
    }

    /// What stands behind the version.
    fn container(&mut self) -> Option<Container> {
        let model = ModelId(self.bytes()?);
        let count = u32::from_le_bytes(self.bytes()?) as usize;
        let [channels] = self.bytes()?;
        let kind = [usize::from(channels), self.u16()?, self.u16()?, self.u16()?];
        let pictures_checksum = u32::from_le_bytes(self.bytes()?);
        let lengths = (0..count.min(STREAMS)).map(|_| self.length()).collect::<Option<Vec<_>>>()?;
        let streams = lengths.into_iter().map(|length| self.stream(length)).collect::<Option<_>>()?;
        self.0.is_empty().then_some(Container { model, count, kind, pictures_checksum, streams })
    }
}
