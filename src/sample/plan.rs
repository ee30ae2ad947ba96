//! A network flattened for drawing: a list of steps and one weight buffer, masked weights dropped.
//!
//! Drawing looks at one pixel at a time, and inside it at one colour group at a time (§3.4): the features of a group are
//! computed once, as soon as the colours they may see are known. So every convolution becomes one [`Pass`] a group: the
//! runs of features it reads, and its weights for just these, outputs side by side.
//!
//! A recurrent layer is two such convolutions into one place, inputs and states, and a step of its cells. The right direction
//! of a Diagonal BiLSTM, which feeds the row below, is scanned when a row is done.

use crate::model::{Head, Model, ModelConfig, Net, PixelCnn, PixelRnn};
use crate::nn::gates::GATES;
use crate::nn::mask::{MaskKind, features_of};
use crate::nn::{DiagonalLstm, MaskedConv2d, Recurrent};
use burn::module::Param;
use burn::tensor::Tensor;

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
    /// Columns on either side.
    pub halo: usize,
    /// What stands outside the image.
    pub border: Border,
}

/// Features of the pixels around an image.
#[derive(Clone, Debug, PartialEq)]
pub enum Border {
    /// Zeros everywhere.
    Zeros,
    /// These in every pixel of the row above the image, zeros beside it.
    Above(Vec<f32>),
    /// These in every pixel beside the image, zeros above it.
    Beside(Vec<f32>),
}

impl Slot {
    fn pixel(features: usize) -> Self {
        Self { features, rows: 0, halo: 0, border: Border::Zeros }
    }

    /// A map that a kernel of this size reads.
    fn map(features: usize, kernel: [usize; 2]) -> Self {
        Self { features, rows: kernel[0] / 2 + 1, halo: kernel[1] / 2, border: Border::Zeros }
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

/// A pixel seen from the current one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Rows above the current one.
    pub up: usize,
    /// Columns left of the current one; negative to its right.
    pub left: isize,
}

/// The current pixel.
pub const HERE: Place = Place { up: 0, left: 0 };

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
    /// Writes the sum of two slots' features, each at its own place, to the current pixel of `to`.
    Sum {
        /// Slots read, and where.
        terms: [(usize, Place); 2],
        /// Slot written.
        to: usize,
    },
    /// The LSTM step (Eq. 3) of a group's cells.
    Cell {
        /// Slot of the sums: for each group its gates o, f, i, g one after another.
        from: usize,
        /// Slot of the states h, written.
        h: usize,
        /// Slot of the cells c, read at `before` and written.
        c: usize,
        /// The pixel whose cells are continued.
        before: Place,
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
    /// Where it starts.
    pub from: Place,
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
    /// Scans over a finished row, pixel by pixel from right to left; what they write is read from the row below.
    pub scans: Vec<Vec<Step>>,
    /// Biases and weights of all passes.
    pub weights: Vec<f32>,
    /// Slot the logits end up in, those of a channel side by side.
    pub logits: usize,
}

impl Plan {
    /// Flattens a model.
    pub fn new(model: &Model) -> Self {
        let config = model.config.clone();
        let mut plan =
            Self { config, slots: Vec::new(), steps: Vec::new(), scans: Vec::new(), weights: Vec::new(), logits: 0 };
        match &model.net {
            Net::PixelCnn(net) => plan.pixel_cnn(net),
            Net::PixelRnn(net) => plan.pixel_rnn(net),
        }
        plan
    }

    /// Multiplications of weights for one whole image. No scan follows the last row.
    pub fn multiplications(&self) -> usize {
        let ModelConfig { height, width, .. } = self.config;
        let pixel = |steps: &[Step]| -> usize {
            let passes = steps.iter().flat_map(|step| match step {
                Step::Conv { passes, .. } => passes.as_slice(),
                Step::Sum { .. } | Step::Cell { .. } => &[],
            });
            passes.map(|p| p.features * p.runs.iter().map(|run| run.length).sum::<usize>()).sum()
        };
        let scans: usize = self.scans.iter().map(|steps| pixel(steps)).sum();
        width * (height * pixel(&self.steps) + (height - 1) * scans)
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
            skips = self.skip(block.skip.as_ref(), k, features, skips);
        }
        self.finish(&net.head, stream, self.config.skip.then_some(skips));
    }

