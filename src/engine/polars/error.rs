//! Polars' trouble as sentences that a person can act on.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Once};

use polars::prelude::{PolarsError, PolarsResult};
use regex::Regex;

use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::memory::Exhausted;

/// Runs a piece of work of Polars; errors and panics in it become errors about `subject`, the files that are read (empty: none).
///
/// Polars panics on some damaged files instead of answering with an error; the report of such a panic is kept from standard error.
pub(super) fn guard<T>(subject: &str, run: impl FnOnce() -> PolarsResult<T>) -> Result<T, EngineError> {
    install_hook();
    let outcome = {
        let _quiet = Quiet::new();
        catch_unwind(AssertUnwindSafe(run))
    };
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(engine_error(&error, subject)),
        Err(payload) => {
            let reason = payload
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| payload.downcast_ref::<&str>().copied())
                .unwrap_or("no reason given");
            Err(panic_error(reason, subject))
        }
    }
}

/// What Polars says when it cannot write what does not fit the memory.
fn is_spill_trouble(text: &str) -> bool {
    ["POLARS_ABORT_OOC_OUT_OF_DISK", "failed to create spill file"].iter().any(|sign| text.contains(sign))
}

/// What the system says when there is no room to write to.
fn is_no_room(text: &str) -> bool {
    ["No space left on device", "Disk quota exceeded", "File too large"].iter().any(|sign| text.contains(sign))
}

fn no_room() -> EngineError {
    EngineError::new(Class::Limit, "there is no room for temporary files on the disk")
        .help("free some space, allow more with `--disk`, or give the run more memory with `--memory`")
}

fn panic_error(reason: &str, subject: &str) -> EngineError {
    if is_spill_trouble(reason) {
        return no_room();
    }
    let reason = plain_reason(reason);
    if subject.is_empty() {
        return EngineError::new(Class::Stage, format!("the engine gave up: {reason}"));
    }
    EngineError::new(Class::Data, format!("cannot read {subject}: the reader gave up: {reason}")).help(DAMAGED)
}

const DAMAGED: &str = "the file may be damaged or use a feature that is not supported";

/// The innermost message of a panic: many are another error, printed for programmers.
fn plain_reason(reason: &str) -> String {
    let inner = reason.split_once('"').map_or(reason, |(_, inner)| inner);
    let inner = inner.split(['"', '\n']).next().unwrap_or(inner);
    first_paragraph(inner.split("\\n").next().unwrap_or(inner))
}

/// How many guarded pieces of work run now, in the whole process.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread runs a guarded piece of work.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, panics of this thread and of Polars' own threads are not printed: they come back as errors.
struct Quiet {
    before: bool,
}

impl Quiet {
    fn new() -> Self {
        RUNNING.fetch_add(1, Ordering::SeqCst);
        Self { before: GUARDED.replace(true) }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        GUARDED.set(self.before);
        RUNNING.fetch_sub(1, Ordering::SeqCst);
    }
}

fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let of_polars = std::thread::current()
                .name()
                .is_some_and(|name| ["async-executor", "polars", "tokio"].iter().any(|start| name.starts_with(start)));
            if !(GUARDED.get() || (of_polars && RUNNING.load(Ordering::SeqCst) > 0)) {
                previous(info);
            }
        }));
    });
}

/// The error as one of ours: unreadable or ill-typed data are [`Class::Data`], a lack of memory is [`Class::Limit`],
/// a plan that Polars refuses is [`Class::Stage`].
pub(super) fn engine_error(error: &PolarsError, subject: &str) -> EngineError {
    let from = |message: String| if subject.is_empty() { message } else { format!("{message} (reading {subject})") };
    match error {
        PolarsError::Context { error, .. } | PolarsError::ExprContext { error, .. } => engine_error(error, subject),
        PolarsError::IO { error, .. } if crate::disk::is_full(error) => no_room(),
        PolarsError::IO { error, .. } => {
            let what = if subject.is_empty() { "the data" } else { subject };
            EngineError::new(Class::Data, format!("cannot read {what}: {}", os_reason(error)))
        }
        PolarsError::ComputeError(text) => compute_error(text, subject),
        PolarsError::InvalidOperation(text) if conversion_error(text, subject).is_some() => {
            compute_error(text, subject)
        }
        PolarsError::NoData(text) => EngineError::new(Class::Data, from(format!("no data: {}", first_paragraph(text)))),
        PolarsError::SchemaMismatch(text)
        | PolarsError::SchemaFieldNotFound(text)
        | PolarsError::ColumnNotFound(text)
        | PolarsError::StructFieldNotFound(text)
            if !subject.is_empty() =>
        {
            EngineError::new(Class::Data, from(format!("the columns are not as expected: {}", first_paragraph(text))))
                .help("files that are read together must have the same columns of the same types")
        }
        other => {
            EngineError::new(Class::Stage, from(format!("the engine refuses: {}", first_paragraph(&other.to_string()))))
        }
    }
}

