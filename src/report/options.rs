//! The options of a stage, written as people write them in a pipeline.

use serde_json::Value;

use super::text;

/// The most lines.
const MOST_LINES: usize = 200;
/// The most characters of a value.
const LONGEST_VALUE: usize = 300;
/// Lists and mappings up to this many characters stand on one line.
const ONE_LINE: usize = 70;
/// Nothing is deeper than this in a pipeline file.
const DEEPEST: usize = 32;

/// Options as indented text; ends with an ellipsis when there are very many.
pub(super) fn options(value: &Value) -> String {
    let mut lines = Vec::new();
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| entry(key, value, 0, &mut lines)),
        other => lines.push(short(other)),
    }
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        lines.push("…".to_owned());
    }
    lines.join("\n")
}

fn entry(key: &str, value: &Value, depth: usize, lines: &mut Vec<String>) {
    if lines.len() > MOST_LINES {
        return;
    }
    let indent = "  ".repeat(depth);
    let key = text::line(key, 120);
    let on_one_line = is_flat(value, depth)
        .then(|| short(value))
        .filter(|text| text.chars().count() <= ONE_LINE || !is_nested(value));
    match (value, on_one_line) {
        (_, Some(text)) => lines.push(format!("{indent}{key}: {text}")),
        (Value::Object(entries), None) => {
            lines.push(format!("{indent}{key}:"));
            entries.iter().for_each(|(key, value)| entry(key, value, depth + 1, lines));
        }
        (Value::Array(items), None) => {
            lines.push(format!("{indent}{key}:"));
            for item in items.iter().take(MOST_LINES) {
                lines.push(format!("{indent}  - {}", text::line(&short(item), LONGEST_VALUE)));
            }
        }
        (other, None) => lines.push(format!("{indent}{key}: {}", short(other))),
    }
}

fn is_nested(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::Array(_))
}

/// Scalars, and lists and mappings that are small enough to look at whether they fit on a line.
fn is_flat(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => items.len() <= 40 && items.iter().all(|item| !is_nested(item)),
        Value::Object(entries) => {
            (depth > 0 || entries.is_empty()) && entries.len() <= 10 && entries.values().all(|value| !is_nested(value))
        }
        _ => true,
    }
}

/// On one line, at most a few hundred characters.
fn short(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    text::line(&out, LONGEST_VALUE)
}

fn write(value: &Value, depth: usize, out: &mut String) {
    if out.len() > 4 * LONGEST_VALUE || depth > DEEPEST {
        return;
    }
    match value {
        Value::String(text) if is_plain(text) => out.push_str(text),
        Value::Array(items) => list(out, ['[', ']'], items, |item, out| write(item, depth + 1, out)),
        Value::Object(entries) => list(out, ['{', '}'], entries, |(key, value), out| {
            out.push_str(key);
            out.push_str(": ");
            write(value, depth + 1, out);
        }),
        other => out.push_str(&other.to_string()),
    }
}

fn list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    write: impl Fn(T, &mut String),
) {
    out.push(open);
    for (at, item) in items.into_iter().enumerate() {
        if out.len() > 4 * LONGEST_VALUE {
            break;
        }
        if at > 0 {
            out.push_str(", ");
        }
        write(item, out);
    }
    out.push(close);
}

/// Text that is read as text without quotes.
fn is_plain(text: &str) -> bool {
    let scalar = matches!(text, "" | "true" | "false" | "null" | "~") || text.parse::<f64>().is_ok();
    let edge = |c: Option<char>| c.is_some_and(char::is_whitespace);
    let marks = [',', '[', ']', '{', '}', '#', '"', '\n', '\r', '\t'];
    !scalar && !text.contains(marks) && !text.contains(": ") && !edge(text.chars().next()) && !edge(text.chars().last())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_read_like_a_pipeline() {
        let value = json!({
            "on": ["carrier", "flight"], "keep": "first", "limit": null, "types": {}, "share": 0.5, "null_values": ["", "NA"],
            "network": [{"dense": 128}, {"dense": 64}], "optimizer": {"adamw": {"learning_rate": 0.001}},
        });
        let text = options(&value);
        assert_eq!(
            text,
            "on: [carrier, flight]\nkeep: first\nlimit: null\ntypes: {}\nshare: 0.5\nnull_values: [\"\", NA]\n\
             network:\n  - {dense: 128}\n  - {dense: 64}\noptimizer:\n  adamw: {learning_rate: 0.001}"
        );
    }

    #[test]
    fn many_options_are_cut() {
        let many: serde_json::Map<_, _> = (0..5_000).map(|n| (format!("k{n}"), json!(n))).collect();
        let text = options(&Value::Object(many));
        assert!(text.lines().count() == 201 && text.ends_with('…'));
        let text = options(&json!({"columns": (0..100_000).map(|n| format!("c{n}")).collect::<Vec<_>>()}));
        assert!(text.lines().count() <= 201, "{}", text.lines().count());
    }
}
