//! The kernels of a scan: a line forward, a line backward, and what is summed over all lines afterwards.
//!
//! Memory is channels-last, `[batch, height, width, direction, feature]`, as burn's convolutions have it. A thread computes a few
//! units of one pixel of the line, with all their gates. Threads of a workgroup share the units and differ in the pixel, so that
//! they read the same weights. Nothing is skewed: what a tap reads is computed from row and column.
#![allow(missing_docs, reason = "the macro makes public items of its own")]

use crate::maths::{GATES, Layer};
use cubecl::prelude::*;

/// Threads of a workgroup.
pub const THREADS: usize = 64;

/// Units that a thread computes: the states that it reads serve all of them.
pub const UNITS: usize = 4;

/// What a kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Which layer.
    pub layer: Layer,
    /// The paper's h.
    pub h: usize,
    /// Images.
    pub batch: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Strides of what the convolution gave, or of the gradient of the states: image, feature, row, column.
    pub strides: [usize; 4],
    /// Whether gates are kept for the backward pass.
    pub keep: bool,
}

impl Shape {
    /// Threads' shares of the units of all directions.
    pub fn tiles(self) -> usize {
        self.h.div_ceil(UNITS) * self.layer.directions()
    }

    /// Weights of one gate of one unit.
    pub fn weights(self) -> usize {
        self.h * self.layer.taps()
    }
}

/// A pixel, or a place on the border of the image, where a direction begins. Rows and columns count from 1, columns as the
/// direction walks: 0 is the border.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
struct Place {
    image: usize,
    direction: usize,
    y: usize,
    x: usize,
}

/// Place number `number` of a line whose first row is `first`, over all images.
#[cube]
fn place_of(
    line: usize,
    first: usize,
    count: usize,
    number: usize,
    direction: usize,
    #[comptime] shape: Shape,
) -> Place {
    let image = number / count;
    let step = number % count;
    if comptime!(shape.layer == Layer::Row) {
        Place { image, direction, y: first + 1, x: step + 1 }
    } else {
        Place { image, direction, y: first + step + 1, x: line - first - step + 1 }
    }
}

/// Place number `number` of the border, over all images: above the image (§3.1), or where the direction comes from (§3.2).
#[cube]
fn border_of(number: usize, direction: usize, #[comptime] shape: Shape) -> Place {
    if comptime!(shape.layer == Layer::Row) {
        Place { image: number / shape.width, direction, y: 0usize.runtime(), x: number % shape.width + 1 }
    } else {
        Place { image: number / shape.height, direction, y: number % shape.height + 1, x: 0usize.runtime() }
    }
}

/// What the state at a place reads with a tap.
#[cube]
fn source(place: Place, tap: usize, #[comptime] shape: Shape) -> Place {
    let image = place.image;
    let direction = place.direction;
    if comptime!(shape.layer == Layer::Row) {
        Place { image, direction, y: place.y - 1, x: place.x + tap - 1 }
    } else {
        Place { image, direction, y: place.y + tap - 1, x: place.x - tap }
    }
}

/// What reads the state at a place with a tap.
#[cube]
fn reader(place: Place, tap: usize, #[comptime] shape: Shape) -> Place {
    let image = place.image;
    let direction = place.direction;
    if comptime!(shape.layer == Layer::Row) {
        Place { image, direction, y: place.y + 1, x: place.x + 1 - tap }
    } else {
        Place { image, direction, y: place.y + 1 - tap, x: place.x + tap }
    }
}

/// Whether this is a pixel.
#[cube]
fn inside(place: Place, #[comptime] shape: Shape) -> bool {
    place.y >= 1 && place.x >= 1 && place.y <= shape.height && place.x <= shape.width
}

/// Whether the initial state stands here. Elsewhere beside the image, states are zero.
#[cube]
fn initial(place: Place, #[comptime] shape: Shape) -> bool {
    if comptime!(shape.layer == Layer::Row) {
        place.y == 0 && place.x >= 1 && place.x <= shape.width
    } else {
        place.x == 0 && place.y >= 1
    }
}

/// The column of a pixel in memory.
#[cube]
fn column(place: Place, #[comptime] shape: Shape) -> usize {
    select(place.direction == 1, shape.width - place.x, place.x - 1)
}

/// The number of a pixel and direction: where its features lie, by their number.
#[cube]
fn pixel(place: Place, #[comptime] shape: Shape) -> usize {
    let row = place.image * shape.height + place.y - 1;
    (row * shape.width + column(place, shape)) * comptime!(shape.layer.directions()) + place.direction
}

/// A unit of a thread's tile; the last ones are computed twice where UNITS does not divide h, and written once.
#[cube]
fn unit_of(tile: usize, unit: usize, #[comptime] shape: Shape) -> usize {
    usize::min(tile * UNITS + unit, shape.h - 1)
}

/// Where a feature of a pixel stands in memory that burn laid out.
#[cube]
fn strided(place: Place, feature: usize, #[comptime] shape: Shape) -> usize {
    place.image * comptime!(shape.strides[0])
        + feature * comptime!(shape.strides[1])
        + (place.y - 1) * comptime!(shape.strides[2])
        + column(place, shape) * comptime!(shape.strides[3])
}

