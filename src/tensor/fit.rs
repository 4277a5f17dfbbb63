//! Learning an encoder: one pass over the rows.

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use rayon::prelude::*;

use super::audio::AudioFit;
use super::category::{CategoryEncoding, CategoryFit};
use super::content::ContentFit;
use super::date::{DateFit, DateKind};
use super::domain::{Domain, DomainFit, Watched};
use super::encoder::Encoder;
use super::error::TensorError;
use super::feature::Feature;
use super::image::ImageFit;
use super::number::NumberFit;
use super::sequence::SequenceFit;
use super::specification::{FeatureKind, FeatureSpec, Specification};
use super::target::{Target, TargetFit};
use super::target_mean::{Question, TargetMeanFit};
use super::text::TextFit;
use super::vector::VectorFit;

/// An encoder that is being learned. Rows without a target teach nothing and are counted; with a sequence they teach all
/// but the target, because they stand in windows of other rows.
///
/// Complexity: one visit of each value; memory for a vocabulary of at most 65,536 values and a sketch for each column.
#[derive(Debug)]
pub struct Fit {
    features: Vec<FeatureFit>,
    /// What the columns hold.
    domains: Vec<DomainFit>,
    /// Rows that were looked at for it.
    watched: u64,
    sequence: Option<SequenceFit>,
    targets: Vec<TargetFit>,
    /// What columns of means ask about the targets; empty where there are none.
    questions: Vec<Question>,
    rows: u64,
    left_out: u64,
}

#[derive(Debug)]
enum FeatureFit {
    Number(NumberFit),
    Vector(VectorFit),
    Category(CategoryFit),
    TargetMean(Box<TargetMeanFit>),
    Date(DateFit),
    Text(Box<ContentFit<TextFit>>),
    Image(Box<ContentFit<ImageFit>>),
    Audio(Box<ContentFit<AudioFit>>),
}

impl FeatureFit {
    fn new(feature: &FeatureSpec, questions: &[Question]) -> Self {
        let name = &feature.column;
        match &feature.kind {
            FeatureKind::Number(scale) => Self::Number(NumberFit::new(name, scale)),
            FeatureKind::Vector(scale, length) => Self::Vector(VectorFit::new(name, scale, *length)),
            FeatureKind::Category(CategoryEncoding::Target(options)) => {
                Self::TargetMean(TargetMeanFit::new(name, options, questions).into())
            }
            FeatureKind::Category(encoding) => Self::Category(CategoryFit::new(name, encoding)),
            FeatureKind::Date(kind, options) => Self::Date(DateFit::new(name, *kind, options)),
            FeatureKind::Text(options) => Self::Text(ContentFit::text(name, options).into()),
            FeatureKind::Image(spec) => Self::Image(ContentFit::image(name, spec).into()),
            FeatureKind::Audio(spec) => Self::Audio(ContentFit::audio(name, spec).into()),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Number(fit) => &fit.name,
            Self::Vector(fit) => &fit.name,
            Self::Category(fit) => &fit.name,
            Self::TargetMean(fit) => &fit.name,
            Self::Date(fit) => &fit.name,
            Self::Text(fit) => &fit.name,
            Self::Image(fit) => &fit.name,
            Self::Audio(fit) => &fit.name,
        }
    }

    /// `numbers` are those of the rows among all training rows.
    fn add(&mut self, array: &ArrayRef, numbers: &[u64]) -> Result<(), TensorError> {
        match self {
            Self::Number(fit) => fit.add(array),
            Self::Vector(fit) => fit.add(array),
            Self::Category(fit) => fit.add(array),
            // Means are learned from rows with their answers.
            Self::TargetMean(_) => {}
            Self::Date(fit) => fit.add(array),
            Self::Text(fit) => fit.add(array),
            Self::Image(fit) => fit.add(array, numbers)?,
            Self::Audio(fit) => fit.add(array, numbers)?,
        }
        Ok(())
    }

    fn finish(self, questions: &[Question], targets: &[Target]) -> Feature {
        match self {
            Self::Number(fit) => Feature::Number(fit.finish()),
            Self::Vector(fit) => Feature::Vector(fit.finish()),
            Self::Category(fit) => Feature::Category(fit.finish()),
            Self::TargetMean(fit) => Feature::TargetMean(fit.finish(questions, targets)),
            Self::Date(fit) => Feature::Date(fit.finish()),
            Self::Text(fit) => Feature::Text(fit.finish()),
            Self::Image(fit) => Feature::Image(fit.finish()),
            Self::Audio(fit) => Feature::Audio(fit.finish()),
        }
    }
}

