//! The cached sampler: every feature of an image computed once, in plain loops over the [`Plan`].
//!
//! It keeps of each feature map the few rows that later pixels still look at, so an image costs one forward pass instead of
//! one a value. Sums run over the inputs in one fixed order and are never fused or reordered, whatever the width of the
//! registers: the same weights and seed give the same bits on every machine, in the browser as natively.

use super::canvas::Canvas;
use super::lanes::F32x4;
use super::plan::{Border, HERE, LANES, Pass, Place, Plan, Step, Store};
use super::request::{Request, RequestError};
use crate::image::level_to_input;
use crate::nn::gates::{GATES, cell};
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
        let mut features = Self { values: vec![0.0; end], starts, strides };
        for (slot, shape) in plan.slots.iter().enumerate() {
            let (width, halo) = (plan.config.width as isize, shape.halo as isize);
            let (rows, columns, values): (_, Vec<isize>, _) = match &shape.border {
                Border::Zeros => continue,
                // The ring of rows holds the row above the image in its last place.
                Border::Above(values) => (shape.rows - 1..shape.rows, (0..width).collect(), values),
                Border::Beside(values) => (0..shape.rows, (-halo..0).chain(width..width + halo).collect(), values),
            };
            for (y, x) in rows.flat_map(|y| columns.iter().map(move |&x| (y, x))) {
                let place = features.place(plan, slot, y, 0, Place { up: 0, left: -x });
                features.values[place..place + values.len()].copy_from_slice(values);
            }
        }
        features
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
                let place = self.place(plan, 0, y, x, HERE);
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
                        self.step(plan, step, group, y, x);
                    }
                }
            }
        }
    }

    /// Where the features of the pixel at `from`, seen from (`x`, `y`), stand in a slot.
    #[inline(always)]
    fn place(&self, plan: &Plan, slot: usize, y: usize, x: usize, from: Place) -> usize {
        let (shape, start) = (&plan.slots[slot], self.starts[slot]);
        if shape.rows == 0 {
            return start;
        }
        let row = (y + shape.rows - from.up) % shape.rows;
        start + row * self.strides[slot] + (x + shape.halo).wrapping_add_signed(-from.left) * shape.features
    }

    #[inline(always)]
    fn step(&mut self, plan: &Plan, step: &Step, group: usize, y: usize, x: usize) {
        match step {
            Step::Conv { from, to, relu, store, passes } => {
                let pass = &passes[group];
                let place = self.place(plan, *to, y, x, HERE) + pass.first;
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
            Step::Sum { terms, to } => {
                let range = features_of(group, plan.slots[*to].features, plan.config.channels);
                let [one, other] = terms.map(|(slot, from)| self.place(plan, slot, y, x, from));
                let to = self.place(plan, *to, y, x, HERE);
                range.for_each(|k| self.values[to + k] = self.values[one + k] + self.values[other + k]);
            }
            Step::Cell { from, h, c, before } => {
                let units = features_of(group, plan.slots[*h].features, plan.config.channels);
                let from = self.starts[*from] + GATES * units.start;
                let c_before = self.place(plan, *c, y, x, *before) + units.start;
                let [h, c] = [*h, *c].map(|slot| self.place(plan, slot, y, x, HERE) + units.start);
                self.cells(units.len(), from, c_before, [h, c]);
            }
        }
    }

    /// Steps `count` cells whose sums start at `from`, gate after gate.
    #[inline(always)]
    fn cells(&mut self, count: usize, from: usize, c_before: usize, [h, c]: [usize; 2]) {
        const CELLS: usize = 8;
        for k in (0..count).step_by(CELLS) {
            let some = CELLS.min(count - k);
            let load = |start: usize| {
                let mut values = [0.0; CELLS];
                values[..some].copy_from_slice(&self.values[start + k..][..some]);
                values
            };
            let sums: [[f32; CELLS]; GATES] = std::array::from_fn(|gate| load(from + gate * count));
            let (c_before, mut states, mut cells) = (load(c_before), [0.0; CELLS], [0.0; CELLS]);
            for l in 0..CELLS {
                (states[l], cells[l]) = cell([sums[0][l], sums[1][l], sums[2][l], sums[3][l]], c_before[l]);
            }
            self.values[h + k..][..some].copy_from_slice(&states[..some]);
            self.values[c + k..][..some].copy_from_slice(&cells[..some]);
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
        let stride = pass.features.next_multiple_of(LANES);
        let (bias, mut weights) = plan.weights[pass.weights..].split_at(stride);
        let load = |row: &[f32]| -> [F32x4; V] {
            let row = &row[block..block + V * LANES];
            std::array::from_fn(|v| F32x4::load(&row[v * LANES..]))
        };
        let (mut even, mut odd) = (load(bias), [F32x4::ZERO; V]);
        for run in &pass.runs {
            let start = self.place(plan, from, y, x, run.from);
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
                let base = self.place(plan, base, y, x, HERE) + pass.first + block;
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
