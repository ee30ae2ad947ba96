//! Weights files from anywhere: what is wrong is named, nothing panics, and what is right is read as it was written.
//!
//! The files are written with the safetensors library, not with the writer under test.

use crate::common::{bits, config, logits, mask_of, model, random_levels, trial};
use burn::tensor::{Device, bf16, f16};
use libtest_mimic::Trial;
use pixelrnn::model::{Model, ModelConfig, Network};
use pixelrnn::sample::threefry2x32;
use pixelrnn::weights::{LoadError, load, save};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use std::collections::HashMap;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("weights::files_are_read_back", files_are_read_back),
        trial("weights::half_precision_is_read", half_precision_is_read),
        trial("weights::equal_models_are_equal_files", equal_models_are_equal_files),
        trial("weights::broken_files_are_named", broken_files_are_named),
        trial("weights::every_tensor_missing_turned_or_of_another_network_is_named", every_tensor_is_checked),
        trial("weights::broken_configurations_are_named", broken_configurations_are_named),
    ]
}

pub fn tiny() -> ModelConfig {
    ModelConfig { layers: 1, h: 2, head: 2, ..config(1, 2, [4, 3]) }
}

/// A tensor on its way into a file.
#[derive(Clone)]
pub struct Tensor {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub data: Vec<u8>,
}

/// The tensors of a model, each value encoded by `encode`.
pub fn tensors(model: &Model, dtype: Dtype, encode: impl Fn(f32) -> Vec<u8>) -> Vec<Tensor> {
    let tensor = |(name, shape, values): (String, Vec<usize>, Vec<f32>)| Tensor {
        name,
        dtype,
        shape,
        data: values.into_iter().flat_map(&encode).collect(),
    };
    model.tensors().into_iter().map(tensor).collect()
}

pub fn f32_tensors(model: &Model) -> Vec<Tensor> {
    tensors(model, Dtype::F32, |value| value.to_le_bytes().to_vec())
}

/// A safetensors file with these tensors and metadata.
pub fn file(tensors: &[Tensor], metadata: &[(&str, &str)]) -> Vec<u8> {
    let metadata: HashMap<String, String> =
        metadata.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
    let view = |tensor: &Tensor| {
        // Leaked by a few kilobytes a test: the library wants views that outlive it.
        let data: &'static [u8] = tensor.data.clone().leak();
        (tensor.name.clone(), TensorView::new(tensor.dtype, tensor.shape.clone(), data).expect("a good tensor"))
    };
    safetensors::serialize(tensors.iter().map(view), Some(metadata)).expect("a good file")
}

pub fn config_json(config: &ModelConfig) -> Value {
    serde_json::to_value(config).expect("plain numbers")
}

/// A good file of the tiny model, with its configuration as `change` leaves it.
fn with_config(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut config = config_json(&tiny());
    change(&mut config);
    file(&f32_tensors(&model(&tiny(), 1)), &[("config", &config.to_string())])
}

/// A file of the tiny model, with its tensors as `change` leaves them.
fn with_tensors(change: impl FnOnce(&mut Vec<Tensor>)) -> Vec<u8> {
    let mut tensors = f32_tensors(&model(&tiny(), 1));
    change(&mut tensors);
    file(&tensors, &[("config", &config_json(&tiny()).to_string())])
}

pub fn error(bytes: &[u8]) -> LoadError {
    load(bytes, &Device::flex()).err().expect("an error")
}

fn files_are_read_back() {
    let cases = [tiny(), config(3, 256, [5, 4]), ModelConfig { skip: false, ..config(1, 256, [3, 4]) }];
    for (network, config) in Network::ALL.into_iter().flat_map(|network| cases.clone().map(|config| (network, config)))
    {
        let config = ModelConfig { network, ..config };
        let (model, training, results) = (model(&config, 2), json!({ "epochs": 3 }), json!({ "valid": { "n": 1.5 } }));
        let ours = load(&save(&model, Some(&training), Some(&results)), &Device::flex()).expect("a good file");
        let theirs = file(&f32_tensors(&model), &[("config", &config_json(&config).to_string())]);
        let theirs = load(&theirs, &Device::flex()).expect("a good file");
        assert_eq!((ours.training, ours.results), (Some(training), Some(results)));
        assert_eq!((theirs.training, theirs.results), (None, None));
        let levels = random_levels(&config, 2, 1);
        for found in [ours.model, theirs.model] {
            assert_eq!(found.config, config);
            assert_eq!(found.tensors(), model.tensors());
            assert_eq!(bits(&logits(&found, &levels)), bits(&logits(&model, &levels)));
        }
    }
    // A configuration without `skip`, which older files may have, means no skip connections.
    let plain = ModelConfig { skip: false, ..tiny() };
    let mut json = config_json(&plain);
    json.as_object_mut().expect("an object").remove("skip");
    let old = file(&f32_tensors(&model(&plain, 1)), &[("config", &json.to_string())]);
    assert_eq!(load(&old, &Device::flex()).expect("a good file").model.config, plain);
}

