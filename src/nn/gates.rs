//! The LSTM step (Eq. 3) on tensors; [`maths`](crate::maths) has it on plain numbers.
//!
//! [o, f, i, g] = (σ, σ, σ, tanh)(pre-activations), c = f ⊙ c_prev + i ⊙ g, h = o ⊙ tanh(c). Of the 4h pre-activations, feature
//! `gate · h + k` is unit k of that gate.

use crate::maths::GATES;

use super::floats::floats;
use super::fresh::uniform;
use super::mask::MaskKind;
use super::masked_conv::{MaskedConv2d, MaskedConv2dConfig};
use burn::module::Param;
use burn::tensor::activation::{sigmoid as sigmoid_of, tanh as tanh_of};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor};

/// A fresh input-to-state convolution (K_is), 2h → 4h under mask B, colour groups aligned inside each gate (§3.4). The
/// forget gates start open (bias + 1), so that what the first layers see reaches the last rows from the first step on.
pub(super) fn init_input_to_state(h: usize, kernel: [usize; 2], groups: usize, device: &Device) -> MaskedConv2d {
    let features = [2 * h, GATES * h];
    let mut conv = MaskedConv2dConfig { features, kernel, mask: MaskKind::B, groups, gates: GATES }.init(device);
    let forget: Vec<f32> = (0..GATES * h).map(|feature| if feature / h == 1 { 1.0 } else { 0.0 }).collect();
    let bias = conv.bias.val() + floats(forget, [GATES * h], device);
    conv.bias = Param::from_tensor(bias.detach());
    conv
}

/// A fresh state-to-state convolution (K_ss), h → 4h without a mask, drawn from U(−k, k), k² = 1 / inputs.
pub(super) fn init_state_to_state(h: usize, kernel: [usize; 2], device: &Device) -> Param<Tensor<4>> {
    let [height, width] = kernel;
    let bound = 1.0 / ((h * height * width) as f64).sqrt();
    uniform(bound, [GATES * h, h, height, width], device)
}

/// Fresh weights `[features, maps, 1, 1]` of the unmasked 1×1 convolution of a conditioning map (§3.6), drawn from U(−k, k),
/// k² = 1 / maps; none where there is no such map.
pub(super) fn init_condition(features: usize, maps: usize, device: &Device) -> Option<Param<Tensor<4>>> {
    let bound = 1.0 / (maps as f64).sqrt();
    (maps > 0).then(|| uniform(bound, [features, maps, 1, 1], device))
}

/// `x` plus the 1×1 convolution of the conditioning map, where there is one. It has no bias: what it is added to has.
///
/// # Shapes
/// - `x`, output: `[batch, features, height, width]`
/// - `condition`: `[batch, maps, height, width]`
///
/// # Panics
/// When there are weights and no map, or the other way round.
pub(super) fn add_condition(
    x: Tensor<4>,
    weight: Option<&Param<Tensor<4>>>,
    condition: Option<&Tensor<4>>,
) -> Tensor<4> {
    match (weight, condition) {
        (Some(weight), Some(condition)) => {
            x + conv2d(condition.clone(), weight.val(), None, ConvOptions::new([1, 1], [0, 0], [1, 1], 1))
        }
        (None, None) => x,
        (weight, _) => {
            panic!("a layer with condition weights: {}, a map for them: {}", weight.is_some(), weight.is_none())
        }
    }
}

/// An initial state of h zeros, to be learned.
pub(super) fn init_state(h: usize, device: &Device) -> Param<Tensor<1>> {
    Param::from_tensor(Tensor::zeros([h], device))
}

/// The weights of one direction of a recurrent layer as [`lstm_block`](crate::cpu::lstm_block) takes them.
#[cfg(feature = "native")]
pub(super) fn flat(
    input_to_state: &MaskedConv2d,
    state_to_state: &Param<Tensor<4>>,
    initial: [&Param<Tensor<1>>; 2],
    condition: Option<&Param<Tensor<4>>>,
) -> Vec<Tensor<1>> {
    let mut flat = input_to_state.flat().to_vec();
    flat.push(state_to_state.val().flatten(0, 3));
    flat.extend(initial.map(Param::val));
    flat.extend(condition.map(|weight| weight.val().flatten(0, 3)));
    flat
}

/// One step of every cell: the new state (h, c).
///
/// # Shapes
/// - `pre`: 4h features along dimension `dim`
/// - `c_prev`, both outputs: h features along dimension `dim`
pub fn lstm_step<const D: usize>(pre: Tensor<D>, c_prev: Tensor<D>, dim: usize) -> (Tensor<D>, Tensor<D>) {
    let h = c_prev.dims()[dim];
    // The three sigmoids in one operation.
    let open = sigmoid_of(pre.clone().narrow(dim, 0, 3 * h));
    let [o, f, i] = [0, 1, 2].map(|gate| open.clone().narrow(dim, gate * h, h));
    let g = tanh_of(pre.narrow(dim, 3 * h, h));
    let c = f * c_prev + i * g;
    (o * tanh_of(c.clone()), c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    /// c = σ(f)·c_prev + σ(i)·tanh(g) = 0.5·0.8 + 0.731059·0.462117 = 0.737835, h = σ(o)·tanh(c) = 0.880797·0.627835 = 0.552995.
    #[test]
    fn a_step_is_equation_3() {
        let (o, f, i, g, c_prev) = (2.0, 0.0, 1.0, 0.5, 0.8);
        let device = Device::flex();
        let (h, c) =
            lstm_step(Tensor::<2>::from_data([[o, f, i, g]], &device), Tensor::from_data([[c_prev]], &device), 1);
        for (h, c) in [(h.into_scalar::<f32>(), c.into_scalar::<f32>()), crate::maths::cell([o, f, i, g], c_prev)] {
            assert!((h - 0.552_995).abs() < 2e-6 && (c - 0.737_835).abs() < 2e-6, "h = {h}, c = {c}");
        }
    }
}
