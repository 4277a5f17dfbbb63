//! Columns whose values are more than a number: texts, images and sounds. The encoders of one value stand in `text`,
//! `image` and `audio`; here they meet columns.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float32Type};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::audio::{Audio, AudioFit, AudioOptions};
use super::category::visit_texts;
use super::error::TensorError;
use super::image::{Image, ImageFit, ImageOptions};
use super::part::{Counts, Part};
use super::text::{Text, TextFit, TextOptions};

/// What happens to a row whose image or sound cannot be decoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The run ends and names the row.
    #[default]
    Error,
    /// The row is left out and counted.
    Skip,
}

/// How a column of images or sounds becomes inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContentSpec<O> {
    /// How one of them becomes numbers.
    pub options: O,
    /// What happens to a row that cannot be decoded.
    pub on_error: OnError,
    /// For a column of paths the folder to which they are relative, as it was written.
    pub folder: Option<String>,
}

/// A column of texts, images or sounds with what was learned about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content<T> {
    name: String,
    encoder: T,
    on_error: OnError,
    folder: Option<String>,
    rows: u64,
    missing: u64,
    failed: u64,
    /// The first training rows that cannot be decoded, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failures: Vec<(u64, String)>,
}

/// Rows that cannot be decoded and are named.
pub(super) const NAMED: usize = 3;

impl<T> Content<T> {
    /// The column.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What makes numbers of one value.
    pub fn encoder(&self) -> &T {
        &self.encoder
    }

    /// What happens to a row that cannot be decoded.
    pub fn on_error(&self) -> OnError {
        self.on_error
    }

    /// Rows that cannot be decoded are told from now on, whatever was asked for.
    pub(super) fn skip(&mut self) {
        self.on_error = OnError::Skip;
    }

    /// For a column of paths the folder to which they are relative.
    pub fn folder(&self) -> Option<&str> {
        self.folder.as_deref()
    }

    /// Training rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Training rows without a value.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Training rows that cannot be decoded.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// The first three of them by their number, from 1, with the reason.
    pub fn failures(&self) -> &[(u64, String)] {
        &self.failures
    }
}

/// Learns about a column of texts, images or sounds.
#[derive(Debug)]
pub(super) struct ContentFit<F> {
    pub(super) name: String,
    fit: F,
    on_error: OnError,
    folder: Option<String>,
    rows: u64,
    missing: u64,
    failed: u64,
    failures: Vec<(u64, String)>,
}

impl<F> ContentFit<F> {
    pub(super) fn new(name: &str, fit: F, on_error: OnError, folder: Option<String>) -> Self {
        Self { name: name.to_owned(), fit, on_error, folder, rows: 0, missing: 0, failed: 0, failures: Vec::new() }
    }

    fn done<T>(self, finish: impl FnOnce(F) -> T) -> Content<T> {
        Content {
            name: self.name,
            encoder: finish(self.fit),
            on_error: self.on_error,
            folder: self.folder,
            rows: self.rows,
            missing: self.missing,
            failed: self.failed,
            failures: self.failures,
        }
    }

    /// Counts what was found in the training rows of these numbers, which count from 0. Errors: the first one that cannot
    /// be decoded, unless such rows are skipped.
    fn count(&mut self, found: Vec<Option<Result<(), String>>>, numbers: &[u64]) -> Result<(), TensorError> {
        for (one, number) in found.into_iter().zip(numbers) {
            self.rows += 1;
            match one {
                None => self.missing += 1,
                Some(Ok(())) => {}
                Some(Err(reason)) if self.on_error == OnError::Skip => {
                    self.failed += 1;
                    if self.failures.len() < NAMED {
                        self.failures.push((number + 1, reason));
                    }
                }
                Some(Err(reason)) => {
                    let place = format!("training row {}", number + 1);
                    let reason = format!("{}: {reason}", self.name);
                    return Err(TensorError::Unreadable { place, reason });
                }
            }
        }
        Ok(())
    }
}

impl ContentFit<TextFit> {
    pub(super) fn text(name: &str, options: &TextOptions) -> Self {
        Self::new(name, TextFit::new(options), OnError::Error, None)
    }

    pub(super) fn add(&mut self, array: &ArrayRef) {
        let (fit, missing) = (&mut self.fit, &mut self.missing);
        visit_texts(array, |_, text| match text {
            Some(text) => fit.add(text),
            None => *missing += 1,
        });
        self.rows += array.len() as u64;
    }

    pub(super) fn finish(self) -> Content<Text> {
        self.done(TextFit::finish)
    }
}

impl ContentFit<ImageFit> {
    pub(super) fn image(name: &str, spec: &ContentSpec<ImageOptions>) -> Self {
        Self::new(name, ImageFit::new(&spec.options), spec.on_error, spec.folder.clone())
    }

    /// Errors: an image that cannot be decoded, unless such rows are skipped.
    pub(super) fn add(&mut self, array: &ArrayRef, numbers: &[u64]) -> Result<(), TensorError> {
        let fit = &mut self.fit;
        let found: Vec<Option<Result<(), String>>> = (0..array.len())
            .map(|row| {
                Some(match value(array, row)? {
                    Value::Bytes(bytes) => fit.add(bytes),
                    Value::Numbers(numbers) => fit.add_numbers(&numbers),
                    Value::Else(reason) => Err(reason),
                })
            })
            .collect();
        self.count(found, numbers)
    }

    pub(super) fn finish(self) -> Content<Image> {
        self.done(ImageFit::finish)
    }
}

