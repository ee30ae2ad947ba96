//! The native tests, sorted by kind of proof (DESIGN §6). Run with `cargo test --release --test native`.
//!
//! Oracles and the numbered mistakes they catch are those of the paper's published implementations. A test that needs a
//! data set is reported as ignored, with the reason, where the set is not on the machine.

mod causality;
mod causality_scales;
mod cli;
mod cli_files;
mod cli_looks;
mod cli_models;
mod cli_own;
mod cli_train;
mod codec;
mod common;
mod data;
mod distribution;
mod examples;
mod forks;
#[cfg(feature = "wgpu")]
mod fused;
#[cfg(feature = "wgpu")]
mod gpu;
mod influence;
mod likelihood;
mod likelihood_scales;
mod outside;
mod reach;
mod reach_cached;
mod reach_scales;
mod reference;
mod sampling;
mod sampling_scales;
mod sampling_statistics;
mod training;
mod training_scales;
mod training_steps;
mod weights;
mod weights_damage;
mod weights_scales;

use libtest_mimic::{Arguments, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    let trials = [
        causality::trials(),
        causality_scales::trials(),
        cli::trials(),
        cli_files::trials(),
        cli_looks::trials(),
        cli_models::trials(),
        cli_own::trials(),
        cli_train::trials(),
        codec::trials(),
        data::trials(),
        distribution::trials(),
        examples::trials(),
        forks::trials(),
        #[cfg(feature = "wgpu")]
        fused::trials(),
        #[cfg(feature = "wgpu")]
        gpu::trials(),
        influence::trials(),
        likelihood::trials(),
        likelihood_scales::trials(),
        outside::trials(),
        reach::trials(),
        reach_cached::trials(),
        reach_scales::trials(),
        reference::trials(),
        sampling::trials(),
        sampling_scales::trials(),
        sampling_statistics::trials(),
        training::trials(),
        training_scales::trials(),
        training_steps::trials(),
        weights::trials(),
        weights_damage::trials(),
        weights_scales::trials(),
    ];
    run(&Arguments::from_args(), trials.into_iter().flatten().collect()).exit_code()
}
