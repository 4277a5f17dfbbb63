//! Exhibits: what a person looks at. Stages make them; the report hangs them, `--json` prints the same.

use serde::{Deserialize, Serialize};

use crate::chart::Figure;

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exhibit {
    /// A few numbers that matter, side by side.
    Metrics {
        /// What they are about.
        title: String,
        /// The numbers in order of importance.
        metrics: Vec<Metric>,
    },
    /// A small table.
    Table(Table),
    /// A chart.
    Figure(Box<Figure>),
    /// A text whose words are coloured.
    Passage(Passage),
    /// A sentence or two.
    Note {
        /// How it should be read.
        tone: Tone,
        /// Plain text.
        text: String,
    },
}

/// A number with a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// What it is called in its field.
    pub name: String,
    /// The value; none where it is not defined.
    pub value: Option<f64>,
    /// How it is written.
    pub format: Format,
    /// What to compare it with, such as the baseline's value.
    pub note: Option<String>,
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Whole number with thousands separators.
    Integer,
    /// Four significant digits.
    #[default]
    Number,
    /// A fraction as percent with one decimal.
    Percent,
    /// A p-value: four decimals, and `<0.0001` below what they can show.
    PValue,
    /// Seconds as a duration.
    Seconds,
    /// Bytes with a binary unit.
    Bytes,
}

/// A small table: at most a few hundred rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Rows of as many cells as there are columns.
    pub rows: Vec<Vec<Cell>>,
    /// A remark below it, such as how many rows were left out.
    pub note: Option<String>,
}

/// A column of a small table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// How its numbers are written.
    pub format: Format,
}

/// A cell of a small table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// No value.
    Empty,
    /// A number; written in the column's format.
    Number(f64),
    /// Text as it is.
    Text(String),
}

/// A text whose words are coloured by how much they speak for or against something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// What it shows.
    pub title: String,
    /// The words in their order; at most a few hundred.
    pub words: Vec<Word>,
    /// What the words speak for.
    pub of: String,
    /// A remark below it, such as how many words were left out.
    pub note: Option<String>,
}

/// A word of a coloured text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Text as it is.
    pub text: String,
    /// From -1, strongly against, to 1, strongly for.
    pub weight: f64,
    /// How much it contributed, for those who look closer.
    pub value: f64,
}

/// How a note should be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Something to know.
    Info,
    /// Something good.
    Good,
    /// Something to look at.
    Warning,
    /// Something wrong.
    Bad,
}

impl Metric {
    /// A metric in the given format; values that are not finite count as not defined.
    pub fn new(name: impl Into<String>, value: impl Into<Option<f64>>, format: Format) -> Self {
        Self { name: name.into(), value: value.into().filter(|value| value.is_finite()), format, note: None }
    }

    /// Adds what to compare it with.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

impl Column {
    /// A column of text or of numbers with four significant digits.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), format: Format::Number }
    }

    /// A column of numbers in that format.
    pub fn formatted(name: impl Into<String>, format: Format) -> Self {
        Self { name: name.into(), format }
    }
}

impl Cell {
    /// A number, or an empty cell when it is absent or not finite (JSON has no such numbers).
    pub fn number(value: impl Into<Option<f64>>) -> Self {
        value.into().filter(|value| value.is_finite()).map_or(Self::Empty, Self::Number)
    }

    /// A count.
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
    pub fn count(value: u64) -> Self {
        Self::Number(value as f64)
    }

    /// Text.
    pub fn text(value: impl Into<String>) -> Self {
        Self::Text(value.into())
    }

    /// Text, or an empty cell when it is absent.
    pub fn optional(value: Option<impl Into<String>>) -> Self {
        value.map_or(Self::Empty, Self::text)
    }
}

impl Exhibit {
    /// A plain note.
    pub fn note(tone: Tone, text: impl Into<String>) -> Self {
        Self::Note { tone, text: text.into() }
    }

    /// A table without a remark.
    pub fn table(title: impl Into<String>, columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Self {
        Self::Table(Table { title: title.into(), columns, rows, note: None })
    }
}
