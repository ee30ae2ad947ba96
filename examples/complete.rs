//! Completes the upper half of a digit in four ways: `cargo run --release --example complete [WEIGHTS]`.

use pixelrnn::sample::{CachedSampler, Given, Plan, Request};
use pixelrnn::{Device, weights};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).unwrap_or("www/models/mnist-diagonal.safetensors".to_owned());
    let model = weights::load(&std::fs::read(file)?, &Device::flex())?.model;
    let (height, width) = (model.config.height, model.config.width);
    let plans = Plan::of(&model);

    let mut sampler = CachedSampler::new(&plans, Request::samples(7, 1))?;
    while sampler.next_row() {}
    let digit = sampler.levels();

    // A pixel is drawn where the mask is 1 and given where it is 0.
    let mask = (0..height * width).map(|pixel| u8::from(pixel / width >= height / 2)).collect();
    let given = Some(Given { levels: digit, mask });
    let mut sampler = CachedSampler::new(&plans, Request { given, ..Request::samples(1, 4) })?;
    while sampler.next_row() {}

    for image in sampler.levels().chunks(model.config.dimensions()) {
        // Of a pixel of three colours the first one.
        for row in image.chunks(width).take(height) {
            let ink = |&level: &u8| if u16::from(level) * 2 >= model.config.levels { '#' } else { '.' };
            println!("{}", row.iter().map(ink).collect::<String>());
        }
        println!();
    }
    Ok(())
}
