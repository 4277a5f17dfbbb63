//! Values that are missing in a series, and what is put in their place.

/// What is put in the place of missing values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// Nothing.
    None,
    /// The straight line between the neighbours.
    Linear,
    /// The value before.
    Previous,
    /// Zero.
    Zero,
}

/// Missing values in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The first position.
    pub start: usize,
    /// How many.
    pub length: usize,
}

/// All gaps, in order.
pub fn gaps(values: &[Option<f64>]) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for (at, _) in values.iter().enumerate().filter(|(_, value)| value.is_none()) {
        match gaps.last_mut().filter(|gap| gap.start + gap.length == at) {
            Some(gap) => gap.length += 1,
            None => gaps.push(Gap { start: at, length: 1 }),
        }
    }
    gaps
}

/// The values with their gaps filled. What lies before the first or after the last value has no neighbour and stays missing,
/// except with [`Fill::Zero`] (and after the last with [`Fill::Previous`]).
#[expect(clippy::cast_precision_loss, reason = "positions are far below 2^53")]
pub fn fill(values: &[Option<f64>], how: Fill) -> Vec<Option<f64>> {
    let mut filled = values.to_vec();
    for gap in gaps(values) {
        let before = gap.start.checked_sub(1).and_then(|at| values.get(at)).copied().flatten();
        let after = values.get(gap.start + gap.length).copied().flatten();
        let steps = (gap.length + 1) as f64;
        for (index, slot) in filled.iter_mut().skip(gap.start).take(gap.length).enumerate() {
            let done = (index + 1) as f64;
            *slot = match how {
                Fill::None => None,
                Fill::Linear => {
                    before.zip(after).map(|(before, after)| (before * (steps - done) + after * done) / steps)
                }
                Fill::Previous => before,
                Fill::Zero => Some(0.0),
            };
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_found_and_filled_by_the_stated_rule() {
        let values = [Some(1.0), None, None, Some(7.0), None, Some(5.0), None];
        let expected = [Gap { start: 1, length: 2 }, Gap { start: 4, length: 1 }, Gap { start: 6, length: 1 }];
        assert_eq!(gaps(&values), expected);
        let shown = |how| fill(&values, how).into_iter().map(|value| value.unwrap_or(-1.0)).collect::<Vec<f64>>();
        assert_eq!(shown(Fill::None), [1.0, -1.0, -1.0, 7.0, -1.0, 5.0, -1.0]);
        assert_eq!(shown(Fill::Linear), [1.0, 3.0, 5.0, 7.0, 6.0, 5.0, -1.0]);
        assert_eq!(shown(Fill::Previous), [1.0, 1.0, 1.0, 7.0, 7.0, 5.0, 5.0]);
        assert_eq!(shown(Fill::Zero), [1.0, 0.0, 0.0, 7.0, 0.0, 5.0, 0.0]);
        assert!(gaps(&[]).is_empty());
    }
}
