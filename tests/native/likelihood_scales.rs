//! What makes a likelihood of several scales one: given any small image the large ones add up to 1, the small ones do, and what
//! is reported of a pair is never less than −ln p of the large image.
//!
//! Mistakes caught: anything that sees its own value or later ones, a scale left out of a sum or counted twice, bits divided by
//! the dimensions of another scale.

use crate::common::{
    config, draw_cached_scales, enlarging, enlarging_from, images, logits_given, model, random_images, scales, trial,
    zero_model,
};
use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::likelihood::{evaluate, score};
use pixelrnn::model::{Model, ModelConfig, Network};
use pixelrnn::sample::{CachedSampler, Plan, Request, nll_nats};
use std::f64::consts::LN_2;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("likelihood::given_any_small_image_the_large_ones_add_up_to_1", pairs_add_up),
        trial("likelihood::a_pair_is_never_likelier_than_its_large_image", pairs_are_a_bound),
        trial("likelihood::of_several_scales_it_is_the_sum_of_theirs", scales_are_added),
        trial("likelihood::of_several_scales_zeros_have_the_nats_of_all_their_values", uniform_likelihood),
    ]
}

/// All images of `values` binary values, one after another.
pub fn all_images(values: usize) -> Vec<u8> {
    (0..1usize << values).flat_map(|image| (0..values).map(move |bit| (image >> bit & 1) as u8)).collect()
}

/// ln p of every large image given every small one, `[small][large]`, and of every small one: by the full pass.
pub fn log_probabilities(model: &Model) -> (Vec<Vec<f64>>, Vec<f64>) {
    let (config, small) = (&model.config, &scales(model)[0]);
    let (all, small_all) = (all_images(config.dimensions()), all_images(small.config.dimensions()));
    let total = |logits: &[f32], levels: &[u8]| -> f64 {
        let nll = |(&logit, &level): (&f32, &u8)| f64::from(nll_nats(&[logit], level));
        -logits.iter().zip(levels).map(nll).sum::<f64>()
    };
    let of = |logits: Vec<f32>, levels: &[u8], values: usize| -> Vec<f64> {
        logits.chunks_exact(values).zip(levels.chunks_exact(values)).map(|(z, levels)| total(z, levels)).collect()
    };
    let given = |small: &[u8]| {
        let repeated = small.repeat(1 << config.dimensions());
        of(logits_given(model, &all, Some(&repeated)), &all, config.dimensions())
    };
    let values = small.config.dimensions();
    let own = of(logits_given(small, &small_all, None), &small_all, values);
    (small_all.chunks_exact(values).map(given).collect(), own)
}

/// Pairs of binary images: 2×2 and one pixel, grey and in colour, 2×4 and 1×2, 4×2 and 2×1.
fn models() -> impl Iterator<Item = Model> {
    let cases = [(1, [2, 2]), (1, [2, 4]), (1, [4, 2]), (3, [2, 2])];
    let cases = Network::ALL.into_iter().flat_map(move |network| cases.map(|case| (network, case)));
    cases.flat_map(|(network, (channels, size))| {
        [(1, 3, 3, false, 4), (2, 5, 7, true, 5)].map(|(layers, h, head, skip, seed)| {
            let config = ModelConfig { network, layers, h, head, skip, ..config(channels, 2, size) };
            model(&enlarging(&config, 2), seed)
        })
    })
}

fn pairs_add_up() {
    let (mut cases, mut moved) = (0, 0);
    for model in models() {
        let config = &model.config;
        let (large, small) = log_probabilities(&model);
        let sum = |logs: &[f64]| logs.iter().map(|log| log.exp()).sum::<f64>();
        // −ln p of an image is a sum of up to twelve 24-bit values of a few nats.
        let check = |what: &str, total: f64| assert!((total - 1.0).abs() < 4e-6, "{config:?}, {what}: {total}");
        check("small images", sum(&small));
        large
            .iter()
            .enumerate()
            .for_each(|(k, large)| check(&format!("large images given small image {k}"), sum(large)));
        moved += usize::from(large.windows(2).all(|pair| pair[0] != pair[1]));
        cases += 1;
    }
    // Given another small image, the large ones have other probabilities; a few features only, and all of them may be cut off.
    assert!(moved + 4 > cases, "the small image changes something in {moved} of {cases} cases");
}

