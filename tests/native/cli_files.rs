//! What the program reads and writes: outputs that are no ordinary files, as many images as one likes in the memory of a
//! batch, and files that are not what they should be.

use crate::cli::{Folder, fail, pixelrnn, save, succeed, succeed_telling};
use crate::cli_train::made_up_digits;
use crate::common::{config, draw_cached, images, model, random_levels, trial};
use libtest_mimic::Trial;
use pixelrnn::grid::Grid;
use pixelrnn::model::ModelConfig;
use pixelrnn::sample::{Given, Request};
use pixelrnn::{npy, weights};
use serde_json::{Value, json};
use std::fs;

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("cli_files::any_number_of_images_is_one_drawing", batches_are_one_drawing),
        trial("cli_files::standard_output_takes_arrays_and_json", standard_output_takes_arrays),
        trial("cli_files::endings_are_looked_at", endings_are_looked_at),
        trial("cli_files::mistaken_files_are_named", mistaken_files_are_named),
        trial("cli_files::an_array_of_another_kind_is_told_what_to_do", arrays_are_told_what_to_do),
        trial("cli_files::other_pictures_in_a_known_set_s_files_are_no_longer_that_set", foreign_pictures_are_told),
    ];
    #[cfg(target_os = "linux")]
    trials.extend([
        trial("cli_files::what_cannot_be_written_is_told_before_the_work", linux::told_before_the_work),
        trial("cli_files::pipes_devices_and_links_stay_what_they_are", linux::pipes_devices_and_links),
        trial("cli_files::memory_is_that_of_a_batch", linux::memory_is_that_of_a_batch),
        trial("cli_files::a_stopped_drawing_leaves_nothing_behind", linux::a_stopped_drawing_leaves_nothing),
    ]);
    trials
}

/// More images than a batch of any sampler.
const MANY: usize = 150;

fn batches_are_one_drawing() {
    let config = config(1, 2, [6, 5]);
    let (folder, model) = (Folder::new(), model(&config, 2));
    let file = save(&folder, &model);
    let expected = draw_cached(&model, &Request { first: 3, ..Request::samples(7, MANY) }).0;
    let array = npy::write_u8(&[MANY, 1, 6, 5], &expected);
    let count = MANY.to_string();
    for (name, sampler) in [("a.npy", "cached"), ("b.npy", "naive"), ("a.png", "cached")] {
        let out = folder.arg(name);
        let more = ["--first", "3", "--count", &count, "--sampler", sampler, "--out", &out];
        succeed(&[&["sample", "--model", &file, "--seed", "7"], &more[..]].concat());
        let picture = || Grid::default().png(&images(&config, expected.clone())).expect("a picture");
        let same = folder.read(name) == if name.ends_with("png") { picture() } else { array.clone() };
        assert!(same, "{name} is not the drawing of one batch");
    }

    // Fifty completions of three images, each with a mask of its own: batches that begin within the completions of one.
    let levels = random_levels(&config, 3, 4);
    let masks: Vec<u8> = (0..90).map(|at| u8::from(at % 30 >= 9 + at / 30)).collect();
    let input = folder.write("in.npy", &npy::write_u8(&[3, 1, 6, 5], &levels));
    let mask = folder.write("mask.npy", &npy::write_u8(&[3, 6, 5], &masks));
    let inputs = ["complete", "--model", &file, "--images", &input, "--mask", &mask];
    let out = folder.arg("completed.npy");
    succeed(&[&inputs[..], &["--count", "50", "--seed", "5", "--out", &out]].concat());
    let repeat = |data: &[u8]| data.chunks(30).flat_map(|one| one.repeat(50)).collect::<Vec<u8>>();
    let given = Given { levels: repeat(&levels), mask: repeat(&masks) };
    let expected = draw_cached(&model, &Request { given: Some(given), ..Request::samples(5, MANY) }).0;
    assert!(folder.read("completed.npy") == npy::write_u8(&[MANY, 1, 6, 5], &expected), "other completions");
}

