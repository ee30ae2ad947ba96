//! Training: masks that hold, runs that continue as if nothing had happened, records that are true.
//!
//! Mistakes caught: a mask applied once at the start (11), a last batch of a pass dropped or weighted wrongly (12), an
//! optimiser, an average, an order of images or a learning rate that starts anew after an interruption.

use crate::common::{
    bits, config, draw_cached, logits, mask_of, model, model as model_of, random_images, random_levels, trial,
};
use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::image::Images;
use pixelrnn::likelihood::evaluate;
use pixelrnn::model::{Model, ModelConfig, Network};
use pixelrnn::sample::Request;
use pixelrnn::train::{Augment, Checkpoint, EpochRecord, TrainConfig, Trainer, TrainingImages, Varied};
use pixelrnn::weights;
use serde_json::{Value, json};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("training::a_beginning_depends_on_the_seed_alone", beginnings_depend_on_the_seed),
        trial("training::masked_weights_stay_zero", masked_weights_stay_zero),
        trial("training::garbage_in_masked_weights_changes_nothing", garbage_behind_the_mask_is_not_seen),
        trial("training::resume_is_uninterrupted_bit_for_bit", resume_is_uninterrupted),
        trial("training::a_file_of_a_checkpoint_is_the_checkpoint", checkpoints_are_read_back),
        trial("training::training_nats_count_every_image_once", training_nats_count_every_image_once),
        trial("training::the_loss_falls", loss_falls),
        trial("training::checkpoints_of_other_runs_are_refused", other_runs_are_refused),
        trial("training::broken_checkpoints_are_errors", broken_checkpoints_are_errors),
        trial("training::the_configurations_of_the_repository_are_good", configurations_are_good),
    ]
}

/// 10 images in batches of 4: a pass has a ragged last batch.
pub const IMAGES: usize = 10;

fn run_of(optimizer: &str, average: f64, channels: usize, levels: u16) -> TrainConfig {
    run_with(optimizer, average, &config(channels, levels, [6, 5]))
}

pub fn run_with(optimizer: &str, average: f64, model: &ModelConfig) -> TrainConfig {
    let json = json!({
        "name": "tiny", "dataset": "binarized-mnist", "batch": 4, "epochs": 3, "optimizer": optimizer,
        "learning_rate": 0.01, "final_learning_rate": 0.001, "warmup_steps": 2, "average": average,
        "gradient_clip": 1.0, "seed": 3, "model": model,
    });
    TrainConfig::from_json(&json.to_string()).expect("a good configuration")
}

pub fn trainer(config: &TrainConfig) -> Trainer {
    Trainer::new(config.clone(), IMAGES, &Device::flex()).expect("a good configuration")
}

pub fn load(bytes: &[u8]) -> Model {
    weights::load(bytes, &Device::flex()).expect("a good weights file").model
}

/// Grey and colour for every network.
fn grey_and_colour() -> impl Iterator<Item = ModelConfig> {
    let sizes = [(1, 2), (3, 256)].map(|(channels, levels)| config(channels, levels, [6, 5]));
    Network::ALL.into_iter().flat_map(move |network| sizes.clone().map(|config| ModelConfig { network, ..config }))
}

/// Runs that begin at the same time, with one seed and with others.
fn beginnings_depend_on_the_seed() {
    let beginning = |seed| {
        let config = TrainConfig { seed, ..run_of("adam", 0.0, 3, 256) };
        trainer(&config).kept().tensors()
    };
    let expected = [0, 1].map(beginning);
    assert_ne!(expected[0], expected[1]);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let expected = &expected;
            scope.spawn(move || {
                for run in 0..20 {
                    let seed = (thread + run) % 2;
                    assert!(
                        beginning(seed as u64) == expected[seed],
                        "seed {seed}: another beginning beside other threads"
                    );
                }
            });
        }
    });
}

fn masked_weights_stay_zero() {
    for optimizer in ["adam", "rms_prop", "muon"] {
        grey_and_colour().for_each(|model| masked_weights_stay_zero_in(optimizer, &model));
    }
}

