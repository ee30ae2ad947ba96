//! What may be done to the network's distributions before levels are drawn of them: as samplers of language models have it, and
//! in their order. First the temperature; then top-k keeps the likeliest levels, so many of them; then top-p keeps the fewest
//! likeliest of these that have this share of their probability, at least one. What is kept is drawn in proportion to its
//! probability. Of equally likely levels the lower one is kept.

use super::request::RequestError;

/// Makes the likely likelier. It changes what is drawn; −ln p stays that of the network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sharpening {
    /// Divides the logits, at least 0.001; 1 draws from the network.
    pub temperature: f32,
    /// Levels that are kept at most, from 1 to those there are; none keeps them all.
    pub top_k: Option<u16>,
    /// The share of probability that the levels kept reach, above 0; 1 keeps them all.
    pub top_p: f32,
}

impl Sharpening {
    /// The network's own distributions.
    pub const NONE: Self = Self { temperature: 1.0, top_k: None, top_p: 1.0 };

    /// This temperature, and every level kept.
    pub fn at(temperature: f32) -> Self {
        Self { temperature, ..Self::NONE }
    }

    /// Whether levels may be left out.
    pub fn truncates(&self) -> bool {
        self.top_k.is_some() || self.top_p < 1.0
    }

    /// Levels that top-k keeps of so many.
    pub(super) fn most(&self, levels: usize) -> usize {
        self.top_k.map_or(levels, |most| levels.min(most.into()))
    }

    /// The share that top-p asks for; where it keeps every level, twice what there is, which no sum of some of them reaches
    /// by rounding.
    pub(super) fn share(&self) -> f32 {
        if self.top_p < 1.0 { self.top_p } else { 2.0 }
    }

    /// Checks that values of so many levels can be drawn like this.
    ///
    /// # Errors
    /// Names the first number that is out of its range.
    pub fn validate(&self, levels: u16) -> Result<(), RequestError> {
        let check = |good: bool, field, found: String, expected: String| {
            if good { Ok(()) } else { Err(RequestError { field, found, expected }) }
        };
        let warm = self.temperature.is_finite() && self.temperature >= 1e-3;
        check(warm, "temperature", self.temperature.to_string(), "a number of at least 0.001".to_owned())?;
        let most = self.top_k.unwrap_or(levels);
        check((1..=levels).contains(&most), "top-k", most.to_string(), format!("1 to {levels}"))?;
        let share = self.top_p > 0.0 && self.top_p <= 1.0;
        check(share, "top-p", self.top_p.to_string(), "a number above 0, at most 1".to_owned())
    }
}
