//! What a pass shows the network: the training images, varied from pass to pass as the configuration says.

use serde::{Deserialize, Serialize};

use crate::image::{ImageSource, Images};
use crate::sample::threefry2x32;

/// How training images are varied, drawn anew in each pass from the run's seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// Whether every second image, by chance, is turned left to right.
    #[serde(default)]
    pub flip: bool,
    /// Pixels that an image is moved by at most, in each direction; what is left free is background.
    #[serde(default)]
    pub shift: usize,
}

/// Images to train on. A batch is a function of its arguments alone, so that a run can be continued anywhere.
pub trait TrainingImages {
    /// Number of images.
    fn count(&self) -> usize;

    /// The images named by `indices` as pass `epoch` shows them.
    fn batch(&self, epoch: usize, indices: &[usize]) -> Images;
}

/// The same images in every pass.
impl TrainingImages for Images {
    fn count(&self) -> usize {
        self.count
    }

    fn batch(&self, _: usize, indices: &[usize]) -> Images {
        self.select(indices.iter().copied())
    }
}

/// Images that are varied.
pub struct Varied<S> {
    /// The images as they are.
    pub images: S,
    /// The run's seed.
    pub seed: u64,
    /// Flips and shifts.
    pub augment: Augment,
    /// The level of each channel that a shift leaves behind.
    pub background: Vec<u8>,
    /// Whether the images are brightnesses in 256 levels, of which two are drawn.
    pub bernoulli: bool,
}

/// Words of the key that keep these draws apart from one another.
const FLIP_AND_SHIFT: u32 = 0x666c_6970;
const INK: u32 = 0x696e_6b21;

impl<S: ImageSource> TrainingImages for Varied<S> {
    fn count(&self) -> usize {
        self.images.shape()[0]
    }

    fn batch(&self, epoch: usize, indices: &[usize]) -> Images {
        let mut batch = self.images.select(indices.iter().copied());
        let len = batch.image_len();
        for (levels, &image) in batch.data.chunks_mut(len).zip(indices) {
            self.move_about(levels, [batch.height, batch.width], epoch, image);
            if self.bernoulli {
                binarize(levels, self.seed, epoch, image);
            }
        }
        if self.bernoulli {
            batch.levels = 2;
        }
        batch
    }
}

impl<S> Varied<S> {
    /// Flips and shifts one image, `[channels, height, width]`.
    fn move_about(&self, levels: &mut [u8], [height, width]: [usize; 2], epoch: usize, image: usize) {
        let Augment { flip, shift } = self.augment;
        if !flip && shift == 0 {
            return;
        }
        let [a, b] = threefry2x32(key(self.seed, FLIP_AND_SHIFT), [epoch as u32, image as u32]);
        let flipped = flip && a & 1 == 1;
        // From −shift to shift, each as likely as the others up to one part in four billion.
        let draw = |word: u32| ((u64::from(word) * (2 * shift as u64 + 1)) >> 32) as isize - shift as isize;
        let [dx, dy] = [draw(b), draw(threefry2x32([a, b], [0, 0])[0])];
        let before = levels.to_vec();
        for (channel, plane) in levels.chunks_mut(height * width).enumerate() {
            let background = self.background[channel];
            for (at, level) in plane.iter_mut().enumerate() {
                let x = at % width;
                let from_x =
                    (if flipped { width - 1 - x } else { x }).checked_add_signed(if flipped { dx } else { -dx });
                let from_y = (at / width).checked_add_signed(-dy);
                *level = match (from_x, from_y) {
                    (Some(x), Some(y)) if x < width && y < height => before[(channel * height + y) * width + x],
                    _ => background,
                };
            }
        }
    }
}

