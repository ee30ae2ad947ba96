//! Compressed files: short as the likelihood says, the same images back, and a sentence for what is not as it should be.

use crate::cli::{Folder, fail, save, succeed};
use crate::common::{config, data_trial, enlarging, images, model, random_levels, trial};
use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::codec::STREAMS;
use pixelrnn::data::{DatasetKind, Split, load};
use pixelrnn::image::{Images, level_to_byte};
use pixelrnn::likelihood::{evaluate, score};
use pixelrnn::npy;
use pixelrnn::weights;
use std::fs;
use std::path::Path;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("codec::images_come_back_from_the_program", images_come_back),
        trial("codec::pictures_come_back_as_pictures", pictures_come_back),
        trial("codec::a_picture_that_is_not_the_network_s_is_named", other_pictures_are_named),
        trial("codec::another_model_and_damage_leave_no_output", damage_leaves_no_output),
        data_trial("codec::test_digits_are_as_short_as_they_are_likely", "binarized_mnist", digits_are_short),
        data_trial("codec::test_photographs_are_as_short_as_they_are_likely", "cifar10", photographs_are_short),
    ]
}

/// Bytes of a file beside its streams.
const HEADER_BYTES: usize = 28;

fn npy_of(images: &Images) -> Vec<u8> {
    npy::write_u8(&images.shape(), &images.data)
}

/// Compresses and decompresses with the program; gives the bytes of the file.
fn there_and_back(folder: &Folder, file: &str, images: &Images) -> usize {
    let input = folder.write("in.npy", &npy_of(images));
    let (packed, out) = (folder.arg("packed.prc"), folder.arg("out.npy"));
    let told = succeed(&["compress", "--model", file, &input, "--out", &packed]);
    let bytes = folder.read("packed.prc").len();
    assert!(told.starts_with(&format!("{} images, {bytes} bytes, ", images.count)), "{told}");
    succeed(&["decompress", "--model", file, &packed, "--out", &out]);
    assert!(folder.read("out.npy") == npy_of(images), "other images came back");
    bytes
}

fn images_come_back() {
    let folder = Folder::new();
    for config in [config(1, 2, [6, 5]), config(3, 256, [4, 5]), enlarging(&config(1, 256, [8, 4]), 2)] {
        let file = save(&folder, &model(&config, 5));
        there_and_back(&folder, &file, &images(&config, random_levels(&config, STREAMS + 3, 6)));
    }
    // Through pipes, which have no names.
    let config = config(1, 2, [6, 5]);
    let file = save(&folder, &model(&config, 5));
    let input = folder.write("in.npy", &npy_of(&images(&config, random_levels(&config, 2, 6))));
    let packed = folder.arg("packed.prc");
    succeed(&["compress", "--model", &file, &input, "--out", &packed]);
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_pixelrnn"))
        .args(["decompress", "--model", &file, &packed, "--out", "-"])
        .output()
        .expect("the program starts");
    assert!(run.status.success() && run.stdout == folder.read("in.npy"), "standard output is not the array");
}

/// A PNG picture of pixels.
fn picture(size: [u32; 2], pixel: impl Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbaImage::from_fn(size[0], size[1], |x, y| image::Rgba(pixel(x, y)));
    picture.write_to(&mut bytes, image::ImageFormat::Png).expect("a picture");
    bytes.into_inner()
}

fn pictures_come_back() {
    for config in [config(1, 2, [6, 5]), config(3, 256, [4, 5]), config(1, 4, [4, 4])] {
        let (folder, count) = (Folder::new(), 11);
        let file = save(&folder, &model(&config, 5));
        let all = images(&config, random_levels(&config, count, 6));
        let rgba = |k: usize, x: u32, y: u32| {
            let at = y as usize * config.width + x as usize;
            let value = |channel: usize| all.image(k)[channel * config.height * config.width + at];
            let [red, green, blue] = [0, config.channels / 2, config.channels - 1].map(value);
            [
                level_to_byte(red, config.levels),
                level_to_byte(green, config.levels),
                level_to_byte(blue, config.levels),
                255,
            ]
        };
        let size = [config.width as u32, config.height as u32];
        let inputs: Vec<String> =
            (0..count).map(|k| folder.write(&format!("{k}.png"), &picture(size, |x, y| rgba(k, x, y)))).collect();
        let (packed, out) = (folder.arg("packed.prc"), folder.arg("back"));
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        succeed(&[&["compress", "--model", &file, "--out", &packed], &inputs[..]].concat());
        succeed(&["decompress", "--model", &file, &packed, "--out", &out]);
        let mut names: Vec<_> = fs::read_dir(&out).expect("a folder").map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names.len(), count);
        for (k, name) in names.iter().enumerate() {
            assert_eq!(name.to_str(), Some(format!("{k:02}.png").as_str()));
            let back = image::open(Path::new(&out).join(name)).expect("a picture").to_rgba8();
            assert_eq!(back.dimensions(), (size[0], size[1]));
            assert!(back.enumerate_pixels().all(|(x, y, pixel)| pixel.0 == rgba(k, x, y)), "{config:?}: picture {k}");
        }
        // What is in the folder is somebody's.
        fail(&["decompress", "--model", &file, &packed, "--out", &out], &["back", "not empty"]);
    }
}

