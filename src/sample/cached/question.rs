//! What is asked about an image whose pixels are flipped, and what of it has to be drawn again for the answer.

use crate::model::{ModelConfig, Reached};
use std::ops::Range;

/// What is asked about an image, and the shape of the answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Question {
    /// How far each pixel, flipped, moves the distribution of pixel (`y`, `x`): `[height, width]`, 0 from that pixel on.
    On {
        /// Row.
        y: usize,
        /// Column.
        x: usize,
    },
    /// How far pixel (`y`, `x`), flipped, moves the distribution of each: `[height, width]`, 0 up to that pixel.
    Of {
        /// Row.
        y: usize,
        /// Column.
        x: usize,
    },
    /// How far each pixel moves each: `[height · width, height · width]`, first the pixel that is flipped.
    All,
}

impl Question {
    /// Rows whose pixels are flipped; the last one is the first.
    pub(super) fn rows(self, config: &ModelConfig) -> Range<usize> {
        match self {
            Self::On { y, .. } => 0..y + 1,
            Self::Of { y, .. } => y..y + 1,
            Self::All => 0..config.height,
        }
    }

    /// Columns of row `row` whose pixels are flipped.
    pub(super) fn columns(self, row: usize, config: &ModelConfig) -> Range<usize> {
        match self {
            Self::On { y, x } if row == y => 0..x,
            Self::Of { x, .. } => x..x + 1,
            _ => 0..config.width,
        }
    }

    /// Columns of row `row` whose distributions are asked for.
    pub(super) fn asked(self, row: usize, config: &ModelConfig) -> Range<usize> {
        match self {
            Self::On { y, x } if row == y => x..x + 1,
            Self::On { .. } => 0..0,
            _ => 0..config.width,
        }
    }

    /// The row below the last whose distributions are asked for.
    pub(super) fn end(self, config: &ModelConfig) -> usize {
        match self {
            Self::On { y, .. } => y + 1,
            _ => config.height,
        }
    }

    /// Where the answer has the effect of one pixel on another.
    pub(super) fn place(self, flipped: usize, other: usize, config: &ModelConfig) -> usize {
        match self {
            Self::On { .. } => flipped,
            Self::Of { .. } => other,
            Self::All => flipped * config.height * config.width + other,
        }
    }
}

/// What has to be drawn of an image with a pixel flipped: where the wiring leads from that pixel, as far as it leads on to what is
/// asked about. Columns that lie between such are drawn too.
pub struct Cone {
    /// Of each row from that of the flipped pixel on, how many columns before and behind that pixel's its flip goes; up to the last
    /// row to which it goes at all.
    moved: Vec<[usize; 2]>,
    /// Of each row, columns with anything that the answer looks at.
    looked_at: Vec<Range<usize>>,
}

impl Cone {
    /// For a question about an image of this network.
    pub fn new(config: &ModelConfig, question: Question) -> Self {
        // Seen from the middle of a row so wide that its ends cut nothing off, it is the same for every column.
        let (middle, wide) = (config.width - 1, ModelConfig { width: 2 * config.width - 1, ..config.clone() });
        let flipped = Reached::only(&wide, 0, middle);
        let flipped = flipped.or(&flipped.spread(&wide, true));
        let columns = (0..config.height).map(|y| flipped.columns(y)).take_while(|columns| !columns.is_empty());
        let moved =
            columns.map(|Range { start, end }| [middle.saturating_sub(start), (end - 1).saturating_sub(middle)]);
        let moved = moved.collect();
        let looked_at = match question {
            Question::On { y, x } => {
                let pixel = Reached::only(config, y, x);
                let before = pixel.features(config).or(&pixel.sources(config));
                (0..config.height).map(|y| before.columns(y)).collect()
            }
            _ => vec![0..config.width; config.height],
        };
        Self { moved, looked_at }
    }

    /// Rows to which the flip of a pixel goes, its own included.
    pub fn rows(&self) -> usize {
        self.moved.len()
    }

    /// Those of some columns whose pixels in row `y` anything asked about looks at.
    pub fn flipped(&self, y: usize, columns: Range<usize>) -> Range<usize> {
        overlap(&self.looked_at[y], &columns)
    }

    /// The columns to be drawn of row `y`, which is one of those where the flip of pixel (`row`, `x`) goes.
    pub fn columns(&self, [row, x]: [usize; 2], y: usize) -> Range<usize> {
        let [before, behind] = self.moved[y - row];
        overlap(&self.looked_at[y], &(x.saturating_sub(before)..x + behind + 1))
    }
}

/// What two ranges share; where it is nothing, an empty range.
fn overlap(one: &Range<usize>, other: &Range<usize>) -> Range<usize> {
    let start = one.start.max(other.start);
    start..one.end.min(other.end).max(start)
}
