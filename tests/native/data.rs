//! The splits of the data sets hold the right images: their first and last against the records of the files, which are read
//! here byte by byte.
//!
//! Mistakes caught: a border between training and validation that is off by one or in another batch, images in both, labels
//! read as pixels, a test split that depends on the validation split.

use crate::common::{data_trial, trial};
use libtest_mimic::Trial;
use pixelrnn::data::{DatasetKind, Split, Validation, load, load_split};
use pixelrnn::image::Images;
use std::fs::File;
use std::io::Read;
use std::path::Path;

pub fn trials() -> Vec<Trial> {
    vec![
        data_trial("data::splits_of_cifar10_are_these_records", "cifar10", cifar10_splits),
        data_trial("data::splits_of_mnist_are_these_records", "mnist", mnist_splits),
        trial("data::a_split_that_a_set_does_not_have_is_refused", other_splits_are_refused),
    ]
}

/// The bytes of a file, or of the compressed one beside it.
fn bytes(dir: &Path, name: &str, extension: &str) -> Vec<u8> {
    let (plain, packed) = (dir.join(name), dir.join(format!("{name}.{extension}")));
    let mut bytes = Vec::new();
    let open = |path: &Path| File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let read = match extension {
        _ if plain.is_file() => open(&plain).read_to_end(&mut bytes),
        "gz" => flate2::read::GzDecoder::new(open(&packed)).read_to_end(&mut bytes),
        _ => lzma_rust2::XzReader::new(open(&packed), false).read_to_end(&mut bytes),
    };
    read.unwrap_or_else(|error| panic!("{name}: {error}"));
    bytes
}

/// Asserts how many images there are and what stands at some places.
fn check(what: &str, images: &Images, count: usize, records: &[(usize, &[u8])]) {
    assert_eq!((images.count, images.data.len()), (count, count * images.image_len()), "{what}");
    for (k, record) in records {
        assert!(images.image(*k) == *record, "{what}: image {k} of {count} is another one");
    }
}

fn cifar10_splits(data: &Path) {
    // A label, then the three planes.
    let batch = |name: &str| bytes(&data.join("cifar10"), name, "xz");
    let [first, fourth, fifth, test] =
        ["data_batch_1.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"].map(batch);
    let record = |batch: &[u8], k: usize| batch[k * 3073 + 1..(k + 1) * 3073].to_vec();
    let load = |split, validation| {
        let images = load_split(DatasetKind::Cifar10, split, validation, data).expect("the split");
        assert_eq!(images.shape()[1..], [3, 32, 32]);
        images
    };
    let usual = DatasetKind::Cifar10.validation();
    assert_eq!(usual, Validation::Last(5_000));

    let ends = [(0, &*record(&first, 0)), (9_999, &record(&first, 9_999)), (44_999, &record(&fifth, 4_999))];
    check("train, last-5000", &load(Split::Train, usual), 45_000, &ends);
    let ends = [(0, &*record(&fifth, 5_000)), (4_999, &record(&fifth, 9_999))];
    check("valid, last-5000", &load(Split::Valid, usual), 5_000, &ends);
    // A border in another batch, and one between two.
    let ends = [(0, &*record(&fourth, 4_000)), (6_000, &record(&fifth, 0)), (15_999, &record(&fifth, 9_999))];
    check("valid, last-16000", &load(Split::Valid, Validation::Last(16_000)), 16_000, &ends);
    let ends = [(0, &*record(&first, 0)), (33_999, &record(&fourth, 3_999))];
    check("train, last-16000", &load(Split::Train, Validation::Last(16_000)), 34_000, &ends);
    let ends = [(0, &*record(&fifth, 0)), (9_999, &record(&fifth, 9_999))];
    check("valid, last-10000", &load(Split::Valid, Validation::Last(10_000)), 10_000, &ends);
    let ends = [(0, &*record(&test, 0)), (9_999, &record(&test, 9_999))];
    check("test", &load(Split::Test, Validation::Last(16_000)), 10_000, &ends);
}

fn mnist_splits(data: &Path) {
    let file = |name: &str| bytes(&data.join("mnist"), name, "gz");
    let [train, test] = ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte"].map(file);
    // Four numbers of four bytes come first.
    let record = |file: &[u8], k: usize| file[16 + k * 784..16 + (k + 1) * 784].to_vec();
    let split = |split, validation| load_split(DatasetKind::Mnist, split, validation, data).expect("the split");
    let usual = DatasetKind::Mnist.validation();
    assert_eq!(usual, Validation::Last(10_000));
    assert_eq!((train.len(), test.len()), (16 + 60_000 * 784, 16 + 10_000 * 784));

    for (held_out, validation) in [(10_000, usual), (5_000, Validation::Last(5_000))] {
        let border = 60_000 - held_out;
        let ends = [(0, &*record(&train, 0)), (border - 1, &record(&train, border - 1))];
        check(&format!("train, last-{held_out}"), &split(Split::Train, validation), border, &ends);
        let ends = [(0, &*record(&train, border)), (held_out - 1, &record(&train, 59_999))];
        check(&format!("valid, last-{held_out}"), &split(Split::Valid, validation), held_out, &ends);
        let ends = [(0, &*record(&test, 0)), (9_999, &record(&test, 9_999))];
        check(&format!("test, last-{held_out}"), &split(Split::Test, validation), 10_000, &ends);
    }
    // Where none is named it is the usual one.
    let found = load(DatasetKind::Mnist, Split::Valid, data).expect("the split");
    assert!(found == split(Split::Valid, usual), "the split of no name is the usual one");
}

fn other_splits_are_refused() {
    for (kind, validation, allowed) in [
        (DatasetKind::Mnist, Validation::Own, false),
        (DatasetKind::Mnist, Validation::Last(0), false),
        (DatasetKind::Mnist, Validation::Last(59_999), true),
        (DatasetKind::Mnist, Validation::Last(60_000), false),
        (DatasetKind::Cifar10, Validation::Last(50_000), false),
        (DatasetKind::Cifar10, Validation::Last(49_999), true),
        (DatasetKind::Cifar10, Validation::Last(usize::MAX), false),
        (DatasetKind::BinarizedMnist, Validation::Own, true),
        (DatasetKind::BinarizedMnist, Validation::Last(10_000), false),
    ] {
        assert_eq!(kind.allows(validation), allowed, "{kind}, {validation}");
    }
}
