//! One feature, whatever its kind.

use arrow::array::RecordBatch;
use serde::{Deserialize, Serialize};

use super::audio::Audio;
use super::block::{Block, BlockKind};
use super::category::Category;
use super::content::{Content, OnError};
use super::date::Date;
use super::encoder::column;
use super::error::TensorError;
use super::image::Image;
use super::number::Number;
use super::part::{Counts, Part};
use super::sequence::{SEQUENCE, Sequence, WINDOW};
use super::target_mean::TargetMean;
use super::text::Text;
use super::vector::Vector;

/// A feature with what was learned about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// A column of numbers.
    Number(Number),
    /// A column of lists of numbers.
    Vector(Vector),
    /// A column of categories.
    Category(Category),
    /// A column of categories as means of the targets.
    TargetMean(TargetMean),
    /// A column of dates or times.
    Date(Date),
    /// A column of texts.
    Text(Content<Text>),
    /// A column of images.
    Image(Content<Image>),
    /// A column of sounds.
    Audio(Content<Audio>),
    /// The last rows of a group.
    Sequence(Sequence),
}

impl Feature {
    /// The column, or `sequence`.
    pub fn name(&self) -> &str {
        match self {
            Self::Number(number) => number.name(),
            Self::Vector(vector) => vector.name(),
            Self::Category(category) => category.name(),
            Self::TargetMean(means) => means.name(),
            Self::Date(date) => date.name(),
            Self::Text(text) => text.name(),
            Self::Image(image) => image.name(),
            Self::Audio(audio) => audio.name(),
            Self::Sequence(_) => SEQUENCE,
        }
    }

    /// The columns that it reads.
    pub fn columns(&self) -> Vec<String> {
        match self {
            Self::Sequence(sequence) => sequence.spec().reads(),
            _ => vec![self.name().to_owned()],
        }
    }

    /// How many numbers it becomes.
    pub fn width(&self) -> usize {
        match self {
            Self::Number(number) => number.width(),
            Self::Vector(vector) => vector.width(),
            Self::Category(category) => category.width(),
            Self::TargetMean(means) => means.width(),
            Self::Date(date) => date.width(),
            Self::Text(_) | Self::Image(_) | Self::Audio(_) | Self::Sequence(_) => {
                self.block().map_or(0, |block| block.size())
            }
        }
    }

    /// Its own block; none for flat features, which share the table.
    pub fn block(&self) -> Option<Block> {
        let block = |shape: Vec<usize>, tokens, kind| {
            Some(Block { name: self.name().to_owned(), shape, tokens, kind, dimension: None })
        };
        match self {
            Self::Number(_) | Self::Vector(_) | Self::TargetMean(_) | Self::Date(_) => None,
            Self::Category(category) => category.block(),
            Self::Text(text) => {
                let encoder = text.encoder();
                block(vec![encoder.length()], Some(encoder.tokens()), BlockKind::Text)
            }
            Self::Image(image) => block(image.encoder().shape().to_vec(), None, BlockKind::Image),
            Self::Audio(audio) => block(audio.encoder().shape(), None, BlockKind::Audio),
            Self::Sequence(sequence) => Some(sequence.block()),
        }
    }

    /// Training rows without a value, where the column has one.
    pub fn missing(&self) -> u64 {
        match self {
            Self::Number(number) => number.missing(),
            Self::Vector(vector) => vector.missing(),
            Self::Category(category) => category.missing(),
            Self::TargetMean(means) => means.missing(),
            Self::Date(date) => date.missing(),
            Self::Text(text) => text.missing(),
            Self::Image(image) => image.missing(),
            Self::Audio(audio) => audio.missing(),
            Self::Sequence(_) => 0,
        }
    }

    /// Whether what was read back can be worked with.
    pub(super) fn is_sound(&self) -> bool {
        match self {
            Self::Number(number) => number.is_sound(),
            Self::Vector(vector) => vector.is_sound(),
            Self::Date(date) => date.is_sound(),
            Self::Sequence(sequence) => sequence.is_sound(),
            Self::Image(image) => image.encoder().options().check().is_ok(),
            Self::Audio(audio) => audio.encoder().options().check().is_ok(),
            Self::Text(text) => text.encoder().spec().check().is_ok(),
            Self::Category(_) | Self::TargetMean(_) => true,
        }
    }

    /// Whether a row that cannot be read ends the run.
    pub(super) fn is_strict(&self) -> bool {
        match self {
            Self::Image(image) => image.on_error() == OnError::Error,
            Self::Audio(audio) => audio.on_error() == OnError::Error,
            _ => false,
        }
    }

    /// Rows that cannot be read are told and do not end the work.
    pub(super) fn lenient(&mut self) {
        match self {
            Self::Image(image) => image.skip(),
            Self::Audio(audio) => audio.skip(),
            _ => {}
        }
    }

    /// A name for each number of a flat feature or a sequence; the column itself for the others.
    pub(super) fn input_names(&self) -> Vec<String> {
        match self {
            Self::Number(number) => number.input_names(),
            Self::Vector(vector) => vector.input_names(),
            Self::Category(category) => category.input_names(),
            Self::TargetMean(means) => means.input_names(),
            Self::Date(date) => date.input_names(),
            Self::Sequence(sequence) => sequence.input_names(),
            Self::Text(_) | Self::Image(_) | Self::Audio(_) => vec![self.name().to_owned()],
        }
    }

    /// The column of each number.
    pub(super) fn input_columns(&self) -> Vec<String> {
        match self {
            Self::Sequence(sequence) => sequence.input_columns(),
            _ => vec![self.name().to_owned(); self.width()],
        }
    }

    /// Fills its part of each row.
    ///
    /// Errors: a column is missing.
    pub(super) fn encode(&self, batch: &RecordBatch, part: &mut Part<'_>) -> Result<Counts, TensorError> {
        let array = column(batch, if let Self::Sequence(_) = self { WINDOW } else { self.name() })?;
        Ok(match self {
            Self::Number(number) => number.encode(array, part),
            Self::Vector(vector) => vector.encode(array, part),
            Self::Category(category) => category.encode(array, part),
            Self::TargetMean(means) => means.encode(array, batch, part),
            Self::Date(date) => date.encode(array, part),
            Self::Text(text) => text.encode(array, part),
            Self::Image(image) => image.encode(array, part),
            Self::Audio(audio) => audio.encode(array, part),
            Self::Sequence(sequence) => sequence.encode(array, part),
        })
    }
}