/// After a pass over the data, in the weights and in their average; and every tensor has moved.
pub fn masked_weights_stay_zero_in(optimizer: &str, model: &ModelConfig) {
    let config = run_with(optimizer, 0.9, model);
    let images = random_images(&config.model, IMAGES, 1);
    // Weights of a seed's own: burn's first ones depend on what else draws random numbers meanwhile, and now and then a
    // small layer behind a ReLU has none that can move.
    let mut seeded = model_of(&config.model, 5).tensors().into_iter();
    let first = model_of(&config.model, 5).map_tensors(|name, shape| {
        let (_, _, values) = seeded.next().expect("as many weights");
        let mask = mask_of(&config.model, name, shape).unwrap_or_else(|| vec![1.0; values.len()]);
        values.iter().zip(mask).map(|(value, mask)| value * mask).collect()
    });
    let mut trainer = Trainer::from_weights(config.clone(), first, Value::Null, IMAGES, &Device::flex()).expect("fits");
    let before = load(&trainer.checkpoint().expect("finite").weights).tensors();
    for _ in 0..trainer.steps_per_epoch() {
        trainer.step(&images);
    }
    let checkpoint = trainer.checkpoint().expect("finite");
    for (what, bytes) in [("weights", &checkpoint.weights), ("average", &checkpoint.average)] {
        for ((name, shape, values), (.., before)) in load(bytes).tensors().into_iter().zip(&before) {
            assert_ne!(values, *before, "{optimizer}, {model:?}: {name} did not move in the {what}");
            let Some(mask) = mask_of(&config.model, &name, &shape) else { continue };
            let grown = values.iter().zip(mask).position(|(&value, mask)| mask == 0.0 && value != 0.0);
            assert_eq!(grown, None, "{optimizer}, {model:?}: masked entry of {name} in the {what}");
        }
    }
}

/// Two weights files that differ only where the masks are zero: the same logits, scores and pictures.
fn garbage_behind_the_mask_is_not_seen() {
    let cases = [(1, 2), (1, 256), (3, 2), (3, 256)];
    for (network, (channels, levels)) in Network::ALL.into_iter().flat_map(|network| cases.map(|case| (network, case)))
    {
        let config = ModelConfig { network, ..config(channels, levels, [6, 5]) };
        let file = |garbage: f32| {
            let tensors = model(&config, 5).tensors();
            let mut tensors = tensors.into_iter();
            let model = model(&config, 5).map_tensors(|name, shape| {
                let (_, _, mut values) = tensors.next().expect("as many tensors");
                if let Some(mask) = mask_of(&config, name, shape) {
                    values
                        .iter_mut()
                        .zip(mask)
                        .filter(|(_, mask)| *mask == 0.0)
                        .for_each(|(value, _)| *value = garbage);
                }
                values
            });
            weights::save(&model, None, None)
        };
        let (clean, dirty) = (file(0.0), file(1e3));
        assert_ne!(clean, dirty);
        let (clean, dirty) = (load(&clean), load(&dirty));
        let levels = random_levels(&config, 3, 4);
        assert_eq!(bits(&logits(&clean, &levels)), bits(&logits(&dirty, &levels)), "{config:?}: logits");
        let (scored, drawn) = (Request::scoring(levels, 3, &config), Request::samples(1, 3));
        for request in [scored, drawn] {
            assert_eq!(draw_cached(&clean, &request), draw_cached(&dirty, &request), "{config:?}: cached");
        }
    }
}

/// Steps to the end of the run, which a checkpoint or the beginning may lie behind.
pub fn finish(mut trainer: Trainer, train: &impl TrainingImages, valid: &Images) -> (Checkpoint, Vec<EpochRecord>) {
    let mut records = Vec::new();
    while !trainer.done() {
        while trainer.progress().step < trainer.steps_per_epoch() {
            trainer.step(train);
        }
        records.push(trainer.finish_epoch(valid, |_| ()).expect("finite"));
    }
    (trainer.checkpoint().expect("finite"), records)
}

fn resume_is_uninterrupted() {
    for (optimizer, average) in [("adam", 0.9), ("adam", 0.0), ("rms_prop", 0.9), ("muon", 0.9)] {
        grey_and_colour().for_each(|model| resume_is_uninterrupted_in(optimizer, average, &model));
    }
}

