//! Where the levels of many pictures are: in memory, or, where they are more than that may take, in a file beside the run.

use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::array::Bytes;
use super::report::Report;
use crate::data::DataError;
use crate::image::{ImageSource, Images};
use crate::output::write_atomic;

/// Levels of some pictures, all of one size. Copies share them.
#[derive(Clone)]
pub struct Pictures {
    levels_of_all: Arc<Bytes>,
    /// Which of them, in this order.
    chosen: Vec<usize>,
    /// Channels, height and width.
    shape: [usize; 3],
    levels: u16,
}

impl ImageSource for Pictures {
    fn shape(&self) -> [usize; 4] {
        let [channels, height, width] = self.shape;
        [self.chosen.len(), channels, height, width]
    }

    fn levels(&self) -> u16 {
        self.levels
    }

    fn image(&self, k: usize) -> &[u8] {
        let len = self.shape.iter().product::<usize>();
        &self.levels_of_all[self.chosen[k] * len..][..len]
    }
}

impl Pictures {
    /// All pictures of a store.
    pub fn new(levels_of_all: Bytes, shape: [usize; 3], levels: u16) -> Self {
        let count = levels_of_all.len() / shape.iter().product::<usize>();
        Self { levels_of_all: Arc::new(levels_of_all), chosen: (0..count).collect(), shape, levels }
    }

    /// Some of them.
    pub fn some(&self, which: impl IntoIterator<Item = usize>) -> Self {
        Self { chosen: which.into_iter().map(|k| self.chosen[k]).collect(), ..self.clone() }
    }
}

impl From<Images> for Pictures {
    fn from(images: Images) -> Self {
        let [_, channels, height, width] = images.shape();
        Self::new(Bytes::Memory(images.data), [channels, height, width], images.levels)
    }
}

/// Where pictures go that do not fit into memory.
#[derive(Clone, Debug)]
pub struct Cache {
    /// Folder of the cache file; it stays there for the next start.
    pub folder: PathBuf,
    /// Bytes of levels that may be in memory.
    pub memory_bytes: u64,
}

/// What stands beside a cache file once it is complete.
#[derive(Serialize, Deserialize)]
struct Complete {
    bytes: u64,
    report: Report,
}

impl Cache {
    fn paths(&self, key: &str) -> [PathBuf; 2] {
        ["levels", "json"].map(|ending| self.folder.join(format!("pictures-{key}.{ending}")))
    }

    /// The levels that were written for `key` before, and what was found when they were read.
    pub fn find(&self, key: &str) -> Option<(Bytes, Report)> {
        let [levels, record] = self.paths(key);
        let record: Complete = serde_json::from_slice(&fs::read(record).ok()?).ok()?;
        let bytes = Bytes::map(&levels).ok()?;
        (bytes.len() as u64 == record.bytes).then_some((bytes, record.report))
    }

    /// Takes levels, in memory as long as they fit.
    pub fn writer(&self, key: String) -> Writer<'_> {
        Writer { cache: self, key, memory: Vec::new(), file: None, bytes: 0 }
    }
}

/// Takes the levels of one picture after another.
pub struct Writer<'a> {
    cache: &'a Cache,
    key: String,
    memory: Vec<u8>,
    file: Option<BufWriter<File>>,
    bytes: u64,
}

impl Writer<'_> {
    fn part(&self) -> PathBuf {
        self.cache.folder.join(format!("pictures-{}.{}.part", self.key, std::process::id()))
    }

    /// # Errors
    /// When the cache file cannot be written.
    pub fn push(&mut self, levels: &[u8]) -> Result<(), DataError> {
        self.bytes += levels.len() as u64;
        if self.file.is_none() {
            self.memory.extend_from_slice(levels);
            if self.bytes <= self.cache.memory_bytes {
                return Ok(());
            }
            let path = self.part();
            fs::create_dir_all(&self.cache.folder).map_err(DataError::write(&self.cache.folder))?;
            self.file = Some(BufWriter::new(File::create(&path).map_err(DataError::write(&path))?));
            let memory = std::mem::take(&mut self.memory);
            return self.append(&memory);
        }
        self.append(levels)
    }

    fn append(&mut self, levels: &[u8]) -> Result<(), DataError> {
        let path = self.part();
        self.file.as_mut().expect("an open file").write_all(levels).map_err(DataError::write(&path))
    }

    /// The levels; `say` is told where they are if that is a file.
    ///
    /// # Errors
    /// When the cache file cannot be written.
    pub fn finish(mut self, report: &Report, say: &mut dyn FnMut(&str)) -> Result<Bytes, DataError> {
        let Some(file) = self.file.take() else { return Ok(Bytes::Memory(std::mem::take(&mut self.memory))) };
        let (part, [levels, record]) = (self.part(), self.cache.paths(&self.key));
        let whole = |file: BufWriter<File>| file.into_inner().map_err(|error| error.into_error())?.sync_all();
        whole(file).and_then(|()| fs::rename(&part, &levels)).map_err(DataError::write(&levels))?;
        let complete = Complete { bytes: self.bytes, report: report.clone() };
        let json = serde_json::to_vec(&complete).expect("plain numbers and names");
        write_atomic(&record, &json).map_err(|error| DataError::Write { path: error.path, source: error.source })?;
        say(&format!("{} MB of levels are read from {}", self.bytes >> 20, levels.display()));
        Bytes::map(&levels)
    }
}

impl Drop for Writer<'_> {
    /// A part that was not finished is of no use to anybody.
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(self.part());
        }
    }
}

/// Bytes of levels that may be in memory where nothing else was said: a gigabyte.
pub const MEMORY_BYTES: u64 = 1 << 30;

impl Cache {
    /// A cache in `folder`, for what is more than [`MEMORY_BYTES`].
    pub fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), memory_bytes: MEMORY_BYTES }
    }
}
