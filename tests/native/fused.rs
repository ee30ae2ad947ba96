//! The fused sampler against the cached one: the same levels at every position, the same −ln p to rounding. On whatever adapter
//! wgpu finds, software ones included; ignored, with the reason, where there is none.

use crate::cli::{Folder, Run, pixelrnn, save};
use crate::common::{
    assert_close, config, draw_cached_scales, enlarging, enlarging_from, model, random_levels, zero_model,
};
use crate::sampling::{SHARPENINGS, cases};
use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::model::{Model, ModelConfig, Network};
use pixelrnn::sample::{
    Figures, FusedDevice, FusedError, FusedSampler, Given, Plan, Request, Scale, Scored, Sharpening,
};
use pixelrnn::selftest::{self, SelfTestError};

type Body = fn(&FusedDevice);

pub fn trials() -> Vec<Trial> {
    let tests: [(&str, Body); 16] = [
        ("fused::draws_what_cached_draws", fused_is_cached),
        ("fused::sharpened_draws_what_cached_draws", sharpened_is_cached),
        ("fused::given_pixels_stay_and_the_others_are_cached_s", completions_are_cached_s),
        ("fused::scores_are_cached_s", scores_are_cached_s),
        ("fused::every_scale_is_cached_s", scales_are_cached_s),
        ("fused::workgroups_of_all_sizes_are_cached_s", workgroups_are_cached_s),
        ("fused::workgroups_of_real_threads_are_cached_s", hardware_is_cached_s),
        ("fused::shipped_networks_on_real_threads_are_cached_s", shipped_are_cached_s),
        ("fused::several_launches_are_cached_s", launches_are_cached_s),
        ("fused::long_rows_are_cached_s", long_rows_are_cached_s),
        ("fused::wide_layers_are_summed_in_several_operations", wide_layers_are_cached_s),
        ("fused::what_does_not_fit_is_refused", misfits_are_refused),
        ("fused::one_given_up_leaves_others_alone_from_any_row", one_given_up_leaves_others_alone),
        ("fused::the_command_line_draws_what_cached_draws", commands_are_cached_s),
        ("fused::the_start_up_test_passes", |device| selftest::run_fused_here(device).expect("an honest device")),
        ("fused::the_start_up_test_sees_contraction", contraction_is_seen),
    ];
    let device = FusedDevice::open_wgpu();
    let missing = device.as_ref().err().map(FusedError::to_string);
    let device = device.ok();
    let trial = |(name, body): (&str, Body)| {
        let device = device.clone();
        let run = move || {
            body(&device.expect("not ignored"));
            Ok(())
        };
        Trial::test(name, run).with_ignored_flag(missing.is_some()).with_kind(missing.clone().unwrap_or_default())
    };
    tests.into_iter().map(trial).collect()
}

/// Draws with both and compares every scale.
fn assert_same(device: &FusedDevice, model: &Model, request: &Request) {
    let mut fused = FusedSampler::new(device, &Plan::of(model), request.clone()).expect("a good request");
    for (scale, (config, _)) in model.scales().enumerate() {
        for y in 0..config.height {
            assert_eq!((fused.scale(), fused.y(), fused.done()), (scale, y, false));
            assert!(fused.next_row().expect("a working device"));
        }
    }
    assert!(fused.done() && !fused.next_row().expect("a working device"));
    let mut total = vec![0.0; request.count];
    let cached = draw_cached_scales(model, request).into_iter();
    for (scale, ((config, _), (levels, nll_nats))) in model.scales().zip(cached).enumerate() {
        let fused = fused.of_scale(scale);
        let what = format!("{config:?}, seed {}, {:?}", request.seed, request.sharpening);
        let differ = fused.levels().iter().zip(&levels).position(|(found, expected)| found != expected);
        assert!(differ.is_none(), "{what}: levels differ from value {} on", differ.unwrap_or(0));
        let found = fused.nll_nats_of_values().flatten();
        assert!(
            found.map(|nats| nats.to_bits()).eq(nll_nats.iter().map(|nats| nats.to_bits())),
            "{what}: −ln p differs"
        );
        for (total, image) in total.iter_mut().zip(nll_nats.chunks_exact(config.dimensions())) {
            *total += image.iter().sum::<f32>();
        }
    }
    // As many roundings as values, at most some hundreds.
    assert_close("−ln p of images", &fused.nll_nats(), &total, 0.02);
}

