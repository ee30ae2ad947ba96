//! The predictive distribution of one value: the softmax of the full pass's logits there, whatever stands after it.
//!
//! And the trace of an image while it is drawn: what the network said of every value, row by row.
//!
//! Mistakes caught: a distribution at another place or of another channel, one that the value itself or later ones move, rows
//! that are drawn further than needed and overwrite what was kept, a trace of another image, row or scale, a place beyond the
//! image.

use crate::causality::lively;
use crate::common::{
    Place, assert_close, bits, config, enlarging, enlarging_from, logits, model, random_levels, trial,
};
use libtest_mimic::Trial;
use pixelrnn::model::{ModelConfig, Network};
use pixelrnn::sample::{
    self, CachedSampler, Given, Plan, Request, Scale, Scored, Sharpening, distribution, probabilities, uniform,
};
use std::sync::Arc;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("distribution::it_is_the_softmax_of_the_full_pass_everywhere", it_is_the_softmax),
        trial("distribution::later_values_do_not_move_it", later_values_do_not_move_it),
        trial("distribution::a_trace_is_what_the_network_said", a_trace_is_what_the_network_said),
        trial("distribution::a_place_beyond_the_image_is_named", errors_are_named),
    ]
}

/// Colour and grey, binary and not, one to three scales, for every network.
fn cases() -> impl Iterator<Item = ModelConfig> {
    Network::ALL.into_iter().flat_map(|network| {
        let of = |channels, levels, size| ModelConfig { network, ..config(channels, levels, size) };
        let middle = enlarging(&of(3, 2, [4, 2]), 2);
        [
            of(3, 256, [3, 4]),
            of(3, 2, [4, 3]),
            of(1, 2, [5, 4]),
            of(1, 256, [1, 5]),
            enlarging(&of(3, 256, [4, 2]), 2),
            enlarging(&of(1, 2, [4, 6]), 2),
            enlarging_from(&of(3, 2, [8, 4]), middle),
        ]
    })
}

fn of(plans: &[Arc<Plan>], levels: &[u8], place: Place) -> Vec<f32> {
    distribution(plans, levels, [place.channel, place.y, place.x]).expect("a place of the image")
}

fn it_is_the_softmax() {
    for (k, config) in cases().enumerate() {
        let (config, model) = (&config, model(&config, 40 + k as u64));
        let plans = Plan::of(&model);
        let (levels, pixels, count) = (random_levels(config, 1, 3), config.height * config.width, config.logits());
        let logits = logits(&model, &levels);
        for (k, place) in Place::all(config).into_iter().enumerate() {
            let own = |l: usize| f64::from(logits[(place.channel * count + l) * pixels + k % pixels]);
            let own: Vec<f64> = if count == 1 { vec![0.0, own(0)] } else { (0..count).map(own).collect() };
            let highest = own.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = own.iter().map(|z| (z - highest).exp()).sum();
            let expected: Vec<f32> = own.iter().map(|z| ((z - highest).exp() / total) as f32).collect();
            let found = of(&plans, &levels, place);
            // Logits of a few, each off by some 24-bit roundings of sums in another order; probabilities below one.
            assert_close(&format!("{config:?}, {place:?}"), &found, &expected, 4e-6);
            let total: f64 = found.iter().map(|&p| f64::from(p)).sum();
            // Up to 256 of them, each rounded to 24 bits.
            assert!((total - 1.0).abs() < 1e-6, "{config:?}, {place:?}: they add up to {total}");
        }
    }
}

/// Bit for bit; with several scales for as long as the small image inside stays the same. What comes before moves it.
fn later_values_do_not_move_it() {
    for config in cases() {
        let (config, plans) = (&config, Plan::of(&lively(&config)));
        let (levels, other) = (random_levels(config, 1, 3), random_levels(config, 1, 4));
        let (places, factor) = (Place::all(config), config.factor());
        let rank = |place: &Place| (place.y, place.x, place.channel);
        let held = |place: &Place| factor > 1 && place.y % factor == factor / 2 && place.x % factor == factor / 2;
        let mut moved = 0;
        for &place in &places {
            let expected = bits(&of(&plans, &levels, place));
            let mixed = |theirs: &dyn Fn(&Place) -> bool| -> Vec<u8> {
                (0..levels.len()).map(|k| if theirs(&places[k]) { other[k] } else { levels[k] }).collect()
            };
            let after = mixed(&|at| rank(at) >= rank(&place) && !held(at));
            assert_eq!(
                bits(&of(&plans, &after, place)),
                expected,
                "{config:?}: {place:?} sees itself or what is later"
            );
            let before = mixed(&|at| rank(at) < rank(&place));
            moved += usize::from(bits(&of(&plans, &before, place)) != expected);
        }
        assert!(2 * moved > places.len(), "{config:?}: {moved} of {} see what is before them", places.len());
    }
}

