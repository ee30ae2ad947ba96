//! The sums of the kernel: a [`BLOCK`] of outputs for each image of a thread, so that a word of weights that is read serves them
//! all, in the cached sampler's order.
#![allow(missing_docs, reason = "the macro makes public items of its own")]
#![allow(clippy::collapsible_if, reason = "what is known when compiling is not mixed with what is not")]

use super::maths::{Block, Rounded, rectified};
use super::memory::in_workgroup;
use super::words::{
    BIAS, BLOCK, NONE, Operation, PART_SEGMENTS, PARTS, PLACE, Quad, SHARED, Shape, UNROLLED, segment_is_rectified,
    segment_length, segment_place,
};
use crate::sample::plan::SEGMENT;
use cubecl::prelude::*;

/// Sums of nothing: a block of outputs for every image of a thread.
#[cube]
pub fn clear(sums: &mut Array<Block>, #[comptime] shape: Shape) {
    #[unroll]
    for i in 0..comptime!(shape.images_a_thread) {
        sums[i] = Block::new(0.0f32);
    }
}

/// Puts the first `outputs` of every block, those of the images of this thread, to where the first stands.
#[cube]
pub fn put_blocks(to: &mut [f32], sums: &Array<Block>, first: usize, outputs: usize, #[comptime] shape: Shape) {
    let lanes = comptime!(shape.images / shape.images_a_thread);
    #[unroll]
    for k in 0..BLOCK {
        if k < outputs {
            #[unroll]
            for i in 0..comptime!(shape.images_a_thread) {
                to[first + comptime!(k * shape.images + i * lanes)] = sums[i].extract(k);
            }
        }
    }
}

/// Rectifies every output.
#[cube]
pub fn rectify_blocks(sums: &mut Array<Block>, #[comptime] shape: Shape) {
    #[unroll]
    for i in 0..comptime!(shape.images_a_thread) {
        let mut block = sums[i];
        #[unroll]
        for k in 0..BLOCK {
            block.insert(k, rectified(block.extract(k)));
        }
        sums[i] = block;
    }
}

/// Adds what stands there to the first `outputs` of every block.
#[cube]
fn add_blocks(
    sums: &mut Array<Block>,
    from: &[f32],
    first: usize,
    outputs: usize,
    rounded: Rounded,
    #[comptime] shape: Shape,
) {
    let lanes = comptime!(shape.images / shape.images_a_thread);
    #[unroll]
    for i in 0..comptime!(shape.images_a_thread) {
        let mut block = Block::new(0.0f32);
        #[unroll]
        for k in 0..BLOCK {
            if k < outputs {
                block.insert(k, from[first + comptime!(k * shape.images + i * lanes)]);
            }
        }
        sums[i] = rounded.plus_each(sums[i], block);
    }
}

/// Adds what stands at a place to the first `outputs` of every block.
#[cube]
#[allow(clippy::too_many_arguments, reason = "the kernel's buffers one by one")]
pub fn add_place(
    sums: &mut Array<Block>,
    values: &[f32],
    shared: &[f32],
    at: u32,
    outputs: usize,
    start: usize,
    lane: usize,
    rounded: Rounded,
    #[comptime] shape: Shape,
) {
    if at >= SHARED {
        add_blocks(sums, shared, in_workgroup(at, lane, shape), outputs, rounded, shape);
    } else {
        add_blocks(sums, values, start + at as usize * comptime!(shape.images) + lane, outputs, rounded, shape);
    }
}

/// Adds the parts of an operation: of each its bias, or what another operation left unfinished, and its segments.
#[cube]
#[allow(clippy::too_many_arguments, reason = "the kernel's buffers one by one")]
pub fn add_parts(
    sums: &mut Array<Block>,
    weights: &[Block],
    table: &[Quad],
    values: &[f32],
    shared: &[f32],
    op: &Operation,
    block: usize,
    blocks: usize,
    partials: usize,
    start: usize,
    lane: usize,
    x: usize,
    rounded: Rounded,
    #[comptime] shape: Shape,
) {
    let mut segment = 0usize;
    for part in 0..PARTS {
        let first = op.of_part(part, 0usize);
        let column = op.of_part(part, PLACE);
        if first != NONE {
            let mut own = Array::<Block>::new(comptime!(shape.images_a_thread));
            clear(&mut own, shape);
            let mut begun = false;
            if comptime!(shape.split || shape.ahead) {
                begun = column != BIAS;
            }
            if begun {
                let at = first + x as u32 * column + (block * BLOCK) as u32;
                if comptime!(shape.split) {
                    // Sums that there is no room for at once go on in workgroup memory.
                    add_place(&mut own, values, shared, at, BLOCK, start, lane, rounded, shape);
                } else {
                    let first = start + at as usize * comptime!(shape.images) + lane;
                    add_blocks(&mut own, values, first, BLOCK, rounded, shape);
                }
            } else {
                let bias = weights[first as usize + block];
                #[unroll]
                for i in 0..comptime!(shape.images_a_thread) {
                    own[i] = bias;
                }
            }
            for _ in 0..op.of_part(part, PART_SEGMENTS) {
                if comptime!(shape.split) {
                    let of_segment = (segment * blocks + block) * comptime!(BLOCK * shape.images) + lane;
                    add_blocks(&mut own, shared, partials + of_segment, BLOCK, rounded, shape);
                } else {
                    let segment = op.segment(table, segment);
                    add_segment(
                        &mut own, weights, values, shared, segment, block, blocks, start, lane, x, rounded, shape,
                    );
                }
                segment += 1;
            }
            add_sums(sums, &own, rounded, shape);
        }
    }
}

