//! The engine that draws and the full pass see the same, and both what the wiring promises: pair by pair on small images,
//! one row, one column and one pixel included.
//!
//! Mistakes caught: a cached sampler that differs from the full pass at row ends (15), states read back in another order (5),
//! learned initial states that some path forgets or puts in another place.

use crate::common::{Place, RECURRENT, bits, config, draw_cached, logits, perturbed, random_levels, trial};
use crate::reach::expected_moves;
use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::maths::group_of;
use pixelrnn::model::{Model, ModelConfig, Network};
use pixelrnn::sample::{Request, uniform};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("reach::cached_scores_see_what_the_full_pass_sees", cached_reach_is_complete),
        trial("reach::initial_states_are_seen_from_where_the_scan_comes", initial_states_are_seen),
    ]
}

/// A network of averages, with features that no ReLU cuts and states that stay where tanh is steep: over the few pixels
/// of a small image influence does not fall below rounding, and it cancels nowhere.
pub fn steep(config: &ModelConfig) -> Model {
    let (h, recurrent, mut tensor) = (config.h, config.network != Network::PixelCnn, 0);
    Model::init(config, 0, &Device::flex()).expect("a good configuration").map_tensors(|name, shape| {
        tensor += 1;
        let inputs = shape[1..].iter().product::<usize>();
        // The first layer's features are 1.5 ± 1; of these g sees the difference from about 1.
        let (own, gates) = match name {
            "first.bias" => (1.5, None),
            "first.weight" => (2.0, None),
            // A softmax over many levels sees only how much their logits differ: those of the darker half are 0.
            "head.output.weight" if config.levels > 2 => (40.0, None),
            name if name.ends_with("input_to_state.bias") => (1.0, Some([2.0, 0.0, 2.0, -1.0])),
            name if name.ends_with("input_to_state.weight") => (1.0, Some([0.1, 0.1, 0.1, 1.0])),
            name if name.ends_with("state_to_state") => (1.0, Some([0.1, 0.1, 0.1, 1.2])),
            name if name.ends_with(".bias") => (0.0, None),
            // States of either sign, up to 1, must not outweigh the first layer's features.
            name if recurrent && (name.contains("expand") || name.contains("skip")) => (0.2, None),
            _ => (1.0, None),
        };
        let weight = |k: usize| {
            let gate = gates.map_or(1.0, |gates| gates[k / inputs / h]);
            let own =
                if name == "head.output.weight" && config.levels > 2 && k / inputs % 256 < 128 { 0.0 } else { own };
            own * gate / inputs as f32 * (0.5 + uniform(8, tensor, k >> 14, k & 0x3fff, 0))
        };
        (0..shape.iter().product()).map(weight).collect()
    })
}

/// Scores of `levels` by the engine that draws and by the full pass, and the logits of the latter, each `[image][..]`.
pub fn scores(model: &Model, levels: &[u8]) -> [Vec<u32>; 2] {
    let count = levels.len() / model.config.dimensions();
    let cached = draw_cached(model, &Request::scoring(levels.to_vec(), count, &model.config)).1;
    [bits(&cached), bits(&logits(model, levels))]
}

/// Which values moved, `[channel][pixel]`: scores, and logits where any of a value's did.
pub fn moved(config: &ModelConfig, base: &[Vec<u32>; 2], found: [&[u32]; 2]) -> [Vec<bool>; 2] {
    let pixels = config.height * config.width;
    let place = |planes: usize, part: usize| {
        let differs = |k: usize| base[part][k] != found[part][k];
        let any = move |k: usize| (0..planes).any(|plane| differs((k / pixels * planes + plane) * pixels + k % pixels));
        (0..config.dimensions()).map(any).collect()
    };
    [place(1, 0), place(config.logits(), 1)]
}

/// The engine that draws against the full pass and both against the wiring, every value seen by every other.
fn cached_reach_is_complete() {
    for network in Network::ALL {
        for (channels, levels, size, layers) in
            [(1, 2, [7, 8], 1), (1, 2, [8, 6], 2), (1, 256, [4, 7], 1), (3, 2, [5, 6], 2), (3, 256, [3, 5], 1)]
        {
            let config = ModelConfig { network, layers, ..config(channels, levels, size) };
            let (model, image) = (steep(&config), random_levels(&config, 1, 3));
            let (base, places) = (scores(&model, &image), Place::all(&config));
            let [cached, full] = scores(&model, &perturbed(&config, &image, &places));
            let found = cached.chunks_exact(base[0].len()).zip(full.chunks_exact(base[1].len()));
            for (k, (&source, (cached, full))) in places.iter().zip(found).enumerate() {
                let expected = expected_moves(&config, source);
                let [cached, full] = moved(&config, &base, [cached, full]);
                for (at, place) in places.iter().enumerate() {
                    let what = format!("{config:?}: whether {place:?} sees {source:?}");
                    assert_eq!(full[at], expected[at], "full pass, {what}");
                    // −ln p of the changed value itself changes with its level.
                    assert_eq!(cached[at], expected[at] || at == k, "cached, {what}");
                }
            }
        }
    }
}

/// One unit of one initial state changed: every pixel that the scan comes to sees it, on both paths.
fn initial_states_are_seen() {
    let sizes = [[5, 6], [6, 4], [1, 5], [5, 1], [1, 1]];
    for (network, channels, size) in
        RECURRENT.iter().flat_map(|&n| [1, 3].into_iter().flat_map(move |c| sizes.map(|size| (n, c, size))))
    {
        let config = ModelConfig { network, layers: if channels == 1 { 2 } else { 1 }, ..config(channels, 2, size) };
        let (model, image) = (steep(&config), random_levels(&config, 1, 3));
        let base = scores(&model, &image);
        let (mut changed, pixels) = (0, config.height * config.width);
        for (name, ..) in model.tensors().iter().filter(|(name, ..)| name.contains(".initial_")) {
            for unit in 0..config.h {
                let mut tensors = model.tensors().into_iter();
                let other = model.clone().map_tensors(|at, _| {
                    let (_, _, mut values) = tensors.next().expect("as many tensors");
                    if at == name {
                        values[unit] += 1.0;
                    }
                    values
                });
                let [cached, full] = scores(&other, &image);
                let [cached, full] = moved(&config, &base, [&cached, &full]);
                for (k, moved) in cached.into_iter().zip(full).enumerate() {
                    let (y, x) = (k % pixels / config.width, k % config.width);
                    // What the right direction has come to is seen one row below. A cell that nothing was carried from
                    // yet is of its own colour.
                    let right = name.contains(".right.");
                    let first = match network {
                        Network::RowLstm => y == 0,
                        _ if right => (y, x) == (1, config.width - 1),
                        _ => (y, x) == (0, 0),
                    };
                    let own = !first || name.ends_with("_h") || k / pixels >= group_of(unit, config.h, channels);
                    let expected = own && (y > 0 || !right);
                    let what = format!("{config:?}: whether row {y}, column {x} sees unit {unit} of {name}");
                    assert_eq!(moved, (expected, expected), "cached and full pass, {what}");
                    changed += usize::from(expected);
                }
            }
        }
        assert!(changed > 0, "{config:?}: nothing sees any initial state");
    }
}
