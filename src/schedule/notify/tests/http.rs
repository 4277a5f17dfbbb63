//! A small HTTP server for one answer, which it gives as a test wants it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// What the server does with a connection after it has read the request.
pub(super) enum Answer {
    /// Writes this and closes.
    Bytes(Vec<u8>),
    /// Writes this again and again until the other side has enough.
    Endless(&'static str, Vec<u8>),
    /// Writes a head without an end, some bytes at a time, each after a pause.
    Dripping,
    /// Says nothing until the other side leaves.
    Silence,
    /// Closes without reading the request.
    Slam,
}

/// A request as it came.
pub(super) struct Request {
    pub(super) head: String,
    pub(super) body: String,
}

impl Request {
    /// The value of a header, whose name has no case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A server that ends with the test.
pub(super) struct Server {
    pub(super) port: u16,
    requests: Receiver<Request>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers one connection.
    pub(super) fn answering(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (send, requests) = channel();
        let thread = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            answer_one(stream, answer, &send);
        });
        Self { port, requests, thread: Some(thread) }
    }

    pub(super) fn status(line: &str, headers: &str) -> Self {
        let text = format!("HTTP/1.1 {line}\r\n{headers}Content-Length: 2\r\n\r\nok");
        Self::answering(Answer::Bytes(text.into_bytes()))
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook?to=me", self.port)
    }

    /// The request, once it is there.
    pub(super) fn request(&self) -> Request {
        self.requests.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    /// Waits for the end of the server: its client has left.
    pub(super) fn join(mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

fn answer_one(mut stream: TcpStream, answer: Answer, requests: &Sender<Request>) {
    if matches!(answer, Answer::Slam) {
        return;
    }
    let Some(request) = read(&mut stream) else { return };
    // The test may not be interested.
    let _ = requests.send(request);
    match answer {
        Answer::Bytes(bytes) => {
            let _ = stream.write_all(&bytes);
        }
        Answer::Endless(head, part) => {
            let _ = stream.write_all(head.as_bytes());
            while stream.write_all(&part).is_ok() {}
        }
        Answer::Dripping => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: ");
            while stream.write_all(b"z").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Answer::Silence => {
            let _ = stream.read(&mut [0; 64]);
        }
        Answer::Slam => {}
    }
}

/// The head and the body, whose length the head says.
fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
            let mut request = Request { head, body: String::new() };
            let length: usize = request.header("Content-Length")?.parse().ok()?;
            while bytes.len() < end + 4 + length {
                let count = stream.read(&mut part).ok().filter(|count| *count > 0)?;
                bytes.extend_from_slice(&part[..count]);
            }
            request.body = String::from_utf8(bytes[end + 4..].to_vec()).ok()?;
            return Some(request);
        }
        let count = stream.read(&mut part).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&part[..count]);
    }
}
