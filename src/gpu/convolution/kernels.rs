//! The kernels of a masked convolution (§3.4): its sums, the gradient of its input, the gradients of its weights.
//!
//! As in a scan, a thread computes several features of a few pixels, and those of a workgroup read the same weights. Taps that the
//! mask forbids are walked by none of them.
#![allow(missing_docs, reason = "the macro makes public items of its own")]

use super::place::{Convolution, inside, pixels_of, place, place_of_weight, taps_of};
use crate::gpu::memory::THREADS;
use cubecl::prelude::*;

/// Adds to a tile's sums what a tap sees of each pixel: `values` from its place in `from` on, nothing where it is not `seen`.
///
/// `steps`: how far apart are features in `values`, the tile's features in the weights, and the others there.
#[cube]
#[allow(clippy::too_many_arguments, reason = "a kernel's numbers one by one")]
fn add_tap(
    sums: &mut Array<f32>,
    values: &[f32],
    from: &Array<usize>,
    seen: &Array<f32>,
    weights: &[f32],
    first_weight: usize,
    first: usize,
    #[comptime] features: [usize; 2],
    #[comptime] steps: [usize; 3],
    #[comptime] rectified: bool,
    #[comptime] shape: Convolution,
) {
    let pixels = comptime!(shape.pixels_of_thread());
    let mut read = Array::<f32>::new(pixels);
    for other in 0..comptime!(features[1]) {
        #[unroll]
        for k in 0..pixels {
            let mut value = values[from[k] + other * comptime!(steps[0])];
            if comptime!(rectified) {
                value = f32::max(value, 0.0f32);
            }
            if comptime!(!shape.point()) {
                value *= seen[k];
            }
            read[k] = value;
        }
        #[unroll]
        for feature in 0..comptime!(shape.tile(features[0])) {
            let own = usize::min(first + feature, comptime!(features[0] - 1));
            let weight = weights[first_weight + own * comptime!(steps[1]) + other * comptime!(steps[2])];
            #[unroll]
            for k in 0..pixels {
                sums[feature * pixels + k] += read[k] * weight;
            }
        }
    }
}

/// Sums of all outputs, `[batch, height, width, output]`: workgroup x has pixels of all images, workgroup y a tile of outputs.
#[cube(launch_unchecked)]
pub fn forward(x: &[f32], weights: &[f32], bias: &[f32], out: &mut [f32], #[comptime] shape: Convolution) {
    let number = CUBE_POS_X as usize * THREADS + UNIT_POS as usize;
    let tile = comptime!(shape.tile(shape.outputs));
    let first = CUBE_POS_Y as usize * tile;
    if number < comptime!(shape.groups()) {
        let own_pixels = pixels_of(number, shape);
        let pixels = comptime!(shape.pixels_of_thread());
        let mut sums = Array::<f32>::new(comptime!(shape.tile(shape.outputs) * shape.pixels_of_thread()));
        #[unroll]
        for feature in 0..tile {
            #[unroll]
            for k in 0..pixels {
                sums[feature * pixels + k] = bias[usize::min(first + feature, shape.outputs - 1)];
            }
        }
        let mut from = Array::<usize>::new(pixels);
        let mut seen = Array::<f32>::new(pixels);
        for ky in 0..comptime!(shape.kernel[0] / 2 + 1) {
            let taps = taps_of(ky, shape);
            for kx in 0..taps {
                #[unroll]
                for k in 0..pixels {
                    let row = own_pixels[k] / shape.width % shape.height + ky;
                    let column = own_pixels[k] % shape.width + kx;
                    let image = own_pixels[k] / comptime!(shape.width * shape.height);
                    let there = inside(row, column, shape);
                    seen[k] = select(there, 1.0f32, 0.0f32);
                    from[k] = select(there, place(image, row, column, comptime!(shape.x), shape), 0usize);
                }
                add_tap(
                    &mut sums,
                    x,
                    &from,
                    &seen,
                    weights,
                    ky * comptime!(shape.kernel[1]) + kx,
                    first,
                    comptime!([shape.outputs, shape.inputs]),
                    comptime!([shape.x[1], shape.weights(), shape.kernel[0] * shape.kernel[1]]),
                    comptime!(shape.rectified),
                    shape,
                );
            }
        }
        #[unroll]
        for feature in 0..tile {
            #[unroll]
            for k in 0..pixels {
                let counts = number + k * comptime!(shape.groups()) < comptime!(shape.pixels());
                if first + feature < shape.outputs && counts {
                    out[own_pixels[k] * shape.outputs + first + feature] = sums[feature * pixels + k];
                }
            }
        }
    }
}

