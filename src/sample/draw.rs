//! From logits to a level: the one place where randomness becomes a pixel.

use crate::maths::{exp, ln, ln_1p};

/// Most levels a value can have.
const MAX_LEVELS: usize = 256;

/// The level that the uniform number `u` picks from the softmax of `logits / temperature` (Eq. 2), by the inverse of its
/// cumulative distribution. One logit is the log-odds of level 1.
///
/// Pure, and the same to the last bit on every machine: its exponentials are the same code everywhere.
pub fn draw(logits: &[f32], temperature: f32, u: f32) -> u8 {
    if let [log_odds] = logits {
        let z = log_odds / temperature;
        let level_0 = if z > 87.0 { 0.0 } else { 1.0 / (1.0 + exp(z)) };
        return u8::from(u >= level_0);
    }
    Softmax::new(logits, temperature).pick(u)
}

/// −ln p of `level` under the softmax of `logits`, in nats.
pub fn nll_nats(logits: &[f32], level: u8) -> f32 {
    if let [log_odds] = logits {
        // softplus(±z) without overflow.
        let z = if level == 0 { *log_odds } else { -log_odds };
        return z.max(0.0) + ln_1p(exp(-z.abs()));
    }
    Softmax::new(logits, 1.0).nll_nats(logits, level)
}

/// [`draw`] and [`nll_nats`] of what it gives; at temperature 1 the exponentials of the one serve the other.
#[inline(always)]
pub fn draw_and_score(logits: &[f32], temperature: f32, u: f32) -> (u8, f32) {
    if logits.len() > 1 && temperature == 1.0 {
        let softmax = Softmax::new(logits, temperature);
        let level = softmax.pick(u);
        return (level, softmax.nll_nats(logits, level));
    }
    let level = draw(logits, temperature, u);
    (level, nll_nats(logits, level))
}

/// The probability of every level under the softmax of `logits / temperature`, level 0 first.
pub fn probabilities(logits: &[f32], temperature: f32) -> Vec<f32> {
    if let [log_odds] = logits {
        let level_0 = 1.0 / (1.0 + exp(log_odds / temperature));
        return vec![level_0, 1.0 / (1.0 + exp(-log_odds / temperature))];
    }
    let softmax = Softmax::new(logits, temperature);
    softmax.weights[..logits.len()].iter().map(|weight| weight / softmax.total).collect()
}

/// Levels whose weights are summed in a row: a processor overlaps such sums, and a GPU makes them side by side.
pub const CHUNK: usize = 16;

/// e^((logit − highest logit) / temperature) of every level, and their sums.
struct Softmax {
    weights: [f32; MAX_LEVELS],
    levels: usize,
    highest: f32,
    /// Sums of every [`CHUNK`] levels, level after level.
    chunks: [f32; MAX_LEVELS / CHUNK],
    /// Sum of the chunks, one after another.
    total: f32,
}

impl Softmax {
    /// The exponentials are written without branches and calls, so that they become vector instructions: the widest of the
    /// processor where a function made for it calls this.
    #[inline(always)]
    fn new(logits: &[f32], temperature: f32) -> Self {
        let (levels, mut weights) = (logits.len(), [0.0; MAX_LEVELS]);
        let highest = highest(logits);
        for (weight, &logit) in weights.iter_mut().zip(logits) {
            let x = (logit - highest) / temperature;
            *weight = if x < -87.0 { 0.0 } else { exp(x) };
        }
        let mut chunks = [0.0; MAX_LEVELS / CHUNK];
        for (sum, chunk) in chunks.iter_mut().zip(weights.as_chunks::<CHUNK>().0) {
            *sum = chunk.iter().fold(0.0, |sum, weight| sum + weight);
        }
        let total = chunks.iter().fold(0.0, |sum, chunk| sum + chunk);
        Self { weights, levels, highest, chunks, total }
    }

    /// The first level at which the cumulative distribution passes `u`: first its chunk, then the level in it.
    fn pick(&self, u: f32) -> u8 {
        let threshold = u * self.total;
        let mut before = 0.0;
        for (chunk, sum) in self.chunks.iter().enumerate() {
            if before + sum > threshold {
                return self.pick_in(chunk * CHUNK, before, threshold);
            }
            before += sum;
        }
        // Only rounding leads here: the last level of any weight closes the distribution.
        self.weights[..self.levels].iter().rposition(|&weight| weight > 0.0).unwrap_or(0) as u8
    }

