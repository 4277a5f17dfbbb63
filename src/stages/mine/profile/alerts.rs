//! What a person should look at: each alert says what was found, why it matters, and which stage mends it.

mod columns;
mod table;
mod texts;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::document::TableProfile;
use crate::definition;
use crate::digits;

/// Alerts that are kept at most; a table of thousands of columns would have as many of one kind.
const MOST: usize = 1_000;

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// What it is.
    pub kind: AlertKind,
    /// How grave it is.
    pub severity: Severity,
    /// The columns that it is about; none when it is about the rows.
    pub columns: Vec<String>,
    /// What was found.
    pub message: String,
    /// Why it matters.
    pub why: String,
    /// A stage that mends or watches it, as YAML to paste below the stage that gives the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

/// How grave an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It will make results wrong or fail.
    Bad,
    /// It may make results wrong.
    Warning,
    /// Good to know.
    Info,
}

/// Kinds of alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The table has no rows.
    NoRows,
    /// Rows that cannot be read were set aside.
    SetAside,
    /// A column holds nothing but nulls.
    Empty,
    /// Rows come more than once.
    DuplicateRows,
    /// NaN or infinities.
    NotFinite,
    /// Signs of an encoding gone wrong.
    Damaged,
    /// Values that stand for a missing one.
    Sentinel,
    /// Texts that stand for a missing value.
    NullWords,
    /// Texts that hold numbers, dates or booleans.
    StoredAsText,
    /// Values that do not fit what the others are.
    Misfits,
    /// Several forms in one column.
    MixedFormats,
    /// One word in several spellings.
    Spellings,
    /// White space at the ends of texts.
    WhiteSpace,
    /// Many nulls.
    Nulls,
    /// Columns that are null together.
    NullTogether,
    /// One value.
    Constant,
    /// Nearly one value.
    NearlyConstant,
    /// One category has most rows.
    Imbalance,
    /// A long tail.
    Skew,
    /// Values far from the others.
    Outliers,
    /// Many zeros.
    Zeros,
    /// Two columns that move together.
    Correlation,
    /// A column that another one determines.
    Dependency,
    /// A dependency that some rows break.
    BrokenDependency,
    /// Columns that could identify a row.
    Key,
    /// A column that nearly identifies a row.
    NearlyKey,
    /// Many categories.
    ManyCategories,
    /// Personal data.
    Personal,
    /// Days without rows.
    Gaps,
}

/// Everything to look at in a table, the gravest first.
pub fn alerts(table: &TableProfile) -> Vec<Alert> {
    let mut found = Vec::new();
    if table.rows == 0 {
        found.push(
            Alert::new(AlertKind::NoRows, Severity::Bad, &[], "there are no rows", "everything below works on nothing")
                .mend(json!({ "validate": { "checks": [{ "rows": { "min": 1 } }] } })),
        );
        return found;
    }
    table::of_rows(table, &mut found);
    for column in &table.columns {
        columns::of_column(column, &mut found);
    }
    table::of_pairs(table, &mut found);
    found.sort_by_key(|alert| (alert.severity, alert.kind));
    found.truncate(MOST);
    found
}

impl Alert {
    /// Rows of a file were set aside; `first` is where the first stands and what is wrong with it.
    pub fn set_aside(count: u64, file: &str, first: Option<&str>) -> Self {
        let first = first.map(|first| format!(", the first at {first}")).unwrap_or_default();
        let message = format!("{} of `{file}` set aside{first}", rows(count));
        let why = "they cannot be read, and are in none of the numbers; `read` with `on_error: reject` and `rejects: FILE` writes them \
                   to a file, and ends at the first without";
        Self::new(AlertKind::SetAside, Severity::Bad, &[], message, why)
    }

    fn new(kind: AlertKind, severity: Severity, columns: &[&str], message: impl Into<String>, why: &str) -> Self {
        Self {
            kind,
            severity,
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            message: message.into(),
            why: why.to_owned(),
            mend: None,
        }
    }

    /// Names the stage that mends it.
    fn mend(mut self, stage: Value) -> Self {
        let line = definition::to_yaml_line(&stage);
        let inner = line.strip_prefix('{').and_then(|line| line.strip_suffix('}')).unwrap_or(&line);
        // A dollar before a brace would be a parameter.
        self.mend = Some(format!("- {}", inner.replace("${", "$${")));
        self
    }

    /// A stage `clean` with rules for the columns as they were written already.
    fn clean(mut self, rules: &str) -> Self {
        self.mend = Some(format!("- clean: {{columns: {{{rules}}}}}"));
        self
    }
}

/// A name in SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A pattern of `select` that matches the name only where it has no star; none for others.
fn dropping(name: &str) -> Option<Value> {
    (!name.contains('*')).then(|| json!({ "select": { "drop": name } }))
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.05 { format!("{percent:.1e} %") } else { format!("{percent:.1} %") }
}

fn rows(count: u64) -> String {
    digits::rows(count)
}

/// A value short enough to stand in a sentence, on one line.
fn short(text: &str) -> String {
    crate::files::shown(text)
}