/// Makes brightnesses levels of ink, 1 with the brightness as its probability: a function of the arguments alone.
pub fn binarize(brightnesses: &mut [u8], seed: u64, epoch: usize, image: usize) {
    let [a, b] = threefry2x32(key(seed, INK), [epoch as u32, image as u32]);
    for (pair, values) in brightnesses.chunks_mut(2).enumerate() {
        let words = threefry2x32([a, b], [pair as u32, 0]);
        for (value, word) in values.iter_mut().zip(words) {
            // Below 255 · 2⁻³² · word: never with brightness 0, always with 255.
            *value = u8::from(u64::from(word) * 255 < u64::from(*value) << 32);
        }
    }
}

fn key(seed: u64, purpose: u32) -> [u32; 2] {
    [seed as u32 ^ purpose, (seed >> 32) as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varied(images: Images, augment: Augment, bernoulli: bool) -> Varied<Images> {
        Varied { images, seed: 3, augment, background: vec![9, 8, 7], bernoulli }
    }

    #[test]
    fn flips_and_shifts_move_whole_images_and_fill_with_background() {
        // One image of two channels' worth of rows is enough: 1 2 3 over 4 5 6, in three channels.
        let levels: Vec<u8> = (1..=18).collect();
        let images = Images::new([1, 3, 2, 3], 256, levels.clone()).unwrap();
        let moved = |flip: bool, dx: isize, dy: isize| -> Vec<u8> {
            let value = |at: usize| {
                let (channel, y, x) = (at / 6, (at / 3 % 2) as isize - dy, (at % 3) as isize - dx);
                if !(0..2).contains(&y) || !(0..3).contains(&x) {
                    return [9, 8, 7][channel];
                }
                levels[channel * 6 + y as usize * 3 + if flip { 2 - x as usize } else { x as usize }]
            };
            (0..18).map(value).collect()
        };
        let possible: Vec<Vec<u8>> = [false, true]
            .into_iter()
            .flat_map(|flip| (-1..=1).flat_map(move |dx| (-1..=1).map(move |dy| (flip, dx, dy))))
            .map(|(flip, dx, dy)| moved(flip, dx, dy))
            .collect();
        let images = varied(images, Augment { flip: true, shift: 1 }, false);
        let mut seen = vec![0; possible.len()];
        for epoch in 0..1800 {
            let batch = images.batch(epoch, &[0]);
            let which = possible.iter().position(|possible| *possible == batch.data);
            seen[which.unwrap_or_else(|| panic!("pass {epoch}: {:?} is no flip or shift", batch.data))] += 1;
        }
        // 100 of each expected, a standard deviation of 10.
        assert!(seen.iter().all(|&count| (50..150).contains(&count)), "{seen:?}");
    }

    #[test]
    fn a_batch_is_the_same_whatever_it_is_drawn_with() {
        let data: Vec<u8> = (0..40).map(|k| k * 6).collect();
        let images = varied(Images::new([4, 1, 2, 5], 256, data).unwrap(), Augment { flip: true, shift: 1 }, true);
        let whole = images.batch(5, &[0, 1, 2, 3]);
        assert_eq!(whole.levels, 2);
        for (at, k) in [2, 0].into_iter().enumerate() {
            assert_eq!(images.batch(5, &[2, 0]).image(at), whole.image(k));
        }
        assert_ne!(images.batch(6, &[0, 1, 2, 3]).data, whole.data);
    }

    #[test]
    fn ink_is_as_frequent_as_its_brightness() {
        let brightness = [0, 1, 51, 128, 254, 255];
        let mut ink = [0; 6];
        for epoch in 0..20_000 {
            let mut levels = brightness;
            binarize(&mut levels, 1, epoch, 0);
            ink.iter_mut().zip(levels).for_each(|(sum, level)| *sum += usize::from(level));
        }
        assert_eq!([ink[0], ink[5]], [0, 20_000]);
        for (count, byte) in ink.into_iter().zip(brightness) {
            let p = f64::from(byte) / 255.0;
            // Five standard deviations.
            let off = (count as f64 / 20_000.0 - p).abs();
            assert!(off <= 5.0 * (p * (1.0 - p) / 20_000.0).sqrt(), "brightness {byte}: {count}");
        }
    }
}