/// What is remembered of the columns of the features and of a sequence.
fn watched(specification: &Specification) -> Vec<DomainFit> {
    let of_features = specification.features.iter().map(|feature| {
        let watched = match &feature.kind {
            FeatureKind::Number(_) => Watched::Range,
            FeatureKind::Category(_) => Watched::Values,
            FeatureKind::Date(DateKind::Date | DateKind::Datetime, _) => Watched::Range,
            FeatureKind::Date(DateKind::Time, _)
            | FeatureKind::Vector(..)
            | FeatureKind::Text(_)
            | FeatureKind::Image(_)
            | FeatureKind::Audio(_) => Watched::Presence,
        };
        DomainFit::new(&feature.column, watched)
    });
    let of_sequence = specification.sequence.iter().flat_map(|sequence| &sequence.columns);
    let mut domains: Vec<DomainFit> = of_features.collect();
    for (column, _) in of_sequence {
        if domains.iter().all(|domain| domain.column() != column) {
            domains.push(DomainFit::new(column, Watched::Range));
        }
    }
    domains
}

impl Fit {
    /// Nothing learned yet.
    pub fn new(specification: &Specification) -> Self {
        let asks = |feature: &FeatureSpec| matches!(feature.kind, FeatureKind::Category(CategoryEncoding::Target(_)));
        let asked = specification.features.iter().any(asks).then_some(specification.targets.as_slice());
        let questions: Vec<Question> = asked.unwrap_or_default().iter().map(Question::new).collect();
        Self {
            features: specification.features.iter().map(|feature| FeatureFit::new(feature, &questions)).collect(),
            domains: watched(specification),
            watched: 0,
            sequence: specification.sequence.as_ref().map(SequenceFit::new),
            targets: specification.targets.iter().map(TargetFit::new).collect(),
            questions,
            rows: 0,
            left_out: 0,
        }
    }

    /// Learns from rows with the columns of the specification.
    ///
    /// Errors: a column is missing, a target has too many classes or something that is none, or an image or a sound
    /// cannot be decoded.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), TensorError> {
        let column = |batch: &RecordBatch, name: &str| {
            batch.column_by_name(name).cloned().ok_or_else(|| TensorError::MissingColumn(name.to_owned()))
        };
        let mut known = vec![true; batch.num_rows()];
        for target in &self.targets {
            let has = target.known(&column(batch, &target.column)?);
            known.iter_mut().zip(has).for_each(|(known, has)| *known &= has);
        }
        // Rows are numbered as they come, whether they have a target or not: that is how they come again.
        let first = self.rows + self.left_out;
        let numbers: Vec<u64> = (first..).zip(&known).filter(|(_, known)| **known).map(|(number, _)| number).collect();
        let kept = numbers.len();
        self.rows += kept as u64;
        self.left_out += (known.len() - kept) as u64;
        let labelled = filter_record_batch(batch, &BooleanArray::from(known))
            .map_err(|error| TensorError::Rows(error.to_string()))?;
        for target in &mut self.targets {
            let array = column(&labelled, &target.column)?;
            target.add(&array)?;
        }
        let answers = self.questions.iter_mut().map(|question| {
            let array = column(&labelled, question.column())?;
            Ok(question.read(&array))
        });
        let answers = answers.collect::<Result<Vec<_>, TensorError>>()?;
        let all: Vec<u64> = (first..).take(batch.num_rows()).collect();
        let (batch, looked_at) = match &mut self.sequence {
            Some(sequence) => {
                sequence.add(batch)?;
                (batch, &all)
            }
            None => (&labelled, &numbers),
        };
        self.watched += batch.num_rows() as u64;
        self.domains.par_iter_mut().try_for_each(|domain| {
            domain.add(&column(batch, domain.column())?);
            Ok(())
        })?;
        self.features.par_iter_mut().try_for_each(|fit| match fit {
            FeatureFit::TargetMean(fit) => fit.add(&column(&labelled, &fit.name)?, &answers, &numbers),
            fit => {
                let array = column(batch, fit.name())?;
                fit.add(&array, looked_at)
            }
        })
    }

    /// The encoder.
    ///
    /// Errors: no row had all targets, or what they are does not fit the kind of a target.
    pub fn finish(self) -> Result<Encoder, TensorError> {
        let targets: Vec<Target> = self.targets.into_iter().map(TargetFit::finish).collect::<Result<_, _>>()?;
        let sequence = self.sequence.map(|fit| Feature::Sequence(fit.finish()));
        let features = self.features.into_iter().map(|fit| fit.finish(&self.questions, &targets));
        let features = features.chain(sequence).collect();
        let domain = Domain { rows: self.watched, columns: self.domains.into_iter().map(DomainFit::finish).collect() };
        Ok(Encoder::new(features, targets, self.rows, self.left_out, domain))
    }
}
