//! The program itself: formats byte for byte, one JSON object where one is promised, and errors of one sentence.

use crate::common::{RECURRENT, config, data_trial, draw_cached, images, model, random_levels, trial, zero_model};
use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::likelihood::score;
use pixelrnn::model::{Model, ModelConfig, Network};
use pixelrnn::sample::{Given, Request, Sharpening};
use pixelrnn::{npy, weights};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("cli::score_writes_the_library_s_scores", score_writes_scores),
        trial("cli::sample_writes_levels_and_pictures", sample_writes_levels_and_pictures),
        trial("cli::complete_keeps_what_is_given", complete_keeps_what_is_given),
        trial("cli::info_tells_what_a_file_is", info_tells_what_a_file_is),
        trial("cli::bench_times_what_is_asked_for", bench_times_what_is_asked_for),
        trial("cli::npy_files_are_numpy_s_byte_for_byte", npy_files_are_numpy_s),
        trial("cli::a_number_that_is_not_allowed_is_told_which_are", numbers_are_told_their_range),
        trial("cli::errors_are_one_sentence_that_names_the_file", errors_name_the_file),
        data_trial("cli::eval_measures_the_whole_test_split", "binarized_mnist", eval_measures_the_test_split),
    ]
}

/// What a run of the program left behind.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the program.
pub fn pixelrnn(args: &[&str]) -> Run {
    // A backtrace must not appear even where the environment asks for one. Graphics libraries complain of a missing folder.
    let output = Command::new(env!("CARGO_BIN_EXE_pixelrnn"))
        .args(args)
        .env("RUST_BACKTRACE", "1")
        .env("XDG_RUNTIME_DIR", std::env::temp_dir())
        .output();
    let output = output.expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs the program, which must succeed without a word on standard error, and gives its standard output.
pub fn succeed(args: &[&str]) -> String {
    let (stdout, stderr) = succeed_telling(args);
    assert_eq!(stderr, "", "{args:?}");
    stdout
}

/// Runs the program, which must succeed and may tell on standard error what it does; gives both outputs.
pub fn succeed_telling(args: &[&str]) -> (String, String) {
    let run = pixelrnn(args);
    assert_eq!(run.code, Some(0), "{args:?}: {}", run.stderr);
    (run.stdout, run.stderr)
}

/// Runs the program, which must fail as promised: exit code 1, nothing on standard output, one line on standard error
/// that has all of `names`.
pub fn fail(args: &[&str], names: &[&str]) {
    let Run { code, stdout, stderr } = pixelrnn(args);
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{args:?}: {stderr}");
    assert!(stderr.starts_with("error: ") && stderr.trim_end().lines().count() == 1, "{args:?}: {stderr}");
    assert!(!stderr.contains("panic") && !stderr.contains("backtrace"), "{args:?}: {stderr}");
    names.iter().for_each(|name| assert!(stderr.contains(name), "{args:?}: {stderr:?} lacks {name:?}"));
}

/// A folder that goes when the test ends, with paths as arguments.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn arg(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.path(name), bytes).expect("a file");
        self.arg(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

pub fn save(folder: &Folder, model: &Model) -> String {
    folder.write("model.safetensors", &weights::save(model, None, None))
}

fn npy_levels(config: &ModelConfig, levels: &[u8]) -> Vec<u8> {
    let count = levels.len() / config.dimensions();
    npy::write_u8(&[count, config.channels, config.height, config.width], levels)
}

fn score_writes_scores() {
    let recurrent = RECURRENT.map(|network| ModelConfig { network, ..config(1, 2, [5, 6]) });
    for config in [config(1, 2, [6, 5]), config(1, 256, [4, 5]), config(3, 256, [5, 4])].into_iter().chain(recurrent) {
        let (folder, model) = (Folder::new(), model(&config, 1));
        let (file, levels) = (save(&folder, &model), random_levels(&config, 3, 1));
        let input = folder.write("in.npy", &npy_levels(&config, &levels));
        let stdout = succeed(&["score", "--model", &file, "--images", &input, "--out", &folder.arg("out.npy")]);
        let expected = score(&model, &images(&config, levels.clone()), 3, &Device::flex(), |_| ());
        let shape = [3, config.channels, config.height, config.width];
        assert_eq!(folder.read("out.npy"), npy::write_f32(&shape, &expected), "{config:?}");
        let nats = expected.iter().map(|&nll| f64::from(nll)).sum::<f64>() / 3.0;
        assert!(stdout.contains(&format!("3 images, {nats:.4} nats")), "{stdout}");
        if config.channels == 1 {
            let flat = folder.write("flat.npy", &npy::write_u8(&[3, config.height, config.width], &levels));
            succeed(&["score", "--model", &file, "--images", &flat, "--out", &folder.arg("flat-out.npy")]);
            assert_eq!(folder.read("flat-out.npy"), folder.read("out.npy"), "a grey batch may leave out its channel");
        }
    }
}

fn sample_writes_levels_and_pictures() {
    let recurrent = RECURRENT.map(|network| ModelConfig { network, ..config(1, 2, [5, 4]) });
    for config in [config(1, 2, [6, 5]), config(3, 256, [4, 3])].into_iter().chain(recurrent) {
        let (folder, model) = (Folder::new(), model(&config, 2));
        let file = save(&folder, &model);
        let sample = |name: &str, more: &[&str]| {
            let out = folder.arg(name);
            let args = [&["sample", "--model", &file, "--seed", "7", "--out", &out], more].concat();
            let stdout = succeed(&args);
            assert!(stdout.contains(&out) && stdout.contains("ms an image"), "{stdout}");
            folder.read(name)
        };
        let levels = |request: Request| npy_levels(&config, &draw_cached(&model, &request).0);
        let request = Request::samples(7, 4);
        let first = sample("a.npy", &["--count", "4"]);
        assert_eq!(first, levels(request.clone()), "{config:?}");
        assert_eq!(sample("b.npy", &["--count", "4"]), first, "the same seed twice");
        assert_eq!(sample("c.npy", &["--count", "4", "--sampler", "naive"]), first, "naive");
        let warm = ["--count", "2", "--first", "1", "--temperature", "0.7"];
        let expected = levels(Request { first: 1, count: 2, sharpening: Sharpening::at(0.7), ..request });
        assert_eq!(sample("d.npy", &warm), expected, "{config:?}");

        let picture = sample("a.png", &["--count", "4"]);
        assert_eq!(sample("b.png", &["--count", "4"]), picture, "the same seed twice");
        assert_eq!(picture[..8], *b"\x89PNG\r\n\x1a\n");
        // Three columns and two rows, four screen pixels to one, two between: the sizes stand in the first chunk.
        let side = |images: usize, n: usize| (images * (4 * n + 2) + 2) as u32;
        assert_eq!(picture[16..20], side(3, config.width).to_be_bytes());
        assert_eq!(picture[20..24], side(2, config.height).to_be_bytes());
    }
}

fn complete_keeps_what_is_given() {
    let config = config(1, 2, [6, 5]);
    let (folder, model) = (Folder::new(), model(&config, 3));
    let (file, levels) = (save(&folder, &model), random_levels(&config, 2, 4));
    let input = folder.write("in.npy", &npy_levels(&config, &levels));
    // The lower half is drawn; of the second image the right half, where there is a mask an image.
    let half: Vec<u8> = (0..30).map(|pixel| u8::from(pixel >= 15)).collect();
    let right: Vec<u8> = (0..30).map(|pixel| u8::from(pixel % 5 >= 3)).collect();
    for (shape, masks) in [(vec![6, 5], vec![&half, &half]), (vec![2, 6, 5], vec![&half, &right])] {
        let data = if shape.len() == 2 { half.clone() } else { [half.clone(), right.clone()].concat() };
        let mask = folder.write("mask.npy", &npy::write_u8(&shape, &data));
        let complete = |sampler: &str| {
            let out = folder.arg("out.npy");
            let args = ["--seed", "5", "--count", "3", "--first", "2", "--sampler", sampler, "--out", &out];
            let inputs = ["complete", "--model", &file, "--images", &input, "--mask", &mask];
            succeed(&[inputs.as_slice(), args.as_slice()].concat());
            folder.read("out.npy")
        };
        // Three of the first image, then three of the second, drawn as images 2 to 7 of the seed.
        let given = Given {
            levels: [levels[..30].repeat(3), levels[30..].repeat(3)].concat(),
            mask: masks.iter().flat_map(|mask| mask.repeat(3)).collect(),
        };
        let request = Request { first: 2, given: Some(given.clone()), ..Request::samples(5, 6) };
        let expected = draw_cached(&model, &request).0;
        let kept = (0..180).filter(|&k| given.mask[k] == 0);
        kept.for_each(|k| assert_eq!(expected[k], given.levels[k], "value {k} was given"));
        assert_eq!(complete("cached"), npy_levels(&config, &expected), "masks {shape:?}");
        assert_eq!(complete("naive"), npy_levels(&config, &expected), "masks {shape:?}");
    }
}

/// The object that a command with `--json` prints, and nothing else.
fn json_of(args: &[&str]) -> Value {
    let stdout = succeed(args);
    let value: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"));
    assert!(value.is_object(), "{stdout}");
    value
}

fn info_tells_what_a_file_is() {
    for (network, name) in Network::ALL.into_iter().zip(["pixelcnn", "row_lstm", "diagonal_bilstm"]) {
        let config = ModelConfig { network, ..config(3, 2, [6, 5]) };
        let (folder, model) = (Folder::new(), model(&config, 1));
        let (training, results) = (json!({ "epochs": 3 }), json!({ "valid": { "nats_per_image": 81.5 } }));
        let file = folder.write("model.safetensors", &weights::save(&model, Some(&training), Some(&results)));
        let info = json_of(&["info", "--model", &file, "--json"]);
        assert_eq!(info["config"], serde_json::to_value(&model.config).expect("plain numbers"));
        assert_eq!(info["config"]["network"], name);
        assert_eq!(info["parameters"], model.tensors().iter().map(|(.., values)| values.len()).sum::<usize>());
        assert_eq!((&info["training"], &info["results"]), (&training, &results));
        if cfg!(feature = "fused") {
            let size = format!("{}x{}", model.config.width, model.config.height);
            let gpu = &info["gpu"][&size];
            assert!(gpu["stages_per_pixel"].as_u64() > Some(model.config.layers as u64), "{gpu}");
            assert!(gpu["bytes_read_per_pixel"].as_u64() > gpu["bytes_written_per_pixel"].as_u64(), "{gpu}");
        }
        let text = succeed(&["info", "--model", &file]);
        for line in [&format!("network: {name}"), "h: 5", "skip: true", "epochs: 3", "nats_per_image: 81.5"] {
            assert!(text.lines().any(|found| found.trim() == line), "{text} lacks {line:?}");
        }
    }
}

fn bench_times_what_is_asked_for() {
    let asked =
        ["bench", "--json", "--budget-ms", "1", "--networks", "row-7x16", "--ways", "cached-1", "--batches", "3"];
    let lines = succeed(&asked);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let of = |kind| lines.iter().filter(|line| line["line"] == kind).collect::<Vec<_>>();
    assert!(of("peak")[0]["gmac_per_s"].as_f64() > Some(0.1), "{lines:?}");
    assert!(of("network").len() == 1 && of("network")[0]["multiplications"].as_u64() > Some(1_000_000), "{lines:?}");
    let [cell] = of("cell")[..] else { panic!("one cell: {lines:?}") };
    assert_eq!(json!([cell["network"], cell["way"], cell["batch"]]), json!(["row-7x16", "cached-1", 3]));
    let times = cell["ms_per_image"].as_array().expect("times");
    assert!(!times.is_empty() && times.iter().all(|ms| ms.as_f64() > Some(0.0)), "{cell}");
    let text = succeed(&[&asked[..1], &asked[2..]].concat());
    assert!(text.contains("Row LSTM 7x16") && text.contains(" ms an image"), "{text}");
    for (option, value, told) in [("--networks", "mnist", "pixelcnn-7x16"), ("--batches", "0", "1 to 1048576")] {
        let Run { code, stdout, stderr } = pixelrnn(&["bench", option, value]);
        assert_eq!((code, &*stdout), (Some(2), ""), "{stderr}");
        assert!(stderr.contains(told), "{stderr}");
    }
    if !cfg!(feature = "fused") {
        let Run { code, stderr, .. } = pixelrnn(&["bench", "--gpu"]);
        assert_eq!((code, &*stderr), (Some(1), "error: this build knows no GPU: build with --features wgpu\n"));
    }
}

/// 128 bytes of header as `numpy.save` of NumPy 2 writes them, then the values.
fn npy_files_are_numpy_s() {
    let config = config(1, 2, [6, 5]);
    let (folder, model) = (Folder::new(), model(&config, 2));
    let file = save(&folder, &model);
    succeed(&["sample", "--model", &file, "--seed", "1", "--count", "2", "--out", &folder.arg("a.npy")]);
    succeed(&["score", "--model", &file, "--images", &folder.arg("a.npy"), "--out", &folder.arg("b.npy")]);
    for (name, descr, bytes) in [("a.npy", "|u1", 60), ("b.npy", "<f4", 240)] {
        let dict = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (2, 1, 6, 5), }}");
        let header = [b"\x93NUMPY\x01\x00\x76\x00", format!("{dict:117}\n").as_bytes()].concat();
        let found = folder.read(name);
        assert_eq!(found.len(), 128 + bytes, "{name}");
        assert_eq!(found[..128], header, "{name}: {}", String::from_utf8_lossy(&found[..128]));
    }
}

