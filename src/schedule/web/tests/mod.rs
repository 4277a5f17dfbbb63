//! Requests to the server, as programs and browsers send them: each route and each state, over the router alone; slow clients and TLS
//! over sockets.

mod access;
mod client;
mod document;
mod escapes;
mod events;
mod forgery;
mod jobs;
mod metrics;
mod routes;
mod runs;
mod sockets;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use super::*;
use crate::schedule::service::Service;
use crate::schedule::store::{Begun, Consequences, Ending, NewPromotion, Object, RunId, Verdict, Worker};

/// Tokens of the tests.
const ADMIN: &str = "0123456789abcdef0123456789abcdef-admin";
const READER: &str = "0123456789abcdef0123456789abcdef-reader";

const HOST: &str = "localhost:7878";

/// A served folder in memory, where the machine has such, with two jobs and a broken one.
struct Site {
    folder: TempDir,
    service: Arc<Service>,
    state: State,
    router: Router,
}

/// What came back.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The answer is a problem of that state, with a word and a message.
    #[track_caller]
    fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if !self.status.is_success()
            && !self.status.is_redirection()
            && self.header("content-type").starts_with("application/json")
        {
            let problem = self.json();
            assert!(problem["error"].as_str().is_some_and(|word| !word.is_empty()), "{problem}");
            assert!(problem["message"].as_str().is_some_and(|message| !message.is_empty()), "{problem}");
        }
        self
    }
}

fn settings() -> Settings {
    let mut settings = Settings::new(7878, Token::of(ADMIN).unwrap());
    settings.reader = Some(Token::of(READER).unwrap());
    settings
}

fn site() -> Site {
    site_with(&settings())
}

fn site_with(settings: &Settings) -> Site {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let base = folder.path();
    std::fs::create_dir_all(base.join("jobs")).unwrap();
    std::fs::create_dir_all(base.join("pipelines")).unwrap();
    let pipeline = "name: flights\nstages:\n  - read: {path: a.csv}\n";
    std::fs::write(base.join("pipelines/flights.yaml"), pipeline).unwrap();
    let daily = "description: Late flights\npipeline: pipelines/flights.yaml\nschedule: {cron: '0 2 * * *'}\n\
                 partitions: {days: {from: 2026-01-01, to: 2026-03-31}}\n";
    std::fs::write(base.join("jobs/daily.yaml"), daily).unwrap();
    std::fs::write(base.join("jobs/plain.yaml"), "pipeline: pipelines/flights.yaml\n").unwrap();
    std::fs::write(base.join("jobs/closed.yaml"), "pipeline: pipelines/flights.yaml\nhttp: false\n").unwrap();
    std::fs::write(base.join("jobs/broken.yaml"), "pipelin: x\n").unwrap();
    let service = Service::open(base).unwrap();
    let state = State::new(Arc::clone(&service), settings, 7878);
    let router = router::router(state.clone());
    Site { folder, service, state, router }
}

impl Site {
    /// Sends a request as it is.
    async fn send(&self, mut request: Request<Body>) -> Answer {
        let peer: SocketAddr = "127.0.0.1:4711".parse().unwrap();
        if request.extensions().get::<ConnectInfo<SocketAddr>>().is_none() {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 64 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(request("GET", path, ADMIN).body(Body::empty()).unwrap()).await
    }

    async fn read(&self, path: &str) -> Answer {
        self.send(request("GET", path, READER).body(Body::empty()).unwrap()).await
    }

    /// A change with a body of JSON; with none, where it is empty.
    async fn post(&self, path: &str, body: &str) -> Answer {
        self.send(json(request("POST", path, ADMIN), body)).await
    }

    /// A run of `plain` that has been queued.
    async fn queued(&self) -> String {
        let answer = self.post("/api/jobs/plain/run", "").await;
        answer.is(202);
        answer.json()["run"].as_str().unwrap().to_owned()
    }

    /// Lets a queued run begin and end well, with a promotion of a model.
    fn succeed(&self, run: &str) {
        let (store, now) = (self.service.store(), self.service.now());
        let id = RunId::from(run);
        let claimed = store.claim_next(now, |each| each.run == id).unwrap().unwrap();
        let worker = Worker { pid: 1, started: 1 };
        let folder = self.service.folder(&id);
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(store.begin(&claimed.claim, worker, &folder.to_string_lossy(), now).unwrap(), Begun::Go);
        let mut metrics = Object::new();
        metrics.insert("rows_out".into(), 42.into());
        let promotion = NewPromotion {
            name: "delays".into(),
            version: run.to_owned(),
            verdict: Verdict::Promote,
            metrics: metrics.clone(),
            decided_by: "gate".into(),
        };
        let ending = Ending { metrics, ..Ending::of(crate::schedule::store::RunState::Succeeded) };
        store
            .finish(&claimed.claim, &ending, now, |_| Consequences {
                promotions: vec![promotion.clone()],
                ..Consequences::default()
            })
            .unwrap();
    }
}

/// A request with a token.
fn request(method: &str, path: &str, token: &str) -> axum::http::request::Builder {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, HOST)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
}

fn json(builder: axum::http::request::Builder, body: &str) -> Request<Body> {
    match body {
        "" => builder.body(Body::empty()).unwrap(),
        body => builder.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_owned())).unwrap(),
    }
}
