//! Trains a tiny network on squares, in seconds, and draws some: `cargo run --release --example train_tiny [WEIGHTS]`.

use pixelrnn::image::Images;
use pixelrnn::sample::{CachedSampler, Plan, Request, uniform};
use pixelrnn::train::{TrainConfig, Trainer};
use pixelrnn::{Device, weights};
use std::error::Error;

const SIDE: usize = 8;

/// `count` squares of four by four, each somewhere.
fn squares(count: usize, seed: u64) -> Images {
    let square = |image: usize| {
        let place = |axis| (uniform(seed, image as u32, 0, 0, axis) * 5.0) as usize;
        let (top, left) = (place(0), place(1));
        (0..SIDE * SIDE).map(move |pixel| {
            let (y, x) = (pixel / SIDE, pixel % SIDE);
            u8::from((top..top + 4).contains(&y) && (left..left + 4).contains(&x))
        })
    };
    let levels = (0..count).flat_map(square).collect();
    Images::new([count, 1, SIDE, SIDE], 2, levels).expect("levels 0 and 1")
}

fn main() -> Result<(), Box<dyn Error>> {
    // `dataset` is where the command line looks for pictures; here they are made.
    let config = TrainConfig::from_json(
        r#"{
            "name": "squares", "dataset": "binarized-mnist", "seed": 1,
            "model": {
                "network": "row_lstm", "channels": 1, "levels": 2, "height": 8, "width": 8,
                "layers": 2, "h": 8, "head": 8
            },
            "batch": 16, "epochs": 6, "optimizer": "adam", "learning_rate": 0.02, "final_learning_rate": 0.001
        }"#,
    )?;
    let (train, valid) = (squares(512, 1), squares(64, 2));
    let mut trainer = Trainer::new(config, train.count, &Device::flex())?;
    while !trainer.done() {
        for _ in 0..trainer.steps_per_epoch() {
            trainer.step(&train);
        }
        let record = trainer.finish_epoch(&valid, |_| ())?;
        println!(
            "pass {}: {:.2} nats in training, {:.2} in validation",
            record.epoch, record.train_nats, record.valid_nats
        );
    }

    // ln 25 = 3.22 nats say which of the 25 squares it is: no network can do with less.
    let model = trainer.kept();
    if let Some(file) = std::env::args().nth(1) {
        std::fs::write(file, weights::save(&model, None, None))?;
    }
    let mut sampler = CachedSampler::new(&Plan::of(&model), Request::samples(7, 6))?;
    while sampler.next_row() {}
    let levels = sampler.levels();
    for y in 0..SIDE {
        let row = |image: usize| &levels[(image * SIDE + y) * SIDE..][..SIDE];
        let ink = |image| row(image).iter().map(|&level| if level == 1 { '#' } else { '.' }).collect::<String>();
        println!("{}", (0..6).map(ink).collect::<Vec<_>>().join("  "));
    }
    Ok(())
}