fn standard_output_takes_arrays() {
    let config = config(1, 2, [6, 5]);
    let (folder, model) = (Folder::new(), model(&config, 2));
    let file = save(&folder, &model);
    let input = folder.write("in.npy", &npy::write_u8(&[2, 1, 6, 5], &random_levels(&config, 2, 4)));
    let out = folder.arg("out.npy");
    let place = ["--row", "2", "--column", "3"];
    for command in [
        &["sample", "--model", &file, "--count", "3"][..],
        &["score", "--model", &file, "--images", &input],
        &[&["distribution", "--model", &file, "--images", &input], &place[..]].concat(),
    ] {
        let told = succeed(&[command, &["--out", &out]].concat());
        let output =
            std::process::Command::new(env!("CARGO_BIN_EXE_pixelrnn")).args(command).args(["--out", "-"]).output();
        let output = output.expect("the program starts");
        assert_eq!(output.stdout, folder.read("out.npy"), "{command:?}");
        // What people are told does not get into the array.
        let lines = told.lines().count();
        assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), lines, "{command:?}");
    }
    let both = [&["distribution", "--model", &file, "--images", &input, "--json", "--out", "-"], &place[..]].concat();
    fail(&both, &["--json and --out -"]);

    let noise = folder
        .write("noise.npy", &npy::write_u8(&[60, 8, 8], &random_levels(&crate::common::config(1, 256, [8, 8]), 60, 1)));
    let new = ["new", "--from", &noise, "--out", "-", "--time", "30s", "--device", "cpu", "--network", "pixelcnn"];
    let (stdout, stderr) = succeed_telling(&new);
    let written: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"));
    assert_eq!(written["model"]["network"], "pixelcnn");
    assert!(stderr.contains("60 pictures of 8×8"), "{stderr}");
}

fn endings_are_looked_at() {
    let config = config(1, 2, [6, 5]);
    let (folder, model) = (Folder::new(), model(&config, 2));
    let file = save(&folder, &model);
    let input = folder.write("in.npy", &npy::write_u8(&[1, 1, 6, 5], &[1; 30]));
    let [png, upper, csv, none] = ["a.png", "b.PNG", "a.csv", "a"].map(|name| folder.arg(name));
    for out in [&png, &upper] {
        succeed(&["sample", "--model", &file, "--out", out]);
    }
    assert_eq!(folder.read("b.PNG"), folder.read("a.png"));
    for out in [&csv, &none, &png] {
        let name = out.rsplit('/').next().expect("a name");
        fail(&["score", "--model", &file, "--images", &input, "--out", out], &[name, ".npy expected"]);
        let place = ["--row", "2", "--column", "3", "--out", out];
        fail(&[&["distribution", "--model", &file, "--images", &input], &place[..]].concat(), &[name, ".npy expected"]);
    }
    fail(&["sample", "--model", &file, "--out", &none], &["/a: ", ".png or .npy expected"]);
    // The size of a picture is known before any of it is drawn.
    let large = ["sample", "--model", &file, "--count", "16777216", "--out", &png];
    fail(&large, &["pixels found, at most 65535", "write .npy"]);
}

/// A training configuration of one pass over the pictures in a file.
fn run(pictures: &str, model: &ModelConfig) -> Value {
    json!({ "name": "a", "dataset": { "train": pictures }, "batch": 8, "epochs": 1, "optimizer": "adam",
            "learning_rate": 1e-3, "final_learning_rate": 0.0, "seed": 1, "model": model })
}

