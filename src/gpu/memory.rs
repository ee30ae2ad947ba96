//! Memory and launches, as both operations need them.

use burn::backend::ops::FloatTensorOps;
use burn::backend::wgpu::CubeTensor;
use burn::backend::{Cube, CubeDevice, DispatchDevice, TensorMetadata};
use burn::tensor::{DType, Device, FloatDType};
use cubecl::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// Threads of a workgroup.
pub const THREADS: usize = 32;

/// Most rounds of a loop over pixels. Mesa's software Vulkan ends a shader's loops after 65,535 rounds in all.
const MOST_ROUNDS: usize = 16_384;

/// Whether the plain layers are computed instead.
static PLAIN: AtomicBool = AtomicBool::new(false);

/// From now on the whole process computes its layers on a GPU from burn's own operations, or by these kernels again: for
/// measurements of one against the other.
pub fn plain_on_gpu(plain: bool) {
    PLAIN.store(plain, Ordering::Relaxed);
}

/// Whether tensors of this device take this path.
pub fn serves(device: &Device) -> bool {
    let plain = PLAIN.load(Ordering::Relaxed);
    !plain && matches!(device.clone().inner().as_dispatch(), DispatchDevice::Cube(CubeDevice::Wgpu(_)))
}

/// Workgroups for so many threads a tile, and tiles.
pub fn workgroups(threads: usize, tiles: usize) -> CubeCount {
    CubeCount::Static(threads.div_ceil(THREADS) as u32, tiles as u32, 1)
}

/// Most images of a thread that sums over pixels: fewer leave more threads, more leave fewer sums to be summed.
const MOST_IMAGES: usize = 16;

/// Images whose rows one thread sums up, of so many.
pub fn images_a_part(width: usize, batch: usize) -> usize {
    (MOST_ROUNDS / width).min(MOST_IMAGES).clamp(1, batch)
}

/// Memory for so many values, beside `tensor`.
pub fn empty(tensor: &CubeTensor, values: usize) -> CubeTensor {
    Cube::float_empty([values].into(), &tensor.device, FloatDType::F32)
}

/// Strides of a tensor of 32-bit floats that burn laid out, `[batch, features, height, width]`.
pub fn strides(tensor: &CubeTensor) -> [usize; 4] {
    assert_eq!(tensor.dtype, DType::F32, "the kernels compute in 32-bit floats");
    let strides = tensor.meta.strides();
    assert_eq!(tensor.shape().num_dims(), 4, "images, features, rows and columns");
    [strides[0], strides[1], strides[2], strides[3]]
}

/// Values that lie as `[batch, height, width, features]` as `[batch, features, height, width]`; no copy.
pub fn features_first(values: CubeTensor, shape: [usize; 4]) -> CubeTensor {
    Cube::float_permute(Cube::float_reshape(values, shape.into()), &[0, 3, 1, 2])
}
