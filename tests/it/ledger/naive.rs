//! What the stages mean, row by row, in the simplest way there is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// A row of the table that flows, with the columns that stages added.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) key: Option<i64>,
    pub(super) x: Option<f64>,
    pub(super) s: Option<&'static str>,
    pub(super) added: BTreeMap<String, Value>,
}

/// A row of the table that joins look up.
#[derive(Debug, Clone)]
pub(super) struct Label {
    pub(super) key: Option<i64>,
    pub(super) label: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    First,
    Last,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Inner,
    Left,
    Semi,
    Anti,
    Right,
    Full,
}

/// A stage of a random pipeline.
#[derive(Debug, Clone)]
pub(super) enum Step {
    FilterX(i64),
    FilterKeyOrX(i64, i64),
    FilterText,
    FilterOdd,
    Dedupe(&'static [&'static str], Keep),
    Join(How),
    Derive,
    SampleRows(u64),
    SampleFraction,
    Limit(usize, usize),
    Union,
    Sort(bool),
    Split,
    Clean,
    ImputeConstant,
    ImputeMean,
    Drop,
    Validate,
}

/// What is known of the rows after some stages: all of them in order, or nothing.
pub(super) type Known = Option<Vec<Row>>;

impl Step {
    /// The stage in YAML. `at` makes new names unique.
    pub(super) fn yaml(&self, at: usize) -> String {
        match self {
            Self::FilterX(limit) => format!("filter: \"x > {limit}\""),
            Self::FilterKeyOrX(key, limit) => format!("filter: \"key = {key} or x < {limit}\""),
            Self::FilterText => "filter: \"s is not null\"".into(),
            Self::FilterOdd => "filter: \"id % 2 = 1\"".into(),
            Self::Dedupe(on, keep) => {
                let keep = format!("{keep:?}").to_lowercase();
                format!("dedupe: {{on: [{}], keep: {keep}}}", on.join(", "))
            }
            Self::Join(how @ (How::Semi | How::Anti)) => {
                format!("join: {{with: labels, on: key, how: {}}}", format!("{how:?}").to_lowercase())
            }
            Self::Join(how) => {
                let how = format!("{how:?}").to_lowercase();
                format!("join: {{with: labels, on: key, how: {how}, take: {{label: label_{at}}}}}")
            }
            Self::Derive => format!("derive: {{d_{at}: \"x * 2\"}}"),
            Self::SampleRows(rows) => format!("sample: {{rows: {rows}, seed: {at}}}"),
            Self::SampleFraction => format!("sample: {{fraction: 0.5, seed: {at}}}"),
            Self::Limit(rows, offset) => format!("limit: {{rows: {rows}, offset: {offset}}}"),
            Self::Union => "union: {with: [table], missing: \"null\"}".into(),
            Self::Sort(false) => "sort: {by: [key, id desc]}".into(),
            Self::Sort(true) => "sort: {by: x desc}".into(),
            Self::Split => "split: {by: hash, on: key}".into(),
            Self::Clean => "clean: {columns: {s: {trim: true, case: lower}}}".into(),
            Self::ImputeConstant => "impute: {columns: {x: {constant: 0}}}".into(),
            Self::ImputeMean => "impute: {columns: {x: mean}}".into(),
            Self::Drop => "outliers: {columns: x, method: iqr, action: drop}".into(),
            Self::Validate => {
                "validate: {severity: warn, checks: [{range: {column: x, min: 0}}, {unique: key}]}".into()
            }
        }
    }

    /// The rows after the stage.
    pub(super) fn apply(&self, rows: Vec<Row>, at: usize, table: &[Row], labels: &[Label], is_split: bool) -> Known {
        let mut rows = rows;
        match self {
            Self::FilterX(limit) => rows.retain(|row| row.x.is_some_and(|x| x > to_float(*limit))),
            Self::FilterKeyOrX(key, limit) => {
                rows.retain(|row| row.key == Some(*key) || row.x.is_some_and(|x| x < to_float(*limit)));
            }
            Self::FilterText => rows.retain(|row| row.s.is_some()),
            Self::FilterOdd => rows.retain(|row| row.id % 2 == 1),
            Self::Dedupe(on, keep) => rows = deduplicated(rows, on, *keep),
            Self::Join(how) => return joined(&rows, labels, *how, at),
            Self::Derive => {
                for row in &mut rows {
                    row.added.insert(format!("d_{at}"), row.x.map_or(Value::Null, |x| json!(x * 2.0)));
                }
            }
            Self::SampleRows(_) | Self::SampleFraction | Self::Drop => return None,
            Self::Limit(count, offset) => rows = rows.into_iter().skip(*offset).take(*count).collect(),
            Self::Union => rows.extend(table.iter().cloned()),
            Self::Sort(false) => rows.sort_by_key(|row| (row.key.is_none(), row.key, -row.id)),
            Self::Sort(true) => rows.sort_by(|a, b| match (a.x, b.x) {
                (Some(a), Some(b)) => b.total_cmp(&a),
                (a, b) => a.is_none().cmp(&b.is_none()),
            }),
            Self::Split | Self::Validate => {}
            Self::Clean => {
                for row in &mut rows {
                    row.s = row.s.map(|s| if matches!(s, " a" | "A") { "a" } else { s });
                }
            }
            Self::ImputeConstant => rows.iter_mut().for_each(|row| row.x = row.x.or(Some(0.0))),
            // What is learned below a split depends on its parts.
            Self::ImputeMean if is_split => return None,
            Self::ImputeMean => {
                let known: Vec<f64> = rows.iter().filter_map(|row| row.x).collect();
                let mean =
                    (!known.is_empty()).then(|| known.iter().sum::<f64>() / to_float(known.len().try_into().unwrap()));
                rows.iter_mut().for_each(|row| row.x = row.x.or(mean));
            }
        }
        Some(rows)
    }

