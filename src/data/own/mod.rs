//! Pictures of one's own: folders of files and arrays, as images of the network's size and levels.
//!
//! Every picture goes the same way: read, looked at, laid over the background, made to fit, rounded to levels. A file that
//! cannot be read is left out and named; files that show the same pixels count once. Where a share of the pictures is held
//! out, what a picture shows and the run's seed decide on which side it is, so that equal images are on one side and adding
//! pictures moves none of the others far.

mod array;
mod files;
mod picture;
mod report;
mod store;

pub use picture::{MAX_PIXELS, Recipe, decode};
pub use report::{Look, Report};
pub use store::{Cache, MEMORY_BYTES, Pictures};

use image::DynamicImage;
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::dataset::{OwnConfig, Part, Paths};
use super::{DataError, Split};
use crate::image::ImageSource;
use array::Array;
use files::Files;

/// Fewer pictures than this are no set to train on.
pub const LEAST: usize = 10;
/// Pictures that are decoded before the next are begun: what is in memory at once.
const AT_ONCE: usize = 64;

/// Where the paths of a configuration are seen from, and where what does not fit into memory goes.
#[derive(Clone, Debug)]
pub struct Places {
    /// Folder that relative paths begin at.
    pub base: PathBuf,
    /// For what does not fit into memory.
    pub cache: Cache,
}

/// The pictures of one configuration, split by split; each file is read once.
pub struct OwnPictures<'a> {
    config: &'a OwnConfig,
    recipe: Recipe,
    seed: u64,
    places: Places,
    train: Option<Pictures>,
}

impl<'a> OwnPictures<'a> {
    /// Nothing is read yet. `seed` decides which pictures are held out.
    pub fn new(config: &'a OwnConfig, recipe: Recipe, seed: u64, places: Places) -> Self {
        Self { config, recipe, seed, places, train: None }
    }

    /// The pictures of a split; `say` is told what was found.
    ///
    /// # Errors
    /// When a path is not there, fewer than [`LEAST`] pictures can be used, or the configuration has no such split.
    pub fn split(&mut self, split: Split, say: &mut dyn FnMut(&str)) -> Result<Pictures, DataError> {
        let own = match split {
            Split::Train => None,
            Split::Valid => Some(&self.config.valid),
            Split::Test => match &self.config.test {
                Some(test) => Some(test),
                None => return Err(DataError::NoSplit { split }),
            },
        };
        match own {
            Some(Part::Paths(paths)) => import(paths, &self.recipe, &self.places, &format!("{split}: "), say),
            _ => {
                let all = match self.train.clone() {
                    Some(all) => all,
                    None => import(&self.config.train, &self.recipe, &self.places, "", say)?,
                };
                self.train = Some(all.clone());
                let part = held_out(&all, self.seed, self.shares());
                let chosen = part.into_iter().enumerate().filter(|&(_, part)| part == split).map(|(k, _)| k);
                let pictures = all.some(chosen);
                match pictures.shape()[0] {
                    0 => Err(DataError::TooFew { found: 0, expected: 1, what: format!("{split} split: ") }),
                    _ => Ok(pictures),
                }
            }
        }
    }

    /// Shares of the pictures to train on that validate and test.
    fn shares(&self) -> [f64; 2] {
        let share = |part: Option<&Part>| match part {
            Some(Part::Share(share)) => *share,
            _ => 0.0,
        };
        [share(Some(&self.config.valid)), share(self.config.test.as_ref())]
    }
}

/// The split of each picture. They are put in an order that follows from their levels and the seed alone; the first ones
/// validate, the next ones test, equal ones together.
fn held_out(pictures: &Pictures, seed: u64, [valid, test]: [f64; 2]) -> Vec<Split> {
    let count = pictures.shape()[0];
    let key = |k: usize| -> [u8; 16] {
        let hash = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(pictures.image(k)).finalize();
        hash[..16].try_into().expect("16 of 32 bytes")
    };
    let mut order: Vec<_> = (0..count).into_par_iter().map(|k| (key(k), k)).collect();
    order.sort_unstable();
    let mut splits = vec![Split::Train; count];
    // What is held out of few pictures is at least one; the rounding of a share such as 0.1 must not make it one more.
    let [valid, test] = [valid, test].map(|share| (share * count as f64 - 1e-9).ceil() as usize);
    let borders = [valid, valid + test];
    let mut last = None;
    for (at, &(key, k)) in order.iter().enumerate() {
        splits[k] = match last {
            Some((same, split)) if same == key => split,
            _ if at < borders[0] => Split::Valid,
            _ if at < borders[1] => Split::Test,
            _ => Split::Train,
        };
        last = Some((key, splits[k]));
    }
    splits
}

