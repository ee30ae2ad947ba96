//! The kernel of a line forward.
//!
//! A thread computes a few units, with all their gates, of one pixel of the line in a few images: what it reads serves several sums.
//! Threads of a workgroup have the same units and read the same weights.
#![allow(missing_docs, reason = "the macro makes public items of its own")]

use super::place::{
    Shape, UNITS, cell_at, counts, images_of, initial, inside, pixel, place_of, source, strided, tanh, unit_of,
};
use crate::gpu::memory::THREADS;
use crate::maths::GATES;
use cubecl::prelude::*;

/// The logistic function, its exponential held to finite numbers.
#[cube]
fn sigmoid(x: f32) -> f32 {
    1.0f32 / (1.0f32 + f32::exp(f32::min(-x, 87.0f32)))
}

/// Adds to all gates of a tile what a tap sees: of each image `values` from its place in `from` on.
#[cube]
#[allow(clippy::too_many_arguments, reason = "a kernel's numbers one by one")]
fn add_states(
    sums: &mut Array<f32>,
    values: &[f32],
    from: &Array<usize>,
    weights: &[f32],
    tap: usize,
    direction: usize,
    tile: usize,
    #[comptime] shape: Shape,
) {
    let images = comptime!(shape.images());
    let mut seen = Array::<f32>::new(images);
    for input in 0..shape.h {
        #[unroll]
        for k in 0..images {
            seen[k] = values[from[k] + input];
        }
        #[unroll]
        for unit in 0..UNITS {
            #[unroll]
            for gate in 0..GATES {
                let row = (direction * GATES + gate) * shape.h + unit_of(tile * UNITS + unit, shape);
                let weight = weights[row * comptime!(shape.weights()) + input * comptime!(shape.layer.taps()) + tap];
                #[unroll]
                for k in 0..images {
                    sums[(unit * GATES + gate) * images + k] += seen[k] * weight;
                }
            }
        }
    }
}

/// States, cells and gates of one line: workgroup x has places and images, workgroup y a tile.
///
/// `inputs` are the input-to-state sums, `initial_states` h and c of each direction.
#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its buffers and numbers one by one")]
pub fn forward_line(
    inputs: &[f32],
    weights: &[f32],
    initial_states: &[f32],
    states: &mut [f32],
    cells: &mut [f32],
    gates: &mut [f32],
    line: u32,
    first: u32,
    count: u32,
    #[comptime] shape: Shape,
) {
    let number = CUBE_POS_X as usize * THREADS + UNIT_POS as usize;
    let tiles = comptime!(shape.h.div_ceil(UNITS));
    let tile = CUBE_POS_Y as usize % tiles;
    let direction = CUBE_POS_Y as usize / tiles;
    let first_image = number / count as usize;
    if first_image < comptime!(shape.groups()) {
        let h = comptime!(shape.h);
        let own_images = images_of(first_image, shape);
        let images = comptime!(shape.images());
        let place = place_of(line as usize, first as usize, number % count as usize, direction, shape);
        let mut sums = Array::<f32>::new(comptime!(UNITS * GATES * shape.images()));
        #[unroll]
        for unit in 0..UNITS {
            #[unroll]
            for gate in 0..GATES {
                let feature = (direction * GATES + gate) * h + unit_of(tile * UNITS + unit, shape);
                #[unroll]
                for k in 0..images {
                    sums[(unit * GATES + gate) * images + k] = inputs[strided(own_images[k], place, feature, shape)];
                }
            }
        }
        let mut from = Array::<usize>::new(images);
        #[unroll]
        for tap in 0..comptime!(shape.layer.taps()) {
            let seen = source(place, tap, shape);
            if inside(seen, shape) {
                #[unroll]
                for k in 0..images {
                    from[k] = (own_images[k] * comptime!(shape.pixels()) + pixel(seen, shape)) * h;
                }
                add_states(&mut sums, &*states, &from, weights, tap, direction, tile, shape);
            } else if initial(seen, shape) {
                #[unroll]
                for k in 0..images {
                    from[k] = direction * 2 * h;
                }
                add_states(&mut sums, initial_states, &from, weights, tap, direction, tile, shape);
            }
        }
        let before = source(place, 1usize, shape);
        #[unroll]
        for unit in 0..UNITS {
            #[unroll]
            for k in 0..images {
                if tile * UNITS + unit < h && counts(first_image, k, shape) {
                    let own = tile * UNITS + unit;
                    let at = own_images[k] * comptime!(shape.pixels()) + pixel(place, shape);
                    let cell_before = cell_at(own_images[k], before, &*cells, initial_states, own, shape);
                    let o = sigmoid(sums[unit * GATES * images + k]);
                    let f = sigmoid(sums[(unit * GATES + 1) * images + k]);
                    let i = sigmoid(sums[(unit * GATES + 2) * images + k]);
                    let g = tanh(sums[(unit * GATES + 3) * images + k]);
                    let cell = f * cell_before + i * g;
                    cells[at * h + own] = cell;
                    states[at * h + own] = o * tanh(cell);
                    if comptime!(shape.keep) {
                        let kept = at * comptime!(GATES * shape.h) + own;
                        gates[kept] = o;
                        gates[kept + h] = f;
                        gates[kept + 2 * h] = i;
                        gates[kept + 3 * h] = g;
                    }
                }
            }
        }
    }
}
