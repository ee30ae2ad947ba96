//! Pictures of one's own through the program: from a folder to a network on the page, and what is said on the way.

use crate::cli::{Folder, fail, succeed, succeed_telling};
use crate::common::{data_trial, trial};
use image::{GrayImage, Luma, Rgb, RgbImage};
use libtest_mimic::Trial;
use pixelrnn::data::own::Cache;
use pixelrnn::data::{DatasetKind, Split, Validation, load_mnist_training, load_split};
use pixelrnn::image::ImageSource;
use pixelrnn::npy;
use pixelrnn::train::{RunData, TrainConfig, TrainingImages};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("cli::a_folder_of_pictures_becomes_a_network_on_the_page", folder_to_page),
        trial("cli::weights_to_begin_with_are_those_of_the_same_network", begins_with_weights),
        trial("cli::own_arrays_are_split_as_the_configuration_says", own_arrays_are_split),
        data_trial("cli::images_behind_the_validation_split_are_not_trained_on", "mnist", origins_are_left_out),
    ]
}

/// So many pictures of 12 × 10 pixels: a bright bar on dark ground, somewhere.
fn pictures(folder: &Folder, count: u32) {
    fs::create_dir_all(folder.path("cats/more")).expect("a folder");
    for k in 0..count {
        let bar = |x: u32, y: u32| if (x + k).is_multiple_of(6) { 200 + (y * 5) as u8 } else { (k % 7) as u8 };
        let name = if k % 2 == 0 { format!("cats/{k}.png") } else { format!("cats/more/{k}.bmp") };
        let picture = RgbImage::from_fn(12, 10, |x, y| Rgb([bar(x, y), bar(x, y), (k % 5) as u8 * 20]));
        picture.save(folder.path(&name)).expect("written");
    }
}

fn folder_to_page() {
    let folder = Folder::new();
    pictures(&folder, 40);
    folder.write("cats/broken.jpg", b"<html>");
    let [cats, config, run, page] = ["cats", "cats.json", "cats.run", "page"].map(|name| folder.arg(name));
    let new = ["new", "--from", &cats, "--out", &config, "--time", "30s", "--device", "cpu"];
    let (said, _) = succeed_telling(&new);
    for part in [
        "40 pictures of 12×10",
        "left out, cannot be read: 1 file\n",
        "broken.jpg: a web page found",
        "colours: 40 of 40 pictures have any: rgb",
        "size: 12×10",
        "network: ",
        "pixelrnn train --config",
    ] {
        assert!(said.contains(part), "{said:?} lacks {part:?}");
    }
    fail(&new, &["cats.json is there already"]);

    // What was written trains as it stands; a test has no half a minute for it.
    let mut written: Value = serde_json::from_slice(&folder.read("cats.json")).expect("JSON");
    assert_eq!((&written["dataset"]["train"], &written["name"]), (&json!("cats"), &json!("cats")));
    written["epochs"] = 1.into();
    written["model"]["h"] = 4.into();
    written["model"]["layers"] = 1.into();
    folder.write("cats.json", written.to_string().as_bytes());
    let (_, told) = succeed_telling(&["train", "--config", &config, "--out", &run, "--device", "cpu"]);
    assert!(told.contains("broken.jpg: a web page found"), "{told}");
    assert!(told.ends_with("36 images to train on, 4 to validate, on the CPU\n"), "{told}");
    assert!(folder.read("cats.run/samples.png").starts_with(b"\x89PNG"));

    let weights = folder.arg("cats.run/best.safetensors");
    let data = folder.arg("");
    let measured = ["--model", &weights, "--data", &data];
    let eval = [&["eval", "--json", "--split", "valid"][..], &measured].concat();
    let found: Value = serde_json::from_str(&succeed_telling(&eval).0).expect("one object");
    let protocol = "cats, valid split, 10 % of the pictures, held out by their content";
    assert_eq!((&found["images"], &found["protocol"]), (&json!(4), &json!(protocol)));
    let test = crate::cli::pixelrnn(&[&["eval"][..], &measured].concat());
    assert!(test.stderr.contains("the configuration names no test split"), "{}", test.stderr);

    let more = ["--out", &page, "--title", "Diagonal BiLSTM", "--set-title", "Cats", "--credit", "Mine, CC0"];
    succeed_telling(&[&["publish"][..], &measured, &more].concat());
    // Published again with nothing said of the set: what was said stays.
    succeed_telling(&[&["publish"][..], &measured, &more[..4]].concat());
    let index: Value = serde_json::from_slice(&folder.read("page/index.json")).expect("JSON");
    let set = &index["sets"][0];
    assert_eq!(index["sets"].as_array().map(Vec::len), Some(1));
    for (field, text) in [
        ("name", "cats"),
        ("title", "Cats"),
        ("credit", "Mine, CC0"),
        ("picture", "cats.png"),
        ("examples", "cats-examples.json"),
        ("example", "Cats validation image"),
    ] {
        assert_eq!(set[field], text, "{field}");
    }
    let model = &index["models"][0];
    assert_eq!((&model["set"], &model["test_nll"], &model["valid_nll"]), (&json!("cats"), &Value::Null, &found));
    let examples: Value = serde_json::from_slice(&folder.read("page/cats-examples.json")).expect("JSON");
    assert_eq!(examples["levels"].as_array().map(Vec::len), Some(4));
    let picture = image::load_from_memory(&folder.read("page/cats.png")).expect("a PNG");
    assert_eq!((picture.width(), picture.height()), (24, 20));
}

