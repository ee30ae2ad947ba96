//! What is written: files that are whole or not there, and, as they come, the bytes of a pipe or a device. Native only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use thiserror::Error;

/// Links that are followed before a circle is assumed, as the systems do.
const MOST_LINKS: usize = 40;

/// A file could not be written; what was there before is untouched.
#[derive(Debug, Error)]
#[error("{}: cannot be written: {source}", .path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// Where something is to be written, known to be possible.
#[derive(Debug)]
pub struct Output {
    /// As it was named, for messages.
    path: PathBuf,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// Standard output.
    Standard,
    /// A pipe or a device: it is written to, never replaced.
    Stream,
    /// A file, links followed: it is replaced by a whole one.
    File(PathBuf),
}

impl Output {
    /// Standard output.
    pub fn standard() -> Self {
        Self { path: "standard output".into(), place: Place::Standard }
    }

    /// Finds out, before the work that makes the bytes, whether there is a way to write them.
    ///
    /// # Errors
    /// When the folder is missing or not writable, or `path` is a folder or a file that is not to be written.
    pub fn at(path: &Path) -> Result<Self, WriteError> {
        let failed = |source| WriteError { path: path.to_path_buf(), source };
        let refused = |why: String| failed(io::Error::other(why));
        let place = match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(refused("it is a folder, a file expected".to_owned())),
            Ok(found) if !found.is_file() => Place::Stream,
            Ok(found) if found.permissions().readonly() => return Err(refused("it is read-only".to_owned())),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => Place::File(linked(path).map_err(failed)?),
        };
        if let Place::File(target) = &place {
            let folder = match target.parent() {
                Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
                Some(folder) if target.file_name().is_some() => folder,
                _ => return Err(refused("it is not the name of a file".to_owned())),
            };
            if !folder.is_dir() {
                return Err(refused(format!("the folder {} does not exist", folder.display())));
            }
            // Whether a folder can be written to, only writing to it tells.
            let part = part_of(target);
            File::create(&part).and_then(|_| fs::remove_file(&part)).map_err(failed)?;
        }
        Ok(Self { path: path.to_path_buf(), place })
    }

    /// Whether it is standard output, where nothing else should be said then.
    pub fn is_standard(&self) -> bool {
        matches!(self.place, Place::Standard)
    }

    /// Whether it is a pipe or a device, whose name says nothing of what goes into it.
    pub fn is_stream(&self) -> bool {
        !matches!(self.place, Place::File(_))
    }

    /// Its name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins to write. A pipe without a reader waits for one.
    ///
    /// # Errors
    /// When it can no longer be written.
    pub fn open(&self) -> Result<Writer<'_>, WriteError> {
        let (sink, part): (Box<dyn Write>, _) = match &self.place {
            Place::Standard => (Box::new(io::stdout()), None),
            Place::Stream => {
                let stream = OpenOptions::new().write(true).open(&self.path);
                (Box::new(BufWriter::new(stream.map_err(|source| self.failed(source))?)), None)
            }
            Place::File(target) => {
                let part = Part::create(target).map_err(|source| self.failed(source))?;
                (Box::new(BufWriter::new(part.file.try_clone().map_err(|source| self.failed(source))?)), Some(part))
            }
        };
        Ok(Writer { output: self, sink, part })
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// When the disk is full or the folder has changed. A file that was there is then still there.
    pub fn write(&self, bytes: &[u8]) -> Result<(), WriteError> {
        let mut writer = self.open()?;
        writer.sink.write_all(bytes).map_err(|source| self.failed(source))?;
        writer.finish()
    }

    fn failed(&self, source: io::Error) -> WriteError {
        WriteError { path: self.path.clone(), source }
    }
}

/// Something on its way to an [`Output`]; dropped before [`finish`](Self::finish), it leaves a file as it was.
pub struct Writer<'a> {
    output: &'a Output,
    sink: Box<dyn Write>,
    part: Option<Part>,
}

/// Its errors name the file.
impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write(bytes).map_err(|error| self.named(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush().map_err(|error| self.named(error))
    }
}

impl Writer<'_> {
    fn named(&self, error: io::Error) -> io::Error {
        io::Error::new(error.kind(), self.output.failed(error))
    }

    /// Ends it: a file is now there under its name, whole.
    ///
    /// # Errors
    /// When the disk is full or the folder has changed.
    pub fn finish(mut self) -> Result<(), WriteError> {
        let written = self.sink.flush().and_then(|()| self.part.take().map_or(Ok(()), Part::finish));
        written.map_err(|source| self.output.failed(source))
    }
}

