use super::*;
use crate::model::Network;
use crate::sample::{Request, model_by_place};

/// A file of a few images of a tiny network.
struct Case {
    plans: Vec<Arc<Plan>>,
    images: Images,
    model: ModelId,
}

impl Case {
    fn new(network: Network, channels: usize, levels: u16, count: usize) -> Self {
        let config = ModelConfig { layers: 2, head: 6, ..ModelConfig::tiny(network, channels, levels, [4, 5]) };
        let plans = Plan::of(&model_by_place(&config));
        let mut sampler = CachedSampler::new(&plans, Request::samples(3, count)).expect("a good request");
        while sampler.next_row() {}
        let images = Images::new([count, channels, 4, 5], levels, sampler.levels()).expect("levels of the network");
        Self { plans, images, model: ModelId::of_file(b"weights") }
    }

    fn compressed(&self) -> Vec<u8> {
        let mut compressor = Compressor::new(&self.plans, self.model, self.images.clone()).expect("good images");
        while !compressor.done() {
            compressor.next_row();
        }
        assert_eq!(compressor.rows_done(), compressor.rows());
        compressor.finish()
    }

    fn decompressed(&self, file: &[u8]) -> Result<Images, CodecError> {
        let mut decompressor = Decompressor::new(&self.plans, self.model, file)?;
        while !decompressor.done() {
            decompressor.next_row();
        }
        decompressor.finish()
    }

    /// −log₂ p of every image.
    fn bits(&self) -> Vec<f64> {
        let request = Request::scoring(self.images.data.clone(), self.images.count, config(&self.plans));
        let mut scorer = CachedSampler::new(&self.plans, request).expect("a good request");
        while scorer.next_row() {}
        scorer.nll_nats().into_iter().map(|nats| f64::from(nats) / std::f64::consts::LN_2).collect()
    }
}

#[test]
fn images_come_back_and_are_as_long_as_they_are_unlikely() {
    for network in Network::ALL {
        for (channels, levels) in [(1, 2), (1, 256), (3, 256), (1, 3)] {
            // One round of lanes, less than one, and more.
            for count in [1, 5, STREAMS, 2 * STREAMS + 9] {
                let case = Case::new(network, channels, levels, count);
                let file = case.compressed();
                assert_eq!(case.decompressed(&file).as_ref(), Ok(&case.images), "{network:?}, {count} images");
                let streams = Container::read(&file).expect("a good file").streams;
                let bits = case.bits();
                for (lane, stream) in streams.iter().enumerate() {
                    let bits: f64 = bits.iter().skip(lane).step_by(STREAMS).sum();
                    // Beside the bits, what it takes to tell a number of the range from all others.
                    assert!(stream.len() as f64 <= (bits / 8.0).ceil() + 1.0, "{} bytes, {bits} bits", stream.len());
                }
                let least = bits.iter().sum::<f64>() / 8.0;
                assert!(file.len() as f64 >= least, "{} bytes are fewer than {least}", file.len());
            }
        }
    }
}

/// Damage to a header, a length, a stream and a checksum.
#[test]
fn every_byte_counts() {
    let case = Case::new(Network::RowLstm, 1, 256, 3);
    let file = case.compressed();
    for at in 0..file.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = file.clone();
            damaged[at] ^= flip;
            let error = case.decompressed(&damaged).expect_err("damage is found");
            match at {
                0..4 => assert!(matches!(error, CodecError::Magic { .. }), "byte {at}: {error}"),
                4 => assert!(matches!(error, CodecError::Version { .. }), "byte {at}: {error}"),
                _ => assert_eq!(error, CodecError::Damaged { bytes: file.len() }, "byte {at}"),
            }
        }
        assert!(case.decompressed(&file[..at]).is_err(), "{at} of {} bytes", file.len());
    }
    assert!(case.decompressed(&[&file[..], &[0]].concat()).is_err(), "a byte too many");
}

/// A file whose checksum is right and whose content is not: made so on purpose, or by a machine that computes otherwise.
#[test]
fn what_no_encoder_wrote_is_told() {
    let case = Case::new(Network::DiagonalBiLstm, 3, 256, 3);
    let good = || Container::read(&case.compressed()).expect("a good file");
    let told = |container: Container, expected: &str| {
        let error = case.decompressed(&container.write()).expect_err("not as it was written").to_string();
        assert!(error.contains(expected), "{error:?} lacks {expected:?}");
    };
    let mut other = good();
    other.streams[1] = vec![0xff; 40];
    told(other, "checksum");
    let mut other = good();
    other.streams[2].clear();
    told(other, "checksum");
    told(Container { model: ModelId::of_file(b"others"), ..good() }, "made with the model whose sha256 begins with");
    told(Container { kind: [1, 4, 5, 2], ..good() }, "5×4 grey pixels of 2 levels found, 5×4 RGB pixels of 256 levels");
    told(Container { count: 4, ..good() }, "damaged");
    told(Container { count: 0, streams: Vec::new(), ..good() }, "0 images found");
    told(Container { count: usize::from(u16::MAX) << 8, ..good() }, "damaged");
}

#[test]
fn only_the_networks_images_are_compressed() {
    let case = Case::new(Network::PixelCnn, 1, 256, 2);
    let refused = |shape: [usize; 4], levels: u16| {
        let images = Images::new(shape, levels, vec![0; shape.iter().product()]).expect("zeros are levels");
        Compressor::new(&case.plans, case.model, images).err().expect("refused").to_string()
    };
    for (shape, levels, found) in [
        ([1, 1, 5, 4], 256, "4×5 grey pixels of 256 levels found, 5×4 grey pixels of 256 levels expected"),
        ([1, 3, 4, 5], 256, "5×4 RGB pixels of 256 levels found"),
        ([1, 1, 4, 5], 2, "5×4 grey pixels of 2 levels found"),
        ([0, 1, 4, 5], 256, "0 images found, 1 to"),
    ] {
        let error = refused(shape, levels);
        assert!(error.contains(found), "{error:?} lacks {found:?}");
    }
}

#[test]
fn a_model_is_named_by_its_sha256() {
    let digits = "0123456789abcdef".repeat(4);
    assert_eq!(ModelId::from_sha256(&digits).expect("a sha256").to_string(), "0123456789abcdef");
    for bad in ["", "0123456789abcdef", &"g".repeat(64), &format!("+{}", "0".repeat(63))] {
        assert!(ModelId::from_sha256(bad).is_err(), "{bad:?}");
    }
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(ModelId::from_sha256(empty), Ok(ModelId::of_file(b"")));
}
