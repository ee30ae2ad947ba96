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
//!
//! Four digits drawn by a network of the repository, and how probable they are:
//!
//! ```
//! use pixelrnn::{Device, image::Images, likelihood, sample, weights};
//!
//! let file = std::fs::read("www/models/mnist-diagonal.safetensors")?;
//! let model = weights::load(&file, &Device::flex())?.model;
//! let mut sampler = sample::CachedSampler::new(&sample::Plan::of(&model), sample::Request::samples(7, 4))?;
//! while sampler.next_row() {}
//!
//! let images = Images::new([4, 1, 28, 28], 2, sampler.levels())?;
//! let nats = likelihood::score(&model, &images, 4, &Device::flex(), |_| ());
//! assert_eq!(nats.len(), images.data.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod codec;
#[cfg(feature = "native")]
mod cpu;
#[cfg(feature = "native")]
pub mod data;
#[cfg(all(feature = "native", feature = "wgpu"))]
mod gpu;
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
pub mod onnx;
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

/// What burn computes on, so that a program that only draws and scores needs no burn of its own.
pub use burn::tensor::Device;

/// The programs of the README are tested as the examples of this documentation are.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
