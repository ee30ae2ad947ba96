//! A network looked at from outside: NumPy finds the likelihoods of the library, and onnxruntime its logits. Both are in the Python of
//! `$PIXELRNN_PYTHON`, or of `.tools/python`, where `make test` installs them.

use crate::cli::{Folder, fail, save, succeed};
use crate::common::{
    RECURRENT, assert_close, config, draw_cached, enlarging, images, logits, model, random_images, trial,
};
use crate::weights::{config_json, file, tensors};
use burn::tensor::{Device, bf16};
use libtest_mimic::Trial;
use pixelrnn::image::Images;
use pixelrnn::likelihood::score;
use pixelrnn::model::{Model, ModelConfig, Network};
use pixelrnn::sample::Request;
use pixelrnn::{npy, weights};
use safetensors::tensor::Dtype;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub fn trials() -> Vec<Trial> {
    vec![
        python_trial("outside::numpy_finds_the_likelihoods_of_the_library", "numpy", numpy_finds_the_likelihoods),
        python_trial("outside::numpy_reads_the_shipped_networks", "numpy", numpy_reads_the_shipped_networks),
        python_trial("outside::numpy_is_told_what_is_expected", "numpy", numpy_is_told_what_is_expected),
        python_trial(
            "outside::onnxruntime_finds_the_logits_of_the_library",
            "onnxruntime",
            onnxruntime_finds_the_logits,
        ),
        trial("outside::only_a_pixelcnn_of_one_scale_is_exported", others_are_not_exported),
    ]
}

/// A trial that runs a Python with the package `package`; ignored, with the reason as its kind, where there is none.
fn python_trial(name: &str, package: &str, body: fn(&Path)) -> Trial {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/python/bin/python");
    let python = std::env::var_os("PIXELRNN_PYTHON").map_or(installed, PathBuf::from);
    // Looked for and not imported, which takes half a second and has to work in the trial.
    let search = format!("import importlib.util, sys; sys.exit(importlib.util.find_spec({package:?}) is None)");
    let missing = !Command::new(&python).args(["-c", &search]).output().is_ok_and(|output| output.status.success());
    let kind = if missing { format!("no {package} in {}", python.display()) } else { String::new() };
    let run = move || {
        body(&python);
        Ok(())
    };
    Trial::test(name, run).with_ignored_flag(missing).with_kind(kind)
}

fn likelihood_py(python: &Path, weights: &str, images: &str) -> Output {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/likelihood.py");
    Command::new(python).arg(page).args([weights, images]).output().expect("Python starts")
}

/// Small PixelCNNs, grey and in colour, with and without skip connections.
fn small_pixelcnns() -> [ModelConfig; 4] {
    let grey = ModelConfig { skip: false, ..config(1, 2, [6, 5]) };
    [grey, config(1, 256, [3, 5]), config(3, 256, [5, 4]), config(3, 2, [1, 6])]
}

