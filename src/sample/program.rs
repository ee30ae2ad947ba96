//! A plan with its places worked out for one row: what is left to do at a pixel is `start + x · column`.

use super::layout::{At, Layout};
use super::plan::{HERE, Pass, Plan, Step, Store};
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
    /// The work of row `y`. What an earlier row left in `self` is overwritten.
    pub fn set_row(&mut self, plan: &Plan, layout: &Layout, y: usize) {
        let channels = plan.config.channels;
        self.reads.clear();
        self.channels.resize(channels, Vec::new());
        self.scans.resize(plan.scans.len(), Vec::new());
        for channel in 0..channels {
            let mut ops = std::mem::take(&mut self.channels[channel]);
            ops.clear();
            ops.extend(plan.steps.iter().map(|step| self.op(plan, layout, step, channel, y)));
            self.channels[channel] = ops;
        }
        for (k, scan) in plan.scans.iter().enumerate() {
            let mut ops = std::mem::take(&mut self.scans[k]);
            ops.clear();
            let steps = (0..channels).flat_map(|group| scan.iter().map(move |step| (group, step)));
            ops.extend(steps.map(|(group, step)| self.op(plan, layout, step, group, y)));
            self.scans[k] = ops;
        }
        let logits = layout.at(plan.logits, HERE, y);
        self.logits.clear();
        self.logits.extend((0..channels).map(|channel| logits.feature(channel * plan.config.logits())));
        self.input = Some(layout.at(0, HERE, y));
    }

    fn op(&mut self, plan: &Plan, layout: &Layout, step: &Step, group: usize, y: usize) -> Op {
        let units = |slot: usize| features_of(group, plan.slots[slot].features, plan.config.channels);
        match *step {
            Step::Conv { from, to, relu, store, ref passes } => {
                let Pass { ref runs, first, features, weights } = passes[group];
                let first_read = self.reads.len();
                let reads = runs.iter().map(|run| Read { at: layout.at(from, run.from, y), length: run.length });
                self.reads.extend(reads);
                let keep = match store {
                    Store::Set => Keep::Sum,
                    Store::SetRelu => Keep::Rectified,
                    Store::AddTo { base } => Keep::With(layout.at(base, HERE, y).feature(first)),
                };
                let to = layout.at(to, HERE, y).feature(first);
                let (reads, inputs) = (runs.len(), passes[group].inputs());
                Op::Conv(Conv { first_read, reads, inputs, relu, weights, features, to, keep })
            }
            Step::Sum { terms, to } => {
                let units = units(to);
                let from = terms.map(|(slot, place)| layout.at(slot, place, y).feature(units.start));
                Op::Sum { from, to: layout.at(to, HERE, y).feature(units.start), count: units.len() }
            }
            Step::Cell { from, h, c, before } => {
                let units = units(h);
                Op::Cell {
                    from: layout.at(from, HERE, y).feature(GATES * units.start),
                    before: layout.at(c, before, y).feature(units.start),
                    h: layout.at(h, HERE, y).feature(units.start),
                    c: layout.at(c, HERE, y).feature(units.start),
                    count: units.len(),
                }
            }
        }
    }
}
