//! Several scales (§3.6): the fast sampler against its slow twin at each of them, drawing, completing and scoring.
//!
//! Mistakes caught: a large image drawn from another small one than was drawn, of another image of the batch or before it is
//! done, uniforms that two scales share, pixels given in the large image and drawn anew in the small one, a map read from the
//! wrong row or column, scores that leave a scale out.

use crate::common::{
    assert_close, bits, config, draw_cached_scales, draw_naive_scales, enlarging, enlarging_from, images, logits_given,
    mask_of, model, random_levels, scales, trial, zero_model,
};
use crate::sampling::{SHARPENINGS, assert_same_levels_given};
use burn::tensor::{Device, Tensor, TensorData};
use libtest_mimic::Trial;
use pixelrnn::likelihood::{nll_nats, score, targets};
use pixelrnn::model::{Model, ModelConfig, Network};
use pixelrnn::sample::{CachedSampler, Given, NaiveSampler, Plan, Request, Scale, Sharpening, uniform};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("sampling::of_several_scales_cached_draws_what_naive_draws", cached_is_naive),
        trial("sampling::every_scale_may_have_a_temperature_of_its_own", scales_have_temperatures),
        trial("sampling::of_several_scales_naive_draws_the_same_without_blocking", async_is_naive),
        trial("sampling::of_several_scales_what_is_given_is_given_at_each", completions_are_naive_s),
        trial("sampling::of_several_scales_scores_are_those_of_the_full_passes", scores_are_full_scores),
        trial("sampling::of_several_scales_an_image_is_the_same_in_any_batch", images_do_not_depend_on_their_batch),
        trial("sampling::every_scale_has_uniforms_of_its_own", scales_have_their_own_uniforms),
        trial("sampling::scales_are_drawn_one_after_another_row_by_row", rows_are_counted),
        trial("sampling::of_several_scales_every_weight_is_multiplied_and_counted", weights_are_counted),
        trial("sampling::of_two_scales_a_seed_gives_these_levels", seed_gives_these_levels),
    ]
}

