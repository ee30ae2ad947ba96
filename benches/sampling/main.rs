//! The sampling ladder, native side: milliseconds an image of untrained networks (drawing costs the same whatever the weights).
//! `make bench` runs this and its fellows through `benches/ladder.mjs`; alone:
//!
//! ```text
//! cargo bench --no-default-features --features native --bench sampling -- [--json] [--budget-ms 1500] [--ways naive,cached-1]
//! ```
//!
//! Networks come from `benches/networks.json`. Each cell (network, way, batch) runs in a process of its own, so that its first
//! call is a cold one. With `--json` every line of stdout is one object; all programs of the ladder print the same ones:
//!
//! ```text
//! {"line": "cell", "host": "native" | "chromium", "way": "cached-1", "network": "pixelcnn-7x16", "batch": 16,
//!  "share": 1,                  part of a batch that the shortest run drew; below 1 its times are scaled up from it
//!  "ms_per_image": [..],        one number a warm run, from the request to the last row
//!  "first_row_ms": [..],        the same to the first row of the whole batch; scaled up where a run drew less than a row
//!  "cold_ms_per_image": 1.9,    the first run of the process or page; null where a way has none of interest
//!  "cold_first_row_ms": 0.2}
//! {"line": "missing", "host", "way", "network", "batch", "why"}    a cell or, without network and batch, a way that failed
//! {"line": "network", "network", "multiplications",                of one image, masked weights left out
//!  "gpu": {"16": {"stages_per_pixel": 25, ..}, ..}}  what the fused sampler asks of a GPU by the batch, where it is among the ways
//! {"line": "peak", "gmac_per_s", "registers"}                      one core, products and sums rounded apart
//! {"line": "about", "key", "value"}                                for the header: threads, adapter, versions
//! ```

mod cell;
#[cfg(feature = "fused")]
mod gpu;
mod peak;

use clap::Parser;
use pixelrnn::model::{Model, ModelConfig};
use pixelrnn::sample::Plan;
use serde::Deserialize;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

/// As the binary of the command line has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Larger batches of the naive ways tell nothing new and take minutes.
const LARGEST_NAIVE_BATCH: usize = 16;

#[derive(Parser)]
struct Args {
    /// One JSON object a line in place of a table.
    #[arg(long)]
    json: bool,
    /// Time of one cell; one row or pass is drawn whatever it takes.
    #[arg(long, default_value_t = 1500)]
    budget_ms: u64,
    /// Images drawn together, for networks that name no batches of their own.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256")]
    batches: Vec<usize>,
    /// Further batches of the fused way.
    #[arg(long, value_delimiter = ',')]
    gpu_batches: Vec<usize>,
    /// Ids of `networks.json`; all if left out.
    #[arg(long, value_delimiter = ',')]
    networks: Vec<String>,
    /// Without a GPU: `--ways naive,cached-1,cached-all`; `naive-gpu` and `fused` need the feature `wgpu` or `cuda`.
    #[arg(long, value_delimiter = ',', default_value = "naive,cached-1,cached-all")]
    ways: Vec<String>,
    /// Measures one cell in this process: network, way, batch.
    #[arg(long, hide = true, num_args = 3)]
    cell: Option<Vec<String>>,
    /// Comes from cargo.
    #[arg(long, hide = true)]
    bench: bool,
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

fn main() {
    let args = Args::parse();
    let networks: Vec<Network> =
        serde_json::from_str(include_str!("../networks.json")).expect("networks.json has this form");
    if let Some(cell) = &args.cell {
        print_cell(&args, &networks, cell);
        return;
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    print_line(&args, json!({ "line": "about", "key": "threads", "value": threads }));
    let (registers, gmac_per_s) = peak::gmac_per_s();
    print_line(&args, json!({ "line": "peak", "gmac_per_s": gmac_per_s, "registers": registers }));
    #[cfg(feature = "fused")]
    if args.ways.iter().any(|way| way == "fused" || way == "naive-gpu") {
        let adapter = gpu::adapter().unwrap_or_else(|error| error.to_string());
        print_line(&args, json!({ "line": "about", "key": "native adapter", "value": adapter }));
    }
    let chosen = |network: &&Network| args.networks.is_empty() || args.networks.contains(&network.id);
    for network in networks.iter().filter(chosen) {
        let plans = Plan::of(&untrained(&network.config));
        let multiplications = plans.iter().map(|plan| plan.multiplications()).sum::<usize>();
        let mut line = json!({ "line": "network", "network": network.id, "title": network.title, "multiplications": multiplications });
        #[cfg(feature = "fused")]
        if args.ways.iter().any(|way| way == "fused") {
            line["gpu"] = json!(gpu::figures(&plans, &batches(&args, network, "fused")));
        }
        print_line(&args, line);
        for way in args.ways.iter().filter(|way| network.ways.as_ref().is_none_or(|ways| ways.contains(way))) {
            for batch in batches(&args, network, way) {
                print_line(&args, in_own_process(&args, &network.id, way, batch));
            }
        }
    }
}

/// A network with random weights, on the CPU.
fn untrained(config: &ModelConfig) -> Model {
    let device = burn::tensor::Device::flex();
    device.seed(1);
    Model::init(config, &device).expect("a good configuration")
}

fn batches(args: &Args, network: &Network, way: &str) -> Vec<usize> {
    let mut batches = network.batches.as_ref().unwrap_or(&args.batches).clone();
    if way == "fused" {
        batches.extend(&args.gpu_batches);
    }
    batches.retain(|&batch| !way.starts_with("naive") || batch <= LARGEST_NAIVE_BATCH);
    batches.sort_unstable();
    batches.dedup();
    batches
}

/// The line of a cell, or of its failure, from a process that does nothing else.
fn in_own_process(args: &Args, network: &str, way: &str, batch: usize) -> Value {
    let batch_text = batch.to_string();
    let missing = |why: String| json!({ "line": "missing", "host": "native", "way": way, "network": network, "batch": batch, "why": why });
    let program = std::env::current_exe().expect("this program has a path");
    let budget_ms = args.budget_ms.to_string();
    let output = Command::new(program)
        .args(["--budget-ms", &budget_ms, "--cell", network, way, &batch_text])
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
fn print_cell(args: &Args, networks: &[Network], cell: &[String]) {
    let [id, way, batch] = cell else { panic!("--cell: found {} values, expected 3", cell.len()) };
    let network = networks.iter().find(|network| network.id == *id).expect("a network of networks.json");
    let batch = batch.parse().expect("a number of images");
    let budget = Duration::from_millis(args.budget_ms);
    match cell::measure(&network.config, way, batch, budget) {
        Ok(runs) => println!("{}", runs.line(id, way, batch)),
        Err(why) => {
            eprintln!("{why}");
            std::process::exit(1);
        }
    }
}

/// As JSON, or as a row for people.
fn print_line(args: &Args, line: Value) {
    if args.json {
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
        }
        Some("missing") => println!("{:<12} {:>6}  not measured: {}", text("way"), text("batch"), text("why")),
        Some("network") => {
            println!("\n{}: {} multiplications an image", text("title"), text("multiplications"));
            let gpu = line["gpu"].as_object().into_iter().flatten();
            let gpu: Vec<_> = gpu.map(|(name, value)| format!("{value} {}", name.replace('_', " "))).collect();
            if !gpu.is_empty() {
                println!("on a GPU: {}", gpu.join(", "));
            }
        }
        Some("peak") => {
            println!("one core: {:.1} GMAC/s in {}", milliseconds(&line["gmac_per_s"]), text("registers"));
        }
        _ => println!("{}: {}", text("key"), text("value")),
    }
}
