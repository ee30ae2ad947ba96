//! The kernel that makes, of all columns of a row at once, what its sums begin with: what comes from the rows above, and for a scan
//! from the row that it goes over.
//!
//! Nothing in it waits for a pixel, so it is as wide as the GPU; the pixels, which wait for one another, are left the rest. Sums keep
//! their order: only what each begins with is made here.
#![allow(missing_docs, reason = "the macro makes public items of its own")]

use super::maths::{Block, Rounded};
use super::sums::{add_products, add_sums, clear, put_blocks};
use super::words::{
    BLOCK, COUNT, OPERATION, Operation, PART, Quad, SEGMENTS, Shape, TO, segment_is_rectified, segment_length,
    segment_place,
};
use cubecl::prelude::*;

/// Makes the operations from `first_operation` on (workgroup y has its own) of columns `first_column` on for the images of workgroup
/// x: a thread, of all workgroups z, a block of outputs at a column. Buffers are those of `draw_row`;
/// all that is read and written is in storage, where rows above are kept.
#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its buffers and numbers one by one")]
pub fn sum_ahead(
    weights: &[Block],
    table: &[Quad],
    values: &mut [f32],
    first_operation: u32,
    first_column: u32,
    columns: u32,
    features: u32,
    zero: u32,
    #[comptime] shape: Shape,
) {
    let rounded = Rounded { zero, contract: comptime!(shape.contract) };
    let lanes = comptime!(shape.images / shape.images_a_thread);
    let op = Operation::read(table, first_operation as usize + CUBE_POS_Y as usize * OPERATION);
    let blocks = (op.word(COUNT) as usize).div_ceil(BLOCK);
    let item = CUBE_POS_Z as usize * comptime!(shape.threads) + UNIT_POS as usize;
    let block = item / lanes % blocks;
    let column = item / lanes / blocks;
    if column < columns as usize {
        let x = first_column as usize + column;
        let first = CUBE_POS_X as usize * features as usize * comptime!(shape.images) + item % lanes;
        let mut sums = Array::<Block>::new(comptime!(shape.images_a_thread));
        let bias = weights[op.word(PART) as usize + block];
        #[unroll]
        for i in 0..comptime!(shape.images_a_thread) {
            sums[i] = bias;
        }
        for k in 0..op.word(SEGMENTS) as usize {
            let segment = op.segment(table, k);
            let from = first + segment_place(segment, x) as usize * comptime!(shape.images);
            let length = segment_length(segment);
            let rectify = segment_is_rectified(segment);
            let weight = segment.extract(3usize) as usize + block;
            let mut own = Array::<Block>::new(comptime!(shape.images_a_thread));
            clear(&mut own, shape);
            add_products(&mut own, weights, &*values, weight, blocks, from, length, rectify, rounded, shape);
            add_sums(&mut sums, &own, rounded, shape);
        }
        let to = op.place(TO, x) as usize + block * BLOCK;
        put_blocks(values, &sums, first + to * comptime!(shape.images), BLOCK, shape);
    }
}
