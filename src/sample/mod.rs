//! Pixels out of a model, one row at a time.
//!
//! Randomness is an input: a [`Request`] names a seed, and [`uniform()`] makes of it one number a value. So the
//! [naive](NaiveSampler) and the [cached](CachedSampler) sampler draw the same picture. Completing an image is drawing
//! with given pixels, scoring it is drawing with all of them given: one engine does all three. Where a network has several
//! scales (§3.6), a [`Cascade`] of such samplers draws the small image first and then the large one.

#[cfg(any(test, feature = "fused"))]
mod by_place;
mod cached;
mod canvas;
mod cascade;
mod distribution;
mod draw;
mod flatten;
#[cfg(feature = "fused")]
mod fused;
mod lanes;
mod layout;
mod naive;
mod plan;
mod program;
mod request;
mod sharpening;
mod uniform;
mod upsampling;

pub use cached::{CachedSampler, CachedScale, Influence, Question, RowTrace, mean_effects};
pub use canvas::{Decide, Decider};
pub use cascade::{Cascade, Scale, Scored};
pub use distribution::distribution;
pub use draw::{draw, nll_nats, probabilities};
#[cfg(feature = "fused")]
pub use fused::{Figures, FusedDevice, FusedError, FusedSampler, FusedScale};
pub use naive::{NaiveSampler, NaiveScale};
pub use plan::{Border, Conditioning, HERE, LANES, PANEL, Pass, Place, Plan, Run, SEGMENT, Slot, Step, Sums, Term};
pub use request::{Given, MAX_COUNT, Request, RequestError, check_place};
pub use sharpening::Sharpening;
pub use uniform::{threefry2x32, uniform};
pub use upsampling::Upsampling;

#[cfg(any(test, feature = "fused"))]
pub(crate) use by_place::model_by_place;
