//! What JavaScript asks to be drawn: one object, so that every part is named where it is given.

use crate::sample::{Given, Request, Sharpening};
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPE: &str = r#"
/** Images to draw, complete: with the weights it decides every pixel. */
export interface SampleRequest {
  /** A full pass of the network for every value ("naive"), or each feature once: on the CPU ("cached"), on a GPU ("fused"). */
  method: "naive" | "cached" | "fused";
  seed: bigint;
  /** Number of the first image: image k is drawn as image `first + k` of the seed. */
  first: number;
  /** Images. */
  count: number;
  /** Divides the logits; of several scales one for all or one each, smallest image first. */
  temperature: number | readonly number[];
  /** Of how many likeliest levels a value is drawn, 1 to those it can have; all where it is left out. */
  topK?: number;
  /** Above 0, at most 1: the share of probability of the likeliest levels of which a value is drawn; 1 where it is left out. */
  topP?: number;
  /** Levels `[channels, height, width]` for all images or `[count, channels, height, width]`; with it goes `mask`. */
  given?: Uint8Array;
  /** An image of which "cached" keeps a trace, counted from 0. */
  trace?: number;
  /**
   * 1 where a pixel is drawn, 0 where it is given, `[height, width]` for all images or `[count, height, width]`; or with a
   * plane a channel, `[channels, height, width]` or `[count, channels, height, width]`.
   */
  mask?: Uint8Array;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// The interface of this name.
    #[wasm_bindgen(typescript_type = "SampleRequest")]
    pub type SampleRequest;
}

impl SampleRequest {
    /// The image to be traced, if there is one.
    pub(super) fn trace(&self, count: usize) -> Result<Option<usize>, JsError> {
        let image = |value: JsValue| match value {
            nothing if nothing.is_undefined() || nothing.is_null() => Some(None),
            number => number.as_f64().map(|image| image as usize).filter(|&image| image < count).map(Some),
        };
        self.field("trace", "nothing or the number of an image", image)
    }

    /// Its method, and the request it makes of a sampler.
    pub(super) fn read(&self) -> Result<(String, Request), JsError> {
        let method = self.field("method", "a string", |value| value.as_string())?;
        let seed = self.field("seed", "a BigInt of 64 bits", |value| u64::try_from(value).ok())?;
        let number = |name| self.field(name, "a number", |value| value.as_f64());
        let (first, count) = (number("first")?, number("count")?);
        let temperatures =
            self.field("temperature", "a number, or one for each scale", |value| match value.as_f64() {
                Some(temperature) => Some(vec![temperature as f32]),
                None if !Array::is_array(&value) => None,
                None => Array::from(&value).iter().map(|one| one.as_f64().map(|one| one as f32)).collect(),
            })?;
        let (temperature, small_temperatures) = temperatures
            .split_last()
            .ok_or_else(|| JsError::new("temperature: found no number, expected one at least"))?;
        let optional = |name| {
            self.field(name, "a number or nothing", |value| match value {
                nothing if nothing.is_undefined() || nothing.is_null() => Some(None),
                number => number.as_f64().map(Some),
            })
        };
        let top_k = optional("topK")?;
        if top_k.is_some_and(|most| most != f64::from(most as u16)) {
            return Err(JsError::new("topK: expected a whole number of levels"));
        }
        let top_k = top_k.map(|most| most as u16);
        let top_p = optional("topP")?.unwrap_or(1.0) as f32;
        let sharpening = Sharpening { temperature: *temperature, top_k, top_p };
        let bytes = |name| {
            self.field(name, "a Uint8Array or nothing", |value| match value {
                nothing if nothing.is_undefined() || nothing.is_null() => Some(None),
                array => Some(Some(array.dyn_into::<Uint8Array>().ok()?.to_vec())),
            })
        };
        let (given, mask) = (bytes("given")?, bytes("mask")?);
        if given.is_some() != mask.is_some() {
            return Err(JsError::new("given pixels and the mask that says which they are come together"));
        }
        let given = given.zip(mask).map(|(levels, mask)| Given { levels, mask });
        let (first, count, small_temperatures) = (first as u32, count as usize, small_temperatures.to_vec());
        Ok((method, Request { seed, first, count, sharpening, small_temperatures, given, scale: 0 }))
    }

    fn field<T>(&self, name: &str, expected: &str, take: impl FnOnce(JsValue) -> Option<T>) -> Result<T, JsError> {
        let value = Reflect::get(self, &name.into()).unwrap_or(JsValue::UNDEFINED);
        let found = value.js_typeof().as_string().unwrap_or_default();
        take(value).ok_or_else(|| JsError::new(&format!("{name}: found {found}, expected {expected}")))
    }
}
