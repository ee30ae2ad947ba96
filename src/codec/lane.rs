//! A lane: the range coder that images take turns at. What one image's values are coded with is a lane's own, so that several images
//! are coded at once; and as the next image goes on where the last one ended, few lanes end in a half-used word.

use super::frequencies::Frequencies;
use crate::sample::Decide;
use constriction::UnwrapInfallible;
use constriction::stream::queue::{DefaultRangeDecoder, DefaultRangeEncoder};
use constriction::stream::{Code, Decode, Encode};

/// Bytes of a word of the coder.
const WORD: usize = size_of::<u32>();

/// Writes images, or reads them.
pub enum Lane {
    /// Writes.
    Writer {
        /// What is written to.
        coder: DefaultRangeEncoder,
        /// The image under way: its own levels, then those of the smaller images in it.
        levels: Vec<Vec<u8>>,
    },
    /// Reads.
    Reader(DefaultRangeDecoder),
}

impl Lane {
    /// Writes nothing yet.
    pub fn writer() -> Self {
        Self::Writer { coder: DefaultRangeEncoder::new(), levels: Vec::new() }
    }

    /// Reads what a writer wrote.
    pub fn reader(bytes: &[u8]) -> Self {
        let word = |some: &[u8]| {
            let mut whole = [0; WORD];
            whole[..some.len()].copy_from_slice(some);
            u32::from_be_bytes(whole)
        };
        let words: Vec<u32> = bytes.chunks(WORD).map(word).collect();
        Self::Reader(DefaultRangeDecoder::from_compressed(words).unwrap_infallible())
    }

    /// Turns to the next image to be written, given by its levels and those of the smaller images in it, the smallest first.
    pub fn begin(&mut self, mut levels_of_scales: Vec<Vec<u8>>) {
        if let Self::Writer { levels, .. } = self {
            levels_of_scales.reverse();
            *levels = levels_of_scales;
        }
    }

    /// What was written. Behind the last byte a reader finds zeros, so that zeros at the end are left out.
    pub fn bytes(&self) -> Vec<u8> {
        let Self::Writer { coder, .. } = self else { return Vec::new() };
        let state = coder.state();
        let mut words = coder.clone().into_compressed().unwrap_infallible();
        while words.pop_if(|word| *word == 0).is_some() {}
        // Any number in the coder's range ends the stream: of those that begin like this one, one with more zeros.
        let top = (state.lower().wrapping_add(u32::MAX.into()) >> u32::BITS) as u32;
        if let Some(last) = words.last_mut().filter(|last| **last == top) {
            let in_range =
                |word: &u32| (u64::from(*word) << u32::BITS).wrapping_sub(state.lower()) < state.range().get();
            let mut rounder = [24, 16, 8].into_iter().filter_map(|bits| last.checked_next_multiple_of(1 << bits));
            *last = rounder.find(in_range).unwrap_or(*last);
        }
        let mut bytes: Vec<u8> = words.into_iter().flat_map(u32::to_be_bytes).collect();
        bytes.truncate(bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1));
        bytes
    }
}

impl Decide for Lane {
    fn decide(&mut self, scale: usize, place: usize, logits: &[f32]) -> u8 {
        let frequencies = Frequencies::of(logits);
        match self {
            Self::Writer { coder, levels } => {
                let level = levels[scale][place];
                coder.encode_symbol(level, frequencies).expect("a level of the network, and memory");
                level
            }
            // Bytes that no writer wrote give pictures whose checksum tells.
            Self::Reader(coder) => coder.decode_symbol(frequencies).unwrap_or(0),
        }
    }
}
