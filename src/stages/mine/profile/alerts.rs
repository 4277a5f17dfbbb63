//! What a person should look at: each alert says what was found, why it matters, and which stage mends it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::document::{ColumnProfile, Meaning, NumberProfile, TableProfile, TextProfile, share};
use super::finish::first_shape_share;
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
        found.push(Alert::new(
            AlertKind::NoRows,
            Severity::Bad,
            &[],
            "there are no rows",
            "everything below works on nothing",
        ));
        return found;
    }
    of_rows(table, &mut found);
    for column in &table.columns {
        of_column(column, &mut found);
    }
    of_pairs(table, &mut found);
    found.sort_by_key(|alert| (alert.severity, alert.kind));
    found.truncate(MOST);
    found
}

impl Alert {
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

fn of_rows(table: &TableProfile, found: &mut Vec<Alert>) {
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

fn of_column(column: &ColumnProfile, found: &mut Vec<Alert>) {
    let name = column.name.as_str();
    let values = column.values();
    if values == 0 {
        let alert = Alert::new(
            AlertKind::Empty,
            Severity::Warning,
            &[name],
            "all values are null",
            "it tells nothing, and most stages cannot work with it",
        );
        found.push(match dropping(name) {
            Some(stage) => alert.mend(stage),
            None => alert,
        });
        return;
    }
    nulls(column, found);
    frequencies(column, found);
    if let Some(numbers) = &column.numbers {
        of_numbers(column, numbers, found);
    }
    if let Some(texts) = &column.texts {
        of_texts(column, texts, found);
    }
    if let Some(times) = &column.times
        && let (Some(days), Some(missing)) = (times.days, times.missing_days)
        && missing > 0
        && days >= 14
        && share(missing, days + missing) < 0.5
    {
        let longest =
            times.gaps.first().map(|(from, to)| if from == to { from.clone() } else { format!("{from} to {to}") });
        let message = format!(
            "{} of {} days between {} and {} have no row; the longest gap is {}",
            digits::whole(missing),
            digits::whole(days + missing),
            times.first,
            times.last,
            longest.unwrap_or_default()
        );
        let why = "sums by day, trends and forecasts take a missing day for a day on which nothing happened";
        found.push(Alert::new(AlertKind::Gaps, Severity::Info, &[name], message, why));
    }
    if matches!(column.meaning, Meaning::Email | Meaning::Phone | Meaning::IpAddress) {
        let message = format!("it holds values of the form of a personal {}", column.meaning.words());
        let why = "reports and samples show values: leave such columns out, or replace them by a hash, before others see them";
        let expression = format!("sha256({})", quoted(name));
        found.push(
            Alert::new(AlertKind::Personal, Severity::Info, &[name], message, why)
                .mend(json!({ "derive": { name: expression } })),
        );
    }
}

fn nulls(column: &ColumnProfile, found: &mut Vec<Alert>) {
    let part = column.null_share();
    if part < 0.05 {
        return;
    }
    let name = column.name.as_str();
    let severity = if part >= 0.5 { Severity::Warning } else { Severity::Info };
    let message = format!("{} ({}) are null", rows(column.nulls), percent(part));
    let why = if part >= 0.5 {
        "most rows say nothing here: what is filled in would be invented"
    } else {
        "rows without a value are left out of means and models, and they are rarely a random part"
    };
    let alert = Alert::new(AlertKind::Nulls, severity, &[name], message, why);
    found.push(match column.meaning {
        _ if part >= 0.9 => dropping(name).map_or(alert.clone(), |stage| alert.mend(stage)),
        Meaning::Integer | Meaning::Number => {
            alert.mend(json!({ "impute": { "columns": { name: "median" }, "indicator": "_missing" } }))
        }
        Meaning::Category | Meaning::Code | Meaning::Name if column.texts.is_some() => {
            alert.mend(json!({ "impute": { "columns": { name: { "constant": "missing" } } } }))
        }
        _ => alert.mend(json!({ "validate": { "severity": "warn", "checks": [{ "not_null": name }] } })),
    });
}

fn frequencies(column: &ColumnProfile, found: &mut Vec<Alert>) {
    let name = column.name.as_str();
    let values = column.values();
    let Some(first) = column.first() else { return };
    let part = share(first.count - first.error, values);
    let shown = format!("`{}`", short(&first.value));
    if column.meaning == Meaning::Constant {
        let alert = Alert::new(
            AlertKind::Constant,
            Severity::Warning,
            &[name],
            format!("all values are {shown}"),
            "it cannot explain anything, and divides by a deviation of 0 when it is scaled",
        );
        found.push(dropping(name).filter(|_| column.nulls == 0).map_or(alert.clone(), |stage| alert.mend(stage)));
        return;
    }
    if part >= 0.99 && values >= 100 {
        let message = format!("{} of the values are {shown}", percent(part));
        let why = "a random part of the rows may hold nothing else";
        let alert = Alert::new(AlertKind::NearlyConstant, Severity::Warning, &[name], message, why);
        found.push(dropping(name).map_or(alert.clone(), |stage| alert.mend(stage)));
        return;
    }
    let category = matches!(column.meaning, Meaning::Category | Meaning::Boolean | Meaning::BooleansAsText);
    if category && column.distinct.count >= 2 && column.distinct.count <= 50 && part >= 0.9 && values >= 100 {
        let message = format!("{} of the values are {shown}", percent(part));
        let why = "a model that always says so looks good: judge it by more than its share of right answers, or balance the training rows";
        found.push(
            Alert::new(AlertKind::Imbalance, Severity::Info, &[name], message, why)
                .mend(json!({ "sample": { "by": name, "balance": "down" } })),
        );
    }
    let many = column.texts.is_some()
        && matches!(column.meaning, Meaning::Code | Meaning::Name)
        && column.distinct.count > 100
        && share(column.distinct.count, values) < 0.5;
    if many {
        let message = format!(
            "{}{} different texts",
            if column.distinct.exact { "" } else { "about " },
            digits::whole(column.distinct.count)
        );
        let why = "a column for each would be too many, and most of them would hardly occur";
        found.push(
            Alert::new(AlertKind::ManyCategories, Severity::Info, &[name], message, why)
                .mend(json!({ "encode": { "columns": { name: "frequency" }, "keep": true } })),
        );
    }
    let nearly = share(column.distinct.count, values);
    let unsure = 3.0 * column.distinct.standard_error;
    let could = column.texts.is_some() || column.meaning == Meaning::Id;
    if could && nearly + unsure < 1.0 && nearly >= 0.98 && values >= 100 && column.meaning != Meaning::FreeText {
        let message = format!(
            "{} of {} values are repeated",
            digits::whole(values - column.distinct.count),
            digits::whole(values)
        );
        let why = "if it should identify a row, these rows are wrong or come twice, and a join by it multiplies them";
        found.push(
            Alert::new(AlertKind::NearlyKey, Severity::Warning, &[name], message, why)
                .mend(json!({ "validate": { "severity": "warn", "checks": [{ "unique": name }] } })),
        );
    }
}

fn of_numbers(column: &ColumnProfile, numbers: &NumberProfile, found: &mut Vec<Alert>) {
    let name = column.name.as_str();
    let sql = quoted(name);
    let bad = numbers.nan + numbers.infinite;
    if bad > 0 {
        let message =
            format!("{} NaN and {} infinite values", digits::whole(numbers.nan), digits::whole(numbers.infinite));
        let why = "one of them makes every sum, mean and model undefined";
        found.push(
            Alert::new(AlertKind::NotFinite, Severity::Bad, &[name], message, why)
                .mend(json!({ "derive": { name: format!("case when isfinite({sql}) then {sql} end") } })),
        );
    }
    for sentinel in &numbers.sentinels {
        let message =
            format!("`{}` comes {} times: {}", sentinel.value, digits::whole(sentinel.count), sentinel.because);
        let why = "it seems to stand for a missing value; taken for a value it moves means and bends models";
        let alert = Alert::new(AlertKind::Sentinel, Severity::Warning, &[name], message, why);
        let literal = match &column.times {
            Some(_) if column.meaning == Meaning::Date => format!("date '{}'", sentinel.value),
            Some(_) => format!("timestamp '{}'", sentinel.value),
            None => sentinel.value.clone(),
        };
        let zoned = column.r#type.contains("with time zone") || column.r#type.contains('[');
        found.push(if zoned {
            alert
        } else {
            alert.mend(json!({ "derive": { name: format!("nullif({sql}, {literal})") } }))
        });
    }
    if !column.meaning.measures() || numbers.count < 30 {
        return;
    }
    let zeros = share(numbers.zeros, numbers.count);
    if zeros >= 0.5 && column.distinct.count > 10 {
        let message = format!("{} of the values are 0", percent(zeros));
        let why = "there are two questions in it, whether there is anything and how much: a mean answers neither";
        found.push(
            Alert::new(AlertKind::Zeros, Severity::Info, &[name], message, why)
                .mend(json!({ "derive": { (format!("{name}_is_zero")): format!("{sql} = 0") } })),
        );
    }
    if let Some(skewness) = numbers.skewness.filter(|skewness| skewness.abs() > 3.0) {
        let message =
            format!("skewness {skewness:.1}: a long tail to the {}", if skewness > 0.0 { "right" } else { "left" });
        let why = "few values decide the mean and the deviation; the median and quantiles say more, and so does another scale";
        found.push(
            Alert::new(AlertKind::Skew, Severity::Info, &[name], message, why)
                .mend(json!({ "standardize": { "columns": name, "method": "yeo_johnson", "suffix": "_normal" } })),
        );
    }
    let far = share(numbers.far_outliers, numbers.count);
    if numbers.far_outliers > 0 && far < 0.2 {
        let message = format!(
            "{} values ({}) lie more than 3 interquartile ranges outside of the quartiles",
            digits::whole(numbers.far_outliers),
            percent(far)
        );
        let why = "errors or rare truths: look at them before they decide a mean, a correlation or a model";
        found.push(
            Alert::new(AlertKind::Outliers, Severity::Info, &[name], message, why)
                .mend(json!({ "outliers": { "columns": name, "method": "iqr", "factor": 3.0, "action": "flag" } })),
        );
    }
}

fn of_texts(column: &ColumnProfile, texts: &TextProfile, found: &mut Vec<Alert>) {
    let name = column.name.as_str();
    let values = column.values();
    if texts.classes.damaged > 0 {
        let message = format!("{} hold signs of a wrong encoding, such as \u{fffd} or Ã©", rows(texts.classes.damaged));
        let why = "the same name in two encodings is two names; read the file again with the right `encoding`";
        let pattern = "\u{fffd}|[ÃÂ][\u{80}-\u{bf}]|â€";
        found.push(
            Alert::new(AlertKind::Damaged, Severity::Warning, &[name], message, why)
                .mend(json!({ "validate": { "severity": "warn", "checks": [{ "not_regex": { "column": name, "pattern": pattern } }] } })),
        );
    }
    let stored = matches!(column.meaning, Meaning::NumbersAsText | Meaning::DatesAsText | Meaning::BooleansAsText);
    if let (true, Some(holds), Some(rules)) = (stored, &texts.holds, &texts.rules) {
        let why = "texts sort and compare by their letters: 10 comes before 9, and nothing can be added up";
        found.push(
            Alert::new(AlertKind::StoredAsText, Severity::Warning, &[name], format!("the texts are {holds}"), why)
                .clean(rules),
        );
        if texts.misfit > 0 {
            let examples: Vec<String> =
                texts.misfits.iter().take(3).map(|(text, count)| format!("`{}` × {count}", short(text))).collect();
            let message = format!("{} do not fit: {}", rows(texts.misfit), examples.join(", "));
            let why = "they become null when the others are read";
            found.push(Alert::new(AlertKind::Misfits, Severity::Warning, &[name], message, why).clean(rules));
        }
    }
    let tokens: u64 = texts.null_tokens.iter().map(|(_, count)| count).sum();
    if tokens > 0 && !stored {
        let words: Vec<String> =
            texts
                .null_tokens
                .iter()
                .take(4)
                .map(|(text, count)| {
                    if text.is_empty() {
                        format!("nothing × {count}")
                    } else {
                        format!("`{}` × {count}", short(text))
                    }
                })
                .collect();
        let message = format!("{} hold words for a missing value: {}", rows(tokens), words.join(", "));
        let why = "they count as values: as one more category, and not as missing";
        let tokens: Vec<&str> = texts.null_tokens.iter().map(|(text, _)| text.as_str()).collect();
        found.push(
            Alert::new(AlertKind::NullWords, Severity::Warning, &[name], message, why)
                .mend(json!({ "clean": { "columns": { name: { "trim": true, "null_tokens": tokens } } } })),
        );
    }
    if texts.classes.untrimmed > 0 && !stored {
        let message = format!("{} have white space at an end", rows(texts.classes.untrimmed));
        let why = "`A` and `A ` are two values: groups split and joins miss";
        found.push(
            Alert::new(AlertKind::WhiteSpace, Severity::Warning, &[name], message, why)
                .mend(json!({ "clean": { "columns": { name: { "trim": true } } } })),
        );
    }
    if texts.variant_count > 0 && !matches!(column.meaning, Meaning::FreeText | Meaning::Url | Meaning::Path) && !stored
    {
        let examples: Vec<String> = texts
            .variants
            .iter()
            .take(2)
            .map(|(first, others)| {
                format!("`{}` and `{}`", short(first), short(others.first().map_or("", String::as_str)))
            })
            .collect();
        let message = format!(
            "{} spellings differ from others in case and white space only: {}",
            digits::whole(texts.variant_count),
            examples.join("; ")
        );
        let why = "each spelling is a group of its own, and its rows are missing in the other";
        found.push(
            Alert::new(AlertKind::Spellings, Severity::Warning, &[name], message, why)
                .mend(json!({ "clean": { "columns": { name: { "trim": true, "squeeze": true, "case": "lower" } } } })),
        );
    }
    mixed_formats(column, texts, values, found);
}

/// Texts of codes of which some have another shape, and days in several layouts.
fn mixed_formats(column: &ColumnProfile, texts: &TextProfile, values: u64, found: &mut Vec<Alert>) {
    let name = column.name.as_str();
    let first = first_shape_share(texts, values);
    let layouts = texts.holds.as_deref().is_some_and(|holds| holds.contains(" or "));
    let form = texts.kinds.first().map(|(kind, count)| (kind.as_str(), share(*count, values)));
    let why = "what one form means is guesswork for the other: 01/02/2024 is two days";
    if column.meaning == Meaning::DatesAsText && layouts {
        let message =
            format!("the texts are written in more than one way: {}", texts.holds.as_deref().unwrap_or_default());
        let alert = Alert::new(AlertKind::MixedFormats, Severity::Warning, &[name], message, why);
        found.push(match &texts.rules {
            Some(rules) => alert.clean(rules),
            None => alert,
        });
    } else if let Some((kind @ ("email" | "url" | "uuid" | "ip" | "phone"), part)) =
        form.filter(|(_, part)| *part >= 0.5 && *part < 1.0)
    {
        let message = format!("{} of the values have the form `{kind}`, the others do not", percent(part));
        let why = "the others cannot be used for what the column is for";
        found.push(
            Alert::new(AlertKind::MixedFormats, Severity::Warning, &[name], message, why)
                .mend(json!({ "validate": { "severity": "warn", "checks": [{ kind: name }] } })),
        );
    } else if matches!(column.meaning, Meaning::Code | Meaning::Id)
        && (0.8..1.0).contains(&first)
        && texts.shapes.len() > 1
    {
        let shown: Vec<String> = texts
            .shapes
            .iter()
            .take(3)
            .map(|shape| format!("`{}` {}", shape.value, percent(share(shape.count, values))))
            .collect();
        let message = format!("most codes have one shape, some another: {}", shown.join(", "));
        found.push(Alert::new(
            AlertKind::MixedFormats,
            Severity::Info,
            &[name],
            message,
            "a code of another shape is often one of another kind, or mistyped",
        ));
    }
}

fn of_pairs(table: &TableProfile, found: &mut Vec<Alert>) {
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
    for key in table.keys.iter().take(20) {
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

/// A value short enough to stand in a sentence, on one line.
fn short(text: &str) -> String {
    crate::files::shown(text)
}
