//! One row of a few images, side by side, in the widest registers the processor has.

use crate::image::level_to_input;
use crate::maths::{GATES, cell};
use crate::sample::canvas::Canvas;
use crate::sample::lanes::{self, Lanes, Registers};
use crate::sample::layout::At;
use crate::sample::plan::{PANEL, Plan, SEGMENT};
use crate::sample::program::{Op, Program, Sums, Term};
use crate::sample::request::Request;
use std::ops::Range;

/// An image while it is drawn.
pub struct Image {
    /// What is decided.
    pub canvas: Canvas,
    /// Its features, see [`Layout`](crate::sample::layout::Layout).
    pub values: Vec<f32>,
    /// The columns that are drawn of a row, all but in special cases; images drawn together all draw what one of them does.
    pub columns: Range<usize>,
    /// Room for what sums read rectified.
    rectified: Vec<f32>,
}

impl Image {
    /// An image before its first row.
    pub fn new(canvas: Canvas, values: Vec<f32>, plan: &Plan) -> Self {
        Self { canvas, values, columns: 0..plan.config.width, rectified: vec![0.0; plan.most_rectified()] }
    }
}

/// What is to be done.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// The network.
    pub plan: &'a Plan,
    /// Its work in this row.
    pub program: &'a Program,
    /// The request.
    pub request: &'a Request,
    /// The row.
    pub y: usize,
}

