//! What there is to look at in one column.

use serde_json::json;

use super::{Alert, AlertKind, Severity, dropping, percent, quoted, rows, short, texts};
use crate::digits;
use crate::stages::mine::profile::document::{ColumnProfile, Meaning, NumberProfile, share};

pub(super) fn of_column(column: &ColumnProfile, found: &mut Vec<Alert>) {
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
        texts::of_texts(column, texts, found);
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
        found.push(
            Alert::new(AlertKind::Gaps, Severity::Info, &[name], message, why)
                .mend(json!({ "trends": { "time": name, "every": "day", "aggregate": "count" } })),
        );
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
        found.push(match dropping(name) {
            // What is left of it is whether there is a value.
            _ if column.nulls > 0 => alert.mend(json!({ "derive": { name: format!("{} is not null", quoted(name)) } })),
            Some(stage) => alert.mend(stage),
            None => alert,
        });
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
        let parts = [(numbers.nan, "NaN"), (numbers.infinite, "infinite")];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, what)| format!("{} {what}", digits::whole(*count))).collect();
        let message = format!("{} among the values", parts.join(" and "));
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
            "{} ({}) of the values lie more than 3 interquartile ranges outside of the quartiles",
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
