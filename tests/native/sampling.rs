//! The fast sampler against its slow twin: the same levels at every position, the same scores as the full pass.
//!
//! Mistakes caught: a cached sampler that differs from the full pass at row ends (15), a weight read from the wrong
//! place, an image that depends on its batch, given pixels that are drawn over, drawing by argmax (13).

use crate::common::{
    assert_close, bits, config, draw_cached, draw_naive, images, logits_given, mask_of, model, random_levels, trial,
};
use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::likelihood::score;
use pixelrnn::model::{Model, ModelConfig, Network};
use pixelrnn::sample::{
    CachedSampler, Given, MAX_COUNT, NaiveSampler, Plan, Request, RequestError, Sharpening, uniform,
};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("sampling::cached_draws_what_naive_draws", cached_is_naive),
        trial("sampling::sharpened_cached_draws_what_naive_draws", sharpened_cached_is_naive),
        trial("sampling::cached_scores_are_those_of_the_full_pass", cached_scores_are_full_scores),
        trial("sampling::an_image_is_the_same_in_any_batch", images_do_not_depend_on_their_batch),
        trial("sampling::given_pixels_stay_and_drawn_ones_are_naive_s", completions_are_naive_s),
        trial("sampling::images_that_start_alike_are_those_drawn_alone", images_that_start_alike_are_those_drawn_alone),
        trial("sampling::nothing_given_is_sampling_and_everything_given_is_scoring", completion_has_two_ends),
        trial("sampling::images_and_masks_are_shared_or_one_an_image", images_and_masks_are_shared),
        trial("sampling::bad_requests_are_named", bad_requests_are_named),
        trial("sampling::the_plan_multiplies_by_every_unmasked_weight_once", plan_counts_unmasked_weights),
    ]
}

/// Sizes that are not square, one row, one column, one pixel, rows shorter and longer than the kernels are wide, more and
/// fewer rows than are kept, and widths that no number of colours or vector lanes divides.
pub fn cases() -> Vec<ModelConfig> {
    type Case = (usize, u16, [usize; 2], usize, usize, usize, bool);
    const CASES: [Case; 12] = [
        // channels, levels, [height, width], layers, h, head, skip
        (1, 2, [12, 9], 3, 5, 7, true),
        (1, 2, [3, 17], 2, 16, 32, true),
        (1, 2, [9, 2], 2, 4, 5, false),
        (1, 2, [5, 1], 1, 1, 1, true),
        (1, 2, [1, 11], 2, 9, 6, true),
        (1, 2, [1, 1], 1, 2, 3, false),
        (1, 256, [5, 8], 2, 7, 10, true),
        (1, 256, [7, 3], 1, 4, 6, false),
        (3, 2, [6, 7], 2, 7, 8, true),
        (3, 256, [4, 7], 2, 7, 11, true),
        (3, 256, [6, 3], 1, 4, 5, false),
        (3, 2, [2, 1], 2, 3, 3, false),
    ];
    // Numbers of levels that fill no register.
    const LEVELS: [Case; 3] =
        [(1, 3, [5, 6], 1, 4, 6, true), (3, 8, [5, 4], 2, 7, 11, true), (3, 37, [3, 4], 1, 4, 5, false)];
    let of = |cases: &'static [Case]| {
        Network::ALL.into_iter().flat_map(|network| cases.iter().map(move |&case| (network, case)))
    };
    of(&CASES)
        .chain(of(&LEVELS))
        .map(|(network, (channels, levels, size, layers, h, head, skip))| ModelConfig {
            network,
            layers,
            h,
            head,
            skip,
            ..config(channels, levels, size)
        })
        .collect()
}

