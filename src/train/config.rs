//! What a training run is made of: one JSON file.

use super::{Augment, OptimizerKind};
use crate::data::dataset::{Binarize, DatasetConfig, OwnConfig, Part};
use crate::data::{DatasetKind, Validation};
use crate::model::ModelConfig;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// A training run, complete: the same file gives the same weights on the same kind of device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Name of the weights, as on the page: data, network, variant.
    pub name: String,
    /// The pictures: a set by its name on the command line, or one's own.
    pub dataset: DatasetConfig,
    /// Which images of a set known by name validate: `own` or `last-N`; left out, those of [`DatasetKind::validation`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<String>,
    /// How the training images are varied from pass to pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment: Option<Augment>,
    /// The network.
    pub model: ModelConfig,
    /// Images a step.
    pub batch: usize,
    /// Parts that the images of a step are computed in, one after another, so that a large batch fits into memory: the step is the
    /// same to rounding.
    #[serde(default = "one")]
    pub accumulate: usize,
    /// Passes over the training split.
    pub epochs: usize,
    /// Update rule.
    pub optimizer: OptimizerKind,
    /// Highest learning rate, reached after the warm-up.
    pub learning_rate: f64,
    /// Learning rate of the last step; between them it falls along half a cosine.
    pub final_learning_rate: f64,
    /// Steps over which the learning rate rises from zero.
    #[serde(default)]
    pub warmup_steps: usize,
    /// Largest norm of one tensor's gradient (of the mean −ln p a value); longer ones are scaled down.
    #[serde(default)]
    pub gradient_clip: Option<f32>,
    /// Share of each weight that a step takes off, times the learning rate: AdamW's, and of Muon alike; 0 takes nothing off.
    #[serde(default)]
    pub weight_decay: f32,
    /// Decay a step of the running average of the weights that is validated and kept; 0 keeps the weights themselves.
    #[serde(default)]
    pub average: f64,
    /// Seed of the first weights and of the order of the images.
    pub seed: u64,
}

fn one() -> usize {
    1
}

/// A training configuration that cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum TrainConfigError {
    /// Not the JSON of a training configuration.
    #[error("not a training configuration: {0}")]
    Json(#[from] serde_json::Error),
    /// A field of the network.
    #[error("model: {0}")]
    Model(#[from] crate::model::ConfigError),
    /// A field of the run.
    #[error("field `{field}`: found {found}, expected {expected}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        found: String,
        /// What would have been accepted.
        expected: &'static str,
    },
}

/// What [`is_name`] takes.
pub const NAME_RULE: &str = "letters, digits, '-', '_' and '.', the first one no '.', at most 64 of them";

/// Whether weights may have this name, which becomes that of files and folders.
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=64).contains(&name.len()) && name.chars().all(plain) && !name.starts_with('.')
}

/// What is said of one's own pictures, against one another and against the network.
fn check_own(own: &OwnConfig, model: &ModelConfig) -> Result<(), TrainConfigError> {
    let check = |field, found: String, good: bool, expected| {
        if good { Ok(()) } else { Err(TrainConfigError::Field { field, found, expected }) }
    };
    let name = own.name.as_deref();
    check("dataset.name", format!("{name:?}"), name.is_none_or(is_name), NAME_RULE)?;
    check("dataset.train", "no path".to_owned(), !own.train.all().is_empty(), "at least one")?;
    let shares = [("dataset.valid", Some(&own.valid)), ("dataset.test", own.test.as_ref())];
    let mut held_out = 0.0;
    for (field, part) in shares {
        if let Some(Part::Share(share)) = part {
            check(field, share.to_string(), *share > 0.0 && *share < 1.0, "a share above 0 and below 1, or a path")?;
            held_out += share;
        }
    }
    check("dataset.valid", held_out.to_string(), held_out < 1.0, "shares that leave something to train on")?;
    let size = own.size.map(|size| size.sides());
    let fits = size.is_none_or(|size| size == [model.height, model.width]);
    check("dataset.size", format!("{size:?}"), fits, "the network's height and width")?;
    let channels = own.colors.map(|colors| colors.channels());
    let fits = channels.is_none_or(|channels| channels == model.channels);
    check("dataset.colors", format!("{:?}", own.colors), fits, "grey for one channel of the network, rgb for three")?;
    let fits = own.levels.is_none_or(|levels| levels == model.levels);
    check("dataset.levels", format!("{:?}", own.levels), fits, "the network's number of levels")?;
    if let Some(binarize) = own.binarize {
        check("dataset.binarize", model.levels.to_string(), model.levels == 2, "a network of two levels")?;
        let good = !matches!(binarize, Binarize::Threshold(t) if !(0.0..1.0).contains(&t));
        check("dataset.binarize", format!("{binarize:?}"), good, "a threshold from 0 to below 1")?;
    }
    Ok(())
}

