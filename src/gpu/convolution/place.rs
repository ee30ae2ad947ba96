//! The geometry of a masked convolution: the shares of threads, the taps that the mask leaves, and where pixels lie in memory.
#![allow(missing_docs, reason = "the macro makes public items of its own")]

use cubecl::prelude::*;

/// Most features that a thread computes.
const MOST_FEATURES: usize = 16;

/// Most pixels that it computes them of.
const MOST_PIXELS: usize = 8;

/// Most weights of each output of which it sums the gradients.
const MOST_WEIGHTS: usize = 8;

/// What a kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Convolution {
    /// Images.
    pub batch: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Features in.
    pub inputs: usize,
    /// Features out.
    pub outputs: usize,
    /// Height and width of the kernel, both odd.
    pub kernel: [usize; 2],
    /// Whether the tap at the kernel's centre counts.
    pub centre: bool,
    /// Whether the input is rectified first.
    pub rectified: bool,
    /// Strides of the input: image, feature, row, column.
    pub x: [usize; 4],
    /// The same of the gradient of the output.
    pub delta: [usize; 4],
}

impl Convolution {
    /// Pixels of all images.
    pub fn pixels(self) -> usize {
        self.batch * self.height * self.width
    }

    /// Weights of one output, masked ones counted.
    pub fn weights(self) -> usize {
        self.inputs * self.kernel[0] * self.kernel[1]
    }

    /// Features that a thread computes, of so many.
    pub fn tile(self, features: usize) -> usize {
        features.min(MOST_FEATURES)
    }

    /// Pixels of a thread.
    pub fn pixels_of_thread(self) -> usize {
        self.pixels().min(MOST_PIXELS)
    }

    /// Threads for all pixels; pixel k of a thread is so many behind its pixel k − 1.
    pub fn groups(self) -> usize {
        self.pixels().div_ceil(self.pixels_of_thread())
    }

    /// Weights of one output that the mask leaves: the first ones, where they are numbered tap by tap.
    pub fn unmasked_weights(self) -> usize {
        (self.kernel[0] / 2 * self.kernel[1] + self.taps_at_centre()) * self.inputs
    }

    /// Weights of each output that a thread sums the gradients of.
    pub fn weights_of_thread(self) -> usize {
        self.unmasked_weights().clamp(1, MOST_WEIGHTS)
    }

    /// Threads for all weights of an output.
    pub fn groups_of_weights(self) -> usize {
        self.unmasked_weights().div_ceil(self.weights_of_thread()).max(1)
    }

    /// Parts of the sums over all pixels: a row of so many images each.
    pub fn parts(self, images: usize) -> usize {
        self.height * self.batch.div_ceil(images)
    }

    /// Whether the kernel is one tap, which is never beside the image.
    pub fn point(self) -> bool {
        self.kernel == [1, 1]
    }

    /// Taps that the mask leaves in the row of the kernel's centre.
    fn taps_at_centre(self) -> usize {
        self.kernel[1] / 2 + usize::from(self.centre)
    }
}

/// The pixels of a thread; the last ones are computed twice where there are not enough, and written once.
#[cube]
pub fn pixels_of(first: usize, #[comptime] shape: Convolution) -> Array<usize> {
    let mut pixels = Array::<usize>::new(comptime!(shape.pixels_of_thread()));
    #[unroll]
    for k in 0..comptime!(shape.pixels_of_thread()) {
        pixels[k] = usize::min(first + k * comptime!(shape.groups()), comptime!(shape.pixels() - 1));
    }
    pixels
}

/// Taps that the mask leaves in row `ky` of the kernel.
#[cube]
pub fn taps_of(ky: usize, #[comptime] shape: Convolution) -> usize {
    let mut taps = comptime!(shape.kernel[1]).runtime();
    if ky == comptime!(shape.kernel[0] / 2) {
        taps = comptime!(shape.taps_at_centre()).runtime();
    }
    taps
}

/// Where a weight, numbered tap by tap, stands among those of its output, which lie input by input.
#[cube]
pub fn place_of_weight(weight: usize, #[comptime] shape: Convolution) -> usize {
    weight % shape.inputs * comptime!(shape.kernel[0] * shape.kernel[1]) + weight / shape.inputs
}

/// Whether there is a pixel at this row and column, counted from a border of half the kernel around the image.
#[cube]
pub fn inside(row: usize, column: usize, #[comptime] shape: Convolution) -> bool {
    row >= comptime!(shape.kernel[0] / 2)
        && row < comptime!(shape.height + shape.kernel[0] / 2)
        && column >= comptime!(shape.kernel[1] / 2)
        && column < comptime!(shape.width + shape.kernel[1] / 2)
}

/// Where the features of the pixel at this row and column, counted likewise, begin in memory of these strides.
#[cube]
pub fn place(
    image: usize,
    row: usize,
    column: usize,
    #[comptime] strides: [usize; 4],
    #[comptime] shape: Convolution,
) -> usize {
    image * comptime!(strides[0])
        + (row - comptime!(shape.kernel[0] / 2)) * comptime!(strides[2])
        + (column - comptime!(shape.kernel[1] / 2)) * comptime!(strides[3])
}
