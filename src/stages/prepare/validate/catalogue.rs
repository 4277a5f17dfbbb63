//! The expectations of `validate`, one line each: its name, its options, the dimension of quality that it speaks of, and what plans it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::options::{
    Against, Age, Bounded, BoundedQuantile, ColumnTypes, Columns, Correlated, Counted, InSet, Layout, Length, Level,
    Listed, Order, PairSet, Pattern, Range, Reference, RowCount, SameRows, SameTotal, ShareOf, Steady, SteadyMean,
    SteadyQuantile, SteadyRows, Step, To, Total, Typed,
};
use super::scope::{Draft, Scope};
use super::{Dimension, Severity};
use super::{aggregates, columns, drift, order, pairs, rows, schema, tables, text, time};
use crate::definition::{Node, OneOrMany, Spanned};
use crate::diagnostic::Findings;

macro_rules! expectations {
    ($($(#[doc = $doc:literal])+ $name:ident: $options:ty, $dimension:ident => $plan:path;)*) => {
        /// One thing that must hold. One of the keys says what; `where`, `by`, `warn`, `fail`, `severity`, `dimension`, `weight`
        /// and `description` say how it is judged.
        #[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct Check {
            $(
                $(#[doc = $doc])+
                #[serde(default, skip_serializing_if = "Option::is_none")]
                $name: Option<$options>,
            )*
            /// A condition in SQL: only rows for which it is true are looked at.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub(super) r#where: Option<Spanned<String>>,
            /// Columns that make groups: it must hold of each group, and the report names the groups for which it does not.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub(super) by: Option<OneOrMany<Spanned<String>>>,
            /// Failing rows above which it warns: a number of rows (`10`) or a share (`1%`).
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub(super) warn: Option<Node>,
            /// Failing rows above which the run ends: a number of rows or a share.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub(super) fail: Option<Node>,
            /// What happens when it does not hold; that of the stage when absent.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub(super) severity: Option<Severity>,
            /// The dimension of quality that it counts for; each expectation has its own when absent.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub(super) dimension: Option<Dimension>,
            /// How much it counts in the health score; 1 when absent.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub(super) weight: Option<Spanned<f64>>,
            /// What it means, for the report.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub(super) description: Option<String>,
        }

        /// The names of all expectations.
        pub(super) const NAMES: &[&str] = &[$(stringify!($name)),*];

        impl Check {
            /// The expectations that are given, by name; exactly one is right.
            pub(super) fn given(&self) -> Vec<&'static str> {
                let mut given = Vec::new();
                $(if self.$name.is_some() {
                    given.push(plain(stringify!($name)));
                })*
                given
            }

            /// Plans what is given.
            pub(super) fn drafts(&self, scope: &mut Scope<'_>) -> Vec<(&'static str, Dimension, Result<Vec<Draft>, Findings>)> {
                let mut drafts = Vec::new();
                $(if let Some(options) = &self.$name {
                    drafts.push((plain(stringify!($name)), Dimension::$dimension, $plan(options, scope)));
                })*
                drafts
            }

            /// The stages that the expectation names.
            pub(super) fn stages(&self) -> Vec<Spanned<String>> {
                let references = [&self.references, &self.absent_from].into_iter().flatten().map(|other| other.stage.clone());
                let rows = self.same_rows_as.iter().map(|other| other.stage.clone());
                references.chain(rows).chain(self.same_total_as.iter().map(|other| other.stage.clone())).collect()
            }
        }
    };
}

/// The name of a field as people write it.
fn plain(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}

expectations! {
    // Completeness.
    /// Columns without nulls.
    not_null: Columns, Completeness => rows::not_null;
    /// Columns that hold nulls only.
    is_null: Columns, Consistency => rows::is_null;
    /// Columns of text that hold more than spaces; nulls pass.
    not_blank: Columns, Completeness => text::not_blank;
    /// Columns of which at least one is not null in each row.
    any_not_null: Columns, Completeness => rows::any_not_null;
    /// Columns that are null together or not at all.
    null_together: Columns, Consistency => rows::null_together;
    /// The share of nulls of a column lies between two bounds.
    null_share: Bounded, Completeness => aggregates::null_share;

    // Uniqueness.
    /// Columns whose values together occur once; nulls are equal.
    unique: Columns, Uniqueness => tables::unique;
    /// The number of different values of a column lies between two bounds.
    distinct_count: Bounded, Uniqueness => aggregates::distinct_count;
    /// Different values of a column as a share of its values.
    distinct_share: Bounded, Uniqueness => aggregates::distinct_share;

    // Validity of values.
    /// A column whose values lie between two bounds.
    range: Range, Validity => rows::range;
    /// A column whose values are among these.
    r#in: InSet, Validity => rows::is_in;
    /// A column whose values are none of these.
    not_in: InSet, Validity => rows::not_in;
    /// Values of several columns that occur together are among these.
    pairs_in: PairSet, Consistency => pairs::pairs_in;
    /// A column larger than a value, or than another column.
    greater: Against, Validity => rows::greater;
    /// A column at least as large as a value, or as another column.
    at_least: Against, Validity => rows::at_least;
    /// A column smaller than a value, or than another column.
    less: Against, Validity => rows::less;
    /// A column at most as large as a value, or as another column.
    at_most: Against, Validity => rows::at_most;
    /// A column equal to a value, or to another column.
    equal: To, Consistency => rows::equal;
    /// A column different from a value, or from another column.
    not_equal: To, Consistency => rows::not_equal;
    /// Columns of numbers that are neither NaN nor infinite.
    finite: Columns, Validity => rows::finite;
    /// A column of numbers that are multiples of a number.
    multiple_of: Step, Validity => rows::multiple_of;

    // Validity of texts.
    /// A column of text that matches a regular expression somewhere.
    regex: Pattern, Validity => text::regex;
    /// A column of text that matches a regular expression nowhere.
    not_regex: Pattern, Validity => text::not_regex;
    /// A column of text that looks like an SQL pattern: `%` any text, `_` one character.
    like: Pattern, Validity => text::like;
    /// A column of text that does not look like an SQL pattern.
    not_like: Pattern, Validity => text::not_like;
    /// A column of text with so many characters.
    length: Length, Validity => text::length;
    /// A column of text whose values can be read as a type, such as `bigint` or `date`.
    castable: Typed, Validity => text::castable;
    /// A column of text whose values are dates or times in a layout, such as `%d.%m.%Y`.
    date_format: Layout, Validity => text::date_format;
    /// Columns of text that hold e-mail addresses: a name, one `@`, a host with a dot.
    email: Columns, Validity => text::email;
    /// Columns of text that hold web addresses with `http`, `https` or `ftp`.
    url: Columns, Validity => text::url;
    /// Columns of text that hold UUIDs in hexadecimal digits with hyphens.
    uuid: Columns, Validity => text::uuid;
    /// Columns of text that hold addresses of version 4 or 6 of the Internet Protocol.
    ip: Columns, Validity => text::ip;
    /// Columns of text that hold international telephone numbers (E.164): `+` and up to 15 digits.
    phone: Columns, Validity => text::phone;
    /// Columns of text that hold JSON: an object, a list, or a single value.
    json: Columns, Validity => text::json;
    /// Columns of text that hold days such as `2024-02-29` that exist.
    iso_date: Columns, Validity => text::iso_date;
    /// Columns of text that hold points in time such as `2024-02-29T12:30:00Z` that exist.
    iso_datetime: Columns, Validity => text::iso_datetime;
    /// Columns of text of ASCII characters only.
    ascii: Columns, Validity => text::ascii;
    /// Columns of text of digits only.
    digits: Columns, Validity => text::digits;
    /// Columns of text without white space at their ends.
    trimmed: Columns, Validity => text::trimmed;
    /// Columns of text without capital letters.
    lower_case: Columns, Validity => text::lower_case;
    /// Columns of text without small letters.
    upper_case: Columns, Validity => text::upper_case;

    // Consistency.
    /// A condition in SQL; rows for which it is false fail.
    expression: Spanned<String>, Validity => rows::expression;
    /// Columns that hold the same value in each row.
    columns_equal: Columns, Consistency => columns::columns_equal;
    /// Columns that hold different values in each row.
    columns_differ: Columns, Consistency => columns::columns_differ;
    /// Columns of numbers whose sum in each row is a number, or another column.
    sum_of: Total, Consistency => columns::sum_of;
    /// A column whose values do not go down from row to row.
    increasing: Order, Consistency => order::increasing;
    /// A column whose values do not go up from row to row.
    decreasing: Order, Consistency => order::decreasing;
    /// Columns whose values occur in another stage (a foreign key); a null in one of them passes.
    references: Reference, Consistency => tables::references;
    /// Columns whose values do not occur in another stage.
    absent_from: Reference, Consistency => tables::absent_from;
    /// As many rows as another stage has.
    same_rows_as: SameRows, Consistency => tables::same_rows_as;
    /// A column with the same sum as a column of another stage.
    same_total_as: SameTotal, Consistency => tables::same_total_as;
    /// A condition over aggregates, such as `sum(debit) = sum(credit)`.
    aggregate: Spanned<String>, Consistency => aggregates::condition;

    // The table as a whole.
    /// How many rows there are.
    rows: RowCount, Completeness => aggregates::rows;
    /// The smallest value of a column lies between two bounds.
    min: Bounded, Validity => aggregates::min;
    /// The largest value of a column lies between two bounds.
    max: Bounded, Validity => aggregates::max;
    /// The mean of a column lies between two bounds.
    mean: Bounded, Validity => aggregates::mean;
    /// The median of a column lies between two bounds.
    median: Bounded, Validity => aggregates::median;
    /// The sum of a column lies between two bounds.
    sum: Bounded, Validity => aggregates::sum;
    /// The standard deviation of a column lies between two bounds.
    stddev: Bounded, Validity => aggregates::stddev;
    /// A quantile of a column lies between two bounds.
    quantile: BoundedQuantile, Validity => aggregates::quantile;
    /// The correlation of two columns lies between two bounds.
    correlation: Correlated, Consistency => aggregates::correlation;
    /// The most frequent value of a column is among these.
    most_common: InSet, Validity => aggregates::most_common;
    /// The share of rows for which a condition is true lies between two bounds.
    share: ShareOf, Validity => aggregates::share;
    /// The different values of a column are exactly these.
    values_equal: InSet, Validity => aggregates::values_equal;
    /// The different values of a column have all of these among them.
    values_contain: InSet, Completeness => aggregates::values_contain;
    /// The different values of a column are all among these.
    values_within: InSet, Validity => aggregates::values_within;

    // The columns of the table.
    /// Columns that must be there.
    has_columns: Columns, Consistency => schema::has_columns;
    /// Columns that must not be there.
    no_columns: Columns, Consistency => schema::no_columns;
    /// The columns are exactly these, in any order unless `ordered` is set.
    only_columns: Listed, Consistency => schema::only_columns;
    /// The types of columns.
    column_types: ColumnTypes, Consistency => schema::column_types;
    /// How many columns there are.
    column_count: Counted, Consistency => schema::column_count;

    // Timeliness.
    /// Columns of dates or times that lie not after the clock.
    not_in_future: Columns, Timeliness => time::not_in_future;
    /// A column of dates or times of which none is older than an age, such as `30 days`.
    not_older_than: Age, Timeliness => time::not_older_than;
    /// A column of dates or times whose last value is not older than an age, such as `36 hours`.
    fresh: Age, Timeliness => time::fresh;

    // Compared with the last good run of the pipeline.
    /// The number of rows has not changed by more than a share.
    steady_rows: SteadyRows, Consistency => drift::rows;
    /// The share of nulls of a column has not changed by more than so much.
    steady_nulls: Steady, Completeness => drift::nulls;
    /// The mean of a column has not changed by more than a share, or than so many of its standard deviations.
    steady_mean: SteadyMean, Consistency => drift::mean;
    /// A quantile of a column has not changed by more than a share.
    steady_quantile: SteadyQuantile, Consistency => drift::quantile;
    /// The shares of the values of a column have not shifted: their population stability index is at most this.
    steady_shares: Steady, Consistency => drift::shares;
    /// The columns and their types are those of the last good run.
    steady_schema: Level, Consistency => drift::schema;
}