    fn pick_in(&self, first: usize, before: f32, threshold: f32) -> u8 {
        let (mut cumulative, mut last) = (before, first);
        for level in first..(first + CHUNK).min(self.levels) {
            cumulative += self.weights[level];
            if cumulative > threshold {
                return level as u8;
            }
            if self.weights[level] > 0.0 {
                last = level;
            }
        }
        // Rounding again: the last level of any weight closes the chunk.
        last as u8
    }

    fn nll_nats(&self, logits: &[f32], level: u8) -> f32 {
        self.highest - logits[usize::from(level)] + ln(self.total)
    }
}

/// The highest logit, looked for in many lanes at once; NaN is never it.
#[inline(always)]
fn highest(logits: &[f32]) -> f32 {
    let higher = |high: &mut f32, logit: f32| *high = if logit > *high { logit } else { *high };
    let (chunks, rest) = logits.as_chunks::<CHUNK>();
    let mut lanes = [f32::NEG_INFINITY; CHUNK];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(high, &logit)| higher(high, logit));
    }
    let mut highest = f32::NEG_INFINITY;
    lanes.iter().chain(rest).for_each(|&logit| higher(&mut highest, logit));
    highest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_of_u_are_the_probabilities() {
        let logits = [0.0f32, 2.0f32.ln(), 5.0f32.ln()]; // probabilities 1/8, 2/8, 5/8
        for (u, level) in [(0.0, 0), (0.124, 0), (0.126, 1), (0.374, 1), (0.376, 2), (0.999_999, 2)] {
            assert_eq!(draw(&logits, 1.0, u), level, "u = {u}");
        }
        let log_odds = [3.0f32.ln()]; // level 1 has 3/4
        for (u, level) in [(0.0, 0), (0.249, 0), (0.251, 1), (0.999_999, 1)] {
            assert_eq!(draw(&log_odds, 1.0, u), level, "u = {u}");
        }
    }

    #[test]
    fn probabilities_are_the_softmax() {
        for (logits, temperature, expected) in [
            (vec![0.0f32, 2.0f32.ln(), 5.0f32.ln()], 1.0, vec![0.125, 0.25, 0.625]),
            (vec![0.0f32, 2.0f32.ln()], 0.5, vec![0.2, 0.8]),
            (vec![3.0f32.ln()], 1.0, vec![0.25, 0.75]),
            (vec![1e30, -1e30], 1.0, vec![1.0, 0.0]),
        ] {
            let found = probabilities(&logits, temperature);
            assert_eq!(found.len(), expected.len());
            // A few roundings of numbers below one.
            assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{logits:?}: {found:?}");
        }
    }

    #[test]
    fn one_logit_and_two_logits_agree() {
        for z in [-9.0f32, -0.3, 0.0, 1.7, 30.0] {
            for u in [0.0, 0.2, 0.5, 0.8, 0.999] {
                assert_eq!(draw(&[z], 0.7, u), draw(&[0.0, z], 0.7, u), "z = {z}, u = {u}");
            }
            for level in [0, 1] {
                // Two roundings of a number up to 30.
                assert!((nll_nats(&[z], level) - nll_nats(&[0.0, z], level)).abs() < 4e-6, "z = {z}");
            }
        }
    }

    #[test]
    fn drawing_and_scoring_at_once_is_both() {
        let logits: Vec<f32> = (0..256).map(|k| ((k * 37) % 101) as f32 * 0.07).collect();
        for temperature in [1.0, 0.6] {
            for u in [0.0, 0.3, 0.77, 0.999_999] {
                let level = draw(&logits, temperature, u);
                assert_eq!(draw_and_score(&logits, temperature, u), (level, nll_nats(&logits, level)));
                // A few roundings of a number near five.
                assert!((probabilities(&logits, 1.0)[usize::from(level)].ln() + nll_nats(&logits, level)).abs() < 2e-6);
            }
        }
    }

    #[test]
    fn low_temperature_approaches_the_likeliest_level_and_extremes_stay_finite() {
        assert_eq!(draw(&[1.0, 1.1, 0.9], 0.001, 0.999), 1);
        assert_eq!(draw(&[-1e30, 0.0, 1e30], 1.0, 0.0), 2);
        assert_eq!(draw(&[1e30], 1e-3, 0.0), 1);
        assert_eq!(draw(&[-1e30], 1e-3, 0.999_999_9), 0);
        assert_eq!(nll_nats(&[-200.0], 1), 200.0);
    }
}
