//! The softmax of many levels in the kernel: a thread a level for the weights, a thread a chunk for their sums, and one thread to
//! pick.
#![allow(missing_docs, reason = "the macro makes public items of its own")]

use super::maths::Rounded;
use super::words::{NONE, Shape};
use crate::sample::draw::CHUNK;
use cubecl::prelude::*;

/// In [`Shape::chunks`]: the highest logit of every chunk, then the chunks' sums, then those at temperature 1.
pub const SUMS: usize = 16;
pub const SUMS_AT_1: usize = 32;
/// Values there.
pub const CHUNK_VALUES: usize = 48;

/// e^x, nothing where that is below 10⁻³⁷: as in [`draw`](crate::sample::draw()).
#[cube]
pub fn weight_of(x: f32, rounded: Rounded) -> f32 {
    let weight = rounded.exp(x);
    select(x < -87.0f32, 0.0f32, weight)
}

/// The highest logit of all chunks.
#[cube]
pub fn highest_of(shared: &[f32], #[comptime] shape: Shape) -> f32 {
    let mut highest = shared[comptime!(shape.chunks)];
    for chunk in 1..comptime!(shape.levels.div_ceil(CHUNK)) {
        let other = shared[comptime!(shape.chunks) + chunk];
        if other > highest {
            highest = other;
        }
    }
    highest
}

/// The level that `u` picks, see [`draw`](crate::sample::draw()).
#[cube]
pub fn pick(shared: &[f32], u: f32, rounded: Rounded, #[comptime] shape: Shape) -> u32 {
    let chunks = comptime!(shape.levels.div_ceil(CHUNK));
    let mut total = 0.0f32;
    for chunk in 0..chunks {
        total = rounded.plus(total, shared[comptime!(shape.chunks + SUMS) + chunk]);
    }
    let threshold = rounded.times(u, total);
    // The chunk that passes the threshold, and the sum of those before it.
    let mut before = 0.0f32;
    let mut found = NONE.runtime();
    let mut last = 0u32;
    for chunk in 0..chunks {
        let sum = shared[comptime!(shape.chunks + SUMS) + chunk];
        if sum > 0.0f32 {
            last = chunk as u32;
        }
        if found == NONE {
            let past = rounded.plus(before, sum);
            if past > threshold {
                found = chunk as u32;
            } else {
                before = past;
            }
        }
    }
    // Only rounding leads past all of them: then the last level of any weight.
    let past = found == NONE;
    let chunk = select(past, last, found) as usize;
    let mut cumulative = before;
    let mut level = NONE.runtime();
    let mut last = chunk as u32 * CHUNK as u32;
    for k in chunk * CHUNK..usize::min((chunk + 1) * CHUNK, comptime!(shape.levels)) {
        let weight = shared[comptime!(shape.softmax) + k];
        cumulative = rounded.plus(cumulative, weight);
        if level == NONE && !past && cumulative > threshold {
            level = k as u32;
        }
        if weight > 0.0f32 {
            last = k as u32;
        }
    }
    select(level == NONE, last, level)
}
