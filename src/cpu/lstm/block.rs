//! A residual block of a PixelRNN over one image: one or two scans, the 1×1 convolutions behind them, the additions.

use super::direction::{Direction, LstmBlockShape};
use super::scan::{Gradients, Maps};
use crate::cpu::contract::{Packed, Start, contract, weight_gradient};
use crate::cpu::frame::{Frame, copy_lanes, padded};
use crate::cpu::vector::{LANES, Vector, Vectorised, vectorised};

/// A block's weights and the size of the images it works on.
pub struct Block {
    size: [usize; 2],
    h: usize,
    /// Features of the stream: 2h, 2h more for the sum of skip connections where there is one, and the conditioning map.
    features: usize,
    /// Those before the conditioning map.
    added: usize,
    maps: Maps,
    directions: Vec<Direction>,
    /// Flat weights of one direction.
    direction_length: usize,
    expand: Packed,
    expand_back: Packed,
    bias: Vec<f32>,
}

impl Block {
    /// Takes the weights from `flat`, in the order that [`lstm_block`](super::lstm_block) gives.
    pub fn new(shape: LstmBlockShape, [height, width, features]: [usize; 3], flat: &[f32]) -> Self {
        let (h, added) = (shape.h, features - shape.maps);
        assert!(added == 2 * h || added == 4 * h, "a stream of {added} features, h is {h}");
        let direction_length = Direction::parameters(shape);
        let count = shape.layer.directions();
        let (recurrent, rest) = flat.split_at(count * direction_length);
        assert_eq!(rest.len(), added * (h + 1), "a block of width {h}");
        let directions = recurrent.chunks_exact(direction_length).map(|flat| Direction::new(shape, flat)).collect();
        let place = |out: usize, unit: usize| Self::expand_place(h, out) + out % (2 * h) * h + unit;
        let expand = Packed::new(h.next_multiple_of(LANES), features, |unit, out| {
            if unit < h && out < added { rest[place(out, unit)] } else { 0.0 }
        });
        let weight = |out, unit| if out < added { rest[place(out, unit)] } else { 0.0 };
        let expand_back = Packed::new(features, h, weight);
        let mut bias: Vec<f32> = (0..added).map(|out| rest[Self::bias_place(h, out)]).collect();
        bias.resize(features.next_multiple_of(LANES), 0.0);
        let maps = Maps::new(shape, [height, width]);
        let size = [height, width];
        Self { size, h, features, added, maps, directions, direction_length, expand, expand_back, bias }
    }

    /// Where the weights of the 1×1 convolution that gives `out` start, behind the recurrent ones.
    fn expand_place(h: usize, out: usize) -> usize {
        out / (2 * h) * 2 * h * (h + 1)
    }

    fn bias_place(h: usize, out: usize) -> usize {
        Self::expand_place(h, out) + 2 * h * h + out % (2 * h)
    }

    /// Height, width and features of an image.
    pub fn image(&self) -> [usize; 3] {
        [self.size[0], self.size[1], self.features]
    }

    /// Values kept of one image for the backward pass.
    pub fn values_kept(&self) -> usize {
        self.directions.len() * self.maps.kept()
    }

    /// Number of flat weights.
    fn parameters(&self) -> usize {
        self.directions.len() * self.direction_length + self.added * (self.h + 1)
    }

    /// One image: adds what the block computes to `stream`, and fills `kept`, zeros before.
    pub fn forward_in_place(&self, stream: &mut [f32], kept: &mut [f32]) {
        vectorised(Forward { block: self, stream, kept });
    }

    /// One image: turns the gradient of the output into that of the input, in place, and returns that of the weights.
    pub fn backward_in_place(&self, stream: &[f32], kept: &[f32], delta: &mut [f32]) -> Vec<f32> {
        vectorised(Backward { block: self, stream, kept, delta })
    }

    #[inline(always)]
    unsafe fn forward_with<V: Vector>(&self, stream: &mut [f32], kept: &mut [f32]) {
        let kept_one = self.maps.kept();
        for (d, (weights, kept)) in self.directions.iter().zip(kept.chunks_exact_mut(kept_one)).enumerate() {
            let input = self.maps.inputs(stream, self.features, d == 1);
            unsafe { self.maps.forward::<V>(weights, &input, kept) };
        }
        let output = self.output(kept);
        let frame = self.frame(output.len() / (self.size[0] * self.size[1]));
        let added = self.frame(self.features.next_multiple_of(LANES));
        let mut sums = padded(stream, self.features).into_owned();
        for row in frame.rows() {
            let seen = [frame.seen(&output, &row, (0, 0), frame.channels)];
            let sums = &mut sums[added.at(row.y, 0)..];
            for pixel in sums.chunks_exact_mut(added.channels).take(row.count) {
                pixel.iter_mut().zip(&self.bias).for_each(|(value, bias)| *value += bias);
            }
            unsafe { contract::<V>(&seen, &self.expand, Start::Output, sums, added.channels, row.count) };
        }
        for (pixel, sums) in stream.chunks_exact_mut(self.features).zip(sums.chunks_exact(added.channels)) {
            pixel.copy_from_slice(&sums[..self.features]);
        }
    }