/// What the arguments themselves say is looked at first: no file need be there.
fn numbers_are_told_their_range() {
    let sample = ["sample", "--model", "m", "--out", "o.npy"];
    let distribution = ["distribution", "--model", "m", "--images", "i.npy", "--row", "1", "--column", "1"];
    let train = ["train", "--config", "c", "--out", "o"];
    for (command, name, values, allowed) in [
        (&sample[..], "--count", &["0", "-1", "1.5", "many"][..], "a whole number from 1 on expected"),
        (&sample, "--first", &["-1", "4294967296"], "a whole number from 0 to 4294967295 expected"),
        (&sample, "--seed", &["-1", "18446744073709551616"], "a whole number from 0 to 18446744073709551615 expected"),
        (&sample, "--temperature", &["0", "-1", "NaN", "inf", "warm"], "a number of at least 0.001 expected"),
        (&sample, "--top-k", &["0", "-1", "257", "1.5", "few"], "a whole number from 1 to 256 expected"),
        (&sample, "--top-p", &["0", "-0.1", "1.01", "NaN", "most"], "a number above 0, at most 1 expected"),
        (&distribution, "--channel", &["-1", "red"], "a whole number from 0 on expected"),
        (&train, "--memory-mb", &["-1"], "a whole number from 0 to 1073741824 expected"),
        (&train, "--checkpoint-minutes", &["-1", "NaN"], "a number of minutes from 0 on expected"),
        (&train, "--stop-after-minutes", &["-0.5"], "a number of minutes from 0 on expected"),
    ] {
        for value in values {
            let Run { code, stderr, .. } = pixelrnn(&[command, &[name, value]].concat());
            let told = format!("invalid value '{value}' for '{name} ");
            assert_eq!(code, Some(2), "{name} {value}: {stderr}");
            assert!(stderr.contains(&told) && stderr.contains(allowed), "{name} {value}: {stderr}");
        }
    }
}

