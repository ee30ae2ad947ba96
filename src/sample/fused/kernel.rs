//! The kernel of the fused sampler: one row of every image, many images a workgroup, nothing read back in between.
//!
//! It is an interpreter of the table that [`table`](super::table) makes of a plan: for every pixel the same operations, in
//! [`stage`](super::stage)s with a barrier behind each: of workgroup memory, where that holds all that pixels look at
//! ([`near`](super::near)). In an operation the threads share out its outputs and its images, as [`sums`](super::sums) says;
//! neighbouring threads have neighbouring images, whose features stand side by side. Where there are too few images to keep the
//! threads busy, an operation of its own makes the sums of segments first, which the next one adds up. The control flow around the
//! barriers depends on nothing that is read, as WebGPU demands; networks with as much room share one kernel; and the sums are those of
//! the cached sampler, to the bit: [`Rounded`].
#![allow(missing_docs, reason = "the macro makes public items of its own")]
#![allow(clippy::collapsible_if, reason = "what is known when compiling is not mixed with what is not")]

use super::draws::{Draws, draw};
use super::maths::{Block, Rounded};
use super::memory::{fetch, shift};
use super::outputs::{make_features, make_partials};
use super::words::{CELLS, ENDS, KIND, OPERATION, Operation, PARTIALS, Quad, SHIFT, Shape};
use cubecl::prelude::*;

/// Draws a part of a row of every image (workgroup x has its own), or makes its scans (workgroup y makes scan y).
///
/// `values` has the features of the images of one workgroup after those of another, those of its images side by side. `given` has
/// the levels to keep, `[image, channel, column]`, `NONE` where a value is drawn; it is read where `any_given` is 1. `drawn` gets
/// level and −ln p of every value, `[image, channel, column, 2]`. `zero` is that of [`Rounded`].
#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its buffers and numbers one by one")]
pub fn draw_row(
    weights: &[Block],
    table: &[Quad],
    values: &mut [f32],
    given: &[u32],
    drawn: &mut [f32],
    first_operation: u32,
    first_fetch: u32,
    first_column: u32,
    columns: u32,
    operations: u32,
    stages: u32,
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
    let start = CUBE_POS_X as usize * features as usize * comptime!(shape.images);
    let scan = CUBE_POS_Y as usize;
    let first = first_operation as usize + scan * operations as usize * OPERATION;
    let draws = Draws { width, channels, any_given, seed_low, seed_high, first_image, row, temperature, top_k, share };
    let mut shared = Shared::<[f32]>::new_slice(comptime!(shape.shared));

    if comptime!(shape.near) {
        let mut x = first_column as usize;
        if comptime!(shape.scan) {
            x = width as usize - 1 - x;
        }
        let op = Operation::read(table, first_fetch as usize + scan * OPERATION);
        fetch(table, &*values, &mut shared, &op, start, x, shape);
        sync_cube();
    }
    for column in first_column as usize..(first_column + columns) as usize {
        let mut x = column;
        if comptime!(shape.scan) {
            x = width as usize - 1 - column;
        }
        if comptime!(shape.united) {
            let mut at = first;
            for _ in 0..stages {
                let mut more = true;
                while more {
                    let op = Operation::read(table, at);
                    operate(weights, table, values, &mut shared, given, drawn, &op, start, x, draws, rounded, shape);
                    more = op.word(ENDS) == 0u32;
                    at += OPERATION;
                }
                wait(shape);
            }
        } else {
            for k in 0..stages as usize {
                let op = Operation::read(table, first + k * OPERATION);
                operate(weights, table, values, &mut shared, given, drawn, &op, start, x, draws, rounded, shape);
                wait(shape);
            }
        }
    }
}

/// Does an operation.
#[cube]
#[allow(clippy::too_many_arguments, reason = "the kernel's buffers one by one")]
fn operate(
    weights: &[Block],
    table: &[Quad],
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
    let kind = op.word(KIND);
    if comptime!(shape.split) {
        if kind == PARTIALS {
            make_partials(weights, table, &*values, shared, op, start, x, rounded, shape);
        }
    }
    if kind <= CELLS {
        make_features(weights, table, values, shared, op, start, x, rounded, shape);
    }
    if comptime!(!shape.scan) {
        draw(values, shared, given, drawn, op, start, x, draws, rounded, shape);
    }
    if comptime!(shape.near) {
        if kind == SHIFT {
            shift(table, shared, op, shape);
        }
    }
}

/// Waits for all threads, and for what they have written where the next operations look.
#[cube]
fn wait(#[comptime] shape: Shape) {
    if comptime!(shape.near) {
        sync_cube();
    } else {
        // It is one for workgroup memory too.
        sync_storage();
    }
}
