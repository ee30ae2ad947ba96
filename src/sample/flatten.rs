//! From a network's layers to the steps of a [`Plan`].

use super::plan::{Border, Conditioning, HERE, LANES, PANEL, Pass, Place, Plan, Run, Slot, Step, Sums, Term};
use super::upsampling::{Upsampling, values};
use crate::maths::{GATES, features_of};
use crate::model::{Block, ModelConfig, Net, Network};
use crate::nn::mask::MaskKind;
use crate::nn::{ConvBlock, DiagonalLstm, LstmBlock, MaskedConv2d, Recurrent};
use burn::module::Param;
use burn::tensor::Tensor;
use std::ops::Range;

type Weight = Param<Tensor<4>>;

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
        plan.conditioning =
            net.upsampler.as_ref().zip(config.conditioning.as_ref()).map(|(upsampler, of)| Conditioning {
                upsampling: Upsampling::new(upsampler, [of.small.height, of.small.width]),
                slot: plan.slot(Slot { rows: config.height, ..Slot::pixel(of.maps) }),
            });
        let recurrent = config.network != Network::PixelCnn;
        // A row of the stream before every layer: the Row LSTM looks one pixel back, the right scan at all of it.
        let stream = Slot { rows: usize::from(recurrent), halo: usize::from(recurrent), ..Slot::pixel(2 * h) };
        let mut stream = plan.slot(stream);
        let first = plan.masked(&net.first, MaskKind::A, input, false, 1);
        plan.sums([first], None, false, stream);
        let mut features = plan.slot(Slot::pixel(h));
        let gates = plan.slot(Slot::pixel(if recurrent { GATES * h } else { 0 }));
        let mut skips = plan.slot(Slot::pixel(2 * h));
        for (k, block) in net.blocks.iter().enumerate() {
            let (expand, skip) = match block {
                Block::Conv(block) => {
                    features = plan.next(features, k);
                    plan.conv_layers(block, stream, features);
                    (&block.expand, &block.skip)
                }
                Block::Lstm(block) => {
                    features = plan.lstm_layer(block, stream, gates);
                    (&block.expand, &block.skip)
                }
            };
            let after = if recurrent { plan.slot(plan.slots[stream].clone()) } else { plan.next(stream, k + 1) };
            let expand = plan.masked(expand, MaskKind::B, features, false, 1);
            plan.sums([expand], Some(stream), false, after);
            stream = after;
            if let Some(skip) = skip {
                let after = plan.next(skips, k);
                let skip = plan.masked(skip, MaskKind::B, features, false, 1);
                plan.sums([skip], (k > 0).then_some(skips), false, after);
                skips = after;
            }
        }
        if config.skip {
            let sum = plan.slot(Slot::pixel(2 * h));
            plan.steps.push(Step::Add { from: [(stream, HERE), (skips, HERE)], to: sum });
            stream = sum;
        }
        let hidden = plan.slot(Slot::pixel(config.head));
        plan.logits = plan.slot(Slot::pixel(config.channels * config.logits()));
        let term = plan.masked(&net.head.hidden, MaskKind::B, stream, true, 1);
        plan.sums([term], None, true, hidden);
        let term = plan.masked(&net.head.output, MaskKind::B, hidden, false, 1);
        plan.sums([term], None, false, plan.logits);
        plan
    }

    /// Adds the layers of a PixelCNN's block (§3.5) up to what its `expand` reads.
    fn conv_layers(&mut self, block: &ConvBlock, stream: usize, features: usize) {
        let map = self.slot(Slot::map(self.config.h, kernel_of(&block.conv)));
        let reduce = self.masked(&block.reduce, MaskKind::B, stream, true, 1);
        self.sums([reduce], None, true, map);
        let conv = self.masked(&block.conv, MaskKind::B, map, false, 1);
        let condition = self.conditioned(block.condition.as_ref(), 1);
        self.sums([conv].into_iter().chain(condition), None, true, features);
    }

    /// Adds the recurrent layer of a block (§3.1, §3.2); gives the slot of its features.
    fn lstm_layer(&mut self, block: &LstmBlock, stream: usize, gates: usize) -> usize {
        let h = self.config.h;
        match &block.lstm {
            Recurrent::Row(lstm) => {
                let [initial_h, initial_c] = [&lstm.initial_h, &lstm.initial_c].map(values);
                let states = self.slot(Slot { rows: 2, halo: 1, border: Border::Above(initial_h), ..Slot::pixel(h) });
                let cells = self.slot(Slot { rows: 2, border: Border::Above(initial_c), ..Slot::pixel(h) });
                let above = Run { from: Place { up: 1, left: 1 }, length: 3 * h };
                let input = self.masked(&lstm.input_to_state, MaskKind::B, stream, false, GATES);
                let condition = self.conditioned(lstm.condition.as_ref(), GATES);
                let state = self.unmasked(&lstm.state_to_state, states, &[above], GATES);
                let terms = [input].into_iter().chain(condition).chain([state]);
                self.lstm(terms, gates, [states, cells], Place { up: 1, left: 0 });
                states
            }
            Recurrent::Diagonal(lstm) => {
                let left = self.direction(&lstm.left, stream, gates, 1);
                let steps = std::mem::take(&mut self.steps);
                let right = self.direction(&lstm.right, stream, gates, -1);
                let scan = std::mem::replace(&mut self.steps, steps);
                self.scans.push(scan);
                let features = self.slot(Slot::pixel(h));
                let above = Place { up: 1, left: 0 };
                self.steps.push(Step::Add { from: [(left, HERE), (right, above)], to: features });
                features
            }
        }
    }

    /// One direction of a Diagonal BiLSTM that comes from `beside` columns to the left; gives the slot of its states.
    fn direction(&mut self, lstm: &DiagonalLstm, stream: usize, gates: usize, beside: isize) -> usize {
        let h = self.config.h;
        let [initial_h, initial_c] = [&lstm.initial_h, &lstm.initial_c].map(values);
        let states = self.slot(Slot { rows: 2, halo: 1, border: Border::Beside(initial_h), ..Slot::pixel(h) });
        let cells = self.slot(Slot { rows: 1, halo: 1, border: Border::Beside(initial_c), ..Slot::pixel(h) });
        let beside = Place { up: 0, left: beside };
        let runs = [Place { up: 1, left: 0 }, beside].map(|from| Run { from, length: h });
        let input = self.masked(&lstm.input_to_state, MaskKind::B, stream, false, GATES);
        let condition = self.conditioned(lstm.condition.as_ref(), GATES);
        let state = self.unmasked(&lstm.state_to_state, states, &runs, GATES);
        self.lstm([input].into_iter().chain(condition).chain([state]), gates, [states, cells], beside);
        states
    }

    /// Adds the LSTM step of all groups, the gates' sums of `terms` made in slot `gates`.
    fn lstm(&mut self, terms: impl Iterator<Item = Term>, gates: usize, [h, c]: [usize; 2], before: Place) {
        let outputs = self.groups(self.config.h, GATES).map(|outputs| outputs.range()).collect();
        let gates = Sums { terms: terms.collect(), outputs, add: None, relu: false, to: gates };
        self.steps.push(Step::Lstm { gates, h, c, before });
    }

    /// Adds the sums of `terms`, and of slot `add` where there is one.
    fn sums(&mut self, terms: impl IntoIterator<Item = Term>, add: Option<usize>, relu: bool, to: usize) {
        let outputs = self.groups(self.slots[to].features, 1).map(|outputs| outputs.range()).collect();
        self.steps.push(Step::Sums(Sums { terms: terms.into_iter().collect(), outputs, add, relu, to }));
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

    /// The outputs of every colour group, of `width` features a gate.
    fn groups(&self, width: usize, gates: usize) -> impl Iterator<Item = Outputs> + use<> {
        let groups = self.config.channels;
        (0..groups).map(move |group| Outputs { units: features_of(group, width, groups), width, gates })
    }

    /// What the conditioning map, where there is one, adds to a layer.
    fn conditioned(&mut self, weight: Option<&Weight>, gates: usize) -> Option<Term> {
        let (weight, from) = weight.zip(self.conditioning.as_ref().map(|conditioning| conditioning.slot))?;
        let here = Run { from: HERE, length: self.config.maps() };
        Some(self.unmasked(weight, from, &[here], gates))
    }

    /// A convolution without mask and bias: `runs` are its taps in the order of the kernel, seen whole by every group.
    fn unmasked(&mut self, weight: &Weight, from: usize, runs: &[Run], gates: usize) -> Term {
        let [c_out, c_in, kernel_h, kernel_w] = weight.dims();
        let (taps, weight) = (kernel_h * kernel_w, values(weight));
        let weights = |out: usize, place: usize| weight[(out * c_in + place % c_in) * taps + place / c_in];
        let groups = self.groups(c_out / gates, gates);
        let passes = groups.map(|outputs| self.pass(&outputs, runs.to_vec(), |_| 0.0, weights)).collect();
        Term { from, relu: false, passes }
    }

    /// A convolution: for each colour group the runs its mask leaves, and the weights of just these. Its outputs are `gates`
    /// blocks with the groups inside each.
    fn masked(&mut self, layer: &MaskedConv2d, mask: MaskKind, from: usize, relu: bool, gates: usize) -> Term {
        let groups = self.config.channels;
        let [c_out, c_in, kernel_h, kernel_w] = layer.weight.dims();
        let (weight, bias) = (values(&layer.weight), values(&layer.bias));
        let outputs = self.groups(c_out / gates, gates);
        let pass = |(group, outputs): (usize, Outputs)| {
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
            self.pass(&outputs, runs, |out| bias[out], weights)
        };
        Term { from, relu, passes: outputs.enumerate().map(pass).collect() }
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
        let pass = Pass { runs, weights: self.weights.len() };
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
    units: Range<usize>,
    /// Units of all groups.
    width: usize,
    gates: usize,
}

impl Outputs {
    /// Where they stand among the outputs of all groups.
    fn range(&self) -> Range<usize> {
        self.gates * self.units.start..self.gates * self.units.end
    }

    /// Their numbers in the layer's weight.
    fn iter(&self) -> impl Iterator<Item = usize> {
        (0..self.gates).flat_map(move |gate| self.units.clone().map(move |unit| gate * self.width + unit))
    }
}

fn kernel_of(layer: &MaskedConv2d) -> [usize; 2] {
    let [_, _, kernel_h, kernel_w] = layer.weight.dims();
    [kernel_h, kernel_w]
}