/// Stopped before the first step, in the middle of a pass, at its end, in the second pass.
pub fn resume_is_uninterrupted_in(optimizer: &str, average: f64, model: &ModelConfig) {
    let config = run_with(optimizer, average, model);
    let [images, valid] = [(IMAGES, 1), (7, 2)].map(|(count, seed)| random_images(&config.model, count, seed));
    let augment = Augment { flip: true, shift: 1 };
    let train = Varied { images, seed: 3, augment, background: vec![1; model.channels], bernoulli: false };
    let start = trainer(&config).checkpoint().expect("finite").to_bytes();
    let resume = |bytes: &[u8]| {
        let checkpoint = Checkpoint::from_bytes(bytes, &config).expect("a good checkpoint");
        Trainer::resume(checkpoint, IMAGES, &Device::flex()).expect("a good checkpoint")
    };
    let (expected, expected_records) = finish(resume(&start), &train, &valid);
    assert_eq!((expected.progress.epoch, expected_records.len()), (3, 3));
    for steps in [0, 1, 2, 3, 5] {
        let mut trainer = resume(&start);
        let mut records = Vec::new();
        for _ in 0..steps {
            trainer.step(&train);
            if trainer.progress().step == 3 && steps > 3 {
                records.push(trainer.finish_epoch(&valid, |_| ()).expect("finite"));
            }
        }
        let stopped = trainer.checkpoint().expect("finite").to_bytes();
        drop(trainer);
        let (found, more) = finish(resume(&stopped), &train, &valid);
        records.extend(more);
        let what = format!("{optimizer}, average {average}, {model:?}, stopped after {steps} steps");
        assert_eq!(found.weights, expected.weights, "{what}: weights");
        assert_eq!(found.average, expected.average, "{what}: average");
        let (found, expected) = (found.progress.best.expect("a best"), expected.progress.best.expect("a best"));
        assert_eq!(found.1, expected.1, "{what}: best epoch");
        assert_same_number(&what, found.0, expected.0);
        assert_eq!(records.len(), expected_records.len(), "{what}");
        for (found, expected) in records.iter().zip(&expected_records) {
            assert_eq!((found.epoch, found.best), (expected.epoch, expected.best), "{what}");
            assert_same_number(&what, found.train_nats, expected.train_nats);
            assert_same_number(&what, found.valid_nats, expected.valid_nats);
            assert_same_number(&what, found.valid_bits_per_dim, expected.valid_bits_per_dim);
        }
    }
}

/// The same number, but for the last place of its 64 bits: a checkpoint keeps it as JSON, and serde_json reads decimals
/// to one unit in the last place.
fn assert_same_number(what: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() <= 4.0 * f64::EPSILON * expected, "{what}: {found} found, {expected} expected");
}

fn checkpoints_are_read_back() {
    let config = run_of("adam", 0.9, 1, 2);
    let mut trainer = trainer(&config);
    trainer.step(&random_images(&config.model, IMAGES, 1));
    let checkpoint = trainer.checkpoint().expect("finite");
    let bytes = checkpoint.to_bytes();
    let read = Checkpoint::from_bytes(&bytes, &config).expect("a good checkpoint");
    assert_eq!(read.to_bytes(), bytes);
    assert_eq!(read.progress, checkpoint.progress);
    assert_eq!((read.progress.epoch, read.progress.step), (0, 1));
}

/// The mean over a pass whose rate is next to nothing is the likelihood of its ten images, in batches of 4, 4 and 2.
fn training_nats_count_every_image_once() {
    training_nats_count_every_image_of(&config(1, 2, [6, 5]));
}

pub fn training_nats_count_every_image_of(model: &ModelConfig) {
    let still = run_with("rms_prop", 0.0, model);
    let config = TrainConfig { learning_rate: 1e-30, final_learning_rate: 0.0, ..still };
    let images = random_images(&config.model, IMAGES, 1);
    let mut trainer = trainer(&config);
    let expected = evaluate(&trainer.kept(), &images, 3, &Device::flex(), |_| ()).nats_per_image;
    for _ in 0..trainer.steps_per_epoch() {
        trainer.step(&images);
    }
    let found = trainer.finish_epoch(&images, |_| ()).expect("finite");
    // Sums over up to four images of thirty 24-bit values.
    assert!((found.train_nats - expected).abs() < 1e-4, "{} found, {expected} expected", found.train_nats);
    assert!((found.valid_nats - expected).abs() < 1e-9, "{found:?}");
}

