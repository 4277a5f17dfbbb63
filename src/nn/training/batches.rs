//! Where the rows of a training come from.

use super::super::error::Error;
use super::super::loss::{Loss, Targets};
use super::super::network::check_inputs;
use ndarray::ArrayView2;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Why a source could not give its next batch.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// A source of batches that can be read again for each epoch. The next batch is asked for while the current one is
/// being learned, so a source may take its time.
pub trait Batches: Send {
    /// How many numbers a row of the input has.
    fn features(&self) -> usize;

    /// How many rows an epoch has; for progress.
    fn rows(&self) -> usize;

    /// Checks all targets at once, where the source has them at hand, so that an error can name the row. Each batch is
    /// checked in any case.
    ///
    /// Errors: what does not fit the loss.
    fn check(&self, loss: Loss) -> Result<(), String> {
        let _ = loss;
        Ok(())
    }

    /// Goes back to the first row. With a generator the rows come in an order that it decides, without one in their
    /// own.
    ///
    /// Errors: whatever keeps the source from starting.
    fn start(&mut self, shuffle: Option<ChaCha8Rng>) -> Result<(), SourceError>;

    /// Fills `batch`, which is empty, with the next rows, at most `rows` of them; leaves it empty at the end.
    ///
    /// Errors: whatever keeps the source from reading.
    fn next_batch(&mut self, rows: usize, batch: &mut Batch) -> Result<(), SourceError>;
}

/// Some rows with what they should give. The buffers are used again and again.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// `[n, features]`, row-major.
    pub inputs: Vec<f32>,
    /// `[n]`: the numbers of the classes, for a multiclass head; empty for the others.
    pub classes: Vec<u32>,
    /// `[n, width]`, row-major: numbers, for the other heads; empty for a multiclass head.
    pub values: Vec<f32>,
    /// `[n]`: how much each row counts, finite and not negative; empty where all count the same.
    pub weights: Vec<f32>,
}

impl Batch {
    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.inputs.clear();
        self.classes.clear();
        self.values.clear();
        self.weights.clear();
    }

    /// The targets as the loss reads them.
    pub(crate) fn targets(&self, loss: Loss) -> Targets<'_> {
        match loss {
            Loss::CrossEntropy { .. } => Targets::Classes(&self.classes),
            Loss::BinaryCrossEntropy { .. } | Loss::SquaredError { .. } => Targets::Values(&self.values),
        }
    }

    /// The sum of the weights; the number of rows where there are none.
    pub(crate) fn total_weight(&self, rows: usize) -> f64 {
        if self.weights.is_empty() { rows as f64 } else { self.weights.iter().map(|&w| f64::from(w)).sum() }
    }

    /// Checks what a source filled in: lengths that fit together, at most `limit` rows, finite inputs, targets in their
    /// range, weights that can be weights. Returns the number of rows.
    pub(crate) fn check(&self, what: &'static str, features: usize, limit: usize, loss: Loss) -> Result<usize, Error> {
        let refuse = |reason: String| Error::Targets { what, reason: format!("in a batch, {reason}") };
        let rows = self.inputs.len() / features.max(1);
        if self.inputs.len() != rows * features || rows > limit {
            let numbers = self.inputs.len();
            return Err(refuse(format!("there are {numbers} numbers, expected at most {limit} rows of {features}")));
        }
        check_inputs(&self.inputs, features)?;
        loss.check(self.targets(loss), rows).map_err(refuse)?;
        if !self.weights.is_empty() && self.weights.len() != rows {
            return Err(refuse(format!("there are {} weights for {rows} rows", self.weights.len())));
        }
        match self.weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            Some(row) => {
                Err(refuse(format!("the weight of row {} is {}, it must be 0 or above", row + 1, self.weights[row])))
            }
            None => Ok(rows),
        }
    }
}

/// Rows in memory, borrowed.
#[derive(Debug)]
pub struct InMemory<'a> {
    inputs: ArrayView2<'a, f32>,
    targets: Targets<'a>,
    weights: Option<&'a [f32]>,
    width: usize,
    order: Vec<usize>,
    next: usize,
}

