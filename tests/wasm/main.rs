//! In headless Chromium: what JavaScript can call, on a tiny network. Run with `make wasm-test`.
#![cfg(target_arch = "wasm32")]

use burn::tensor::Device;
use js_sys::{Array, Object, Reflect, Uint8Array};
use pixelrnn::model::{self, Conditioning, ModelConfig, Network};
use pixelrnn::sample::{CachedSampler, Plan, Request, Scale, probabilities, uniform};
use pixelrnn::wasm::{Model, SampleRequest, Sampler, activations, distribution, score};
use pixelrnn::weights;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

#[cfg(feature = "webgpu")]
mod gpu;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const CONFIG: ModelConfig = {
    let mut config = ModelConfig::tiny(Network::PixelCnn, 1, 2, [4, 5]);
    (config.layers, config.head) = (2, 6);
    config
};

/// 4×6 from 2×3.
fn two_scales(network: Network) -> ModelConfig {
    let small = ModelConfig { network, height: 2, width: 3, ..CONFIG };
    ModelConfig { network, width: 6, conditioning: Some(Conditioning { maps: 3, small: Box::new(small) }), ..CONFIG }
}

/// A weights file whose weights are a function of their place alone.
fn weights_file(config: &ModelConfig) -> Vec<u8> {
    let mut tensor = 0;
    let model =
        model::Model::init(config, 0, &Device::flex()).expect("a good configuration").map_tensors(|_, shape| {
            tensor += 1;
            (0..shape.iter().product()).map(|k| uniform(tensor, k as u32, 0, 0, 0) - 0.5).collect()
        });
    weights::save(&model, None, None)
}

/// A file that says it is of this network and has no tensors.
fn weights_with_config(config: &ModelConfig) -> Vec<u8> {
    let config = serde_json::to_string(config).expect("plain numbers");
    let header = serde_json::json!({ "__metadata__": { "config": config } }).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat()
}

/// What a page hands over: images 3 and 4 of seed 9, some pixels of which may be given.
fn request(method: &str, given: Option<(&[u8], &[u8])>) -> SampleRequest {
    let fields = [
        ("method", method.into()),
        ("seed", 9u64.into()),
        ("first", 3.into()),
        ("count", 2.into()),
        ("temperature", 1.into()),
        ("given", given.map_or(JsValue::UNDEFINED, |(levels, _)| bytes(levels))),
        ("mask", given.map_or(JsValue::UNDEFINED, |(_, mask)| bytes(mask))),
    ];
    let request = SampleRequest::from(JsValue::from(Object::new()));
    fields.into_iter().for_each(|(name, value)| set(&request, name, value));
    request
}

fn bytes(values: &[u8]) -> JsValue {
    Uint8Array::from(values).into()
}

fn set(request: &SampleRequest, name: &str, value: JsValue) {
    assert!(Reflect::set(request, &name.into(), &value).is_ok());
}

fn sampler(model: &Model, method: &str, given: Option<(&[u8], &[u8])>) -> Sampler {
    Sampler::new(model, &request(method, given)).unwrap_or_else(|_| panic!("a good request"))
}

