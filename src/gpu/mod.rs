//! Training kernels for a GPU reached through wgpu: the slow layers, each as one operation of burn with its own backward pass, and
//! the optimiser's step.
//!
//! Written with tensor operations, a scan is some forty small ones a line, each with a launch of its own. Here a line is one
//! launch forward and one backward, and nothing is waited for in between. Convolutions never multiply by a masked tap. The plain
//! layers of `nn/` are what both are tested against.

mod adam;
mod convolution;
mod memory;
mod scan;

pub use adam::{AdamStep, adam};
pub use convolution::masked_conv2d;
pub use memory::{plain_on_gpu, serves};
pub use scan::scan;
