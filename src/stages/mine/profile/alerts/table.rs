//! What there is to look at among the rows and between columns.

use serde_json::json;

use super::{Alert, AlertKind, Severity, dropping, percent, rows};
use crate::stages::mine::profile::document::{Meaning, TableProfile, share};

pub(super) fn of_rows(table: &TableProfile, found: &mut Vec<Alert>) {
    let repeats = &table.duplicates;
    if repeats.rows > 0 {
        let part = percent(share(repeats.rows, table.rows));
        let message = if repeats.exact {
            format!("{} ({part}) repeat an earlier row in every column", rows(repeats.rows))
        } else {
            format!(
                "about {} ({part}, ± {}) repeat an earlier row in every column",
                rows(repeats.rows),
                percent(repeats.standard_error)
            )
        };
        let why = "what is counted or summed counts them twice, and a model is tested on rows that it has seen";
        let flat = table.columns.iter().all(|column| column.meaning != Meaning::Opaque);
        let alert = Alert::new(AlertKind::DuplicateRows, Severity::Warning, &[], message, why);
        found.push(if flat { alert.mend(json!({ "dedupe": {} })) } else { alert });
    }
    for (columns, together) in table.nulls.together.iter().filter(|(_, count)| *count < table.rows).take(20) {
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        let message = format!("{} are null in the same {} and in no others", names.join(", "), rows(*together));
        let why =
            "there is one reason for all of them: fill or drop them together, and do not count them as separate faults";
        let alert = Alert::new(AlertKind::NullTogether, Severity::Info, &names, message, why);
        found.push(alert.mend(json!({ "validate": { "checks": [{ "null_together": columns }] } })));
    }
}

pub(super) fn of_pairs(table: &TableProfile, found: &mut Vec<Alert>) {
    for pair in table.correlations.iter().filter(|pair| pair.coefficient.abs() >= 0.95).take(50) {
        let message = format!("r = {:.3} over {}", pair.coefficient, rows(pair.count));
        let why = "they say nearly the same: their effects cannot be told apart in a regression, and one of them may have leaked from the other";
        let alert = Alert::new(AlertKind::Correlation, Severity::Info, &[&pair.left, &pair.right], message, why);
        found.push(dropping(&pair.right).map_or(alert.clone(), |stage| alert.mend(stage)));
    }
    for dependency in table.dependencies.iter().take(50) {
        let names = [dependency.from.as_str(), dependency.to.as_str()];
        let check = json!({ "distinct_count": { "column": dependency.to, "max": 1 }, "by": dependency.from });
        if dependency.violations == 0.0 {
            let message = format!("each `{}` has one `{}`", dependency.from, dependency.to);
            let why = "it is said twice: it could live in a table of its own, and a model gains nothing from both";
            found.push(
                Alert::new(AlertKind::Dependency, Severity::Info, &names, message, why)
                    .mend(json!({ "validate": { "severity": "warn", "checks": [check] } })),
            );
        } else {
            let message = format!(
                "each `{}` has one `{}`, but for {} of the rows",
                dependency.from,
                dependency.to,
                percent(dependency.violations)
            );
            let why = "either the rule has exceptions, or these rows are wrong";
            found.push(
                Alert::new(AlertKind::BrokenDependency, Severity::Info, &names, message, why)
                    .mend(json!({ "validate": { "severity": "warn", "checks": [check] } })),
            );
        }
    }
    // Where one column identifies a row, two that also do are chance.
    let alone = table.keys.iter().any(|key| key.columns.len() == 1);
    for key in table.keys.iter().filter(|key| !alone || key.columns.len() == 1).take(20) {
        let names: Vec<&str> = key.columns.iter().map(String::as_str).collect();
        let message = if key.exact {
            format!("no two rows agree in {}", names.join(" and "))
        } else {
            format!("no two rows agree in {}, as far as {} were compared", names.join(" and "), rows(key.compared))
        };
        let why = "it could identify a row: say so, and the run ends when a later file breaks it";
        found.push(
            Alert::new(AlertKind::Key, Severity::Info, &names, message, why)
                .mend(json!({ "validate": { "checks": [{ "unique": key.columns }] } })),
        );
    }
}