fn other_pictures_are_named() {
    let (folder, config) = (Folder::new(), config(1, 2, [6, 5]));
    let file = save(&folder, &model(&config, 5));
    let refused = |name: &str, bytes: &[u8], why: &str| {
        let (input, out) = (folder.write(name, bytes), folder.arg("packed.prc"));
        fail(&["compress", "--model", &file, &input, "--out", &out], &[name, why]);
        assert!(!Path::new(&out).exists(), "{name} left an output");
    };
    refused("wide.png", &picture([6, 5], |_, _| [0, 0, 0, 255]), "6×5 pixels found, 5×6 expected");
    refused(
        "grey.png",
        &picture([5, 6], |x, _| {
            let grey = 100 * (x as u8 / 4);
            [grey, grey, grey, 255]
        }),
        "brightness 100 found at row 0, column 4, one of 2 levels (0, 255) expected",
    );
    refused(
        "red.png",
        &picture([5, 6], |_, y| [255 * (y as u8 / 5), 0, 0, 255]),
        "a coloured pixel found at row 5, column 0",
    );
    refused("clear.png", &picture([5, 6], |_, _| [0, 0, 0, 9]), "a transparent pixel");
    refused("text.png", b"text", "no picture");
    refused("wide.npy", &npy::write_u8(&[1, 1, 5, 6], &[0; 30]), "shape [1, 1, 5, 6] found");
    refused("bright.npy", &npy::write_u8(&[1, 1, 6, 5], &[255; 30]), "level 255 found");
    refused("none.npy", &npy::write_u8(&[0, 1, 6, 5], &[]), "no images found");
}

fn damage_leaves_no_output() {
    let (folder, config) = (Folder::new(), config(1, 256, [6, 5]));
    let file = save(&folder, &model(&config, 5));
    let other = folder.write("other.safetensors", &weights::save(&model(&config, 6), None, None));
    let input = folder.write("in.npy", &npy_of(&images(&config, random_levels(&config, 2, 6))));
    let packed = folder.arg("packed.prc");
    succeed(&["compress", "--model", &file, &input, "--out", &packed]);
    let good = folder.read("packed.prc");
    let refused = |model: &str, bytes: &[u8], why: &str| {
        let (bad, out) = (folder.write("bad.prc", bytes), folder.arg("out.npy"));
        fail(&["decompress", "--model", model, &bad, "--out", &out], &["bad.prc", why]);
        assert!(!Path::new(&out).exists(), "{why}: an output is left");
    };
    refused(&other, &good, "made with the model whose sha256 begins with");
    refused(&file, &good[..good.len() - 1], "damaged or cut short");
    refused(&file, &good[..3], "its first bytes are");
    refused(&file, &[], "an empty file found");
    refused(&file, &folder.read("in.npy"), "an .npy array found");
    refused(&file, b"\x89PNG\r\n", "a PNG picture found");
    // Every byte is tried in the library's own tests; here one of each part.
    for at in [0, 4, 7, 14, 20, 26, 29, good.len() / 2, good.len() - 2] {
        let mut damaged = good.clone();
        damaged[at] ^= 0x10;
        refused(&file, &damaged, "");
    }
    fail(
        &["decompress", "--model", &file, &packed, "--out", &folder.arg("no/out.npy")],
        &["no/out.npy", "no does not exist"],
    );
}

/// Compresses test images with a published network; each image may take its bits and 8 bytes.
fn as_short_as_likely(name: &str, test: &Images) {
    let folder = Folder::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/models").join(format!("{name}.safetensors"));
    let file = path.to_str().expect("UTF-8");
    let model = weights::load(&fs::read(file).expect("a weights file"), &Device::flex()).expect("good weights").model;
    let several = model.nets.len() > 1;
    let bytes = there_and_back(&folder, file, test);
    let per_image: Vec<f64> = if several {
        let nats = evaluate(&model, test, test.count, &Device::flex(), |_| ()).nats_per_image;
        vec![nats; test.count]
    } else {
        let nll = score(&model, test, test.count, &Device::flex(), |_| ());
        nll.chunks(test.image_len()).map(|image| image.iter().map(|&nll| f64::from(nll)).sum()).collect()
    };
    let bits = |nats: f64| nats / std::f64::consts::LN_2;
    let most: f64 = per_image.iter().map(|&nats| (bits(nats) / 8.0).ceil() + 8.0).sum();
    assert!(bytes as f64 <= most, "{name}: {bytes} bytes, at most {most} expected");
    // And no more than the header, the lengths and the last words beside what the likelihood says.
    let total = bits(per_image.iter().sum()) / 8.0;
    let beside = (HEADER_BYTES + 4 + test.count.min(STREAMS) * 7) as f64;
    assert!(bytes as f64 <= total * 1.0005 + beside, "{name}: {bytes} bytes, {total} are its likelihood's");
}

fn digits_are_short(data: &Path) {
    let test = load(DatasetKind::BinarizedMnist, Split::Test, data).expect("the test split");
    let some = test.select((0..100).map(|k| k * 97));
    for name in ["mnist-pixelcnn", "mnist-row", "mnist-diagonal", "mnist-diagonal-1x32", "mnist-multiscale-14-28"] {
        as_short_as_likely(name, &some);
    }
}

fn photographs_are_short(data: &Path) {
    let test = load(DatasetKind::Cifar10, Split::Test, data).expect("the test split");
    as_short_as_likely("cifar10-row", &test.select((0..8).map(|k| k * 1249)));
}
