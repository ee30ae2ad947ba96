//! The network between a small image and the map that conditions a large one (§3.6), in plain loops: it runs once an image.

use crate::image::level_to_input;
use crate::model::Upsampler;
use burn::module::Param;
use burn::tensor::Tensor;

/// An [`Upsampler`] flattened: what it does to an image of one size.
#[derive(Clone, Debug, PartialEq)]
pub struct Upsampling {
    size: [usize; 2],
    layers: Vec<Layer>,
}

/// A convolution, or a deconvolution, with the ReLU behind it.
#[derive(Clone, Debug, PartialEq)]
struct Layer {
    kind: Kind,
    features: [usize; 2],
    /// `[tap, in, out]`, taps row by row.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// 3×3, zeros around the image.
    Conv,
    /// 4×4 with stride 2, padding 1.
    Deconv,
}

impl Upsampling {
    /// Flattens `upsampler` for small images of `size`, height and width.
    pub fn new(upsampler: &Upsampler, size: [usize; 2]) -> Self {
        let convs = upsampler.convs.iter().map(|conv| {
            let weight = &conv.weight;
            let [c_out, c_in, height, width] = weight.dims();
            let (taps, weight) = (height * width, values(weight));
            let at = |tap: usize, input: usize, out: usize| weight[(out * c_in + input) * taps + tap];
            Layer::new(Kind::Conv, [c_in, c_out], taps, at, &conv.bias)
        });
        let deconvs = upsampler.deconvs.iter().map(|deconv| {
            let weight = &deconv.weight;
            let [c_in, c_out, height, width] = weight.dims();
            let (taps, weight) = (height * width, values(weight));
            let at = |tap: usize, input: usize, out: usize| weight[(input * c_out + out) * taps + tap];
            Layer::new(Kind::Deconv, [c_in, c_out], taps, at, &deconv.bias)
        });
        Self { size, layers: convs.chain(deconvs).collect() }
    }

    /// Multiplications of weights for one image.
    pub fn multiplications(&self) -> usize {
        let mut pixels = self.size[0] * self.size[1];
        let cost = |layer: &Layer| {
            pixels *= if layer.kind == Kind::Deconv { 4 } else { 1 };
            let taps = if layer.kind == Kind::Deconv { 4 } else { 9 };
            pixels * taps * layer.features[0] * layer.features[1]
        };
        self.layers.iter().map(cost).sum()
    }

    /// The map of one image: levels `[channels, height, width]` to features, channels last.
    pub fn map(&self, small: &[u8], levels: u16) -> Vec<f32> {
        let [height, width] = self.size;
        let pixels = height * width;
        let channels = small.len() / pixels;
        let value = |k: usize| level_to_input(small[k % channels * pixels + k / channels], levels);
        let first: (Vec<f32>, _) = ((0..small.len()).map(value).collect(), self.size);
        self.layers.iter().fold(first, |(map, size), layer| layer.run(&map, size)).0
    }
}

impl Layer {
    fn new(
        kind: Kind,
        features: [usize; 2],
        taps: usize,
        weight: impl Fn(usize, usize, usize) -> f32,
        bias: &Param<Tensor<1>>,
    ) -> Self {
        let [c_in, c_out] = features;
        let weights =
            (0..taps * c_in * c_out).map(|k| weight(k / (c_in * c_out), k / c_out % c_in, k % c_out)).collect();
        Self { kind, features, weights, bias: values(bias) }
    }

    /// The next map and its size.
    fn run(&self, map: &[f32], [height, width]: [usize; 2]) -> (Vec<f32>, [usize; 2]) {
        let scale = if self.kind == Kind::Deconv { 2 } else { 1 };
        let size = [height * scale, width * scale];
        let [c_in, c_out] = self.features;
        let mut output = Vec::with_capacity(size[0] * size[1] * c_out);
        for (y, x) in (0..size[0]).flat_map(|y| (0..size[1]).map(move |x| (y, x))) {
            let mut sums = self.bias.clone();
            for (ky, from_y) in self.taps(y, height) {
                for (kx, from_x) in self.taps(x, width) {
                    let inputs = &map[(from_y * width + from_x) * c_in..][..c_in];
                    let weights = &self.weights[(ky * self.side() + kx) * c_in * c_out..][..c_in * c_out];
                    for (input, weights) in inputs.iter().zip(weights.chunks_exact(c_out)) {
                        sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += input * weight);
                    }
                }
            }
            output.extend(sums.into_iter().map(|sum| if sum > 0.0 { sum } else { 0.0 }));
        }
        (output, size)
    }

    fn side(&self) -> usize {
        match self.kind {
            Kind::Conv => 3,
            Kind::Deconv => 4,
        }
    }

    /// Along one side: the places of the kernel that output `at` sees, and the inputs they lie on.
    fn taps(&self, at: usize, inputs: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let kind = self.kind;
        (0..self.side()).filter_map(move |k| {
            // A deconvolution spreads input i over the outputs 2i − 1 to 2i + 2.
            let from = match kind {
                Kind::Conv => (at + k).checked_sub(1)?,
                Kind::Deconv => {
                    let twice = (at + 1).checked_sub(k)?;
                    twice.is_multiple_of(2).then_some(twice / 2)?
                }
            };
            (from < inputs).then_some((k, from))
        })
    }
}

/// A weight as plain numbers.
pub(super) fn values<const D: usize>(param: &Param<Tensor<D>>) -> Vec<f32> {
    param.val().into_data().try_into_vec().expect("weights are 32-bit floats")
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::*;
    use crate::model::{Conditioning, Model, ModelConfig, Network};
    use burn::tensor::Device;

    #[test]
    fn plain_loops_are_the_modules() {
        let device = Device::flex();
        for (channels, factor, [height, width]) in [(1, 4, [2, 3]), (3, 2, [4, 1])] {
            let small = ModelConfig::tiny(Network::PixelCnn, channels, 256, [height, width]);
            let conditioning = Some(Conditioning { maps: 5, small: Box::new(small.clone()) });
            let config = ModelConfig { height: height * factor, width: width * factor, conditioning, ..small };
            let model = Model::init(&config, 1, &device).expect("a good configuration");
            let upsampler = model.net().upsampler.as_ref().expect("two scales");
            let levels: Vec<u8> = (0..channels * height * width).map(|k| (k * 37 % 256) as u8).collect();
            let input = config.scales()[0].input(&levels, &device);
            let expected =
                upsampler.forward(input).permute([0, 2, 3, 1]).into_data().try_into_vec::<f32>().expect("floats");
            let found = Upsampling::new(upsampler, [height, width]).map(&levels, 256);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                // Sums of under a hundred products of numbers below one.
                assert!((found - expected).abs() < 1e-5, "{found} and {expected}");
            }
        }
    }
}
