//! From logits to a level: the one place where randomness becomes a pixel.

use super::sharpening::Sharpening;
use crate::maths::{exp, ln, ln_1p};

/// Most levels a value can have.
const MAX_LEVELS: usize = 256;

/// The level that the uniform number `u` picks from the softmax of `logits` (Eq. 2), sharpened, by the inverse of its cumulative
/// distribution. One logit is the log-odds of level 1.
///
/// Pure, and the same to the last bit on every machine: its exponentials are the same code everywhere.
pub fn draw(logits: &[f32], sharpening: Sharpening, u: f32) -> u8 {
    if let [log_odds] = logits {
        let z = log_odds / sharpening.temperature;
        if sharpening.truncates() {
            let likelier = 1.0 / (1.0 + exp(-z.abs()));
            if sharpening.most(2) == 1 || likelier >= sharpening.share() {
                return u8::from(*log_odds > 0.0);
            }
        }
        let level_0 = if z > 87.0 { 0.0 } else { 1.0 / (1.0 + exp(z)) };
        return u8::from(u >= level_0);
    }
    Softmax::new(logits, sharpening.temperature).draw(sharpening, u)
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
pub fn draw_and_score(logits: &[f32], sharpening: Sharpening, u: f32) -> (u8, f32) {
    if logits.len() > 1 && sharpening.temperature == 1.0 {
        let softmax = Softmax::new(logits, 1.0);
        let level = softmax.draw(sharpening, u);
        return (level, softmax.nll_nats(logits, level));
    }
    let level = draw(logits, sharpening, u);
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
        Self::summed(weights, levels, highest)
    }

    #[inline(always)]
    fn summed(weights: [f32; MAX_LEVELS], levels: usize, highest: f32) -> Self {
        let mut chunks = [0.0; MAX_LEVELS / CHUNK];
        for (sum, chunk) in chunks.iter_mut().zip(weights.as_chunks::<CHUNK>().0) {
            *sum = chunk.iter().fold(0.0, |sum, weight| sum + weight);
        }
        let total = chunks.iter().fold(0.0, |sum, chunk| sum + chunk);
        Self { weights, levels, highest, chunks, total }
    }

    #[inline(always)]
    fn draw(&self, sharpening: Sharpening, u: f32) -> u8 {
        if sharpening.truncates() { self.truncated(sharpening).pick(u) } else { self.pick(u) }
    }

    /// The levels that are kept with their weights, the others with none. Apart from the samplers' loops, which seldom ask for it.
    ///
    /// A level is kept when the likelier ones do not reach the share. Their weights are added in the order of levels like all
    /// sums here. Rounding makes no such sum smaller when weights join it, so whoever is kept is as likely as who is not.
    #[inline(never)]
    fn truncated(&self, sharpening: Sharpening) -> Self {
        // How many levels are likelier than each: of equals the lower one is.
        let all = &self.weights[..self.levels];
        let mut ranks = [MAX_LEVELS as i32; MAX_LEVELS];
        for (level, (rank, own)) in ranks.iter_mut().zip(all).enumerate() {
            let (lower, higher) = (&all[..level], &all[level + 1..]);
            *rank = (lower.iter().filter(|&weight| weight >= own).count()
                + higher.iter().filter(|&weight| weight > own).count()) as i32;
        }
        let most = sharpening.most(self.levels);
        let share = sharpening.share() * self.likeliest(&ranks, most).total;
        let (mut kept, mut enough) = (0, most);
        while kept < enough {
            let middle = usize::midpoint(kept, enough);
            if self.likeliest(&ranks, middle).total < share { kept = middle + 1 } else { enough = middle }
        }
        self.likeliest(&ranks, kept.max(1))
    }

    /// The so many levels of the first ranks with their weights, the others with none.
    #[inline(never)]
    fn likeliest(&self, ranks: &[i32; MAX_LEVELS], kept: usize) -> Self {
        let mut weights = self.weights;
        for (weight, &rank) in weights.iter_mut().zip(ranks) {
            *weight = if rank < kept as i32 { *weight } else { 0.0 };
        }
        Self::summed(weights, self.levels, self.highest)
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
            assert_eq!(draw(&logits, Sharpening::NONE, u), level, "u = {u}");
        }
        let log_odds = [3.0f32.ln()]; // level 1 has 3/4
        for (u, level) in [(0.0, 0), (0.249, 0), (0.251, 1), (0.999_999, 1)] {
            assert_eq!(draw(&log_odds, Sharpening::NONE, u), level, "u = {u}");
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
                assert_eq!(
                    draw(&[z], Sharpening::at(0.7), u),
                    draw(&[0.0, z], Sharpening::at(0.7), u),
                    "z = {z}, u = {u}"
                );
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
        let of = |temperature, top_k, top_p| Sharpening { temperature, top_k, top_p };
        let some = [of(1.0, None, 1.0), of(0.6, None, 1.0), of(1.0, Some(9), 0.8), of(0.6, None, 0.5)];
        for sharpening in some {
            for u in [0.0, 0.3, 0.77, 0.999_999] {
                let level = draw(&logits, sharpening, u);
                assert_eq!(draw_and_score(&logits, sharpening, u), (level, nll_nats(&logits, level)));
                // A few roundings of a number near five.
                assert!((probabilities(&logits, 1.0)[usize::from(level)].ln() + nll_nats(&logits, level)).abs() < 2e-6);
            }
        }
    }

    /// The levels that any of many uniform numbers picks.
    fn drawn(logits: &[f32], sharpening: Sharpening) -> Vec<u8> {
        let all = (0..4096).map(|k| draw(logits, sharpening, k as f32 / 4096.0));
        all.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    #[test]
    fn the_likeliest_levels_are_kept() {
        // Of probabilities 4/32, 6/32, 12/32, 6/32, 3/32, 1/32; at temperature 1/2 their squares, of 242.
        let logits = [4.0f32, 6.0, 12.0, 6.0, 3.0, 1.0].map(f32::ln);
        for (temperature, top_k, top_p, expected) in [
            (1.0, None, 1.0, &[0, 1, 2, 3, 4, 5][..]),
            (1.0, Some(6), 1.0, &[0, 1, 2, 3, 4, 5]),
            (1.0, Some(4), 1.0, &[0, 1, 2, 3]),
            // Of equally likely levels the lower one.
            (1.0, Some(2), 1.0, &[1, 2]),
            (1.0, Some(1), 1.0, &[2]),
            (1.0, None, 0.374, &[2]),
            (1.0, None, 0.376, &[1, 2]),
            (1.0, None, 0.561, &[1, 2]),
            (1.0, None, 0.564, &[1, 2, 3]),
            (1.0, None, 0.874, &[0, 1, 2, 3]),
            (1.0, None, 0.876, &[0, 1, 2, 3, 4]),
            (1.0, None, 1e-30, &[2]),
            // Of 12, 6 and 6 the first is half.
            (1.0, Some(3), 0.499, &[2]),
            (1.0, Some(3), 0.501, &[1, 2]),
            (1.0, Some(3), 0.751, &[1, 2, 3]),
            (0.5, None, 0.594, &[2]),
            (0.5, None, 0.596, &[1, 2]),
        ] {
            let sharpening = Sharpening { temperature, top_k, top_p };
            assert_eq!(drawn(&logits, sharpening), expected, "{sharpening:?}");
        }
        // What is kept is drawn in proportion: 6 and 12 of 18.
        let two = Sharpening { top_k: Some(2), ..Sharpening::NONE };
        for (u, level) in [(0.0, 1), (0.333, 1), (0.334, 2), (0.999_999, 2)] {
            assert_eq!(draw(&logits, two, u), level, "u = {u}");
        }
    }

    #[test]
    fn of_two_levels_the_likelier_may_be_kept_alone() {
        let likelier = [3.0f32.ln(), -(3.0f32.ln())]; // it has 3/4
        for (top_k, top_p, alone) in [
            (None, 0.749, true),
            (None, 0.751, false),
            (Some(1), 1.0, true),
            (Some(2), 1.0, false),
            (Some(2), 0.5, true),
        ] {
            let sharpening = Sharpening { top_k, top_p, ..Sharpening::NONE };
            for (z, level) in likelier.into_iter().zip([1, 0]) {
                let expected = if alone { vec![level] } else { vec![0, 1] };
                assert_eq!(drawn(&[z], sharpening), expected, "log-odds {z}: {sharpening:?}");
                assert_eq!(drawn(&[0.0, z], sharpening), expected, "two logits, {z}: {sharpening:?}");
            }
        }
        let one = Sharpening { top_k: Some(1), ..Sharpening::NONE };
        assert_eq!((drawn(&[0.0], one), drawn(&[7.0, 7.0], one)), (vec![0], vec![0]), "the lower of two equals");
    }

    #[test]
    fn all_levels_kept_is_nothing_changed() {
        let logits: Vec<f32> = (0..256).map(|k| ((k * 37) % 101) as f32 * 0.3).collect();
        let all = |levels| Sharpening { top_k: Some(levels), ..Sharpening::NONE };
        for k in 0..4096 {
            let u = k as f32 / 4096.0;
            assert_eq!(draw(&logits, all(256), u), draw(&logits, Sharpening::NONE, u), "u = {u}");
            assert_eq!(draw(&[17.5], all(2), u), draw(&[17.5], Sharpening::NONE, u), "u = {u}");
        }
    }

    #[test]
    fn low_temperature_approaches_the_likeliest_level_and_extremes_stay_finite() {
        assert_eq!(draw(&[1.0, 1.1, 0.9], Sharpening::at(0.001), 0.999), 1);
        assert_eq!(draw(&[-1e30, 0.0, 1e30], Sharpening::at(1.0), 0.0), 2);
        assert_eq!(draw(&[1e30], Sharpening::at(1e-3), 0.0), 1);
        assert_eq!(draw(&[-1e30], Sharpening::at(1e-3), 0.999_999_9), 0);
        assert_eq!(nll_nats(&[-200.0], 1), 200.0);
    }
}
