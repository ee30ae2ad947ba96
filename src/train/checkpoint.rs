//! One file that a run can be continued from to the same result: weights, their average, the optimiser's memory and
//! where in the data it stood.

use super::TrainConfig;
use crate::model::{Model, Net};
use crate::weights;
use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::tensor::{Bytes, Tensor};
use safetensors::tensor::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Passes over the data finished.
    pub epoch: usize,
    /// Steps of the current pass done.
    pub step: usize,
    /// Sum of −ln p over the images of the current pass so far.
    pub train_nats: f64,
    /// Seconds of training so far, all sessions added up.
    pub elapsed_s: f64,
    /// Best validation likelihood so far, nats an image, and the epochs it had seen.
    pub best: Option<(f64, usize)>,
}

/// Everything a run needs to go on.
pub struct Checkpoint {
    /// The run it belongs to.
    pub config: TrainConfig,
    /// The record of the weights it began with, where these were not fresh.
    pub from: Option<Value>,
    /// Where it stands.
    pub progress: Progress,
    /// The weights of the last step, a weights file.
    pub weights: Vec<u8>,
    /// Their running average, a weights file; empty where none is kept.
    pub average: Vec<u8>,
    /// The optimiser's state, as burn writes it.
    pub optimizer: Vec<u8>,
}

/// Why a file is not a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Not a safetensors file, or one without the parts of a checkpoint.
    #[error("not a complete checkpoint: {0}")]
    Format(String),
    /// It belongs to a run with another configuration.
    #[error("the checkpoint belongs to another configuration: `{field}` is {found} there, {expected} here")]
    OtherRun {
        /// First field that differs.
        field: String,
        /// Its value in the checkpoint.
        found: String,
        /// Its value in the configuration given.
        expected: String,
    },
    /// Weights that do not fit.
    #[error(transparent)]
    Weights(#[from] weights::LoadError),
    /// The optimiser's state does not fit.
    #[error("optimiser state: {0}")]
    Optimizer(String),
}

impl Checkpoint {
    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let json = |value: serde_json::Result<String>| value.expect("plain numbers");
        let metadata = [
            ("train_config", json(serde_json::to_string(&self.config))),
            ("progress", json(serde_json::to_string(&self.progress))),
        ];
        let from = self.from.iter().map(|from| ("from", from.to_string()));
        let metadata = metadata.into_iter().chain(from);
        let part = |name: &str, bytes: &[u8]| (name.to_owned(), vec![bytes.len()], bytes.to_vec());
        let parts =
            [part("weights", &self.weights), part("average", &self.average), part("optimizer", &self.optimizer)];
        weights::write(metadata, Dtype::U8, &parts)
    }

    /// Reads the file and checks that it belongs to the run of `config`. Only the number of epochs may have changed: the
    /// run then goes on along the learning rates of the new length.
    ///
    /// # Errors
    /// When it is no checkpoint, or one of another run.
    pub fn from_bytes(bytes: &[u8], config: &TrainConfig) -> Result<Self, CheckpointError> {
        let format = |error: &dyn std::fmt::Display| CheckpointError::Format(error.to_string());
        let file = SafeTensors::deserialize(bytes).map_err(|error| format(&error))?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| format(&error))?;
        let entry = |name: &str| {
            let text = header.metadata().as_ref().and_then(|metadata| metadata.get(name));
            text.ok_or_else(|| CheckpointError::Format(format!("metadata entry `{name}` not found")))
        };
        // Through the type, so that a field left out is its default.
        let fields = |config: &TrainConfig| {
            let validation = config.validation().map(|validation| validation.to_string());
            let config = TrainConfig { validation, ..config.clone() };
            serde_json::to_value(config).expect("plain numbers")
        };
        let found = TrainConfig::from_json(entry("train_config")?).map_err(|error| format(&error))?;
        let (found, expected) = (fields(&found), fields(config));
        for (field, expected) in expected.as_object().into_iter().flatten() {
            if field != "epochs" && found[field] != *expected {
                let (field, found, expected) = (field.clone(), found[field].to_string(), expected.to_string());
                return Err(CheckpointError::OtherRun { field, found, expected });
            }
        }
        let progress = serde_json::from_str(entry("progress")?).map_err(|error| format(&error))?;
        let from = entry("from").ok().map(|text| serde_json::from_str(text)).transpose();
        let from = from.map_err(|error| format(&error))?;
        let part = |name: &str| -> Result<Vec<u8>, CheckpointError> {
            Ok(file.tensor(name).map_err(|error| format(&error))?.data().to_vec())
        };
        let (weights, average, optimizer) = (part("weights")?, part("average")?, part("optimizer")?);
        Ok(Self { config: config.clone(), from, progress, weights, average, optimizer })
    }
}

/// The model with parameter ids counted from zero: the optimiser keeps its memory by these ids, and burn draws them at
/// random, so a resumed run would not find its own.
pub fn number_parameters(model: Model) -> Model {
    struct Number(u64);
    impl ModuleMapper for Number {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (_, tensor, mapper) = param.consume();
            self.0 += 1;
            Param::from_mapped_value(ParamId::from(self.0), tensor, mapper)
        }
    }
    let mut number = Number(0);
    // In the order of the file: those of the image itself first.
    let mut nets: Vec<Net> = model.nets.into_iter().rev().map(|net| net.map(&mut number)).collect();
    nets.reverse();
    Model { nets, ..model }
}

/// The optimiser with the state it had when `bytes` were written.
///
/// # Errors
/// When the bytes are not an optimiser's state.
pub fn load_optimizer(
    optimizer: burn::optim::ModuleOptimizer,
    bytes: Vec<u8>,
) -> Result<burn::optim::ModuleOptimizer, CheckpointError> {
    optimizer.from_bytes(Bytes::from_bytes_vec(bytes)).map_err(|error| CheckpointError::Optimizer(error.to_string()))
}
