//! What is to be drawn: whose uniforms, how many images, and which pixels are given.

use super::sharpening::Sharpening;
use super::uniform::uniform;
use crate::model::ModelConfig;

/// Images a request may ask for at once.
pub const MAX_COUNT: usize = 1 << 20;

/// A drawing request, complete: with the weights it decides every pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Seed of the uniforms.
    pub seed: u64,
    /// Number of the first image: image k of the request draws as image `first + k` of the seed.
    pub first: u32,
    /// Images.
    pub count: usize,
    /// How the network's distributions are sharpened.
    pub sharpening: Sharpening,
    /// Of several scales (§3.6) the temperatures of the smaller images, smallest first; none: all have that of the image.
    pub small_temperatures: Vec<f32>,
    /// Pixels that are not drawn (§2, completions); none: everything is drawn.
    pub given: Option<Given>,
    /// Which of the images of several scales (§3.6) this is about: 0 for the image itself, 1 for the small one it is drawn
    /// from, and so on. Each has uniforms of its own.
    pub scale: usize,
}

/// Pixels that are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// Levels, `[channels, height, width]` for all images or `[count, channels, height, width]`.
    pub levels: Vec<u8>,
    /// 1 where the pixel is to be drawn, 0 where it is given, `[height, width]` for all images or `[count, height, width]`.
    /// In colour it may have a plane a channel, `[channels, height, width]` for all images or
    /// `[count, channels, height, width]`. Its length says which of these it is; three planes for three images of three
    /// channels are one an image.
    ///
    /// An image of which everything up to some value is given as it was drawn comes out the same again: uniform numbers
    /// belong to places. With several scales (§3.6) it need not. Its given values give those of the small image that lie
    /// among them, which need not be what was drawn there, the other values of the small image are drawn again, and what is
    /// drawn of the large one follows them.
    pub mask: Vec<u8>,
}

/// How a mask is laid out.
#[derive(Clone, Copy)]
struct MaskShape {
    /// Values for one image.
    one: usize,
    /// Whether each channel has its own plane.
    channels: bool,
}

impl Given {
    fn mask_shape(&self, count: usize, config: &ModelConfig) -> MaskShape {
        let (pixels, values) = (config.height * config.width, config.dimensions());
        let planes_of_one = self.mask.len() == values && count != config.channels;
        let channels = planes_of_one || self.mask.len() == count * values;
        MaskShape { one: if channels { values } else { pixels }, channels }
    }
}

/// A request that cannot be drawn.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[error("{field}: found {found}, expected {expected}")]
pub struct RequestError {
    /// The offending part of the request.
    pub field: &'static str,
    /// What it holds.
    pub found: String,
    /// What would have been accepted.
    pub expected: String,
}

/// Checks that there is a channel, a row and a column of these numbers.
///
/// # Errors
/// Names the first that is beyond the image.
pub fn check_place(config: &ModelConfig, [channel, y, x]: [usize; 3]) -> Result<(), RequestError> {
    for (field, found, end) in
        [("channel", channel, config.channels), ("row", y, config.height), ("column", x, config.width)]
    {
        if found >= end {
            return Err(RequestError { field, found: found.to_string(), expected: format!("0 to {}", end - 1) });
        }
    }
    Ok(())
}

impl Request {
    /// Every pixel of `count` images drawn with `seed` from the network's own distributions.
    pub fn samples(seed: u64, count: usize) -> Self {
        let (sharpening, small_temperatures) = (Sharpening::NONE, Vec::new());
        Self { seed, first: 0, count, sharpening, small_temperatures, given: None, scale: 0 }
    }

    /// A request under which every pixel of the `count` images in `levels` is known: drawing it scores them.
    pub fn scoring(levels: Vec<u8>, count: usize, config: &ModelConfig) -> Self {
        let given = Given { levels, mask: vec![0; config.height * config.width] };
        Self { given: Some(given), ..Self::samples(0, count) }
    }