fn fused_is_cached(device: &FusedDevice) {
    for (k, config) in cases().into_iter().enumerate() {
        let model = model(&config, 500 + k as u64);
        for (seed, temperature) in [(1, 1.0), (u64::MAX, 0.7)] {
            assert_same(
                device,
                &model,
                &Request { sharpening: Sharpening::at(temperature), first: 5, ..Request::samples(seed, 3) },
            );
        }
    }
}

fn sharpened_is_cached(device: &FusedDevice) {
    let all = Sharpening { top_k: Some(37), top_p: 0.999, ..Sharpening::NONE };
    for (k, network) in Network::ALL.into_iter().enumerate() {
        for (channels, levels) in [(1, 2), (3, 256), (1, 37), (3, 3)] {
            let config = ModelConfig { network, ..config(channels, levels, [5, 6]) };
            for sharpening in SHARPENINGS.into_iter().chain((levels > 36).then_some(all)) {
                let request = Request { sharpening, first: 2, ..Request::samples(90 + k as u64, 3) };
                assert_same(device, &model(&config, 60 + k as u64), &request);
                // All levels alike: of these the lower ones are kept.
                if channels == 1 {
                    assert_same(device, &zero_model(&config), &request);
                }
            }
        }
        let config = enlarging(&ModelConfig { network, ..config(1, 256, [4, 4]) }, 2);
        let request = Request { sharpening: SHARPENINGS[0], small_temperatures: vec![0.5], ..Request::samples(5, 2) };
        assert_same(device, &model(&config, 3), &request);
    }
}

fn completions_are_cached_s(device: &FusedDevice) {
    for network in Network::ALL {
        for (channels, levels) in [(1, 2), (3, 256), (1, 256), (1, 3), (3, 37)] {
            let config = ModelConfig { network, ..config(channels, levels, [6, 5]) };
            let mask: Vec<u8> = (0..3 * 30).map(|k| u8::from(k % 30 > 12 + k / 30 && k % 4 > 0)).collect();
            // Of three images a plane is one of an image, of two one of a channel.
            for count in [3, 2] {
                let given = Given {
                    levels: random_levels(&config, count, 9),
                    mask: mask[..30 * if count == 2 { channels } else { 3 }].to_vec(),
                };
                let request = Request { given: Some(given), ..Request::samples(77, count) };
                assert_same(device, &model(&config, 31), &request);
            }
        }
    }
}

fn scores_are_cached_s(device: &FusedDevice) {
    for network in Network::ALL {
        for (channels, levels) in [(1, 2), (3, 256)] {
            let config = ModelConfig { network, ..config(channels, levels, [5, 7]) };
            let request = Request::scoring(random_levels(&config, 4, 3), 4, &config);
            assert_same(device, &model(&config, 8), &request);
        }
    }
}

fn scales_are_cached_s(device: &FusedDevice) {
    for network in Network::ALL {
        for (channels, levels) in [(1, 2), (3, 256)] {
            let two = enlarging(&ModelConfig { network, ..config(channels, levels, [6, 4]) }, 2);
            let three = enlarging_from(&ModelConfig { network, ..config(channels, levels, [12, 8]) }, two.clone());
            for config in [two, three] {
                assert_same(device, &model(&config, 4), &Request::samples(6, 2));
                let given = Given { levels: random_levels(&config, 1, 2), mask: top_given(&config) };
                let request = Request { given: Some(given), ..Request::samples(6, 2) };
                assert_same(device, &model(&config, 4), &request);
            }
        }
    }
}

/// The upper half given.
fn top_given(config: &ModelConfig) -> Vec<u8> {
    (0..config.height * config.width).map(|k| u8::from(k / config.width >= config.height / 2)).collect()
}

