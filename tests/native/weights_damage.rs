//! Weights files cut or damaged anywhere: an error, or a file that is good again, and never a panic.

use crate::common::{model, trial};
use crate::weights::{error, tiny};
use burn::tensor::Device;
use libtest_mimic::Trial;
use pixelrnn::sample::threefry2x32;
use pixelrnn::weights::{LoadError, load, save};
use serde_json::json;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("weights::truncated_files_are_errors", truncated_files_are_errors),
        trial("weights::damaged_bytes_never_panic", damaged_bytes_never_panic),
    ]
}

fn truncated_files_are_errors() {
    let whole = save(&model(&tiny(), 1), None, None);
    assert!(matches!(error(b""), LoadError::Mistaken(_)));
    for length in (1..whole.len()).step_by(7).chain([whole.len() - 1]) {
        assert!(matches!(error(&whole[..length]), LoadError::Format(_)), "{length} bytes of {}", whole.len());
    }
}

/// Two thousand damaged files: one to three bytes changed, half of the time in the header, some of them cut.
fn damaged_bytes_never_panic() {
    let whole = save(&model(&tiny(), 1), Some(&json!({ "epochs": 1 })), None);
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().expect("eight bytes")) as usize;
    let (mut refused, mut read) = (0, 0);
    for case in 0..2000u32 {
        let random = |k: u32| threefry2x32([case, 99], [k, 0])[0] as usize;
        let mut bytes = whole.clone();
        for flip in 0..1 + random(0) % 3 {
            let k = 10 * flip as u32;
            let range = if random(k + 1) % 2 == 0 { header } else { whole.len() };
            // A digit or a letter for another now and then, else any byte: JSON survives the first kind more often.
            let byte = if random(k + 2) % 2 == 0 { b'0' + (random(k + 3) % 10) as u8 } else { random(k + 3) as u8 };
            bytes[random(k + 4) % range] = byte;
        }
        if random(100) % 8 == 0 {
            bytes.truncate(random(101) % whole.len());
        }
        match load(&bytes, &Device::flex()) {
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
            Ok(loaded) => {
                assert!(loaded.model.tensors().iter().all(|(.., values)| values.iter().all(|value| value.is_finite())));
                loaded.model.config.validate().expect("a checked configuration");
                read += 1;
            }
        }
    }
    assert!(refused > 500 && read > 100, "{refused} refused, {read} read: the damage should do both");
}
