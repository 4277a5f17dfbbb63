//! What is declared of a function.

use std::fmt;

use serde::Serialize;

use crate::expression::{Family, Function};

/// Everything that is known about a function without an engine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Declaration {
    /// The function itself.
    pub function: Function,
    /// The family it belongs to.
    pub family: Family,
    /// Its names in SQL; the first one is canonical, the others are known from other engines.
    pub names: &'static [&'static str],
    /// The ways to call it; the first one that fits is taken.
    pub signatures: &'static [Signature],
    /// What happens when an argument is null.
    pub nulls: &'static str,
    /// What it computes.
    pub summary: &'static str,
    /// A call with its value; aggregates and window functions run over [`EXAMPLE_ROWS`].
    pub example: Example,
    /// Whether all engines give the same value for the same rows in any order. Estimates do not, and neither does a
    /// function that may choose among rows.
    pub deterministic: bool,
}

impl Declaration {
    /// The canonical name.
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

/// A call in SQL with its value as JSON. A window function's value is the list of its values in the order of the rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    /// The call.
    pub sql: &'static str,
    /// Its value, written in JSON; dates and times are text.
    pub value: &'static str,
}

/// The rows over which the examples of aggregates and window functions run, as columns of JSON: `g` and `s` are strings,
/// `x` is int64, `y` is float64, `b` is boolean.
pub const EXAMPLE_ROWS: &str = r#"{"g": ["a", "a", "a", "b", "b"], "x": [3, 1, null, 2, 2], "y": [1.5, 0.5, 2.0, 4.0, 8.0], "s": ["p", "q", "q", null, "r"], "b": [true, false, true, null, true]}"#;

/// One way to call a function.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Signature {
    /// The arguments in order.
    pub parameters: &'static [Parameter],
    /// Whether the last parameter may be repeated.
    pub variadic: bool,
    /// The type of the value.
    pub result: Yields,
}

/// An argument of a function.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameter {
    /// What it is called in the documentation.
    pub name: &'static str,
    /// What it may be.
    pub accepts: Accepts,
    /// Whether it may be left out, and what stands in its place then.
    pub optional: Optional,
}

/// Whether an argument may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Optional {
    /// It must be given.
    No,
    /// The typed tree has no argument there when it is left out.
    Absent,
    /// The typed tree has this integer there when it is left out.
    Integer(i64),
    /// The typed tree has this text there when it is left out.
    Text(&'static str),
    /// The typed tree has a null there when it is left out.
    Null,
}

/// What an argument may be, and what it is coerced to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Accepts {
    /// Any value, as it is.
    Any,
    /// Any value; all arguments of this kind get one common type.
    Common,
    /// A value with an order (no list, no struct); all arguments of this kind get one common type.
    Ordered,
    /// A boolean.
    Boolean,
    /// An integer of any width, as int64.
    Integer,
    /// A number: integers as int64, all others as float64.
    Number,
    /// A number or a boolean: floats and decimals as float64, the others as int64.
    Countable,
    /// Any number, as float64.
    Float,
    /// A number or a boolean, as float64.
    Measurable,
    /// Text.
    String,
    /// A date, or a datetime with or without a zone.
    Moment,
    /// A date or a datetime; all arguments of this kind get one common type.
    Moments,
    /// A time, or a datetime with or without a zone; a date counts as its midnight.
    Clock,
    /// A date, a datetime or a duration.
    MomentOrDuration,
    /// A list.
    List,
    /// A list of numbers.
    NumberList,
    /// A list of text.
    StringList,
    /// An element of the list given before.
    Element,
    /// A value of the type of the first argument.
    LikeFirst,
    /// A value whose text is the same everywhere: a boolean, an integer, text or a date.
    Key,
    /// A literal: a regular expression in the syntax of Rust's `regex` crate.
    Pattern,
    /// A literal: letters that change how a regular expression works.
    PatternOptions,
    /// A literal: `year`, `quarter`, `month`, `week`, `day`, `hour`, `minute`, `second`, `millisecond` or `microsecond`.
    DatePart,
    /// A literal: a layout of dates and times such as `%Y-%m-%d`.
    Layout,
    /// A literal: the name of a zone in the IANA database.
    Zone,
    /// A literal: a Unicode normal form.
    NormalForm,
    /// A literal: a number from 0 to 1.
    Fraction,
    /// A literal: an integer that is at least 0.
    Count,
    /// A literal: an integer that is at least 1.
    PositiveCount,
    /// A literal: text.
    ConstantString,
}