/// Of an image in a batch, also where its first rows are given like those of another and made there: the logits are those of its
/// distributions, −ln p is what it is scored by, and the uniform numbers are those it was drawn with.
fn a_trace_is_what_the_network_said() {
    for config in cases() {
        let (model, pixels) = (lively(&config), config.height * config.width);
        let (plans, levels) = (Plan::of(&model), random_levels(&config, 1, 3));
        let upper: Vec<u8> = (0..pixels).map(|pixel| u8::from(pixel >= config.width)).collect();
        for (given, image) in [(None, 1), (Some(Given { levels, mask: upper.repeat(3) }), 2)] {
            let request = Request { given, first: 6, sharpening: Sharpening::at(0.8), ..Request::samples(17, 3) };
            let mut sampler = CachedSampler::new(&plans, request.clone()).expect("a good request");
            sampler.trace(image);
            assert_eq!(sampler.image().trace(), None);
            let mut traces = vec![Vec::new(); plans.len()];
            while !sampler.done() {
                let scale = sampler.scale();
                sampler.next_row();
                traces[scale].push(sampler.of_scale(scale).trace().expect("a row"));
            }
            for (smaller, (scale, traces)) in traces.iter().enumerate().rev().enumerate() {
                let (config, drawn) = (config.scales()[scale], sampler.of_scale(scale));
                let nll_nats = drawn.nll_nats_of_values().nth(image).expect("an image");
                let levels = drawn.images().nth(image).expect("an image");
                for (k, place) in Place::all(config).into_iter().enumerate() {
                    let (trace, at) = (&traces[place.y], place.channel * config.width + place.x);
                    assert_eq!(trace.y, place.y);
                    let (row, image) = (4096 * smaller + place.y, 6 + image as u32);
                    assert_eq!(trace.uniforms[at], uniform(17, image, row, place.x, place.channel), "{config:?}");
                    assert_eq!(trace.nll_nats[at], nll_nats[k], "{config:?}: {place:?}");
                    let logits = &trace.logits[at * config.logits()..][..config.logits()];
                    assert_eq!(sample::nll_nats(logits, levels[k]), nll_nats[k], "{config:?}: {place:?}");
                    // Larger scales are drawn from the small image that was drawn, be it inside them or not.
                    if scale == 0 {
                        let expected = of(&plans[..1], levels, place);
                        assert_eq!(bits(&probabilities(logits, 1.0)), bits(&expected), "{config:?}: {place:?}");
                    }
                }
            }
        }
    }
}

fn errors_are_named() {
    let models = [model(&config(3, 2, [4, 5]), 1), model(&enlarging(&config(1, 256, [4, 6]), 2), 1)];
    for model in models {
        let (config, plans) = (&model.config, Plan::of(&model));
        let ModelConfig { channels, height, width, .. } = *config;
        let good = vec![0; config.dimensions()];
        let last = [channels - 1, height - 1, width - 1];
        assert!(distribution(&plans, &good, last).is_ok());
        let of_2 = good.repeat(2);
        let bad_level = vec![2; config.dimensions()];
        let mut cases = vec![
            (good.clone(), [channels, 0, 0], "channel", channels.to_string()),
            (good.clone(), [0, height, 0], "row", height.to_string()),
            (good.clone(), [0, 0, width], "column", width.to_string()),
            (good.clone(), [0, 0, usize::MAX], "column", usize::MAX.to_string()),
            (of_2, [0, 0, 0], "given levels", format!("{} values", 2 * config.dimensions())),
            (good[1..].to_vec(), [0, 0, 0], "given levels", format!("{} values", config.dimensions() - 1)),
            (Vec::new(), [0, 0, 0], "given levels", "0 values".to_owned()),
        ];
        if config.levels == 2 {
            cases.push((bad_level, [0, 0, 0], "given levels", "level 2".to_owned()));
        }
        for (levels, place, field, found) in cases {
            let error = distribution(&plans, &levels, place).expect_err(field);
            assert_eq!((error.field, &error.found), (field, &found), "{place:?}");
            assert!(error.to_string().contains(&error.expected), "{error}");
        }
    }
}