impl Row<'_> {
    /// Draws the row of these images.
    pub fn draw(self, images: &mut [Image]) {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx512f")]
            fn avx512(row: Row, images: &mut [Image]) {
                row.draw_with::<lanes::Avx512>(images);
            }
            #[target_feature(enable = "avx2")]
            fn avx2(row: Row, images: &mut [Image]) {
                row.draw_with::<lanes::Avx2>(images);
            }
            // SAFETY: each is called only where the processor has its instructions.
            if std::is_x86_feature_detected!("avx512f") {
                return unsafe { avx512(self, images) };
            }
            if std::is_x86_feature_detected!("avx2") {
                return unsafe { avx2(self, images) };
            }
        }
        #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
        self.draw_with::<lanes::Plain>(images);
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        self.draw_with::<lanes::Simd128>(images);
    }

    /// As many at a time as there are registers for, then fewer.
    #[inline(always)]
    fn draw_with<R: Registers>(self, images: &mut [Image]) {
        let rest = self.draw_groups::<R, 8>(images);
        let rest = self.draw_groups::<R, 4>(rest);
        let rest = self.draw_groups::<R, 2>(rest);
        self.draw_groups::<R, 1>(rest);
    }

    /// Groups of `I` images; gives those left over, or all where the registers have no room for so many.
    #[inline(always)]
    fn draw_groups<R: Registers, const I: usize>(self, images: &mut [Image]) -> &mut [Image] {
        if I > R::TOGETHER {
            return images;
        }
        let (groups, rest) = images.as_chunks_mut::<I>();
        for group in groups {
            self.draw_images::<R, I>(group);
        }
        rest
    }

    #[inline(always)]
    fn draw_images<R: Registers, const I: usize>(self, images: &mut [Image; I]) {
        let (config, logits) = (&self.plan.config, self.plan.config.logits());
        let input = self.program.input;
        let columns = images.iter().map(|image| image.columns.clone());
        let columns = columns.reduce(|all, own| all.start.min(own.start)..all.end.max(own.end)).expect("an image");
        for x in columns {
            for (channel, ops) in self.program.channels.iter().enumerate() {
                for op in ops {
                    self.op::<R, I>(op, x, images);
                }
                let at = self.program.logits[channel].x(x);
                for image in images.iter_mut() {
                    let values = &image.values[at..at + logits];
                    let level = image.canvas.decide(self.request, config, [channel, self.y, x], values);
                    image.values[input.x(x) + channel] = level_to_input(level, config.levels);
                }
            }
        }
        if self.y + 1 == config.height {
            return;
        }
        for scan in &self.program.scans {
            for x in (0..config.width).rev() {
                for op in scan {
                    self.op::<R, I>(op, x, images);
                }
            }
        }
    }

    #[inline(always)]
    fn op<R: Registers, const I: usize>(self, op: &Op, x: usize, images: &mut [Image; I]) {
        match op {
            Op::Sums(sums) => self.sums::<R, I>(sums, x, images),
            Op::Lstm { gates, before, h, c, count } => {
                self.sums::<R, I>(gates, x, images);
                for image in images {
                    cells(&mut image.values, *count, gates.to.x(x), before.x(x), [h.x(x), c.x(x)]);
                }
            }
            Op::Add { from, to, count } => {
                let ([one, other], to) = (from.map(|at| at.x(x)), to.x(x));
                for image in images {
                    for k in 0..*count {
                        image.values[to + k] = image.values[one + k] + image.values[other + k];
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn sums<R: Registers, const I: usize>(self, sums: &Sums, x: usize, images: &mut [Image; I]) {
        self.rectify(sums, x, images);
        let mut first = 0;
        while first < sums.count {
            match sums.count - first {
                13.. => self.panel::<R, 16, I>(sums, first, x, images),
                9.. => self.panel::<R, 12, I>(sums, first, x, images),
                5.. => self.panel::<R, 8, I>(sums, first, x, images),
                _ => self.panel::<R, 4, I>(sums, first, x, images),
            }
            first += PANEL;
        }
    }

    /// Puts what convolutions read rectified, one read after another.
    #[inline(always)]
    fn rectify<const I: usize>(self, sums: &Sums, x: usize, images: &mut [Image; I]) {
        let mut to = 0;
        for term in self.program.terms[sums.terms.clone()].iter().filter(|term| term.relu) {
            for read in &self.program.reads[term.reads.clone()] {
                for Image { values, rectified, .. } in images.iter_mut() {
                    let from = &values[read.at.x(x)..][..read.length];
                    for (to, &from) in rectified[to..to + read.length].iter_mut().zip(from) {
                        *to = if from > 0.0 { from } else { 0.0 };
                    }
                }
                to += read.length;
            }
        }
    }

    /// Up to `N` outputs, from output `first` on.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn panel<R: Lanes<N>, const N: usize, const I: usize>(
        self,
        sums: &Sums,
        first: usize,
        x: usize,
        images: &mut [Image; I],
    ) {
        let (mut total, mut rectified) = ([R::zero(); I], 0);
        for (k, term) in self.program.terms[sums.terms.clone()].iter().enumerate() {
            let own = self.term::<R, N, I>(term, first, x, &mut rectified, images);
            for i in 0..I {
                total[i] = if k == 0 { own[i] } else { total[i].add(own[i]) };
            }
        }
        for i in 0..I {
            keep(&mut images[i].values, sums, first, x, total[i]);
        }
    }

    /// The sums of one convolution; `rectified` is where what it reads rectified starts, and is moved behind it.
    #[inline(always)]
    fn term<R: Lanes<N>, const N: usize, const I: usize>(
        self,
        term: &Term,
        first: usize,
        x: usize,
        rectified: &mut usize,
        images: &[Image; I],
    ) -> [R; I] {
        let weights = &self.plan.weights[term.weights + first * (term.inputs + 1)..];
        let (bias, mut rows) = weights.as_chunks::<N>().0.split_first().expect("a row of biases");
        let mut sums = [R::load(bias); I];
        for read in &self.program.reads[term.reads.clone()] {
            let mut inputs: [&[f32]; I] = [&[]; I];
            for i in 0..I {
                let (source, at) =
                    if term.relu { (&images[i].rectified, *rectified) } else { (&images[i].values, read.at.x(x)) };
                inputs[i] = &source[at..at + read.length];
            }
            if term.relu {
                *rectified += read.length;
            }
            let (these, rest) = rows.split_at(read.length);
            rows = rest;
            let (whole, part) = these.as_chunks::<SEGMENT>();
            for (k, rows) in whole.iter().enumerate() {
                let mut segment = [R::zero(); I];
                let mut values: [&[f32; SEGMENT]; I] = [&[0.0; SEGMENT]; I];
                for i in 0..I {
                    values[i] = inputs[i][k * SEGMENT..].first_chunk().expect("a whole segment");
                }
                for j in 0..SEGMENT {
                    let weights = R::load(&rows[j]);
                    for i in 0..I {
                        segment[i] = segment[i].add_product(values[i][j], weights);
                    }
                }
                for i in 0..I {
                    sums[i] = sums[i].add(segment[i]);
                }
            }
            if !part.is_empty() {
                let mut segment = [R::zero(); I];
                let start = whole.len() * SEGMENT;
                for (j, row) in part.iter().enumerate() {
                    let weights = R::load(row);
                    for i in 0..I {
                        segment[i] = segment[i].add_product(inputs[i][start + j], weights);
                    }
                }
                for i in 0..I {
                    sums[i] = sums[i].add(segment[i]);
                }
            }
        }
        sums
    }
}

/// Puts sums, from output `first` on, where they belong.
#[inline(always)]
fn keep<R: Lanes<N>, const N: usize>(values: &mut [f32], to: &Sums, first: usize, x: usize, mut sums: R) {
    let count = (to.count - first).min(N);
    if let Some(add) = to.add {
        sums = sums.add(load(values, add, first, count, x));
    }
    if to.relu {
        sums = sums.rectify();
    }
    let to = &mut values[to.to.x(x) + first..][..count];
    // Whole vectors wherever they fit: their length is known to the compiler.
    match to.first_chunk_mut() {
        Some(to) => sums.store(to),
        None => sums.store_some(to),
    }
}

/// `count` features, the rest zeros.
#[inline(always)]
fn load<R: Lanes<N>, const N: usize>(values: &[f32], at: At, first: usize, count: usize, x: usize) -> R {
    let from = &values[at.x(x) + first..][..count];
    match from.first_chunk() {
        Some(from) => R::load(from),
        None => R::load_some(from),
    }
}

/// Steps `count` cells whose sums start at `from`, gate after gate.
#[inline(always)]
fn cells(values: &mut [f32], count: usize, from: usize, before: usize, [h, c]: [usize; 2]) {
    let mut k = 0;
    while k < count {
        let [before, h, c] = [before, h, c].map(|start| start + k);
        k += match count - k {
            16.. => some_cells::<16>(values, count, from + k, before, [h, c]),
            4.. => some_cells::<4>(values, count, from + k, before, [h, c]),
            _ => some_cells::<1>(values, count, from + k, before, [h, c]),
        };
    }
}

/// `N` of them, in a loop that becomes vector instructions. Gives `N`.
#[inline(always)]
fn some_cells<const N: usize>(
    values: &mut [f32],
    gate: usize,
    from: usize,
    before: usize,
    [h, c]: [usize; 2],
) -> usize {
    let mut sums = [[0.0; N]; GATES];
    for (k, sums) in sums.iter_mut().enumerate() {
        sums.copy_from_slice(&values[from + k * gate..][..N]);
    }
    let (mut cells_before, mut states, mut cells) = ([0.0; N], [0.0; N], [0.0; N]);
    cells_before.copy_from_slice(&values[before..][..N]);
    for l in 0..N {
        (states[l], cells[l]) = cell([sums[0][l], sums[1][l], sums[2][l], sums[3][l]], cells_before[l]);
    }
    values[h..][..N].copy_from_slice(&states);
    values[c..][..N].copy_from_slice(&cells);
    N
}
