//! Writing the record of a run.

use std::path::Path;

use super::RunOptions;
use super::manifest::{RunRecord, RunStatus};
use crate::definition::Secrets;
use crate::diagnostic::Diagnostic;
use crate::plan::Plan;
use crate::staging::{failure, write_atomically};

/// The version of the record's layout.
const FORMAT: u32 = 1;

/// A record of a run that just began.
pub(super) fn begin(plan: &Plan, options: &RunOptions, id: &str, now: &jiff::Timestamp, folder: &Path) -> RunRecord {
    let pipeline = &plan.pipeline;
    let title = pipeline.report.as_ref().and_then(|report| report.title.clone());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut record = RunRecord {
        format: FORMAT,
        id: id.to_owned(),
        pipeline: pipeline.name.value.clone(),
        description: pipeline.description.clone(),
        title: title.unwrap_or_else(|| pipeline.name.value.clone()),
        file: options.file.clone(),
        text: pipeline.source.text().to_owned(),
        params: pipeline
            .params
            .iter()
            .map(|(name, param)| (name.clone(), serde_json::to_value(&param.value).unwrap_or_default()))
            .collect(),
        started: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        seconds: 0.0,
        status: RunStatus::Running,
        peak_memory: 0,
        threads: options.threads,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: format!(
            "{} {}, {cores} cores, {:.0} GiB of memory for the run",
            std::env::consts::OS,
            std::env::consts::ARCH,
            bytes_as_gib(options.memory),
        ),
        stages: Vec::new(),
        warnings: plan.findings.iter().map(ToString::to_string).collect(),
        exit_code: 0,
        folder: folder.to_path_buf(),
    };
    mask(&mut record, &pipeline.secrets);
    record
}

#[expect(clippy::cast_precision_loss, reason = "a size that is shown with no decimals")]
fn bytes_as_gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

/// Replaces every secret in the record: none may reach a file, the report or a log.
pub(super) fn mask(record: &mut RunRecord, secrets: &Secrets) {
    let Ok(text) = serde_json::to_value(&*record) else { return };
    if let Ok(masked) = serde_json::from_value(mask_value(text, secrets)) {
        *record = masked;
    }
}

pub(super) fn mask_value(value: serde_json::Value, secrets: &Secrets) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(text) => Value::String(secrets.mask(&text)),
        Value::Array(items) => items.into_iter().map(|item| mask_value(item, secrets)).collect(),
        Value::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| (secrets.mask(&key), mask_value(value, secrets)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other,
    }
}

/// Writes `manifest.json` into the run's folder.
pub(super) fn save(record: &RunRecord) -> Result<(), Diagnostic> {
    let path = record.folder.join("manifest.json");
    let text = serde_json::to_vec_pretty(record).unwrap_or_default();
    write_atomically(&path, &text).map_err(|error| failure("cannot write the record of the run", &path, &error))
}

/// Reads the record of a run.
pub(super) fn load(folder: &Path) -> Option<RunRecord> {
    serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).ok()?).ok()
}
