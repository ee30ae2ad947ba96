//! What a network can see of an image, and what it does see.

use super::Model;
use crate::model;
use crate::nn::mask::{MaskKind, conv_mask};
use crate::sample::{self, Question, Request, check_place};
use burn::tensor::Device;
use wasm_bindgen::prelude::*;

/// Widest kernel whose mask is asked for.
const MAX_KERNEL: usize = 31;

/// What the wiring of the network joins with a pixel, `[height, width]`: 1 at the pixels before it that its distributions may
/// depend on, and at those after it whose distributions may depend on it.
#[wasm_bindgen]
pub fn reach(model: &Model, y: usize, x: usize) -> Result<Vec<u8>, JsError> {
    check_place(&model.model.config, [0, y, x])?;
    Ok(model::reach(&model.model.config, y, x))
}

/// What a block takes in at a pixel of an image, `[channels, height, width]`, and what its layers give there, one after another: 2h
/// features, h once (a recurrent layer) or twice (convolutions), 2h. Throws an Error that names what does not fit.
#[wasm_bindgen]
pub fn activations(model: &Model, levels: Vec<u8>, block: usize, y: usize, x: usize) -> Result<Vec<f32>, JsError> {
    let config = &model.model.config;
    check_place(config, [0, y, x])?;
    Request::scoring(levels.clone(), 1, config).validate(config)?;
    if block >= config.layers {
        return Err(JsError::new(&format!("block {block} found, one of {} expected", config.layers)));
    }
    Ok(model::activations(&model.model, &levels, block, [y, x], &Device::flex()).concat())
}

/// Mask A, or B, of a convolution (§3.4) with one feature a colour, `[channels, channels, size, size]`, first the colour that is
/// made: 1 where it sees.
#[wasm_bindgen]
pub fn mask(b: bool, size: usize, channels: usize) -> Result<Vec<u8>, JsError> {
    if size.is_multiple_of(2) || size > MAX_KERNEL || !(1..=3).contains(&channels) {
        return Err(JsError::new("a mask has an odd size, 31 or less, and 1 to 3 channels"));
    }
    let kind = if b { MaskKind::B } else { MaskKind::A };
    let mask = conv_mask(kind, channels, 1, [channels, channels, size, size]);
    Ok(mask.into_iter().map(|sees| sees as u8).collect())
}

/// Finds out how far flipped pixels of an image move its distributions, step by step.
#[wasm_bindgen]
pub struct Influence(sample::Influence);

#[wasm_bindgen]
impl Influence {
    /// Before the first step. `question`: how far each pixel moves pixel (`y`, `x`), "on"; how far that pixel moves each, "of";
    /// how far each moves each, "all". Of so many `shares` of the work it does one, the pixels of every `shares`-th row, and leaves
    /// the effects of the others 0. Throws an Error that names what does not fit.
    #[wasm_bindgen(constructor)]
    pub fn new(
        model: &Model,
        levels: Vec<u8>,
        question: &str,
        y: usize,
        x: usize,
        share: usize,
        shares: usize,
    ) -> Result<Influence, JsError> {
        if share >= shares {
            return Err(JsError::new(&format!("share: found {share} of {shares}, expected a smaller one")));
        }
        let question = match question {
            "on" => Question::On { y, x },
            "of" => Question::Of { y, x },
            "all" => Question::All,
            _ => return Err(JsError::new("question: \"on\", \"of\" or \"all\" expected")),
        };
        Ok(Self(sample::Influence::new(&model.plans, &levels, question)?.share(share, shares)))
    }

    /// Whether the answer is complete.
    #[wasm_bindgen(getter)]
    pub fn done(&self) -> bool {
        self.0.done()
    }

    /// Does the next step. Gives the row whose pixels have all been flipped by that, if there is one.
    pub fn step(&mut self) -> Result<Option<usize>, JsError> {
        if self.0.done() { Err(JsError::new("the answer is complete already")) } else { Ok(self.0.step()) }
    }

    /// The answer, 0 where it is not known yet: `[height, width]`, or `[height · width, height · width]`, first the pixel flipped.
    pub fn effects(&self) -> Vec<f32> {
        self.0.effects().to_vec()
    }
}

/// The effects of each pixel on each, `[height · width, height · width]`, averaged over the pairs that lie alike:
/// `[height, 2 · width − 1]`, as seen from the middle of the last row.
#[wasm_bindgen(js_name = meanEffects)]
pub fn mean_effects(effects: &[f32], height: usize, width: usize) -> Result<Vec<f32>, JsError> {
    if effects.len() != (height * width).pow(2) {
        return Err(JsError::new(&format!(
            "{} effects found, those of each pixel of {width}×{height} on each expected",
            effects.len()
        )));
    }
    Ok(sample::mean_effects(effects, [height, width]))
}
