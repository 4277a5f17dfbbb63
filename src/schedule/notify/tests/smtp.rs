//! A small SMTP server for one connection: it answers each command as a test wants it, and keeps what was said.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

/// How it answers; what is not named is answered well.
#[derive(Clone, Default)]
pub(super) struct Manners {
    /// What it offers after `EHLO`.
    pub(super) offers: &'static [&'static str],
    /// Answers by the beginning of the command; `.` is the end of a message. An empty one closes the connection, `...` is
    /// silence.
    pub(super) answers: &'static [(&'static str, &'static str)],
    /// What it says first, when it is other than well.
    pub(super) greeting: Option<&'static str>,
}

/// A server that ends with the test; what the client said comes from [`MailServer::heard`].
pub(super) struct MailServer {
    pub(super) port: u16,
    thread: JoinHandle<Vec<String>>,
}

impl MailServer {
    pub(super) fn with(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            converse(stream, &manners)
        });
        Self { port, thread }
    }

    /// What the client said, line by line, once it has left.
    pub(super) fn heard(self) -> Vec<String> {
        self.thread.join().unwrap()
    }
}

fn converse(mut stream: TcpStream, manners: &Manners) -> Vec<String> {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut heard = Vec::new();
    let (mut in_message, mut in_tls) = (false, false);
    if !say(&mut stream, manners.greeting.unwrap_or("220 mail.example.org ESMTP")) {
        return heard;
    }
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
            return heard;
        }
        // A client that begins TLS (22 is the type of its first record) is no longer understood, nor answered.
        in_tls |= line.first() == Some(&22);
        let text = String::from_utf8_lossy(&line);
        let text = text.strip_suffix("\r\n").unwrap_or(&text).to_owned();
        heard.push(text.clone());
        if in_tls || (in_message && text != ".") {
            continue;
        }
        let wanted = manners.answers.iter().find(|(command, _)| text.starts_with(command)).map(|(_, answer)| *answer);
        let offers = || {
            let mut offers = vec!["mail.example.org"];
            offers.extend(manners.offers);
            let last = offers.len() - 1;
            let lines = offers.iter().enumerate();
            lines
                .map(|(n, offer)| format!("250{}{offer}", if n == last { " " } else { "-" }))
                .collect::<Vec<_>>()
                .join("\r\n")
        };
        let usual = match text.split(' ').next().unwrap_or_default() {
            "EHLO" => offers(),
            "DATA" => "354 go ahead".to_owned(),
            "AUTH" => "235 welcome".to_owned(),
            "QUIT" => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
        in_message = text == "DATA" && wanted.is_none();
        if !say(&mut stream, wanted.unwrap_or(&usual)) || text == "QUIT" {
            return heard;
        }
    }
}

/// Whether the dialog goes on.
fn say(stream: &mut TcpStream, answer: &str) -> bool {
    match answer {
        "" => false,
        "..." => true,
        answer => stream.write_all(format!("{answer}\r\n").as_bytes()).is_ok(),
    }
}
