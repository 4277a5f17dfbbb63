//! The state of a training on disk, as a safetensors file with the few numbers beside it as JSON in its metadata.
//!
//! Loading believes nothing: a damaged file is an error, and whether the state belongs to a network is checked when a
//! training is continued from it.

use super::super::error::Error;
use super::super::optimizer::Memory;
use super::identity::Identity;
use super::state::{State, StateProgress};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;

/// The keys of the metadata.
const PROGRESS: &str = "progress";
const STEPS: &str = "steps";
const IDENTITY: &str = "identity";
/// The names of the tensors.
const NAMES: [&str; 4] = ["parameters", "first", "second", "best_parameters"];

impl State {
    /// The state as a file. The same state gives the same numbers again, bit for bit.
    ///
    /// Errors: [`Error::Store`], also where a number is not finite: nothing could be continued from it.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let store = |reason: String| Error::Store(reason);
        let values = [&self.parameters, &self.memory.first, &self.memory.second, &self.best_parameters];
        if values.iter().any(|values| values.iter().any(|v| !v.is_finite())) {
            return Err(store("the state of its training is not finite".to_owned()));
        }
        let bytes = values.map(|values| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>());
        let mut tensors = Vec::new();
        for ((name, values), bytes) in NAMES.iter().zip(values).zip(&bytes) {
            let view = TensorView::new(Dtype::F32, vec![values.len()], bytes).map_err(|e| store(e.to_string()))?;
            tensors.push((*name, view));
        }
        let progress = serde_json::to_string(&self.progress).map_err(|e| store(e.to_string()))?;
        let identity = serde_json::to_string(&self.identity).map_err(|e| store(e.to_string()))?;
        let metadata = [(PROGRESS, progress), (STEPS, self.memory.steps.to_string()), (IDENTITY, identity)];
        let metadata: HashMap<_, _> = metadata.into_iter().map(|(key, text)| (key.to_owned(), text)).collect();
        safetensors::serialize(tensors, Some(metadata)).map_err(|e| store(e.to_string()))
    }

    /// The state of a file that [`State::to_bytes`] made.
    ///
    /// Errors: [`Error::Resume`] where the file is damaged or is no state of a training.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let damaged = |reason: String| Error::Resume(format!("its state is damaged: {reason}"));
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(e.to_string()))?;
        let file = SafeTensors::deserialize(bytes).map_err(|e| damaged(e.to_string()))?;
        let text = |key: &str| {
            let found = header.metadata().as_ref().and_then(|metadata| metadata.get(key));
            found.ok_or_else(|| damaged(format!("`{key}` is missing")))
        };
        let progress: StateProgress = serde_json::from_str(text(PROGRESS)?).map_err(|e| damaged(e.to_string()))?;
        let identity: Identity = serde_json::from_str(text(IDENTITY)?).map_err(|e| damaged(e.to_string()))?;
        let steps = text(STEPS)?.parse().map_err(|_| damaged("its number of steps is none".to_owned()))?;
        let values = |name: &str| {
            let tensor = file.tensor(name).map_err(|_| damaged(format!("`{name}` is missing")))?;
            if tensor.dtype() != Dtype::F32 {
                return Err(damaged(format!("`{name}` is stored as {:?}", tensor.dtype())));
            }
            Ok(tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
        };
        let memory = Memory { steps, first: values(NAMES[1])?, second: values(NAMES[2])? };
        Ok(Self { parameters: values(NAMES[0])?, memory, best_parameters: values(NAMES[3])?, identity, progress })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::EpochRecord;
    use super::*;
    use proptest::prelude::*;

    fn state() -> State {
        let record = EpochRecord {
            epoch: 1,
            loss: 0.1 + 0.2,
            validation: None,
            learning_rate: 1e-3,
            seconds: 0.5,
            rows_per_second: 1e6,
        };
        State {
            parameters: vec![0.1, -2.5e-30, 3.0],
            memory: Memory { steps: 7, first: vec![1.0, 2.0, 3.0], second: vec![] },
            best_parameters: vec![0.5; 3],
            identity: Identity::default(),
            progress: StateProgress {
                epochs: 1,
                best_epoch: 1,
                best: Some(1.0 / 3.0),
                history: vec![record],
                ..StateProgress::default()
            },
        }
    }

    #[test]
    fn a_state_comes_back_bit_for_bit() {
        let (before, bytes) = (state(), state().to_bytes().unwrap());
        let after = State::from_bytes(&bytes).unwrap();
        assert_eq!((&before.parameters, &before.best_parameters), (&after.parameters, &after.best_parameters));
        assert_eq!((&before.memory, &before.progress), (&after.memory, &after.progress));
    }

    proptest! {
        #[test]
        fn damage_is_an_error_and_never_a_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let mut bytes = state().to_bytes().unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(bytes.len() - cut.index(bytes.len()) / 3);
            if let Err(error) = State::from_bytes(&bytes) {
                prop_assert!(error.to_string().starts_with("cannot resume the training: its state is damaged: "));
            }
        }
    }
}
