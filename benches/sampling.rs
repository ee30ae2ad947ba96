//! The sampling ladder: milliseconds an image, naive against cached, one thread and all of them. Run with `make bench`.
//!
//! Untrained networks: drawing costs the same whatever the weights. The naive sampler is timed on its first row and scaled up,
//! since every pixel costs it the same; in colour, where a row takes minutes, on one forward pass, and it makes one a value.

use burn::tensor::Device;
use pixelrnn::model::{Model, ModelConfig, Network};
use pixelrnn::sample::{CachedSampler, NaiveSampler, Plan, Request};
use std::sync::Arc;
use std::time::Instant;

/// Timed repetitions; their median is printed.
const REPETITIONS: usize = 7;

fn main() {
    println!(
        "{:<34} {:>5} {:>12} {:>12} {:>12} {:>8} {:>10}",
        "network", "batch", "naive", "cached, 1", "cached, all", "ratio", "GMAC/s, 1"
    );
    for (name, config) in networks() {
        let device = Device::flex();
        device.seed(1);
        let model = Model::init(&config, &device).expect("a good configuration");
        let plan = Arc::new(Plan::new(&model));
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        for batch in [1, 16] {
            let cached = || cached_ms(&plan, batch);
            let (single, all) = (one.install(|| median(cached)), median(cached));
            let naive = naive_ms(&model, batch, &device);
            println!(
                "{name:<34} {batch:>5} {naive:>9.1} ms {single:>9.3} ms {all:>9.3} ms {:>7.0}x {:>10.1}",
                naive / all,
                plan.multiplications() as f64 / single / 1e6
            );
        }
    }
}

fn networks() -> Vec<(&'static str, ModelConfig)> {
    let grey = ModelConfig {
        network: Network::PixelCnn,
        channels: 1,
        levels: 2,
        height: 28,
        width: 28,
        layers: 7,
        h: 16,
        head: 32,
        skip: false,
        conditioning: None,
    };
    let recurrent = |network, layers, h| ModelConfig { network, layers, h, skip: true, ..grey.clone() };
    let colour = ModelConfig { channels: 3, levels: 256, height: 32, width: 32, head: 256, ..grey.clone() };
    let small = |network, layers| ModelConfig { network, layers, h: 32, head: 96, skip: true, ..colour.clone() };
    vec![
        ("PixelCNN 7x16, 28x28x2", grey.clone()),
        ("PixelCNN 15x16 + skips, 28x28x2", ModelConfig { layers: 15, skip: true, ..grey.clone() }),
        ("PixelCNN 12x32, 28x28x2", ModelConfig { layers: 12, h: 32, ..grey.clone() }),
        ("Row LSTM 7x16 + skips, 28x28x2", recurrent(Network::RowLstm, 7, 16)),
        ("Diagonal 7x16 + skips, 28x28x2", recurrent(Network::DiagonalBiLstm, 7, 16)),
        ("Diagonal 1x32 + skips, 28x28x2", recurrent(Network::DiagonalBiLstm, 1, 32)),
        ("PixelCNN 12x64, 32x32x3x256", ModelConfig { layers: 12, h: 64, ..colour.clone() }),
        ("PixelCNN 9x32 + skips, 32x32x3x256", small(Network::PixelCnn, 9)),
        ("Row LSTM 3x32 + skips, 32x32x3x256", small(Network::RowLstm, 3)),
        ("Diagonal 3x32 + skips, 32x32x3x256", small(Network::DiagonalBiLstm, 3)),
    ]
}

/// Milliseconds an image of one batch.
fn cached_ms(plan: &Arc<Plan>, batch: usize) -> f64 {
    let start = Instant::now();
    let mut sampler = CachedSampler::new(plan.clone(), Request::samples(1, batch)).expect("a good request");
    while sampler.next_row() {}
    start.elapsed().as_secs_f64() * 1e3 / batch as f64
}

/// The same for the naive sampler, from its first row or a forward pass.
fn naive_ms(model: &Model, batch: usize, device: &Device) -> f64 {
    if model.config.channels > 1 {
        let levels = vec![0; batch * model.config.dimensions()];
        let start = Instant::now();
        model.forward(model.input(&levels, device), None).into_data();
        return start.elapsed().as_secs_f64() * 1e3 * model.config.dimensions() as f64 / batch as f64;
    }
    let mut sampler = NaiveSampler::new(model.clone(), Request::samples(1, batch), device).expect("a good request");
    let start = Instant::now();
    sampler.next_row();
    start.elapsed().as_secs_f64() * 1e3 * model.config.height as f64 / batch as f64
}

fn median(mut run: impl FnMut() -> f64) -> f64 {
    run();
    let mut times: Vec<f64> = (0..REPETITIONS).map(|_| run()).collect();
    times.sort_by(f64::total_cmp);
    times[REPETITIONS / 2]
}
