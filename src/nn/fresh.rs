//! Fresh weights.

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Distribution, Tensor};

/// Weights to be drawn from U(−bound, bound), when they are first read.
///
/// As burn's `Initializer` would, without all else that it knows: its orthogonal matrices alone are 48 kB of the browser's gzipped
/// bundle.
pub fn uniform<const D: usize>(bound: f64, shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    let draw = move |device: &Device, trained: bool| {
        let weights = Tensor::random(shape, Distribution::Uniform(-bound, bound), device);
        if trained { weights.require_grad() } else { weights }
    };
    Param::uninitialized(ParamId::new(), draw, device.clone(), true, shape.into())
}
