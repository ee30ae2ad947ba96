//! What one block makes of one pixel.

use super::Model;
use burn::tensor::Device;

/// What block `block` of the network that draws the image itself takes in at pixel (`x`, `y`), and what its layers give there
/// (§3.3, Fig. 5): 2h features, h after each layer inside, and the 2h that the input is still to be added to. `levels`,
/// `[channels, height, width]`, is one image; only what the wiring joins with the pixel matters.
///
/// # Panics
/// When `levels` is not one image, or there is no such block or pixel.
pub fn activations(model: &Model, levels: &[u8], block: usize, [y, x]: [usize; 2], device: &Device) -> Vec<Vec<f32>> {
    let config = &model.config;
    assert!(levels.len() == config.dimensions() && y < config.height && x < config.width, "a pixel of one image");
    let (input, small) = (config.input(levels, device), config.small_input(levels, device));
    let layers = model.net().activations(input, small, block).into_iter();
    layers
        .map(|layer| layer.narrow(2, y, 1).narrow(3, x, 1).into_data().try_into_vec().expect("32-bit floats"))
        .collect()
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::*;
    use crate::model::{ModelConfig, Network};
    use burn::tensor::Tensor;

    /// Block after block, what comes out and what came in is what goes on, and the last sum is what the head reads.
    #[test]
    fn what_came_in_is_added_to_what_comes_out() {
        let device = Device::flex();
        for network in Network::ALL {
            let config = ModelConfig { layers: 3, skip: false, ..ModelConfig::tiny(network, 3, 4, [4, 5]) };
            let model = Model::init(&config, 1, &device).expect("a good configuration");
            let levels: Vec<u8> = (0..config.dimensions()).map(|at| (at * 7 % 4) as u8).collect();
            let [y, x] = [2, 3];
            let stages: Vec<_> = (0..3).map(|block| activations(&model, &levels, block, [y, x], &device)).collect();
            let features: Tensor<4> = model.net().features(config.input(&levels, &device), None);
            let last: Vec<f32> = features.narrow(2, y, 1).narrow(3, x, 1).into_data().try_into_vec().expect("floats");
            let inputs = stages.iter().skip(1).map(|stages| &stages[0]).chain([&last]);
            for (stages, next) in stages.iter().zip(inputs) {
                let widths: Vec<usize> = stages.iter().map(Vec::len).collect();
                let inside = if network == Network::PixelCnn { 2 } else { 1 };
                assert_eq!(widths, [vec![2 * config.h], vec![config.h; inside], vec![2 * config.h]].concat());
                let sum = stages[0].iter().zip(&stages[stages.len() - 1]).map(|(came, out)| came + out);
                for (sum, next) in sum.zip(next) {
                    assert!((sum - next).abs() < 1e-5, "{network:?}: {sum} and {next}");
                }
            }
        }
    }
}
