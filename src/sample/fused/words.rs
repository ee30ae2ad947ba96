//! What table and kernel agree on: the words of an operation, and what a kernel is compiled for.
#![allow(missing_docs, reason = "the macro makes public items of its own")]

use cubecl::prelude::*;

/// Nothing: no place, no bias, no given level.
pub const NONE: u32 = u32::MAX;
/// Added to places in workgroup memory.
pub const SHARED: u32 = 1 << 30;

/// Outputs that a thread makes at once. Their weights for an input stand side by side and are read as one word of storage; those
/// of the next outputs, for the same input, stand behind them.
pub const BLOCK: usize = 4;

/// Inputs of a sum that are written out.
pub const UNROLLED: usize = 4;

/// Words that are read as one.
pub const QUAD: usize = 4;
pub type Quad = Vector<u32, Const<QUAD>>;

/// Words of an operation: whole quads, so that all of them can be asked for before the first is needed.
pub const OPERATION: usize = 32;
/// What it is: below [`CELLS`] a convolution or a sum.
pub const KIND: usize = 0;
/// Outputs; of a draw, its colour.
pub const COUNT: usize = 1;
/// Segments of all its sums, and the word of the first.
pub const SEGMENTS: usize = 2;
pub const FIRST_SEGMENT: usize = 3;
/// For each part of the sums, [`NONE`] where there is none: the place of the unfinished sums it goes on with, or the block of its
/// first biases and [`BIAS`]; and its segments.
pub const PART: usize = 4;
/// Among the words of a part, its segments.
pub const PART_SEGMENTS: usize = 2;
/// Words of a part.
pub const PART_WORDS: usize = 3;
/// Instead of a place's values a column: these are biases.
pub const BIAS: u32 = NONE;
/// Parts.
pub const PARTS: usize = 3;
/// A place whose values are added, or a draw's logits; as every place, its column 0 and, behind it, values a column.
pub const ADD: usize = 13;
/// Another; of cells, the cells before.
pub const ALSO: usize = 15;
/// Where the outputs, or the states of cells, or what is drawn go to.
pub const TO: usize = 17;
/// Where the cells go to.
pub const CELLS_TO: usize = 19;
/// Where they go to in storage as well, for later rows.
pub const KEPT: usize = 21;
pub const CELLS_KEPT: usize = 23;
/// 1 where outputs are rectified.
pub const RECTIFY: usize = 25;
/// Of a draw, the first image of the workgroup it draws for.
pub const FIRST_IMAGE: usize = 26;
/// 1 where it is the last of its stage: the threads wait for one another before the next.
pub const ENDS: usize = 27;
/// The thread that begins with it: those before it have the operations of its stage before it to do.
pub const FIRST_THREAD: usize = 28;
/// Where its sums of segments stand among those of its stage; and of these sums, how far the work on one segment is from that on
/// the next, in threads.
pub const PARTIALS_AT: usize = 29;
pub const ITEMS: usize = 30;
/// From a place's column 0 to its values a column.
pub const PLACE: usize = 1;

/// Kinds, in the order of a pixel. The gates of a cell are a block: o, f, i and g.
pub const CONVOLVE: u32 = 0;
pub const CELLS: u32 = 1;
/// The sums of segments for the operation behind it, which adds them up: where a thread does not make whole sums.
pub const PARTIALS: u32 = 2;
pub const DRAW_HIGHEST: u32 = 3;
pub const DRAW_WEIGHTS: u32 = 4;
pub const DRAW_SUMS: u32 = 5;
/// Only where levels may be left out: how much is likelier than each of them, and what of them is kept.
pub const DRAW_ABOVE: u32 = 6;
pub const DRAW_KEPT: u32 = 7;
pub const DRAW_LEVEL: u32 = 8;
/// Moves the columns that pixels look at by one, behind the last operation of a pixel. Its segments are slots that stand one after
/// another: where the first stands, features and columns of each, and how many they are.
pub const SHIFT: u32 = 9;
/// Fetches the columns beside the first pixel of a launch. Its segments are slots: a place of storage, values, and where they go to.
pub const FETCH: u32 = 10;

