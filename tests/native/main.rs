//! The native tests, sorted by kind of proof (DESIGN §6). Run with `cargo test --release --test native`.
//!
//! Oracles and the numbered mistakes they catch are those of the paper's published implementations. A test that needs a
//! data set is reported as ignored, with the reason, where the set is not on the machine.

mod causality;
mod cli;
mod cli_train;
mod common;
mod likelihood;
mod reach;
mod reach_cached;
mod reference;
mod sampling;
mod sampling_statistics;
mod training;
mod weights;
mod weights_damage;

use libtest_mimic::{Arguments, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    let trials = [
        causality::trials(),
        cli::trials(),
        cli_train::trials(),
        likelihood::trials(),
        reach::trials(),
        reach_cached::trials(),
        reference::trials(),
        sampling::trials(),
        sampling_statistics::trials(),
        training::trials(),
        weights::trials(),
        weights_damage::trials(),
    ];
    run(&Arguments::from_args(), trials.into_iter().flatten().collect()).exit_code()
}
