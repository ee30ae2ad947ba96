//! A network flattened for drawing: a list of steps and one weight buffer, masked weights dropped.
//!
//! Drawing looks at one pixel at a time, and inside it at one colour group at a time (§3.4): the features of a group are
//! computed once, as soon as the colours they may see are known. So every convolution becomes one [`Pass`] a group: the
//! runs of features it reads, and its weights for just these, outputs side by side.

use crate::model::{Head, Model, ModelConfig, Net, PixelCnn};
use crate::nn::MaskedConv2d;
use crate::nn::mask::{MaskKind, features_of};

/// Outputs are padded with zeros to a multiple of this, the width of the smallest vector register in use.
pub const LANES: usize = 4;

/// A place for features: the last `rows` rows of a feature map with `halo` columns of zeros on both sides, or, where
/// later steps look at the current pixel only, that pixel alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Features a pixel.
    pub features: usize,
    /// Rows kept, the current one included; 0 keeps the current pixel only.
    pub rows: usize,
    /// Columns of zeros on either side.
    pub halo: usize,
}

impl Slot {
    fn pixel(features: usize) -> Self {
        Self { features, rows: 0, halo: 0 }
    }

    /// A map that a kernel of this size reads.
    fn map(features: usize, kernel: [usize; 2]) -> Self {
        Self { features, rows: kernel[0] / 2 + 1, halo: kernel[1] / 2 }
    }
}

/// What a step does with its sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Store {
    /// Writes it.
    Set,
    /// Writes its rectified value.
    SetRelu,
    /// Writes its sum with the features of slot `base` at the current pixel.
    AddTo {
        /// Slot added, of as many features.
        base: usize,
    },
}

/// One step of a pixel.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A convolution: reads `from`, writes `to`.
    Conv {
        /// Slot read.
        from: usize,
        /// Slot written.
        to: usize,
        /// Whether the features read are rectified first.
        relu: bool,
        /// What becomes of the sums.
        store: Store,
        /// The work of each colour group.
        passes: Vec<Pass>,
    },
    /// Adds the features of slot `from` at the current pixel to those of `to`.
    Add {
        /// Slot read.
        from: usize,
        /// Slot written.
        to: usize,
    },
}

/// The part of a step that computes the features of one colour group.
#[derive(Clone, Debug, PartialEq)]
pub struct Pass {
    /// Features of `from` read, one contiguous run a kernel row.
    pub runs: Vec<Run>,
    /// First feature of `to` written.
    pub first: usize,
    /// Features of `to` written.
    pub features: usize,
    /// Where in [`Plan::weights`] the biases stand, padded to [`LANES`]; behind them one such row an input read.
    pub weights: usize,
}

/// A contiguous run of features in one row of a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Rows above the current one.
    pub up: usize,
    /// Columns left of the current one where it starts.
    pub left: usize,
    /// Values it spans.
    pub length: usize,
}

/// A network ready to draw.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The network's configuration.
    pub config: ModelConfig,
    /// Places for features. Slot 0 holds the network's input.
    pub slots: Vec<Slot>,
    /// The steps of one pixel in their order; for each colour in turn, all of them are done.
    pub steps: Vec<Step>,
    /// Biases and weights of all passes.
    pub weights: Vec<f32>,
    /// Slot the logits end up in, those of a channel side by side.
    pub logits: usize,
}

impl Plan {
    /// Flattens a model.
    pub fn new(model: &Model) -> Self {
        let config = model.config.clone();
        let mut plan = Self { config, slots: Vec::new(), steps: Vec::new(), weights: Vec::new(), logits: 0 };
        match &model.net {
            Net::PixelCnn(net) => plan.pixel_cnn(net),
        }
        plan
    }

    /// Multiplications of weights for one whole image.
    pub fn multiplications(&self) -> usize {
        let passes = self.steps.iter().flat_map(|step| match step {
            Step::Conv { passes, .. } => passes.as_slice(),
            Step::Add { .. } => &[],
        });
        let pixel: usize = passes.map(|p| p.features * p.runs.iter().map(|run| run.length).sum::<usize>()).sum();
        pixel * self.config.height * self.config.width
    }

