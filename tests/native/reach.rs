//! Everything the wiring promises is seen, and nothing else: pair by pair, what a network shows against the library's
//! spreading over its taps, and both against the counts of the paper's wiring.
//!
//! Mistakes caught: a right-to-left map that is not shifted down or shifted up (1), kernels that reach below (2) or miss
//! what is above and to the right (10), a right pass over the reversed skewed map, which is nearly blind (9), cells taken
//! from another pixel than the one the scan comes from, colour groups that are not those of each gate (7).

use crate::common::{Place, RECURRENT, config, trial};
use burn::tensor::{Device, Tensor, TensorData};
use libtest_mimic::Trial;
use pixelrnn::model::{Model, ModelConfig, Network, Reached, reach as joined};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("reach::on_28x28_it_is_what_the_paper_s_wiring_gives", reach_is_complete),
        trial("reach::in_colour_it_is_every_earlier_value_in_range", colour_reach_is_complete),
        trial("reach::what_is_joined_is_so_from_both_ends", joined_from_both_ends),
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

/// The pixels that a path of the published wiring leads to from `source`, whatever the colours on its way.
fn reach(config: &ModelConfig, source: Place, through: Through) -> Vec<bool> {
    let (start, own) = (Reached::only(config, source.y, source.x), source.channel + 1 < config.channels);
    if through == Through::States {
        return start.spread(config, own).pixels;
    }
    let layer = |stream: Reached| stream.or(&after_cells(&stream.after_inputs(config.network), config.network));
    (0..config.layers).fold(start.after_kernel(3, own), |stream, _| layer(stream)).pixels
}

/// After the states of a recurrent layer which hand on their cells and nothing else.
fn after_cells(inputs: &Reached, network: Network) -> Reached {
    if network == Network::RowLstm {
        return inputs.filled(true, &|c, y, x| inputs.at(y, x) || c.at(y - 1, x));
    }
    let from = |beside: isize| inputs.filled(beside < 0, &move |c, y, x| inputs.at(y, x) || c.at(y, x + beside));
    let (left, right) = (from(-1), from(1));
    inputs.filled(true, &|_, y, x| left.at(y, x) || right.at(y - 1, x))
}

/// A network whose output is positive where a path leads and exactly zero where none does: ones, without biases.
///
/// Gates would make influence vanish along a path. Here output and input gates are nearly open, and a state makes the next
/// one as large as itself or larger, up to a fixed point near 1; without influence tanh(0) = 0 all along. Forget gates are
/// shut, so that only states carry, or open, with nothing between states, so that only cells do.
pub fn ones(config: &ModelConfig, through: Through) -> Model {
    let model = Model::init(config, 0, &Device::flex()).expect("a good configuration");
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

/// What reaches a pixel, found from its end, is what a path leads from; a pixel is never joined with itself.
fn joined_from_both_ends() {
    for network in Network::ALL {
        for (channels, size, layers) in
            [(1, [28, 28], 7), (1, [5, 9], 1), (3, [9, 6], 2), (1, [1, 13], 3), (3, [13, 1], 1), (3, [1, 1], 1)]
        {
            let config = ModelConfig { channels, h: channels, head: channels, ..thin(network, size, layers, true) };
            let pixels = size[0] * size[1];
            let joined: Vec<Vec<u8>> = (0..pixels).map(|k| joined(&config, k / size[1], k % size[1])).collect();
            for (source, of_source) in joined.iter().enumerate() {
                let place = Place { channel: 0, y: source / size[1], x: source % size[1] };
                let expected = reach(&config, place, Through::States);
                assert_eq!(of_source[source], 0, "{config:?}: {source} and itself");
                for later in source + 1..pixels {
                    let found = [of_source[later], joined[later][source]];
                    assert_eq!(found, [u8::from(expected[later]); 2], "{config:?}: {source} and {later}");
                }
            }
        }
    }
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
