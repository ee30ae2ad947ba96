//! Tensors of numbers.

use burn::backend::Dispatch;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{Device, Tensor, TensorData};

/// A tensor of these values, the last dimension's side by side.
///
/// As [`Tensor::from_data`] would, without its conversions from every type of number to every other: 24 kB of the browser's
/// gzipped bundle.
///
/// # Panics
/// When there are more or fewer values than the shape has.
pub fn floats<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::float_from_data(TensorData::new(values, shape), device.as_dispatch()))
}
