//! The head over one image, a tile of pixels at a time, forward and backward, on plain slices.
#![allow(
    clippy::needless_range_loop,
    reason = "closures are compiled without the wide registers, and iterators are closures"
)]

use super::Targets;
use crate::cpu::contract::{Packed, Start, contract, weight_gradient};
use crate::cpu::frame::Seen;
use crate::cpu::vector::{LANES, Vector, Vectorised, vectorised};
use crate::maths::{exp, features_of};

/// Pixels that go through the head together.
const TILE: usize = 64;

/// The output layer of one colour: the hidden features it sees to its logits.
struct Colour {
    seen: usize,
    forward: Packed,
    back: Packed,
    bias: Vec<f32>,
}

/// A head's weights, packed for both passes.
pub struct Head {
    inputs: usize,
    hidden: usize,
    logits: usize,
    forward: Packed,
    back: Packed,
    bias: Vec<f32>,
    colours: Vec<Colour>,
}

/// A tile on its way through the head: `[pixels, features]` each, features padded to whole registers.
struct Tile {
    x: Vec<f32>,
    hidden: Vec<f32>,
    logits: Vec<f32>,
    /// Of each pixel: the target's logit less the highest, and the sum over e^(logit − highest).
    own: [f32; TILE],
    sum: [f32; TILE],
}

impl Head {
    /// Takes the weights from `flat`, in the order that [`head_nll`](super::head_nll) gives.
    pub fn new(inputs: usize, &Targets { channels, logits, hidden, .. }: &Targets, flat: &[f32]) -> Self {
        assert!(logits.is_multiple_of(LANES), "{logits} logits do not fill registers");
        assert_eq!(flat.len(), hidden * (inputs + 1) + channels * logits * (hidden + 1), "a head's weights");
        let (first, rest) = flat.split_at(hidden * inputs);
        let (first_bias, rest) = rest.split_at(hidden);
        let (output, output_bias) = rest.split_at(channels * logits * hidden);
        let mut bias = first_bias.to_vec();
        bias.resize(hidden.next_multiple_of(LANES), 0.0);
        let colour = |colour: usize| {
            let seen = features_of(colour, hidden, channels).end;
            let weight = |k: usize, level: usize| output[(colour * logits + level) * hidden + k];
            Colour {
                seen,
                forward: Packed::new(seen, logits, weight),
                back: Packed::new(logits, seen, |level, k| weight(k, level)),
                bias: output_bias[colour * logits..][..logits].to_vec(),
            }
        };
        Self {
            inputs,
            hidden,
            logits,
            forward: Packed::new(inputs, hidden, |input, k| first[k * inputs + input]),
            back: Packed::new(hidden, inputs, |k, input| first[k * inputs + input]),
            bias,
            colours: (0..channels).map(colour).collect(),
        }
    }

    fn tile(&self) -> Tile {
        let lanes = |features: usize| vec![0.0; TILE * features.next_multiple_of(LANES)];
        Tile {
            x: lanes(self.inputs),
            hidden: lanes(self.hidden),
            logits: lanes(self.logits),
            own: [0.0; TILE],
            sum: [0.0; TILE],
        }
    }

    /// One image: `[height · width, 2h]` features and `[channels, height · width]` levels to −ln p of the latter.
    pub fn forward(&self, x: &[f32], levels: &[u8], nll: &mut [f32]) {
        vectorised(Forward { head: self, x, levels, nll });
    }

    /// One image: fills the gradient of `x` and returns that of the weights.
    pub fn backward(&self, x: &[f32], levels: &[u8], delta: &[f32], gradient: &mut [f32]) -> Vec<f32> {
        vectorised(Backward { head: self, x, levels, delta, gradient })
    }

    /// The rectified hidden features of `count` pixels.
    #[inline(always)]
    unsafe fn hidden<V: Vector>(&self, x: &[f32], tile: &mut Tile, count: usize) {
        for (target, &value) in tile.x.iter_mut().zip(x) {
            *target = if value > 0.0 { value } else { 0.0 };
        }
        let seen = [Seen { values: &tile.x, stride: self.inputs, length: self.inputs }];
        let stride = self.forward.lanes();
        unsafe { contract::<V>(&seen, &self.forward, Start::Bias(&self.bias), &mut tile.hidden, stride, count) };
        for value in &mut tile.hidden[..count * stride] {
            *value = if *value > 0.0 { *value } else { 0.0 };
        }
    }

