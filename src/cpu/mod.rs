//! Training kernels for the CPU: the slow layers, each as one operation of burn with its own backward pass.

mod contract;
mod conv;
mod frame;
mod head;
mod lstm;
mod operation;
mod vector;

pub use conv::{ConvBlockShape, conv_block, masked_conv2d};
pub use head::{Targets, head_nll};
pub use lstm::{LstmBlockShape, lstm_block};
pub use operation::serves;
