//! From a network's layers to the steps of a [`Plan`].

use super::plan::{Border, Conditioning, HERE, LANES, PANEL, Pass, Place, Plan, Run, Slot, Step, Store};
use super::upsampling::Upsampling;
use crate::model::{Block, ModelConfig, Net, Network};
use crate::nn::gates::GATES;
use crate::nn::mask::{MaskKind, features_of};
use crate::nn::{ConvBlock, DiagonalLstm, LstmBlock, MaskedConv2d, Recurrent};
use burn::module::Param;
use burn::tensor::Tensor;

/// Slots that all blocks of a network read or write.
#[derive(Clone, Copy)]
struct Shared {
    /// The map that conditions the layers, where one does.
    condition: Option<usize>,
    /// The sum that the gates of an LSTM layer are made of.
    sums: usize,
}

impl Plan {
    /// Flattens the network of one scale.
    pub(super) fn new(config: &ModelConfig, net: &Net) -> Self {
        let mut plan = Self {
            config: config.clone(),
            slots: Vec::new(),
            steps: Vec::new(),
            scans: Vec::new(),
            weights: Vec::new(),
            logits: 0,
            conditioning: None,
        };
        let h = config.h;
        let input = plan.slot(Slot::map(config.channels, kernel_of(&net.first)));
        let shared = Shared { condition: plan.condition(net), sums: plan.slot(Slot::pixel(GATES * h)) };
        let recurrent = config.network != Network::PixelCnn;
        // A row of the stream before every layer: the Row LSTM looks one pixel back, the right scan at all of it.
        let stream = Slot { rows: usize::from(recurrent), halo: usize::from(recurrent), ..Slot::pixel(2 * h) };
        let mut stream = plan.slot(stream);
        plan.conv(&net.first, MaskKind::A, [input, stream], false, Store::Set);
        let mut features = plan.slot(Slot::pixel(h));
        let mut skips = plan.slot(Slot::pixel(2 * h));
        for (k, block) in net.blocks.iter().enumerate() {
            let (expand, skip) = match block {
                Block::Conv(block) => {
                    features = plan.next(features, k);
                    plan.conv_layers(block, stream, features, shared);
                    (&block.expand, &block.skip)
                }
                Block::Lstm(block) => {
                    features = plan.lstm_layer(block, stream, shared);
                    (&block.expand, &block.skip)
                }
            };
            let after = if recurrent { plan.slot(plan.slots[stream].clone()) } else { plan.next(stream, k + 1) };
            // Rectified when written, or when read where the condition is still to be added.
            let rectified = !recurrent && shared.condition.is_some();
            plan.conv(expand, MaskKind::B, [features, after], rectified, Store::AddTo { base: stream });
            stream = after;
            if let Some(skip) = skip {
                let after = plan.next(skips, k);
                let store = if k == 0 { Store::Set } else { Store::AddTo { base: skips } };
                plan.conv(skip, MaskKind::B, [features, after], rectified, store);
                skips = after;
            }
        }
        if config.skip {
            let sum = plan.slot(Slot::pixel(2 * h));
            plan.steps.push(Step::Sum { terms: [(stream, HERE), (skips, HERE)], to: sum });
            stream = sum;
        }
        let hidden = plan.slot(Slot::pixel(config.head));
        plan.logits = plan.slot(Slot::pixel(config.channels * config.logits()));
        plan.conv(&net.head.hidden, MaskKind::B, [stream, hidden], true, Store::SetRelu);
        plan.conv(&net.head.output, MaskKind::B, [hidden, plan.logits], false, Store::Set);
        plan
    }

    /// Adds the layers of a PixelCNN's block (§3.5) up to what its `expand` reads.
    fn conv_layers(&mut self, block: &ConvBlock, stream: usize, features: usize, Shared { condition, .. }: Shared) {
        let map = self.slot(Slot::map(self.config.h, kernel_of(&block.conv)));
        self.conv(&block.reduce, MaskKind::B, [stream, map], true, Store::SetRelu);
        let store = if condition.is_some() { Store::Set } else { Store::SetRelu };
        self.conv(&block.conv, MaskKind::B, [map, features], false, store);
        self.conditioned(block.condition.as_ref(), 1, condition, features);
    }

    /// Adds the recurrent layer of a block (§3.1, §3.2); gives the slot of its features.
    fn lstm_layer(&mut self, block: &LstmBlock, stream: usize, shared: Shared) -> usize {
        let h = self.config.h;
        match &block.lstm {
            Recurrent::Row(lstm) => {
                let [initial_h, initial_c] = [&lstm.initial_h, &lstm.initial_c].map(values);
                let border = Border::Above(initial_h);
                let states = self.slot(Slot { rows: 2, halo: 1, border, ..Slot::pixel(h) });
                let border = Border::Above(initial_c);
                let cells = self.slot(Slot { rows: 2, border, ..Slot::pixel(h) });
                let above = Run { from: Place { up: 1, left: 1 }, length: 3 * h };
                self.gates(&lstm.input_to_state, lstm.condition.as_ref(), stream, shared);
                self.unmasked(&lstm.state_to_state, GATES, [states, shared.sums], &[above]);
                let before = Place { up: 1, left: 0 };
                self.steps.push(Step::Cell { from: shared.sums, h: states, c: cells, before });
                states
            }
            Recurrent::Diagonal(lstm) => {
                let left = self.diagonal(&lstm.left, stream, shared, 1);
                let steps = std::mem::take(&mut self.steps);
                let right = self.diagonal(&lstm.right, stream, shared, -1);
                let scan = std::mem::replace(&mut self.steps, steps);
                self.scans.push(scan);
                let features = self.slot(Slot::pixel(h));
                let above = Place { up: 1, left: 0 };
                self.steps.push(Step::Sum { terms: [(left, HERE), (right, above)], to: features });
                features
            }
        }
    }

