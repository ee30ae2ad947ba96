//! The operations that draw a value: the softmax of its levels, the level, and the input that it becomes.
#![allow(missing_docs, reason = "the macro makes public items of its own")]

use super::maths::{Rounded, rectified, uniform};
use super::memory::{keep_too, put, value_at};
use super::softmax::{SUMS, SUMS_AT_1, chunks_of, highest_of, keep, pick, weigh_above, weight_of, weights_of};
use super::words::{
    ADD, COUNT, DRAW_ABOVE, DRAW_HIGHEST, DRAW_KEPT, DRAW_LEVEL, DRAW_SUMS, DRAW_WEIGHTS, FIRST_IMAGE, KEPT, KIND,
    NONE, Operation, Shape, TO,
};
use crate::sample::draw::CHUNK;
use cubecl::prelude::*;

/// What is asked of the draws of a row.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub struct Draws {
    pub width: u32,
    pub channels: u32,
    pub any_given: u32,
    pub seed_low: u32,
    pub seed_high: u32,
    pub first_image: u32,
    pub row: u32,
    pub temperature: f32,
    pub top_k: u32,
    pub share: f32,
}

/// The logit over the temperature. A division is dozens of steps one after another, and mostly it is by 1.
#[cube]
fn tempered(logit: f32, temperature: f32, rounded: Rounded) -> f32 {
    let mut tempered = logit;
    if temperature != 1.0f32 {
        tempered = rounded.over(logit, temperature);
    }
    tempered
}

