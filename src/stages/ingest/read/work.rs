//! What `read` does when the run comes to it: checks the files as bytes, converts or mends them where needed, sets bad rows aside.

use std::path::{Path, PathBuf};

use super::copied;
use super::{Found, OnError};
use crate::batch::{self, Values};
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::Written;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::files::{
    self, CheckOptions, ColumnPlan, Compression, CopyOptions, FileError, FilterOptions, LineMap, Original, Reject,
    Sniffed,
};
use crate::relation::{CsvFormat, FileFormat, PreparedFiles};
use crate::stages::Product;
use crate::stages::work::{Change, Outcome, Progress, StageCounts, Work, WorkContext};

const REJECTS: &str = "rejects.parquet";
/// Why rows that were set aside are missing, in the ledger.
const REJECTED: &str = "rejected";
/// The title of the table that shows some of them.
const SET_ASIDE: &str = "Rows that were set aside";

/// How many rows a stage `read` has set aside, and the first of them: `sales.csv:22: 9 fields where the file has 14 columns`.
pub fn set_aside(changes: &[Change], exhibits: &[Exhibit]) -> (u64, Option<String>) {
    let rows = changes.iter().filter(|change| change.reason == REJECTED).map(|change| change.rows.unsigned_abs()).sum();
    let first = exhibits.iter().find_map(|exhibit| match exhibit {
        Exhibit::Table(table) if table.title == SET_ASIDE => match table.rows.first()?.as_slice() {
            [Cell::Text(place), _, Cell::Text(reason), ..] => Some(format!("{place}: {reason}")),
            _ => None,
        },
        _ => None,
    });
    (rows, first)
}
/// Bad rows that the report shows.
const SHOWN: usize = 20;

/// The work of `read`.
pub(super) struct ReadWork {
    pub(super) plans: Vec<ColumnPlan>,
    /// Names of the columns in the files.
    pub(super) columns: Vec<String>,
    paths: Vec<PathBuf>,
    compressions: Vec<Compression>,
    fingerprint: String,
    format: Option<FileFormat>,
    csv: Option<Csv>,
    rows: Option<u64>,
    reasons: Vec<String>,
    /// The files are Arrow IPC, which is copied to Parquet.
    arrow: bool,
}

/// What is needed to read CSV.
pub(super) struct Csv {
    pub(super) format: CsvFormat,
    pub(super) files: Vec<(PathBuf, Sniffed)>,
    pub(super) on_error: OnError,
    pub(super) reject_limit: u64,
    pub(super) rejects: Option<PathBuf>,
    /// Rows from which the types were told, when these were not all.
    pub(super) sampled: Option<u64>,
    /// What the files are, where they have to be copied; else empty.
    pub(super) originals: Vec<Original>,
}

/// A file as the engine will read it.
struct Ready {
    path: PathBuf,
    compression: Compression,
    format: CsvFormat,
    rows: u64,
    rejected: u64,
    bytes: u64,
}

impl ReadWork {
    pub(super) fn plain(found: &Found, format: FileFormat, rows: Option<u64>) -> Self {
        Self { format: Some(format), ..Self::new(found, Vec::new(), rows) }
    }

    pub(super) fn csv(
        found: &Found,
        plans: Vec<ColumnPlan>,
        csv: Csv,
        rows: Option<u64>,
        reasons: Vec<String>,
    ) -> Self {
        Self { csv: Some(csv), reasons, ..Self::new(found, plans, rows) }
    }

    pub(super) fn arrow(found: &Found, rows: Option<u64>) -> Self {
        Self { arrow: true, ..Self::new(found, Vec::new(), rows) }
    }

    fn new(found: &Found, plans: Vec<ColumnPlan>, rows: Option<u64>) -> Self {
        Self {
            columns: plans.iter().map(|plan| plan.name.clone()).collect(),
            plans,
            paths: found.paths.clone(),
            compressions: found.sniffed.iter().map(|sniffed| sniffed.compression).collect(),
            fingerprint: found.fingerprint.clone(),
            format: None,
            csv: None,
            rows,
            reasons: super::hive::reasons(found),
            arrow: false,
        }
    }

    /// Copies Arrow files to Parquet, one at a time.
    fn read_arrow(&self, context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let mut outcome = Outcome::default();
        let (mut paths, mut rows) = (Vec::new(), 0);
        for (number, path) in self.paths.iter().enumerate() {
            let name = path.display().to_string();
            (context.progress)(Progress {
                done: number as u64,
                total: Some(self.paths.len() as u64),
                unit: "files".to_owned(),
                message: name.clone(),
            });
            let copy = PathBuf::from(format!("arrow-{number}.parquet"));
            let left = self.rows.map(|wanted| wanted.saturating_sub(rows));
            rows += files::copy_arrow(path, &name, &context.artifacts.join(&copy), left, Some(&context.cancelled))
                .map_err(|error| copied::renamed(error, &context.artifacts.join(&copy), &name))?;
            paths.push(copy);
        }
        if self.rows.is_none() {
            outcome.changes.push(Change::plus("in the files", rows));
        }
        let names = self.paths.iter().map(|path| path.display().to_string()).collect();
        let files = PreparedFiles { paths, names, format: FileFormat::Parquet };
        outcome.bindings.files.insert(self.fingerprint.clone(), files);
        outcome.exhibits.push(self.overview(rows, 0, 0));
        Ok(outcome)
    }

