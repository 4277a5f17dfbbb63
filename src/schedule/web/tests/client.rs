//! The commands' side of the API: what a server answers over a socket is what its folder answers, and what goes wrong is told.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use serde::Serialize;
use serde_json::json;

use super::*;
use crate::schedule::client::{Cause, Client, ClientError, Local, Outcome, Remote, Settings as Wanted};
use crate::schedule::service::{BackfillRequest, RunRequest, ServiceError, Who};
use crate::schedule::store::{Origin, RunFilter, RunState};

fn wanted(url: &str, token: &str) -> Wanted {
    Wanted { url: url.to_owned(), token: Token::of(token).unwrap(), authorities: None, insecure: false }
}

/// A served folder, a client of its server and one of itself.
struct Pair {
    site: Site,
    server: Bound,
    remote: Remote,
    local: Local,
}

fn pair() -> Pair {
    let site = site();
    let server = serve(Arc::clone(&site.service), &Settings { port: 0, ..settings() }).unwrap();
    let remote = Remote::connect(wanted(&server.url(), ADMIN)).unwrap();
    let local = Local::new(Arc::clone(&site.service), Who::admin("ann"));
    Pair { site, server, remote, local }
}

impl Pair {
    /// Both answer the same.
    #[track_caller]
    fn same<T: Serialize>(&self, ask: impl Fn(&dyn Client) -> Result<T, ClientError>) -> Value {
        let [remote, local] = [&self.remote as &dyn Client, &self.local].map(|client| json!(ask(client).unwrap()));
        assert_eq!(remote, local);
        remote
    }

    /// Both refuse, in the same words, for the same cause.
    #[track_caller]
    fn refused<T>(&self, ask: impl Fn(&dyn Client) -> Result<T, ClientError>) -> String {
        let [remote, local] = [&self.remote as &dyn Client, &self.local].map(|client| {
            let error = ask(client).err().expect("it is refused");
            (error.to_string(), error.cause())
        });
        assert_eq!(remote, local);
        assert_eq!(remote.1, Cause::Asked);
        remote.0
    }
}

fn run_of(job: &str, key: Option<&str>, partition: Option<&str>) -> RunRequest {
    RunRequest {
        job: job.into(),
        key: key.map(str::to_owned),
        parameters: Object::new(),
        partition: partition.map(str::to_owned),
        origin: Origin::Manual,
    }
}

