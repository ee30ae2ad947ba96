//! Nothing later is ever seen, and everything the wiring promises is: both directions, at every position and colour.
//!
//! Mistakes caught: masks A and B mixed up, no colour mask at all or misaligned groups (7, 8), kernels that reach below
//! or to the right of the pixel (2) or miss what is above and to the right (10).

use crate::common::{bits, config, draw_cached, logits, model, random_levels, trial};
use burn::tensor::{Device, Tensor, TensorData};
use libtest_mimic::Trial;
use pixelrnn::model::{Model, ModelConfig, Network};
use pixelrnn::sample::Request;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("causality::logits_see_nothing_at_or_after_their_value", forward_is_causal),
        trial("causality::cached_scores_see_nothing_after_their_value", cached_is_causal),
        trial("causality::reach_on_28x28_is_what_the_paper_s_wiring_gives", reach_is_complete),
        trial("causality::reach_in_colour_is_every_earlier_value_in_range", colour_reach_is_complete),
    ]
}

/// Sixteen square and a larger size that is not; widths that three does not divide, so colour groups are unequal.
const CASES: [(usize, u16, [usize; 2], usize, usize); 8] = [
    // channels, levels, [height, width], h, head
    (1, 2, [16, 16], 4, 6),
    (1, 2, [20, 27], 5, 7),
    (1, 256, [16, 16], 4, 7),
    (1, 256, [17, 19], 5, 8),
    (3, 2, [16, 16], 8, 14),
    (3, 256, [16, 16], 7, 13),
    (3, 2, [17, 19], 7, 13),
    (3, 256, [13, 20], 8, 14),
];

/// A value of an image and its rank in drawing order: row, column, then R, G, B.
#[derive(Clone, Copy, Debug)]
struct Value {
    channel: usize,
    y: usize,
    x: usize,
}

impl Value {
    fn all(config: &ModelConfig) -> Vec<Self> {
        let ModelConfig { channels, height, width, .. } = *config;
        let place = move |k: usize| Self { channel: k / (height * width), y: k / width % height, x: k % width };
        (0..channels * height * width).map(place).collect()
    }
}

/// Levels of `base` with one value changed, an image for each of `values`.
fn perturbed(config: &ModelConfig, base: &[u8], values: &[Value]) -> Vec<u8> {
    let mut images = base.repeat(values.len());
    for (image, value) in images.chunks_exact_mut(base.len()).zip(values) {
        let level = &mut image[(value.channel * config.height + value.y) * config.width + value.x];
        *level = ((u16::from(*level) + config.levels / 2) % config.levels) as u8;
    }
    images
}

/// Compares what is computed for one perturbed image with the same for the base: outputs `[channels][per_value]` planes
/// of `height · width`. Nothing up to the changed value may move (the value's own output only where `own` says so),
/// and the later colours of its pixel and the pixel to its right must.
fn check_moves(config: &ModelConfig, value: Value, base: &[u32], found: &[u32], per_value: usize, own: bool) {
    let pixels = config.height * config.width;
    let at = value.y * config.width + value.x;
    for channel in 0..config.channels {
        let planes = channel * per_value * pixels..(channel + 1) * per_value * pixels;
        let pairs = || base[planes.clone()].chunks_exact(pixels).zip(found[planes.clone()].chunks_exact(pixels));
        let still = at + usize::from(channel < value.channel || channel == value.channel && !own);
        for (base, found) in pairs() {
            if let Some(k) = (0..still).find(|&k| base[k] != found[k]) {
                let (y, x) = (k / config.width, k % config.width);
                panic!("{config:?}: channel {channel} at row {y}, column {x} moved when {value:?} did");
            }
        }
        let moves = |at: usize| pairs().any(|(base, found)| base[at] != found[at]);
        if channel > value.channel {
            assert!(moves(at), "{config:?}: channel {channel} of the pixel does not see {value:?}");
        }
        if value.x + 1 < config.width {
            assert!(moves(at + 1), "{config:?}: channel {channel} of the next pixel does not see {value:?}");
        }
    }
}

/// A lively network: the blocks add little and biases keep features above zero, so that every change passes every ReLU.
fn lively(channels: usize, levels: u16, size: [usize; 2], h: usize, head: usize) -> Model {
    let config = ModelConfig { h, head, ..config(channels, levels, size) };
    let mut tensors = model(&config, 3).tensors().into_iter();
    model(&config, 3).map_tensors(|name, _| {
        let (_, _, mut values) = tensors.next().expect("as many tensors");
        if name.contains("expand") || name.contains("skip") {
            values.iter_mut().for_each(|value| *value *= 0.25);
        } else if name == "first.bias" || name == "head.hidden.bias" {
            values.iter_mut().for_each(|value| *value += 3.0);
        }
        values
    })
}

fn forward_is_causal() {
    for (channels, levels, size, h, head) in CASES {
        let model = lively(channels, levels, size, h, head);
        let config = &model.config;
        let base = random_levels(config, 1, 5);
        let base_logits = bits(&logits(&model, &base));
        for values in Value::all(config).chunks(64) {
            let found = bits(&logits(&model, &perturbed(config, &base, values)));
            for (value, found) in values.iter().zip(found.chunks_exact(base_logits.len())) {
                check_moves(config, *value, &base_logits, found, config.logits(), false);
            }
        }
    }
}

