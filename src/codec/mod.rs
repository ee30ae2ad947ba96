//! Images as few bytes, and the same images again.
//!
//! A model factorises the probability of an image into one distribution a value, each given the values before it (Eq. 1),
//! p(x) = ∏ p(xᵢ | x₁, …, xᵢ₋₁). A range coder that is given these distributions writes an image in −log₂ p(x) bits and a few more:
//! what `eval` measures is the length of the file. To read it, the decoder needs p(xᵢ | x₁, …, xᵢ₋₁) before it knows xᵢ, and it
//! knows what comes before: so reading is drawing, with the file in place of the uniform numbers, and costs the same. Writing is
//! scoring. Both are done by the cached sampler, several images at once.
//!
//! A decoder that computes one probability in its last bit differently than the encoder did reads another level there, and
//! nothing but noise after that. So lossless codecs made of networks break between one machine and another, where sums are made
//! in another order, products and sums are fused, or exponentials are another library's. Here sums are made in one order
//! everywhere and exponentials are the project's own, so that probabilities are equal bit for bit, natively and in the browser,
//! one image at a time or many; and frequencies are made from them in one way. A checksum of the images
//! shows that it was so.
//!
//! Units: streams and files in bytes; −ln p of an image is in nats, 8·ln 2 of which are a byte.

mod container;
mod error;
mod frequencies;
mod lane;

pub use container::{ModelId, STREAMS};
pub use error::CodecError;

use crate::image::Images;
use crate::model::ModelConfig;
use crate::sample::{CachedSampler, Decider, Plan};
use container::{Container, check_images, checksum};
use lane::Lane;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// Images coded side by side: with threads all lanes; alone, few enough that others have their turn between rows.
const TOGETHER: usize = if cfg!(feature = "native") { STREAMS } else { 8 };

/// The images of a file, a few at a time.
struct Work {
    plans: Vec<Arc<Plan>>,
    lanes: Vec<Arc<Mutex<Lane>>>,
    count: usize,
    /// The images under way.
    images: Range<usize>,
    sampler: Option<CachedSampler>,
    /// Of all images, at every scale.
    rows: usize,
    rows_done: usize,
}

impl Work {
    fn new(plans: &[Arc<Plan>], lanes: impl Iterator<Item = Lane>, count: usize) -> Self {
        let lanes = lanes.map(|lane| Arc::new(Mutex::new(lane))).collect();
        let rows = count * plans.iter().map(|plan| plan.config.height).sum::<usize>();
        Self { plans: plans.to_vec(), lanes, count, images: 0..0, sampler: None, rows, rows_done: 0 }
    }

    /// Codes the next row of the images under way, of those `written` where they are; gives the levels of those that are done by that.
    fn next_row(&mut self, written: Option<&Images>) -> Vec<u8> {
        let sampler = self.sampler.get_or_insert_with(|| {
            let first = self.images.end;
            // A lane has one image at a time.
            let round = first / STREAMS * STREAMS + STREAMS;
            self.images = first..self.count.min(round).min(first + TOGETHER);
            let lanes = &self.lanes[first % STREAMS..][..self.images.len()];
            for (lane, image) in lanes.iter().zip(first..) {
                let levels = written.map(|images| config(&self.plans).levels_of_scales(images.image(image)));
                lane.lock().expect("no lane panics").begin(levels.unwrap_or_default());
            }
            let deciders: Vec<Decider> = lanes.iter().map(|lane| lane.clone() as Decider).collect();
            CachedSampler::decided_by(&self.plans, &deciders).expect("a few images")
        });
        sampler.next_row();
        self.rows_done += self.images.len();
        if !sampler.done() {
            return Vec::new();
        }
        let levels = sampler.levels();
        self.sampler = None;
        levels
    }

    fn done(&self) -> bool {
        self.images.end == self.count && self.sampler.is_none()
    }
}

/// Writes images, row by row.
pub struct Compressor {
    work: Work,
    model: ModelId,
    images: Images,
}

