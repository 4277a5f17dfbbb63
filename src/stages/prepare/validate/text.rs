//! Expectations of texts.

use super::options::{Columns, Layout, Length, Pattern, Typed};
use super::rows::each;
use super::scope::{Draft, Scope, quoted, refuse, text_literal};
use crate::definition::Spanned;
use crate::diagnostic::Findings;

/// Local part and labels as in HTML's `input type=email`, with a dot in the host.
const EMAIL: &str = "[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+";
/// Scheme, optional user, host or address, optional port, path, query and fragment without spaces.
const URL: &str =
    "(?i:https?|ftp)://(?:[^\\s/@]+@)?(?:\\[[0-9A-Fa-f:.]+\\]|[^\\s/?#:@\\[\\]]+)(?::[0-9]{1,5})?(?:[/?#]\\S*)?";
const UUID: &str = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}";
const PHONE: &str = "\\+[1-9][0-9]{1,14}";

/// Addresses of version 4 in dotted decimals, and of version 6 in the three forms of RFC 4291, section 2.2.
fn address() -> String {
    let part = "[0-9A-Fa-f]{1,4}";
    let byte = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    let dotted = format!("(?:{byte}\\.){{3}}{byte}");
    let mut forms = vec![dotted.clone(), format!("(?:{part}:){{7}}{part}"), format!("(?:{part}:){{6}}{dotted}")];
    // `::` stands for at least one of eight groups, of which a dotted end is two.
    for before in 0..=7_u32 {
        let start = if before == 0 { "::".to_owned() } else { format!("(?:{part}:){{{before}}}:") };
        forms.push(match 6_u32.checked_sub(before) {
            Some(more) => format!("{start}(?:{part}(?::{part}){{0,{more}}})?"),
            None => start.clone(),
        });
        if let Some(more) = 5_u32.checked_sub(before) {
            forms.push(format!("{start}(?:{part}:){{0,{more}}}{dotted}"));
        }
    }
    forms.join("|")
}

/// Columns whose texts match a regular expression as a whole.
fn whole(names: &Columns, scope: &Scope<'_>, words: &str, pattern: &str) -> Result<Vec<Draft>, Findings> {
    texts(names, scope, words, |column| format!("regexp_full_match({column}, {})", text_literal(pattern)))
}

fn texts(
    names: &Columns,
    scope: &Scope<'_>,
    words: &str,
    sql: impl Fn(&str) -> String,
) -> Result<Vec<Draft>, Findings> {
    let mut wrong = Findings::new();
    for name in names.iter() {
        if let Err(mut findings) = scope.text(name) {
            wrong.append(&mut findings);
        }
    }
    if wrong.is_empty() { each(names, scope, words, sql) } else { Err(wrong) }
}

pub(super) fn not_blank(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    texts(names, scope, "is not blank", |column| format!("trim({column}) <> ''"))
}

pub(super) fn email(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    whole(names, scope, "is an e-mail address", EMAIL)
}

pub(super) fn url(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    whole(names, scope, "is a web address", URL)
}

pub(super) fn uuid(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    whole(names, scope, "is a UUID", UUID)
}

pub(super) fn ip(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    whole(names, scope, "is an IP address", &address())
}

pub(super) fn phone(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    whole(names, scope, "is a telephone number", PHONE)
}

pub(super) fn json(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    texts(names, scope, "is JSON", |column| format!("json_valid({column})"))
}

pub(super) fn iso_date(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    texts(names, scope, "is an ISO date", |column| {
        format!(
            "regexp_full_match({column}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') and ({column} is null or try_strptime({column}, '%Y-%m-%d') is not null)"
        )
    })
}

pub(super) fn iso_datetime(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let form = "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)?(?:Z|z|[+-][0-9]{2}(?::?[0-9]{2})?)?";
    texts(names, scope, "is an ISO date and time", |column| {
        format!(
            "regexp_full_match({column}, {}) and ({column} is null or try_strptime(left({column}, 10), '%Y-%m-%d') is not null)",
            text_literal(form)
        )
    })
}