impl ContentFit<AudioFit> {
    pub(super) fn audio(name: &str, spec: &ContentSpec<AudioOptions>) -> Self {
        Self::new(name, AudioFit::new(&spec.options), spec.on_error, spec.folder.clone())
    }

    /// Errors: a sound that cannot be decoded, unless such rows are skipped.
    pub(super) fn add(&mut self, array: &ArrayRef, numbers: &[u64]) -> Result<(), TensorError> {
        let fit = &mut self.fit;
        let found: Vec<Option<Result<(), String>>> = (0..array.len())
            .map(|row| {
                Some(match value(array, row)? {
                    Value::Bytes(bytes) => fit.add(bytes),
                    Value::Numbers(_) => Err("numbers instead of a WAV file".to_owned()),
                    Value::Else(reason) => Err(reason),
                })
            })
            .collect();
        self.count(found, numbers)
    }

    pub(super) fn finish(self) -> Content<Audio> {
        self.done(AudioFit::finish)
    }
}

impl Content<Text> {
    /// Fills the column's part of each row; an unknown is a row with a token that the vocabulary does not have.
    pub(super) fn encode(&self, array: &ArrayRef, part: &mut Part<'_>) -> Counts {
        let mut counts = Counts::default();
        let own = self.encoder.length();
        visit_texts(array, |row, text| {
            let Some(cells) = part.row(row, own) else { return };
            match text {
                Some(text) => counts.unknown += u64::from(self.encoder.encode(text, cells).unknown > 0),
                None => counts.missing += 1,
            }
        });
        counts
    }
}

impl Content<Image> {
    pub(super) fn encode(&self, array: &ArrayRef, part: &mut Part<'_>) -> Counts {
        self.each(array, part, |value, cells| match value {
            Value::Bytes(bytes) => self.encoder.decode(bytes, cells),
            Value::Numbers(numbers) => self.encoder.numbers(&numbers, cells),
            Value::Else(reason) => Err(reason),
        })
    }
}

impl Content<Audio> {
    pub(super) fn encode(&self, array: &ArrayRef, part: &mut Part<'_>) -> Counts {
        self.each(array, part, |value, cells| match value {
            Value::Bytes(bytes) => self.encoder.encode(bytes, cells),
            Value::Numbers(_) => Err("numbers instead of a WAV file".to_owned()),
            Value::Else(reason) => Err(reason),
        })
    }
}

impl<T: Sync> Content<T> {
    fn each(
        &self,
        array: &ArrayRef,
        part: &mut Part<'_>,
        decode: impl Fn(Value<'_>, &mut [f32]) -> Result<(), String> + Sync,
    ) -> Counts {
        // Such a column has a block of its own: its cells are whole rows.
        let found: Vec<Option<Result<(), String>>> = part
            .inputs
            .par_chunks_exact_mut(part.width.max(1))
            .enumerate()
            .map(|(row, cells)| {
                let result = decode(value(array, row)?, cells);
                if result.is_err() {
                    cells.fill(0.0);
                }
                Some(result)
            })
            .collect();
        let mut counts = Counts::default();
        for (row, one) in found.into_iter().enumerate() {
            match one {
                None => counts.missing += 1,
                Some(Ok(())) => {}
                Some(Err(reason)) => counts.failed.push((row, format!("{}: {reason}", self.name))),
            }
        }
        counts
    }
}

/// A value of such a column.
enum Value<'a> {
    Bytes(&'a [u8]),
    Numbers(Vec<f32>),
    /// Why it is neither.
    Else(String),
}

/// The value of a row; none for null.
fn value(array: &ArrayRef, row: usize) -> Option<Value<'_>> {
    if row >= array.len() || array.is_null(row) {
        return None;
    }
    let items = match array.data_type() {
        DataType::Binary => return Some(Value::Bytes(array.as_binary::<i32>().value(row))),
        DataType::LargeBinary => return Some(Value::Bytes(array.as_binary::<i64>().value(row))),
        DataType::BinaryView => return Some(Value::Bytes(array.as_binary_view().value(row))),
        DataType::List(_) => array.as_list::<i32>().value(row),
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        DataType::FixedSizeList(..) => array.as_fixed_size_list().value(row),
        other => return Some(Value::Else(format!("neither bytes nor a list of numbers: {other}"))),
    };
    // Rows of rows of pixels are as good as one list.
    let mut items = items;
    while let Some(inner) = flattened(&items) {
        items = inner;
    }
    Some(match arrow::compute::cast(&items, &DataType::Float32) {
        Ok(numbers) => {
            Value::Numbers(numbers.as_primitive::<Float32Type>().iter().map(|x| x.unwrap_or(f32::NAN)).collect())
        }
        Err(_) => Value::Else(format!("a list of {}", items.data_type())),
    })
}

/// The elements of the lists of a list, in order; none where the elements are no lists.
fn flattened(array: &ArrayRef) -> Option<ArrayRef> {
    let lists: Vec<ArrayRef> = match array.data_type() {
        DataType::List(_) => array.as_list::<i32>().iter().flatten().collect(),
        DataType::LargeList(_) => array.as_list::<i64>().iter().flatten().collect(),
        DataType::FixedSizeList(..) => array.as_fixed_size_list().iter().flatten().collect(),
        _ => return None,
    };
    let lists: Vec<&dyn Array> = lists.iter().map(AsRef::as_ref).collect();
    arrow::compute::concat(&lists).ok()
}