    fn pixel_cnn(&mut self, net: &PixelCnn) {
        let ModelConfig { channels, h, .. } = self.config;
        let input = self.slot(Slot::map(channels, kernel_of(&net.first)));
        let mut stream = self.slot(Slot::pixel(2 * h));
        self.conv(&net.first, MaskKind::A, [input, stream], false, Store::Set);
        let mut features = self.slot(Slot::pixel(h));
        let mut skips = self.slot(Slot::pixel(2 * h));
        for (k, block) in net.blocks.iter().enumerate() {
            let map = self.slot(Slot::map(h, kernel_of(&block.conv)));
            self.conv(&block.reduce, MaskKind::B, [stream, map], true, Store::SetRelu);
            features = self.next(features, k);
            self.conv(&block.conv, MaskKind::B, [map, features], false, Store::SetRelu);
            let after = self.next(stream, k + 1);
            self.conv(&block.expand, MaskKind::B, [features, after], false, Store::AddTo { base: stream });
            stream = after;
            if let Some(skip) = &block.skip {
                let after = self.next(skips, k);
                let store = if k == 0 { Store::Set } else { Store::AddTo { base: skips } };
                self.conv(skip, MaskKind::B, [features, after], false, store);
                skips = after;
            }
        }
        if self.config.skip {
            self.steps.push(Step::Add { from: skips, to: stream });
        }
        self.head(&net.head, stream);
    }

    fn head(&mut self, head: &Head, stream: usize) {
        let hidden = self.slot(Slot::pixel(self.config.head));
        self.logits = self.slot(Slot::pixel(self.config.channels * self.config.logits()));
        self.conv(&head.hidden, MaskKind::B, [stream, hidden], true, Store::SetRelu);
        self.conv(&head.output, MaskKind::B, [hidden, self.logits], false, Store::Set);
    }

    /// The slot for what `slot` holds after `uses` blocks. One colour can write over what it read; of several colours the
    /// later ones still read, at every depth, what the earlier ones computed there.
    fn next(&mut self, slot: usize, uses: usize) -> usize {
        if self.config.channels == 1 || uses == 0 { slot } else { self.slot(self.slots[slot].clone()) }
    }

    fn slot(&mut self, slot: Slot) -> usize {
        self.slots.push(slot);
        self.slots.len() - 1
    }

    /// Adds a convolution: for each colour group the runs its mask leaves, and the weights of just these.
    fn conv(&mut self, layer: &MaskedConv2d, mask: MaskKind, [from, to]: [usize; 2], relu: bool, store: Store) {
        let groups = self.config.channels;
        let [c_out, c_in, kernel_h, kernel_w] = layer.weight.dims();
        let weight: Vec<f32> = layer.weight.val().into_data().try_into_vec().expect("weights are 32-bit floats");
        let bias: Vec<f32> = layer.bias.val().into_data().try_into_vec().expect("biases are 32-bit floats");
        let mut passes = Vec::new();
        for group in 0..groups {
            let outputs = features_of(group, c_out, groups);
            // At the current pixel: the features of earlier groups and, under mask B, of this one.
            let seen = match mask {
                MaskKind::A => features_of(group, c_in, groups).start,
                MaskKind::B => features_of(group, c_in, groups).end,
            };
            let row = |up: usize| Run { up, left: kernel_w / 2, length: kernel_w * c_in };
            let current = Run { up: 0, left: kernel_w / 2, length: kernel_w / 2 * c_in + seen };
            let runs = (1..=kernel_h / 2).rev().map(row).chain([current]).filter(|run| run.length > 0).collect();

            let start = self.weights.len();
            let lanes = outputs.len().next_multiple_of(LANES);
            let mut push = |value: &dyn Fn(usize) -> f32| {
                self.weights.extend(outputs.clone().map(value));
                self.weights.resize(self.weights.len().next_multiple_of(LANES), 0.0);
            };
            push(&|out| bias[out]);
            for up in (0..=kernel_h / 2).rev() {
                let length = if up == 0 { current.length } else { kernel_w * c_in };
                for place in 0..length {
                    let (column, input) = (place / c_in, place % c_in);
                    push(&|out| weight[((out * c_in + input) * kernel_h + kernel_h / 2 - up) * kernel_w + column]);
                }
            }
            debug_assert_eq!((self.weights.len() - start) % lanes, 0);
            passes.push(Pass { runs, first: outputs.start, features: outputs.len(), weights: start });
        }
        self.steps.push(Step::Conv { from, to, relu, store, passes });
    }
}

fn kernel_of(layer: &MaskedConv2d) -> [usize; 2] {
    let [_, _, kernel_h, kernel_w] = layer.weight.dims();
    [kernel_h, kernel_w]
}
