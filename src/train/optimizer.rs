//! The update rules.

use super::TrainConfig;
use crate::model::Model;
use burn::grad_clipping::GradientClippingConfig;
use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{
    AdamConfig, AdamState, AdjustLrFn, ModuleOptimizer, Muon, MuonConfig, MuonState, Optimizer, RmsPropConfig,
};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

/// The update rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerKind {
    /// Adam with β₁ 0.9, β₂ 0.999, ε 10⁻⁸; AdamW where weights decay.
    Adam,
    /// RMSProp with α 0.99, without momentum: the paper's choice (§5.2).
    RmsProp,
    /// Muon for the matrices between the first layer and the last: the blocks' and that of the head's hidden layer. Adam for all else.
    ///
    /// Momentum 0.95, Nesterov's; a step is as long as Adam's, so that both take one learning rate.
    Muon,
}

/// Decay of Adam's moments.
const BETAS: [f32; 2] = [0.9, 0.999];

/// What the root of Adam's second moment is held off zero by.
const EPSILON: f32 = 1e-8;

impl TrainConfig {
    /// A fresh optimiser for the weights of `model`.
    pub fn init_optimizer(&self, model: &Model) -> ModuleOptimizer {
        let clip = self.gradient_clip.map(GradientClippingConfig::Norm);
        let adam = || {
            let [beta_1, beta_2] = BETAS;
            let plain = AdamConfig::new().with_beta_1(beta_1).with_beta_2(beta_2).with_epsilon(EPSILON).build();
            let adam = ModuleOptimizer::from(Adam { plain, decay: f64::from(self.weight_decay) });
            match &clip {
                Some(clip) => adam.with_grad_clipping(clip.init()),
                None => adam,
            }
        };
        match self.optimizer {
            OptimizerKind::Adam => adam(),
            OptimizerKind::RmsProp => RmsPropConfig::new().with_momentum(0.0).with_grad_clipping(clip).init(),
            OptimizerKind::Muon => {
                let decay = (self.weight_decay > 0.0).then(|| WeightDecayConfig::new(self.weight_decay));
                let muon = MuonConfig::new().with_adjust_lr_fn(AdjustLrFn::MatchRmsAdamW).with_weight_decay(decay);
                let clip = clip.as_ref().map(GradientClippingConfig::init);
                adam().with_group(inner_matrices(model), OfKernels(muon.build()), clip)
            }
        }
    }
}

/// Adam, of weights that decay: AdamW. On a GPU that has a kernel for it one launch, to the same numbers but for rounding.
#[derive(Clone)]
struct Adam {
    plain: burn::optim::Adam,
    decay: f64,
}

impl Optimizer for Adam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        rate: f64,
        weight: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let kept = 1.0 - rate * self.decay;
        #[cfg(feature = "wgpu")]
        if crate::gpu::serves(&weight.device()) {
            let (time, moments) = match state {
                Some(AdamState { momentum }) => (momentum.time + 1, [momentum.moment_1, momentum.moment_2]),
                None => (1, [gradient.zeros_like(), gradient.zeros_like()]),
            };
            let (shape, values) = (weight.shape(), [weight.shape().num_elements()]);
            let [weight, gradient] = [weight, gradient].map(|tensor| tensor.reshape(values));
            let step = crate::gpu::AdamStep {
                rate: rate as f32,
                kept: kept as f32,
                betas: BETAS,
                epsilon: EPSILON,
                time: time as i32,
            };
            let after = crate::gpu::adam(weight, gradient, moments.map(|moment| moment.reshape(values)), step);
            let [weight, moment_1, moment_2] = after.map(|tensor| tensor.reshape(shape.clone()));
            let momentum = burn::optim::AdaptiveMomentumState::new(time, moment_1, moment_2);
            return (weight, Some(AdamState::new(momentum)));
        }
        let weight = if self.decay > 0.0 { weight * kept } else { weight };
        self.plain.step(rate, weight, gradient, state)
    }

    fn to_device<const D: usize>(state: AdamState<D>, device: &Device) -> AdamState<D> {
        burn::optim::Adam::to_device(state, device)
    }
}

/// The weights that Muon is for.
fn inner_matrices(model: &Model) -> ParamGroup {
    struct Matrices(Vec<ParamId>);
    impl ModuleVisitor for Matrices {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if D > 1 {
                self.0.push(param.id);
            }
        }
    }
    let mut matrices = Matrices(Vec::new());
    for net in &model.nets {
        net.blocks.visit(&mut matrices);
        net.head.hidden.visit(&mut matrices);
    }
    ParamGroup::from_ids(matrices.0)
}

/// Muon on convolutions' weights `[features_out, …]`: matrices `[features_out, inputs and taps]`, as burn's demands.
///
/// An orthogonal update has no zeros where the gradient has them. What has no gradient, weights that a mask forbids among it, stays
/// as it is.
#[derive(Clone)]
struct OfKernels(Muon);

impl Optimizer for OfKernels {
    type State<const D: usize> = MuonState<2>;

    fn step<const D: usize>(
        &self,
        rate: f64,
        weight: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<MuonState<2>>,
    ) -> (Tensor<D>, Option<MuonState<2>>) {
        let shape = weight.shape();
        let matrix = [shape[0], shape.num_elements() / shape[0]];
        let [weight, gradient] = [weight, gradient].map(|tensor| tensor.reshape(matrix));
        let still = gradient.clone().equal_elem(0.0);
        let (stepped, state) = self.0.step(rate, weight.clone(), gradient, state);
        (stepped.mask_where(still, weight).reshape(shape), state)
    }

    fn to_device<const D: usize>(state: MuonState<2>, device: &Device) -> MuonState<2> {
        Muon::to_device(state, device)
    }
}