    fn pixel_rnn(&mut self, net: &PixelRnn) {
        let ModelConfig { channels, h, .. } = self.config;
        let input = self.slot(Slot::map(channels, kernel_of(&net.first)));
        // A row of the stream before every layer: the Row LSTM looks one pixel back, the right scan at all of it.
        let row = Slot { rows: 1, halo: 1, ..Slot::pixel(2 * h) };
        let mut stream = self.slot(row.clone());
        self.conv(&net.first, MaskKind::A, [input, stream], false, Store::Set);
        let sums = self.slot(Slot::pixel(GATES * h));
        let mut skips = self.slot(Slot::pixel(2 * h));
        for (k, block) in net.blocks.iter().enumerate() {
            let features = match &block.lstm {
                Recurrent::Row(lstm) => {
                    let [initial_h, initial_c] = [&lstm.initial_h, &lstm.initial_c].map(values);
                    let border = Border::Above(initial_h);
                    let states = self.slot(Slot { rows: 2, halo: 1, border, ..Slot::pixel(h) });
                    let border = Border::Above(initial_c);
                    let cells = self.slot(Slot { rows: 2, border, ..Slot::pixel(h) });
                    let above = Run { from: Place { up: 1, left: 1 }, length: 3 * h };
                    self.gates(&lstm.input_to_state, stream, sums);
                    self.states(&lstm.state_to_state, [states, sums], &[above]);
                    let before = Place { up: 1, left: 0 };
                    self.steps.push(Step::Cell { from: sums, h: states, c: cells, before });
                    states
                }
                Recurrent::Diagonal(lstm) => {
                    let left = self.diagonal(&lstm.left, stream, sums, 1);
                    let steps = std::mem::take(&mut self.steps);
                    let right = self.diagonal(&lstm.right, stream, sums, -1);
                    let scan = std::mem::replace(&mut self.steps, steps);
                    self.scans.push(scan);
                    let features = self.slot(Slot::pixel(h));
                    let above = Place { up: 1, left: 0 };
                    self.steps.push(Step::Sum { terms: [(left, HERE), (right, above)], to: features });
                    features
                }
            };
            let after = self.slot(row.clone());
            self.conv(&block.expand, MaskKind::B, [features, after], false, Store::AddTo { base: stream });
            stream = after;
            skips = self.skip(block.skip.as_ref(), k, features, skips);
        }
        self.finish(&net.head, stream, self.config.skip.then_some(skips));
    }

    /// One direction of a Diagonal BiLSTM that comes from `beside` columns to the left; gives the slot of its states.
    fn diagonal(&mut self, lstm: &DiagonalLstm, stream: usize, sums: usize, beside: isize) -> usize {
        let h = self.config.h;
        let [initial_h, initial_c] = [&lstm.initial_h, &lstm.initial_c].map(values);
        let states = self.slot(Slot { rows: 2, halo: 1, border: Border::Beside(initial_h), ..Slot::pixel(h) });
        let cells = self.slot(Slot { rows: 1, halo: 1, border: Border::Beside(initial_c), ..Slot::pixel(h) });
        let beside = Place { up: 0, left: beside };
        let runs = [Place { up: 1, left: 0 }, beside].map(|from| Run { from, length: h });
        self.gates(&lstm.input_to_state, stream, sums);
        self.states(&lstm.state_to_state, [states, sums], &runs);
        self.steps.push(Step::Cell { from: sums, h: states, c: cells, before: beside });
        states
    }

    /// Adds block `k`'s skip connection, where it has one, to the sum in slot `skips`; gives the slot of the new sum.
    fn skip(&mut self, skip: Option<&MaskedConv2d>, k: usize, features: usize, skips: usize) -> usize {
        let Some(skip) = skip else { return skips };
        let after = self.next(skips, k);
        let store = if k == 0 { Store::Set } else { Store::AddTo { base: skips } };
        self.conv(skip, MaskKind::B, [features, after], false, store);
        after
    }

