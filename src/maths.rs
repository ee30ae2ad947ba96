//! What layers, training kernels and samplers share, on plain numbers: colour groups, the exponential, the LSTM step of one
//! cell.
//!
//! The functions of floats have no branches and no calls, so that a loop over them becomes vector instructions, and they
//! round alike everywhere: additions, multiplications and one division, in one order.

use serde::{Deserialize, Serialize};

/// The recurrent layers of the paper, by the pixels that a state depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Layer {
    /// Row LSTM: three pixels of the row above (§3.1).
    Row,
    /// Diagonal BiLSTM: the pixel above and the one before it in its row (§3.2).
    Diagonal,
}

impl Layer {
    /// Scans that the layer is made of: the second one of two is the first in a mirror.
    pub fn directions(self) -> usize {
        match self {
            Self::Row => 1,
            Self::Diagonal => 2,
        }
    }

    /// State-to-state taps of a scan.
    pub fn taps(self) -> usize {
        match self {
            Self::Row => 3,
            Self::Diagonal => 2,
        }
    }

    /// Lines of a scan, one after another: rows, or diagonals.
    pub fn lines(self, height: usize, width: usize) -> usize {
        match self {
            Self::Row => height,
            Self::Diagonal => height + width - 1,
        }
    }

    /// The row of a line's first pixel, and its pixels: those of a row from left to right, those of a diagonal down to the left.
    pub fn line(self, line: usize, height: usize, width: usize) -> (usize, usize) {
        match self {
            Self::Row => (line, width),
            Self::Diagonal => {
                let (first, last) = ((line + 1).saturating_sub(width), line.min(height - 1));
                (first, last + 1 - first)
            }
        }
    }
}

/// Gates of a cell, in the order o, f, i, g.
pub const GATES: usize = 4;

/// The colour group that feature `feature` of `features` belongs to.
///
/// The paper does not say how a width that `groups` does not divide is split; here the groups are contiguous and
/// as equal as can be: feature k of n belongs to group ⌊k·groups / n⌋.
pub fn group_of(feature: usize, features: usize, groups: usize) -> usize {
    feature * groups / features
}

/// The features of one colour group, the inverse of [`group_of`].
pub fn features_of(group: usize, features: usize, groups: usize) -> std::ops::Range<usize> {
    let start = |g: usize| (g * features).div_ceil(groups);
    start(group)..start(group + 1)
}

/// e^x to within 2·10⁻⁷ of itself, x held to −87..=87.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = if x > 87.0 { 87.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    // Adding 1.5·2²³ leaves no bits behind the point: x = n·ln 2 + r with |r| at most ln 2 / 2, and n in the low bits.
    let shifted = x * std::f32::consts::LOG2_E + 12_582_912.0;
    let n = shifted - 12_582_912.0;
    // ln 2 in two parts, the first with so few bits that its product with n is exact.
    let r = x - n * (355.0 / 512.0) - n * -2.121_944_4e-4;
    let series = 1.987_569_1e-4;
    let series = series * r + 1.398_199_9e-3;
    let series = series * r + 8.333_452e-3;
    let series = series * r + 4.166_579_6e-2;
    let series = series * r + 0.166_666_65;
    let series = series * r + 0.5;
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    (series * r * r + r + 1.0) * power
}

/// ln(1 + x) to within 3·10⁻⁷ of itself, for x from 0 to 1.
#[inline(always)]
pub fn ln_1p(x: f32) -> f32 {
    // 1 + x = (1 + s) / (1 − s), whose logarithm is 2·(s + s³/3 + s⁵/5 + …); s is at most 1/3.
    let s = x / (2.0 + x);
    let square = s * s;
    let series = square * (1.0 / 15.0) + 1.0 / 13.0;
    let series = series * square + 1.0 / 11.0;
    let series = series * square + 1.0 / 9.0;
    let series = series * square + 1.0 / 7.0;
    let series = series * square + 1.0 / 5.0;
    let series = series * square + 1.0 / 3.0;
    2.0 * (series * square * s + s)
}

/// ln x to within 3·10⁻⁷ of itself, for x from 1 on.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = (bits >> 23) as f32 - 127.0;
    let mantissa = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000);
    exponent * std::f32::consts::LN_2 + ln_1p(mantissa - 1.0)
}

/// The logistic function.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The hyperbolic tangent, to within 2·10⁻⁷.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (1.0 + exp(2.0 * x))
}

/// One step of one cell: its new state (h, c).
#[inline(always)]
pub fn cell([o, f, i, g]: [f32; GATES], c_prev: f32) -> (f32, f32) {
    let c = sigmoid(f) * c_prev + sigmoid(i) * tanh(g);
    (sigmoid(o) * tanh(c), c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_functions_are_the_libraries_to_rounding() {
        for k in -2000..=2000 {
            let x = k as f32 * 0.05;
            let exact = f64::from(x).clamp(-87.0, 87.0).exp();
            assert!((f64::from(exp(x)) / exact - 1.0).abs() < 2e-7, "exp({x}) = {}", exp(x));
            let logistic = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(sigmoid(x)) - logistic).abs() < 2e-7, "sigmoid({x}) = {}", sigmoid(x));
            assert!((f64::from(tanh(x)) - f64::from(x).tanh()).abs() < 2e-7, "tanh({x}) = {}", tanh(x));
            for (found, exact) in [
                (ln_1p(exp(-x.abs())), f64::from(exp(-x.abs())).ln_1p()),
                (ln(exp(x.abs())), f64::from(exp(x.abs())).ln()),
            ] {
                assert!((f64::from(found) - exact).abs() <= 3e-7 * exact, "{found} and {exact} at {x}");
            }
        }
        assert_eq!([sigmoid(f32::MAX), sigmoid(-200.0) + 1.0, tanh(200.0), tanh(f32::MIN)], [1.0, 1.0, 1.0, -1.0]);
    }

    #[test]
    fn groups_cover_every_width_in_order() {
        for features in 3..40 {
            let groups: Vec<usize> = (0..features).map(|k| group_of(k, features, 3)).collect();
            assert!(groups.is_sorted(), "{features} features: {groups:?}");
            for group in 0..3 {
                let range = features_of(group, features, 3);
                assert!(range.len().abs_diff(features / 3) <= 1, "{features}: group {group} is {range:?}");
                assert!(range.into_iter().all(|k| groups[k] == group), "{features}: group {group}");
            }
        }
    }
}