/// The gradient of the input, `[batch, height, width, input]`: workgroup y is a tile of inputs.
#[cube(launch_unchecked)]
pub fn backward_input(x: &[f32], weights: &[f32], delta: &[f32], gradient: &mut [f32], #[comptime] shape: Convolution) {
    let number = CUBE_POS_X as usize * THREADS + UNIT_POS as usize;
    let tile = comptime!(shape.tile(shape.inputs));
    let first = CUBE_POS_Y as usize * tile;
    if number < comptime!(shape.groups()) {
        let own_pixels = pixels_of(number, shape);
        let pixels = comptime!(shape.pixels_of_thread());
        let mut sums = Array::<f32>::new(comptime!(shape.tile(shape.inputs) * shape.pixels_of_thread()));
        #[unroll]
        for k in 0..comptime!(shape.tile(shape.inputs) * shape.pixels_of_thread()) {
            sums[k] = 0.0f32;
        }
        let mut from = Array::<usize>::new(pixels);
        let mut seen = Array::<f32>::new(pixels);
        for ky in 0..comptime!(shape.kernel[0] / 2 + 1) {
            let taps = taps_of(ky, shape);
            for kx in 0..taps {
                #[unroll]
                for k in 0..pixels {
                    let row = own_pixels[k] / shape.width % shape.height + comptime!(shape.kernel[0] - 1) - ky;
                    let column = own_pixels[k] % shape.width + comptime!(shape.kernel[1] - 1) - kx;
                    let image = own_pixels[k] / comptime!(shape.width * shape.height);
                    let there = inside(row, column, shape);
                    seen[k] = select(there, 1.0f32, 0.0f32);
                    from[k] = select(there, place(image, row, column, comptime!(shape.delta), shape), 0usize);
                }
                add_tap(
                    &mut sums,
                    delta,
                    &from,
                    &seen,
                    weights,
                    ky * comptime!(shape.kernel[1]) + kx,
                    first,
                    comptime!([shape.inputs, shape.outputs]),
                    comptime!([shape.delta[1], shape.kernel[0] * shape.kernel[1], shape.weights()]),
                    comptime!(false),
                    shape,
                );
            }
        }
        #[unroll]
        for feature in 0..tile {
            #[unroll]
            for k in 0..pixels {
                let counts = number + k * comptime!(shape.groups()) < comptime!(shape.pixels());
                if first + feature < shape.inputs && counts {
                    let mut sum = sums[feature * pixels + k];
                    if comptime!(shape.rectified) {
                        let row = own_pixels[k] / shape.width % shape.height;
                        let column = own_pixels[k] % shape.width;
                        let image = own_pixels[k] / comptime!(shape.width * shape.height);
                        let at = image * comptime!(shape.x[0])
                            + (first + feature) * comptime!(shape.x[1])
                            + row * comptime!(shape.x[2])
                            + column * comptime!(shape.x[3]);
                        sum = select(x[at] > 0.0f32, sum, 0.0f32);
                    }
                    gradient[own_pixels[k] * shape.inputs + first + feature] = sum;
                }
            }
        }
    }
}

/// Gradients of the weights, `[part, output, input and tap]`, still to be summed over the first axis: a part is a row of some images.
/// Workgroup x has parts and weights of one output, workgroup y a tile of outputs.
///
/// A thread sums up several weights of several outputs: what it reads of input and gradient serves them all.
#[cube(launch_unchecked)]
pub fn backward_weights(
    x: &[f32],
    delta: &[f32],
    gradient: &mut [f32],
    #[comptime] images: usize,
    #[comptime] shape: Convolution,
) {
    let number = CUBE_POS_X as usize * THREADS + UNIT_POS as usize;
    let tile = comptime!(shape.tile(shape.outputs));
    let first = CUBE_POS_Y as usize * tile;
    let part = number / comptime!(shape.groups_of_weights());
    let group = number % comptime!(shape.groups_of_weights());
    if part < comptime!(shape.parts(images)) {
        let weights = comptime!(shape.weights_of_thread());
        let row = part % shape.height;
        let first_image = part / shape.height * images;
        let mut sums = Array::<f32>::new(comptime!(shape.tile(shape.outputs) * shape.weights_of_thread()));
        #[unroll]
        for k in 0..comptime!(shape.tile(shape.outputs) * shape.weights_of_thread()) {
            sums[k] = 0.0f32;
        }
        let mut ky = Array::<usize>::new(weights);
        let mut kx = Array::<usize>::new(weights);
        let mut input = Array::<usize>::new(weights);
        #[unroll]
        for k in 0..weights {
            let tap = (group * weights + k) / shape.inputs;
            ky[k] = row + tap / comptime!(shape.kernel[1]);
            kx[k] = tap % comptime!(shape.kernel[1]);
            input[k] = (group * weights + k) % shape.inputs * comptime!(shape.x[1]);
        }
        let mut values = Array::<f32>::new(weights);
        for image in first_image..usize::min(first_image + images, shape.batch) {
            for column in 0..shape.width {
                #[unroll]
                for k in 0..weights {
                    let there = inside(ky[k], column + kx[k], shape);
                    let at = place(image, ky[k], column + kx[k], comptime!(shape.x), shape) + input[k];
                    let mut value = x[select(there, at, 0usize)];
                    if comptime!(shape.rectified) {
                        value = f32::max(value, 0.0f32);
                    }
                    values[k] = select(there, value, 0.0f32);
                }
                let at = image * comptime!(shape.delta[0])
                    + row * comptime!(shape.delta[2])
                    + column * comptime!(shape.delta[3]);
                #[unroll]
                for feature in 0..tile {
                    let output = usize::min(first + feature, shape.outputs - 1);
                    let given = delta[at + output * comptime!(shape.delta[1])];
                    #[unroll]
                    for k in 0..weights {
                        sums[feature * weights + k] += values[k] * given;
                    }
                }
            }
        }
        #[unroll]
        for feature in 0..tile {
            if first + feature < shape.outputs {
                let output = (part * shape.outputs + first + feature) * comptime!(shape.weights());
                #[unroll]
                for k in 0..weights {
                    let weight = group * weights + k;
                    if weight < comptime!(shape.unmasked_weights()) {
                        gradient[output + place_of_weight(weight, shape)] = sums[feature * weights + k];
                    }
                }
                let masked = comptime!(shape.weights() - shape.unmasked_weights());
                for round in 0..comptime!(masked.div_ceil(shape.groups_of_weights())) {
                    let weight = round * comptime!(shape.groups_of_weights()) + group;
                    if weight < masked {
                        gradient[output + place_of_weight(weight + comptime!(shape.unmasked_weights()), shape)] =
                            0.0f32;
                    }
                }
            }
        }
    }
}
