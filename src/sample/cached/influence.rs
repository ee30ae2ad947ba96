//! How far the distributions of an image move where one of its pixels is flipped: what a pixel looks at, and what it changes.
//!
//! Flipped, every colour of a pixel moves by half of the levels, around the end: of two levels to the other one, of 256 by 128,
//! which is another top bit. The effect on another pixel is the total variation between its distributions before and after,
//! `½ Σ |p − p′|`, at temperature 1, from 0 to 1, averaged over its colours; of two levels that is `|p − p′|`. Where every
//! logit is the same to the last bit it is 0; where a logit moved and no probability does in 32 bits, it is the smallest
//! positive number there is. Of several scales (§3.6) the small image is held.
//!
//! An image with one pixel flipped goes with the image itself as far as the row of that pixel. So the state that the sampler has
//! before that row is given to as many images as there are pixels to flip in it, and they go on from there side by side. Of a row
//! they draw what the flip can move and the answer looks at; the rest is that of the image as it is, which goes ahead of them.

use super::question::{Cone, Question};
use super::{Canvas, Image, Plan, Rows};
use crate::model::ModelConfig;
use crate::sample::draw::probabilities;
use crate::sample::request::{Request, RequestError, check_place};
use std::ops::Range;
use std::sync::Arc;

/// Most numbers of states that are kept, and of those of the images drawn side by side: 32 MB each, or what one needs.
const MOST_KEPT: usize = 8 << 20;

/// Images whose row is drawn in one step: where there is one thread as few as it draws together, so that others have their turn.
const AT_ONCE: usize = if cfg!(feature = "native") { usize::MAX } else { 2 };

/// Most pixels of an image all of whose pairs are asked for: the answer has a number a pair.
const MOST_PIXELS: usize = 64 * 64;

/// Finds out how far flipped pixels of an image move its distributions, step by step.
pub struct Influence {
    rows: Rows,
    question: Question,
    cone: Cone,
    /// The image as it is, and its row drawn next.
    image: Image,
    y: usize,
    /// What the sampler had before every row whose number is a multiple of `apart`.
    states: Vec<Vec<f32>>,
    apart: usize,
    /// Images that go on side by side, and those whose row is drawn in one step.
    together: usize,
    at_once: usize,
    /// Rows whose pixels are still to be flipped; the last one is next. Of its columns so many are done.
    due: Vec<usize>,
    column: usize,
    flips: Option<Flips>,
    effects: Vec<f32>,
}

/// Images with one pixel of a row flipped each.
struct Flips {
    images: Vec<Image>,
    columns: Range<usize>,
    /// The row drawn next, and how many images have it already.
    y: usize,
    drawn: usize,
    /// That row of the image as it is: its features and its logits.
    features: Vec<f32>,
    logits: Vec<f32>,
}

impl Influence {
    /// Before the first step; `levels` are those of one image, `[channels, height, width]`.
    ///
    /// # Errors
    /// When the place asked for is not one of the image, `levels` is not one image, or it has too many pixels for all pairs.
    pub fn new(plans: &[Arc<Plan>], levels: &[u8], question: Question) -> Result<Self, RequestError> {
        Self::within(plans, levels, question, [MOST_KEPT, AT_ONCE])
    }

    /// The same with room for so many numbers, and so many images at once.
    fn within(
        plans: &[Arc<Plan>],
        levels: &[u8],
        question: Question,
        [room, at_once]: [usize; 2],
    ) -> Result<Self, RequestError> {
        let plan = plans.last().expect("a plan a scale");
        let (config, pixels) = (&plan.config, plan.config.height * plan.config.width);
        let request = Request::scoring(levels.to_vec(), 1, config);
        request.validate(config)?;
        let effects = match question {
            Question::On { y, x } | Question::Of { y, x } => {
                check_place(config, [0, y, x])?;
                pixels
            }
            Question::All if pixels > MOST_PIXELS => {
                let expected = format!("at most {MOST_PIXELS} where all pairs are asked for");
                return Err(RequestError { field: "pixels", found: pixels.to_string(), expected });
            }
            Question::All => pixels * pixels,
        };
        let (rows, cone) = (Rows::new(plan.clone(), request), Cone::new(config, question));
        let mut values = rows.layout.blank(plan);
        if let Some(conditioning) = &plan.conditioning {
            let map = conditioning.upsampling.map(&config.small_levels(levels), config.levels);
            rows.layout.fill(&mut values, conditioning.slot, &map);
        }
        let (apart, together) = ((config.height * values.len()).div_ceil(room), (room / values.len()).max(1));
        let mut canvas = Canvas::known(levels.to_vec());
        canvas.keep_logits(config);
        Ok(Self {
            due: question.rows(config).collect(),
            states: vec![values.clone()],
            image: Image::new(canvas, values, plan),
            effects: vec![0.0; effects],
            rows,
            question,
            cone,
            y: 0,
            apart,
            together,
            at_once,
            column: 0,
            flips: None,
        })
    }

