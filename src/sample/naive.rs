//! The naive sampler: a whole forward pass for every value of every pixel, as the seed of this project and every published
//! implementation of the recurrent networks draw. The definition that the fast samplers are tested against.

use super::cascade::{Cascade, Scale};
use super::draw::draw;
use super::request::{Request, RequestError};
use super::sharpening::Sharpening;
use crate::image::level_to_input;
use crate::model::{Model, ModelConfig, Net};
use crate::nn::floats;
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

    /// Draws the next value of every image, of the smallest scale first: one run of the network. False when there is none left.
    /// Blocks until the device is done: not for GPUs in the browser.
    pub fn next_value(&mut self) -> bool {
        let Some(scale) = self.due() else { return false };
        let row = scale.draw_value(pick_on_host).into_data();
        scale.take_row(row);
        true
    }

    /// Values of the row drawn next that are drawn already.
    pub fn values(&self) -> usize {
        self.of_scale(self.scale()).values()
    }

    /// The same up to the end of the row.
    pub fn next_row(&mut self) -> bool {
        let Some(scale) = self.due() else { return false };
        let row = scale.draw_row(pick_on_host).into_data();
        scale.take_row(row);
        true
    }

    /// The same without blocking: one row is read back at a time.
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

/// Turns logits and uniforms into levels.
type Pick = fn(Tensor<2>, Sharpening, Tensor<2>) -> Tensor<2>;

/// Draws the images of one scale. The values stay on the device until they are read back.
pub struct NaiveScale {
    config: ModelConfig,
    net: Net,
    device: Device,
    request: Request,
    /// The small images these are drawn from, where there are any, as the network wants them.
    small: Option<Tensor<4>>,
    /// What the network has seen so far, `[count, channels, height, width]`.
    input: Tensor<4>,
    /// What it sees of each level, `[levels]`.
    inputs: Tensor<1>,
    /// The row under way, if one is.
    row: Option<RowUnderWay>,
    /// Levels read back, `[count, channels, height, width]`.
    levels: Vec<u8>,
    y: usize,
}

