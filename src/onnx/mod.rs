//! One forward pass of a PixelCNN as an ONNX file, for other programs to run: images in, logits out. Bytes out; native only.
//!
//! The input `images` are levels, uint8 `[batch, channels, height, width]`, scaled inside as [`level_to_input`] does; the output
//! `logits` is float32 `[batch, channels, logits, height, width]`, as [`Net::forward`] gives it. Weights have the names they have
//! in a weights file, with their masks multiplied in (§3.4); every other value is named after the layer that makes it. The
//! metadata has the entries of a weights file.
//!
//! [`level_to_input`]: crate::image::level_to_input
//! [`Net::forward`]: crate::model::Net::forward

mod format;

use crate::model::{Block, Model, ModelConfig, Network};
use crate::nn::{ConvBlock, MaskedConv2d};
use format::{DataType, Message};
use serde_json::Value;

/// Operators of this version are known to every runtime of the last years.
const OPSET: i64 = 17;
/// The version of the format that came with them.
const IR_VERSION: i64 = 8;
/// What the file says of itself.
const DOC: &str =
    "A PixelCNN (van den Oord et al., 2016): the logits of every value of an image, given the values before it.";

/// Why a network is not written as ONNX.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// A recurrent network.
    #[error(
        "a network of the kind {} found, \"pixelcnn\" expected: ONNX would need a node for each step of a recurrent layer",
        serde_json::json!(.0)
    )]
    Recurrent(Network),
    /// A network that draws an image from a smaller one.
    #[error("a network of {0} scales found, one of a single scale expected")]
    Scales(usize),
}

/// Writes a PixelCNN of one scale as ONNX; `training` and `results` go into the metadata as in
/// [`weights::save`](crate::weights::save).
///
/// # Errors
/// When it is another network.
pub fn export(model: &Model, training: Option<&Value>, results: Option<&Value>) -> Result<Vec<u8>, OnnxError> {
    let config = &model.config;
    if config.network != Network::PixelCnn {
        return Err(OnnxError::Recurrent(config.network));
    }
    if model.nets.len() > 1 {
        return Err(OnnxError::Scales(model.nets.len()));
    }
    let config_json = serde_json::to_value(config).expect("a configuration is plain numbers");
    let metadata = [("config", Some(&config_json)), ("training", training), ("results", results)];
    let metadata: Vec<(&str, String)> =
        metadata.into_iter().filter_map(|(name, value)| Some((name, value?.to_string()))).collect();
    let words = [env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), DOC];
    Ok(format::model([IR_VERSION, OPSET], words, &graph(model), &metadata).into_bytes())
}

/// The forward pass, as [`Net::forward`](crate::model::Net::forward) makes it.
fn graph(model: &Model) -> Message {
    let (config, net) = (&model.config, model.net());
    let &ModelConfig { channels, levels, height, width, .. } = config;
    let mut graph = Graph::default();

    let float = graph.node("images.float", "Cast", &["images"], &[format::int("to", DataType::Float as i64)]);
    // A quotient, so that it is rounded as ours is.
    let half = graph.floats("images.half", &[], &[f32::from(levels - 1) / 2.0]);
    let scaled = graph.node("images.scaled", "Div", &[&float, &half], &[]);
    let one = graph.floats("images.one", &[], &[1.0]);
    let input = graph.node("images.centred", "Sub", &[&scaled, &one], &[]);

    let mut x = graph.conv("first", &net.first, &input);
    let mut skips = Vec::new();
    for (k, block) in net.blocks.iter().enumerate() {
        let Block::Conv(block) = block else { unreachable!("a PixelCNN has convolutional blocks") };
        let (output, skip) = graph.block(&format!("blocks.{k}"), block, &x);
        x = output;
        skips.extend(skip);
    }
    if !skips.is_empty() {
        let terms: Vec<&str> = std::iter::once(&x).chain(&skips).map(String::as_str).collect();
        x = graph.node("head.input", "Sum", &terms, &[]);
    }
    let hidden = graph.relu_conv("head.hidden", &net.head.hidden, &x);
    let output = graph.relu_conv("head.output", &net.head.output, &hidden);

    let values = [channels, config.logits(), height, width];
    // 0: the batch, as it comes.
    let shape: Vec<u8> = [0].iter().chain(&values).flat_map(|&n| (n as i64).to_le_bytes()).collect();
    graph.constants.push(format::tensor("logits.shape", DataType::Int64, &[5], &shape));
    graph.node("logits", "Reshape", &[&output, "logits.shape"], &[]);

    let input_doc = format!("levels, 0 to {}, [batch, channel, y, x]", levels - 1);
    let input = format::value("images", DataType::Uint8, &[channels, height, width], &input_doc);
    let of = if levels == 2 { "the log-odds of level 1" } else { "one a level" };
    let output = format::value("logits", DataType::Float, &values, &format!("{of}, [batch, channel, logit, y, x]"));
    format::graph("pixelcnn", &graph.nodes, &graph.constants, &input, &output)
}

/// A graph that grows.
#[derive(Default)]
struct Graph {
    nodes: Vec<Message>,
    constants: Vec<Message>,
}

/// Each gives the name of the value it adds.
impl Graph {
    /// What an operator makes of its inputs.
    fn node(&mut self, name: &str, operator: &str, inputs: &[&str], attributes: &[Message]) -> String {
        self.nodes.push(format::node(name, operator, inputs, attributes));
        name.to_owned()
    }

    /// A tensor of 32-bit floats.
    fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constants.push(format::tensor(name, DataType::Float, shape, &bytes));
        name.to_owned()
    }

    /// A masked convolution, zeros around the image.
    fn conv(&mut self, name: &str, layer: &MaskedConv2d, x: &str) -> String {
        let weight = layer.masked_weight();
        let shape @ [features, _, kernel_h, kernel_w] = weight.dims();
        let weight: Vec<f32> = weight.into_data().try_into_vec().expect("weights are 32-bit floats");
        let bias: Vec<f32> = layer.bias.val().into_data().try_into_vec().expect("weights are 32-bit floats");
        let weight = self.floats(&format!("{name}.weight"), &shape, &weight);
        let bias = self.floats(&format!("{name}.bias"), &[features], &bias);
        let [above, left] = [kernel_h / 2, kernel_w / 2].map(|n| n as i64);
        let pads = format::ints("pads", &[above, left, above, left]);
        self.node(name, "Conv", &[x, &weight, &bias], &[pads])
    }

    /// The convolution of relu(x).
    fn relu_conv(&mut self, name: &str, layer: &MaskedConv2d, x: &str) -> String {
        let x = self.relu(x);
        self.conv(name, layer, &x)
    }

    fn relu(&mut self, x: &str) -> String {
        self.node(&format!("{x}.relu"), "Relu", &[x], &[])
    }

    /// What [`ConvBlock::forward`] gives: the block's output and what it adds to the sum of skip connections.
    fn block(&mut self, name: &str, block: &ConvBlock, x: &str) -> (String, Option<String>) {
        let reduced = self.relu_conv(&format!("{name}.reduce"), &block.reduce, x);
        let features = self.relu_conv(&format!("{name}.conv"), &block.conv, &reduced);
        let features = self.relu(&features);
        let expanded = self.conv(&format!("{name}.expand"), &block.expand, &features);
        let output = self.node(name, "Add", &[&expanded, x], &[]);
        let skip = block.skip.as_ref().map(|skip| self.conv(&format!("{name}.skip"), skip, &features));
        (output, skip)
    }
}
