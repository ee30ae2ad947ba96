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

/// The slots that the pixels of a row, or of a scan over it, write.
struct Written(Vec<bool>);

impl Written {
    fn by(plan: &Plan, steps: &[Step]) -> Self {
        let mut written = vec![false; plan.slots.len()];
        steps.iter().flat_map(Step::writes).for_each(|slot| written[slot] = true);
        Self(written)
    }
}

impl Program {
    /// The work of a row in which `at` gives the place of a slot's features.
    pub fn new(plan: &Plan, at: impl Fn(usize, Place) -> At) -> Self {
        let channels = plan.config.channels;
        let logits = at(plan.logits, HERE);
        let logits = (0..channels).map(|channel| logits.feature(channel * plan.config.logits())).collect();
        let (terms, reads) = (Vec::new(), Vec::new());
        let mut program = Self { channels: Vec::new(), scans: Vec::new(), terms, reads, logits, input: at(0, HERE) };
        let mut written = Written::by(plan, &plan.steps);
        // By the draws.
        written.0[0] = true;
        for channel in 0..channels {
            let ops = plan.steps.iter().map(|step| program.op(plan, &at, step, channel, &written)).collect();
            program.channels.push(ops);
        }
        for scan in &plan.scans {
            let written = Written::by(plan, scan);
            let steps = (0..channels).flat_map(|group| scan.iter().map(move |step| (group, step)));
            let ops = steps.map(|(group, step)| program.op(plan, &at, step, group, &written)).collect();
            program.scans.push(ops);
        }
        program
    }

    fn op(
        &mut self,
        plan: &Plan,
        at: &impl Fn(usize, Place) -> At,
        step: &Step,
        group: usize,
        written: &Written,
    ) -> Op {
        let units = |slot: usize| features_of(group, plan.slots[slot].features, plan.config.channels);
        match *step {
            Step::Sums(ref sums) => Op::Sums(self.sums(at, sums, group, written)),
            Step::Lstm { ref gates, h, c, before } => {
                let units = units(h);
                Op::Lstm {
                    gates: self.sums(at, gates, group, written),
                    before: at(c, before).feature(units.start),
                    h: at(h, HERE).feature(units.start),
                    c: at(c, HERE).feature(units.start),
                    count: units.len(),
                }
            }
            Step::Add { from, to } => {
                let units = units(to);
                let from = from.map(|(slot, place)| at(slot, place).feature(units.start));
                Op::Add { from, to: at(to, HERE).feature(units.start), count: units.len() }
            }
        }
    }

    fn sums(
        &mut self,
        at: &impl Fn(usize, Place) -> At,
        sums: &plan::Sums,
        group: usize,
        Written(written): &Written,
    ) -> Sums {
        let outputs = &sums.outputs[group];
        let first_term = self.terms.len();
        for term in &sums.terms {
            let (pass, first_read) = (&term.passes[group], self.reads.len());
            self.reads.extend(pass.runs.iter().map(|run| {
                let ahead = run.from.up > 0 || !written[term.from];
                Read { at: at(term.from, run.from), length: run.length, ahead }
            }));
            let reads = first_read..self.reads.len();
            self.terms.push(Term { reads, inputs: pass.inputs(), relu: term.relu, weights: pass.weights });
        }
        let place = |slot: usize| at(slot, HERE).feature(outputs.start);
        Sums {
            terms: first_term..self.terms.len(),
            count: outputs.len(),
            add: sums.add.map(place),
            relu: sums.relu,
            to: place(sums.to),
        }
    }
}
