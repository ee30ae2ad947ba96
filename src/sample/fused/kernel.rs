//! The kernel of the fused sampler: one row of every image, one workgroup an image, nothing read back in between.
//!
//! It is an interpreter of the table that [`table`](super::table) makes of a plan: for every pixel the same list of operations,
//! each in two phases with a barrier behind either. In the first, all threads share out the segments of the sums; in the
//! second, one thread an output adds them up in the order of [`SEGMENT`]. So the control flow
//! around the barriers depends on nothing that is read, as WebGPU demands; all networks share one kernel; and the sums are those
//! of the cached sampler, to the bit: [`Rounded`].
#![allow(missing_docs, reason = "the macro makes public items of its own")]
#![allow(clippy::collapsible_if, reason = "what is known when compiling is not mixed with what is not")]

use super::maths::{Rounded, rectified, uniform};
use super::softmax::{SUMS, SUMS_AT_1, highest_of, keep, pick, weigh_above, weight_of};
use super::words::{
    ADD, ALSO, CELLS, CELLS_TO, COUNT, DRAW_CHUNKS, DRAW_HIGHEST, DRAW_LEVEL, FIRST_SEGMENT, KIND, NONE, OPERATION,
    PART, PARTS, PLACE, RECTIFY, SEGMENT_WORDS, SEGMENTS, SHARED, Shape, TO,
};
use crate::sample::draw::CHUNK;
use crate::sample::plan::{PANEL, SEGMENT};
use cubecl::prelude::*;

/// How often the threads of a workgroup wait for one another in an operation: once behind either phase.
pub const BARRIERS: usize = 2;

