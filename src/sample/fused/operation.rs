//! The words of a program: what the kernel does at a pixel, one operation after another.

use super::stage::{partials_of, share_out};
use super::words::{
    ADD, ALSO, BIAS, BLOCK, CELLS, CELLS_KEPT, CELLS_TO, CONVOLVE, COUNT, FIRST_IMAGE, FIRST_SEGMENT, KEPT, KIND, NONE,
    OPERATION, PART, PART_SEGMENTS, PART_WORDS, PARTIALS, PARTS, PLACE, RECTIFIED, RECTIFY, SEGMENT_WORDS, SEGMENTS,
    TO,
};
use super::workgroup::Workgroup;
use crate::sample::layout::At;
use crate::sample::plan::SEGMENT;
use crate::sample::program::{Op, Program, Read, Sums, Term};
use std::ops::Range;

/// Operations, and the segments of their sums.
pub struct Words {
    /// Sums of segments that there is room for; none where a thread makes whole sums.
    room: Option<usize>,
    workgroup: Workgroup,
    operations: Vec<[u32; OPERATION]>,
    /// The first of those that are pushed last and wait for nothing of one another.
    together: usize,
    segments: Vec<[u32; SEGMENT_WORDS]>,
}

/// What sums begin with of what is known before a row: operations that make it of all its columns, and where it goes.
pub struct Ahead {
    /// Whether it is made.
    made: bool,
    /// The operations; none waits for another.
    pub words: Words,
    /// Columns of a row.
    width: usize,
    /// Where the next one's sums go to.
    end: usize,
}

impl Ahead {
    /// None yet, and none at all unless they are to be `made`; their sums go to the values of an image from `start` on.
    pub fn new(made: bool, start: usize, width: usize, workgroup: Workgroup) -> Self {
        Self { made, words: Words::new(None, workgroup), width, end: start }
    }

    /// Where their sums end.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Appends the operation that makes the first sums of a convolution, those of `reads`; gives where they go to.
    fn push(&mut self, term: &Term, reads: &[Read], count: usize) -> At {
        let column = count.next_multiple_of(BLOCK);
        let to = At { start: self.end, column };
        self.end += self.width * column;
        let segments = self.words.segments(term, reads, 0, count);
        self.words.operation(CONVOLVE, count, vec![Part { from: Start::Biases(term.weights), segments }], &[(TO, to)]);
        to
    }
}

/// A convolution's part in an operation: all of it, or what is left of one whose sums another operation has begun.
struct Part {
    from: Start,
    /// Among [`Words::segments`].
    segments: Range<usize>,
}

/// What a sum goes on with.
#[derive(Clone, Copy)]
enum Start {
    /// The biases that stand before a pass's weights, which start here.
    Biases(usize),
    /// What another operation left there.
    Unfinished(At),
}

impl Words {
    /// No operations yet, for a kernel that makes so many sums of segments before it adds them up, or whole sums.
    pub fn new(room: Option<usize>, workgroup: Workgroup) -> Self {
        Self { room, workgroup, operations: Vec::new(), together: 0, segments: Vec::new() }
    }

    /// Appends an operation of the program, and what can be made `ahead` of it there. Sums that there is no room for at once are made
    /// in several: what one leaves `unfinished` the next goes on with. What is written is also `kept` there: outputs, or states and
    /// cells. It may `join` the last ones where neither waits for the other.
    pub fn push(
        &mut self,
        program: &Program,
        op: &Op,
        unfinished: At,
        ahead: &mut Ahead,
        kept: [Option<At>; 2],
        join: bool,
    ) {
        let (first, before) = (self.together, self.operations.len());
        self.push_alone(program, op, unfinished, ahead, kept);
        // What is made in several operations waits for itself.
        if join && self.workgroup.united && self.together == before {
            let partials = self.operations[first..].iter().filter(|op| op[KIND] == PARTIALS);
            let values: usize = partials.map(partials_of).sum();
            if self.room.is_none_or(|room| values <= room) {
                self.together = first;
                self.share_out();
            }
        }
    }

    fn push_alone(&mut self, program: &Program, op: &Op, unfinished: At, ahead: &mut Ahead, kept: [Option<At>; 2]) {
        let kept = [KEPT, CELLS_KEPT].into_iter().zip(kept).filter_map(|(place, at)| Some((place, at?)));
        match op {
            Op::Add { from: [one, other], to, count } => {
                let places: Vec<_> = [(ADD, *one), (ALSO, *other), (TO, *to)].into_iter().chain(kept).collect();
                self.operation(CONVOLVE, *count, Vec::new(), &places);
            }
            Op::Sums(sums) => {
                let (parts, carried) = self.parts(program, sums, unfinished, ahead);
                let carried = carried.map(|at| (ADD, at));
                // Terms that are carried are added first.
                let add = sums.add.map(|at| (if carried.is_some() { ALSO } else { ADD }, at));
                let places: Vec<_> = carried.into_iter().chain(add).chain([(TO, sums.to)]).chain(kept).collect();
                self.operation(CONVOLVE, sums.count, parts, &places)[RECTIFY] = u32::from(sums.relu);
            }
            Op::Lstm { gates, before, h, c, .. } => {
                let (parts, carried) = self.parts(program, gates, unfinished, ahead);
                let carried = carried.map(|at| (ADD, at));
                let places = carried.into_iter().chain([(ALSO, *before), (TO, *h), (CELLS_TO, *c)]);
                let places: Vec<_> = places.chain(kept).collect();
                self.operation(CELLS, gates.count, parts, &places);
            }
        }
    }

