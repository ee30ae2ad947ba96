use std::io::Write;
use std::slice;

use flate2::{Compression, write::GzEncoder};

use super::loopback::{Mirror, Server};
use super::*;
use crate::npy;

fn hash(bytes: &[u8]) -> String {
    fetch::sha256(bytes).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A source whose only mirror serves `download`, bringing `members` of name and content.
fn source(download: (&str, &[u8]), packing: Packing, members: &[(&str, &[u8])]) -> (Server, Source) {
    let (name, body) = download;
    let server = Server::start(vec![Mirror::Whole(body.to_vec())]);
    let remote = Remote { name: name.into(), urls: server.urls(), bytes: body.len() as u64, sha256: hash(body) };
    let member = |&(name, content): &(&str, &[u8])| Member {
        name: name.into(),
        bytes: content.len() as u64,
        sha256: hash(content),
    };
    (server, Source { remote, packing, members: members.iter().map(member).collect() })
}

/// Runs `obtain` for CIFAR-10, whose folder is `cifar10`, and gives its result and what it said.
fn run(sources: &[Source], dir: &Path) -> (Result<PathBuf, DownloadError>, Vec<String>) {
    let mut said = Vec::new();
    let result = obtain(DatasetKind::Cifar10, sources, dir, &mut |line| said.push(line.to_string()));
    (result, said)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn tar_gz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, path, *content).unwrap();
    }
    gzip(&tar.into_inner().unwrap())
}