/// A row of which some values are drawn: tensors of `[count, channels, 1, width]`.
struct RowUnderWay {
    uniforms: Tensor<4>,
    /// Given levels, 0 where drawn.
    given: Tensor<4>,
    /// Whether drawn, 1 or 0.
    drawn: Tensor<4>,
    /// Levels so far, 0 behind them.
    levels: Tensor<4>,
    /// How many values are decided, column by column, the colours of each one after another.
    values: usize,
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
        // Looked up, not computed: what a device makes of a division is its own business.
        let inputs: Vec<f32> = (0..config.levels).map(|level| level_to_input(level as u8, config.levels)).collect();
        let inputs = floats(inputs, [usize::from(config.levels)], device);
        let levels = vec![0; request.count * config.dimensions()];
        let (config, net, device) = (config.clone(), net.clone(), device.clone());
        Ok(Self { config, net, device, request, small: None, input, inputs, row: None, levels, y: 0 })
    }

    fn values(&self) -> usize {
        self.row.as_ref().map_or(0, |row| row.values)
    }

    /// Levels of the next row with all its values, `[count, channels, 1, width]`.
    fn draw_row(&mut self, pick: Pick) -> Tensor<4> {
        let rest = self.config.channels * self.config.width - self.values();
        (1..rest).for_each(|_| drop(self.draw_value(pick)));
        self.draw_value(pick)
    }

    /// Levels of the next row with one value more, `[count, channels, 1, width]`.
    fn draw_value(&mut self, pick: Pick) -> Tensor<4> {
        let mut row = self.row.take().unwrap_or_else(|| self.begin_row());
        let (config, count, y) = (&self.config, self.request.count, self.y);
        let (x, channel) = (row.values / config.channels, row.values % config.channels);
        let logits = self.net.forward(self.input.clone(), self.small.clone()); // [count, channels, logits, height, width]
        let place = [0..count, channel..channel + 1, 0..config.logits(), y..y + 1, x..x + 1];
        let logits = logits.slice(place).reshape([count, config.logits()]);
        let value = [0..count, channel..channel + 1, 0..1, x..x + 1];
        let at = |tensor: &Tensor<4>| tensor.clone().slice(value.clone()).reshape([count, 1]);
        let level = pick(logits, self.request.sharpening, at(&row.uniforms));
        let level = at(&row.given) + at(&row.drawn) * level;
        let level = level.reshape([count, 1, 1, 1]);
        row.levels = row.levels.slice_assign(value, level.clone());
        let place = [0..count, channel..channel + 1, y..y + 1, x..x + 1];
        let input = self.inputs.clone().select(0, level.reshape([count]).int()).reshape([count, 1, 1, 1]);
        self.input = self.input.clone().slice_assign(place, input);
        row.values += 1;
        self.row.insert(row).levels.clone()
    }

    /// The next row before its first value.
    fn begin_row(&self) -> RowUnderWay {
        let (config, request, y) = (&self.config, &self.request, self.y);
        let shape = [request.count, config.channels, 1, config.width];
        let tensor = |value: &dyn Fn(usize, usize, usize) -> f32| {
            let (channels, width) = (config.channels, config.width);
            let values: Vec<f32> = (0..request.count)
                .flat_map(|k| (0..channels).flat_map(move |c| (0..width).map(move |x| value(k, c, x))))
                .collect();
            floats(values, shape, &self.device)
        };
        let given = |k, c, x| request.given_at(config, k, c, y, x);
        RowUnderWay {
            uniforms: tensor(&|k, c, x| request.uniform_at(k, c, y, x)),
            given: tensor(&|k, c, x| given(k, c, x).map_or(0.0, f32::from)),
            drawn: tensor(&|k, c, x| if given(k, c, x).is_some() { 0.0 } else { 1.0 }),
            levels: Tensor::zeros(shape, &self.device),
            values: 0,
        }
    }

    /// Takes the levels of the row under way, read back; with all its values it is done.
    fn take_row(&mut self, row: TensorData) {
        let config = &self.config;
        let row: Vec<f32> = row.try_into_vec().expect("levels are 32-bit floats");
        let (plane, width) = (config.height * config.width, config.width);
        for (k, values) in row.chunks_exact(width).enumerate() {
            let target = &mut self.levels[k * plane + self.y * width..][..width];
            target.iter_mut().zip(values).for_each(|(level, &value)| *level = value.round() as u8);
        }
        if self.values() == config.channels * width {
            (self.row, self.y) = (None, self.y + 1);
        }
    }
}

/// [`draw`](super::draw()) itself, on values read back: where reading costs nothing, on the CPU.
///
/// # Shapes
/// - `logits`: `[count, logits]`
/// - `u`, output: `[count, 1]`
fn pick_on_host(logits: Tensor<2>, sharpening: Sharpening, u: Tensor<2>) -> Tensor<2> {
    let [count, outputs] = logits.dims();
    let device = logits.device();
    let values = |tensor: Tensor<2>| -> Vec<f32> { tensor.into_data().try_into_vec().expect("32-bit floats") };
    let (logits, u) = (values(logits), values(u));
    let level = |(logits, &u): (&[f32], &f32)| f32::from(draw(logits, sharpening, u));
    let levels: Vec<f32> = logits.chunks_exact(outputs).zip(&u).map(level).collect();
    floats(levels, [count, 1], &device)
}

