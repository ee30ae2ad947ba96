//! The kernel of the fused sampler: one row of every image, many images a workgroup, nothing read back in between.
//!
//! It is an interpreter of the table that [`table`](super::table) makes of a plan: for every pixel the same list of operations,
//! with a barrier behind each: of workgroup memory, where that holds all that pixels look at ([`near`](super::near)). In an
//! operation the threads share out its outputs and its images, as [`sums`](super::sums) says; neighbouring threads have neighbouring
//! images, whose features stand side by side. Where there are too few images to keep the threads busy, an operation of its own makes
//! the sums of segments first, which the next one adds up. The control flow around the barriers depends on nothing that is read, as
//! WebGPU demands; networks with as much room share one kernel; and the sums are those of the cached sampler, to the bit: [`Rounded`].
#![allow(missing_docs, reason = "the macro makes public items of its own")]
#![allow(clippy::collapsible_if, reason = "what is known when compiling is not mixed with what is not")]

use super::maths::{Block, Rounded, rectified, uniform};
use super::memory::{fetch, in_workgroup, keep_too, place, put, shift, value_at};
use super::softmax::{SUMS, SUMS_AT_1, chunks_of, highest_of, keep, pick, weigh_above, weight_of, weights_of};
use super::sums::{add_parts, add_place, add_segment, clear, put_blocks, rectify_blocks};
use super::words::{
    ADD, ALSO, BLOCK, CELLS, CELLS_KEPT, CELLS_TO, CONVOLVE, COUNT, DRAW_ABOVE, DRAW_HIGHEST, DRAW_KEPT, DRAW_LEVEL,
    DRAW_SUMS, DRAW_WEIGHTS, FIRST_IMAGE, FIRST_SEGMENT, KEPT, KIND, NONE, OPERATION, PARTIALS, RECTIFY, SEGMENT_WORDS,
    SEGMENTS, SHARED, SHIFT, Shape, TO,
};
use crate::sample::draw::CHUNK;
use cubecl::prelude::*;

