//! Weights files of several scales (§3.6): read as they were written, every tensor of every scale checked, sizes that do not fit
//! one another and configurations nested without end refused.

use crate::common::{bits, config, draw_cached_scales, enlarging, enlarging_from, logits, model, scales, trial};
use crate::common::{model_on, random_levels};
use crate::weights::{Tensor, config_json, error, f32_tensors, file};
use burn::tensor::{Device, f16};
use libtest_mimic::Trial;
use pixelrnn::model::{ModelConfig, Network};
use pixelrnn::sample::Request;
use pixelrnn::weights::{Precision, load, save, save_as};
use safetensors::tensor::Dtype;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("weights::files_of_several_scales_are_read_back", files_are_read_back),
        trial("weights::every_tensor_of_both_scales_missing_turned_or_extra_is_named", every_tensor_is_checked),
        trial("weights::scales_that_do_not_fit_one_another_are_named", scales_that_do_not_fit_are_named),
        trial("weights::configurations_nested_deeply_are_errors", nested_configurations_are_errors),
    ]
}

/// One block a scale, 8×4 from 2×1.
fn two(network: Network) -> ModelConfig {
    enlarging(&ModelConfig { network, layers: 1, h: 4, head: 4, ..config(1, 2, [8, 4]) }, 4)
}

fn files_are_read_back() {
    let cases = Network::ALL.into_iter().flat_map(|network| {
        let of = |channels, levels, size| ModelConfig { network, ..config(channels, levels, size) };
        let three = enlarging_from(&of(1, 256, [8, 4]), enlarging(&of(1, 256, [4, 2]), 2));
        [two(network), enlarging(&of(3, 2, [4, 6]), 2), three]
    });
    for config in cases {
        let (model, training) = (model(&config, 2), json!({ "epochs": 3 }));
        let ours = save(&model, Some(&training), None);
        let theirs = file(&f32_tensors(&model), &[("config", &config_json(&config).to_string())]);
        let levels = random_levels(&config, 2, 1);
        for bytes in [&ours, &theirs] {
            let found = load(bytes, &Device::flex()).expect("a good file").model;
            assert_eq!(found.config, config);
            assert_eq!(found.tensors(), model.tensors());
            assert_eq!(bits(&logits(&found, &levels)), bits(&logits(&model, &levels)), "{config:?}");
            let request = Request::samples(4, 2);
            assert_eq!(draw_cached_scales(&found, &request), draw_cached_scales(&model, &request), "{config:?}");
            // Each scale by itself is the small model of the file.
            for (found, expected) in scales(&found).iter().zip(&scales(&model)) {
                assert_eq!((&found.config, found.tensors()), (&expected.config, expected.tensors()));
            }
        }
        assert_eq!(save(&load(&ours, &Device::flex()).expect("a good file").model, Some(&training), None), ours);
        let halves = load(&save_as(Precision::F16, &model, None, None), &Device::flex()).expect("a good file").model;
        for ((name, _, found), (_, _, exact)) in halves.tensors().into_iter().zip(model.tensors()) {
            let rounded: Vec<f32> = exact.into_iter().map(|value| f16::from_f32(value).to_f32()).collect();
            assert_eq!(found, rounded, "{config:?}: {name} in 16 bits");
        }
        let trained = model_on(&config, 2, &Device::flex().autodiff());
        assert_eq!(save(&trained, Some(&training), None), ours, "{config:?}: on a device with gradients");
    }
}

/// The names that other programs rely on: of one scale with one block and a skip connection, conditioned or not.
fn names_of(network: Network, conditioned: bool) -> Vec<String> {
    let conv = |name: &str| [format!("{name}.weight"), format!("{name}.bias")];
    let lstm = |name: &str| {
        let parts = ["input_to_state.weight", "input_to_state.bias", "state_to_state", "initial_h", "initial_c"];
        let condition = conditioned.then_some("condition");
        parts.into_iter().chain(condition).map(|part| format!("blocks.0.lstm.{name}{part}")).collect::<Vec<_>>()
    };
    let body = match network {
        Network::PixelCnn => {
            let condition = conditioned.then(|| "blocks.0.condition".to_owned());
            ["blocks.0.reduce", "blocks.0.conv"].map(conv).concat().into_iter().chain(condition).collect()
        }
        Network::RowLstm => lstm(""),
        Network::DiagonalBiLstm => [lstm("left."), lstm("right.")].concat(),
    };
    let rest = ["first", "blocks.0.expand", "blocks.0.skip", "head.hidden", "head.output"].map(conv).concat();
    [body, rest].concat()
}

