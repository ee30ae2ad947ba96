//! Numbers from `tests/fixtures/reference.py`, an independent float64 implementation with plain loops.
//!
//! Mistakes caught: a residual or a skip added twice or not at all (14), a forgotten ReLU or bias, channels and logits
//! interleaved the wrong way, a mask that is not applied to loaded weights (11), inputs or targets scaled wrongly (6); of
//! several scales, a small image that is another part of the large one, a deconvolution that spreads the other way or is
//! shifted, a condition that is added in another place or to one direction only.

use crate::common::{assert_close, draw_cached_scales, images, logits, scales, trial};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use libtest_mimic::Trial;
use pixelrnn::likelihood::{nll_nats, score, targets};
use pixelrnn::model::{Model, ModelConfig};
use pixelrnn::sample::{Request, threefry2x32};
use serde_json::Value;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("reference::logits_are_those_of_the_script", logits_match),
        trial("reference::nll_is_that_of_the_script", nll_matches),
        trial("reference::cached_scores_are_those_of_the_script", cached_nll_matches),
        trial("reference::gradients_are_those_of_the_script", gradients_match),
        trial("reference::threefry_is_that_of_the_script", threefry_matches),
    ]
}

const FIXTURES: [(&str, &str); 13] = [
    ("pixelcnn-1x2", include_str!("../fixtures/pixelcnn-1x2.json")),
    ("pixelcnn-1x256", include_str!("../fixtures/pixelcnn-1x256.json")),
    ("pixelcnn-3x2", include_str!("../fixtures/pixelcnn-3x2.json")),
    ("pixelcnn-3x256", include_str!("../fixtures/pixelcnn-3x256.json")),
    ("row-1x2", include_str!("../fixtures/row-1x2.json")),
    ("row-3x256", include_str!("../fixtures/row-3x256.json")),
    ("diagonal-1x2", include_str!("../fixtures/diagonal-1x2.json")),
    ("diagonal-3x2", include_str!("../fixtures/diagonal-3x2.json")),
    ("diagonal-3x256", include_str!("../fixtures/diagonal-3x256.json")),
    ("pixelcnn-two-1x2", include_str!("../fixtures/pixelcnn-two-1x2.json")),
    ("pixelcnn-two-3x2", include_str!("../fixtures/pixelcnn-two-3x2.json")),
    ("row-two-1x2", include_str!("../fixtures/row-two-1x2.json")),
    ("diagonal-two-3x256", include_str!("../fixtures/diagonal-two-3x256.json")),
];

/// One file of the script.
struct Fixture {
    name: &'static str,
    json: Value,
    config: ModelConfig,
    levels: Vec<u8>,
}

impl Fixture {
    fn all() -> impl Iterator<Item = Self> {
        FIXTURES.into_iter().map(|(name, text)| {
            let json: Value = serde_json::from_str(text).expect("JSON");
            let config = serde_json::from_value(json["config"].clone()).expect("a configuration");
            let levels = floats(&json["levels"]["values"]).into_iter().map(|level| level as u8).collect();
            Self { name, json, config, levels }
        })
    }

    /// The script's weights, masked entries and all.
    fn model(&self, device: &Device) -> Model {
        let model = Model::init(&self.config, 0, device).expect("a good configuration");
        model.map_tensors(|name, shape| {
            let tensor = &self.json["weights"][name];
            assert_eq!(tensor["shape"], serde_json::json!(shape), "{}: shape of {name}", self.name);
            floats(&tensor["values"])
        })
    }

    /// The model of each scale with the levels of its images and what the script says of them, in the order they draw.
    fn scales(&self, model: &Model) -> Vec<(Model, Vec<u8>, &Value)> {
        let expected = [&self.json["small"], &self.json].into_iter().skip(2 - model.nets.len());
        let levels = self.config.levels_of_scales(&self.levels);
        scales(model).into_iter().zip(levels).zip(expected).map(|((model, levels), of)| (model, levels, of)).collect()
    }
}

fn floats(values: &Value) -> Vec<f32> {
    values.as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number") as f32).collect()
}

