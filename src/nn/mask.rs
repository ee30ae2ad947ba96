//! Masks A and B with colour groups (§3.4), as plain numbers.
//!
//! Three places need the same truth: the layers multiply their weights by it, the sampling plan drops what it
//! forbids, and the tests compare it with matrices written out by hand.

use crate::maths::group_of;

use serde::{Deserialize, Serialize};

/// Which of the two masks of §3.4 a convolution carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MaskKind {
    /// First layer only: a colour does not see itself at the current pixel.
    A,
    /// Every later layer: a colour sees its own features at the current pixel.
    B,
}

/// Whether an output of colour group `group_out` may see an input of `group_in` that lies `dy` rows below and `dx`
/// columns to the right of it (both negative for what was drawn before).
pub fn allows(kind: MaskKind, dy: isize, dx: isize, group_in: usize, group_out: usize) -> bool {
    match (dy, dx) {
        (0, 0) => match kind {
            MaskKind::A => group_in < group_out,
            MaskKind::B => group_in <= group_out,
        },
        (0, dx) => dx < 0,
        (dy, _) => dy < 0,
    }
}

/// The 0/1 mask of a convolution weight of shape `[c_out, c_in, height, width]`, row-major, odd kernel sizes.
///
/// The outputs are `gates` blocks one after another, and the colour groups are those of each block: the input-to-state
/// map of an LSTM has four (§3.4), everything else one. Grouped over all outputs at once, a gate of one colour would
/// see features of a later one.
///
/// # Panics
/// When a kernel side is even, so that its centre would not be a pixel, or when the gates do not share the outputs evenly.
pub fn conv_mask(kind: MaskKind, groups: usize, gates: usize, shape: [usize; 4]) -> Vec<f32> {
    let [c_out, c_in, kernel_h, kernel_w] = shape;
    assert!(kernel_h % 2 == 1 && kernel_w % 2 == 1, "a masked kernel has odd sides, got {kernel_h}x{kernel_w}");
    assert!(c_out.is_multiple_of(gates), "{gates} gates do not share {c_out} features");
    let width = c_out / gates;
    let mut mask = Vec::with_capacity(c_out * c_in * kernel_h * kernel_w);
    for out in 0..c_out {
        let group_out = group_of(out % width, width, groups);
        for input in 0..c_in {
            let group_in = group_of(input, c_in, groups);
            for ky in 0..kernel_h {
                for kx in 0..kernel_w {
                    let dy = ky as isize - (kernel_h / 2) as isize;
                    let dx = kx as isize - (kernel_w / 2) as isize;
                    mask.push(f32::from(u8::from(allows(kind, dy, dx, group_in, group_out))));
                }
            }
        }
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_masks_are_these_matrices() {
        #[rustfmt::skip]
        assert_eq!(conv_mask(MaskKind::A, 1, 1, [1, 1, 3, 3]), [
            1., 1., 1.,
            1., 0., 0.,
            0., 0., 0.,
        ]);
        #[rustfmt::skip]
        assert_eq!(conv_mask(MaskKind::B, 1, 1, [1, 1, 3, 3]), [
            1., 1., 1.,
            1., 1., 0.,
            0., 0., 0.,
        ]);
    }

    /// Rows are outputs R, G, B; columns are inputs R, G, B, all at the current pixel.
    #[test]
    fn colours_of_one_pixel_see_only_earlier_colours() {
        assert_eq!(conv_mask(MaskKind::A, 3, 1, [3, 3, 1, 1]), [0., 0., 0., 1., 0., 0., 1., 1., 0.]);
        assert_eq!(conv_mask(MaskKind::B, 3, 1, [3, 3, 1, 1]), [1., 0., 0., 1., 1., 0., 1., 1., 1.]);
    }

    /// Two gates of R, G, B each: the second repeats the first.
    #[test]
    fn groups_are_aligned_inside_each_gate() {
        let gate = [1., 0., 0., 1., 1., 0., 1., 1., 1.];
        assert_eq!(conv_mask(MaskKind::B, 3, 2, [6, 3, 1, 1]), [gate, gate].concat());
    }
}