    #[inline(always)]
    unsafe fn backward_with<V: Vector>(&self, stream: &[f32], kept: &[f32], delta: &mut [f32]) -> Vec<f32> {
        let [height, width] = self.size;
        let (h, hp) = (self.h, self.h.next_multiple_of(LANES));
        let mut flat = vec![0.0; self.parameters()];
        let (recurrent, rest) = flat.split_at_mut(self.directions.len() * self.direction_length);

        // The 1×1 convolutions.
        let (output, states) = (self.output(kept), self.frame(hp));
        let (deltas, wide) =
            (padded(delta, self.features).into_owned(), self.frame(self.features.next_multiple_of(LANES)));
        let lines: Vec<_> = (states.rows())
            .map(|row| {
                let delta = wide.seen(&deltas, &row, (0, 0), wide.channels);
                (states.seen(&output, &row, (0, 0), hp), delta, row.count)
            })
            .collect();
        let mut sums = vec![0.0; hp * wide.channels];
        unsafe { weight_gradient::<V>(&lines, wide.channels, &mut sums) };
        for out in 0..self.added {
            let start = Self::expand_place(h, out) + out % (2 * h) * h;
            (0..h).for_each(|unit| rest[start + unit] += sums[unit * wide.channels + out]);
        }
        let mut bias = vec![0.0; wide.channels];
        for pixel in deltas.chunks_exact(wide.channels) {
            bias.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
        }
        (0..self.added).for_each(|out| rest[Self::bias_place(h, out)] += bias[out]);
        let stream_frame = self.frame(self.features);
        let mut dh = vec![0.0; states.len()];
        for row in states.rows() {
            let seen = [stream_frame.seen(delta, &row, (0, 0), self.features)];
            unsafe {
                contract::<V>(&seen, &self.expand_back, Start::Output, &mut dh[states.at(row.y, 0)..], hp, row.count)
            };
        }

        // The scans. A state of the right direction was added one row below, in mirrored columns.
        let (kept, mut scratch) = (kept.chunks_exact(self.maps.kept()), self.maps.scratch());
        for ((d, weights), kept) in self.directions.iter().enumerate().zip(kept) {
            let mirror = d == 1;
            let input = self.maps.inputs(stream, self.features, mirror);
            let zeros = |features: usize| vec![0.0; height * width * features.next_multiple_of(LANES)];
            let (mut dx, mut d_condition) = (zeros(2 * h), zeros(self.features - self.added));
            let flat = &mut recurrent[d * self.direction_length..][..self.direction_length];
            let shifted;
            let dh = if mirror {
                shifted = self.shifted_up(&dh);
                &shifted
            } else {
                &dh
            };
            let gradients = Gradients { inputs: &mut dx, condition: &mut d_condition, weights: flat };
            unsafe { self.maps.backward::<V>(weights, &input, kept, dh, &mut scratch, gradients) };
            for (first, added) in [(0..2 * h, &dx), (self.added..self.features, &d_condition)] {
                let stride = added.len() / (height * width);
                for (pixel, (y, x)) in delta.chunks_exact_mut(self.features).zip(self.pixels()) {
                    let x = if mirror { width - 1 - x } else { x };
                    let added = &added[(y * width + x) * stride..];
                    pixel[first.clone()].iter_mut().zip(added).for_each(|(delta, added)| *delta += added);
                }
            }
        }
        flat
    }

    /// The gradients of the right direction's states, in mirrored columns, from those of the layer's output.
    fn shifted_up(&self, dh: &[f32]) -> Vec<f32> {
        let ([height, width], states) = (self.size, self.frame(dh.len() / (self.size[0] * self.size[1])));
        let mut shifted = vec![0.0; states.len()];
        for (y, x) in self.pixels().filter(|&(y, _)| y + 1 < height) {
            let from = states.pixel(y as isize + 1, x as isize);
            copy_lanes(&mut shifted[states.pixel(y as isize, (width - 1 - x) as isize)], &dh[from]);
        }
        shifted
    }

    fn pixels(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let [height, width] = self.size;
        (0..height).flat_map(move |y| (0..width).map(move |x| (y, x)))
    }

    /// A map of this block's images without a border.
    fn frame(&self, channels: usize) -> Frame {
        Frame::new([self.size[0], self.size[1], channels], [0; 4])
    }

    /// What the recurrent layer gives, `[height, width, h padded]`: the states of the left direction plus those of the
    /// right one, shifted down by a row so that nothing to the right of a pixel is seen in its own row (§3.2).
    #[inline(always)]
    fn output(&self, kept: &[f32]) -> Vec<f32> {
        let width = self.size[1];
        let (left, right) = kept.split_at(self.maps.kept());
        let hp = self.h.next_multiple_of(LANES);
        let mut output = vec![0.0; self.size[0] * width * hp];
        for ((y, x), output) in self.pixels().zip(output.chunks_exact_mut(hp)) {
            copy_lanes(output, self.maps.state(left, y, x));
            if self.directions.len() == 2 && y > 0 {
                let right = self.maps.state(right, y - 1, width - 1 - x);
                output.iter_mut().zip(right).for_each(|(sum, state)| *sum += state);
            }
        }
        output
    }
}

struct Forward<'a> {
    block: &'a Block,
    stream: &'a mut [f32],
    kept: &'a mut [f32],
}

impl Vectorised for Forward<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        unsafe { self.block.forward_with::<V>(self.stream, self.kept) }
    }
}

struct Backward<'a> {
    block: &'a Block,
    stream: &'a [f32],
    kept: &'a [f32],
    delta: &'a mut [f32],
}

impl Vectorised for Backward<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    unsafe fn run<V: Vector>(self) -> Vec<f32> {
        unsafe { self.block.backward_with::<V>(self.stream, self.kept, self.delta) }
    }
}
