//! Room 4: the data sets, as [`Images`]. Native only.
//!
//! A folder is read as it was downloaded: MNIST as idx files, gzipped or not; binarized MNIST as bit-packed `.npy`; CIFAR-10 as
//! its binary batches, xz-compressed or not. Every file is checked against the set it should belong to, and what does not
//! fit is an error with the file's name, what was found and what was expected.

pub mod cifar;
pub mod dataset;
pub mod download;
mod error;
pub mod genuine;
pub mod grey_digits;
pub mod idx;
pub mod own;
pub mod packed;
mod unpacked;

pub use error::DataError;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::image::Images;
use crate::sniff::mistaken;

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

    /// Where the set is looked for inside a folder of several sets: in this crate's own place, then where others put it.
    pub fn folders(self) -> &'static [&'static str] {
        match self {
            Self::Mnist => &["mnist", "MNIST/raw", "raw"],
            Self::BinarizedMnist => &["binarized_mnist"],
            Self::Cifar10 => &["cifar10", "cifar-10-batches-bin"],
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
/// `dir` is the folder of the set, or one that has it in one of [`DatasetKind::folders`]. The training split is what `validation`
/// leaves of the training images.
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
            let path = find(kind, dir, &format!("binarized_mnist_{split}.packed.npy"))?;
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
                let path = find(kind, dir, &name)?;
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
    let path = find(DatasetKind::Mnist, dir, &format!("{stem}-images-idx3-ubyte"))?;
    idx::read_images(&path, [count, 1, 28, 28])
}

/// The file `name` of a set, in `dir` or in one of the set's own folders inside it.
fn find(kind: DatasetKind, dir: &Path, name: &str) -> Result<PathBuf, DataError> {
    let folders: Vec<PathBuf> =
        kind.folders().iter().map(|folder| dir.join(folder)).chain([dir.to_path_buf()]).collect();
    match folders.iter().find_map(|folder| spelled(folder, name)) {
        Some(path) => Ok(path),
        None => Err(DataError::Missing { kind, name: name.to_owned(), folders }),
    }
}

/// The file `name` of a folder, compressed or not, spelled as here or as others do.
fn spelled(folder: &Path, name: &str) -> Option<PathBuf> {
    let names = [name.to_owned(), name.replacen("-idx", ".idx", 1)];
    let endings = ["", ".gz", ".xz"];
    let files = names.iter().flat_map(|name| endings.map(|ending| folder.join(format!("{name}{ending}"))));
    { files }.find(|path| path.is_file())
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
    if before == 0
        && bytes.len() != expected
        && let Some(found) = mistaken(&bytes)
    {
        return Err(DataError::Mistaken {
            path: path.to_path_buf(),
            found,
            expected: format!("{expected} bytes of data"),
        });
    }
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
        let dir = dir.path().display();
        let expected = format!(
            "no file of mnist found: t10k-images-idx3-ubyte, plain or compressed, expected in {dir}/mnist or {dir}/MNIST/raw \
             or {dir}/raw or {dir}"
        );
        assert_eq!(message, expected);
    }

    #[test]
    fn a_set_is_found_wherever_libraries_put_it_and_however_they_spell_it() {
        for (kind, file) in [
            (DatasetKind::Mnist, "mnist/t10k-images-idx3-ubyte.gz"),
            (DatasetKind::Mnist, "MNIST/raw/t10k-images-idx3-ubyte"),
            (DatasetKind::Mnist, "raw/t10k-images.idx3-ubyte"),
            (DatasetKind::Mnist, "t10k-images.idx3-ubyte.gz"),
            (DatasetKind::Cifar10, "cifar-10-batches-bin/test_batch.bin"),
            (DatasetKind::Cifar10, "cifar10/test_batch.bin.xz"),
            (DatasetKind::BinarizedMnist, "binarized_mnist/binarized_mnist_test.packed.npy"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            let name = match kind {
                DatasetKind::Mnist => "t10k-images-idx3-ubyte",
                DatasetKind::BinarizedMnist => "binarized_mnist_test.packed.npy",
                DatasetKind::Cifar10 => "test_batch.bin",
            };
            for dir in [dir.path(), path.parent().unwrap()] {
                assert_eq!(find(kind, dir, name).unwrap(), path, "{file}");
            }
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