fn half_precision_is_read() {
    let model = model(&config(3, 2, [4, 3]), 3);
    type Case = (Dtype, fn(f32) -> Vec<u8>, fn(f32) -> f32);
    let cases: [Case; 2] = [
        (Dtype::F16, |v| f16::from_f32(v).to_le_bytes().to_vec(), |v| f16::from_f32(v).to_f32()),
        (Dtype::BF16, |v| bf16::from_f32(v).to_le_bytes().to_vec(), |v| bf16::from_f32(v).to_f32()),
    ];
    for (dtype, encode, rounded) in cases {
        let config = config_json(&model.config).to_string();
        let loaded = load(&file(&tensors(&model, dtype, encode), &[("config", &config)]), &Device::flex());
        let found = loaded.unwrap_or_else(|error| panic!("{dtype:?}: {error}")).model;
        for ((name, _, found), (_, _, exact)) in found.tensors().iter().zip(model.tensors()) {
            let expected: Vec<f32> = exact.into_iter().map(rounded).collect();
            assert_eq!(*found, expected, "{dtype:?}: {name}");
        }
        // What was read is written in 32 bits and read again without loss.
        let again = load(&save(&found, None, None), &Device::flex()).expect("a good file").model;
        assert_eq!(again.tensors(), found.tensors(), "{dtype:?}");
    }
}

fn equal_models_are_equal_files() {
    let model = model(&config(3, 256, [5, 4]), 2);
    let (training, results) = (json!({ "b": 1, "a": 2 }), json!({ "valid": 1.5 }));
    let first = save(&model, Some(&training), Some(&results));
    let loaded = load(&first, &Device::flex()).expect("a good file");
    for _ in 0..8 {
        assert_eq!(save(&model, Some(&training), Some(&results)), first);
        assert_eq!(save(&loaded.model, loaded.training.as_ref(), loaded.results.as_ref()), first);
    }
    // Fresh weights show their mask: what it forbids is zero in the file.
    for network in Network::ALL {
        let config = ModelConfig { network, ..config(3, 2, [5, 4]) };
        let fresh = Model::init(&config, 1, &Device::flex()).expect("a good configuration");
        for (name, shape, values) in fresh.tensors() {
            let Some(mask) = mask_of(&config, &name, &shape) else { continue };
            assert!(values.iter().zip(mask).all(|(&value, mask)| (value != 0.0) == (mask == 1.0)), "{name}");
        }
    }
}

/// The names that other programs rely on, for a network of one block with a skip connection.
fn names(network: Network) -> Vec<String> {
    let conv = |name: &str| [format!("{name}.weight"), format!("{name}.bias")];
    let lstm = |name: &str| {
        let parts = ["input_to_state.weight", "input_to_state.bias", "state_to_state", "initial_h", "initial_c"];
        parts.map(|part| format!("blocks.0.lstm.{name}{part}"))
    };
    let body = match network {
        Network::PixelCnn => ["blocks.0.reduce", "blocks.0.conv"].map(conv).concat(),
        Network::RowLstm => lstm("").to_vec(),
        Network::DiagonalBiLstm => [lstm("left."), lstm("right.")].concat(),
    };
    let head = ["blocks.0.expand", "blocks.0.skip", "head.hidden", "head.output"].map(conv).concat();
    [conv("first").to_vec(), body, head].concat()
}