/// −ln p(small) − ln p(large | small), for the small image inside the large one, as all paths report it.
fn pairs_are_a_bound() {
    for model in models() {
        let config = &model.config;
        let (large, small) = log_probabilities(&model);
        let all = all_images(config.dimensions());
        let count = 1 << config.dimensions();
        let mut sampler = CachedSampler::new(&Plan::of(&model), Request::scoring(all.clone(), count, config))
            .expect("a good request");
        while sampler.next_row() {}
        let cached = sampler.nll_nats();
        for (k, image) in all.chunks_exact(config.dimensions()).enumerate() {
            let inside = config.small_levels(image).iter().rev().fold(0, |bits, &level| bits << 1 | usize::from(level));
            let pair = -small[inside] - large[inside][k];
            let exact = -small.iter().zip(&large).map(|(small, large)| (small + large[k]).exp()).sum::<f64>().ln();
            // The other small images have some probability of this large one, so it is strictly more.
            assert!(pair > exact, "{config:?}: image {k} has {pair} nats with its small image, {exact} at all");
            // Two 24-bit sums of up to fifteen values.
            assert!((f64::from(cached[k]) - pair).abs() < 2e-5, "{config:?}: image {k}: {} and {pair}", cached[k]);
        }
        let found = evaluate(&model, &images(config, all), 50, &Device::flex(), |_| ()).nats_per_image;
        let expected = cached.iter().map(|&nll| f64::from(nll)).sum::<f64>() / count as f64;
        assert!((found - expected).abs() < 2e-5, "{config:?}: {found} nats an image, {expected} expected");
    }
}

/// Two and three scales: the sum over them of what each scale's network says of its images inside the large ones.
fn scales_are_added() {
    for (network, (channels, levels)) in
        Network::ALL.into_iter().flat_map(|n| [(1, 2), (1, 256), (3, 2)].map(|c| (n, c)))
    {
        let config = ModelConfig { network, ..config(channels, levels, [8, 4]) };
        let middle = enlarging(&ModelConfig { height: 4, width: 2, ..config.clone() }, 2);
        for config in [enlarging(&config, 4), enlarging_from(&config, middle)] {
            let (model, device) = (model(&config, 4), Device::flex());
            let images = random_images(&config, 5, 9);
            let found = evaluate(&model, &images, 2, &device, |_| ());
            let mut inside = images.data.clone();
            let mut nats = Vec::new();
            for model in scales(&model).iter().rev() {
                let levels = crate::common::images(&model.config, inside.clone());
                let total: f64 = score(model, &levels, 3, &device, |_| ()).iter().map(|&nll| f64::from(nll)).sum();
                nats.insert(0, total / 5.0);
                inside = model.config.small_levels(&inside);
            }
            // The same additions in float64.
            assert_eq!(found.nats_of_scales.len(), config.scales().len(), "{config:?}");
            for (found, expected) in found.nats_of_scales.iter().zip(&nats) {
                assert!((found - expected).abs() < 1e-10, "{config:?}: {found} nats of a scale, {expected} expected");
            }
            let total: f64 = nats.iter().sum();
            assert!((found.nats_per_image - total).abs() < 1e-10, "{config:?}: {found:?}, {total} expected");
            let bits = total / LN_2 / config.dimensions() as f64;
            assert!((found.bits_per_dim - bits).abs() < 1e-10, "{config:?}: {found:?}, {bits} expected");
            let cached = draw_cached_scales(&model, &Request::scoring(images.data.clone(), 5, &config));
            for ((_, nll), expected) in cached.iter().zip(&nats) {
                let found = nll.iter().map(|&nll| f64::from(nll)).sum::<f64>() / 5.0;
                // Up to 96 values of a few nats, each off by a few 24-bit roundings.
                assert!((found - expected).abs() < 1e-4, "{config:?}: cached {found}, {expected} expected");
            }
        }
    }
    // One scale has no list of shares.
    let plain = config(1, 2, [3, 4]);
    let found = evaluate(&model(&plain, 4), &random_images(&plain, 2, 9), 2, &Device::flex(), |_| ());
    assert!(found.nats_of_scales.is_empty());
}

fn uniform_likelihood() {
    for (channels, levels, own, small) in [(1, 2, 784.0, 196.0), (1, 256, 784.0, 49.0), (3, 256, 2352.0, 147.0)] {
        let factor = f64::sqrt(own / small) as usize;
        let config = enlarging(&config(channels, levels, [28, 28]), factor);
        let found = evaluate(&zero_model(&config), &random_images(&config, 3, 1), 2, &Device::flex(), |_| ());
        let nats = (own + small) * f64::from(levels).ln();
        // ln 2 and ln 256 in 24 bits, times the number of values.
        assert!((found.nats_per_image - nats).abs() < 1e-7 * nats, "{config:?}: {found:?}, {nats} expected");
        let bits = (own + small) / own * f64::from(levels).log2();
        assert!((found.bits_per_dim - bits).abs() < 1e-6, "{config:?}: {found:?}, {bits} expected");
    }
}
