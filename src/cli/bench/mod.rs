//! `pixelrnn bench`: the sampling ladder, native side. Milliseconds an image of untrained networks: drawing costs the same whatever
//! the weights.
//!
//! Networks come from `benches/networks.json`. Each cell (network, way, batch) runs in a process of its own, so that its first
//! call is a cold one. With `--json` every line of stdout is one object; all programs of the ladder, `benches/ladder.mjs`, print
//! the same ones:
//!
//! ```text
//! {"line": "cell", "host": "native" | "chromium", "way": "cached-1", "network": "pixelcnn-7x16", "batch": 16,
//!  "share": 1,                  part of a batch that the shortest run drew; below 1 its times are scaled up from it
//!  "ms_per_image": [..],        one number a warm run, from the request to the last row
//!  "first_row_ms": [..],        the same to the first row of the whole batch; scaled up where a run drew less than a row
//!  "cold_ms_per_image": 1.9,    the first run of the process or page; null where a way has none of interest
//!  "cold_first_row_ms": 0.2,
//!  "rates": {"us_per_stage": 4.1, "gflop_per_s": 92.5, "gb_per_s": 11.3, ..}}  of the fused sampler natively: medians, see `rates`
//! {"line": "missing", "host", "way", "network", "batch", "why"}    a cell or, without network and batch, a way that failed
//! {"line": "network", "network", "multiplications",                of one image, masked weights left out
//!  "gpu": {"16": {"stages_per_pixel": 25, ..}, ..}}  what the fused sampler asks of a GPU by the batch; null where it is not among the ways
//! {"line": "peak", "gmac_per_s", "registers"}                      one core, products and sums rounded apart
//! {"line": "about", "key", "value"}                                for the header: threads, adapter, versions
//! ```

mod cell;
#[cfg(feature = "fused")]
mod gpu;
mod peak;

use super::Failure;
use pixelrnn::model::{Model, ModelConfig};
use pixelrnn::sample::Plan;
use serde::Deserialize;
use serde_json::{Value, json};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// Larger batches of the naive ways tell nothing new and take minutes.
const LARGEST_NAIVE_BATCH: usize = 16;

/// Batches that only a GPU has enough threads for.
const LARGE_BATCHES: [usize; 2] = [1024, 4096];

#[derive(clap::Args)]
pub struct Options {
    /// The GPU's sampler too, and in larger batches.
    #[arg(long)]
    gpu: bool,
    /// Time of one cell in milliseconds; one row or pass is drawn whatever it takes.
    #[arg(long, default_value_t = 1500, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    budget_ms: u64,
    /// Images drawn together, for networks that name no batches of their own.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256", value_parser = batch)]
    batches: Vec<usize>,
    /// Further batches of the GPU's sampler; with --gpu 1024 and 4096 if left out.
    #[arg(long, value_delimiter = ',', value_parser = batch)]
    gpu_batches: Option<Vec<usize>>,
    /// Ids of networks; all if left out.
    #[arg(long, value_delimiter = ',', value_parser = network)]
    networks: Vec<String>,
    /// Ways to draw; if left out all on the CPU and, with --gpu, `fused`.
    #[arg(long, value_delimiter = ',', value_parser = WAYS)]
    ways: Vec<String>,
    /// 10¹² operations a second that the GPU can make with 32-bit numbers, from its data sheet: prints what part of them it makes.
    #[arg(long, value_parser = positive)]
    tflops: Option<f64>,
    /// 10⁹ bytes a second that its memory can give, from its data sheet.
    #[arg(long, value_parser = positive)]
    gb_s: Option<f64>,
    /// One JSON object a line, and nothing else.
    #[arg(long)]
    json: bool,
    /// Measures one cell in this process: network, way, batch.
    #[arg(long, hide = true, num_args = 3)]
    cell: Option<Vec<String>>,
}

/// Those of the CPU first.
#[cfg(feature = "fused")]
const WAYS: [&str; 5] = ["naive", "cached-1", "cached-all", "naive-gpu", "fused"];
#[cfg(not(feature = "fused"))]
const WAYS: [&str; 3] = ["naive", "cached-1", "cached-all"];

/// A batch of at least one image.
fn batch(text: &str) -> Result<usize, String> {
    let batch = text.parse().ok().filter(|batch| (1..=1 << 20).contains(batch));
    batch.ok_or_else(|| "expected a number of images from 1 to 1048576".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|&number: &f64| number.is_finite() && number > 0.0);
    number.ok_or_else(|| "expected a number above 0".to_owned())
}

/// The id of a network that is measured.
fn network(text: &str) -> Result<String, String> {
    let ids: Vec<_> = networks().into_iter().map(|network| network.id).collect();
    let known = ids.iter().any(|id| id == text);
    known.then(|| text.to_owned()).ok_or_else(|| format!("expected one of {}", ids.join(", ")))
}

