//! Draws sixteen digits into a picture: `cargo run --release --example draw [WEIGHTS] [PICTURE]`.

use pixelrnn::grid::Grid;
use pixelrnn::image::Images;
use pixelrnn::sample::{CachedSampler, Plan, Request};
use pixelrnn::{Device, weights};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or("www/models/mnist-diagonal.safetensors".to_owned());
    let out = arguments.next().unwrap_or("digits.png".to_owned());

    let model = weights::load(&std::fs::read(file)?, &Device::flex())?.model;
    // The same seed draws the same picture on every machine, in the browser too.
    let mut sampler = CachedSampler::new(&Plan::of(&model), Request::samples(7, 16))?;
    while sampler.next_row() {}

    let config = &model.config;
    let shape = [16, config.channels, config.height, config.width];
    let images = Images::new(shape, config.levels, sampler.levels())?;
    std::fs::write(&out, Grid::default().png(&images)?)?;
    println!("16 images in {out}");
    Ok(())
}
