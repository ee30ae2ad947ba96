//! Training on a GPU against training on the CPU: the kernels of the scans give the plain scans' values and gradients. On whatever
//! adapter wgpu finds, software ones included; ignored, with the reason, where there is none.

use crate::common::random_images;
use crate::training::run_with;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Gradients, Tensor, TensorData};
use libtest_mimic::Trial;
use pixelrnn::model::{Model, ModelConfig, Network};
use pixelrnn::nn::mask::MaskKind;
use pixelrnn::nn::{Layer, LstmBlock, LstmBlockConfig, MaskedConv2dConfig, seeded};
use pixelrnn::sample::{FusedDevice, FusedError, uniform};
use pixelrnn::train::{TrainConfig, Trainer};

type Body = fn(&Device);

pub fn trials() -> Vec<Trial> {
    let tests: [(&str, Body); 4] = [
        ("gpu::convolutions_are_the_plain_ones_in_value_and_gradient", convolutions_are_the_plain_ones),
        ("gpu::scans_are_the_plain_ones_in_value_and_gradient", scans_are_the_plain_ones),
        ("gpu::steps_are_those_of_the_cpu", steps_are_those_of_the_cpu),
        ("gpu::optimizers_are_those_of_the_cpu", optimizers_are_those_of_the_cpu),
    ];
    let missing = FusedDevice::open_wgpu().as_ref().err().map(FusedError::to_string);
    let trial = |(name, body): (&str, Body)| {
        let run = move || {
            body(&Device::wgpu(Default::default()));
            Ok(())
        };
        Trial::test(name, run).with_ignored_flag(missing.is_some()).with_kind(missing.clone().unwrap_or_default())
    };
    tests.into_iter().map(trial).collect()
}

/// Initial states start at zero; here they shall matter.
struct Stir;

impl ModuleMapper for Stir {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|value| {
            let noise = Tensor::random(value.dims(), Distribution::Normal(0.0, 0.2), &value.device());
            (value + noise).detach()
        })
    }
}

/// Gradients of every weight of a module.
struct Collect<'a>(&'a Gradients, Vec<(String, TensorData)>);

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let weight = param.val();
        let gradient = weight.grad(self.0).expect("every weight has a gradient");
        self.1.push((format!("weight {:?}", weight.dims()), gradient.into_data()));
    }
}

/// Outputs of a module, and gradients of its inputs and weights, on a device. `pull` is the gradient of the outputs, as many
/// features of it as they have.
fn values_and_gradients<M: Module>(
    module: &M,
    forward: impl Fn(&M, &[Tensor<4>]) -> Vec<Tensor<4>>,
    inputs: &[TensorData],
    pull: &TensorData,
    device: &Device,
) -> Vec<(String, TensorData)> {
    let module = module.clone().to_device(device).train();
    let device = device.clone().autodiff();
    let on_device = |data: &TensorData| Tensor::<4>::from_data(data.clone(), &device);
    let inputs: Vec<_> = inputs.iter().map(|data| on_device(data).require_grad()).collect();
    let output = Tensor::cat(forward(&module, &inputs), 1);
    let pull = on_device(pull).narrow(1, 0, output.dims()[1]);
    let gradients = (output.clone() * pull).sum().backward();
    let mut results = vec![("output".to_owned(), output.into_data())];
    for (k, input) in inputs.iter().enumerate() {
        results.extend(input.grad(&gradients).map(|gradient| (format!("gradient of input {k}"), gradient.into_data())));
    }
    let mut collect = Collect(&gradients, results);
    module.visit(&mut collect);
    collect.1
}

/// Random numbers `[batch, features, height, width]`.
fn random([batch, features, height, width]: [usize; 4]) -> TensorData {
    Tensor::<4>::random([batch, features, height, width], Distribution::Normal(0.0, 1.0), &Device::flex()).into_data()
}

