//! `pixelrnn train` on a small network and made-up digits: stopped, continued, finished, refused.

use crate::cli::{Folder, Run, fail, pixelrnn, succeed_telling};
use crate::common::{config, trial};
use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::model::ModelConfig;
use pixelrnn::npy;
use pixelrnn::sample::threefry2x32;
use pixelrnn::train::{Checkpoint, TrainConfig, read_records};
use pixelrnn::weights;
use serde_json::{Value, json};
use std::fs;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("cli::train_stops_continues_and_leaves_a_model", train_stops_and_continues),
        trial("cli::a_run_that_diverges_keeps_its_last_good_checkpoint", divergence_is_told),
        #[cfg(unix)]
        trial("cli::a_signal_ends_the_step_and_leaves_a_checkpoint", a_signal_leaves_a_checkpoint),
    ]
}

/// A folder that looks like binarized MNIST: as many images, stripes with some noise.
pub fn made_up_digits(folder: &Folder) {
    fs::create_dir(folder.path("binarized_mnist")).expect("a folder");
    for (split, count) in [("train", 50_000), ("valid", 10_000), ("test", 10_000)] {
        let byte = |k: usize| if threefry2x32([1, 2], [k as u32, count as u32])[0] < 1 << 28 { 0xff } else { 0xaa };
        let data: Vec<u8> = (0..count * 98).map(byte).collect();
        folder
            .write(&format!("binarized_mnist/binarized_mnist_{split}.packed.npy"), &npy::write_u8(&[count, 98], &data));
    }
}

/// A run on sixty pictures of noise, so long that only a signal ends it.
fn noise(folder: &Folder, learning_rate: f64) -> Value {
    let data: Vec<u8> = (0..60 * 30).map(|k| threefry2x32([1, 2], [k, 0])[0] as u8).collect();
    folder.write("noise.npy", &npy::write_u8(&[60, 6, 5], &data));
    json!({
        "name": "noise", "dataset": {"train": "noise.npy"}, "batch": 4, "epochs": 100_000, "optimizer": "rms_prop",
        "learning_rate": learning_rate, "final_learning_rate": 0.0, "seed": 3,
        "model": {"network": "pixelcnn", "channels": 1, "levels": 256, "height": 6, "width": 5, "layers": 30, "h": 4,
                  "head": 4, "skip": true},
    })
}

fn divergence_is_told() {
    let folder = Folder::new();
    let run = noise(&folder, 1.0);
    let config = folder.write("run.json", run.to_string().as_bytes());
    let out = folder.arg("out");
    let train = ["train", "--config", &config, "--out", &out, "--device", "cpu", "--checkpoint-minutes", "0"];
    let Run { code, stderr, .. } = pixelrnn(&train);
    assert_eq!(code, Some(1), "{stderr}");
    let told = stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
    for part in ["the run has diverged", " not finite after step ", "`learning_rate` (1 now)", "`gradient_clip`"] {
        assert!(told.contains(part), "{told:?} lacks {part:?}");
    }
    assert!(!stderr.contains("panic"), "{stderr}");
    // What is there is from before, finite, and goes on to the same end.
    let checkpoint = read_checkpoint(&folder, "out", &TrainConfig::from_json(&run.to_string()).expect("good"));
    assert!(weights::load(&checkpoint.weights, &Device::flex()).is_ok());
    let again = pixelrnn(&[&train[..], &["--resume"]].concat());
    assert!(again.code == Some(1) && again.stderr.contains("the run has diverged"), "{}", again.stderr);
}

#[cfg(unix)]
fn a_signal_leaves_a_checkpoint() {
    let folder = Folder::new();
    let run = noise(&folder, 1e-3);
    let config = folder.write("run.json", run.to_string().as_bytes());
    let parsed = TrainConfig::from_json(&run.to_string()).expect("a good configuration");
    let out = folder.arg("out");
    for (signal, more) in [("-INT", &[][..]), ("-TERM", &["--resume"])] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_pixelrnn"))
            .args(["train", "--config", &config, "--out", &out, "--device", "cpu"])
            .args(more)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("the program starts");
        // It has begun once a pass is done.
        let (begun, before) = (std::time::Instant::now(), fs::metadata(folder.path("out/metrics.jsonl")).ok());
        let written = |before: &Option<fs::Metadata>| {
            let now = fs::metadata(folder.path("out/metrics.jsonl")).ok();
            now.is_some_and(|now| before.as_ref().is_none_or(|before| now.len() > before.len()))
        };
        while !written(&before) {
            assert!(begun.elapsed().as_secs() < 60, "no pass was done in a minute");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let pid = child.id().to_string();
        assert!(std::process::Command::new("kill").args([signal, &pid]).status().expect("kill").success());
        let status = child.wait().expect("it ends");
        let mut stderr = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().expect("piped"), &mut stderr).expect("UTF-8");
        assert_eq!(status.code(), Some(130), "{signal}: {stderr}");
        assert!(stderr.trim_end().ends_with("--resume goes on") && stderr.contains("stopped "), "{signal}: {stderr}");
        let progress = read_checkpoint(&folder, "out", &parsed).progress;
        assert!(progress.epoch > 0, "{signal}: {progress:?}");
    }
}

/// A run on `data` into `out`, on the CPU.
fn train<'a>(config: &'a str, data: &'a str, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["train", "--config", config, "--data", data, "--out", out, "--device", "cpu"], more].concat()
}

/// Trains, and gives what is printed of the passes; how many images there are is told first.
fn trained(args: &[&str]) -> String {
    let (stdout, stderr) = succeed_telling(args);
    assert!(stderr.contains("50000 images to train on, 10000 to validate, on the CPU\n"), "{stderr}");
    stdout
}

