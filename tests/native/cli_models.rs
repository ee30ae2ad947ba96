//! `pixelrnn distribution` and `pixelrnn publish`, on small networks.

use crate::cli::{Folder, fail, succeed, succeed_telling};
use crate::cli_train::made_up_digits;
use crate::common::{config, model, trial};
use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::model::ModelConfig;
use pixelrnn::npy;
use pixelrnn::sample::{Plan, distribution};
use pixelrnn::weights;
use serde_json::{Value, json};
use std::fs;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("cli::distribution_gives_the_library_s_probabilities", distribution_gives_probabilities),
        trial("cli::publish_writes_halves_and_what_they_cost", publish_writes_halves),
    ]
}

fn distribution_gives_probabilities() {
    let folder = Folder::new();
    let model = model(&config(3, 256, [3, 4]), 6);
    let file = folder.write("colour.safetensors", &weights::save(&model, None, None));
    let levels: Vec<u8> = (0..2 * 36).map(|k| (k * 53 % 256) as u8).collect();
    let images = folder.write("images.npy", &npy::write_u8(&[2, 3, 3, 4], &levels));
    let out = folder.arg("out.npy");
    let place = ["--row", "1", "--column", "2", "--channel", "1"];
    let common = ["distribution", "--model", &file, "--images", &images];

    let printed = succeed(&[&common[..], &place, &["--json", "--out", &out]].concat());
    let printed: Value = serde_json::from_str(&printed).expect("one JSON object");
    let plans = Plan::of(&model);
    let expected: Vec<Vec<f32>> =
        levels.chunks(36).map(|image| distribution(&plans, image, [1, 1, 2]).expect("a place of the image")).collect();
    assert_eq!(printed["place"], json!({ "row": 1, "column": 2, "channel": 1 }));
    // Read as 32-bit numbers again, they are the same ones.
    let found: Vec<Vec<f32>> = serde_json::from_value(printed["probabilities"].clone()).expect("numbers");
    assert!(found == expected, "the probabilities printed are not the library's");
    let bytes = fs::read(folder.path("out.npy")).expect("written");
    assert_eq!(bytes, npy::write_f32(&[2, 256], &expected.concat()));

    // For people: one line an image, the level in that place with its probability.
    let text = succeed(&[&common[..], &place].concat());
    let own = levels[(3 + 1) * 4 + 2];
    let start = format!("image 0: level {own} has {:.4}", expected[0][usize::from(own)]);
    assert!(text.lines().count() == 2 && text.starts_with(&start), "{text:?} and {start:?}");
    for (argument, value, message) in [("--row", "3", "row: found 3, expected 0 to 2"), ("--channel", "3", "channel")] {
        let mut bad = place;
        bad[place.iter().position(|&name| name == argument).expect("given") + 1] = value;
        fail(&[&common[..], &bad].concat(), &[message]);
    }
}

fn publish_writes_halves() {
    let folder = Folder::new();
    made_up_digits(&folder);
    let model = model(&ModelConfig { layers: 1, h: 2, head: 2, ..config(1, 2, [28, 28]) }, 8);
    let training = json!({ "config": { "name": "tiny", "dataset": "binarized-mnist" }, "epochs": 1 });
    let file = folder.write("best.safetensors", &weights::save(&model, Some(&training), None));
    let [data, page] = ["", "page"].map(|name| folder.arg(name));
    let publish = |more: &[&str]| {
        let common = ["publish", "--model", &file, "--data", &data, "--out", &page, "--title", "Tiny"];
        succeed_telling(&[&common[..], more].concat()).0
    };
    let entry = || {
        let index: Value = serde_json::from_slice(&fs::read(folder.path("page/index.json")).expect("written")).unwrap();
        assert_eq!(index["models"].as_array().map(Vec::len), Some(1), "published again, in the same place");
        index["models"][0].clone()
    };

    publish(&[]);
    let whole = entry();
    let printed = publish(&["--half"]);
    let halves = entry();
    assert!(printed.contains("bits a dimension as trained, ") && printed.contains("as 16-bit numbers"), "{printed:?}");
    let bytes = |entry: &Value| entry["bytes"].as_u64().expect("a number");
    let saved = bytes(&whole) - bytes(&halves);
    let parameters = model.config.parameters() as u64;
    // Two bytes a weight, give or take the header, which names the validation likelihood too.
    assert!(saved.abs_diff(2 * parameters) < 400, "{saved} bytes saved on {parameters} weights");
    let published = fs::read(folder.path("page/tiny.safetensors")).expect("written");
    assert_eq!(published.len() as u64, bytes(&halves));
    let loaded = weights::load(&published, &Device::flex()).expect("a weights file").model;
    for ((name, _, values), (_, _, halves)) in model.tensors().into_iter().zip(loaded.tensors()) {
        // Eleven bits: half a unit in the last place.
        let close = |(a, b): (&f32, &f32)| (a - b).abs() <= a.abs() / 2048.0 + 1e-7;
        assert!(values.iter().zip(&halves).all(close) && values != halves, "{name}");
    }
    // What is reported is the likelihood of the file as it is.
    let nats = |entry: &Value| entry["test_nll"]["nats_per_image"].as_f64().expect("a number");
    assert!(nats(&halves) != nats(&whole) && (nats(&halves) - nats(&whole)).abs() < 0.5, "{halves} and {whole}");
}
