//! A step of Adam, one launch a tensor where burn's operations are a dozen.

use super::memory::{THREADS, empty};
use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::CubeTensor;
use burn::backend::{Backend, Cube, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use cubecl::prelude::*;

/// What is the same for all weights.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// Learning rate.
    pub rate: f32,
    /// What a weight is multiplied by before the step.
    pub kept: f32,
    /// Decay of both moments.
    pub betas: [f32; 2],
    /// What the root of the second moment is held off zero by.
    pub epsilon: f32,
    /// The step, from 1.
    pub time: i32,
}

/// The weights after the step, and both moments.
///
/// # Shapes
/// - `weight`, `gradient`, `moments`, outputs: `[values]`
pub fn adam(weight: Tensor<1>, gradient: Tensor<1>, moments: [Tensor<1>; 2], step: AdamStep) -> [Tensor<1>; 3] {
    let [moment_1, moment_2] = moments.map(Tensor::into_dispatch);
    let (weight, gradient) = (weight.into_dispatch(), gradient.into_dispatch());
    let (weight, moment_1, moment_2) = <Dispatch as AdamOps>::adam(weight, gradient, moment_1, moment_2, step);
    [weight, moment_1, moment_2].map(Tensor::from_dispatch)
}

/// The operation as burn dispatches it.
#[backend_extension(Cube)]
pub trait AdamOps: Backend {
    /// See [`adam`].
    fn adam(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        moment_1: FloatTensor<Self>,
        moment_2: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl AdamOps for Cube {
    fn adam(
        weight: CubeTensor,
        gradient: CubeTensor,
        moment_1: CubeTensor,
        moment_2: CubeTensor,
        step: AdamStep,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let values = weight.shape().num_elements();
        for tensor in [&weight, &gradient, &moment_1, &moment_2] {
            let found = tensor.shape().num_elements();
            assert!(found == values && tensor.is_contiguous(), "{found} values, expected {values} in a row");
        }
        let client = weight.client.clone();
        let [new_weight, new_1, new_2] = [(); 3].map(|()| empty(&weight, values));
        // The corrections of both moments, which begin at zero.
        let [correction_1, correction_2] = step.betas.map(|beta| 1.0 - beta.powi(step.time));
        let threads = CubeDim::new_1d(THREADS as u32);
        // SAFETY: every buffer has so many values, and threads beyond them do nothing.
        unsafe {
            step_of_adam::launch_unchecked(
                &client,
                cubecl::calculate_cube_count_elemwise(&client, values, threads),
                threads,
                weight.into_buffer_arg(),
                gradient.into_buffer_arg(),
                moment_1.into_buffer_arg(),
                moment_2.into_buffer_arg(),
                new_weight.clone().into_buffer_arg(),
                new_1.clone().into_buffer_arg(),
                new_2.clone().into_buffer_arg(),
                values as u32,
                step.rate,
                step.kept,
                step.betas[0],
                step.betas[1],
                correction_2.sqrt() / correction_1,
                step.epsilon * correction_2.sqrt(),
            );
        }
        (new_weight, new_1, new_2)
    }
}

/// A thread has one weight; operations in burn's order.
#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its buffers and numbers one by one")]
#[allow(missing_docs, reason = "the macro makes public items of its own")]
fn step_of_adam(
    weight: &[f32],
    gradient: &[f32],
    moment_1: &[f32],
    moment_2: &[f32],
    new_weight: &mut [f32],
    new_1: &mut [f32],
    new_2: &mut [f32],
    values: u32,
    rate: f32,
    kept: f32,
    beta_1: f32,
    beta_2: f32,
    correction: f32,
    epsilon: f32,
) {
    let k = ABSOLUTE_POS;
    if k < values as usize {
        let given = gradient[k];
        let first = moment_1[k] * beta_1 + given * (1.0f32 - beta_1);
        let second = moment_2[k] * beta_2 + given * given * (1.0f32 - beta_2);
        new_1[k] = first;
        new_2[k] = second;
        new_weight[k] = weight[k] * kept - first * correction / (f32::sqrt(second) + epsilon) * rate;
    }
}