/// A run on the pictures of a made-up array, on one core's worth of network.
fn run(dataset: Value, levels: u16, network: &str) -> Value {
    json!({
        "name": "tiny", "dataset": dataset, "batch": 8, "epochs": 1, "optimizer": "adam",
        "learning_rate": 0.01, "final_learning_rate": 0.001, "seed": 3,
        "model": {"network": network, "channels": 1, "levels": levels, "height": 6, "width": 5, "layers": 1, "h": 3,
                  "head": 4, "skip": true},
    })
}

/// An array of pictures of 6 × 5, no two alike.
fn array(folder: &Folder, name: &str, count: usize) {
    let data: Vec<u8> = (0..count * 30).map(|k| (k / 30 * 5 + k % 30 * 7 % 11) as u8).collect();
    folder.write(name, &npy::write_u8(&[count, 6, 5], &data));
}

fn begins_with_weights() {
    let folder = Folder::new();
    array(&folder, "set.npy", 30);
    let first = run(json!({"train": "set.npy"}), 256, "pixelcnn");
    let config = folder.write("first.json", first.to_string().as_bytes());
    let [out, more, other] = ["out", "more", "other"].map(|name| folder.arg(name));
    succeed_telling(&["train", "--config", &config, "--out", &out, "--device", "cpu"]);
    let weights = folder.arg("out/best.safetensors");
    let from = ["--from", &weights, "--device", "cpu"];

    succeed_telling(&[&["train", "--config", &config, "--out", &more][..], &from].concat());
    let info: Value =
        serde_json::from_str(&succeed(&["info", "--json", "--model", &folder.arg("more/best.safetensors")]))
            .expect("one object");
    let record = &info["training"]["from"];
    assert_eq!((&record["file"], &record["training"]["epochs"]), (&json!("best.safetensors"), &json!(1)));
    let valid = |out: &str| -> f64 {
        let text = String::from_utf8(folder.read(&format!("{out}/metrics.jsonl"))).expect("UTF-8");
        serde_json::from_str::<Value>(&text).expect("one record")["valid_nats"].as_f64().expect("a number")
    };
    assert!(valid("more") < valid("out"), "a second pass is better than the first");

    // Continued, it is still known where it began.
    let mut longer = first.clone();
    longer["epochs"] = 2.into();
    folder.write("first.json", longer.to_string().as_bytes());
    succeed_telling(&["train", "--config", &config, "--out", &more, "--device", "cpu", "--resume"]);
    let info = succeed(&["info", "--json", "--model", &folder.arg("more/best.safetensors")]);
    assert!(info.contains("\"sha256\""), "{info}");

    let row = folder.write("row.json", run(json!({"train": "set.npy"}), 256, "row_lstm").to_string().as_bytes());
    let refused = [&["train", "--config", &row, "--out", &other][..], &from].concat();
    let told = crate::cli::pixelrnn(&refused).stderr;
    let expected =
        "best.safetensors: its network differs: `network` is \"pixelcnn\" there, \"row_lstm\" in the configuration";
    assert!(told.contains(expected), "{told}");
    assert_eq!(crate::cli::pixelrnn(&[&refused[..], &["--resume"]].concat()).code, Some(2), "one or the other");
}

