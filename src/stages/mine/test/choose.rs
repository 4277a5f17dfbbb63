//! Which test `method: auto` takes, and why.

use super::Method;
use super::read::Group;
use crate::digits;
use crate::statistics::hypothesis::{Sample, shapiro_wilk};

/// A test and the reason for it, in words that follow "because".
pub(super) struct Choice {
    pub(super) method: Method,
    pub(super) why: String,
}

/// Below so many rows a skewness says little, and the values themselves are looked at.
const FEW: u64 = 25;

/// A test of means of two groups or more.
pub(super) fn between(groups: &[Group]) -> Choice {
    let two = groups.len() == 2;
    let constant = groups.iter().find(|group| Sample::from(&group.moments).variance == 0.0);
    match (means_are_normal(groups), constant) {
        (Ok(why), None) => {
            let method = if two { Method::Welch } else { Method::WelchAnova };
            Choice { method, why: format!("{why}; variances need not be equal for it") }
        }
        (Ok(_), Some(group)) if !two => {
            let why =
                format!("all values of `{}` are equal, so that means cannot be weighed by their variances", group.name);
            Choice { method: Method::KruskalWallis, why }
        }
        (Ok(why), Some(_)) => Choice { method: Method::Welch, why },
        (Err(why), _) => {
            let method = if two { Method::MannWhitney } else { Method::KruskalWallis };
            Choice { method, why: format!("{why}, so ranks are compared instead of means") }
        }
    }
}

/// A test of the mean of one group, or of differences.
pub(super) fn within(group: &[Group]) -> Choice {
    match means_are_normal(group) {
        Ok(why) => Choice { method: Method::T, why },
        Err(why) => Choice { method: Method::Wilcoxon, why: format!("{why}, so ranks are compared instead of means") },
    }
}

/// Whether each mean is as good as normally distributed: Cochran's rule, and for few values Shapiro and Wilk's test.
fn means_are_normal(groups: &[Group]) -> Result<String, String> {
    for group in groups {
        let n = group.moments.count();
        if n < FEW {
            let Some(values) = few_values(group) else { continue };
            if let Ok(tested) = shapiro_wilk::shapiro_wilk(&values)
                && tested.p_value < 0.05
            {
                let p = digits::p_value(tested.p_value);
                return Err(format!(
                    "the {n} values of `{}` do not look normally distributed (Shapiro-Wilk {p})",
                    group.name
                ));
            }
        } else if let Some(skewness) = group.moments.skewness() {
            let needed = 25.0 * skewness * skewness;
            if (n as f64) < needed {
                return Err(format!(
                    "`{}` has {}, but with a skewness of {skewness:.1} a mean needs {} to be as good as normal",
                    group.name,
                    digits::rows(n),
                    digits::whole(needed.ceil() as u64)
                ));
            }
        }
    }
    let few = groups.iter().any(|group| group.moments.count() < FEW);
    Ok(match (few, groups.len() == 1) {
        (true, _) => "the values do not speak against a normal distribution (Shapiro-Wilk)".to_owned(),
        (false, true) => {
            "there are at least 25 times the squared skewness of rows, so the mean is as good as normal".to_owned()
        }
        (false, false) => {
            "each group has at least 25 times its squared skewness of rows, so its mean is as good as normal".to_owned()
        }
    })
}

/// The values of a small group, which its sketch holds exactly.
fn few_values(group: &Group) -> Option<Vec<f64>> {
    let quantiles = group.sketch.as_ref()?.quantiles();
    let repeated = |(value, times): (f64, u64)| std::iter::repeat_n(value, usize::try_from(times).unwrap_or(0));
    quantiles.is_exact().then(|| quantiles.weighted().flat_map(repeated).collect())
}
