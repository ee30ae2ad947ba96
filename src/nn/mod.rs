//! The paper's layers. They know burn and no architecture.

pub mod gates;
pub mod mask;

mod diagonal_bilstm;
mod floats;
mod fresh;
mod masked_conv;
mod residual;
mod row_lstm;
mod seeded;

#[cfg(feature = "native")]
pub use crate::cpu::{Targets, head_nll, serves as on_cpu};
#[cfg(all(feature = "native", feature = "wgpu"))]
pub use crate::gpu::plain_on_gpu;
pub use crate::maths::Layer;
pub use diagonal_bilstm::{DiagonalBiLstm, DiagonalBiLstmConfig, DiagonalLstm};
pub use floats::floats;
pub use fresh::uniform;
pub use masked_conv::{MaskedConv2d, MaskedConv2dConfig};
pub use residual::{ConvBlock, ConvBlockConfig, LstmBlock, LstmBlockConfig, Recurrent};
pub use row_lstm::{RowLstm, RowLstmConfig};
pub use seeded::seeded;