#[wasm_bindgen_test]
fn what_is_wrong_with_a_request_is_named() {
    let model = Model::load(&weights_file(&CONFIG)).unwrap_or_else(|_| panic!("a good file"));
    for (name, value, reason) in [
        ("method", JsValue::UNDEFINED, "method: found undefined, expected a string"),
        ("method", "quick".into(), "method: found \"quick\""),
        ("seed", 9.into(), "seed: found number, expected a BigInt"),
        ("seed", (-1i64).into(), "seed: found bigint, expected a BigInt of 64 bits"),
        ("count", JsValue::UNDEFINED, "count: found undefined, expected a number"),
        ("count", 0.into(), "count: found 0"),
        ("count", u32::MAX.into(), "count: found 4294967295"),
        ("temperature", "hot".into(), "temperature: found string"),
        ("temperature", 0.into(), "temperature: found 0"),
        ("temperature", f64::NAN.into(), "temperature: found NaN"),
        ("temperature", Array::of2(&1.into(), &1.into()).into(), "temperatures: found 2, expected 1"),
        ("temperature", Array::new().into(), "temperature: found no number"),
        ("temperature", Array::of1(&"hot".into()).into(), "temperature: found object"),
        ("topK", 0.into(), "top-k: found 0, expected 1 to 2"),
        ("topK", 3.into(), "top-k: found 3, expected 1 to 2"),
        ("topK", 1.5.into(), "topK: expected a whole number of levels"),
        ("topP", 0.into(), "top-p: found 0, expected a number above 0, at most 1"),
        ("topP", 1.5.into(), "top-p: found 1.5"),
        ("topP", "most".into(), "topP: found string, expected a number or nothing"),
        ("given", bytes(&[0; 20]), "come together"),
        ("mask", bytes(&[0; 20]), "come together"),
        ("trace", "first".into(), "trace: found string, expected nothing or the number of an image"),
        ("trace", 2.into(), "trace: found number"),
        ("mask", Object::new().into(), "mask: found object, expected a Uint8Array or nothing"),
    ] {
        let request = request("cached", None);
        set(&request, name, value);
        let found = message(Sampler::new(&model, &request));
        assert!(found.contains(reason), "{reason}: {found}");
    }
    for (reason, given, mask) in [
        ("given levels", &[0; 19][..], &[0; 20][..]),
        ("given levels", &[2; 20], &[0; 20]),
        ("mask", &[0; 20], &[0; 21]),
    ] {
        let found = message(Sampler::new(&model, &request("cached", Some((given, mask)))));
        assert!(found.contains(reason), "{reason}: {found}");
    }
}

fn message<T>(result: Result<T, wasm_bindgen::JsError>) -> String {
    let error = result.err().expect("an error");
    let error: js_sys::Error = wasm_bindgen::JsValue::from(error).into();
    error.message().into()
}

#[wasm_bindgen_test]
fn a_model_tells_what_it_is() {
    let model = Model::load(&weights_file(&CONFIG)).unwrap_or_else(|_| panic!("a good file"));
    assert_eq!((model.width(), model.height(), model.channels(), model.levels()), (5, 4, 1, 2));
    assert_eq!(model.parameters(), CONFIG.parameters());
    let metadata: serde_json::Value = serde_json::from_str(&model.metadata()).expect("JSON");
    assert_eq!(metadata["config"]["h"], 4);
    assert_eq!(model.scales(), [5, 4]);

    let config = two_scales(Network::RowLstm);
    let model = Model::load(&weights_file(&config)).unwrap_or_else(|_| panic!("a good file"));
    assert_eq!(model.scales(), [3, 2, 6, 4]);
    assert_eq!((model.width(), model.height(), model.parameters()), (6, 4, config.parameters()));
}

#[wasm_bindgen_test]
fn naive_and_cached_draw_the_same_rows_and_count_them() {
    for config in Network::ALL.into_iter().flat_map(|network| {
        let grey = ModelConfig { network, ..CONFIG };
        [grey.clone(), ModelConfig { channels: 3, levels: 256, h: 5, ..grey }]
    }) {
        let model = Model::load(&weights_file(&config)).unwrap_or_else(|_| panic!("a good file"));
        let (mut naive, mut cached) = (sampler(&model, "naive", None), sampler(&model, "cached", None));
        let mut by_value = sampler(&model, "naive", None);
        for y in 0..config.height {
            assert_eq!((naive.y(), cached.y(), cached.done()), (y, y, false));
            let rows =
                [naive.next_row(), cached.next_row()].map(|row| row.unwrap_or_else(|_| panic!("row {y}")).to_vec());
            assert_eq!(rows[0], rows[1], "{config:?}, row {y}");
            assert_eq!(rows[0].len(), 2 * config.width * 4);
            let so_far = (0..config.channels * config.width).map(|value| {
                assert_eq!((by_value.y(), by_value.values()), (y, value));
                by_value.next_value().unwrap_or_else(|_| panic!("row {y}, value {value}")).to_vec()
            });
            assert_eq!(so_far.last(), rows.into_iter().next(), "{config:?}, row {y}");
        }
        assert!(by_value.done() && message(by_value.next_value()).contains("every row"));
        assert!(message(cached.next_value()).contains("expected \"naive\""));
        assert!(naive.done() && cached.done());
        assert_eq!(naive.levels(), cached.levels());
        assert!(message(cached.next_row()).contains("every row"));
    }
}