fn every_tensor_is_checked() {
    for network in Network::ALL {
        let config = two(network);
        let (json, good) = (config_json(&config).to_string(), f32_tensors(&model(&config, 1)));
        let small = names_of(config.scales()[0].network, false).into_iter().map(|name| format!("small.{name}"));
        // Four times larger are two doublings.
        let upsampler = ["convs.0", "convs.1", "deconvs.0", "deconvs.1"];
        let upsampler = upsampler.map(|layer| ["weight", "bias"].map(|part| format!("upsampler.{layer}.{part}")));
        let expected: BTreeSet<String> =
            names_of(network, true).into_iter().chain(upsampler.concat()).chain(small).collect();
        assert_eq!(good.iter().map(|tensor| tensor.name.clone()).collect::<BTreeSet<_>>(), expected, "{network:?}");
        assert_eq!(good.len(), expected.len(), "{network:?}");
        let shape_of = |name: &str| good.iter().find(|tensor| tensor.name == name).map(|tensor| tensor.shape.clone());
        for (name, shape) in [
            ("upsampler.convs.0.weight", vec![3, 1, 3, 3]),
            ("upsampler.deconvs.1.weight", vec![3, 3, 4, 4]),
            ("blocks.0.condition", vec![4, 3, 1, 1]),
            ("blocks.0.lstm.condition", vec![16, 3, 1, 1]),
            ("blocks.0.lstm.right.condition", vec![16, 3, 1, 1]),
        ] {
            assert_eq!(shape_of(name), expected.contains(name).then_some(shape), "{network:?}: shape of {name}");
        }

        let found = |tensors: &[Tensor]| error(&file(tensors, &[("config", &json)])).to_string();
        for (at, Tensor { name, shape, .. }) in good.iter().enumerate() {
            let mut missing = good.clone();
            missing.remove(at);
            assert_eq!(found(&missing), format!("tensor `{name}` not found"), "{network:?}");
            let mut turned = good.clone();
            turned[at].shape.reverse();
            if turned[at].shape != *shape {
                let expected = format!("tensor `{name}`: shape {:?} found, {shape:?} expected", turned[at].shape);
                assert_eq!(found(&turned), expected, "{network:?}");
            }
            let mut other = good.clone();
            other[at].data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
            assert_eq!(found(&other), format!("tensor `{name}`: element 0 is NaN, a finite number expected"));
        }
        for name in
            ["small.small.first.bias", "small.condition", "upsampler.deconvs.2.weight", "small.upsampler.convs.0.bias"]
        {
            let extra = Tensor { name: name.into(), dtype: Dtype::F32, shape: vec![1], data: vec![0; 4] };
            let with = [good.clone(), vec![extra]].concat();
            assert_eq!(found(&with), format!("tensor `{name}` found, but the configuration has no such layer"));
        }
        // A file of two scales under the configuration of its large images alone.
        let one = ModelConfig { conditioning: None, ..config };
        let found = error(&file(&good, &[("config", &config_json(&one).to_string())])).to_string();
        assert!(found.contains("no such layer") && found.contains("condition"), "{network:?}: {found}");
    }
}