pub(super) fn ascii(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    whole(names, scope, "is ASCII", "[\\x00-\\x7F]*")
}

pub(super) fn digits(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    whole(names, scope, "has digits only", "[0-9]+")
}

pub(super) fn trimmed(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    texts(names, scope, "has no white space at its ends", |column| {
        format!("not regexp_matches({column}, {})", text_literal("^\\s|\\s$"))
    })
}

pub(super) fn lower_case(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    texts(names, scope, "is in small letters", |column| format!("{column} = lower({column})"))
}

pub(super) fn upper_case(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    texts(names, scope, "is in capital letters", |column| format!("{column} = upper({column})"))
}

fn pattern(
    options: &Pattern,
    scope: &Scope<'_>,
    words: &str,
    sql: impl Fn(&str, &str) -> String,
) -> Result<Vec<Draft>, Findings> {
    let field = scope.text(&options.column)?;
    let pattern = text_literal(&options.pattern.value);
    let name = format!("{} {words} {}", field.name, options.pattern.value);
    scope.rows(name, &[&field], &sql(&quoted(&field.name), &pattern), &options.pattern.place)
}

pub(super) fn regex(options: &Pattern, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    pattern(options, scope, "matches", |column, pattern| format!("regexp_matches({column}, {pattern})"))
}

pub(super) fn not_regex(options: &Pattern, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    pattern(options, scope, "does not match", |column, pattern| format!("not regexp_matches({column}, {pattern})"))
}

pub(super) fn like(options: &Pattern, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    pattern(options, scope, "is like", |column, pattern| format!("{column} like {pattern}"))
}

pub(super) fn not_like(options: &Pattern, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    pattern(options, scope, "is not like", |column, pattern| format!("{column} not like {pattern}"))
}

pub(super) fn length(options: &Length, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.text(&options.column)?;
    let column = quoted(&field.name);
    let (words, sql) = match (options.min, options.max) {
        (Some(min), Some(max)) if min == max => (format!("{min}"), format!("length({column}) = {min}")),
        (Some(min), Some(max)) => (format!("{min} to {max}"), format!("length({column}) between {min} and {max}")),
        (Some(min), None) => (format!("at least {min}"), format!("length({column}) >= {min}")),
        (None, Some(max)) => (format!("at most {max}"), format!("length({column}) <= {max}")),
        (None, None) => return Err(refuse("`length` needs `min` or `max`", &options.column.place)),
    };
    scope.rows(format!("{} has {words} characters", field.name), &[&field], &sql, &options.column.place)
}

pub(super) fn castable(options: &Typed, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.column(&options.column)?;
    is_type_name(&options.r#type)?;
    let column = quoted(&field.name);
    let sql = format!("{column} is null or try_cast({column} as {}) is not null", options.r#type.value);
    scope.rows(
        format!("{} can be read as {}", field.name, options.r#type.value),
        &[&field],
        &sql,
        &options.r#type.place,
    )
}

/// Refuses what could be more than the name of a type.
pub(super) fn is_type_name(name: &Spanned<String>) -> Result<(), Findings> {
    let plain = name.value.chars().all(|c| c.is_ascii_alphanumeric() || " _(),'/+-".contains(c));
    if plain { Ok(()) } else { Err(refuse(format!("there is no type `{}`", name.value), &name.place)) }
}

pub(super) fn date_format(options: &Layout, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.text(&options.column)?;
    let column = quoted(&field.name);
    let sql =
        format!("{column} is null or try_strptime({column}, {}) is not null", text_literal(&options.format.value));
    scope.rows(format!("{} has the form {}", field.name, options.format.value), &[&field], &sql, &options.format.place)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn addresses_are_those_that_the_standard_library_reads(text in "[0-9a-f:.]{0,12}|([0-9a-f]{1,4}:){0,7}:?([0-9a-f]{1,4}:){0,5}[0-9.]{1,12}") {
            let pattern = regex::Regex::new(&format!("^(?:{})$", address())).unwrap();
            prop_assert_eq!(pattern.is_match(&text), text.parse::<std::net::IpAddr>().is_ok(), "{}", text);
        }
    }
}
