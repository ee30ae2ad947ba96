//! One optimiser step: the same in parts, with weights that decay, with another rule for the inner matrices.
//!
//! Mistakes caught: a part weighted by itself and not by its images, a decay that is on where nobody asked for it, a rule that
//! reaches weights it is not for, or none.

use crate::common::{config, model, random_images, trial};
use crate::training::{IMAGES, run_with, trainer};
use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::model::{ModelConfig, Network};
use pixelrnn::train::{TrainConfig, Trainer};
use serde_json::Value;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("training::a_batch_in_parts_takes_the_same_steps", parts_take_the_same_steps),
        trial("training::weights_that_decay_are_smaller", weights_decay),
        trial("training::muon_is_for_inner_matrices", muon_is_for_inner_matrices),
    ]
}

/// Batches of five images as a whole, and as three and two.
fn parts_take_the_same_steps() {
    for network in Network::ALL {
        let whole = TrainConfig { batch: 5, ..run_with("adam", 0.0, &ModelConfig { network, ..config(1, 2, [6, 5]) }) };
        let images = random_images(&whole.model, IMAGES, 1);
        let weights_after = |accumulate| {
            let mut trainer = trainer(&TrainConfig { accumulate, ..whole.clone() });
            (0..2).for_each(|_| trainer.step(&images));
            let nats = trainer.train_nats().expect("finite");
            (nats, trainer.kept().tensors().into_iter().flat_map(|(.., values)| values).collect::<Vec<f32>>())
        };
        let ((nats, weights), (nats_of_parts, weights_of_parts)) = (weights_after(1), weights_after(2));
        // Sums of thirty 24-bit values, added in another order.
        assert!((nats - nats_of_parts).abs() < 1e-4, "{network:?}: {nats_of_parts} nats in parts, {nats} as a whole");
        for (k, (whole, parts)) in weights.iter().zip(&weights_of_parts).enumerate() {
            // A hundredth of a step of Adam, which has the size of the learning rate, 0.01.
            assert!((whole - parts).abs() < 1e-4, "{network:?}: weight {k} is {parts} in parts, {whole} as a whole");
        }
    }
}

/// AdamW takes off its share of the weight before the step, beside what Adam does.
fn weights_decay() {
    let plain = run_with("adam", 0.0, &config(1, 2, [6, 5]));
    let plain = TrainConfig { learning_rate: 0.01, final_learning_rate: 0.01, warmup_steps: 0, ..plain };
    let images = random_images(&plain.model, IMAGES, 1);
    let weights_after = |weight_decay| {
        let mut trainer = trainer(&TrainConfig { weight_decay, ..plain.clone() });
        trainer.step(&images);
        trainer.kept().tensors().into_iter().flat_map(|(.., values)| values).collect::<Vec<f32>>()
    };
    let before = trainer(&plain).kept().tensors().into_iter().flat_map(|(.., values)| values).collect::<Vec<f32>>();
    for ((before, plain), decayed) in before.iter().zip(weights_after(0.0)).zip(weights_after(0.5)) {
        // A rate of 0.01 and a decay of 0.5 take off five thousandths; a few roundings of numbers below one.
        assert!((decayed - (plain - 0.005 * before)).abs() < 1e-6, "{before} becomes {plain}, with decay {decayed}");
    }
}

/// A first step of Muon moves a matrix `[m, n]` by an orthogonal one, 0.2 √max(m, n) long: by 0.2 √(m·n) in all, less where the
/// gradient has not full rank. All other weights move as with Adam, whose first step is the rate of each weight.
fn muon_is_for_inner_matrices() {
    for network in Network::ALL {
        let adam = run_with("adam", 0.0, &ModelConfig { network, ..config(1, 2, [6, 5]) });
        let adam = TrainConfig { learning_rate: 0.01, final_learning_rate: 0.01, warmup_steps: 0, ..adam };
        let images = random_images(&adam.model, IMAGES, 1);
        let tensors_after = |optimizer: &str| {
            let config =
                TrainConfig { optimizer: serde_json::from_value(optimizer.into()).expect("a rule"), ..adam.clone() };
            let first = model(&config.model, 5);
            let mut trainer = Trainer::from_weights(config, first, Value::Null, IMAGES, &Device::flex()).expect("fits");
            trainer.step(&images);
            trainer.kept().tensors()
        };
        let (before, adam) = (model(&adam.model, 5).tensors(), tensors_after("adam"));
        for (((name, shape, found), (.., adam)), (.., before)) in
            tensors_after("muon").into_iter().zip(adam).zip(before)
        {
            let inner = name.starts_with("blocks.") || name.starts_with("head.hidden.");
            if !inner || shape.len() == 1 {
                assert_eq!(found, adam, "{network:?}: {name} moves otherwise than with Adam");
                continue;
            }
            let moved = found.iter().zip(&before).map(|(found, before)| (found - before).powi(2)).sum::<f32>().sqrt();
            let length = moved / (0.01 * 0.2 * (found.len() as f32).sqrt());
            // The iteration leaves singular values between 0.7 and 1.2; one of five of them may be all there is.
            assert!(
                (0.3..1.25).contains(&length),
                "{network:?}: {name} {shape:?} moves {length} of an orthogonal step"
            );
        }
    }
}