#[test]
fn an_archive_is_unpacked_to_its_members_and_removed() {
    let archive = tar_gz(&[("readme", b"x"), ("set/b.bin", b"bb"), ("set/a.bin", b"a")]);
    let (server, source) = source(("set.tar.gz", &archive), Packing::TarGz, &[("a.bin", b"a"), ("b.bin", b"bb")]);
    let dir = tempfile::tempdir().unwrap();
    let folder = run(slice::from_ref(&source), dir.path()).0.unwrap();
    assert_eq!(folder, dir.path().join("cifar10"));
    assert_eq!(names(&folder), ["a.bin", "b.bin"]);
    assert_eq!(fs::read(folder.join("b.bin")).unwrap(), b"bb");

    // A second run finds everything, from the folder itself as from its parent.
    for place in [dir.path(), &folder] {
        let (again, said) = run(slice::from_ref(&source), place);
        assert_eq!(again.unwrap(), folder);
        assert!(said.iter().all(|line| line.ends_with(": verified")), "{said:?}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn text_is_packed_most_significant_bit_first_and_removed() {
    let text = b"1 0 0 0 0 0 0 1 0 0 0 0 0 0 1 1\n0 1 1 1 1 1 1 1 1 1 1 1 1 1 1 0\n";
    let (_server, source) = source(("set.amat", text), Packing::Amat, &[("set.packed.npy", text)]);
    let dir = tempfile::tempdir().unwrap();
    let folder = run(&[source], dir.path()).0.unwrap();
    assert_eq!(names(&folder), ["set.packed.npy"]);
    let file = fs::read(folder.join("set.packed.npy")).unwrap();
    assert_eq!(file, npy::write_u8(&[2, 2], &[0b1000_0001, 0b0000_0011, 0b0111_1111, 0b1111_1110]));
}

#[test]
fn packed_bits_count_in_either_order_of_axes() {
    let text = b"1 0 0 0 0 0 0 1 0 0 0 0 0 0 1 1\n0 1 1 1 1 1 1 1 1 1 1 1 1 1 1 0\n";
    let (server, source) = source(("set.amat", text), Packing::Amat, &[("set.packed.npy", text)]);
    let dir = tempfile::tempdir().unwrap();
    let mut file = npy::write_u8(&[2, 2], &[0b1000_0001, 0b0111_1111, 0b0000_0011, 0b1111_1110]);
    let at = file.windows(5).position(|word| word == b"False").unwrap();
    file[at..at + 5].copy_from_slice(b"True ");
    fs::write(dir.path().join("set.packed.npy"), file).unwrap();
    assert_eq!(run(&[source], dir.path()).0.unwrap(), dir.path());
    assert_eq!(server.requests(), []);
}

#[test]
fn a_compressed_member_is_kept_and_known_by_its_content() {
    let (server, source) = source(("a.gz", &gzip(b"content")), Packing::Kept, &[("a", b"content")]);
    let dir = tempfile::tempdir().unwrap();
    let folder = run(slice::from_ref(&source), dir.path()).0.unwrap();
    assert_eq!(names(&folder), ["a.gz"]);
    // Unpacked by hand, it still counts.
    fs::remove_file(folder.join("a.gz")).unwrap();
    fs::write(folder.join("a"), b"content").unwrap();
    assert_eq!(run(&[source], dir.path()).1, [format!("{}: verified", folder.join("a").display())]);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_file_of_the_same_name_and_other_content_is_named_and_kept() {
    let archive = tar_gz(&[("a", b"content")]);
    for (name, wrong) in [("a.gz", gzip(b"other")), ("a.gz", b"not even gzip".to_vec()), ("a", b"other".to_vec())] {
        let (server, kept) = source(("a.gz", &gzip(b"content")), Packing::Kept, &[("a", b"content")]);
        let (_, unpacked) = source(("set.tar.gz", &archive), Packing::TarGz, &[("a", b"content")]);
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(name), &wrong).unwrap();
        for source in [kept, unpacked] {
            let message = run(&[source], dir.path()).0.unwrap_err().to_string();
            assert!(message.starts_with(&dir.path().join(name).display().to_string()), "{message}");
            assert!(message.contains(&hash(b"content")) && message.contains("it is left as it is"), "{message}");
            assert_eq!(fs::read(dir.path().join(name)).unwrap(), wrong);
        }
        assert_eq!(server.requests(), [], "asked for what could not be kept");
    }
    // An archive of the same name is somebody's too.
    let (_server, source) = source(("set.tar.gz", &archive), Packing::TarGz, &[("a", b"content")]);
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("cifar10")).unwrap();
    fs::write(dir.path().join("cifar10/set.tar.gz"), b"other").unwrap();
    assert!(matches!(run(&[source], dir.path()).0, Err(DownloadError::Foreign { .. })));
    assert_eq!(fs::read(dir.path().join("cifar10/set.tar.gz")).unwrap(), b"other");
}

#[test]
fn a_download_that_does_not_hold_its_member_is_named() {
    let lacking = tar_gz(&[("set/a.bin", b"a")]);
    let other = tar_gz(&[("set/a.bin", b"a"), ("b.bin", b"other")]);
    for (archive, found) in [(lacking, "nothing found for b.bin".to_string()), (other, hash(b"oth"))] {
        let (_server, source) = source(("set.tar.gz", &archive), Packing::TarGz, &[("a.bin", b"a"), ("b.bin", b"bb")]);
        let dir = tempfile::tempdir().unwrap();
        let message = run(&[source], dir.path()).0.unwrap_err().to_string();
        assert!(message.contains("set.tar.gz: ") && message.contains(&found), "{message}");
        assert!(!dir.path().join("cifar10/b.bin").exists());
    }
    let text = b"1 0 2 0 0 0 0 1\n";
    let (_server, source) = source(("set.amat", text), Packing::Amat, &[("set.packed.npy", text)]);
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(run(&[source], dir.path()).0, Err(DownloadError::Content { .. })));
}

#[test]
fn every_member_a_reader_asks_for_has_a_source() {
    for (kind, members) in [(DatasetKind::Mnist, 4), (DatasetKind::BinarizedMnist, 3), (DatasetKind::Cifar10, 6)] {
        let sources = sources(kind);
        assert_eq!(sources.iter().map(|source| source.members.len()).sum::<usize>(), members, "{kind}");
        for source in &sources {
            assert!(source.remote.urls.len() > 1, "{} has one mirror only", source.remote.name);
            let hashes = source.members.iter().map(|member| &member.sha256).chain([&source.remote.sha256]);
            assert!(hashes.into_iter().all(|hash| hash.len() == 64), "{}", source.remote.name);
        }
    }
}
