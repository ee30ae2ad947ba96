//! Where the kernel's values stand: at places of the table, in storage or in workgroup memory.
#![allow(missing_docs, reason = "the macro makes public items of its own")]

use super::words::{NONE, Operation, Quad, SEGMENTS, SHARED, Shape, segment_place};
use cubecl::prelude::*;

/// Where in workgroup memory a place is that is there.
#[cube]
pub fn in_workgroup(at: u32, image: usize, #[comptime] shape: Shape) -> usize {
    (at - SHARED) as usize * comptime!(shape.images) + image + comptime!(shape.features)
}

/// An image's value at a place.
#[cube]
pub fn value_at(values: &[f32], shared: &[f32], start: usize, at: u32, image: usize, #[comptime] shape: Shape) -> f32 {
    let mut value = 0.0f32;
    if at >= SHARED {
        value += shared[in_workgroup(at, image, shape)];
    } else {
        value += values[start + at as usize * comptime!(shape.images) + image];
    }
    value
}

/// Puts an image's value to a place.
#[cube]
pub fn put(
    values: &mut [f32],
    shared: &mut [f32],
    start: usize,
    at: u32,
    image: usize,
    value: f32,
    #[comptime] shape: Shape,
) {
    if at >= SHARED {
        shared[in_workgroup(at, image, shape)] = value;
    } else {
        values[start + at as usize * comptime!(shape.images) + image] = value;
    }
}

/// Puts an image's value to a place of storage as well, where the operation has one at `word`.
#[cube]
#[allow(clippy::too_many_arguments, reason = "the kernel's buffers one by one")]
pub fn keep_too(
    values: &mut [f32],
    op: &Operation,
    #[comptime] word: usize,
    start: usize,
    x: usize,
    feature: u32,
    image: usize,
    value: f32,
    #[comptime] shape: Shape,
) {
    if op.word(word) != NONE {
        let at = (op.place(word, x) + feature) as usize;
        values[start + at * comptime!(shape.images) + image] = value;
    }
}

/// Fetches the columns beside column `x`: see `FETCH`.
#[cube]
#[allow(clippy::too_many_arguments, reason = "the kernel's buffers one by one")]
pub fn fetch(
    table: &[Quad],
    values: &[f32],
    shared: &mut [f32],
    op: &Operation,
    start: usize,
    x: usize,
    #[comptime] shape: Shape,
) {
    for k in 0..op.word(SEGMENTS) as usize {
        let segment = op.segment(table, k);
        let from = start + segment_place(segment, x) as usize * comptime!(shape.images);
        let count = segment.extract(2usize) as usize * comptime!(shape.images);
        let to = in_workgroup(segment.extract(3usize) + SHARED, 0, shape);
        let mut item = UNIT_POS as usize;
        while item < count {
            shared[to + item] = values[from + item];
            item += comptime!(shape.threads);
        }
    }
}

/// Moves columns by one, so that the pixel's own becomes the one beside the next: see `SHIFT`.
#[cube]
pub fn shift(table: &[Quad], shared: &mut [f32], op: &Operation, #[comptime] shape: Shape) {
    for k in 0..op.word(SEGMENTS) as usize {
        let segment = op.segment(table, k);
        let first = in_workgroup(segment.extract(0usize) + SHARED, 0, shape);
        let size = segment.extract(1usize) as usize * comptime!(shape.images);
        let columns = segment.extract(2usize) as usize;
        let count = segment.extract(3usize) as usize * size;
        let mut item = UNIT_POS as usize;
        while item < count {
            let own = first + item / size * (columns * size) + item % size;
            for column in 1..columns {
                if comptime!(shape.scan) {
                    shared[own + (columns - column) * size] = shared[own + (columns - column - 1) * size];
                } else {
                    shared[own + (column - 1) * size] = shared[own + column * size];
                }
            }
            item += comptime!(shape.threads);
        }
    }
}
