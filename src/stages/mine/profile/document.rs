//! What a profile says, as plain data: the document that `gristmill profile --json` prints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alerts::Alert;
use super::comparison::Comparison;

/// The version of this layout; it rises when a field changes its meaning or goes.
pub(crate) const FORMAT: u32 = 1;

/// The profiles of one or more tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// The version of this layout.
    pub format: u32,
    /// A profile for each table, in the order in which they were named.
    pub tables: Vec<TableProfile>,
}

/// What a table holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TableProfile {
    /// The file or stage.
    pub name: String,
    /// Texts that were read as null, because they stand for a missing value among numbers, dates or booleans, or because somebody
    /// said so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_as_null: Vec<String>,
    /// Rows.
    pub rows: u64,
    /// The columns in their order.
    pub columns: Vec<ColumnProfile>,
    /// Which columns are null together.
    pub nulls: NullProfile,
    /// Rows that come more than once.
    pub duplicates: Repeats,
    /// Pearson's correlation of pairs of numeric columns, the strongest first; at most 200 pairs.
    pub correlations: Vec<PairCorrelation>,
    /// Numeric columns that were correlated; further ones were not.
    pub correlated: Vec<String>,
    /// Columns, alone or in pairs, that could identify a row.
    pub keys: Vec<KeyProfile>,
    /// Columns that say what another one says.
    pub dependencies: Vec<DependencyProfile>,
    /// What a person should look at, the gravest first.
    pub alerts: Vec<Alert>,
    /// How it differs from another table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// Its type in SQL.
    pub r#type: String,
    /// What its values mean.
    pub meaning: Meaning,
    /// Why it is said to mean that.
    pub because: String,
    /// Rows.
    pub rows: u64,
    /// Nulls.
    pub nulls: u64,
    /// Different values, nulls left out.
    pub distinct: Estimate,
    /// The most frequent values.
    pub top: Vec<TopValue>,
    /// Of numbers, dates and times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<NumberProfile>,
    /// Of dates and times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<TimeProfile>,
    /// Of texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts: Option<TextProfile>,
}

/// What the values of a column mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// Nothing but nulls.
    Empty,
    /// One value.
    Constant,
    /// True and false.
    Boolean,
    /// A name for each row or thing: values hardly come twice, or are UUIDs or digests.
    Id,
    /// Few values that come often.
    Category,
    /// Whole numbers that count or measure.
    Integer,
    /// Numbers that measure.
    Number,
    /// Degrees from -90 to 90.
    Latitude,
    /// Degrees from -180 to 180.
    Longitude,
    /// Years.
    Year,
    /// Days.
    Date,
    /// Points in time.
    Datetime,
    /// Times of the day.
    Time,
    /// Lengths of time.
    Duration,
    /// E-mail addresses.
    Email,
    /// Web addresses.
    Url,
    /// Addresses of the Internet Protocol.
    IpAddress,
    /// Telephone numbers.
    Phone,
    /// JSON.
    Json,
    /// Paths of files.
    Path,
    /// Short texts of capitals and digits.
    Code,
    /// Texts that hold numbers.
    NumbersAsText,
    /// Texts that hold days or points in time.
    DatesAsText,
    /// Texts that hold words for true and false.
    BooleansAsText,
    /// Names and other short texts.
    Name,
    /// Sentences.
    FreeText,
    /// Bytes, lists and structs, of which only nulls are counted.
    Opaque,
}

/// A number that may be an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// The number.
    pub count: u64,
    /// Whether it is exact.
    pub exact: bool,
    /// The standard error as a share of the number; 0 when exact.
    pub standard_error: f64,
}

/// A frequent value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TopValue {
    /// The value as people read it; long texts are cut to 160 bytes.
    pub value: String,
    /// How often it occurs, at most.
    pub count: u64,
    /// By how much `count` may be too large.
    pub error: u64,
}