/// The level that a uniform number picks from a sharpened distribution, worked out again in 64 bits; and how near a call it
/// is: the distance of the number to the nearest step of the cumulative distribution, or of a level to being kept or not.
fn level_and_distance(logits: &[f32], sharpening: Sharpening, u: f32) -> (usize, f64) {
    let own = if let [log_odds] = logits { [0.0, *log_odds].to_vec() } else { logits.to_vec() };
    let highest = own.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let temperature = f64::from(sharpening.temperature);
    let mut weights: Vec<f64> = own.iter().map(|z| (f64::from(z - highest) / temperature).exp()).collect();
    let mut ranked: Vec<usize> = (0..own.len()).collect();
    ranked.sort_by(|&a, &b| weights[b].partial_cmp(&weights[a]).expect("numbers"));
    let total: f64 = weights.iter().sum();
    let mut distance = f64::INFINITY;
    if let Some(most) = sharpening.top_k.map(usize::from).filter(|&most| most < own.len()) {
        distance = (weights[ranked[most - 1]] - weights[ranked[most]]) / total;
        ranked.drain(most..).for_each(|level| weights[level] = 0.0);
    }
    if sharpening.top_p < 1.0 {
        let whole: f64 = weights.iter().sum();
        let (share, mut sum) = (f64::from(sharpening.top_p), 0.0);
        for level in ranked {
            if sum >= share {
                weights[level] = 0.0;
            }
            sum += weights[level] / whole;
            distance = distance.min((sum - share).abs());
        }
    }
    let whole: f64 = weights.iter().sum();
    let (mut sum, mut drawn, kept) = (0.0, None, weights.iter().rposition(|&weight| weight > 0.0).expect("a level"));
    // The last step is at 1, behind every u.
    for (level, weight) in weights[..kept].iter().enumerate() {
        sum += weight / whole;
        distance = distance.min((sum - f64::from(u)).abs());
        drawn = drawn.or((sum > f64::from(u)).then_some(level));
    }
    (drawn.unwrap_or(kept), distance)
}

/// Compares levels in drawing order; the first difference is reported with its uniform number and the distance of that
/// to the nearest step of the distribution, which tells rounding (1e-7) from a mistake. Seeds whose uniforms come that
/// near are refused: another processor might round the other way.
fn assert_same_levels(model: &Model, request: &Request, cached: &[u8], naive: &[u8]) {
    assert_same_levels_given(model, request, None, [cached, naive]);
}

/// The same of the images of one scale, drawn from these small ones.
pub fn assert_same_levels_given(model: &Model, request: &Request, small: Option<&[u8]>, [cached, naive]: [&[u8]; 2]) {
    let config = &model.config;
    let (pixels, channels, count) = (config.height * config.width, config.channels, config.logits());
    for k in 0..request.count {
        let [cached, naive] = [cached, naive].map(|levels| &levels[k * config.dimensions()..][..config.dimensions()]);
        let small = small.map(|levels| levels.chunks_exact(levels.len() / request.count).nth(k).expect("image k"));
        let logits = logits_given(model, naive, small);
        for rank in 0..config.dimensions() {
            let (pixel, channel) = (rank / channels, rank % channels);
            let (y, x) = (pixel / config.width, pixel % config.width);
            if request.given_at(config, k, channel, y, x).is_some() {
                continue;
            }
            let own: Vec<f32> = (0..count).map(|l| logits[(channel * count + l) * pixels + pixel]).collect();
            let u = uniform(request.seed, request.first + k as u32, request.scale << 12 | y, x, channel);
            let (level, distance) = level_and_distance(&own, request.sharpening, u);
            let [cached, naive] = [cached, naive].map(|levels| levels[channel * pixels + pixel]);
            let place = format!("{config:?}, image {k}, channel {channel}, row {y}, column {x}");
            let call = format!("u = {u} is {distance:e} from the nearest step");
            assert_eq!(cached, naive, "{place}: levels of cached and naive; {call}");
            assert_eq!(usize::from(naive), level, "{place}: levels of naive and of 64 bits; {call}");
            assert!(distance > 5e-7, "{place}: too close a call, choose another seed; {call}");
        }
    }
}

fn cached_is_naive() {
    for (k, config) in cases().into_iter().enumerate() {
        let model = model(&config, 500 + k as u64);
        for (seed, temperature) in [(1, 1.0), (u64::MAX, 0.7)] {
            let request = Request { sharpening: Sharpening::at(temperature), first: 5, ..Request::samples(seed, 3) };
            let (cached, naive) = (draw_cached(&model, &request).0, draw_naive(&model, &request));
            assert_same_levels(&model, &request, &cached, &naive);
            let distinct = cached.chunks_exact(config.dimensions()).collect::<std::collections::BTreeSet<_>>().len();
            let images = if config.dimensions() > 20 { 3 } else { 1 };
            assert!(distinct >= images, "{config:?}: images of one request should differ");
        }
    }
}

