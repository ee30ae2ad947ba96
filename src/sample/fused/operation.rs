//! The words of a program: what the kernel does at a pixel, one operation after another.

use super::words::{
    ADD, ALSO, BLOCK, CELLS, CELLS_TO, CONVOLVE, COUNT, FIRST_IMAGE, FIRST_SEGMENT, KIND, NONE, OPERATION, PART,
    PART_WORDS, PARTIALS, PARTS, PLACE, RECTIFY, SEGMENT_WORDS, SEGMENTS, TO,
};
use crate::sample::layout::At;
use crate::sample::plan::SEGMENT;
use crate::sample::program::{Op, Program, Sums};

/// Operations, and the segments of their sums.
#[derive(Default)]
pub struct Words {
    /// Sums of segments that there is room for; none where a thread makes whole sums.
    room: Option<usize>,
    operations: Vec<[u32; OPERATION]>,
    segments: Vec<[u32; SEGMENT_WORDS]>,
}

/// A convolution's part in an operation: all of it, or what is left of one whose sums another operation has begun.
struct Part {
    /// Where its weights start; none where it goes on with an unfinished sum.
    weights: Option<usize>,
    /// Among [`Words::segments`].
    segments: std::ops::Range<usize>,
}

impl Words {
    /// No operations yet, for a kernel that makes so many sums of segments before it adds them up, or whole sums.
    pub fn new(room: Option<usize>) -> Self {
        Self { room, ..Self::default() }
    }

    /// Appends an operation of the program. Sums that there is no room for at once are made in several: what one leaves
    /// `unfinished` the next goes on with.
    pub fn push(&mut self, program: &Program, op: &Op, unfinished: At) {
        match op {
            Op::Add { from: [one, other], to, count } => {
                self.operation(CONVOLVE, *count, Vec::new(), &[(ADD, *one), (ALSO, *other), (TO, *to)]);
            }
            Op::Sums(sums) => {
                let (parts, carried) = self.parts(program, sums, unfinished);
                let carried = carried.map(|at| (ADD, at));
                // Terms that are carried are added first.
                let add = sums.add.map(|at| (if carried.is_some() { ALSO } else { ADD }, at));
                let places: Vec<_> = carried.into_iter().chain(add).chain([(TO, sums.to)]).collect();
                self.operation(CONVOLVE, sums.count, parts, &places)[RECTIFY] = u32::from(sums.relu);
            }
            Op::Lstm { gates, before, h, c, .. } => {
                let (parts, carried) = self.parts(program, gates, unfinished);
                let carried = carried.map(|at| (ADD, at));
                let places: Vec<_> = carried.into_iter().chain([(ALSO, *before), (TO, *h), (CELLS_TO, *c)]).collect();
                self.operation(CELLS, gates.count, parts, &places);
            }
        }
    }

    /// Appends the operations of a draw, for the images of a workgroup from `first_image` on.
    pub fn push_draw(&mut self, kinds: &[u32], channel: usize, first_image: usize, logits: At, input: At) {
        for &kind in kinds {
            let operation = self.operation(kind, channel, Vec::new(), &[(ADD, logits), (TO, input)]);
            operation[FIRST_IMAGE] = first_image as u32;
        }
    }

    /// The parts of the operation that ends these sums, behind the operations that make what there is no room for in it: and where
    /// what these have added up stands, if they have.
    fn parts(&mut self, program: &Program, sums: &Sums, unfinished: At) -> (Vec<Part>, Option<At>) {
        let blocks = sums.count.div_ceil(BLOCK);
        let room = self.room.map_or(usize::MAX, |room| room / (blocks * BLOCK));
        assert!(room > 0, "{} outputs in one step", sums.count);
        let (mut parts, mut carried): (Vec<Part>, _) = (Vec::new(), None);
        for term in &program.terms[sums.terms.clone()] {
            let (first_segment, mut rows_before) = (self.segments.len(), 0);
            for read in &program.reads[term.reads.clone()] {
                for start in (0..read.length).step_by(SEGMENT) {
                    let (At { start: at, column }, length) = (read.at.feature(start), SEGMENT.min(read.length - start));
                    // Behind the row of biases.
                    let weights = term.weights / BLOCK + (rows_before + 1) * blocks;
                    self.segments.push([at, column, length, usize::from(term.relu), weights].map(|word| word as u32));
                    rows_before += length;
                }
            }
            assert!(rows_before > 0, "a sum of nothing");
            let mut rest = Part { weights: Some(term.weights), segments: first_segment..self.segments.len() };
            let held: usize = parts.iter().map(|part| part.segments.len()).sum();
            if !parts.is_empty() && (parts.len() == PARTS || held + rest.segments.len() > room) {
                assert!(sums.add != Some(sums.to), "what is added would be lost");
                let places: Vec<_> = carried.map(|at| (ADD, at)).into_iter().chain([(TO, sums.to)]).collect();
                self.operation(CONVOLVE, sums.count, std::mem::take(&mut parts), &places);
                carried = Some(sums.to);
            }
            while parts.is_empty() && rest.segments.len() > room {
                let end = rest.segments.start + room;
                let begun = Part { segments: rest.segments.start..end, ..rest };
                rest = Part { weights: None, segments: end..rest.segments.end };
                self.operation(CONVOLVE, sums.count, vec![begun], &[(TO, unfinished)]);
            }
            parts.push(rest);
        }
        (parts, carried)
    }

    /// Appends an operation, behind the one that makes the sums of its segments where that is another.
    fn operation(
        &mut self,
        kind: u32,
        count: usize,
        parts: Vec<Part>,
        places: &[(usize, At)],
    ) -> &mut [u32; OPERATION] {
        let mut words = [0; OPERATION];
        words[COUNT] = count as u32;
        words[SEGMENTS] = parts.iter().map(|part| part.segments.len() as u32).sum();
        // They stand one after another.
        words[FIRST_SEGMENT] = parts.first().map_or(0, |part| part.segments.start as u32);
        [ADD, ALSO, TO, CELLS_TO].into_iter().for_each(|place| words[place] = NONE);
        if self.room.is_some() && words[SEGMENTS] > 0 {
            words[KIND] = PARTIALS;
            self.operations.push(words);
            words[SEGMENTS] = 0;
        }
        words[KIND] = kind;
        for (part, words) in parts.iter().zip(words[PART..].chunks_exact_mut(PART_WORDS)) {
            words[0] = part.weights.map_or(NONE, |weights| (weights / BLOCK) as u32);
            words[1] = part.segments.len() as u32;
        }
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
