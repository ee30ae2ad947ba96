//! Row LSTM (§3.1): a row is one step, and each pixel's state continues those of three pixels of the row above.

use super::gates::{add_condition, init_condition, init_input_to_state, init_state, init_state_to_state, lstm_step};
use super::masked_conv::MaskedConv2d;
use crate::maths::GATES;
use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor};

/// Configuration of a [`RowLstm`].
#[derive(Config, Debug)]
pub struct RowLstmConfig {
    /// The paper's width h: features a gate; the layer reads 2h features.
    pub h: usize,
    /// Colour groups.
    pub groups: usize,
    /// Features of the conditioning map; 0 for none.
    pub maps: usize,
}

/// 2h → h features a pixel, with a triangular context above it.
#[derive(Module, Debug)]
pub struct RowLstm {
    /// K_is: 3×1 along the row, mask B, 2h → 4h, gates in the order o, f, i, g.
    pub input_to_state: MaskedConv2d,
    /// K_ss: 3×1 over the row above, no mask, `[4h, h, 1, 3]`.
    pub state_to_state: Param<Tensor<4>>,
    /// State of every pixel of the row above the image, `[h]`. Beside the image, states are zero.
    pub initial_h: Param<Tensor<1>>,
    /// Cell of the same, `[h]`.
    pub initial_c: Param<Tensor<1>>,
    /// 1×1 from the conditioning map, no mask (§3.6), `[4h, maps, 1, 1]`.
    pub condition: Option<Param<Tensor<4>>>,
}

impl RowLstmConfig {
    /// A layer with fresh weights.
    pub fn init(&self, device: &Device) -> RowLstm {
        RowLstm {
            input_to_state: init_input_to_state(self.h, [1, 3], self.groups, device),
            state_to_state: init_state_to_state(self.h, [1, 3], device),
            initial_h: init_state(self.h, device),
            initial_c: init_state(self.h, device),
            condition: init_condition(GATES * self.h, self.maps, device),
        }
    }
}

impl RowLstm {
    /// # Shapes
    /// - `x`: `[batch, 2h, height, width]`
    /// - `condition`: `[batch, maps, height, width]`
    /// - output: `[batch, h, height, width]`
    pub fn forward(&self, x: Tensor<4>, condition: Option<&Tensor<4>>) -> Tensor<4> {
        // K_is ⊛ x for the whole map at once, as Eq. 3 asks.
        let inputs = self.input_to_state.forward(x); // [batch, 4h, height, width]
        let inputs = add_condition(inputs, self.condition.as_ref(), condition);
        self.scan(inputs)
    }

    fn scan(&self, inputs: Tensor<4>) -> Tensor<4> {
        #[cfg(all(feature = "native", feature = "wgpu"))]
        if crate::gpu::serves(&inputs.device()) {
            use crate::maths::Layer;
            let initial = Tensor::cat(vec![self.initial_h.val(), self.initial_c.val()], 0);
            return crate::gpu::scan(Layer::Row, inputs, self.state_to_state.val().flatten(0, 3), initial);
        }
        self.scan_plain(inputs)
    }

    /// The scan from burn's own operations, row by row: what CUDA and the browser run, and what the kernels are tested against.
    fn scan_plain(&self, inputs: Tensor<4>) -> Tensor<4> {
        let [batch, _, height, width] = inputs.dims();
        let row = |state: &Param<Tensor<1>>| {
            let h = state.dims()[0];
            state.val().reshape([1, h, 1, 1]).expand([batch, h, 1, width])
        };
        let (mut h, mut c) = (row(&self.initial_h), row(&self.initial_c)); // [batch, h, 1, width]
        let options = ConvOptions::new([1, 1], [0, 1], [1, 1], 1);
        let mut rows = Vec::with_capacity(height);
        for y in 0..height {
            let states = conv2d(h, self.state_to_state.val(), None, options.clone()); // [batch, 4h, 1, width]
            (h, c) = lstm_step(inputs.clone().narrow(2, y, 1) + states, c, 1);
            rows.push(h.clone());
        }
        Tensor::cat(rows, 2)
    }

    /// The weights as [`lstm_block`](crate::cpu::lstm_block) takes them.
    #[cfg(feature = "native")]
    pub(super) fn flat(&self) -> Vec<Tensor<1>> {
        let initial = [&self.initial_h, &self.initial_c];
        super::gates::flat(&self.input_to_state, &self.state_to_state, initial, self.condition.as_ref())
    }
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::super::residual::tests::equal_on_cpu;
    use crate::nn::{Layer, LstmBlockConfig};

    #[test]
    fn cpu_path_equals_plain_path_in_value_and_gradient() {
        for (h, groups, skip, maps, size) in [
            (16, 1, true, 0, [6, 9]),
            (5, 3, false, 0, [4, 7]),
            (7, 3, true, 0, [5, 1]),
            (24, 1, true, 0, [1, 8]),
            (16, 1, true, 16, [6, 9]),
            (5, 3, true, 3, [4, 7]),
            (6, 1, false, 19, [5, 4]),
        ] {
            equal_on_cpu(&LstmBlockConfig { layer: Layer::Row, h, skip, groups, maps }, size);
        }
    }
}
