//! The naive sampler: a whole forward pass for every value of every pixel, as the seed of this project and every published
//! implementation of the recurrent networks draw. The definition that the fast samplers are tested against.

use super::cascade::{Cascade, Scale};
use super::draw::draw;
use super::request::{Request, RequestError};
use crate::image::level_to_input;
use crate::model::{Model, ModelConfig, Net};
use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Device, ExecutionError, Tensor, TensorData};

/// Draws the images of one request, row by row.
pub type NaiveSampler = Cascade<NaiveScale>;

impl NaiveSampler {
    /// A sampler before its first row. The model's weights must be on `device`.
    ///
    /// # Errors
    /// When the request does not fit the model.
    pub fn new(model: &Model, request: Request, device: &Device) -> Result<Self, RequestError> {
        Self::open(model.scales(), request, |network, request| NaiveScale::new(network, request, device))
    }

    /// Draws the next row of every image, of the smallest scale first; false when there is none left. Blocks until the device
    /// is done: not for GPUs in the browser.
    pub fn next_row(&mut self) -> bool {
        let Some(scale) = self.due() else { return false };
        let row = scale.draw_row(pick_on_host).into_data();
        scale.take_row(row);
        true
    }

    /// The same without blocking.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn next_row_async(&mut self) -> Result<bool, ExecutionError> {
        let Some(scale) = self.due() else { return Ok(false) };
        let row = scale.draw_row(pick_on_device).into_data_async().await?;
        scale.take_row(row);
        Ok(true)
    }
}

/// Draws the images of one scale. The values stay on the device; one row is read back at a time.
pub struct NaiveScale {
    config: ModelConfig,
    net: Net,
    device: Device,
    request: Request,
    /// The small images these are drawn from, where there are any, as the network wants them.
    small: Option<Tensor<4>>,
    /// What the network has seen so far, `[count, channels, height, width]`.
    input: Tensor<4>,
    /// Levels of the rows read back, `[count, channels, height, width]`.
    levels: Vec<u8>,
    y: usize,
}

impl Scale for NaiveScale {
    fn config(&self) -> &ModelConfig {
        &self.config
    }

    fn y(&self) -> usize {
        self.y
    }

    fn images(&self) -> impl Iterator<Item = &[u8]> {
        self.levels.chunks_exact(self.config.dimensions())
    }

    fn condition(&mut self, small: &Self) {
        self.small = Some(small.config.input(&small.levels, &self.device));
    }
}

impl NaiveScale {
    fn new((config, net): (&ModelConfig, &Net), request: Request, device: &Device) -> Result<Self, RequestError> {
        request.validate(config)?;
        let blank = level_to_input(0, config.levels);
        let input = Tensor::full([request.count, config.channels, config.height, config.width], blank, device);
        let levels = vec![0; request.count * config.dimensions()];
        let (config, net, device) = (config.clone(), net.clone(), device.clone());
        Ok(Self { config, net, device, request, small: None, input, levels, y: 0 })
    }

    /// Levels of the next row, `[count, channels, 1, width]`; `pick` turns logits and uniforms into levels.
    fn draw_row(&mut self, pick: fn(Tensor<2>, f32, Tensor<2>) -> Tensor<2>) -> Tensor<4> {
        let config = self.config.clone();
        let [count, channels, _, width] = self.input.dims();
        let [uniforms, given, drawn] = self.row_inputs();
        // Looked up, not computed: what a device makes of a division is its own business.
        let inputs: Vec<f32> = (0..config.levels).map(|level| level_to_input(level as u8, config.levels)).collect();
        let inputs = Tensor::<1>::from_data(inputs.as_slice(), &self.device);
        let mut row = Tensor::zeros([count, channels, 1, width], &self.device);
        for x in 0..width {
            for channel in 0..channels {
                let logits = self.net.forward(self.input.clone(), self.small.clone()); // [count, channels, logits, height, width]
                let place = [0..count, channel..channel + 1, 0..config.logits(), self.y..self.y + 1, x..x + 1];
                let logits = logits.slice(place).reshape([count, config.logits()]);
                let value = [0..count, channel..channel + 1, 0..1, x..x + 1];
                let at = |tensor: &Tensor<4>| tensor.clone().slice(value.clone()).reshape([count, 1]);
                let level = pick(logits, self.request.temperature, at(&uniforms));
                let level = at(&given) + at(&drawn) * level;
                let level = level.reshape([count, 1, 1, 1]);
                row = row.slice_assign(value, level.clone());
                let place = [0..count, channel..channel + 1, self.y..self.y + 1, x..x + 1];
                let input = inputs.clone().select(0, level.reshape([count]).int()).reshape([count, 1, 1, 1]);
                self.input = self.input.clone().slice_assign(place, input);
            }
        }
        row
    }

