//! Nothing at or after a value is ever seen, and what comes right after it sees it: every network, position and colour.
//!
//! Mistakes caught: masks A and B mixed up, no colour mask at all or groups that are not those of each gate (7, 8), kernels
//! that reach below or to the right of the pixel (2), a right-to-left map that is not shifted down (1).

use crate::common::{Place, bits, config, draw_cached, logits, model, perturbed, random_levels, trial};
use libtest_mimic::Trial;
use pixelrnn::model::{Model, ModelConfig, Network};
use pixelrnn::sample::Request;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("causality::logits_see_nothing_at_or_after_their_value", forward_is_causal),
        trial("causality::cached_scores_see_nothing_after_their_value", cached_is_causal),
    ]
}

/// For every network: sixteen square and a larger size that is not; widths that three does not divide, so colour groups are
/// unequal, and widths that it does.
const CASES: [(usize, u16, [usize; 2], usize, usize); 10] = [
    // channels, levels, [height, width], h, head
    (1, 2, [16, 16], 4, 6),
    (1, 2, [20, 27], 5, 7),
    (1, 256, [16, 16], 4, 7),
    (1, 256, [17, 19], 5, 8),
    (3, 2, [16, 16], 8, 14),
    (3, 256, [16, 16], 7, 13),
    (3, 2, [17, 19], 7, 13),
    (3, 256, [13, 20], 8, 14),
    (3, 2, [9, 11], 6, 9),
    (3, 256, [11, 9], 9, 12),
];

/// Compares what is computed for one perturbed image with the same for the base: outputs `[channels][per_value]` planes
/// of `height · width`. Nothing up to the changed value may move (the value's own output only where `own` says so),
/// and the later colours of its pixel and the pixel to its right must.
pub fn check_moves(config: &ModelConfig, value: Place, base: &[u32], found: &[u32], per_value: usize, own: bool) {
    let pixels = config.height * config.width;
    let at = value.y * config.width + value.x;
    for channel in 0..config.channels {
        let planes = channel * per_value * pixels..(channel + 1) * per_value * pixels;
        let pairs = || base[planes.clone()].chunks_exact(pixels).zip(found[planes.clone()].chunks_exact(pixels));
        let still = at + usize::from(channel < value.channel || channel == value.channel && !own);
        for (base, found) in pairs() {
            if let Some(k) = (0..still).find(|&k| base[k] != found[k]) {
                let (y, x) = (k / config.width, k % config.width);
                panic!("{config:?}: channel {channel} at row {y}, column {x} moved when {value:?} did");
            }
        }
        let moves = |at: usize| pairs().any(|(base, found)| base[at] != found[at]);
        if channel > value.channel {
            assert!(moves(at), "{config:?}: channel {channel} of the pixel does not see {value:?}");
        }
        if value.x + 1 < config.width {
            assert!(moves(at + 1), "{config:?}: channel {channel} of the next pixel does not see {value:?}");
        }
    }
}

/// A lively network for each case.
fn models() -> impl Iterator<Item = Model> {
    let cases = Network::ALL.into_iter().flat_map(|network| CASES.map(|case| (network, case)));
    cases.map(|(network, (channels, levels, size, h, head))| {
        lively(&ModelConfig { network, h, head, ..config(channels, levels, size) })
    })
}

/// The blocks add little and biases keep features above zero, so that every change passes every ReLU; those features, about
/// 3, are made smaller on their way into gates, so that no gate is fully open or shut.
pub fn lively(config: &ModelConfig) -> Model {
    let mut tensors = model(config, 3).tensors().into_iter();
    model(config, 3).map_tensors(|name, _| {
        let (_, _, mut values) = tensors.next().expect("as many tensors");
        let (upsampler, bias) = (name.contains("upsampler."), name.ends_with(".bias"));
        let quiet = ["expand", "skip", "input_to_state.weight", "condition"].iter().any(|part| name.contains(part));
        if quiet || upsampler && !bias {
            values.iter_mut().for_each(|value| *value *= 0.25);
        } else if upsampler || ["first.bias", "hidden.bias"].iter().any(|part| name.ends_with(part)) {
            values.iter_mut().for_each(|value| *value += 3.0);
        }
        values
    })
}

fn forward_is_causal() {
    for model in models() {
        let config = &model.config;
        let base = random_levels(config, 1, 5);
        let base_logits = bits(&logits(&model, &base));
        for values in Place::all(config).chunks(64) {
            let found = bits(&logits(&model, &perturbed(config, &base, values)));
            for (value, found) in values.iter().zip(found.chunks_exact(base_logits.len())) {
                check_moves(config, *value, &base_logits, found, config.logits(), false);
            }
        }
    }
}

/// The same through the engine that draws: an image whose every pixel is given is scored value by value.
fn cached_is_causal() {
    for model in models() {
        let config = &model.config;
        let base = random_levels(config, 1, 5);
        let score = |levels: Vec<u8>, count| draw_cached(&model, &Request::scoring(levels, count, config)).1;
        let base_nll = score(base.clone(), 1);
        let values = Place::all(config);
        let found = score(perturbed(config, &base, &values), values.len());
        for (k, (&value, found)) in values.iter().zip(found.chunks_exact(base.len())).enumerate() {
            // −ln p of the changed value itself changes with its level, and only with that.
            check_moves(config, value, &bits(&base_nll), &bits(found), 1, true);
            if config.levels == 2 {
                let total = (-base_nll[k]).exp() + (-found[k]).exp();
                // Two probabilities, each rounded to 24 bits on the way through a logarithm.
                assert!((total - 1.0).abs() < 1e-6, "{config:?}: {value:?} sees itself: p(0) + p(1) = {total}");
            }
        }
    }
}
