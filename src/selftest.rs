//! The start-up test of a GPU: a tiny network drawn there and on the CPU must give the same pixels.
//!
//! In the browser a kernel that fails validation is skipped in silence and stale memory is returned, so nothing a GPU says is
//! believed before this has passed.

use crate::model::{Model, ModelConfig, Network};
use crate::sample::{CachedSampler, FusedDevice, FusedSampler, NaiveSampler, Plan, Request, Scored, model_by_place};
use burn::module::Module;
use burn::tensor::Device;

/// Why a GPU is not used.
#[derive(Debug, thiserror::Error)]
pub enum SelfTestError {
    /// The device failed.
    #[error("the GPU failed in its start-up test: {0}")]
    Device(String),
    /// It computes something else.
    #[error("the GPU failed its start-up test: logit {index} of a tiny {network:?} is {found}, {expected} expected")]
    Logit {
        /// The network.
        network: Network,
        /// Position of the first logit that is off.
        index: usize,
        /// What the GPU gave.
        found: f32,
        /// What the CPU gave.
        expected: f32,
    },
    /// It scores otherwise; by a rounding, where a driver makes one operation of two.
    #[error(
        "the GPU failed its start-up test: −ln p of value {index} of a tiny {network:?} is {found:?}, {expected:?} expected to the bit"
    )]
    Nll {
        /// The network.
        network: Network,
        /// Position of the first value that is off.
        index: usize,
        /// What the GPU gave.
        found: f32,
        /// What the CPU gave.
        expected: f32,
    },
    /// It draws something else.
    #[error("the GPU failed its start-up test: it drew the levels {found:?} where the CPU drew {expected:?}")]
    Levels {
        /// What the GPU drew.
        found: Vec<u8>,
        /// What the CPU drew.
        expected: Vec<u8>,
    },
}

/// Draws and scores tiny images with a tiny network of every kind, binary and in colour, with the fused and with the cached
/// sampler, and compares.
///
/// # Errors
/// When the device fails, or differs from the CPU.
pub async fn run_fused(device: &FusedDevice) -> Result<(), SelfTestError> {
    for network in Network::ALL {
        // One image a workgroup, and a workgroup of eight images that is not full: the kernels of both differ.
        for (channels, levels, images, count) in [(1, 2, 0, 2), (3, 256, 3, 3)] {
            let device = &device.clone().grouping(images);
            let plans = Plan::of(&tiny_model(network, channels, levels));
            let request = Request::samples(5, count);
            let mut cached = CachedSampler::new(&plans, request.clone()).expect("a good request");
            while cached.next_row() {}
            let mut fused = FusedSampler::new(device, &plans, request).map_err(|error| failed(&error))?;
            while fused.next_row_async().await.map_err(|error| failed(&error))? {}
            let (found, expected) = (fused.levels(), cached.levels());
            if found != expected {
                return Err(SelfTestError::Levels { found, expected });
            }
            let values = |nll: &f32| *nll;
            let found = fused.image().nll_nats_of_values().flatten().map(values);
            let expected = cached.image().nll_nats_of_values().flatten().map(values);
            for (index, (found, expected)) in found.zip(expected).enumerate() {
                // A driver that rounds otherwise may draw these few levels alike; of a large image it would not.
                if found.to_bits() != expected.to_bits() {
                    return Err(SelfTestError::Nll { network, index, found, expected });
                }
            }
        }
    }
    Ok(())
}

/// The same, blocking: not for browsers.
///
/// # Errors
/// When the device fails, or differs from the CPU.
#[cfg(not(target_family = "wasm"))]
pub fn run_fused_here(device: &FusedDevice) -> Result<(), SelfTestError> {
    cubecl::future::block_on(run_fused(device))
}

/// Computes the logits of a tiny network of every kind with burn's own operations on `device` and on the CPU, then draws two
/// tiny binary images with one of them on both, and compares.
///
/// # Errors
/// When the device fails, or differs from the CPU.
pub async fn run(device: &Device) -> Result<(), SelfTestError> {
    for network in Network::ALL {
        compare_logits(network, device).await?;
    }
    let request = Request::samples(5, 2);
    let (on_cpu, on_device) = tiny_models(Network::PixelCnn, device);
    let mut cached = CachedSampler::new(&Plan::of(&on_cpu), request.clone()).expect("a good request");
    while cached.next_row() {}
    let mut naive = NaiveSampler::new(&on_device, request, device).expect("a good request");
    while naive.next_row_async().await.map_err(|error| failed(&error))? {}
    let (found, expected) = (naive.levels(), cached.levels());
    if found == expected { Ok(()) } else { Err(SelfTestError::Levels { found, expected }) }
}

async fn compare_logits(network: Network, device: &Device) -> Result<(), SelfTestError> {
    let (cpu, levels) = (Device::flex(), [0, 1, 1, 0, 1, 0]);
    let (on_cpu, on_device) = tiny_models(network, device);
    let expected = on_cpu.net().forward(on_cpu.config.input(&levels, &cpu), None).into_data();
    let found = on_device.net().forward(on_device.config.input(&levels, device), None);
    let found = found.into_data_async().await.map_err(|error| failed(&error))?;
    let [found, expected]: [Vec<f32>; 2] =
        [found, expected].map(|data| data.try_into_vec().expect("logits are 32-bit floats"));
    for (index, (&found, &expected)) in found.iter().zip(&expected).enumerate() {
        // Logits near one, sums of under a hundred products: rounding is far below this, a wrong kernel far above.
        if (found - expected).abs() > 1e-3 || found.is_nan() {
            return Err(SelfTestError::Logit { network, index, found, expected });
        }
    }
    Ok(())
}

fn failed(error: &dyn std::fmt::Display) -> SelfTestError {
    SelfTestError::Device(error.to_string())
}

/// A tiny network on the CPU and on `device`.
fn tiny_models(network: Network, device: &Device) -> (Model, Model) {
    let model = tiny_model(network, 1, 2);
    let on_device = model.clone().to_device(device);
    (model, on_device)
}

/// A network of one block on 2×3 pixels whose weights are a function of their place alone.
fn tiny_model(network: Network, channels: usize, levels: u16) -> Model {
    model_by_place(&ModelConfig::tiny(network, channels, levels, [2, 3]))
}
