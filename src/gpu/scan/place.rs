//! The geometry of a scan: the places of its lines, what their states read, and where that lies in memory.
//!
//! Memory is channels-last, `[batch, height, width, direction, feature]`, as burn's convolutions have it. Nothing is skewed: what a
//! tap reads is computed from row and column.
#![allow(missing_docs, reason = "the macro makes public items of its own")]

use crate::maths::Layer;
use cubecl::prelude::*;

/// Units that a thread computes with all their gates.
pub const UNITS: usize = 4;

/// Units that a thread computes the gradients of the states of.
pub const UNITS_BACK: usize = 8;

/// Most images that a thread computes them of.
pub const MOST_IMAGES: usize = 4;

/// Most inputs of which a thread sums the gradients of the weights.
pub const MOST_INPUTS: usize = 8;

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
    /// Threads' shares of the units of all directions, so many units each.
    pub fn tiles(self, units: usize) -> usize {
        self.h.div_ceil(units) * self.layer.directions()
    }

    /// Weights of one gate of one unit.
    pub fn weights(self) -> usize {
        self.h * self.layer.taps()
    }

    /// Images of a thread.
    pub fn images(self) -> usize {
        self.batch.min(MOST_IMAGES)
    }

    /// Threads for all images of a place; image k of a thread is so many behind its image k − 1.
    pub fn groups(self) -> usize {
        self.batch.div_ceil(self.images())
    }

    /// Inputs of a thread that sums the gradients of weights.
    pub fn inputs(self) -> usize {
        self.h.min(MOST_INPUTS)
    }

    /// Threads for the gradients of all inputs and taps.
    pub fn inputs_and_taps(self) -> usize {
        self.h.div_ceil(self.inputs()) * self.layer.taps()
    }

    /// Pixels of an image in all directions.
    pub fn pixels(self) -> usize {
        self.height * self.width * self.layer.directions()
    }
}

/// A pixel, or a place on the border of the image, where a direction begins. Rows and columns count from 1, columns as the
/// direction walks: 0 is the border.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub struct Place {
    /// 0 from the left, 1 from the right.
    pub direction: usize,
    /// Row.
    pub y: usize,
    /// Column.
    pub x: usize,
}

/// Place number `step` of a line whose first row is `first`.
#[cube]
pub fn place_of(line: usize, first: usize, step: usize, direction: usize, #[comptime] shape: Shape) -> Place {
    if comptime!(shape.layer == Layer::Row) {
        Place { direction, y: first + 1, x: step + 1 }
    } else {
        Place { direction, y: first + step + 1, x: line - first - step + 1 }
    }
}

/// Place number `step` of the border: above the image (§3.1), or where the direction comes from (§3.2).
#[cube]
pub fn border_of(step: usize, direction: usize, #[comptime] shape: Shape) -> Place {
    if comptime!(shape.layer == Layer::Row) {
        Place { direction, y: 0usize.runtime(), x: step + 1 }
    } else {
        Place { direction, y: step + 1, x: 0usize.runtime() }
    }
}

/// The images of a thread; the last ones are computed twice where there are not enough, and written once.
#[cube]
pub fn images_of(first: usize, #[comptime] shape: Shape) -> Array<usize> {
    let mut images = Array::<usize>::new(comptime!(shape.images()));
    #[unroll]
    for k in 0..comptime!(shape.images()) {
        images[k] = usize::min(first + k * comptime!(shape.groups()), shape.batch - 1);
    }
    images
}

/// Whether a thread's image `k` is to be written.
#[cube]
pub fn counts(first: usize, k: usize, #[comptime] shape: Shape) -> bool {
    first + k * comptime!(shape.groups()) < shape.batch
}

/// What the state at a place reads with a tap.
#[cube]
pub fn source(place: Place, tap: usize, #[comptime] shape: Shape) -> Place {
    let direction = place.direction;
    if comptime!(shape.layer == Layer::Row) {
        Place { direction, y: place.y - 1, x: place.x + tap - 1 }
    } else {
        Place { direction, y: place.y + tap - 1, x: place.x - tap }
    }
}

/// What reads the state at a place with a tap.
#[cube]
pub fn reader(place: Place, tap: usize, #[comptime] shape: Shape) -> Place {
    let direction = place.direction;
    if comptime!(shape.layer == Layer::Row) {
        Place { direction, y: place.y + 1, x: place.x + 1 - tap }
    } else {
        Place { direction, y: place.y + 1 - tap, x: place.x + tap }
    }
}

/// Whether this is a pixel.
#[cube]
pub fn inside(place: Place, #[comptime] shape: Shape) -> bool {
    place.y >= 1 && place.x >= 1 && place.y <= shape.height && place.x <= shape.width
}

/// Whether the initial state stands here. Elsewhere beside the image, states are zero.
#[cube]
pub fn initial(place: Place, #[comptime] shape: Shape) -> bool {
    if comptime!(shape.layer == Layer::Row) {
        place.y == 0 && place.x >= 1 && place.x <= shape.width
    } else {
        place.x == 0 && place.y >= 1
    }
}

/// The column of a pixel in memory.
#[cube]
pub fn column(place: Place, #[comptime] shape: Shape) -> usize {
    select(place.direction == 1, shape.width - place.x, place.x - 1)
}

/// The number of a pixel and direction in an image: where its features lie, by their number.
#[cube]
pub fn pixel(place: Place, #[comptime] shape: Shape) -> usize {
    ((place.y - 1) * shape.width + column(place, shape)) * comptime!(shape.layer.directions()) + place.direction
}

/// Unit number `unit` of all tiles' units; the last tile's are computed twice where there are not enough, and written once.
#[cube]
pub fn unit_of(unit: usize, #[comptime] shape: Shape) -> usize {
    usize::min(unit, shape.h - 1)
}

/// Where a feature of a pixel stands in memory that burn laid out.
#[cube]
pub fn strided(image: usize, place: Place, feature: usize, #[comptime] shape: Shape) -> usize {
    image * comptime!(shape.strides[0])
        + feature * comptime!(shape.strides[1])
        + (place.y - 1) * comptime!(shape.strides[2])
        + column(place, shape) * comptime!(shape.strides[3])
}

/// The hyperbolic tangent, its exponential held to finite numbers.
#[cube]
pub fn tanh(x: f32) -> f32 {
    1.0f32 - 2.0f32 / (1.0f32 + f32::exp(f32::min(2.0f32 * x, 87.0f32)))
}

/// A unit's cell at a place that is a pixel or has the initial state.
#[cube]
pub fn cell_at(
    image: usize,
    place: Place,
    cells: &[f32],
    initial_states: &[f32],
    unit: usize,
    #[comptime] shape: Shape,
) -> f32 {
    let mut cell = 0.0f32;
    if inside(place, shape) {
        cell += cells[(image * comptime!(shape.pixels()) + pixel(place, shape)) * shape.h + unit];
    } else {
        cell += initial_states[(place.direction * 2 + 1) * shape.h + unit];
    }
    cell
}