    /// Checks the request against the network that is to draw it.
    pub fn validate(&self, config: &ModelConfig) -> Result<(), RequestError> {
        let check = |good: bool, field, found: String, expected: String| {
            if good { Ok(()) } else { Err(RequestError { field, found, expected }) }
        };
        let count = self.count;
        check((1..=MAX_COUNT).contains(&count), "count", count.to_string(), format!("1 to {MAX_COUNT}"))?;
        let last = u64::from(self.first) + count as u64 - 1;
        let expected = format!("at most {} with {count} images", u32::MAX - (count as u32 - 1));
        check(last <= u64::from(u32::MAX), "first image", self.first.to_string(), expected)?;
        self.sharpening.validate(config.levels)?;
        let (scales, temperatures) = (config.scales().len(), self.small_temperatures.len() + 1);
        let expected = if scales == 1 { "1".to_owned() } else { format!("1 or {scales}, one a scale") };
        check([1, scales].contains(&temperatures), "temperatures", temperatures.to_string(), expected)?;
        let mut small = self.small_temperatures.iter();
        small.try_for_each(|&temperature| Sharpening::at(temperature).validate(config.levels))?;
        let Some(Given { levels, mask }) = &self.given else { return Ok(()) };

        let (image, pixels) = (config.dimensions(), config.height * config.width);
        let either = |one: usize, what: &str| format!("{one} or {} {what}", one * count);
        let fits = |length: usize, one: usize| length == one || length == one * count;
        check(fits(levels.len(), image), "given levels", format!("{} values", levels.len()), either(image, "values"))?;
        let fitting = fits(mask.len(), pixels) || fits(mask.len(), image);
        check(
            fitting,
            "mask",
            format!("{} values", mask.len()),
            either(pixels, "values, or as many for each channel"),
        )?;
        let bad = levels.iter().find(|&&level| u16::from(level) >= config.levels);
        let expected = format!("levels below {}", config.levels);
        check(bad.is_none(), "given levels", format!("level {}", bad.unwrap_or(&0)), expected)?;
        let bad = mask.iter().find(|&&value| value > 1);
        check(bad.is_none(), "mask", format!("value {}", bad.unwrap_or(&0)), "0 (given) or 1 (drawn)".to_owned())
    }

    /// The request for the small images inside this one's (§3.6): what is given of an image gives the pixels of the small one
    /// that it holds.
    ///
    /// # Panics
    /// When the request does not fit the network.
    pub fn small(&self, config: &ModelConfig) -> Self {
        let given = self.given.as_ref().map(|Given { levels, mask }| Given {
            levels: config.small_levels(levels),
            mask: config.small_levels(mask),
        });
        let mut request = Self { given, scale: self.scale + 1, ..self.clone() };
        if let Some(temperature) = request.small_temperatures.pop() {
            request.sharpening.temperature = temperature;
        }
        request
    }

    /// The uniform number that decides channel `channel` of pixel (`x`, `y`) of the request's image `image`.
    pub fn uniform_at(&self, image: usize, channel: usize, y: usize, x: usize) -> f32 {
        // Rows end at 2⁹, so scales and rows share sixteen bits.
        uniform(self.seed, self.first + image as u32, self.scale << 12 | y, x, channel)
    }

    /// Rows at the top whose pixels are all given, in every image.
    pub fn rows_given(&self, config: &ModelConfig) -> usize {
        let Some(Given { mask, .. }) = &self.given else { return 0 };
        let planes = mask.chunks_exact(config.height * config.width);
        let drawn = planes.filter_map(|plane| plane.iter().position(|&value| value == 1)).min();
        drawn.map_or(config.height, |pixel| pixel / config.width)
    }

    /// For each image the first one of its neighbours that are given the same levels in the uppermost `rows` rows.
    pub fn same_above(&self, config: &ModelConfig, rows: usize) -> Vec<usize> {
        let (dimensions, pixels) = (config.dimensions(), config.height * config.width);
        let Some(Given { levels, .. }) = &self.given else { return (0..self.count).collect() };
        let mut first = 0;
        let same = |image: usize, other: usize| {
            let [image, other] = [image, other].map(|k| levels[k * dimensions..][..dimensions].chunks_exact(pixels));
            image.zip(other).all(|(image, other)| image[..rows * config.width] == other[..rows * config.width])
        };
        let first_of = |image: usize| {
            if levels.len() > dimensions && !same(image, first) {
                first = image;
            }
            first
        };
        (0..self.count).map(first_of).collect()
    }

    /// The level that channel `channel` of pixel (`x`, `y`) of the request's image `image` must have, if it is given.
    pub fn given_at(&self, config: &ModelConfig, image: usize, channel: usize, y: usize, x: usize) -> Option<u8> {
        let given = self.given.as_ref()?;
        let Given { levels, mask } = given;
        let (dimensions, pixels) = (config.dimensions(), config.height * config.width);
        let MaskShape { one, channels } = given.mask_shape(self.count, config);
        let pixel = y * config.width + x;
        let value = channel * pixels + pixel;
        let own = |length: usize, one: usize| if length == one { 0 } else { image * one };
        if mask[own(mask.len(), one) + if channels { value } else { pixel }] == 1 {
            return None;
        }
        Some(levels[own(levels.len(), dimensions) + value])
    }
}