/// Ways to sharpen.
pub const SHARPENINGS: [Sharpening; 4] = [
    Sharpening { temperature: 1.0, top_k: None, top_p: 0.8 },
    Sharpening { temperature: 0.8, top_k: Some(2), top_p: 1.0 },
    Sharpening { temperature: 1.3, top_k: Some(2), top_p: 0.6 },
    Sharpening { temperature: 1.0, top_k: Some(1), top_p: 1.0 },
];

fn sharpened_cached_is_naive() {
    for (k, config) in cases().into_iter().filter(|config| config.dimensions() < 100).enumerate() {
        let (model, sharpening) = (model(&config, 700 + k as u64), SHARPENINGS[k % SHARPENINGS.len()]);
        let request = Request { sharpening, first: 5, ..Request::samples(5, 3) };
        let (cached, nll_nats) = draw_cached(&model, &request);
        assert_same_levels(&model, &request, &cached, &draw_naive(&model, &request));
        let plain = draw_cached(&model, &Request { sharpening: Sharpening::NONE, ..request }).0;
        assert!(cached != plain || config.dimensions() < 20, "{config:?}, {sharpening:?}: nothing has changed");
        // −ln p stays the network's own.
        let scored = draw_cached(&model, &Request::scoring(cached, 3, &config)).1;
        assert_eq!(bits(&nll_nats), bits(&scored), "{config:?}, {sharpening:?}");
    }
}

fn cached_scores_are_full_scores() {
    for (k, config) in cases().into_iter().enumerate() {
        let model = model(&config, 100 + k as u64);
        let levels = random_levels(&config, 4, 7);
        let full = score(&model, &images(&config, levels.clone()), 4, &Device::flex(), |_| ());
        let (_, cached) = draw_cached(&model, &Request::scoring(levels, 4, &config));
        // −ln p of up to 15 nats after up to eleven layers of sums of up to 288 products, in another order.
        assert_close(&format!("{config:?}"), &cached, &full, 2e-5);
    }
}

fn images_do_not_depend_on_their_batch() {
    for (k, config) in cases().into_iter().enumerate() {
        let (model, image) = (model(&config, k as u64), config.dimensions());
        let draw = |first, count| draw_cached(&model, &Request { first, ..Request::samples(12, count) });
        let (levels, nll) = draw(0, 5);
        for (first, count) in [(0, 2), (2, 3), (4, 1)] {
            let part = first * image..(first + count) * image;
            let (found, found_nll) = draw(first as u32, count);
            assert_eq!(found, levels[part.clone()], "{config:?}: levels of images {first}, {count} of them");
            assert_eq!(bits(&found_nll), bits(&nll[part.clone()]), "{config:?}: scores of {count} from {first}");
            let request = Request { first: first as u32, ..Request::samples(12, count) };
            assert_same_levels(&model, &request, &levels[part], &draw_naive(&model, &request));
        }
    }
}

/// A mask with given pixels everywhere: rows, columns, single ones; another one for each `k`.
fn mask(config: &ModelConfig, k: usize) -> Vec<u8> {
    let pixel = |p: usize| u8::from((p * (k + 3) + k) % 5 < 3);
    (0..config.height * config.width).map(pixel).collect()
}

fn completions_are_naive_s() {
    for (k, config) in cases().into_iter().enumerate() {
        let model = model(&config, 900 + k as u64);
        let (levels, pixels) = (random_levels(&config, 3, 2), config.height * config.width);
        let mask = [mask(&config, 0), mask(&config, 1), mask(&config, 2)].concat();
        let given = Given { levels: levels.clone(), mask: mask.clone() };
        let request = Request { given: Some(given), first: 3, ..Request::samples(12, 3) };
        let (cached, naive) = (draw_cached(&model, &request).0, draw_naive(&model, &request));
        assert_same_levels(&model, &request, &cached, &naive);
        for (value, &level) in cached.iter().enumerate() {
            let (image, pixel) = (value / config.dimensions(), value % pixels);
            if mask[image * pixels + pixel] == 0 {
                assert_eq!(level, levels[value], "{config:?}: image {image}, pixel {pixel} was given");
            }
        }
        if pixels > 20 {
            assert_ne!(cached, levels, "{config:?}: nothing was drawn");
        }
    }
}