/// The same through the engine that draws: an image whose every pixel is given is scored value by value.
fn cached_is_causal() {
    for (channels, levels, size, h, head) in CASES {
        let model = lively(channels, levels, size, h, head);
        let config = &model.config;
        let base = random_levels(config, 1, 5);
        let score = |levels: Vec<u8>, count| draw_cached(&model, &Request::scoring(levels, count, config)).1;
        let base_nll = score(base.clone(), 1);
        let values = Value::all(config);
        let found = score(perturbed(config, &base, &values), values.len());
        for (k, (&value, found)) in values.iter().zip(found.chunks_exact(base.len())).enumerate() {
            // −ln p of the changed value itself changes with its level, and only with that.
            check_moves(config, value, &bits(&base_nll), &bits(found), 1, true);
            if levels == 2 {
                let total = (-base_nll[k]).exp() + (-found[k]).exp();
                // Two probabilities, each rounded to 24 bits on the way through a logarithm.
                assert!((total - 1.0).abs() < 1e-6, "{config:?}: {value:?} sees itself: p(0) + p(1) = {total}");
            }
        }
    }
}

/// A network of ones without biases: its output is positive where a path leads and zero where none does.
fn ones(config: &ModelConfig) -> Model {
    let model = Model::init(config, &Device::flex()).expect("a good configuration");
    model.map_tensors(|_, shape| vec![if shape.len() == 1 { 0.0 } else { 1.0 }; shape.iter().product()])
}

/// Outputs `[source][channel][pixel]` of a network of ones, shown 1 at one value and 0, which is no level's, elsewhere.
fn responses(config: &ModelConfig) -> Vec<f32> {
    let (values, device) = (config.dimensions(), Device::flex());
    let mut input = vec![0.0; values * values];
    (0..values).for_each(|source| input[source * values + source] = 1.0);
    let input = TensorData::new(input, [values, config.channels, config.height, config.width]);
    let output = ones(config).forward(Tensor::from_data(input, &device));
    output.into_data().try_into_vec().expect("32-bit floats")
}

/// The pixels that a path of the published wiring leads to from pixel `source`, by spreading over the taps: one step of
/// the 7×7 kernel under mask A, then `layers` steps of the 3×3 kernel under mask B.
fn reach(config: &ModelConfig, source: usize) -> Vec<bool> {
    let (height, width) = (config.height as isize, config.width as isize);
    let spread = |from: &[bool], radius: isize, stay: bool| {
        let mut to = vec![false; from.len()];
        for at in (0..from.len()).filter(|&at| from[at]) {
            let (y, x) = (at as isize / width, at as isize % width);
            // An output sees rows above it and, in its own row, what is left of it: influence goes down and right.
            for (dy, dx) in (0..=radius).flat_map(|dy| (-radius..=radius).map(move |dx| (dy, dx))) {
                let allowed = dy > 0 || dx > 0 || (dx == 0 && stay);
                if allowed && y + dy < height && (0..width).contains(&(x + dx)) {
                    to[((y + dy) * width + x + dx) as usize] = true;
                }
            }
        }
        to
    };
    let mut start = vec![false; (height * width) as usize];
    start[source] = true;
    (0..config.layers).fold(spread(&start, 3, false), |seen, _| spread(&seen, 1, true))
}

/// The oracle: pairs (position, earlier pixel) that no path joins, of all 306,936 on 28×28.
fn reach_is_complete() {
    for (layers, skip, unseen, positions) in
        [(7, false, 207_128, 773), (7, true, 207_128, 773), (15, false, 106_610, 765), (15, true, 106_610, 765)]
    {
        let config = ModelConfig {
            network: Network::PixelCnn,
            channels: 1,
            levels: 2,
            height: 28,
            width: 28,
            layers,
            h: 1,
            head: 1,
            skip,
        };
        let response = responses(&config);
        // Sums of products of ones: at least 1 where there is a path, below 10^30, far from the largest float.
        assert!(response.iter().all(|&value| value == 0.0 || (1.0..1e30).contains(&value)));
        let sees = |position: usize, source: usize| response[source * 784 + position] > 0.0;
        for source in 0..784 {
            let expected = reach(&config, source);
            for (position, expected) in expected.into_iter().enumerate() {
                let found = sees(position, source);
                assert!(source < position || !found, "{layers} layers: {position} sees {source}, which is not earlier");
                assert_eq!(found, expected, "{layers} layers: whether {position} sees {source}");
            }
        }
        let blind: Vec<usize> =
            (0..784).map(|position| (0..position).filter(|&source| !sees(position, source)).count()).collect();
        assert_eq!(blind.iter().sum::<usize>(), unseen, "{layers} layers, skip {skip}: unseen pairs");
        assert_eq!(blind.iter().filter(|&&pairs| pairs > 0).count(), positions, "{layers} layers: positions with any");
    }
}

/// Colours: every colour sees all colours of the earlier pixels in reach, and the earlier colours of its own.
fn colour_reach_is_complete() {
    for (h, head, skip) in [(3, 3, false), (4, 5, true), (7, 11, true)] {
        let config = ModelConfig { layers: 2, h, head, skip, ..config(3, 2, [9, 11]) };
        let response = responses(&config);
        for (k, source) in Value::all(&config).into_iter().enumerate() {
            let pixel = source.y * 11 + source.x;
            let expected = reach(&config, pixel);
            for channel in 0..3 {
                for position in 0..99 {
                    let found = response[(k * 3 + channel) * 99 + position] > 0.0;
                    let expected = if position == pixel { source.channel < channel } else { expected[position] };
                    assert_eq!(found, expected, "h {h}: whether channel {channel} of pixel {position} sees {source:?}");
                }
            }
        }
    }
}
