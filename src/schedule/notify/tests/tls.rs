//! Certificates: a server that can prove who it is, and one that cannot.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread::JoinHandle;

use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};

use super::http::Server;
use super::smtp::{MailServer, Manners};
use super::{Surroundings, channel, checked, delivery, payload};
use crate::schedule::notify::{Outcome, send};

fn file(name: &str) -> PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

/// Speaks TLS for a server that does not, for one connection.
struct Front {
    port: u16,
    thread: JoinHandle<()>,
}

impl Front {
    fn of(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let behind = TcpStream::connect(("127.0.0.1", server)).unwrap();
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async {
                let config =
                    RustlsConfig::from_pem_file(file("localhost.pem"), file("localhost.key.pem")).await.unwrap();
                stream.set_nonblocking(true).unwrap();
                behind.set_nonblocking(true).unwrap();
                let stream = tokio::net::TcpStream::from_std(stream).unwrap();
                // A client that does not trust the certificate leaves here.
                if let Ok((mut stream, _)) = RustlsAcceptor::new(config).accept(stream, ()).await {
                    let mut behind = tokio::net::TcpStream::from_std(behind).unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut behind).await;
                }
            });
        });
        Self { port, thread }
    }
}

#[test]
fn a_webhook_trusts_the_authorities_that_it_is_told_and_no_others() {
    for (authorities, trusted) in [
        (format!(", authorities: {}", file("localhost.pem").display()), true),
        (format!(", authorities: {}", file("other.pem").display()), false),
        (String::new(), false),
    ] {
        let server = Server::status("200 OK", "");
        let front = Front::of(server.port);
        let channel = channel(&format!("- webhook: {{url: \"https://localhost:{}/hook\"{authorities}}}", front.port));
        let outcome = send(&channel, &delivery(&payload()), &Surroundings::with(&[]).lookup());
        front.thread.join().unwrap();
        if trusted {
            assert_eq!(outcome, Outcome::Sent);
            assert!(server.request().head.starts_with("POST /hook "));
        } else {
            assert!(
                matches!(&outcome, Outcome::Again { reason, .. } if reason.contains("certificate") && reason.ends_with("name that in `authorities`")),
                "{outcome:?}"
            );
        }
        server.join();
    }
}

#[test]
fn a_mail_goes_to_a_server_whose_certificate_is_trusted_and_to_no_other() {
    for (authorities, trusted) in [("localhost.pem", true), ("other.pem", false)] {
        let server = MailServer::with(Manners { offers: &["AUTH PLAIN"], ..Manners::default() });
        let front = Front::of(server.port);
        let channel = channel(&format!(
            "- mail: {{server: localhost, port: {}, from: a@example.org, to: b@example.org, user: mill, password: {{env: PASSWORD}}, \
             authorities: {}}}",
            front.port,
            file(authorities).display()
        ));
        let outcome = send(&channel, &delivery(&payload()), &Surroundings::with(&[("PASSWORD", "s3cret")]).lookup());
        front.thread.join().unwrap();
        let heard = server.heard();
        if trusted {
            assert_eq!(outcome, Outcome::Sent);
            assert_eq!(heard[1], "AUTH PLAIN AG1pbGwAczNjcmV0");
        } else {
            assert!(
                matches!(&outcome, Outcome::Again { reason, .. } if reason.contains("certificate") && reason.ends_with("name that in `authorities`")),
                "{outcome:?}"
            );
            assert!(heard.is_empty(), "{heard:?}");
        }
    }
}

#[test]
fn a_file_without_certificates_is_told_before_the_first_message_and_sends_nothing() {
    let surroundings = Surroundings::with(&[]);
    super::secrets::write(&surroundings, "text", "no certificate", 0o644);
    super::secrets::write(&surroundings, "broken", "-----BEGIN CERTIFICATE-----\nMII\n", 0o644);
    for (name, said) in [
        ("text", "there is no certificate (PEM) in"),
        ("broken", "broken`"),
        ("none", "cannot be read: no such file or directory"),
        (".", "is no file with certificates"),
    ] {
        for list in [
            // Nobody listens there, and nobody is asked.
            format!("- webhook: {{url: \"https://localhost:1/\", authorities: {name}}}"),
            format!(
                "- mail: {{server: localhost, port: 1, from: a@example.org, to: b@example.org, authorities: {name}}}"
            ),
        ] {
            let channel = channel(&list);
            let troubles = channel.troubles(&surroundings.lookup());
            assert!(troubles.len() == 1 && troubles[0].contains(said), "{troubles:?}");
            let outcome = send(&channel, &delivery(&payload()), &surroundings.lookup());
            assert_eq!(outcome, Outcome::Again { reason: troubles[0].clone(), after: None });
        }
    }
    let found = checked("- webhook: {url: \"https://localhost:1/\", authorities: \"\"}").unwrap_err();
    assert!(found[0].contains("no path of a file with certificates"), "{found:?}");
}