/// The logistic function, its exponential held to finite numbers.
#[cube]
fn sigmoid(x: f32) -> f32 {
    1.0f32 / (1.0f32 + f32::exp(f32::min(-x, 87.0f32)))
}

/// The hyperbolic tangent, likewise.
#[cube]
fn tanh(x: f32) -> f32 {
    1.0f32 - 2.0f32 / (1.0f32 + f32::exp(f32::min(2.0f32 * x, 87.0f32)))
}

/// Adds to all gates of a tile what a tap sees: `values` from `from` on.
#[cube]
#[allow(clippy::too_many_arguments, reason = "a kernel's numbers one by one")]
fn add_states(
    sums: &mut Array<f32>,
    values: &[f32],
    from: usize,
    weights: &[f32],
    tap: usize,
    direction: usize,
    tile: usize,
    #[comptime] shape: Shape,
) {
    let mut first = Array::<usize>::new(comptime!(UNITS));
    #[unroll]
    for unit in 0..UNITS {
        let row = direction * comptime!(GATES * shape.h) + unit_of(tile, unit, shape);
        first[unit] = row * comptime!(shape.weights()) + tap;
    }
    for input in 0..shape.h {
        let value = values[from + input];
        #[unroll]
        for unit in 0..UNITS {
            #[unroll]
            for gate in 0..GATES {
                let weight =
                    first[unit] + comptime!(gate * shape.h * shape.weights()) + input * comptime!(shape.layer.taps());
                sums[unit * GATES + gate] += value * weights[weight];
            }
        }
    }
}

