//! What a training configuration says of its pictures: one of the sets this crate knows, or pictures of one's own.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{DatasetKind, Split};

/// The field `dataset` of a training configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum DatasetConfig {
    /// `"mnist"`, `"binarized-mnist"` or `"cifar10"`.
    Known(DatasetKind),
    /// `{ "name": "binarized-mnist", "binarize": "bernoulli" }`: trained on the grey images, made binary anew in each pass.
    Varied(VariedConfig),
    /// `{ "train": PATH, ... }`.
    Own(Box<OwnConfig>),
}

/// Binarized MNIST whose training images are drawn anew from their grey values in each pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariedConfig {
    /// The set that is validated and tested on, in its fixed binarization.
    pub name: DatasetKind,
    /// How the training images are made binary.
    pub binarize: Binarize,
}

/// Pictures of one's own: where they are, and how they become images of the network's size and levels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnConfig {
    /// Name of the set; left out, the last part of the first path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is trained on: a folder, a file, or a list of these.
    pub train: Paths,
    /// What validates: the same, or the share of `train` that is held out for it.
    #[serde(default = "tenth")]
    pub valid: Part,
    /// What a finished network is measured on: the same; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<Part>,
    /// Side, or rows and columns, of an image; left out, the network's, which it must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// How a picture of another size is made to fit.
    #[serde(default)]
    pub fit: Fit,
    /// What shines through a transparent picture, lies around a padded one, and fills what a shift leaves free.
    #[serde(default)]
    pub background: Background,
    /// Grey or RGB; left out, as the network's number of channels, which it must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colors: Option<Colors>,
    /// Levels that brightness is rounded to; left out, the network's, which it must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub levels: Option<u16>,
    /// How two levels are made of many; left out, they are rounded like any other number of levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binarize: Option<Binarize>,
    /// Whether rows and columns of arrays change places; EMNIST's files need it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transpose: bool,
}

fn tenth() -> Part {
    Part::Share(0.1)
}

/// One path or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a path or a list of paths expected")]
pub enum Paths {
    /// A folder or a file.
    One(String),
    /// Several, taken together.
    Several(Vec<String>),
}

impl Paths {
    /// Each of them.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Several(paths) => paths,
        }
    }

    /// The same with each path changed.
    fn map(self, change: impl Fn(String) -> String) -> Self {
        match self {
            Self::One(path) => Self::One(change(path)),
            Self::Several(paths) => Self::Several(paths.into_iter().map(change).collect()),
        }
    }
}

/// Pictures of their own, or a share of those to train on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a path, a list of paths, or a share of `train` such as 0.1 expected")]
pub enum Part {
    /// So much of `train`, chosen by what the pictures show and the run's seed.
    Share(f64),
    /// Other pictures.
    Paths(Paths),
}

impl Part {
    fn map(self, change: impl Fn(String) -> String) -> Self {
        match self {
            Self::Paths(paths) => Self::Paths(paths.map(change)),
            share @ Self::Share(_) => share,
        }
    }
}

/// Rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a side such as 32, or rows and columns such as [24, 32] expected")]
pub enum Size {
    /// A square.
    Side(usize),
    /// `[height, width]`.
    Sides([usize; 2]),
}

impl Size {
    /// `[height, width]`.
    pub fn sides(self) -> [usize; 2] {
        match self {
            Self::Side(side) => [side; 2],
            Self::Sides(sides) => sides,
        }
    }
}

/// How a picture of another size is made to fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Scaled until it covers the image, what is too long is cut at both ends.
    #[default]
    Crop,
    /// Scaled until it is within the image, the rest is background.
    Pad,
    /// Scaled in each direction by itself.
    Stretch,
}

/// A colour: `"black"`, `"white"` or `"#rrggbb"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Background(pub [u8; 3]);

impl From<Background> for String {
    fn from(Background(color): Background) -> Self {
        match color {
            [0, 0, 0] => "black".to_owned(),
            [255, 255, 255] => "white".to_owned(),
            [red, green, blue] => format!("#{red:02x}{green:02x}{blue:02x}"),
        }
    }
}

impl TryFrom<String> for Background {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let hexadecimal = || {
            let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
            let color = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.contains('+'))?;
            Some([(color >> 16) as u8, (color >> 8) as u8, color as u8])
        };
        match text.as_str() {
            "black" => Some([0; 3]),
            "white" => Some([255; 3]),
            _ => hexadecimal(),
        }
        .map(Self)
        .ok_or_else(|| format!("background {text:?} found, \"black\", \"white\" or \"#rrggbb\" expected"))
    }
}

/// What a pixel is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Colors {
    /// One brightness.
    Grey,
    /// Red, green and blue.
    Rgb,
}

impl Colors {
    /// Values of a pixel.
    pub fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
        }
    }
}

/// How two levels are made of many.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binarize {
    /// Level 1 is what is brighter than so much of full brightness, 0 to below 1.
    Threshold(f64),
    /// Level 1 with the brightness as its probability: drawn anew in each pass to train on, once to measure on.
    Bernoulli,
}

// A threshold in 0..1 is a number, so that it equals itself.
impl Eq for Binarize {}

