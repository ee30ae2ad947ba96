//! Why pictures cannot be read.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{DatasetKind, Split};
use crate::sniff::Mistaken;

/// Why a data set cannot be read. Every message names the file.
#[derive(Debug, Error)]
pub enum DataError {
    /// The file is nowhere.
    #[error("no file of {kind} found: {name}, plain or compressed, expected in {}", list(.folders))]
    Missing {
        /// The data set.
        kind: DatasetKind,
        /// The file.
        name: String,
        /// Every place that was tried.
        folders: Vec<PathBuf>,
    },
    /// The file is there and cannot be read, or its compression is broken.
    #[error("{}: cannot be read: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system or the decoder says.
        source: io::Error,
    },
    /// A file that would hold what was read cannot be written.
    #[error("{}: cannot be written: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Too few pictures to train or to measure on.
    #[error("{what}{found} pictures can be used, at least {expected} expected")]
    TooFew {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
        /// Which ones, in front of a sentence.
        what: String,
    },
    /// Pictures of one's own have a test split only where the configuration names one.
    #[error("the configuration names no {split} split: `dataset.{split}` expected, a path or a share of `train`")]
    NoSplit {
        /// The split.
        split: Split,
    },
    /// The images are not of the kind that the network draws.
    #[error(
        "{name} has images of (channels, height, width, levels) {found:?}, the configuration's network expects {expected:?}"
    )]
    Unfit {
        /// The data set.
        name: String,
        /// Channels, height, width and levels of its images.
        found: (usize, usize, usize, u16),
        /// Those of the network.
        expected: (usize, usize, usize, u16),
    },
    /// The grey images are not those that the binary ones were drawn from.
    #[error("MNIST and binarized MNIST do not belong together: {0}")]
    Origins(String),
    /// Another kind of file.
    #[error("{}: {found}, {expected} expected", .path.display())]
    Mistaken {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: Mistaken,
        /// What it should be.
        expected: String,
    },
    /// The file is not what its name says.
    #[error("{}: {what}: {found} found, {expected} expected", .path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Which property of the file differs.
        what: &'static str,
        /// What the file has.
        found: String,
        /// What it should have.
        expected: String,
    },
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" or ")
}

impl DataError {
    /// A [`DataError::Read`] of `path`, for `map_err`.
    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Read { path, source }
    }

    /// A [`DataError::Write`] of `path`, for `map_err`.
    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Write { path, source }
    }

    pub(super) fn mismatch(
        path: &Path,
        what: &'static str,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> Self {
        Self::Mismatch { path: path.to_path_buf(), what, found: found.to_string(), expected: expected.to_string() }
    }
}
