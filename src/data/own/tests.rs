use super::*;
use crate::data::dataset::{DatasetConfig, Fit};
use image::GrayImage;

fn recipe() -> Recipe {
    let background = super::super::dataset::Background([255; 3]);
    Recipe {
        channels: 1,
        height: 4,
        width: 4,
        levels: 256,
        fit: Fit::Crop,
        background,
        threshold: None,
        transpose: false,
    }
}

/// A folder of so many pictures of 4 × 4, each of another brightness.
fn folder(count: u8) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for k in 0..count {
        save(&folder, &format!("{k:03}.png"), k, 4);
    }
    folder
}

fn save(folder: &tempfile::TempDir, name: &str, brightness: u8, width: u32) {
    GrayImage::from_pixel(width, 4, image::Luma([brightness])).save(folder.path().join(name)).unwrap();
}

fn own(json: serde_json::Value) -> OwnConfig {
    match serde_json::from_value(json).unwrap() {
        DatasetConfig::Own(own) => *own,
        other => panic!("{other:?}"),
    }
}

fn places(folder: &Path) -> Places {
    Places { base: folder.to_path_buf(), cache: Cache::in_folder(folder) }
}

/// The brightness of each picture of a split, and what was said.
fn read_split(config: &OwnConfig, places: &Places, seed: u64, split: Split) -> Result<(Vec<u8>, Vec<String>), String> {
    let mut said = Vec::new();
    let mut pictures = OwnPictures::new(config, recipe(), seed, places.clone());
    let found = pictures.split(split, &mut |line| said.push(line.to_owned())).map_err(|error| error.to_string())?;
    Ok(((0..found.shape()[0]).map(|k| found.image(k)[0]).collect(), said))
}

#[test]
fn shares_are_apart_whole_and_the_same_each_time() {
    let folder = folder(40);
    let config = own(serde_json::json!({"train": ".", "valid": 0.2, "test": 0.1}));
    let splits = |seed| {
        [Split::Train, Split::Valid, Split::Test]
            .map(|split| read_split(&config, &places(folder.path()), seed, split).unwrap().0)
    };
    let found = splits(7);
    assert_eq!(found.each_ref().map(Vec::len), [28, 8, 4]);
    let mut all = found.concat();
    all.sort_unstable();
    assert_eq!(all, (0..40).collect::<Vec<u8>>());
    assert_eq!(splits(7), found);
    assert_ne!(splits(8)[1], found[1]);
}

#[test]
fn copies_count_once_and_pictures_that_become_equal_are_on_one_side() {
    let folder = folder(12);
    save(&folder, "copy.png", 3, 4);
    // Wider ones of the same brightness: other files, but the same images when they fit.
    for k in 0..12 {
        save(&folder, &format!("wide{k:03}.bmp"), k, 8);
    }
    let config = own(serde_json::json!({"train": ".", "valid": 0.3}));
    for seed in 0..20 {
        let (train, said) = read_split(&config, &places(folder.path()), seed, Split::Train).unwrap();
        let (valid, _) = read_split(&config, &places(folder.path()), seed, Split::Valid).unwrap();
        assert_eq!(train.len() + valid.len(), 24);
        assert!(valid.iter().all(|brightness| !train.contains(brightness)), "seed {seed}: {valid:?} and {train:?}");
        assert!(said.iter().any(|line| line == "left out, the same pixels as another: 1 file"), "{said:?}");
        let sizes = "24 pictures: 12 of 4×4 (000.png, ...), 12 of 8×4 (wide000.bmp, ...), made to fit 4×4";
        assert!(said.iter().any(|line| line == sizes), "{said:?}");
    }
}

