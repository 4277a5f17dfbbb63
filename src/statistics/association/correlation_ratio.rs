use crate::statistics::distributions;

/// Moments of numbers by category, which are numbered from 0. 24 bytes a category.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupedMoments {
    groups: Vec<Group>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Group {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Group {
    fn push(&mut self, value: f64) {
        self.count += 1;
        let distance = value - self.mean;
        self.mean += distance / self.count as f64;
        self.squares += distance * (value - self.mean);
    }

    /// Chan, Golub and LeVeque 1979.
    fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let distance = other.mean - self.mean;
        self.squares += other.squares + distance * distance * (a * b / (a + b));
        self.mean += distance * (b / (a + b));
        self.count += other.count;
    }
}

impl GroupedMoments {
    /// No numbers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds numbers with their categories; pairs with [`MISSING`](super::MISSING) or NaN are left out.
    pub fn extend(&mut self, categories: &[u32], values: &[f64]) {
        for (&category, &value) in categories.iter().zip(values) {
            if category == super::MISSING || value.is_nan() {
                continue;
            }
            let at = category as usize;
            if at >= self.groups.len() {
                self.groups.resize(at + 1, Group::default());
            }
            self.groups[at].push(value);
        }
    }

    /// Joins the numbers of another accumulator whose categories have the same numbers.
    pub fn merge(&mut self, other: &Self) {
        if other.groups.len() > self.groups.len() {
            self.groups.resize(other.groups.len(), Group::default());
        }
        self.groups.iter_mut().zip(&other.groups).for_each(|(group, other)| group.merge(other));
    }

    /// The correlation ratio; `None` of fewer than two categories, of constant or infinite numbers.
    #[must_use]
    pub fn correlation_ratio(&self) -> Option<CorrelationRatio> {
        let mut whole = Group::default();
        let mut within = 0.0;
        for group in &self.groups {
            whole.merge(group);
            within += group.squares;
        }
        let categories = self.groups.iter().filter(|group| group.count > 0).count();
        let between: f64 = self.groups.iter().map(|group| group.count as f64 * (group.mean - whole.mean).powi(2)).sum();
        let total = within + between;
        let noise = whole.count as f64 * (f64::EPSILON * whole.mean).powi(2);
        if categories < 2 || !total.is_finite() || total <= noise {
            return None;
        }
        Some(CorrelationRatio {
            square: between / total,
            within,
            between,
            categories: categories as u64,
            count: whole.count,
        })
    }
}

/// The correlation ratio: which share of the variance of numbers their category tells, and the root of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CorrelationRatio {
    /// Eta squared: between sum of squares through total sum of squares.
    pub square: f64,
    within: f64,
    between: f64,
    /// Categories with at least one number.
    pub categories: u64,
    /// Number of numbers.
    pub count: u64,
}

impl CorrelationRatio {
    /// Eta as it is counted: above 0 by chance, the more so the more categories there are.
    #[must_use]
    pub fn eta(&self) -> f64 {
        self.square.sqrt()
    }

    /// The root of epsilon squared (Kelley 1935), 1 - (1 - eta²)(n - 1) / (n - k): around 0 of independent columns; 0 where it is below.
    #[must_use]
    pub fn corrected(&self) -> f64 {
        let (n, k) = (self.count as f64, self.categories as f64);
        if self.count <= self.categories {
            return 0.0;
        }
        (1.0 - (1.0 - self.square) * (n - 1.0) / (n - k)).max(0.0).sqrt()
    }

    /// The F of a one-way analysis of variance and its degrees of freedom; `None` when each number has a category of its own.
    #[must_use]
    pub fn f(&self) -> Option<(f64, f64, f64)> {
        let (d1, d2) = ((self.categories - 1) as f64, self.count.checked_sub(self.categories)? as f64);
        (d2 > 0.0).then(|| (self.between / d1 / (self.within / d2), d1, d2))
    }

    /// The p-value of equal means by the F test, exact for normal numbers of one variance.
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        let (f, d1, d2) = self.f()?;
        if f.is_infinite() {
            return Some(0.0);
        }
        Some(distributions::f::sf(f, d1, d2)).filter(|p| p.is_finite())
    }

    /// The confidence interval of the correlation ratio: the noncentralities under which the observed F is just not too large or too
    /// small. `None` unless the level is above 0 and below 1.
    #[must_use]
    pub fn interval(&self, level: f64) -> Option<(f64, f64)> {
        let (f, d1, d2) = self.f()?;
        if f.is_infinite() {
            return (level > 0.0 && level < 1.0).then_some((1.0, 1.0));
        }
        let (low, high) = distributions::noncentrality::f_interval(f, d1, d2, level)?;
        let ratio = |noncentrality: f64| (noncentrality / (noncentrality + self.count as f64)).sqrt();
        Some((ratio(low), ratio(high)))
    }
}
