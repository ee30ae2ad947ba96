//! Values given one by one: everything up to some value given, everything after it drawn, which is "what if".
//!
//! Mistakes caught: a colour of a pixel that is given or drawn with the others, uniform numbers that are used up by what is
//! given, planes of three images taken for planes of three channels.

use crate::cli::{Folder, save, succeed};
use crate::common::{Place, bits, config, draw_cached, draw_naive, model, random_levels, trial};
use crate::sampling::cases;
use libtest_mimic::Trial;
use pixelrnn::model::ModelConfig;
use pixelrnn::npy;
use pixelrnn::sample::{Given, Request, Sharpening};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("forks::with_the_value_that_was_drawn_they_are_the_image", same_value_same_image),
        trial("forks::with_another_value_all_before_it_stays", another_value_keeps_what_is_before),
        trial("forks::planes_are_of_images_or_channels_or_both", planes_are_told_apart),
        trial("forks::the_command_line_has_them_too", command_line_forks),
    ]
}

/// The mask under which everything up to `last` is given, a plane a channel.
fn up_to(config: &ModelConfig, last: Place) -> Vec<u8> {
    let rank = |place: &Place| (place.y, place.x, place.channel);
    Place::all(config).iter().map(|place| u8::from(rank(place) > rank(&last))).collect()
}

/// Some values of an image: the first, the last, and others of all channels.
fn some_places(config: &ModelConfig) -> impl Iterator<Item = Place> {
    let places = Place::all(config);
    let last = places.len() - 1;
    (0..=last).step_by(7).chain([last]).map(move |k| places[k])
}

/// A level so many levels further, around the end.
fn moved(config: &ModelConfig, level: u8, by: u8) -> u8 {
    ((u16::from(level) + u16::from(by)) % config.levels) as u8
}

fn same_value_same_image() {
    for (k, config) in cases().into_iter().enumerate() {
        let model = model(&config, 700 + k as u64);
        // Of two images each has its own mask, of one it is for all.
        for count in [1, 2] {
            let request = Request { first: 4, sharpening: Sharpening::at(0.9), ..Request::samples(5, count) };
            let (drawn, nll_nats) = draw_cached(&model, &request);
            for place in some_places(&config) {
                let mask = up_to(&config, place).repeat(count);
                // What is drawn again is not what it was given as.
                let forgotten = |(&level, &drawn): (&u8, &u8)| moved(&config, level, drawn);
                let levels = drawn.iter().zip(&mask).map(forgotten).collect();
                let request = Request { given: Some(Given { levels, mask }), ..request.clone() };
                let (found, found_nll) = draw_cached(&model, &request);
                assert_eq!(found, drawn, "{config:?}: forked at {place:?}");
                assert_eq!(bits(&found_nll), bits(&nll_nats), "{config:?}: forked at {place:?}");
                if k % 3 == 0 {
                    assert_eq!(draw_naive(&model, &request), drawn, "{config:?}: forked at {place:?} by full passes");
                }
            }
        }
    }
}

fn another_value_keeps_what_is_before() {
    let mut changed = 0;
    for (k, config) in cases().into_iter().enumerate() {
        let model = model(&config, 800 + k as u64);
        let request = Request::samples(6, 2);
        let drawn = draw_cached(&model, &request).0;
        for place in some_places(&config) {
            let (mask, mut levels) = (up_to(&config, place), drawn[..config.dimensions()].to_vec());
            let value = (place.channel * config.height + place.y) * config.width + place.x;
            levels[value] = moved(&config, levels[value], (config.levels / 2) as u8);
            let given = Given { levels: levels.clone(), mask: mask.clone() };
            // One image and one mask for both images of the request.
            let request = Request { given: Some(given), ..request.clone() };
            let found = draw_cached(&model, &request).0;
            for image in found.chunks_exact(config.dimensions()) {
                for (at, place) in Place::all(&config).into_iter().enumerate().filter(|&(at, _)| mask[at] == 0) {
                    assert_eq!(image[at], levels[at], "{config:?}: {place:?} was given");
                }
            }
            changed += usize::from((0..mask.len()).any(|at| mask[at] == 1 && found[at] != drawn[at]));
            if k % 3 == 0 {
                assert_eq!(found, draw_naive(&model, &request), "{config:?}: forked at {place:?} by full passes");
            }
        }
    }
    assert!(changed > 0, "no fork changed anything");
}

fn planes_are_told_apart() {
    let config = config(3, 256, [4, 5]);
    let (model, pixels) = (model(&config, 9), 20);
    let masks: Vec<Vec<u8>> =
        (0..9).map(|k| (0..pixels).map(|pixel| u8::from((pixel * (k + 2) + k) % 5 < 2)).collect()).collect();
    let draw = |count: usize, planes: &[&[u8]]| {
        let given = Given { levels: random_levels(&config, 1, 3), mask: planes.concat() };
        let request = Request { given: Some(given), ..Request::samples(2, count) };
        let cached = draw_cached(&model, &request).0;
        assert_eq!(cached, draw_naive(&model, &request), "{count} images, {} planes", planes.len());
        cached
    };
    let [a, b, c] = [0, 1, 2].map(|k| masks[k].as_slice());
    // One plane for all is that plane for every channel of every image.
    for count in 1..5 {
        assert_eq!(draw(count, &[a]), draw(count, &[a].repeat(3 * count)), "{count} images");
    }
    // Three planes are those of the channels of all images, but of three images they are one each.
    assert_eq!(draw(2, &[a, b, c]), draw(2, &[a, b, c, a, b, c]));
    assert_eq!(draw(1, &[a, b, c]), draw(2, &[a, b, c])[..60]);
    assert_eq!(draw(3, &[a, b, c]), draw(3, &[a, a, a, b, b, b, c, c, c]));
    assert_ne!(draw(3, &[a, b, c])[..60], draw(2, &[a, b, c])[..60]);
}

fn command_line_forks() {
    let config = config(3, 256, [4, 3]);
    let (folder, model) = (Folder::new(), model(&config, 3));
    let (file, levels) = (save(&folder, &model), random_levels(&config, 2, 4));
    let input = folder.write("in.npy", &npy::write_u8(&[2, 3, 4, 3], &levels));
    let [one, other] = [1, 2]
        .map(|channel| up_to(&config, Place { channel, y: 1, x: 2 }))
        .map(|mask| npy::write_u8(&[3, 4, 3], &mask));
    let both =
        npy::write_u8(&[2, 3, 4, 3], &[1, 2].map(|channel| up_to(&config, Place { channel, y: 1, x: 2 })).concat());
    let complete = |mask: &[u8], count: &str| -> Vec<u8> {
        let (mask, out) = (folder.write("mask.npy", mask), folder.arg("out.npy"));
        let args = ["--seed", "5", "--count", count, "--out", &out];
        succeed(&[&["complete", "--model", &file, "--images", &input, "--mask", &mask][..], &args].concat());
        npy::read_u8(&folder.read("out.npy")).expect("levels").data
    };
    // Six images with the mask of all, two with a mask each.
    let first = complete(&one, "3");
    for (k, image) in first.chunks_exact(36).enumerate() {
        for (at, drawn) in up_to(&config, Place { channel: 1, y: 1, x: 2 }).into_iter().enumerate() {
            assert!(drawn == 1 || image[at] == levels[k / 3 * 36 + at], "image {k}, value {at} was given");
        }
    }
    let (first, second, both) = (complete(&one, "1"), complete(&other, "1"), complete(&both, "1"));
    assert_eq!(both, [&first[..36], &second[36..]].concat());
    assert_ne!(first, second);
}