impl<'de> Deserialize<'de> for DatasetConfig {
    // Written out, because an untagged enum would only say that nothing fits, and not which field is wrong.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let own = |value| serde_json::from_value(value).map(|own| Self::Own(Box::new(own)));
        match &value {
            Value::String(_) => serde_json::from_value(value).map(Self::Known),
            Value::Object(fields) if fields.contains_key("train") => own(value),
            Value::Object(fields) if fields.contains_key("name") => serde_json::from_value(value).map(Self::Varied),
            Value::Object(_) => own(value),
            _ => return Err(D::Error::custom("dataset: the name of a set, or an object with `train`, expected")),
        }
        .map_err(|error| D::Error::custom(format!("dataset: {error}")))
    }
}

impl DatasetConfig {
    /// The set this crate knows by name; none for pictures of one's own.
    pub fn kind(&self) -> Option<DatasetKind> {
        match self {
            Self::Known(kind) => Some(*kind),
            Self::Varied(varied) => Some(varied.name),
            Self::Own(_) => None,
        }
    }

    /// The name of the set: of one's own pictures the one given, or the last part of their path.
    pub fn name(&self) -> String {
        match self {
            Self::Known(kind) => kind.name().to_owned(),
            Self::Varied(varied) => varied.name.name().to_owned(),
            Self::Own(own) => own.name.clone().unwrap_or_else(|| {
                let path = own.train.all().first().map_or("", String::as_str);
                last_part(path).unwrap_or_else(|| "pictures".to_owned())
            }),
        }
    }

    /// What a likelihood on `split` was measured on, to be printed beside it.
    pub fn protocol(&self, split: Split) -> String {
        match self {
            Self::Known(kind) => kind.protocol(split),
            Self::Varied(_) => format!(
                "binarized MNIST, trained on images made binary anew in each pass, measured on the fixed {split} set"
            ),
            Self::Own(own) => {
                let held_out = match (split, &own.valid, &own.test) {
                    (Split::Valid, Part::Share(share), _) | (Split::Test, _, Some(Part::Share(share))) => {
                        format!(", {} % of the pictures, held out by their content", share * 100.0)
                    }
                    _ => String::new(),
                };
                format!("{}, {split} split{held_out}", self.name())
            }
        }
    }

    /// The same for a record that travels with the weights: a path from the root of one's disk is nobody else's business, and
    /// what is left of it is found in any folder of data sets.
    pub fn recorded(self) -> Self {
        let relative = |path: String| match std::path::Path::new(&path).is_absolute() {
            true => last_part(&path).unwrap_or(path),
            false => path,
        };
        match self {
            Self::Own(own) => Self::Own(Box::new(OwnConfig {
                train: own.train.clone().map(relative),
                valid: own.valid.clone().map(relative),
                test: own.test.clone().map(|test| test.map(relative)),
                ..*own
            })),
            known => known,
        }
    }
}

fn last_part(path: &str) -> Option<String> {
    let name = std::path::Path::new(path).file_name()?.to_string_lossy();
    Some(name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<DatasetConfig, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_is_read_back() {
        for json in [
            r#""cifar10""#,
            r#"{"name":"binarized-mnist","binarize":"bernoulli"}"#,
            r##"{"name":"cats","train":["a","b.npy"],"valid":0.2,"test":"t","size":[24,32],"fit":"pad","background":"#0a0b0c","colors":"rgb","levels":8}"##,
            r#"{"train":"a","valid":"v","size":28,"fit":"crop","background":"white","binarize":{"threshold":0.43},"transpose":true}"#,
        ] {
            let config = parse(json).unwrap();
            assert_eq!(serde_json::to_string(&config).unwrap(), json);
        }
        let DatasetConfig::Own(own) = parse(r#"{"train":"x/cats"}"#).unwrap() else { panic!("own pictures") };
        assert_eq!((own.valid.clone(), own.fit, own.background), (Part::Share(0.1), Fit::Crop, Background([0; 3])));
        assert_eq!(DatasetConfig::Own(own).name(), "cats");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, message) in [
            (r#""imagenet""#, "mnist, binarized-mnist or cifar10 expected"),
            ("7", "the name of a set, or an object with `train`, expected"),
            (r#"{"train":7}"#, "a path or a list of paths expected"),
            (r#"{"valid":"v"}"#, "missing field `train`"),
            (r#"{"train":"a","valid":true}"#, "a share of `train` such as 0.1 expected"),
            (r#"{"train":"a","size":"big"}"#, "rows and columns such as [24, 32] expected"),
            (r#"{"train":"a","fit":"tile"}"#, "unknown variant `tile`"),
            (r#"{"train":"a","background":"pink"}"#, "background \"pink\" found"),
            (r##"{"train":"a","background":"#+12345"}"##, "\"#rrggbb\" expected"),
            (r#"{"train":"a","colours":"rgb"}"#, "unknown field `colours`"),
            (r#"{"name":"binarized-mnist"}"#, "missing field `binarize`"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(message), "{json}: {error:?} lacks {message:?}");
        }
    }

    #[test]
    fn a_record_does_not_tell_where_on_a_disk_the_pictures_were() {
        let config = parse(r#"{"train":["/home/me/cats","dogs"],"valid":"/home/me/v.npy","test":0.1}"#).unwrap();
        let recorded = serde_json::to_string(&config.recorded()).unwrap();
        assert!(!recorded.contains("home"), "{recorded}");
        assert!(recorded.contains(r#""train":["cats","dogs"],"valid":"v.npy","test":0.1"#), "{recorded}");
    }
}
