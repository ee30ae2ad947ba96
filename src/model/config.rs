//! What a network is made of: the plain numbers that travel with its weights.

use crate::image::subsample;
use serde::{Deserialize, Serialize};

/// Which of the paper's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// §3.5.
    #[serde(rename = "pixelcnn")]
    PixelCnn,
    /// §3.1.
    RowLstm,
    /// §3.2.
    #[serde(rename = "diagonal_bilstm")]
    DiagonalBiLstm,
}

impl Network {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PixelCnn, Self::RowLstm, Self::DiagonalBiLstm];
}

/// A network's configuration, stored as JSON in the metadata of its weights (Table 1 and §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// The architecture.
    pub network: Network,
    /// Values of a pixel: 1 (grey) or 3 (R, G, B in this order). Also the number of colour groups.
    pub channels: usize,
    /// Values a channel can take: 2 to 256.
    pub levels: u16,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Residual blocks between the first convolution and the head.
    pub layers: usize,
    /// The paper's h: a block works on h features and the stream between blocks carries 2h.
    pub h: usize,
    /// Features of the head's hidden layer.
    pub head: usize,
    /// Whether every block also feeds the head directly (§3.3).
    #[serde(default)]
    pub skip: bool,
    /// The smaller image this network enlarges (§3.6); none: it draws on its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditioning: Option<Conditioning>,
}

/// What a network of several scales starts from (§3.6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditioning {
    /// The paper's c: features of the map that the smaller image is turned into.
    pub maps: usize,
    /// The network that draws the smaller image. Both sides of the larger one are its sides times the same power of two.
    pub small: Box<ModelConfig>,
}

/// Scales a network may have.
const MAX_SCALES: usize = 8;

/// A configuration that no network can be built from.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error("config field `{field}`: found {found}, expected {expected}")]
pub struct ConfigError {
    /// Name of the offending field.
    pub field: &'static str,
    /// Its value.
    pub found: usize,
    /// What would have been accepted.
    pub expected: &'static str,
}

impl ModelConfig {
    /// A network of one block of four features with a skip connection: for tests, which vary it.
    pub const fn tiny(network: Network, channels: usize, levels: u16, [height, width]: [usize; 2]) -> Self {
        Self { network, channels, levels, height, width, layers: 1, h: 4, head: 4, skip: true, conditioning: None }
    }