/// Batches that do and do not divide by the images of a workgroup, some with pixels given, others for each image.
fn workgroups_are_cached_s(device: &FusedDevice) {
    for network in Network::ALL {
        for (channels, levels, images, count) in [(1, 2, 3, 17), (3, 256, 4, 17), (1, 256, 1, 3), (3, 37, 3, 16)] {
            let device = &device.clone().grouping(images);
            let config = ModelConfig { network, ..config(channels, levels, [3, 4]) };
            assert_same(device, &model(&config, 6), &Request::samples(3, count));
            let mask = (0..count * 12).map(|k| u8::from(k % 5 > 1)).collect();
            let given = Given { levels: random_levels(&config, count, 4), mask };
            // Leaving levels out makes a kernel of its own, and compiling those takes most of the time.
            let top_k = (levels == 37).then_some(2);
            let sharpening = Sharpening { top_k, ..Sharpening::NONE };
            let request = Request { given: Some(given), sharpening, ..Request::samples(9, count) };
            assert_same(device, &model(&config, 6), &request);
        }
        let two = enlarging(&ModelConfig { network, ..config(3, 256, [4, 6]) }, 2);
        assert_same(&device.clone().grouping(2), &model(&two, 4), &Request::samples(6, 5));
    }
}

/// The workgroups of real GPUs, on whatever there is.
fn hardware_is_cached_s(device: &FusedDevice) {
    let device = device.clone().as_hardware();
    for network in Network::ALL {
        for (channels, levels, images, count) in [(1, 2, 2, 3), (3, 256, 4, 5)] {
            let config = ModelConfig { network, ..config(channels, levels, [4, 4]) };
            let request =
                Request { sharpening: Sharpening { top_p: 0.97, ..Sharpening::at(0.9) }, ..Request::samples(3, count) };
            assert_same(&device.clone().grouping(images), &model(&config, 6), &request);
            // What comes from the small image is known ahead of a row too.
            assert_same(&device.clone().grouping(images), &model(&enlarging(&config, 2), 6), &request);
        }
    }
    // In parts of rows, and sums that there is no room for at once.
    for network in Network::ALL {
        let config = ModelConfig { network, layers: 1, h: 200, head: 20, ..config(1, 2, [3, 9]) };
        assert_same(&device.clone().grouping(0), &model(&config, 12), &Request::samples(2, 1));
    }
}

/// Of their own sizes: with all that pixels look at in workgroup memory, where a barrier for storage is none, and with more images than
/// it has room for.
fn shipped_are_cached_s(device: &FusedDevice) {
    let device = device.clone().as_hardware();
    for (file, images, near) in [
        ("mnist-pixelcnn", 0, true),
        ("mnist-row", 3, true),
        ("mnist-diagonal", 2, true),
        ("mnist-diagonal", 4, true),
        ("cifar10-pixelcnn", 0, false),
    ] {
        let bytes = std::fs::read(format!("{}/www/models/{file}.safetensors", env!("CARGO_MANIFEST_DIR")));
        let model = pixelrnn::weights::load(&bytes.expect("a shipped network"), &Device::flex()).expect("good").model;
        let device = device.clone().grouping(images);
        let figures = Figures::on(&device, &Plan::of(&model)[0], 1);
        assert_eq!(figures.storage_barriers_per_pixel == 0, near, "{file}: {figures:?}");
        assert_same(&device, &model, &Request::samples(5, 1 << images));
    }
}

/// More images than there is room for at once.
fn launches_are_cached_s(device: &FusedDevice) {
    for network in Network::ALL {
        let config = ModelConfig { network, ..config(3, 256, [4, 6]) };
        for config in [config.clone(), enlarging(&config, 2)] {
            let model = model(&config, 14);
            let most = Plan::of(&model).iter().map(|plan| Figures::new(plan, 1).bytes_per_image).max();
            let least = Plan::of(&model).iter().map(|plan| size_of::<f32>() * plan.weights.len()).max();
            // Four images at once, or as many as the weights take the room of.
            let device =
                device.clone().with_bytes((5 * most.expect("a scale")).max(least.expect("a scale"))).grouping(1);
            let given = Given { levels: random_levels(&config, 1, 2), mask: top_given(&config) };
            let request = Request { given: Some(given), ..Request::samples(6, 23) };
            assert_same(&device, &model, &request);
        }
    }
}

