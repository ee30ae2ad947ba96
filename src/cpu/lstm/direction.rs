//! What differs between the scans of the two recurrent layers: the pixels a state depends on, the order in which they
//! come, and the weights of one direction.

use crate::cpu::contract::Packed;
use crate::cpu::frame::Line;
use crate::cpu::vector::LANES;
use crate::maths::{GATES, Layer};

impl Layer {
    /// Input-to-state taps, masked ones counted.
    pub(super) fn kernel_width(self) -> usize {
        match self {
            Self::Row => 3,
            Self::Diagonal => 1,
        }
    }

    /// Input-to-state taps that mask B leaves: the pixel itself and, along the row, the one before it.
    pub(super) fn inputs(self) -> usize {
        match self {
            Self::Row => 2,
            Self::Diagonal => 1,
        }
    }

    /// The lines of an image, in the order of the scan.
    pub(super) fn places(self, height: usize, width: usize) -> Vec<Line> {
        let place = |line| {
            let (first, count) = self.line(line, height, width);
            let (x, step) = match self {
                Self::Row => (0, (0, 1)),
                Self::Diagonal => ((line - first) as isize, (1, -1)),
            };
            Line { y: first as isize, x, step, count }
        };
        (0..self.lines(height, width)).map(place).collect()
    }
}

/// The recurrent layer of a block and its widths.
#[derive(Clone, Copy, Debug)]
pub struct LstmBlockShape {
    /// Which layer.
    pub layer: Layer,
    /// The paper's h.
    pub h: usize,
    /// Features of the conditioning map at the end of the stream; 0 for none.
    pub maps: usize,
}

/// The weights of one direction, packed for both passes; units padded to whole registers.
pub struct Direction {
    /// Rows: inputs tap by tap, states tap by tap, the conditioning map. Columns: the gates, each padded.
    pub forward: Packed,
    /// One value a gate, padded like the columns.
    pub bias: Vec<f32>,
    /// From the gates of the next line back to the states they saw.
    pub state_back: Packed,
    /// From the gates back to the inputs they saw.
    pub input_back: Packed,
    /// From the gates back to the conditioning map, where there is one.
    pub condition_back: Option<Packed>,
    /// Initial h and c.
    pub initial: [Vec<f32>; 2],
}

/// Where the parts of a direction stand in its flat weights.
pub struct Places(pub LstmBlockShape);

impl Places {
    pub fn input(&self, a: usize, input: usize, tap: usize) -> usize {
        let LstmBlockShape { layer, h, .. } = self.0;
        (a * 2 * h + input) * layer.kernel_width() + tap
    }

    pub fn bias(&self) -> usize {
        self.input(GATES * self.0.h, 0, 0)
    }

    pub fn state(&self, a: usize, unit: usize, tap: usize) -> usize {
        let LstmBlockShape { layer, h, .. } = self.0;
        self.bias() + GATES * h + (a * h + unit) * layer.taps() + tap
    }

    pub fn initial(&self) -> usize {
        self.state(GATES * self.0.h, 0, 0)
    }

    pub fn condition(&self, a: usize, map: usize) -> usize {
        self.initial() + 2 * self.0.h + a * self.0.maps + map
    }

    fn len(&self) -> usize {
        self.condition(GATES * self.0.h, 0)
    }
}

impl Direction {
    /// Weights in `flat`: input-to-state weight and bias, state-to-state weight, initial h and c, condition weight.
    pub fn new(shape: LstmBlockShape, flat: &[f32]) -> Self {
        let (LstmBlockShape { layer, h, maps }, places) = (shape, Places(shape));
        let hp = h.next_multiple_of(LANES);
        let unpad = |lane: usize| (lane % hp < h).then_some(lane / hp * h + lane % hp);
        let input = |tap, j, lane| unpad(lane).map_or(0.0, |a| flat[places.input(a, j, tap)]);
        let state = |tap, unit, lane| match unpad(lane) {
            Some(a) if unit < h => flat[places.state(a, unit, tap)],
            _ => 0.0,
        };
        let condition = |map, lane| unpad(lane).map_or(0.0, |a| flat[places.condition(a, map)]);
        let (rows, taps, inputs) = (layer.inputs() * 2 * h, layer.taps(), layer.inputs());
        let states = rows + taps * hp;
        let forward = Packed::new(states + maps, GATES * hp, |row, lane| match row {
            row if row < rows => input(row / (2 * h), row % (2 * h), lane),
            row if row < states => state((row - rows) / hp, (row - rows) % hp, lane),
            row => condition(row - states, lane),
        });
        let condition_back = (maps > 0).then(|| Packed::new(GATES * hp, maps, |lane, map| condition(map, lane)));
        let state_back = Packed::new(taps * GATES * hp, hp, |row, unit| {
            let tap = row / (GATES * hp);
            // Along a row, the pixel to the left saw this one with its right tap.
            let tap = if layer == Layer::Row { taps - 1 - tap } else { tap };
            state(tap, unit, row % (GATES * hp))
        });
        let input_back = Packed::new(inputs * GATES * hp, 2 * h, |row, j| {
            input(inputs - 1 - row / (GATES * hp), j, row % (GATES * hp))
        });
        let bias = (0..GATES * hp).map(|lane| unpad(lane).map_or(0.0, |a| flat[places.bias() + a])).collect();
        let initial = [0, 1].map(|part| {
            let start = places.initial() + part * h;
            let mut values = flat[start..start + h].to_vec();
            values.resize(hp, 0.0);
            values
        });
        Self { forward, bias, state_back, input_back, condition_back, initial }
    }

    /// Number of flat weights.
    pub fn parameters(shape: LstmBlockShape) -> usize {
        Places(shape).len()
    }
}
