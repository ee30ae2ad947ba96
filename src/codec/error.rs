//! What can be wrong with a file of compressed images.

use crate::sniff::Mistaken;

/// Why images are not compressed, or a file is not decompressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Another kind of file.
    #[error("{0}, a .prc file of compressed images expected")]
    Mistaken(Mistaken),
    /// Not such a file at all.
    #[error("no .prc file: its first bytes are {found:02x?}, 89 'PRC' expected; give a file that compress wrote")]
    Magic {
        /// At most the first four.
        found: Vec<u8>,
    },
    /// A version of the format that is not known.
    #[error("version {found} of .prc files found, {expected} expected; decompress it with the program that wrote it")]
    Version {
        /// That of the file.
        found: u8,
        /// The one that is known.
        expected: u8,
    },
    /// Bytes are missing or are not what they were.
    #[error("damaged or cut short: the checksum at the end of its {bytes} bytes is not theirs; copy the file anew")]
    Damaged {
        /// Bytes found.
        bytes: usize,
    },
    /// Made with other weights.
    #[error(
        "made with the model whose sha256 begins with {found}, that of the model given begins with {expected}; give the weights file it was made with"
    )]
    OtherModel {
        /// Of the file.
        found: String,
        /// Of the model at hand.
        expected: String,
    },
    /// Images of another size, or of other levels.
    #[error("{found} found, {expected} expected")]
    OtherImages {
        /// What there is.
        found: String,
        /// What the network draws.
        expected: String,
    },
    /// A number of images that is no request.
    #[error("{found} images found, 1 to {most} expected")]
    Count {
        /// The number.
        found: usize,
        /// Most of them.
        most: usize,
    },
    /// A sha256 that is none.
    #[error("sha256 of the model: {found:?} found, 64 hexadecimal digits expected")]
    Sha256 {
        /// What was given.
        found: String,
    },
    /// The distributions here are not those it was made with.
    #[error(
        "the pictures that come out are not those that went in, their checksum tells; decompress the file with the program that wrote it"
    )]
    Pictures,
}
