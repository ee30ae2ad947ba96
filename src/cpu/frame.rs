//! Where the pixels of a feature map lie in memory, and what those of a row or a diagonal see of it.
//!
//! Activations are channels-last. The pixels that are computed together, a row or a diagonal, lie at equal distances in
//! memory, so a sum over what they see is a few [`Seen`]s walked side by side: no map is ever skewed or copied.

use super::vector::LANES;
use std::borrow::Cow;

/// How a channels-last feature map with a border of zeros lies in memory.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    row_stride: usize,
    origin: usize,
    length: usize,
}

impl Frame {
    /// A map `[height, width, channels]` with `[above, below, left, right]` rows and columns of border.
    pub fn new([height, width, channels]: [usize; 3], [above, below, left, right]: [usize; 4]) -> Self {
        let row_stride = (left + width + right) * channels;
        let (origin, length) = (above * row_stride + left * channels, (above + height + below) * row_stride);
        Self { channels, height, width, row_stride, origin, length }
    }

    /// Values of the whole map, borders included.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Where a pixel starts: −1 is the row above or the column to the left of the image.
    #[inline(always)]
    pub fn at(&self, y: isize, x: isize) -> usize {
        let place = self.origin as isize + y * self.row_stride as isize + x * self.channels as isize;
        debug_assert!(place >= 0, "no pixel at ({y}, {x})");
        place as usize
    }

    /// The values of a pixel.
    #[inline(always)]
    pub fn pixel(&self, y: isize, x: isize) -> std::ops::Range<usize> {
        let start = self.at(y, x);
        start..start + self.channels
    }

    /// Copies the features from `first` on of each pixel of `image`, `[height, width, features]`, left and right exchanged if
    /// asked.
    pub fn fill(&self, map: &mut [f32], image: &[f32], [first, features]: [usize; 2], mirror: bool) {
        for (k, pixel) in image.chunks_exact(features).enumerate() {
            let (y, x) = (k / self.width, k % self.width);
            let x = if mirror { self.width - 1 - x } else { x };
            copy_lanes(&mut map[self.pixel(y as isize, x as isize)], &pixel[first..first + self.channels]);
        }
    }

    /// Values from one pixel of a line to the next.
    #[inline(always)]
    pub fn stride(&self, line: &Line) -> usize {
        (line.step.0 * self.row_stride as isize + line.step.1 * self.channels as isize) as usize
    }

    /// What the pixels of `line` see `tap` away: `length` values from there on.
    #[inline(always)]
    pub fn seen<'a>(&self, map: &'a [f32], line: &Line, tap: (isize, isize), length: usize) -> Seen<'a> {
        let start = self.at(line.y + tap.0, line.x + tap.1);
        Seen { values: &map[start..], stride: self.stride(line), length }
    }

    /// The rows of the map as lines.
    pub fn rows(&self) -> impl Iterator<Item = Line> + use<> {
        let (height, width) = (self.height as isize, self.width);
        (0..height).map(move |y| Line { y, x: 0, step: (0, 1), count: width })
    }
}

/// Pixels at equal distances: from (`y`, `x`) on, `count` of them.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub y: isize,
    pub x: isize,
    pub step: (isize, isize),
    pub count: usize,
}

/// What the pixels of a line see: pixel p `length` values from `p · stride` on.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    pub values: &'a [f32],
    pub stride: usize,
    pub length: usize,
}

impl Seen<'_> {
    /// Makes sure that `count` pixels see nothing outside.
    pub fn check(&self, count: usize) {
        assert!(count == 0 || (count - 1) * self.stride + self.length <= self.values.len(), "a line leaves its map");
    }
}

/// Copies a few registers' worth of values: at these lengths a call of `memcpy` costs more than the copy.
#[inline(always)]
pub fn copy_lanes(to: &mut [f32], from: &[f32]) {
    let ((to, to_rest), (from, from_rest)) = (to.as_chunks_mut::<LANES>(), from.as_chunks::<LANES>());
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    to_rest.copy_from_slice(from_rest);
}

/// `[pixels, features]` with the features padded to whole registers.
pub fn padded(values: &[f32], features: usize) -> Cow<'_, [f32]> {
    let lanes = features.next_multiple_of(LANES);
    if lanes == features {
        return Cow::Borrowed(values);
    }
    let mut padded = vec![0.0; values.len() / features * lanes];
    for (target, pixel) in padded.chunks_exact_mut(lanes).zip(values.chunks_exact(features)) {
        target[..features].copy_from_slice(pixel);
    }
    Cow::Owned(padded)
}