impl<'a> InMemory<'a> {
    /// Rows `[n, features]` with their targets: `[n]` classes, or `[n, width]` numbers. `weights` is `[n]`.
    ///
    /// Errors: [`Error::Targets`] where the lengths do not fit together or a weight is negative or not finite;
    /// [`Error::NotFiniteInput`] with the row of the data.
    pub fn new(inputs: ArrayView2<'a, f32>, targets: Targets<'a>, weights: Option<&'a [f32]>) -> Result<Self, Error> {
        let n = inputs.nrows();
        let refuse = |count: usize, of: &str| Error::Targets {
            what: "the data",
            reason: format!("there are {count} {of} for {n} rows"),
        };
        let width = match targets {
            Targets::Classes(classes) if classes.len() != n => return Err(refuse(classes.len(), "classes")),
            Targets::Classes(_) => 1,
            Targets::Values(values)
                if values.len().checked_rem(n).unwrap_or(values.len()) != 0 || (n > 0 && values.is_empty()) =>
            {
                return Err(refuse(values.len(), "target values"));
            }
            Targets::Values(values) => values.len().checked_div(n).unwrap_or(1),
        };
        if let Some(weights) = weights.filter(|w| w.len() != n) {
            return Err(refuse(weights.len(), "weights"));
        }
        let wrong =
            weights.and_then(|weights| weights.iter().enumerate().find(|(_, w)| !(w.is_finite() && **w >= 0.0)));
        if let Some((row, weight)) = wrong {
            let reason = format!("the weight of row {} is {weight}, it must be 0 or above", row + 1);
            return Err(Error::Targets { what: "the data", reason });
        }
        if inputs.iter().any(|v| !v.is_finite())
            && let Some(((row, feature), &value)) = inputs.indexed_iter().find(|(_, v)| !v.is_finite())
        {
            return Err(Error::NotFiniteInput { row: row + 1, feature: feature + 1, value });
        }
        Ok(Self { inputs, targets, weights, width, order: (0..n).collect(), next: 0 })
    }
}

