//! How far flipped pixels move distributions: what full passes over flipped images give, and nowhere that no path leads.
//!
//! Mistakes caught: a state that belongs to another row, an image flipped in one colour only, an effect told of another pixel,
//! of the pixel itself or of an earlier one, a small image that moves with the large one, means over pairs that do not lie alike.

use crate::common::{assert_close, bits, config, enlarging, enlarging_from, logits_given, model, random_levels, trial};
use crate::reach_cached::steep;
use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::model::{ModelConfig, Network, reach};
use pixelrnn::sample::{CachedSampler, Influence, Plan, Question, Request, distribution};
use pixelrnn::weights;
use std::path::Path;
use std::sync::Arc;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("influence::it_is_what_full_passes_over_flipped_images_give", it_is_what_full_passes_give),
        trial("influence::one_pixel_s_is_that_of_all_pairs_to_the_bit", one_pixel_s_is_that_of_all_pairs),
        trial("influence::it_is_how_distributions_differ_to_the_bit", it_is_how_distributions_differ),
        trial("influence::on_small_images_it_goes_wherever_a_path_leads", it_goes_wherever_a_path_leads),
        trial("influence::of_trained_networks_it_goes_nowhere_else", trained_networks_reach_nothing_else),
        trial("influence::shares_of_the_work_make_the_whole", shares_make_the_whole),
        trial("influence::its_mean_is_over_pairs_that_lie_alike", means_are_over_pairs_that_lie_alike),
        trial("influence::a_question_that_does_not_fit_is_named", errors_are_named),
    ]
}

/// Colour and grey, binary and not, one to three scales, for every network.
fn cases() -> impl Iterator<Item = ModelConfig> {
    Network::ALL.into_iter().flat_map(|network| {
        let of = |channels, levels, size| ModelConfig { network, ..config(channels, levels, size) };
        [
            of(3, 256, [3, 4]),
            of(3, 2, [4, 3]),
            of(1, 2, [5, 4]),
            of(1, 37, [1, 5]),
            // So wide that a flip goes to some of the columns only, and so high that it ends before the last row.
            of(1, 2, [9, 13]),
            of(3, 8, [3, 12]),
            enlarging(&of(3, 256, [4, 2]), 2),
            enlarging_from(&of(1, 2, [8, 4]), enlarging(&of(1, 2, [4, 2]), 2)),
        ]
    })
}

/// The whole answer, and the rows of flips in the order they were told of.
fn ask(plans: &[Arc<Plan>], levels: &[u8], question: Question) -> (Influence, Vec<usize>) {
    let mut influence = Influence::new(plans, levels, question).expect("a good question");
    let mut told = Vec::new();
    while !influence.done() {
        told.extend(influence.step());
    }
    (influence, told)
}

fn shares_make_the_whole() {
    for config in cases() {
        let (plans, levels) = (Plan::of(&model(&config, 5)), random_levels(&config, 1, 8));
        for question in [Question::All, Question::On { y: config.height - 1, x: config.width / 2 }] {
            let whole = ask(&plans, &levels, question).0;
            let (mut sum, mut told) = (vec![0.0; whole.effects().len()], Vec::new());
            for share in 0..3 {
                let mut part = Influence::new(&plans, &levels, question).expect("a good question").share(share, 3);
                let mut rows = Vec::new();
                while !part.done() {
                    rows.extend(part.step());
                }
                assert!(rows.iter().all(|row| (config.height - 1 - row) % 3 == share), "{config:?}: {rows:?}");
                told.extend(rows);
                sum.iter_mut().zip(part.effects()).for_each(|(sum, effect)| *sum += effect);
            }
            told.sort();
            assert_eq!(told, (0..config.height).collect::<Vec<_>>(), "{config:?}");
            assert_eq!(bits(&sum), bits(whole.effects()), "{config:?}, {question:?}");
        }
    }
}

/// `levels` with every colour of a pixel flipped.
fn flipped(config: &ModelConfig, levels: &[u8], pixel: usize) -> Vec<u8> {
    let (mut levels, pixels) = (levels.to_vec(), config.height * config.width);
    for level in levels[pixel..].iter_mut().step_by(pixels) {
        *level = if config.levels.is_power_of_two() {
            *level ^ (config.levels / 2) as u8
        } else {
            ((u16::from(*level) + config.levels / 2) % config.levels) as u8
        };
    }
    levels
}

