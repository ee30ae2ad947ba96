//! Pictures drawn with many seeds against the distribution the network states, by χ².
//!
//! Mistakes caught: drawing by argmax (13), a temperature that multiplies or is left out, a cumulative distribution
//! that is off by one level, uniforms that repeat from pixel to pixel, image to image or scale to scale.

use crate::common::{config, draw_cached, draw_cached_scales, draw_naive, enlarging, images, logits, model, trial};
use crate::likelihood_scales::log_probabilities;
use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::likelihood::score;
use pixelrnn::model::{ModelConfig, Network};
use pixelrnn::sample::{Request, Sharpening};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("sampling::first_pixel_follows_its_softmax_chi_squared", first_pixel_follows_its_softmax),
        trial("sampling::whole_images_follow_their_likelihood_chi_squared", images_follow_their_likelihood),
        trial("sampling::pairs_of_two_scales_follow_their_likelihood_chi_squared", pairs_follow_their_likelihood),
    ]
}

/// Images drawn in each case.
const COUNT: usize = 20_000;

/// χ² of what was counted against what was expected; cells that expect fewer than five are put together.
fn chi_squared(what: &str, counted: &[usize], probabilities: &[f64]) {
    let total = counted.iter().sum::<usize>() as f64;
    let sum: f64 = probabilities.iter().sum();
    // Probabilities from 24-bit logits.
    assert!((sum - 1.0).abs() < 1e-5, "{what}: probabilities add up to {sum}");
    let (mut chi, mut cells, mut rest) = (0.0, 0, (0.0, 0.0));
    let mut cell = |found: f64, expected: f64| {
        chi += (found - expected) * (found - expected) / expected;
        cells += 1;
    };
    for (&found, p) in counted.iter().zip(probabilities) {
        if p * total < 5.0 {
            rest = (rest.0 + found as f64, rest.1 + p * total);
        } else {
            cell(found as f64, p * total);
        }
    }
    if rest.1 >= 5.0 {
        cell(rest.0, rest.1);
    }
    assert!(cells > 1, "{what}: one level has it all, the test would see nothing");
    let freedom = f64::from(cells - 1);
    // χ² has mean `freedom` and variance 2 · `freedom`. Five standard deviations: the seeds are fixed, so a right
    // sampler passes always, and a wrong one is off by hundreds.
    let limit = freedom + 5.0 * (2.0 * freedom).sqrt();
    assert!(chi < limit, "{what}: χ² is {chi:.1}, at most {limit:.1} expected of {freedom} degrees of freedom");
}

fn first_pixel_follows_its_softmax() {
    for (channels, levels) in [(1, 2), (1, 256), (3, 2), (3, 256), (3, 8)] {
        let config = config(channels, levels, [1, 1]);
        let model = model(&config, 12);
        // The first value sees nothing: its logits are the same for every image.
        let logits: Vec<f64> =
            logits(&model, &vec![0; channels])[..config.logits()].iter().map(|&z| z.into()).collect();
        let logits = if config.logits() == 1 { vec![0.0, logits[0]] } else { logits };
        for temperature in [1.0f32, 0.7] {
            let weights: Vec<f64> = logits.iter().map(|z| (z / f64::from(temperature)).exp()).collect();
            let total: f64 = weights.iter().sum();
            let probabilities: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
            let request = Request { sharpening: Sharpening::at(temperature), ..Request::samples(77, COUNT) };
            for (sampler, drawn) in
                [("cached", draw_cached(&model, &request).0), ("naive", draw_naive(&model, &request))]
            {
                let mut counted = vec![0; usize::from(levels)];
                drawn.chunks_exact(channels).for_each(|image| counted[usize::from(image[0])] += 1);
                let what = format!("{sampler}, {channels}x{levels} at temperature {temperature}");
                chi_squared(&what, &counted, &probabilities);
            }
        }
    }
}

/// Every conditional at once: how often each of the 64 images of six binary values is drawn.
fn images_follow_their_likelihood() {
    let sizes = [(1, [2, 3]), (3, [2, 1])];
    for (network, (channels, size)) in Network::ALL.into_iter().flat_map(|network| sizes.map(|size| (network, size))) {
        let config = ModelConfig { network, layers: 3, ..config(channels, 2, size) };
        let model = model(&config, 8);
        let all: Vec<u8> = (0..64u8).flat_map(|image| (0..6).map(move |bit| image >> bit & 1)).collect();
        let nll = score(&model, &images(&config, all), 64, &Device::flex(), |_| ());
        let p = |image: &[f32]| (-image.iter().map(|&nll| f64::from(nll)).sum::<f64>()).exp();
        let probabilities: Vec<f64> = nll.chunks_exact(6).map(p).collect();
        let mut counted = vec![0; 64];
        for image in draw_cached(&model, &Request::samples(31, COUNT)).0.chunks_exact(6) {
            counted[image.iter().rev().fold(0, |bits, &level| bits << 1 | usize::from(level))] += 1;
        }
        chi_squared(&format!("{network:?}, {channels} channels, {size:?}"), &counted, &probabilities);
    }
}

/// The small image and the large one together: p(small) p(large | small) for each of the 32 pairs of a pixel and 2×2.
fn pairs_follow_their_likelihood() {
    for network in Network::ALL {
        let config = enlarging(&ModelConfig { network, layers: 1, ..config(1, 2, [2, 2]) }, 2);
        let model = model(&config, 8);
        let (large, small) = log_probabilities(&model);
        let pairs = large.iter().zip(&small).flat_map(|(large, small)| large.iter().map(move |large| large + small));
        let probabilities: Vec<f64> = pairs.map(f64::exp).collect();
        let mut counted = vec![0; 32];
        let drawn = draw_cached_scales(&model, &Request::samples(31, COUNT));
        for (small, large) in drawn[0].0.iter().zip(drawn[1].0.chunks_exact(4)) {
            let large = large.iter().rev().fold(0, |bits, &level| bits << 1 | usize::from(level));
            counted[usize::from(*small) * 16 + large] += 1;
        }
        chi_squared(&format!("{network:?}, two scales"), &counted, &probabilities);
    }
}
