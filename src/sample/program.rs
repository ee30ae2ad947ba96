//! A plan with its places worked out for one row: what is left to do at a pixel is `start + x · column`.

use super::layout::At;
use super::plan::{HERE, Pass, Place, Plan, Step, Store};
use crate::nn::gates::GATES;
use crate::nn::mask::features_of;

/// The work of one row.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The operations of a pixel, colour after colour.
    pub channels: Vec<Vec<Op>>,
    /// Those of each scan from right to left over the finished row, all colours of a pixel one after another.
    pub scans: Vec<Vec<Op>>,
    /// What the convolutions read, each from its [`Conv::first_read`] on.
    pub reads: Vec<Read>,
    /// The logits of each colour.
    pub logits: Vec<At>,
    /// The network's input.
    pub input: Option<At>,
}

/// One operation of a pixel.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    /// A pass of a convolution.
    Conv(Conv),
    /// `to[k] = from[0][k] + from[1][k]`.
    Sum {
        /// Added.
        from: [At; 2],
        /// Written.
        to: At,
        /// Features.
        count: usize,
    },
    /// The LSTM step of some cells.
    Cell {
        /// Their sums: gate o of all of them, then f, i and g.
        from: At,
        /// Their cells before.
        before: At,
        /// Their states, written.
        h: At,
        /// Their cells, written.
        c: At,
        /// Cells.
        count: usize,
    },
}

/// A pass of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Conv {
    /// Its first read and how many there are.
    pub first_read: usize,
    /// Reads.
    pub reads: usize,
    /// Values in all of them.
    pub inputs: usize,
    /// Whether what is read is rectified.
    pub relu: bool,
    /// Where its weights start, see [`Pass::weights`].
    pub weights: usize,
    /// Outputs.
    pub features: usize,
    /// Where they go.
    pub to: At,
    /// What becomes of the sums.
    pub keep: Keep,
}

/// [`Store`] with its place.
#[derive(Clone, Copy, Debug)]
pub enum Keep {
    /// The sum.
    Sum,
    /// The rectified sum.
    Rectified,
    /// The sum and what stands here.
    With(At),
}

/// A contiguous run of features.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    /// Where it starts.
    pub at: At,
    /// Values.
    pub length: usize,
}

impl Program {
    /// The work of a row, in which `at` gives the place of a slot's features. What an earlier row left in `self` is overwritten.
    pub fn set_row(&mut self, plan: &Plan, at: impl Fn(usize, Place) -> At) {
        let at = &at;
        let channels = plan.config.channels;
        self.reads.clear();
        self.channels.resize(channels, Vec::new());
        self.scans.resize(plan.scans.len(), Vec::new());
        for channel in 0..channels {
            let mut ops = std::mem::take(&mut self.channels[channel]);
            ops.clear();
            ops.extend(plan.steps.iter().map(|step| self.op(plan, at, step, channel)));
            self.channels[channel] = ops;
        }
        for (k, scan) in plan.scans.iter().enumerate() {
            let mut ops = std::mem::take(&mut self.scans[k]);
            ops.clear();
            let steps = (0..channels).flat_map(|group| scan.iter().map(move |step| (group, step)));
            ops.extend(steps.map(|(group, step)| self.op(plan, at, step, group)));
            self.scans[k] = ops;
        }
        let logits = at(plan.logits, HERE);
        self.logits.clear();
        self.logits.extend((0..channels).map(|channel| logits.feature(channel * plan.config.logits())));
        self.input = Some(at(0, HERE));
    }

    fn op(&mut self, plan: &Plan, at: &impl Fn(usize, Place) -> At, step: &Step, group: usize) -> Op {
        let units = |slot: usize| features_of(group, plan.slots[slot].features, plan.config.channels);
        match *step {
            Step::Conv { from, to, relu, store, ref passes } => {
                let Pass { ref runs, first, features, weights } = passes[group];
                let first_read = self.reads.len();
                let reads = runs.iter().map(|run| Read { at: at(from, run.from), length: run.length });
                self.reads.extend(reads);
                let keep = match store {
                    Store::Set => Keep::Sum,
                    Store::SetRelu => Keep::Rectified,
                    Store::AddTo { base } => Keep::With(at(base, HERE).feature(first)),
                };
                let to = at(to, HERE).feature(first);
                let (reads, inputs) = (runs.len(), passes[group].inputs());
                Op::Conv(Conv { first_read, reads, inputs, relu, weights, features, to, keep })
            }
            Step::Sum { terms, to } => {
                let units = units(to);
                let from = terms.map(|(slot, place)| at(slot, place).feature(units.start));
                Op::Sum { from, to: at(to, HERE).feature(units.start), count: units.len() }
            }
            Step::Cell { from, h, c, before } => {
                let units = units(h);
                Op::Cell {
                    from: at(from, HERE).feature(GATES * units.start),
                    before: at(c, before).feature(units.start),
                    h: at(h, HERE).feature(units.start),
                    c: at(c, HERE).feature(units.start),
                    count: units.len(),
                }
            }
        }
    }
}
