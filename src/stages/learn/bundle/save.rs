//! Saving a model folder where the user wants it: complete under its name, or not at all.

use std::borrow::Cow;
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::judgement::Judgement;
use super::survey::Survey;
use super::{BUNDLE, Bundle};
use crate::definition::Spanned;
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::Written;
use crate::stages::PlanContext;
use crate::staging::{Unfinished, failure};

/// Where a model is saved: its folder, or the folder with what else goes there.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::stages::learn) struct Save(SaveOptions);

/// Where a model is saved, and what else goes there.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SaveOptions {
    /// The folder; a model that is there is replaced.
    path: String,
    /// Also writes the network as ONNX (`network.onnx`), with a description of its inputs and outputs beside it (`network.onnx.json`).
    #[serde(default)]
    onnx: bool,
}

/// A place for a model that was found to be good before the run.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::stages::learn) struct Saving {
    folder: PathBuf,
    onnx: bool,
}

impl Saving {
    /// The place.
    ///
    /// Errors: of class [`Class::Output`] when no model can be saved there.
    pub(in crate::stages::learn) fn at(folder: &Path) -> Result<Self, Diagnostic> {
        check_target(folder)?;
        Ok(Self { folder: folder.to_path_buf(), onnx: false })
    }
}

impl Save {
    /// The place, once it is known to be one where a model can be saved.
    ///
    /// Errors: those of [`Saving::at`], at their place in the definition.
    pub(in crate::stages::learn) fn resolve(
        save: &Spanned<Self>,
        context: &PlanContext<'_>,
    ) -> Result<Saving, Diagnostic> {
        let saving = Saving::at(&context.path(&save.value.0.path)).map_err(|finding| finding.at(&save.place))?;
        Ok(Saving { onnx: save.value.0.onnx, ..saving })
    }
}

impl Serialize for Save {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // What is written short and long is the same.
        if self.0.onnx { self.0.serialize(serializer) } else { serializer.serialize_str(&self.0.path) }
    }
}

impl<'de> Deserialize<'de> for Save {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Save;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a folder such as `out/model`, or `{path: out/model, onnx: true}`")
            }

            fn visit_str<E>(self, path: &str) -> Result<Save, E> {
                Ok(Save(SaveOptions { path: path.to_owned(), onnx: false }))
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Save, A::Error> {
                SaveOptions::deserialize(MapAccessDeserializer::new(entries)).map(Save)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Save {
    fn schema_name() -> Cow<'static, str> {
        "Save".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let options = generator.subschema_for::<SaveOptions>();
        json_schema!({ "anyOf": [{ "type": "string" }, options] })
    }
}

/// Refuses a place where no model can be saved: a file, a folder of something else, a path through a file.
fn check_target(target: &Path) -> Result<(), Diagnostic> {
    let refuse = |message: String| Err(Diagnostic::error(Class::Output, message).help("choose another folder"));
    if target.file_name().is_none() {
        return refuse(format!("`{}` is no name for a folder", target.display()));
    }
    if target.is_file() {
        return refuse(format!("`{}` is a file, but a model is a folder", target.display()));
    }
    let is_empty = || fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none());
    if target.is_dir() && !target.join(BUNDLE).is_file() && !is_empty() {
        return refuse(format!("`{}` is there already and is no model", target.display()));
    }
    match target.ancestors().skip(1).find(|above| above.exists()) {
        Some(above) if above.is_file() => refuse(format!("`{}` is a file, not a folder", above.display())),
        _ => Ok(()),
    }
}

/// Copies the model in `folder` to the place, with what was found about it and its rows. A model that is there is replaced once the new one is
/// complete.
///
/// Errors: of class [`Class::Output`]; what was there before is still there then.
pub(in crate::stages::learn) fn save(
    folder: &Path,
    saving: &Saving,
    rows: u64,
    judgement: Option<&Judgement>,
    survey: Option<&Survey>,
) -> Result<Written, Diagnostic> {
    let target = &saving.folder;
    check_target(target)?;
    let failed = |error: std::io::Error| failure("cannot save the model to", target, &error);
    let beside = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(beside).map_err(failed)?;
    let prefix = crate::staging::temporary_prefix(target);
    let mut builder = tempfile::Builder::new();
    let staging = builder.prefix(&prefix).suffix(crate::staging::SUFFIX).tempdir_in(beside).map_err(failed)?;
    let _unfinished = Unfinished::new(staging.path());
    let complete = staging.path().join("new");
    copy(folder, &complete).map_err(failed)?;
    if judgement.is_some() || survey.is_some() {
        Bundle::read(&complete)?.completed(&complete, judgement, survey)?;
    }
    if saving.onnx {
        Bundle::read(&complete)?.exported(&complete)?;
    }
    let mut files = Vec::new();
    sync(&complete, Path::new(""), &mut files).map_err(failed)?;
    let old = staging.path().join("old");
    let replaces = target.exists();
    // In one step where the system can do that: then there is no moment without a model.
    let exchanged = replaces && crate::staging::exchange(&complete, target).is_ok();
    if replaces && !exchanged {
        fs::rename(target, &old).map_err(failed)?;
    }
    if !exchanged && let Err(error) = fs::rename(&complete, target) {
        if replaces {
            // The old model goes back; if even that fails, the first error says more.
            let _ = fs::rename(&old, target);
        }
        return Err(failed(error));
    }
    File::open(beside).and_then(|folder| folder.sync_all()).map_err(failed)?;
    let files = files.into_iter().map(|(name, bytes)| (target.join(name), bytes)).collect();
    Ok(Written { rows, files })
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

/// Syncs a folder to disk and lists its files by their names inside it.
fn sync(folder: &Path, name: &Path, files: &mut Vec<(PathBuf, u64)>) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), name.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            sync(&path, &name, files)?;
        } else {
            let file = File::open(&path)?;
            file.sync_all()?;
            files.push((name, file.metadata()?.len()));
        }
    }
    File::open(folder)?.sync_all()
}