/// The small image first, then the large one: their rows are of their own widths.
#[wasm_bindgen_test]
fn naive_and_cached_draw_the_same_rows_of_every_scale() {
    for config in Network::ALL.map(two_scales) {
        let model = Model::load(&weights_file(&config)).unwrap_or_else(|_| panic!("a good file"));
        let (mut naive, mut cached) = (sampler(&model, "naive", None), sampler(&model, "cached", None));
        let mut likelihoods = vec![cached.nll_nats().unwrap_or_else(|_| panic!("a likelihood"))];
        for (scale, [width, height]) in [[3, 2], [6, 4]].into_iter().enumerate() {
            for y in 0..height {
                for sampler in [&naive, &cached] {
                    assert_eq!((sampler.scale(), sampler.y(), sampler.done()), (scale, y, false), "{config:?}");
                }
                let rows =
                    [naive.next_row(), cached.next_row()].map(|row| row.unwrap_or_else(|_| panic!("row {y}")).to_vec());
                assert_eq!(rows[0], rows[1], "{config:?}, scale {scale}, row {y}");
                assert_eq!(rows[0].len(), 2 * width * 4, "{config:?}, scale {scale}, row {y}");
                likelihoods.push(cached.nll_nats().unwrap_or_else(|_| panic!("a likelihood")));
            }
        }
        assert!(naive.done() && cached.done());
        assert_eq!(naive.levels(), cached.levels());
        assert_eq!(cached.levels().len(), 2 * 24);
        assert!(message(cached.next_row()).contains("every row"));
        // Every row of either scale adds to −ln p, and that of an image is not that of the large one alone.
        assert!(likelihoods.windows(2).all(|pair| pair[0][0] < pair[1][0]), "{config:?}: {likelihoods:?}");
        assert!(message(naive.nll_nats()).contains("several scales"));
    }
}