#[test]
fn broken_files_are_named_and_the_rest_goes_on() {
    let folder = folder(11);
    std::fs::write(folder.path().join("000.png"), "").unwrap();
    std::fs::write(folder.path().join("photo.jpg"), "<html>").unwrap();
    let config = own(serde_json::json!({"train": "."}));
    let (_, said) = read_split(&config, &places(folder.path()), 1, Split::Train).unwrap();
    assert!(said.contains(&"left out, cannot be read: 2 files".to_owned()), "{said:?}");
    for line in ["000.png: an empty file found", "photo.jpg: a web page found"] {
        assert!(said.iter().any(|said| said.contains(line)), "{said:?} lacks {line:?}");
    }
    std::fs::remove_file(folder.path().join("001.png")).unwrap();
    let error = read_split(&config, &places(folder.path()), 1, Split::Train).unwrap_err();
    assert_eq!(error, "9 pictures can be used, at least 10 expected");
}

#[test]
fn splits_of_their_own_are_read_and_those_not_there_named() {
    let (train, valid) = (folder(12), folder(10));
    let config = own(serde_json::json!({"train": ".", "valid": valid.path()}));
    assert_eq!(read_split(&config, &places(train.path()), 1, Split::Train).unwrap().0.len(), 12);
    assert_eq!(read_split(&config, &places(train.path()), 1, Split::Valid).unwrap().0.len(), 10);
    let error = read_split(&config, &places(train.path()), 1, Split::Test).unwrap_err();
    assert!(error.contains("`dataset.test` expected"), "{error:?}");
}

#[test]
fn what_does_not_fit_into_memory_is_read_from_a_file_that_is_used_again() {
    let folder = folder(20);
    let cache = tempfile::tempdir().unwrap();
    let config = own(serde_json::json!({"train": "."}));
    let small = Cache { folder: cache.path().join("run"), memory_bytes: 50 };
    let places_of = |cache: Cache| Places { base: folder.path().to_path_buf(), cache };
    let in_memory = read_split(&config, &places(folder.path()), 1, Split::Train).unwrap().0;
    let (from_file, said) = read_split(&config, &places_of(small.clone()), 1, Split::Train).unwrap();
    assert_eq!(from_file, in_memory);
    assert!(said[0].contains("levels are read from"), "{said:?}");
    let files = || std::fs::read_dir(cache.path().join("run")).unwrap().count();
    assert_eq!(files(), 2);
    // The pictures themselves are not needed again, as long as they are the same: nothing is said of reading them.
    let (again, said) = read_split(&config, &places_of(small.clone()), 1, Split::Train).unwrap();
    assert_eq!((again, said.len(), files()), (in_memory, 1, 2));
    save(&folder, "other.png", 200, 4);
    let (more, _) = read_split(&config, &places_of(small), 1, Split::Train).unwrap();
    assert_eq!((more.len(), files()), (18, 4));
}

#[test]
fn arrays_and_folders_are_taken_together() {
    let folder = folder(10);
    let array = crate::npy::write_u8(&[2, 4, 4], &[200; 32]);
    std::fs::write(folder.path().join("more.npy"), array).unwrap();
    let config = own(serde_json::json!({"train": [".", "more.npy"], "valid": 0.1}));
    let (train, _) = read_split(&config, &places(folder.path()), 1, Split::Train).unwrap();
    let (valid, _) = read_split(&config, &places(folder.path()), 1, Split::Valid).unwrap();
    assert_eq!(train.len() + valid.len(), 12);
}

#[test]
fn a_survey_counts_what_a_configuration_is_chosen_by() {
    let folder = folder(10);
    let mut icon = image::RgbaImage::from_pixel(6, 6, image::Rgba([255, 0, 0, 255]));
    icon.put_pixel(3, 3, image::Rgba([0, 0, 0, 0]));
    icon.save(folder.path().join("icon.png")).unwrap();
    let report = survey(&Paths::One(".".into()), folder.path()).unwrap();
    assert_eq!((report.pictures, report.transparent, report.colourful), (11, 1, 1));
    assert_eq!(report.brightnesses(), 11);
    assert_eq!(report.sizes_by_count()[0].0, [4, 4]);
    assert_eq!(report.edges.iter().find(|(color, _)| *color == [255, 0, 0]), Some(&([255, 0, 0], 1)));
    assert_eq!(report.rounding_error(256), 0.0);
    assert!(report.rounding_error(2) > 0.01);
}
