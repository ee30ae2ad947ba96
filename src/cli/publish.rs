//! `pixelrnn publish`: a finished model onto the page.

use super::{DeviceKind, Failure, PathBuf, load_model, read};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use pixelrnn::data::packed::pack;
use pixelrnn::data::{DatasetKind, Split, load};
use pixelrnn::grid::write_atomic;
use pixelrnn::image::Images;
use pixelrnn::likelihood::evaluate;
use pixelrnn::weights;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Test digits offered for completion, by their number in the test split, which is sorted by digit: each digit once, then
/// six more.
const EXAMPLES: [usize; 16] =
    [3367, 7501, 2635, 9568, 5367, 8434, 4635, 6300, 300, 1568, 3568, 2434, 5568, 8635, 7434, 9635];

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
    /// Where to compute the test likelihood.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceKind,
}

pub fn run(options: Options) -> Result<(), Failure> {
    let device = options.device.open()?;
    let loaded = load_model(&options.model, &device)?;
    let training = loaded.training.ok_or_else(|| format!("{}: no training record", options.model.display()))?;
    let field = |name: &str| training["config"][name].as_str().map(str::to_owned);
    let (Some(name), Some(dataset)) = (field("name"), field("dataset")) else {
        return Err(format!("{}: the training record names no data set", options.model.display()).into());
    };
    let dataset: DatasetKind = dataset.parse()?;
    let images = load(dataset, Split::Test, &options.data)?;
    let likelihood = evaluate(&loaded.model, &images, 50, &device, |_| {});
    let test = json!({
        "nats_per_image": likelihood.nats_per_image,
        "bits_per_dim": likelihood.bits_per_dim,
        "images": likelihood.images,
        "protocol": dataset.protocol(Split::Test),
    });

    let mut results = loaded.results.unwrap_or_else(|| json!({}));
    results["test"] = test.clone();
    let bytes = weights::save(&loaded.model, Some(&training), Some(&results));
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
    if dataset == DatasetKind::BinarizedMnist {
        let examples = serde_json::to_string(&examples(&images))? + "\n";
        write_atomic(&options.out.join("mnist-test-digits.json"), examples.as_bytes())?;
    }
    println!("{name}: {:.4} nats an image on the test split, {} bytes", likelihood.nats_per_image, bytes.len());
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

/// Test digits as the page reads them: bits, first pixel in the highest bit, in base 64.
fn examples(images: &Images) -> Value {
    let chosen = images.select(EXAMPLES);
    let levels: Vec<String> = (0..chosen.count).map(|k| STANDARD.encode(pack(chosen.image(k)))).collect();
    json!({ "width": images.width, "height": images.height, "indices": EXAMPLES, "levels": levels })
}