/// Adds a segment's sum.
#[cube]
#[allow(clippy::too_many_arguments, reason = "the kernel's buffers one by one")]
pub fn add_segment(
    sums: &mut Array<Block>,
    weights: &[Block],
    values: &[f32],
    shared: &[f32],
    segment: Quad,
    block: usize,
    blocks: usize,
    start: usize,
    lane: usize,
    x: usize,
    rounded: Rounded,
    #[comptime] shape: Shape,
) {
    let at = segment_place(segment, x);
    let length = segment_length(segment);
    let rectify = segment_is_rectified(segment);
    let weight = segment.extract(3usize) as usize + block;
    let mut own = Array::<Block>::new(comptime!(shape.images_a_thread));
    clear(&mut own, shape);
    if at >= SHARED {
        let first = in_workgroup(at, lane, shape);
        add_products(&mut own, weights, shared, weight, blocks, first, length, rectify, rounded, shape);
    } else {
        let first = start + at as usize * comptime!(shape.images) + lane;
        add_products(&mut own, weights, values, weight, blocks, first, length, rectify, rounded, shape);
    }
    add_sums(sums, &own, rounded, shape);
}

/// Adds other sums, each to its own.
#[cube]
pub fn add_sums(sums: &mut Array<Block>, others: &Array<Block>, rounded: Rounded, #[comptime] shape: Shape) {
    #[unroll]
    for i in 0..comptime!(shape.images_a_thread) {
        sums[i] = rounded.plus_each(sums[i], others[i]);
    }
}

/// Adds `length` values of each image, times their weights.
#[cube]
#[allow(clippy::too_many_arguments, reason = "the kernel's buffers one by one")]
pub fn add_products(
    sums: &mut Array<Block>,
    weights: &[Block],
    from: &[f32],
    weight: usize,
    blocks: usize,
    first: usize,
    length: usize,
    rectify: bool,
    rounded: Rounded,
    #[comptime] shape: Shape,
) {
    if comptime!(shape.united) {
        if length == SEGMENT {
            add_inputs(sums, weights, from, weight, blocks, first, rectify, rounded, SEGMENT, shape);
        } else {
            for j in 0..length {
                let value = first + j * comptime!(shape.images);
                add_inputs(sums, weights, from, weight + j * blocks, blocks, value, rectify, rounded, 1usize, shape);
            }
        }
    } else {
        // Only threads that others wait for are worth the longer code.
        let fours = length / UNROLLED;
        for four in 0..fours {
            let weight = weight + four * UNROLLED * blocks;
            let value = first + four * comptime!(UNROLLED * shape.images);
            add_inputs(sums, weights, from, weight, blocks, value, rectify, rounded, UNROLLED, shape);
        }
        for j in fours * UNROLLED..length {
            let value = first + j * comptime!(shape.images);
            add_inputs(sums, weights, from, weight + j * blocks, blocks, value, rectify, rounded, 1usize, shape);
        }
    }
}

/// Adds so many values of each image, times their weights: written out, so that the loads of all of them need not wait for the sums
/// before.
#[cube]
#[allow(clippy::too_many_arguments, reason = "the kernel's buffers one by one")]
fn add_inputs(
    sums: &mut Array<Block>,
    weights: &[Block],
    from: &[f32],
    weight: usize,
    blocks: usize,
    first: usize,
    rectify: bool,
    rounded: Rounded,
    #[comptime] count: usize,
    #[comptime] shape: Shape,
) {
    #[unroll]
    for j in 0..count {
        add_input(
            sums,
            weights,
            from,
            weight + j * blocks,
            first + comptime!(j * shape.images),
            rectify,
            rounded,
            shape,
        );
    }
}

/// Adds one value of each image, times its weights.
#[cube]
#[allow(clippy::too_many_arguments, reason = "the kernel's buffers one by one")]
fn add_input(
    sums: &mut Array<Block>,
    weights: &[Block],
    from: &[f32],
    weight: usize,
    first: usize,
    rectify: bool,
    rounded: Rounded,
    #[comptime] shape: Shape,
) {
    let lanes = comptime!(shape.images / shape.images_a_thread);
    let weights = weights[weight];
    #[unroll]
    for i in 0..comptime!(shape.images_a_thread) {
        let value = from[first + comptime!(i * lanes)];
        let value = select(rectify, rectified(value), value);
        sums[i] = rounded.add_products(sums[i], value, weights);
    }
}
