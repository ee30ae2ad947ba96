//! Images as few bytes, and back.

use super::Model;
use crate::codec::{Compressor, Decompressor, ModelId};
use crate::image::Images;
use wasm_bindgen::prelude::*;

/// Which way it goes.
enum Way {
    There(Compressor),
    Back(Decompressor),
}

/// Compresses images, or decompresses a file of them, a few rows at a time.
#[wasm_bindgen]
pub struct Codec(Way);

#[wasm_bindgen]
impl Codec {
    /// Before the first row of `levels`, `[count, channels, height, width]`. `sha256` is that of the model's weights file, in
    /// hexadecimal digits. Throws an Error that names what does not fit.
    pub fn compress(model: &Model, sha256: &str, levels: Vec<u8>, count: usize) -> Result<Codec, JsError> {
        let config = &model.model.config;
        let images = Images::new([count, config.channels, config.height, config.width], config.levels, levels)?;
        Ok(Self(Way::There(Compressor::new(&model.plans, ModelId::from_sha256(sha256)?, images)?)))
    }

    /// Before the first row of the images in `file`. Throws an Error that says what is wrong with it, or that it was made with
    /// another model.
    pub fn decompress(model: &Model, sha256: &str, file: &[u8]) -> Result<Codec, JsError> {
        Ok(Self(Way::Back(Decompressor::new(&model.plans, ModelId::from_sha256(sha256)?, file)?)))
    }

    /// Rows of all images, at every scale.
    #[wasm_bindgen(getter)]
    pub fn rows(&self) -> usize {
        match &self.0 {
            Way::There(compressor) => compressor.rows(),
            Way::Back(decompressor) => decompressor.rows(),
        }
    }

    /// Those of them that are done.
    #[wasm_bindgen(getter, js_name = rowsDone)]
    pub fn rows_done(&self) -> usize {
        match &self.0 {
            Way::There(compressor) => compressor.rows_done(),
            Way::Back(decompressor) => decompressor.rows_done(),
        }
    }

    /// Does the next row of a few images. Throws when every row is done.
    pub fn step(&mut self) -> Result<(), JsError> {
        if self.rows_done() == self.rows() {
            return Err(super::no_row());
        }
        match &mut self.0 {
            Way::There(compressor) => compressor.next_row(),
            Way::Back(decompressor) => decompressor.next_row(),
        }
        Ok(())
    }

    /// When every row is done: the file, or the levels of its images, `[count, channels, height, width]`. Throws where these are not
    /// those that were compressed.
    pub fn finish(self) -> Result<Vec<u8>, JsError> {
        if self.rows_done() < self.rows() {
            return Err(JsError::new("not every row is done yet"));
        }
        Ok(match self.0 {
            Way::There(compressor) => compressor.finish(),
            Way::Back(decompressor) => decompressor.finish()?.data,
        })
    }
}