/// Does an operation of a draw, if it is one.
#[cube]
#[allow(clippy::too_many_arguments, reason = "the kernel's buffers one by one")]
pub fn draw(
    values: &mut [f32],
    shared: &mut [f32],
    given: &[u32],
    drawn: &mut [f32],
    op: &Operation,
    start: usize,
    x: usize,
    draws: Draws,
    rounded: Rounded,
    #[comptime] shape: Shape,
) {
    let thread = UNIT_POS as usize;
    let kind = op.word(KIND);
    let logits = op.place(ADD, x);
    let first_drawn = op.word(FIRST_IMAGE) as usize;
    if comptime!(shape.levels > 2) {
        let chunks = comptime!(shape.levels.div_ceil(CHUNK));
        if kind == DRAW_HIGHEST {
            let mut item = thread;
            while item < comptime!(chunks * shape.draws) {
                let image = item % comptime!(shape.draws);
                let chunk = item / comptime!(shape.draws);
                let end = u32::min((chunk as u32 + 1) * CHUNK as u32, comptime!(shape.levels as u32));
                let first_logit = logits + chunk as u32 * CHUNK as u32;
                let mut highest = value_at(&*values, &*shared, start, first_logit, first_drawn + image, shape);
                for level in chunk as u32 * CHUNK as u32..end {
                    let logit = value_at(&*values, &*shared, start, logits + level, first_drawn + image, shape);
                    if logit > highest {
                        highest = logit;
                    }
                }
                shared[chunks_of(image, shape) + chunk] = highest;
                item += comptime!(shape.threads);
            }
        }
        if kind == DRAW_WEIGHTS {
            let mut item = thread;
            while item < comptime!(shape.levels * shape.draws) {
                let image = item % comptime!(shape.draws);
                let level = item / comptime!(shape.draws);
                let logit = value_at(&*values, &*shared, start, logits + level as u32, first_drawn + image, shape);
                let above = rounded.plus(logit, -highest_of(&*shared, image, shape));
                let weight = weight_of(tempered(above, draws.temperature, rounded), rounded);
                shared[weights_of(image, shape) + level] = weight;
                item += comptime!(shape.threads);
            }
        }
        if kind == DRAW_SUMS {
            let mut item = thread;
            while item < comptime!(chunks * shape.draws) {
                let image = item % comptime!(shape.draws);
                let chunk = item / comptime!(shape.draws);
                let end = usize::min((chunk + 1) * CHUNK, comptime!(shape.levels));
                let mut sum = 0.0f32;
                for level in chunk * CHUNK..end {
                    sum = rounded.plus(sum, shared[weights_of(image, shape) + level]);
                }
                let mut sum_at_1 = 0.0f32;
                if draws.temperature == 1.0f32 {
                    sum_at_1 += sum;
                } else {
                    let highest = highest_of(&*shared, image, shape);
                    for level in chunk * CHUNK..end {
                        let at = logits + level as u32;
                        let logit = value_at(&*values, &*shared, start, at, first_drawn + image, shape);
                        let weight = weight_of(rounded.plus(logit, -highest), rounded);
                        sum_at_1 = rounded.plus(sum_at_1, weight);
                    }
                }
                shared[chunks_of(image, shape) + SUMS + chunk] = sum;
                shared[chunks_of(image, shape) + SUMS_AT_1 + chunk] = sum_at_1;
                item += comptime!(shape.threads);
            }
        }
    }
    if comptime!(shape.truncates && shape.levels > 2) {
        if kind == DRAW_ABOVE {
            let mut item = thread;
            while item < comptime!(shape.levels * shape.draws) {
                let image = item % comptime!(shape.draws);
                weigh_above(shared, image, item / comptime!(shape.draws), draws.top_k, rounded, shape);
                item += comptime!(shape.threads);
            }
        }
        if kind == DRAW_KEPT {
            let mut item = thread;
            while item < comptime!(shape.levels.div_ceil(CHUNK) * shape.draws) {
                let image = item % comptime!(shape.draws);
                keep(shared, image, item / comptime!(shape.draws), draws.top_k, draws.share, rounded, shape);
                item += comptime!(shape.threads);
            }
        }
    }
    if kind == DRAW_LEVEL {
        let mut own = thread;
        while own < comptime!(shape.draws) {
            let channel = op.word(COUNT) as usize;
            let in_group = first_drawn + own;
            let image = CUBE_POS_X as usize * comptime!(shape.images) + in_group;
            let value = (image * draws.channels as usize + channel) * draws.width as usize + x;
            let mut level = NONE.runtime();
            if draws.any_given == 1u32 {
                level = given[value];
            }
            let spot = draws.row << 16u32 | (x as u32) << 2u32 | channel as u32;
            let u = uniform(draws.seed_low, draws.seed_high, draws.first_image + image as u32, spot);
            let nll_nats = if comptime!(shape.levels == 2) {
                let z = value_at(&*values, &*shared, start, logits, in_group, shape);
                if level == NONE {
                    let tempered = tempered(z, draws.temperature, rounded);
                    let mut level_0 = rounded.sigmoid(-tempered);
                    if tempered > 87.0f32 {
                        level_0 = 0.0f32;
                    }
                    level = select(u >= level_0, 1u32, 0u32);
                    if comptime!(shape.truncates) {
                        let likelier = rounded.sigmoid(f32::abs(tempered));
                        if draws.top_k == 1u32 || likelier >= draws.share {
                            level = select(z > 0.0f32, 1u32, 0u32);
                        }
                    }
                }
                let towards = select(level == 0u32, z, -z);
                rounded.plus(rectified(towards), rounded.ln_1p(rounded.exp(-f32::abs(z))))
            } else {
                let mut total = 0.0f32;
                for chunk in 0..comptime!(shape.levels.div_ceil(CHUNK)) {
                    total = rounded.plus(total, shared[chunks_of(own, shape) + SUMS_AT_1 + chunk]);
                }
                if level == NONE {
                    level = pick(&*shared, own, u, rounded, shape);
                }
                let logit = value_at(&*values, &*shared, start, logits + level, in_group, shape);
                rounded.plus(rounded.plus(highest_of(&*shared, own, shape), -logit), rounded.ln(total))
            };
            drawn[2 * value] = level as f32;
            drawn[2 * value + 1] = nll_nats;
            let intensity = if comptime!(shape.levels == 2) {
                level as f32
            } else {
                rounded.over(level as f32, comptime!(shape.levels as f32 - 1.0))
            };
            let input = rounded.plus(rounded.times(2.0f32, intensity), -1.0f32);
            put(values, shared, start, op.place(TO, x), in_group, input, shape);
            if comptime!(shape.near) {
                keep_too(values, op, KEPT, start, x, 0u32, in_group, input, shape);
            }
            own += comptime!(shape.threads);
        }
    }
}