/// Words of a segment: place (2), values, to which [`RECTIFIED`] is added where they are rectified, and the block of its first weights.
pub const SEGMENT_WORDS: usize = QUAD;
pub const RECTIFIED: u32 = 1 << 31;

/// An operation, as a thread knows it.
#[derive(CubeType)]
pub struct Operation {
    quads: Sequence<Quad>,
}

#[cube]
impl Operation {
    /// That which begins at a word of the table.
    pub fn read(table: &[Quad], first: usize) -> Operation {
        let mut quads = Sequence::<Quad>::new();
        #[unroll]
        for k in 0..OPERATION / QUAD {
            quads.push(table[first / QUAD + k]);
        }
        Operation { quads }
    }

    /// One of its words.
    pub fn word(&self, #[comptime] word: usize) -> u32 {
        self.quads.index(comptime!(word / QUAD)).extract(comptime!(word % QUAD))
    }

    /// The place at column `x` that stands at one of its words.
    pub fn place(&self, #[comptime] word: usize, x: usize) -> u32 {
        self.word(word) + x as u32 * self.word(comptime!(word + PLACE))
    }

    /// A word of one of its parts.
    pub fn of_part(&self, part: usize, #[comptime] word: usize) -> u32 {
        let last = self.word(comptime!(PART + 2 * PART_WORDS + word));
        let last = select(part == 1usize, self.word(comptime!(PART + PART_WORDS + word)), last);
        select(part == 0usize, self.word(comptime!(PART + word)), last)
    }

    /// One of its segments.
    pub fn segment(&self, table: &[Quad], k: usize) -> Quad {
        table[self.word(FIRST_SEGMENT) as usize / QUAD + k]
    }
}

/// The place at column `x` of a segment.
#[cube]
pub fn segment_place(segment: Quad, x: usize) -> u32 {
    segment.extract(0usize) + x as u32 * segment.extract(1usize)
}

/// Its values.
#[cube]
pub fn segment_length(segment: Quad) -> usize {
    (segment.extract(2usize) & comptime!(!RECTIFIED)) as usize
}

/// Whether they are rectified.
#[cube]
pub fn segment_is_rectified(segment: Quad) -> bool {
    segment.extract(2usize) >= RECTIFIED
}

/// What a kernel is compiled for: nothing of a network but its levels, so that the next one need not be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Threads of a workgroup.
    pub threads: usize,
    /// Images of a workgroup, and those of them that a thread makes a sum for at once.
    pub images: usize,
    pub images_a_thread: usize,
    /// Whether sums are made in two operations, a thread a segment first.
    pub split: bool,
    /// Whether sums go on from what was made ahead of the row.
    pub ahead: bool,
    /// Whether a stage may have several operations, or sums and what adds them up.
    pub united: bool,
    /// Whether all that pixels look at of their own row is in workgroup memory: see [`Near`](super::near::Near).
    pub near: bool,
    /// Levels of a value.
    pub levels: usize,
    /// Values of workgroup memory.
    pub shared: usize,
    /// Where in it features stand, those of all images side by side: first the sums that go on in the next operation. Before them
    /// stand the sums of segments, or the softmax.
    pub features: usize,
    /// Images whose softmax is made at once, one after another in workgroup memory.
    pub draws: usize,
    /// Values of an image's softmax, see [`softmax_values`](super::softmax::softmax_values).
    pub softmax: usize,
    /// Whether this is a scan from right to left, which draws nothing.
    pub scan: bool,
    /// Whether levels may be left out of a draw: see [`Sharpening::truncates`](crate::sample::Sharpening::truncates).
    pub truncates: bool,
    /// See [`Rounded::contract`](super::maths::Rounded::contract).
    pub contract: bool,
}

impl Shape {
    /// That of the kernel that makes sums ahead of this one: all of it that does not depend on the network.
    pub fn before(self) -> Self {
        let [split, ahead, united, near, scan, truncates] = [false; 6];
        let [levels, shared, features, draws, softmax] = [0; 5];
        Self { split, ahead, united, near, levels, shared, features, draws, softmax, scan, truncates, ..self }
    }
}
