//! `pixelrnn data`.

use super::{Failure, PathBuf};
use pixelrnn::data::DatasetKind;
use pixelrnn::data::download::{obtain, sources};

#[derive(clap::Args)]
pub struct Options {
    /// mnist, binarized-mnist or cifar10.
    dataset: DatasetKind,
    /// Folder the set's own folder is made in; files that are there already are used.
    #[arg(long)]
    dir: PathBuf,
}

pub fn run(options: Options) -> Result<(), Failure> {
    let folder = obtain(options.dataset, &sources(options.dataset), &options.dir, &mut |line| println!("{line}"))?;
    println!("{} is complete in {}", options.dataset, folder.display());
    Ok(())
}