/// For every network: each tensor left out, given another shape, or replaced by those of another network.
fn every_tensor_is_checked() {
    for network in Network::ALL {
        let config = ModelConfig { network, ..tiny() };
        let json = config_json(&config).to_string();
        let good = f32_tensors(&model(&config, 1));
        assert_eq!(good.iter().map(|tensor| tensor.name.as_str()).collect::<Vec<_>>(), names(network), "{network:?}");
        for (at, Tensor { name, shape, .. }) in good.iter().enumerate() {
            let mut missing = good.clone();
            missing.remove(at);
            let found = error(&file(&missing, &[("config", &json)])).to_string();
            assert_eq!(found, format!("tensor `{name}` not found"), "{network:?}");
            let mut misshaped = good.clone();
            misshaped[at].shape.push(1);
            let found = error(&file(&misshaped, &[("config", &json)])).to_string();
            let expected = format!("tensor `{name}`: shape {:?} found, {shape:?} expected", misshaped[at].shape);
            assert_eq!(found, expected, "{network:?}");
        }
        for other in Network::ALL.into_iter().filter(|&other| other != network) {
            // Plenty of bytes, so that the names decide.
            let mut theirs = f32_tensors(&model(&ModelConfig { network: other, ..tiny() }, 1));
            theirs.push(Tensor { name: "room".into(), dtype: Dtype::F32, shape: vec![4096], data: vec![0; 16_384] });
            let found = error(&file(&theirs, &[("config", &json)])).to_string();
            let first_missing = names(network).into_iter().find(|name| !names(other).contains(name));
            let first_missing = first_missing.expect("another network");
            assert_eq!(found, format!("tensor `{first_missing}` not found"), "{network:?} from {other:?}");
        }
    }
}

fn broken_files_are_named() {
    let good = with_tensors(|_| ());
    assert!(load(&good, &Device::flex()).is_ok());
    let find = |tensors: &mut Vec<Tensor>, name: &str| tensors.iter().position(|t| t.name == name).expect("its name");
    let put = |value: f32| {
        with_tensors(|tensors| {
            let at = find(tensors, "blocks.0.conv.weight");
            tensors[at].data[8..12].copy_from_slice(&value.to_le_bytes());
        })
    };
    let header_length = |length: u64| [&length.to_le_bytes(), &good[8..]].concat();
    let extra = Tensor { name: "surprise".into(), dtype: Dtype::F32, shape: vec![1], data: vec![0; 4] };
    let raw =
        |header: &str, data: usize| [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat();
    let random: Vec<u8> = (0..4000).map(|k| threefry2x32([1, 2], [k, 0])[0] as u8).collect();
    let config = config_json(&tiny()).to_string();
    let big = config_json(&ModelConfig { h: 1024, layers: 128, ..tiny() }).to_string();
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("empty", vec![], &["safetensors"]),
        ("random bytes", random, &["safetensors"]),
        ("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0".to_vec(), &["safetensors"]),
        ("a web page", b"<!doctype html><title>404</title>".to_vec(), &["safetensors"]),
        ("header length huge", header_length(u64::MAX), &["safetensors"]),
        ("header length of gigabytes", header_length(1 << 33), &["safetensors"]),
        ("header length zero", header_length(0), &["safetensors"]),
        ("header no JSON", raw("{not json", 0), &["safetensors"]),
        ("header a list", raw("[1, 2]", 0), &["safetensors"]),
        ("header nested deeply", raw(&"[".repeat(100_000), 0), &["safetensors"]),
        ("bytes after the tensors", [good.clone(), vec![0; 4]].concat(), &["safetensors"]),
        (
            "a shape too large to multiply",
            raw(r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}}"#, 4),
            &["safetensors"],
        ),
        (
            "a tensor beyond the file",
            raw(r#"{"a":{"dtype":"F32","shape":[2305843009213693951],"data_offsets":[0,9223372036854775804]}}"#, 4),
            &["safetensors"],
        ),
        ("offsets backwards", raw(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4), &["safetensors"]),
        ("no metadata", file(std::slice::from_ref(&extra), &[]), &["`config`", "not found"]),
        ("no config", file(std::slice::from_ref(&extra), &[("training", "{}")]), &["`config`", "not found"]),
        ("nothing but a config", file(&[], &[("config", &config)]), &["weights", "room"]),
        (
            "training not JSON",
            file(&f32_tensors(&model(&tiny(), 1)), &[("config", &config), ("training", "{")]),
            &["`training`"],
        ),
        (
            "results not JSON",
            file(&f32_tensors(&model(&tiny(), 1)), &[("config", &config), ("results", "nats")]),
            &["`results`"],
        ),
        ("more weights than bytes", file(&f32_tensors(&model(&tiny(), 1)), &[("config", &big)]), &["weights", "room"]),
        (
            "a tensor missing",
            with_tensors(|t| t.retain(|t| t.name != "head.hidden.bias")),
            &["`head.hidden.bias`", "not found"],
        ),
        ("a tensor too many", with_tensors(|t| t.push(extra.clone())), &["`surprise`", "no such layer"]),
        (
            "a tensor renamed",
            with_tensors(|t| {
                let at = find(t, "first.bias");
                t[at].name = "last.bias".into();
            }),
            &["`first.bias`", "not found"],
        ),
        (
            "a shape turned",
            with_tensors(|t| {
                let at = find(t, "head.output.weight");
                t[at].shape.swap(0, 1);
            }),
            &["`head.output.weight`", "[2, 1, 1, 1]", "[1, 2, 1, 1]"],
        ),
        (
            "a flat shape",
            with_tensors(|t| {
                let at = find(t, "blocks.0.conv.weight");
                t[at].shape = vec![36];
            }),
            &["`blocks.0.conv.weight`", "[36]", "[2, 2, 3, 3]"],
        ),
        (
            "integers",
            with_tensors(|t| {
                let at = find(t, "blocks.0.skip.bias");
                t[at].dtype = Dtype::I32;
            }),
            &["`blocks.0.skip.bias`", "I32", "F32"],
        ),
        ("not a number", put(f32::NAN), &["`blocks.0.conv.weight`", "element 2", "NaN"]),
        ("infinity", put(f32::INFINITY), &["`blocks.0.conv.weight`", "element 2", "inf"]),
        ("minus infinity", put(f32::NEG_INFINITY), &["`blocks.0.conv.weight`", "element 2", "-inf"]),
    ];
    for (what, bytes, names) in cases {
        let found = error(&bytes).to_string();
        for name in names {
            assert!(found.contains(name), "{what}: {found:?} lacks {name:?}");
        }
    }
}

