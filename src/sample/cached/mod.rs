//! The cached sampler: every feature of an image computed once, in plain loops over the [`Plan`].
//!
//! It keeps of each feature map the few rows that later pixels still look at, so an image costs one forward pass instead of
//! one a value. Images are drawn a few at a time, so that a weight read from memory serves them all. Sums are made in one
//! fixed order ([`SEGMENT`](super::plan::SEGMENT)) and are never fused or reordered, whatever the width of the registers and
//! however many images: the same weights and seed give the same bits on every machine, in the browser as natively.

mod row;

use super::canvas::Canvas;
use super::layout::Layout;
use super::plan::Plan;
use super::program::Program;
use super::request::{Request, RequestError};
use row::{Image, Row};
use std::sync::Arc;

/// Images handed to a thread at once; the widest registers take no more together.
const TOGETHER: usize = 8;

/// Draws the images of one request, row by row.
pub struct CachedSampler {
    plan: Arc<Plan>,
    request: Request,
    /// Draws the small images these are drawn from, where there are any.
    small: Option<Box<CachedSampler>>,
    layout: Layout,
    program: Program,
    /// Images that start alike are made once: first come those of which no neighbour before is given the same, then the others.
    images: Vec<Image>,
    /// Where each image of the request stands among them.
    places: Vec<usize>,
    /// For each of the others, the first that it is alike.
    first_of: Vec<usize>,
    /// Rows at the top that are given whole, to all of them.
    rows_given: usize,
    y: usize,
}

impl CachedSampler {
    /// A sampler before its first row.
    ///
    /// # Errors
    /// When the request does not fit the plan's network.
    pub fn new(plan: Arc<Plan>, request: Request) -> Result<Self, RequestError> {
        let canvases = Canvas::all(&request, &plan.config)?;
        let layout = Layout::new(&plan);
        let small = plan
            .conditioning
            .as_ref()
            .map(|conditioning| Self::new(conditioning.small.clone(), request.small(&plan.config)).map(Box::new));
        let small = small.transpose()?;
        // Images that are drawn from different small ones differ from the start.
        let rows_given = if small.is_none() { request.rows_given(&plan.config) } else { 0 };
        let count = canvases.len();
        let same = if rows_given > 0 { request.same_above(&plan.config, rows_given) } else { (0..count).collect() };
        let (firsts, others): (Vec<usize>, Vec<usize>) = (0..count).partition(|&image| same[image] == image);
        let mut places = vec![0; count];
        firsts.iter().chain(&others).enumerate().for_each(|(place, &image)| places[image] = place);
        let first_of = others.iter().map(|&image| places[same[image]]).collect();
        let blank = layout.blank(&plan);
        let mut canvases: Vec<_> = canvases.into_iter().map(Some).collect();
        let images = firsts.iter().chain(&others).map(|&image| {
            let canvas = canvases[image].take().expect("an image has one place");
            Image::new(canvas, blank.clone(), &plan)
        });
        let images = images.collect();
        let program = Program::default();
        Ok(Self { plan, request, small, layout, program, images, places, first_of, rows_given, y: 0 })
    }

    /// The row drawn next, of the scale drawn next.
    pub fn y(&self) -> usize {
        self.of_scale(self.scale()).y
    }

    /// The scale whose row is drawn next: 0 for the smallest image; the image itself is the last.
    pub fn scale(&self) -> usize {
        match &self.small {
            Some(small) if !small.done() => small.scale(),
            _ => self.plan.scales().len() - 1,
        }
    }

    /// Whether every row of every scale is drawn.
    pub fn done(&self) -> bool {
        self.y == self.plan.config.height
    }

    /// The sampler of one scale.
    ///
    /// # Panics
    /// When there is no such scale.
    pub fn of_scale(&self, scale: usize) -> &Self {
        if scale + 1 == self.plan.scales().len() {
            return self;
        }
        self.small.as_ref().expect("a scale of this network").of_scale(scale)
    }