/// Every kernel of the paper, on grey and colour; more outputs than a thread computes, a last tile that is not full.
fn convolutions_are_the_plain_ones(gpu: &Device) {
    for (features, kernel, mask, groups) in [
        ([1, 8], [7, 7], MaskKind::A, 1),
        ([3, 10], [7, 7], MaskKind::A, 3),
        ([5, 5], [3, 3], MaskKind::B, 1),
        ([7, 20], [3, 3], MaskKind::B, 3),
        ([32, 16], [1, 1], MaskKind::B, 1),
        ([6, 33], [1, 1], MaskKind::B, 3),
        ([4, 16], [1, 3], MaskKind::B, 1),
        ([19, 1], [1, 1], MaskKind::B, 1),
    ] {
        for rectified in [false, true] {
            let config = MaskedConv2dConfig { features, kernel, mask, groups, gates: 1 };
            let cpu = Device::flex();
            let (layer, inputs, pull) = seeded(5, &cpu, || {
                let [inputs, pull] = features.map(|features| random([3, features, 5, 11]));
                (config.init(&cpu).map(&mut Stir), [inputs], pull)
            });
            let run = |device| {
                let forward = |layer: &pixelrnn::nn::MaskedConv2d, inputs: &[Tensor<4>]| {
                    let x = inputs[0].clone();
                    vec![if rectified { layer.forward_relu(x) } else { layer.forward(x) }]
                };
                values_and_gradients(&layer, forward, &inputs, &pull, device)
            };
            for ((what, found), (_, expected)) in run(gpu).iter().zip(&run(&cpu)) {
                let what =
                    format!("{features:?}, {kernel:?}, {mask:?}, {groups} groups, rectified {rectified}: {what}");
                // Sums of at most some hundred products of numbers near one, added in another order.
                assert_near(&what, found, expected, 2e-4, 1e-4);
            }
        }
    }
}

/// Holds numbers to within `absolute`, or a share of `relative`.
fn assert_near(what: &str, found: &TensorData, expected: &TensorData, absolute: f32, relative: f32) {
    let [found, expected] = [found, expected].map(|data| data.clone().try_into_vec::<f32>().expect("32-bit floats"));
    assert_eq!(found.len(), expected.len(), "{what}");
    for (k, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let near = (found - expected).abs() <= absolute.max(relative * expected.abs());
        assert!(near, "{what}: value {k} is {found}, expected {expected}");
    }
}

/// One pixel, one row, one column, widths that no tile divides, maps, colours, and more images than one part of the sums has.
fn scans_are_the_plain_ones(gpu: &Device) {
    let cpu = Device::flex();
    for layer in [Layer::Row, Layer::Diagonal] {
        for (h, groups, skip, maps, batch, [height, width]) in [
            (16, 1, true, 0, 3, [6, 9]),
            (5, 3, false, 0, 2, [9, 4]),
            (7, 3, true, 3, 3, [5, 1]),
            (6, 1, false, 19, 2, [1, 8]),
            (3, 1, false, 0, 1, [1, 1]),
            (2, 1, false, 0, 130, [2, 128]),
        ] {
            let config = LstmBlockConfig { layer, h, skip, groups, maps };
            let (block, inputs, pull) = seeded(6, &cpu, || {
                let inputs = [2 * h, maps].map(|features| random([batch, features.max(1), height, width]));
                (config.init(&cpu).map(&mut Stir), inputs, random([batch, 4 * h, height, width]))
            });
            let forward = |block: &LstmBlock, inputs: &[Tensor<4>]| {
                let (output, skip) = block.forward(inputs[0].clone(), (maps > 0).then_some(&inputs[1]));
                std::iter::once(output).chain(skip).collect()
            };
            let run = |device| values_and_gradients(&block, forward, &inputs, &pull, device);
            let (found, expected) = (run(gpu), run(&cpu));
            assert_eq!(found.len(), expected.len());
            for ((what, found), (_, expected)) in found.iter().zip(&expected) {
                let what = format!("{config:?}, {batch} images of {height}×{width}: {what}");
                // Sums of some hundred products of numbers near one, thirty thousand of them for the last case's weights,
                // added in another order.
                assert_near(&what, found, expected, 5e-4, 1e-4);
            }
        }
    }
}