    /// Whether the answer is complete.
    pub fn done(&self) -> bool {
        self.due.is_empty()
    }

    /// The answer, 0 where it is not known yet: see [`Question`].
    pub fn effects(&self) -> &[f32] {
        &self.effects
    }

    /// The effects of all pairs, averaged over those that lie alike: `[height, 2 · width − 1]`, as seen from the middle of the last
    /// row. So in row `height − 1 − up`, column `width − 1 + right` is how far the pixel `up` rows above and `right` columns to
    /// the right moves a pixel, over all pixels that have one there. None where all pairs were not asked for.
    pub fn mean(&self) -> Option<Vec<f32>> {
        let ModelConfig { height, width, .. } = self.rows.plan.config;
        (self.question == Question::All).then(|| mean_effects(&self.effects, [height, width]))
    }

    /// One of several shares of the work, which know nothing of one another: flips the pixels of every `shares`-th row, beginning
    /// with that `share` rows above the last one. The effects of the other rows' pixels stay 0.
    ///
    /// # Panics
    /// When there are no shares.
    pub fn share(mut self, share: usize, shares: usize) -> Self {
        self.due = self.due.into_iter().rev().skip(share).step_by(shares).collect();
        self.due.reverse();
        self
    }

    /// Does the next step; gives the row whose pixels have all been flipped by that, if there is one: the last row first.
    ///
    /// # Panics
    /// When the answer is complete.
    pub fn step(&mut self) -> Option<usize> {
        let row = *self.due.last().expect("the answer is complete");
        if self.states.len() <= row / self.apart {
            self.rows.draw(self.y, std::slice::from_mut(&mut self.image));
            self.y += 1;
            if self.y.is_multiple_of(self.apart) {
                self.states.push(self.image.values.clone());
            }
            return None;
        }
        let columns = self.cone.flipped(row, self.question.columns(row, &self.rows.plan.config));
        let first = columns.start + self.column;
        if first < columns.end {
            let mut flips = self.flips.take().unwrap_or_else(|| self.flip(row, first..columns.end));
            if self.draw(&mut flips, row) {
                self.column += flips.columns.len();
            } else {
                self.flips = Some(flips);
            }
        }
        if self.column < columns.len() {
            return None;
        }
        self.column = 0;
        self.due.pop()
    }

    /// Images with a pixel of row `row` flipped each, as many of `columns` as there is room for, before that row, which the image
    /// as it is has drawn.
    fn flip(&mut self, row: usize, columns: Range<usize>) -> Flips {
        let kept = row / self.apart;
        self.image.values.copy_from_slice(&self.states[kept]);
        for y in kept * self.apart..row {
            self.rows.draw(y, std::slice::from_mut(&mut self.image));
        }
        let (config, values) = (&self.rows.plan.config, &self.image.values);
        let columns = columns.start..columns.end.min(columns.start + self.together);
        let flipped = columns.clone().map(|x| {
            let mut levels = self.image.canvas.levels.clone();
            for plane in levels.chunks_exact_mut(config.height * config.width) {
                let level = &mut plane[row * config.width + x];
                *level = ((u16::from(*level) + config.levels / 2) % config.levels) as u8;
            }
            let mut canvas = Canvas::known(levels);
            canvas.keep_logits(config);
            Image::new(canvas, values.clone(), &self.rows.plan)
        });
        let images = flipped.collect();
        self.rows.draw(row, std::slice::from_mut(&mut self.image));
        let mut flips = Flips { images, columns, y: row, drawn: 0, features: Vec::new(), logits: Vec::new() };
        self.note_row(&mut flips);
        flips
    }

    /// Notes the row that the image as it is has drawn last for the flips, which draw it next.
    fn note_row(&self, flips: &mut Flips) {
        flips.features = self.rows.layout.row(&self.image.values, flips.y);
        flips.logits = self.image.canvas.row_logits().expect("they are kept").to_vec();
    }

    /// Draws the next row of images with pixels of row `row` flipped, or of some of them; whether nothing is left to be drawn.
    fn draw(&mut self, flips: &mut Flips, row: usize) -> bool {
        let config = &self.rows.plan.config;
        let (y, end) = (flips.y, self.question.end(config).min(row + self.cone.rows()));
        let some = (flips.images.len() - flips.drawn).min(self.at_once);
        let (first, next) = (flips.columns.start, flips.drawn..flips.drawn + some);
        for (image, x) in flips.images[next.clone()].iter_mut().zip(first + next.start..) {
            image.columns = self.cone.columns([row, x], y);
        }
        let (rows, image, features) = (&self.rows, &mut self.image, &flips.features);
        let ahead = || {
            if next.start == 0 && y + 1 < end {
                rows.draw(y + 1, std::slice::from_mut(image))
            }
        };
        both(ahead, || rows.draw_beside(y, Some(features), &mut flips.images[next.clone()]));
        flips.drawn = next.end;
        if flips.drawn < flips.images.len() {
            return false;
        }
        for x in self.question.asked(y, config) {
            let other = y * config.width + x;
            for (column, effect) in flips.effects_on(config, x) {
                let flipped = row * config.width + column;
                // Later colours of the pixel itself move too, which is not asked for.
                if flipped != other {
                    self.effects[self.question.place(flipped, other, config)] = effect;
                }
            }
        }
        (flips.y, flips.drawn) = (y + 1, 0);
        if flips.y == end {
            return true;
        }
        self.note_row(flips);
        false
    }
}