fn mistaken_files_are_named() {
    let config = config(1, 2, [6, 5]);
    let folder = Folder::new();
    let good = save(&folder, &model(&config, 1));
    let pointer = folder.write("weights", b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 34\n");
    let page = folder.write("page", b"\n<!doctype html><html><title>404</title></html>");
    let labels = folder.write("labels", &[2049u32, 3].map(u32::to_be_bytes).concat());
    let empty = folder.write("empty", b"");
    for (file, names) in [
        (&pointer, ["weights: a Git LFS pointer found", "git lfs pull"]),
        (&page, ["page: a web page found", "download that again"]),
        (&empty, ["empty: an empty file found", "again"]),
        (&labels, ["labels: an idx file of labels found", "`images`"]),
    ] {
        let out = folder.arg("out.npy");
        fail(
            &["sample", "--model", file, "--out", &out],
            &[&names[..], &["a safetensors file of weights expected"]].concat(),
        );
        let score = ["score", "--model", &good, "--images", file, "--out", &out];
        fail(&score, &[&names[..], &["an .npy file expected"]].concat());
        let run = run(file, &config);
        let run = folder.write("run.json", run.to_string().as_bytes());
        fail(&["train", "--config", &run, "--out", &folder.arg("run")], &names);
        fs::remove_dir_all(folder.path("run")).expect("made by train");
    }
    fail(&["train", "--config", &good, "--out", &folder.arg("run")], &["model.safetensors", "UTF-8"]);
    let utf_16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf_16 = folder.write("wide.json", &utf_16);
    fail(&["train", "--config", &utf_16, "--out", &folder.arg("run")], &["wide.json", "UTF-16", "UTF-8"]);
    // A byte order mark is no fault: the next one found is.
    let marked = folder.write("marked.json", b"\xef\xbb\xbf{\"nam\": 1}");
    fail(&["train", "--config", &marked, "--out", &folder.arg("run")], &["unknown field `nam`"]);

    // The checkpoint of a run, where its weights were meant.
    let data = folder.write("noise.npy", &npy::write_u8(&[60, 6, 5], &random_levels(&config, 60, 3)));
    let run = run(&data, &config);
    let run = folder.write("run.json", run.to_string().as_bytes());
    let (_, told) = succeed_telling(&["train", "--config", &run, "--out", &folder.arg("run"), "--device", "cpu"]);
    let checkpoint = folder.arg("run/checkpoint.safetensors");
    let sample = ["sample", "--model", &checkpoint, "--out", &folder.arg("out.npy")];
    fail(&sample, &["checkpoint.safetensors: a training checkpoint found", "`best.safetensors` in the same folder"]);
    assert!(folder.path("run/best.safetensors").exists(), "{told}");
}

fn arrays_are_told_what_to_do() {
    let folder = Folder::new();
    let colour = ModelConfig { channels: 3, levels: 256, ..config(3, 256, [6, 5]) };
    let binary = folder.write("binary.safetensors", &weights::save(&model(&config(1, 2, [6, 5]), 1), None, None));
    let colour = folder.write("colour.safetensors", &weights::save(&model(&colour, 1), None, None));
    for (file, shape, remedy) in [
        (&binary, &[2, 6, 5, 1][..], "save array.transpose(0, 3, 1, 2)"),
        (&binary, &[6, 5], "save array[None, None]"),
        (&binary, &[2, 30], "save array.reshape(-1, 1, 6, 5)"),
        (&colour, &[2, 6, 5, 3], "save array.transpose(0, 3, 1, 2)"),
        (&colour, &[3, 6, 5], "save array[None]"),
        (&colour, &[6, 5, 3], "save array.transpose(2, 0, 1)[None]"),
        (&colour, &[90], "save array.reshape(-1, 3, 6, 5)"),
    ] {
        let input = folder.write("in.npy", &npy::write_u8(shape, &vec![0; shape.iter().product()]));
        let score = ["score", "--model", file, "--images", &input, "--out", &folder.arg("out.npy")];
        fail(&score, &["in.npy", &format!("shape {shape:?} found"), remedy]);
    }
    let bytes = folder.write("bytes.npy", &npy::write_u8(&[1, 6, 5], &[255; 30]));
    let score = ["score", "--model", &binary, "--images", &bytes, "--out", &folder.arg("out.npy")];
    fail(&score, &["level 255 found", "save (array > 127)"]);
}

/// Files as long as binarized MNIST's, with stripes in them.
fn foreign_pictures_are_told() {
    let folder = Folder::new();
    made_up_digits(&folder);
    let model = model(&ModelConfig { layers: 1, h: 1, head: 1, ..config(1, 2, [28, 28]) }, 8);
    let training = json!({ "config": { "name": "stripes", "dataset": "binarized-mnist" }, "epochs": 1 });
    let file = folder.write("best.safetensors", &weights::save(&model, Some(&training), None));
    let [data, page] = ["", "page"].map(|name| folder.arg(name));

    let (stdout, stderr) = succeed_telling(&["eval", "--model", &file, "--data", &data, "--json"]);
    let result: Value = serde_json::from_str(&stdout).expect("one object");
    let protocol = result["protocol"].as_str().expect("a text");
    assert!(protocol.starts_with("not binarized-mnist: other pictures in its files"), "{protocol}");
    assert!(stderr.contains("binarized_mnist_test.packed.npy: not binarized-mnist's own file (sha256 "), "{stderr}");

    let publish = ["publish", "--model", &file, "--data", &data, "--out", &page, "--title", "Small"];
    succeed_telling(&[&publish[..], &["--set-title", "Stripes"]].concat());
    let index: Value = serde_json::from_slice(&folder.read("page/index.json")).expect("JSON");
    let set = &index["sets"][0];
    assert_eq!((&set["title"], &index["models"][0]["set"]), (&json!("Stripes"), &set["name"]));
    let name = set["name"].as_str().expect("a text");
    assert!(name.starts_with("binarized-mnist-") && !set.to_string().contains("MNIST"), "{set}");
    assert_eq!(index["models"][0]["test_nll"]["protocol"], protocol);

    // A download leaves them alone.
    let before = folder.read("binarized_mnist/binarized_mnist_test.packed.npy");
    let run = pixelrnn(&["data", "binarized-mnist", "--dir", &data]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stderr.contains("binarized_mnist_train.packed.npy: sha256 "), "{}", run.stderr);
    assert!(run.stderr.contains("it is left as it is"), "{}", run.stderr);
    assert_eq!(folder.read("binarized_mnist/binarized_mnist_test.packed.npy"), before);
}

/// What only a system with these files and calls can show.
#[cfg(target_os = "linux")]
mod linux {
    use super::*;
    use std::os::unix::fs::{FileTypeExt, symlink};
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    /// Nobody can make a file in /proc, the administrator included.
    pub fn told_before_the_work() {
        let folder = Folder::new();
        // No model is there: the output is looked at before anything else.
        let (missing, noise) = (folder.arg("missing"), folder.arg("missing.npy"));
        let of = ["--model", &missing, "--images", &noise];
        let place = ["--row", "0", "--column", "0"];
        for command in [
            &["sample", "--model", &missing][..],
            &[&["complete", "--mask", &noise], &of[..]].concat(),
            &[&["score"], &of[..]].concat(),
            &[&["distribution"], &of[..], &place[..]].concat(),
            &["new", "--from", &noise],
        ] {
            fail(&[command, &["--out", "/proc/x.npy"]].concat(), &["/proc/x.npy: cannot be written"]);
        }
        fail(&["data", "cifar10", "--dir", "/proc"], &["/proc/cifar10"]);
        let file = save(&folder, &model(&config(1, 2, [28, 28]), 1));
        let publish = ["publish", "--model", &file, "--data", &missing, "--title", "T", "--out", "/proc/page"];
        let training = json!({ "config": { "name": "a", "dataset": "binarized-mnist" } });
        folder.write("model.safetensors", &weights::save(&model(&config(1, 2, [28, 28]), 1), Some(&training), None));
        fail(&publish, &["/proc/page"]);
    }

    pub fn pipes_devices_and_links() {
        let (folder, file) = drawn_from();
        let expected = folder.read("expected.npy");
        let sample = ["sample", "--model", &file, "--count", "3", "--out"];

        let pipe = folder.arg("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).expect("readable")
        });
        succeed(&[&sample[..], &[&pipe]].concat());
        assert_eq!(reader.join().expect("read to its end"), expected);
        assert!(fs::metadata(&pipe).expect("there").file_type().is_fifo());

        succeed(&[&sample[..], &["/dev/null"]].concat());
        assert!(fs::metadata("/dev/null").expect("there").file_type().is_char_device());

        folder.write("target.npy", b"stale");
        symlink("target.npy", folder.path("link.npy")).expect("a link");
        succeed(&[&sample[..], &[&folder.arg("link.npy")]].concat());
        assert!(folder.path("link.npy").is_symlink());
        assert_eq!(folder.read("target.npy"), expected);
    }

    /// A folder with a model and `expected.npy`, three images of it.
    fn drawn_from() -> (Folder, String) {
        let (folder, model) = (Folder::new(), model(&config(1, 2, [6, 5]), 2));
        let file = save(&folder, &model);
        let levels = draw_cached(&model, &Request::samples(1, 3)).0;
        folder.write("expected.npy", &npy::write_u8(&[3, 1, 6, 5], &levels));
        (folder, file)
    }

    fn start(args: &[&str]) -> Child {
        let program = Command::new(env!("CARGO_BIN_EXE_pixelrnn")).args(args).stdout(Stdio::null()).spawn();
        program.expect("the program starts")
    }

    /// Kilobytes that a run of the program had in memory at most, as it was last seen.
    fn peak_kb(args: &[&str]) -> u64 {
        let mut child = start(args);
        let mut peak = 0;
        loop {
            // What `wait4` tells begins with the memory of the process that started it.
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            peak = line.and_then(|line| line.trim_end_matches("kB").trim().parse().ok()).unwrap_or(peak);
            if let Some(status) = child.try_wait().expect("a process of ours") {
                assert!(status.success(), "{args:?}");
                return peak;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn memory_is_that_of_a_batch() {
        let folder = Folder::new();
        // The network of the page, of which the sampler keeps a tenth of a megabyte an image.
        let config = ModelConfig { layers: 15, h: 16, head: 32, ..config(1, 2, [28, 28]) };
        let file = save(&folder, &model(&config, 2));
        let peak = |count: &str, name: &str| {
            peak_kb(&["sample", "--model", &file, "--count", count, "--out", &folder.arg(name)])
        };
        for name in ["out.npy", "out.png"] {
            let [few, many] = ["64", "640"].map(|count| peak(count, name));
            assert!(many < few + 30_000, "{name}: {few} kB for 64 images, {many} kB for 640");
        }
    }

    pub fn a_stopped_drawing_leaves_nothing() {
        let (folder, file) = drawn_from();
        folder.write("out.npy", b"before");
        let child = start(&["sample", "--model", &file, "--count", "400000000", "--out", &folder.arg("out.npy")]);
        let parts = || {
            fs::read_dir(folder.path(""))
                .expect("a folder")
                .flatten()
                .filter(|f| f.path().extension() == Some("part".as_ref()))
                .count()
        };
        let begun = Instant::now();
        while parts() == 0 {
            assert!(begun.elapsed() < Duration::from_secs(30), "nothing is written");
            std::thread::sleep(Duration::from_millis(20));
        }
        // SAFETY: a signal to a process of ours.
        unsafe { libc::kill(child.id() as i32, libc::SIGINT) };
        let code = { child }.wait().expect("it ends").code();
        assert_eq!((code, parts(), folder.read("out.npy")), (Some(130), 0, b"before".to_vec()));
    }
}
