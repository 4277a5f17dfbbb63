//! What is summed up of the target for a value, fold by fold.

use super::answers::Answers;

/// Count, mean and sum of squared deviations (Welford 1962, *Note on a method for calculating corrected sums*).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Moments {
    pub(super) count: f64,
    pub(super) mean: f64,
    pub(super) squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let step = value - self.mean;
        self.mean += step / self.count;
        self.squares += step * (value - self.mean);
    }

    /// Both together (Chan, Golub & LeVeque 1979, *Updating formulae and a pairwise algorithm*).
    pub(super) fn with(self, other: &Self) -> Self {
        if self.count == 0.0 || other.count == 0.0 {
            return if self.count == 0.0 { *other } else { self };
        }
        let count = self.count + other.count;
        let step = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + step * other.count / count,
            squares: self.squares + other.squares + step * step * self.count * other.count / count,
        }
    }

    /// Those of a target that is 1 in `yes` of `rows` rows and 0 in the others.
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
    fn of_share(yes: u64, rows: u64) -> Self {
        let (yes, count) = (yes as f64, rows as f64);
        if rows == 0 {
            return Self::default();
        }
        Self { count, mean: yes / count, squares: yes * (count - yes) / count }
    }

    /// The variance of a population.
    pub(super) fn variance(&self) -> f64 {
        if self.count > 0.0 { self.squares / self.count } else { 0.0 }
    }
}

/// Sums of the rows with one value.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    /// For each fold.
    rows: Vec<u64>,
    /// For each target.
    targets: Vec<Sum>,
}

/// The sums of one target.
#[derive(Debug, Clone)]
enum Sum {
    /// For each fold.
    Numbers(Vec<Moments>),
    /// Rows of each class in each fold, sorted by class and fold; what is not listed is 0.
    Classes(Vec<(u32, u16, u64)>),
}

impl Sums {
    /// No rows yet.
    pub(super) fn new(folds: u16, are_numbers: &[bool]) -> Self {
        let folds = usize::from(folds);
        let sum = |is_number: &bool| {
            if *is_number { Sum::Numbers(vec![Moments::default(); folds]) } else { Sum::Classes(Vec::new()) }
        };
        Self { rows: vec![0; folds], targets: are_numbers.iter().map(sum).collect() }
    }

    /// Adds a row. Returns how many classes and folds are new to it.
    pub(super) fn add(&mut self, fold: u16, answers: &[Answers], row: usize) -> usize {
        if let Some(rows) = self.rows.get_mut(usize::from(fold)) {
            *rows += 1;
        }
        let mut grown = 0;
        for (sum, answers) in self.targets.iter_mut().zip(answers) {
            match (sum, answers) {
                (Sum::Numbers(folds), Answers::Numbers(values)) => {
                    if let (Some(moments), Some(value)) = (folds.get_mut(usize::from(fold)), values.get(row)) {
                        moments.add(*value);
                    }
                }
                (Sum::Classes(counts), Answers::Classes(classes)) => {
                    grown += classes.get(row).map_or(0, |class| count(counts, *class, fold));
                }
                (Sum::Classes(counts), Answers::Labels(labels)) => {
                    let labels = labels.get(row).map(Vec::as_slice).unwrap_or_default();
                    grown += labels.iter().map(|label| count(counts, *label, fold)).sum::<usize>();
                }
                (Sum::Numbers(_), _) | (Sum::Classes(_), Answers::Numbers(_)) => {}
            }
        }
        grown
    }

    /// Rows of all folds.
    pub(super) fn all_rows(&self) -> u64 {
        self.rows.iter().sum()
    }

    /// The moments of a target over all folds but one, or over all; of a class whether rows have it.
    pub(super) fn moments(&self, target: usize, class: Option<u32>, without: Option<u16>) -> Moments {
        let counts = |fold: usize| without.is_none_or(|without| usize::from(without) != fold);
        match (self.targets.get(target), class) {
            (Some(Sum::Numbers(folds)), _) => {
                let kept = folds.iter().enumerate().filter(|(fold, _)| counts(*fold));
                kept.fold(Moments::default(), |sum, (_, moments)| sum.with(moments))
            }
            (Some(Sum::Classes(classes)), Some(class)) => {
                let first = classes.partition_point(|(other, ..)| *other < class);
                let own = classes.iter().skip(first).take_while(|(other, ..)| *other == class);
                let yes = own.filter(|(_, fold, _)| counts(usize::from(*fold))).map(|(.., rows)| rows).sum();
                let rows = self.rows.iter().enumerate().filter(|(fold, _)| counts(*fold)).map(|(_, rows)| rows).sum();
                Moments::of_share(yes, rows)
            }
            (Some(Sum::Classes(_)), None) | (None, _) => Moments::default(),
        }
    }
}

/// Counts a row of a class in a fold; 1 where it is the first.
fn count(counts: &mut Vec<(u32, u16, u64)>, class: u32, fold: u16) -> usize {
    match counts.binary_search_by_key(&(class, fold), |(class, fold, _)| (*class, *fold)) {
        Ok(at) => {
            if let Some((.., rows)) = counts.get_mut(at) {
                *rows += 1;
            }
            0
        }
        Err(at) => {
            counts.insert(at, (class, fold, 1));
            1
        }
    }
}
