//! One training step of the shipped networks: seconds, and the memory of the whole process at its highest. Run with
//! `cargo bench --no-default-features --features native --bench training`; beside it, `benches/training.py` takes the same step in
//! PyTorch.
//!
//! Random images: a step costs the same whatever they show. Each network runs in a process of its own, so that the memory
//! is its own.

use burn::tensor::Device;
use pixelrnn::image::Images;
use pixelrnn::sample::uniform;
use pixelrnn::train::{TrainConfig, Trainer};
use std::process::Command;
use std::time::Instant;

/// As the binary of the command line has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Timed steps; their median is printed.
const STEPS: usize = 25;

const CONFIGS: [(&str, &str); 8] = [
    ("mnist-pixelcnn", include_str!("../configs/mnist-pixelcnn.json")),
    ("mnist-row", include_str!("../configs/mnist-row.json")),
    ("mnist-diagonal", include_str!("../configs/mnist-diagonal.json")),
    ("mnist-diagonal-1x32", include_str!("../configs/mnist-diagonal-1x32.json")),
    ("mnist-multiscale-14-28", include_str!("../configs/mnist-multiscale-14-28.json")),
    ("cifar10-pixelcnn", include_str!("../configs/cifar10-pixelcnn.json")),
    ("cifar10-row", include_str!("../configs/cifar10-row.json")),
    ("cifar10-diagonal", include_str!("../configs/cifar10-diagonal.json")),
];

fn main() {
    let chosen = std::env::args().nth(1).unwrap_or_default();
    if let Some((name, config)) = CONFIGS.iter().find(|(name, _)| *name == chosen) {
        return measure(name, &TrainConfig::from_json(config).expect("a good configuration"));
    }
    println!("{} threads, median of {STEPS} steps", rayon::current_num_threads());
    println!(
        "{:<24} {:>10} {:>6} {:>10} {:>12} {:>12}",
        "network", "parameters", "batch", "s a step", "s an epoch", "peak memory"
    );
    let program = std::env::current_exe().expect("a path");
    for (name, _) in CONFIGS {
        Command::new(&program).arg(name).status().expect("the same program");
    }
}

fn measure(name: &str, config: &TrainConfig) {
    let images = images(config, 64 * config.batch);
    let mut trainer = Trainer::new(config.clone(), images.count, &Device::flex()).expect("a good configuration");
    (0..3).for_each(|_| trainer.step(&images));
    let mut seconds: Vec<f64> = (0..STEPS)
        .map(|_| {
            let start = Instant::now();
            trainer.step(&images);
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    let (median, parameters) = (seconds[STEPS / 2], config.model.parameters());
    let training = if config.model.channels == 1 { 50_000 } else { 45_000 };
    let epoch = median * (training as f64 / config.batch as f64);
    println!("{name:<24} {parameters:>10} {:>6} {median:>10.4} {epoch:>12.0} {:>12}", config.batch, peak_memory());
}

fn images(config: &TrainConfig, count: usize) -> Images {
    let model = &config.model;
    let shape = [count, model.channels, model.height, model.width];
    let levels = (0..shape.iter().product::<usize>()).map(|k| u8::from(uniform(1, k as u32, 0, 0, 0) > 0.87)).collect();
    Images::new(shape, model.levels, levels).expect("levels of the network")
}

/// The highest resident memory of this process so far, where the system tells.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.map_or("unknown".to_owned(), |kilobytes| format!("{:.0} MB", kilobytes / 1000.0))
}
