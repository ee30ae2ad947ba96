//! Images written as a picture or as levels.

use super::{Failure, output};
use pixelrnn::grid::Grid;
use pixelrnn::image::Images;
use pixelrnn::npy;
use pixelrnn::output::Output;
use std::io::Write;
use std::path::Path;

/// Where images are written.
pub struct ImagesOut {
    pub output: Output,
    pub format: Format,
}

/// What is written, by the name of the file.
#[derive(Clone, Copy)]
pub enum Format {
    Png,
    Npy,
}

impl ImagesOut {
    pub fn at(path: &Path) -> Result<Self, Failure> {
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        let output = output(path)?;
        let format = match ending.to_str() {
            Some("png") => Format::Png,
            Some("npy") => Format::Npy,
            // Levels are what the next program reads.
            Some("") if output.is_stream() => Format::Npy,
            _ => {
                let path = path.display();
                return Err(format!("{path}: a name ending in .png or .npy expected, or - for standard output").into());
            }
        };
        Ok(Self { output, format })
    }

    /// Writes `[count, channels, height, width]` images as they come.
    pub fn write(
        &self,
        shape: [usize; 4],
        mut images: impl Iterator<Item = Result<Images, Failure>>,
    ) -> Result<(), Failure> {
        let mut writer = self.output.open()?;
        match self.format {
            Format::Png => Grid::default().write(shape, &mut writer, images)?,
            Format::Npy => {
                writer.write_all(&npy::header_u8(&shape))?;
                images.try_for_each(|images| Ok::<_, Failure>(writer.write_all(&images?.data)?))?;
            }
        }
        Ok(writer.finish()?)
    }
}
