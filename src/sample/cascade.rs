//! Several scales (§3.6) drawn one after another, the smallest image first. Each has a sampler of its own, which knows one
//! image and what it is drawn under the condition of; their order is known here only.

use super::request::Request;
use crate::model::ModelConfig;

/// The sampler of one scale.
pub trait Scale {
    /// Of the network that draws it.
    fn config(&self) -> &ModelConfig;

    /// The row drawn next; the height where all are.
    fn y(&self) -> usize;

    /// The images so far: levels `[channels, height, width]` each, 0 where nothing is drawn yet.
    fn images(&self) -> impl Iterator<Item = &[u8]>;

    /// Takes what conditions it from the images of the next smaller scale, all drawn.
    fn condition(&mut self, small: &Self);

    /// Whether every row is drawn.
    fn done(&self) -> bool {
        self.y() == self.config().height
    }

    /// The images one after another.
    fn levels(&self) -> Vec<u8> {
        self.images().flatten().copied().collect()
    }
}

/// A sampler that knows how likely what it has drawn was.
pub trait Scored: Scale {
    /// −ln p of every value decided so far, at temperature 1: in nats, images and values in the order of their levels.
    fn nll_nats_of_values(&self) -> impl Iterator<Item = &[f32]>;

    /// −ln p of every image as far as it is decided, given the smaller one.
    fn nll_nats(&self) -> Vec<f32> {
        let total = |image: &[f32]| image.iter().map(|&nll| f64::from(nll)).sum::<f64>() as f32;
        self.nll_nats_of_values().map(total).collect()
    }
}

/// Draws the images of one request, row by row and scale by scale.
pub struct Cascade<S> {
    /// Smallest first.
    scales: Vec<S>,
}

impl<S: Scale> Cascade<S> {
    /// The samplers of all scales before their first row; `open` makes the one that a network and its part of the request ask for.
    ///
    /// # Errors
    /// Those of `open`.
    pub(super) fn open<N, E>(
        networks: impl DoubleEndedIterator<Item = N>,
        request: Request,
        open: impl Fn(N, Request) -> Result<S, E>,
    ) -> Result<Self, E> {
        let (mut scales, mut due) = (Vec::new(), request);
        for network in networks.rev() {
            let scale = open(network, due.clone())?;
            // Once it fits this scale it has a part for the smaller one.
            due = due.small(scale.config());
            scales.push(scale);
        }
        scales.reverse();
        Ok(Self { scales })
    }

    /// The sampler whose row is next, once it knows the images before it; none where every row is drawn.
    pub(super) fn due(&mut self) -> Option<&mut S> {
        let scale = self.scales.iter().position(|scale| !scale.done())?;
        let (smaller, rest) = self.scales.split_at_mut(scale);
        if let Some(small) = smaller.last()
            && rest[0].y() == 0
        {
            rest[0].condition(small);
        }
        Some(&mut rest[0])
    }

    /// The scale whose row is drawn next: 0 for the smallest image; the image itself is the last.
    pub fn scale(&self) -> usize {
        self.scales.iter().position(|scale| !scale.done()).unwrap_or(self.scales.len() - 1)
    }

    /// The row drawn next, of the scale drawn next.
    pub fn y(&self) -> usize {
        self.of_scale(self.scale()).y()
    }

    /// Whether every row of every scale is drawn.
    pub fn done(&self) -> bool {
        self.image().done()
    }

    /// The sampler of one scale.
    ///
    /// # Panics
    /// When there is no such scale.
    pub fn of_scale(&self, scale: usize) -> &S {
        &self.scales[scale]
    }

    /// The sampler of the image itself.
    pub fn image(&self) -> &S {
        self.scales.last().expect("at least one scale")
    }

    /// Levels of the images so far, `[count, channels, height, width]`; 0 where nothing is drawn yet.
    pub fn levels(&self) -> Vec<u8> {
        self.image().levels()
    }

    pub(super) fn scales_mut(&mut self) -> &mut [S] {
        &mut self.scales
    }
}

impl<S: Scored> Cascade<S> {
    /// −ln p of every image as far as it is decided, over all scales: −ln p(small) − ln p(image | small).
    pub fn nll_nats(&self) -> Vec<f32> {
        let add = |sum: Vec<f32>, own: Vec<f32>| sum.iter().zip(own).map(|(sum, own)| own + sum).collect();
        self.scales.iter().map(S::nll_nats).reduce(add).expect("at least one scale")
    }
}