fn completion_has_two_ends() {
    for (k, config) in cases().into_iter().enumerate() {
        let (model, pixels) = (model(&config, k as u64), config.height * config.width);
        let sampled = Request::samples(8, 2);
        let (levels, nll) = draw_cached(&model, &sampled);
        let nothing = Given { levels: random_levels(&config, 2, 1), mask: vec![1; pixels] };
        assert_eq!(draw_cached(&model, &Request { given: Some(nothing), ..sampled }).0, levels, "{config:?}");
        // The pixels just drawn, given: the same features, so the same scores, bit for bit.
        let (scored_levels, scored) = draw_cached(&model, &Request::scoring(levels.clone(), 2, &config));
        assert_eq!(scored_levels, levels, "{config:?}");
        assert_eq!(bits(&scored), bits(&nll), "{config:?}");
        assert_eq!(draw_naive(&model, &Request::scoring(levels.clone(), 2, &config)), levels, "{config:?}");
    }
}

fn images_and_masks_are_shared() {
    let cases = Network::ALL.into_iter().flat_map(|network| {
        [config(1, 2, [6, 5]), config(3, 256, [4, 3])].map(|config| ModelConfig { network, ..config })
    });
    for config in cases {
        let model = model(&config, 6);
        let (levels, mask) = (random_levels(&config, 1, 3), mask(&config, 1));
        let draw = |levels: Vec<u8>, mask: Vec<u8>| {
            let request = Request { given: Some(Given { levels, mask }), ..Request::samples(2, 3) };
            let cached = draw_cached(&model, &request).0;
            assert_same_levels(&model, &request, &cached, &draw_naive(&model, &request));
            cached
        };
        let expected = draw(levels.repeat(3), mask.repeat(3));
        assert_eq!(draw(levels.clone(), mask.clone()), expected);
        assert_eq!(draw(levels.repeat(3), mask.clone()), expected);
        assert_eq!(draw(levels.clone(), mask.repeat(3)), expected);
    }
}

/// Rows that are given whole at the top are made once for all images that have the same there.
fn images_that_start_alike_are_those_drawn_alone() {
    let cases = Network::ALL.into_iter().flat_map(|network| {
        [config(1, 2, [6, 5]), config(3, 256, [4, 3])].map(|config| ModelConfig { network, ..config })
    });
    for config in cases {
        let (model, dimensions, pixels) = (model(&config, 6), config.dimensions(), config.height * config.width);
        let (top, bottom) = (config.width, pixels - config.width);
        // a, b, and a with another last row, which is given again below what is drawn; b comes back after it.
        let [a, b, mut c] = [3, 4, 3].map(|seed| random_levels(&config, 1, seed));
        c.chunks_exact_mut(pixels).for_each(|plane| plane[bottom..].iter_mut().for_each(|level| *level ^= 1));
        let originals = [&a, &b, &a, &c, &b, &a];
        let levels: Vec<u8> = originals.into_iter().flatten().copied().collect();
        let drawn = |rows: std::ops::Range<usize>| -> Vec<u8> {
            (0..pixels).map(|pixel| u8::from(rows.contains(&(pixel / config.width)) && pixel >= top)).collect()
        };
        let one_mask = drawn(2..config.height - 1);
        // Image 4 is drawn from the second row on, the others later.
        let masks: Vec<u8> =
            (0..originals.len()).flat_map(|image| drawn(if image == 4 { 1 } else { 2 }..config.height - 1)).collect();
        for (mask, own) in [(one_mask, false), (masks, true), (vec![0; pixels], false)] {
            let request = |image: Option<usize>| {
                let part = |values: &[u8], one: usize| match image {
                    Some(image) if values.len() > one => values[image * one..][..one].to_vec(),
                    _ => values.to_vec(),
                };
                let given = Given { levels: part(&levels, dimensions), mask: part(&mask, pixels) };
                let first = 7 + image.unwrap_or(0) as u32;
                let count = if image.is_some() { 1 } else { originals.len() };
                Request { given: Some(given), first, ..Request::samples(4, count) }
            };
            let batch = draw_cached(&model, &request(None));
            let alone: Vec<_> = (0..originals.len()).map(|image| draw_cached(&model, &request(Some(image)))).collect();
            let levels_alone: Vec<u8> = alone.iter().flat_map(|image| image.0.clone()).collect();
            let scores_alone: Vec<f32> = alone.iter().flat_map(|image| image.1.clone()).collect();
            assert_eq!(batch.0, levels_alone, "{config:?}, masks of their own: {own}");
            assert_eq!(bits(&batch.1), bits(&scores_alone), "{config:?}, masks of their own: {own}");
        }
    }
}