impl fmt::Display for Accepts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::Common => "T",
            Self::Ordered => "ordered T",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Countable | Self::Measurable => "number or boolean",
            Self::Float => "number",
            Self::String => "string",
            Self::Moment | Self::Moments => "date or datetime",
            Self::Clock => "datetime or time",
            Self::MomentOrDuration => "date, datetime or duration",
            Self::List => "list",
            Self::NumberList => "list of numbers",
            Self::StringList => "list of strings",
            Self::Element => "element",
            Self::LikeFirst => "the same type",
            Self::Key => "boolean, integer, string or date",
            Self::Pattern => "regular expression (literal)",
            Self::PatternOptions => "options (literal)",
            Self::DatePart => "date part (literal)",
            Self::Layout => "layout (literal)",
            Self::Zone => "zone (literal)",
            Self::NormalForm => "normal form (literal)",
            Self::Fraction => "fraction (literal)",
            Self::Count => "integer from 0 (literal)",
            Self::PositiveCount => "integer from 1 (literal)",
            Self::ConstantString => "string (literal)",
        })
    }
}

/// The type of a function's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Yields {
    /// A boolean.
    Boolean,
    /// An int64.
    Int64,
    /// A float64.
    Float64,
    /// Text.
    String,
    /// A date.
    Date,
    /// A datetime without a zone.
    Datetime,
    /// A datetime shown in UTC.
    Utc,
    /// The type of the argument with this number, after coercion.
    Argument(usize),
    /// The common type of the arguments that have one.
    Common,
    /// The type of the elements of the list that is the argument with this number.
    ElementOf(usize),
    /// A list of the type of the argument with this number.
    ListOf(usize),
    /// A list of the common type.
    ListOfCommon,
    /// A list of text.
    StringList,
    /// A list of int64.
    IntegerList,
    /// A date when the argument is a date and the part is a day or longer, else the datetime's type.
    MomentByPart,
    /// A datetime shown in UTC when the layout has an offset (`%z`), else a datetime without a zone.
    DatetimeByLayout,
    /// With a zone when the argument has none, and the other way round.
    OtherZone,
}

impl fmt::Display for Yields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "boolean",
            Self::Int64 => "int64",
            Self::Float64 => "float64",
            Self::String => "string",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Utc => "datetime(UTC)",
            Self::Argument(_) => "the same type",
            Self::Common => "T",
            Self::ElementOf(_) => "the type of the elements",
            Self::ListOf(_) => "list",
            Self::ListOfCommon => "list(T)",
            Self::StringList => "list(string)",
            Self::IntegerList => "list(int64)",
            Self::MomentByPart => "date or datetime",
            Self::DatetimeByLayout => "datetime",
            Self::OtherZone => "datetime",
        })
    }
}

impl Signature {
    /// The signature as people read it, such as `round(x: number, digits: integer = 0) -> the same type`.
    pub fn render(&self, name: &str) -> String {
        let mut text = format!("{name}(");
        for (i, parameter) in self.parameters.iter().enumerate() {
            if i > 0 {
                text.push_str(", ");
            }
            text.push_str(&format!("{}: {}", parameter.name, parameter.accepts));
            match parameter.optional {
                Optional::No => {}
                Optional::Absent => text.push('?'),
                Optional::Integer(value) => text.push_str(&format!(" = {value}")),
                Optional::Text(value) => text.push_str(&format!(" = '{value}'")),
                Optional::Null => text.push_str(" = null"),
            }
        }
        if self.variadic {
            text.push_str(", ..");
        }
        text.push_str(&format!(") -> {}", self.result));
        text
    }
}
