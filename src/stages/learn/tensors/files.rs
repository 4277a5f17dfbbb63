//! Files behind columns of paths.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, LargeBinaryBuilder, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};

use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::tensor::{Encoder, Feature, FeatureKind, OnError, Specification};

/// A larger file is no image and no sound of a training row.
const LARGEST: u64 = 1 << 30;

/// The columns whose values are paths.
pub(super) struct Files {
    columns: Vec<(String, PathBuf, OnError)>,
}

impl Files {
    /// Those of a fitted encoder, relative to `base`.
    ///
    /// Errors: a folder that cannot be found.
    pub(super) fn of(encoder: &Encoder, base: &Path) -> Result<Self, Diagnostic> {
        let found = encoder.features().iter().filter_map(|feature| match feature {
            Feature::Image(image) => Some((image.name(), image.folder()?, image.on_error())),
            Feature::Audio(audio) => Some((audio.name(), audio.folder()?, audio.on_error())),
            _ => None,
        });
        Self::new(found, base)
    }

    /// Those of a specification, relative to `base`.
    ///
    /// Errors: a folder that cannot be found.
    pub(super) fn to_learn(specification: &Specification, base: &Path) -> Result<Self, Diagnostic> {
        let found = specification.features.iter().filter_map(|feature| match &feature.kind {
            FeatureKind::Image(spec) => Some((&*feature.column, spec.folder.as_deref()?, spec.on_error)),
            FeatureKind::Audio(spec) => Some((&*feature.column, spec.folder.as_deref()?, spec.on_error)),
            _ => None,
        });
        Self::new(found, base)
    }

    fn new<'a>(found: impl Iterator<Item = (&'a str, &'a str, OnError)>, base: &Path) -> Result<Self, Diagnostic> {
        let columns = found.map(|(name, folder, on_error)| {
            // Links are followed once, here; what a path reaches from then on is compared with this.
            let folder = base.join(folder);
            let real = folder.canonicalize().map_err(|error| {
                Diagnostic::error(Class::Data, format!("cannot find the folder `{}`: {error}", folder.display()))
            })?;
            Ok((name.to_owned(), real, on_error))
        });
        Ok(Self { columns: columns.collect::<Result<_, Diagnostic>>()? })
    }

    /// Whether there are such columns.
    pub(super) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The batch with the contents of the files in the place of their paths; an empty one for a file that cannot be read,
    /// where such rows are skipped.
    ///
    /// Errors: a path that leaves its folder, a file that cannot be read, unless such rows are skipped.
    pub(super) fn read(&self, batch: RecordBatch) -> Result<RecordBatch, Diagnostic> {
        if self.columns.is_empty() {
            return Ok(batch);
        }
        let schema = batch.schema();
        let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
        let mut arrays: Vec<ArrayRef> = batch.columns().to_vec();
        for (name, folder, on_error) in &self.columns {
            let Ok(at) = schema.index_of(name) else { continue };
            let (Some(field), Some(array)) = (fields.get_mut(at), arrays.get_mut(at)) else { continue };
            let mut builder = LargeBinaryBuilder::new();
            for text in batch::texts(array) {
                match text.map(|text| read(folder, &text)) {
                    None => builder.append_null(),
                    Some(Ok(content)) => builder.append_value(content),
                    Some(Err(_)) if *on_error == OnError::Skip => builder.append_value(b""),
                    Some(Err(reason)) => {
                        return Err(Diagnostic::error(Class::Data, format!("column `{name}`: {reason}"))
                            .help("say `on_error: skip` to leave such rows out"));
                    }
                }
            }
            *array = Arc::new(builder.finish());
            *field = Arc::new(Field::new(name, DataType::LargeBinary, true));
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|error| Diagnostic::error(Class::Stage, format!("the files make no column: {error}")))
    }
}

/// The content of a file inside of a folder. Errors: in words.
fn read(folder: &Path, path: &str) -> Result<Vec<u8>, String> {
    let relative = Path::new(path);
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !plain || path.is_empty() {
        return Err(format!("`{path}` is no path inside of the folder `{}`", folder.display()));
    }
    let failed = |error: std::io::Error| format!("cannot read `{path}`: {error}");
    // A link inside of the folder may lead out of it.
    let real = folder.join(relative).canonicalize().map_err(failed)?;
    if !real.starts_with(folder) {
        return Err(format!("`{path}` leads out of the folder `{}`", folder.display()));
    }
    let about = std::fs::metadata(&real).map_err(failed)?;
    if !about.is_file() {
        return Err(format!("`{path}` is no file"));
    }
    if about.len() > LARGEST {
        return Err(format!("`{path}` is larger than 1 GiB"));
    }
    std::fs::read(&real).map_err(failed)
}
