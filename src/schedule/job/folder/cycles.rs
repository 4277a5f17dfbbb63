//! Jobs that would start each other without end.

use std::collections::{BTreeMap, BTreeSet};

/// One circle in the graph `job -> the jobs after which it runs`, beginning with its first name: `[a, b]` when `a` runs after `b`
/// and `b` after `a`. O(jobs + names).
pub(super) fn circle<'a>(after: &BTreeMap<&'a str, Vec<&'a str>>) -> Option<Vec<&'a str>> {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for start in after.keys() {
        let mut path: Vec<(&str, std::slice::Iter<'_, &str>)> = Vec::new();
        let mut open = Some(*start).filter(|start| !done.contains(start));
        loop {
            if let Some(job) = open.take()
                && let Some(others) = after.get(job)
            {
                path.push((job, others.iter()));
            }
            let Some((job, others)) = path.last_mut() else { break };
            match others.next() {
                Some(other) => {
                    if let Some(at) = path.iter().position(|(job, _)| job == other) {
                        let mut circle: Vec<&str> = path.iter().skip(at).map(|(job, _)| *job).collect();
                        let first = circle.iter().enumerate().min_by_key(|(_, job)| **job).map_or(0, |(at, _)| at);
                        circle.rotate_left(first);
                        return Some(circle);
                    }
                    open = Some(*other).filter(|other| !done.contains(other));
                }
                None => {
                    done.insert(job);
                    path.pop();
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(edges: &[(&'static str, &[&'static str])]) -> Option<Vec<&'static str>> {
        circle(&edges.iter().map(|(job, after)| (*job, after.to_vec())).collect())
    }

    #[test]
    fn a_circle_is_found_wherever_it_is() {
        assert_eq!(find(&[("a", &["a"])]), Some(vec!["a"]));
        assert_eq!(find(&[("a", &["b"]), ("b", &["a"])]), Some(vec!["a", "b"]));
        assert_eq!(
            find(&[("a", &["c"]), ("b", &["d"]), ("c", &["b"]), ("d", &["x", "c"]), ("x", &[])]),
            Some(vec!["b", "d", "c"])
        );
    }

    #[test]
    fn what_only_meets_again_is_no_circle() {
        assert_eq!(
            find(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[]), ("e", &["a", "d", "gone"])]),
            None
        );
        assert_eq!(find(&[]), None);
    }

    #[test]
    fn a_long_chain_takes_no_long_time() {
        let names: Vec<String> = (0..1000).map(|number| format!("j{number:04}")).collect();
        let after = names
            .iter()
            .enumerate()
            .map(|(at, name)| (name.as_str(), names.iter().skip(at + 1).take(100).map(String::as_str).collect()));
        assert_eq!(circle(&after.collect()), None);
    }
}
