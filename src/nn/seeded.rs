//! Random numbers of a seed, beside other threads.

use burn::tensor::Device;
use std::sync::{Mutex, PoisonError};

/// What `draw` draws from `device`'s random numbers, which begin with `seed`.
///
/// burn has one sequence of them for all threads. What is drawn in here is drawn with nothing in between, as long as all who draw
/// do so in here. A weight that burn has only promised is drawn when it is first read: `draw` has to read it.
///
/// # Deadlocks
/// When `draw` comes back to this function.
pub fn seeded<T>(seed: u64, device: &Device, draw: impl FnOnce() -> T) -> T {
    static DRAWING: Mutex<()> = Mutex::new(());
    let _drawing = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
    device.seed(seed);
    draw()
}
