//! The images being drawn: where logits become levels, the same way for every sampler.

use super::draw::{draw_and_score, nll_nats};
use super::request::{Request, RequestError};
use crate::model::ModelConfig;

/// One image of a request, filled value by value.
pub struct Canvas {
    /// Levels, `[channels, height, width]`; values not decided yet are 0.
    pub levels: Vec<u8>,
    /// −ln p of each value decided, at temperature 1, in the order of `levels`.
    pub nll_nats: Vec<f32>,
    index: usize,
    /// The logits of the row drawn last, `[channels, width, logits]`, where they are kept.
    row_logits: Option<Vec<f32>>,
}

impl Canvas {
    /// An empty canvas for every image of the request.
    ///
    /// # Errors
    /// When the request does not fit the network.
    pub fn all(request: &Request, config: &ModelConfig) -> Result<Vec<Self>, RequestError> {
        request.validate(config)?;
        let values = config.dimensions();
        let canvas = |index| Self { levels: vec![0; values], nll_nats: vec![0.0; values], index, row_logits: None };
        Ok((0..request.count).map(canvas).collect())
    }

    /// Keeps the logits of every row from now on, until the next.
    pub fn keep_logits(&mut self, config: &ModelConfig) {
        self.row_logits = Some(vec![0.0; config.channels * config.width * config.logits()]);
    }

    /// The logits of the row drawn last, `[channels, width, logits]`, where they are kept.
    pub fn row_logits(&self) -> Option<&[f32]> {
        self.row_logits.as_deref()
    }

    /// Takes row `y` over from another canvas.
    pub fn copy_row(&mut self, from: &Self, config: &ModelConfig, y: usize) {
        for channel in 0..config.channels {
            let start = (channel * config.height + y) * config.width;
            let row = start..start + config.width;
            self.levels[row.clone()].copy_from_slice(&from.levels[row.clone()]);
            self.nll_nats[row.clone()].copy_from_slice(&from.nll_nats[row]);
        }
    }

    /// Decides channel `channel` of pixel (`x`, `y`): what is given there, or what its uniform number picks.
    #[inline(always)]
    pub fn decide(
        &mut self,
        request: &Request,
        config: &ModelConfig,
        [channel, y, x]: [usize; 3],
        logits: &[f32],
    ) -> u8 {
        let (level, nll_nats) = match request.given_at(config, self.index, channel, y, x) {
            Some(level) => (level, nll_nats(logits, level)),
            None => draw_and_score(logits, request.temperature, request.uniform_at(self.index, channel, y, x)),
        };
        if let Some(kept) = &mut self.row_logits {
            kept[(channel * config.width + x) * logits.len()..][..logits.len()].copy_from_slice(logits);
        }
        let place = (channel * config.height + y) * config.width + x;
        self.levels[place] = level;
        self.nll_nats[place] = nll_nats;
        level
    }
}