/// Draws a part of a row of every image (workgroup x has its own), or makes its scans (workgroup y makes scan y).
///
/// `values` has the features of the images of one workgroup after those of another, those of its images side by side. `given` has
/// the levels to keep, `[image, channel, column]`, [`NONE`] where a value is drawn; it is read where `any_given` is 1. `drawn` gets
/// level and −ln p of every value, `[image, channel, column, 2]`. `zero` is that of [`Rounded`].
#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its buffers and numbers one by one")]
pub fn draw_row(
    weights: &[Block],
    table: &[u32],
    values: &mut [f32],
    given: &[u32],
    drawn: &mut [f32],
    first_operation: u32,
    first_fetch: u32,
    first_column: u32,
    columns: u32,
    operations: u32,
    features: u32,
    width: u32,
    channels: u32,
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
    let start = CUBE_POS_X as usize * features as usize * comptime!(shape.images);
    let scan = CUBE_POS_Y as usize;
    let first = first_operation as usize + scan * operations as usize * OPERATION;
    let lanes = comptime!(shape.images / shape.images_a_thread);
    let mut shared = Shared::<[f32]>::new_slice(comptime!(shape.shared));

    if comptime!(shape.near) {
        let mut x = first_column as usize;
        if comptime!(shape.scan) {
            x = width as usize - 1 - x;
        }
        fetch(table, &*values, &mut shared, first_fetch as usize + scan * OPERATION, start, thread, x, shape);
        sync_cube();
    }
    for column in first_column as usize..(first_column + columns) as usize {
        let mut x = column;
        if comptime!(shape.scan) {
            x = width as usize - 1 - column;
        }
        for k in 0..operations as usize {
            let op = first + k * OPERATION;
            let kind = table[op + KIND];
            let count = table[op + COUNT] as usize;
            let blocks = count.div_ceil(BLOCK);

            if comptime!(shape.split) {
                if kind == PARTIALS {
                    let items = blocks * table[op + SEGMENTS] as usize * lanes;
                    let first_segment = table[op + FIRST_SEGMENT] as usize;
                    let mut item = thread;
                    while item < items {
                        let lane = item % lanes;
                        let number = item / lanes;
                        let mut sums = Array::<Block>::new(comptime!(shape.images_a_thread));
                        clear(&mut sums, shape);
                        add_segment(
                            &mut sums,
                            weights,
                            table,
                            &*values,
                            &shared,
                            first_segment + number / blocks * SEGMENT_WORDS,
                            number % blocks,
                            blocks,
                            start,
                            lane,
                            x,
                            rounded,
                            shape,
                        );
                        let to = number * comptime!(BLOCK * shape.images) + lane;
                        put_blocks(&mut shared, &sums, to, BLOCK, shape);
                        item += comptime!(shape.threads);
                    }
                }
            }
            if kind <= CELLS {
                let items = blocks * lanes;
                let mut item = thread;
                while item < items {
                    let lane = item % lanes;
                    let block = item / lanes;
                    let mut sums = Array::<Block>::new(comptime!(shape.images_a_thread));
                    clear(&mut sums, shape);
                    add_parts(
                        &mut sums, weights, table, &*values, &shared, op, block, blocks, start, lane, x, rounded, shape,
                    );
                    // Of those of its own that there are.
                    let outputs = usize::min(BLOCK, count - block * BLOCK);
                    let output = (block * BLOCK) as u32;
                    add_place(
                        &mut sums,
                        table,
                        &*values,
                        &shared,
                        op + ADD,
                        output,
                        outputs,
                        start,
                        lane,
                        x,
                        rounded,
                        shape,
                    );
                    if kind == CONVOLVE {
                        add_place(
                            &mut sums,
                            table,
                            &*values,
                            &shared,
                            op + ALSO,
                            output,
                            outputs,
                            start,
                            lane,
                            x,
                            rounded,
                            shape,
                        );
                        if table[op + RECTIFY] == 1u32 {
                            rectify_blocks(&mut sums, shape);
                        }
                        let at = place(table, op + TO, x) + output;
                        if at >= SHARED {
                            let to = in_workgroup(at, lane, shape);
                            put_blocks(&mut shared, &sums, to, outputs, shape);
                        } else {
                            put_blocks(
                                values,
                                &sums,
                                start + at as usize * comptime!(shape.images) + lane,
                                outputs,
                                shape,
                            );
                        }
                        if comptime!(shape.near) {
                            if table[op + KEPT] != NONE {
                                let at = (place(table, op + KEPT, x) + output) as usize;
                                let to = start + at * comptime!(shape.images) + lane;
                                put_blocks(values, &sums, to, outputs, shape);
                            }
                        }
                    } else {
                        for i in 0..comptime!(shape.images_a_thread) {
                            let image = lane + i * lanes;
                            let mut gates = sums[0];
                            #[unroll]
                            for other in 1..comptime!(shape.images_a_thread) {
                                if i == other {
                                    gates = sums[other];
                                }
                            }
                            let unit = block as u32;
                            let before =
                                value_at(&*values, &shared, start, place(table, op + ALSO, x) + unit, image, shape);
                            let kept = rounded.times(rounded.sigmoid(gates.extract(1usize)), before);
                            let written = rounded.sigmoid(gates.extract(2usize));
                            let cell = rounded.add_product(kept, written, rounded.tanh(gates.extract(3usize)));
                            let state = rounded.times(rounded.sigmoid(gates.extract(0usize)), rounded.tanh(cell));
                            put(values, &mut shared, start, place(table, op + TO, x) + unit, image, state, shape);
                            put(values, &mut shared, start, place(table, op + CELLS_TO, x) + unit, image, cell, shape);
                            if comptime!(shape.near) {
                                keep_too(values, table, op + KEPT, start, x, unit, image, state, shape);
                                keep_too(values, table, op + CELLS_KEPT, start, x, unit, image, cell, shape);
                            }
                        }
                    }
                    item += comptime!(shape.threads);
                }
            }
            if comptime!(!shape.scan) {
                let logits = place(table, op + ADD, x);
                let first_drawn = table[op + FIRST_IMAGE] as usize;
                if comptime!(shape.levels > 2) {
                    let chunks = comptime!(shape.levels.div_ceil(CHUNK));
                    if kind == DRAW_HIGHEST {
                        let mut item = thread;
                        while item < comptime!(chunks * shape.draws) {
                            let image = item % comptime!(shape.draws);
                            let chunk = item / comptime!(shape.draws);
                            let end = u32::min((chunk as u32 + 1) * CHUNK as u32, comptime!(shape.levels as u32));
                            let first_logit = logits + chunk as u32 * CHUNK as u32;
                            let mut highest =
                                value_at(&*values, &shared, start, first_logit, first_drawn + image, shape);
                            for level in chunk as u32 * CHUNK as u32..end {
                                let logit =
                                    value_at(&*values, &shared, start, logits + level, first_drawn + image, shape);
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
                            let logit =
                                value_at(&*values, &shared, start, logits + level as u32, first_drawn + image, shape);
                            let above = rounded.plus(logit, -highest_of(&shared, image, shape));
                            let weight = weight_of(rounded.over(above, temperature), rounded);
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
                            if temperature == 1.0f32 {
                                sum_at_1 += sum;
                            } else {
                                let highest = highest_of(&shared, image, shape);
                                for level in chunk * CHUNK..end {
                                    let at = logits + level as u32;
                                    let logit = value_at(&*values, &shared, start, at, first_drawn + image, shape);
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
                            weigh_above(&mut shared, image, item / comptime!(shape.draws), top_k, rounded, shape);
                            item += comptime!(shape.threads);
                        }
                    }
                    if kind == DRAW_KEPT {
                        let mut item = thread;
                        while item < comptime!(shape.levels.div_ceil(CHUNK) * shape.draws) {
                            let image = item % comptime!(shape.draws);
                            keep(&mut shared, image, item / comptime!(shape.draws), top_k, share, rounded, shape);
                            item += comptime!(shape.threads);
                        }
                    }
                }
                if kind == DRAW_LEVEL {
                    let mut own = thread;
                    while own < comptime!(shape.draws) {
                        let channel = count;
                        let in_group = first_drawn + own;
                        let image = CUBE_POS_X as usize * comptime!(shape.images) + in_group;
                        let value = (image * channels as usize + channel) * width as usize + x;
                        let mut level = NONE.runtime();
                        if any_given == 1u32 {
                            level = given[value];
                        }
                        let spot = row << 16u32 | (x as u32) << 2u32 | channel as u32;
                        let u = uniform(seed_low, seed_high, first_image + image as u32, spot);
                        let nll_nats = if comptime!(shape.levels == 2) {
                            let z = value_at(&*values, &shared, start, logits, in_group, shape);
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
                                total = rounded.plus(total, shared[chunks_of(own, shape) + SUMS_AT_1 + chunk]);
                            }
                            if level == NONE {
                                level = pick(&shared, own, u, rounded, shape);
                            }
                            let logit = value_at(&*values, &shared, start, logits + level, in_group, shape);
                            rounded.plus(rounded.plus(highest_of(&shared, own, shape), -logit), rounded.ln(total))
                        };
                        drawn[2 * value] = level as f32;
                        drawn[2 * value + 1] = nll_nats;
                        let intensity = rounded.over(level as f32, comptime!(shape.levels as f32 - 1.0));
                        let input = rounded.plus(rounded.times(2.0f32, intensity), -1.0f32);
                        put(values, &mut shared, start, place(table, op + TO, x), in_group, input, shape);
                        if comptime!(shape.near) {
                            keep_too(values, table, op + KEPT, start, x, 0u32, in_group, input, shape);
                        }
                        own += comptime!(shape.threads);
                    }
                }
            }
            if comptime!(shape.near) {
                if kind == SHIFT {
                    shift(table, &mut shared, op, thread, shape);
                }
                sync_cube();
            } else {
                // It is one for workgroup memory too.
                sync_storage();
            }
        }
    }
}
