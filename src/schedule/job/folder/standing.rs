//! What is in force of what the files say, and what of that is new.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cycles::circle;
use super::{File, News, Says, Told};
use crate::diagnostic::{Diagnostic, Findings, nearest};
use crate::schedule::job::Definition;

type InForce = BTreeMap<String, Arc<Definition>>;

/// Puts in force what is good, by itself and together with the others, and tells what differs from what was told before.
pub(super) fn settle(
    files: &BTreeMap<String, File>,
    in_force: &mut InForce,
    told: &mut BTreeMap<String, Told>,
) -> Vec<News> {
    let mut news = Vec::new();
    let gone: Vec<String> =
        in_force.keys().chain(told.keys()).filter(|name| !files.contains_key(*name)).cloned().collect();
    for name in gone {
        let was_there = in_force.remove(&name).is_some() | told.remove(&name).is_some();
        if was_there {
            news.push(News::Gone { name });
        }
    }
    let mut says: BTreeMap<&str, (&str, Says)> = BTreeMap::new();
    for (name, file) in files {
        if let Some(own) = &file.says {
            says.insert(name, (&file.path, own.clone()));
        }
    }
    refuse_circles(&mut says, in_force);
    for (name, (file, own)) in says {
        let now = match &own {
            Ok((hash, definition)) => {
                let warnings = definition.warnings.iter().cloned().chain(unknown(definition, files)).collect();
                Told::Good { file: file.to_owned(), hash: hash.clone(), warnings }
            }
            Err(findings) => Told::Bad { file: file.to_owned(), findings: findings.clone() },
        };
        if let Ok((_, definition)) = &own {
            in_force.insert(name.to_owned(), Arc::clone(definition));
        }
        if told.get(name) == Some(&now) {
            continue;
        }
        told.insert(name.to_owned(), now.clone());
        let name = name.to_owned();
        match (now, own) {
            (Told::Good { file, hash, warnings }, Ok((_, definition))) => {
                news.push(News::Good { name, file, hash, definition, warnings });
            }
            (Told::Bad { file, findings }, _) => news.push(News::Bad { name, file, findings }),
            (Told::Good { .. }, Err(_)) => {}
        }
    }
    news.sort_by(|one, other| one.name().cmp(other.name()));
    news
}

impl News {
    /// The job.
    pub fn name(&self) -> &str {
        match self {
            Self::Good { name, .. } | Self::Bad { name, .. } | Self::Gone { name } => name,
        }
    }
}

/// Refuses definitions that would make jobs start each other without end: those of a circle that are new. What was in force before stays
/// so in their place, and made no circle.
fn refuse_circles(says: &mut BTreeMap<&str, (&str, Says)>, in_force: &InForce) {
    loop {
        let mut after: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, (_, own)) in says.iter() {
            let definition = own.as_ref().ok().map(|(_, definition)| definition).or_else(|| in_force.get(*name));
            if let Some(definition) = definition {
                after.insert(name, definition.after.iter().map(|other| other.value.as_str()).collect());
            }
        }
        let Some(circle) = circle(&after) else { return };
        let circle: Vec<String> = circle.into_iter().map(str::to_owned).collect();
        drop(after);
        let mut refused = false;
        for only_new in [true, false] {
            for (at, name) in circle.iter().enumerate() {
                let Some((_, own)) = says.get_mut(name.as_str()) else { continue };
                let Ok((_, definition)) = own else { continue };
                let is_in_force = in_force.get(name).is_some_and(|old| old.source.text() == definition.source.text());
                if only_new && is_in_force {
                    continue;
                }
                let next = circle.get(at + 1).or(circle.first());
                *own = Err(vec![endless(definition, &circle, next.map_or("", String::as_str))]);
                refused = true;
            }
            if refused {
                break;
            }
        }
        if !refused {
            return;
        }
    }
}

fn endless(definition: &Definition, circle: &[String], next: &str) -> Diagnostic {
    let names: Vec<String> = circle.iter().chain(circle.first()).map(|name| format!("`{name}`")).collect();
    let found = Diagnostic::definition(format!("jobs would start each other without end: {}", names.join(" after ")));
    let found = found.help("take one out of `after`");
    match definition.after.iter().find(|other| other.value == next) {
        Some(other) => found.at(&other.place),
        None => found,
    }
}

/// Warns of jobs after which this one runs and which have no file.
fn unknown(definition: &Definition, files: &BTreeMap<String, File>) -> Findings {
    let missing = definition.after.iter().filter(|other| !files.contains_key(&other.value));
    let warn = |other: &crate::definition::Spanned<String>| {
        let found = Diagnostic::warning(format!("there is no job `{other}` to run after")).at(&other.place);
        match nearest(other, files.keys().map(String::as_str).filter(|name| *name != definition.name)) {
            Some(near) => found.label(format!("did you mean `{near}`?")),
            None => found,
        }
    };
    missing.map(warn).collect()
}
