//! `pixelrnn info`.

use super::{Failure, PathBuf, load_model};
use burn::tensor::Device;
use pixelrnn::sample::Plan;
use serde_json::{Value, json};
use std::sync::Arc;

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
    let plans = Plan::of(&loaded.model);
    let info = json!({
        "config": loaded.model.config,
        "parameters": loaded.model.config.parameters(),
        "multiplications_per_image": plans.iter().map(|plan| plan.multiplications()).sum::<usize>(),
        "dense_multiplications_per_image": loaded.model.config.dense_multiplications(),
        "gpu": on_a_gpu(&plans),
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

/// Images of the batch whose cost on a GPU is told.
#[cfg(feature = "fused")]
const BATCH: usize = 16;

/// What drawing a batch asks of a GPU, by the size of each scale; nothing where the program draws on none.
#[cfg(feature = "fused")]
fn on_a_gpu(plans: &[Arc<Plan>]) -> Value {
    use pixelrnn::sample::Figures;
    let figures = plans.iter().map(|plan| {
        let size = format!("{}x{}", plan.config.width, plan.config.height);
        (size, json!(Figures::new(plan, BATCH)))
    });
    Value::Object(figures.collect())
}

#[cfg(not(feature = "fused"))]
fn on_a_gpu(_: &[Arc<Plan>]) -> Value {
    Value::Null
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
