//! `pixelrnn reach` and `pixelrnn influence`: what they print and write is what the library says.

use crate::cli::{Folder, fail, save, succeed};
use crate::common::{config, model, random_levels, trial};
use libtest_mimic::Trial;
use pixelrnn::model::{ModelConfig, Network, reach};
use pixelrnn::npy;
use pixelrnn::sample::{Influence, Plan, Question};
use std::path::Path;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("cli::reach_counts_what_the_paper_s_wiring_gives", reach_counts_pairs),
        trial("cli::influence_writes_the_library_s_effects", influence_writes_effects),
    ]
}

fn reach_counts_pairs() {
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    for (name, unseen) in [("mnist-pixelcnn", 106_610), ("mnist-row", 78_506), ("mnist-diagonal", 648)] {
        let config = configs.join(format!("{name}.json"));
        let line = succeed(&["reach", "--model", config.to_str().expect("UTF-8")]);
        let expected = format!(
            "306936 pairs of a pixel and an earlier one: the wiring joins {}, {unseen} it does not\n",
            306_936 - unseen
        );
        assert_eq!(line, expected, "{name}");
    }

    let config = ModelConfig { network: Network::RowLstm, ..config(3, 2, [6, 5]) };
    let (folder, out) = (Folder::new(), "out.npy");
    let (file, path) = (save(&folder, &model(&config, 3)), folder.arg(out));
    let line = succeed(&["reach", "--model", &file, "--row", "3", "--column", "1", "--out", &path]);
    let map = reach(&config, 3, 1);
    assert_eq!(folder.read(out), npy::write_u8(&[6, 5], &map));
    let [sees, seen] = [&map[..16], &map[17..]].map(|part| part.iter().filter(|&&joined| joined == 1).count());
    let expected = format!(
        "row 3, column 1: its distribution may depend on {sees} of 16 pixels before it, and those of {seen} of 13 after it on it\n"
    );
    assert_eq!(line, expected);
    fail(&["reach", "--model", &file, "--row", "6", "--column", "1"], &["row: found 6, expected 0 to 5"]);
    let broken = folder.write("broken.json", b"{}");
    fail(&["reach", "--model", &broken], &["broken.json", "missing field"]);
}

fn influence_writes_effects() {
    let config = config(3, 256, [4, 3]);
    let (folder, model) = (Folder::new(), model(&config, 3));
    let (file, levels) = (save(&folder, &model), random_levels(&config, 2, 4));
    let input = folder.write("in.npy", &npy::write_u8(&[2, 3, 4, 3], &levels));
    let (out, place) = (folder.arg("out.npy"), ["--row", "2", "--column", "1"]);
    let common = ["influence", "--model", &file, "--images", &input, "--out", &out];
    let plans = Plan::of(&model);
    for (question, more, words) in [
        (Question::On { y: 2, x: 1 }, &place[..], "of 7 pixels before row 2, column 1, 7 move it, by up to "),
        (
            Question::Of { y: 2, x: 1 },
            &[&place[..], &["--changes"]].concat(),
            "of 4 pixels after row 2, column 1, it moves 4, by up to ",
        ),
        (Question::All, &["--mean"], "of 66 pairs the earlier pixel moves the later one, by up to "),
    ] {
        let printed = succeed(&[&common[..], more].concat());
        let mut expected = Vec::new();
        for (image, line) in levels.chunks(36).zip(printed.lines()) {
            let mut influence = Influence::new(&plans, image, question).expect("a good question");
            while !influence.done() {
                influence.step();
            }
            expected.extend(influence.mean().unwrap_or_else(|| influence.effects().to_vec()));
            assert!(line.contains(words), "{line:?} and {words:?}");
        }
        let columns = if question == Question::All { 5 } else { 3 };
        assert!(folder.read("out.npy") == npy::write_f32(&[2, 4, columns], &expected), "{question:?}");
    }
    fail(&[&common[..], &["--row", "4", "--column", "0"]].concat(), &["row: found 4, expected 0 to 3"]);
}
