//! A network flattened for drawing: a list of steps and one weight buffer, masked weights dropped.
//!
//! Drawing looks at one pixel at a time, and inside it at one colour group at a time (§3.4): the features of a group are
//! computed once, as soon as the colours they may see are known. So every convolution becomes one [`Pass`] a group: the
//! runs of features it reads, and its weights for just these, outputs side by side.
//!
//! The gates of a recurrent layer are sums of two such convolutions, of inputs and of states. The right direction
//! of a Diagonal BiLSTM, which feeds the row below, is scanned when a row is done.

use super::upsampling::Upsampling;
use crate::model::{Model, ModelConfig};
use std::ops::Range;
use std::sync::Arc;

/// Outputs are padded with zeros to a multiple of this, the width of the smallest vector register in use.
pub const LANES: usize = 4;

/// Outputs whose weights stand side by side.
pub const PANEL: usize = 16;

/// Inputs summed in a row. A sum is made like this, in every sampler: the bias, plus the sum of the first `SEGMENT` inputs of
/// the first run, each times its weight, plus that of the next ones, and so on to the end of the run (whose last segment may
/// be shorter), then the next run. A segment does not wait for the one before it, so processors overlap them, and a GPU
/// computes them all at once; the result is the same to the last bit wherever products and sums are rounded one by one.
pub const SEGMENT: usize = 16;

/// A place for features: the last `rows` rows of a feature map with `halo` columns of zeros on both sides, or, where
/// later steps look at the current pixel only, that pixel alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Features a pixel.
    pub features: usize,
    /// Rows kept, the current one included; 0 keeps the current pixel only.
    pub rows: usize,
    /// Columns on either side.
    pub halo: usize,
    /// What stands outside the image.
    pub border: Border,
}

/// Features of the pixels around an image.
#[derive(Clone, Debug, PartialEq)]
pub enum Border {
    /// Zeros everywhere.
    Zeros,
    /// These in every pixel of the row above the image, zeros beside it.
    Above(Vec<f32>),
    /// These in every pixel beside the image, zeros above it.
    Beside(Vec<f32>),
}

impl Slot {
    /// A place for one pixel.
    pub(super) fn pixel(features: usize) -> Self {
        Self { features, rows: 0, halo: 0, border: Border::Zeros }
    }

    /// A map that a kernel of this size reads.
    pub(super) fn map(features: usize, kernel: [usize; 2]) -> Self {
        Self { features, rows: kernel[0] / 2 + 1, halo: kernel[1] / 2, border: Border::Zeros }
    }
}

/// A pixel seen from the current one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Rows above the current one.
    pub up: usize,
    /// Columns left of the current one; negative to its right.
    pub left: isize,
}

/// The current pixel.
pub const HERE: Place = Place { up: 0, left: 0 };

/// One step of a pixel.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Convolutions that are added up.
    Sums(Sums),
    /// The LSTM step (Eq. 3) of a group's cells.
    Lstm {
        /// What their gates are made of: for each group its gates o, f, i, g one after another.
        gates: Sums,
        /// Slot of the states h, written.
        h: usize,
        /// Slot of the cells c, read at `before` and written.
        c: usize,
        /// The pixel whose cells are continued.
        before: Place,
    },
    /// Writes the sum of two slots' features, each at its own place, to the current pixel of `to`.
    Add {
        /// Slots read, and where.
        from: [(usize, Place); 2],
        /// Slot written.
        to: usize,
    },
}

impl Step {
    /// The sums made in it.
    pub fn sums(&self) -> Option<&Sums> {
        match self {
            Self::Sums(sums) | Self::Lstm { gates: sums, .. } => Some(sums),
            Self::Add { .. } => None,
        }
    }

    /// The slots it reads, at any place.
    pub fn reads(&self) -> impl Iterator<Item = usize> {
        let of_sums = self.sums().into_iter();
        let of_sums = of_sums.flat_map(|sums| sums.terms.iter().map(|term| term.from).chain(sums.add));
        let others = match *self {
            Self::Sums(_) => [None; 2],
            Self::Lstm { c, .. } => [Some(c), None],
            Self::Add { from, .. } => from.map(|(slot, _)| Some(slot)),
        };
        of_sums.chain(others.into_iter().flatten())
    }

    /// The slots it writes.
    pub fn writes(&self) -> impl Iterator<Item = usize> {
        let (one, others) = match *self {
            Self::Sums(Sums { to, .. }) | Self::Add { to, .. } => (to, None),
            Self::Lstm { ref gates, h, c, .. } => (gates.to, Some([h, c])),
        };
        [one].into_iter().chain(others.into_iter().flatten())
    }
}

