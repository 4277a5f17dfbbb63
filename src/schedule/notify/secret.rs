//! Secrets: references in job files, values only while a message is sent.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as DeriveDeserialize, Serialize};

/// The most bytes of a secret.
const LONGEST: u64 = 64 << 10;

/// Where a secret is found: `{env: NAME}`, a variable in the environment of the server, or `{file: path}`, a file whose
/// content it is. The value itself is never written in a job file.
///
/// It is read each time when a message is sent, so a changed file counts from the next message on, and kept no longer than that.
/// A line break at the end does not belong to it. A relative path begins in the served folder. A file that other users of the
/// machine may read or write is refused; so is one that is empty or has more than 64 KiB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// A variable in the environment of the server.
    Env(String),
    /// A file.
    File(PathBuf),
}

/// Why a secret cannot be used. It says where the secret should be, never what it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set, or is no text.
    #[error("the variable `{0}` is not set in the environment of the server; set it there and start the server again")]
    NotSet(String),
    /// Nothing is in it.
    #[error("{0} is empty, so there is no secret")]
    Empty(String),
    /// The file cannot be read.
    #[error("the file `{path}` of a secret cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// It is a folder, a pipe or another thing that is no file.
    #[error("`{0}` of a secret is no plain file")]
    NoFile(String),
    /// Others may read or write it.
    #[error(
        "the file `{path}` of a secret is open to others (mode {mode:03o}); let only its owner read it: `chmod 600 {path}`"
    )]
    Open {
        /// The file.
        path: String,
        /// Its permissions.
        mode: u32,
    },
    /// More than a secret has.
    #[error("the file `{0}` of a secret has more than 64 KiB; is it the right one?")]
    TooLong(String),
    /// No text.
    #[error("the file `{0}` of a secret is not UTF-8")]
    NoText(String),
}

/// Where secrets are looked up.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    /// The served folder, in which relative paths begin.
    pub base: &'a Path,
    /// The environment; `None`: the variable is not set.
    pub environment: &'a (dyn Fn(&str) -> Option<String> + Send + Sync),
}

impl<'a> Lookup<'a> {
    /// The environment of this process, and files of or beside `base`.
    pub fn process(base: &'a Path) -> Self {
        Self { base, environment: &|name| std::env::var(name).ok() }
    }
}

impl fmt::Debug for Lookup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").field("base", &self.base).finish_non_exhaustive()
    }
}

/// The value of a secret. It has no `Display`, and its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Revealed(String);

impl Revealed {
    /// The value, to be handed to who needs it and to nobody else.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Secret {
    /// Looks whether the secret is there and can be used, without keeping it.
    ///
    /// # Errors
    /// [`SecretError`]: what is wrong and what to do.
    pub fn check(&self, lookup: &Lookup<'_>) -> Result<(), SecretError> {
        self.read(lookup).map(drop)
    }

    /// The variable in which it is found, if it is one.
    pub(super) fn variable(&self) -> Option<&str> {
        match self {
            Self::Env(name) => Some(name),
            Self::File(_) => None,
        }
    }

    /// Reads the value.
    ///
    /// Errors: it is not there, empty, no text, or open to others.
    pub(super) fn read(&self, lookup: &Lookup<'_>) -> Result<Revealed, SecretError> {
        let text = match self {
            Self::Env(name) => (lookup.environment)(name).ok_or_else(|| SecretError::NotSet(name.clone()))?,
            Self::File(path) => read_file(&lookup.base.join(path))?,
        };
        let value = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
        if value.is_empty() { Err(SecretError::Empty(self.to_string())) } else { Ok(Revealed(value.to_owned())) }
    }
}

fn read_file(path: &Path) -> Result<String, SecretError> {
    let shown = || path.display().to_string();
    let unreadable =
        |error: std::io::Error| SecretError::Unreadable { path: shown(), reason: crate::staging::reason(&error) };
    // What a pipe has nobody may ever write: without waiting it is opened, and refused below.
    let without_waiting = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(without_waiting).open(path).map_err(unreadable)?;
    // The open file is looked at, not its name, which may mean another one by now.
    let found = file.metadata().map_err(unreadable)?;
    if !found.is_file() {
        return Err(SecretError::NoFile(shown()));
    }
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o027 != 0 {
        return Err(SecretError::Open { path: shown(), mode });
    }
    let text = bounded(file).map_err(unreadable)?.ok_or_else(|| SecretError::TooLong(shown()))?;
    String::from_utf8(text).map_err(|_| SecretError::NoText(shown()))
}

fn bounded(file: File) -> std::io::Result<Option<Vec<u8>>> {
    let mut read = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut read)?;
    Ok((read.len() as u64 <= LONGEST).then_some(read))
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the variable `{name}`"),
            Self::File(path) => write!(f, "the file `{}`", path.display()),
        }
    }
}

/// The mapping with one key that stands for a secret.
#[derive(DeriveDeserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    #[serde(default)]
    env: Option<String>,
    #[serde(default)]
    file: Option<PathBuf>,
}

const REFERENCE: &str = "`{env: NAME}` or `{file: path}`";

impl Secret {
    /// The reference in a mapping.
    pub(super) fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        let found = Reference::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        match (found.env, found.file) {
            (Some(name), None) if is_variable(&name) => Ok(Self::Env(name)),
            (Some(_), None) => Err(A::Error::custom(
                "`env` takes the name of an environment variable: letters, digits and `_`, not beginning with a digit",
            )),
            (None, Some(path)) if !path.as_os_str().is_empty() => Ok(Self::File(path)),
            (None, Some(_)) => Err(A::Error::custom("`file` takes the path of a file, this one is empty")),
            _ => Err(A::Error::custom(format_args!("a secret is either {REFERENCE}"))),
        }
    }
}

/// Whether a text can be the name of an environment variable.
pub(super) fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && name.len() <= 256
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

impl SecretVisitor {
    /// What stands here may be the secret itself: the message must not repeat it.
    fn refuse<T, E: Error>(self) -> Result<T, E> {
        Err(E::custom(format_args!("a secret is never written in a job file; say where it is found: {REFERENCE}")))
    }
}

macro_rules! refuse_scalars {
    ($($visit:ident $type:ty,)*) => {
        $(fn $visit<E: Error>(self, _: $type) -> Result<Secret, E> { self.refuse() })*
    };
}

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REFERENCE)
    }

    refuse_scalars! {
        visit_bool bool,
        visit_i64 i64,
        visit_u64 u64,
        visit_f64 f64,
        visit_str &str,
    }

    fn visit_unit<E: Error>(self) -> Result<Secret, E> {
        self.refuse()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Secret, A::Error> {
        self.refuse()
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Secret, A::Error> {
        Secret::from_map(map)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Where a secret is found: `{env: NAME}`, a variable in the environment of the server, or `{file: path}`, a file that only its owner may read.",
            "oneOf": [
                {
                    "type": "object",
                    "properties": { "env": { "type": "string", "description": "The name of an environment variable.", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" } },
                    "required": ["env"],
                    "additionalProperties": false
                },
                {
                    "type": "object",
                    "properties": { "file": { "type": "string", "description": "The path of a file; a relative one begins in the served folder.", "minLength": 1 } },
                    "required": ["file"],
                    "additionalProperties": false
                }
            ]
        })
    }
}
