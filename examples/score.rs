//! Tells how probable an image is, and how much less a picture of noise: `cargo run --release --example score [WEIGHTS]`.

use pixelrnn::image::Images;
use pixelrnn::likelihood::score;
use pixelrnn::sample::{CachedSampler, Plan, Request, uniform};
use pixelrnn::{Device, weights};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).unwrap_or("www/models/mnist-diagonal.safetensors".to_owned());
    let device = Device::flex();
    let model = weights::load(&std::fs::read(file)?, &device)?.model;
    let config = &model.config;

    let mut sampler = CachedSampler::new(&Plan::of(&model), Request::samples(7, 1))?;
    while sampler.next_row() {}
    let noise = (0..config.dimensions()).map(|x| (uniform(7, 0, 0, x, 0) * f32::from(config.levels)) as u8);

    for (name, levels) in [("drawn", sampler.levels()), ("noise", noise.collect())] {
        let images = Images::new([1, config.channels, config.height, config.width], config.levels, levels)?;
        // -ln p of every value, given those before it.
        let nats: f32 = score(&model, &images, 1, &device, |_| ()).iter().sum();
        println!("{name}: {nats:.2} nats");
    }
    Ok(())
}
