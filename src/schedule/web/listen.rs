//! The server's own threads, its port, and how long a connection may be slow.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use axum_server::Handle;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

use super::router::router;
use super::settings::{Certificate, Limits, ServeError, Settings};
use super::state::State;
use crate::schedule::service::Service;

/// How long open requests may go on when the server ends.
const GRACE: Duration = Duration::from_secs(3);

/// Threads for pages, beside those for calls and files.
const PAGES: usize = 32;

/// How often the files of a certificate are looked at.
const RENEWAL: Duration = Duration::from_secs(30);

/// The most bytes of a request's head.
const LONGEST_HEAD: usize = 32 << 10;

/// The most headers of a request.
const MOST_HEADERS: usize = 64;

/// A server that listens. It ends when this is dropped.
pub struct Bound {
    /// Where it listens; with the port that was got.
    pub address: SocketAddr,
    state: State,
    handle: Handle<SocketAddr>,
    tls: Option<(Certificate, RustlsConfig)>,
    runtime: Option<Runtime>,
    thread: Option<JoinHandle<()>>,
}

/// Listens, on threads of its own, until the answer is stopped or dropped.
///
/// Errors: the settings are refused ([`Settings::check`]); the port is taken or may not be had; the certificate cannot be used; the
/// system gives no threads.
pub fn serve(service: Arc<Service>, settings: &Settings) -> Result<Bound, ServeError> {
    settings.check()?;
    let wanted = SocketAddr::new(settings.host, settings.port);
    let failed = |error| ServeError::Listen { address: wanted, error };
    let listener = TcpListener::bind(wanted).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(settings.limits.calls.max(1) + settings.limits.downloads.max(1) + PAGES)
        .thread_name("web")
        .enable_all()
        .build()
        .map_err(ServeError::Threads)?;
    let tls = match &settings.tls {
        Some(files) => Some((files.clone(), runtime.block_on(certificate(files))?)),
        None => None,
    };
    let state = State::new(service, settings, address.port());
    let handle = Handle::new();
    let (server_handle, server_state, limits) = (handle.clone(), state.clone(), settings.limits.clone());
    let config = tls.as_ref().map(|(_, config)| config.clone());
    let work = {
        let _entered = runtime.enter();
        let server = axum_server::from_tcp(listener).map_err(failed)?.handle(server_handle).http1_only();
        async move {
            let app = router(server_state).into_make_service_with_connect_info::<SocketAddr>();
            let door = Door::new(&limits);
            let done = match config {
                Some(config) => {
                    bounded(server.acceptor(RustlsAcceptor::new(config).acceptor(door)), &limits).serve(app).await
                }
                None => bounded(server.acceptor(door), &limits).serve(app).await,
            };
            // It ends by its handle; and an error of one connection does not end it.
            drop(done);
        }
    };
    if let Some((files, config)) = tls.clone() {
        runtime.spawn(follow(files, config, Arc::clone(state.service())));
    }
    let on = runtime.handle().clone();
    let thread = std::thread::Builder::new().name("web".to_owned()).spawn(move || on.block_on(work));
    let thread = Some(thread.map_err(ServeError::Threads)?);
    Ok(Bound { address, state, handle, tls, runtime: Some(runtime), thread })
}

impl Bound {
    /// Where a browser on this machine finds it.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        match self.address.ip().is_unspecified() {
            true => format!("{scheme}://localhost:{}", self.address.port()),
            false => format!("{scheme}://{}", self.address),
        }
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.handle.connection_count()
    }

    /// Reads the certificate and its key again; connections that are open keep the one they have.
    ///
    /// Errors: they cannot be used; the ones before stay in use.
    pub fn reload_tls(&self) -> Result<(), ServeError> {
        let (Some((files, config)), Some(runtime)) = (&self.tls, &self.runtime) else { return Ok(()) };
        runtime.block_on(renew(files, config, self.state.service()))
    }

    /// Takes no more requests, lets open ones go on for a few seconds, and ends.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.state.close();
        self.handle.graceful_shutdown(Some(GRACE));
        if let Some(thread) = self.thread.take() {
            // It can have ended by a panic only; then there is nothing left to end.
            drop(thread.join());
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.end();
    }
}

async fn certificate(files: &Certificate) -> Result<RustlsConfig, ServeError> {
    let read = RustlsConfig::from_pem_file(&files.certificate, &files.key).await;
    read.map_err(|error| ServeError::Certificate { certificate: files.clone(), error })
}

/// Reads a certificate and its key again. One that cannot be used leaves the one before in use, and is said in health and in the server's
/// log until it can.
async fn renew(files: &Certificate, config: &RustlsConfig, service: &Service) -> Result<(), ServeError> {
    let done = config.reload_from_pem_file(&files.certificate, &files.key).await;
    let done = done.map_err(|error| ServeError::Certificate { certificate: files.clone(), error });
    let what = done.as_ref().err().map(|error| format!("{error}; the one before stays in use"));
    service.troubles().report("certificate", what);
    done
}

/// Takes over a certificate that was renewed. Its two files may be in the middle of being replaced: until it can be used, each look
/// tries again.
async fn follow(files: Certificate, config: RustlsConfig, service: Arc<Service>) {
    let look = |files: &Certificate| {
        let changed = |path: &Path| path.metadata().and_then(|about| about.modified()).ok();
        (changed(&files.certificate), changed(&files.key))
    };
    let mut seen = look(&files);
    loop {
        sleep(RENEWAL).await;
        let now = look(&files);
        if now != seen && renew(&files, &config, &service).await.is_ok() {
            seen = now;
        }
    }
}

/// Sets what the head of a request may be, and how long it may take.
fn bounded<A>(mut server: axum_server::Server<SocketAddr, A>, limits: &Limits) -> axum_server::Server<SocketAddr, A> {
    server
        .http_builder()
        .http1()
        .header_read_timeout(limits.head_time)
        .max_buf_size(LONGEST_HEAD)
        .max_headers(MOST_HEADERS);
    server
}

/// Who lets connections in: a bounded number at a time.
#[derive(Debug, Clone)]
struct Door {
    places: Arc<Semaphore>,
    send_time: Duration,
}

impl Door {
    fn new(limits: &Limits) -> Self {
        Self { places: Arc::new(Semaphore::new(limits.connections.max(1))), send_time: limits.send_time }
    }
}

impl<S> Accept<TcpStream, S> for Door {
    type Stream = Connection;
    type Service = S;
    type Future = std::future::Ready<io::Result<(Connection, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        std::future::ready(match Arc::clone(&self.places).try_acquire_owned() {
            // An answer is small: it is not held back to be sent with another.
            Ok(place) => stream.set_nodelay(true).map(|()| (Connection::new(stream, place, self.send_time), service)),
            // Closed at once: whoever waits here would wait in vain, and hold a descriptor.
            Err(_) => Err(io::Error::new(io::ErrorKind::ConnectionRefused, "too many connections")),
        })
    }
}

/// A connection in its place. One that takes nothing of what is sent to it is cut.
#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    send_time: Duration,
    /// Runs while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    fn new(stream: TcpStream, place: OwnedSemaphorePermit, send_time: Duration) -> Self {
        Self { stream, send_time, stalled: None, _place: place }
    }

    /// Lets time run while writing is held up, and ends what is held up too long.
    fn timed<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.send_time)));
        match stalled.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.timed(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, pieces);
        this.timed(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
