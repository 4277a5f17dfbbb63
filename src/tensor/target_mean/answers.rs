//! The targets of training rows while it is not yet known which classes there are.

use arrow::array::ArrayRef;
use rustc_hash::FxHashMap;

use crate::tensor::category::visit_texts;
use crate::tensor::number::finite;
use crate::tensor::specification::{TargetKind, TargetSpec};
use crate::tensor::target::{Target, visit_labels};

/// What was asked, for all columns of means together: classes get numbers as they appear.
#[derive(Debug)]
pub(in crate::tensor) struct Question {
    pub(super) column: String,
    kind: TargetKind,
    separator: Option<String>,
    classes: FxHashMap<String, u32>,
}

/// The targets of some rows.
#[derive(Debug)]
pub(in crate::tensor) enum Answers {
    /// `[n]`.
    Numbers(Vec<f64>),
    /// `[n]`; classes by their number.
    Classes(Vec<u32>),
    /// `[n]`; the labels of each row by their number, each once.
    Labels(Vec<Vec<u32>>),
}

impl Question {
    pub(in crate::tensor) fn new(target: &TargetSpec) -> Self {
        Self {
            column: target.column.clone(),
            kind: target.kind,
            separator: target.separator.clone(),
            classes: FxHashMap::default(),
        }
    }

    /// The target.
    pub(in crate::tensor) fn column(&self) -> &str {
        &self.column
    }

    /// Whether the answers are numbers.
    pub(super) fn is_number(&self) -> bool {
        matches!(self.kind, TargetKind::Number | TargetKind::Count)
    }

    /// The answers of rows that all have one. How many classes there can be is bounded by whoever learns the target.
    pub(in crate::tensor) fn read(&mut self, array: &ArrayRef) -> Answers {
        match self.kind {
            TargetKind::Number | TargetKind::Count => Answers::Numbers(finite(array)),
            TargetKind::Binary | TargetKind::Category => {
                let mut found = Vec::with_capacity(array.len());
                visit_texts(array, |_, text| found.push(text.map_or(u32::MAX, |text| self.number(text))));
                Answers::Classes(found)
            }
            TargetKind::MultiLabel => {
                let separator = self.separator.clone();
                let mut found = Vec::with_capacity(array.len());
                visit_labels(array, separator.as_deref(), |_, labels| {
                    let labels = labels.unwrap_or_default();
                    let mut numbers: Vec<u32> = labels.iter().map(|label| self.number(label)).collect();
                    numbers.sort_unstable();
                    numbers.dedup();
                    found.push(numbers);
                });
                Answers::Labels(found)
            }
        }
    }

    fn number(&mut self, class: &str) -> u32 {
        if let Some(number) = self.classes.get(class) {
            return *number;
        }
        let number = u32::try_from(self.classes.len()).unwrap_or(u32::MAX);
        self.classes.insert(class.to_owned(), number);
        number
    }

    /// The columns that the means of a target become: the name of the class with its number, or none for numbers. Of
    /// two classes the second says all.
    pub(super) fn columns(&self, target: &Target) -> Vec<Option<(String, u32)>> {
        let names = match target {
            Target::Number(_) | Target::Count(_) => return vec![None],
            Target::Binary(classes) => classes.names.get(1..).unwrap_or_default(),
            Target::Category(_) | Target::MultiLabel(_) => target.names(),
        };
        let column = |name: &String| Some((name.clone(), self.classes.get(name).copied().unwrap_or(u32::MAX)));
        names.iter().map(column).collect()
    }
}