fn train_stops_and_continues() {
    let folder = Folder::new();
    made_up_digits(&folder);
    let model = ModelConfig { layers: 1, h: 2, head: 2, ..config(1, 2, [28, 28]) };
    let run = json!({
        "name": "tiny", "dataset": "binarized-mnist", "batch": 100, "epochs": 1, "optimizer": "rms_prop",
        "learning_rate": 0.01, "final_learning_rate": 0.001, "average": 0.9, "seed": 3, "model": model,
    });
    let config = folder.write("run.json", run.to_string().as_bytes());
    let [data, out, whole] = ["", "out", "whole"].map(|name| folder.arg(name));
    let (resume, one_step) = (["--resume"], ["--resume", "--stop-after-minutes", "0"]);

    // Nothing to continue yet; then the first step is the last.
    fail(&train(&config, &data, &out, &resume), &["out/checkpoint.safetensors", "cannot be read"]);
    assert_eq!(trained(&train(&config, &data, &out, &one_step[1..])), "");
    assert!(!folder.path("out/best.safetensors").exists(), "nothing was validated yet");
    fail(&train(&config, &data, &out, &[]), &["out", "--resume"]);

    // Three steps before the end of the pass, so as not to make the other 496: to the end at once, and step by step.
    let parsed = TrainConfig::from_json(&run.to_string()).expect("a good configuration");
    let mut checkpoint = read_checkpoint(&folder, "out", &parsed);
    assert_eq!((checkpoint.progress.epoch, checkpoint.progress.step), (0, 1));
    checkpoint.progress.step = 497;
    fs::create_dir(folder.path("whole")).expect("a folder");
    for name in ["out", "whole"] {
        folder.write(&format!("{name}/checkpoint.safetensors"), &checkpoint.to_bytes());
    }
    let finished = trained(&train(&config, &data, &whole, &resume));
    assert!(finished.starts_with("epoch   1  training") && finished.trim_end().ends_with("best"), "{finished}");
    for step in [498, 499, 500] {
        assert_eq!(trained(&train(&config, &data, &out, &one_step)), "");
        assert_eq!(read_checkpoint(&folder, "out", &parsed).progress.step, step);
    }
    trained(&train(&config, &data, &out, &resume));
    let kept = |out: &str| {
        let file = weights::load(&folder.read(&format!("{out}/best.safetensors")), &Device::flex());
        let mut kept = file.expect("a good file");
        // Seconds are the one thing that may differ.
        kept.training.as_mut().expect("a record")["elapsed_s"].take();
        (kept.model.tensors(), kept.training, kept.results)
    };
    let metrics = |out: &str| {
        let text = String::from_utf8(folder.read(&format!("{out}/metrics.jsonl"))).expect("UTF-8");
        let mut records = read_records(&text).expect("one record a line");
        records.iter_mut().for_each(|record| record.elapsed_s = 0.0);
        records
    };
    assert_eq!(kept("out"), kept("whole"));
    assert_eq!(metrics("out"), metrics("whole"));

    let ((_, training, results), records) = (kept("out"), metrics("out"));
    assert_eq!((records.len(), records[0].epoch, records[0].best), (1, 1, true));
    let (training, results) = (training.expect("a record"), results.expect("a likelihood"));
    assert_eq!((&training["config"], &training["epochs"]), (&with_defaults(run.clone()), &json!(1)));
    assert_eq!(results["valid"]["images"], 10_000);
    let off = results["valid"]["nats_per_image"].as_f64().expect("a number") - records[0].valid_nats;
    // The same number, through two texts.
    assert!(off.abs() < 1e-9, "{off}");
    assert!(folder.read("out/metrics.svg").starts_with(b"<svg"));

    // A run that is done stays as it is; another configuration is refused; a broken file is named.
    let before = folder.read("out/checkpoint.safetensors");
    assert_eq!(trained(&train(&config, &data, &out, &resume)), "");
    assert_eq!(folder.read("out/checkpoint.safetensors"), before);
    let change = |field: &str, value: Value| {
        let mut changed = run.clone();
        changed[field] = value;
        folder.write("run.json", changed.to_string().as_bytes());
    };
    change("seed", 4.into());
    fail(&train(&config, &data, &out, &resume), &["out/checkpoint.safetensors", "`seed`", "3", "4"]);
    change("seed", 3.into());
    folder.write("out/checkpoint.safetensors", &before[..before.len() - 1]);
    fail(&train(&config, &data, &out, &resume), &["out/checkpoint.safetensors", "not a complete checkpoint"]);
    let fresh = folder.arg("fresh");
    change("batch", 0.into());
    fail(&train(&config, &data, &fresh, &[]), &["run.json", "`batch`", "found 0"]);
    folder.write("run.json", b"{");
    fail(&train(&config, &data, &fresh, &[]), &["run.json", "not a training configuration"]);
    folder.write("run.json", &[0xff, 0xfe]);
    fail(&train(&config, &data, &fresh, &[]), &["run.json"]);
    change("seed", 3.into());
    fail(&train(&config, &data, &folder.arg("run.json/out"), &[]), &["run.json/out"]);
    let no_data = folder.arg("fresh");
    fail(&train(&config, &no_data, &fresh, &[]), &["fresh", "binarized_mnist_train.packed.npy"]);
}

fn read_checkpoint(folder: &Folder, out: &str, config: &TrainConfig) -> Checkpoint {
    let bytes = folder.read(&format!("{out}/checkpoint.safetensors"));
    Checkpoint::from_bytes(&bytes, config).expect("a good checkpoint")
}

/// The configuration with the fields that may be left out.
fn with_defaults(mut run: Value) -> Value {
    run["warmup_steps"] = 0.into();
    run["gradient_clip"] = Value::Null;
    run["accumulate"] = 1.into();
    run["weight_decay"] = 0.0.into();
    run
}