/// Two optimiser steps of whole networks.
fn steps_are_those_of_the_cpu(gpu: &Device) {
    for network in Network::ALL {
        let config = run_with("adam", 0.9, &ModelConfig::tiny(network, 1, 2, [6, 5]));
        let images = random_images(&config.model, 2 * config.batch, 3);
        let nats = [gpu, &Device::flex()].map(|device| {
            let mut trainer =
                Trainer::new(config.clone(), images.count, &Device::flex()).expect("a good configuration");
            let checkpoint = trainer.checkpoint().expect("finite weights");
            let mut trainer = Trainer::resume(checkpoint, images.count, device).expect("the same run");
            (0..2).for_each(|_| trainer.step(&images));
            trainer.train_nats().expect("finite")
        });
        // Adam's first step has the size of the learning rate whatever a gradient's last bits.
        assert!((nats[0] - nats[1]).abs() < 1e-3, "{network:?}: {nats:?}");
    }
}

/// Gradients of every weight of a module, of one size or a thousandth of it, none at a third of the places.
struct Invent {
    gradients: GradientsParams,
    step: u64,
    device: Device,
}

impl ModuleVisitor for Invent {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let weight = self.gradients.len() as u32;
        let values = (0..param.shape().num_elements()).map(|k| {
            let value = uniform(self.step, weight, k, 0, 0) - 0.5;
            if k % 3 == 2 { 0.0 } else { value * [1.0, 1e-3][weight as usize % 2] }
        });
        let values = TensorData::new(values.collect::<Vec<f32>>(), param.shape());
        self.gradients.register(param.id, Tensor::<D>::from_data(values, &self.device));
    }
}

/// Three steps of every rule by the same gradients, the last one from a memory that was written on the other device.
fn optimizers_are_those_of_the_cpu(gpu: &Device) {
    let model = ModelConfig::tiny(Network::RowLstm, 3, 2, [6, 5]);
    for (optimizer, weight_decay) in [("adam", 0.0), ("adam", 0.5), ("muon", 0.5), ("rms_prop", 0.0)] {
        let config = TrainConfig { weight_decay, ..run_with(optimizer, 0.0, &model) };
        let first = Model::init(&model, 1, &Device::flex()).expect("a good configuration");
        let run = |devices: [&Device; 2]| {
            let mut model = first.clone();
            let mut memory = None;
            for (device, steps) in devices.into_iter().zip([0..2, 2..3]) {
                model = model.to_device(device).train();
                let mut optimizer = config.init_optimizer(&model);
                if let Some(memory) = memory.take() {
                    optimizer = optimizer.from_bytes(memory).expect("an optimiser's memory");
                }
                for step in steps {
                    let mut invent = Invent { gradients: GradientsParams::new(), step, device: device.clone() };
                    model.visit(&mut invent);
                    model = optimizer.step(0.01, model, invent.gradients);
                }
                memory = Some(optimizer.into_bytes().expect("plain tensors"));
                model = model.valid();
            }
            model.tensors()
        };
        let cpu = &Device::flex();
        let expected = run([cpu, cpu]);
        for devices in [[gpu, gpu], [cpu, gpu], [gpu, cpu]] {
            for ((name, _, found), (.., expected)) in run(devices).into_iter().zip(&expected) {
                for (k, (found, expected)) in found.iter().zip(expected).enumerate() {
                    // A few roundings of weights near one, and of steps of a hundredth, Muon's from twenty products of matrices.
                    let near = (found - expected).abs() < 2e-6;
                    assert!(
                        near,
                        "{optimizer}, decay {weight_decay}, {devices:?}: {name} {k}: {found}, expected {expected}"
                    );
                }
            }
        }
    }
}