fn it_is_what_full_passes_give() {
    for (k, config) in cases().enumerate() {
        let (model, pixels) = (model(&config, 5), config.height * config.width);
        let levels = random_levels(&config, 1, 3 + k as u64);
        let variants: Vec<u8> = (0..pixels).flat_map(|pixel| flipped(&config, &levels, pixel)).collect();
        // The small image is held.
        let small = config.small_levels(&levels);
        let logits = |levels: &[u8], count| {
            logits_given(&model, levels, Some(&small.repeat(count)).filter(|_| model.nets.len() > 1).map(Vec::as_slice))
        };
        let (before, after) = (logits(&levels, 1), logits(&variants, pixels));
        let probabilities = |logits: &[f32], channel: usize, pixel: usize| -> Vec<f64> {
            let count = config.logits();
            let own = |l: usize| f64::from(logits[(channel * count + l) * pixels + pixel]);
            let own: Vec<f64> = if count == 1 { vec![0.0, own(0)] } else { (0..count).map(own).collect() };
            let total: f64 = own.iter().map(|z| z.exp()).sum();
            own.iter().map(|z| z.exp() / total).collect()
        };
        let mut expected = vec![0.0; pixels * pixels];
        for (flip, after) in after.chunks_exact(before.len()).enumerate() {
            for other in flip + 1..pixels {
                let distance = |channel| {
                    let [before, after] = [&before[..], after].map(|logits| probabilities(logits, channel, other));
                    before.iter().zip(after).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0
                };
                let effect = (0..config.channels).map(distance).sum::<f64>() / config.channels as f64;
                expected[flip * pixels + other] = effect as f32;
            }
        }
        let (found, told) = ask(&Plan::of(&model), &levels, Question::All);
        assert_eq!(told, (0..config.height).rev().collect::<Vec<_>>(), "{config:?}: nearest rows first");
        // Probabilities below one, off by roundings of logits of a few.
        assert_close(&format!("{config:?}"), found.effects(), &expected, 4e-6);
        let highest = expected.iter().copied().fold(0.0, f32::max);
        assert!(highest > 0.04, "{config:?}: nothing moves by more than {highest}");
    }
}

fn one_pixel_s_is_that_of_all_pairs() {
    for config in cases() {
        let (plans, levels) = (Plan::of(&model(&config, 5)), random_levels(&config, 1, 8));
        let (pixels, all) = (config.height * config.width, ask(&plans, &levels, Question::All).0);
        for pixel in 0..pixels {
            let (y, x) = (pixel / config.width, pixel % config.width);
            let (on, told) = ask(&plans, &levels, Question::On { y, x });
            assert_eq!(told, (0..=y).rev().collect::<Vec<_>>(), "{config:?}: nearest rows first");
            let expected: Vec<f32> = all.effects().iter().skip(pixel).step_by(pixels).copied().collect();
            assert_eq!(bits(on.effects()), bits(&expected), "{config:?}: on row {y}, column {x}");
            let (of, told) = ask(&plans, &levels, Question::Of { y, x });
            assert_eq!(told, [y]);
            assert_eq!(
                bits(of.effects()),
                bits(&all.effects()[pixel * pixels..][..pixels]),
                "{config:?}: of row {y}, column {x}"
            );
            assert!(on.mean().is_none() && of.mean().is_none());
        }
    }
}

/// States handed on are those that a whole pass over the flipped image comes to.
fn it_is_how_distributions_differ() {
    for config in cases().filter(|config| config.conditioning.is_none()) {
        let (plans, levels) = (Plan::of(&model(&config, 5)), random_levels(&config, 1, 5));
        let pixels = config.height * config.width;
        for pixel in [0, pixels / 3, pixels - 2] {
            let after = flipped(&config, &levels, pixel);
            let (found, _) = ask(&plans, &levels, Question::Of { y: pixel / config.width, x: pixel % config.width });
            for other in pixel + 1..pixels {
                let distance = |channel| {
                    let place = [channel, other / config.width, other % config.width];
                    let [p, q] = [&levels, &after].map(|levels| distribution(&plans, levels, place).expect("a place"));
                    p.iter().zip(q).fold(0.0, |sum, (p, q)| sum + (p - q).abs())
                };
                let expected = (0..config.channels).map(distance).sum::<f32>() / (2 * config.channels) as f32;
                let found = found.effects()[other];
                // Where logits move and probabilities do not, the smallest number says so.
                let same = found == expected || expected == 0.0 && found == f32::MIN_POSITIVE;
                assert!(same, "{config:?}: of {pixel} on {other} it is {found}, {expected} expected");
            }
        }
    }
}

/// Pairs that the wiring joins, `[flipped, other]`.
fn joined(config: &ModelConfig) -> Vec<bool> {
    let pixels = config.height * config.width;
    let of = |flip: usize| {
        let joined = reach(config, flip / config.width, flip % config.width);
        joined.into_iter().enumerate().map(move |(other, joined)| other > flip && joined == 1)
    };
    (0..pixels).flat_map(of).collect()
}

