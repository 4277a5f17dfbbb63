//! What the state of a training belongs to.

use super::super::error::Error;
use super::super::graph::NetworkSpec;
use super::TrainingOptions;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The network, the options and the number of rows of a training, so that a state is never continued with others.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    network: Value,
    options: Value,
    rows: usize,
}

/// The option that may change where the schedule does not know its end.
const EPOCHS: &str = "epochs";

impl Identity {
    /// Of a training of `rows` rows.
    pub(super) fn new(network: &NetworkSpec, options: &TrainingOptions, rows: usize) -> Result<Self, Error> {
        let store = |e: serde_json::Error| Error::Store(e.to_string());
        let network = serde_json::to_value(network).map_err(store)?;
        let options = serde_json::to_value(options).map_err(store)?;
        Ok(Self { network, options, rows })
    }

    /// The first thing in which the identity of a state differs from that of the training that would continue it. The
    /// number of epochs counts only where `with_end` is set.
    pub(super) fn difference(&self, now: &Self, with_end: bool) -> Option<String> {
        if let Some(place) = first_difference("network", &self.network, &now.network) {
            return Some(format!("its state is of another network: {place}"));
        }
        let options = |identity: &Self| {
            let mut options = identity.options.clone();
            if let Some(options) = options.as_object_mut().filter(|_| !with_end) {
                options.remove(EPOCHS);
            }
            options
        };
        if let Some(place) = first_difference("options", &options(self), &options(now)) {
            return Some(format!("its state is of other options: {place}"));
        }
        let (before, rows) = (self.rows, now.rows);
        (before != rows).then(|| format!("its state is of other rows: an epoch had {before}, it has {rows} now"))
    }
}

/// The path of the first difference between two descriptions, with what stands there.
fn first_difference(path: &str, before: &Value, now: &Value) -> Option<String> {
    if before == now {
        return None;
    }
    match (before, now) {
        (Value::Object(a), Value::Object(b)) => {
            let names = a.keys().chain(b.keys().filter(|name| !a.contains_key(*name)));
            let none = &Value::Null;
            names
                .filter_map(|name| {
                    let path = format!("{path}.{name}");
                    first_difference(&path, a.get(name).unwrap_or(none), b.get(name).unwrap_or(none))
                })
                .next()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(i, (a, b))| first_difference(&format!("{path}[{i}]"), a, b))
        }
        _ => Some(format!("`{path}` was {}, it is {} now", shown(before), shown(now))),
    }
}

/// A short form of what stands in a description.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "not there".to_owned(),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(object) => object.keys().next().map_or_else(|| "empty".to_owned(), |name| format!("`{name}`")),
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_named_with_its_path() {
        let before = json!({"a": [{"units": 3}, {"units": 4}], "b": null, "c": {"sgd": {}}});
        let difference = |now| first_difference("network", &before, &now);
        assert_eq!(difference(before.clone()), None);
        assert_eq!(
            difference(json!({"a": [{"units": 3}, {"units": 5}], "b": null, "c": {"sgd": {}}})).as_deref(),
            Some("`network.a[1].units` was 4, it is 5 now")
        );
        assert_eq!(
            difference(json!({"a": [{"units": 3}], "c": {"sgd": {}}})).as_deref(),
            Some("`network.a` was a list of 2, it is a list of 1 now")
        );
        assert_eq!(
            difference(json!({"a": [{"units": 3}, {"units": 4}], "b": 1, "c": {"sgd": {}}})).as_deref(),
            Some("`network.b` was not there, it is 1 now")
        );
        assert_eq!(
            difference(json!({"a": [{"units": 3}, {"units": 4}], "b": null, "c": {"adam": {}}})).as_deref(),
            Some("`network.c.sgd` was empty, it is not there now")
        );
    }
}