/// For every network, two scales and three, each scale with another network: grey and colour, binary and not, small images of
/// one pixel, one row and one column, and widths that no number of colours or vector lanes divides.
fn cases() -> Vec<ModelConfig> {
    type Case = (usize, u16, [usize; 2], &'static [usize], usize, usize, bool);
    const CASES: [Case; 10] = [
        // channels, levels, [height, width], factors from the largest scale on, h, head, skip
        (1, 2, [8, 6], &[2], 5, 7, true),
        (1, 2, [4, 8], &[4], 4, 5, false),
        (1, 2, [2, 2], &[2], 2, 3, true),
        (1, 256, [4, 6], &[2], 7, 10, true),
        (3, 2, [6, 4], &[2], 7, 8, true),
        (3, 256, [4, 4], &[2], 4, 5, false),
        (1, 2, [8, 4], &[2, 2], 5, 7, true),
        (1, 256, [8, 8], &[4, 2], 4, 6, false),
        (3, 2, [4, 8], &[2, 2], 6, 9, true),
        (3, 256, [4, 4], &[2, 2], 5, 6, true),
    ];
    let cases = Network::ALL.into_iter().flat_map(|network| CASES.map(|case| (network, case)));
    cases
        .map(|(network, (channels, levels, size, factors, h, head, skip))| {
            let config = ModelConfig { network, h, head, skip, ..config(channels, levels, size) };
            let Some(&next) = factors.get(1) else { return enlarging(&config, factors[0]) };
            let middle = *enlarging(&config, factors[0]).conditioning.expect("two scales").small;
            enlarging_from(&config, enlarging(&middle, next))
        })
        .collect()
}

/// The request of each scale, in the order they draw.
fn requests(model: &Model, request: &Request) -> Vec<Request> {
    let mut requests = vec![request.clone()];
    for model in scales(model).into_iter().skip(1).rev() {
        requests.insert(0, requests[0].small(&model.config));
    }
    requests
}

/// Levels of every scale against those of the naive sampler; each scale is drawn from what the one before has drawn.
fn assert_same_scales(model: &Model, request: &Request, cached: &[Vec<u8>], naive: &[Vec<u8>]) {
    assert_eq!((cached.len(), naive.len()), (model.nets.len(), model.nets.len()));
    for (k, (model, request)) in scales(model).iter().zip(requests(model, request)).enumerate() {
        let small = k.checked_sub(1).map(|k| naive[k].as_slice());
        assert_same_levels_given(model, &request, small, [&cached[k], &naive[k]]);
    }
}

fn levels_of(scales: &[(Vec<u8>, Vec<f32>)]) -> Vec<Vec<u8>> {
    scales.iter().map(|(levels, _)| levels.clone()).collect()
}

fn cached_is_naive() {
    for (k, config) in cases().into_iter().enumerate() {
        let (model, device) = (model(&config, 500 + k as u64), Device::flex());
        for (seed, temperature) in [(1, 1.0), (u64::MAX, 0.7)] {
            let request = Request { sharpening: Sharpening::at(temperature), first: 5, ..Request::samples(seed, 3) };
            let cached = draw_cached_scales(&model, &request);
            assert_same_scales(&model, &request, &levels_of(&cached), &draw_naive_scales(&model, &request));
            // Scores of what was drawn, given the small image that was drawn, be it inside the large one or not.
            for (k, own) in scales(&model).iter().enumerate() {
                let (levels, found) = &cached[k];
                let small = k.checked_sub(1).map(|k| cached[k].0.as_slice());
                let [channels, height, width] = [own.config.channels, own.config.height, own.config.width];
                let shape = [3, channels, own.config.logits(), height, width];
                let logits = TensorData::new(logits_given(own, levels, small), shape);
                let full = nll_nats(Tensor::from_data(logits, &device), targets(&own.config, levels, &device));
                let full: Vec<f32> = full.into_data().try_into_vec().expect("32-bit floats");
                // As for one scale: −ln p of up to 15 nats, sums in another order.
                assert_close(&format!("{config:?}, scale {k}"), found, &full, 2e-5);
            }
        }
    }
}

/// Smallest first, as the scales are drawn.
fn scales_have_temperatures() {
    let three = |k: usize| cases().into_iter().filter(|config| config.scales().len() == 3).nth(k).expect("a case");
    for (k, config) in [three(0), three(1), three(3)].into_iter().enumerate() {
        let model = model(&config, 80 + k as u64);
        let one = Request { sharpening: Sharpening::at(1.2), first: 5, ..Request::samples(3, 3) };
        let each = Request { small_temperatures: vec![0.5, 0.8], ..one.clone() };
        let drawn = [(one, [1.2; 3]), (each, [0.5, 0.8, 1.2])].map(|(request, temperatures)| {
            let found = requests(&model, &request).into_iter().map(|request| request.sharpening.temperature);
            assert!(found.eq(temperatures), "{config:?}");
            let cached = levels_of(&draw_cached_scales(&model, &request));
            assert_same_scales(&model, &request, &cached, &draw_naive_scales(&model, &request));
            cached
        });
        assert_ne!(drawn[0], drawn[1], "{config:?}: nothing has changed");
        for (small_temperatures, field) in [(vec![1.0], "temperatures"), (vec![1.0, 0.0], "temperature")] {
            let request = Request { small_temperatures, ..Request::samples(1, 1) };
            let error = CachedSampler::new(&Plan::of(&model), request).err().expect("a bad request");
            assert_eq!(error.field, field);
        }
    }
}

/// Runs a future that never waits for long to its end.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}

fn async_is_naive() {
    for (k, config) in cases().into_iter().enumerate() {
        let model = model(&config, 300 + k as u64);
        let sharpening = if k % 2 == 0 { Sharpening::at(0.9) } else { SHARPENINGS[k % SHARPENINGS.len()] };
        let request = Request { sharpening, first: 2, ..Request::samples(8, 2) };
        let mut sampler = NaiveSampler::new(&model, request.clone(), &Device::flex()).expect("a good request");
        while block_on(sampler.next_row_async()).expect("a row") {}
        let found: Vec<_> = (0..model.nets.len()).map(|scale| sampler.of_scale(scale).levels()).collect();
        assert_same_scales(&model, &request, &found, &draw_naive_scales(&model, &request));
    }
}

/// Three images with masks drawn at random, and once one mask that gives the small image and nothing else.
fn completions_are_naive_s() {
    for (k, config) in cases().into_iter().enumerate() {
        let (model, levels) = (model(&config, 900 + k as u64), random_levels(&config, 3, 2));
        let (pixels, factor) = (config.height * config.width, config.factor());
        let one = ModelConfig { channels: 1, levels: 2, ..config.clone() };
        let kept = |pixel: usize| [pixel / config.width, pixel % config.width].map(|at| at % factor == factor / 2);
        let small_only: Vec<u8> = (0..pixels).map(|pixel| u8::from(kept(pixel) != [true, true])).collect();
        for mask in [random_levels(&one, 3, 50 + k as u64), small_only.repeat(3)] {
            let given = Given { levels: levels.clone(), mask: mask.clone() };
            let request = Request { given: Some(given), first: 3, ..Request::samples(13, 3) };
            let cached = levels_of(&draw_cached_scales(&model, &request));
            assert_same_scales(&model, &request, &cached, &draw_naive_scales(&model, &request));
            // At each scale: a pixel that is given in the image is the given one wherever a smaller image holds it.
            let (mut given, mut mask) = (levels.clone(), mask);
            for (own, found) in scales(&model).iter().zip(&cached).rev() {
                let (pixels, values) = (own.config.height * own.config.width, own.config.dimensions());
                for (value, &level) in found.iter().enumerate() {
                    if mask[value / values * pixels + value % pixels] == 0 {
                        assert_eq!(level, given[value], "{config:?}: value {value} of {values} an image was given");
                    }
                }
                let factor = own.config.factor();
                let inside = |planes: &[u8]| -> Vec<u8> {
                    let wanted = |at: usize| at % factor == factor / 2;
                    let (width, height) = (own.config.width, own.config.height);
                    let kept = |&k: &usize| wanted(k % width) && wanted(k / width % height);
                    (0..planes.len()).filter(kept).map(|k| planes[k]).collect()
                };
                (given, mask) = (inside(&given), inside(&mask));
            }
            if pixels > 20 {
                assert_ne!(cached.last(), Some(&levels), "{config:?}: nothing was drawn");
            }
        }
    }
}

fn scores_are_full_scores() {
    for (k, config) in cases().into_iter().enumerate() {
        let model = model(&config, 100 + k as u64);
        let levels = random_levels(&config, 4, 7);
        let request = Request::scoring(levels.clone(), 4, &config);
        let mut sampler = CachedSampler::new(&Plan::of(&model), request.clone()).expect("a good request");
        while sampler.next_row() {}
        let (mut inside, mut totals) = (levels, vec![0.0; 4]);
        let cached = draw_cached_scales(&model, &request);
        for (own, (found_levels, found)) in scales(&model).iter().zip(&cached).rev() {
            assert_eq!(*found_levels, inside, "{config:?}: the image inside the larger one");
            let full = score(own, &images(&own.config, inside.clone()), 4, &Device::flex(), |_| ());
            // As for one scale.
            assert_close(&format!("{config:?}"), found, &full, 2e-5);
            let sums = full.chunks_exact(own.config.dimensions()).map(|nll| nll.iter().sum::<f32>());
            totals.iter_mut().zip(sums).for_each(|(total, sum): (&mut f32, f32)| *total += sum);
            inside = own.config.small_levels(&inside);
        }
        // Sums of up to 84 such values.
        assert_close(&format!("{config:?}: all scales"), &sampler.nll_nats(), &totals, 2e-3);
        assert_eq!(draw_naive_scales(&model, &request), levels_of(&cached), "{config:?}");
    }
}

fn images_do_not_depend_on_their_batch() {
    for (k, config) in cases().into_iter().enumerate() {
        let model = model(&config, k as u64);
        let draw = |first, count| draw_cached_scales(&model, &Request { first, ..Request::samples(12, count) });
        let whole = draw(0, 5);
        for (first, count) in [(0, 2), (2, 3), (4, 1)] {
            let found = draw(first as u32, count);
            for ((own, whole), found) in scales(&model).iter().zip(&whole).zip(&found) {
                let part = first * own.config.dimensions()..(first + count) * own.config.dimensions();
                assert_eq!(found.0, whole.0[part.clone()], "{config:?}: levels of images {first}, {count} of them");
                assert_eq!(bits(&found.1), bits(&whole.1[part]), "{config:?}: scores of {count} from {first}");
            }
        }
    }
}

/// A network of zeros draws level 1 wherever a uniform is at least one half: the pictures show them. Those of the image itself
/// are those of one scale.
fn scales_have_their_own_uniforms() {
    for config in cases().into_iter().filter(|config| config.levels == 2 && config.dimensions() > 20) {
        let (model, request) = (zero_model(&config), Request { first: 4, ..Request::samples(9, 2) });
        let drawn = [levels_of(&draw_cached_scales(&model, &request)), draw_naive_scales(&model, &request)];
        for (scale, own) in scales(&model).iter().rev().enumerate() {
            let ModelConfig { channels, height, width, .. } = own.config;
            let level = |k: usize| {
                let (image, place) = (k / own.config.dimensions(), k % own.config.dimensions());
                let (channel, y, x) = (place / (height * width), place / width % height, place % width);
                // Rows count to 2⁹: the scale stands above them.
                u8::from(uniform(9, 4 + image as u32, 4096 * scale + y, x, channel) >= 0.5)
            };
            let expected: Vec<u8> = (0..2 * channels * height * width).map(level).collect();
            for levels in &drawn {
                assert_eq!(levels[levels.len() - 1 - scale], expected, "{config:?}: {scale} scales below the image");
            }
        }
        let one = ModelConfig { conditioning: None, ..config.clone() };
        let alone = draw_cached_scales(&zero_model(&one), &request);
        assert_eq!(drawn[0].last(), Some(&alone[0].0), "{config:?}: the image is not that of one scale");
        assert_ne!(drawn[0][0], config.small_levels(&alone[0].0), "{config:?}: two scales share their uniforms");
    }
}

fn rows_are_counted() {
    for config in cases() {
        let model = model(&config, 1);
        let request = Request::samples(3, 2);
        let mut cached = CachedSampler::new(&Plan::of(&model), request.clone()).expect("a good request");
        let mut naive = NaiveSampler::new(&model, request, &Device::flex()).expect("a good request");
        for (scale, own) in scales(&model).iter().enumerate() {
            for y in 0..own.config.height {
                let expected = (scale, y, false);
                assert_eq!((cached.scale(), cached.y(), cached.done()), expected, "{config:?}: cached");
                assert_eq!((naive.scale(), naive.y(), naive.done()), expected, "{config:?}: naive");
                assert!(cached.next_row() && naive.next_row(), "{config:?}: scale {scale}, row {y}");
                let rows = |sampler: &CachedSampler| sampler.of_scale(scale).y();
                assert!(rows(&cached) == y + 1 && naive.of_scale(scale).y() == y + 1, "{config:?}: {scale}, row {y}");
            }
        }
        assert!(cached.done() && naive.done());
        assert!(!cached.next_row() && !naive.next_row(), "{config:?}: a row after the last");
    }
}

/// The plan multiplies by every unmasked weight of every scale once a pixel, those of the upsampler once for each pixel of what
/// they read; and the configuration counts all of them, and what a dense pass multiplies.
fn weights_are_counted() {
    for config in cases() {
        let (model, mut expected, mut dense) = (model(&config, 1), 0, 0);
        for own in scales(&model) {
            let pixels = own.config.height * own.config.width;
            let small = own.config.conditioning.as_ref().map_or(0, |of| of.small.height * of.small.width);
            for (name, shape, values) in own.tensors().into_iter().filter(|(name, ..)| !name.starts_with("small.")) {
                let Some(mask) = mask_of(&own.config, &name, &shape) else { continue };
                let uses = match name.strip_prefix("upsampler.deconvs.").map(|rest| rest[..1].parse::<u32>()) {
                    Some(doubling) => small << (2 * doubling.expect("a number")),
                    None if name.starts_with("upsampler.") => small,
                    None if name.contains(".right.") => pixels - own.config.width,
                    None => pixels,
                };
                // A dense pass runs over the last row in either direction.
                dense += values.len() * if name.contains(".right.") { pixels } else { uses };
                expected += uses * mask.iter().filter(|&&mask| mask == 1.0).count();
            }
        }
        assert_eq!(Plan::of(&model).iter().map(|plan| plan.multiplications()).sum::<usize>(), expected, "{config:?}");
        assert_eq!(config.dense_multiplications(), dense as u64, "{config:?}");
        let parameters: usize = model.tensors().iter().map(|(.., values)| values.len()).sum();
        assert_eq!(config.parameters(), parameters, "{config:?}");
    }
}

/// The browser's tests read the same file: one seed, one picture, on every machine; the small image, then the large one.
fn seed_gives_these_levels() {
    let expected: [[u8; 30]; 3] = include!("../fixtures/tiny-levels-scales.in");
    let found = Network::ALL.map(|network| {
        let small = ModelConfig { network, h: 4, head: 6, ..config(1, 2, [2, 3]) };
        let config = enlarging_from(&ModelConfig { height: 4, width: 6, ..small.clone() }, small);
        let mut tensor = 0;
        let model = Model::init(&config, 0, &Device::flex()).expect("a good configuration").map_tensors(|_, shape| {
            tensor += 1;
            (0..shape.iter().product()).map(|k| uniform(tensor, k as u32, 0, 0, 0) - 0.5).collect()
        });
        levels_of(&draw_cached_scales(&model, &Request::samples(11, 1))).concat()
    });
    assert_eq!(found, expected);
}