fn networks() -> Vec<Network> {
    serde_json::from_str(include_str!("../../../benches/networks.json")).expect("networks.json has this form")
}

/// An entry of `networks.json`.
#[derive(Deserialize)]
struct Network {
    id: String,
    title: String,
    config: ModelConfig,
    /// Its own batches, where it has them.
    batches: Option<Vec<usize>>,
    /// The ways it is drawn; all if left out.
    ways: Option<Vec<String>>,
}

pub fn run(options: Options) -> Result<(), Failure> {
    if let Some(cell) = &options.cell {
        return print_cell(&options, cell);
    }
    let ways = ways(&options);
    let on_gpu = ways.iter().any(|way| way == "fused" || way == "naive-gpu");
    // Ahead of what takes minutes.
    let adapter = if on_gpu { Some(adapter()?) } else { None };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    print_line(&options, json!({ "line": "about", "key": "threads", "value": threads }));
    let (registers, gmac_per_s) = peak::gmac_per_s();
    print_line(&options, json!({ "line": "peak", "gmac_per_s": gmac_per_s, "registers": registers }));
    if let Some(adapter) = adapter {
        print_line(&options, json!({ "line": "about", "key": "native adapter", "value": adapter }));
    }
    let networks = networks();
    let chosen = |network: &&Network| options.networks.is_empty() || options.networks.contains(&network.id);
    for network in networks.iter().filter(chosen) {
        let plans = Plan::of(&untrained(&network.config));
        let multiplications = plans.iter().map(|plan| plan.multiplications()).sum::<usize>();
        let drawn = ways.iter().any(|way| way == "fused").then(|| batches(&options, network, "fused"));
        let figures = drawn.map(|batches| on_a_gpu(&plans, &batches));
        print_line(
            &options,
            json!({
                "line": "network", "network": network.id, "title": network.title, "multiplications": multiplications,
                "gpu": figures,
            }),
        );
        for way in ways.iter().filter(|way| network.ways.as_ref().is_none_or(|ways| ways.contains(way))) {
            for batch in batches(&options, network, way) {
                let mut line = in_own_process(&options, &network.id, way, batch);
                if let (Some(figures), "fused", "cell") = (&figures, &way[..], line["line"].as_str().unwrap_or("")) {
                    let figures = &figures[batch.to_string()];
                    line["rates"] = rates(&options, &line, figures, multiplications, &network.config);
                }
                print_line(&options, line);
            }
        }
    }
    Ok(())
}

/// What a cell comes to on the GPU: its time shared out among the stages of a batch, which wait for one another; a multiplication and an
/// addition are two operations; bytes are those of storage as `figures` counts them, most of which a cache may have; and the parts of
/// what the card can do, where that was told.
fn rates(options: &Options, cell: &Value, figures: &Value, multiplications: usize, config: &ModelConfig) -> Value {
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let seconds = 1e-3 * cell::median(cell["ms_per_image"].as_array().into_iter().flatten().map(number).collect());
    let pixels = (config.width * config.height) as f64;
    let stages = pixels * number(&figures["stages_per_pixel"]) / number(&cell["batch"]);
    let bytes = pixels * (number(&figures["bytes_read_per_pixel"]) + number(&figures["bytes_written_per_pixel"]));
    let (flop_per_s, bytes_per_s) = (2.0 * multiplications as f64 / seconds, bytes / seconds);
    json!({
        "us_per_stage": 1e6 * seconds / stages,
        "gflop_per_s": 1e-9 * flop_per_s,
        "gb_per_s": 1e-9 * bytes_per_s,
        "of_peak": options.tflops.map(|tflops| flop_per_s / (1e12 * tflops)),
        "of_bandwidth": options.gb_s.map(|gb_s| bytes_per_s / (1e9 * gb_s)),
    })
}

#[cfg(feature = "fused")]
fn on_a_gpu(plans: &[Arc<Plan>], batches: &[usize]) -> Value {
    json!(gpu::figures(plans, batches))
}

#[cfg(not(feature = "fused"))]
fn on_a_gpu(_: &[Arc<Plan>], _: &[usize]) -> Value {
    Value::Null
}

fn ways(options: &Options) -> Vec<String> {
    let mut ways = options.ways.clone();
    if ways.is_empty() {
        ways.extend(["naive", "cached-1", "cached-all"].map(str::to_owned));
    }
    if options.gpu && !ways.iter().any(|way| way == "fused") {
        ways.push("fused".to_owned());
    }
    ways
}