impl TrainConfig {
    /// Parses and checks a configuration.
    ///
    /// # Errors
    /// Names the field, what was found and what was expected.
    pub fn from_json(json: &str) -> Result<Self, TrainConfigError> {
        let config: Self = serde_json::from_str(json)?;
        config.model.validate()?;
        let check = |field, found: String, good: bool, expected| {
            if good { Ok(()) } else { Err(TrainConfigError::Field { field, found, expected }) }
        };
        let Self { batch, accumulate, epochs, learning_rate, final_learning_rate, average, .. } = &config;
        let Self { gradient_clip, weight_decay, optimizer, .. } = &config;
        check("name", format!("{:?}", config.name), is_name(&config.name), NAME_RULE)?;
        let validation = config.validation.as_ref().map(|name| name.parse::<Validation>());
        let fits = match (config.dataset.kind(), validation) {
            (_, None) => true,
            (Some(kind), Some(Ok(validation))) => kind.allows(validation),
            _ => false,
        };
        let expected = "own for binarized-mnist, last-N with fewer than all training images for the other known sets, \
                        nothing for pictures of one's own, whose `dataset` has a field `valid`";
        check("validation", config.validation.clone().unwrap_or_default(), fits, expected)?;
        match &config.dataset {
            DatasetConfig::Known(_) => {}
            DatasetConfig::Varied(varied) => {
                let right = varied.name == DatasetKind::BinarizedMnist && varied.binarize == Binarize::Bernoulli;
                let expected = "{\"name\": \"binarized-mnist\", \"binarize\": \"bernoulli\"}";
                check("dataset", serde_json::to_string(varied)?, right, expected)?;
            }
            DatasetConfig::Own(own) => check_own(own, &config.model)?,
        }
        let shift = config.augment.unwrap_or_default().shift;
        let smallest = config.model.height.min(config.model.width);
        check("augment.shift", shift.to_string(), shift < smallest, "less than the sides of an image")?;
        check("batch", batch.to_string(), (1..=4096).contains(batch), "1 to 4096")?;
        check("accumulate", accumulate.to_string(), (1..=*batch).contains(accumulate), "1 to batch")?;
        check("epochs", epochs.to_string(), *epochs >= 1, "at least 1")?;
        let positive = |rate: f64| rate > 0.0 && rate <= 1.0;
        check("learning_rate", learning_rate.to_string(), positive(*learning_rate), "above 0, at most 1")?;
        let falls = (0.0..=*learning_rate).contains(final_learning_rate);
        check("final_learning_rate", final_learning_rate.to_string(), falls, "0 to learning_rate")?;
        check("average", average.to_string(), (0.0..1.0).contains(average), "0 to below 1")?;
        let clips = gradient_clip.is_none_or(|norm| norm > 0.0);
        check("gradient_clip", format!("{gradient_clip:?}"), clips, "above 0, or left out")?;
        let most = if *optimizer == OptimizerKind::RmsProp { 0.0 } else { 1.0 };
        let decays = (0.0..=most).contains(weight_decay);
        check("weight_decay", weight_decay.to_string(), decays, "0 to 1, with rms_prop 0 or left out")?;
        Ok(config)
    }

    /// A run that was never made: what there is to say where only the data and the network are known.
    pub fn of_dataset(dataset: DatasetConfig, model: ModelConfig) -> Self {
        Self {
            name: dataset.name(),
            dataset,
            validation: None,
            augment: None,
            model,
            batch: 16,
            accumulate: 1,
            epochs: 1,
            optimizer: OptimizerKind::Adam,
            learning_rate: 3e-3,
            final_learning_rate: 3e-5,
            warmup_steps: 0,
            gradient_clip: Some(1.0),
            weight_decay: 0.0,
            average: 0.999,
            seed: 1,
        }
    }

    /// The validation split of a set known by name.
    pub fn validation(&self) -> Option<Validation> {
        let named = self.validation.as_ref().map(|name| name.parse().expect("the name was checked"));
        named.or(self.dataset.kind().map(DatasetKind::validation))
    }

