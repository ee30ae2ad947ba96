//! Weights files: one safetensors file holds the weights, the configuration and the record of their training.
//!
//! The metadata has `config` (JSON of [`ModelConfig`]) and may have `training` and `results` (JSON objects). Tensors are
//! named by module (`blocks.0.conv.weight`), convolutions are `[out, in, height, width]`, masked weights are zero, and
//! F32, F16 and BF16 are read. Bytes in, bytes out: files are other modules' business.

use crate::model::{ConfigError, Model, ModelConfig};
use crate::sniff::{Mistaken, SAFETENSORS, mistaken};
use burn::tensor::{Device, bf16, f16};
use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};

/// Why bytes are not the weights of a model.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not a safetensors file, or a truncated one.
    #[error("not a complete safetensors file: {0}")]
    Format(SafeTensorError),
    /// Another kind of file.
    #[error("{0}, a safetensors file of weights expected")]
    Mistaken(Mistaken),
    /// What a run writes to be continued, not what it writes to be used.
    #[error("a training checkpoint found, a weights file expected: it is `best.safetensors` in the same folder")]
    Checkpoint,
    /// The metadata lacks an entry.
    #[error("metadata entry `{0}` not found")]
    MissingMetadata(&'static str),
    /// A metadata entry is not the JSON it should be.
    #[error("metadata entry `{entry}`: {reason}")]
    Metadata {
        /// Name of the entry.
        entry: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The configuration is of no network.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration asks for more weights than the file can hold.
    #[error("the configuration has {parameters} weights, the file has room for {room} at most")]
    TooShort {
        /// Weights of the configuration.
        parameters: usize,
        /// Weights that fit into the file's bytes.
        room: usize,
    },
    /// A tensor the configuration asks for is not there.
    #[error("tensor `{0}` not found")]
    MissingTensor(String),
    /// A tensor the configuration does not ask for.
    #[error("tensor `{0}` found, but the configuration has no such layer")]
    ExtraTensor(String),
    /// A tensor of another shape.
    #[error("tensor `{name}`: shape {found:?} found, {expected:?} expected")]
    Shape {
        /// Name of the tensor.
        name: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// The shape the configuration asks for.
        expected: Vec<usize>,
    },
    /// A tensor of another type.
    #[error("tensor `{name}`: type {found:?} found, F32, F16 or BF16 expected")]
    Type {
        /// Name of the tensor.
        name: String,
        /// Its type.
        found: Dtype,
    },
    /// A weight that is not a finite number.
    #[error("tensor `{name}`: element {index} is {value}, a finite number expected")]
    NotFinite {
        /// Name of the tensor.
        name: String,
        /// Position of the element, row-major.
        index: usize,
        /// Its value.
        value: f32,
    },
}

/// A model with what its file says about it.
pub struct Loaded {
    /// The model.
    pub model: Model,
    /// Record of the training run, if the file has one.
    pub training: Option<Value>,
    /// Likelihoods measured, if the file has any.
    pub results: Option<Value>,
}

/// Reads a weights file.
///
/// Nothing is allocated that the number of bytes given does not justify: the network is built only when the file is
/// large enough to hold its weights.
///
/// # Errors
/// Names the tensor or the field, what was found and what was expected.
pub fn load(bytes: &[u8], device: &Device) -> Result<Loaded, LoadError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        // A cut file still begins like one.
        let other = mistaken(bytes).filter(|&found| found != SAFETENSORS);
        other.map_or(LoadError::Format(error), LoadError::Mistaken)
    })?;
    let metadata = metadata(bytes)?;
    if metadata.contains_key("train_config") {
        return Err(LoadError::Checkpoint);
    }
    let entry = |name: &'static str| metadata.get(name).map(|text| parse(name, text)).transpose();
    let config = metadata.get("config").ok_or(LoadError::MissingMetadata("config"))?;
    let config: ModelConfig = parse("config", config)?;
    config.validate()?;
    // At least two bytes a weight.
    let (parameters, room) = (config.parameters(), bytes.len() / 2);
    if parameters > room {
        return Err(LoadError::TooShort { parameters, room });
    }
    let model = fill(Model::init(&config, 0, device)?, &file)?;
    Ok(Loaded { model, training: entry("training")?, results: entry("results")? })
}

