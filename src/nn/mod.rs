//! The paper's layers. They know burn and no architecture.

pub mod mask;

#[cfg(feature = "native")]
mod cpu_conv;
mod masked_conv;
mod residual;

#[cfg(feature = "native")]
pub use cpu_conv::serves as on_cpu;
pub use masked_conv::{MaskedConv2d, MaskedConv2dConfig};
pub use residual::{ConvBlock, ConvBlockConfig};
