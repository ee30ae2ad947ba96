//! What table and kernel agree on: the words of an operation, and what a kernel is compiled for.

/// Nothing: no place, no bias, no given level.
pub const NONE: u32 = u32::MAX;
/// Added to places in workgroup memory.
pub const SHARED: u32 = 1 << 30;

/// Words of an operation.
pub const OPERATION: usize = 24;
/// What it is: below [`CELLS`] a convolution or a sum.
pub const KIND: usize = 0;
/// Outputs; of a draw, its colour.
pub const COUNT: usize = 1;
/// Segments of all its sums, and the word of the first.
pub const SEGMENTS: usize = 2;
pub const FIRST_SEGMENT: usize = 3;
/// For each part of the sums: where its weights start ([`NONE`]: it goes on with an unfinished sum), inputs, segments.
pub const PART: usize = 4;
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
/// 1 where outputs are rectified.
pub const RECTIFY: usize = 21;
/// From a place's column 0 to its values a column.
pub const PLACE: usize = 1;

/// Kinds.
pub const CONVOLVE: u32 = 0;
pub const CELLS: u32 = 1;
pub const DRAW_HIGHEST: u32 = 2;
pub const DRAW_CHUNKS: u32 = 3;
pub const DRAW_LEVEL: u32 = 4;

/// Words of a segment: place (2), values, whether they are rectified, where its part's weights start, inputs of the part, rows
/// of weights before its own.
pub const SEGMENT_WORDS: usize = 7;

/// What a kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Threads of a workgroup.
    pub threads: usize,
    /// Columns of an image.
    pub width: usize,
    /// Colours of a pixel.
    pub channels: usize,
    /// Levels of a value.
    pub levels: usize,
    /// Operations of a pixel.
    pub operations: usize,
    /// Values of workgroup memory.
    pub shared: usize,
    /// Where in it the sums of segments start.
    pub partials: usize,
    /// Where in it sums are kept that go on in the next operation.
    pub unfinished: usize,
    /// Where in it the softmax starts: a weight a level, then the same at temperature 1.
    pub softmax: usize,
    /// Where in it the softmax's [`CHUNK_VALUES`](super::softmax::CHUNK_VALUES) start.
    pub chunks: usize,
    /// Values kept for an image.
    pub image: usize,
    /// Whether this is a scan from right to left, which draws nothing.
    pub scan: bool,
    /// Whether levels may be left out of a draw: see [`Sharpening::truncates`](crate::sample::Sharpening::truncates).
    pub truncates: bool,
    /// See [`Rounded::contract`](super::maths::Rounded::contract).
    pub contract: bool,
}
