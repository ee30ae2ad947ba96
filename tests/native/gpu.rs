//! Training on a GPU against training on the CPU: the kernels of the scans give the plain scans' values and gradients. On whatever
//! adapter wgpu finds, software ones included; ignored, with the reason, where there is none.

use crate::common::random_images;
use crate::training::run_with;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Distribution, Gradients, Tensor, TensorData};
use libtest_mimic::Trial;
use pixelrnn::model::{ModelConfig, Network};
use pixelrnn::nn::{Layer, LstmBlock, LstmBlockConfig};
use pixelrnn::sample::{FusedDevice, FusedError};
use pixelrnn::train::Trainer;

type Body = fn(&Device);

pub fn trials() -> Vec<Trial> {
    let tests: [(&str, Body); 2] = [
        ("gpu::scans_are_the_plain_ones_in_value_and_gradient", scans_are_the_plain_ones),
        ("gpu::steps_are_those_of_the_cpu", steps_are_those_of_the_cpu),
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

/// Output of a block, and gradients of its inputs and weights, on a device.
fn values_and_gradients(
    block: &LstmBlock,
    [x, map, pull]: [&TensorData; 3],
    maps: usize,
    device: &Device,
) -> Vec<(String, TensorData)> {
    let block = block.clone().to_device(device).train();
    let device = device.clone().autodiff();
    let on_device = |data: &TensorData| Tensor::<4>::from_data(data.clone(), &device);
    let (x, map) = (on_device(x).require_grad(), on_device(map).require_grad());
    let (output, skip) = block.forward(x.clone(), (maps > 0).then_some(&map));
    let output = Tensor::cat(std::iter::once(output).chain(skip).collect(), 1);
    let pull = on_device(pull).narrow(1, 0, output.dims()[1]);
    let gradients = (output.clone() * pull).sum().backward();
    let mut results = vec![("output".to_owned(), output.into_data())];
    for (name, tensor) in [("input", &x), ("map", &map)] {
        results
            .extend(tensor.grad(&gradients).map(|gradient| (format!("gradient of the {name}"), gradient.into_data())));
    }
    let mut collect = Collect(&gradients, results);
    block.visit(&mut collect);
    collect.1
}

/// Holds numbers to within 5·10⁻⁴, or a share of 10⁻⁴: sums of some hundred products of numbers near one, thirty thousand of them
/// for the weights of the largest case, added in another order.
fn assert_near(what: &str, found: &TensorData, expected: &TensorData) {
    let [found, expected] = [found, expected].map(|data| data.clone().try_into_vec::<f32>().expect("32-bit floats"));
    assert_eq!(found.len(), expected.len(), "{what}");
    for (k, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let near = (found - expected).abs() <= f32::max(5e-4, 1e-4 * expected.abs());
        assert!(near, "{what}: value {k} is {found}, expected {expected}");
    }
}

/// One pixel, one row, one column, widths that no tile divides, maps, colours, and more images than one part of the sums has.
fn scans_are_the_plain_ones(gpu: &Device) {
    let cpu = Device::flex();
    cpu.seed(6);
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
            let block = config.init(&cpu).map(&mut Stir);
            let random = |features| {
                Tensor::<4>::random([batch, features, height, width], Distribution::Normal(0.0, 1.0), &cpu).into_data()
            };
            let data = [random(2 * h), random(maps.max(1)), random(4 * h)];
            let run = |device| values_and_gradients(&block, data.each_ref(), maps, device);
            let (found, expected) = (run(gpu), run(&cpu));
            assert_eq!(found.len(), expected.len());
            for ((what, found), (_, expected)) in found.iter().zip(&expected) {
                assert_near(&format!("{config:?}, {batch} images of {height}×{width}: {what}"), found, expected);
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