    /// The learning rate of step `step` (from 0) of `steps`.
    pub fn learning_rate_at(&self, step: usize, steps: usize) -> f64 {
        if step < self.warmup_steps {
            return self.learning_rate * (step + 1) as f64 / self.warmup_steps as f64;
        }
        let progress = (step - self.warmup_steps) as f64 / (steps - self.warmup_steps).max(1) as f64;
        let cosine = 0.5 * (1.0 + (PI * progress.min(1.0)).cos());
        self.final_learning_rate + (self.learning_rate - self.final_learning_rate) * cosine
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn tiny() -> TrainConfig {
        let json = r#"{"name": "tiny", "dataset": "binarized-mnist", "batch": 4, "epochs": 3, "optimizer": "adam",
            "learning_rate": 0.01, "final_learning_rate": 0.001, "warmup_steps": 2, "average": 0.9, "seed": 3,
            "model": {"network": "pixelcnn", "channels": 1, "levels": 2, "height": 6, "width": 5, "layers": 2,
                      "h": 4, "head": 6, "skip": true}}"#;
        TrainConfig::from_json(json).expect("a good configuration")
    }

    #[test]
    fn learning_rate_rises_then_falls_along_a_cosine() {
        let config = tiny();
        for (step, expected) in [(0, 0.005), (1, 0.01), (2, 0.01), (7, 0.0055), (12, 0.001)] {
            let rate = config.learning_rate_at(step, 12);
            // A few roundings of numbers near 0.01.
            assert!((rate - expected).abs() < 1e-15, "step {step}: {rate}");
        }
    }

    #[test]
    fn bad_fields_are_named() {
        let good = serde_json::to_value(tiny()).expect("plain numbers");
        for (field, value) in [
            ("batch", 0.into()),
            ("accumulate", 0.into()),
            ("accumulate", 5.into()),
            ("weight_decay", 1.5.into()),
            ("weight_decay", (-0.1).into()),
            ("epochs", 0.into()),
            ("learning_rate", (-1.0).into()),
            ("final_learning_rate", 0.5.into()),
            ("average", 1.0.into()),
            ("gradient_clip", 0.0.into()),
            ("dataset", "imagenet".into()),
            ("validation", "last-5000".into()),
            ("name", "../outside".into()),
            ("name", "exp/lr3".into()),
            ("name", "".into()),
            ("augment", serde_json::json!({"shift": 5})),
            ("dataset", serde_json::json!({"name": "cifar10", "binarize": "bernoulli"})),
            ("surprise", 1.into()),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            let error = TrainConfig::from_json(&bad.to_string()).expect_err(field).to_string();
            assert!(error.contains(field), "{field}: {error}");
        }
    }

    #[test]
    fn weights_decay_with_adam_and_muon_only() {
        let shipped =
            TrainConfig::from_json(include_str!("../../configs/mnist-row.json")).expect("a good configuration");
        assert_eq!((shipped.weight_decay, shipped.accumulate), (0.0, 1), "both are left out");
        let mut config = serde_json::to_value(tiny()).expect("plain numbers");
        config["weight_decay"] = 0.1.into();
        for optimizer in ["adam", "muon"] {
            config["optimizer"] = optimizer.into();
            TrainConfig::from_json(&config.to_string()).expect("a good configuration");
        }
        config["optimizer"] = "rms_prop".into();
        let error = TrainConfig::from_json(&config.to_string()).expect_err("a decay that nothing applies").to_string();
        assert!(error.contains("`weight_decay`: found 0.1, expected"), "{error}");
    }

    #[test]
    fn own_pictures_are_held_against_the_network() {
        let mut config = serde_json::to_value(tiny()).expect("plain numbers");
        let mut with = |dataset: serde_json::Value| {
            config["dataset"] = dataset;
            TrainConfig::from_json(&config.to_string()).map_err(|error| error.to_string())
        };
        let good = serde_json::json!({"train": "cats", "size": [6, 5], "colors": "grey", "levels": 2,
            "binarize": {"threshold": 0.43}, "test": 0.1});
        with(good.clone()).expect("a good configuration");
        for (field, value) in [
            ("size", 6.into()),
            ("colors", "rgb".into()),
            ("levels", 256.into()),
            ("valid", 0.into()),
            ("valid", 0.95.into()),
            ("test", 1.5.into()),
            ("train", serde_json::json!([])),
            ("name", "a/b".into()),
            ("binarize", serde_json::json!({"threshold": 1.0})),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            let error = with(bad).expect_err(field);
            assert!(error.contains(&format!("`dataset.{field}`")) || field == "valid", "{field}: {error}");
            assert!(error.contains("`dataset."), "{field}: {error}");
        }
    }
}
