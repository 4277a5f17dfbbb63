//! What there is to look at in a column of texts.

use serde_json::json;

use super::{Alert, AlertKind, Severity, percent, rows, short};
use crate::digits;
use crate::stages::mine::profile::document::{ColumnProfile, Meaning, TextProfile, share};
use crate::stages::mine::profile::finish::first_shape_share;

pub(super) fn of_texts(column: &ColumnProfile, texts: &TextProfile, found: &mut Vec<Alert>) {
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
        let why = "a code of another shape is often one of another kind, or mistyped";
        let alert = Alert::new(AlertKind::MixedFormats, Severity::Info, &[name], message, why);
        found.push(match texts.shapes.first().and_then(|shape| pattern(&shape.value)) {
            Some(pattern) => alert.mend(json!({ "validate": { "severity": "warn", "checks": [{ "regex": { "column": name, "pattern": pattern } }] } })),
            None => alert,
        });
    }
}

/// The regular expression of a shape; none of one that was cut.
fn pattern(shape: &str) -> Option<String> {
    let mut pattern = String::from("^");
    for sign in shape.chars() {
        match sign {
            '9' => pattern.push_str("[0-9]+"),
            'A' => pattern.push_str("\\p{Lu}+"),
            // Letters that are neither small nor capital have the shape of small ones.
            'a' => pattern.push_str("[\\p{L}--\\p{Lu}]+"),
            ' ' => pattern.push_str("\\s+"),
            '…' => return None,
            other => pattern.push_str(&regex::escape(&other.to_string())),
        }
    }
    Some(pattern + "$")
}
