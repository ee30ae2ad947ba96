//! Everything the wiring promises is seen, and nothing else: pair by pair, what a network shows against an independent
//! spreading over its taps, and both against the counts of the paper's wiring.
//!
//! Mistakes caught: a right-to-left map that is not shifted down or shifted up (1), kernels that reach below (2) or miss
//! what is above and to the right (10), a right pass over the reversed skewed map, which is nearly blind (9), cells taken
//! from another pixel than the one the scan comes from, colour groups that are not those of each gate (7).

use crate::common::{Place, RECURRENT, config, trial};
use burn::tensor::{Device, Tensor, TensorData};
use libtest_mimic::Trial;
use pixelrnn::model::{Model, ModelConfig, Network};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("reach::on_28x28_it_is_what_the_paper_s_wiring_gives", reach_is_complete),
        trial("reach::in_colour_it_is_every_earlier_value_in_range", colour_reach_is_complete),
        trial("reach::cells_alone_carry_down_a_column_or_along_a_row", cells_carry_what_they_should),
    ]
}

/// What one state hands to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Through {
    /// The state h, by the state-to-state taps, and the cell c.
    States,
    /// The cell c alone.
    Cells,
}

/// A map of the pixels that influence has come to; outside the image there are none.
#[derive(Clone)]
pub struct Reached {
    size: [isize; 2],
    pub pixels: Vec<bool>,
}

impl Reached {
    pub fn nothing(config: &ModelConfig) -> Self {
        let size = [config.height as isize, config.width as isize];
        Self { size, pixels: vec![false; config.height * config.width] }
    }

    pub fn at(&self, y: isize, x: isize) -> bool {
        let [height, width] = self.size;
        (0..height).contains(&y) && (0..width).contains(&x) && self.pixels[(y * width + x) as usize]
    }

    /// A map filled row by row, from the left or from the right; `sees` is shown what is filled so far.
    pub fn filled(&self, from_left: bool, sees: impl Fn(&Self, isize, isize) -> bool) -> Self {
        let [height, width] = self.size;
        let mut map = Self { size: self.size, pixels: vec![false; self.pixels.len()] };
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let x = if from_left { x } else { width - 1 - x };
            map.pixels[(y * width + x) as usize] = sees(&map, y, x);
        }
        map
    }

    /// After a kernel of this radius under mask A, or B where `here`.
    fn after_kernel(&self, radius: isize, here: bool) -> Self {
        self.filled(true, |_, y, x| {
            let above = (1..=radius).any(|up| (-radius..=radius).any(|dx| self.at(y - up, x + dx)));
            above || (1..=radius).any(|left| self.at(y, x - left)) || here && self.at(y, x)
        })
    }

    /// After the convolution of a layer: the 3×3 of a PixelCNN, input-to-state of the others.
    pub fn after_inputs(&self, network: Network) -> Self {
        match network {
            Network::PixelCnn => self.after_kernel(1, true),
            Network::RowLstm => self.filled(true, |_, y, x| self.at(y, x) || self.at(y, x - 1)),
            Network::DiagonalBiLstm => self.clone(),
        }
    }

    /// After what follows that convolution: the states of a recurrent layer.
    pub fn after_states(&self, network: Network, through: Through) -> Self {
        let states = through == Through::States;
        match network {
            Network::PixelCnn => self.clone(),
            Network::RowLstm => self.filled(true, |h, y, x| {
                self.at(y, x) || h.at(y - 1, x) || states && (h.at(y - 1, x - 1) || h.at(y - 1, x + 1))
            }),
            Network::DiagonalBiLstm => {
                let from = |beside: isize| {
                    let sees = move |h: &Self, y, x| self.at(y, x) || h.at(y, x + beside) || states && h.at(y - 1, x);
                    self.filled(beside < 0, sees)
                };
                let (left, right) = (from(-1), from(1));
                self.filled(true, |_, y, x| left.at(y, x) || right.at(y - 1, x))
            }
        }
    }
}

