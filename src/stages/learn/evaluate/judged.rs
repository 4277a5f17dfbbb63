//! What models say of the rows that are judged, beside what is true of them.

use std::sync::Arc;

use ndarray::Array2;

use super::column::Column;
use super::rows::{LeftOut, Selection, each, failed};
use super::truth::Truth;
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::memory::MemoryManager;
use crate::relation::Relation;
use crate::stages::learn::tensors::Want;
use crate::stages::work::WorkContext;
use crate::tensor::Encoder;

/// What a model says of each row, for one target: `[n, width]`.
#[derive(Debug, Clone)]
pub(super) struct Opinion {
    pub(super) model: String,
    pub(super) outputs: Array2<f64>,
}

/// The truth of a target and what models say.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    pub(super) truth: Truth,
    pub(super) opinions: Vec<Opinion>,
}

/// What models say of the rows of a part.
pub(super) struct Judged {
    /// For each target.
    pub(super) evidence: Vec<Evidence>,
    /// For each column by which rows are divided its values.
    pub(super) slices: Vec<Column>,
    /// None where all rows were judged.
    pub(super) drawn: Option<Drawn>,
    pub(super) left_out: LeftOut,
}

/// That a random part of the rows was judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn {
    /// The rows of the part.
    pub(super) from: u64,
    /// Whether memory holds no more; else they are as many as are judged at most.
    pub(super) is_short: bool,
}

impl Judged {
    pub(super) fn rows(&self) -> usize {
        self.evidence.first().map_or(0, |evidence| evidence.truth.len())
    }
}

/// For each target what a model says, `[n, width]`; none for targets of which it says nothing.
type Said = Vec<Option<Array2<f64>>>;

/// How a model says something of the blocks of some rows.
type Say<'a> = dyn Fn(&[Array2<f32>]) -> Result<Said, Diagnostic> + 'a;

/// A model that says something of encoded rows.
pub(super) struct Speaker<'a> {
    pub(super) name: String,
    pub(super) say: Box<Say<'a>>,
}

/// The most rows that are judged.
pub(super) const MOST: u64 = 1_000_000;

/// Bytes that a judged row takes: what each model says of all targets together, the truth, and the values of slices.
pub(super) fn row_bytes(models: usize, widths: usize, targets: usize, slices: usize) -> u64 {
    (models * widths * 8 + targets * 8 + slices * 40) as u64
}

/// Lets the models speak on the rows of a part: on all of them, or on a random part of those that memory holds.
///
/// Errors: of class [`Class::Limit`] when not even a thousand rows fit.
pub(super) fn judge(
    relation: &Arc<Relation>,
    encoder: &Encoder,
    speakers: &[Speaker<'_>],
    slices: &[String],
    seed: u64,
    context: &WorkContext<'_>,
) -> Result<Judged, Diagnostic> {
    let mut truths: Vec<Truth> = encoder.targets().iter().map(Truth::of).collect();
    let widths: usize = truths.iter().map(Truth::width).sum();
    let bytes = row_bytes(speakers.len(), widths, truths.len(), slices.len());
    let rows_of_part = context.count(relation)?;
    let most = (context.memory / 8 / bytes.max(1)).min(MOST);
    if most < rows_of_part.min(1_000) {
        let message = "the predictions of a thousand rows do not fit into an eighth of the memory";
        return Err(Diagnostic::error(Class::Limit, message).help("give more `--memory`, or say `baselines: none`"));
    }
    let mut reservation = MemoryManager::process().reserve("predictions that are judged");
    reservation.try_grow(bytes * most.min(rows_of_part))?;
    let mut selection = Selection::new(rows_of_part, most, seed);
    let mut outputs: Vec<Vec<Option<Vec<f64>>>> = vec![vec![Some(Vec::new()); truths.len()]; speakers.len()];
    let mut columns: Vec<Column> = slices.iter().map(|name| Column::new(name)).collect();
    let want = Want::Labelled(slices);
    let left_out = each(relation, encoder, want, &mut selection, context, &mut |labelled, batch| {
        for (outputs, speaker) in outputs.iter_mut().zip(speakers) {
            let said = (speaker.say)(&labelled.encoded.inputs)?;
            for (all, said) in outputs.iter_mut().zip(said) {
                match (all.as_mut(), said) {
                    (Some(all), Some(said)) => all.extend(said.iter()),
                    (Some(_), None) => *all = None,
                    (None, _) => {}
                }
            }
        }
        for column in &mut columns {
            column.extend(batch::column(batch, &column.name), &labelled.rows);
        }
        truths.iter_mut().zip(labelled.targets).try_for_each(|(truth, targets)| truth.extend(targets))
    })?;
    let mut evidence: Vec<Evidence> =
        truths.into_iter().map(|truth| Evidence { truth, opinions: Vec::new() }).collect();
    for (outputs, speaker) in outputs.into_iter().zip(speakers) {
        for (outputs, evidence) in outputs.into_iter().zip(&mut evidence) {
            let Some(outputs) = outputs else { continue };
            let shape = (evidence.truth.len(), evidence.truth.width());
            let outputs = Array2::from_shape_vec(shape, outputs).map_err(|error| failed(&error))?;
            evidence.opinions.push(Opinion { model: speaker.name.clone(), outputs });
        }
    }
    let drawn = (most < rows_of_part).then_some(Drawn { from: rows_of_part, is_short: most < MOST });
    Ok(Judged { evidence, slices: columns, drawn, left_out })
}
