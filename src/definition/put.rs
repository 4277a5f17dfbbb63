//! Another value at a path of an option.

use super::node::{Entry, Node, Value};
use crate::diagnostic::{Diagnostic, Place};

/// A step into a value: the key of a mapping, or the place in a list, from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The key, or the digits of the place.
    pub name: String,
    /// Where the step is written.
    pub place: Place,
}

/// The node with another value at the end of a path. What is not there yet is added: options that are left out have defaults. A choice
/// that is written by its name alone (`optimizer: adamw`) becomes a mapping when the path goes into it.
///
/// Errors: the path leads into a number, into another choice than the one that is written, or past the end of a list.
pub fn put(node: &Node, path: &[Step], value: &Node) -> Result<Node, Diagnostic> {
    let Some((step, rest)) = path.split_first() else { return Ok(value.clone()) };
    let nothing = || Node::new(Value::Null, step.place.clone());
    let entry = |value: Node| Entry { key: step.name.clone(), key_place: step.place.clone(), value };
    let put_into = |node: &Node| put(node, rest, value);
    let refuse = |message: String| Err(Diagnostic::definition(message).at(&step.place));
    let changed = match &node.value {
        Value::Mapping(entries) => {
            let mut entries = entries.clone();
            match entries.iter_mut().find(|entry| entry.key == step.name) {
                Some(found) => found.value = put_into(&found.value)?,
                None => entries.push(entry(put_into(&nothing())?)),
            }
            Value::Mapping(entries)
        }
        Value::Null => Value::Mapping(vec![entry(put_into(&nothing())?)]),
        Value::Text(text) if text.value() == step.name => Value::Mapping(vec![entry(put_into(&nothing())?)]),
        Value::Sequence(items) => {
            let at = step.name.parse::<usize>().ok().filter(|at| *at < items.len());
            let Some(at) = at else {
                let count = items.len();
                return refuse(format!("there is a list of {count}: a step into it is a number from 0, below {count}"));
            };
            let mut items = items.clone();
            if let Some(item) = items.get_mut(at) {
                *item = put_into(item)?;
            }
            Value::Sequence(items)
        }
        _ => return refuse(format!("there is {}, which has no `{}`", node.describe(), step.name)),
    };
    Ok(Node::new(changed, node.place.clone()))
}

/// The value at the end of a path, if it is written.
pub fn find<'n>(node: &'n Node, path: &[Step]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, step| match &node.value {
        Value::Sequence(items) => step.name.parse::<usize>().ok().and_then(|at| items.get(at)),
        _ => node.get(&step.name),
    })
}

/// The mapping without a key.
pub fn without(node: &Node, key: &str) -> Node {
    match &node.value {
        Value::Mapping(entries) => {
            let entries = entries.iter().filter(|entry| entry.key != key).cloned().collect();
            Node::new(Value::Mapping(entries), node.place.clone())
        }
        _ => node.clone(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{LoadOptions, parse};
    use super::*;
    use crate::diagnostic::Source;

    fn node(yaml: &str) -> Node {
        let text = format!("name: p\nstages:\n  - train: {yaml}\n");
        let pipeline = parse(Source::new("p.yaml", text), &LoadOptions::default(), std::path::Path::new("")).unwrap();
        pipeline.stages.first().unwrap().options.clone()
    }

    fn path(text: &str) -> Vec<Step> {
        let place = Place::new(&Source::new("path", text), 0..text.len());
        text.split('.').map(|name| Step { name: name.to_owned(), place: place.clone() }).collect()
    }

    fn changed(yaml: &str, at: &str, value: i64) -> Result<Node, String> {
        let place = Place::new(&Source::new("value", ""), 0..0);
        put(&node(yaml), &path(at), &Node::new(Value::Integer(value), place)).map_err(|error| error.message)
    }

    #[test]
    fn a_value_is_replaced_where_it_stands_and_added_where_it_does_not() {
        assert_eq!(changed("{epochs: 3}", "epochs", 9), Ok(node("{epochs: 9}")));
        assert_eq!(
            changed("{epochs: 3}", "optimizer.sgd.rate", 9),
            Ok(node("{epochs: 3, optimizer: {sgd: {rate: 9}}}"))
        );
        assert_eq!(changed("{optimizer: sgd}", "optimizer.sgd.rate", 9), Ok(node("{optimizer: {sgd: {rate: 9}}}")));
        assert_eq!(changed("{network: [{a: 1}, {b: 2}]}", "network.1.b", 9), Ok(node("{network: [{a: 1}, {b: 9}]}")));
    }

    #[test]
    fn a_path_that_leads_nowhere_is_refused() {
        assert_eq!(
            changed("{epochs: 3}", "epochs.x", 9),
            Err("there is the whole number `3`, which has no `x`".to_owned())
        );
        assert_eq!(
            changed("{network: [1]}", "network.1", 9),
            Err("there is a list of 1: a step into it is a number from 0, below 1".to_owned())
        );
        assert!(changed("{optimizer: adamw}", "optimizer.sgd.rate", 9).is_err());
    }
}
