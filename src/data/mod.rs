//! Room 4: the data sets, as [`Images`]. Native only.
//!
//! A folder is read as it was downloaded: MNIST as idx files, gzipped or not; binarized MNIST as bit-packed `.npy`; CIFAR-10 as
//! its binary batches, xz-compressed or not. Every file is checked against the set it should belong to, and what does not
//! fit is an error with the file's name, what was found and what was expected.

pub mod cifar;
pub mod dataset;
pub mod download;
pub mod grey_digits;
pub mod idx;
pub mod own;
pub mod packed;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::image::Images;

/// The data sets of the paper this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum DatasetKind {
    /// 28×28 grey digits, 256 levels.
    Mnist,
    /// 28×28 digits of 2 levels, in the fixed binarization of Salakhutdinov and Murray.
    BinarizedMnist,
    /// 32×32 RGB photographs, 256 levels.
    Cifar10,
}

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// What a model is fitted to.
    Train,
    /// What decides which model is kept.
    Valid,
    /// What a kept model is reported on.
    Test,
}

/// Which images decide which model is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// The set's own validation split: `own`.
    Own,
    /// The last so many of its training images, which are then not trained on: `last-5000`.
    Last(usize),
}

/// Why a data set cannot be read. Every message names the file.
#[derive(Debug, Error)]
pub enum DataError {
    /// None of the names a file may have is there.
    #[error("no file of {kind} found, {} expected", list(.looked_for))]
    Missing {
        /// The data set.
        kind: DatasetKind,
        /// Every place that was tried.
        looked_for: Vec<PathBuf>,
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
    fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Read { path, source }
    }

    /// A [`DataError::Write`] of `path`, for `map_err`.
    fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Write { path, source }
    }

    fn mismatch(path: &Path, what: &'static str, found: impl fmt::Display, expected: impl fmt::Display) -> Self {
        Self::Mismatch { path: path.to_path_buf(), what, found: found.to_string(), expected: expected.to_string() }
    }
}

impl DatasetKind {
    /// The name of the set on the command line, in configs and in the names of weights.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::BinarizedMnist => "binarized-mnist",
            Self::Cifar10 => "cifar10",
        }
    }

    /// The validation split where a configuration names none: binarized MNIST has one of its own; of MNIST the last 10,000
    /// training images, of CIFAR-10 the last 5,000 (the second half of `data_batch_5`).
    pub fn validation(self) -> Validation {
        match self {
            Self::Mnist => Validation::Last(10_000),
            Self::BinarizedMnist => Validation::Own,
            Self::Cifar10 => Validation::Last(5_000),
        }
    }

    /// Whether the set has this validation split.
    pub fn allows(self, validation: Validation) -> bool {
        let images = match self {
            Self::Mnist => 60_000,
            Self::BinarizedMnist => return validation == Validation::Own,
            Self::Cifar10 => 50_000,
        };
        matches!(validation, Validation::Last(count) if (1..images).contains(&count))
    }

    /// The folder of the set inside a folder of several sets.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::BinarizedMnist => "binarized_mnist",
            Self::Cifar10 => "cifar10",
        }
    }

    /// What a likelihood on `split` was measured on, to be printed beside it.
    pub fn protocol(self, split: Split) -> String {
        match self {
            Self::Mnist => format!("MNIST, 256 levels, {split} split"),
            Self::BinarizedMnist => format!("binarized MNIST, fixed binarization, {split} split"),
            Self::Cifar10 => format!("CIFAR-10, 256 levels, {split} split"),
        }
    }
}

impl fmt::Display for DatasetKind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.name())
    }
}

impl From<DatasetKind> for String {
    fn from(kind: DatasetKind) -> Self {
        kind.name().to_owned()
    }
}

impl TryFrom<String> for DatasetKind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl FromStr for DatasetKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        [Self::Mnist, Self::BinarizedMnist, Self::Cifar10]
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("data set {name:?} found, mnist, binarized-mnist or cifar10 expected"))
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        })
    }
}

impl FromStr for Split {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        [Self::Train, Self::Valid, Self::Test]
            .into_iter()
            .find(|split| split.to_string() == name)
            .ok_or_else(|| format!("split {name:?} found, train, valid or test expected"))
    }
}

impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Own => f.pad("own"),
            Self::Last(count) => f.pad(&format!("last-{count}")),
        }
    }
}

impl FromStr for Validation {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let last = || name.strip_prefix("last-")?.parse().ok().map(Self::Last);
        if name == "own" { Some(Self::Own) } else { last() }
            .ok_or_else(|| format!("validation split {name:?} found, own or last-N expected"))
    }
}

/// Reads one split of a data set; the validation split is the one of [`DatasetKind::validation`].
///
/// # Errors
/// As [`load_split`].
pub fn load(kind: DatasetKind, split: Split, dir: &Path) -> Result<Images, DataError> {
    load_split(kind, split, kind.validation(), dir)
}

