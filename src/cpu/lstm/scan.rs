//! One direction of a recurrent layer over one image, forward and backward in time, on plain slices.
//!
//! A scan goes over *lines*, the pixels whose states can be computed together: the rows of a Row LSTM, the diagonals of a
//! Diagonal BiLSTM (a column of the paper's skewed map). A diagonal is a line of pixels at equal distances, so the map need
//! not be skewed, and what the skew would pad is never computed.

use super::direction::{Direction, LstmBlockShape, Places};
use crate::cpu::contract::{Start, contract, weight_gradient};
use crate::cpu::frame::{Frame, Line, Seen, copy_lanes};
use crate::cpu::vector::{LANES, Vector};
use crate::maths::{GATES, Layer, sigmoid, tanh};

/// What a direction of a layer sees of one image.
pub struct Inputs {
    /// The stream, with its border.
    pub stream: Vec<f32>,
    /// The conditioning map.
    pub condition: Vec<f32>,
}

/// Where the gradients of one image and one direction are added.
pub struct Gradients<'a> {
    /// Of the inputs, `[height, width, 2h]`, features padded.
    pub inputs: &'a mut [f32],
    /// Of the conditioning map, `[height, width, maps]`, features padded.
    pub condition: &'a mut [f32],
    /// Of the flat weights.
    pub weights: &'a mut [f32],
}

/// How the maps of a scan lie in memory.
pub struct Maps {
    shape: LstmBlockShape,
    lines: Vec<Line>,
    input: Frame,
    condition: Frame,
    gates: Frame,
    h_map: Frame,
    c_map: Frame,
    delta: Frame,
    dc: Frame,
    dx: Frame,
}

/// Working memory of the backward pass. Borders stay zero, so it serves both directions.
pub struct Scratch {
    delta: Vec<f32>,
    dc: Vec<f32>,
    line: Vec<f32>,
}

impl Maps {
    pub fn new(shape: LstmBlockShape, [height, width]: [usize; 2]) -> Self {
        let (LstmBlockShape { layer, h, maps }, hp) = (shape, shape.h.next_multiple_of(LANES));
        let row = layer == Layer::Row;
        let frame = |channels, border_row, border_diagonal| {
            Frame::new([height, width, channels], if row { border_row } else { border_diagonal })
        };
        Self {
            shape,
            lines: layer.places(height, width),
            input: frame(2 * h, [0, 0, 1, 0], [0; 4]),
            condition: frame(maps, [0; 4], [0; 4]),
            gates: frame(GATES * hp, [0; 4], [0; 4]),
            h_map: frame(hp, [1, 0, 1, 1], [1, 0, 1, 0]),
            c_map: frame(hp, [1, 0, 0, 0], [0, 0, 1, 0]),
            delta: frame(GATES * hp, [0, 1, 1, 1], [0, 1, 0, 1]),
            dc: frame(hp, [0, 1, 0, 0], [0, 0, 0, 1]),
            dx: frame((2 * h).next_multiple_of(LANES), [0; 4], [0; 4]),
        }
    }

    /// Values kept of one image for the backward pass: gates, cells and states.
    pub fn kept(&self) -> usize {
        self.gates.len() + self.c_map.len() + self.h_map.len()
    }

    /// The padded width of a state.
    fn hp(&self) -> usize {
        self.h_map.channels
    }

    pub fn scratch(&self) -> Scratch {
        let line = vec![0.0; self.lines.iter().map(|line| line.count).max().unwrap_or(0) * GATES * self.hp()];
        Scratch { delta: vec![0.0; self.delta.len()], dc: vec![0.0; self.dc.len()], line }
    }

    /// What a direction sees of a stream `[height, width, features]`.
    pub fn inputs(&self, image: &[f32], features: usize, mirror: bool) -> Inputs {
        let [mut stream, mut condition] = [vec![0.0; self.input.len()], vec![0.0; self.condition.len()]];
        self.input.fill(&mut stream, image, [0, features], mirror);
        if self.shape.maps > 0 {
            self.condition.fill(&mut condition, image, [features - self.shape.maps, features], mirror);
        }
        Inputs { stream, condition }
    }