/// Draws one row of every image (workgroup x), or makes its scans (workgroup y makes scan y).
///
/// `given` has the levels to keep, `[image, channel, column]`, [`NONE`] where a value is drawn; it is read where `any_given` is
/// 1. `drawn` gets level and −ln p of every value, `[image, channel, column, 2]`. `zero` is that of [`Rounded`].
#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its buffers and numbers one by one")]
pub fn draw_row(
    weights: &[f32],
    table: &[u32],
    values: &mut [f32],
    given: &[u32],
    drawn: &mut [f32],
    first_operation: u32,
    any_given: u32,
    seed_low: u32,
    seed_high: u32,
    first_image: u32,
    row: u32,
    temperature: f32,
    top_k: u32,
    share: f32,
    zero: u32,
    #[comptime] shape: Shape,
) {
    let rounded = Rounded { zero, contract: comptime!(shape.contract) };
    let thread = UNIT_POS as usize;
    let image = CUBE_POS_X as usize;
    let start = image * comptime!(shape.image);
    let scan = CUBE_POS_Y as usize;
    let first = first_operation as usize + scan * comptime!(shape.operations * OPERATION);
    let mut shared = Shared::<[f32]>::new_slice(comptime!(shape.shared));

    for column in 0..comptime!(shape.width) {
        let mut x = column;
        if comptime!(shape.scan) {
            x = comptime!(shape.width - 1) - column;
        }
        for k in 0..comptime!(shape.operations) {
            let op = first + k * OPERATION;
            let kind = table[op + KIND];
            let count = table[op + COUNT] as usize;

            // Phase 1: the sums of segments, or what drawing needs of every logit.
            let items = count * table[op + SEGMENTS] as usize;
            let first_segment = table[op + FIRST_SEGMENT] as usize;
            let mut item = thread;
            while item < items {
                let segment = first_segment + item / count * SEGMENT_WORDS;
                let output = item % count;
                let panel = output / PANEL;
                let width = width_of(count, panel);
                let panel_start = table[segment + 4] as usize + panel * PANEL * (table[segment + 5] as usize + 1);
                let weight = panel_start + table[segment + 6] as usize * width + output % PANEL;
                let from = place(table, segment, x);
                let length = table[segment + 2] as usize;
                let rectify = table[segment + 3] == 1u32;
                // Most segments are whole: written out, their loads need not wait for a loop. Mesa's software Vulkan ends a
                // shader's loops after 65,535 rounds in all, besides.
                let whole = length == SEGMENT;
                let mut sum = 0.0f32;
                if from >= SHARED {
                    let from = (from - SHARED) as usize;
                    if whole {
                        #[unroll]
                        for j in 0..SEGMENT {
                            let value = select(rectify, rectified(shared[from + j]), shared[from + j]);
                            sum = rounded.add_product(sum, value, weights[weight + j * width]);
                        }
                    } else {
                        for j in 0..length {
                            let value = select(rectify, rectified(shared[from + j]), shared[from + j]);
                            sum = rounded.add_product(sum, value, weights[weight + j * width]);
                        }
                    }
                } else {
                    let from = start + from as usize;
                    if whole {
                        #[unroll]
                        for j in 0..SEGMENT {
                            let value = select(rectify, rectified(values[from + j]), values[from + j]);
                            sum = rounded.add_product(sum, value, weights[weight + j * width]);
                        }
                    } else {
                        for j in 0..length {
                            let value = select(rectify, rectified(values[from + j]), values[from + j]);
                            sum = rounded.add_product(sum, value, weights[weight + j * width]);
                        }
                    }
                }
                shared[comptime!(shape.partials) + item] = sum;
                item += comptime!(shape.threads);
            }
            if comptime!(!shape.scan && shape.levels > 2) {
                let logits = place(table, op + ADD, x);
                if kind == DRAW_HIGHEST && thread < comptime!(shape.levels.div_ceil(CHUNK)) {
                    let end = u32::min((thread as u32 + 1) * CHUNK as u32, comptime!(shape.levels as u32));
                    let mut highest = value_at(&*values, &shared, start, logits + thread as u32 * CHUNK as u32);
                    for level in thread as u32 * CHUNK as u32..end {
                        let logit = value_at(&*values, &shared, start, logits + level);
                        if logit > highest {
                            highest = logit;
                        }
                    }
                    shared[comptime!(shape.chunks) + thread] = highest;
                }
                if kind == DRAW_CHUNKS {
                    let highest = highest_of(&shared, shape);
                    let mut level = thread;
                    while level < comptime!(shape.levels) {
                        let above = rounded.plus(value_at(&*values, &shared, start, logits + level as u32), -highest);
                        shared[comptime!(shape.softmax) + level] = weight_of(rounded.over(above, temperature), rounded);
                        shared[comptime!(shape.softmax + shape.levels) + level] = weight_of(above, rounded);
                        level += comptime!(shape.threads);
                    }
                }
                if comptime!(shape.truncates) {
                    if kind == DRAW_LEVEL && thread < comptime!(shape.levels.div_ceil(CHUNK)) {
                        keep(&mut shared, thread, top_k, share, rounded, shape);
                    }
                }
            }
            sync_cube();

            // Phase 2: one thread an output, or a cell, or the draw.
            if kind < CELLS {
                let mut output = thread;
                while output < count {
                    let mut sum = sum_of(weights, table, &shared, op, output, rounded, shape);
                    if table[op + ADD] != NONE {
                        let more = value_at(&*values, &shared, start, place(table, op + ADD, x) + output as u32);
                        sum = rounded.plus(sum, more);
                    }
                    if table[op + ALSO] != NONE {
                        let more = value_at(&*values, &shared, start, place(table, op + ALSO, x) + output as u32);
                        sum = rounded.plus(sum, more);
                    }
                    if table[op + RECTIFY] == 1u32 {
                        sum = rectified(sum);
                    }
                    put(values, &mut shared, start, place(table, op + TO, x) + output as u32, sum);
                    output += comptime!(shape.threads);
                }
            }
            if kind == CELLS {
                let units = count / 4;
                let mut unit = thread;
                while unit < units {
                    let mut gates = Array::<f32>::new(4usize);
                    for gate in 0..4usize {
                        let output = gate * units + unit;
                        let mut sum = sum_of(weights, table, &shared, op, output, rounded, shape);
                        if table[op + ADD] != NONE {
                            let more = value_at(&*values, &shared, start, place(table, op + ADD, x) + output as u32);
                            sum = rounded.plus(sum, more);
                        }
                        gates[gate] = sum;
                    }
                    let before = value_at(&*values, &shared, start, place(table, op + ALSO, x) + unit as u32);
                    let kept = rounded.times(rounded.sigmoid(gates[1]), before);
                    let cell = rounded.add_product(kept, rounded.sigmoid(gates[2]), rounded.tanh(gates[3]));
                    let state = rounded.times(rounded.sigmoid(gates[0]), rounded.tanh(cell));
                    put(values, &mut shared, start, place(table, op + TO, x) + unit as u32, state);
                    put(values, &mut shared, start, place(table, op + CELLS_TO, x) + unit as u32, cell);
                    unit += comptime!(shape.threads);
                }
            }
            if comptime!(!shape.scan) {
                if comptime!(shape.levels > 2) {
                    if kind == DRAW_CHUNKS && thread < comptime!(shape.levels.div_ceil(CHUNK)) {
                        let end = usize::min((thread + 1) * CHUNK, comptime!(shape.levels));
                        let mut sum = 0.0f32;
                        let mut sum_at_1 = 0.0f32;
                        for level in thread * CHUNK..end {
                            sum = rounded.plus(sum, shared[comptime!(shape.softmax) + level]);
                            sum_at_1 = rounded.plus(sum_at_1, shared[comptime!(shape.softmax + shape.levels) + level]);
                        }
                        shared[comptime!(shape.chunks + SUMS) + thread] = sum;
                        shared[comptime!(shape.chunks + SUMS_AT_1) + thread] = sum_at_1;
                    }
                    if comptime!(shape.truncates) {
                        if kind == DRAW_CHUNKS {
                            weigh_above(&mut shared, thread, top_k, rounded, shape);
                        }
                    }
                }
                if kind == DRAW_LEVEL && thread == 0 {
                    let channel = count;
                    let logits = place(table, op + ADD, x);
                    let value = (image * comptime!(shape.channels) + channel) * comptime!(shape.width) + x;
                    let mut level = NONE.runtime();
                    if any_given == 1u32 {
                        level = given[value];
                    }
                    let spot = row << 16u32 | (x as u32) << 2u32 | channel as u32;
                    let u = uniform(seed_low, seed_high, first_image + image as u32, spot);
                    let nll_nats = if comptime!(shape.levels == 2) {
                        let z = value_at(&*values, &shared, start, logits);
                        if level == NONE {
                            let tempered = rounded.over(z, temperature);
                            let mut level_0 = rounded.sigmoid(-tempered);
                            if tempered > 87.0f32 {
                                level_0 = 0.0f32;
                            }
                            level = select(u >= level_0, 1u32, 0u32);
                            if comptime!(shape.truncates) {
                                let likelier = rounded.sigmoid(f32::abs(tempered));
                                if top_k == 1u32 || likelier >= share {
                                    level = select(z > 0.0f32, 1u32, 0u32);
                                }
                            }
                        }
                        let towards = select(level == 0u32, z, -z);
                        rounded.plus(rectified(towards), rounded.ln_1p(rounded.exp(-f32::abs(z))))
                    } else {
                        let mut total = 0.0f32;
                        for chunk in 0..comptime!(shape.levels.div_ceil(CHUNK)) {
                            total = rounded.plus(total, shared[comptime!(shape.chunks + SUMS_AT_1) + chunk]);
                        }
                        if level == NONE {
                            level = pick(&shared, u, rounded, shape);
                        }
                        let own = value_at(&*values, &shared, start, logits + level);
                        rounded.plus(rounded.plus(highest_of(&shared, shape), -own), rounded.ln(total))
                    };
                    drawn[2 * value] = level as f32;
                    drawn[2 * value + 1] = nll_nats;
                    let intensity = rounded.over(level as f32, comptime!(shape.levels as f32 - 1.0));
                    let input = rounded.plus(rounded.times(2.0f32, intensity), -1.0f32);
                    put(values, &mut shared, start, place(table, op + TO, x), input);
                }
            }
            // It is one for workgroup memory too.
            sync_storage();
        }
    }
}