/// What the GPU calls itself.
///
/// # Errors
/// When this build knows none, or the machine has none.
fn adapter() -> Result<String, Failure> {
    #[cfg(feature = "fused")]
    return Ok(gpu::adapter()?);
    #[cfg(not(feature = "fused"))]
    Err("this build knows no GPU: build with --features wgpu".into())
}

/// A network with random weights, on the CPU.
fn untrained(config: &ModelConfig) -> Model {
    Model::init(config, 1, &burn::tensor::Device::flex()).expect("a good configuration")
}

fn batches(options: &Options, network: &Network, way: &str) -> Vec<usize> {
    let mut batches = network.batches.as_ref().unwrap_or(&options.batches).clone();
    if way == "fused" {
        let large = if options.gpu { &LARGE_BATCHES[..] } else { &[] };
        batches.extend(options.gpu_batches.as_deref().unwrap_or(large));
    }
    batches.retain(|&batch| !way.starts_with("naive") || batch <= LARGEST_NAIVE_BATCH);
    batches.sort_unstable();
    batches.dedup();
    batches
}

/// The line of a cell, or of its failure, from a process that does nothing else.
fn in_own_process(options: &Options, network: &str, way: &str, batch: usize) -> Value {
    let batch_text = batch.to_string();
    let missing = |why: String| json!({ "line": "missing", "host": "native", "way": way, "network": network, "batch": batch, "why": why });
    let program = std::env::current_exe().expect("this program has a path");
    let budget_ms = options.budget_ms.to_string();
    let output = Command::new(program)
        .args(["bench", "--budget-ms", &budget_ms, "--cell", network, way, &batch_text])
        .output()
        .expect("this program can be started again");
    if output.status.success()
        && let Ok(line) = serde_json::from_slice(&output.stdout)
    {
        return line;
    }
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let reason = stderr.lines().rfind(|line| !line.is_empty() && !line.starts_with("note:"));
    missing(reason.map_or_else(|| output.status.to_string(), str::to_owned))
}

/// The child's side of [`in_own_process`].
fn print_cell(options: &Options, cell: &[String]) -> Result<(), Failure> {
    let [id, way, batch] = cell else { panic!("--cell: found {} values, expected 3", cell.len()) };
    let networks = networks();
    let network = networks.iter().find(|network| network.id == *id).expect("a network of networks.json");
    let batch = batch.parse().expect("a number of images");
    let runs = cell::measure(&network.config, way, batch, Duration::from_millis(options.budget_ms))?;
    println!("{}", runs.line(id, way, batch));
    Ok(())
}

/// As JSON, or as a row for people.
fn print_line(options: &Options, line: Value) {
    if options.json {
        println!("{line}");
        return;
    }
    let text = |name: &str| line[name].as_str().map_or_else(|| line[name].to_string(), str::to_owned);
    let milliseconds = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    match line["line"].as_str() {
        Some("cell") => {
            let of = |name: &str| cell::median(line[name].as_array().into_iter().flatten().map(milliseconds).collect());
            let mark = if milliseconds(&line["share"]) < 1.0 { "~" } else { "" };
            println!(
                "{:<12} {:>6} {mark:>2}{:>12.3} ms an image {:>10.3} ms to the first row {:>12.3} ms an image cold",
                text("way"),
                text("batch"),
                of("ms_per_image"),
                of("first_row_ms"),
                milliseconds(&line["cold_ms_per_image"])
            );
            if line["rates"].is_object() {
                let rate = |name: &str| milliseconds(&line["rates"][name]);
                let part = |name: &str| {
                    let part = line["rates"][name].as_f64();
                    part.map_or_else(String::new, |part| format!(" ({:.2} % of the card's)", 100.0 * part))
                };
                println!(
                    "{:<20}{:.2} µs a stage, {:.1} GFLOP/s{}, {:.2} GB/s of storage{}",
                    "",
                    rate("us_per_stage"),
                    rate("gflop_per_s"),
                    part("of_peak"),
                    rate("gb_per_s"),
                    part("of_bandwidth")
                );
            }
        }
        Some("missing") => println!("{:<12} {:>6}  not measured: {}", text("way"), text("batch"), text("why")),
        Some("network") => {
            println!("\n{}: {} multiplications an image", text("title"), text("multiplications"));
            for (batch, figures) in line["gpu"].as_object().into_iter().flatten() {
                let figures = figures.as_object().into_iter().flatten();
                let figures: Vec<_> =
                    figures.map(|(name, value)| format!("{value} {}", name.replace('_', " "))).collect();
                println!("on the GPU at batch {batch}: {}", figures.join(", "));
            }
        }
        Some("peak") => {
            println!("one core: {:.1} GMAC/s in {}", milliseconds(&line["gmac_per_s"]), text("registers"));
        }
        _ => println!("{}: {}", text("key"), text("value")),
    }
}