impl Compressor {
    /// Before the first row. `plans` are those of the model that `model` names.
    ///
    /// # Errors
    /// When the network draws images of another size or of other levels, or there are no images.
    pub fn new(plans: &[Arc<Plan>], model: ModelId, images: Images) -> Result<Self, CodecError> {
        check_images(images.count, kind(&images), config(plans))?;
        let lanes = (0..images.count.min(STREAMS)).map(|_| Lane::writer());
        Ok(Self { work: Work::new(plans, lanes, images.count), model, images })
    }

    /// Rows of all images, at every scale.
    pub fn rows(&self) -> usize {
        self.work.rows
    }

    /// Those of them that are done.
    pub fn rows_done(&self) -> usize {
        self.work.rows_done
    }

    /// Whether all are.
    pub fn done(&self) -> bool {
        self.work.done()
    }

    /// Writes the next row of a few images.
    ///
    /// # Panics
    /// When every row is done.
    pub fn next_row(&mut self) {
        assert!(!self.done(), "every row is written");
        self.work.next_row(Some(&self.images));
    }

    /// The file.
    ///
    /// # Panics
    /// When not every row is done.
    pub fn finish(self) -> Vec<u8> {
        assert!(self.done(), "{} of {} rows are written", self.rows_done(), self.rows());
        let stream = |lane: &Arc<Mutex<Lane>>| lane.lock().expect("no lane panics").bytes();
        let container = Container {
            model: self.model,
            count: self.images.count,
            kind: kind(&self.images),
            pictures_checksum: checksum(&self.images.data),
            streams: self.work.lanes.iter().map(stream).collect(),
        };
        container.write()
    }
}

/// Reads images, row by row.
pub struct Decompressor {
    work: Work,
    pictures_checksum: u32,
    levels: Vec<u8>,
}

impl Decompressor {
    /// Before the first row. `plans` are those of the model that `model` names.
    ///
    /// # Errors
    /// When the file is another one, damaged, or made with another model.
    pub fn new(plans: &[Arc<Plan>], model: ModelId, file: &[u8]) -> Result<Self, CodecError> {
        let container = Container::read(file)?;
        container.check(model, config(plans))?;
        let Container { count, pictures_checksum, streams, .. } = container;
        let lanes = streams.iter().map(|stream| Lane::reader(stream));
        Ok(Self { work: Work::new(plans, lanes, count), pictures_checksum, levels: Vec::new() })
    }

    /// Rows of all images, at every scale.
    pub fn rows(&self) -> usize {
        self.work.rows
    }

    /// Those of them that are done.
    pub fn rows_done(&self) -> usize {
        self.work.rows_done
    }

    /// Whether all are.
    pub fn done(&self) -> bool {
        self.work.done()
    }

    /// Reads the next row of a few images.
    ///
    /// # Panics
    /// When every row is done.
    pub fn next_row(&mut self) {
        assert!(!self.done(), "every row is read");
        let levels = self.work.next_row(None);
        self.levels.extend(levels);
    }

    /// The images.
    ///
    /// # Errors
    /// When they are not those that were compressed.
    ///
    /// # Panics
    /// When not every row is done.
    pub fn finish(self) -> Result<Images, CodecError> {
        assert!(self.done(), "{} of {} rows are read", self.rows_done(), self.rows());
        if checksum(&self.levels) != self.pictures_checksum {
            return Err(CodecError::Pictures);
        }
        let &ModelConfig { channels, height, width, levels, .. } = config(&self.work.plans);
        Ok(Images { count: self.work.count, channels, height, width, levels, data: self.levels })
    }
}

/// Of the image itself.
fn config(plans: &[Arc<Plan>]) -> &ModelConfig {
    &plans.last().expect("a plan a scale").config
}

fn kind(images: &Images) -> [usize; 4] {
    [images.channels, images.height, images.width, usize::from(images.levels)]
}

#[cfg(all(test, feature = "native"))]
mod tests;
