//! The softmax of many levels in the kernel: a thread a level for the weights, a thread a chunk for their sums, and one thread to
//! pick.
#![allow(missing_docs, reason = "the macro makes public items of its own")]

use super::maths::Rounded;
use super::words::{NONE, Shape};
use crate::sample::draw::CHUNK;
use cubecl::prelude::*;

/// Behind the weights of an image: the highest logit of every chunk, then the chunks' sums, then those at temperature 1.
pub const SUMS: usize = 16;
pub const SUMS_AT_1: usize = 32;
/// Where levels may be left out, also the sums of what is kept of every chunk, the sum of all that top-k keeps, and for every
/// level the weights of those that are likelier.
const KEPT: usize = 48;
const WHOLE: usize = 64;
const ABOVE: usize = 65;

/// More than any sum of weights.
const MOST: f32 = 1e30;

/// Values of an image's softmax.
pub const fn softmax_values(levels: usize, truncates: bool) -> usize {
    if truncates { levels + ABOVE + levels } else { levels + KEPT }
}

/// Where in workgroup memory the weights of the `drawn`-th image stand of those drawn at once.
#[cube]
pub fn weights_of(drawn: usize, #[comptime] shape: Shape) -> usize {
    drawn * comptime!(shape.softmax)
}

/// Where the values of its chunks stand.
#[cube]
pub fn chunks_of(drawn: usize, #[comptime] shape: Shape) -> usize {
    drawn * comptime!(shape.softmax) + comptime!(shape.levels)
}

/// e^x, nothing where that is below 10⁻³⁷: as in [`draw`](crate::sample::draw()).
#[cube]
pub fn weight_of(x: f32, rounded: Rounded) -> f32 {
    let weight = rounded.exp(x);
    select(x < -87.0f32, 0.0f32, weight)
}

/// The highest logit of all chunks.
#[cube]
pub fn highest_of(shared: &[f32], drawn: usize, #[comptime] shape: Shape) -> f32 {
    let chunks = chunks_of(drawn, shape);
    let mut highest = shared[chunks];
    for chunk in 1..comptime!(shape.levels.div_ceil(CHUNK)) {
        let other = shared[chunks + chunk];
        if other > highest {
            highest = other;
        }
    }
    highest
}

/// The weights of all levels that are likelier than `level`, or as likely and lower: in the order of levels, see
/// [`draw`](crate::sample::draw()). The likeliest level gets less than nothing, so that it is kept, and one that top-k leaves out
/// [`MOST`].
#[cube]
pub fn weigh_above(
    shared: &mut [f32],
    drawn: usize,
    level: usize,
    top_k: u32,
    rounded: Rounded,
    #[comptime] shape: Shape,
) {
    let weights = weights_of(drawn, shape);
    let own = shared[weights + level];
    let mut rank = 0u32;
    let mut above = 0.0f32;
    for chunk in 0..comptime!(shape.levels.div_ceil(CHUNK)) {
        let mut sum = 0.0f32;
        #[unroll]
        for k in 0..CHUNK {
            let other = chunk * CHUNK + k;
            let weight = shared[weights + other];
            let likelier = weight > own || (weight == own && other < level);
            let likelier = likelier && other < comptime!(shape.levels);
            rank += select(likelier, 1u32, 0u32);
            sum = rounded.plus(sum, select(likelier, weight, 0.0f32));
        }
        above = rounded.plus(above, sum);
    }
    let chunks = chunks_of(drawn, shape);
    if rank == top_k {
        shared[chunks + WHOLE] = above;
    }
    let above = select(rank == 0u32, -1.0f32, above);
    shared[chunks + ABOVE + level] = select(rank < top_k, above, MOST);
}

/// Takes their weights from the levels of a chunk that are not kept, and adds up the others.
#[cube]
#[allow(clippy::too_many_arguments, reason = "the kernel's numbers one by one")]
pub fn keep(
    shared: &mut [f32],
    drawn: usize,
    chunk: usize,
    top_k: u32,
    share: f32,
    rounded: Rounded,
    #[comptime] shape: Shape,
) {
    let weights = weights_of(drawn, shape);
    let chunks = chunks_of(drawn, shape);
    let mut whole = 0.0f32;
    if top_k == comptime!(shape.levels as u32) {
        for other in 0..comptime!(shape.levels.div_ceil(CHUNK)) {
            whole = rounded.plus(whole, shared[chunks + SUMS + other]);
        }
    } else {
        whole += shared[chunks + WHOLE];
    }
    let share = rounded.times(share, whole);
    let mut sum = 0.0f32;
    for level in chunk * CHUNK..usize::min((chunk + 1) * CHUNK, comptime!(shape.levels)) {
        let kept = shared[chunks + ABOVE + level] < share;
        let weight = select(kept, shared[weights + level], 0.0f32);
        shared[weights + level] = weight;
        sum = rounded.plus(sum, weight);
    }
    shared[chunks + KEPT + chunk] = sum;
}

/// The level that `u` picks, see [`draw`](crate::sample::draw()).
#[cube]
pub fn pick(shared: &[f32], drawn: usize, u: f32, rounded: Rounded, #[comptime] shape: Shape) -> u32 {
    let chunks = comptime!(shape.levels.div_ceil(CHUNK));
    let sums = chunks_of(drawn, shape) + comptime!(if shape.truncates { KEPT } else { SUMS });
    let mut total = 0.0f32;
    for chunk in 0..chunks {
        total = rounded.plus(total, shared[sums + chunk]);
    }
    let threshold = rounded.times(u, total);
    // The chunk that passes the threshold, and the sum of those before it.
    let mut before = 0.0f32;
    let mut found = NONE.runtime();
    let mut last = 0u32;
    for chunk in 0..chunks {
        let sum = shared[sums + chunk];
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
        let weight = shared[weights_of(drawn, shape) + k];
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