/// Networks in which nothing cancels or falls below rounding: what is joined moves, to the last pair.
fn it_goes_wherever_a_path_leads() {
    for network in Network::ALL {
        for (channels, levels, size, layers) in
            [(1, 2, [7, 8], 1), (1, 2, [8, 6], 2), (1, 256, [4, 7], 1), (3, 2, [5, 6], 2), (3, 256, [3, 5], 1)]
        {
            let config = ModelConfig { network, layers, ..config(channels, levels, size) };
            let levels = random_levels(&config, 1, 3);
            let found = ask(&Plan::of(&steep(&config)), &levels, Question::All).0;
            for (pair, joined) in joined(&config).into_iter().enumerate() {
                let pixels = size[0] * size[1];
                let what = format!("{config:?}: whether {} moves {}", pair / pixels, pair % pixels);
                assert_eq!(found.effects()[pair] > 0.0, joined, "{what}");
            }
        }
    }
}

/// Every pair of a digit drawn by each network of the page, and one pixel's of a photograph.
fn trained_networks_reach_nothing_else() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/models");
    for (name, question) in [
        ("mnist-pixelcnn", Question::All),
        ("mnist-row", Question::All),
        ("mnist-diagonal", Question::All),
        ("cifar10-pixelcnn", Question::On { y: 5, x: 13 }),
        ("cifar10-row", Question::Of { y: 20, x: 13 }),
        ("cifar10-diagonal", Question::On { y: 5, x: 13 }),
    ] {
        let file = std::fs::read(models.join(format!("{name}.safetensors"))).expect("a network of the page");
        let model = weights::load(&file, &Device::flex()).expect("a weights file").model;
        let (plans, config) = (Plan::of(&model), &model.config);
        let mut sampler = CachedSampler::new(&plans, Request::samples(7, 1)).expect("a good request");
        while sampler.next_row() {}
        let found = ask(&plans, &sampler.levels(), question).0;
        let expected: Vec<bool> = match question {
            Question::All => joined(config),
            Question::On { y, x } | Question::Of { y, x } => {
                let own = y * config.width + x;
                let asked = |k| if matches!(question, Question::On { .. }) { k < own } else { k > own };
                reach(config, y, x).into_iter().enumerate().map(|(k, joined)| asked(k) && joined == 1).collect()
            }
        };
        let (mut inside, mut moved) = (0, 0);
        for (k, (&effect, joined)) in found.effects().iter().zip(expected).enumerate() {
            assert!(joined || effect == 0.0, "{name}, {question:?}: {k} has {effect}");
            assert!((0.0..=1.0).contains(&effect), "{name}, {question:?}: {k} has {effect}");
            inside += usize::from(joined);
            moved += usize::from(effect > 0.0);
        }
        assert!(100 * moved >= 98 * inside, "{name}, {question:?}: {moved} of {inside} in reach move");
    }
}

fn means_are_over_pairs_that_lie_alike() {
    for config in cases() {
        let ModelConfig { height, width, .. } = config;
        let (plans, levels) = (Plan::of(&model(&config, 5)), random_levels(&config, 1, 6));
        let influence = ask(&plans, &levels, Question::All).0;
        let mean = influence.mean().expect("all pairs were asked for");
        assert_eq!(mean.len(), height * (2 * width - 1));
        for up in 0..height {
            for right in 1 - width as isize..width as isize {
                let (mut sum, mut pairs) = (0.0, 0);
                for (y, x) in (up..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                    let Some(from) = x.checked_add_signed(right).filter(|&from| from < width) else { continue };
                    sum += f64::from(influence.effects()[((y - up) * width + from) * height * width + y * width + x]);
                    pairs += 1;
                }
                let at = (height - 1 - up) * (2 * width - 1) + (width - 1).strict_add_signed(right);
                let expected = (sum / f64::from(pairs)) as f32;
                assert!(
                    (mean[at] - expected).abs() < 1e-7,
                    "{config:?}: {up} up, {right} right: {} and {expected}",
                    mean[at]
                );
                assert!(up > 0 || right < 0 || mean[at] == 0.0, "{config:?}: {right} right in its own row");
            }
        }
    }
}

fn errors_are_named() {
    let small = config(3, 2, [4, 5]);
    let large = ModelConfig { layers: 1, h: 1, head: 1, ..config(1, 2, [64, 65]) };
    let [plans, large_plans] = [&small, &large].map(|config| Plan::of(&model(config, 1)));
    let (good, on) = (vec![0; 60], Question::On { y: 3, x: 4 });
    for (plans, levels, question, field, found) in [
        (&plans, good.clone(), Question::On { y: 4, x: 0 }, "row", "4"),
        (&plans, good.clone(), Question::Of { y: 0, x: 5 }, "column", "5"),
        (&plans, vec![0; 120], on, "given levels", "120 values"),
        (&plans, vec![2; 60], on, "given levels", "level 2"),
        (&large_plans, vec![0; 4160], Question::All, "pixels", "4160"),
    ] {
        let error = Influence::new(plans, &levels, question).err().expect(field);
        assert_eq!((error.field, error.found.as_str()), (field, found));
    }
    assert!(Influence::new(&plans, &good, on).is_ok());
    assert!(Influence::new(&large_plans, &[0; 4160], on).is_ok());
}