impl Flips {
    /// How far each of them is from the image as it is in the distribution of pixel `x` of the row drawn last, with the column
    /// that is flipped. Those whose flip does not come there are left out.
    fn effects_on<'a>(&'a self, config: &'a ModelConfig, x: usize) -> impl Iterator<Item = (usize, f32)> + 'a {
        let (channels, count) = (config.channels, config.logits());
        let of = move |row: &'a [f32], channel| &row[(channel * config.width + x) * count..][..count];
        let before: Vec<_> = (0..channels).map(|channel| probabilities(of(&self.logits, channel), 1.0)).collect();
        let there = self.columns.clone().zip(&self.images).filter(move |(_, image)| image.columns.contains(&x));
        there.map(move |(column, image)| {
            let logits = image.canvas.row_logits().expect("they are kept");
            let (mut total, mut moved) = (0.0, false);
            for (channel, before) in before.iter().enumerate() {
                let (own, others) = (of(logits, channel), of(&self.logits, channel));
                if own.iter().zip(others).any(|(own, other)| own.to_bits() != other.to_bits()) {
                    moved = true;
                    total += probabilities(own, 1.0).iter().zip(before).fold(0.0, |sum, (p, q)| sum + (p - q).abs());
                }
            }
            let effect = total / (2 * channels) as f32;
            (column, if moved { effect.max(f32::MIN_POSITIVE) } else { 0.0 })
        })
    }
}

/// Does both, side by side where there are threads.
fn both(one: impl FnOnce() + Send, other: impl FnOnce() + Send) {
    #[cfg(feature = "native")]
    rayon::join(one, other);
    #[cfg(not(feature = "native"))]
    {
        one();
        other();
    }
}

/// [`Influence::mean`] of the effects of all pairs of an image of `height` × `width` pixels.
pub fn mean_effects(effects: &[f32], [height, width]: [usize; 2]) -> Vec<f32> {
    let (pixels, columns) = (height * width, 2 * width - 1);
    let mut sums = vec![0.0f64; height * columns];
    for (flipped, effects) in effects.chunks_exact(pixels).enumerate() {
        let (y, x) = (flipped / width, flipped % width);
        for (row, effects) in effects.chunks_exact(width).enumerate().skip(y) {
            let start = (height - 1 - (row - y)) * columns + width - 1 + x;
            effects.iter().enumerate().for_each(|(column, &effect)| sums[start - column] += f64::from(effect));
        }
    }
    let average = |(k, sum): (usize, f64)| {
        let (up, beside) = (height - 1 - k / columns, (k % columns).abs_diff(width - 1));
        (sum / ((height - up) * (width - beside)) as f64) as f32
    };
    sums.into_iter().enumerate().map(average).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Network;
    use crate::sample::model_by_place;

    /// States that are made again, images that go on a few side by side, and those that are drawn a few at a time.
    #[test]
    fn little_room_gives_the_same_effects() {
        for network in Network::ALL {
            let config = ModelConfig::tiny(network, 3, 256, [7, 5]);
            let plans = Plan::of(&model_by_place(&config));
            let levels: Vec<u8> = (0..config.dimensions()).map(|k| (k * 53 % 256) as u8).collect();
            for question in [Question::All, Question::On { y: 5, x: 2 }, Question::Of { y: 4, x: 4 }] {
                let effects = |room, at_once| {
                    let mut influence =
                        Influence::within(&plans, &levels, question, [room, at_once]).expect("a good question");
                    while !influence.done() {
                        influence.step();
                    }
                    influence
                };
                let (plenty, values) = (effects(MOST_KEPT, AT_ONCE), effects(1, 1).image.values.len());
                assert_eq!((plenty.apart, plenty.together), (1, (MOST_KEPT / values)));
                assert!(plenty.effects.iter().any(|&effect| effect > 0.0), "{network:?}, {question:?}");
                for (room, at_once, apart, together) in
                    [(1, 1, 7 * values, 1), (values, 2, 7, 1), (3 * values, 2, 3, 3), (100 * values, 4, 1, 100)]
                {
                    let little = effects(room, at_once);
                    assert_eq!((little.apart, little.together), (apart, together));
                    assert_eq!(little.effects, plenty.effects, "{network:?}, {question:?}, room for {room}");
                }
            }
        }
    }
}
