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
    images: Vec<Image>,
    /// Whether all images are still one and the same, because all pixels so far were given to all of them.
    alike: bool,
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
        let blank = layout.blank(&plan);
        let images = canvases.into_iter().map(|canvas| Image::new(canvas, blank.clone(), &plan)).collect();
        let small = plan
            .conditioning
            .as_ref()
            .map(|conditioning| Self::new(conditioning.small.clone(), request.small(&plan.config)).map(Box::new));
        let small = small.transpose()?;
        // Images that are drawn from different small ones differ from the start.
        let alike = small.is_none();
        Ok(Self { plan, request, small, layout, program: Program::default(), images, alike, y: 0 })
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
        let was_alike = self.alike && y > 0;
        self.alike &= self.request.gives_row(&self.plan.config, y);
        if let [first, others @ ..] = &mut self.images[..] {
            if self.alike {
                row.draw(std::slice::from_mut(first));
                others.iter_mut().for_each(|other| other.canvas.copy_row(&first.canvas, &self.plan.config, y));
                self.y += 1;
                return true;
            }
            if was_alike {
                others.iter_mut().for_each(|other| other.values.copy_from_slice(&first.values));
            }
        }
        #[cfg(feature = "native")]
        {
            use rayon::prelude::*;
            let together = self.images.len().div_ceil(rayon::current_num_threads()).min(TOGETHER);
            self.images.par_chunks_mut(together).for_each(|images| row.draw(images));
        }
        #[cfg(not(feature = "native"))]
        self.images.chunks_mut(TOGETHER).for_each(|images| row.draw(images));
        self.y += 1;
        true
    }

    /// Puts what the layers see of the small images where they will look for it.
    fn condition(&mut self) {
        let (Some(conditioning), Some(small)) = (&self.plan.conditioning, &self.small) else { return };
        for (image, canvas) in self.images.iter_mut().zip(small.canvases()) {
            let map = conditioning.upsampling.map(&canvas.levels, self.plan.config.levels);
            self.layout.fill(&mut image.values, conditioning.slot, &map);
        }
    }

    /// The images so far.
    pub fn canvases(&self) -> impl Iterator<Item = &Canvas> {
        self.images.iter().map(|image| &image.canvas)
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
