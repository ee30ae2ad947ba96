//! How far the wiring reaches: which pixels a path of unmasked taps joins, whatever the weights on it. From the configuration
//! alone, one scale at a time.
//!
//! Every layer looks at the same places around each of its pixels. So what a pixel is reached from is found like what it
//! reaches, with the image turned by half a turn and the layers in reverse.

use super::{ModelConfig, Network};
use std::ops::Range;

/// The pixels that something has come to; outside the image there are none.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    size: [isize; 2],
    /// `[height, width]`.
    pub pixels: Vec<bool>,
}

/// What the wiring joins with pixel (`y`, `x`), `[height, width]`: 1 at the pixels before it that its distributions may depend
/// on, and at those after it whose distributions may depend on it; 0 at the others and at the pixel itself. Of several scales
/// (§3.6) it is that of the image, its small one being held.
///
/// # Panics
/// When the pixel is not one of the image.
pub fn reach(config: &ModelConfig, y: usize, x: usize) -> Vec<u8> {
    let pixel = Reached::only(config, y, x);
    let (before, after) = (pixel.sources(config), pixel.spread(config, config.channels > 1));
    let own = y * config.width + x;
    let joined = |k: usize| k != own && if k < own { before.pixels[k] } else { after.pixels[k] };
    (0..config.height * config.width).map(|k| u8::from(joined(k))).collect()
}

impl Reached {
    /// No pixel.
    pub fn nothing(config: &ModelConfig) -> Self {
        let size = [config.height as isize, config.width as isize];
        Self { size, pixels: vec![false; config.height * config.width] }
    }

    /// One pixel.
    ///
    /// # Panics
    /// When it is not one of the image.
    pub fn only(config: &ModelConfig, y: usize, x: usize) -> Self {
        assert!(y < config.height && x < config.width, "pixel ({y}, {x}) of {} × {}", config.height, config.width);
        let mut pixel = Self::nothing(config);
        pixel.pixels[y * config.width + x] = true;
        pixel
    }

    /// The pixels whose logits paths lead to from values of these; `own`: whether colours after them in the same pixel are
    /// on the way, as for all but the last colour.
    pub fn spread(&self, config: &ModelConfig, own: bool) -> Self {
        let layer = |stream: Self| stream.or(&stream.after_inputs(config.network).after_states(config.network));
        (0..config.layers).fold(self.after_kernel(3, own), |stream, _| layer(stream))
    }

    /// The pixels from whose values, of any colour, paths lead to logits of these.
    pub fn sources(&self, config: &ModelConfig) -> Self {
        self.features(config).turned().after_kernel(3, config.channels > 1).turned()
    }

    /// The pixels from whose features, of any layer, paths lead to logits of these.
    pub fn features(&self, config: &ModelConfig) -> Self {
        let layer = |stream: Self| stream.or(&stream.after_states(config.network).after_inputs(config.network));
        (0..config.layers).fold(self.turned(), |stream, _| layer(stream)).turned()
    }

    /// The columns of row `y` from the first to the last that it has come to; none is an empty range.
    pub fn columns(&self, y: usize) -> Range<usize> {
        let width = self.size[1] as usize;
        let row = &self.pixels[y * width..][..width];
        let end = row.iter().rposition(|&reached| reached).map_or(0, |last| last + 1);
        row.iter().position(|&reached| reached).unwrap_or(end)..end
    }

    /// Whether it has come to a pixel.
    pub fn at(&self, y: isize, x: isize) -> bool {
        let [height, width] = self.size;
        (0..height).contains(&y) && (0..width).contains(&x) && self.pixels[(y * width + x) as usize]
    }

    /// A map filled row by row, from the left or from the right; `sees` is shown what is filled so far.
    pub fn filled(&self, from_left: bool, sees: &dyn Fn(&Self, isize, isize) -> bool) -> Self {
        let [height, width] = self.size;
        let mut map = Self { size: self.size, pixels: vec![false; self.pixels.len()] };
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let x = if from_left { x } else { width - 1 - x };
            map.pixels[(y * width + x) as usize] = sees(&map, y, x);
        }
        map
    }

    /// These pixels and others.
    pub fn or(&self, other: &Self) -> Self {
        Self {
            size: self.size,
            pixels: self.pixels.iter().zip(&other.pixels).map(|(&own, &other)| own || other).collect(),
        }
    }

    /// After a kernel of this radius under mask A, or B where `here`.
    pub fn after_kernel(&self, radius: isize, here: bool) -> Self {
        self.filled(true, &|_, y, x| {
            let above = (1..=radius).any(|up| (-radius..=radius).any(|dx| self.at(y - up, x + dx)));
            above || (1..=radius).any(|left| self.at(y, x - left)) || here && self.at(y, x)
        })
    }

    /// After the convolution of a layer: the 3×3 of a PixelCNN, input-to-state of the others.
    pub fn after_inputs(&self, network: Network) -> Self {
        match network {
            Network::PixelCnn => self.after_kernel(1, true),
            Network::RowLstm => self.filled(true, &|_, y, x| self.at(y, x) || self.at(y, x - 1)),
            Network::DiagonalBiLstm => self.clone(),
        }
    }

    /// After what follows that convolution: the states of a recurrent layer.
    pub fn after_states(&self, network: Network) -> Self {
        match network {
            Network::PixelCnn => self.clone(),
            Network::RowLstm => {
                self.filled(true, &|h, y, x| self.at(y, x) || (-1..=1).any(|beside| h.at(y - 1, x + beside)))
            }
            Network::DiagonalBiLstm => {
                let from = |beside: isize| {
                    let sees = move |h: &Self, y, x| self.at(y, x) || h.at(y, x + beside) || h.at(y - 1, x);
                    self.filled(beside < 0, &sees)
                };
                let (left, right) = (from(-1), from(1));
                self.filled(true, &|_, y, x| left.at(y, x) || right.at(y - 1, x))
            }
        }
    }

    /// Turned by half a turn.
    fn turned(&self) -> Self {
        Self { size: self.size, pixels: self.pixels.iter().rev().copied().collect() }
    }
}