/// Rows that take more rounds of loops than Mesa's software Vulkan grants a launch.
fn long_rows_are_cached_s(device: &FusedDevice) {
    let config = ModelConfig { layers: 7, h: 16, head: 32, ..config(1, 2, [2, 28]) };
    assert_same(&device.clone().grouping(4), &model(&config, 12), &Request::samples(2, 16));
}

fn wide_layers_are_cached_s(device: &FusedDevice) {
    for network in Network::ALL {
        for (channels, levels, h) in [(1, 2, 100), (3, 256, 130)] {
            let config = ModelConfig { network, layers: 1, h, head: 150, ..config(channels, levels, [3, 4]) };
            assert_same(device, &model(&config, 12), &Request::samples(2, 2));
        }
    }
    // Too many outputs for sums that are made in two operations.
    let config = ModelConfig { network: Network::RowLstm, h: 400, layers: 1, ..config(1, 2, [3, 3]) };
    assert_same(&device.clone().as_hardware().grouping(0), &model(&config, 12), &Request::samples(2, 1));
}

fn misfits_are_refused(device: &FusedDevice) {
    let refused = |device: &FusedDevice, request: Request| {
        let plans = Plan::of(&model(&config(1, 2, [3, 3]), 1));
        FusedSampler::new(device, &plans, request).err().expect("an error").to_string()
    };
    assert!(refused(device, Request::samples(1, 0)).contains("count: found 0"));
    let message = refused(&device.clone().with_bytes(1000), Request::samples(1, 1));
    assert!(message.contains("more than the 1000 of a buffer"), "{message}");
    if device.software() {
        let wide = ModelConfig { network: Network::RowLstm, h: 400, ..config(1, 2, [3, 3]) };
        let refused =
            FusedSampler::new(&device.clone().grouping(0), &Plan::of(&model(&wide, 1)), Request::samples(1, 1));
        assert!(matches!(refused, Err(FusedError::TooLong { .. })));
    }
}

/// Rows on their way when a sampler is given up are those of nobody else.
fn one_given_up_leaves_others_alone(device: &FusedDevice) {
    let model = model(&config(3, 256, [6, 5]), 15);
    let request = Request { first: 8, ..Request::samples(21, 3) };
    for _ in 0..3 {
        let mut given_up = FusedSampler::new(device, &Plan::of(&model), request.clone()).expect("a good request");
        given_up.next_row().expect("a working device");
        drop(given_up);
        assert_same(device, &model, &request);
    }
}

/// A kernel whose products and sums are rounded once, as drivers may do that are not kept from it.
fn contraction_is_seen(device: &FusedDevice) {
    let fault = selftest::run_fused_here(&device.clone().contracting()).expect_err("it rounds otherwise");
    assert!(matches!(fault, SelfTestError::Nll { .. } | SelfTestError::Levels { .. }), "{fault}");
}

fn commands_are_cached_s(device: &FusedDevice) {
    let (config, folder) = (config(3, 256, [5, 4]), Folder::new());
    let file = save(&folder, &model(&config, 2));
    let drawn = ["cached", "fused"].map(|sampler| {
        let out = folder.arg(&format!("{sampler}.npy"));
        let args = ["sample", "--model", &file, "--seed", "7", "--count", "3", "--sampler", sampler, "--out", &out];
        let Run { code, stdout, stderr } = pixelrnn(&args);
        // Libraries under wgpu may complain of what they tried and did not find.
        assert_eq!(code, Some(0), "{stderr}");
        assert_eq!(stdout.contains(device.name()), sampler == "fused", "{stdout}");
        folder.read(&format!("{sampler}.npy"))
    });
    assert_eq!(drawn[0], drawn[1]);
}