/// Outputs of a panel in a row of weights: its own, padded.
#[cube]
fn width_of(count: usize, panel: usize) -> usize {
    usize::min(PANEL, (count - panel * PANEL).div_ceil(4usize) * 4usize)
}

/// The place at column `x` that stands in the table at `word`.
#[cube]
fn place(table: &[u32], word: usize, x: usize) -> u32 {
    table[word] + x as u32 * table[word + PLACE]
}

/// The value at a place.
#[cube]
fn value_at(values: &[f32], shared: &[f32], start: usize, at: u32) -> f32 {
    let mut value = 0.0f32;
    if at >= SHARED {
        value += shared[(at - SHARED) as usize];
    } else {
        value += values[start + at as usize];
    }
    value
}

/// Puts a value to a place.
#[cube]
fn put(values: &mut [f32], shared: &mut [f32], start: usize, at: u32, value: f32) {
    if at >= SHARED {
        shared[(at - SHARED) as usize] = value;
    } else {
        values[start + at as usize] = value;
    }
}

/// An output's sum: of each part its bias, or what an earlier operation left unfinished, and its segments.
#[cube]
#[allow(clippy::too_many_arguments, reason = "the kernel's buffers one by one")]
fn sum_of(
    weights: &[f32],
    table: &[u32],
    shared: &[f32],
    op: usize,
    output: usize,
    rounded: Rounded,
    #[comptime] shape: Shape,
) -> f32 {
    let count = table[op + COUNT] as usize;
    let panel = output / PANEL;
    let mut sum = 0.0f32;
    let mut item = comptime!(shape.partials) + output;
    for part in 0..PARTS {
        let word = op + PART + part * 3;
        let segments = table[word + 2];
        if segments > 0 {
            let mut own = 0.0f32;
            if table[word] == NONE {
                own += shared[comptime!(shape.unfinished) + output];
            } else {
                own += weights[table[word] as usize + panel * PANEL * (table[word + 1] as usize + 1) + output % PANEL];
            }
            for _ in 0..segments {
                own = rounded.plus(own, shared[item]);
                item += count;
            }
            sum = rounded.plus(sum, own);
        }
    }
    sum
}
