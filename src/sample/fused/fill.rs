//! The kernel that lays out the features of images before their first row: a GPU fills its memory faster than it is handed over.
#![allow(missing_docs, reason = "the macro makes public items of its own")]

use cubecl::prelude::*;

/// Threads of a workgroup.
pub const THREADS: usize = 64;

/// Puts `length` numbers to place `first` on of each image, those of image k from `from[stride · k]` on, 0 for all the same. Workgroups
/// y have the images of one of the sampler's workgroups each, whose values stand as in `draw_row`.
#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its buffers and numbers one by one")]
pub fn fill(
    values: &mut [f32],
    from: &[f32],
    features: u32,
    first: u32,
    length: u32,
    stride: u32,
    #[comptime] images: usize,
) {
    let group = CUBE_POS_Y as usize;
    let start = (group * features as usize + first as usize) * images;
    let count = length as usize * images;
    let mut item = CUBE_POS_X as usize * THREADS + UNIT_POS as usize;
    while item < count {
        let image = group * images + item % images;
        values[start + item] = from[image * stride as usize + item / images];
        item += CUBE_COUNT_X as usize * THREADS;
    }
}
