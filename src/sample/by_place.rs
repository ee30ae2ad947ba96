//! Networks that are the same on every machine, untrained.

use super::uniform;
use crate::model::{Model, ModelConfig};
use burn::tensor::Device;

/// A model whose weights are a function of their place alone: the random numbers of a device are shared by all threads.
pub(crate) fn model_by_place(config: &ModelConfig) -> Model {
    let mut tensor = 0;
    Model::init(config, 0, &Device::flex()).expect("a good configuration").map_tensors(|_, shape| {
        tensor += 1;
        (0..shape.iter().product()).map(|k| uniform(tensor, k as u32, 0, 0, 0) - 0.5).collect()
    })
}