    /// Rows that the files hold by their own account, where that is cheap to know.
    fn rows_in_files(&self) -> Option<u64> {
        if self.format != Some(FileFormat::Parquet) || self.rows.is_some() {
            return None;
        }
        self.paths.iter().map(|path| parquet_rows(path)).sum()
    }

    fn read_csv(&self, csv: &Csv, context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let mut rejects = Vec::new();
        let mut ready = Vec::new();
        for (number, (path, sniffed)) in csv.files.iter().enumerate() {
            let message = path.display().to_string();
            (context.progress)(Progress {
                done: number as u64,
                total: Some(csv.files.len() as u64),
                unit: "files".to_owned(),
                message,
            });
            ready.push(self.prepare(csv, number, path, sniffed, &mut rejects, context)?);
        }
        let prepared = ready.iter().zip(&csv.files).any(|(ready, (path, _))| ready.path != *path);
        if prepared {
            // All files of a scan have one layout: what was mended decides it, the others are written anew in it.
            for (number, (file, (path, _))) in ready.iter_mut().zip(&csv.files).enumerate() {
                if file.path == *path || file.format != plainest(&csv.format) {
                    *file = self.rewrite(number, file, context)?;
                }
            }
        }
        let mut outcome = Outcome::default();
        let rejected: u64 = ready.iter().map(|file| file.rejected).sum();
        let kept: u64 = ready.iter().map(|file| file.rows).sum();
        if self.rows.is_none() {
            outcome.changes.push(Change::plus("in the files", kept + rejected));
            outcome.changes.push(Change::minus(REJECTED, rejected));
        }
        outcome.exhibits.push(self.overview(kept, rejected, ready.iter().map(|file| file.bytes).sum()));
        outcome.exhibits.push(self.columns_table(csv));
        if prepared {
            let name = |path: &PathBuf| path.file_name().map(PathBuf::from).unwrap_or_default();
            let files = PreparedFiles {
                paths: ready.iter().map(|file| name(&file.path)).collect(),
                names: csv.files.iter().map(|(path, _)| path.display().to_string()).collect(),
                format: FileFormat::Csv(plainest(&csv.format)),
            };
            outcome.bindings.files.insert(self.fingerprint.clone(), files);
        }
        if rejected > 0 {
            self.show_rejects(csv, &rejects, rejected, context, &mut outcome)?;
        }
        Ok(outcome)
    }

