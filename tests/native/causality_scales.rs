//! Of several scales (§3.6): inside the large image nothing at or after a value is seen, in the small one neither; and the small
//! one is seen by every value of the large one, the first included.
//!
//! Mistakes caught: a condition under a mask or shifted against the image it belongs to, colours that see later ones through
//! it (7, 8), a small image taken from another part of the large one, a network of the small image that sees the large one.

use crate::causality::{check_moves, lively};
use crate::common::{
    Place, bits, config, draw_cached_scales, enlarging, logits_given, perturbed, random_levels, trial,
};
use crate::reach_scales::steep_scales;
use libtest_mimic::Trial;
use pixelrnn::model::{Model, ModelConfig, Network};
use pixelrnn::sample::Request;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("causality::of_two_scales_logits_see_nothing_at_or_after_their_value", forward_is_causal),
        trial("causality::of_two_scales_cached_scores_see_nothing_after_their_value", cached_is_causal),
        trial("causality::every_value_sees_every_value_of_the_small_image", small_image_is_seen_whole),
    ]
}

/// For every network; widths that three divides, and widths that it does not. The small images are 3×4, 5×7 and at most 3×3.
const CASES: [(usize, u16, [usize; 2], usize, usize, usize); 8] = [
    // channels, levels, [height, width], factor, h, head
    (1, 2, [6, 8], 2, 4, 6),
    (1, 2, [10, 14], 2, 5, 7),
    (1, 256, [8, 4], 4, 5, 7),
    (3, 2, [6, 6], 2, 7, 13),
    (3, 2, [4, 6], 2, 6, 9),
    (3, 2, [4, 4], 4, 9, 14),
    (3, 256, [8, 8], 4, 8, 14),
    (3, 256, [4, 6], 2, 9, 12),
];

fn models() -> impl Iterator<Item = Model> {
    let cases = Network::ALL.into_iter().flat_map(|network| CASES.map(|case| (network, case)));
    cases.map(|(network, (channels, levels, size, factor, h, head))| {
        lively(&enlarging(&ModelConfig { network, h, head, ..config(channels, levels, size) }, factor))
    })
}

/// The configuration of the small image's network.
fn small_of(config: &ModelConfig) -> &ModelConfig {
    config.scales()[0]
}

/// The value of the small image that `value` is, if it is one.
fn in_small(config: &ModelConfig, value: Place) -> Option<Place> {
    let factor = config.factor();
    let kept = value.y % factor == factor / 2 && value.x % factor == factor / 2;
    kept.then_some(Place { y: value.y / factor, x: value.x / factor, ..value })
}

/// With one small image, which is not the one inside the large ones.
fn forward_is_causal() {
    for model in models() {
        let config = &model.config;
        let (base, small) = (random_levels(config, 1, 5), random_levels(small_of(config), 1, 6));
        let base_logits = bits(&logits_given(&model, &base, Some(&small)));
        for values in Place::all(config).chunks(64) {
            let small = small.repeat(values.len());
            let found = bits(&logits_given(&model, &perturbed(config, &base, values), Some(&small)));
            for (value, found) in values.iter().zip(found.chunks_exact(base_logits.len())) {
                check_moves(config, *value, &base_logits, found, config.logits(), false);
            }
        }
    }
}

/// Through the engine that draws, which takes the small image from the large one: a value that it does not hold must move what
/// the full pass lets it move, and nothing of the small image. One that it holds must move nothing before it there.
fn cached_is_causal() {
    for model in models() {
        let (config, small) = (&model.config, small_of(&model.config));
        let base = random_levels(config, 1, 5);
        let score = |levels: Vec<u8>, count| {
            let mut scales = draw_cached_scales(&model, &Request::scoring(levels, count, config)).into_iter();
            [scales.next(), scales.next()].map(|scale| scale.expect("two scales").1)
        };
        let values = Place::all(config);
        let [small_base, own_base] = score(base.clone(), 1);
        let [small_found, own_found] = score(perturbed(config, &base, &values), values.len());
        let found = small_found.chunks_exact(small.dimensions()).zip(own_found.chunks_exact(base.len()));
        for (k, (&value, (small_found, own_found))) in values.iter().zip(found).enumerate() {
            if let Some(value) = in_small(config, value) {
                let rank = |place: &Place| (place.y, place.x, place.channel);
                for (at, place) in Place::all(small).iter().enumerate().filter(|(_, place)| rank(place) < rank(&value))
                {
                    let still = small_found[at].to_bits() == small_base[at].to_bits();
                    assert!(still, "{config:?}: {place:?} of the small image moved when {value:?} did");
                }
                continue;
            }
            assert_eq!(bits(small_found), bits(&small_base), "{config:?}: the small image moved when {value:?} did");
            check_moves(config, value, &bits(&own_base), &bits(own_found), 1, true);
            if config.levels == 2 {
                let total = (-own_base[k]).exp() + (-own_found[k]).exp();
                // Two probabilities, each rounded to 24 bits on the way through a logarithm.
                assert!((total - 1.0).abs() < 1e-6, "{config:?}: {value:?} sees itself: p(0) + p(1) = {total}");
            }
        }
    }
}

/// Small images of at most 3×3 pixels, which the upsampler's two 3×3 convolutions see whole from everywhere: R of the first
/// pixel moves with every one of their values, and so does every other value.
fn small_image_is_seen_whole() {
    let mut cases = 0;
    for model in models().map(|model| steep_scales(&model.config)) {
        let (config, small) = (&model.config, small_of(&model.config));
        if small.height > 3 || small.width > 3 {
            continue;
        }
        cases += 1;
        let (image, small_image) = (random_levels(config, 1, 5), random_levels(small, 1, 6));
        let (base, pixels) = (bits(&logits_given(&model, &image, Some(&small_image))), config.height * config.width);
        for source in Place::all(small) {
            let found = bits(&logits_given(&model, &image, Some(&perturbed(small, &small_image, &[source]))));
            for (k, place) in Place::all(config).into_iter().enumerate() {
                let logit = |l: usize| (place.channel * config.logits() + l) * pixels + k % pixels;
                let moves = (0..config.logits()).any(|l| base[logit(l)] != found[logit(l)]);
                assert!(moves, "{config:?}: {place:?} does not see {source:?} of the small image");
            }
        }
    }
    assert!(cases >= 15, "{cases} cases with a small image of at most 3×3");
}
