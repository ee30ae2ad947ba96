//! Diagonal BiLSTM (§3.2): two scans along the diagonals, which together see everything above and to the left.

use super::gates::{add_condition, init_condition, init_input_to_state, init_state, init_state_to_state, lstm_step};
use super::masked_conv::MaskedConv2d;
use crate::maths::{GATES, Layer};
use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// Configuration of a [`DiagonalBiLstm`].
#[derive(Config, Debug)]
pub struct DiagonalBiLstmConfig {
    /// The paper's width h: features a gate; the layer reads 2h features.
    pub h: usize,
    /// Colour groups.
    pub groups: usize,
    /// Features of the conditioning map; 0 for none.
    pub maps: usize,
}

/// One direction: a state continues those of the pixel above and of the pixel beside it, the one its scan comes from.
#[derive(Module, Debug)]
pub struct DiagonalLstm {
    /// K_is: 1×1, mask B, 2h → 4h, gates in the order o, f, i, g.
    pub input_to_state: MaskedConv2d,
    /// K_ss: two taps along a column of the skewed map, above and beside, no mask, `[4h, h, 2, 1]`.
    pub state_to_state: Param<Tensor<4>>,
    /// State of every pixel beside the image, where the scan comes from, `[h]`. Above the image, states are zero.
    pub initial_h: Param<Tensor<1>>,
    /// Cell of the same, `[h]`.
    pub initial_c: Param<Tensor<1>>,
    /// 1×1 from the conditioning map, no mask (§3.6), `[4h, maps, 1, 1]`.
    pub condition: Option<Param<Tensor<4>>>,
}

/// 2h → h features a pixel, with all of its past for context.
#[derive(Module, Debug)]
pub struct DiagonalBiLstm {
    /// From the left to the right.
    pub left: DiagonalLstm,
    /// From the right to the left.
    pub right: DiagonalLstm,
}

impl DiagonalBiLstmConfig {
    /// A layer with fresh weights.
    pub fn init(&self, device: &Device) -> DiagonalBiLstm {
        let direction = || DiagonalLstm {
            input_to_state: init_input_to_state(self.h, [1, 1], self.groups, device),
            state_to_state: init_state_to_state(self.h, [2, 1], device),
            initial_h: init_state(self.h, device),
            initial_c: init_state(self.h, device),
            condition: init_condition(GATES * self.h, self.maps, device),
        };
        DiagonalBiLstm { left: direction(), right: direction() }
    }
}

impl DiagonalBiLstm {
    /// # Shapes
    /// - `x`: `[batch, 2h, height, width]`
    /// - `condition`: `[batch, maps, height, width]`
    /// - output: `[batch, h, height, width]`
    pub fn forward(&self, x: Tensor<4>, condition: Option<&Tensor<4>>) -> Tensor<4> {
        let [_, _, height, _] = x.dims();
        // K_is ⊛ x for the whole map at once.
        let inputs = |direction: &DiagonalLstm| {
            let inputs = direction.input_to_state.forward(x.clone()); // [batch, 4h, height, width]
            add_condition(inputs, direction.condition.as_ref(), condition)
        };
        let [left, right] = self.scan([inputs(&self.left), inputs(&self.right)]); // [batch, h, height, width]
        // Down by one row: a state of the right direction has seen pixels to the right of its own.
        let above = right.clone().narrow(2, 0, 1).zeros_like();
        left + Tensor::cat(vec![above, right], 2).narrow(2, 0, height)
    }

    /// Both scans.
    fn scan(&self, inputs: [Tensor<4>; 2]) -> [Tensor<4>; 2] {
        #[cfg(all(feature = "native", feature = "wgpu"))]
        if crate::gpu::serves(&inputs[0].device()) {
            let both = [&self.left, &self.right];
            let weights = both.map(|direction| direction.state_to_state.val().flatten(0, 3));
            let initial = both.map(|direction| [direction.initial_h.val(), direction.initial_c.val()]);
            let (inputs, weights, initial) =
                (Tensor::cat(inputs.to_vec(), 1), Tensor::cat(weights.to_vec(), 0), Tensor::cat(initial.concat(), 0));
            let states = crate::gpu::scan(Layer::Diagonal, inputs, weights, initial); // [batch, 2h, height, width]
            let h = states.dims()[1] / 2;
            return [0, h].map(|first| states.clone().narrow(1, first, h));
        }
        self.scan_plain(inputs)
    }

