//! What all handlers share.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::access::Access;
use super::guard::Hosts;
use super::metrics::Traffic;
use super::problem::{Problem, Result};
use super::settings::{Limits, Settings};
use crate::schedule::service::Service;

/// What all handlers share. A clone is the same.
#[derive(Clone)]
pub struct State(Arc<Shared>);

struct Shared {
    service: Arc<Service>,
    access: Access,
    hosts: Hosts,
    limits: Limits,
    traffic: Traffic,
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    downloads: Arc<Semaphore>,
    closing: watch::Sender<bool>,
}

impl State {
    /// `port` is the one that was got, where the settings leave it open.
    pub(super) fn new(service: Arc<Service>, settings: &Settings, port: u16) -> Self {
        let limits = settings.limits.clone();
        let tls = settings.tls.is_some();
        Self(Arc::new(Shared {
            service,
            access: Access::new(&settings.admin, settings.reader.as_ref(), limits.failures, port, tls),
            hosts: Hosts::new(settings.host, &settings.names, tls),
            traffic: Traffic::default(),
            calls: Arc::new(Semaphore::new(limits.calls.max(1))),
            streams: Arc::new(Semaphore::new(limits.streams)),
            downloads: Arc::new(Semaphore::new(limits.downloads.max(1))),
            closing: watch::Sender::new(false),
            limits,
        }))
    }

    /// The operations of the scheduler. They block: see [`State::ask`].
    pub fn service(&self) -> &Arc<Service> {
        &self.0.service
    }

    /// Lets a thread that may block work on the service, a bounded number at a time.
    ///
    /// A client that goes away does not stop the work: a change that has begun is made.
    ///
    /// Errors: those of `work`; 503 when no turn comes in time; 500 when the work panics.
    pub async fn ask<T, E>(
        &self,
        work: impl FnOnce(&Service) -> std::result::Result<T, E> + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        E: Into<Problem> + Send + 'static,
    {
        let turn = timeout(self.0.limits.turn_time, Arc::clone(&self.0.calls).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(Problem::busy("the server has too much to do").help("try again in a moment"));
        };
        let service = Arc::clone(&self.0.service);
        let done = tokio::task::spawn_blocking(move || {
            let answer = work(&service);
            drop(turn);
            answer
        });
        match done.await {
            Ok(answer) => answer.map_err(Into::into),
            Err(_) => Err(Problem::internal("the server met a case that it was not made for")
                .help("look at the server's log; the request may be repeated")),
        }
    }

    pub(super) fn access(&self) -> &Access {
        &self.0.access
    }

    pub(super) fn hosts(&self) -> &Hosts {
        &self.0.hosts
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(super) fn traffic(&self) -> &Traffic {
        &self.0.traffic
    }

    /// Places for streams of events.
    pub(super) fn streams(&self) -> &Arc<Semaphore> {
        &self.0.streams
    }

    /// Places for files on their way to a client: each holds a thread while it is read.
    pub(super) fn downloads(&self) -> &Arc<Semaphore> {
        &self.0.downloads
    }

    /// Becomes true when the server is to end.
    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.0.closing.subscribe()
    }

    /// Lets what would last end now.
    pub(super) fn close(&self) {
        self.0.closing.send_replace(true);
    }
}

impl FromRequestParts<State> for State {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &State) -> std::result::Result<Self, Infallible> {
        Ok(state.clone())
    }
}
