//! The kernels of the backward pass: a line, the initial states, and the weights over all lines.
#![allow(missing_docs, reason = "the macro makes public items of its own")]

use super::place::{
    Place, Shape, UNITS, UNITS_BACK, border_of, cell_at, counts, images_of, initial, inside, pixel, place_of, reader,
    source, strided, tanh, unit_of,
};
use crate::gpu::memory::THREADS;
use crate::maths::GATES;
use cubecl::prelude::*;

/// Adds to the gradient of a tile's states what the gates give back that read them.
#[cube]
fn add_gradients(
    sums: &mut Array<f32>,
    own_images: &Array<usize>,
    place: Place,
    gates_gradient: &[f32],
    weights: &[f32],
    tile: usize,
    #[comptime] shape: Shape,
) {
    let images = comptime!(shape.images());
    let mut given = Array::<f32>::new(images);
    let mut from = Array::<usize>::new(images);
    #[unroll]
    for tap in 0..comptime!(shape.layer.taps()) {
        let by = reader(place, tap, shape);
        if inside(by, shape) {
            #[unroll]
            for k in 0..images {
                from[k] = (own_images[k] * comptime!(shape.pixels()) + pixel(by, shape)) * comptime!(GATES * shape.h);
            }
            let first = place.direction * comptime!(GATES * shape.h * shape.weights()) + tap;
            for feature in 0..comptime!(GATES * shape.h) {
                #[unroll]
                for k in 0..images {
                    given[k] = gates_gradient[from[k] + feature];
                }
                #[unroll]
                for unit in 0..UNITS_BACK {
                    let input = unit_of(tile * UNITS_BACK + unit, shape) * comptime!(shape.layer.taps());
                    let weight = weights[first + feature * comptime!(shape.weights()) + input];
                    #[unroll]
                    for k in 0..images {
                        sums[unit * images + k] += given[k] * weight;
                    }
                }
            }
        }
    }
}

/// The gradient of a unit's cell that comes back from the next one.
#[cube]
fn cell_gradient(image: usize, place: Place, carried: &[f32], unit: usize, #[comptime] shape: Shape) -> f32 {
    let next = reader(place, 1usize, shape);
    let mut gradient = 0.0f32;
    if inside(next, shape) {
        gradient += carried[(image * comptime!(shape.pixels()) + pixel(next, shape)) * shape.h + unit];
    }
    gradient
}

/// Gradients of one line's gates before they are squashed, and what its cells carry back to those before them; workgroups as in
/// [`forward_line()`](crate::gpu::scan::forward::forward_line()).
///
/// `delta` is the gradient of the states.
#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its buffers and numbers one by one")]
pub fn backward_line(
    delta: &[f32],
    weights: &[f32],
    initial_states: &[f32],
    cells: &[f32],
    gates: &[f32],
    gates_gradient: &mut [f32],
    carried: &mut [f32],
    line: u32,
    first: u32,
    count: u32,
    #[comptime] shape: Shape,
) {
    let number = CUBE_POS_X as usize * THREADS + UNIT_POS as usize;
    let tiles = comptime!(shape.h.div_ceil(UNITS_BACK));
    let tile = CUBE_POS_Y as usize % tiles;
    let direction = CUBE_POS_Y as usize / tiles;
    let first_image = number / count as usize;
    if first_image < comptime!(shape.groups()) {
        let h = comptime!(shape.h);
        let own_images = images_of(first_image, shape);
        let images = comptime!(shape.images());
        let place = place_of(line as usize, first as usize, number % count as usize, direction, shape);
        let mut sums = Array::<f32>::new(comptime!(UNITS_BACK * shape.images()));
        #[unroll]
        for unit in 0..UNITS_BACK {
            let feature = direction * h + unit_of(tile * UNITS_BACK + unit, shape);
            #[unroll]
            for k in 0..images {
                sums[unit * images + k] = delta[strided(own_images[k], place, feature, shape)];
            }
        }
        add_gradients(&mut sums, &own_images, place, &*gates_gradient, weights, tile, shape);
        let before = source(place, 1usize, shape);
        #[unroll]
        for unit in 0..UNITS_BACK {
            #[unroll]
            for k in 0..images {
                if tile * UNITS_BACK + unit < h && counts(first_image, k, shape) {
                    let own = tile * UNITS_BACK + unit;
                    let image = own_images[k];
                    let at = image * comptime!(shape.pixels()) + pixel(place, shape);
                    let kept = at * comptime!(GATES * shape.h) + own;
                    let o = gates[kept];
                    let f = gates[kept + h];
                    let i = gates[kept + 2 * h];
                    let g = gates[kept + 3 * h];
                    let state = sums[unit * images + k];
                    let bounded = tanh(cells[at * h + own]);
                    let cell_before = cell_at(image, before, cells, initial_states, own, shape);
                    let cell =
                        cell_gradient(image, place, &*carried, own, shape) + state * o * (1.0f32 - bounded * bounded);
                    gates_gradient[kept] = state * bounded * o * (1.0f32 - o);
                    gates_gradient[kept + h] = cell * cell_before * f * (1.0f32 - f);
                    gates_gradient[kept + 2 * h] = cell * g * i * (1.0f32 - i);
                    gates_gradient[kept + 3 * h] = cell * i * (1.0f32 - g * g);
                    carried[at * h + own] = cell * f;
                }
            }
        }
    }
}

