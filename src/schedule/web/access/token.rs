//! The token: 256 bits of chance, of which the server keeps a digest only.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The shortest token that a file may hold, in characters.
const SHORTEST: usize = 32;
/// The longest.
const LONGEST: usize = 1024;
/// How many different characters it has at least.
const VARIETY: usize = 8;

/// A token as text. It is shown once and then dropped; it prints as dots.
#[derive(Clone)]
pub struct Token(String);

/// Why a token cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("the token cannot be read from `{}`: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Others than its owner may read the file.
    #[error("the token in `{}` may be read by others (mode {mode:o}); make it private with `chmod 600`", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// What is in the file is no token.
    #[error("`{}` holds no token: {reason}; make one with `openssl rand -hex 32`", path.display())]
    Weak {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    NoChance(std::io::Error),
}

impl Token {
    /// A new one: 256 bits from the system's source of randomness, as 64 hexadecimal digits.
    ///
    /// Errors: the system gives no random numbers.
    pub fn generate() -> Result<Self, TokenError> {
        random().map(Self)
    }

    /// Reads a token from a file that only its owner may read. Blanks around it are not part of it.
    ///
    /// Errors: the file cannot be read, is no regular file, may be read by others; the token is shorter than 32 characters or
    /// too regular, or has characters other than visible ASCII.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let unreadable = |error| TokenError::Unreadable { path: path.to_path_buf(), error };
        // What is opened is what is looked at: nobody can put another file in its place in between.
        let file = File::open(path).map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        if !about.is_file() {
            return Err(unreadable(std::io::Error::other("it is not a regular file")));
        }
        let mode = about.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(TokenError::Exposed { path: path.to_path_buf(), mode });
        }
        let mut text = String::new();
        file.take(2 * LONGEST as u64).read_to_string(&mut text).map_err(unreadable)?;
        Self::of(&text).map_err(|reason| TokenError::Weak { path: path.to_path_buf(), reason })
    }

    /// Takes a text as a token; why not, where it is too weak.
    pub fn of(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it has blanks or characters other than visible ASCII".to_owned());
        }
        if !(SHORTEST..=LONGEST).contains(&text.len()) {
            return Err(format!("it has {} characters, and {SHORTEST} to {LONGEST} are needed", text.len()));
        }
        let mut different: Vec<u8> = text.bytes().collect();
        different.sort_unstable();
        different.dedup();
        if different.len() < VARIETY {
            return Err(format!("it has only {} different characters", different.len()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text, to be shown to its owner once.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What the server keeps of it.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(..)")
    }
}

/// SHA-256 of a token or of a session's name. A fast digest is enough: what it hides has 256 bits.
#[derive(Clone, Copy)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Whether they are the same; it takes as long when they are not.
    pub(super) fn same(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }

    /// Its bytes, as a key of a table.
    pub(super) fn bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Digest(..)")
    }
}

/// 256 bits from the system, as hexadecimal digits.
pub(in crate::schedule) fn random() -> Result<String, TokenError> {
    let mut bytes = [0_u8; 32];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).map_err(TokenError::NoChance)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