/// Sums of weighted features: that of every term, added up in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Sums {
    /// The convolutions.
    pub terms: Vec<Term>,
    /// Features of `to` that are made for each colour group.
    pub outputs: Vec<Range<usize>>,
    /// Slot whose features at the current pixel are added, as many as `to` has.
    pub add: Option<usize>,
    /// Whether what is written is rectified.
    pub relu: bool,
    /// Slot written.
    pub to: usize,
}

/// A convolution in a sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Slot read.
    pub from: usize,
    /// Whether the features read are rectified first.
    pub relu: bool,
    /// The work of each colour group.
    pub passes: Vec<Pass>,
}

/// The part of a convolution that goes into the features of one colour group.
#[derive(Clone, Debug, PartialEq)]
pub struct Pass {
    /// Features read, one contiguous run a kernel row.
    pub runs: Vec<Run>,
    /// Where its part of [`Plan::weights`] starts: for every [`PANEL`] outputs a row of biases, then a row of weights for each
    /// input read. The last rows are as many outputs wide as are left, padded to [`LANES`].
    pub weights: usize,
}

impl Pass {
    /// Values read.
    pub fn inputs(&self) -> usize {
        self.runs.iter().map(|run| run.length).sum()
    }
}

/// A contiguous run of features in one row of a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Where it starts.
    pub from: Place,
    /// Values it spans.
    pub length: usize,
}

/// The network of one scale ready to draw.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The network's configuration.
    pub config: ModelConfig,
    /// Places for features. Slot 0 holds the network's input.
    pub slots: Vec<Slot>,
    /// The steps of one pixel in their order; for each colour in turn, all of them are done.
    pub steps: Vec<Step>,
    /// Scans over a finished row, pixel by pixel from right to left; what they write is read from the row below.
    pub scans: Vec<Vec<Step>>,
    /// Biases and weights of all passes.
    pub weights: Vec<f32>,
    /// Slot the logits end up in, those of a channel side by side.
    pub logits: usize,
    /// Where the image is drawn from a smaller one (§3.6).
    pub conditioning: Option<Conditioning>,
}

/// How the network of a larger scale gets from a small image to what its layers see of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditioning {
    /// Turns it into a map.
    pub upsampling: Upsampling,
    /// Slot the map is put into, whole, before the first pixel.
    pub slot: usize,
}

impl Plan {
    /// The plans of all scales of a model, in the order they draw.
    pub fn of(model: &Model) -> Vec<Arc<Self>> {
        model.scales().map(|(config, net)| Arc::new(Self::new(config, net))).collect()
    }

    /// For each slot, whether the pixels of a row write it, or those of a scan over it.
    pub fn written(&self, scan: Option<usize>) -> Vec<bool> {
        let steps = scan.map_or(&self.steps, |scan| &self.scans[scan]);
        let mut written = vec![false; self.slots.len()];
        steps.iter().flat_map(Step::writes).for_each(|slot| written[slot] = true);
        // The input, by the draws.
        written[0] = scan.is_none();
        written
    }

    /// Most values that a group's sums read rectified.
    pub fn most_rectified(&self) -> usize {
        let steps = self.steps.iter().chain(self.scans.iter().flatten());
        let rectified = steps.filter_map(Step::sums).flat_map(|sums| {
            let read =
                |group: usize| sums.terms.iter().filter(|term| term.relu).map(move |term| term.passes[group].inputs());
            (0..self.config.channels).map(move |group| read(group).sum())
        });
        rectified.max().unwrap_or(0)
    }

    /// Multiplications of weights for one whole image of this scale. No scan follows the last row.
    pub fn multiplications(&self) -> usize {
        let ModelConfig { height, width, .. } = self.config;
        let of_sums = |Sums { terms, outputs, .. }: &Sums| -> usize {
            let passes = terms.iter().flat_map(|term| term.passes.iter().zip(outputs));
            passes.map(|(pass, outputs)| outputs.len() * pass.inputs()).sum()
        };
        let pixel = |steps: &[Step]| steps.iter().filter_map(Step::sums).map(of_sums).sum::<usize>();
        let scans: usize = self.scans.iter().map(|steps| pixel(steps)).sum();
        let before = self.conditioning.as_ref().map_or(0, |conditioning| conditioning.upsampling.multiplications());
        width * (height * pixel(&self.steps) + (height - 1) * scans) + before
    }
}
