//! `pixelrnn publish`: a finished model onto the page.

use super::score::{BATCH, described};
use super::{DeviceKind, Failure, PathBuf, load_model, read};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use pixelrnn::data::packed::pack;
use pixelrnn::data::{DatasetKind, Split, load, load_split};
use pixelrnn::grid::write_atomic;
use pixelrnn::image::Images;
use pixelrnn::likelihood::evaluate;
use pixelrnn::weights::{self, Precision};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Test digits offered for completion, by their number in the test split, which is sorted by digit: each digit once, then
/// six more.
const DIGITS: [usize; 16] =
    [3367, 7501, 2635, 9568, 5367, 8434, 4635, 6300, 300, 1568, 3568, 2434, 5568, 8635, 7434, 9635];

/// Test photographs offered for completion, by their number in the test split.
const PHOTOGRAPHS: [usize; 16] = [44, 29, 48, 54, 23, 24, 36, 25, 9, 46, 10, 7, 13, 55, 38, 16];

#[derive(clap::Args)]
pub struct Options {
    /// Weights file of a training run.
    #[arg(long)]
    model: PathBuf,
    /// Folder of the data sets.
    #[arg(long)]
    data: PathBuf,
    /// Folder of the page's models.
    #[arg(long, default_value = "www/models")]
    out: PathBuf,
    /// Title on the page.
    #[arg(long)]
    title: String,
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
    let field = |name: &str| training["config"][name].as_str().map(str::to_owned);
    let (Some(name), Some(dataset)) = (field("name"), field("dataset")) else {
        return Err(format!("{}: the training record names no data set", options.model.display()).into());
    };
    let dataset: DatasetKind = dataset.parse()?;
    let images = load(dataset, Split::Test, &options.data)?;
    let mut results = loaded.results.unwrap_or_else(|| json!({}));
    let precision = if options.half { Precision::F16 } else { Precision::F32 };
    if options.half {
        let validation = training["config"]["validation"].as_str().map(str::parse).transpose()?;
        let valid = load_split(dataset, Split::Valid, validation.unwrap_or(dataset.validation()), &options.data)?;
        let before = evaluate(&loaded.model, &valid, BATCH, &device, |_| {});
        loaded.model = weights::load(&weights::save_as(precision, &loaded.model, None, None), &device)?.model;
        let after = evaluate(&loaded.model, &valid, BATCH, &device, |_| {});
        results["valid"] = described(&after, &dataset.protocol(Split::Valid));
        println!(
            "{name}: validation {:.5} bits a dimension as trained, {:.5} as 16-bit numbers",
            before.bits_per_dim, after.bits_per_dim
        );
    }
    let likelihood = evaluate(&loaded.model, &images, BATCH, &device, |_| {});
    let test = described(&likelihood, &dataset.protocol(Split::Test));
    results["test"] = test.clone();
    let bytes = weights::save_as(precision, &loaded.model, Some(&training), Some(&results));
    std::fs::create_dir_all(&options.out)?;
    let file = format!("{name}.safetensors");
    write_atomic(&options.out.join(&file), &bytes)?;
    let entry = json!({
        "name": name,
        "title": options.title,
        "file": file,
        "bytes": bytes.len(),
        "sha256": Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        "config": loaded.model.config,
        "parameters": loaded.model.config.parameters(),
        "valid_nll": results["valid"],
        "test_nll": test,
        "training": training,
    });
    let index_path = options.out.join("index.json");
    write_atomic(&index_path, add(&index_path, entry)?.as_bytes())?;
    let (file, examples) = match dataset {
        DatasetKind::Cifar10 => ("cifar10-test-images.json", examples(&images, PHOTOGRAPHS, <[u8]>::to_vec)),
        DatasetKind::Mnist | DatasetKind::BinarizedMnist => (
            "mnist-test-digits.json",
            examples(&load(DatasetKind::BinarizedMnist, Split::Test, &options.data)?, DIGITS, pack),
        ),
    };
    write_atomic(&options.out.join(file), (serde_json::to_string(&examples)? + "\n").as_bytes())?;
    println!(
        "{name}: {:.4} nats an image, {:.5} bits a dimension on the test split, {} bytes",
        likelihood.nats_per_image,
        likelihood.bits_per_dim,
        bytes.len()
    );
    Ok(())
}

/// The index with `entry` added, or put in the place of the one of the same name.
fn add(path: &Path, entry: Value) -> Result<String, Failure> {
    let mut index: Map<String, Value> = match path.exists() {
        true => serde_json::from_slice(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))?,
        false => Map::new(),
    };
    let models = index.entry("models").or_insert_with(|| json!([]));
    let models = models.as_array_mut().ok_or_else(|| format!("{}: `models` is no list", path.display()))?;
    match models.iter_mut().find(|model| model["name"] == entry["name"]) {
        Some(model) => *model = entry,
        None => models.push(entry),
    }
    Ok(serde_json::to_string_pretty(&index)? + "\n")
}

/// Test images as the page reads them: in base 64, as bits, first pixel in the highest bit, or bytes.
fn examples(images: &Images, indices: [usize; 16], packed: fn(&[u8]) -> Vec<u8>) -> Value {
    let chosen = images.select(indices);
    let levels: Vec<String> = (0..chosen.count).map(|k| STANDARD.encode(packed(chosen.image(k)))).collect();
    let Images { width, height, channels, .. } = *images;
    json!({ "width": width, "height": height, "channels": channels, "indices": indices, "levels": levels })
}
