//! Tells what a weights file holds: `cargo run --release --example read_weights [WEIGHTS]`.

use pixelrnn::{Device, weights};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).unwrap_or("www/models/mnist-diagonal.safetensors".to_owned());
    let loaded = weights::load(&std::fs::read(file)?, &Device::flex())?;
    println!("{:#?}", loaded.model.config);
    for (name, shape, values) in loaded.model.tensors() {
        let largest = values.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
        println!("{name} {shape:?}, no weight above {largest:.3}");
    }
    println!("{} weights in all", loaded.model.config.parameters());
    if let Some(results) = loaded.results {
        println!("measured: {results}");
    }
    Ok(())
}
