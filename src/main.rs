//! The command line: data sets, training, scoring and drawing. Arguments in, calls out, no maths.

mod cli;

use clap::Parser;
use std::process::ExitCode;

/// Training allocates and frees tensors of megabytes at every operation; the system's allocator hands them back to the
/// kernel each time, which costs a quarter of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A reader that has seen enough, such as `head`, ends a program quietly; without this, printing to it would panic.
    #[cfg(unix)]
    // SAFETY: nothing else is running yet, and the default action is no function of ours.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
    match cli::run(cli::Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