fn broken_configurations_are_named() {
    for (text, names) in [
        ("", ["`config`", "EOF"]),
        ("{", ["`config`", "EOF"]),
        ("pixelcnn", ["`config`", "expected"]),
        ("[]", ["`config`", "length"]),
        ("null", ["`config`", "null"]),
    ] {
        let found = error(&file(&f32_tensors(&model(&tiny(), 1)), &[("config", text)])).to_string();
        assert!(names.iter().all(|name| found.contains(name)), "{text:?}: {found:?} lacks one of {names:?}");
    }
    for (field, value, names) in [
        ("surprise", json!(1), ["surprise", "unknown field"]),
        ("network", json!("transformer"), ["transformer", "pixelcnn"]),
        ("network", json!("row-lstm"), ["row-lstm", "`row_lstm`"]),
        ("network", json!("diagonal"), ["diagonal", "`diagonal_bilstm`"]),
        ("network", Value::Null, ["`config`", "expected value"]),
        ("channels", json!(0), ["`channels`", "found 0"]),
        ("channels", json!(2), ["`channels`", "found 2"]),
        ("levels", json!(1), ["`levels`", "found 1"]),
        ("levels", json!(257), ["`levels`", "found 257"]),
        ("levels", json!(3), ["`head.output.weight`", "shape [1, 2, 1, 1] found, [3, 2, 1, 1] expected"]),
        ("levels", json!(0), ["`levels`", "found 0"]),
        ("levels", json!(65_536), ["`config`", "65536"]),
        ("height", json!(0), ["`height`", "found 0"]),
        ("width", json!(100_000), ["`width`", "found 100000"]),
        ("layers", json!(0), ["`layers`", "found 0"]),
        ("layers", json!(u64::MAX), ["`layers`", "18446744073709551615"]),
        ("h", json!(0), ["`h`", "found 0"]),
        ("h", json!(1_000_000_000), ["`h`", "found 1000000000"]),
        ("h", json!(-1), ["`config`", "-1"]),
        ("h", json!(2.5), ["`config`", "2.5"]),
        ("head", json!(1_000_000), ["`head`", "found 1000000"]),
        ("skip", json!("yes"), ["`config`", "yes"]),
    ] {
        let found = error(&with_config(|config| config[field] = value.clone())).to_string();
        assert!(names.iter().all(|name| found.contains(name)), "{field} {value}: {found:?} lacks one of {names:?}");
    }
    for field in ["network", "channels", "levels", "height", "width", "layers", "h", "head"] {
        let remove = |config: &mut Value| _ = config.as_object_mut().expect("an object").remove(field);
        let found = error(&with_config(remove)).to_string();
        assert!(found.contains(&format!("missing field `{field}`")), "{field}: {found}");
    }
    // Three colours need three features.
    let colour = error(&with_config(|config| config["channels"] = 3.into())).to_string();
    assert!(colour.contains("`h`") && colour.contains("a colour"), "{colour}");
}