/// The pixels that a path of the published wiring leads to from `source`, whatever the colours on its way: the 7×7 kernel
/// under mask A, by which later colours of a pixel see it, then residual blocks.
fn reach(config: &ModelConfig, source: Place, through: Through) -> Vec<bool> {
    let mut start = Reached::nothing(config);
    start.pixels[source.y * config.width + source.x] = true;
    let block = |stream: Reached| {
        let added = stream.after_inputs(config.network).after_states(config.network, through);
        stream.filled(true, |_, y, x| stream.at(y, x) || added.at(y, x))
    };
    (0..config.layers)
        .fold(start.after_kernel(3, source.channel + 1 < config.channels), |stream, _| block(stream))
        .pixels
}

/// A network whose output is positive where a path leads and exactly zero where none does: ones, without biases.
///
/// Gates would make influence vanish along a path. Here output and input gates are nearly open, and a state makes the next
/// one as large as itself or larger, up to a fixed point near 1; without influence tanh(0) = 0 all along. Forget gates are
/// shut, so that only states carry, or open, with nothing between states, so that only cells do.
pub fn ones(config: &ModelConfig, through: Through) -> Model {
    let model = Model::init(config, &Device::flex()).expect("a good configuration");
    let h = config.h;
    let forget = if through == Through::States { -20.0 } else { 8.0 };
    model.map_tensors(|name, shape| {
        let value = |k: usize| match name.rsplit("lstm.").next().unwrap_or(name) {
            part if part.ends_with("input_to_state.bias") => [4.0, forget, 4.0, 0.0][k / h],
            part if part.ends_with("state_to_state") => {
                let g = k / shape[1..].iter().product::<usize>() >= 3 * h;
                // tanh(tanh(3 x)) > x up to 0.9.
                if g && through == Through::States { 3.0 } else { 0.0 }
            }
            // Influence comes in through g alone: whatever opens or shuts a gate leaves zero zero.
            part if part.ends_with("input_to_state.weight") || part.ends_with("condition") && shape[0] == 4 * h => {
                let g = k / shape[1..].iter().product::<usize>() >= 3 * h;
                f32::from(u8::from(g))
            }
            _ => f32::from(u8::from(shape.len() > 1)),
        };
        (0..shape.iter().product()).map(value).collect()
    })
}

/// Outputs `[source][channel][pixel]` of a network of ones, shown 1 at one value and 0, which is no level's, elsewhere.
fn responses(config: &ModelConfig, through: Through) -> Vec<f32> {
    let (values, device) = (config.dimensions(), Device::flex());
    let mut input = vec![0.0; values * values];
    (0..values).for_each(|source| input[source * values + source] = 1.0);
    let input = TensorData::new(input, [values, config.channels, config.height, config.width]);
    let output = ones(config, through).net().forward(Tensor::from_data(input, &device), None);
    let response: Vec<f32> = output.into_data().try_into_vec().expect("32-bit floats");
    // Sums of products of numbers from 0.1 on: far from zero where there is a path, and far from the largest float.
    assert!(response.iter().all(|&value| value == 0.0 || (0.1..1e30).contains(&value)), "{config:?}");
    response
}

/// One feature a layer: the wiring of pixels and nothing else.
pub fn thin(network: Network, size: [usize; 2], layers: usize, skip: bool) -> ModelConfig {
    ModelConfig { network, layers, h: 1, head: 1, skip, ..config(1, 2, size) }
}

/// Whether each position sees each source, `[source][position]`, found and expected: asserts that they agree, pair by pair.
fn assert_reach(config: &ModelConfig, through: Through) -> Vec<bool> {
    let (response, pixels) = (responses(config, through), config.dimensions());
    let sees: Vec<bool> = response.into_iter().map(|value| value > 0.0).collect();
    for (source, place) in Place::all(config).into_iter().enumerate() {
        let expected = reach(config, place, through);
        for (position, expected) in expected.into_iter().enumerate() {
            let found = sees[source * pixels + position];
            assert!(source < position || !found, "{config:?}: {position} sees {source}, which is not earlier");
            assert_eq!(found, expected, "{config:?}, {through:?}: whether {position} sees {source}");
        }
    }
    sees
}