/// How an error of ours is told from others on its way through Polars.
const CARRIED: &str = "error of gristmill: ";

/// The error in a form that goes through Polars, and that [`engine_error`] knows again.
pub(super) fn carry(error: EngineError) -> PolarsError {
    let parts = (error.class, error.message, error.help);
    PolarsError::ComputeError(format!("{CARRIED}{}", serde_json::to_string(&parts).unwrap_or_default()).into())
}

fn carried(text: &str) -> Option<EngineError> {
    // Polars may put a sentence before it and a plan after it.
    let (_, json) = text.split_once(CARRIED)?;
    let mut values = serde_json::Deserializer::from_str(json).into_iter();
    let (class, message, help): (Class, String, Option<String>) = values.next()?.ok()?;
    Some(EngineError { class, message, help })
}

fn compute_error(text: &str, subject: &str) -> EngineError {
    let from = |message: String| if subject.is_empty() { message } else { format!("{message} (reading {subject})") };
    if let Some(error) = carried(text) {
        return error;
    }
    if is_spill_trouble(text) || is_no_room(text) {
        return no_room();
    }
    if text.starts_with("OOM") {
        return EngineError::new(Class::Limit, "not enough memory").help(Exhausted::HELP);
    }
    if let Some(error) = conversion_error(text, subject) {
        return error;
    }
    let message = first_paragraph(text);
    if let Some(reason) = message.strip_prefix("parquet: ") {
        let reason = reason.trim_start_matches("File out of specification: ");
        return EngineError::new(Class::Data, format!("cannot read {subject}: {reason}")).help(DAMAGED);
    }
    if message.starts_with("found more fields than") {
        return EngineError::new(Class::Data, from("a row has more fields than the header".to_owned()))
            .help("look for an unquoted delimiter, or set `quote` or `delimiter`");
    }
    if message.starts_with("CSV malformed") {
        return EngineError::new(Class::Data, from("quotes do not pair, so lines cannot be told apart".to_owned()))
            .help(QUOTES);
    }
    if message.contains("invalid utf-8") || message.contains("invalid utf8") {
        return EngineError::new(Class::Data, from("the text is not UTF-8".to_owned()))
            .help("set `encoding` to the encoding of the file, such as `latin1`");
    }
    EngineError::new(Class::Data, from(message))
}

