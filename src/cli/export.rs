//! `pixelrnn export`.

use super::{Failure, PathBuf, clean_up_when_stopped, load_model, output, tell};
use burn::tensor::Device;
use pixelrnn::model::ModelConfig;
use pixelrnn::onnx;

#[derive(clap::Args)]
pub struct Options {
    /// Weights file of a PixelCNN.
    #[arg(long)]
    model: PathBuf,
    /// As ONNX; there is no other format.
    #[arg(long, required = true)]
    onnx: bool,
    /// The ONNX file, - for standard output.
    #[arg(long)]
    out: PathBuf,
}

pub fn run(options: Options) -> Result<(), Failure> {
    let Options { model, onnx: true, out } = options else { unreachable!("the flag is required") };
    let output = output(&out)?;
    clean_up_when_stopped()?;
    let loaded = load_model(&model, &Device::flex())?;
    let file = onnx::export(&loaded.model, loaded.training.as_ref(), loaded.results.as_ref())
        .map_err(|error| format!("{}: {error}", model.display()))?;
    output.write(&file)?;
    let config = &loaded.model.config;
    let &ModelConfig { channels, height, width, .. } = config;
    let (logits, out) = (config.logits(), output.path().display());
    tell(
        &output,
        &format!(
            "images uint8 [N, {channels}, {height}, {width}] to logits float32 [N, {channels}, {logits}, {height}, {width}], written to {out}"
        ),
    );
    Ok(())
}