/// A file beside the one it will be.
struct Part {
    file: File,
    path: PathBuf,
    target: PathBuf,
}

/// Parts on the disk now.
static PARTS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn parts() -> MutexGuard<'static, Vec<PathBuf>> {
    PARTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what is half written, for a program that is ended from outside.
pub fn remove_parts() {
    // A part that cannot be removed does no harm.
    parts().drain(..).for_each(|part| drop(fs::remove_file(part)));
}

impl Part {
    fn create(target: &Path) -> io::Result<Self> {
        let path = part_of(target);
        let file = File::create(&path)?;
        parts().push(path.clone());
        if let Ok(before) = fs::metadata(target) {
            file.set_permissions(before.permissions())?;
        }
        Ok(Self { file, path, target: target.to_path_buf() })
    }

    fn finish(self) -> io::Result<()> {
        // A rename may reach the disk before the bytes do; after this it cannot.
        self.file.sync_all()?;
        fs::rename(&self.path, &self.target)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        parts().retain(|part| *part != self.path);
        // After a rename it is gone already.
        let _ = fs::remove_file(&self.path);
    }
}

/// The name of the part of a file. The process id keeps two runs that write the same file from sharing one.
fn part_of(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    target.with_file_name(name)
}

/// What a link leads to, whether or not it is there; other paths stay as they are.
fn linked(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            // A relative link begins in its own folder.
            Ok(to) => path = path.parent().unwrap_or(Path::new("")).join(to),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many links"))
}

/// Writes a file, so that `path` never holds a part of it, whatever interrupts; links are followed, pipes written to.
///
/// # Errors
/// When the folder is missing, not writable or full. A file that was at `path` is then still there.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    Output::at(path)?.write(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole_and_leaves_no_part() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for bytes in [b"first".as_slice(), b"2"] {
            write_atomic(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        assert_eq!(names(dir.path()), ["file"]);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named_before_there_are_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let read_only = dir.path().join("read-only");
        fs::write(&read_only, "kept").unwrap();
        let mut permissions = fs::metadata(&read_only).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&read_only, permissions).unwrap();
        for (path, message) in [
            (dir.path().join("missing/file"), "missing/file: cannot be written: the folder "),
            (dir.path().to_path_buf(), "it is a folder"),
            (dir.path().join("read-only/file"), "read-only/file: cannot be written: "),
            (read_only.clone(), "it is read-only"),
            (PathBuf::new(), "not the name of a file"),
        ] {
            let found = Output::at(&path).unwrap_err().to_string();
            assert!(found.contains(message), "{found:?} lacks {message:?}");
        }
        assert_eq!(names(dir.path()), ["read-only"]);
    }

    #[test]
    fn what_is_given_up_leaves_the_file_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write_atomic(&path, b"before").unwrap();
        let output = Output::at(&path).unwrap();
        let mut writer = output.open().unwrap();
        writer.write_all(&[7; 100_000]).unwrap();
        assert_eq!(names(dir.path()).len(), 2, "the part is there");
        drop(writer);
        assert_eq!((names(dir.path()), fs::read(&path).unwrap()), (vec!["file".to_owned()], b"before".to_vec()));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_stay() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("folder");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("there"), "before").unwrap();
        symlink("folder/there", dir.path().join("link")).unwrap();
        symlink("link", dir.path().join("second")).unwrap();
        symlink("folder/not yet", dir.path().join("dangling")).unwrap();
        symlink("circle", dir.path().join("circle")).unwrap();
        for (link, file) in [("link", "there"), ("second", "there"), ("dangling", "not yet")] {
            write_atomic(&dir.path().join(link), link.as_bytes()).unwrap();
            assert_eq!(fs::read(folder.join(file)).unwrap(), link.as_bytes());
            assert!(dir.path().join(link).is_symlink(), "{link} is no link any more");
        }
        assert!(write_atomic(&dir.path().join("circle"), b"").is_err());
        assert_eq!(names(&folder), ["not yet", "there"]);
    }

    #[cfg(unix)]
    #[test]
    fn the_permissions_of_a_file_stay() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "before").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write_atomic(&path, b"after").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
