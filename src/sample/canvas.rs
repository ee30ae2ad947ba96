//! The images being drawn: where logits become levels, the same way for every sampler.

use super::draw::{draw_and_score, nll_nats};
use super::request::{Request, RequestError};
use crate::model::ModelConfig;
use std::sync::{Arc, Mutex};

/// Decides the values of an image in place of its uniform numbers: a coder, which knows them or reads them.
pub trait Decide: Send {
    /// The level of value `place` of the image, `[channels, height, width]`; its distribution given those before it (Eq. 2) is the
    /// softmax of `logits`. `scale` is which image of several scales it is, as in a [`Request`]. Asked for row after row, in a row
    /// pixel after pixel, of a pixel colour after colour; smaller images first.
    fn decide(&mut self, scale: usize, place: usize, logits: &[f32]) -> u8;
}

/// One of an image, which the samplers of its scales share.
pub type Decider = Arc<Mutex<dyn Decide>>;

/// One image of a request, filled value by value.
pub struct Canvas {
    /// Levels, `[channels, height, width]`; values not decided yet are 0.
    pub levels: Vec<u8>,
    /// −ln p of each value decided, at temperature 1, in the order of `levels`; empty where nobody asks.
    pub nll_nats: Vec<f32>,
    index: usize,
    /// The logits of the row drawn last, `[channels, width, logits]`, where they are kept.
    row_logits: Option<Vec<f32>>,
    /// Asked in place of the request, where there is one; what it decides is not scored.
    pub decider: Option<Decider>,
}

impl Canvas {
    /// An empty canvas for every image of the request.
    ///
    /// # Errors
    /// When the request does not fit the network.
    pub fn all(request: &Request, config: &ModelConfig) -> Result<Vec<Self>, RequestError> {
        request.validate(config)?;
        let values = config.dimensions();
        let canvas = |index| Self {
            levels: vec![0; values],
            nll_nats: vec![0.0; values],
            index,
            row_logits: None,
            decider: None,
        };
        Ok((0..request.count).map(canvas).collect())
    }

    /// An image that is known, `[channels, height, width]`, and nothing asked of it but its logits.
    pub fn known(levels: Vec<u8>) -> Self {
        Self { levels, nll_nats: Vec::new(), index: 0, row_logits: None, decider: None }
    }

    /// Keeps the logits of every row from now on, until the next.
    pub fn keep_logits(&mut self, config: &ModelConfig) {
        self.row_logits.get_or_insert_with(|| vec![0.0; config.channels * config.width * config.logits()]);
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
        if let Some(kept) = &mut self.row_logits {
            kept[(channel * config.width + x) * logits.len()..][..logits.len()].copy_from_slice(logits);
        }
        let place = (channel * config.height + y) * config.width + x;
        if let Some(decider) = &self.decider {
            self.levels[place] = ask(decider, request.scale, place, logits);
            return self.levels[place];
        }
        if self.nll_nats.is_empty() {
            return self.levels[place];
        }
        let (level, nll_nats) = match request.given_at(config, self.index, channel, y, x) {
            Some(level) => (level, nll_nats(logits, level)),
            None => draw_and_score(logits, request.sharpening, request.uniform_at(self.index, channel, y, x)),
        };
        self.levels[place] = level;
        self.nll_nats[place] = nll_nats;
        level
    }
}

/// Apart from the samplers' loops, of which there are several.
#[inline(never)]
fn ask(decider: &Decider, scale: usize, place: usize, logits: &[f32]) -> u8 {
    decider.lock().expect("a decider does not panic").decide(scale, place, logits)
}
