//! A running average of the weights: it generalises better than the last step, at no cost in gradient steps.

use crate::model::Model;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Exponential moving average of every weight, kept on the weights' device.
pub struct Average {
    decay: f64,
    steps: usize,
    /// One flat tensor a weight, in the order in which burn visits them.
    values: Vec<Tensor<1>>,
}

impl Average {
    /// Starts at the model's weights; `steps` optimiser steps lie behind it.
    pub fn new(decay: f64, model: &Model, steps: usize) -> Self {
        let mut read = Read::default();
        model.visit(&mut read);
        Self { decay, steps, values: read.values }
    }

    /// Takes one step's weights into the average. Early on it forgets faster, so that the first weights do not linger.
    pub fn update(&mut self, model: &Model) {
        self.steps += 1;
        let decay = self.decay.min((1.0 + self.steps as f64) / (10.0 + self.steps as f64));
        let mut read = Read::default();
        model.visit(&mut read);
        for (average, value) in self.values.iter_mut().zip(read.values) {
            *average = average.clone() * decay + value * (1.0 - decay);
        }
    }

    /// The model with the average in place of its weights.
    pub fn apply(&self, model: &Model) -> Model {
        model.clone().map(&mut Write { values: self.values.iter() })
    }
}

#[derive(Default)]
struct Read {
    values: Vec<Tensor<1>>,
}

impl ModuleVisitor for Read {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.values.push(param.val().inner().flatten(0, D - 1));
    }
}

struct Write<'a> {
    values: std::slice::Iter<'a, Tensor<1>>,
}

impl ModuleMapper for Write<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let value = self.values.next().expect("one average a weight").clone();
        param.map(|old| Tensor::<1>::from_data(value.into_data(), &old.device()).reshape(old.dims()))
    }
}
