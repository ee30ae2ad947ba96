//! One file over HTTP: from the first mirror that has it, going on where an interrupted run stopped, under its name only
//! when its hash is right.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};
use ureq::http::{StatusCode, header};

use super::{DownloadError, MirrorFailure};

const BUFFER_BYTES: usize = 64 * 1024;
/// A mirror that is silent for this long is given up.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A file on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its name on disk.
    pub name: String,
    /// Where it can be had, the preferred place first.
    pub urls: Vec<String>,
    /// Its length.
    pub bytes: u64,
    /// Its hash, in lower-case hexadecimal.
    pub sha256: String,
}

/// Downloads a file into `folder`, or finds it there, and gives its path.
///
/// What has come so far is kept as `NAME.part`; a later call asks for the rest only.
///
/// # Errors
/// When no mirror gives the file, with the reason of each, when another file has its name, or the folder cannot be written.
pub fn fetch(remote: &Remote, folder: &Path) -> Result<PathBuf, DownloadError> {
    let path = folder.join(&remote.name);
    if path.is_file() {
        let (found, expected) = (file_sha256(&path)?, remote.sha256.clone());
        return match found == expected {
            true => Ok(path),
            false => Err(DownloadError::Foreign { path, found: format!("sha256 {found}"), expected }),
        };
    }
    let agent = ureq::Agent::config_builder()
        // The status decides between going on, starting over and the next mirror, so every one is looked at here.
        .http_status_as_error(false)
        .timeout_connect(Some(TIMEOUT))
        .timeout_recv_response(Some(TIMEOUT))
        .timeout_per_read(Some(TIMEOUT))
        .build()
        .new_agent();
    let transfer = Transfer {
        remote,
        agent,
        part: folder.join(format!("{}.part", remote.name)),
        bar: bar(&remote.name, remote.bytes),
    };
    let mut failures = Vec::new();
    for url in &remote.urls {
        match transfer.take_from(url)? {
            Outcome::Complete => {
                fs::rename(&transfer.part, &path).map_err(DownloadError::file(&path))?;
                transfer.bar.finish_and_clear();
                return Ok(path);
            }
            Outcome::Failed(reason) => failures.push(MirrorFailure { url: url.clone(), reason }),
        }
    }
    transfer.bar.finish_and_clear();
    Err(DownloadError::Mirrors { name: remote.name.clone(), failures })
}

/// A bar with bytes, rate and time left; silent where there is no terminal to draw on.
pub fn bar(name: &str, bytes: u64) -> ProgressBar {
    let template = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style).with_message(name.to_string())
}

/// The hash of everything a reader gives, in lower-case hexadecimal.
pub fn sha256(mut reader: impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            n => hasher.update(&buffer[..n]),
        }
    }
}

fn file_sha256(path: &Path) -> Result<String, DownloadError> {
    File::open(path).and_then(sha256).map_err(DownloadError::file(path))
}

/// How an attempt at a mirror ended, where the disk is not to blame.
enum Outcome {
    Complete,
    Failed(String),
}

struct Transfer<'a> {
    remote: &'a Remote,
    agent: ureq::Agent,
    part: PathBuf,
    bar: ProgressBar,
}