    /// Uniforms, given levels (0 where drawn) and whether drawn (1 or 0) of the next row, `[count, channels, 1, width]`.
    fn row_inputs(&self) -> [Tensor<4>; 3] {
        let (config, request, y) = (&self.config, &self.request, self.y);
        let shape = [request.count, config.channels, 1, config.width];
        let tensor = |value: &dyn Fn(usize, usize, usize) -> f32| {
            let (channels, width) = (config.channels, config.width);
            let values: Vec<f32> = (0..request.count)
                .flat_map(|k| (0..channels).flat_map(move |c| (0..width).map(move |x| value(k, c, x))))
                .collect();
            Tensor::from_data(TensorData::new(values, shape), &self.device)
        };
        let given = |k, c, x| request.given_at(config, k, c, y, x);
        [
            tensor(&|k, c, x| request.uniform_at(k, c, y, x)),
            tensor(&|k, c, x| given(k, c, x).map_or(0.0, f32::from)),
            tensor(&|k, c, x| if given(k, c, x).is_some() { 0.0 } else { 1.0 }),
        ]
    }

    fn take_row(&mut self, row: TensorData) {
        let config = &self.config;
        let row: Vec<f32> = row.try_into_vec().expect("levels are 32-bit floats");
        let (plane, width) = (config.height * config.width, config.width);
        for (k, values) in row.chunks_exact(width).enumerate() {
            let target = &mut self.levels[k * plane + self.y * width..][..width];
            target.iter_mut().zip(values).for_each(|(level, &value)| *level = value.round() as u8);
        }
        self.y += 1;
    }
}

/// [`draw`](super::draw()) itself, on values read back: where reading costs nothing, on the CPU.
///
/// # Shapes
/// - `logits`: `[count, logits]`
/// - `u`, output: `[count, 1]`
fn pick_on_host(logits: Tensor<2>, temperature: f32, u: Tensor<2>) -> Tensor<2> {
    let [count, outputs] = logits.dims();
    let device = logits.device();
    let values = |tensor: Tensor<2>| -> Vec<f32> { tensor.into_data().try_into_vec().expect("32-bit floats") };
    let (logits, u) = (values(logits), values(u));
    let level = |(logits, &u): (&[f32], &f32)| f32::from(draw(logits, temperature, u));
    let levels: Vec<f32> = logits.chunks_exact(outputs).zip(&u).map(level).collect();
    Tensor::from_data(TensorData::new(levels, [count, 1]), &device)
}

/// The same in tensor operations, so that a row is drawn without reading anything back: how many steps of the cumulative
/// distribution lie at or below `u`. Shapes as for [`pick_on_host`].
fn pick_on_device(logits: Tensor<2>, temperature: f32, u: Tensor<2>) -> Tensor<2> {
    let [_, levels] = logits.dims();
    let logits = logits / temperature;
    if levels == 1 {
        return u.greater_equal(sigmoid(logits.neg())).float();
    }
    // A product with a triangle of ones: one kernel on every device, where a running sum is many.
    let steps = softmax(logits, 1).matmul(Tensor::ones([levels, levels], &u.device()).triu(0));
    u.expand(steps.dims()).greater_equal(steps).float().narrow(1, 0, levels - 1).sum_dim(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Network;
    use crate::sample::Given;

    #[test]
    fn the_network_sees_the_input_of_every_level_to_the_bit() {
        for levels in [2, 8, 256] {
            let config = ModelConfig::tiny(Network::PixelCnn, 1, levels, [1, usize::from(levels)]);
            let device = Device::flex();
            let model = Model::init(&config, &device).expect("a good configuration");
            let row: Vec<u8> = (0..levels).map(|level| level as u8).collect();
            let given = Given { levels: row.clone(), mask: vec![0; row.len()] };
            let request = Request { given: Some(given), ..Request::samples(1, 1) };
            let mut sampler = NaiveSampler::new(&model, request, &device).expect("a good request");
            while sampler.next_row() {}
            let seen: Vec<f32> = sampler.image().input.clone().into_data().try_into_vec().expect("32-bit floats");
            let expected: Vec<f32> = row.iter().map(|&level| level_to_input(level, levels)).collect();
            assert!(seen.iter().map(|x| x.to_bits()).eq(expected.iter().map(|x| x.to_bits())), "{levels} levels");
        }
    }
}