    /// Makes one file ready for the engine: checked, in UTF-8, without bad rows.
    fn prepare(
        &self,
        csv: &Csv,
        number: usize,
        path: &Path,
        sniffed: &Sniffed,
        rejects: &mut Vec<Reject>,
        context: &WorkContext<'_>,
    ) -> Result<Ready, Diagnostic> {
        let mut source = Ready {
            path: path.to_path_buf(),
            compression: sniffed.compression,
            format: csv.format.clone(),
            rows: 0,
            rejected: 0,
            bytes: 0,
        };
        let original = csv.originals.get(number);
        let name = original.map_or_else(|| path.display().to_string(), |original| original.name(path));
        let mut lines = LineMap::default();
        let mut copied_rejects = 0;
        if let Some(original) = original {
            source.path = context.artifacts.join(format!("copied-{number}.csv"));
            source.compression = Compression::Plain;
            let left = csv.reject_limit.saturating_sub(rejects.len() as u64);
            let reject_limit = (csv.on_error == OnError::Reject).then_some(left);
            let options = CopyOptions { rows: self.rows, reject_limit, cancelled: Some(&context.cancelled) };
            let copied = original.copy(path, sniffed, &source.path, options)?;
            copied_rejects = copied.rejects.len() as u64;
            rejects.extend(copied.rejects);
            lines = copied.lines;
        }
        let known_as_path = |error: FileError, copy: &Path| {
            // Converted copies are our own; a person knows the file by its name, and its lines by their numbers there.
            let message = match original {
                Some(original) => original.relocate(&error.message, copy, path, &lines),
                None => error.message.replace(&copy.display().to_string(), &name),
            };
            Diagnostic::from(FileError { message, ..error })
        };
        if original.is_none() && sniffed.needs_transcoding() {
            source.path = context.artifacts.join(format!("utf8-{number}.csv"));
            source.compression = Compression::Plain;
            let (encoding, returns) = (sniffed.encoding, sniffed.carriage_returns);
            files::transcode(path, sniffed.compression, encoding, returns, &source.path, Some(&context.cancelled))
                .map_err(|error| known_as_path(error, &source.path))?;
        }
        if csv.on_error == OnError::Reject {
            let clean = context.artifacts.join(format!("clean-{number}.csv"));
            let left = csv.reject_limit.saturating_sub(rejects.len() as u64);
            let options = FilterOptions { limit: left, cancelled: Some(&context.cancelled) };
            let mut take = |reject: Reject| {
                let line = if original.is_some() { lines.row(reject.line) } else { reject.line };
                rejects.push(Reject { file: name.clone(), line, ..reject });
            };
            let (from, compression) = (&source.path, source.compression);
            let filtered = files::filter(from, compression, &source.format, &self.plans, &options, &clean, &mut take)
                .map_err(|error| known_as_path(error, &source.path))?;
            let bytes = std::fs::metadata(&clean).map_or(0, |found| found.len());
            if filtered.rejected == 0 && filtered.needs_rewrite.is_none() && !sniffed.needs_transcoding() {
                // Nothing was wrong, so the engine reads the file itself and the copy goes.
                let _ = std::fs::remove_file(&clean);
                return Ok(Ready { rows: filtered.rows, rejected: copied_rejects, bytes, ..source });
            }
            let files::Filtered { rows, rejected, format, .. } = filtered;
            let rejected = rejected + copied_rejects;
            return Ok(Ready { path: clean, compression: Compression::Plain, format, rows, rejected, bytes });
        }
        let options = CheckOptions { rows: self.rows, bytes: None, cancelled: Some(&context.cancelled) };
        let checked = files::check(&source.path, source.compression, &source.format, &self.columns, &options)
            .map_err(|error| known_as_path(error, &source.path))?;
        source.rows = checked.rows;
        source.bytes = checked.bytes;
        if checked.needs_rewrite().is_some() {
            return self.rewrite(number, &source, context);
        }
        Ok(source)
    }