/// What numbers are like. Of dates the unit is days since 1970, of points in time, times of the day and durations seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NumberProfile {
    /// Values that are no NaN.
    pub count: u64,
    /// NaN.
    pub nan: u64,
    /// Infinities.
    pub infinite: u64,
    /// Zeros.
    pub zeros: u64,
    /// Values below 0.
    pub negative: u64,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Sample standard deviation.
    pub sd: Option<f64>,
    /// Adjusted skewness.
    pub skewness: Option<f64>,
    /// Adjusted excess kurtosis.
    pub kurtosis: Option<f64>,
    /// Sum.
    pub sum: Option<f64>,
    /// Smallest value.
    pub min: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
    /// Quantiles at 1, 5, 10, 25, 50, 75, 90, 95 and 99 %.
    pub quantiles: Vec<Option<f64>>,
    /// How far the rank of a quantile is off at most, as a share of the values; 0 when exact.
    pub rank_error: f64,
    /// Values more than 1.5 interquartile ranges outside of the quartiles.
    pub outliers: u64,
    /// Values more than 3 interquartile ranges outside of the quartiles.
    pub far_outliers: u64,
    /// Edges of the bins of a histogram.
    pub edges: Vec<f64>,
    /// Values in each bin.
    pub counts: Vec<u64>,
    /// `rising`, `strictly rising`, `falling`, `strictly falling`, when rows are in such an order.
    pub order: Option<String>,
    /// Values that often stand for a missing one and are suspiciously frequent here.
    pub sentinels: Vec<Sentinel>,
}

/// The probabilities of [`NumberProfile::quantiles`].
pub const PROBABILITIES: [f64; 9] = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/// A value that may stand for a missing one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sentinel {
    /// The value as people read it.
    pub value: String,
    /// How often it occurs.
    pub count: u64,
    /// Why it is suspicious.
    pub because: String,
}

/// What dates and times are like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimeProfile {
    /// The first.
    pub first: String,
    /// The last.
    pub last: String,
    /// Different days; none where they were too many to keep.
    pub days: Option<u64>,
    /// Days between the first and the last without a value; none where they were too many to keep.
    pub missing_days: Option<u64>,
    /// The longest runs of missing days, as first and last missing day.
    pub gaps: Vec<(String, String)>,
}

/// What texts are like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TextProfile {
    /// Characters of the shortest.
    pub shortest: u64,
    /// Characters of the longest.
    pub longest: u64,
    /// Mean number of characters.
    pub mean_length: f64,
    /// Mean number of words.
    pub mean_words: f64,
    /// The smallest text in byte order, cut.
    pub min: String,
    /// The largest text in byte order, cut.
    pub max: String,
    /// Edges of the bins of a histogram of lengths.
    pub edges: Vec<f64>,
    /// Texts in each bin.
    pub counts: Vec<u64>,
    /// Rows by classes of characters.
    pub classes: TextClasses,
    /// Rows by the form of the text, where it is one that programs know: `email`, `url`, `code`, ..
    pub kinds: Vec<(String, u64)>,
    /// The most frequent shapes: `9` is a run of digits, `a` of small letters, `A` of capitals.
    pub shapes: Vec<TopValue>,
    /// What the texts hold beside texts: `numbers`, `days: %d.%m.%Y`; told from the kept texts.
    pub holds: Option<String>,
    /// Rules of `clean` that read it, as YAML.
    pub rules: Option<String>,
    /// Texts that mean null, with their counts.
    pub null_tokens: Vec<(String, u64)>,
    /// Values that do not fit what the column holds, with their counts.
    pub misfits: Vec<(String, u64)>,
    /// How many values do not fit.
    pub misfit: u64,
    /// Texts that differ in case and white space only: the most frequent spelling, the others.
    pub variants: Vec<(String, Vec<String>)>,
    /// How many spellings could be merged.
    pub variant_count: u64,
}

