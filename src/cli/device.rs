//! Where tensors live, and how long a training step takes there.

use super::Failure;
use burn::tensor::Device;
use clap::ValueEnum;
use pixelrnn::image::Images;
use pixelrnn::model::ModelConfig;
use pixelrnn::sample::threefry2x32;
use pixelrnn::train::{TrainConfig, Trainer};
use std::time::{Duration, Instant};

/// Where tensors live.
#[derive(Clone, Copy, ValueEnum)]
pub enum DeviceKind {
    /// A GPU where this build knows one and the machine has one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU through WebGPU's native implementation (Vulkan, Metal, DirectX).
    Wgpu,
    /// An NVIDIA GPU through CUDA.
    Cuda,
}

impl DeviceKind {
    /// # Errors
    /// When this build or this machine has no such device.
    pub fn open(self) -> Result<Device, Failure> {
        self.open_named().map(|(device, _)| device)
    }

    /// The device, and what it is; where the CPU was not asked for, why it is that.
    ///
    /// # Errors
    /// When this build or this machine has no such device.
    pub fn open_named(self) -> Result<(Device, String), Failure> {
        let cpu = |why: &str| Ok((Device::flex(), format!("the CPU{why}")));
        let wgpu = || open_wgpu().map(|(device, name)| (device, format!("the GPU {name}")));
        let cuda = || open_cuda().map(|device| (device, "the first CUDA device".to_owned()));
        match self {
            Self::Cpu => cpu(""),
            Self::Auto => cuda().or_else(|_| wgpu()).or_else(|error| cpu(&format!(": {error}"))),
            Self::Wgpu => wgpu(),
            Self::Cuda => cuda(),
        }
    }

    /// The device to train on, where this is what [`open_named`](Self::open_named) gave: of a GPU that `auto` found and the CPU the one
    /// on which a step of the run takes less time; with its name what it takes on both.
    ///
    /// # Errors
    /// When a step cannot be taken.
    pub fn faster(self, found: (Device, String), config: &TrainConfig) -> Result<(Device, String), Failure> {
        if !matches!(self, Self::Auto) || pixelrnn::nn::on_cpu(&found.0) {
            return Ok(found);
        }
        let timed = |(device, name): (Device, String)| -> Result<Timed, Failure> {
            let step_s = step_seconds(config, &device, Duration::MAX)?;
            Ok(Timed { device, name, step_s })
        };
        Ok(faster_of(timed(found)?, timed(Self::Cpu.open_named()?)?))
    }
}

/// A device on which a step was timed.
struct Timed {
    device: Device,
    name: String,
    step_s: f64,
}

/// The faster of two devices, and why it is that.
fn faster_of(one: Timed, other: Timed) -> (Device, String) {
    let (fast, slow) = if one.step_s <= other.step_s { (one, other) } else { (other, one) };
    let figures = format!("a step takes {} there, {} on {}", seconds(fast.step_s), seconds(slow.step_s), slow.name);
    (fast.device, format!("{}: {figures}", fast.name))
}

fn seconds(seconds: f64) -> String {
    // Two digits that say something, whatever the size.
    let digits = (1.0 - seconds.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{seconds:.digits$} s")
}

/// A discrete or integrated GPU; software adapters are refused, the CPU path is faster than any of them.
#[cfg(feature = "wgpu")]
fn open_wgpu() -> Result<(Device, String), Failure> {
    let (device, setup) = Device::wgpu_options()
        .init_with_setup()
        .map_err(|error| format!("no GPU could be opened through wgpu: {error}"))?;
    let adapter = setup.adapter.get_info();
    if adapter.device_type == wgpu::DeviceType::Cpu {
        return Err(format!("the only wgpu adapter is the software one `{}`", adapter.name).into());
    }
    Ok((device, adapter.name))
}

#[cfg(not(feature = "wgpu"))]
fn open_wgpu() -> Result<(Device, String), Failure> {
    Err("this build has no wgpu device; build it with `--features wgpu`".into())
}

/// The first CUDA device. The driver library panics where there is none, so its presence is asked for first.
#[cfg(feature = "cuda")]
fn open_cuda() -> Result<Device, Failure> {
    std::panic::catch_unwind(|| {
        let device = Device::cuda(0);
        device.sync().map(|()| device)
    })
    .map_err(|_| "no CUDA device could be opened".to_owned())?
    .map_err(|error| format!("no CUDA device could be opened: {error}").into())
}

#[cfg(not(feature = "cuda"))]
fn open_cuda() -> Result<Device, Failure> {
    Err("this build has no CUDA device; build it with `--features cuda`".into())
}

/// Seconds of one step, the faster of two after one to warm up; what it costs does not depend on the pictures.
pub fn step_seconds(config: &TrainConfig, device: &Device, budget: Duration) -> Result<f64, Failure> {
    let ModelConfig { channels, levels, height, width, .. } = config.model;
    let values = config.batch * channels * height * width;
    let level = |k: usize| ((u64::from(threefry2x32([1, 2], [k as u32, 0])[0]) * u64::from(levels)) >> 32) as u8;
    let images = Images::new([config.batch, channels, height, width], levels, (0..values).map(level).collect())?;
    let mut trainer = Trainer::new(TrainConfig { epochs: 100, ..config.clone() }, config.batch, device)?;
    let mut seconds = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        trainer.step(&images);
        trainer.train_nats()?;
        seconds = seconds.min(start.elapsed().as_secs_f64());
        // A step that takes so much of the time will not be chosen; it need not be measured well.
        if seconds * 200.0 > budget.as_secs_f64() {
            break;
        }
        if trainer.progress().step == trainer.steps_per_epoch() {
            trainer.finish_epoch(&images.select([0]), |_| {})?;
        }
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faster_device_is_taken_and_both_figures_are_said() {
        let timed = |name: &str, step_s| Timed { device: Device::flex(), name: name.to_owned(), step_s };
        for (gpu_s, cpu_s, said) in [
            (0.0123, 0.456, "the GPU A: a step takes 0.012 s there, 0.46 s on the CPU"),
            (31.4, 2.04, "the CPU: a step takes 2.0 s there, 31 s on the GPU A"),
        ] {
            assert_eq!(faster_of(timed("the GPU A", gpu_s), timed("the CPU", cpu_s)).1, said);
        }
    }

    #[test]
    fn a_cpu_that_was_asked_for_is_not_timed() {
        let config = include_str!("../../configs/mnist-row.json");
        let config = TrainConfig::from_json(config).expect("a good configuration");
        let found = DeviceKind::Cpu.open_named().expect("every machine has one");
        let (device, name) = DeviceKind::Cpu.faster(found, &config).expect("no step is taken");
        assert!(pixelrnn::nn::on_cpu(&device));
        assert_eq!(name, "the CPU");
    }
}