    /// Appends the operations of a draw, for the images of a workgroup from `first_image` on.
    pub fn push_draw(
        &mut self,
        kinds: &[u32],
        channel: usize,
        first_image: usize,
        logits: At,
        input: At,
        kept: Option<At>,
    ) {
        let places: Vec<_> = [(ADD, logits), (TO, input)].into_iter().chain(kept.map(|at| (KEPT, at))).collect();
        for &kind in kinds {
            self.operation(kind, channel, Vec::new(), &places)[FIRST_IMAGE] = first_image as u32;
        }
    }

    /// Appends an operation that moves segments of workgroup memory.
    pub fn push_moves(&mut self, kind: u32, segments: Vec<[u32; SEGMENT_WORDS]>) {
        let (first, count) = (self.segments.len(), segments.len());
        self.segments.extend(segments);
        let operation = self.operation(kind, 0, Vec::new(), &[]);
        (operation[FIRST_SEGMENT], operation[SEGMENTS]) = (first as u32, count as u32);
    }

    /// The parts of the operation that ends these sums, behind the operations that make what there is no room for in it: and where
    /// what these have added up stands, if they have.
    fn parts(&mut self, program: &Program, sums: &Sums, unfinished: At, ahead: &mut Ahead) -> (Vec<Part>, Option<At>) {
        let blocks = sums.count.div_ceil(BLOCK);
        let room = self.room.map_or(usize::MAX, |room| room / (blocks * BLOCK));
        assert!(room > 0, "{} outputs in one step", sums.count);
        let (mut parts, mut carried): (Vec<Part>, _) = (Vec::new(), None);
        for term in &program.terms[sums.terms.clone()] {
            let reads = &program.reads[term.reads.clone()];
            assert!(!reads.is_empty(), "a sum of nothing");
            // The order of sums stays what it is: only what a sum begins with can be made before it.
            let known = reads.iter().take_while(|read| ahead.made && read.ahead).count();
            let (known, left) = reads.split_at(known);
            let from = if known.is_empty() {
                Start::Biases(term.weights)
            } else {
                Start::Unfinished(ahead.push(term, known, sums.count))
            };
            let inputs_before = known.iter().map(|read| read.length).sum();
            let mut rest = Part { from, segments: self.segments(term, left, inputs_before, sums.count) };
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
                rest = Part { from: Start::Unfinished(unfinished), segments: end..rest.segments.end };
                self.operation(CONVOLVE, sums.count, vec![begun], &[(TO, unfinished)]);
            }
            parts.push(rest);
        }
        (parts, carried)
    }

    /// Appends the segments of some of a convolution's reads, those behind so many inputs of it, for so many outputs.
    fn segments(&mut self, term: &Term, reads: &[Read], mut inputs_before: usize, count: usize) -> Range<usize> {
        let (first, blocks) = (self.segments.len(), count.div_ceil(BLOCK));
        for read in reads {
            for start in (0..read.length).step_by(SEGMENT) {
                let (At { start: at, column }, length) = (read.at.feature(start), SEGMENT.min(read.length - start));
                // Behind the row of biases.
                let weights = term.weights / BLOCK + (inputs_before + 1) * blocks;
                let mut segment = [at, column, length, weights].map(|word| word as u32);
                segment[2] |= if term.relu { RECTIFIED } else { 0 };
                self.segments.push(segment);
                inputs_before += length;
            }
        }
        first..self.segments.len()
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
        let parts_at = (PART..).step_by(PART_WORDS).take(PARTS);
        parts_at.chain([ADD, ALSO, TO, CELLS_TO, KEPT, CELLS_KEPT]).for_each(|place| words[place] = NONE);
        self.together = self.operations.len();
        if self.room.is_some() && words[SEGMENTS] > 0 {
            words[KIND] = PARTIALS;
            self.operations.push(words);
            words[SEGMENTS] = 0;
        }
        words[KIND] = kind;
        for (part, words) in parts.iter().zip(words[PART..].chunks_exact_mut(PART_WORDS)) {
            (words[0], words[PLACE]) = match part.from {
                Start::Biases(weights) => ((weights / BLOCK) as u32, BIAS),
                Start::Unfinished(at) => (at.start as u32, at.column as u32),
            };
            words[PART_SEGMENTS] = part.segments.len() as u32;
        }
        for &(place, at) in places {
            words[place] = at.start as u32;
            words[place + PLACE] = at.column as u32;
        }
        self.operations.push(words);
        self.share_out();
        self.operations.last_mut().expect("just pushed")
    }

    /// Makes as few stages as may be of the last operations, which wait for nothing of one another.
    fn share_out(&mut self) {
        let together = self.operations.split_off(self.together);
        self.operations.extend(share_out(together, self.workgroup));
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
