//! Training kernels for a GPU reached through wgpu: the scan of a recurrent layer as one operation of burn, with its backward pass.
//!
//! Written with tensor operations, a scan is some forty small ones a line, each with a launch of its own. Here a line is one
//! launch forward and one backward, and nothing is waited for in between. The plain scans of `nn/row_lstm.rs` and
//! `nn/diagonal_bilstm.rs` are what it is tested against.

mod memory;
mod scan;

pub use memory::serves;
pub use scan::scan;
