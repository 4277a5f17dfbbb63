//! What is special about CSV: columns told from a sample, and texts that the engine's reader does not turn itself.

use super::{Found, Read, copied, hive};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Expr, ExprKind, Function, Literal, check_file_layout};
use crate::files::{self, ColumnPlan, Conversion, CopyOptions, InferOptions, Original, SampleFile};
use crate::relation::{CsvFormat, FileFormat, NamedExpr, PreparedFiles, Relation, Scan};
use crate::stages::PlanContext;

use super::work::{Csv, ReadWork};

/// Tells the columns and how they are read.
pub(super) fn plan(
    options: &Read,
    found: &Found,
    context: &PlanContext<'_>,
    warnings: &mut Vec<String>,
) -> Result<(Scan, ReadWork), Findings> {
    let place = options.path.first().map_or(context.place, |path| &path.place);
    let at = |error: files::FileError| vec![Diagnostic::from(error).at(place)];
    let nulls: Vec<String> =
        options.null_values.iter().flat_map(|values| values.iter()).map(|v| v.value.clone()).collect();
    let mut reasons = found.sniffed.first().map(|sniffed| sniffed.reasons.clone()).unwrap_or_default();
    let originals = copied::originals(options, found, context, warnings, &mut reasons)?;
    let unknown = || vec![Diagnostic::definition("the layout of the file cannot be told").at(place)];
    // Files that are something else are copied when they are read; for the sample their beginning is copied right away.
    let mut samples = Vec::new();
    let mut lines = Vec::new();
    for (number, (path, sniffed)) in found.paths.iter().zip(&found.sniffed).enumerate() {
        let copy = context.scratch.join(format!("{}-{number}.csv", found.fingerprint));
        let original = originals.as_ref().and_then(|originals| originals.get(number));
        samples.push(if let Some(original) = original {
            let reject_limit = (options.on_error == super::OnError::Reject).then_some(u64::MAX);
            let copying = CopyOptions { rows: Some(copied::SAMPLE), reject_limit, cancelled: None };
            let copied = original.copy(path, sniffed, &copy, copying).map_err(at)?;
            lines.push(copied);
            SampleFile { path: copy, compression: files::Compression::Plain }
        } else if sniffed.needs_transcoding() {
            if !copy.exists() {
                files::transcode(path, sniffed.compression, sniffed.encoding, sniffed.carriage_returns, &copy, None)
                    .map_err(at)?;
            }
            SampleFile { path: copy, compression: files::Compression::Plain }
        } else {
            SampleFile { path: path.clone(), compression: sniffed.compression }
        });
    }
    let format = match originals.as_ref().and_then(|originals| originals.first()) {
        None => found
            .sniffed
            .first()
            .and_then(|first| first.csv_format(&nulls, options.decimal_comma))
            .ok_or_else(unknown)?,
        Some(Original::Lines) => {
            let first = found.sniffed.first().and_then(|first| first.csv_format(&nulls, options.decimal_comma));
            CsvFormat { skip_rows: 0, ..first.ok_or_else(unknown)? }
        }
        Some(original) => {
            let header = match original {
                Original::Sheet(_) => sheet_header(options, samples.first(), &mut reasons).map_err(at)?,
                _ => true,
            };
            let copied = files::copied_format(header, &nulls);
            CsvFormat { decimal_comma: options.decimal_comma.unwrap_or(false), ..copied }
        }
    };
    // With a comma for decimals the copies would need another delimiter.
    if format.decimal_comma && format.delimiter == b',' && originals.is_some() {
        let message = "`decimal_comma` does not go with workbooks and fixed width";
        return Err(vec![
            Diagnostic::definition(message)
                .at(place)
                .help("turn the column with `clean: {columns: {x: {number: {decimal: comma}}}}`"),
        ]);
    }
    if originals.is_some() || found.sniffed.iter().any(files::Sniffed::needs_transcoding) {
        let sample = PreparedFiles {
            paths: samples.iter().map(|sample| sample.path.clone()).collect(),
            names: found.paths.iter().map(|path| path.display().to_string()).collect(),
            format: FileFormat::Csv(format.clone()),
        };
        files::keep_sample(context.scratch, &found.fingerprint, &sample).map_err(at)?;
    }
    let (all_string, types) = options.declared_types()?;
    let unreadable: Findings = options
        .formats
        .iter()
        .filter_map(|(_, layout)| {
            let (message, known) = check_file_layout(&layout.value).err()?;
            Some(Diagnostic::definition(message).at(&layout.place).help(known))
        })
        .collect();
    if !unreadable.is_empty() {
        return Err(unreadable);
    }
    let infer = InferOptions {
        names: options.names.as_ref().map(|names| names.iter().map(|name| name.value.clone()).collect()),
        duplicates: options.duplicates,
        types,
        formats: options.formats.iter().map(|(name, layout)| (name.value.clone(), layout.value.clone())).collect(),
        all_string,
        ..InferOptions::default()
    };
    let located = |text: &str| {
        let copies = samples.iter().zip(&found.paths).zip(&lines).zip(originals.iter().flatten());
        copies.fold(text.to_owned(), |text, (((sample, path), copied), original)| {
            if text.contains("line ") || text.contains(&sample.path.display().to_string()) {
                original.relocate(&text, &sample.path, path, &copied.lines)
            } else {
                text
            }
        })
    };
    let mut inferred = files::infer(&samples, &format, &infer)
        .map_err(|error| at(files::FileError { message: located(&error.message), ..error }))?;
    if lines.len() == 1 {
        inferred.plans.iter_mut().for_each(|plan| plan.reason = located(&plan.reason));
    }
    inferred.complete &= lines.iter().all(|copied| !copied.cut);
    warnings.extend(inferred.warnings.iter().cloned());
    let repeated = |name: String| vec![Diagnostic::definition(format!("two columns are called `{name}`")).at(place)];
    let file_schema = files::file_schema(&inferred.plans).map_err(repeated)?;
    let scan = options.scan(found, FileFormat::Csv(format.clone()), &file_schema, &file_schema);
    let csv = Csv {
        format,
        files: found.paths.iter().cloned().zip(found.sniffed.iter().cloned()).collect(),
        on_error: options.on_error,
        reject_limit: options.reject_limit,
        rejects: options.rejects.as_ref().map(|path| context.path(&path.value)),
        sampled: (!inferred.complete).then_some(inferred.rows),
        originals: originals.unwrap_or_default(),
    };
    reasons.extend(hive::reasons(found));
    Ok((scan, ReadWork::csv(found, inferred.plans, csv, options.rows, reasons)))
}

