//! The images being drawn: where logits become levels, the same way for every sampler.

use super::draw::{draw, nll_nats};
use super::request::{Request, RequestError};
use super::uniform::uniform;
use crate::model::ModelConfig;

/// One image of a request, filled value by value.
pub struct Canvas {
    /// Levels, `[channels, height, width]`; values not decided yet are 0.
    pub levels: Vec<u8>,
    /// −ln p of each value decided, at temperature 1, in the order of `levels`.
    pub nll_nats: Vec<f32>,
    index: usize,
}

impl Canvas {
    /// An empty canvas for every image of the request.
    ///
    /// # Errors
    /// When the request does not fit the network.
    pub fn all(request: &Request, config: &ModelConfig) -> Result<Vec<Self>, RequestError> {
        request.validate(config)?;
        let values = config.dimensions();
        let canvas = |index| Self { levels: vec![0; values], nll_nats: vec![0.0; values], index };
        Ok((0..request.count).map(canvas).collect())
    }

    /// −ln p of the image as far as it is decided.
    pub fn total_nll_nats(&self) -> f32 {
        self.nll_nats.iter().map(|&nll| f64::from(nll)).sum::<f64>() as f32
    }

    /// Decides channel `channel` of pixel (`x`, `y`): what is given there, or what its uniform number picks.
    pub fn decide(
        &mut self,
        request: &Request,
        config: &ModelConfig,
        [channel, y, x]: [usize; 3],
        logits: &[f32],
    ) -> u8 {
        let level = request.given_at(config, self.index, channel, y, x).unwrap_or_else(|| {
            let u = uniform(request.seed, request.first + self.index as u32, y, x, channel);
            draw(logits, request.temperature, u)
        });
        let place = (channel * config.height + y) * config.width + x;
        self.levels[place] = level;
        self.nll_nats[place] = nll_nats(logits, level);
        level
    }
}