/// The same in tensor operations, so that a row is drawn without reading anything back: how many steps of the cumulative
/// distribution lie at or below `u`. Shapes as for [`pick_on_host`].
fn pick_on_device(logits: Tensor<2>, sharpening: Sharpening, u: Tensor<2>) -> Tensor<2> {
    let [_, levels] = logits.dims();
    let logits = logits / sharpening.temperature;
    if levels == 1 {
        let drawn = u.greater_equal(sigmoid(logits.clone().neg())).float();
        if !sharpening.truncates() {
            return drawn;
        }
        let share = if sharpening.most(2) == 1 { 0.0 } else { sharpening.share() };
        let alone = sigmoid(logits.clone().abs()).greater_equal_elem(share);
        return drawn.mask_where(alone, logits.greater_elem(0.0).float());
    }
    let mut p = softmax(logits, 1);
    if sharpening.truncates() {
        p = truncated(p, sharpening);
    }
    // A product with a triangle of ones: one kernel on every device, where a running sum is many.
    let steps = p.matmul(Tensor::ones([levels, levels], &u.device()).triu(0));
    u.expand(steps.dims()).greater_equal(steps).float().narrow(1, 0, levels - 1).sum_dim(1)
}

/// Probabilities `[count, levels]` without those of the levels that are not kept.
fn truncated(p: Tensor<2>, sharpening: Sharpening) -> Tensor<2> {
    let [count, levels] = p.dims();
    let pairs = [count, levels, levels];
    let own = p.clone().unsqueeze_dim::<3>(2).expand(pairs);
    let other = p.clone().unsqueeze_dim::<3>(1).expand(pairs);
    let lower = Tensor::<2>::ones([levels, levels], &p.device()).tril(-1).greater_elem(0.0);
    let as_likely = other.clone().equal(own.clone()).bool_and(lower.unsqueeze::<3>().expand(pairs));
    // Whether one level, the last number, comes before another.
    let before = other.clone().greater(own).bool_or(as_likely).float();
    let most = before.clone().sum_dim(2).squeeze_dim::<2>(2).lower_elem(sharpening.most(levels) as f32).float();
    let above = (before * other).sum_dim(2).squeeze_dim::<2>(2);
    let whole = (p.clone() * most.clone()).sum_dim(1);
    let kept = p * most * above.lower(whole * sharpening.share()).float();
    kept.clone() / kept.sum_dim(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Conditioning, Network};
    use crate::sample::Given;
    use crate::sample::model_by_place;

    /// In colour, of two images and two scales. Of every other row only the first value is drawn alone.
    #[test]
    fn values_one_by_one_are_those_of_the_rows() {
        for network in Network::ALL {
            let small = ModelConfig::tiny(network, 3, 8, [2, 2]);
            let conditioning = Some(Conditioning { maps: 2, small: Box::new(small) });
            let model = model_by_place(&ModelConfig { conditioning, ..ModelConfig::tiny(network, 3, 8, [4, 4]) });
            let begin = || NaiveSampler::new(&model, Request::samples(3, 2), &Device::flex()).expect("a good request");
            let (mut rows, mut values) = (begin(), begin());
            while !rows.done() {
                let (scale, y) = (rows.scale(), rows.y());
                let ModelConfig { height, width, .. } = rows.of_scale(scale).config;
                rows.next_row();
                let expected = rows.of_scale(scale).levels();
                for value in 0..if y % 2 == 0 { 3 * width } else { 1 } {
                    assert_eq!((values.scale(), values.y(), values.values()), (scale, y, value));
                    assert!(values.next_value());
                    let place = (value % 3 * height + y) * width + value / 3;
                    assert_eq!(values.of_scale(scale).levels()[place], expected[place], "read back at once");
                }
                if y % 2 > 0 {
                    values.next_row();
                }
                assert_eq!(values.of_scale(scale).levels(), expected, "{network:?}, scale {scale}, row {y}");
            }
            assert!(values.done() && !values.next_value() && !values.next_row());
        }
    }

    #[test]
    fn the_network_sees_the_input_of_every_level_to_the_bit() {
        for levels in [2, 8, 256] {
            let config = ModelConfig::tiny(Network::PixelCnn, 1, levels, [1, usize::from(levels)]);
            let device = Device::flex();
            let model = Model::init(&config, 1, &device).expect("a good configuration");
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
