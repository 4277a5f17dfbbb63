//! Slow clients, large requests, many connections, TLS: over sockets of the loopback.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::*;

/// A time so short that a test waits for it.
const SHORT: Duration = Duration::from_millis(60);

fn bound(site: &Site, limits: Limits) -> Bound {
    serve(Arc::clone(&site.service), &Settings { port: 0, limits, ..settings() }).unwrap()
}

fn connect(bound: &Bound) -> TcpStream {
    let stream = TcpStream::connect(bound.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// All that comes until the server closes the connection.
fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {}
        Err(error) => panic!("{error} after {}", String::from_utf8_lossy(&bytes)),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn ask(bound: &Bound, text: &str) -> String {
    let mut stream = connect(bound);
    // The server may answer and close before all is sent.
    drop(stream.write_all(text.as_bytes()));
    rest(&mut stream)
}

#[test]
fn a_request_is_answered_over_a_socket() {
    let site = site();
    let server = bound(&site, Limits::default());
    let answer = ask(
        &server,
        &format!(
            "GET /api/jobs HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {READER}\r\nconnection: close\r\n\r\n"
        ),
    );
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"daily\""), "{answer}");
    assert_eq!(server.url(), format!("http://127.0.0.1:{}", server.address.port()));
    server.stop();
}

#[test]
fn a_body_that_comes_too_slowly_is_answered_with_408() {
    let site = site();
    let server = bound(&site, Limits { body_time: SHORT, ..Limits::default() });
    let mut stream = connect(&server);
    let head = format!(
        "POST /api/jobs/plain/run HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let answer = rest(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("connection: close") && answer.contains("\"timeout\""), "{answer}");
}

#[test]
fn a_body_that_drips_is_cut_by_the_whole_time_and_not_by_the_pauses() {
    let site = site();
    let server = bound(&site, Limits { body_time: SHORT, ..Limits::default() });
    let mut stream = connect(&server);
    let head = "POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) && stream.write_all(b"1\r\na\r\n").is_ok() {
        std::thread::sleep(Duration::from_millis(5));
        let mut first = [0; 12];
        stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        if stream.read_exact(&mut first).is_ok() {
            assert_eq!(std::str::from_utf8(&first).unwrap(), "HTTP/1.1 408");
            return;
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "the connection was not cut");
}

#[test]
fn a_head_that_comes_too_slowly_and_a_connection_that_says_nothing_are_cut() {
    let site = site();
    let server = bound(&site, Limits { head_time: SHORT, ..Limits::default() });
    for begin in ["", "GET /healthz HTTP/1.1\r\nhost: loc"] {
        let mut stream = connect(&server);
        stream.write_all(begin.as_bytes()).unwrap();
        let answer = rest(&mut stream);
        assert!(!answer.contains("200 OK"), "{answer}");
    }
}

#[test]
fn a_body_that_is_too_large_is_answered_with_413_whether_its_length_is_told_or_not() {
    let site = site();
    let server = bound(&site, Limits { connections: 16, ..Limits::default() });
    let head = |more: &str| {
        format!(
            "POST /api/jobs/plain/run HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN}\r\ncontent-type: application/json\r\n{more}\r\n\r\n"
        )
    };
    let told = ask(&server, &head("content-length: 65537"));
    assert!(told.starts_with("HTTP/1.1 413 ") && told.contains("too_large"), "{told}");
    let body = "a".repeat(70_000);
    let untold =
        ask(&server, &format!("{}{:x}\r\n{body}\r\n0\r\n\r\n", head("transfer-encoding: chunked"), body.len()));
    assert!(untold.starts_with("HTTP/1.1 413 ") || untold.is_empty(), "{untold}");
    let huge = ask(&server, &head("content-length: 99999999999999"));
    assert!(huge.starts_with("HTTP/1.1 413 "), "{huge}");
    let fits = format!("{{\"parameters\": {{}}{}}}", " ".repeat(65_536 - 18));
    let fits =
        ask(&server, &format!("{}{fits}", head(&format!("connection: close\r\ncontent-length: {}", fits.len()))));
    assert!(fits.starts_with("HTTP/1.1 202 "), "{fits}");
}

#[test]
fn heads_that_are_too_large_or_no_heads_are_refused() {
    let site = site();
    let server = bound(&site, Limits { connections: 16, ..Limits::default() });
    let long = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "a".repeat(100_000));
    let many = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x: y\r\n".repeat(200));
    for (request, states) in
        [(long, ["431", "400"]), (many, ["431", "400"]), ("hello\r\n\r\n".to_owned(), ["400", "400"])]
    {
        let answer = ask(&server, &request);
        let state = answer.split(' ').nth(1).unwrap_or("").to_owned();
        assert!(answer.is_empty() || states.contains(&state.as_str()), "{answer}");
    }
    let smuggled = "POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /api/jobs HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let answer = ask(&server, smuggled);
    assert!(!answer.contains("200 OK"), "{answer}");
}