impl Transfer<'_> {
    /// Takes what is missing of the part from one mirror, as often as each connection brings something.
    fn take_from(&self, url: &str) -> Result<Outcome, DownloadError> {
        // Bytes of an earlier run or another mirror may be wrong: only a file that is all from here convicts this mirror.
        let mut all_from_here = false;
        loop {
            let have = self.have();
            if have == self.remote.bytes {
                let found = file_sha256(&self.part)?;
                if found == self.remote.sha256 {
                    return Ok(Outcome::Complete);
                }
                fs::remove_file(&self.part).map_err(DownloadError::file(&self.part))?;
                if all_from_here {
                    return Ok(Outcome::Failed(format!("sha256 {found} found, {} expected", self.remote.sha256)));
                }
                continue;
            }
            all_from_here |= have == 0;
            let (restarted, ended) = self.request(url, have)?;
            all_from_here |= restarted;
            // A mirror that starts over and breaks at the same place brings nothing either.
            if self.have() <= have {
                return Ok(Outcome::Failed(ended));
            }
        }
    }

    /// Bytes that have come; a part longer than the file is none.
    fn have(&self) -> u64 {
        fs::metadata(&self.part).map(|part| part.len()).ok().filter(|&bytes| bytes <= self.remote.bytes).unwrap_or(0)
    }

    /// One connection. Gives whether the mirror started at the first byte, and how the connection ended.
    fn request(&self, url: &str, have: u64) -> Result<(bool, String), DownloadError> {
        let mut request = self.agent.get(url);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        let mut response = match request.call() {
            Ok(response) => response,
            Err(error) => return Ok((false, error.to_string())),
        };
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_string);
        let total = self.remote.bytes;
        let start = match response.status() {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT => {
                let range = header(header::CONTENT_RANGE).unwrap_or_default();
                let expected = format!("bytes {have}-{}/{total}", total - 1);
                if range != expected {
                    return Ok((false, format!("content-range {range:?} found, {expected:?} expected")));
                }
                have
            }
            status => return Ok((false, format!("HTTP status {}", status.as_u16()))),
        };
        if let Some(length) = header(header::CONTENT_LENGTH).filter(|length| *length != (total - start).to_string()) {
            return Ok((false, format!("{length} bytes found, {} expected", total - start)));
        }
        self.receive(response.body_mut().as_reader(), start).map(|ended| (start == 0, ended))
    }

    /// Puts a body at `start` of the part.
    fn receive(&self, mut body: impl Read, start: u64) -> Result<String, DownloadError> {
        let failed = DownloadError::file(&self.part);
        let mut write = || -> io::Result<String> {
            let mut file = OpenOptions::new().create(true).append(true).open(&self.part)?;
            file.set_len(start)?;
            self.bar.set_position(start);
            let mut left = self.remote.bytes - start;
            let mut buffer = vec![0; BUFFER_BYTES];
            let ended = loop {
                match body.read(&mut buffer) {
                    Ok(0) => break format!("{} bytes found, {} expected", self.remote.bytes - left, self.remote.bytes),
                    Ok(n) if n as u64 > left => {
                        file.set_len(0)?;
                        break format!("more than {} bytes found", self.remote.bytes);
                    }
                    Ok(n) => {
                        file.write_all(&buffer[..n])?;
                        left -= n as u64;
                        self.bar.inc(n as u64);
                    }
                    Err(error) => break error.to_string(),
                }
            };
            file.sync_all()?;
            Ok(ended)
        };
        write().map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::loopback::{Mirror, Server};
    use super::*;

    fn content() -> Vec<u8> {
        (0..200_000_u32).map(|n| (n * 7 % 251) as u8).collect()
    }

    /// A server, what should come from its mirrors, and a folder to put it in.
    fn setup(mirrors: Vec<Mirror>) -> (Server, Remote, tempfile::TempDir) {
        let server = Server::start(mirrors);
        let sha256 = sha256(content().as_slice()).unwrap();
        let remote = Remote { name: "file".into(), urls: server.urls(), bytes: content().len() as u64, sha256 };
        (server, remote, tempfile::tempdir().unwrap())
    }

    fn assert_downloaded(remote: &Remote, dir: &Path) {
        assert_eq!(fetch(remote, dir).unwrap(), dir.join("file"));
        assert_eq!(fs::read(dir.join("file")).unwrap(), content());
        assert_eq!(fs::read_dir(dir).unwrap().count(), 1, "a part is left");
    }

    #[test]
    fn a_cut_connection_goes_on_where_it_stopped() {
        let (server, remote, dir) = setup(vec![Mirror::CutOnce(content(), 120_000)]);
        assert_downloaded(&remote, dir.path());
        assert_eq!(server.requests(), [(0, None), (0, Some(120_000))]);
    }

    #[test]
    fn a_later_run_goes_on_with_the_part_of_an_earlier_one() {
        let (server, remote, dir) = setup(vec![Mirror::Whole(content())]);
        fs::write(dir.path().join("file.part"), &content()[..150_000]).unwrap();
        assert_downloaded(&remote, dir.path());
        assert_eq!(server.requests(), [(0, Some(150_000))]);
    }

    #[test]
    fn a_wrong_part_is_thrown_away_and_the_mirror_asked_again() {
        for length in [10, 150_000, 200_000, 300_000] {
            let (_server, remote, dir) = setup(vec![Mirror::Whole(content())]);
            fs::write(dir.path().join("file.part"), vec![0; length]).unwrap();
            assert_downloaded(&remote, dir.path());
        }
    }

    #[test]
    fn a_mirror_without_ranges_starts_over() {
        let (server, remote, dir) = setup(vec![Mirror::NoRange(content())]);
        fs::write(dir.path().join("file.part"), vec![0; 150_000]).unwrap();
        assert_downloaded(&remote, dir.path());
        assert_eq!(server.requests(), [(0, Some(150_000))]);
    }

    #[test]
    fn mirrors_that_fail_are_passed_over() {
        let wrong = vec![0; content().len()];
        let (server, remote, dir) = setup(vec![
            Mirror::Status(404),
            Mirror::Whole(wrong),
            Mirror::Whole(b"gone".to_vec()),
            Mirror::Whole(content()),
        ]);
        assert_downloaded(&remote, dir.path());
        assert_eq!(server.requests(), [(0, None), (1, None), (2, None), (3, None)]);
    }

    #[test]
    fn when_every_mirror_fails_each_is_named_with_its_reason() {
        let longer = [content(), vec![0]].concat();
        let wrong = vec![0; content().len()];
        let mirrors =
            vec![Mirror::Status(503), Mirror::Whole(longer), Mirror::NoLength(vec![1; 9]), Mirror::Whole(wrong)];
        let (server, mut remote, dir) = setup(mirrors);
        remote.urls.push("http://127.0.0.1:1/file".into());
        let message = fetch(&remote, dir.path()).unwrap_err().to_string();
        assert!(message.starts_with("file: no mirror gave it: "), "{message}");
        for reason in
            ["HTTP status 503", "200001 bytes found, 200000 expected", "9 bytes found", "sha256 ", "127.0.0.1:1"]
        {
            assert!(message.contains(reason), "{message:?} lacks {reason:?}");
        }
        assert!(server.urls().iter().all(|url| message.contains(url)), "{message}");
        assert!(!dir.path().join("file").exists());
    }

    #[test]
    fn a_body_without_length_cannot_fill_the_disk() {
        let (_server, remote, dir) = setup(vec![Mirror::NoLength(vec![0; 5_000_000])]);
        let message = fetch(&remote, dir.path()).unwrap_err().to_string();
        assert!(message.contains("more than 200000 bytes found"), "{message}");
        assert_eq!(fs::metadata(dir.path().join("file.part")).unwrap().len(), 0);
    }

    #[test]
    fn a_verified_file_is_not_asked_for() {
        let (server, remote, dir) = setup(vec![Mirror::Status(500)]);
        fs::write(dir.path().join("file"), content()).unwrap();
        assert_downloaded(&remote, dir.path());
        assert_eq!(server.requests(), []);
    }
}