/// Gradients of the initial states, `[direction, h or c, unit, place of the border and image]`, still to be summed over the last
/// axis; workgroups as in [`forward_line()`](crate::gpu::scan::forward::forward_line()).
#[cube(launch_unchecked)]
pub fn backward_border(
    weights: &[f32],
    gates_gradient: &[f32],
    carried: &[f32],
    gradient: &mut [f32],
    #[comptime] places: usize,
    #[comptime] shape: Shape,
) {
    let number = CUBE_POS_X as usize * THREADS + UNIT_POS as usize;
    let tiles = comptime!(shape.h.div_ceil(UNITS_BACK));
    let tile = CUBE_POS_Y as usize % tiles;
    let direction = CUBE_POS_Y as usize / tiles;
    let first_image = number / places;
    if first_image < comptime!(shape.groups()) {
        let h = comptime!(shape.h);
        let own_images = images_of(first_image, shape);
        let images = comptime!(shape.images());
        let step = number % places;
        let place = border_of(step, direction, shape);
        let mut sums = Array::<f32>::new(comptime!(UNITS_BACK * shape.images()));
        #[unroll]
        for k in 0..comptime!(UNITS_BACK * shape.images()) {
            sums[k] = 0.0f32;
        }
        add_gradients(&mut sums, &own_images, place, gates_gradient, weights, tile, shape);
        #[unroll]
        for unit in 0..UNITS_BACK {
            #[unroll]
            for k in 0..images {
                if tile * UNITS_BACK + unit < h && counts(first_image, k, shape) {
                    let own = direction * 2 * h + tile * UNITS_BACK + unit;
                    let at = own_images[k] * places + step;
                    let all = comptime!(places * shape.batch);
                    gradient[own * all + at] = sums[unit * images + k];
                    gradient[(own + h) * all + at] =
                        cell_gradient(own_images[k], place, carried, tile * UNITS_BACK + unit, shape);
                }
            }
        }
    }
}

/// Gradients of the state-to-state weights, `[part, direction, feature, input, tap]`, still to be summed over the first axis: a
/// part is a row of some images. Workgroup x has parts, inputs and taps, workgroup y a tile.
#[cube(launch_unchecked)]
pub fn backward_weights(
    states: &[f32],
    initial_states: &[f32],
    gates_gradient: &[f32],
    gradient: &mut [f32],
    #[comptime] images: usize,
    #[comptime] shape: Shape,
) {
    let number = CUBE_POS_X as usize * THREADS + UNIT_POS as usize;
    let tiles = comptime!(shape.h.div_ceil(UNITS));
    let tile = CUBE_POS_Y as usize % tiles;
    let direction = CUBE_POS_Y as usize / tiles;
    let part = number / comptime!(shape.inputs_and_taps());
    let h = comptime!(shape.h);
    if part < comptime!(shape.height * shape.batch.div_ceil(images)) {
        let inputs = comptime!(shape.inputs());
        let first_input = number % comptime!(shape.inputs_and_taps()) / comptime!(shape.layer.taps()) * inputs;
        let tap = number % comptime!(shape.inputs_and_taps()) % comptime!(shape.layer.taps());
        let y = part % shape.height + 1;
        let first = part / shape.height * images;
        let mut sums = Array::<f32>::new(comptime!(UNITS * GATES * shape.inputs()));
        #[unroll]
        for k in 0..comptime!(UNITS * GATES * shape.inputs()) {
            sums[k] = 0.0f32;
        }
        let mut values = Array::<f32>::new(inputs);
        for image in first..usize::min(first + images, shape.batch) {
            for step in 0..shape.width {
                let place = Place { direction, y, x: step + 1 };
                let seen = source(place, tap, shape);
                #[unroll]
                for k in 0..inputs {
                    let input = usize::min(first_input + k, h - 1);
                    values[k] = 0.0f32;
                    if inside(seen, shape) {
                        values[k] = states[(image * comptime!(shape.pixels()) + pixel(seen, shape)) * h + input];
                    } else if initial(seen, shape) {
                        values[k] = initial_states[direction * 2 * h + input];
                    }
                }
                let at = (image * comptime!(shape.pixels()) + pixel(place, shape)) * comptime!(GATES * shape.h);
                #[unroll]
                for unit in 0..UNITS {
                    #[unroll]
                    for gate in 0..GATES {
                        let given = gates_gradient[at + gate * h + unit_of(tile * UNITS + unit, shape)];
                        #[unroll]
                        for k in 0..inputs {
                            sums[(unit * GATES + gate) * inputs + k] += values[k] * given;
                        }
                    }
                }
            }
        }
        let row = (part * comptime!(shape.layer.directions()) + direction) * comptime!(GATES * shape.h);
        #[unroll]
        for unit in 0..UNITS {
            #[unroll]
            for k in 0..inputs {
                if tile * UNITS + unit < h && first_input + k < h {
                    #[unroll]
                    for gate in 0..GATES {
                        let feature = row + gate * h + tile * UNITS + unit;
                        let weight = (first_input + k) * comptime!(shape.layer.taps()) + tap;
                        gradient[feature * comptime!(shape.weights()) + weight] =
                            sums[(unit * GATES + gate) * inputs + k];
                    }
                }
            }
        }
    }
}
