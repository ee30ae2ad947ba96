//! Where the originals of each data set are, and the hashes they are known by.

use super::fetch::Remote;
use super::{Member, Packing, Source};
use crate::data::DatasetKind;

/// The files to download for a data set.
pub fn sources(kind: DatasetKind) -> Vec<Source> {
    match kind {
        DatasetKind::Mnist => mnist(),
        DatasetKind::BinarizedMnist => binarized_mnist(),
        DatasetKind::Cifar10 => cifar10(),
    }
}

/// The four archives of Y. LeCun, C. Cortes and C. J. C. Burges.
fn mnist() -> Vec<Source> {
    let folders = [
        "https://storage.googleapis.com/cvdf-datasets/mnist",
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://azureopendatastorage.blob.core.windows.net/mnist",
    ];
    let files = [
        (
            "train-images-idx3-ubyte",
            (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            (47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        ),
        (
            "train-labels-idx1-ubyte",
            (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            (60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        ),
        (
            "t10k-images-idx3-ubyte",
            (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            (7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        ),
        (
            "t10k-labels-idx1-ubyte",
            (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
            (10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        ),
    ];
    let source = |(name, archive, content)| {
        let packed = format!("{name}.gz");
        Source {
            remote: remote(&packed, &folders, archive),
            packing: Packing::Kept,
            members: vec![member(name, content)],
        }
    };
    files.map(source).into()
}

/// The text files of H. Larochelle, one image a line, kept bit-packed.
fn binarized_mnist() -> Vec<Source> {
    let folders = [
        "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist",
        "https://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist",
        "https://raw.githubusercontent.com/mingzhang-yin/ARM-gradient/bac893cfcec486bbd00b755b12cf8402053b0e84",
    ];
    let files = [
        ("train", (78_400_000, "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d")),
        ("valid", (15_680_000, "1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2")),
        ("test", (15_680_000, "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c")),
    ];
    let source = |(split, text)| Source {
        remote: remote(&format!("binarized_mnist_{split}.amat"), &folders, text),
        packing: Packing::Amat,
        // The member is known by the text it stands for, whichever way its bits are laid out.
        members: vec![member(&format!("binarized_mnist_{split}.packed.npy"), text)],
    };
    files.map(source).into()
}

/// The binary version by A. Krizhevsky.
fn cifar10() -> Vec<Source> {
    let folders =
        ["https://www.cs.toronto.edu/~kriz", "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10"];
    let archive = (170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd");
    let members = [
        ("data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
        ("data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
        ("data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
        ("data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
        ("data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
        ("test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
    ];
    let members = members.map(|(name, sha256)| member(name, (30_730_000, sha256))).into();
    vec![Source { remote: remote("cifar-10-binary.tar.gz", &folders, archive), packing: Packing::TarGz, members }]
}

fn remote(name: &str, folders: &[&str], (bytes, sha256): (u64, &str)) -> Remote {
    let urls = folders.iter().map(|folder| format!("{folder}/{name}")).collect();
    Remote { name: name.into(), urls, bytes, sha256: sha256.into() }
}

fn member(name: &str, (bytes, sha256): (u64, &str)) -> Member {
    Member { name: name.into(), bytes, sha256: sha256.into() }
}