    /// Draws the next row of every image, of the smallest scale first; false when there is none left.
    pub fn next_row(&mut self) -> bool {
        if let Some(small) = &mut self.small
            && small.next_row()
        {
            if small.done() {
                self.condition();
            }
            return true;
        }
        if self.done() {
            return false;
        }
        let (layout, y) = (&self.layout, self.y);
        self.program.set_row(&self.plan, |slot, from| layout.at(slot, from, y));
        let row = Row { plan: &self.plan, program: &self.program, request: &self.request, y };
        let firsts = self.images.len() - self.first_of.len();
        let drawn = if y < self.rows_given { firsts } else { self.images.len() };
        draw(row, &mut self.images[..drawn]);
        let (firsts, others) = self.images.split_at_mut(drawn);
        for (other, &first) in others.iter_mut().zip(&self.first_of) {
            other.canvas.copy_row(&firsts[first].canvas, &self.plan.config, y);
            if y + 1 == self.rows_given {
                other.values.copy_from_slice(&firsts[first].values);
            }
        }
        self.y += 1;
        true
    }

    /// Puts what the layers see of the small images where they will look for it.
    fn condition(&mut self) {
        let (Some(conditioning), Some(small)) = (&self.plan.conditioning, &self.small) else { return };
        // Images that are drawn from small ones stand in the order of the request.
        for (image, canvas) in self.images.iter_mut().zip(small.canvases()) {
            let map = conditioning.upsampling.map(&canvas.levels, self.plan.config.levels);
            self.layout.fill(&mut image.values, conditioning.slot, &map);
        }
    }

    /// The images so far.
    pub fn canvases(&self) -> impl Iterator<Item = &Canvas> {
        self.places.iter().map(|&place| &self.images[place].canvas)
    }

    /// −ln p of every image as far as it is decided, over all scales: −ln p(small) − ln p(image | small).
    pub fn nll_nats(&self) -> Vec<f32> {
        let own = self.canvases().map(Canvas::total_nll_nats);
        match &self.small {
            Some(small) => own.zip(small.nll_nats()).map(|(own, small)| own + small).collect(),
            None => own.collect(),
        }
    }

    /// Keeps the logits of one value of the first image when they come by: channel, row and column.
    pub(super) fn watch(&mut self, place: [usize; 3]) {
        self.images[0].canvas.watch(place);
    }

    /// The logits kept.
    pub(super) fn watched(&self) -> Option<&[f32]> {
        self.images[0].canvas.watched()
    }
}

/// Draws a row of these images, on all threads where there are several.
fn draw(row: Row, images: &mut [Image]) {
    #[cfg(feature = "native")]
    {
        use rayon::prelude::*;
        let together = images.len().div_ceil(rayon::current_num_threads()).clamp(1, TOGETHER);
        images.par_chunks_mut(together).for_each(|images| row.draw(images));
    }
    #[cfg(not(feature = "native"))]
    images.chunks_mut(TOGETHER).for_each(|images| row.draw(images));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Model, ModelConfig, Network};
    use crate::sample::uniform;
    use burn::tensor::Device;

    /// The same files are read by the browser's tests: one seed, one picture, on every machine.
    #[test]
    fn a_seed_gives_these_levels() {
        for (network, expected) in [
            (Network::PixelCnn, include!("../../../tests/fixtures/tiny-levels.in")),
            (Network::RowLstm, include!("../../../tests/fixtures/tiny-levels-row.in")),
            (Network::DiagonalBiLstm, include!("../../../tests/fixtures/tiny-levels-diagonal.in")),
        ] {
            let (height, width) = (4, 5);
            let config = ModelConfig {
                network,
                channels: 1,
                levels: 2,
                height,
                width,
                layers: 2,
                h: 4,
                head: 6,
                skip: true,
                conditioning: None,
            };
            let mut tensor = 0;
            let model = Model::init(&config, &Device::flex()).expect("a good configuration").map_tensors(|_, shape| {
                tensor += 1;
                (0..shape.iter().product()).map(|k| uniform(tensor, k as u32, 0, 0, 0) - 0.5).collect()
            });
            let mut sampler = CachedSampler::new(Arc::new(Plan::new(&model)), Request::samples(11, 1)).expect("good");
            while sampler.next_row() {}
            let levels: Vec<u8> = sampler.canvases().flat_map(|canvas| canvas.levels.clone()).collect();
            assert_eq!(levels, expected, "{network:?}");
        }
    }
}
