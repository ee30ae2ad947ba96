//! Masked convolution (§3.4): a convolution that cannot see what is not drawn yet.

use super::floats::floats;
use super::fresh::uniform;
use super::mask::{MaskKind, conv_mask};
use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor};

/// Configuration of a [`MaskedConv2d`].
#[derive(Config, Debug)]
pub struct MaskedConv2dConfig {
    /// Features in and out.
    pub features: [usize; 2],
    /// Height and width of the kernel, both odd.
    pub kernel: [usize; 2],
    /// Mask A for the first layer of a network, mask B after it.
    pub mask: MaskKind,
    /// Colour groups the features are split into: the number of channels of the image.
    pub groups: usize,
    /// Blocks of outputs that are split into groups each for itself: 4 for the gates of an LSTM, else 1.
    pub gates: usize,
}

/// A convolution whose weight is multiplied by its mask in every forward pass, so that no optimiser step, weight
/// file or average can make it see the future.
#[derive(Module, Debug)]
pub struct MaskedConv2d {
    /// `[features_out, features_in, kernel_height, kernel_width]`
    pub weight: Param<Tensor<4>>,
    /// `[features_out]`
    pub bias: Param<Tensor<1>>,
    /// 1 where the weight counts, of the same shape.
    mask: Tensor<4>,
    /// Whether any weight at the kernel's centre counts.
    centre: bool,
}

impl MaskedConv2dConfig {
    /// A layer with weights and biases drawn from U(−k, k), k² = 1 / (number of unmasked inputs).
    pub fn init(&self, device: &Device) -> MaskedConv2d {
        let [features_in, features_out] = self.features;
        let [kernel_h, kernel_w] = self.kernel;
        let shape = [features_out, features_in, kernel_h, kernel_w];
        let mask = conv_mask(self.mask, self.groups, self.gates, shape);
        let centre = self.mask == MaskKind::B || self.groups > 1;
        let unmasked_inputs = mask.iter().sum::<f32>() / features_out as f32;
        let bound = 1.0 / f64::from(unmasked_inputs).sqrt();
        let mask = floats(mask, shape, device);
        // Masked weights start at zero and, having no gradient, stay there: a weights file shows the mask.
        let weight = (uniform(bound, shape, device).val() * mask.clone()).detach();
        let bias = uniform(bound, [features_out], device);
        MaskedConv2d { weight: Param::from_tensor(weight), bias, mask, centre }
    }
}

impl MaskedConv2d {
    /// The convolution of `x`, zeros around the image.
    ///
    /// # Shapes
    /// - `x`: `[batch, features_in, height, width]`
    /// - output: `[batch, features_out, height, width]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.convolve(x, false)
    }

    /// The convolution of `relu(x)`, the order of Fig. 5 and of the head; shapes as in [`forward`](Self::forward).
    pub fn forward_relu(&self, x: Tensor<4>) -> Tensor<4> {
        self.convolve(x, true)
    }

    /// The weight as the forward pass uses it, masked.
    pub fn masked_weight(&self) -> Tensor<4> {
        self.weight.val() * self.mask.clone()
    }

    /// Masked weight and bias, flattened, as the CPU's operations take them.
    #[cfg(feature = "native")]
    pub fn flat(&self) -> [Tensor<1>; 2] {
        [self.masked_weight().flatten(0, 3), self.bias.val()]
    }

    fn convolve(&self, x: Tensor<4>, relu_first: bool) -> Tensor<4> {
        #[cfg(feature = "native")]
        if crate::cpu::serves(&x.device()) {
            return crate::cpu::masked_conv2d(x, self.masked_weight(), self.bias.val(), relu_first, self.centre);
        }
        #[cfg(all(feature = "native", feature = "wgpu"))]
        if crate::gpu::serves(&x.device()) {
            return crate::gpu::masked_conv2d(x, self.masked_weight(), self.bias.val(), relu_first, self.centre);
        }
        self.convolve_plain(x, relu_first)
    }

    /// The same from burn's own operations: what CUDA and the browser run, and what both are tested against.
    fn convolve_plain(&self, x: Tensor<4>, relu_first: bool) -> Tensor<4> {
        let [_, _, kernel_h, kernel_w] = self.weight.dims();
        let x = if relu_first { relu(x) } else { x };
        let options = ConvOptions::new([1, 1], [kernel_h / 2, kernel_w / 2], [1, 1], 1);
        conv2d(x, self.masked_weight(), Some(self.bias.val()), options)
    }
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::*;
    use burn::tensor::{Distribution, Tolerance};

    /// Every kernel of the paper, on grey and colour, on a picture that is not square.
    #[test]
    fn cpu_path_equals_plain_path_in_value_and_gradient() {
        let cases = [
            ([1, 8], [7, 7], MaskKind::A, 1),
            ([3, 10], [7, 7], MaskKind::A, 3),
            ([5, 5], [3, 3], MaskKind::B, 1),
            ([7, 20], [3, 3], MaskKind::B, 3),
            ([32, 16], [1, 1], MaskKind::B, 1),
            ([6, 33], [1, 1], MaskKind::B, 3),
            ([4, 16], [1, 3], MaskKind::B, 1),
        ];
        let device = Device::flex().autodiff();
        device.seed(1);
        for (features, kernel, mask, groups) in cases {
            for relu_first in [false, true] {
                let layer = MaskedConv2dConfig { features, kernel, mask, groups, gates: 1 }.init(&device);
                let x = Tensor::<4>::random([3, features[0], 5, 11], Distribution::Normal(0.0, 1.0), &device);
                let pull = Tensor::<4>::random([3, features[1], 5, 11], Distribution::Normal(0.0, 1.0), &device);
                let run = |fast: bool| {
                    let x = x.clone().require_grad();
                    let out = if fast {
                        layer.convolve(x.clone(), relu_first)
                    } else {
                        layer.convolve_plain(x.clone(), relu_first)
                    };
                    let grads = (out.clone() * pull.clone()).sum().backward();
                    let weight = layer.weight.val().grad(&grads).expect("weight").into_data();
                    let bias = layer.bias.val().grad(&grads).expect("bias").into_data();
                    [out.into_data(), x.grad(&grads).expect("x").into_data(), weight, bias]
                };
                // Sums of up to 7·7·32 products of numbers near one, added in another order.
                let tolerance = Tolerance::<f32>::absolute(2e-4);
                for (fast, plain) in run(true).iter().zip(&run(false)) {
                    fast.assert_approx_eq(plain, tolerance);
                }
            }
        }
    }
}
