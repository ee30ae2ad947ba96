//! `pixelrnn publish`: a finished model onto the page.

use super::score::{BATCH, Measured, described, measured, run_of};
use super::{DeviceKind, Failure, PathBuf, load_model, make_folder, read_text};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use pixelrnn::data::dataset::DatasetConfig;
use pixelrnn::data::packed::pack;
use pixelrnn::data::{DatasetKind, Split};
use pixelrnn::grid::Grid;
use pixelrnn::image::{ImageSource, Images};
use pixelrnn::likelihood::evaluate;
use pixelrnn::output::{Output, write_atomic};
use pixelrnn::train::{NAME_RULE, is_name};
use pixelrnn::weights::{self, Precision};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Pictures offered for completion.
const EXAMPLES: usize = 16;

/// Test digits offered for completion, by their number in the test split, which is sorted by digit: each digit once, then
/// six more.
const DIGITS: [usize; EXAMPLES] =
    [3367, 7501, 2635, 9568, 5367, 8434, 4635, 6300, 300, 1568, 3568, 2434, 5568, 8635, 7434, 9635];

/// Test photographs offered for completion, by their number in the test split.
const PHOTOGRAPHS: [usize; EXAMPLES] = [44, 29, 48, 54, 23, 24, 36, 25, 9, 46, 10, 7, 13, 55, 38, 16];

#[derive(clap::Args)]
pub struct Options {
    /// Weights file of a training run.
    #[arg(long)]
    model: PathBuf,
    /// Folder of the data sets; for pictures of your own the folder that their paths begin at.
    #[arg(long)]
    data: PathBuf,
    /// Folder of the page's models.
    #[arg(long, default_value = "www/models")]
    out: PathBuf,
    /// Title of the network on the page.
    #[arg(long)]
    title: String,
    /// Title of its data set on the page; by default the one that is there, or the set's name.
    #[arg(long)]
    set_title: Option<String>,
    /// Where the pictures of the set come from and under which licence, one line on the page.
    #[arg(long)]
    credit: Option<String>,
    /// Write 16-bit numbers, half the download; what that costs in likelihood on the validation split is printed.
    #[arg(long)]
    half: bool,
    /// Where to compute the likelihoods.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceKind,
}

pub fn run(options: Options) -> Result<(), Failure> {
    let device = options.device.open()?;
    let mut loaded = load_model(&options.model, &device)?;
    let training = loaded.training.ok_or_else(|| format!("{}: no training record", options.model.display()))?;
    let Some(name) = training["config"]["name"].as_str() else {
        return Err(format!("{}: the training record has no name", options.model.display()).into());
    };
    // The name becomes that of a file, and the weights may be somebody else's.
    if !is_name(name) {
        let path = options.model.display();
        return Err(format!("{path}: training record: name {name:?} found, {NAME_RULE} expected").into());
    }
    let run = run_of(Some(&training), &loaded.model.config, None);
    make_folder(&options.out)?;
    let index_path = options.out.join("index.json");
    let index_output = Output::at(&index_path)?;
    let mut index = read_index(&index_path)?;

    let mut results = loaded.results.unwrap_or_else(|| json!({}));
    let precision = if options.half { Precision::F16 } else { Precision::F32 };
    let valid = measured(&run, Split::Valid, &options.data)?;
    let mut likelihood = evaluate(&loaded.model, &valid.pictures, BATCH, &device, |_| {});
    if options.half {
        let before = likelihood.bits_per_dim;
        loaded.model = weights::load(&weights::save_as(precision, &loaded.model, None, None), &device)?.model;
        likelihood = evaluate(&loaded.model, &valid.pictures, BATCH, &device, |_| {});
        println!(
            "{name}: validation {before:.5} bits a dimension as trained, {:.5} as 16-bit numbers",
            likelihood.bits_per_dim
        );
    }
    results["valid"] = described(&likelihood, &valid.protocol);
    // Pictures of one's own need not have a test split.
    let (mut shown, mut split) = (valid, Split::Valid);
    if !matches!(&run.dataset, DatasetConfig::Own(own) if own.test.is_none()) {
        (shown, split) = (measured(&run, Split::Test, &options.data)?, Split::Test);
        likelihood = evaluate(&loaded.model, &shown.pictures, BATCH, &device, |_| {});
        results["test"] = described(&likelihood, &shown.protocol);
    }
    let Measured { pictures: shown, foreign, .. } = shown;
    // Other pictures in the files of a known set are a set of their own.
    let kind = run.dataset.kind().filter(|_| foreign.is_none());
    let set_name = foreign.map_or_else(|| run.dataset.name(), |foreign| foreign.name());

    let bytes = weights::save_as(precision, &loaded.model, Some(&training), Some(&results));
    let entry = json!({
        "name": name,
        "title": options.title,
        "set": set_name,
        "file": format!("{name}.safetensors"),
        "bytes": bytes.len(),
        "sha256": Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        "config": loaded.model.config,
        "parameters": loaded.model.config.parameters(),
        "valid_nll": results["valid"],
        "test_nll": results["test"],
        "training": training,
    });
    let chosen = match kind {
        Some(DatasetKind::Cifar10) => PHOTOGRAPHS.to_vec(),
        Some(_) => DIGITS.to_vec(),
        None => spread(shown.shape()[0]),
    };
    let (set, examples, picture) = set_of(&set_name, kind, split, &shown.select(chosen.iter().copied()), &chosen)?;

    // The list is written last: until then nothing on the page is changed but files that it does not name yet.
    let write = |file: &Value, bytes: &[u8]| write_atomic(&options.out.join(file.as_str().unwrap_or_default()), bytes);
    write(&entry["file"], &bytes)?;
    write(&set["examples"], (serde_json::to_string(&examples)? + "\n").as_bytes())?;
    write(&set["picture"], &picture)?;
    let told = [("title", options.set_title), ("credit", options.credit)];
    add_set(&mut index, set, told);
    put(&mut index, "models", entry);
    index_output.write((serde_json::to_string_pretty(&index)? + "\n").as_bytes())?;
    println!(
        "{name}: {:.4} nats an image, {:.5} bits a dimension on the {split} split, {} bytes",
        likelihood.nats_per_image,
        likelihood.bits_per_dim,
        bytes.len()
    );
    Ok(())
}

