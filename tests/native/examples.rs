//! The examples run, and show what they promise. They are built by `cargo test`, not by `cargo test --test native` alone.

use libtest_mimic::Trial;
use pixelrnn::Device;
use pixelrnn::weights;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub fn trials() -> Vec<Trial> {
    vec![
        example_trial("draw", draws_a_picture),
        example_trial("complete", completes_below_what_is_given),
        example_trial("score", scores_noise_as_less_probable),
        example_trial("train_tiny", trains_a_network),
        example_trial("read_weights", reads_the_weights),
    ]
}

/// A trial of an example; ignored, with the reason as its kind, where that was not built.
fn example_trial(name: &'static str, body: fn(&Path)) -> Trial {
    // This test is in `deps/`, the examples are beside that folder.
    let here = std::env::current_exe().expect("this test is a file");
    let examples = here.ancestors().nth(2).expect("it is two folders deep").join("examples");
    let program = examples.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let missing = !program.is_file();
    let kind = if missing { format!("no {}, `cargo test` makes it", program.display()) } else { String::new() };
    let run = move || {
        body(&program);
        Ok(())
    };
    Trial::test(format!("examples::{name}"), run).with_ignored_flag(missing).with_kind(kind)
}

/// What an example prints, run in the folder that its default weights file is found from.
fn run(program: &Path, arguments: &[&Path]) -> String {
    let folder = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(program).args(arguments).current_dir(folder).output().expect("the example starts");
    assert!(output.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("www/models/mnist-diagonal.safetensors")
}

/// The figure before ` nats` in the line that begins with `what`.
fn nats(printed: &str, what: &str) -> f64 {
    let line = printed.lines().find_map(|line| line.strip_prefix(what)).expect("a line of it");
    line.trim_start_matches(':').trim().split(' ').next().and_then(|word| word.parse().ok()).expect("a number")
}

fn draws_a_picture(program: &Path) {
    let folder = TempDir::new().expect("a folder");
    let picture = folder.path().join("digits.png");
    run(program, &[&shipped(), &picture]);
    let picture = image::open(&picture).expect("a picture");
    // Four by four digits of 28 pixels, each four wide, two between them and around.
    assert_eq!([picture.width(), picture.height()], [4 * (28 * 4 + 2) + 2; 2]);
}

fn completes_below_what_is_given(program: &Path) {
    let printed = run(program, &[]);
    let images: Vec<Vec<&str>> = printed.trim().split("\n\n").map(|image| image.lines().collect()).collect();
    assert_eq!(images.iter().map(Vec::len).collect::<Vec<_>>(), [28; 4]);
    assert!(images.iter().all(|image| image[..14] == images[0][..14]), "the upper half is given");
    assert!(images.iter().any(|image| image[14..] != images[0][14..]), "the lower half is drawn");
}

fn scores_noise_as_less_probable(program: &Path) {
    let printed = run(program, &[]);
    let (drawn, noise) = (nats(&printed, "drawn"), nats(&printed, "noise"));
    assert!(drawn > 0.0 && noise > 5.0 * drawn, "{printed}");
}

fn trains_a_network(program: &Path) {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("squares.safetensors");
    let printed = run(program, &[&file]);
    let last = printed.lines().rfind(|line| line.starts_with("pass")).expect("a line a pass");
    let (_, validation) = last.rsplit_once(", ").expect("two figures");
    // Pixels that know nothing of each other take some 37 nats, the square's place 3.2.
    assert!(nats(validation, "") < 12.0, "{printed}");
    let bytes = std::fs::read(file).expect("weights");
    weights::load(&bytes, &Device::flex()).expect("a complete file");
}

fn reads_the_weights(program: &Path) {
    let printed = run(program, &[]);
    assert!(printed.contains("blocks.0.lstm") && printed.contains("weights in all"), "{printed}");
    assert!(printed.lines().any(|line| line.starts_with("measured: ")), "{printed}");
}
