//! What a network is made of: the plain numbers that travel with its weights.

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

/// A network's configuration, stored as JSON in the metadata of its weights (Table 1 and §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// The architecture.
    pub network: Network,
    /// Values of a pixel: 1 (grey) or 3 (R, G, B in this order). Also the number of colour groups.
    pub channels: usize,
    /// Values a channel can take: 2 or 256.
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
}

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
    /// Checks every field against what the code supports, so that no later step can overflow or allocate absurdly.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let check = |field, found, good: bool, expected| {
            if good { Ok(()) } else { Err(ConfigError { field, found, expected }) }
        };
        check("channels", self.channels, matches!(self.channels, 1 | 3), "1 or 3")?;
        check("levels", usize::from(self.levels), matches!(self.levels, 2 | 256), "2 or 256")?;
        check("height", self.height, (1..=512).contains(&self.height), "1 to 512")?;
        check("width", self.width, (1..=512).contains(&self.width), "1 to 512")?;
        check("layers", self.layers, (1..=128).contains(&self.layers), "1 to 128")?;
        check("h", self.h, (self.channels..=1024).contains(&self.h), "at least one feature a colour, at most 1024")?;
        check(
            "head",
            self.head,
            (self.channels..=4096).contains(&self.head),
            "at least one feature a colour, at most 4096",
        )
    }

    /// Numbers the head gives for one value: one logit (the log-odds of level 1) for two levels, else one a level.
    pub fn logits(&self) -> usize {
        if self.levels == 2 { 1 } else { usize::from(self.levels) }
    }

    /// Number of weights and biases, masked ones counted.
    pub fn parameters(&self) -> usize {
        let conv = |c_in: usize, c_out: usize, kernel: usize| c_in * c_out * kernel * kernel + c_out;
        let (h, stream) = (self.h, 2 * self.h);
        // Input-to-state with its bias, state-to-state, initial h and c.
        let lstm = |inputs: usize, states: usize| 4 * h * (stream * inputs + 1) + 4 * h * h * states + 2 * h;
        let block = match self.network {
            Network::PixelCnn => conv(stream, h, 1) + conv(h, h, 3) + conv(h, stream, 1),
            Network::RowLstm => lstm(3, 3) + conv(h, stream, 1),
            Network::DiagonalBiLstm => 2 * lstm(1, 2) + conv(h, stream, 1),
        };
        let skip = if self.skip { conv(h, stream, 1) } else { 0 };
        let head = conv(stream, self.head, 1) + conv(self.head, self.channels * self.logits(), 1);
        conv(self.channels, stream, 7) + self.layers * (block + skip) + head
    }

    /// Values of one image: height · width · channels.
    pub fn dimensions(&self) -> usize {
        self.channels * self.height * self.width
    }
}
