//! What a value of a small image is seen by in the large one (§3.6), pair by pair: the wiring of the upsampler and of the
//! layers, spread over the pixels independently, against the full pass and against the engine that draws.
//!
//! The upsampler's field of view is bounded: the first pixel of a large image sees no more than the first 3×3 pixels of the
//! small one, whatever their sizes. Mistakes caught: a deconvolution that is shifted, a small image that does not lie
//! where the large one has it, a condition that one layer, one direction or one colour does not get.

use crate::common::{Place, config, enlarging_from, perturbed, random_levels, trial};
use crate::reach::{Through, expected_moves, ones, thin};
use crate::reach_cached::{moved, scores, steep};
use burn::tensor::{Device, Tensor, TensorData};
use libtest_mimic::Trial;
use pixelrnn::model::{Model, ModelConfig, Network, Reached};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("reach::of_a_small_image_it_is_what_upsampler_and_layers_give", small_reach_is_complete),
        trial("reach::cached_scores_see_of_a_small_image_what_the_full_pass_sees", cached_small_reach_is_complete),
    ]
}

/// A network of two scales with small images of the same kind of network.
fn two(config: &ModelConfig, factor: usize) -> ModelConfig {
    let small = ModelConfig { height: config.height / factor, width: config.width / factor, ..config.clone() };
    enlarging_from(config, small)
}

/// Along one side of `side` pixels made `factor` times longer: whether place `at` of the upsampler's map sees pixel `source`.
fn map_sees(at: usize, source: usize, factor: usize, side: usize) -> bool {
    if at >= side * factor {
        return false;
    }
    if factor == 1 {
        // Two convolutions of three taps.
        return at.abs_diff(source) <= 2;
    }
    // An output of a deconvolution sees the input it lies in and the one it lies next to.
    let next_to = if at.is_multiple_of(2) { (at / 2).checked_sub(1) } else { Some(at / 2 + 1) };
    [Some(at / 2), next_to].into_iter().flatten().any(|from| map_sees(from, source, factor / 2, side))
}

/// The pixels of the large image that see pixel (`y`, `x`) of the small one.
fn reach_of_small(config: &ModelConfig, y: usize, x: usize) -> Vec<bool> {
    let (factor, network, small) = (config.factor(), config.network, config.scales()[0]);
    let mut map = Reached::nothing(config);
    for (k, seen) in map.pixels.iter_mut().enumerate() {
        let rows = map_sees(k / config.width, y, factor, small.height);
        *seen = rows && map_sees(k % config.width, x, factor, small.width);
    }
    let block = |stream: Reached| {
        let inputs = stream.after_inputs(network);
        let inputs = inputs.filled(true, &|_, y, x| inputs.at(y, x) || map.at(y, x));
        stream.or(&inputs.after_states(network))
    };
    (0..config.layers).fold(Reached::nothing(config), |stream, _| block(stream)).pixels
}

/// A network of ones, shown 1 at one value of the small image and 0, which is no level's, everywhere else.
fn small_reach_is_complete() {
    let grey =
        [([10, 14], 2, 1), ([16, 12], 4, 2), ([14, 14], 2, 3), ([28, 28], 2, 1), ([16, 2], 2, 2), ([24, 8], 8, 1)];
    for network in Network::ALL {
        let grey = grey.map(|(size, factor, layers)| two(&thin(network, size, layers, true), factor));
        let colour = two(&ModelConfig { network, h: 4, head: 5, ..config(3, 2, [8, 14]) }, 2);
        for config in grey.into_iter().chain([colour]) {
            let (model, small, device) = (ones(&config, Through::States), config.scales()[0], Device::flex());
            let (sources, pixels) = (Place::all(small), config.height * config.width);
            let mut one_hot = vec![0.0; sources.len() * sources.len()];
            (0..sources.len()).for_each(|source| one_hot[source * sources.len() + source] = 1.0);
            let one_hot = TensorData::new(one_hot, [sources.len(), config.channels, small.height, small.width]);
            let nothing = Tensor::zeros([sources.len(), config.channels, config.height, config.width], &device);
            let output = model.net().forward(nothing, Some(Tensor::from_data(one_hot, &device)));
            let output: Vec<f32> = output.into_data().try_into_vec().expect("32-bit floats");
            // As for one scale: far from zero where there is a path, and far from the largest float.
            assert!(output.iter().all(|&value| value == 0.0 || (0.1..1e30).contains(&value)), "{config:?}");
            let mut seen_by_first = 0;
            for (source, found) in sources.iter().zip(output.chunks_exact(config.dimensions())) {
                let expected = reach_of_small(&config, source.y, source.x);
                for (k, &found) in found.iter().enumerate() {
                    let (place, expected) = (Place::all(&config)[k], expected[k % pixels]);
                    assert_eq!(
                        found > 0.0,
                        expected,
                        "{config:?}: whether {place:?} sees {source:?} of the small image"
                    );
                }
                seen_by_first += usize::from(found[0] > 0.0);
            }
            let nearest = small.height.min(3) * small.width.min(3) * config.channels;
            assert_eq!(seen_by_first, nearest, "{config:?}: values of the small image that the first pixel sees");
        }
    }
}

/// As [`steep`], with a map whose every feature is above zero, and which is seen through g, near where that is steepest.
pub fn steep_scales(config: &ModelConfig) -> Model {
    let mut tensors = steep(config).tensors().into_iter();
    steep(config).map_tensors(|name, _| {
        let (_, _, mut values) = tensors.next().expect("as many tensors");
        if name == "upsampler.convs.0.bias" {
            values.fill(1.5);
        } else if name.ends_with("condition") && config.network != Network::PixelCnn {
            let g = 3 * values.len() / 4;
            values[..g].iter_mut().for_each(|value| *value *= 0.1);
        }
        values
    })
}

/// The engine takes the small image from the large one, so a value moves what it does in both.
fn cached_small_reach_is_complete() {
    for network in Network::ALL {
        for (channels, levels, size, factor, layers) in [
            (1, 2, [8, 10], 2, 1),
            (1, 2, [8, 8], 4, 2),
            (1, 256, [4, 6], 2, 1),
            (3, 2, [4, 8], 2, 2),
            (3, 256, [2, 4], 2, 1),
        ] {
            let config = two(&ModelConfig { network, layers, ..config(channels, levels, size) }, factor);
            let (model, image, small) = (steep_scales(&config), random_levels(&config, 1, 3), config.scales()[0]);
            let (base, pixels) = (scores(&model, &image), config.height * config.width);
            for source in Place::all(small) {
                let (y, x) = (source.y * factor + factor / 2, source.x * factor + factor / 2);
                let place = Place { y, x, ..source };
                let [cached, full] = scores(&model, &perturbed(&config, &image, &[place]));
                let [cached, full] = moved(&config, &base, [&cached, &full]);
                let (in_large, in_small) =
                    (expected_moves(&config, place), reach_of_small(&config, source.y, source.x));
                for (k, at) in Place::all(&config).into_iter().enumerate() {
                    let expected = in_large[k] || in_small[k % pixels];
                    let own = (at.channel, at.y, at.x) == (place.channel, y, x);
                    let what = format!("{config:?}: whether {at:?} sees {source:?} of the small image");
                    assert_eq!(full[k], expected, "full pass, {what}");
                    // −ln p of the changed value itself changes with its level.
                    assert_eq!(cached[k], expected || own, "cached, {what}");
                }
            }
        }
    }
}
