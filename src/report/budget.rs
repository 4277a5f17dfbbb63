//! How large a report may become, and what was left out to keep to it.

use maud::{Markup, html};

use super::format;

/// The most bytes of a report.
pub(super) const LARGEST_FILE: usize = 5_000_000;
/// What the frame of the page may take: the style sheet, headings, the contents, remarks about what was left out.
const FRAME: usize = 500_000;
/// The most figures that are drawn.
const MOST_FIGURES: usize = 60;

/// What is left of the space, and what found no place.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: usize,
    figures: usize,
    left_out: Vec<(&'static str, usize)>,
}

impl Budget {
    /// The budget of a whole file.
    pub(super) fn new() -> Self {
        Self { bytes: LARGEST_FILE - FRAME, figures: MOST_FIGURES, left_out: Vec::new() }
    }

    /// Bytes that are left.
    pub(super) fn room(&self) -> usize {
        self.bytes
    }

    /// Takes the space of a part; `None` when there is not enough, and then the part counts as left out.
    pub(super) fn take(&mut self, what: &'static str, part: Markup) -> Option<Markup> {
        match self.bytes.checked_sub(part.0.len()) {
            Some(left) => {
                self.bytes = left;
                Some(part)
            }
            None => {
                self.leave_out(what, 1);
                None
            }
        }
    }

    /// Takes the place of a figure that is about to be drawn; false when there were enough already.
    pub(super) fn take_figure(&mut self) -> bool {
        match self.figures.checked_sub(1) {
            Some(left) => {
                self.figures = left;
                true
            }
            None => {
                self.leave_out("figures", 1);
                false
            }
        }
    }

    /// Notes that something found no place.
    pub(super) fn leave_out(&mut self, what: &'static str, number: usize) {
        if number == 0 {
            return;
        }
        match self.left_out.iter_mut().find(|(known, _)| *known == what) {
            Some((_, count)) => *count += number,
            None => self.left_out.push((what, number)),
        }
    }

    /// How many things found no place so far.
    pub(super) fn missing(&self) -> usize {
        self.left_out.iter().map(|(_, count)| count).sum()
    }

    /// The remark for the top of the page.
    pub(super) fn remark(&self) -> Markup {
        let parts: Vec<String> = self
            .left_out
            .iter()
            .map(|(what, count)| {
                format!("{} {}", format::count(*count), if *count == 1 { singular(what) } else { what })
            })
            .collect();
        html! {
            @if !parts.is_empty() {
                p.note.info {
                    strong { "Left out" }
                    " To keep this file small, it leaves out " (parts.join(", ")) ". The run’s record has them all."
                }
            }
        }
    }
}

fn singular(what: &str) -> &str {
    what.strip_suffix('s').unwrap_or(what)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use maud::PreEscaped;

    #[test]
    fn what_does_not_fit_is_counted_and_named() {
        let mut budget = Budget::new();
        let large = || PreEscaped("x".repeat(3_000_000));
        assert!(budget.take("tables", large()).is_some());
        assert!(budget.take("tables", large()).is_none());
        assert!(budget.take("sections", large()).is_none() && budget.take("sections", large()).is_none());
        assert_eq!(budget.missing(), 3);
        assert!(budget.remark().0.contains("it leaves out 1 table, 2 sections."));
    }

    #[test]
    fn sixty_figures_are_enough() {
        let mut budget = Budget::new();
        let drawn = (0..100).filter(|_| budget.take_figure()).count();
        assert_eq!((drawn, budget.missing()), (60, 40));
    }
}
