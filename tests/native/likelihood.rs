//! What makes a likelihood one: it adds up to 1, a uniform model has the known value, and no image is counted twice or
//! dropped.
//!
//! Mistakes caught: anything that sees its own value or later ones (the sum is then not 1), bits per dimension divided
//! twice, a ragged last batch dropped or weighted wrongly, nats called bits (12).

use crate::common::{bits, config, data_trial, draw_cached, images, model, random_images, trial, zero_model};
use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::data::{DatasetKind, Split, load};
use pixelrnn::likelihood::{evaluate, score};
use pixelrnn::model::{ModelConfig, Network};
use pixelrnn::sample::Request;
use std::f64::consts::LN_2;
use std::path::Path;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("likelihood::probabilities_of_all_64_images_add_up_to_1", probabilities_add_up),
        trial("likelihood::a_model_of_zeros_has_543_43_nats_and_8_bits", uniform_likelihood),
        trial("likelihood::batches_of_7_of_50_and_of_one_agree", ragged_batches_agree),
        trial("likelihood::nats_and_bits_are_those_of_the_scores", nats_and_bits_follow_from_scores),
        data_trial(
            "likelihood::a_model_of_zeros_has_543_43_nats_on_the_test_split",
            "binarized_mnist",
            uniform_on_test_split,
        ),
    ]
}

/// All 64 images of six binary values: 2×3 grey, and two pixels of three colours in both orientations.
fn probabilities_add_up() {
    let all: Vec<u8> = (0..64u8).flat_map(|image| (0..6).map(move |bit| image >> bit & 1)).collect();
    let sizes = [(1, [2, 3]), (1, [3, 2]), (1, [1, 6]), (1, [6, 1]), (3, [1, 2]), (3, [2, 1])];
    for (network, (channels, size)) in Network::ALL.into_iter().flat_map(|network| sizes.map(|size| (network, size))) {
        for (layers, h, head, skip) in [(1, 3, 3, false), (1, 4, 5, true), (3, 5, 7, true), (2, 8, 4, false)] {
            for seed in [1, 2] {
                let config = ModelConfig { network, layers, h, head, skip, ..config(channels, 2, size) };
                let model = model(&config, seed);
                let full = score(&model, &images(&config, all.clone()), 50, &Device::flex(), |_| ());
                let (_, cached) = draw_cached(&model, &Request::scoring(all.clone(), 64, &config));
                for (path, nll) in [("full pass", full), ("cached", cached)] {
                    let p = |image: &[f32]| (-image.iter().map(|&nll| f64::from(nll)).sum::<f64>()).exp();
                    let total: f64 = nll.chunks_exact(6).map(p).sum();
                    // Each image's −ln p is a sum of six 24-bit values of a few nats.
                    assert!((total - 1.0).abs() < 2e-6, "{path}, {config:?}, seed {seed}: the sum is {total}");
                }
            }
        }
    }
}

fn uniform_likelihood() {
    let cases = [
        (config(1, 2, [28, 28]), 784.0 * LN_2, 1.0),
        (config(1, 256, [28, 28]), 784.0 * 8.0 * LN_2, 8.0),
        (config(3, 256, [8, 9]), 3.0 * 72.0 * 8.0 * LN_2, 8.0),
    ];
    for (network, (config, nats, bits)) in Network::ALL.into_iter().flat_map(|n| cases.clone().map(|case| (n, case))) {
        let config = ModelConfig { network, ..config };
        let found = evaluate(&zero_model(&config), &random_images(&config, 3, 1), 2, &Device::flex(), |_| ());
        // ln 2 and ln 256 in 24 bits, times the number of values.
        assert!((found.nats_per_image - nats).abs() < 1e-7 * nats, "{config:?}: {found:?}, {nats} expected");
        assert!((found.bits_per_dim - bits).abs() < 1e-6, "{config:?}: {found:?}");
        assert_eq!(format!("{:.3}", found.bits_per_dim), format!("{bits:.3}"));
    }
    assert_eq!(format!("{:.2}", 784.0 * LN_2), "543.43");
}

/// 53 images are not a whole number of batches of 7 or of 50.
fn ragged_batches_agree() {
    let cases = [(1, 2), (1, 256), (3, 256), (3, 8)];
    for (network, (channels, levels)) in Network::ALL.into_iter().flat_map(|network| cases.map(|case| (network, case)))
    {
        let config = ModelConfig { network, ..config(channels, levels, [5, 6]) };
        let (model, images, device) = (model(&config, 4), random_images(&config, 53, 9), Device::flex());
        let scored = |batch| score(&model, &images, batch, &device, |_| ());
        let whole = scored(53);
        assert_eq!(whole.len(), images.data.len());
        for batch in [1, 7, 50, 64] {
            // An image is computed by the same operations whatever batch it is in.
            assert_eq!(bits(&scored(batch)), bits(&whole), "{config:?}: batches of {batch}");
            let mut done = Vec::new();
            let likelihood = evaluate(&model, &images, batch, &device, |images| done.push(images));
            assert_eq!(likelihood, evaluate(&model, &images, 53, &device, |_| ()), "{config:?}: batches of {batch}");
            assert_eq!(likelihood.images, 53);
            assert_eq!(done.last(), Some(&53));
            assert_eq!(done.len(), 53usize.div_ceil(batch));
        }
        let one_by_one: Vec<f32> =
            (0..53).flat_map(|k| score(&model, &images.select([k]), 7, &device, |_| ())).collect();
        assert_eq!(bits(&one_by_one), bits(&whole), "{config:?}: one by one");
    }
}

fn nats_and_bits_follow_from_scores() {
    let config = config(3, 2, [4, 5]);
    let (model, images, device) = (model(&config, 4), random_images(&config, 11, 9), Device::flex());
    let total: f64 = score(&model, &images, 4, &device, |_| ()).iter().map(|&nll| f64::from(nll)).sum();
    let likelihood = evaluate(&model, &images, 4, &device, |_| ());
    // The same additions in float64.
    assert!((likelihood.nats_per_image - total / 11.0).abs() < 1e-12);
    assert!((likelihood.bits_per_dim - total / 11.0 / LN_2 / 60.0).abs() < 1e-12);
}

fn uniform_on_test_split(data: &Path) {
    let images = load(DatasetKind::BinarizedMnist, Split::Test, data).expect("the test split");
    assert_eq!(images.shape(), [10_000, 1, 28, 28]);
    let config = ModelConfig { layers: 1, h: 1, head: 1, ..config(1, 2, [28, 28]) };
    // 10,000 is not a whole number of batches of 64: the last one has 16 images.
    let found = evaluate(&zero_model(&config), &images, 64, &Device::flex(), |_| ());
    assert_eq!((format!("{:.2}", found.nats_per_image).as_str(), found.images), ("543.43", 10_000));
    assert_eq!(format!("{:.4}", found.bits_per_dim), "1.0000");
}
