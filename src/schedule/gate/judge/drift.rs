//! How far rows have moved.

use super::{Condition, Judged};
use crate::schedule::gate::evidence::{DRIFT, Drifted, Moved, drift, only, worked};
use crate::schedule::gate::number::plain;
use crate::schedule::gate::{Drift, Evidence};

/// Columns that a reason names.
const NAMED: usize = 5;

pub(super) fn judge(asked: &Drift, evidence: &Evidence<'_>) -> Judged {
    let record = evidence.record;
    let stage = match &asked.stage {
        Some(id) => worked(record, id),
        None => only(record, &DRIFT),
    };
    let subject = match (&stage, &asked.stage) {
        (Ok(stage), _) => format!("the drift of `{}`", stage.id),
        (Err(_), Some(id)) => format!("the drift of `{}`", id.value),
        (Err(_), None) => "the drift".to_owned(),
    };
    let limit = asked.at_most.value;
    let condition = Condition::new(subject, format!("at most PSI {}", plain(limit)));
    match stage.and_then(drift) {
        Err(why) => Judged::unknown(&condition, &why),
        Ok(Drifted::First(why)) => Judged::first(&condition, "is not known yet", &why),
        Ok(Drifted::Gone(why)) => Judged::measured(&condition, false, format!("is as far as can be: {why}")),
        Ok(Drifted::Columns(columns)) => of_columns(&condition, asked, limit, &columns),
    }
}

fn of_columns(condition: &Condition, asked: &Drift, limit: f64, columns: &[Moved]) -> Judged {
    let mut looked_at: Vec<&Moved> = columns.iter().collect();
    if let Some(names) = &asked.columns {
        for name in names.iter() {
            let known = columns.iter().find(|column| column.column == name.value);
            match known {
                None => return Judged::unknown(condition, &format!("the stage compares no column `{}`", name.value)),
                Some(column) if column.psi.is_none() && column.instead.is_empty() => {
                    return Judged::unknown(condition, &format!("column `{}` could not be compared", name.value));
                }
                Some(_) => {}
            }
        }
        looked_at.retain(|column| names.iter().any(|name| name.value == column.column));
    }
    let is_lost = |column: &&&Moved| matches!(column.instead.as_str(), "gone" | "type changed");
    let mut bad: Vec<String> = looked_at
        .iter()
        .filter(is_lost)
        .map(|column| match column.instead.as_str() {
            "gone" => format!("`{}` is gone", column.column),
            _ => format!("`{}` has another type", column.column),
        })
        .collect();
    let measured = |column: &&&Moved| column.instead.is_empty() && column.psi.is_some();
    let mut beyond: Vec<(&str, f64)> = Vec::new();
    let mut unclear: Vec<&str> = Vec::new();
    let mut largest: Option<(&str, f64)> = None;
    for column in looked_at.iter().filter(measured) {
        let (name, psi) = (column.column.as_str(), column.psi.unwrap_or(0.0));
        match (psi > limit, column.by_chance) {
            (true, false) => beyond.push((name, psi)),
            (true, true) => unclear.push(name),
            (false, _) => {}
        }
        if !column.by_chance && largest.is_none_or(|(_, most)| psi > most) {
            largest = Some((name, psi));
        }
    }
    beyond.sort_by(|a, b| b.1.total_cmp(&a.1));
    bad.extend(beyond.iter().map(|(name, psi)| format!("`{name}` has PSI {}", short(*psi))));
    if !bad.is_empty() {
        let more = bad.len().saturating_sub(NAMED);
        bad.truncate(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        return Judged::measured(condition, false, format!("is too large: {}{more}", bad.join(", ")));
    }
    let chance = match unclear.as_slice() {
        [] => String::new(),
        some => {
            let names: Vec<String> = some.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
            format!("; {} may have moved by chance, there are few rows", names.join(", "))
        }
    };
    match largest {
        Some((name, psi)) => Judged::measured(condition, true, format!("is PSI {} (`{name}`){chance}", short(psi))),
        None if !unclear.is_empty() => Judged::measured(condition, true, format!("is not beyond chance{chance}")),
        None if looked_at.iter().any(|column| column.instead == "new") => {
            Judged::first(condition, "is not known yet", "the columns were not there before")
        }
        None => Judged::unknown(condition, "no column could be compared"),
    }
}

/// Three decimals say enough of an index.
fn short(psi: f64) -> String {
    plain((psi * 1_000.0).round() / 1_000.0)
}