    /// The sum of skip connections, where there are any, and the head.
    fn finish(&mut self, head: &Head, stream: usize, skips: Option<usize>) {
        let stream = match skips {
            Some(skips) => {
                let sum = self.slot(Slot::pixel(2 * self.config.h));
                self.steps.push(Step::Sum { terms: [(stream, HERE), (skips, HERE)], to: sum });
                sum
            }
            None => stream,
        };
        self.head(head, stream);
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

    /// Adds an input-to-state convolution under mask B into the slot of sums.
    fn gates(&mut self, layer: &MaskedConv2d, from: usize, to: usize) {
        self.gated_conv(layer, MaskKind::B, [from, to], false, Store::Set, GATES);
    }

    /// Adds a state-to-state convolution to the sums: `runs` are its taps in the order of the kernel, seen whole by every
    /// group.
    fn states(&mut self, weight: &Param<Tensor<4>>, [from, to]: [usize; 2], runs: &[Run]) {
        let [_, h, kernel_h, kernel_w] = weight.dims();
        let (groups, taps, weight) = (self.config.channels, kernel_h * kernel_w, values(weight));
        let mut passes = Vec::new();
        for group in 0..groups {
            let outputs = Outputs::of(group, groups, h, GATES);
            let start = self.weights.len();
            self.push_row(&outputs, |_| 0.0);
            for place in 0..taps * h {
                self.push_row(&outputs, |out| weight[(out * h + place % h) * taps + place / h]);
            }
            passes.push(Pass { runs: runs.to_vec(), first: outputs.first, features: outputs.features, weights: start });
        }
        self.steps.push(Step::Conv { from, to, relu: false, store: Store::AddTo { base: to }, passes });
    }

    /// Adds a convolution: for each colour group the runs its mask leaves, and the weights of just these.
    fn conv(&mut self, layer: &MaskedConv2d, mask: MaskKind, from_to: [usize; 2], relu: bool, store: Store) {
        self.gated_conv(layer, mask, from_to, relu, store, 1);
    }

    /// The same where the outputs are `gates` blocks with the groups inside each.
    fn gated_conv(
        &mut self,
        layer: &MaskedConv2d,
        mask: MaskKind,
        [from, to]: [usize; 2],
        relu: bool,
        store: Store,
        gates: usize,
    ) {
        let groups = self.config.channels;
        let [c_out, c_in, kernel_h, kernel_w] = layer.weight.dims();
        let (weight, bias) = (values(&layer.weight), values(&layer.bias));
        let mut passes = Vec::new();
        for group in 0..groups {
            let outputs = Outputs::of(group, groups, c_out / gates, gates);
            // At the current pixel: the features of earlier groups and, under mask B, of this one.
            let seen = match mask {
                MaskKind::A => features_of(group, c_in, groups).start,
                MaskKind::B => features_of(group, c_in, groups).end,
            };
            let left = (kernel_w / 2) as isize;
            let row = |up: usize| Run { from: Place { up, left }, length: kernel_w * c_in };
            let current = Run { from: Place { up: 0, left }, length: kernel_w / 2 * c_in + seen };
            let runs = (1..=kernel_h / 2).rev().map(row).chain([current]).filter(|run| run.length > 0).collect();

            let start = self.weights.len();
            self.push_row(&outputs, |out| bias[out]);
            for up in (0..=kernel_h / 2).rev() {
                let length = if up == 0 { current.length } else { kernel_w * c_in };
                for place in 0..length {
                    let (column, input) = (place / c_in, place % c_in);
                    self.push_row(&outputs, |out| {
                        weight[((out * c_in + input) * kernel_h + kernel_h / 2 - up) * kernel_w + column]
                    });
                }
            }
            passes.push(Pass { runs, first: outputs.first, features: outputs.features, weights: start });
        }
        self.steps.push(Step::Conv { from, to, relu, store, passes });
    }

    /// One row of weights, or of biases, for the outputs of a pass.
    fn push_row(&mut self, outputs: &Outputs, value: impl Fn(usize) -> f32) {
        self.weights.extend(outputs.iter().map(value));
        self.weights.resize(self.weights.len().next_multiple_of(LANES), 0.0);
    }
}

/// The outputs of one colour group: its units of every gate, gate after gate.
struct Outputs {
    /// Where they stand among the outputs of all groups.
    first: usize,
    features: usize,
    units: std::ops::Range<usize>,
    width: usize,
}

impl Outputs {
    fn of(group: usize, groups: usize, width: usize, gates: usize) -> Self {
        let units = features_of(group, width, groups);
        Self { first: gates * units.start, features: gates * units.len(), units, width }
    }

    /// Their numbers in the layer's weight.
    fn iter(&self) -> impl Iterator<Item = usize> {
        let (units, width) = (self.units.clone(), self.width);
        (0..self.features / units.len().max(1)).flat_map(move |gate| units.clone().map(move |unit| gate * width + unit))
    }
}

fn values<const D: usize>(param: &Param<Tensor<D>>) -> Vec<f32> {
    param.val().into_data().try_into_vec().expect("weights are 32-bit floats")
}

fn kernel_of(layer: &MaskedConv2d) -> [usize; 2] {
    let [_, _, kernel_h, kernel_w] = layer.weight.dims();
    [kernel_h, kernel_w]
}