/// The oracle: pairs (position, earlier pixel) that no path joins, of all 306,936 on 28×28.
fn reach_is_complete() {
    for (network, layers, unseen, positions) in [
        (Network::PixelCnn, 7, 207_128, 773),
        (Network::PixelCnn, 15, 106_610, 765),
        (Network::RowLstm, 1, 107_000, 779),
        (Network::RowLstm, 7, 78_506, 773),
        (Network::DiagonalBiLstm, 1, 648, 648),
        (Network::DiagonalBiLstm, 7, 648, 648),
    ] {
        for skip in [false, true] {
            let config = thin(network, [28, 28], layers, skip);
            let sees = assert_reach(&config, Through::States);
            let unseen_by = |position: usize| (0..position).filter(|&source| !sees[source * 784 + position]).count();
            let blind: Vec<usize> = (0..784).map(unseen_by).collect();
            assert_eq!(blind.iter().sum::<usize>(), unseen, "{config:?}: unseen pairs");
            assert_eq!(blind.iter().filter(|&&pairs| pairs > 0).count(), positions, "{config:?}: positions with any");
            if network == Network::DiagonalBiLstm {
                // In words: the last pixel of the row above is further right than the first layer looks, and the right
                // direction passes it on one row below only.
                for (r, c) in (0..28).flat_map(|r| (0..28).map(move |c| (r, c))) {
                    let blind_to: Vec<usize> = (0..r * 28 + c).filter(|&k| !sees[k * 784 + r * 28 + c]).collect();
                    let corner = (r > 0 && c + 3 < 27).then(|| r * 28 - 1);
                    assert_eq!(blind_to, corner.into_iter().collect::<Vec<_>>(), "what row {r}, column {c} misses");
                }
            }
        }
    }
}

/// Rows, columns, and what is neither; two layers and one.
fn cells_carry_what_they_should() {
    for network in RECURRENT {
        for (size, layers) in [([9, 12], 1), ([12, 9], 2), ([1, 13], 1), ([13, 1], 1), ([11, 11], 3)] {
            for through in [Through::Cells, Through::States] {
                assert_reach(&thin(network, size, layers, true), through);
            }
        }
    }
}

/// What a value at `source` must move, `[channel][pixel]`: every colour of the pixels in reach and, of its own pixel, the
/// colours after it.
pub fn expected_moves(config: &ModelConfig, source: Place) -> Vec<bool> {
    let pixel = source.y * config.width + source.x;
    let reached = reach(config, source, Through::States);
    let moves = |channel: usize| {
        let later = move |(at, reached)| if at == pixel { source.channel < channel } else { reached };
        reached.clone().into_iter().enumerate().map(later)
    };
    (0..config.channels).flat_map(moves).collect()
}

/// Colours: every colour sees all colours of the earlier pixels in reach, and the earlier colours of its own.
fn colour_reach_is_complete() {
    for network in Network::ALL {
        for (h, head, skip) in [(3, 3, false), (4, 5, true), (7, 11, true)] {
            let config = ModelConfig { network, layers: 2, h, head, skip, ..config(3, 2, [9, 11]) };
            let response = responses(&config, Through::States);
            for (source, found) in Place::all(&config).into_iter().zip(response.chunks_exact(config.dimensions())) {
                let expected = expected_moves(&config, source);
                for (place, (found, expected)) in Place::all(&config).into_iter().zip(found.iter().zip(expected)) {
                    assert_eq!(*found > 0.0, expected, "{config:?}: whether {place:?} sees {source:?}");
                }
            }
        }
    }
}