/// The model with every weight taken from `file`, which must hold exactly these.
fn fill(model: Model, file: &SafeTensors) -> Result<Model, LoadError> {
    let mut extra: BTreeSet<&str> = file.names().into_iter().collect();
    let mut failure = None;
    let model = model.map_tensors(|name, shape| {
        extra.remove(name);
        read(file, name, shape).unwrap_or_else(|error| {
            failure.get_or_insert(error);
            vec![0.0; shape.iter().product()]
        })
    });
    match (failure, extra.first()) {
        (Some(error), _) => Err(error),
        (None, Some(name)) => Err(LoadError::ExtraTensor((*name).to_owned())),
        (None, None) => Ok(model),
    }
}

/// One tensor as 32-bit floats.
fn read(file: &SafeTensors, name: &str, expected: &[usize]) -> Result<Vec<f32>, LoadError> {
    let tensor = file.tensor(name).map_err(|_| LoadError::MissingTensor(name.to_owned()))?;
    if tensor.shape() != expected {
        let (name, found) = (name.to_owned(), tensor.shape().to_vec());
        return Err(LoadError::Shape { name, found, expected: expected.to_vec() });
    }
    let halves = || tensor.data().chunks_exact(2).map(|b| [b[0], b[1]]);
    let values: Vec<f32> = match tensor.dtype() {
        Dtype::F32 => tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        Dtype::F16 => halves().map(|b| f16::from_le_bytes(b).to_f32()).collect(),
        Dtype::BF16 => halves().map(|b| bf16::from_le_bytes(b).to_f32()).collect(),
        found => return Err(LoadError::Type { name: name.to_owned(), found }),
    };
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(LoadError::NotFinite { name: name.to_owned(), index, value: values[index] }),
        None => Ok(values),
    }
}

fn metadata(bytes: &[u8]) -> Result<HashMap<String, String>, LoadError> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(LoadError::Format)?;
    Ok(header.metadata().clone().unwrap_or_default())
}

fn parse<T: DeserializeOwned>(entry: &'static str, text: &str) -> Result<T, LoadError> {
    serde_json::from_str(text).map_err(|error| LoadError::Metadata { entry, reason: error.to_string() })
}

/// How weights are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// As they are.
    #[default]
    F32,
    /// Rounded to 16 bits, a sign, five bits of exponent and ten behind the point: half the download.
    F16,
}

/// Writes a weights file of 32-bit floats; `training` and `results` go into the metadata as they are.
pub fn save(model: &Model, training: Option<&Value>, results: Option<&Value>) -> Vec<u8> {
    save_as(Precision::F32, model, training, results)
}

/// Writes a weights file of the given precision.
///
/// # Panics
/// When a weight is too large for it; 16 bits end at 65,504.
pub fn save_as(precision: Precision, model: &Model, training: Option<&Value>, results: Option<&Value>) -> Vec<u8> {
    let config = serde_json::to_value(&model.config).expect("a configuration is plain numbers");
    let metadata = [("config", Some(&config)), ("training", training), ("results", results)];
    let metadata = metadata.into_iter().filter_map(|(name, value)| Some((name, value?.to_string())));
    let bytes = |name: &str, values: &[f32]| match precision {
        Precision::F32 => bytes_of(values),
        Precision::F16 => values.iter().flat_map(|&value| half(name, value).to_le_bytes()).collect(),
    };
    let tensors: Vec<_> = (model.tensors().into_iter())
        .map(|(name, shape, values)| {
            let bytes = bytes(&name, &values);
            (name, shape, bytes)
        })
        .collect();
    write(metadata, if precision == Precision::F32 { Dtype::F32 } else { Dtype::F16 }, &tensors)
}

fn half(name: &str, value: f32) -> f16 {
    let half = f16::from_f32(value);
    assert!(half.is_finite(), "tensor `{name}` holds {value}, which 16 bits cannot");
    half
}

/// A safetensors file. The format is written here because the library orders metadata at random, and equal models
/// should be equal files.
pub(crate) fn write<'a>(
    metadata: impl IntoIterator<Item = (&'a str, String)>,
    dtype: Dtype,
    tensors: &[(String, Vec<usize>, Vec<u8>)],
) -> Vec<u8> {
    let mut header = Map::new();
    let metadata: Map<String, Value> =
        metadata.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
    header.insert("__metadata__".to_owned(), metadata.into());
    let mut end = 0;
    for (name, shape, data) in tensors {
        let start = end;
        end += data.len();
        header.insert(name.clone(), json!({"dtype": dtype.to_string(), "shape": shape, "data_offsets": [start, end]}));
    }
    let mut header = Value::from(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    tensors.iter().for_each(|(_, _, data)| file.extend(data));
    file
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
