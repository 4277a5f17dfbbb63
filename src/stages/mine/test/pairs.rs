//! Which groups differ: comparisons of all pairs.

use super::answer::Answer;
use super::read::Group;
use super::{Method, PostHoc, Settings};
use crate::diagnostic::{Class, Diagnostic};
use crate::statistics::hypothesis::Sample;
use crate::statistics::hypothesis::kruskal_wallis::RankedGroups;
use crate::statistics::hypothesis::post_hoc::{Comparison, dunn, games_howell, tukey};
use crate::statistics::multiplicity;

/// Groups whose pairs are compared at most.
const MOST_COMPARED: usize = 50;

/// Two groups compared, with their names.
pub(super) struct Compared {
    pub(super) first: String,
    pub(super) second: String,
    pub(super) comparison: Comparison,
}

/// Compares pairs where it was asked for, or fits what the test has found.
///
/// Errors: comparisons of too many groups were asked for.
pub(super) fn compare_pairs(answer: &mut Answer, groups: &[Group], settings: &Settings) -> Result<(), Diagnostic> {
    let Ok(tested) = &answer.result else { return Ok(()) };
    let asked = answer.question.post_hoc;
    let kind = match (asked, answer.method) {
        (PostHoc::Auto, _)
            if tested.p_value.is_nan()
                || tested.p_value >= settings.alpha()
                || !(3..=MOST_COMPARED).contains(&groups.len()) =>
        {
            PostHoc::None
        }
        (PostHoc::Auto, Method::Anova) => PostHoc::Tukey,
        (PostHoc::Auto, Method::WelchAnova) => PostHoc::GamesHowell,
        (PostHoc::Auto, Method::KruskalWallis) => PostHoc::Dunn,
        (PostHoc::Auto, _) => PostHoc::None,
        (asked, _) => asked,
    };
    if kind == PostHoc::None {
        return Ok(());
    }
    if groups.len() > MOST_COMPARED {
        let message = format!(
            "`post_hoc` compares at most {MOST_COMPARED} groups with each other, but there are {}",
            groups.len()
        );
        let help = "leave it out, or bring groups together with `derive` first";
        return Err(Diagnostic::error(Class::Stage, message).help(help));
    }
    let samples: Vec<Sample> = groups.iter().map(|group| Sample::from(&group.moments)).collect();
    let (name, compared) = match kind {
        PostHoc::Tukey => ("Tukey", tukey(&samples, settings.confidence)),
        PostHoc::GamesHowell => ("Games-Howell", games_howell(&samples, settings.confidence)),
        _ => {
            let values: Vec<Vec<f64>> = groups.iter().map(|group| group.values.clone()).collect();
            ("Dunn", RankedGroups::of(&values).map(|ranked| dunn(&ranked)))
        }
    };
    match compared {
        Ok(mut comparisons) => {
            if kind == PostHoc::Dunn {
                let raw: Vec<f64> = comparisons.iter().map(|one| one.p_value).collect();
                let adjusted = multiplicity::adjust(&raw, settings.correction);
                comparisons.iter_mut().zip(adjusted).for_each(|(one, p)| one.p_value = p);
            }
            let named = |at: usize| groups.get(at).map(|group| group.name.clone()).unwrap_or_default();
            answer.compared_by = name;
            answer.comparisons = comparisons
                .into_iter()
                .map(|one| Compared { first: named(one.first), second: named(one.second), comparison: one })
                .collect();
        }
        Err(reason) => answer.notes.push(format!("Pairs were not compared: {reason}.")),
    }
    Ok(())
}