#[test]
fn one_connection_more_than_there_are_places_is_closed_and_a_place_is_free_again() {
    let site = site();
    let limits = Limits { connections: 2, ..Limits::default() };
    let server = bound(&site, limits);
    let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut open: Vec<TcpStream> = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(&server);
        stream.write_all(request.as_bytes()).unwrap();
        let mut first = [0; 15];
        stream.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        open.push(stream);
    }
    let refused = ask(&server, request);
    assert_eq!(refused, "");
    open.clear();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        if ask(&server, "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .starts_with("HTTP/1.1 200")
        {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("no place became free");
}

#[test]
fn a_client_that_takes_nothing_of_its_answer_is_cut() {
    let site = site();
    let run = "x".repeat(64 << 10);
    let limits = Limits { send_time: Duration::from_millis(50), ..Limits::default() };
    let server = bound(&site, limits);
    let queued = ask(
        &server,
        &format!(
            "POST /api/jobs/plain/run HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN}\r\nconnection: close\r\n\r\n"
        ),
    );
    let id = queued.split("\"run\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let folder = site.service.folder(&RunId::from(id.as_str()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut file = std::fs::File::create(folder.join("report.html")).unwrap();
    for _ in 0..256 {
        file.write_all(run.as_bytes()).unwrap();
    }
    let mut stream = connect(&server);
    stream
        .write_all(
            format!("GET /api/runs/{id}/report HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN}\r\n\r\n")
                .as_bytes(),
        )
        .unwrap();
    // Nothing is read for longer than the server bears.
    std::thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    while server.connections() > 0 && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(server.connections(), 0, "the connection was cut while nothing was read");
}

#[test]
fn a_port_that_is_taken_is_told() {
    let site = site();
    let server = bound(&site, Limits::default());
    let again = Settings { port: server.address.port(), ..settings() };
    let error = serve(Arc::clone(&site.service), &again).err().unwrap();
    assert!(
        matches!(error, ServeError::Listen { .. }) && error.to_string().contains(&server.address.to_string()),
        "{error}"
    );
}

#[test]
fn a_server_that_is_stopped_ends_streams_and_frees_its_port() {
    let site = site();
    let server = bound(&site, Limits::default());
    let address = server.address;
    let mut stream = connect(&server);
    stream
        .write_all(
            format!("GET /api/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN}\r\n\r\n").as_bytes(),
        )
        .unwrap();
    let mut first = [0; 15];
    stream.read_exact(&mut first).unwrap();
    let begun = Instant::now();
    server.stop();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    rest(&mut stream);
    assert!(TcpStream::connect(address).is_err());
}

fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

/// Asks over TLS, trusting one certificate only.
fn ask_safely(bound: &Bound, trusted: &str) -> Result<String, String> {
    let pem = std::fs::read(file(trusted)).unwrap();
    let certificate = ureq::tls::Certificate::from_pem(&pem).unwrap();
    let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::new_with_certs(&[certificate])).build();
    let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().tls_config(tls).proxy(None).build());
    let url = format!("https://localhost:{}/healthz", bound.address.port());
    agent
        .get(&url)
        .call()
        .map_err(|error| error.to_string())?
        .body_mut()
        .read_to_string()
        .map_err(|error| error.to_string())
}

#[test]
fn with_a_certificate_tls_is_spoken_and_nothing_else_and_another_certificate_is_taken_over() {
    let site = site();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let put = |name: &str| {
        std::fs::copy(file(&format!("{name}.pem")), &certificate).unwrap();
        std::fs::copy(file(&format!("{name}.key.pem")), &key).unwrap();
    };
    put("localhost");
    let tls = Some(Certificate { certificate: certificate.clone(), key: key.clone() });
    let server = serve(Arc::clone(&site.service), &Settings { port: 0, tls, ..settings() }).unwrap();
    assert!(server.url().starts_with("https://"));
    assert!(ask_safely(&server, "localhost.pem").unwrap().contains("ok"));
    assert!(ask_safely(&server, "other.pem").is_err(), "not trusted");
    let plain = ask(&server, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert!(!plain.contains("HTTP/1.1 200"), "{plain}");
    put("other");
    server.reload_tls().unwrap();
    assert!(ask_safely(&server, "other.pem").unwrap().contains("ok"));
    std::fs::write(&certificate, "no certificate").unwrap();
    assert!(server.reload_tls().is_err());
    assert!(ask_safely(&server, "other.pem").is_ok(), "the one before stays in use");
    let told = site.service.troubles().untold();
    assert!(matches!(&told[..], [("certificate", Some(why))] if why.contains("cert.pem")), "{told:?}");
    assert!(server.reload_tls().is_err());
    assert_eq!(site.service.troubles().untold(), [], "it is told once");
    put("other");
    server.reload_tls().unwrap();
    assert_eq!(site.service.troubles().untold(), [("certificate", None)]);
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_before_anything_is_served() {
    let site = site();
    for (certificate, key) in
        [("none.pem", "localhost.key.pem"), ("localhost.pem", "other.key.pem"), ("README.md", "README.md")]
    {
        let tls = Some(Certificate { certificate: file(certificate), key: file(key) });
        let error = serve(Arc::clone(&site.service), &Settings { port: 0, tls, ..settings() }).err().unwrap();
        assert!(matches!(error, ServeError::Certificate { .. }) && error.to_string().contains(certificate), "{error}");
    }
}
