//! The words of a program: what the kernel does at a pixel, one operation after another.

use super::words::{
    ADD, ALSO, CELLS, CELLS_TO, CONVOLVE, COUNT, FIRST_SEGMENT, KIND, NONE, OPERATION, PART, PARTS, PLACE, RECTIFY,
    SEGMENT_WORDS, SEGMENTS, TO,
};
use crate::sample::layout::At;
use crate::sample::plan::SEGMENT;
use crate::sample::program::{Op, Program, Sums};

/// Most values for the sums of segments: more are made in several operations.
const MOST_PARTIALS: usize = 1536;

/// A network that the kernel has no room for.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[error("{outputs} outputs in one step: the fused sampler has room for {MOST_PARTIALS}")]
pub struct TooWide {
    outputs: usize,
}

/// Operations, and the segments of their sums.
#[derive(Default)]
pub struct Words {
    operations: Vec<[u32; OPERATION]>,
    segments: Vec<[u32; SEGMENT_WORDS]>,
}

/// A convolution's part in an operation: all of it, or what is left of one whose sums another operation has begun.
struct Part {
    /// Where its weights start; none where it goes on with an unfinished sum.
    weights: Option<usize>,
    inputs: usize,
    /// Among [`Words::segments`].
    segments: std::ops::Range<usize>,
}

impl Words {
    /// Appends an operation of the program. Sums that there is no room for at once are made in several: what one leaves
    /// `unfinished` the next goes on with.
    ///
    /// # Errors
    /// When one segment of all outputs is too much already.
    pub fn push(&mut self, program: &Program, op: &Op, unfinished: At) -> Result<(), TooWide> {
        match op {
            Op::Add { from: [one, other], to, count } => {
                self.operation(CONVOLVE, *count, Vec::new(), &[(ADD, *one), (ALSO, *other), (TO, *to)]);
            }
            Op::Sums(sums) => {
                let (parts, carried) = self.parts(program, sums, unfinished)?;
                let carried = carried.map(|at| (ADD, at));
                // Terms that are carried are added first.
                let add = sums.add.map(|at| (if carried.is_some() { ALSO } else { ADD }, at));
                let places: Vec<_> = carried.into_iter().chain(add).chain([(TO, sums.to)]).collect();
                self.operation(CONVOLVE, sums.count, parts, &places)[RECTIFY] = u32::from(sums.relu);
            }
            Op::Lstm { gates, before, h, c, .. } => {
                let (parts, carried) = self.parts(program, gates, unfinished)?;
                let carried = carried.map(|at| (ADD, at));
                let places: Vec<_> = carried.into_iter().chain([(ALSO, *before), (TO, *h), (CELLS_TO, *c)]).collect();
                self.operation(CELLS, gates.count, parts, &places);
            }
        }
        Ok(())
    }

    /// Appends the operations of a draw.
    pub fn push_draw(&mut self, kinds: &[u32], channel: usize, logits: At, input: At) {
        for &kind in kinds {
            self.operation(kind, channel, Vec::new(), &[(ADD, logits), (TO, input)]);
        }
    }

    /// The parts of the operation that ends these sums, behind the operations that make what there is no room for in it: and where
    /// what these have added up stands, if they have.
    fn parts(&mut self, program: &Program, sums: &Sums, unfinished: At) -> Result<(Vec<Part>, Option<At>), TooWide> {
        let (count, room) = (sums.count, MOST_PARTIALS / sums.count);
        if room == 0 {
            return Err(TooWide { outputs: count });
        }
        let (mut parts, mut carried): (Vec<Part>, _) = (Vec::new(), None);
        for term in &program.terms[sums.terms.clone()] {
            let (first_segment, mut rows_before) = (self.segments.len(), 0);
            for read in &program.reads[term.reads.clone()] {
                for start in (0..read.length).step_by(SEGMENT) {
                    let (At { start: at, column }, length) = (read.at.feature(start), SEGMENT.min(read.length - start));
                    // Behind the row of biases.
                    let weights = [term.weights, term.inputs, rows_before + 1];
                    let [place, values] = [[at, column], [length, usize::from(term.relu)]];
                    let words = [place[0], place[1], values[0], values[1], weights[0], weights[1], weights[2]];
                    self.segments.push(words.map(|word| word as u32));
                    rows_before += length;
                }
            }
            assert!(rows_before > 0, "a sum of nothing");
            let mut rest =
                Part { weights: Some(term.weights), inputs: term.inputs, segments: first_segment..self.segments.len() };
            let held: usize = parts.iter().map(|part| part.segments.len()).sum();
            if !parts.is_empty() && (parts.len() == PARTS || held + rest.segments.len() > room) {
                assert!(sums.add != Some(sums.to), "what is added would be lost");
                let places: Vec<_> = carried.map(|at| (ADD, at)).into_iter().chain([(TO, sums.to)]).collect();
                self.operation(CONVOLVE, count, std::mem::take(&mut parts), &places);
                carried = Some(sums.to);
            }
            while parts.is_empty() && rest.segments.len() > room {
                let end = rest.segments.start + room;
                let begun = Part { segments: rest.segments.start..end, ..rest };
                rest = Part { weights: None, inputs: begun.inputs, segments: end..rest.segments.end };
                self.operation(CONVOLVE, count, vec![begun], &[(TO, unfinished)]);
            }
            parts.push(rest);
        }
        Ok((parts, carried))
    }

    fn operation(
        &mut self,
        kind: u32,
        count: usize,
        parts: Vec<Part>,
        places: &[(usize, At)],
    ) -> &mut [u32; OPERATION] {
        let mut words = [0; OPERATION];
        words[KIND] = kind;
        words[COUNT] = count as u32;
        words[SEGMENTS] = parts.iter().map(|part| part.segments.len() as u32).sum();
        // They stand one after another.
        words[FIRST_SEGMENT] = parts.first().map_or(0, |part| part.segments.start as u32);
        for (part, words) in parts.iter().zip(words[PART..].chunks_exact_mut(3)) {
            words[0] = part.weights.map_or(NONE, |weights| weights as u32);
            words[1] = part.inputs as u32;
            words[2] = part.segments.len() as u32;
        }
        [ADD, ALSO, TO, CELLS_TO].into_iter().for_each(|place| words[place] = NONE);
        for &(place, at) in places {
            words[place] = at.start as u32;
            words[place + PLACE] = at.column as u32;
        }
        self.operations.push(words);
        self.operations.last_mut().expect("just pushed")
    }

    /// Operations so far.
    pub fn operations(&self) -> &[[u32; OPERATION]] {
        &self.operations
    }

    /// Appends the operations, and their segments behind them, to those of a whole table.
    pub fn write(self, table: &mut Vec<u32>) {
        let first_segment = table.len() + self.operations.len() * OPERATION;
        for mut words in self.operations {
            words[FIRST_SEGMENT] = first_segment as u32 + words[FIRST_SEGMENT] * SEGMENT_WORDS as u32;
            table.extend(words);
        }
        table.extend(self.segments.into_iter().flatten());
    }
}
