//! Pixel Recurrent Neural Networks (van den Oord, Kalchbrenner and Kavukcuoglu, 2016) on burn.
//!
//! The straight path: bytes of a weights file → model → plan → sampler → rows of pixels.
//! Axes are always `[batch, channel, height, width]`.
#![warn(missing_docs)]

#[cfg(feature = "native")]
pub mod data;
#[cfg(feature = "native")]
pub mod grid;
pub mod image;
pub mod likelihood;
pub mod model;
pub mod nn;
#[cfg(feature = "native")]
pub mod npy;
pub mod sample;
pub mod selftest;
#[cfg(feature = "native")]
pub mod train;
#[cfg(feature = "cpu")]
pub mod wasm;
pub mod weights;