/// Rows by what characters their text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TextClasses {
    /// Nothing, or nothing but white space.
    pub blank: u64,
    /// White space at an end.
    pub untrimmed: u64,
    /// Digits only.
    pub digits_only: u64,
    /// Letters of ASCII only.
    pub letters_only: u64,
    /// Letters and digits of ASCII only.
    pub alphanumeric: u64,
    /// Characters beyond ASCII.
    pub beyond_ascii: u64,
    /// Control characters.
    pub control: u64,
    /// Signs of an encoding gone wrong.
    pub damaged: u64,
}

/// Nulls of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NullProfile {
    /// Nulls in all columns.
    pub cells: u64,
    /// Rows without a null.
    pub complete_rows: u64,
    /// The most frequent sets of null columns, with their rows; at most 50.
    pub patterns: Vec<(Vec<String>, u64)>,
    /// Sets of null columns beyond those that are shown or kept: rows.
    pub other_rows: u64,
    /// Columns that are null in the same rows and no others, with those rows.
    pub together: Vec<(Vec<String>, u64)>,
}

/// Rows that come more than once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Repeats {
    /// Rows that were there before.
    pub rows: u64,
    /// Whether that is exact.
    pub exact: bool,
    /// The standard error of their share of all rows; 0 when exact.
    pub standard_error: f64,
    /// Different rows that were compared.
    pub compared: u64,
}

/// The correlation of two columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PairCorrelation {
    /// One column.
    pub left: String,
    /// The other.
    pub right: String,
    /// Pearson's coefficient.
    pub coefficient: f64,
    /// Rows in which both have a value.
    pub count: u64,
}

/// Columns that could identify a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeyProfile {
    /// One column or two.
    pub columns: Vec<String>,
    /// Whether all rows were compared; otherwise no repeated value was found among `compared` of them.
    pub exact: bool,
    /// Different values that were compared.
    pub compared: u64,
}

/// A column that determines another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DependencyProfile {
    /// The column that determines.
    pub from: String,
    /// The column that is determined.
    pub to: String,
    /// The least share of rows that break it (the measure g3).
    pub violations: f64,
    /// Whether the share is exact; otherwise it is that of a sample of the values of `from`.
    pub exact: bool,
}

impl NumberProfile {
    /// The quantile of one of the [`PROBABILITIES`]; none of another, and where it is not finite.
    pub(crate) fn quantile(&self, probability: f64) -> Option<f64> {
        let place = PROBABILITIES.iter().position(|known| *known == probability)?;
        self.quantiles.get(place).copied().flatten()
    }
}

impl ColumnProfile {
    /// Values that are no nulls.
    pub(crate) fn values(&self) -> u64 {
        self.rows - self.nulls
    }

    /// Nulls as a share of the rows.
    pub(crate) fn null_share(&self) -> f64 {
        share(self.nulls, self.rows)
    }

    /// The most frequent value.
    pub(crate) fn first(&self) -> Option<&TopValue> {
        self.top.first()
    }
}

impl Meaning {
    /// In a word or two.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Constant => "constant",
            Self::Boolean => "true or false",
            Self::Id => "id",
            Self::Category => "category",
            Self::Integer => "whole number",
            Self::Number => "number",
            Self::Latitude => "latitude",
            Self::Longitude => "longitude",
            Self::Year => "year",
            Self::Date => "date",
            Self::Datetime => "point in time",
            Self::Time => "time of day",
            Self::Duration => "duration",
            Self::Email => "e-mail address",
            Self::Url => "web address",
            Self::IpAddress => "IP address",
            Self::Phone => "telephone number",
            Self::Json => "JSON",
            Self::Path => "path",
            Self::Code => "code",
            Self::NumbersAsText => "numbers as text",
            Self::DatesAsText => "dates as text",
            Self::BooleansAsText => "booleans as text",
            Self::Name => "short text",
            Self::FreeText => "free text",
            Self::Opaque => "nested or binary",
        }
    }

    /// Whether its numbers measure something, so that means, outliers and skew speak of it.
    pub(crate) fn measures(self) -> bool {
        matches!(self, Self::Integer | Self::Number)
    }
}

/// A part of a whole; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
