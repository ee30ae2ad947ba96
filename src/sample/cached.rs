//! The cached sampler: every feature of an image computed once, in plain loops over the [`Plan`].
//!
//! It keeps of each feature map the few rows that later pixels still look at, so an image costs one forward pass instead of
//! one a value. Sums run over the inputs in one fixed order and are never fused or reordered, whatever the width of the
//! registers: the same weights and seed give the same bits on every machine, in the browser as natively.

use super::canvas::Canvas;
use super::lanes::F32x4;
use super::plan::{LANES, Pass, Plan, Step, Store};
use super::request::{Request, RequestError};
use crate::image::level_to_input;
use crate::nn::mask::features_of;
use std::sync::Arc;

/// Draws the images of one request, row by row.
pub struct CachedSampler {
    plan: Arc<Plan>,
    request: Request,
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
        Ok(Self { plan, request, images, y: 0 })
    }

    /// The row drawn next.
    pub fn y(&self) -> usize {
        self.y
    }

    /// Draws the next row of every image; false when there is none left.
    pub fn next_row(&mut self) -> bool {
        if self.y == self.plan.config.height {
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

    /// The images so far.
    pub fn canvases(&self) -> impl Iterator<Item = &Canvas> {
        self.images.iter().map(|(canvas, _)| canvas)
    }
}

/// The feature maps of one image, as much of them as is still looked at.
struct Features {
    values: Vec<f32>,
    /// Where each slot starts.
    starts: Vec<usize>,
    /// Where each slot's row stride ends: values a row.
    strides: Vec<usize>,
}

impl Features {
    fn new(plan: &Plan) -> Self {
        let (mut starts, mut strides, mut end) = (Vec::new(), Vec::new(), 0);
        for slot in &plan.slots {
            let stride =
                if slot.rows == 0 { slot.features } else { (plan.config.width + 2 * slot.halo) * slot.features };
            starts.push(end);
            strides.push(stride);
            // Room for a whole vector behind the last feature.
            end += slot.rows.max(1) * stride + LANES;
        }
        Self { values: vec![0.0; end], starts, strides }
    }

    /// Draws one row, with the widest registers the processor has.
    fn draw_row(&mut self, plan: &Plan, request: &Request, canvas: &mut Canvas, y: usize) {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx512f")]
            fn avx512(features: &mut Features, plan: &Plan, request: &Request, canvas: &mut Canvas, y: usize) {
                features.draw_row_with_any(plan, request, canvas, y);
            }
            #[target_feature(enable = "avx2")]
            fn avx2(features: &mut Features, plan: &Plan, request: &Request, canvas: &mut Canvas, y: usize) {
                features.draw_row_with_any(plan, request, canvas, y);
            }
            // SAFETY: each is called only where the processor has its instructions.
            if std::is_x86_feature_detected!("avx512f") {
                return unsafe { avx512(self, plan, request, canvas, y) };
            }
            if std::is_x86_feature_detected!("avx2") {
                return unsafe { avx2(self, plan, request, canvas, y) };
            }
        }
        self.draw_row_with_any(plan, request, canvas, y);
    }

    #[inline(always)]
    fn draw_row_with_any(&mut self, plan: &Plan, request: &Request, canvas: &mut Canvas, y: usize) {
        let (config, logits) = (&plan.config, plan.config.logits());
        for x in 0..config.width {
            for channel in 0..config.channels {
                for step in &plan.steps {
                    self.step(plan, step, channel, y, x);
                }
                let start = self.starts[plan.logits] + channel * logits;
                let level = canvas.decide(request, config, [channel, y, x], &self.values[start..start + logits]);
                let place = self.place(plan, 0, y, x);
                self.values[place + channel] = level_to_input(level, config.levels);
            }
        }
    }

    /// Where the features of pixel (`x`, `y`) stand in a slot.
    #[inline(always)]
    fn place(&self, plan: &Plan, slot: usize, y: usize, x: usize) -> usize {
        let (shape, start) = (&plan.slots[slot], self.starts[slot]);
        if shape.rows == 0 {
            return start;
        }
        start + y % shape.rows * self.strides[slot] + (x + shape.halo) * shape.features
    }

    #[inline(always)]
    fn step(&mut self, plan: &Plan, step: &Step, group: usize, y: usize, x: usize) {
        match step {
            Step::Conv { from, to, relu, store, passes } => {
                let pass = &passes[group];
                let place = self.place(plan, *to, y, x) + pass.first;
                let stride = pass.features.next_multiple_of(LANES);
                let mut block = 0;
                while block < stride {
                    let at = (block, place + block);
                    block += match stride - block {
                        16.. => self.block::<4>(plan, *from, pass, (*relu, *store), at, y, x),
                        8.. => self.block::<2>(plan, *from, pass, (*relu, *store), at, y, x),
                        _ => self.block::<1>(plan, *from, pass, (*relu, *store), at, y, x),
                    };
                }
            }
            Step::Add { from, to } => {
                let range = features_of(group, plan.slots[*to].features, plan.config.channels);
                let (from, to) = (self.starts[*from], self.starts[*to]);
                range.for_each(|feature| self.values[to + feature] += self.values[from + feature]);
            }
        }
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
        y: usize,
        x: usize,
    ) -> usize {
        let shape = &plan.slots[from];
        let stride = pass.features.next_multiple_of(LANES);
        let (bias, mut weights) = plan.weights[pass.weights..].split_at(stride);
        let load = |row: &[f32]| -> [F32x4; V] {
            let row = &row[block..block + V * LANES];
            std::array::from_fn(|v| F32x4::load(&row[v * LANES..]))
        };
        let (mut even, mut odd) = (load(bias), [F32x4::ZERO; V]);
        for run in &pass.runs {
            let start = if shape.rows == 0 {
                self.starts[from]
            } else {
                let row = (y + shape.rows - run.up) % shape.rows;
                self.starts[from] + row * self.strides[from] + (x + shape.halo - run.left) * shape.features
            };
            let inputs = &self.values[start..start + run.length];
            let (rows, rest) = weights.split_at(run.length * stride);
            weights = rest;
            let (inputs, last_input) = inputs.as_chunks::<2>();
            for (pair, rows) in inputs.iter().zip(rows.chunks_exact(2 * stride)) {
                let [first, second] = if relu { pair.map(rectify) } else { *pair };
                let (first_row, second_row) = rows.split_at(stride);
                add_row(&mut even, first, load(first_row));
                add_row(&mut odd, second, load(second_row));
            }
            if let [last] = last_input {
                let last = if relu { rectify(*last) } else { *last };
                add_row(&mut even, last, load(&rows[rows.len() - stride..]));
            }
        }
        let outputs = V * LANES;
        let mut sums = [[0.0; LANES]; V];
        for v in 0..V {
            sums[v] = even[v].add(odd[v]).to_array();
        }
        let features = outputs.min(pass.features - block);
        let sums = &sums.as_flattened()[..features];
        match store {
            Store::Set => self.values[place..place + features].copy_from_slice(sums),
            Store::SetRelu => {
                for (target, &sum) in self.values[place..place + features].iter_mut().zip(sums) {
                    *target = rectify(sum);
                }
            }
            Store::AddTo { base } => {
                let base = self.starts[base] + pass.first + block;
                for (feature, sum) in sums.iter().enumerate() {
                    self.values[place + feature] = self.values[base + feature] + sum;
                }
            }
        }
        outputs
    }
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

    /// The same file is read by the browser's tests: one seed, one picture, on every machine.
    #[test]
    fn a_seed_gives_these_levels() {
        let (network, height, width) = (Network::PixelCnn, 4, 5);
        let config =
            ModelConfig { network, channels: 1, levels: 2, height, width, layers: 2, h: 4, head: 6, skip: true };
        let mut tensor = 0;
        let model = Model::init(&config, &Device::flex()).expect("a good configuration").map_tensors(|_, shape| {
            tensor += 1;
            (0..shape.iter().product()).map(|k| uniform(tensor, k as u32, 0, 0, 0) - 0.5).collect()
        });
        let mut sampler = CachedSampler::new(Arc::new(Plan::new(&model)), Request::samples(11, 1)).expect("good");
        while sampler.next_row() {}
        let levels: Vec<u8> = sampler.canvases().flat_map(|canvas| canvas.levels.clone()).collect();
        assert_eq!(levels, include!("../../tests/fixtures/tiny-levels.in"));
    }
}
