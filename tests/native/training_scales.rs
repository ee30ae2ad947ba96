//! Training of several scales (§3.6) at once, and which images of a set are kept back for validation.
//!
//! Mistakes caught: a scale that is not trained, not averaged or not in the checkpoint, an optimiser that takes one scale's memory
//! for another's, a loss that leaves a scale out, a run that goes on with images it was validated on.

use crate::common::{config, enlarging, enlarging_from, trial};
use crate::training::{
    IMAGES, finish, masked_weights_stay_zero_in, resume_is_uninterrupted_in, run_with, trainer,
    training_nats_count_every_image_of,
};
use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::likelihood::evaluate;
use pixelrnn::model::{ModelConfig, Network};
use pixelrnn::train::{Checkpoint, TrainConfig};
use serde_json::{Value, json};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("training::of_several_scales_every_weight_moves_and_masked_ones_stay_zero", every_weight_moves),
        trial("training::of_several_scales_resume_is_uninterrupted_bit_for_bit", resume_is_uninterrupted),
        trial("training::of_several_scales_nats_count_every_image_and_scale_once", nats_count_every_scale),
        trial("training::of_two_scales_the_loss_of_both_falls", loss_of_both_falls),
        trial("training::the_validation_split_belongs_to_the_run", validation_belongs_to_the_run),
        trial("training::validation_splits_a_set_does_not_have_are_named", bad_splits_are_named),
    ]
}

/// Two scales in colour and three in grey for every network.
fn cases() -> impl Iterator<Item = ModelConfig> {
    Network::ALL.into_iter().flat_map(|network| {
        let of = |channels, levels, size| ModelConfig { network, ..config(channels, levels, size) };
        let three = enlarging_from(&of(1, 2, [8, 4]), enlarging(&of(1, 2, [4, 2]), 2));
        [enlarging(&of(3, 256, [4, 6]), 2), three]
    })
}

fn every_weight_moves() {
    for optimizer in ["adam", "rms_prop", "muon"] {
        cases().for_each(|model| masked_weights_stay_zero_in(optimizer, &model));
    }
}

fn resume_is_uninterrupted() {
    for model in cases() {
        resume_is_uninterrupted_in("adam", 0.9, &model);
        resume_is_uninterrupted_in("rms_prop", 0.0, &model);
        resume_is_uninterrupted_in("muon", 0.0, &model);
    }
}

fn nats_count_every_scale() {
    cases().for_each(|model| training_nats_count_every_image_of(&model));
}

fn loss_of_both_falls() {
    for network in Network::ALL {
        let model = enlarging(&ModelConfig { network, ..config(1, 2, [6, 4]) }, 2);
        let config = TrainConfig { epochs: 40, ..run_with("adam", 0.5, &model) };
        // The left half of every other image is ink, the right half of the others: one pixel tells all the rest.
        let halves = |k: usize| u8::from((k % 4 < 2) == (k / 24).is_multiple_of(2));
        let images = crate::common::images(&config.model, (0..IMAGES * 24).map(halves).collect());
        let before = evaluate(&trainer(&config).kept(), &images, 5, &Device::flex(), |_| ());
        let (checkpoint, records) = finish(trainer(&config), &images, &images);
        let kept = crate::training::load(&checkpoint.average);
        let after = evaluate(&kept, &images, 5, &Device::flex(), |_| ());
        for (scale, (before, after)) in before.nats_of_scales.iter().zip(&after.nats_of_scales).enumerate() {
            assert!(*after < 0.7 * before, "{network:?}, scale {scale}: {before:.2} nats before, {after:.2} after");
        }
        let last = records.last().expect("forty records").valid_nats;
        assert!((last - after.nats_per_image).abs() < 1e-9, "{network:?}: {last} validated, {after:?}");
    }
}

fn run(dataset: &str, validation: Option<&str>) -> Value {
    let mut run = json!({
        "name": "tiny", "dataset": dataset, "batch": 4, "epochs": 3, "optimizer": "adam",
        "learning_rate": 0.01, "final_learning_rate": 0.001, "seed": 3, "model": config(1, 2, [4, 4]),
    });
    if let Some(name) = validation {
        run["validation"] = name.into();
    }
    run
}

/// A checkpoint from before the split had a name goes on under the name of the usual one, and the other way round; under any
/// other it does not.
fn validation_belongs_to_the_run() {
    let parse = |run: Value| TrainConfig::from_json(&run.to_string()).expect("a good configuration");
    for (dataset, usual, other) in [
        ("mnist", "last-10000", Some("last-5000")),
        ("cifar10", "last-5000", Some("last-10000")),
        ("binarized-mnist", "own", None),
    ] {
        let [unnamed, named] = [None, Some(usual)].map(|name| parse(run(dataset, name)));
        assert_eq!(unnamed.validation().map(|validation| validation.to_string()).as_deref(), Some(usual), "{dataset}");
        assert_eq!(unnamed.validation(), named.validation(), "{dataset}");
        let of = |config: &TrainConfig| trainer(config).checkpoint().expect("finite").to_bytes();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("validation");
        assert!(!text(&of(&unnamed)) && text(&of(&named)), "{dataset}: the name is kept where it was given");
        for (bytes, config) in [(of(&unnamed), &named), (of(&named), &unnamed), (of(&unnamed), &unnamed)] {
            let read = Checkpoint::from_bytes(&bytes, config);
            assert!(read.is_ok(), "{dataset}: {:?}", read.err().map(|error| error.to_string()));
        }
        let Some(other) = other else { continue };
        let other_run = parse(run(dataset, Some(other)));
        for (bytes, config, found, expected) in [
            (of(&unnamed), &other_run, usual, other),
            (of(&named), &other_run, usual, other),
            (of(&other_run), &unnamed, other, usual),
        ] {
            let error = Checkpoint::from_bytes(&bytes, config).err().expect("another run").to_string();
            assert!(["`validation`", found, expected].iter().all(|part| error.contains(part)), "{dataset}: {error}");
        }
    }
}

fn bad_splits_are_named() {
    for (dataset, name) in [
        ("mnist", "own"),
        ("mnist", "last-0"),
        ("mnist", "last-60000"),
        ("cifar10", "own"),
        ("cifar10", "last-50000"),
        ("cifar10", "first-5000"),
        ("cifar10", ""),
        ("binarized-mnist", "last-10000"),
        ("binarized-mnist", "valid"),
    ] {
        let error = TrainConfig::from_json(&run(dataset, Some(name)).to_string()).err();
        let error = error.unwrap_or_else(|| panic!("{dataset} with {name:?} was accepted")).to_string();
        let found = format!("found {name},");
        assert!(error.contains("`validation`") && error.contains(&found), "{dataset}: {error:?} lacks {found:?}");
    }
    for (dataset, name) in [("mnist", "last-59999"), ("cifar10", "last-1"), ("binarized-mnist", "own")] {
        assert!(TrainConfig::from_json(&run(dataset, Some(name)).to_string()).is_ok(), "{dataset} with {name}");
    }
}