#[test]
fn jobs_their_times_and_their_partitions_are_the_same() {
    let pair = pair();
    let jobs = pair.same(|client| client.jobs());
    assert_eq!(jobs.as_array().unwrap().len(), 4);
    assert_eq!((&jobs[2]["zone"], &jobs[2]["partitioned"]), (&json!("UTC"), &json!(true)));
    for job in ["broken", "daily", "plain"] {
        pair.same(|client| client.job(job));
    }
    let times =
        |client: &dyn Client| Ok(client.next("daily", 1000)?.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(pair.same(times).as_array().unwrap().len(), 1000);
    // 90 days from January to March 2026; more than fit on a page are asked for below.
    let keys = pair.same(|client| client.keys("daily"));
    assert_eq!((keys.as_array().unwrap().len(), &keys[0], &keys[89]), (90, &json!("2026-01-01"), &json!("2026-03-31")));
    assert_eq!(pair.same(|client| client.keys("plain")), json!([]));
    pair.local.submit(run_of("daily", None, Some("2026-01-02"))).unwrap();
    let known = pair.same(|client| client.partitions("daily"));
    assert_eq!((&known[0]["key"], &known[0]["state"]), (&json!("2026-01-02"), &json!("queued")));
    assert!(pair.refused(|client| client.job("dayly")).contains("did you mean `daily`?"));
    pair.refused(|client| client.next("none", 1));
    pair.refused(|client| client.keys("none"));
    pair.refused(|client| client.partitions("none"));
}

#[test]
fn lists_longer_than_a_page_come_whole() {
    let site = site();
    let long = "pipeline: pipelines/flights.yaml\npartitions: {days: {from: 2019-01-01, to: 2024-12-31}}\n";
    std::fs::write(site.folder.path().join("jobs/long.yaml"), long).unwrap();
    let service = Service::open(site.folder.path()).unwrap();
    let server = serve(Arc::clone(&service), &Settings { port: 0, ..settings() }).unwrap();
    let remote = Remote::connect(wanted(&server.url(), READER)).unwrap();
    let keys = remote.keys("long").unwrap();
    // Six years with two leap days.
    assert_eq!(keys.len(), 6 * 365 + 2);
    assert_eq!(keys, Local::new(service, Who::admin("ann")).keys("long").unwrap());
}

#[test]
fn a_run_is_asked_for_followed_and_cancelled() {
    let pair = pair();
    let accepted = pair.remote.submit(run_of("plain", Some("mine"), None)).unwrap();
    assert!(accepted.fresh);
    let again = pair.remote.submit(run_of("plain", Some("mine"), None)).unwrap();
    assert_eq!((again.run.as_str(), again.fresh), (accepted.run.as_str(), false));
    let other = pair.remote.submit(run_of("plain", None, None)).unwrap();
    assert_ne!(other.run, accepted.run, "without a key each request is a run");
    let shown = pair.same(|client| client.run(&other.run));
    assert_eq!((&shown["state"], &shown["attempts"]), (&json!("queued"), &json!([other.run])));
    assert_eq!(pair.same(|client| client.log(&other.run, 0, 100)), json!({"lines": [], "next": 0, "ended": false}));
    pair.site.succeed(&accepted.run);
    let log = "{\"time\":\"2026-11-27T17:36:32Z\",\"stream\":\"out\",\"line\":\"one\"}\nbare\n";
    std::fs::write(pair.site.service.folder(&RunId::from(accepted.run.as_str())).join("log.jsonl"), log).unwrap();
    let part = pair.same(|client| client.log(&accepted.run, 0, 1 << 18));
    assert_eq!((&part["lines"][1], &part["ended"]), (&json!("bare"), &json!(true)));
    assert_eq!(pair.remote.cancel(&other.run).unwrap().outcome, Outcome::Ended);
    let late = pair.same(|client| client.cancel(&other.run));
    assert_eq!(late, json!({"outcome": "ended_before", "was": "cancelled"}));
    assert_eq!(pair.remote.cancel(&other.run).unwrap().state(), Some(RunState::Cancelled));
    let all = pair.same(|client| client.runs(&RunFilter::default(), None, 1));
    let rest = pair.same(|client| client.runs(&RunFilter::default(), all["next"].as_i64(), 5000));
    assert_eq!((&rest["items"][0]["id"], &rest["next"]), (&json!(accepted.run), &Value::Null));
    let filter = RunFilter { job: Some("plain".into()), state: Some(RunState::Cancelled), ..RunFilter::default() };
    assert_eq!(pair.same(|client| client.runs(&filter, None, 5))["items"][0]["id"], json!(other.run));
    for request in [run_of("none", None, None), run_of("plain", None, Some("a b/c?d=e&f")), run_of("daily", None, None)]
    {
        pair.refused(|client| client.submit(request.clone()));
    }
    pair.refused(|client| client.run("20261127-173632-00009999"));
    // What is no name at all is told otherwise, and is as little there.
    for name in ["../audit", "a b", "", "20261127-173632-00009999/log?x#y", "ä"] {
        let error = pair.remote.run(name).unwrap_err();
        assert_eq!(error.cause(), Cause::Asked, "{name}: {error}");
    }
    let closed = pair.remote.submit(run_of("closed", None, None)).unwrap_err();
    assert!(closed.to_string().contains("http: false"), "{closed}");
}

#[test]
fn pauses_backfills_and_models_are_the_same() {
    let pair = pair();
    assert!(pair.remote.pause("plain").unwrap());
    assert!(!pair.same(|client| client.pause("plain")).as_bool().unwrap());
    assert!(pair.remote.resume("plain").unwrap());
    assert!(!pair.same(|client| client.resume("plain")).as_bool().unwrap());
    let request = BackfillRequest {
        job: "daily".into(),
        key: None,
        from: Some("2026-01-01".into()),
        to: None,
        parallelism: 2,
        again: false,
        parameters: Object::new(),
    };
    let backfill = pair.remote.backfill(request.clone()).unwrap();
    assert_eq!((backfill.from.as_str(), backfill.to.as_str(), backfill.active), ("2026-01-01", "2026-03-31", 2));
    assert_eq!(pair.same(|client| client.backfills(50))[0]["number"], json!(backfill.number));
    assert!(pair.remote.stop_backfill(backfill.number).unwrap());
    assert!(!pair.same(|client| client.stop_backfill(backfill.number)).as_bool().unwrap());
    assert!(pair.remote.resume_backfill(backfill.number).unwrap());
    pair.refused(|client| client.stop_backfill(99));
    pair.refused(|client| client.backfill(BackfillRequest { job: "plain".into(), ..request.clone() }));

    assert_eq!(pair.same(|client| client.models()), json!([]));
    assert_eq!(pair.same(|client| client.model("delays", 20)), json!([]));
    let mut versions = Vec::new();
    for _ in 0..2 {
        let run = pair.local.submit(run_of("plain", None, None)).unwrap().run;
        std::fs::create_dir_all(pair.site.service.base().join("models/delays/versions").join(&run)).unwrap();
        pair.site.succeed(&run);
        versions.push(run);
    }
    let all = pair.same(|client| client.model("delays", 20));
    assert_eq!((&all[0]["version"], &all[1]["state"]), (&json!(versions[1]), &json!("former")));
    let restored = pair.remote.restore(all[1]["number"].as_i64().unwrap()).unwrap();
    assert_eq!(restored.version, versions[0]);
    assert_eq!(pair.same(|client| client.models())[0]["version"], json!(versions[0]));
    pair.refused(|client| client.restore(99));
}

#[test]
fn a_reader_may_look_and_not_change_and_a_stranger_not_even_look() {
    let pair = pair();
    let reader = Remote::connect(wanted(&pair.server.url(), READER)).unwrap();
    assert_eq!(reader.jobs().unwrap().len(), 4);
    assert!(reader.is_served() && !reader.health().unwrap().ready, "the loop of a server is not there");
    let error = reader.pause("plain").unwrap_err();
    assert!(matches!(&error, ClientError::Problem(problem) if problem.status == 403), "{error}");
    let unknown = "ffffffffffffffffabcdef0123456789-unknown";
    let error = Remote::connect(wanted(&pair.server.url(), unknown)).unwrap_err();
    assert!(matches!(error, ClientError::Token { .. }), "{error}");
    assert_eq!(error.cause(), Cause::Asked);
    assert!(error.help().unwrap().contains("--token-file"));
    for shown in [format!("{error} {error:?}"), format!("{:?}", pair.remote)] {
        assert!(!shown.contains(unknown) && !shown.contains(ADMIN), "{shown}");
    }
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Remote::connect(wanted(&url, ADMIN)).unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    assert_eq!(error.cause(), Cause::State);
    assert!(error.to_string().contains(&url), "{error}");
}

/// Answers each connection with the same, as long as it is asked.
fn another(head: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        // One request is all that is sent to a server that answers so.
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request);
        let answer = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        let _ = stream.write_all(answer.as_bytes());
    });
    url
}

