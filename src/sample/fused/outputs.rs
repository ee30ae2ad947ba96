//! The operations that make features: sums of weighted values, and the cells of an LSTM.
#![allow(missing_docs, reason = "the macro makes public items of its own")]
#![allow(clippy::collapsible_if, reason = "what is known when compiling is not mixed with what is not")]

use super::maths::{Block, Rounded};
use super::memory::{in_workgroup, keep_too, place, put, value_at};
use super::sums::{add_parts, add_place, add_segment, clear, put_blocks, rectify_blocks};
use super::words::{
    ADD, ALSO, BLOCK, CELLS_KEPT, CELLS_TO, CONVOLVE, COUNT, FIRST_SEGMENT, FIRST_THREAD, ITEMS, KEPT, KIND, NONE,
    PARTIALS_AT, RECTIFY, SEGMENT_WORDS, SEGMENTS, SHARED, Shape, TO,
};
use cubecl::prelude::*;

/// What a thread begins an operation with.
#[cube]
fn first_item(table: &[u32], op: usize, #[comptime] shape: Shape) -> usize {
    let threads = comptime!(shape.threads);
    if comptime!(shape.united) {
        (UNIT_POS as usize + threads - table[op + FIRST_THREAD] as usize) % threads
    } else {
        UNIT_POS as usize
    }
}

/// Makes the sums of segments: `PARTIALS`.
#[cube]
#[allow(clippy::too_many_arguments, reason = "the kernel's buffers one by one")]
pub fn make_partials(
    weights: &[Block],
    table: &[u32],
    values: &[f32],
    shared: &mut [f32],
    op: usize,
    start: usize,
    x: usize,
    rounded: Rounded,
    #[comptime] shape: Shape,
) {
    let lanes = comptime!(shape.images / shape.images_a_thread);
    let blocks = (table[op + COUNT] as usize).div_ceil(BLOCK);
    let first_segment = table[op + FIRST_SEGMENT] as usize;
    let partials = table[op + PARTIALS_AT] as usize * comptime!(shape.images);
    let items = table[op + ITEMS] as usize;
    let all = items * table[op + SEGMENTS] as usize;
    let mut item = first_item(table, op, shape);
    while item < all {
        let segment = item / items;
        let own = item - segment * items;
        let lane = own % lanes;
        let block = own / lanes;
        if block < blocks {
            let mut sums = Array::<Block>::new(comptime!(shape.images_a_thread));
            clear(&mut sums, shape);
            add_segment(
                &mut sums,
                weights,
                table,
                values,
                &*shared,
                first_segment + segment * SEGMENT_WORDS,
                block,
                blocks,
                start,
                lane,
                x,
                rounded,
                shape,
            );
            let to = partials + (segment * blocks + block) * comptime!(BLOCK * shape.images) + lane;
            put_blocks(shared, &sums, to, BLOCK, shape);
        }
        item += comptime!(shape.threads);
    }
}

/// Makes features, or the states and cells of an LSTM: `CONVOLVE` and `CELLS`.
#[cube]
#[allow(clippy::too_many_arguments, reason = "the kernel's buffers one by one")]
pub fn make_features(
    weights: &[Block],
    table: &[u32],
    values: &mut [f32],
    shared: &mut [f32],
    op: usize,
    start: usize,
    x: usize,
    rounded: Rounded,
    #[comptime] shape: Shape,
) {
    let lanes = comptime!(shape.images / shape.images_a_thread);
    let kind = table[op + KIND];
    let count = table[op + COUNT] as usize;
    let blocks = count.div_ceil(BLOCK);
    let partials = table[op + PARTIALS_AT] as usize * comptime!(shape.images);
    let items = blocks * lanes;
    let mut item = first_item(table, op, shape);
    while item < items {
        let lane = item % lanes;
        let block = item / lanes;
        let mut sums = Array::<Block>::new(comptime!(shape.images_a_thread));
        clear(&mut sums, shape);
        add_parts(
            &mut sums, weights, table, &*values, &*shared, op, block, blocks, partials, start, lane, x, rounded, shape,
        );
        // Of those of its own that there are.
        let outputs = usize::min(BLOCK, count - block * BLOCK);
        let output = (block * BLOCK) as u32;
        add_place(&mut sums, table, &*values, &*shared, op + ADD, output, outputs, start, lane, x, rounded, shape);
        if kind == CONVOLVE {
            add_place(&mut sums, table, &*values, &*shared, op + ALSO, output, outputs, start, lane, x, rounded, shape);
            if table[op + RECTIFY] == 1u32 {
                rectify_blocks(&mut sums, shape);
            }
            let at = place(table, op + TO, x) + output;
            if at >= SHARED {
                let to = in_workgroup(at, lane, shape);
                put_blocks(shared, &sums, to, outputs, shape);
            } else {
                put_blocks(values, &sums, start + at as usize * comptime!(shape.images) + lane, outputs, shape);
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
                let before = value_at(&*values, &*shared, start, place(table, op + ALSO, x) + unit, image, shape);
                let kept = rounded.times(rounded.sigmoid(gates.extract(1usize)), before);
                let written = rounded.sigmoid(gates.extract(2usize));
                let cell = rounded.add_product(kept, written, rounded.tanh(gates.extract(3usize)));
                let state = rounded.times(rounded.sigmoid(gates.extract(0usize)), rounded.tanh(cell));
                put(values, shared, start, place(table, op + TO, x) + unit, image, state, shape);
                put(values, shared, start, place(table, op + CELLS_TO, x) + unit, image, cell, shape);
                if comptime!(shape.near) {
                    keep_too(values, table, op + KEPT, start, x, unit, image, state, shape);
                    keep_too(values, table, op + CELLS_KEPT, start, x, unit, image, cell, shape);
                }
            }
        }
        item += comptime!(shape.threads);
    }
}