/// States, cells and gates of one line: workgroup x has pixels of all images, workgroup y a tile.
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
    let line = line as usize;
    let first = first as usize;
    let count = count as usize;
    if number < count * shape.batch {
        let place = place_of(line, first, count, number, direction, shape);
        let at = pixel(place, shape);
        let h = comptime!(shape.h);
        let mut sums = Array::<f32>::new(comptime!(UNITS * GATES));
        #[unroll]
        for unit in 0..UNITS {
            #[unroll]
            for gate in 0..GATES {
                let feature = direction * comptime!(GATES * shape.h) + gate * h + unit_of(tile, unit, shape);
                sums[unit * GATES + gate] = inputs[strided(place, feature, shape)];
            }
        }
        #[unroll]
        for tap in 0..comptime!(shape.layer.taps()) {
            let seen = source(place, tap, shape);
            if inside(seen, shape) {
                add_states(&mut sums, &*states, pixel(seen, shape) * h, weights, tap, direction, tile, shape);
            } else if initial(seen, shape) {
                add_states(&mut sums, initial_states, direction * 2 * h, weights, tap, direction, tile, shape);
            }
        }
        let before = source(place, 1usize, shape);
        #[unroll]
        for unit in 0..UNITS {
            if tile * UNITS + unit < h {
                let own = tile * UNITS + unit;
                let cell_before = cell_at(before, &*cells, initial_states, own, shape);
                let o = sigmoid(sums[unit * GATES]);
                let f = sigmoid(sums[unit * GATES + 1]);
                let i = sigmoid(sums[unit * GATES + 2]);
                let g = tanh(sums[unit * GATES + 3]);
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

/// A unit's cell at a place that is a pixel or has the initial state.
#[cube]
fn cell_at(place: Place, cells: &[f32], initial_states: &[f32], unit: usize, #[comptime] shape: Shape) -> f32 {
    let mut cell = 0.0f32;
    if inside(place, shape) {
        cell += cells[pixel(place, shape) * comptime!(shape.h) + unit];
    } else {
        cell += initial_states[(place.direction * 2 + 1) * comptime!(shape.h) + unit];
    }
    cell
}

/// Adds to the gradient of a tile's states what the gates give back that read them.
#[cube]
fn add_gradients(
    sums: &mut Array<f32>,
    place: Place,
    gates_gradient: &[f32],
    weights: &[f32],
    tile: usize,
    #[comptime] shape: Shape,
) {
    #[unroll]
    for tap in 0..comptime!(shape.layer.taps()) {
        let by = reader(place, tap, shape);
        if inside(by, shape) {
            let from = pixel(by, shape) * comptime!(GATES * shape.h);
            let first = place.direction * comptime!(GATES * shape.h * shape.weights()) + tap;
            for feature in 0..comptime!(GATES * shape.h) {
                let gradient = gates_gradient[from + feature];
                #[unroll]
                for unit in 0..UNITS {
                    let weight = unit_of(tile, unit, shape) * comptime!(shape.layer.taps());
                    sums[unit] += gradient * weights[first + feature * comptime!(shape.weights()) + weight];
                }
            }
        }
    }
}

/// The gradient of a unit's cell that comes back from the next one.
#[cube]
fn cell_gradient(place: Place, carried: &[f32], unit: usize, #[comptime] shape: Shape) -> f32 {
    let next = reader(place, 1usize, shape);
    let mut gradient = 0.0f32;
    if inside(next, shape) {
        gradient += carried[pixel(next, shape) * comptime!(shape.h) + unit];
    }
    gradient
}

/// Gradients of one line's gates before they are squashed, and what its cells carry back to those before them; workgroups as in
/// [`forward_line()`].
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
    let tiles = comptime!(shape.h.div_ceil(UNITS));
    let tile = CUBE_POS_Y as usize % tiles;
    let direction = CUBE_POS_Y as usize / tiles;
    let line = line as usize;
    let first = first as usize;
    let count = count as usize;
    if number < count * shape.batch {
        let place = place_of(line, first, count, number, direction, shape);
        let at = pixel(place, shape);
        let h = comptime!(shape.h);
        let mut sums = Array::<f32>::new(comptime!(UNITS));
        #[unroll]
        for unit in 0..UNITS {
            sums[unit] = delta[strided(place, direction * h + unit_of(tile, unit, shape), shape)];
        }
        add_gradients(&mut sums, place, &*gates_gradient, weights, tile, shape);
        let before = source(place, 1usize, shape);
        #[unroll]
        for unit in 0..UNITS {
            if tile * UNITS + unit < h {
                let own = tile * UNITS + unit;
                let kept = at * comptime!(GATES * shape.h) + own;
                let o = gates[kept];
                let f = gates[kept + h];
                let i = gates[kept + 2 * h];
                let g = gates[kept + 3 * h];
                let bounded = tanh(cells[at * h + own]);
                let cell_before = cell_at(before, cells, initial_states, own, shape);
                let cell = cell_gradient(place, &*carried, own, shape) + sums[unit] * o * (1.0f32 - bounded * bounded);
                gates_gradient[kept] = sums[unit] * bounded * o * (1.0f32 - o);
                gates_gradient[kept + h] = cell * cell_before * f * (1.0f32 - f);
                gates_gradient[kept + 2 * h] = cell * g * i * (1.0f32 - i);
                gates_gradient[kept + 3 * h] = cell * i * (1.0f32 - g * g);
                carried[at * h + own] = cell * f;
            }
        }
    }
}

/// Gradients of the initial states, `[direction, h or c, unit, place of the border]`, still to be summed over the last axis;
/// workgroups as in [`forward_line()`].
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
    let tiles = comptime!(shape.h.div_ceil(UNITS));
    let tile = CUBE_POS_Y as usize % tiles;
    let direction = CUBE_POS_Y as usize / tiles;
    if number < places {
        let place = border_of(number, direction, shape);
        let h = comptime!(shape.h);
        let mut sums = Array::<f32>::new(comptime!(UNITS));
        #[unroll]
        for unit in 0..UNITS {
            sums[unit] = 0.0f32;
        }
        add_gradients(&mut sums, place, gates_gradient, weights, tile, shape);
        #[unroll]
        for unit in 0..UNITS {
            if tile * UNITS + unit < h {
                let own = direction * 2 * h + tile * UNITS + unit;
                gradient[own * places + number] = sums[unit];
                gradient[(own + h) * places + number] = cell_gradient(place, carried, tile * UNITS + unit, shape);
            }
        }
    }
}

/// Gradients of the state-to-state weights, `[part, direction, feature, input, tap]`, still to be summed over the first axis: a
/// part is a row of some images. Workgroup x has inputs and taps, workgroup y a tile, workgroup z a part.
///
/// Few images a part: Mesa's software Vulkan ends a shader's loops after 65,535 rounds in all.
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
    let part = CUBE_POS_Z as usize;
    let h = comptime!(shape.h);
    if number < comptime!(shape.weights()) {
        let input = number / comptime!(shape.layer.taps());
        let tap = number % comptime!(shape.layer.taps());
        let y = part % shape.height + 1;
        let first = part / shape.height * images;
        let mut sums = Array::<f32>::new(comptime!(UNITS * GATES));
        #[unroll]
        for sum in 0..comptime!(UNITS * GATES) {
            sums[sum] = 0.0f32;
        }
        for image in first..usize::min(first + images, shape.batch) {
            for step in 0..shape.width {
                let place = Place { image, direction, y, x: step + 1 };
                let seen = source(place, tap, shape);
                let mut value = 0.0f32;
                if inside(seen, shape) {
                    value += states[pixel(seen, shape) * h + input];
                } else if initial(seen, shape) {
                    value += initial_states[direction * 2 * h + input];
                }
                let at = pixel(place, shape) * comptime!(GATES * shape.h);
                #[unroll]
                for unit in 0..UNITS {
                    #[unroll]
                    for gate in 0..GATES {
                        sums[unit * GATES + gate] += value * gates_gradient[at + gate * h + unit_of(tile, unit, shape)];
                    }
                }
            }
        }
        let row = (part * comptime!(shape.layer.directions()) + direction) * comptime!(GATES * shape.h);
        #[unroll]
        for unit in 0..UNITS {
            if tile * UNITS + unit < h {
                #[unroll]
                for gate in 0..GATES {
                    let feature = row + gate * h + tile * UNITS + unit;
                    gradient[feature * comptime!(shape.weights()) + number] = sums[unit * GATES + gate];
                }
            }
        }
    }
}
