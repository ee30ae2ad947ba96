//! The cached sampler: every feature of an image computed once, in plain loops over the [`Plan`].
//!
//! It keeps of each feature map the few rows that later pixels still look at, so an image costs one forward pass instead of
//! one a value. Images are drawn a few at a time, so that a weight read from memory serves them all. Sums are made in one
//! fixed order ([`SEGMENT`](super::plan::SEGMENT)) and are never fused or reordered, whatever the width of the registers and
//! however many images: the same weights and seed give the same bits on every machine, in the browser as natively.

mod influence;
mod question;
mod row;

pub use influence::{Influence, mean_effects};
pub use question::Question;

use super::canvas::{Canvas, Decider};
use super::cascade::{Cascade, Scale, Scored};
use super::layout::Layout;
use super::plan::Plan;
use super::program::Program;
use super::request::{Request, RequestError};
use crate::model::ModelConfig;
use row::{Image, Row};
use std::sync::Arc;

/// Images handed to a thread at once; the widest registers take no more together.
const TOGETHER: usize = 8;

/// Draws the images of one request on the CPU, row by row.
pub type CachedSampler = Cascade<CachedScale>;

impl CachedSampler {
    /// A sampler before its first row, by the plans of all scales.
    ///
    /// # Errors
    /// When the request does not fit the plans' network.
    pub fn new(plans: &[Arc<Plan>], request: Request) -> Result<Self, RequestError> {
        Self::open(plans.iter().cloned(), request, CachedScale::new)
    }

    /// A sampler of an image a decider, whose values these decide.
    ///
    /// # Errors
    /// When there is no decider, or more than a request has images.
    pub fn decided_by(plans: &[Arc<Plan>], deciders: &[Decider]) -> Result<Self, RequestError> {
        let mut sampler = Self::new(plans, Request::samples(0, deciders.len()))?;
        for scale in sampler.scales_mut() {
            for (&place, decider) in scale.places.iter().zip(deciders) {
                scale.images[place].canvas.decider = Some(decider.clone());
            }
        }
        Ok(sampler)
    }

    /// Draws the next row of every image, of the smallest scale first; false when there is none left.
    pub fn next_row(&mut self) -> bool {
        self.due().map(CachedScale::next_row).is_some()
    }

    /// Keeps what the network says of one image of the request, at every scale: see [`CachedScale::trace`]. Asked for before the
    /// first row.
    ///
    /// # Panics
    /// When there is no such image.
    pub fn trace(&mut self, image: usize) {
        self.scales_mut().iter_mut().for_each(|scale| scale.keep_trace(image));
    }
}

/// What the network said of a row of an image, and what was drawn with; arrays in the order of channels, then columns.
#[derive(Clone, Debug, PartialEq)]
pub struct RowTrace {
    /// The row.
    pub y: usize,
    /// `[channels, width, logits]`; one logit, the log-odds of level 1, for two levels.
    pub logits: Vec<f32>,
    /// The uniform number of every value, also of one that is given and needs none.
    pub uniforms: Vec<f32>,
    /// −ln p of every value at temperature 1.
    pub nll_nats: Vec<f32>,
}

/// The work of every row of an image.
struct Rows {
    plan: Arc<Plan>,
    request: Request,
    layout: Layout,
    /// One for every row until the places of the features come round again.
    programs: Vec<Program>,
}

impl Rows {
    fn new(plan: Arc<Plan>, request: Request) -> Self {
        let layout = Layout::new(&plan);
        let program = |y| Program::new(&plan, |slot, from, _| layout.at(slot, from, y));
        let programs = (0..layout.phases(plan.config.height)).map(program).collect();
        Self { plan, request, layout, programs }
    }

    /// Draws row `y` of these images, on all threads where there are several.
    fn draw(&self, y: usize, images: &mut [Image]) {
        self.draw_beside(y, None, images);
    }

    /// The same of images that draw some of its columns, and have it from another image apart from these: `features` of all columns.
    fn draw_beside(&self, y: usize, features: Option<&[f32]>, images: &mut [Image]) {
        let program = &self.programs[y % self.programs.len()];
        let row = Row { plan: &self.plan, program, request: &self.request, y };
        let draw = |images: &mut [Image]| {
            if let Some(features) = features {
                images.iter_mut().for_each(|image| self.layout.put_row(&mut image.values, y, features));
            }
            row.draw(images);
        };
        #[cfg(feature = "native")]
        {
            use rayon::prelude::*;
            let together = images.len().div_ceil(rayon::current_num_threads()).clamp(1, TOGETHER);
            images.par_chunks_mut(together).for_each(draw);
        }
        #[cfg(not(feature = "native"))]
        images.chunks_mut(TOGETHER).for_each(draw);
    }
}

/// Draws the images of one scale.
pub struct CachedScale {
    rows: Rows,
    /// Images that start alike are made once: first come those of which no neighbour before is given the same, then the others.
    images: Vec<Image>,
    /// Where each image of the request stands among them.
    places: Vec<usize>,
    /// For each of the others, the first that it is alike.
    first_of: Vec<usize>,
    /// Rows at the top that are given whole, to all of them.
    rows_given: usize,
    /// The image of which a trace is kept.
    traced: Option<usize>,
    y: usize,
}