#[test]
fn another_server_and_another_version_are_told() {
    for (head, body, words) in [
        ("200 OK\r\ncontent-type: text/html", "<!doctype html>", "is not as it should be"),
        ("404 Not Found", "nothing here", "404"),
        (
            "404 Not Found",
            r#"{"error": "not_found", "message": "there is nothing at this address"}"#,
            "older gristmill",
        ),
        ("302 Found\r\nlocation: http://127.0.0.1:9/", "", "redirects are not followed"),
        (
            "200 OK",
            r#"{"server": "other", "version": "0.1.0", "alive": true, "ready": true, "reasons": [], "waiting": 0, "working": 0}"#,
            "`other`",
        ),
    ] {
        let error = Remote::connect(wanted(&another(head, body), ADMIN)).unwrap_err();
        assert!(matches!(error, ClientError::Stranger { .. }), "{head}: {error}");
        assert!(error.to_string().contains(words), "{head}: {error}");
        assert_eq!(error.cause(), Cause::Asked);
    }
    let newer = r#"{"server": "gristmill", "version": "97.1.2", "alive": true, "ready": true, "reasons": [], "waiting": 0, "working": 0}"#;
    let error = Remote::connect(wanted(&another("200 OK", newer), ADMIN)).unwrap_err();
    assert!(matches!(&error, ClientError::Version { theirs, .. } if theirs == "97.1.2"), "{error}");
}

