//! The paper's layers. They know burn and no architecture.

pub mod gates;
pub mod mask;

#[cfg(feature = "native")]
mod cpu_conv;
#[cfg(feature = "native")]
mod cpu_head;
#[cfg(feature = "native")]
mod cpu_lstm;
mod diagonal_bilstm;
mod masked_conv;
mod residual;
mod row_lstm;

#[cfg(feature = "native")]
pub use cpu_conv::serves as on_cpu;
#[cfg(feature = "native")]
pub use cpu_head::{Targets, head_nll};
pub use diagonal_bilstm::{DiagonalBiLstm, DiagonalBiLstmConfig, DiagonalLstm};
pub use masked_conv::{MaskedConv2d, MaskedConv2dConfig};
pub use residual::{ConvBlock, ConvBlockConfig, Layer, LstmBlock, LstmBlockConfig, Recurrent};
pub use row_lstm::{RowLstm, RowLstmConfig};