fn bad_requests_are_named() {
    let config = config(3, 2, [4, 5]);
    let model = model(&config, 1);
    let plans = Plan::of(&model);
    let good = Request::samples(1, 2);
    let given = |levels: usize, level: u8, pixels: usize, mask: u8| {
        let given = Given { levels: vec![level; levels], mask: vec![mask; pixels] };
        Request { given: Some(given), ..good.clone() }
    };
    let warm = |temperature| Request { sharpening: Sharpening::at(temperature), ..good.clone() };
    let kept = |top_k, top_p| Request { sharpening: Sharpening { top_k, top_p, ..Sharpening::NONE }, ..good.clone() };
    for (request, field, found) in [
        (Request { count: 0, ..good.clone() }, "count", "0"),
        (Request { count: MAX_COUNT + 1, ..good.clone() }, "count", "1048577"),
        (Request { count: usize::MAX, ..good.clone() }, "count", "18446744073709551615"),
        (Request { first: u32::MAX, ..good.clone() }, "first image", "4294967295"),
        (warm(0.0), "temperature", "0"),
        (warm(-1.0), "temperature", "-1"),
        (warm(9.9e-4), "temperature", "0.00099"),
        (warm(f32::NAN), "temperature", "NaN"),
        (warm(f32::INFINITY), "temperature", "inf"),
        (kept(Some(0), 1.0), "top-k", "0"),
        (kept(Some(3), 1.0), "top-k", "3"),
        (kept(None, 0.0), "top-p", "0"),
        (kept(None, -0.5), "top-p", "-0.5"),
        (kept(None, 1.5), "top-p", "1.5"),
        (kept(None, f32::NAN), "top-p", "NaN"),
        (Request { small_temperatures: vec![1.0], ..good.clone() }, "temperatures", "2"),
        (given(59, 0, 20, 0), "given levels", "59 values"),
        (given(180, 0, 20, 0), "given levels", "180 values"),
        (given(0, 0, 20, 0), "given levels", "0 values"),
        (given(60, 2, 20, 0), "given levels", "level 2"),
        (given(60, 0, 21, 0), "mask", "21 values"),
        (given(60, 0, 80, 0), "mask", "80 values"),
        (given(60, 0, 0, 0), "mask", "0 values"),
        (given(60, 0, 20, 2), "mask", "value 2"),
    ] {
        let check = |error: Option<RequestError>| {
            let error = error.unwrap_or_else(|| panic!("{field} {found} was accepted"));
            assert_eq!((error.field, error.found.as_str()), (field, found));
            assert!(error.to_string().contains(field) && error.to_string().contains(&error.expected), "{error}");
        };
        check(CachedSampler::new(&plans, request.clone()).err());
        check(NaiveSampler::new(&model, request, &Device::flex()).err());
    }
    let first = Request { first: u32::MAX - 1, ..good.clone() };
    let ends = [first, warm(1e-3), kept(Some(1), 1e-30), kept(Some(2), 1.0), given(120, 1, 40, 1), given(60, 1, 40, 0)];
    for request in ends {
        assert!(CachedSampler::new(&plans, request.clone()).is_ok(), "{request:?}");
    }
}

/// Exactly the ones of the masks: no masked weight is multiplied, none is forgotten, and none is used twice. Nothing sees
/// what the right direction of a Diagonal BiLSTM would make of the last row, so it is not scanned.
fn plan_counts_unmasked_weights() {
    for config in cases() {
        let model = model(&config, 1);
        let (mut unmasked, mut dense) = (0, 0);
        for (name, shape, values) in model.tensors() {
            let Some(mask) = mask_of(&config, &name, &shape) else { continue };
            let rows = if name.contains(".right.") { config.height - 1 } else { config.height };
            unmasked += mask.iter().filter(|&&mask| mask == 1.0).count() * rows * config.width;
            dense += values.len() * rows * config.width;
        }
        let found = Plan::of(&model)[0].multiplications();
        assert_eq!(found, unmasked, "{config:?}");
        assert!(found < dense, "{config:?}: {found} of {dense} multiplications");
    }
}
