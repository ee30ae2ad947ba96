//! The files behind the paths of a configuration, in one order on every machine.

use std::path::{Path, PathBuf};
use walkdir::WalkDir;

use crate::data::DataError;

/// Endings of the names of pictures; what is in the file is looked at when it is read.
const PICTURES: [&str; 6] = ["png", "jpg", "jpeg", "webp", "gif", "bmp"];

/// What a path stands for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// One picture each.
    pub pictures: Vec<PathBuf>,
    /// Many pictures each: `.npy` and idx files.
    pub arrays: Vec<PathBuf>,
    /// Files in folders that are no pictures by their names.
    pub others: usize,
}

/// The files of `paths`, which are seen from `base`: of a folder all pictures in it and in the folders inside it.
///
/// # Errors
/// When a path is not there or a folder cannot be read.
pub fn find(paths: &[String], base: &Path) -> Result<Files, DataError> {
    let mut files = Files::default();
    for path in paths.iter().map(|path| base.join(path)) {
        let kind = std::fs::metadata(&path).map_err(DataError::read(&path))?;
        if !kind.is_dir() {
            let list = if is_picture(&path) { &mut files.pictures } else { &mut files.arrays };
            list.push(path);
            continue;
        }
        // Sorted, because folders list their files in any order; hidden ones are none of the user's pictures.
        let hidden = |entry: &walkdir::DirEntry| entry.depth() > 0 && entry.file_name().as_encoded_bytes()[0] == b'.';
        let walk = WalkDir::new(&path).follow_links(true).sort_by_file_name();
        for entry in walk.into_iter().filter_entry(|entry| !hidden(entry)) {
            let entry = entry.map_err(|error| {
                let path = error.path().unwrap_or(&path).to_path_buf();
                DataError::Read { path, source: error.into() }
            })?;
            if entry.file_type().is_dir() {
                continue;
            }
            match is_picture(entry.path()) {
                true => files.pictures.push(entry.into_path()),
                false => files.others += 1,
            }
        }
    }
    Ok(files)
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    PICTURES.contains(&ending.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_in_order_and_files_known_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.PNG", "a/c.jpeg", "a/notes.txt", ".hidden.png", ".git/d.png", "set.npy", "train-images.gz"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let found = find(&[".".into(), "set.npy".into(), "train-images.gz".into()], folder.path()).unwrap();
        let names = |paths: &[PathBuf]| -> Vec<String> {
            let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
            paths.iter().map(name).collect()
        };
        assert_eq!(names(&found.pictures), ["c.jpeg", "b.PNG"]);
        assert_eq!(names(&found.arrays), ["set.npy", "train-images.gz"]);
        assert_eq!(found.others, 3);
        let error = find(&["missing".into()], folder.path()).unwrap_err().to_string();
        assert!(error.contains("missing: cannot be read"), "{error:?}");
    }
}
