//! `pixelrnn info`.

use super::{Failure, PathBuf, load_model};
use burn::tensor::Device;
use pixelrnn::sample::Plan;
use serde_json::{Value, json};

#[derive(clap::Args)]
pub struct Options {
    /// Weights file.
    #[arg(long)]
    model: PathBuf,
    /// Print one JSON object and nothing else.
    #[arg(long)]
    json: bool,
}

pub fn run(options: Options) -> Result<(), Failure> {
    let loaded = load_model(&options.model, &Device::flex())?;
    let info = json!({
        "config": loaded.model.config,
        "parameters": loaded.model.config.parameters(),
        "multiplications_per_image": Plan::of(&loaded.model).iter().map(|plan| plan.multiplications()).sum::<usize>(),
        "dense_multiplications_per_image": loaded.model.config.dense_multiplications(),
        "training": loaded.training,
        "results": loaded.results,
    });
    if options.json {
        println!("{info}");
    } else {
        print(&info, 0);
    }
    Ok(())
}

/// Nested fields, indented by their depth.
fn print(value: &Value, depth: usize) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let indent = 2 * depth;
        match value {
            Value::Object(_) => {
                println!("{:indent$}{name}", "");
                print(value, depth + 1);
            }
            Value::String(text) => println!("{:indent$}{name}: {text}", ""),
            Value::Null => println!("{:indent$}{name}: none", ""),
            other => println!("{:indent$}{name}: {other}", ""),
        }
    }
}
