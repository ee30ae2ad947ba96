//! The grey images behind binarized MNIST's training split.
//!
//! Its training and validation images are one shuffle of MNIST's 60,000 training images, each drawn once: a pixel is ink with
//! its brightness as the probability. To draw the training images anew, those that validate have to be found among the
//! grey ones and left out. A pixel that is black in the grey image is never ink and one that is white always is, which
//! leaves a few candidates of the 60,000, of which the likeliest is nearly always far ahead. Of thin strokes it is not, so
//! every candidate that may have been the one is left out.

use rayon::prelude::*;

use crate::image::Images;

/// Words of 64 pixels.
type Bits = Vec<u64>;

fn bits(levels: &[u8], set: impl Fn(u8) -> bool) -> Bits {
    let word = |pixels: &[u8]| pixels.iter().fold(0, |word, &level| word << 1 | u64::from(set(level)));
    levels.chunks(64).map(word).collect()
}

/// Nats that a candidate is behind the likeliest one when it is given up: it is e¹⁰ = 22,000 times less likely.
const GIVEN_UP_NATS: f64 = 10.0;

/// For each binary image the grey images it may have been drawn from, the likeliest first.
pub fn origins(binary: &Images, grey: &Images) -> Vec<Vec<usize>> {
    assert_eq!(binary.image_len(), grey.image_len(), "images of one size");
    let possible: Vec<[Bits; 2]> = (0..grey.count)
        .map(|k| [bits(grey.image(k), |byte| byte > 0), bits(grey.image(k), |byte| byte == 255)])
        .collect();
    let ln = |byte: u8| (f64::from(byte) / 255.0).ln();
    let (ink, paper): (Vec<f64>, Vec<f64>) = (0..=255).map(|byte: u8| (ln(byte), ln(255 - byte))).unzip();
    let of_image = |levels: &[u8]| {
        let image = bits(levels, |level| level == 1);
        let fits = |[may, must]: &[Bits; 2]| {
            image.iter().zip(may).all(|(image, may)| image & !may == 0)
                && image.iter().zip(must).all(|(image, must)| must & !image == 0)
        };
        let likelihood = |k: usize| -> f64 {
            let of = |(&level, &byte): (&u8, &u8)| [&paper, &ink][usize::from(level)][usize::from(byte)];
            levels.iter().zip(grey.image(k)).map(of).sum()
        };
        let candidates = (0..grey.count).filter(|&k| fits(&possible[k]));
        let mut candidates: Vec<(f64, usize)> = candidates.map(|k| (likelihood(k), k)).collect();
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
        let highest = candidates.first().map_or(0.0, |candidate| candidate.0);
        candidates.retain(|candidate| highest - candidate.0 < GIVEN_UP_NATS);
        candidates.into_iter().map(|(_, k)| k).collect()
    };
    (0..binary.count).into_par_iter().map(|k| of_image(binary.image(k))).collect()
}

/// The grey images that none of the binary ones can have been drawn from, in their order.
///
/// # Errors
/// When a binary image was drawn from none of the grey images.
pub fn without_origins(grey: &Images, binary: &Images) -> Result<Images, String> {
    let mut behind = vec![false; grey.count];
    for (image, candidates) in origins(binary, grey).into_iter().enumerate() {
        if candidates.is_empty() {
            return Err(format!("image {image} cannot have been drawn from any of the grey images"));
        }
        candidates.into_iter().for_each(|k| behind[k] = true);
    }
    Ok(grey.select((0..grey.count).filter(|&k| !behind[k])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::uniform;

    /// Grey noise whose every image is another, and binary images drawn from it.
    fn drawn(count: usize) -> (Images, Images) {
        let grey: Vec<u8> = (0..count * 70).map(|k| (uniform(1, k as u32, 0, 0, 0) * 400.0).min(255.0) as u8).collect();
        let draw = |(k, &byte): (usize, &u8)| u8::from(uniform(2, k as u32, 0, 0, 0) < f32::from(byte) / 255.0);
        let binary = grey.iter().enumerate().map(draw).collect();
        let images = |levels, data| Images::new([count, 1, 7, 10], levels, data).unwrap();
        (images(256, grey), images(2, binary))
    }

    #[test]
    fn each_image_is_found_and_left_out() {
        let (grey, binary) = drawn(50);
        let chosen = binary.select([7, 3, 30]);
        let found = origins(&chosen, &grey);
        assert_eq!(found, [[7], [3], [30]]);
        assert_eq!(without_origins(&grey, &chosen).unwrap(), grey.select((0..50).filter(|k| ![3, 7, 30].contains(k))));
    }

    #[test]
    fn where_two_images_may_be_the_one_both_are_left_out() {
        // Of brightness 120 and 130 everywhere, each is as good a guess as the other; 255 cannot give a dark pixel.
        let grey = Images::new([3, 1, 7, 10], 256, [[120; 70], [130; 70], [255; 70]].concat()).unwrap();
        let binary = Images::new([1, 1, 7, 10], 2, [0, 1].repeat(35)).unwrap();
        assert_eq!(without_origins(&grey, &binary).unwrap(), grey.select([2]));
    }

    #[test]
    fn images_of_another_set_are_refused() {
        let (grey, binary) = drawn(20);
        let none = without_origins(&grey.select(0..5), &binary.select([9])).unwrap_err();
        assert_eq!(none, "image 0 cannot have been drawn from any of the grey images");
    }
}
