//! Parameters that are treated alike.

use super::super::plan::Place;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What is different for some parameters. The last rule that names a parameter wins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRule {
    /// Which: a name such as `layer_1.weight`, where `*` stands for anything.
    pub parameters: String,
    /// By what their learning rate is multiplied, beside the factor that their layer asks for. Default 1; 0 freezes them.
    #[serde(default = "one")]
    pub rate: f64,
    /// Whether weight decay applies. Default: to weights, but neither to biases nor to the factors and shifts of norms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decay: Option<bool>,
}

fn one() -> f64 {
    1.0
}

/// Neighbouring parameters that are treated alike.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) range: Range<usize>,
    /// By what the learning rate is multiplied.
    pub(crate) rate: f64,
    pub(crate) decays: bool,
    /// Whether gradients change it.
    pub(crate) learned: bool,
}

/// The groups of all parameters in their order; a table is never joined with its neighbours.
///
/// Errors: a rule that names no parameter or has a rate that makes no sense.
pub(crate) fn groups(parameters: &[Place], rules: &[GroupRule]) -> Result<Vec<Group>, String> {
    for GroupRule { parameters: pattern, rate, .. } in rules {
        if !(rate.is_finite() && *rate >= 0.0) {
            return Err(format!("the rate of `{pattern}` must be 0 or a number above, it is {rate}"));
        }
        if !parameters.iter().any(|place| matches(pattern, &place.name)) {
            return Err(format!("`{pattern}` names no parameter of the network"));
        }
    }
    let mut groups: Vec<Group> = Vec::new();
    let mut joinable = false;
    for place in parameters {
        let rule = rules.iter().rfind(|rule| matches(&rule.parameters, &place.name));
        let rate = f64::from(place.rate) * rule.map_or(1.0, |rule| rule.rate);
        let decays = rule.and_then(|rule| rule.decay).unwrap_or(place.decays);
        let learned = place.learned && rate > 0.0;
        let group = Group { range: place.range.clone(), rate, decays, learned };
        match groups.last_mut() {
            Some(last)
                if joinable
                    && place.table.is_none()
                    && last.range.end == group.range.start
                    && (last.rate, last.decays, last.learned) == (rate, decays, learned) =>
            {
                last.range.end = group.range.end;
            }
            _ => groups.push(group),
        }
        joinable = place.table.is_none();
    }
    Ok(groups)
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            name.char_indices().map(|(i, _)| i).chain([name.len()]).any(|i| matches(rest, &name[i..]))
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::init::Initial;
    use super::*;

    fn places() -> Vec<Place> {
        let place = |name: &str, range: Range<usize>, decays, learned| Place {
            name: name.to_owned(),
            step: 0,
            shape: vec![range.len()],
            range,
            initial: Initial::Zeros,
            decays,
            rate: 1.0,
            learned,
            table: None,
        };
        vec![
            place("layer_1.weight", 0..6, true, true),
            place("layer_1.bias", 6..8, false, true),
            place("layer_2.factor", 8..10, false, true),
            place("layer_2.running_mean", 10..12, false, false),
        ]
    }

    #[test]
    fn biases_and_norms_do_not_decay_and_neighbours_are_joined() {
        let groups = groups(&places(), &[]).unwrap();
        let plain: Vec<_> = groups.iter().map(|g| (g.range.clone(), g.decays, g.learned)).collect();
        assert_eq!(plain, [(0..6, true, true), (6..10, false, true), (10..12, false, false)]);
    }

    #[test]
    fn rules_change_what_they_name_and_the_last_wins() {
        let rule = |parameters: &str, rate, decay| GroupRule { parameters: parameters.to_owned(), rate, decay };
        let rules = [rule("*.bias", 0.1, Some(true)), rule("layer_1.*", 0.0, None), rule("*1*weight", 3.0, None)];
        let groups = groups(&places(), &rules).unwrap();
        let plain: Vec<_> = groups.iter().map(|g| (g.range.clone(), g.rate, g.decays, g.learned)).collect();
        let expected = [
            (0..6, 3.0, true, true),
            (6..8, 0.0, false, false),
            (8..10, 1.0, false, true),
            (10..12, 1.0, false, false),
        ];
        assert_eq!(plain, expected);
    }

    #[test]
    fn rules_without_a_parameter_are_refused() {
        let rule = GroupRule { parameters: "layer_9.*".to_owned(), rate: 1.0, decay: None };
        assert_eq!(groups(&places(), &[rule]).unwrap_err(), "`layer_9.*` names no parameter of the network");
    }
}
