//! A plan with its places worked out for one row: what is left to do at a pixel is `start + x · column`.

use super::layout::At;
use super::plan::{self, HERE, Place, Plan, Step};
use crate::maths::features_of;
use std::ops::Range;

/// The work of a row.
#[derive(Clone, Debug)]
pub struct Program {
    /// The operations of a pixel, colour after colour.
    pub channels: Vec<Vec<Op>>,
    /// Those of each scan from right to left over the finished row, all colours of a pixel one after another.
    pub scans: Vec<Vec<Op>>,
    /// The convolutions of all sums.
    pub terms: Vec<Term>,
    /// What the convolutions read.
    pub reads: Vec<Read>,
    /// The logits of each colour.
    pub logits: Vec<At>,
    /// The network's input.
    pub input: At,
}

/// One operation of a pixel.
#[derive(Clone, Debug)]
pub enum Op {
    /// Convolutions that are added up.
    Sums(Sums),
    /// The LSTM step of some cells.
    Lstm {
        /// Gate o of all of them, then f, i and g.
        gates: Sums,
        /// Their cells before.
        before: At,
        /// Their states, written.
        h: At,
        /// Their cells, written.
        c: At,
        /// Cells.
        count: usize,
    },
    /// `to[k] = from[0][k] + from[1][k]`.
    Add {
        /// Added.
        from: [At; 2],
        /// Written.
        to: At,
        /// Features.
        count: usize,
    },
}

/// Sums of one colour group, see [`plan::Sums`].
#[derive(Clone, Debug)]
pub struct Sums {
    /// Which of [`Program::terms`].
    pub terms: Range<usize>,
    /// Outputs.
    pub count: usize,
    /// Added behind the terms.
    pub add: Option<At>,
    /// Whether what is written is rectified.
    pub relu: bool,
    /// Where they go.
    pub to: At,
}

/// A convolution in a sum.
#[derive(Clone, Debug)]
pub struct Term {
    /// Which of [`Program::reads`].
    pub reads: Range<usize>,
    /// Values in all of them.
    pub inputs: usize,
    /// Whether what is read is rectified.
    pub relu: bool,
    /// Where its weights start, see [`plan::Pass::weights`].
    pub weights: usize,
}

/// A contiguous run of features.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    /// Where it starts.
    pub at: At,
    /// Values.
    pub length: usize,
    /// Whether all of them are known before the first pixel of the row, or of the scan.
    #[cfg_attr(not(feature = "fused"), expect(dead_code, reason = "for the kernels of GPUs"))]
    pub ahead: bool,
}

impl Program {
    /// The work of a row in which `at` gives the place of a slot's features; it is told whether the same pixels make them, those of
    /// the row or of the scan over it.
    pub fn new(plan: &Plan, at: impl Fn(usize, Place, bool) -> At) -> Self {
        let channels = plan.config.channels;
        let logits = at(plan.logits, HERE, true);
        let logits = (0..channels).map(|channel| logits.feature(channel * plan.config.logits())).collect();
        let (terms, reads) = (Vec::new(), Vec::new());
        let mut program =
            Self { channels: Vec::new(), scans: Vec::new(), terms, reads, logits, input: at(0, HERE, true) };
        let written = plan.written(None);
        for channel in 0..channels {
            let ops = plan.steps.iter().map(|step| program.op(plan, &at, step, channel, &written)).collect();
            program.channels.push(ops);
        }
        for (k, scan) in plan.scans.iter().enumerate() {
            let written = plan.written(Some(k));
            let steps = (0..channels).flat_map(|group| scan.iter().map(move |step| (group, step)));
            let ops = steps.map(|(group, step)| program.op(plan, &at, step, group, &written)).collect();
            program.scans.push(ops);
        }
        program
    }

    fn op(
        &mut self,
        plan: &Plan,
        at: &impl Fn(usize, Place, bool) -> At,
        step: &Step,
        group: usize,
        written: &[bool],
    ) -> Op {
        let place = |slot: usize, from: Place| at(slot, from, from.up == 0 && written[slot]);
        let units = |slot: usize| features_of(group, plan.slots[slot].features, plan.config.channels);
        match *step {
            Step::Sums(ref sums) => Op::Sums(self.sums(at, sums, group, written)),
            Step::Lstm { ref gates, h, c, before } => {
                let units = units(h);
                Op::Lstm {
                    gates: self.sums(at, gates, group, written),
                    before: place(c, before).feature(units.start),
                    h: place(h, HERE).feature(units.start),
                    c: place(c, HERE).feature(units.start),
                    count: units.len(),
                }
            }
            Step::Add { from, to } => {
                let units = units(to);
                let from = from.map(|(slot, from)| place(slot, from).feature(units.start));
                Op::Add { from, to: place(to, HERE).feature(units.start), count: units.len() }
            }
        }
    }

    fn sums(
        &mut self,
        at: &impl Fn(usize, Place, bool) -> At,
        sums: &plan::Sums,
        group: usize,
        written: &[bool],
    ) -> Sums {
        let outputs = &sums.outputs[group];
        let first_term = self.terms.len();
        for term in &sums.terms {
            let (pass, first_read) = (&term.passes[group], self.reads.len());
            self.reads.extend(pass.runs.iter().map(|run| {
                let own = run.from.up == 0 && written[term.from];
                Read { at: at(term.from, run.from, own), length: run.length, ahead: !own }
            }));
            let reads = first_read..self.reads.len();
            self.terms.push(Term { reads, inputs: pass.inputs(), relu: term.relu, weights: pass.weights });
        }
        let place = |slot: usize| at(slot, HERE, written[slot]).feature(outputs.start);
        Sums {
            terms: first_term..self.terms.len(),
            count: outputs.len(),
            add: sums.add.map(place),
            relu: sums.relu,
            to: place(sums.to),
        }
    }
}
