//! The distribution of a value as whole numbers, which is what a range coder divides its range by.

use crate::sample::probabilities;
use constriction::stream::model::{DecoderModel, EncoderModel, EntropyModel};
use std::num::NonZeroU32;

/// Bits of a frequency: those of a 32-bit float's mantissa, for more a probability does not have.
pub const PRECISION: usize = 24;

/// What the frequencies of a value's levels add up to.
const TOTAL: u32 = 1 << PRECISION;

/// How often each level of a value is expected, of [`TOTAL`] times.
///
/// Each level has its share of what is left when every level has had 1, rounded down; the likeliest has what the others leave. So
/// each has at least 1, whatever its probability, and a level costs at most log₂(1 + levels / (TOTAL − levels)) bits more than
/// −log₂ p: 2·10⁻⁵ with 256 levels. The probabilities are the same to the last bit on every machine, and so are these.
pub struct Frequencies {
    /// Sum of the frequencies of lower levels, for every level; behind them the total.
    starts: Vec<u32>,
}

impl Frequencies {
    /// Those of the softmax of `logits` (Eq. 2); one logit is the log-odds of level 1.
    pub fn of(logits: &[f32]) -> Self {
        let probabilities = probabilities(logits, 1.0);
        let room = (TOTAL - probabilities.len() as u32) as f32;
        // What is not a number becomes 0.
        let mut frequencies: Vec<u32> = probabilities.iter().map(|p| (p * room) as u32 + 1).collect();
        let highest = (0..frequencies.len()).fold(0, |a, b| if frequencies[b] > frequencies[a] { b } else { a });
        frequencies[highest] = 0;
        frequencies[highest] = TOTAL - frequencies.iter().sum::<u32>();
        let mut starts = vec![0];
        frequencies.iter().for_each(|frequency| starts.push(starts[starts.len() - 1] + frequency));
        Self { starts }
    }

    /// Where a level's part of the total begins, and its length.
    fn part(&self, level: usize) -> (u32, NonZeroU32) {
        let start = self.starts[level];
        (start, NonZeroU32::new(self.starts[level + 1] - start).expect("every level has at least 1"))
    }
}

impl EntropyModel<PRECISION> for Frequencies {
    type Symbol = u8;
    type Probability = u32;
}

impl EncoderModel<PRECISION> for Frequencies {
    fn left_cumulative_and_probability(&self, level: impl std::borrow::Borrow<u8>) -> Option<(u32, NonZeroU32)> {
        let level = usize::from(*level.borrow());
        (level + 1 < self.starts.len()).then(|| self.part(level))
    }
}

impl DecoderModel<PRECISION> for Frequencies {
    fn quantile_function(&self, quantile: u32) -> (u8, u32, NonZeroU32) {
        let level = self.starts.partition_point(|&start| start <= quantile) - 1;
        let (start, frequency) = self.part(level);
        (level as u8, start, frequency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frequencies(logits: &[f32]) -> Vec<u32> {
        Frequencies::of(logits).starts.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    #[test]
    fn every_level_has_its_share_and_at_least_one() {
        let even = vec![0.5f32; 256];
        let ramp: Vec<f32> = (0..256).map(|k| k as f32 * 0.11).collect();
        let steep: Vec<f32> = (0..256).map(|k| if k == 77 { 300.0 } else { -300.0 }).collect();
        for logits in [vec![0.0], vec![1.7], vec![200.0], vec![-200.0], vec![0.3, 0.1, -9.0], even, ramp, steep] {
            let (found, p) = (frequencies(&logits), probabilities(&logits, 1.0));
            assert_eq!(found.len(), p.len());
            assert_eq!(found.iter().sum::<u32>(), TOTAL);
            for (level, (&frequency, p)) in found.iter().zip(p).enumerate() {
                let share = f64::from(frequency) / f64::from(TOTAL);
                let least = f64::from(p) * (1.0 - found.len() as f64 / f64::from(TOTAL));
                // A rounding of the probability beside that.
                assert!(frequency >= 1 && share >= least * (1.0 - 2e-7), "{logits:?}: level {level} has {frequency}");
            }
        }
        assert_eq!(frequencies(&[0.0]), [TOTAL / 2; 2]);
        assert_eq!([frequencies(&[200.0]), frequencies(&[-200.0])], [[1, TOTAL - 1], [TOTAL - 1, 1]]);
    }

    /// Weights are finite, but what is computed with them need not be.
    #[test]
    fn logits_that_are_no_numbers_still_give_frequencies() {
        for logits in [vec![f32::NAN], vec![f32::INFINITY], vec![f32::NAN; 9], vec![f32::NEG_INFINITY; 9], {
            let mut some = vec![0.0; 256];
            (some[3], some[200]) = (f32::INFINITY, f32::NAN);
            some
        }] {
            let found = frequencies(&logits);
            assert!(found.iter().all(|&frequency| frequency >= 1) && found.iter().sum::<u32>() == TOTAL, "{logits:?}");
        }
    }

    #[test]
    fn a_quantile_belongs_to_the_level_whose_part_it_lies_in() {
        let frequencies = Frequencies::of(&[0.1, 2.0, -30.0, 1.1]);
        for level in 0..4u8 {
            let (start, frequency) = frequencies.left_cumulative_and_probability(level).expect("a level");
            for quantile in [start, start + frequency.get() - 1] {
                assert_eq!(frequencies.quantile_function(quantile), (level, start, frequency));
            }
        }
        assert_eq!(frequencies.left_cumulative_and_probability(4), None);
    }
}
