//! The commands, one a file. Every path is checked before work starts, and every error is one sentence.

mod bench;
mod codec;
mod compare;
mod data;
mod device;
mod distribution;
mod draw;
mod drawing;
mod export;
mod images_in;
mod images_out;
mod influence;
mod info;
mod new;
mod publish;
mod reach;
mod score;
mod train;

use burn::tensor::Device;
use clap::{Parser, Subcommand};
use device::DeviceKind;
use images_in::read_images;
use pixelrnn::output::{Output, remove_parts};
use pixelrnn::sniff::mistaken;
use pixelrnn::weights::{self, Loaded};
use std::path::{Path, PathBuf};

/// Why a command failed: one sentence for the person who typed it.
pub type Failure = Box<dyn std::error::Error>;

/// Pixel Recurrent Neural Networks: train, score and draw.
#[derive(Parser)]
#[command(version, about)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Download a data set and verify it, or verify the one that is there.
    #[command(allow_negative_numbers = true)]
    Data(data::Options),
    /// Look at pictures of your own and write a configuration that trains on them in the time given.
    #[command(allow_negative_numbers = true)]
    New(new::Options),
    /// Train a network; an interrupted run is continued with --resume.
    #[command(allow_negative_numbers = true)]
    Train(train::Options),
    /// Measure a trained network on the test split, once, and put it on the page.
    #[command(allow_negative_numbers = true)]
    Publish(publish::Options),
    /// Likelihood of a network on a whole split.
    #[command(allow_negative_numbers = true)]
    Eval(score::EvalOptions),
    /// -ln p of every value of given images.
    #[command(allow_negative_numbers = true)]
    Score(score::ScoreOptions),
    /// The probability of every level of one value, given the values before it (the paper's figure 6).
    #[command(allow_negative_numbers = true)]
    Distribution(distribution::Options),
    /// How far pixels of given images, flipped, move the distributions of others.
    #[command(allow_negative_numbers = true)]
    Influence(influence::Options),
    /// Which pixels the wiring of a network joins, whatever its weights.
    #[command(allow_negative_numbers = true)]
    Reach(reach::Options),
    /// Draw images.
    #[command(allow_negative_numbers = true)]
    Sample(draw::SampleOptions),
    /// Draw the missing pixels of given images.
    #[command(allow_negative_numbers = true)]
    Complete(draw::CompleteOptions),
    /// Write images in as few bytes as the network finds them likely.
    #[command(allow_negative_numbers = true)]
    Compress(codec::CompressOptions),
    /// The images of a compressed file.
    #[command(allow_negative_numbers = true)]
    Decompress(codec::DecompressOptions),
    /// Bits that the images of a split take: compressed, by their likelihood, as PNG and as lossless WebP.
    #[command(allow_negative_numbers = true)]
    Compare(compare::Options),
    /// Write a PixelCNN for other programs to run.
    #[command(allow_negative_numbers = true)]
    Export(export::Options),
    /// Time every way to draw, of untrained networks, on this machine and on its GPU.
    #[command(allow_negative_numbers = true)]
    Bench(bench::Options),
    /// Configuration, size, training record and likelihoods of a weights file.
    #[command(allow_negative_numbers = true)]
    Info(info::Options),
}

/// Runs one command.
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Data(options) => data::run(options),
        Command::New(options) => new::run(options),
        Command::Train(options) => train::run(options),
        Command::Publish(options) => publish::run(options),
        Command::Eval(options) => score::eval(options),
        Command::Score(options) => score::score(options),
        Command::Distribution(options) => distribution::run(options),
        Command::Influence(options) => influence::run(options),
        Command::Reach(options) => reach::run(options),
        Command::Sample(options) => draw::sample(options),
        Command::Complete(options) => draw::complete(options),
        Command::Compress(options) => codec::compress(options),
        Command::Decompress(options) => codec::decompress(options),
        Command::Compare(options) => compare::run(options),
        Command::Export(options) => export::run(options),
        Command::Bench(options) => bench::run(options),
        Command::Info(options) => info::run(options),
    }
}

/// A whole number, for which an error says what is allowed.
fn whole<T: TryFrom<u64>>(text: &str, least: u64, most: u64) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| match most {
        MOST => format!("a whole number from {least} on expected"),
        _ => format!("a whole number from {least} to {most} expected"),
    })
}

/// How many.
fn count(text: &str) -> Result<usize, String> {
    whole(text, 1, MOST)
}

/// A number of something that is counted from 0.
fn index(text: &str) -> Result<usize, String> {
    whole(text, 0, MOST)
}

/// The largest count; which of them there is memory or time for is another matter.
const MOST: u64 = usize::MAX as u64;

/// Minutes, which may be a fraction.
fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse().ok().filter(|minutes: &f64| (0.0..=1e9).contains(minutes));
    minutes.ok_or_else(|| "a number of minutes from 0 on expected".to_owned())
}

/// Makes a folder with those it is in, where it is not there.
fn make_folder(path: &Path) -> Result<(), Failure> {
    if path.exists() && !path.is_dir() {
        return Err(format!("{}: it is no folder, a folder expected", path.display()).into());
    }
    std::fs::create_dir_all(path).map_err(|error| format!("{}: cannot be made: {error}", path.display()).into())
}

/// Reads a file, or says which one could not be read.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| format!("{}: cannot be read: {error}", path.display()).into())
}

/// Standard output where `path` is `-`, else the file, pipe or device it names; what cannot be written is found out now.
fn output(path: &Path) -> Result<Output, Failure> {
    Ok(if path == Path::new("-") { Output::standard() } else { Output::at(path)? })
}

/// The same for an array of numbers.
fn npy_output(path: &Path) -> Result<Output, Failure> {
    let output = output(path)?;
    let ending = path.extension().unwrap_or_default();
    if ending.eq_ignore_ascii_case("npy") || output.is_stream() && ending.is_empty() {
        return Ok(output);
    }
    Err(format!("{}: a name ending in .npy expected, or - for standard output", path.display()).into())
}

/// Tells people something, on standard error where standard output is for the result.
fn tell(output: &Output, line: &str) {
    if output.is_standard() { eprintln!("{line}") } else { println!("{line}") }
}

/// Leaves no half-written file behind where somebody stops the program.
fn clean_up_when_stopped() -> Result<(), Failure> {
    Ok(ctrlc::set_handler(|| {
        remove_parts();
        std::process::exit(INTERRUPTED);
    })?)
}

/// Exit code of a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// Reads a text file, which may begin with a byte order mark.
fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = read(path)?;
    let Err(error) = std::str::from_utf8(&bytes) else {
        let text = String::from_utf8(bytes).expect("UTF-8");
        return Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text));
    };
    let found = mistaken(&bytes).map_or_else(|| error.to_string(), |found| found.to_string());
    Err(format!("{}: {found}, text in UTF-8 expected", path.display()).into())
}

/// Reads a weights file onto a device.
fn load_model(path: &Path, device: &Device) -> Result<Loaded, Failure> {
    weights::load(&read(path)?, device).map_err(|error| format!("{}: {error}", path.display()).into())
}
