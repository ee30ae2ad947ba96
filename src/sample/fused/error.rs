//! Why the fused sampler does not draw.

use crate::sample::request::RequestError;

/// Why the fused sampler does not draw.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FusedError {
    /// There is no device.
    #[error("no GPU could be opened: {0}")]
    NoDevice(String),
    /// The request does not fit the network.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The network does not fit the device.
    #[error("an image of this network needs {needed} bytes of GPU memory, more than the {most} of a buffer")]
    TooLarge {
        /// Bytes.
        needed: usize,
        /// Those there are.
        most: usize,
    },
    /// A pixel of the network takes more rounds of loops than a software device makes.
    #[error(
        "a pixel of this network takes {needed} rounds of loops, more than the {most} that a software adapter makes"
    )]
    TooLong {
        /// Rounds.
        needed: usize,
        /// Those it makes.
        most: usize,
    },
    /// The device has not as much memory.
    #[error("the GPU ran out of memory")]
    OutOfMemory,
    /// The device takes a program, or a launch of it, for faulty.
    #[error("the GPU refused its work: {0}")]
    Refused(String),
    /// The device failed.
    #[error("the GPU stopped answering: {0}")]
    Lost(String),
}

/// Errors of the runtime carry backtraces and lists of causes; a person wants their first two lines, as one.
pub fn first_line(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "Caused by:");
    let bare = |line: &str| line.trim_start_matches("- ").trim_end_matches('.').to_owned();
    lines.take_while(|line| !line.starts_with("Backtrace")).take(2).map(bare).collect::<Vec<_>>().join(": ")
}