    /// e^(logit − highest logit) of one colour of `count` pixels, in the place of the logits; their sums; and what the logits
    /// of `targets` were less than the highest one.
    #[inline(always)]
    unsafe fn softmax<V: Vector>(&self, colour: &Colour, tile: &mut Tile, targets: &[u8]) {
        let count = targets.len();
        let seen = [Seen { values: &tile.hidden, stride: self.forward.lanes(), length: colour.seen }];
        let bias = Start::Bias(&colour.bias);
        unsafe { contract::<V>(&seen, &colour.forward, bias, &mut tile.logits, self.logits, count) };
        for p in 0..count {
            let (pixel, _) = tile.logits[p * self.logits..][..self.logits].as_chunks_mut::<LANES>();
            let mut highest = [f32::NEG_INFINITY; LANES];
            for k in 0..pixel.len() {
                for l in 0..LANES {
                    highest[l] = if pixel[k][l] > highest[l] { pixel[k][l] } else { highest[l] };
                }
            }
            let highest = highest.into_iter().fold(f32::NEG_INFINITY, f32::max);
            let target = usize::from(targets[p]);
            tile.own[p] = pixel[target / LANES][target % LANES] - highest;
            let mut sums = [0.0; LANES];
            for k in 0..pixel.len() {
                for l in 0..LANES {
                    pixel[k][l] = exp(pixel[k][l] - highest);
                    sums[l] += pixel[k][l];
                }
            }
            tile.sum[p] = sums.iter().sum();
        }
    }

    /// Turns [`softmax`](Self::softmax)'s weights into the gradients of the logits: `delta` times the probability, less `delta`
    /// at the target. Adds them to `bias`.
    #[inline(always)]
    fn gradients(&self, tile: &mut Tile, targets: &[u8], delta: &[f32], bias: &mut [f32]) {
        for p in 0..targets.len() {
            let (pixel, _) = tile.logits[p * self.logits..][..self.logits].as_chunks_mut::<LANES>();
            let (bias, _) = bias.as_chunks_mut::<LANES>();
            let (scale, target) = (delta[p] / tile.sum[p], usize::from(targets[p]));
            for k in 0..pixel.len() {
                for l in 0..LANES {
                    pixel[k][l] *= scale;
                    bias[k][l] += pixel[k][l];
                }
            }
            pixel[target / LANES][target % LANES] -= delta[p];
            bias[target / LANES][target % LANES] -= delta[p];
        }
    }