impl CachedScale {
    fn new(plan: Arc<Plan>, request: Request) -> Result<Self, RequestError> {
        let canvases = Canvas::all(&request, &plan.config)?;
        // Images that are drawn from different small ones differ from the start.
        let rows_given = if plan.conditioning.is_none() { request.rows_given(&plan.config) } else { 0 };
        let count = canvases.len();
        let same = if rows_given > 0 { request.same_above(&plan.config, rows_given) } else { (0..count).collect() };
        let (firsts, others): (Vec<usize>, Vec<usize>) = (0..count).partition(|&image| same[image] == image);
        let mut places = vec![0; count];
        firsts.iter().chain(&others).enumerate().for_each(|(place, &image)| places[image] = place);
        let first_of = others.iter().map(|&image| places[same[image]]).collect();
        let rows = Rows::new(plan, request);
        let blank = rows.layout.blank(&rows.plan);
        let mut canvases: Vec<_> = canvases.into_iter().map(Some).collect();
        let images = firsts.iter().chain(&others).map(|&image| {
            let canvas = canvases[image].take().expect("an image has one place");
            Image::new(canvas, blank.clone(), &rows.plan)
        });
        let images = images.collect();
        Ok(Self { rows, images, places, first_of, rows_given, traced: None, y: 0 })
    }

    fn next_row(&mut self) {
        let y = self.y;
        let firsts = self.images.len() - self.first_of.len();
        let drawn = if y < self.rows_given { firsts } else { self.images.len() };
        self.rows.draw(y, &mut self.images[..drawn]);
        let (firsts, others) = self.images.split_at_mut(drawn);
        for (other, &first) in others.iter_mut().zip(&self.first_of) {
            other.canvas.copy_row(&firsts[first].canvas, &self.rows.plan.config, y);
            if y + 1 == self.rows_given {
                other.values.copy_from_slice(&firsts[first].values);
            }
        }
        self.y += 1;
    }

    fn keep_trace(&mut self, image: usize) {
        self.traced = Some(image);
        for place in [self.drawn_at(image, 0), self.places[image]] {
            self.images[place].canvas.keep_logits(&self.rows.plan.config);
        }
    }

    /// Where row `y` of an image of the request is drawn: where it is given like that of another, it is that one's.
    fn drawn_at(&self, image: usize, y: usize) -> usize {
        let (place, firsts) = (self.places[image], self.images.len() - self.first_of.len());
        if y < self.rows_given && place >= firsts { self.first_of[place - firsts] } else { place }
    }

    /// What the network said of the row drawn last, of the image of which a trace is kept.
    pub fn trace(&self) -> Option<RowTrace> {
        let (image, y, config) = (self.traced?, self.y.checked_sub(1)?, &self.rows.plan.config);
        let canvas = &self.images[self.drawn_at(image, y)].canvas;
        let values = (0..config.channels).flat_map(|channel| (0..config.width).map(move |x| (channel, x)));
        let uniforms = values.map(|(channel, x)| self.rows.request.uniform_at(image, channel, y, x)).collect();
        let rows = canvas.nll_nats.chunks_exact(config.height * config.width);
        let nll_nats = rows.flat_map(|plane| &plane[y * config.width..][..config.width]).copied().collect();
        Some(RowTrace { y, logits: canvas.row_logits()?.to_vec(), uniforms, nll_nats })
    }

    fn canvases(&self) -> impl Iterator<Item = &Canvas> {
        self.places.iter().map(|&place| &self.images[place].canvas)
    }
}

impl Scale for CachedScale {
    fn config(&self) -> &ModelConfig {
        &self.rows.plan.config
    }

    fn y(&self) -> usize {
        self.y
    }

    fn images(&self) -> impl Iterator<Item = &[u8]> {
        self.canvases().map(|canvas| canvas.levels.as_slice())
    }

    fn condition(&mut self, small: &Self) {
        let conditioning = self.rows.plan.conditioning.as_ref().expect("a network that enlarges a small image");
        // Images that are drawn from small ones stand in the order of the request.
        for (image, small) in self.images.iter_mut().zip(small.images()) {
            let map = conditioning.upsampling.map(small, self.rows.plan.config.levels);
            self.rows.layout.fill(&mut image.values, conditioning.slot, &map);
        }
    }
}

impl Scored for CachedScale {
    fn nll_nats_of_values(&self) -> impl Iterator<Item = &[f32]> {
        self.canvases().map(|canvas| canvas.nll_nats.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Network;
    use crate::sample::model_by_place;

    /// The same files are read by the browser's tests: one seed, one picture, on every machine.
    #[test]
    fn a_seed_gives_these_levels() {
        for (network, expected) in [
            (Network::PixelCnn, include!("../../../tests/fixtures/tiny-levels.in")),
            (Network::RowLstm, include!("../../../tests/fixtures/tiny-levels-row.in")),
            (Network::DiagonalBiLstm, include!("../../../tests/fixtures/tiny-levels-diagonal.in")),
        ] {
            let config = ModelConfig { layers: 2, head: 6, ..ModelConfig::tiny(network, 1, 2, [4, 5]) };
            let plans = Plan::of(&model_by_place(&config));
            let mut sampler = CachedSampler::new(&plans, Request::samples(11, 1)).expect("good");
            while sampler.next_row() {}
            assert_eq!(sampler.levels(), expected, "{network:?}");
        }
    }
}