    /// One direction of a Diagonal BiLSTM that comes from `beside` columns to the left; gives the slot of its states.
    fn diagonal(&mut self, lstm: &DiagonalLstm, stream: usize, shared: Shared, beside: isize) -> usize {
        let h = self.config.h;
        let [initial_h, initial_c] = [&lstm.initial_h, &lstm.initial_c].map(values);
        let states = self.slot(Slot { rows: 2, halo: 1, border: Border::Beside(initial_h), ..Slot::pixel(h) });
        let cells = self.slot(Slot { rows: 1, halo: 1, border: Border::Beside(initial_c), ..Slot::pixel(h) });
        let beside = Place { up: 0, left: beside };
        let runs = [Place { up: 1, left: 0 }, beside].map(|from| Run { from, length: h });
        self.gates(&lstm.input_to_state, lstm.condition.as_ref(), stream, shared);
        self.unmasked(&lstm.state_to_state, GATES, [states, shared.sums], &runs);
        self.steps.push(Step::Cell { from: shared.sums, h: states, c: cells, before: beside });
        states
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

    /// The slot for the map that conditions the layers, where one does.
    fn condition(&mut self, net: &Net) -> Option<usize> {
        let (upsampler, conditioning) = net.upsampler.as_ref().zip(self.config.conditioning.as_ref())?;
        let upsampling = Upsampling::new(upsampler, [conditioning.small.height, conditioning.small.width]);
        let slot = self.slot(Slot { rows: self.config.height, ..Slot::pixel(conditioning.maps) });
        self.conditioning = Some(Conditioning { upsampling, slot });
        Some(slot)
    }

    /// Adds an input-to-state convolution under mask B, and the conditioning map's, into the slot of sums.
    fn gates(
        &mut self,
        layer: &MaskedConv2d,
        weight: Option<&Param<Tensor<4>>>,
        stream: usize,
        Shared { condition, sums }: Shared,
    ) {
        self.gated_conv(layer, MaskKind::B, [stream, sums], false, Store::Set, GATES);
        self.conditioned(weight, GATES, condition, sums);
    }

    /// Adds what the conditioning map says to what stands in slot `to`, where there is one.
    fn conditioned(&mut self, weight: Option<&Param<Tensor<4>>>, gates: usize, condition: Option<usize>, to: usize) {
        if let Some((weight, condition)) = weight.zip(condition) {
            let here = Run { from: HERE, length: self.config.maps() };
            self.unmasked(weight, gates, [condition, to], &[here]);
        }
    }

    /// Adds a convolution without mask and bias to what stands in slot `to`: `runs` are its taps in the order of the kernel, seen
    /// whole by every group.
    fn unmasked(&mut self, weight: &Param<Tensor<4>>, gates: usize, [from, to]: [usize; 2], runs: &[Run]) {
        let [c_out, c_in, kernel_h, kernel_w] = weight.dims();
        let (groups, taps, weight) = (self.config.channels, kernel_h * kernel_w, values(weight));
        let mut passes = Vec::new();
        for group in 0..groups {
            let outputs = Outputs::of(group, groups, c_out / gates, gates);
            let weights = |out: usize, place: usize| weight[(out * c_in + place % c_in) * taps + place / c_in];
            passes.push(self.pass(&outputs, runs.to_vec(), |_| 0.0, weights));
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
            // Inputs are numbered tap after tap of the kernel, row by row, features inside: rows above are whole.
            let weights = |out: usize, place: usize| {
                let (tap, input) = (place / c_in, place % c_in);
                weight[(out * c_in + input) * kernel_h * kernel_w + tap]
            };
            passes.push(self.pass(&outputs, runs, |out| bias[out], weights));
        }
        self.steps.push(Step::Conv { from, to, relu, store, passes });
    }

    /// A pass, its weights added to the plan's: `bias` of an output, and `weight` of an output and an input, counted along the
    /// runs.
    fn pass(
        &mut self,
        outputs: &Outputs,
        runs: Vec<Run>,
        bias: impl Fn(usize) -> f32,
        weight: impl Fn(usize, usize) -> f32,
    ) -> Pass {
        let pass = Pass { runs, first: outputs.first, features: outputs.features, weights: self.weights.len() };
        let outputs: Vec<usize> = outputs.iter().collect();
        for panel in outputs.chunks(PANEL) {
            let mut row = |value: &dyn Fn(usize) -> f32| {
                self.weights.extend(panel.iter().map(|&out| value(out)));
                self.weights.resize(self.weights.len().next_multiple_of(LANES), 0.0);
            };
            row(&bias);
            (0..pass.inputs()).for_each(|input| row(&|out| weight(out, input)));
        }
        pass
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

/// A weight as plain numbers.
pub(super) fn values<const D: usize>(param: &Param<Tensor<D>>) -> Vec<f32> {
    param.val().into_data().try_into_vec().expect("weights are 32-bit floats")
}

fn kernel_of(layer: &MaskedConv2d) -> [usize; 2] {
    let [_, _, kernel_h, kernel_w] = layer.weight.dims();
    [kernel_h, kernel_w]
}