// Logits are up to 10, through up to eleven layers of sums of up to 147 products, in 24 bits.
const TOLERANCE: f32 = 1e-5;

fn logits_match() {
    for fixture in Fixture::all() {
        for (model, levels, expected) in fixture.scales(&fixture.model(&Device::flex())) {
            let every = expected["logits"]["every"].as_u64().expect("a number") as usize;
            let found: Vec<f32> = logits(&model, &levels).into_iter().step_by(every).collect();
            assert_close(fixture.name, &found, &floats(&expected["logits"]["values"]), TOLERANCE);
        }
    }
}

fn nll_matches() {
    for fixture in Fixture::all() {
        for (model, levels, expected) in fixture.scales(&fixture.model(&Device::flex())) {
            let found = score(&model, &images(&model.config, levels), 2, &Device::flex(), |_| ());
            assert_close(fixture.name, &found, &floats(&expected["nll_nats"]["values"]), TOLERANCE);
        }
    }
}

fn cached_nll_matches() {
    for fixture in Fixture::all() {
        let model = fixture.model(&Device::flex());
        let count = fixture.levels.len() / fixture.config.dimensions();
        let request = Request::scoring(fixture.levels.clone(), count, &fixture.config);
        let found = draw_cached_scales(&model, &request);
        for ((_, levels, expected), (found_levels, found)) in fixture.scales(&model).into_iter().zip(found) {
            assert_eq!(found_levels, levels, "{}", fixture.name);
            assert_close(fixture.name, &found, &floats(&expected["nll_nats"]["values"]), TOLERANCE);
        }
    }
}

/// Gradients of every weight, flat, in the order of [`Model::tensors`].
struct Collect<'a> {
    gradients: &'a Gradients,
    found: Vec<Vec<f32>>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients).expect("every weight has a gradient");
        self.found.push(gradient.into_data().try_into_vec().expect("32-bit floats"));
    }
}

fn gradients_match() {
    let device = Device::flex().autodiff();
    let mut compared = 0;
    for fixture in Fixture::all() {
        let Some(expected) = fixture.json["gradients"].as_object() else { continue };
        let model = fixture.model(&device);
        let nll = fixture.scales(&model).into_iter().map(|(model, levels, _)| {
            let config = &model.config;
            let logits = model.net().forward(config.input(&levels, &device), config.small_input(&levels, &device));
            nll_nats(logits, targets(config, &levels, &device)).sum()
        });
        let gradients = nll.reduce(|a, b| a + b).expect("at least one scale").backward();
        let mut collect = Collect { gradients: &gradients, found: Vec::new() };
        // In the order of the names: the image's own network first.
        model.nets.iter().rev().for_each(|net| net.visit(&mut collect));
        assert_eq!(collect.found.len(), expected.len(), "{}: tensors", fixture.name);
        for ((name, ..), found) in model.tensors().iter().zip(collect.found) {
            for pair in expected[name].as_array().expect("a list of pairs") {
                let (at, value) = (pair[0].as_u64().expect("an index") as usize, pair[1].as_f64().expect("a number"));
                if value == 0.0 {
                    assert_eq!(found[at], 0.0, "{} {name}[{at}]: masked", fixture.name);
                }
                let off = (f64::from(found[at]) - value).abs();
                // Sums over all pixels and images of terms of both signs: relative to the largest gradients, near 100.
                let tolerance = 2e-5 * value.abs() + 1e-4;
                assert!(off <= tolerance, "{} {name}[{at}]: {} found, {value} expected", fixture.name, found[at]);
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "only {compared} gradients in the fixtures");
}

fn threefry_matches() {
    let fixture: Value = serde_json::from_str(include_str!("../fixtures/threefry.json")).expect("JSON");
    let vectors = fixture["vectors"].as_array().expect("a list");
    assert!(vectors.len() >= 16);
    for vector in vectors {
        let words = |name: &str| -> [u32; 2] { serde_json::from_value(vector[name].clone()).expect("two words") };
        assert_eq!(threefry2x32(words("key"), words("counter")), words("output"), "{vector}");
    }
}