fn errors_name_the_file() {
    let config = config(1, 2, [6, 5]);
    let folder = Folder::new();
    let good = save(&folder, &model(&config, 1));
    let bytes = folder.read("model.safetensors");
    let broken = folder.write("broken.safetensors", &bytes[..bytes.len() - 1]);
    let text = folder.write("text.safetensors", b"404: Not Found");
    let one = |shape: &[usize], level: u8| npy::write_u8(shape, &vec![level; shape.iter().product()]);
    let image = folder.write("image.npy", &one(&[1, 1, 6, 5], 1));
    let turned = folder.write("turned.npy", &one(&[1, 1, 5, 6], 1));
    let colour = folder.write("colour.npy", &one(&[1, 3, 6, 5], 1));
    let grey = folder.write("grey.npy", &one(&[1, 1, 6, 5], 2));
    let none = folder.write("none.npy", &one(&[0, 1, 6, 5], 0));
    let floats = folder.write("floats.npy", &npy::write_f32(&[1, 1, 6, 5], &[0.0; 30]));
    let cut = folder.write("cut.npy", &one(&[1, 1, 6, 5], 1)[..150]);
    let mask = folder.write("mask.npy", &one(&[6, 5], 1));
    let twos = folder.write("twos.npy", &one(&[6, 5], 2));
    let many = folder.write("many.npy", &one(&[2, 6, 5], 1));
    let [missing, out, nowhere] = ["missing", "out.npy", "no/such/folder/out.npy"].map(|name| folder.arg(name));
    let [under_a_file, jpg, folder_arg] = ["image.npy/out.npy", "out.jpg", ""].map(|name| folder.arg(name));

    let score = |model: &str, images: &str, out: &str, names: &[&str]| {
        fail(&["score", "--model", model, "--images", images, "--out", out], names);
    };
    score(&missing, &image, &out, &["missing", "cannot be read"]);
    score(&folder_arg, &image, &out, &[folder_arg.as_str(), "cannot be read"]);
    score(&broken, &image, &out, &["broken.safetensors", "not a complete safetensors file"]);
    score(&text, &image, &out, &["text.safetensors", "not a complete safetensors file"]);
    score(&image, &image, &out, &["image.npy: an .npy array found", "a safetensors file of weights expected"]);
    score(&good, &missing, &out, &["missing", "cannot be read"]);
    score(&good, &turned, &out, &["turned.npy", "[1, 1, 5, 6] found", "[N, 1, 6, 5] expected"]);
    score(&good, &colour, &out, &["colour.npy", "[1, 3, 6, 5] found"]);
    score(&good, &grey, &out, &["grey.npy", "level 2 found", "row 0, column 0"]);
    score(&good, &none, &out, &["none.npy", "no images"]);
    score(&good, &floats, &out, &["floats.npy", "<f4", "uint8"]);
    score(&good, &cut, &out, &["cut.npy", "22 bytes found", "needs 30"]);
    score(&good, &good, &out, &["model.safetensors: a safetensors file found", "an .npy file expected"]);
    score(&good, &image, &nowhere, &[nowhere.as_str(), "does not exist"]);
    score(&good, &image, &under_a_file, &["image.npy/out.npy"]);
    score(&good, &image, &folder_arg, &[folder_arg.trim_end_matches('/')]);

    let complete = |images: &str, mask: &str, out: &str, names: &[&str]| {
        let args = ["complete", "--model", &good, "--images", images, "--mask", mask, "--seed", "1", "--out", out];
        fail(&args, names);
    };
    complete(&image, &missing, &out, &["missing", "cannot be read"]);
    complete(&image, &twos, &out, &["twos.npy", "value 2 found", "0 (given) or 1 (drawn)"]);
    complete(&image, &many, &out, &["many.npy", "[2, 6, 5] found", "[6, 5] or [1, 6, 5]"]);
    complete(&image, &turned, &out, &["turned.npy", "[1, 1, 5, 6] found", "[1, 6, 5] or [1, 1, 6, 5] for values"]);
    complete(&grey, &mask, &out, &["grey.npy", "level 2 found"]);
    complete(&image, &mask, &jpg, &["out.jpg", ".png or .npy"]);
    complete(&image, &mask, &nowhere, &[nowhere.as_str(), "does not exist"]);

    let sample =
        |more: &[&str], names: &[&str]| fail(&[&["sample", "--model", &good, "--seed", "1"], more].concat(), names);
    sample(&["--count", "4294967297", "--out", &out], &["count: found 4294967297, expected 1 to 4294967296"]);
    let past_the_last = ["--count", "2", "--first", "4294967295", "--out", &out];
    sample(&past_the_last, &["count: found 2, expected 1 to 1 from image 4294967295 on"]);
    sample(&["--count", "1", "--out", &jpg], &["out.jpg", ".png or .npy"]);
    fail(&["info", "--model", &broken, "--json"], &["broken.safetensors"]);
    fail(&["eval", "--model", &good, "--data", &missing], &["missing", "binarized_mnist_test.packed.npy"]);
    let size = ["eval", "--model", &good, "--data", &folder_arg, "--dataset", "cifar10"];
    fail(&size, &["test_batch.bin"]);
    assert!(!Path::new(&out).exists(), "a command that failed wrote something");
}