/// Reads one split of a data set.
///
/// `dir` is the folder of the set, or a folder that has it as `mnist/`, `binarized_mnist/` or `cifar10/`. The training split is
/// what `validation` leaves of the training images.
///
/// # Errors
/// When a file is missing, unreadable, or not what its name says.
///
/// # Panics
/// When the set has no such validation split.
pub fn load_split(kind: DatasetKind, split: Split, validation: Validation, dir: &Path) -> Result<Images, DataError> {
    assert!(kind.allows(validation), "{kind} has no validation split {validation}");
    let held_out = if let Validation::Last(count) = validation { count } else { 0 };
    match kind {
        DatasetKind::BinarizedMnist => {
            let path = find(kind, dir, &[&format!("binarized_mnist_{split}.packed.npy")])?;
            packed::read(&path, [if split == Split::Train { 50_000 } else { 10_000 }, 1, 28, 28])
        }
        DatasetKind::Mnist => {
            if split == Split::Test {
                return load_mnist(dir, "t10k", 10_000);
            }
            let images = load_mnist_training(dir)?;
            let border = images.count - held_out;
            Ok(images.select(if split == Split::Train { 0..border } else { border..images.count }))
        }
        DatasetKind::Cifar10 => {
            // Batch and the records of it that belong to the split.
            let batches: Vec<(String, std::ops::Range<usize>)> = match split {
                Split::Train | Split::Valid => {
                    // Where, in each batch, what is held out begins.
                    let border = 5 * cifar::RECORDS - held_out;
                    let borders = (0..5).map(|n| border.saturating_sub(n * cifar::RECORDS).min(cifar::RECORDS));
                    let records = |border| if split == Split::Train { 0..border } else { border..cifar::RECORDS };
                    let batches = borders.enumerate().map(|(n, border)| (n + 1, records(border)));
                    let taken = batches.filter(|(_, records)| !records.is_empty());
                    taken.map(|(n, records)| (format!("data_batch_{n}.bin"), records)).collect()
                }
                Split::Test => vec![("test_batch.bin".to_string(), 0..cifar::RECORDS)],
            };
            let mut images = cifar::no_images();
            for (name, records) in batches {
                let path = find(kind, dir, &[&name, &format!("{name}.xz")])?;
                cifar::read_batch(&path, records, &mut images)?;
            }
            Ok(images)
        }
    }
}

/// MNIST's 60,000 training images, those that validate included.
///
/// # Errors
/// As [`load_split`].
pub fn load_mnist_training(dir: &Path) -> Result<Images, DataError> {
    load_mnist(dir, "train", 60_000)
}

fn load_mnist(dir: &Path, stem: &str, count: usize) -> Result<Images, DataError> {
    let name = format!("{stem}-images-idx3-ubyte");
    let path = find(DatasetKind::Mnist, dir, &[&name, &format!("{name}.gz")])?;
    idx::read_images(&path, [count, 1, 28, 28])
}

/// The first of `names` that is in `dir` or in the set's own folder inside it.
fn find(kind: DatasetKind, dir: &Path, names: &[&str]) -> Result<PathBuf, DataError> {
    let folders = [dir.join(kind.folder()), dir.to_path_buf()];
    let looked_for: Vec<PathBuf> =
        folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name))).collect();
    match looked_for.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(DataError::Missing { kind, looked_for }),
    }
}

fn open(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(DataError::read(path))
}

/// Reads `expected` bytes and makes sure that nothing follows, without ever holding more than that.
///
/// `before` is how many bytes the caller has read already, so that the error speaks of whole files.
fn read_exactly(mut reader: impl Read, expected: usize, before: usize, path: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::with_capacity(expected);
    // A file cut inside its compressed stream ends like any other: the decoder reports it, and the count says where.
    let ended = reader.by_ref().take(expected as u64 + 1).read_to_end(&mut bytes);
    let found = match bytes.len() {
        length if length > expected => format!("more than {}", before + expected),
        length if length < expected => (before + length).to_string(),
        _ => return ended.map(|_| bytes).map_err(DataError::read(path)),
    };
    match ended {
        Err(source) if source.kind() != io::ErrorKind::UnexpectedEof => Err(DataError::read(path)(source)),
        _ => Err(DataError::mismatch(path, "bytes of data", found, before + expected)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sets_and_splits_are_read_back() {
        for kind in [DatasetKind::Mnist, DatasetKind::BinarizedMnist, DatasetKind::Cifar10] {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        for split in [Split::Train, Split::Valid, Split::Test] {
            assert_eq!(split.to_string().parse(), Ok(split));
        }
        for (name, validation) in [("own", Validation::Own), ("last-5000", Validation::Last(5000))] {
            assert_eq!((name.parse(), validation.to_string().as_str()), (Ok(validation), name));
        }
        for name in ["", "last-", "last-x", "valid", "last-5e3"] {
            assert!(name.parse::<Validation>().unwrap_err().contains("last-N"), "{name}");
        }
        assert!("mist".parse::<DatasetKind>().unwrap_err().contains("binarized-mnist"));
        assert!("all".parse::<Split>().unwrap_err().contains("valid"));
    }

    #[test]
    fn a_missing_file_is_named_with_every_place_it_could_be_in() {
        let dir = tempfile::tempdir().unwrap();
        let message = load(DatasetKind::Mnist, Split::Test, dir.path()).unwrap_err().to_string();
        for name in ["mnist/t10k-images-idx3-ubyte or ", "t10k-images-idx3-ubyte.gz expected", "no file of mnist found"]
        {
            assert!(message.contains(name), "{message:?} lacks {name:?}");
        }
    }

    #[test]
    fn a_set_is_found_in_its_own_folder_and_in_the_parent_of_it() {
        let parent = tempfile::tempdir().unwrap();
        let own = parent.path().join("binarized_mnist");
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("file"), "").unwrap();
        for dir in [parent.path(), &own] {
            assert_eq!(find(DatasetKind::BinarizedMnist, dir, &["other", "file"]).unwrap(), own.join("file"));
        }
    }

    #[test]
    fn exactly_the_expected_bytes_are_read() {
        let read =
            |bytes: &[u8], expected| read_exactly(bytes, expected, 16, Path::new("file")).map_err(|e| e.to_string());
        assert_eq!(read(b"abc", 3), Ok(b"abc".to_vec()));
        assert_eq!(read(b"abc", 4), Err("file: bytes of data: 19 found, 20 expected".to_string()));
        assert_eq!(read(b"abc", 2), Err("file: bytes of data: more than 18 found, 18 expected".to_string()));
    }
}
