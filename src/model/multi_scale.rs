//! Several scales (§3.6): a network draws a small image, and another, which sees it around every pixel, the large one.
//!
//! The small image is the large one *subsampled*: of every block of pixels the one at its centre is kept. A convolutional
//! network with deconvolutions turns it back into a map as large as the large image, which every layer of the large image's
//! network sees through a 1×1 convolution without a mask. The map's own view has a bound, two or three pixels of the small image to
//! either side; what lies farther back a pixel knows through the pixels drawn before it.

use super::ModelConfig;
use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

/// The network between a small image and the map that conditions the layers of the large one. Where the paper is silent: two
/// 3×3 convolutions, then for each doubling a 4×4 deconvolution with stride 2; a ReLU behind each of them.
#[derive(Module, Debug)]
pub struct Upsampler {
    /// 3×3, channels → c and c → c, zeros around the image.
    pub convs: Vec<Conv2d>,
    /// 4×4, stride 2, c → c, each twice as high and wide as what it reads; weights `[c in, c out, 4, 4]`.
    pub deconvs: Vec<ConvTranspose2d>,
}

impl Upsampler {
    /// A network with fresh weights, where `config` asks for one.
    pub fn init(config: &ModelConfig, device: &Device) -> Option<Self> {
        let maps = config.conditioning.as_ref()?.maps;
        let conv =
            |inputs| Conv2dConfig::new([inputs, maps], [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
        let deconv = ConvTranspose2dConfig::new([maps, maps], [4, 4]).with_stride([2, 2]).with_padding([1, 1]);
        Some(Self {
            convs: [config.channels, maps].map(|inputs| conv(inputs).init(device)).into(),
            deconvs: (0..config.factor().ilog2()).map(|_| deconv.init(device)).collect(),
        })
    }

    /// # Shapes
    /// - `small`: `[batch, channels, small height, small width]`
    /// - output: `[batch, c, height, width]`
    pub fn forward(&self, small: Tensor<4>) -> Tensor<4> {
        let map = self.convs.iter().fold(small, |map, conv| relu(conv.forward(map)));
        self.deconvs.iter().fold(map, |map, deconv| relu(deconv.forward(map)))
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