/// Reads all pictures of `paths`, or finds them as they were written to the cache file before.
fn import(
    paths: &Paths,
    recipe: &Recipe,
    places: &Places,
    prefix: &str,
    say: &mut dyn FnMut(&str),
) -> Result<Pictures, DataError> {
    let files = files::find(paths.all(), &places.base)?;
    let shape = [recipe.channels, recipe.height, recipe.width];
    let size = Some([recipe.width, recipe.height]);
    let key = key(&files, recipe);
    let (levels, report) = match places.cache.find(&key) {
        Some(found) => found,
        None => {
            let mut writer = places.cache.writer(key);
            let make = |picture: &DynamicImage| recipe.levels_of(picture);
            let report = read(&files, recipe, &make, &mut |levels| writer.push(&levels))?;
            (writer.finish(&report, say)?, report)
        }
    };
    report.lines(size).iter().for_each(|line| say(&format!("{prefix}{line}")));
    if report.transparent > 0 && recipe.background == super::dataset::Background::default() {
        say(&format!(
            "{prefix}{} pictures are transparent and lie on black; `background` sets another",
            report.transparent
        ));
    }
    if report.pictures < LEAST {
        return Err(DataError::TooFew { found: report.pictures, expected: LEAST, what: prefix.to_owned() });
    }
    Ok(Pictures::new(levels, shape, recipe.levels))
}

/// What was found in `paths`, without making anything of it.
///
/// # Errors
/// When a path is not there.
pub fn survey(paths: &Paths, base: &Path) -> Result<Report, DataError> {
    let files = files::find(paths.all(), base)?;
    // Arrays that do not tell their size are those of a network; here there is none.
    let recipe = Recipe {
        channels: 1,
        height: 28,
        width: 28,
        levels: 256,
        fit: Default::default(),
        background: Default::default(),
        threshold: None,
        transpose: false,
    };
    read(&files, &recipe, &|_: &DynamicImage| (), &mut |()| Ok(()))
}

/// Decodes all pictures in their order, several at once, and hands what `make` makes of each to `take`.
fn read<T: Send>(
    files: &Files,
    recipe: &Recipe,
    make: &(dyn Fn(&DynamicImage) -> T + Sync),
    take: &mut dyn FnMut(T) -> Result<(), DataError>,
) -> Result<Report, DataError> {
    let mut report = Report { others: files.others, ..Report::default() };
    let bar = ProgressBar::new(files.pictures.len() as u64).with_style(
        ProgressStyle::with_template("reading pictures {wide_bar} {pos}/{len}  {eta} left").expect("fixed"),
    );
    let mut seen = HashSet::new();
    for paths in files.pictures.chunks(AT_ONCE) {
        let decoded: Vec<_> = paths
            .par_iter()
            .map(|path| picture::decode(path).map(|picture| (pixels(&picture), Look::of(&picture), make(&picture))))
            .collect();
        for (path, decoded) in paths.iter().zip(decoded) {
            let name = path.display().to_string();
            match decoded {
                Err(why) => report.unreadable.push((name, why)),
                Ok((pixels, ..)) if !seen.insert(pixels) => report.copies += 1,
                Ok((_, look, made)) => {
                    report.add(&file_name(path), &look);
                    take(made)?;
                }
            }
        }
        bar.inc(paths.len() as u64);
    }
    bar.finish_and_clear();
    for path in &files.arrays {
        let array = Array::open(path, recipe)?;
        let name = file_name(path);
        for first in (0..array.count).step_by(AT_ONCE * 16) {
            let made: Vec<_> = (first..array.count.min(first + AT_ONCE * 16))
                .into_par_iter()
                .map(|k| {
                    let picture = array.picture(k, recipe.transpose);
                    (Look::of(&picture), make(&picture))
                })
                .collect();
            for (look, made) in made {
                report.add(&name, &look);
                take(made)?;
            }
        }
    }
    Ok(report)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// What two pictures with the same pixels have in common.
fn pixels(picture: &DynamicImage) -> [u8; 32] {
    let rgba = picture.to_rgba8();
    let size = [rgba.width(), rgba.height()].map(u32::to_le_bytes).concat();
    Sha256::new().chain_update(size).chain_update(rgba.as_raw()).finalize().into()
}

/// What the levels of these files depend on, as the name of a cache file: another size, time or recipe is another name.
fn key(files: &Files, recipe: &Recipe) -> String {
    let mut hash = Sha256::new().chain_update(serde_json::to_vec(recipe).expect("plain numbers"));
    for path in files.pictures.iter().chain(&files.arrays) {
        hash.update(path.as_os_str().as_encoded_bytes());
        if let Ok(found) = std::fs::metadata(path) {
            let modified = found.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            hash.update(found.len().to_le_bytes());
            hash.update(modified.map_or(0, |since| since.as_nanos()).to_le_bytes());
        }
    }
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
