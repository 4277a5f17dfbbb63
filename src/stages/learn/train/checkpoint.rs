//! How far a training is, on disk: a training that was interrupted goes on from there, bit for bit.
//!
//! A file is a line that says what it is, the length and the text of a header in JSON, and the state of the training. It
//! is written beside its place and renamed, so that there is the old one or the new one, never a half.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Class, Diagnostic};
use crate::nn::training::{RateFound, State};
use crate::staging::{failure, folder_of, write_atomically};

const MAGIC: &[u8] = b"gristmill checkpoint 1\n";

/// What stands beside the state of the training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// What the stage means, with its rows.
    pub(super) fingerprint: String,
    /// The learning rate that was found, where one was looked for.
    pub(super) found: Option<RateFound>,
    /// The size of batches that was chosen, where it was left open.
    pub(super) batch_size: Option<usize>,
    /// The first half of the BLAKE3 of the state.
    checksum: String,
}

impl Header {
    pub(super) fn new(fingerprint: &str) -> Self {
        Self { fingerprint: fingerprint.to_owned(), found: None, batch_size: None, checksum: String::new() }
    }
}

/// Where checkpoints are kept.
#[derive(Debug, Clone)]
pub(super) struct Keeper {
    pub(super) path: PathBuf,
    /// After each so many epochs.
    pub(super) every: usize,
    /// Whether its user said where: then a checkpoint of another training is not overwritten.
    pub(super) stated: bool,
}

/// What was found where checkpoints are kept.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    /// Something that cannot be gone on from, with the reason.
    Damaged(String),
    State(Box<(Header, State)>),
}

impl Keeper {
    /// Keeps the state.
    ///
    /// Errors: of class [`Class::Output`].
    pub(super) fn keep(&self, header: &Header, state: &State) -> Result<(), Diagnostic> {
        let wrong = |reason: String| Diagnostic::error(Class::Stage, format!("cannot keep a checkpoint: {reason}"));
        let state = state.to_bytes().map_err(|error| wrong(error.to_string()))?;
        let header = Header { checksum: checksum(&state), ..header.clone() };
        let header = serde_json::to_vec(&header).map_err(|error| wrong(error.to_string()))?;
        let mut content = MAGIC.to_vec();
        content.extend((header.len() as u64).to_le_bytes());
        content.extend(header);
        content.extend(state);
        let failed = |error: std::io::Error| failure("cannot keep a checkpoint in", &self.path, &error);
        fs::create_dir_all(folder_of(&self.path)).map_err(failed)?;
        write_atomically(&self.path, &content).map_err(failed)
    }

    /// What is there for a training of this fingerprint.
    ///
    /// Errors: of class [`Class::Data`] for a checkpoint of another training where its user said where to keep them.
    pub(super) fn find(&self, fingerprint: &str) -> Result<Found, Diagnostic> {
        let content = match fs::read(&self.path) {
            Ok(content) => content,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Ok(Found::Damaged(error.to_string())),
        };
        let found = match read(&content) {
            Ok(found) => found,
            Err(reason) => return Ok(Found::Damaged(reason)),
        };
        if found.0.fingerprint == fingerprint {
            return Ok(Found::State(Box::new(found)));
        }
        if !self.stated {
            return Ok(Found::Nothing);
        }
        let message =
            format!("the checkpoint `{}` is of another training: of other rows or options", self.path.display());
        Err(Diagnostic::error(Class::Data, message).help("remove it, or keep checkpoints in another folder"))
    }

    /// Removes what was kept: the training is done, and its model holds more.
    pub(super) fn clear(&self) {
        // Should it stay, the next run of the same meaning finds a finished training in it.
        let _ = fs::remove_file(&self.path);
    }
}

fn read(content: &[u8]) -> Result<(Header, State), String> {
    let rest = content.strip_prefix(MAGIC).ok_or("it does not begin as a checkpoint does")?;
    let (length, rest) = rest.split_first_chunk::<8>().ok_or("it ends too early")?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|error| error.to_string())?;
    let (header, state) = rest.split_at_checked(length).ok_or("it ends too early")?;
    let header: Header = serde_json::from_slice(header).map_err(|error| error.to_string())?;
    if header.checksum != checksum(state) {
        return Err("its state is not what was written".to_owned());
    }
    Ok((header, State::from_bytes(state).map_err(|error| error.to_string())?))
}

fn checksum(content: &[u8]) -> String {
    blake3::hash(content).to_hex().chars().take(32).collect()
}

/// Where a checkpoint of a stage is kept.
pub(super) fn place(base: &Path, folder: Option<&str>, id: &str, fingerprint: &str) -> PathBuf {
    match folder {
        Some(folder) => base.join(folder).join(format!("{id}.checkpoint")),
        None => base.join(".gristmill").join("checkpoints").join(format!("{fingerprint}.checkpoint")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::nn::{Head, InMemory, Network, NetworkSpec, Shape, Targets, TrainingOptions, train};

    /// The state after one epoch of a small training.
    fn state() -> State {
        let spec = NetworkSpec::sequential(Shape::features(2), Vec::new(), Head::Regression { outputs: 1 });
        let inputs = ndarray::array![[0.0, 1.0], [1.0, 0.0]];
        let mut source = InMemory::new(inputs.view(), Targets::Values(&[1.0, 2.0]), None).unwrap();
        let options = TrainingOptions { epochs: 1, ..TrainingOptions::default() };
        let mut kept = None;
        train(Network::new(spec, 1).unwrap(), &mut source, None, &options, &mut |progress| {
            kept = progress.state.cloned().or(kept.take());
            ControlFlow::Continue(())
        })
        .unwrap();
        kept.unwrap()
    }

    #[test]
    fn a_checkpoint_comes_back_and_damage_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = place(folder.path(), Some("kept"), "model", "f");
        let keeper = Keeper { path: path.clone(), every: 1, stated: true };
        assert!(matches!(keeper.find("f").unwrap(), Found::Nothing));
        let state = state();
        let mut header = Header::new("f");
        header.batch_size = Some(64);
        keeper.keep(&header, &state).unwrap();
        let Found::State(found) = keeper.find("f").unwrap() else { panic!("nothing found") };
        assert_eq!(
            (found.0.batch_size, &found.1.parameters, &found.1.memory),
            (Some(64), &state.parameters, &state.memory)
        );
        let other = keeper.find("g").unwrap_err();
        assert!(other.message.ends_with("is of another training: of other rows or options"), "{other}");
        assert!(matches!(Keeper { stated: false, ..keeper.clone() }.find("g").unwrap(), Found::Nothing));
        let content = fs::read(&path).unwrap();
        for at in [0, MAGIC.len(), MAGIC.len() + 9, content.len() - 1] {
            let mut damaged = content.clone();
            damaged[at] ^= 0x55;
            fs::write(&path, &damaged).unwrap();
            assert!(matches!(keeper.find("f").unwrap(), Found::Damaged(_)), "{at}");
        }
        fs::write(&path, &content[..content.len() / 2]).unwrap();
        assert!(matches!(keeper.find("f").unwrap(), Found::Damaged(_)));
        keeper.clear();
        assert!(!path.exists());
    }
}