/// The distribution of a value is what its score says of its level, and it is one.
#[wasm_bindgen_test]
fn distributions_are_those_that_images_are_scored_by() {
    let colour = ModelConfig { channels: 3, levels: 256, h: 5, ..CONFIG };
    for config in [CONFIG, colour, two_scales(Network::DiagonalBiLstm)] {
        let model = Model::load(&weights_file(&config)).unwrap_or_else(|_| panic!("a good file"));
        let levels: Vec<u8> = (0..config.dimensions()).map(|k| (k * 89 % usize::from(config.levels)) as u8).collect();
        let nll = score(&model, levels.clone(), 1).unwrap_or_else(|_| panic!("scores"));
        for (k, (&level, nll)) in levels.iter().zip(nll).enumerate() {
            let (channel, pixel) = (k / (config.height * config.width), k % (config.height * config.width));
            let (y, x) = (pixel / config.width, pixel % config.width);
            let found = distribution(&model, levels.clone(), channel, y, x).unwrap_or_else(|_| panic!("a place"));
            assert_eq!(found.len(), usize::from(config.levels));
            // Up to 256 of them, each rounded to 24 bits; a logarithm of a probability above 10⁻³.
            assert!((found.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{config:?}, value {k}");
            assert!((found[usize::from(level)].ln() + nll).abs() < 1e-4, "{config:?}, value {k}: {nll}");
        }
        for (reason, found) in [
            ("channel", distribution(&model, levels.clone(), config.channels, 0, 0)),
            ("row", distribution(&model, levels.clone(), 0, config.height, 0)),
            ("column", distribution(&model, levels.clone(), 0, 0, usize::MAX)),
            ("given levels", distribution(&model, levels[1..].to_vec(), 0, 0, 0)),
        ] {
            let found = message(found);
            assert!(found.contains(reason), "{reason}: {found}");
        }
    }
}

/// The layers of a block have the widths that the paper gives them; what is no block, pixel or image is refused in a sentence.
#[wasm_bindgen_test]
fn a_block_tells_what_its_layers_give() {
    for (network, inside) in [(Network::PixelCnn, 2), (Network::RowLstm, 1), (Network::DiagonalBiLstm, 1)] {
        let config = ModelConfig { network, ..CONFIG };
        let model = Model::load(&weights_file(&config)).unwrap_or_else(|_| panic!("a good file"));
        let levels = vec![1; config.dimensions()];
        let found = activations(&model, levels.clone(), 1, 3, 2).unwrap_or_else(|_| panic!("a block"));
        assert_eq!(found.len(), (2 + inside + 2) * config.h);
        assert!(found.iter().all(|value| value.is_finite()) && found.iter().any(|&value| value != 0.0));
        for (reason, found) in [
            ("block", activations(&model, levels.clone(), config.layers, 0, 0)),
            ("row", activations(&model, levels.clone(), 0, config.height, 0)),
            ("given levels", activations(&model, levels[1..].to_vec(), 0, 0, 0)),
        ] {
            let found = message(found);
            assert!(found.contains(reason), "{reason}: {found}");
        }
    }
}

/// What comes with a row: of the image asked for, of the scale drawn last, and what the distributions say.
#[wasm_bindgen_test]
fn a_trace_goes_with_every_row() {
    for config in [ModelConfig { channels: 3, levels: 256, ..CONFIG }, two_scales(Network::RowLstm)] {
        let model = Model::load(&weights_file(&config)).unwrap_or_else(|_| panic!("a good file"));
        let traced = request("cached", None);
        set(&traced, "trace", 1.into());
        let mut sampler = Sampler::new(&model, &traced).unwrap_or_else(|_| panic!("a good request"));
        let mut total = 0.0;
        while !sampler.done() {
            let (scale, y) = (sampler.scale(), sampler.y());
            sampler.next_row().unwrap_or_else(|_| panic!("a row"));
            let row = sampler.row_trace().expect("a trace");
            let own = config.scales()[scale];
            let values = own.channels * own.width;
            let lengths = (row.logits().len(), row.uniforms().len(), row.nll_nats().len());
            assert_eq!(lengths, (values * own.logits(), values, values), "{config:?}, scale {scale}, row {y}");
            total += row.nll_nats().iter().sum::<f32>();
            if config.conditioning.is_none() {
                let levels = sampler.levels()[config.dimensions()..].to_vec();
                let found = distribution(&model, levels, 2, y, 1).unwrap_or_else(|_| panic!("a place"));
                let logits = &row.logits()[(2 * own.width + 1) * own.logits()..][..own.logits()];
                assert_eq!(probabilities(logits, 1.0), found, "{config:?}, row {y}");
                let u = uniform(9, 4, y, 1, 2);
                assert_eq!(row.uniforms()[2 * own.width + 1], u, "{config:?}, row {y}");
            }
        }
        let nll = sampler.nll_nats().unwrap_or_else(|_| panic!("a likelihood"))[1];
        // A hundred values, added in 32 and in 64 bits.
        assert!((total - nll).abs() < 1e-3, "{config:?}: {total} {nll}");
        assert!(self::sampler(&model, "cached", None).row_trace().is_none());
    }
}

/// The browser draws what the library draws anywhere: these levels were drawn natively, and are asserted there too.
#[wasm_bindgen_test]
fn the_seed_gives_the_same_levels_as_natively() {
    for (network, expected) in [
        (Network::PixelCnn, include!("../fixtures/tiny-levels.in")),
        (Network::RowLstm, include!("../fixtures/tiny-levels-row.in")),
        (Network::DiagonalBiLstm, include!("../fixtures/tiny-levels-diagonal.in")),
    ] {
        let file = weights_file(&ModelConfig { network, ..CONFIG });
        let loaded = weights::load(&file, &Device::flex()).unwrap_or_else(|_| panic!("a good file"));
        let mut sampler = CachedSampler::new(&Plan::of(&loaded.model), Request::samples(11, 1)).expect("good");
        while sampler.next_row() {}
        assert_eq!(sampler.levels(), expected, "{network:?}");
    }
    // Two scales: the small image, then the large one.
    let expected: [[u8; 30]; 3] = include!("../fixtures/tiny-levels-scales.in");
    for (network, expected) in Network::ALL.into_iter().zip(expected) {
        let loaded = weights::load(&weights_file(&two_scales(network)), &Device::flex());
        let plans = Plan::of(&loaded.unwrap_or_else(|_| panic!("a good file")).model);
        let mut sampler = CachedSampler::new(&plans, Request::samples(11, 1)).expect("good");
        while sampler.next_row() {}
        assert_eq!([0, 1].map(|scale| sampler.of_scale(scale).levels()).concat(), expected, "{network:?}, two scales");
    }
}

#[wasm_bindgen_test]
fn completions_keep_what_is_given_and_scores_add_up() {
    let model = Model::load(&weights_file(&CONFIG)).unwrap_or_else(|_| panic!("a good file"));
    let given: Vec<u8> = (0..20).map(|k| (k % 3 == 0) as u8).collect();
    let mask: Vec<u8> = (0..20).map(|k| (k >= 10) as u8).collect();
    let mut sampler = sampler(&model, "cached", Some((&given, &mask)));
    while !sampler.done() {
        sampler.next_row().unwrap_or_else(|_| panic!("a row"));
    }
    let levels = sampler.levels();
    assert_eq!(levels[..10], given[..10]);
    assert_eq!(levels[20..30], given[..10]);
    let nll = score(&model, levels, 2).unwrap_or_else(|_| panic!("scores"));
    let total: f32 = nll[..20].iter().sum();
    let likelihood = sampler.nll_nats().unwrap_or_else(|_| panic!("a likelihood"))[0];
    // Twenty values near 0.7, added in 32 and in 64 bits.
    assert!((likelihood - total).abs() < 1e-4, "{likelihood} {total}");
}

#[wasm_bindgen_test]
fn bad_input_is_an_error_with_a_reason() {
    let file = weights_file(&CONFIG);
    assert!(message(Model::load(&file[..file.len() - 4])).contains("safetensors"));
    let mut damaged = file.clone();
    let end = damaged.len();
    damaged[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(message(Model::load(&damaged)).contains("tensor `"));

    // Two scales whose sides do not fit, and more nested than there may be.
    let json = serde_json::to_string(&two_scales(Network::PixelCnn)).expect("plain numbers");
    for (from, to, reason) in [
        (r#""height":2"#, r#""height":3"#, "`conditioning.small.height`"),
        (r#""maps":3"#, r#""maps":0"#, "`conditioning.maps`"),
    ] {
        let config = serde_json::from_str(&json.replace(from, to)).expect("a configuration");
        let file = weights_with_config(&config);
        assert!(message(Model::load(&file)).contains(reason), "{reason}");
    }
    let model = Model::load(&file).unwrap_or_else(|_| panic!("a good file"));
    assert!(message(score(&model, vec![0; 21], 1)).contains("given levels"));
}

/// 4,294,967,297 weights, one more than 32 bits count: a file of a few hundred bytes has no room for them.
#[wasm_bindgen_test]
fn a_network_of_more_weights_than_32_bits_count_is_refused() {
    let network = Network::DiagonalBiLstm;
    let config = ModelConfig { network, layers: 127, h: 997, head: 483, skip: false, ..CONFIG };
    assert!(message(Model::load(&weights_with_config(&config))).contains("room"));
}