    /// Checks every field against what the code supports, so that no later step can overflow or allocate absurdly.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let check = |field, found, good: bool, expected| {
            if good { Ok(()) } else { Err(ConfigError { field, found, expected }) }
        };
        check("channels", self.channels, matches!(self.channels, 1 | 3), "1 or 3")?;
        check("levels", usize::from(self.levels), (2..=256).contains(&self.levels), "2 to 256")?;
        check("height", self.height, (1..=512).contains(&self.height), "1 to 512")?;
        check("width", self.width, (1..=512).contains(&self.width), "1 to 512")?;
        check("layers", self.layers, (1..=128).contains(&self.layers), "1 to 128")?;
        check("h", self.h, (self.channels..=1024).contains(&self.h), "at least one feature a colour, at most 1024")?;
        check(
            "head",
            self.head,
            (self.channels..=4096).contains(&self.head),
            "at least one feature a colour, at most 4096",
        )?;
        let Some(Conditioning { maps, small }) = &self.conditioning else { return Ok(()) };
        check("conditioning.maps", *maps, (1..=1024).contains(maps), "1 to 1024")?;
        check("conditioning.small", self.scales().len(), self.scales().len() <= MAX_SCALES, "at most 8 scales")?;
        small.validate()?;
        check("conditioning.small.channels", small.channels, small.channels == self.channels, "those of the image")?;
        let (found, own) = (usize::from(small.levels), usize::from(self.levels));
        check("conditioning.small.levels", found, found == own, "those of the image")?;
        let factor = self.height / small.height;
        let whole = factor >= 2 && factor.is_power_of_two() && small.height * factor == self.height;
        check("conditioning.small.height", small.height, whole, "the image's, divided by a power of two")?;
        let same = small.width * factor == self.width;
        check("conditioning.small.width", small.width, same, "the image's, divided like the height")
    }

    /// The networks that draw one after another, from the smallest image to this one; one where there is one scale.
    pub fn scales(&self) -> Vec<&Self> {
        let smaller = std::iter::successors(Some(self), |config| Some(&*config.conditioning.as_ref()?.small));
        let mut scales: Vec<&Self> = smaller.collect();
        scales.reverse();
        scales
    }

    /// How many times larger the image is than the one it is drawn from; 1 where there is one scale.
    pub fn factor(&self) -> usize {
        self.conditioning.as_ref().map_or(1, |conditioning| self.height / conditioning.small.height)
    }

    /// The small images inside images `[count, channels, height, width]`: these themselves where there is one scale.
    pub fn small_levels(&self, levels: &[u8]) -> Vec<u8> {
        subsample(levels, [self.height, self.width], self.factor())
    }

    /// The images of every scale inside `levels`, `[count, channels, height, width]`, smallest first: `levels` themselves last.
    pub fn levels_of_scales(&self, levels: &[u8]) -> Vec<Vec<u8>> {
        let mut images = vec![levels.to_vec()];
        for config in self.scales().into_iter().skip(1).rev() {
            images.push(config.small_levels(images.last().expect("the image itself")));
        }
        images.reverse();
        images
    }

    /// Features of the map that conditions every layer; 0 where there is one scale.
    pub fn maps(&self) -> usize {
        self.conditioning.as_ref().map_or(0, |conditioning| conditioning.maps)
    }

    /// Numbers the head gives for one value: one logit (the log-odds of level 1) for two levels, else one a level.
    pub fn logits(&self) -> usize {
        if self.levels == 2 { 1 } else { usize::from(self.levels) }
    }

    /// Number of weights and biases of all scales, masked ones counted; the highest number there is where it is more than
    /// that.
    pub fn parameters(&self) -> usize {
        usize::try_from(self.count_parameters()).unwrap_or(usize::MAX)
    }

    /// Multiplications of one forward pass over one image of every scale when masked weights are multiplied too and every
    /// direction runs over every row; a sampler that makes a pass a value does this [`dimensions`](Self::dimensions) times.
    pub fn dense_multiplications(&self) -> u64 {
        let small = self.conditioning.as_ref().map_or(0, |conditioning| conditioning.small.dense_multiplications());
        let upsampler = self.upsampler_weights().into_iter().map(|(weights, uses)| weights * uses).sum::<u64>();
        (self.height * self.width) as u64 * self.weights() + upsampler + small
    }

    /// In 64 bits, which no valid configuration fills: a browser counts in 32.
    fn count_parameters(&self) -> u64 {
        let [h, head, values] = [self.h, self.head, self.channels * self.logits()].map(|n| n as u64);
        let block = match self.network {
            Network::PixelCnn => 4 * h,
            Network::RowLstm => 6 * h + 2 * h,
            Network::DiagonalBiLstm => 12 * h + 2 * h,
        };
        let skip = if self.skip { 2 * h } else { 0 };
        let conditioning = self.conditioning.as_ref().map_or(0, |Conditioning { maps, small }| {
            let layers = self.upsampler_weights();
            let biases = layers.len() * maps;
            layers.iter().map(|(weights, _)| weights).sum::<u64>() + biases as u64 + small.count_parameters()
        });
        // Biases and initial states, on top of the weights of one pixel.
        self.weights() + 2 * h + head + values + self.layers as u64 * (block + skip) + conditioning
    }

    /// Weights that every pixel of this scale is multiplied with.
    fn weights(&self) -> u64 {
        let [channels, h, head, maps] = [self.channels, self.h, self.head, self.maps()].map(|n| n as u64);
        let stream = 2 * h;
        // Input-to-state, state-to-state, condition.
        let lstm = |inputs: u64, states: u64| 4 * h * (stream * inputs + h * states + maps);
        let block = match self.network {
            Network::PixelCnn => stream * h + 9 * h * h + h * maps + h * stream,
            Network::RowLstm => lstm(3, 3) + h * stream,
            Network::DiagonalBiLstm => 2 * lstm(1, 2) + h * stream,
        };
        let skip = if self.skip { h * stream } else { 0 };
        let head = stream * head + head * channels * self.logits() as u64;
        channels * stream * 49 + self.layers as u64 * (block + skip) + head
    }

    /// Weights of each layer of the upsampler, and the pixels of its input that they are used on.
    fn upsampler_weights(&self) -> Vec<(u64, u64)> {
        let Some(Conditioning { maps, small }) = &self.conditioning else { return Vec::new() };
        let [channels, maps, pixels] = [self.channels, *maps, small.height * small.width].map(|n| n as u64);
        let convs = [(channels * maps * 9, pixels), (maps * maps * 9, pixels)];
        let deconvs = (0..self.factor().ilog2()).map(|doubling| (maps * maps * 16, pixels << (2 * doubling)));
        convs.into_iter().chain(deconvs).collect()
    }

    /// Values of one image: height · width · channels.
    pub fn dimensions(&self) -> usize {
        self.channels * self.height * self.width
    }
}
