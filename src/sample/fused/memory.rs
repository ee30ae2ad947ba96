//! Where the kernel's values stand: at places of the table, in storage or in workgroup memory.
#![allow(missing_docs, reason = "the macro makes public items of its own")]

use super::words::{PLACE, SHARED, Shape};
use cubecl::prelude::*;

/// The place at column `x` that stands in the table at `word`.
#[cube]
pub fn place(table: &[u32], word: usize, x: usize) -> u32 {
    table[word] + x as u32 * table[word + PLACE]
}

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