    /// How many rows there are after the stage, where that is known without the rows.
    pub(super) fn count(&self, before: u64) -> Option<u64> {
        match self {
            Self::Limit(rows, offset) => Some(before.saturating_sub(*offset as u64).min(*rows as u64)),
            Self::SampleRows(rows) => Some(before.min(*rows)),
            Self::Derive
            | Self::Sort(_)
            | Self::Split
            | Self::Clean
            | Self::ImputeConstant
            | Self::ImputeMean
            | Self::Validate => Some(before),
            _ => None,
        }
    }
}

pub(super) fn to_float(number: i64) -> f64 {
    f64::from(i32::try_from(number).unwrap())
}

pub(super) fn deduplicated(rows: Vec<Row>, on: &[&str], keep: Keep) -> Vec<Row> {
    let key = |row: &Row| -> String { on.iter().map(|column| format!("{:?};", value(row, column))).collect() };
    let keys: Vec<String> = rows.iter().map(key).collect();
    let stays = |at: usize| match keep {
        Keep::First => !keys[..at].contains(&keys[at]),
        Keep::Last => !keys[at + 1..].contains(&keys[at]),
        Keep::None => keys.iter().filter(|key| **key == keys[at]).count() == 1,
    };
    rows.into_iter().enumerate().filter(|(at, _)| stays(*at)).map(|(_, row)| row).collect()
}

pub(super) fn joined(rows: &[Row], labels: &[Label], how: How, at: usize) -> Known {
    if matches!(how, How::Right | How::Full) {
        // The rows of the other table have no values for most columns of this one.
        return None;
    }
    let mut result = Vec::new();
    for row in rows {
        let matches: Vec<&Label> = labels.iter().filter(|label| label.key.is_some() && label.key == row.key).collect();
        let with = |label: Value| {
            let mut row = row.clone();
            row.added.insert(format!("label_{at}"), label);
            row
        };
        match how {
            How::Semi if !matches.is_empty() => result.push(row.clone()),
            How::Anti if matches.is_empty() => result.push(row.clone()),
            How::Left if matches.is_empty() => result.push(with(Value::Null)),
            How::Inner | How::Left => result.extend(matches.iter().map(|found| with(json!(found.label)))),
            How::Semi | How::Anti | How::Right | How::Full => {}
        }
    }
    Some(result)
}

/// How many rows a right or full join gives.
pub(super) fn outer_count(rows: &[Row], labels: &[Label], how: How) -> usize {
    let matches = |row: &Row| labels.iter().filter(|label| label.key.is_some() && label.key == row.key).count();
    let pairs: usize = rows.iter().map(matches).sum();
    let alone = rows.iter().filter(|row| matches(row) == 0).count();
    let keys: BTreeSet<i64> = rows.iter().filter_map(|row| row.key).collect();
    let unmet = labels.iter().filter(|label| label.key.is_none_or(|key| !keys.contains(&key))).count();
    pairs + unmet + if how == How::Full { alone } else { 0 }
}

pub(super) fn value(row: &Row, column: &str) -> Value {
    match column {
        "id" => json!(row.id),
        "key" => json!(row.key),
        "x" => json!(row.x),
        "s" => json!(row.s),
        added => row.added.get(added).cloned().unwrap_or(Value::Null),
    }
}

pub(super) fn groups(rows: &[Row]) -> BTreeMap<Option<i64>, u64> {
    let mut groups = BTreeMap::new();
    for row in rows {
        *groups.entry(row.key).or_insert(0) += 1;
    }
    groups
}
