//! `pixelrnn data`: a folder of verified files, from the network where they are not there yet.
//!
//! Each [`Source`] is one file to download and the [`Member`]s of the data set it brings. What is in the folder is known by its
//! content, so an archive that was unpacked or compressed again still counts, and only what is missing is downloaded.

mod fetch;
#[cfg(test)]
mod loopback;
mod sources;
mod unpack;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use fetch::{Remote, fetch};
pub use sources::sources;
pub use unpack::content_sha256;

use super::{DatasetKind, spelled};
use crate::output::WriteError;

/// A file of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name without `.gz` or `.xz`.
    pub name: String,
    /// Length of its content.
    pub bytes: u64,
    /// Hash of its content, in lower-case hexadecimal.
    pub sha256: String,
}

/// How a downloaded file holds its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// It is the member, perhaps compressed, and stays as it is.
    Kept,
    /// It is text, which is packed to bits and removed.
    Amat,
    /// It is an archive, which is unpacked and removed.
    TarGz,
}

/// A file to download, and what of a data set is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub remote: Remote,
    /// What is done with it.
    pub packing: Packing,
    /// What it brings.
    pub members: Vec<Member>,
}

/// One mirror that did not give a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorFailure {
    /// The address.
    pub url: String,
    /// What went wrong there.
    pub reason: String,
}

/// Why a data set is not complete.
#[derive(Debug, Error)]
pub enum DownloadError {
    /// Every mirror failed.
    #[error("{name}: no mirror gave it: {}", list(.failures))]
    Mirrors {
        /// The file.
        name: String,
        /// Every mirror, in the order they were tried.
        failures: Vec<MirrorFailure>,
    },
    /// A file on disk cannot be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of the same name has other content; it may be somebody's work.
    #[error("{}: {found} found, sha256 {expected} expected; it is left as it is: move it, or name another folder", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Hash of its content, or why it has none.
        found: String,
        /// Hash of the file that was to be downloaded.
        expected: String,
    },
    /// A downloaded file does not hold what it should.
    #[error("{}: {found} found for {member}, sha256 {expected} expected", .path.display())]
    Content {
        /// The downloaded file.
        path: PathBuf,
        /// The member that should come out of it.
        member: String,
        /// Hash of what came out.
        found: String,
        /// Hash that was expected.
        expected: String,
    },
    /// An unpacked file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

fn list(failures: &[MirrorFailure]) -> String {
    failures.iter().map(|failure| format!("{}: {}", failure.url, failure.reason)).collect::<Vec<_>>().join("; ")
}

impl DownloadError {
    /// A [`DownloadError::File`] of `path`, for `map_err`.
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { path, source }
    }

    fn content(path: &Path, found: String, member: &Member) -> Self {
        let (member, expected) = (member.name.clone(), member.sha256.clone());
        Self::Content { path: path.to_path_buf(), member, found, expected }
    }
}

/// Makes sure that every member of a data set is in `dir`, or in the set's own folder inside it, and gives that folder.
///
/// `say` is told about each file. [`sources()`] has the originals; any others can be given in their place. A file that is there
/// already is never changed.
///
/// # Errors
/// When a file can neither be found nor downloaded, has the name of one and other content, or the folder cannot be written.
pub fn obtain(
    kind: DatasetKind,
    sources: &[Source],
    dir: &Path,
    say: &mut dyn FnMut(&str),
) -> Result<PathBuf, DownloadError> {
    let folder = folder(kind, sources, dir);
    let mut wanted = Vec::new();
    for source in sources {
        let mut missing = Vec::new();
        for member in &source.members {
            if !is_verified(&folder, member, say)? {
                missing.push(member.clone());
            }
        }
        if !missing.is_empty() {
            wanted.push((source, missing));
        }
    }
    for (source, missing) in wanted {
        fs::create_dir_all(&folder).map_err(DownloadError::file(&folder))?;
        say(&format!("{}: {} bytes to download", source.remote.name, source.remote.bytes));
        let was_there = folder.join(&source.remote.name).is_file();
        let file = fetch(&source.remote, &folder)?;
        match source.packing {
            Packing::Kept => {}
            Packing::Amat => unpack::pack_amat(&file, &folder, &missing[0])?,
            Packing::TarGz => unpack::unpack_tar(&file, &folder, &missing)?,
        }
        for member in &missing {
            if !is_verified(&folder, member, say)? {
                return Err(DownloadError::content(&file, "nothing".into(), member));
            }
        }
        if source.packing != Packing::Kept && !was_there {
            fs::remove_file(&file).map_err(DownloadError::file(&file))?;
        }
    }
    Ok(folder)
}

/// The folder that has files of the set already, else the one to make.
fn folder(kind: DatasetKind, sources: &[Source], dir: &Path) -> PathBuf {
    let has_one = |folder: &PathBuf| {
        sources.iter().flat_map(|source| &source.members).any(|member| spelled(folder, &member.name).is_some())
    };
    let own = dir.join(kind.folders()[0]);
    let mut folders = kind.folders().iter().map(|folder| dir.join(folder)).chain([dir.to_path_buf()]);
    let to_make = if dir.ends_with(kind.folders()[0]) { dir.to_path_buf() } else { own };
    folders.find(has_one).unwrap_or(to_make)
}

/// Whether a member is there. Another file of its name is an error.
fn is_verified(folder: &Path, member: &Member, say: &mut dyn FnMut(&str)) -> Result<bool, DownloadError> {
    let Some(path) = spelled(folder, &member.name) else {
        return Ok(false);
    };
    // A file that cannot be decompressed is as good as one with another hash.
    let found = content_sha256(&path).map_or_else(|error| error.to_string(), |hash| format!("sha256 {hash}"));
    if found != format!("sha256 {}", member.sha256) {
        return Err(DownloadError::Foreign { path, found, expected: member.sha256.clone() });
    }
    say(&format!("{}: verified", path.display()));
    Ok(true)
}

#[cfg(test)]
mod tests;
