//! Whether the files of a known set are that set's: others have the same names, sizes and format, and other pictures.

use std::fmt;
use std::path::{Path, PathBuf};

use super::download::{content_sha256, sources};
use super::{DataError, DatasetKind, Split, find};

/// A file that could be one of a set's, by its name and size, and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The set.
    pub kind: DatasetKind,
    /// The file.
    pub path: PathBuf,
    /// Hash of its content, in lower-case hexadecimal.
    pub sha256: String,
}

impl Foreign {
    /// A name for what is in it, which is another set.
    pub fn name(&self) -> String {
        format!("{}-{}", self.kind, &self.sha256[..8])
    }

    /// What a likelihood on `split` was measured on, to be printed beside it.
    pub fn protocol(&self, split: Split) -> String {
        format!("not {}: other pictures in its files (sha256 {}...), {split} split", self.kind, &self.sha256[..8])
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (path, kind) = (self.path.display(), self.kind);
        write!(f, "{path}: not {kind}'s own file (sha256 {}); its pictures are taken for another set", self.sha256)
    }
}

/// The first file of a split that is not the set's own.
///
/// # Errors
/// When a file is missing or cannot be read.
pub fn foreign(kind: DatasetKind, split: Split, dir: &Path) -> Result<Option<Foreign>, DataError> {
    let begins = match (kind, split) {
        (DatasetKind::Mnist, Split::Test) => "t10k-images".to_owned(),
        (DatasetKind::Mnist, _) => "train-images".to_owned(),
        (DatasetKind::BinarizedMnist, split) => format!("binarized_mnist_{split}"),
        (DatasetKind::Cifar10, Split::Test) => "test_batch".to_owned(),
        (DatasetKind::Cifar10, _) => "data_batch".to_owned(),
    };
    for member in sources(kind).into_iter().flat_map(|source| source.members).filter(|m| m.name.starts_with(&begins)) {
        let path = find(kind, dir, &member.name)?;
        let sha256 =
            content_sha256(&path).map_err(|error| DataError::mismatch(&path, "content", error, &member.sha256))?;
        if sha256 != member.sha256 {
            return Ok(Some(Foreign { kind, path, sha256 }));
        }
    }
    Ok(None)
}