static CSV_VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?s)^could not parse `(.*)` as dtype `([^`]*)` at column '(.*)' \(column number \d+\)").ok()
});
static CAST_VALUES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?s)^conversion from `([^`]*)` to `([^`]*)` failed in column '(.*)' for (\d+) out of (\d+) values: \[(.*?)\](?:\n|$)").ok()
});

static JSON_VALUE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?s)^cannot parse '(.*)' \([A-Za-z0-9]+\) as ([A-Za-z0-9]+)$").ok());

/// A value that is not of its type, with the column where Polars knows it.
fn conversion_error(text: &str, subject: &str) -> Option<EngineError> {
    let from = if subject.is_empty() { String::new() } else { format!(" (reading {subject})") };
    if let Some(found) = CSV_VALUE.as_ref().and_then(|regex| regex.captures(text)) {
        let (value, to, column) = (shown(&found[1]), type_name(&found[2]), &found[3]);
        if to == "string" {
            // Any field is a text, so only its quotes can be wrong.
            return Some(
                EngineError::new(Class::Data, format!("column `{column}`: the quotes of {value} do not pair{from}"))
                    .help(QUOTES),
            );
        }
        return Some(
            EngineError::new(Class::Data, format!("column `{column}`: {value} is not a value of type {to}{from}"))
                .help(format!("add {value} to `null_values`, or read the column as string and convert it")),
        );
    }
    if let Some(found) = JSON_VALUE.as_ref().and_then(|regex| regex.captures(text)) {
        let (value, to) = (shown(&found[1]), found[2].to_lowercase());
        return Some(EngineError::new(Class::Data, format!("{value} is not a value of type {to}{from}")));
    }
    let found = CAST_VALUES.as_ref().and_then(|regex| regex.captures(text))?;
    let [source, to, column, values] = [type_name(&found[1]), type_name(&found[2]), &found[3], &found[6]];
    let place = if column.is_empty() { String::new() } else { format!("column `{column}`: ") };
    Some(
        EngineError::new(Class::Data, format!("{place}cannot convert {values} from {source} to {to}{from}"))
            .help("`try_cast` makes such values null"),
    )
}

const QUOTES: &str = "a quote within a field is written twice, and such a field stands between quotes; `quote` names another mark or none";

/// A value between backticks, on one line and not too long.
fn shown(value: &str) -> String {
    const MOST: usize = 60;
    let line: String = value.chars().take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let rest = if value.chars().nth(MOST).is_some() { ".." } else { "" };
    format!("`{line}{rest}`")
}

/// The name of the language for a type that Polars names.
fn type_name(name: &str) -> &str {
    match name {
        "str" => "string",
        "bool" => "boolean",
        "i8" => "int8",
        "i16" => "int16",
        "i32" => "int32",
        "i64" => "int64",
        "u8" => "uint8",
        "u16" => "uint16",
        "u32" => "uint32",
        "u64" => "uint64",
        "f32" => "float32",
        "f64" => "float64",
        "datetime[μs]" => "datetime",
        "duration[μs]" => "duration",
        other => other,
    }
}

/// What the operating system says, without the number and what Polars adds behind it.
pub(super) fn os_reason(error: &std::io::Error) -> String {
    error.to_string().split(" (os error").next().unwrap_or_default().to_owned()
}

/// The first paragraph on one line; the rest of Polars' messages is advice about Python.
fn first_paragraph(text: &str) -> String {
    text.trim().split("\n\n").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_that_names_the_file() {
        let error = guard::<()>("a.parquet", || panic!("index out of bounds")).unwrap_err();
        assert_eq!(error.class, Class::Data);
        assert_eq!(error.message, "cannot read a.parquet: the reader gave up: index out of bounds");
    }

    #[test]
    fn a_panic_about_another_error_tells_the_inner_one() {
        let text = r#"called `Result::unwrap()` on an `Err` value: ComputeError(ErrString("unable to parse\n\nHint"))"#;
        assert_eq!(plain_reason(text), "unable to parse");
    }

    #[test]
    fn a_bad_csv_value_names_value_column_and_type() {
        let polars = PolarsError::ComputeError(
            "could not parse `x y` as dtype `i64` at column 'a' (column number 1)\n\nThe current offset".into(),
        );
        let error = engine_error(&polars, "t.csv");
        assert_eq!(error.class, Class::Data);
        assert_eq!(error.message, "column `a`: `x y` is not a value of type int64 (reading t.csv)");
        assert_eq!(error.help.unwrap(), "add `x y` to `null_values`, or read the column as string and convert it");
    }

    #[test]
    fn quotes_that_do_not_pair_are_named_and_long_values_are_cut() {
        let field = format!("\"b\n{}", "x".repeat(100));
        let text = format!("could not parse `{field}` as dtype `str` at column 'a' (column number 1)\n\nThe");
        let error = engine_error(&PolarsError::ComputeError(text.into()), "");
        assert_eq!(error.message, format!("column `a`: the quotes of `\"b {}..` do not pair", "x".repeat(57)));
    }

    #[test]
    fn a_failed_cast_names_values_column_and_types() {
        let polars = PolarsError::InvalidOperation(
            "conversion from `str` to `i64` failed in column 'a' for 1 out of 2 values: [\"x\"]\n\nDid".into(),
        );
        let error = engine_error(&polars, "");
        assert_eq!(error.class, Class::Data);
        assert_eq!(error.message, "column `a`: cannot convert \"x\" from string to int64");
    }

    #[test]
    fn a_lack_of_room_for_temporary_files_is_a_limit() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert_eq!(engine_error(&PolarsError::from(full), "").class, Class::Limit);
        let error = guard::<()>("a.parquet", || panic!("failed to create spill file '/x': No space left")).unwrap_err();
        assert_eq!(error.class, Class::Limit);
    }

    #[test]
    fn a_lack_of_memory_is_a_limit() {
        let refused = Exhausted { name: "a sort".to_owned(), asked: 2 << 30, limit: 1 << 30 };
        let found = engine_error(&carry(refused.into()), "a.csv");
        assert_eq!(
            (found.class, found.message.as_str()),
            (Class::Limit, "not enough memory: a sort needs 2.0 GiB of 1.0 GiB")
        );
        assert_eq!(engine_error(&PolarsError::ComputeError("OOM: none".into()), "").class, Class::Limit);
    }

    #[test]
    fn an_io_error_says_what_the_system_said() {
        let error = std::io::Error::from_raw_os_error(2);
        let error = PolarsError::from(error);
        let error = engine_error(&error, "gone.csv");
        assert_eq!(
            (error.class, error.message.as_str()),
            (Class::Data, "cannot read gone.csv: No such file or directory")
        );
    }
}
