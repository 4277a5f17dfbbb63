//! Learning about a column of dates or times.

use arrow::array::ArrayRef;

use super::moment::moments;
use super::{Cycle, Date, DateKind, DateOptions};
use crate::tensor::number::{NumberFit, NumberScale};

/// Learns about a column of dates or times.
#[derive(Debug)]
pub(in crate::tensor) struct DateFit {
    pub(in crate::tensor) name: String,
    cycles: Vec<Cycle>,
    position: Option<NumberFit>,
    missing: u64,
    rows: u64,
}

impl DateFit {
    pub(in crate::tensor) fn new(name: &str, kind: DateKind, options: &DateOptions) -> Self {
        let has_position = options.position && kind != DateKind::Time;
        Self {
            name: name.to_owned(),
            cycles: options.cycles.clone().unwrap_or_else(|| kind.cycles().to_vec()),
            position: has_position.then(|| NumberFit::new(name, &NumberScale::Zscore)),
            missing: 0,
            rows: 0,
        }
    }

    pub(in crate::tensor) fn add(&mut self, array: &ArrayRef) {
        let found = moments(array);
        self.rows += found.len() as u64;
        self.missing += found.iter().filter(|moment| moment.is_none()).count() as u64;
        if let Some(position) = &mut self.position {
            let seconds: Vec<f64> = found.into_iter().flatten().map(|moment| moment.seconds).collect();
            position.extend(&seconds);
        }
    }

    pub(in crate::tensor) fn finish(self) -> Date {
        Date {
            name: self.name,
            cycles: self.cycles,
            position: self.position.map(NumberFit::finish),
            missing: self.missing,
            rows: self.rows,
        }
    }
}