/// The list of the page's models, with a list of models and one of sets in it.
fn read_index(path: &Path) -> Result<Map<String, Value>, Failure> {
    let mut index: Map<String, Value> = match path.exists() {
        true => serde_json::from_str(&read_text(path)?).map_err(|error| format!("{}: {error}", path.display()))?,
        false => Map::new(),
    };
    for list in ["sets", "models"] {
        if !index.entry(list).or_insert_with(|| json!([])).is_array() {
            return Err(format!("{}: `{list}` is no list", path.display()).into());
        }
    }
    Ok(index)
}

/// Adds `entry`, or puts it in the place of the one of the same name.
fn put(index: &mut Map<String, Value>, list: &str, entry: Value) {
    let entries = index[list].as_array_mut().expect("a list, as read_index makes sure");
    match entries.iter_mut().find(|one| one["name"] == entry["name"]) {
        Some(one) => *one = entry,
        None => entries.push(entry),
    }
}

/// Adds a set. What was said of it before stays, where nothing new is said.
fn add_set(index: &mut Map<String, Value>, mut set: Value, told: [(&str, Option<String>); 2]) {
    let known = index["sets"].as_array().and_then(|sets| sets.iter().find(|one| one["name"] == set["name"])).cloned();
    for (field, told) in told {
        let known = known.as_ref().map(|known| known[field].clone()).filter(|text| !text.is_null());
        if let Some(text) = told.map(Value::from).or(known) {
            set[field] = text;
        }
    }
    put(index, "sets", set);
}

/// What the page is told of a set, the pictures it offers for completion, and a PNG of four of them.
fn set_of(
    name: &str,
    kind: Option<DatasetKind>,
    split: Split,
    examples: &Images,
    indices: &[usize],
) -> Result<(Value, Value, Vec<u8>), Failure> {
    let own = uppercase(name);
    let (title, about, one_of, file) = match kind {
        Some(DatasetKind::BinarizedMnist) => {
            ("Digits", "binarized MNIST, ", "MNIST", "mnist-test-digits.json".to_owned())
        }
        Some(DatasetKind::Mnist) => ("Grey digits", "MNIST, ", "MNIST", format!("{name}-examples.json")),
        Some(DatasetKind::Cifar10) => ("Photographs", "CIFAR-10, ", "CIFAR-10", "cifar10-test-images.json".to_owned()),
        None => (own.as_str(), "", own.as_str(), format!("{name}-examples.json")),
    };
    let Images { width, height, channels, levels, .. } = *examples;
    let colours = match (channels, levels) {
        (3, 256) => "in colour".to_owned(),
        (3, _) => format!("{levels} levels a colour"),
        (_, 2) => "black and white".to_owned(),
        (_, 256) => "in grey".to_owned(),
        (_, _) => format!("{levels} levels of grey"),
    };
    let split = if split == Split::Test { "test" } else { "validation" };
    let set = json!({
        "name": name,
        "title": title,
        "about": format!("{about}{width} × {height}, {colours}"),
        "picture": format!("{name}.png"),
        "examples": file,
        "example": format!("{one_of} {split} image"),
    });
    let packed = |k: usize| match levels {
        2 => pack(examples.image(k)),
        _ => examples.image(k).to_vec(),
    };
    let encoded: Vec<String> = (0..examples.count).map(|k| STANDARD.encode(packed(k))).collect();
    let examples_file = json!({
        "width": width, "height": height, "channels": channels, "value_levels": levels, "indices": indices,
        "levels": encoded,
    });
    let four = examples.select(0..examples.count.min(4));
    let picture = Grid { columns: Some(2), scale: 1, gap: 0 }.png(&four)?;
    Ok((set, examples_file, picture))
}

fn uppercase(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

/// Numbers of pictures, as far from one another as there are.
fn spread(count: usize) -> Vec<usize> {
    let chosen = EXAMPLES.min(count);
    (0..chosen).map(|k| k * count / chosen).collect()
}