fn own_arrays_are_split() {
    let folder = Folder::new();
    array(&folder, "set.npy", 50);
    GrayImage::from_pixel(5, 6, Luma([9])).save(folder.path("one.png")).expect("written");
    let dataset = json!({"train": ["set.npy", "one.png"], "valid": 0.2, "test": 0.1, "binarize": "bernoulli"});
    let config = TrainConfig::from_json(&run(dataset, 2, "pixelcnn").to_string()).expect("a good configuration");
    let base = folder.path("");
    let data = || RunData::new(&config, &base, Cache::in_folder(&base));
    let mut said = Vec::new();
    let train = data().training(&mut |line| said.push(line.to_owned())).expect("read");
    assert!(said.contains(&"51 pictures of 5×6".to_owned()), "{said:?}");
    let measured = |split| data().measured(split, &mut |_| ()).expect("read");
    let [valid, test] = [Split::Valid, Split::Test].map(measured);
    assert_eq!([train.count(), valid.shape()[0], test.shape()[0]], [34, 11, 6]);
    // Trained on draws that differ from pass to pass, validated on ones that do not.
    let chosen: Vec<usize> = (0..34).collect();
    let batches = [0, 0, 1].map(|epoch| train.batch(epoch, &chosen));
    assert_eq!((batches[0].levels, valid.levels()), (2, 2));
    assert!(batches[0] == batches[1] && batches[0] != batches[2]);
    let levels = |pictures: &dyn Fn(usize) -> Vec<u8>| (0..11).flat_map(pictures).collect::<Vec<u8>>();
    let again = measured(Split::Valid);
    assert_eq!(levels(&|k| valid.image(k).to_vec()), levels(&|k| again.image(k).to_vec()));
}

/// Of the grey images that are trained on, none can have given a validation image as likely as those left out.
fn origins_are_left_out(data: &Path) {
    let dataset = json!({"name": "binarized-mnist", "binarize": "bernoulli"});
    let mut json = run(dataset, 2, "pixelcnn");
    json["model"]["height"] = 28.into();
    json["model"]["width"] = 28.into();
    let config = TrainConfig::from_json(&json.to_string()).expect("a good configuration");
    let train = RunData::new(&config, data, Cache::in_folder(data)).training(&mut |_| ()).expect("read");
    // The validation images have 10,000 origins; 1,695 more may have been one.
    assert_eq!(train.count(), 48_305);
    let fixed = load_split(DatasetKind::BinarizedMnist, Split::Valid, Validation::Own, data).expect("read");
    let grey = load_mnist_training(data).expect("read");
    let kept: std::collections::HashSet<&[u8]> = (0..train.count()).map(|k| train.images.image(k)).collect();
    let likelihood = |binary: &[u8], grey: &[u8]| -> f64 {
        let p =
            |(&level, &byte): (&u8, &u8)| if level == 1 { f64::from(byte) } else { 255.0 - f64::from(byte) } / 255.0;
        binary.iter().zip(grey).map(|pair| p(pair).ln()).sum()
    };
    for k in (0..fixed.count).step_by(1_000) {
        let of = |g: usize| likelihood(fixed.image(k), grey.image(g));
        let (left_out, trained): (Vec<usize>, Vec<usize>) =
            (0..grey.count).partition(|&g| !kept.contains(grey.image(g)));
        let best = |of_these: Vec<usize>| of_these.into_iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        let (left_out, trained) = (best(left_out), best(trained));
        assert!(left_out - trained >= 10.0, "validation image {k}: {left_out} left out, {trained} trained on");
    }
}