    /// The states of pixel (`y`, `x`) in what a forward pass kept.
    #[inline(always)]
    pub fn state<'a>(&self, kept: &'a [f32], y: usize, x: usize) -> &'a [f32] {
        let start = self.gates.len() + self.c_map.len();
        &kept[start..][self.h_map.pixel(y as isize, x as isize)]
    }

    fn before(&self) -> (isize, isize) {
        match self.shape.layer {
            Layer::Row => (-1, 0),
            Layer::Diagonal => (0, -1),
        }
    }

    /// What the gates of a line are computed from, in the order of the weights' rows.
    #[inline(always)]
    fn seen<'a>(&self, line: &Line, input: &'a Inputs, states: &'a [f32]) -> [Seen<'a>; 4] {
        let (features, hp) = (2 * self.shape.h, self.hp());
        let Inputs { stream, condition } = input;
        let condition = self.condition.seen(condition, line, (0, 0), self.shape.maps);
        match self.shape.layer {
            Layer::Row => {
                let empty = Seen { values: states, stride: 0, length: 0 };
                let states = self.h_map.seen(states, line, (-1, -1), 3 * hp);
                [self.input.seen(stream, line, (0, -1), 2 * features), states, empty, condition]
            }
            Layer::Diagonal => [
                self.input.seen(stream, line, (0, 0), features),
                self.h_map.seen(states, line, (-1, 0), hp),
                self.h_map.seen(states, line, (0, -1), hp),
                condition,
            ],
        }
    }

    /// Gradients of the gates on the next line that were computed from the states of this one.
    #[inline(always)]
    fn consumers<'a>(&self, line: &Line, delta: &'a [f32]) -> [Seen<'a>; 2] {
        let length = self.delta.channels;
        match self.shape.layer {
            Layer::Row => {
                let empty = Seen { values: delta, stride: 0, length: 0 };
                [self.delta.seen(delta, line, (1, -1), 3 * length), empty]
            }
            Layer::Diagonal => {
                [self.delta.seen(delta, line, (1, 0), length), self.delta.seen(delta, line, (0, 1), length)]
            }
        }
    }

    /// Puts the learned initial states where the scan comes from.
    fn begin(&self, weights: &Direction, c_map: &mut [f32], h_map: &mut [f32]) {
        let [h, c] = &weights.initial;
        let places: Vec<(isize, isize)> = match self.shape.layer {
            Layer::Row => (0..self.lines[0].count as isize).map(|x| (-1, x)).collect(),
            Layer::Diagonal => self.gates.rows().map(|row| (row.y, -1)).collect(),
        };
        for (y, x) in places {
            h_map[self.h_map.pixel(y, x)].copy_from_slice(h);
            c_map[self.c_map.pixel(y, x)].copy_from_slice(c);
        }
    }

    /// Forward in time: fills `kept`, zeros before, with gates (after their nonlinearities), cells and states.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    #[inline(always)]
    pub unsafe fn forward<V: Vector>(&self, weights: &Direction, input: &Inputs, kept: &mut [f32]) {
        let (gates, rest) = kept.split_at_mut(self.gates.len());
        let (c_map, h_map) = rest.split_at_mut(self.c_map.len());
        self.begin(weights, c_map, h_map);
        let (before, hp) = (self.before(), self.hp());
        for line in &self.lines {
            let start = self.gates.at(line.y, line.x);
            let stride = self.gates.stride(line);
            let seen = self.seen(line, input, h_map);
            let bias = Start::Bias(&weights.bias);
            unsafe { contract::<V>(&seen, &weights.forward, bias, &mut gates[start..], stride, line.count) };
            for p in 0..line.count as isize {
                let (y, x) = (line.y + p * line.step.0, line.x + p * line.step.1);
                let gates = &mut gates[self.gates.pixel(y, x)];
                let (c_prev, c) = (self.c_map.at(y + before.0, x + before.1), self.c_map.at(y, x));
                let h = self.h_map.at(y, x);
                for k in (0..hp).step_by(LANES) {
                    let mut values: [[f32; LANES]; GATES] = [[0.0; LANES]; GATES];
                    for (gate, values) in values.iter_mut().enumerate() {
                        *values = lanes(&gates[gate * hp + k..]);
                    }
                    let (c_prev, mut cell, mut state) = (lanes(&c_map[c_prev + k..]), [0.0; LANES], [0.0; LANES]);
                    for l in 0..LANES {
                        for values in &mut values[..3] {
                            values[l] = sigmoid(values[l]);
                        }
                        values[3][l] = tanh(values[3][l]);
                        cell[l] = values[1][l] * c_prev[l] + values[2][l] * values[3][l];
                        state[l] = values[0][l] * tanh(cell[l]);
                    }
                    for (gate, values) in values.iter().enumerate() {
                        gates[gate * hp + k..][..LANES].copy_from_slice(values);
                    }
                    c_map[c + k..][..LANES].copy_from_slice(&cell);
                    h_map[h + k..][..LANES].copy_from_slice(&state);
                }
            }
        }
    }

    /// Backward in time: from the gradients of the states, `[height, width, hp]`, to those of inputs and weights.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    #[inline(always)]
    pub unsafe fn backward<V: Vector>(
        &self,
        weights: &Direction,
        input: &Inputs,
        kept: &[f32],
        dh: &[f32],
        scratch: &mut Scratch,
        gradients: Gradients,
    ) {
        let (gates, rest) = kept.split_at(self.gates.len());
        let (c_map, h_map) = rest.split_at(self.c_map.len());
        let (before, hp) = (self.before(), self.hp());
        let plain = Frame::new([self.gates.height, self.gates.width, hp], [0; 4]);
        let Scratch { delta, dc, line: dh_line } = scratch;
        for line in self.lines.iter().rev() {
            for p in 0..line.count {
                let (y, x) = (line.y + p as isize * line.step.0, line.x + p as isize * line.step.1);
                copy_lanes(&mut dh_line[p * hp..][..hp], &dh[plain.pixel(y, x)]);
            }
            let consumers = self.consumers(line, delta);
            unsafe { contract::<V>(&consumers, &weights.state_back, Start::Output, dh_line, hp, line.count) };
            for p in 0..line.count {
                let (y, x) = (line.y + p as isize * line.step.0, line.x + p as isize * line.step.1);
                let gates = &gates[self.gates.pixel(y, x)];
                let (c_prev, c) = (self.c_map.at(y + before.0, x + before.1), self.c_map.at(y, x));
                let (dc_next, dc_own) = (self.dc.at(y - before.0, x - before.1), self.dc.at(y, x));
                let out = self.delta.at(y, x);
                for k in (0..hp).step_by(LANES) {
                    let (o, f) = (lanes(&gates[k..]), lanes(&gates[hp + k..]));
                    let (i, g) = (lanes(&gates[2 * hp + k..]), lanes(&gates[3 * hp + k..]));
                    let (cell, c_prev) = (lanes(&c_map[c + k..]), lanes(&c_map[c_prev + k..]));
                    let (dh, dc_next) = (lanes(&dh_line[p * hp + k..]), lanes(&dc[dc_next + k..]));
                    let mut gradients = [[0.0; LANES]; GATES];
                    let mut through = [0.0; LANES];
                    for l in 0..LANES {
                        let cell = tanh(cell[l]);
                        let dc = dc_next[l] + dh[l] * o[l] * (1.0 - cell * cell);
                        gradients[0][l] = dh[l] * cell * o[l] * (1.0 - o[l]);
                        gradients[1][l] = dc * c_prev[l] * f[l] * (1.0 - f[l]);
                        gradients[2][l] = dc * g[l] * i[l] * (1.0 - i[l]);
                        gradients[3][l] = dc * i[l] * (1.0 - g[l] * g[l]);
                        through[l] = dc * f[l];
                    }
                    for (gate, values) in gradients.iter().enumerate() {
                        delta[out + gate * hp + k..][..LANES].copy_from_slice(values);
                    }
                    dc[dc_own + k..][..LANES].copy_from_slice(&through);
                }
            }
        }
        unsafe { self.finish::<V>(weights, input, h_map, scratch, gradients) };
    }

    /// What remains once the gradients of all gates are there: inputs, weights, biases, initial states.
    #[inline(always)]
    unsafe fn finish<V: Vector>(
        &self,
        weights: &Direction,
        input: &Inputs,
        h_map: &[f32],
        scratch: &mut Scratch,
        gradients: Gradients,
    ) {
        let Gradients { inputs: dx, condition: d_condition, weights: flat } = gradients;
        let LstmBlockShape { layer, h, maps } = self.shape;
        let (hp, places) = (self.hp(), Places(self.shape));
        let (lanes, rows) = (GATES * hp, layer.inputs() * 2 * h);
        let states = rows + layer.taps() * hp;
        let (delta, dc) = (&scratch.delta, &scratch.dc);

        for row in self.dx.rows() {
            let consumers = [self.delta.seen(delta, &row, (0, 0), layer.inputs() * lanes)];
            let out = &mut dx[self.dx.at(row.y, 0)..];
            unsafe { contract::<V>(&consumers, &weights.input_back, Start::Output, out, self.dx.channels, row.count) };
            if let Some(back) = &weights.condition_back {
                let consumers = [self.delta.seen(delta, &row, (0, 0), lanes)];
                let out = &mut d_condition[row.y as usize * row.count * back.lanes()..];
                unsafe { contract::<V>(&consumers, back, Start::Output, out, back.lanes(), row.count) };
            }
        }

        let mut sums = vec![0.0; (states + maps) * lanes];
        let mut start = 0;
        for part in 0..4 {
            let lines: Vec<_> = (self.gates.rows())
                .map(|row| {
                    let seen = self.seen(&row, input, h_map)[part];
                    (seen, self.delta.seen(delta, &row, (0, 0), lanes), row.count)
                })
                .collect();
            let length = lines[0].0.length * lanes;
            unsafe { weight_gradient::<V>(&lines, lanes, &mut sums[start..start + length]) };
            start += length;
        }
        for (row, sums) in sums.chunks_exact(lanes).enumerate() {
            for gate in 0..GATES {
                for k in 0..h {
                    let a = gate * h + k;
                    let place = match row {
                        row if row < rows => places.input(a, row % (2 * h), row / (2 * h)),
                        row if row >= states => places.condition(a, row - states),
                        row if (row - rows) % hp < h => places.state(a, (row - rows) % hp, (row - rows) / hp),
                        _ => continue,
                    };
                    flat[place] += sums[gate * hp + k];
                }
            }
        }
        for row in self.gates.rows() {
            for x in 0..row.count {
                let delta = &delta[self.delta.pixel(row.y, x as isize)];
                for gate in 0..GATES {
                    let bias = &mut flat[places.bias() + gate * h..][..h];
                    bias.iter_mut().zip(&delta[gate * hp..]).for_each(|(sum, value)| *sum += value);
                }
            }
        }

        // The initial states stand for a row or a column of pixels just outside the image.
        let outside = match layer {
            Layer::Row => Line { y: -1, x: 0, step: (0, 1), count: self.gates.width },
            Layer::Diagonal => Line { y: 0, x: -1, step: (1, 0), count: self.gates.height },
        };
        let [mut dh, mut dc_sum] = [vec![0.0; hp], vec![0.0; hp]];
        for p in 0..outside.count as isize {
            let (y, x) = (outside.y + p * outside.step.0, outside.x + p * outside.step.1);
            let one = Line { y, x, step: (0, 1), count: 1 };
            let mut consumers = self.consumers(&one, delta);
            let zeros = vec![0.0; lanes];
            if layer == Layer::Diagonal {
                // The pixel below an outside one is outside too.
                consumers[0] = Seen { values: &zeros, stride: 0, length: lanes };
            }
            unsafe { contract::<V>(&consumers, &weights.state_back, Start::Output, &mut dh, hp, 1) };
            let inside = self.dc.pixel(y - self.before().0, x - self.before().1);
            dc_sum.iter_mut().zip(&dc[inside]).for_each(|(sum, value)| *sum += value);
        }
        for (part, sums) in [dh, dc_sum].iter().enumerate() {
            let initial = &mut flat[places.initial() + part * h..][..h];
            initial.iter_mut().zip(sums).for_each(|(sum, value)| *sum += value);
        }
    }
}

#[inline(always)]
fn lanes(values: &[f32]) -> [f32; LANES] {
    values[..LANES].try_into().expect("a block of lanes")
}