    fn rewrite(&self, number: usize, file: &Ready, context: &WorkContext<'_>) -> Result<Ready, Diagnostic> {
        let out = context.artifacts.join(format!("plain-{number}.csv"));
        let written =
            files::rewrite(&file.path, file.compression, &file.format, &self.plans, &out, Some(&context.cancelled))?;
        Ok(Ready {
            path: out,
            compression: Compression::Plain,
            format: written.format,
            rows: file.rows,
            rejected: file.rejected,
            bytes: file.bytes,
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
    fn overview(&self, rows: u64, rejected: u64, bytes: u64) -> Exhibit {
        let mut metrics = vec![
            Metric::new("files", self.paths.len() as f64, Format::Integer),
            Metric::new("rows", rows as f64, Format::Integer),
            Metric::new("rejected", rejected as f64, Format::Integer),
        ];
        if bytes > 0 {
            metrics.push(Metric::new("text", bytes as f64, Format::Bytes));
        }
        Exhibit::Metrics { title: "Read".to_owned(), metrics }
    }

    fn columns_table(&self, csv: &Csv) -> Exhibit {
        let rows = self.plans.iter().take(200).map(|plan| {
            vec![Cell::text(plan.name.clone()), Cell::text(plan.data_type.to_string()), Cell::text(plan.reason.clone())]
        });
        let mut remarks = self.reasons.clone();
        remarks.extend(csv.sampled.map(|rows| format!("types were told from {rows} rows")));
        let note = (!remarks.is_empty()).then(|| remarks.join("; "));
        let columns = ["column", "type", "because"].map(Column::new).to_vec();
        Exhibit::Table(Table { title: "Columns".to_owned(), columns, rows: rows.collect(), note })
    }

    fn show_rejects(
        &self,
        csv: &Csv,
        rejects: &[Reject],
        rejected: u64,
        context: &WorkContext<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Diagnostic> {
        let texts = |of: &dyn Fn(&Reject) -> Option<String>| Values::Texts(rejects.iter().map(of).collect());
        let table = batch::table(vec![
            ("file", texts(&|reject| Some(reject.file.clone()))),
            ("line", Values::Integers(rejects.iter().map(|reject| i64::try_from(reject.line).ok()).collect())),
            ("column", texts(&|reject| reject.column.clone())),
            ("reason", texts(&|reject| Some(reject.reason.clone()))),
            ("raw", texts(&|reject| Some(reject.raw.clone()))),
        ])?;
        batch::write_parquet(&context.artifacts.join(REJECTS), &table)?;
        if let Some(path) = &csv.rejects {
            let content = std::fs::read(context.artifacts.join(REJECTS))
                .and_then(|content| crate::staging::write_atomically(path, &content).map(|()| content.len() as u64))
                .map_err(|error| crate::staging::failure("cannot write", path, &error))?;
            outcome.outputs.push(Written { rows: rejected, files: vec![(path.clone(), content)] });
        }
        let rows = rejects.iter().take(SHOWN).map(|reject| {
            vec![
                Cell::text(format!("{}:{}", reject.file, reject.line)),
                Cell::optional(reject.column.clone()),
                Cell::text(reject.reason.clone()),
                Cell::text(files::shown(&reject.raw)),
            ]
        });
        let columns = ["line", "column", "reason", "as it stands"].map(Column::new).to_vec();
        outcome.exhibits.push(Exhibit::note(Tone::Warning, format!("{rejected} rows were set aside.")));
        let note = (rejects.len() > SHOWN).then(|| format!("The first {SHOWN} of {rejected}."));
        outcome.exhibits.push(Exhibit::Table(Table {
            title: SET_ASIDE.to_owned(),
            columns,
            rows: rows.collect(),
            note,
        }));
        Ok(())
    }

    /// The first field that the engine could not turn, when that is what went wrong.
    fn locate(&self, csv: &Csv) -> Option<Diagnostic> {
        if !csv.originals.is_empty() {
            return self.locate_in_originals(csv);
        }
        csv.files.iter().filter(|(_, sniffed)| !sniffed.needs_transcoding()).find_map(|(path, sniffed)| {
            let problem =
                files::locate_type_error(path, sniffed.compression, &csv.format, &self.plans, None).ok()??;
            Some(Diagnostic::from(FileError::from(problem)))
        })
    }
}

impl ReadWork {
    /// The same for files that are copied: the copy is made once more, because nobody keeps it.
    fn locate_in_originals(&self, csv: &Csv) -> Option<Diagnostic> {
        let folder = tempfile::tempdir().ok()?;
        let copy = folder.path().join("copy.csv");
        csv.files.iter().zip(&csv.originals).find_map(|((path, sniffed), original)| {
            let options = CopyOptions { rows: self.rows, reject_limit: Some(u64::MAX), cancelled: None };
            let copied = original.copy(path, sniffed, &copy, options).ok()?;
            let problem =
                files::locate_type_error(&copy, Compression::Plain, &csv.format, &self.plans, None).ok()??;
            let error = FileError::from(problem);
            let message = original.relocate(&error.message, &copy, path, &copied.lines);
            Some(Diagnostic::from(FileError { message, ..error }))
        })
    }
}

/// The layout in which files are written anew.
fn plainest(format: &CsvFormat) -> CsvFormat {
    // A comma cannot stand between fields and in numbers.
    let delimiter = if format.decimal_comma { b';' } else { b',' };
    CsvFormat { delimiter, quote: Some(b'"'), header: true, skip_rows: 0, ..format.clone() }
}

fn parquet_rows(path: &Path) -> Option<u64> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let file = std::fs::File::open(path).ok()?;
    let reader = SerializedFileReader::new(file).ok()?;
    u64::try_from(reader.metadata().file_metadata().num_rows()).ok()
}

impl Work for ReadWork {
    fn run(&self, _: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        if let Some(csv) = &self.csv {
            return self.read_csv(csv, context);
        }
        if self.arrow {
            return self.read_arrow(context);
        }
        for (path, compression) in self.paths.iter().zip(&self.compressions) {
            match self.format {
                Some(FileFormat::Parquet) => files::check_pages(path, context.memory, Some(&context.cancelled))?,
                Some(FileFormat::Ndjson) => {
                    files::check_json_lines(path, *compression, None, Some(&context.cancelled))?;
                }
                _ => {}
            }
        }
        let mut outcome = Outcome::default();
        if !self.reasons.is_empty() {
            outcome.exhibits.push(Exhibit::note(Tone::Info, format!("{}.", self.reasons.join("; "))));
        }
        if let Some(rows) = self.rows_in_files() {
            outcome.changes.push(Change::plus("in the files", rows));
            outcome.exhibits.push(self.overview(rows, 0, 0));
        }
        Ok(outcome)
    }

    fn is_costly(&self) -> bool {
        // Columns of Parquet are cheap to read again, text is not.
        self.format != Some(FileFormat::Parquet)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        // Where the files say how many rows they hold, the outcome has it; else what was read is all that is known.
        let told =
            self.rows.is_none() && (self.csv.is_some() || self.arrow || self.format == Some(FileFormat::Parquet));
        if told { Vec::new() } else { vec![Change::plus("in the files", counts.out)] }
    }

    fn explain_failure(&self, error: &Diagnostic) -> Option<Diagnostic> {
        if error.class != Class::Data {
            return None;
        }
        self.csv.as_ref().and_then(|csv| self.locate(csv))
    }
}
