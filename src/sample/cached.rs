//! The cached sampler: every feature of an image computed once, in plain loops over the [`Plan`].
//!
//! It keeps of each feature map the few rows that later pixels still look at, so an image costs one forward pass instead of
//! one a value. Sums run over the inputs in one fixed order and are never fused or reordered, whatever the width of the
//! registers: the same weights and seed give the same bits on every machine, in the browser as natively.

use super::canvas::Canvas;
use super::features::Features;
use super::lanes::F32x4;
use super::plan::{HERE, LANES, Pass, Plan, Step, Store};
use super::request::{Request, RequestError};
use crate::image::level_to_input;
use crate::nn::gates::{GATES, cell};
use crate::nn::mask::features_of;
use std::sync::Arc;

/// Draws the images of one request, row by row.
pub struct CachedSampler {
    plan: Arc<Plan>,
    request: Request,
    /// Draws the small images these are drawn from, where there are any.
    small: Option<Box<CachedSampler>>,
    images: Vec<(Canvas, Features)>,
    y: usize,
}

impl CachedSampler {
    /// A sampler before its first row.
    ///
    /// # Errors
    /// When the request does not fit the plan's network.
    pub fn new(plan: Arc<Plan>, request: Request) -> Result<Self, RequestError> {
        let canvases = Canvas::all(&request, &plan.config)?;
        let images = canvases.into_iter().map(|canvas| (canvas, Features::new(&plan))).collect();
        let small = plan
            .conditioning
            .as_ref()
            .map(|conditioning| Self::new(conditioning.small.clone(), request.small(&plan.config)).map(Box::new));
        let small = small.transpose()?;
        Ok(Self { plan, request, small, images, y: 0 })
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
        let (plan, request, y) = (&*self.plan, &self.request, self.y);
        let draw = |(canvas, features): &mut (Canvas, Features)| features.draw_row(plan, request, canvas, y);
        #[cfg(feature = "native")]
        rayon::iter::ParallelIterator::for_each(
            rayon::iter::IntoParallelRefMutIterator::par_iter_mut(&mut self.images),
            draw,
        );
        #[cfg(not(feature = "native"))]
        self.images.iter_mut().for_each(draw);
        self.y += 1;
        true
    }

    /// Puts what the layers see of the small images where they will look for it.
    fn condition(&mut self) {
        let (Some(conditioning), Some(small)) = (&self.plan.conditioning, &self.small) else { return };
        for ((_, features), canvas) in self.images.iter_mut().zip(small.canvases()) {
            let map = conditioning.upsampling.map(&canvas.levels, self.plan.config.levels);
            features.fill(conditioning.slot, &map);
        }
    }

    /// The images so far.
    pub fn canvases(&self) -> impl Iterator<Item = &Canvas> {
        self.images.iter().map(|(canvas, _)| canvas)
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
        self.images[0].0.watch(place);
    }

    /// The logits kept.
    pub(super) fn watched(&self) -> Option<&[f32]> {
        self.images[0].0.watched()
    }
}

