//! Raw files: what they are, and whether they are well formed. No engine is needed to know that.
//!
//! ```text
//! pattern --expand--> paths --sniff--> compression, encoding, format, dialect
//!                              |-- transcode    other encodings become UTF-8
//!                              |-- original     workbooks, fixed width, one table of several: copied to CSV, lines known
//!                              |-- arrow_file   Arrow IPC is copied to Parquet
//!                              |-- infer        names and types of the columns (a plan for each)
//!                              |-- check        the structure of the whole file      on_error: fail
//!                              |     '-- rewrite   files that an engine would misread
//!                              |-- filter       good rows and rejects                on_error: reject
//!                              '-- locate_type_error    after an engine failed to parse a field
//! ```
//!
//! One grammar of CSV (see `records`) is behind all of them, so that a row which one of them counts is a row for the others.
//! Where the engine's reader sees something else, [`Checked::needs_rewrite`] says so.

mod archive;
mod arrow_file;
mod careful;
mod check;
mod compression;
mod encoding;
mod error;
mod evidence;
mod fingerprint;
mod fixed_width;
mod header;
mod hive;
mod infer;
mod json_lines;
mod judge;
mod limits;
mod locate;
mod measure;
mod original;
mod parquet;
mod paths;
mod plan;
mod record;
mod records;
mod rejects;
mod sniff;
mod spreadsheet;
mod tables;
mod temporal;
mod transcode;
mod value;

pub use arrow_file::{arrow_rows, copy_arrow};
pub use check::{CheckOptions, Checked, check};
pub use compression::Compression;
pub use encoding::Encoding;
pub use error::{CsvProblem, FileError, shown};
pub use fingerprint::fingerprint;
pub use fixed_width::{CopyOptions, FixedColumn, FixedWidth};
pub use header::Duplicates;
pub use hive::{MISSING, PartitionColumn, files_below, partitions};
pub use infer::{InferOptions, Inferred, SampleFile, infer};
pub use json_lines::check_json_lines;
pub use limits::check_columns;
pub use locate::locate_type_error;
pub use measure::measure;
pub use original::{Copied, LineMap, Original, copied_format, keep_sample, prepared_sample};
pub use parquet::check_pages;
pub use paths::{expand, expand_all};
pub use plan::{ColumnPlan, Conversion, file_schema, schema};
pub use rejects::{FilterOptions, Filtered, Reject, filter, rewrite};
pub use sniff::{Dialect, Format, Given, Sniffed, header_of_copy, sniff};
pub use spreadsheet::{SheetChoice, SheetTable, find_sheet_table, sheet_tables};
pub use tables::FoundTable;
pub use transcode::{Transcoded, transcode};

#[cfg(test)]
mod tests;