fn eval_measures_the_test_split(data: &Path) {
    let config = ModelConfig { layers: 1, h: 1, head: 1, ..config(1, 2, [28, 28]) };
    let (folder, data) = (Folder::new(), data.to_str().expect("UTF-8"));
    let file = save(&folder, &zero_model(&config));
    let result = json_of(&["eval", "--model", &file, "--data", data, "--split", "test", "--json"]);
    assert_eq!(format!("{:.2}", result["nats_per_image"].as_f64().expect("a number")), "543.43");
    assert_eq!(format!("{:.4}", result["bits_per_dim"].as_f64().expect("a number")), "1.0000");
    assert_eq!(result["images"], 10_000);
    assert_eq!(result["protocol"], "binarized MNIST, fixed binarization, test split");
    assert_eq!(result.as_object().expect("an object").len(), 4, "{result}");
    let text = succeed(&["eval", "--model", &file, "--data", data]);
    assert!(
        text.starts_with("543.4") && text.contains("10000 images") && text.contains("fixed binarization"),
        "{text}"
    );

    let small = folder
        .write("small.safetensors", &weights::save(&zero_model(&crate::common::config(1, 2, [6, 5])), None, None));
    fail(&["eval", "--model", &small, "--data", data], &["(1, 28, 28, 2)", "(1, 6, 5, 2)"]);

    // A mixture with itself is the network.
    let mixed = json_of(&["eval", "--mix", &format!("{file},{file}"), "--data", data, "--json"]);
    for found in [&mixed["mixture"], &mixed["models"][0], &mixed["models"][1]] {
        assert_eq!(found, &result);
    }
    fail(&["eval", "--mix", &format!("{file},{small}"), "--data", data], &["small.safetensors", "28", "[1, 6, 5, 2]"]);
}