impl Features {
    /// Draws one row, with the widest registers the processor has.
    fn draw_row(&mut self, plan: &Plan, request: &Request, canvas: &mut Canvas, y: usize) {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx512f")]
            fn avx512(features: &mut Features, plan: &Plan, request: &Request, canvas: &mut Canvas, y: usize) {
                features.draw_row_with::<16>(plan, request, canvas, y);
            }
            #[target_feature(enable = "avx2")]
            fn avx2(features: &mut Features, plan: &Plan, request: &Request, canvas: &mut Canvas, y: usize) {
                features.draw_row_with::<8>(plan, request, canvas, y);
            }
            // SAFETY: each is called only where the processor has its instructions.
            if std::is_x86_feature_detected!("avx512f") {
                return unsafe { avx512(self, plan, request, canvas, y) };
            }
            if std::is_x86_feature_detected!("avx2") {
                return unsafe { avx2(self, plan, request, canvas, y) };
            }
        }
        self.draw_row_with::<4>(plan, request, canvas, y);
    }

    /// `W`: vectors of outputs computed side by side at most, twice as many as there are sums in registers.
    #[inline(always)]
    fn draw_row_with<const W: usize>(&mut self, plan: &Plan, request: &Request, canvas: &mut Canvas, y: usize) {
        let (config, logits) = (&plan.config, plan.config.logits());
        self.set_row(y);
        for x in 0..config.width {
            for channel in 0..config.channels {
                for step in &plan.steps {
                    self.step::<W>(plan, step, channel, x);
                }
                let start = self.place(plan.logits, x, HERE) + channel * logits;
                let level = canvas.decide(request, config, [channel, y, x], &self.values[start..start + logits]);
                let place = self.place(0, x, HERE);
                self.values[place + channel] = level_to_input(level, config.levels);
            }
        }
        if y + 1 == config.height {
            return;
        }
        for scan in &plan.scans {
            for x in (0..config.width).rev() {
                for group in 0..config.channels {
                    for step in scan {
                        self.step::<W>(plan, step, group, x);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn step<const W: usize>(&mut self, plan: &Plan, step: &Step, group: usize, x: usize) {
        match step {
            Step::Conv { from, to, relu, store, passes } => {
                let pass = &passes[group];
                let place = self.place(*to, x, HERE) + pass.first;
                let stride = pass.features.next_multiple_of(LANES);
                let mut block = 0;
                while block < stride {
                    let at = (block, place + block);
                    block += match stride - block {
                        64.. if W >= 16 => self.block::<16>(plan, *from, pass, (*relu, *store), at, x),
                        32.. if W >= 8 => self.block::<8>(plan, *from, pass, (*relu, *store), at, x),
                        16.. => self.block::<4>(plan, *from, pass, (*relu, *store), at, x),
                        8.. => self.block::<2>(plan, *from, pass, (*relu, *store), at, x),
                        _ => self.block::<1>(plan, *from, pass, (*relu, *store), at, x),
                    };
                }
            }
            Step::Sum { terms, to } => {
                let range = features_of(group, plan.slots[*to].features, plan.config.channels);
                let [one, other] = terms.map(|(slot, from)| self.place(slot, x, from));
                let to = self.place(*to, x, HERE);
                range.for_each(|k| self.values[to + k] = self.values[one + k] + self.values[other + k]);
            }
            Step::Cell { from, h, c, before } => {
                let units = features_of(group, plan.slots[*h].features, plan.config.channels);
                let from = self.place(*from, x, HERE) + GATES * units.start;
                let c_before = self.place(*c, x, *before) + units.start;
                let [h, c] = [*h, *c].map(|slot| self.place(slot, x, HERE) + units.start);
                self.cells(units.len(), from, c_before, [h, c]);
            }
        }
    }

    /// Steps `count` cells whose sums start at `from`, gate after gate.
    #[inline(always)]
    fn cells(&mut self, count: usize, from: usize, c_before: usize, [h, c]: [usize; 2]) {
        let mut k = 0;
        while k < count {
            let [c_before, h, c] = [c_before, h, c].map(|start| start + k);
            k += match count - k {
                16.. => self.some_cells::<16>(count, from + k, c_before, [h, c]),
                4.. => self.some_cells::<4>(count, from + k, c_before, [h, c]),
                _ => self.some_cells::<1>(count, from + k, c_before, [h, c]),
            };
        }
    }

    /// `N` of them, in a loop that becomes vector instructions. Gives `N`.
    #[inline(always)]
    fn some_cells<const N: usize>(&mut self, gate: usize, from: usize, c_before: usize, [h, c]: [usize; 2]) -> usize {
        let mut sums = [[0.0; N]; GATES];
        for (k, sums) in sums.iter_mut().enumerate() {
            sums.copy_from_slice(&self.values[from + k * gate..][..N]);
        }
        let (mut before, mut states, mut cells) = ([0.0; N], [0.0; N], [0.0; N]);
        before.copy_from_slice(&self.values[c_before..][..N]);
        for l in 0..N {
            (states[l], cells[l]) = cell([sums[0][l], sums[1][l], sums[2][l], sums[3][l]], before[l]);
        }
        self.values[h..][..N].copy_from_slice(&states);
        self.values[c..][..N].copy_from_slice(&cells);
        N
    }

    /// `4 V` outputs of a pass from output `block` on: the bias, then every input in turn, even and odd ones summed apart
    /// so that an addition need not wait for the one before it. Gives how many outputs these were.
    #[inline(always)]
    #[allow(clippy::too_many_arguments, reason = "a pixel's place and a pass, spelled out for the inner loop")]
    fn block<const V: usize>(
        &mut self,
        plan: &Plan,
        from: usize,
        pass: &Pass,
        (relu, store): (bool, Store),
        (block, place): (usize, usize),
        x: usize,
    ) -> usize {
        let stride = pass.features.next_multiple_of(LANES);
        let (bias, mut weights) = plan.weights[pass.weights..].split_at(stride);
        let (mut even, mut odd) = (load_row::<V>(bias, block), [F32x4::ZERO; V]);
        for run in &pass.runs {
            let start = self.place(from, x, run.from);
            let inputs = &self.values[start..start + run.length];
            let (rows, rest) = weights.split_at(run.length * stride);
            weights = rest;
            let (inputs, last_input) = inputs.as_chunks::<2>();
            for (pair, rows) in inputs.iter().zip(rows.chunks_exact(2 * stride)) {
                let [mut first, mut second] = *pair;
                if relu {
                    (first, second) = (rectify(first), rectify(second));
                }
                let (first_row, second_row) = rows.split_at(stride);
                add_row(&mut even, first, load_row(first_row, block));
                add_row(&mut odd, second, load_row(second_row, block));
            }
            if let [last] = last_input {
                let last = if relu { rectify(*last) } else { *last };
                add_row(&mut even, last, load_row(&rows[rows.len() - stride..], block));
            }
        }
        let outputs = V * LANES;
        let mut sums = [[0.0; LANES]; V];
        for v in 0..V {
            sums[v] = even[v].add(odd[v]).to_array();
        }
        let sums = sums.as_flattened();
        // Whole vectors wherever they fit: a length the compiler knows is not a call of `memcpy`.
        if block + outputs <= pass.features {
            self.store(store, pass, (block, place), x, &sums[..V * LANES]);
        } else {
            self.store(store, pass, (block, place), x, &sums[..pass.features - block]);
        }
        outputs
    }

    /// Puts sums of a pass, from output `block` on, to where they belong.
    #[inline(always)]
    fn store(&mut self, store: Store, pass: &Pass, (block, place): (usize, usize), x: usize, sums: &[f32]) {
        match store {
            Store::Set => self.values[place..place + sums.len()].copy_from_slice(sums),
            Store::SetRelu => {
                for (target, &sum) in self.values[place..place + sums.len()].iter_mut().zip(sums) {
                    *target = rectify(sum);
                }
            }
            Store::AddTo { base } => {
                let base = self.place(base, x, HERE) + pass.first + block;
                for (k, sum) in sums.iter().enumerate() {
                    self.values[place + k] = self.values[base + k] + sum;
                }
            }
        }
    }
}

/// `V` vectors of a row of weights. Written as a loop: a closure would be compiled without the wide registers.
#[inline(always)]
fn load_row<const V: usize>(row: &[f32], block: usize) -> [F32x4; V] {
    let row = &row[block..block + V * LANES];
    let mut vectors = [F32x4::ZERO; V];
    for v in 0..V {
        vectors[v] = F32x4::load(&row[v * LANES..]);
    }
    vectors
}

#[inline(always)]
fn add_row<const V: usize>(sums: &mut [F32x4; V], input: f32, weights: [F32x4; V]) {
    for v in 0..V {
        sums[v] = sums[v].add_product(input, weights[v]);
    }
}

/// ReLU. `f32::max` would ask what to do with NaN, at the cost of a function call in the browser.
#[inline(always)]
fn rectify(value: f32) -> f32 {
    if value > 0.0 { value } else { 0.0 }
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
            (Network::PixelCnn, include!("../../tests/fixtures/tiny-levels.in")),
            (Network::RowLstm, include!("../../tests/fixtures/tiny-levels-row.in")),
            (Network::DiagonalBiLstm, include!("../../tests/fixtures/tiny-levels-diagonal.in")),
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