/// Whether the first row of a sheet's table names the columns, told from the copy.
fn sheet_header(
    options: &Read,
    sample: Option<&SampleFile>,
    reasons: &mut Vec<String>,
) -> Result<bool, files::FileError> {
    if let Some(header) = options.header {
        return Ok(header);
    }
    let Some(sample) = sample else { return Ok(true) };
    let given = files::Given {
        format: Some(files::Format::Csv),
        delimiter: Some(b','),
        quote: Some(Some(b'"')),
        // The table was found already; the copy is nothing else.
        table: None,
        ..files::Given::default()
    };
    let (header, why) = files::header_of_copy(&sample.path, &given)?;
    reasons.push(why);
    Ok(header)
}

/// The scan with texts turned into dates and times where the engine's reader leaves them as text.
pub(super) fn converted(scan: Scan, plans: &[ColumnPlan]) -> Relation {
    let schema = scan.schema.clone();
    let relation = Relation::Scan(scan);
    if plans.iter().all(|plan| plan.conversion.is_none()) {
        return relation;
    }
    let columns = schema.fields().iter().map(|field| {
        let value = Expr::column(&field.name, field.data_type.clone());
        let plan = plans.iter().find(|plan| plan.name == field.name);
        let expr = match plan.and_then(|plan| plan.conversion.as_ref().map(|conversion| (plan, conversion))) {
            Some((plan, conversion)) => convert(value, conversion, &plan.data_type),
            None => value,
        };
        NamedExpr { name: field.name.clone(), expr }
    });
    let columns = columns.collect();
    Relation::Project { input: relation.into(), columns }
}

/// An empty text in quotes is null where the type is not text.
fn convert(value: Expr, conversion: &Conversion, data_type: &DataType) -> Expr {
    let empty =
        Expr::binary(crate::expression::BinaryOperator::Equal, value.clone(), Expr::string(""), DataType::Boolean);
    let branches = vec![(empty, Expr::literal(Literal::Null, DataType::String))];
    let text = Expr::new(ExprKind::Case { branches, otherwise: Some(Box::new(value)) }, DataType::String);
    let parsed = if conversion.instant { DataType::Datetime(Some("UTC".to_owned())) } else { DataType::Datetime(None) };
    let layout = Expr::string(&conversion.format);
    Expr::call(Function::Strptime, vec![text, layout], parsed).cast(data_type.clone(), true)
}
