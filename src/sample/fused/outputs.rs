//! The operations that make features: sums of weighted values, and the cells of an LSTM.
#![allow(missing_docs, reason = "the macro makes public items of its own")]
#![allow(clippy::collapsible_if, reason = "what is known when compiling is not mixed with what is not")]

use super::maths::{Block, Rounded};
use super::memory::{in_workgroup, keep_too, put, value_at};
use super::sums::{add_parts, add_place, add_segment, clear, put_blocks, rectify_blocks};
use super::words::{
    ADD, ALSO, BLOCK, CELLS_KEPT, CELLS_TO, CONVOLVE, COUNT, FIRST_THREAD, ITEMS, KEPT, KIND, NONE, Operation,
    PARTIALS_AT, Quad, RECTIFY, SEGMENTS, SHARED, Shape, TO,
};
use cubecl::prelude::*;

/// What a thread begins an operation with.
#[cube]
fn first_item(op: &Operation, #[comptime] shape: Shape) -> usize {
    let threads = comptime!(shape.threads);
    if comptime!(shape.united) {
        (UNIT_POS as usize + threads - op.word(FIRST_THREAD) as usize) % threads
    } else {
        UNIT_POS as usize
    }
}

/// Makes the sums of segments: `PARTIALS`.
#[cube]
#[allow(clippy::too_many_arguments, reason = "the kernel's buffers one by one")]
pub fn make_partials(
    weights: &[Block],
    table: &[Quad],
    values: &[f32],
    shared: &mut [f32],
    op: &Operation,
    start: usize,
    x: usize,
    rounded: Rounded,
    #[comptime] shape: Shape,
) {
    let lanes = comptime!(shape.images / shape.images_a_thread);
    let blocks = (op.word(COUNT) as usize).div_ceil(BLOCK);
    let partials = op.word(PARTIALS_AT) as usize * comptime!(shape.images);
    let items = op.word(ITEMS) as usize;
    let all = items * op.word(SEGMENTS) as usize;
    let mut item = first_item(op, shape);
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
                values,
                &*shared,
                op.segment(table, segment),
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
    table: &[Quad],
    values: &mut [f32],
    shared: &mut [f32],
    op: &Operation,
    start: usize,
    x: usize,
    rounded: Rounded,
    #[comptime] shape: Shape,
) {
    let lanes = comptime!(shape.images / shape.images_a_thread);
    let kind = op.word(KIND);
    let count = op.word(COUNT) as usize;
    let blocks = count.div_ceil(BLOCK);
    let partials = op.word(PARTIALS_AT) as usize * comptime!(shape.images);
    let items = blocks * lanes;
    let mut item = first_item(op, shape);
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
        if op.word(ADD) != NONE {
            let at = op.place(ADD, x) + output;
            add_place(&mut sums, &*values, &*shared, at, outputs, start, lane, rounded, shape);
        }
        if kind == CONVOLVE {
            if op.word(ALSO) != NONE {
                let at = op.place(ALSO, x) + output;
                add_place(&mut sums, &*values, &*shared, at, outputs, start, lane, rounded, shape);
            }
            if op.word(RECTIFY) == 1u32 {
                rectify_blocks(&mut sums, shape);
            }
            let at = op.place(TO, x) + output;
            if at >= SHARED {
                let to = in_workgroup(at, lane, shape);
                put_blocks(shared, &sums, to, outputs, shape);
            } else {
                put_blocks(values, &sums, start + at as usize * comptime!(shape.images) + lane, outputs, shape);
            }
            if comptime!(shape.near) {
                if op.word(KEPT) != NONE {
                    let at = (op.place(KEPT, x) + output) as usize;
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
                let before = value_at(&*values, &*shared, start, op.place(ALSO, x) + unit, image, shape);
                let kept = rounded.times(rounded.sigmoid(gates.extract(1usize)), before);
                let written = rounded.sigmoid(gates.extract(2usize));
                let cell = rounded.add_product(kept, written, rounded.tanh(gates.extract(3usize)));
                let state = rounded.times(rounded.sigmoid(gates.extract(0usize)), rounded.tanh(cell));
                put(values, shared, start, op.place(TO, x) + unit, image, state, shape);
                put(values, shared, start, op.place(CELLS_TO, x) + unit, image, cell, shape);
                if comptime!(shape.near) {
                    keep_too(values, op, KEPT, start, x, unit, image, state, shape);
                    keep_too(values, op, CELLS_KEPT, start, x, unit, image, cell, shape);
                }
            }
        }
        item += comptime!(shape.threads);
    }
}