/// Shipped weights.
fn shipped(name: &str) -> (String, Model) {
    let path = format!("{}/www/models/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    (path, weights::load(&bytes, &Device::flex()).expect("good weights").model)
}

/// Images that the network draws.
fn drawn(model: &Model, count: usize) -> Images {
    images(&model.config, draw_cached(model, &Request::samples(7, count)).0)
}

/// The page's likelihoods are those of the library, to five digits: its figures are printed with more.
fn same_likelihood(python: &Path, file: &str, model: &Model, images: &Images) {
    let folder = Folder::new();
    let input = folder.write("in.npy", &npy::write_u8(&images.shape(), &images.data));
    let Output { status, stdout, stderr } = likelihood_py(python, file, &input);
    assert!(status.success(), "{file}: {}", String::from_utf8_lossy(&stderr));
    let printed = String::from_utf8(stdout).expect("UTF-8");
    let words: Vec<&str> = printed.split_whitespace().collect();
    let (found, bits): (f64, f64) = match words[..] {
        [_, "images,", nats, "nats", "an", "image,", bits, "bits", "a", "dimension"] => {
            (nats.parse().expect("a number"), bits.parse().expect("a number"))
        }
        _ => panic!("{printed}"),
    };
    let nll = score(model, images, images.count, &Device::flex(), |_| ());
    let nats = nll.iter().map(|&nll| f64::from(nll)).sum::<f64>() / images.count as f64;
    assert!((found / nats - 1.0).abs() < 5e-6, "{file}: {found} nats found, {nats} expected");
    let expected = nats / std::f64::consts::LN_2 / images.image_len() as f64;
    assert!((bits / expected - 1.0).abs() < 5e-5, "{file}: {bits} bits found, {expected} expected");
}

fn numpy_finds_the_likelihoods(python: &Path) {
    let networks = |of: ModelConfig| Network::ALL.map(|network| ModelConfig { network, ..of.clone() });
    for config in small_pixelcnns().into_iter().flat_map(networks) {
        // Masked weights are not zero here, so that a mask that is forgotten shows.
        let (folder, model) = (Folder::new(), model(&config, 3));
        same_likelihood(python, &save(&folder, &model), &model, &random_images(&config, 19, 4));
    }
    // The third type of numbers; the shipped networks have the other two.
    let config = config(1, 2, [4, 5]);
    let encoded = tensors(&model(&config, 3), Dtype::BF16, |value| bf16::from_f32(value).to_le_bytes().to_vec());
    let bytes = file(&encoded, &[("config", &config_json(&config).to_string())]);
    let model = weights::load(&bytes, &Device::flex()).expect("good weights").model;
    same_likelihood(python, &Folder::new().write("bf16", &bytes), &model, &random_images(&config, 3, 4));
}

fn numpy_reads_the_shipped_networks(python: &Path) {
    for (name, count) in [
        ("mnist-pixelcnn", 4),
        ("mnist-row", 4),
        ("mnist-diagonal", 4),
        ("characters-diagonal", 2),
        ("cifar10-pixelcnn", 1),
        ("cifar10-row", 1),
        ("cifar10-diagonal", 1),
    ] {
        let (path, model) = shipped(name);
        same_likelihood(python, &path, &model, &drawn(&model, count));
    }
}

fn numpy_is_told_what_is_expected(python: &Path) {
    let folder = Folder::new();
    let small = config(1, 2, [4, 4]);
    let one = save(&folder, &model(&small, 1));
    let two = folder.write("two", &weights::save(&model(&enlarging(&small, 2), 1), None, None));
    let array = |shape: &[usize], level| npy::write_u8(shape, &vec![level; shape.iter().product()]);
    let good = folder.write("good.npy", &array(&[2, 1, 4, 4], 1));
    let turned = folder.write("turned.npy", &array(&[2, 4, 4, 1], 1));
    let high = folder.write("high.npy", &array(&[2, 1, 4, 4], 2));
    for (weights, images, sentence) in [
        (&two, &good, "a network of several scales found, one of one scale expected"),
        (&one, &turned, "uint8 [2, 4, 4, 1] found, uint8 [N, 1, 4, 4] expected"),
        (&one, &high, "level 2 found, levels below 2 expected"),
    ] {
        let Output { status, stdout, stderr } = likelihood_py(python, weights, images);
        let told = String::from_utf8_lossy(&stderr);
        assert!(!status.success() && stdout.is_empty() && told.trim_end().ends_with(sentence), "{told}");
    }
}

/// Runs an ONNX file on an array; prints what it says of itself in a line, then the bytes of its logits.
const RUN_ONNX: &str = r#"
import json, sys
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
found = [{"name": of.name, "type": of.type, "shape": of.shape} for of in session.get_inputs() + session.get_outputs()]
print(json.dumps({"values": found, "metadata": session.get_modelmeta().custom_metadata_map}), flush=True)
sys.stdout.buffer.write(session.run(None, {"images": np.load(sys.argv[2])})[0].tobytes())
"#;

fn onnxruntime_finds_the_logits(python: &Path) {
    let folder = Folder::new();
    // Masked weights are not zero here, so that a mask that is forgotten shows.
    let small = small_pixelcnns().map(|config| (model(&config, 3), random_images(&config, 3, 4)));
    let shipped = [("mnist-pixelcnn", 2), ("cifar10-pixelcnn", 1)].map(|(name, count)| {
        let model = shipped(name).1;
        let images = drawn(&model, count);
        (model, images)
    });
    for (model, images) in small.into_iter().chain(shipped) {
        let config = &model.config;
        let (training, results) = (json!({ "passes": 3 }), json!({ "test": 80.5 }));
        let weights = folder.write("model.safetensors", &weights::save(&model, Some(&training), Some(&results)));
        let input = folder.write("in.npy", &npy::write_u8(&images.shape(), &images.data));
        let out = folder.arg("model.onnx");
        succeed(&["export", "--model", &weights, "--onnx", "--out", &out]);
        let ran = Command::new(python).args(["-c", RUN_ONNX, &out, &input]).output().expect("Python starts");
        assert!(ran.status.success(), "{config:?}: {}", String::from_utf8_lossy(&ran.stderr));
        let end = ran.stdout.iter().position(|&byte| byte == b'\n').expect("a line");
        let about: Value = serde_json::from_slice(&ran.stdout[..end]).expect("JSON");
        let &ModelConfig { channels, height, width, .. } = config;
        let values = json!([
            { "name": "images", "type": "tensor(uint8)", "shape": ["batch", channels, height, width] },
            { "name": "logits", "type": "tensor(float)", "shape": ["batch", channels, config.logits(), height, width] },
        ]);
        assert_eq!(about["values"], values);
        for (entry, expected) in [("config", config_json(config)), ("training", training), ("results", results)] {
            let text = about["metadata"][entry].as_str().expect("text");
            assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), expected, "{entry}");
        }
        let found: Vec<f32> = ran.stdout[end + 1..]
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            .collect();
        let expected = logits(&model, &images.data);
        // The same sums in another order, through up to fifteen blocks: five digits of the largest logit.
        let tolerance = 1e-5 * expected.iter().fold(0.0, |largest: f32, logit| largest.max(logit.abs()));
        assert_close(&format!("{config:?}"), &found, &expected, tolerance);
    }
}

fn others_are_not_exported() {
    let folder = Folder::new();
    let pixelcnn = config(1, 2, [4, 4]);
    let [row, diagonal] = RECURRENT.map(|network| ModelConfig { network, ..pixelcnn.clone() });
    for (config, sentence) in [
        (row, "a network of the kind \"row_lstm\" found, \"pixelcnn\" expected"),
        (diagonal, "a network of the kind \"diagonal_bilstm\" found, \"pixelcnn\" expected"),
        (enlarging(&pixelcnn, 2), "a network of 2 scales found, one of a single scale expected"),
    ] {
        let file = save(&folder, &model(&config, 1));
        let out = folder.arg("out.onnx");
        fail(&["export", "--model", &file, "--onnx", "--out", &out], &[&file, sentence]);
        assert!(!folder.path("out.onnx").exists(), "{sentence}");
    }
}
