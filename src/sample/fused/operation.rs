//! The operations of the kernel: those of the cached sampler, joined where one only goes on with another's sums.

use super::table::{
    ADD, ALSO, CELLS, CELLS_TO, CONVOLVE, COUNT, FIRST_SEGMENT, KIND, MOST_PARTIALS, NONE, OPERATION, PART, PARTS,
    PLACE, RECTIFY, SEGMENTS, TO,
};
use crate::nn::gates::GATES;
use crate::sample::layout::At;
use crate::sample::plan::SEGMENT;
use crate::sample::program::{Conv, Keep, Op, Program};

/// An operation of the kernel, see the words of the table.
#[derive(Clone, Debug, Default)]
pub struct Operation {
    pub kind: u32,
    pub count: usize,
    pub parts: Vec<Part>,
    pub add: Option<At>,
    pub also: Option<At>,
    pub to: Option<At>,
    pub cells_to: Option<At>,
    pub rectify: bool,
}

/// A convolution's part in sums.
#[derive(Clone, Debug)]
pub struct Part {
    /// Where its weights start, or that it goes on with an unfinished sum.
    pub weights: Option<usize>,
    pub first_weights: usize,
    pub inputs: usize,
    pub segments: Vec<Segment>,
}

#[derive(Clone, Copy, Debug)]
pub struct Segment {
    pub at: At,
    pub length: usize,
    pub rectify: bool,
    pub rows_before: usize,
}

impl Operation {
    /// What an operation of the cached sampler is for the kernel.
    pub fn new(program: &Program, op: &Op) -> Self {
        match *op {
            Op::Conv(ref conv) => {
                let (add, rectify) = match conv.keep {
                    Keep::Sum => (None, false),
                    Keep::Rectified => (None, true),
                    Keep::With(base) => (Some(base), false),
                };
                let parts = vec![Part::new(program, conv)];
                Self { count: conv.features, parts, add, to: Some(conv.to), rectify, ..Self::default() }
            }
            Op::Sum { from, to, count } => {
                let [add, also] = from.map(Some);
                Self { count, add, also, to: Some(to), ..Self::default() }
            }
            Op::Cell { from, before, h, c, count } => {
                let (add, also, to, cells_to) = (Some(from), Some(before), Some(h), Some(c));
                Self { kind: CELLS, count: GATES * count, add, also, to, cells_to, ..Self::default() }
            }
        }
    }

    /// Sums of segments.
    pub fn items(&self) -> usize {
        self.count * self.parts.iter().map(|part| part.segments.len()).sum::<usize>()
    }

    /// Whether it goes on with sums of the operation before it.
    pub fn unfinished(&self) -> bool {
        self.parts.iter().any(|part| part.weights.is_none())
    }

    /// Takes `next` in, where it only goes on with what this one has written: adds to it, or makes cells of it.
    pub fn join(&mut self, next: &Self) -> bool {
        let goes_on = self.kind == CONVOLVE && !self.rectify && self.count == next.count && next.add == self.to;
        let sums = goes_on && self.add.is_none() && next.kind == CONVOLVE && next.to == self.to && next.also.is_none();
        if sums && self.parts.len() < PARTS && self.items() + next.items() <= MOST_PARTIALS {
            self.parts.extend(next.parts.iter().cloned());
            self.rectify = next.rectify;
            return true;
        }
        // The sums themselves are not read again.
        if goes_on && next.kind == CELLS && self.items() <= MOST_PARTIALS {
            *self = Self { parts: std::mem::take(&mut self.parts), add: self.add, ..next.clone() };
            return true;
        }
        false
    }
}

impl Part {
    fn new(program: &Program, conv: &Conv) -> Self {
        let (mut segments, mut rows_before) = (Vec::new(), 0);
        for read in &program.reads[conv.first_read..conv.first_read + conv.reads] {
            for start in (0..read.length).step_by(SEGMENT) {
                let length = SEGMENT.min(read.length - start);
                segments.push(Segment { at: read.at.feature(start), length, rectify: conv.relu, rows_before });
                rows_before += length;
            }
        }
        Self { weights: Some(conv.weights), first_weights: conv.weights, inputs: conv.inputs, segments }
    }
}

/// Appends operations and, behind them, their segments.
pub fn write(operations: &[Operation], words: &mut Vec<u32>) {
    let mut at = words.len();
    words.resize(at + operations.len() * OPERATION, 0);
    for operation in operations {
        let segments = words.len();
        for part in &operation.parts {
            assert!(!part.segments.is_empty(), "a sum of nothing");
            for segment in &part.segments {
                let Segment { at, length, rectify, rows_before } = *segment;
                words.extend([at.start as u32, at.column as u32, length as u32, u32::from(rectify)]);
                // Behind the row of biases.
                words.extend([part.first_weights as u32, part.inputs as u32, rows_before as u32 + 1]);
            }
        }
        let word = &mut words[at..at + OPERATION];
        word[KIND] = operation.kind;
        word[COUNT] = operation.count as u32;
        word[SEGMENTS] = operation.parts.iter().map(|part| part.segments.len() as u32).sum();
        word[FIRST_SEGMENT] = segments as u32;
        for (part, word) in operation.parts.iter().zip(word[PART..].chunks_exact_mut(3)) {
            word[0] = part.weights.map_or(NONE, |weights| weights as u32);
            word[1] = part.inputs as u32;
            word[2] = part.segments.len() as u32;
        }
        for (place, at) in
            [(ADD, operation.add), (ALSO, operation.also), (TO, operation.to), (CELLS_TO, operation.cells_to)]
        {
            word[place] = at.map_or(NONE, |at| at.start as u32);
            word[place + PLACE] = at.map_or(0, |at| at.column as u32);
        }
        word[RECTIFY] = u32::from(operation.rectify);
        at += OPERATION;
    }
}
