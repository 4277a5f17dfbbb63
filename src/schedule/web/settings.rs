//! What a server is started with, and what is dangerous about it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::access::{Budget, Token};

/// A certificate and its key, in files of PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

/// What the server bears at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body; more is answered with 413.
    pub body: usize,
    /// Until the head of a request is there, and between two requests of a connection; then the connection is cut.
    pub head_time: Duration,
    /// Until the body of a request is there; then the answer is 408.
    pub body_time: Duration,
    /// Without a byte taken by the client while there is something to send; then the connection is cut.
    pub send_time: Duration,
    /// Connections at a time; one more is closed at once.
    pub connections: usize,
    /// Streams of events at a time; one more is answered with 503.
    pub streams: usize,
    /// Files on their way to a client at a time; one more is answered with 503.
    pub downloads: usize,
    /// Calls of the store at a time; others wait their turn.
    pub calls: usize,
    /// How long a call waits for its turn; then the answer is 503.
    pub turn_time: Duration,
    /// Between two signs of life on a stream of events.
    pub heartbeat: Duration,
    /// How long a stream of events lasts; a browser opens the next one by itself.
    pub stream_time: Duration,
    /// How many failed logins are borne.
    pub failures: Budget,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 64 << 10,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(10),
            send_time: Duration::from_secs(30),
            connections: 256,
            streams: 64,
            downloads: 32,
            calls: 16,
            turn_time: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            stream_time: Duration::from_secs(60 * 60),
            failures: Budget::default(),
        }
    }
}

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address to listen at.
    pub host: IpAddr,
    /// The port; 0 takes any that is free.
    pub port: u16,
    /// Names by which the server is known beside `localhost` and its address: a `Host` that is none of them is refused.
    pub names: Vec<String>,
    /// A certificate: with one, TLS is spoken, and nothing else.
    pub tls: Option<Certificate>,
    /// Whether to listen elsewhere than at the machine's own loopback without TLS.
    pub open: bool,
    /// The token that may do everything.
    pub admin: Token,
    /// The token that may look.
    pub reader: Option<Token>,
    /// What the server bears.
    pub limits: Limits,
}

/// Why a server cannot be started so.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It would be open to the network without TLS, and nobody said that it may.
    #[error(
        "`{host}` is not this machine's loopback, and without TLS all that is sent there, the token too, can be read on the way; give a \
         certificate and its key, or say that it may be open"
    )]
    Open {
        /// The address.
        host: IpAddr,
    },
    /// Both roles have one token.
    #[error(
        "the reader's token is the administrator's: whoever may look could do everything; give them different ones"
    )]
    SameToken,
    /// A name that no `Host` header has.
    #[error("`{name}` is no name of a host: give it without scheme, port and path, as in `jobs.example.org`")]
    Name {
        /// The name.
        name: String,
    },
    /// The port cannot be had.
    #[error("the server cannot listen at {address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// The certificate cannot be used.
    #[error("the certificate `{}` with the key `{}` cannot be used: {error}", certificate.certificate.display(), certificate.key.display())]
    Certificate {
        /// The files.
        certificate: Certificate,
        /// Why.
        error: std::io::Error,
    },
    /// The system gives no threads.
    #[error("the server cannot start its threads: {0}")]
    Threads(std::io::Error),
}

impl Settings {
    /// Loopback, without TLS, with one token.
    pub fn new(port: u16, admin: Token) -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port,
            names: Vec::new(),
            tls: None,
            open: false,
            admin,
            reader: None,
            limits: Limits::default(),
        }
    }

    /// Refuses what is dangerous and was not asked for in so many words.
    ///
    /// Errors: not loopback, no TLS and not `open`; one token for both roles; a name that is none.
    pub fn check(&self) -> Result<(), ServeError> {
        if !self.host.is_loopback() && self.tls.is_none() && !self.open {
            return Err(ServeError::Open { host: self.host });
        }
        if self.reader.as_ref().is_some_and(|reader| reader.text() == self.admin.text()) {
            return Err(ServeError::SameToken);
        }
        match self.names.iter().find(|name| !is_name(name)) {
            Some(name) => Err(ServeError::Name { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// What a person should know before it is started so, one sentence a line.
    pub fn warnings(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.host.is_loopback() && self.tls.is_none() {
            lines.push(format!(
                "the server listens at {} without TLS: whoever is on the way can read the token and change what is sent",
                self.host
            ));
        }
        if self.host.is_unspecified() && self.names.is_empty() {
            lines.push(
                "the server listens at all addresses, but answers only requests to `localhost`; name the names by which it is to be reached"
                    .to_owned(),
            );
        }
        lines
    }
}

/// Whether a text can stand in a `Host` header as the name of a host or as an address of IPv4.
fn is_name(name: &str) -> bool {
    (1..=253).contains(&name.len())
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::new(7878, Token::generate().unwrap())
    }

    #[test]
    fn the_default_listens_on_loopback_only_and_warns_of_nothing() {
        let settings = settings();
        assert!(settings.host.is_loopback());
        settings.check().unwrap();
        assert!(settings.warnings().is_empty());
    }

    #[test]
    fn listening_elsewhere_without_tls_is_refused_unless_it_is_asked_for_and_then_warned_of() {
        let mut settings = Settings { host: "0.0.0.0".parse().unwrap(), ..settings() };
        assert!(matches!(settings.check(), Err(ServeError::Open { .. })));
        settings.open = true;
        settings.check().unwrap();
        assert_eq!(settings.warnings().len(), 2);
        assert!(settings.warnings()[0].contains("without TLS"));
        settings.tls = Some(Certificate { certificate: "a.pem".into(), key: "b.pem".into() });
        settings.open = false;
        settings.names = vec!["jobs.example.org".into()];
        settings.check().unwrap();
        assert!(settings.warnings().is_empty());
    }

    #[test]
    fn one_token_for_both_roles_is_refused() {
        let mut settings = settings();
        settings.reader = Some(settings.admin.clone());
        assert!(matches!(settings.check(), Err(ServeError::SameToken)));
    }

    #[test]
    fn names_with_scheme_port_path_or_star_are_refused() {
        for name in ["https://a.org", "a.org:80", "a.org/x", "*.a.org", "", "a..org", "a b"] {
            let settings = Settings { names: vec![name.into()], ..settings() };
            assert!(matches!(settings.check(), Err(ServeError::Name { .. })), "{name}");
        }
        Settings { names: vec!["jobs.example.org".into(), "10.1.2.3".into(), "box".into()], ..settings() }
            .check()
            .unwrap();
    }
}