fn loss_falls() {
    let ways = [("adam", 0.5), ("rms_prop", 0.0), ("muon", 0.0)];
    for (network, (optimizer, average)) in Network::ALL.into_iter().flat_map(|network| ways.map(|way| (network, way))) {
        let model = ModelConfig { network, ..config(1, 2, [6, 5]) };
        let config = TrainConfig { epochs: 40, ..run_with(optimizer, average, &model) };
        // Stripes: whatever is learnt, each pixel follows from the one above.
        let stripes = |k: usize| u8::from((k % 5 + k / 30).is_multiple_of(2));
        let images = crate::common::images(&config.model, (0..IMAGES * 30).map(stripes).collect());
        let (_, records) = finish(trainer(&config), &images, &images);
        let [first, last] = [&records[0], &records[39]].map(|record| record.valid_nats);
        assert!(last < 0.5 * first, "{network:?}, {optimizer}: {first:.2} nats after one pass, {last:.2} after forty");
        let best = records.iter().rfind(|record| record.best).expect("a best epoch");
        assert!(
            records.iter().all(|record| record.valid_nats >= best.valid_nats),
            "{network:?}, {optimizer}: {best:?} is not best"
        );
    }
}

fn other_runs_are_refused() {
    let config = run_of("adam", 0.9, 1, 2);
    let bytes = trainer(&config).checkpoint().expect("finite").to_bytes();
    let plain = serde_json::to_value(&config).expect("plain numbers");
    let mut model = plain["model"].clone();
    model["h"] = 6.into();
    for (field, value) in [
        ("seed", Value::from(4)),
        ("batch", 5.into()),
        ("accumulate", 2.into()),
        ("weight_decay", 0.5.into()),
        ("learning_rate", 0.02.into()),
        ("optimizer", "rms_prop".into()),
        ("optimizer", "muon".into()),
        ("average", 0.5.into()),
        ("gradient_clip", Value::Null),
        ("name", "other".into()),
        ("model", model),
    ] {
        let mut other = plain.clone();
        other[field] = value.clone();
        let other: TrainConfig = serde_json::from_value(other).expect("a good configuration");
        let error = Checkpoint::from_bytes(&bytes, &other).err().expect("another run").to_string();
        assert!(error.contains(&format!("`{field}`")) && error.contains("another configuration"), "{field}: {error}");
    }
    // A run may be made longer.
    assert!(Checkpoint::from_bytes(&bytes, &TrainConfig { epochs: 4, ..config }).is_ok());
}

fn broken_checkpoints_are_errors() {
    let config = run_of("adam", 0.9, 1, 2);
    let mut trainer = trainer(&config);
    trainer.step(&random_images(&config.model, IMAGES, 1));
    let whole = trainer.checkpoint().expect("finite").to_bytes();
    for cut in [0, 1, 7, 8, 9, 500, whole.len() / 2, whole.len() - 1] {
        assert!(Checkpoint::from_bytes(&whole[..cut], &config).is_err(), "cut to {cut} bytes");
    }
    let weights_file = trainer.checkpoint().expect("finite").weights;
    let error = Checkpoint::from_bytes(&weights_file, &config).err().expect("no checkpoint").to_string();
    assert!(error.contains("train_config"), "{error}");

    // Each part cut, emptied, or something else altogether.
    type Break = fn(&mut Checkpoint, Vec<u8>);
    let parts: [(&str, Break); 3] = [
        ("weights", |checkpoint, bytes| checkpoint.weights = bytes),
        ("average", |checkpoint, bytes| checkpoint.average = bytes),
        ("optimizer", |checkpoint, bytes| checkpoint.optimizer = bytes),
    ];
    for (part, replace) in parts {
        let fresh = || Checkpoint::from_bytes(&whole, &config).expect("a good checkpoint");
        let intact = match part {
            "weights" => fresh().weights,
            "average" => fresh().average,
            _ => fresh().optimizer,
        };
        let cut = intact[..intact.len() / 2].to_vec();
        for (how, bytes) in [("cut", cut), ("empty", Vec::new()), ("noise", vec![7; 999])] {
            let mut broken = fresh();
            replace(&mut broken, bytes);
            assert!(Trainer::resume(broken, IMAGES, &Device::flex()).is_err(), "{part} {how}");
        }
    }
}

fn configurations_are_good() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let config = TrainConfig::from_json(&std::fs::read_to_string(&path).expect("text"));
        let config = config.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(path.file_stem().and_then(|stem| stem.to_str()), Some(config.name.as_str()));
        names.push(config.name);
    }
    assert!(names.len() > 5, "{names:?}");
}