impl Batches for InMemory<'_> {
    fn features(&self) -> usize {
        self.inputs.ncols()
    }

    fn rows(&self) -> usize {
        self.inputs.nrows()
    }

    fn check(&self, loss: Loss) -> Result<(), String> {
        loss.check(self.targets, self.inputs.nrows())
    }

    fn start(&mut self, shuffle: Option<ChaCha8Rng>) -> Result<(), SourceError> {
        self.next = 0;
        // From the rows' own order each time: an epoch's order depends on its generator alone.
        self.order.clear();
        self.order.extend(0..self.inputs.nrows());
        if let Some(mut rng) = shuffle {
            self.order.shuffle(&mut rng);
        }
        Ok(())
    }

    fn next_batch(&mut self, rows: usize, batch: &mut Batch) -> Result<(), SourceError> {
        let end = self.order.len().min(self.next.saturating_add(rows));
        for &row in &self.order[self.next..end] {
            let input = self.inputs.row(row);
            match input.as_slice() {
                Some(slice) => batch.inputs.extend_from_slice(slice),
                None => batch.inputs.extend(input),
            }
            match self.targets {
                Targets::Classes(classes) => batch.classes.push(classes[row]),
                Targets::Values(values) => {
                    batch.values.extend_from_slice(&values[row * self.width..(row + 1) * self.width])
                }
            }
            if let Some(weights) = self.weights {
                batch.weights.push(weights[row]);
            }
        }
        self.next = end;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};
    use rand::SeedableRng;

    /// The batch sizes and the first feature of each row of an epoch.
    fn epoch(source: &mut InMemory<'_>, rows: usize, shuffle: Option<u64>) -> (Vec<usize>, Vec<f32>) {
        source.start(shuffle.map(ChaCha8Rng::seed_from_u64)).unwrap();
        let (mut batch, mut sizes, mut seen) = (Batch::default(), vec![], vec![]);
        loop {
            batch.clear();
            source.next_batch(rows, &mut batch).unwrap();
            if batch.inputs.is_empty() {
                return (sizes, seen);
            }
            sizes.push(batch.inputs.len() / 2);
            // The targets and the weights go with their rows.
            assert!(
                batch
                    .inputs
                    .chunks(2)
                    .zip(&batch.values)
                    .zip(&batch.weights)
                    .all(|((x, t), w)| *t == x[0] * 10.0 && *w == x[0])
            );
            seen.extend(batch.inputs.iter().step_by(2));
        }
    }

    #[test]
    fn each_epoch_has_each_row_once_in_its_own_order() {
        let inputs = Array2::from_shape_fn((10, 2), |(i, _)| i as f32);
        let targets: Vec<f32> = (0..10).map(|i| i as f32 * 10.0).collect();
        let weights: Vec<f32> = (0..10).map(|i| i as f32).collect();
        let mut source = InMemory::new(inputs.view(), Targets::Values(&targets), Some(&weights)).unwrap();
        let (sizes, plain) = epoch(&mut source, 4, None);
        assert_eq!((sizes, &plain), (vec![4, 4, 2], &weights));
        let (_, first) = epoch(&mut source, 4, Some(1));
        let (_, second) = epoch(&mut source, 4, Some(2));
        assert!(first != plain && second != plain && first != second);
        assert_eq!(epoch(&mut source, 3, Some(1)).1, first);
        let mut sorted = first;
        sorted.sort_by(f32::total_cmp);
        assert_eq!(sorted, plain);
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        let inputs = array![[1.0, 2.0], [3.0, 4.0]];
        let refusal = |targets, weights| InMemory::new(inputs.view(), targets, weights).unwrap_err().to_string();
        assert_eq!(refusal(Targets::Classes(&[1]), None), "the data: there are 1 classes for 2 rows");
        assert_eq!(refusal(Targets::Values(&[1.0; 3]), None), "the data: there are 3 target values for 2 rows");
        assert_eq!(refusal(Targets::Values(&[]), None), "the data: there are 0 target values for 2 rows");
        assert_eq!(refusal(Targets::Classes(&[1, 1]), Some(&[1.0])), "the data: there are 1 weights for 2 rows");
        let weights = Some(&[1.0, f32::NAN][..]);
        assert_eq!(
            refusal(Targets::Classes(&[1, 1]), weights),
            "the data: the weight of row 2 is NaN, it must be 0 or above"
        );
        let bad = array![[1.0, 2.0], [3.0, f32::INFINITY]];
        let error = InMemory::new(bad.view(), Targets::Classes(&[1, 1]), None).unwrap_err();
        assert_eq!(error.to_string(), "row 2, feature 2 of the input is inf; a network needs finite numbers");
        assert!(InMemory::new(Array2::zeros((0, 2)).view(), Targets::Values(&[]), None).is_ok());
    }

    #[test]
    fn what_a_source_fills_in_is_checked() {
        let good = Batch { inputs: vec![1.0; 4], values: vec![0.0, 1.0], ..Batch::default() };
        let check = |change: &dyn Fn(&mut Batch)| {
            let mut batch = good.clone();
            change(&mut batch);
            batch.check("training", 2, 2, Loss::BinaryCrossEntropy { width: 1 }).map_err(|e| e.to_string())
        };
        let refused = |message: &str| Err(message.to_owned());
        assert_eq!(check(&|_| ()), Ok(2));
        assert_eq!(
            check(&|b| b.inputs.push(0.0)),
            refused("training: in a batch, there are 5 numbers, expected at most 2 rows of 2")
        );
        assert_eq!(
            check(&|b| b.inputs = vec![0.0; 6]),
            refused("training: in a batch, there are 6 numbers, expected at most 2 rows of 2")
        );
        assert_eq!(
            check(&|b| b.values[1] = 3.0),
            refused("training: in a batch, row 2 is 3, it must be 0, 1 or a probability between")
        );
        assert_eq!(check(&|b| b.weights = vec![1.0]), refused("training: in a batch, there are 1 weights for 2 rows"));
        assert_eq!(
            check(&|b| b.weights = vec![1.0, -1.0]),
            refused("training: in a batch, the weight of row 2 is -1, it must be 0 or above")
        );
    }
}
