//! Values of columns by which rows are divided.

use arrow::array::{Array, ArrayRef};

use crate::batch;

/// A column: numbers where it holds numbers, else texts.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) texts: Vec<Option<String>>,
    pub(super) is_number: bool,
}

impl Column {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), texts: Vec::new(), is_number: false }
    }

    /// Takes the values of some rows.
    pub(super) fn extend(&mut self, array: Option<&ArrayRef>, rows: &[usize]) {
        let Some(array) = array else { return };
        self.is_number |= array.data_type().is_numeric();
        let texts = batch::texts(array);
        self.texts.extend(rows.iter().map(|row| texts.get(*row).cloned().flatten()));
    }
}