    #[inline(always)]
    unsafe fn forward_with<V: Vector>(&self, x: &[f32], levels: &[u8], nll: &mut [f32]) {
        let (pixels, mut tile) = (x.len() / self.inputs, self.tile());
        for (at, x) in x.chunks(TILE * self.inputs).enumerate() {
            let (first, count) = (at * TILE, x.len() / self.inputs);
            unsafe { self.hidden::<V>(x, &mut tile, count) };
            for (c, colour) in self.colours.iter().enumerate() {
                let place = c * pixels + first;
                unsafe { self.softmax::<V>(colour, &mut tile, &levels[place..place + count]) };
                for p in 0..count {
                    nll[place + p] = tile.sum[p].ln() - tile.own[p];
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn backward_with<V: Vector>(
        &self,
        x: &[f32],
        levels: &[u8],
        delta: &[f32],
        gradient: &mut [f32],
    ) -> Vec<f32> {
        let (pixels, mut tile) = (x.len() / self.inputs, self.tile());
        let hidden_lanes = self.forward.lanes();
        let mut first_sums = vec![0.0; self.inputs * hidden_lanes];
        let mut first_bias = vec![0.0; hidden_lanes];
        let mut sums: Vec<_> = self.colours.iter().map(|colour| vec![0.0; colour.seen * self.logits]).collect();
        let mut biases = vec![vec![0.0; self.logits]; self.colours.len()];
        let mut d_hidden = vec![0.0; TILE * hidden_lanes];
        let input_lanes = self.back.lanes();
        let mut d_x = vec![0.0; TILE * input_lanes];
        let tiles = x.chunks(TILE * self.inputs).zip(gradient.chunks_mut(TILE * self.inputs));
        for (at, (x, gradient)) in tiles.enumerate() {
            let (first, count) = (at * TILE, x.len() / self.inputs);
            unsafe { self.hidden::<V>(x, &mut tile, count) };
            d_hidden.fill(0.0);
            for (c, colour) in self.colours.iter().enumerate() {
                let place = c * pixels + first..c * pixels + first + count;
                let (targets, delta) = (&levels[place.clone()], &delta[place]);
                unsafe { self.softmax::<V>(colour, &mut tile, targets) };
                self.gradients(&mut tile, targets, delta, &mut biases[c]);
                let d_logits = Seen { values: &tile.logits, stride: self.logits, length: self.logits };
                let seen = Seen { values: &tile.hidden, stride: hidden_lanes, length: colour.seen };
                unsafe {
                    weight_gradient::<V>(&[(seen, d_logits, count)], self.logits, &mut sums[c]);
                    contract::<V>(&[d_logits], &colour.back, Start::Output, &mut d_hidden, hidden_lanes, count);
                }
            }
            for (d, &hidden) in d_hidden.iter_mut().zip(&tile.hidden) {
                *d = if hidden > 0.0 { *d } else { 0.0 };
            }
            for pixel in d_hidden.chunks_exact(hidden_lanes).take(count) {
                first_bias.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += value);
            }
            let d = Seen { values: &d_hidden, stride: hidden_lanes, length: self.hidden };
            let padded = Seen { length: hidden_lanes, ..d };
            let seen = Seen { values: &tile.x, stride: self.inputs, length: self.inputs };
            d_x.fill(0.0);
            unsafe {
                weight_gradient::<V>(&[(seen, padded, count)], hidden_lanes, &mut first_sums);
                contract::<V>(&[d], &self.back, Start::Output, &mut d_x, input_lanes, count);
            }
            let pixels = gradient.chunks_exact_mut(self.inputs).zip(x.chunks_exact(self.inputs));
            for ((gradient, x), d) in pixels.zip(d_x.chunks_exact(input_lanes)) {
                for ((gradient, &x), &d) in gradient.iter_mut().zip(x).zip(d) {
                    *gradient = if x > 0.0 { d } else { 0.0 };
                }
            }
        }
        self.flat(&first_sums, &first_bias, &sums, &biases)
    }

    /// Packed gradients in the order of the flat weights.
    fn flat(&self, first: &[f32], first_bias: &[f32], sums: &[Vec<f32>], biases: &[Vec<f32>]) -> Vec<f32> {
        let hidden_lanes = self.forward.lanes();
        let mut flat = Vec::new();
        for k in 0..self.hidden {
            flat.extend((0..self.inputs).map(|input| first[input * hidden_lanes + k]));
        }
        flat.extend_from_slice(&first_bias[..self.hidden]);
        for (colour, sums) in self.colours.iter().zip(sums) {
            for level in 0..self.logits {
                let seen = (0..colour.seen).map(|k| sums[k * self.logits + level]);
                flat.extend(seen.chain(std::iter::repeat_n(0.0, self.hidden - colour.seen)));
            }
        }
        biases.iter().for_each(|bias| flat.extend_from_slice(&bias[..self.logits]));
        flat
    }
}

struct Forward<'a> {
    head: &'a Head,
    x: &'a [f32],
    levels: &'a [u8],
    nll: &'a mut [f32],
}

impl Vectorised for Forward<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        unsafe { self.head.forward_with::<V>(self.x, self.levels, self.nll) }
    }
}

struct Backward<'a> {
    head: &'a Head,
    x: &'a [f32],
    levels: &'a [u8],
    delta: &'a [f32],
    gradient: &'a mut [f32],
}

impl Vectorised for Backward<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    unsafe fn run<V: Vector>(self) -> Vec<f32> {
        unsafe { self.head.backward_with::<V>(self.x, self.levels, self.delta, self.gradient) }
    }
}