fn scales_that_do_not_fit_are_named() {
    let good = two(Network::PixelCnn);
    let tensors = f32_tensors(&model(&good, 1));
    let with = |path: &str, value: Value| {
        let mut json = config_json(&good);
        *json.pointer_mut(path).expect("a field") = value;
        error(&file(&tensors, &[("config", &json.to_string())])).to_string()
    };
    for (path, value, names) in [
        ("/conditioning/maps", json!(0), ["`conditioning.maps`", "found 0"]),
        ("/conditioning/maps", json!(1025), ["`conditioning.maps`", "found 1025"]),
        ("/conditioning/maps", json!(-1), ["`config`", "-1"]),
        ("/conditioning/small/height", json!(0), ["`height`", "found 0"]),
        ("/conditioning/small/height", json!(3), ["`conditioning.small.height`", "found 3"]),
        ("/conditioning/small/height", json!(8), ["`conditioning.small.height`", "found 8"]),
        ("/conditioning/small/height", json!(16), ["`conditioning.small.height`", "found 16"]),
        ("/conditioning/small/width", json!(2), ["`conditioning.small.width`", "found 2"]),
        ("/conditioning/small/channels", json!(3), ["`conditioning.small.channels`", "found 3"]),
        ("/conditioning/small/levels", json!(256), ["`conditioning.small.levels`", "found 256"]),
        ("/conditioning/small/levels", json!(4), ["`conditioning.small.levels`", "found 4"]),
        ("/conditioning/small/h", json!(0), ["`h`", "found 0"]),
        ("/conditioning/small/layers", json!(129), ["`layers`", "found 129"]),
        ("/conditioning/small/network", json!("gpt"), ["gpt", "pixelcnn"]),
        ("/height", json!(6), ["`conditioning.small.height`", "found 2"]),
        ("/height", json!(12), ["`conditioning.small.height`", "found 2"]),
        ("/width", json!(8), ["`conditioning.small.width`", "found 1"]),
        ("/conditioning", json!({}), ["`config`", "missing field"]),
        ("/conditioning", json!({ "maps": 3 }), ["`config`", "missing field `small`"]),
        ("/conditioning", json!([3]), ["`config`", "invalid length"]),
        ("/conditioning", json!(7), ["`config`", "invalid type"]),
    ] {
        let found = with(path, value.clone());
        assert!(names.iter().all(|name| found.contains(name)), "{path} {value}: {found:?} lacks one of {names:?}");
    }
    let mut json = config_json(&good);
    json["conditioning"]["surprise"] = 1.into();
    let found = error(&file(&tensors, &[("config", &json.to_string())])).to_string();
    assert!(found.contains("surprise") && found.contains("unknown field"), "{found}");
}

/// `scales` of them, each image half as large as the next or, where there are more than fit, of one pixel.
fn nested(scales: usize) -> String {
    let side = |scale: usize| 1usize << scale.min(9);
    let own = |scale: usize| {
        let side = side(scale);
        format!(
            r#""network":"pixelcnn","channels":1,"levels":2,"height":{side},"width":{side},"layers":1,"h":1,"head":1"#
        )
    };
    let before: String =
        (1..scales).rev().map(|scale| format!(r#"{{{},"conditioning":{{"maps":1,"small":"#, own(scale))).collect();
    format!("{before}{{{}}}{}", own(0), "}}".repeat(scales - 1))
}

fn nested_configurations_are_errors() {
    // On a stack as small as the browser's.
    let load = |text: String| {
        let body = move || {
            let room = Tensor { name: "room".into(), dtype: Dtype::F32, shape: vec![1 << 14], data: vec![0; 1 << 16] };
            error(&file(&[room], &[("config", &text)])).to_string()
        };
        std::thread::Builder::new().stack_size(1 << 20).spawn(body).expect("a thread").join().expect("no panic")
    };
    let eight: ModelConfig = serde_json::from_str(&nested(8)).expect("a configuration");
    assert_eq!((eight.validate(), eight.scales().len()), (Ok(()), 8));
    assert!(load(nested(8)).contains("not found"), "eight scales are read, and have no tensors");
    for (scales, names) in [
        (9, ["`conditioning.small`", "found 9"]),
        (50, ["`conditioning.small`", "found 50"]),
        (100, ["`config`", "recursion limit"]),
        (1_000, ["`config`", "recursion limit"]),
        (100_000, ["`config`", "recursion limit"]),
    ] {
        let found = load(nested(scales));
        assert!(names.iter().all(|name| found.contains(name)), "{scales} scales: {found:?} lacks one of {names:?}");
    }
    let found = load(format!(r#"{{"conditioning":{}"#, "[".repeat(100_000)));
    assert!(found.contains("`config`"), "{found}");
}
