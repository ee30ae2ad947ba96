//! An HTTP server on loopback for the tests of downloads, with mirrors that fail in the ways real ones do.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// How one mirror answers.
pub enum Mirror {
    /// The body, or the range of it that is asked for.
    Whole(Vec<u8>),
    /// The same, but the first connection breaks after so many bytes.
    CutOnce(Vec<u8>, usize),
    /// Always the whole body.
    NoRange(Vec<u8>),
    /// The body, ended by closing the connection.
    NoLength(Vec<u8>),
    /// Only a status.
    Status(u16),
}

/// The mirror asked and the first byte of the range asked for.
type Request = (usize, Option<usize>);

/// A running server; its thread ends with the test process.
pub struct Server {
    address: String,
    mirrors: usize,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Listens on a free port, one path a mirror.
    pub fn start(mirrors: Vec<Mirror>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let server = Self { address, mirrors: mirrors.len(), requests: requests.clone() };
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that hangs up early, as it may, is not the server's trouble.
                let _ = answer(stream.unwrap(), &mirrors, &requests);
            }
        });
        server
    }

    /// The address of each mirror.
    pub fn urls(&self) -> Vec<String> {
        (0..self.mirrors).map(|mirror| format!("http://{}/{mirror}", self.address)).collect()
    }

    /// Everything asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, mirrors: &[Mirror], requests: &Mutex<Vec<Request>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    for line in BufReader::new(&stream).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let mirror: usize = head[0].split([' ', '/']).find_map(|word| word.parse().ok()).unwrap();
    let range = head.iter().find_map(|line| {
        let value = line.to_lowercase().strip_prefix("range: bytes=")?.strip_suffix('-')?.parse();
        Some(value.unwrap())
    });
    let earlier = {
        let mut requests = requests.lock().unwrap();
        let earlier = requests.iter().filter(|request| request.0 == mirror).count();
        requests.push((mirror, range));
        earlier
    };
    match &mirrors[mirror] {
        Mirror::Status(status) => {
            write!(stream, "HTTP/1.1 {status} -\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        }
        Mirror::NoLength(body) => {
            write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
            stream.write_all(body)
        }
        Mirror::Whole(body) => send(stream, body, range, body.len()),
        Mirror::NoRange(body) => send(stream, body, None, body.len()),
        Mirror::CutOnce(body, bytes) => send(stream, body, range, if earlier == 0 { *bytes } else { body.len() }),
    }
}

/// Sends a body, or its part from `range`, and breaks off at byte `until` of the body whatever length was announced.
fn send(mut stream: TcpStream, body: &[u8], range: Option<usize>, until: usize) -> std::io::Result<()> {
    let total = body.len();
    let start = range.unwrap_or(0);
    if start >= total && start > 0 {
        return write!(stream, "HTTP/1.1 416 -\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }
    match range {
        Some(_) => write!(stream, "HTTP/1.1 206 -\r\ncontent-range: bytes {start}-{}/{total}\r\n", total - 1)?,
        None => write!(stream, "HTTP/1.1 200 -\r\n")?,
    }
    write!(stream, "content-length: {}\r\nconnection: close\r\n\r\n", total - start)?;
    stream.write_all(&body[start..until])
}