    /// Both scans from burn's own operations, line by line: a line is a column of the skewed map, without what the skew has
    /// padded. It is what CUDA and the browser run, and what the kernels are tested against.
    ///
    /// The right direction is the left one in a mirror: the map is turned around first and skewed then, the same way, so that
    /// both directions take their steps together.
    fn scan_plain(&self, [left, right]: [Tensor<4>; 2]) -> [Tensor<4>; 2] {
        let right = right.flip([3]);
        let [batch, features, height, width] = left.dims();
        let h = features / GATES;
        let inputs = skew(Tensor::stack::<5>(vec![left, right], 0)); // [2, batch, 4h, height, lines]
        let inputs = inputs.permute([0, 4, 3, 1, 2]); // [2, lines, height, batch, 4h]
        let both = |part: fn(&DiagonalLstm) -> &Param<Tensor<1>>| {
            let states = Tensor::stack::<2>(vec![part(&self.left).val(), part(&self.right).val()], 0);
            states.reshape([2, 1, 1, h]).expand([2, 1, batch, h])
        };
        let kernel =
            |direction: &DiagonalLstm| direction.state_to_state.val().permute([2, 1, 0, 3]).reshape([2 * h, GATES * h]);
        let kernels = Tensor::stack::<3>(vec![kernel(&self.left), kernel(&self.right)], 0); // [2, 2h, 4h]
        let beside = [both(|direction| &direction.initial_h), both(|direction| &direction.initial_c)];
        let above = beside[0].zeros_like();
        let zeros = |rows| Tensor::<4>::zeros([2, rows, batch, h], &above.device());

        // The states of the line before, from the row above its first to the row below its last.
        let [mut h_before, mut c_before] = beside.clone().map(|beside| Tensor::cat(vec![above.clone(), beside], 1));
        let mut first_before = 0;
        let mut lines = Vec::with_capacity(height + width - 1);
        for t in 0..Layer::Diagonal.lines(height, width) {
            let (first, count) = Layer::Diagonal.line(t, height, width);
            let (start, after) = (first - first_before, height - first - count);
            let seen = [start, start + 1].map(|start| h_before.clone().narrow(1, start, count));
            let seen = Tensor::cat(seen.to_vec(), 3).reshape([2, count * batch, 2 * h]);
            let input = inputs.clone().narrow(1, t, 1).narrow(2, first, count).reshape([2, count * batch, GATES * h]);
            let c = c_before.narrow(1, start + 1, count).reshape([2, count * batch, h]);
            let (state, c) = lstm_step(input + seen.matmul(kernels.clone()), c, 2);
            let [state, c] = [state, c].map(|values| values.reshape([2, count, batch, h]));
            let [state_beside, c_beside] = beside.clone();
            h_before = Tensor::cat(vec![above.clone(), state.clone(), state_beside], 1);
            c_before = Tensor::cat(vec![above.clone(), c, c_beside], 1);
            first_before = first;
            let padding = [(first > 0).then(|| zeros(first)), (after > 0).then(|| zeros(after))];
            let [before, after] = padding;
            lines.push(Tensor::cat(before.into_iter().chain([state]).chain(after).collect(), 1));
        }
        let map = Tensor::stack::<5>(lines, 1).permute([0, 3, 4, 2, 1]); // [2, batch, h, height, lines]
        let map = unskew(map, width);
        let [left, right] =
            [0, 1].map(|direction| map.clone().narrow(0, direction, 1).reshape([batch, h, height, width]));
        [left, right.flip([3])]
    }

    /// The weights as [`lstm_block`](crate::cpu::lstm_block) takes them.
    #[cfg(feature = "native")]
    pub(super) fn flat(&self) -> Vec<Tensor<1>> {
        let direction = |DiagonalLstm { input_to_state, state_to_state, initial_h, initial_c, condition }: &_| {
            super::gates::flat(input_to_state, state_to_state, [initial_h, initial_c], condition.as_ref())
        };
        [direction(&self.left), direction(&self.right)].concat()
    }
}

/// Shifts each row by one against the row above: `[.., height, width]` to `[.., height, width + height − 1]`, so that a
/// diagonal becomes a column (Fig. 3). Rows of width + height, read as rows one shorter, are skewed.
fn skew(map: Tensor<5>) -> Tensor<5> {
    let [a, b, c, height, width] = map.dims();
    let padding = Tensor::zeros([a, b, c, height, height], &map.device());
    let lines = width + height - 1;
    let flat = Tensor::cat(vec![map, padding], 4).reshape([a, b, c, height * (width + height)]);
    flat.narrow(3, 0, height * lines).reshape([a, b, c, height, lines])
}

/// Undoes [`skew`].
fn unskew(map: Tensor<5>, width: usize) -> Tensor<5> {
    let [a, b, c, height, lines] = map.dims();
    let padding = Tensor::zeros([a, b, c, height], &map.device());
    let flat = Tensor::cat(vec![map.reshape([a, b, c, height * lines]), padding], 3);
    flat.reshape([a, b, c, height, width + height]).narrow(4, 0, width)
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::super::residual::tests::equal_on_cpu;
    use super::*;
    use crate::nn::{Layer, LstmBlockConfig};

    #[test]
    fn skewed_rows_are_shifted_by_one() {
        let map = Tensor::<5>::from_data([[[[[1., 2., 3.], [4., 5., 6.]]]]], &Device::flex());
        let skewed = skew(map.clone());
        assert_eq!(skewed.clone().into_data().try_into_vec::<f32>().expect("floats"), [1., 2., 3., 0., 0., 4., 5., 6.]);
        unskew(skewed, 3).into_data().assert_eq(&map.into_data(), true);
    }

    #[test]
    fn cpu_path_equals_plain_path_in_value_and_gradient() {
        for (h, groups, skip, maps, size) in [
            (16, 1, true, 0, [6, 9]),
            (5, 3, false, 0, [9, 4]),
            (7, 3, true, 0, [5, 1]),
            (24, 1, true, 0, [1, 8]),
            (32, 1, true, 0, [7, 7]),
            (16, 1, true, 16, [6, 9]),
            (5, 3, true, 3, [9, 4]),
            (6, 1, false, 19, [5, 4]),
        ] {
            equal_on_cpu(&LstmBlockConfig { layer: Layer::Diagonal, h, skip, groups, maps }, size);
        }
    }
}