#[test]
fn addresses_that_would_give_the_token_away_or_are_none_are_refused_before_anything_is_sent() {
    for url in
        ["jobs.example.org", "ftp://jobs.example.org", "https://", "https://a.example/x?y", "https://a.example/#x", ""]
    {
        let error = Remote::connect(wanted(url, ADMIN)).unwrap_err();
        assert!(matches!(error, ClientError::Address { .. }), "{url}: {error}");
    }
    let error = Remote::connect(wanted("https://me:hunter2@jobs.example.org", ADMIN)).unwrap_err();
    assert!(
        matches!(error, ClientError::Address { .. }) && !format!("{error} {error:?}").contains("hunter2"),
        "{error}"
    );
    let error = Remote::connect(wanted("http://jobs.example.org:7878", ADMIN)).unwrap_err();
    assert!(matches!(error, ClientError::Clear { .. }), "{error}");
    assert!(error.help().unwrap().contains("--insecure-host"));
}

fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

#[test]
fn over_tls_only_a_server_is_asked_whose_certificate_is_trusted() {
    let site = site();
    let tls = Some(Certificate { certificate: file("localhost.pem"), key: file("localhost.key.pem") });
    let server = serve(Arc::clone(&site.service), &Settings { port: 0, tls, ..settings() }).unwrap();
    let url = format!("https://localhost:{}/", server.address.port());
    let connect = |authorities: Option<&str>| {
        Remote::connect(Wanted { authorities: authorities.map(file), ..wanted(&url, READER) })
    };
    assert_eq!(connect(Some("localhost.pem")).unwrap().jobs().unwrap().len(), 4);
    for authorities in [None, Some("other.pem")] {
        let error = connect(authorities).unwrap_err();
        assert!(matches!(error, ClientError::Untrusted { .. }), "{error}");
        assert!(error.help().unwrap().contains("--ca"), "{:?}", error.help());
    }
    let error = connect(Some("README.md")).unwrap_err();
    assert!(error.to_string().contains("no certificate"), "{error}");
    let plain = Remote::connect(wanted(&url.replace("https", "http"), READER)).unwrap_err();
    assert!(matches!(plain, ClientError::Stranger { .. } | ClientError::Unreachable { .. }), "{plain}");
}

#[test]
fn an_answer_that_is_lost_on_the_way_is_asked_for_again_under_the_same_key() {
    let site = site();
    let server = serve(Arc::clone(&site.service), &Settings { port: 0, ..settings() }).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let address = server.address;
    // Between them: passes on what is asked, and loses the second answer.
    let between = std::thread::spawn(move || {
        let mut keys = Vec::new();
        for number in 0..3 {
            let (mut client, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut part = [0; 4096];
            // A body is sent with its head or right after it.
            while !whole(&request) {
                let read = client.read(&mut part).unwrap();
                request.extend_from_slice(&part[..read]);
            }
            let text = String::from_utf8(request).unwrap();
            keys.extend(text.lines().find_map(|line| line.strip_prefix("idempotency-key: ").map(str::to_owned)));
            let mut upstream = std::net::TcpStream::connect(address).unwrap();
            upstream.write_all(text.replacen("\r\n", "\r\nconnection: close\r\n", 1).as_bytes()).unwrap();
            let mut answer = Vec::new();
            upstream.read_to_end(&mut answer).unwrap();
            if number != 1 {
                client.write_all(&answer).unwrap();
            }
        }
        keys
    });
    let remote = Remote::connect(wanted(&url, ADMIN)).unwrap();
    let accepted = remote.submit(run_of("plain", None, None)).unwrap();
    assert!(!accepted.fresh, "the first request was heard");
    let keys = between.join().unwrap();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
    let runs = Local::new(Arc::clone(&site.service), Who::admin("ann")).runs(&RunFilter::default(), None, 10).unwrap();
    assert_eq!(runs.items.len(), 1);
}

/// Whether a request is there whole, by its stated length.
fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    body.len() >= length
}

#[test]
fn an_error_of_the_folder_keeps_its_cause() {
    let error = ClientError::from(ServiceError::Conflict { reason: "x".into() });
    assert_eq!(error.cause(), Cause::Asked);
    let error = ClientError::from(ServiceError::Io { path: "x".into(), detail: "y".into() });
    assert_eq!(error.cause(), Cause::State);
}
