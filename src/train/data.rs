//! The data of a run: what is trained on, and what a likelihood is measured on.

use std::path::Path;

use super::{Augment, TrainConfig, Varied, binarize};
use crate::data::dataset::{Binarize, DatasetConfig, OwnConfig};
use crate::data::genuine::{Foreign, foreign};
use crate::data::own::{Cache, OwnPictures, Pictures, Places, Recipe};
use crate::data::{DataError, DatasetKind, Split, Validation, grey_digits, load_mnist_training, load_split};
use crate::image::{ImageSource, Images};
use crate::model::ModelConfig;

/// The data set that fits a network whose record names none.
pub fn default_dataset(model: &ModelConfig) -> DatasetKind {
    match (model.channels, model.levels) {
        (1, 2) => DatasetKind::BinarizedMnist,
        (1, _) => DatasetKind::Mnist,
        _ => DatasetKind::Cifar10,
    }
}

/// The images of a run, read when they are asked for.
pub struct RunData<'a> {
    dataset: &'a DatasetConfig,
    validation: Option<Validation>,
    model: &'a ModelConfig,
    seed: u64,
    augment: Augment,
    folder: &'a Path,
    own: Option<OwnPictures<'a>>,
    /// A file of a known set that has other pictures.
    foreign: Option<Foreign>,
}

impl<'a> RunData<'a> {
    /// `folder` has the data sets; relative paths begin there. What does not fit into memory goes to `cache`.
    pub fn new(config: &'a TrainConfig, folder: &'a Path, cache: Cache) -> Self {
        let own = match &config.dataset {
            DatasetConfig::Own(own) => {
                let places = Places { base: folder.to_path_buf(), cache };
                Some(OwnPictures::new(own, recipe(own, &config.model), config.seed, places))
            }
            _ => None,
        };
        Self {
            dataset: &config.dataset,
            validation: config.validation(),
            model: &config.model,
            seed: config.seed,
            augment: config.augment.unwrap_or_default(),
            folder,
            own,
            foreign: None,
        }
    }

    /// What a likelihood on `split` was measured on, to be printed beside it; known once the images are read.
    pub fn protocol(&self, split: Split) -> String {
        self.foreign.as_ref().map_or_else(|| self.dataset.protocol(split), |foreign| foreign.protocol(split))
    }

    /// A file with the name of one of the set's and other pictures, among those read last.
    pub fn foreign(&self) -> Option<&Foreign> {
        self.foreign.as_ref()
    }

    /// What a likelihood on `split` is measured on; `say` is told what was found.
    ///
    /// # Errors
    /// When the images cannot be read, or are not of the network's kind.
    pub fn measured(&mut self, split: Split, say: &mut dyn FnMut(&str)) -> Result<Pictures, DataError> {
        let pictures = match (&mut self.own, self.dataset.kind()) {
            (Some(own), _) => {
                let pictures = own.split(split, say)?;
                if self.draws_ink() { fixed_ink(&pictures, self.seed).into() } else { pictures }
            }
            (None, Some(kind)) => {
                let validation = self.validation.unwrap_or(kind.validation());
                let images = load_split(kind, split, validation, self.folder)?;
                self.foreign = foreign(kind, split, self.folder)?;
                self.foreign.iter().for_each(|foreign| say(&foreign.to_string()));
                images.into()
            }
            (None, None) => unreachable!("pictures of one's own, or a known set"),
        };
        self.fitting(&pictures, self.model.levels)?;
        Ok(pictures)
    }

    /// The images to train on, as they are varied from pass to pass.
    ///
    /// # Errors
    /// As [`measured`](Self::measured).
    pub fn training(&mut self, say: &mut dyn FnMut(&str)) -> Result<Varied<Pictures>, DataError> {
        let images = match (self.dataset, &mut self.own) {
            (DatasetConfig::Varied(_), _) => {
                let fixed = load_split(DatasetKind::BinarizedMnist, Split::Valid, Validation::Own, self.folder)?;
                let grey = load_mnist_training(self.folder)?;
                let kept = grey_digits::without_origins(&grey, &fixed).map_err(DataError::Origins)?;
                say(&format!("{} grey images to train on, those behind the validation split left out", kept.count));
                Pictures::from(kept)
            }
            (_, Some(own)) => own.split(Split::Train, say)?,
            _ => self.measured(Split::Train, say)?,
        };
        let bernoulli = self.draws_ink();
        self.fitting(&images, if bernoulli { 256 } else { self.model.levels })?;
        let background = match self.dataset {
            DatasetConfig::Own(own) => recipe(own, self.model).background_levels(),
            _ => vec![0; self.model.channels],
        };
        Ok(Varied { images, seed: self.seed, augment: self.augment, background, bernoulli })
    }

    /// Whether the network's two levels are drawn from brightnesses.
    fn draws_ink(&self) -> bool {
        match self.dataset {
            DatasetConfig::Known(_) => false,
            DatasetConfig::Varied(_) => true,
            DatasetConfig::Own(own) => own.binarize == Some(Binarize::Bernoulli),
        }
    }

    fn fitting(&self, images: &Pictures, levels: u16) -> Result<(), DataError> {
        let [_, channels, height, width] = images.shape();
        let found = (channels, height, width, images.levels());
        let expected = (self.model.channels, self.model.height, self.model.width, levels);
        if found == expected { Ok(()) } else { Err(DataError::Unfit { name: self.dataset.name(), found, expected }) }
    }
}

/// What becomes of a picture of one's own.
fn recipe(own: &OwnConfig, model: &ModelConfig) -> Recipe {
    Recipe {
        channels: model.channels,
        height: model.height,
        width: model.width,
        levels: if own.binarize == Some(Binarize::Bernoulli) { 256 } else { model.levels },
        fit: own.fit,
        background: own.background,
        threshold: match own.binarize {
            Some(Binarize::Threshold(threshold)) => Some(threshold),
            _ => None,
        },
        transpose: own.transpose,
    }
}

/// Brightnesses made binary once and for all: what validates and tests must not change from pass to pass.
fn fixed_ink(pictures: &Pictures, seed: u64) -> Images {
    let mut images = pictures.select(0..pictures.shape()[0]);
    let len = images.image_len();
    for (image, levels) in images.data.chunks_mut(len).enumerate() {
        // A pass that is never reached.
        binarize(levels, seed, u32::MAX as usize, image);
    }
    Images { levels: 2, ..images }
}
