//! What is special about CSV: columns told from a sample, and texts that the engine's reader does not turn itself.

use super::{Found, Read};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Expr, ExprKind, Function, Literal};
use crate::files::{self, ColumnPlan, Conversion, InferOptions, SampleFile};
use crate::relation::{FileFormat, NamedExpr, Relation, Scan};
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
    let first = found.sniffed.first();
    let Some(format) = first.and_then(|first| first.csv_format(options.skip_rows, &nulls, options.decimal_comma))
    else {
        return Err(vec![Diagnostic::definition("the layout of the file cannot be told").at(place)]);
    };
    let (all_string, types) = options.declared_types()?;
    // Files in other encodings are converted when they are read; for the sample a converted copy is made right away.
    let mut samples = Vec::new();
    for (number, (path, sniffed)) in found.paths.iter().zip(&found.sniffed).enumerate() {
        samples.push(if sniffed.needs_transcoding() {
            let copy = context.scratch.join(format!("{}-{number}.csv", found.fingerprint));
            if !copy.exists() {
                files::transcode(path, sniffed.compression, sniffed.encoding, sniffed.carriage_returns, &copy, None)
                    .map_err(at)?;
            }
            SampleFile { path: copy, compression: files::Compression::Plain }
        } else {
            SampleFile { path: path.clone(), compression: sniffed.compression }
        });
    }
    let infer = InferOptions {
        names: options.names.as_ref().map(|names| names.iter().map(|name| name.value.clone()).collect()),
        duplicates: options.duplicates,
        types,
        formats: options.formats.iter().map(|(name, layout)| (name.value.clone(), layout.value.clone())).collect(),
        all_string,
        ..InferOptions::default()
    };
    let inferred = files::infer(&samples, &format, &infer).map_err(at)?;
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
    };
    Ok((scan, ReadWork::csv(found, inferred.plans, csv, options.rows)))
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
