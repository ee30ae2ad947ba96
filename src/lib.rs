//! Pixel Recurrent Neural Networks (van den Oord, Kalchbrenner and Kavukcuoglu, 2016) on burn.
//!
//! The straight path, and where each station is:
//!
//! | station | what it is | module |
//! |---|---|---|
//! | weights | the bytes of one safetensors file, configuration included | [`weights`] |
//! | model | layers of the paper put together; images in, logits out | [`nn`], [`model`] |
//! | plan | the model flattened for drawing, masked weights dropped | [`sample::Plan`] |
//! | sampler | row after row: features once, logits, a draw | [`sample`] |
//! | row | levels of one row of every image, then RGBA bytes | [`image`] |
//!
//! Arrows never turn back. Training goes the same way as far as the logits and on to the [`likelihood`].
//!
//! Axes are always `[batch, channel, height, width]`. A *level* is an integer value of a pixel, an *intensity* the same
//! between 0 and 1; h is the paper's width.
#![warn(missing_docs)]

#[cfg(feature = "native")]
mod cpu;
#[cfg(feature = "native")]
pub mod data;
#[cfg(feature = "native")]
pub mod grid;
pub mod image;
pub mod likelihood;
pub mod maths;
pub mod model;
pub mod nn;
#[cfg(feature = "native")]
pub mod npy;
#[cfg(feature = "native")]
pub mod output;
pub mod sample;
#[cfg(feature = "fused")]
pub mod selftest;
pub mod sniff;
#[cfg(feature = "native")]
pub mod train;
#[cfg(feature = "cpu")]
pub mod wasm;
pub mod weights;
