//! One training step of the shipped networks: seconds, and the memory of the whole process at its highest. Run with
//! `cargo bench --no-default-features --features native --bench training`; beside it, `benches/training.py` takes the same step in
//! PyTorch.
//!
//! With `--features wgpu`, `-- --wgpu` takes steps on the GPU that wgpu finds, a software one included, once by the kernels of
//! `src/gpu/` and once by burn's own operations alone, in turn; it prints seconds and kernel launches of both, and with `--kernels` what
//! each kernel of a step takes. `--batch N` takes so many images, names of networks only those.
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
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let named = |name: &str| arguments.iter().any(|argument| argument == name);
    let batch = arguments.iter().position(|argument| argument == "--batch").map(|at| {
        arguments.get(at + 1).and_then(|batch| batch.parse().ok()).expect("`--batch` takes a number of images")
    });
    let all = !CONFIGS.iter().any(|(name, _)| named(name));
    let chosen = CONFIGS.iter().filter(|(name, _)| all || named(name)).map(|(name, config)| {
        let config = TrainConfig::from_json(config).expect("a good configuration");
        (*name, TrainConfig { batch: batch.unwrap_or(config.batch), ..config })
    });
    if named("--wgpu") {
        return on_gpu(chosen, named("--kernels"));
    }
    if !all {
        return chosen.for_each(|(name, config)| measure(name, &config));
    }
    println!("{} threads, median of {STEPS} steps", rayon::current_num_threads());
    println!(
        "{:<24} {:>10} {:>6} {:>10} {:>12} {:>12}",
        "network", "parameters", "batch", "s a step", "s an epoch", "peak memory"
    );
    let program = std::env::current_exe().expect("a path");
    for (name, _) in CONFIGS {
        Command::new(&program).arg(name).args(&arguments).status().expect("the same program");
    }
}

fn measure(name: &str, config: &TrainConfig) {
    let images = images(config, 64 * config.batch);
    let mut trainer = Trainer::new(config.clone(), images.count, &Device::flex()).expect("a good configuration");
    (0..3).for_each(|_| trainer.step(&images));
    let times = (0..STEPS).map(|_| {
        let start = Instant::now();
        trainer.step(&images);
        start.elapsed().as_secs_f64()
    });
    let (median, parameters) = (median(times.collect()), config.model.parameters());
    let training = if config.model.channels == 1 { 50_000 } else { 45_000 };
    let epoch = median * (training as f64 / config.batch as f64);
    println!("{name:<24} {parameters:>10} {:>6} {median:>10.4} {epoch:>12.0} {:>12}", config.batch, peak_memory());
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

#[cfg(not(feature = "wgpu"))]
fn on_gpu(_: impl Iterator<Item = (&'static str, TrainConfig)>, _: bool) {
    panic!("`--wgpu` needs a program built with `--features wgpu`");
}

#[cfg(feature = "wgpu")]
fn on_gpu(networks: impl Iterator<Item = (&'static str, TrainConfig)>, kernels: bool) {
    let gpu = pixelrnn::sample::FusedDevice::open_wgpu().unwrap_or_else(|error| panic!("{error}"));
    println!("{}, medians of {} steps", gpu.name(), wgpu::STEPS);
    println!(
        "{:<24} {:>6} {:>10} {:>10} {:>7} {:>9} {:>9}",
        "network", "batch", "kernels, s", "plain, s", "ratio", "launches", "plain"
    );
    for (name, config) in networks {
        let images = images(&config, 64 * config.batch);
        if kernels {
            wgpu::list_kernels(&config, &images);
        } else {
            wgpu::compare(name, &config, &images);
        }
    }
}

/// Steps on the GPU.
#[cfg(feature = "wgpu")]
mod wgpu {
    use super::{Device, Images, Instant, TrainConfig, Trainer, median};
    use cubecl::logging::{Duration, LaunchObservation, LaunchObserver, TimingMethod, TimingRequest};
    use pixelrnn::nn::plain_on_gpu;
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    /// Timed steps of each way: fewer, because in software the plain way takes long.
    pub const STEPS: usize = 5;

    /// Launches of each kernel, and their time where it is asked for.
    #[derive(Default)]
    struct Launches {
        timed: bool,
        of: Mutex<HashMap<&'static str, (usize, Duration)>>,
    }

    impl LaunchObserver for Launches {
        fn launched(&self, kernel: &'static str) {
            self.of.lock().expect("no panic").entry(kernel).or_default().0 += 1;
        }

        fn timing(&self) -> TimingRequest {
            if self.timed { TimingRequest::Resolved } else { TimingRequest::None }
        }

        fn timed(&self, kernel: &'static str, duration: Duration, _: TimingMethod) {
            self.of.lock().expect("no panic").entry(kernel).or_default().1 += duration;
        }
    }

    fn trainer(config: &TrainConfig, images: &Images) -> Trainer {
        Trainer::new(config.clone(), images.count, &Device::wgpu(Default::default())).expect("a good configuration")
    }

    /// Reads back what the step was worth, which waits for the device.
    fn step(trainer: &mut Trainer, images: &Images) {
        trainer.step(images);
        trainer.train_nats().expect("finite");
    }

    pub fn compare(name: &str, config: &TrainConfig, images: &Images) {
        let mut trainer = trainer(config, images);
        let [mut seconds, mut launches] = [[vec![], vec![]], [vec![], vec![]]];
        // The first round compiles the kernels, and is not counted.
        for round in 0..=STEPS {
            for plain in [false, true] {
                plain_on_gpu(plain);
                let counted = Arc::new(Launches::default());
                let observed = LaunchObservation::new(counted.clone());
                let start = Instant::now();
                step(&mut trainer, images);
                let elapsed_s = start.elapsed().as_secs_f64();
                drop(observed);
                if round > 0 {
                    seconds[usize::from(plain)].push(elapsed_s);
                    let all = counted.of.lock().expect("no panic").values().map(|(count, _)| *count as f64).sum();
                    launches[usize::from(plain)].push(all);
                }
            }
        }
        let ([kernels, plain], [launches, launches_plain]) = (seconds.map(median), launches.map(median));
        println!(
            "{name:<24} {:>6} {kernels:>10.3} {plain:>10.3} {:>7.3} {launches:>9} {launches_plain:>9}",
            config.batch,
            kernels / plain,
        );
    }

    /// Kernels of a step by their time, each waited for.
    pub fn list_kernels(config: &TrainConfig, images: &Images) {
        let mut trainer = trainer(config, images);
        step(&mut trainer, images);
        let counted = Arc::new(Launches { timed: true, ..Default::default() });
        let observed = LaunchObservation::new(counted.clone());
        step(&mut trainer, images);
        drop(observed);
        let mut kernels: Vec<_> = counted.of.lock().expect("no panic").clone().into_iter().collect();
        kernels.sort_by_key(|(_, (_, duration))| std::cmp::Reverse(*duration));
        for (name, (count, duration)) in kernels {
            println!("{:>10.1} ms {count:>6} {name}", duration.as_secs_f64() * 1e3);
        }
    }
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
