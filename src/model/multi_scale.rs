//! Several scales (§3.6): a network draws a small image, and another, which sees it around every pixel, the large one.
//!
//! The small image is the large one *subsampled*: of every block of pixels the one at its centre is kept. A convolutional
//! network with deconvolutions turns it back into a map as large as the large image, which every layer of the large image's
//! network sees through a 1×1 convolution without a mask. The map's own view has a bound, two or three pixels of the small image to
//! either side; what lies farther back a pixel knows through the pixels drawn before it.

use super::ModelConfig;
use crate::nn::uniform;
use burn::module::{Module, Param};
use burn::tensor::activation::relu;
use burn::tensor::module::{conv_transpose2d, conv2d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use burn::tensor::{Device, Tensor};

/// The network between a small image and the map that conditions the layers of the large one. Where the paper is silent: two
/// 3×3 convolutions, then for each doubling a 4×4 deconvolution with stride 2; a ReLU behind each of them.
#[derive(Module, Debug)]
pub struct Upsampler {
    /// 3×3, channels → c and c → c, zeros around the image.
    pub convs: Vec<UnmaskedConv>,
    /// 4×4, stride 2, c → c, each twice as high and wide as what it reads; weights `[c in, c out, 4, 4]`.
    pub deconvs: Vec<UnmaskedConv>,
}

/// Weights and biases of a convolution without a mask.
#[derive(Module, Debug)]
pub struct UnmaskedConv {
    /// `[features_out, features_in, height, width]`, of a deconvolution `[features_in, features_out, height, width]`
    pub weight: Param<Tensor<4>>,
    /// `[features_out]`
    pub bias: Param<Tensor<1>>,
}

impl UnmaskedConv {
    /// Drawn from U(−k, k), k² = 1 / inputs.
    fn init(shape: [usize; 4], inputs: usize, features_out: usize, device: &Device) -> Self {
        let bound = 1.0 / (inputs as f64).sqrt();
        Self { weight: uniform(bound, shape, device), bias: uniform(bound, [features_out], device) }
    }
}

impl Upsampler {
    /// A network with fresh weights, where `config` asks for one.
    pub fn init(config: &ModelConfig, device: &Device) -> Option<Self> {
        let maps = config.conditioning.as_ref()?.maps;
        let conv = |features| UnmaskedConv::init([maps, features, 3, 3], features * 9, maps, device);
        let deconv = || UnmaskedConv::init([maps, maps, 4, 4], maps * 16, maps, device);
        Some(Self {
            convs: [config.channels, maps].map(conv).into(),
            deconvs: (0..config.factor().ilog2()).map(|_| deconv()).collect(),
        })
    }

    /// # Shapes
    /// - `small`: `[batch, channels, small height, small width]`
    /// - output: `[batch, c, height, width]`
    pub fn forward(&self, small: Tensor<4>) -> Tensor<4> {
        let map = self.convs.iter().fold(small, |map, UnmaskedConv { weight, bias }| {
            relu(conv2d(map, weight.val(), Some(bias.val()), ConvOptions::new([1, 1], [1, 1], [1, 1], 1)))
        });
        self.deconvs.iter().fold(map, |map, UnmaskedConv { weight, bias }| {
            let doubled = ConvTransposeOptions::new([2, 2], [1, 1], [0, 0], [1, 1], 1);
            relu(conv_transpose2d(map, weight.val(), Some(bias.val()), doubled))
        })
    }
}

/// What conditions the layers of a network, where something does.
///
/// # Panics
/// When there is a small image and nothing to turn it into a map, or the other way round.
pub fn condition(upsampler: Option<&Upsampler>, small: Option<Tensor<4>>) -> Option<Tensor<4>> {
    match (upsampler, small) {
        (Some(upsampler), Some(small)) => Some(upsampler.forward(small)),
        (None, None) => None,
        (Some(_), None) => panic!("a network of several scales and no small image"),
        (None, Some(_)) => panic!("a small image and a network of one scale"),
    }
}
