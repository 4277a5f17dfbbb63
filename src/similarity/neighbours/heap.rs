//! The k best of many.

/// A point that is near.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// The squared distance.
    pub squared: f64,
    /// Its number.
    pub point: u32,
}

impl Near {
    /// The distance.
    #[must_use]
    pub fn distance(&self) -> f64 {
        self.squared.sqrt()
    }

    /// Whether it comes before the other: nearer, or as near with a smaller number.
    #[must_use]
    pub fn is_before(&self, other: &Self) -> bool {
        self.squared < other.squared || (self.squared == other.squared && self.point < other.point)
    }
}

/// The k nearest of those offered, in order. Offers are O(k) at worst, but most are refused at once; k is small.
#[derive(Debug, Clone)]
pub struct Nearest {
    wanted: usize,
    found: Vec<Near>,
}

impl Nearest {
    /// Room for so many.
    #[must_use]
    pub fn new(wanted: usize) -> Self {
        Self { wanted, found: Vec::with_capacity(wanted.min(1024)) }
    }

    /// The squared distance beyond which nothing is taken any more. What lies at it may still be taken for its number.
    #[must_use]
    pub fn bound(&self) -> f64 {
        if self.found.len() < self.wanted {
            f64::INFINITY
        } else {
            self.found.last().map_or(f64::NEG_INFINITY, |near| near.squared)
        }
    }

    /// Takes it, when it is one of the nearest, and says whether it did.
    pub fn offer(&mut self, near: Near) -> bool {
        if self.found.len() >= self.wanted {
            match self.found.last() {
                Some(last) if near.is_before(last) => {
                    self.found.pop();
                }
                _ => return false,
            }
        }
        let place = self.found.partition_point(|other| other.is_before(&near));
        self.found.insert(place, near);
        true
    }

    /// Those that were taken, nearest first.
    #[must_use]
    pub fn into_sorted(self) -> Vec<Near> {
        self.found
    }
}
