//! Time, and epochs by rung.

use super::options::Strategy;
use crate::definition::{Node, Spanned, Step, Value, put};
use crate::diagnostic::Diagnostic;
use crate::stages::variant::VariantStage;
use crate::tuning::{Budgets, Schedule};

/// The option of `train` that rungs change.
const EPOCHS: &str = "epochs";

/// `90s`, `10m`, `2h`, `1d` in seconds.
pub(super) fn seconds(written: &Spanned<String>) -> Result<f64, Diagnostic> {
    let text = written.value.trim();
    let units = [("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];
    let read = units.iter().find_map(|(unit, seconds)| {
        let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        (number.is_finite() && number > 0.0).then_some(number * seconds)
    });
    read.ok_or_else(|| {
        Diagnostic::definition(format!("`{}` is no time", written.value))
            .at(&written.place)
            .help("write a number with its unit: `90s`, `10m`, `2h` or `1d`")
    })
}

/// Which budgets there are. Errors: the rungs do not fit into the epochs of the `train` stage.
pub(super) fn schedule(strategy: &Spanned<Strategy>, train: &VariantStage) -> Result<Schedule, Diagnostic> {
    let (rungs, is_asha) = match &strategy.value {
        Strategy::Halving(rungs) => (rungs, false),
        Strategy::Asha(rungs) => (rungs, true),
        _ => return Ok(Schedule::Full),
    };
    let Some(most) = train.options.get(EPOCHS).and_then(serde_json::Value::as_u64) else {
        let message = format!("`{}` needs the number of `epochs` of `{}`", strategy.value.name(), train.id);
        return Err(Diagnostic::definition(message).at(&strategy.place).help("write `epochs` there"));
    };
    let budgets = Budgets::new(rungs.least, most, rungs.factor).map_err(|error| {
        let finding = Diagnostic::definition(error.to_string()).at(&strategy.place);
        finding.help(format!("the highest rung has the {most} epochs of `{}`", train.id))
    })?;
    Ok(if is_asha { Schedule::Asha(budgets) } else { Schedule::Halving(budgets) })
}

/// Options of a `train` stage with another number of epochs.
pub(super) fn with_epochs(train: &Node, epochs: u64) -> Result<Node, Diagnostic> {
    let step = Step { name: EPOCHS.to_owned(), place: train.place.clone() };
    let number = Value::Integer(i64::try_from(epochs).unwrap_or(i64::MAX));
    put(train, &[step], &Node::new(number, train.place.clone()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let read = |text: &str| seconds(&Spanned::nowhere(text.to_owned()));
        assert_eq!(
            [read("90s"), read("1.5m"), read("2 h"), read("1d")].map(Result::unwrap),
            [90.0, 90.0, 7200.0, 86_400.0]
        );
        for wrong in ["10", "m", "-1s", "nan s", "1e999s", ""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
