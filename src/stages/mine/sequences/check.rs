//! The options of `sequences`, checked against the table.

use super::limits::Distances;
use super::read::Reader;
use super::{Kind, Method, Sequences};
use crate::diagnostic::{Diagnostic, Findings, nearest};
use crate::expression::{DataType, Field};
use crate::mining::sequences::SequenceOptions;
use crate::stages::{TableShape, inputs};

impl Sequences {
    /// What is read, from columns that can be keys, orders and events.
    pub(super) fn reader(&self, table: &TableShape, id: &str) -> Result<Reader, Findings> {
        let by = inputs::columns(&table.schema, self.by.as_slice(), id)?;
        let order = inputs::column(&table.schema, &self.order, id).map_err(|finding| vec![finding])?.clone();
        let event = inputs::column(&table.schema, &self.event, id).map_err(|finding| vec![finding])?.clone();
        let refuse = |field: &Field, place, what: &str| {
            let message = format!("column `{}` holds {}, which {what}", field.name, field.data_type);
            Err(vec![Diagnostic::definition(message).at(place)])
        };
        for (field, name) in by.iter().zip(self.by.iter()) {
            if !inputs::is_key(&field.data_type) {
                return refuse(field, &name.place, "is no key");
            }
        }
        if by.is_empty() {
            return Err(vec![Diagnostic::definition("`by` names no column")]);
        }
        if !inputs::is_key(&order.data_type) || order.data_type == DataType::Binary {
            return refuse(&order, &self.order.place, "has no order");
        }
        match inputs::shown(&event) {
            None => refuse(&event, &self.event.place, "gives no events"),
            Some(_) if event.data_type.is_float() => {
                let message = format!("column `{}` holds {}, which is no event", event.name, event.data_type);
                let help = "derive a column of bins first: `derive: {band: \"floor(amount / 100)\"}`";
                Err(vec![Diagnostic::definition(message).at(&self.event.place).help(help)])
            }
            Some(shown) => Ok(Reader { by, order, event: shown, together: self.together, timed: false }),
        }
    }

    /// Whether the numbers are in their ranges, and the options go together.
    pub(super) fn check(&self, distances: &Distances, table: &TableShape) -> Result<(), Findings> {
        let refuse = |message: &str, place| Err(vec![Diagnostic::definition(message).at(place)]);
        if let Some(share) = &self.min_support {
            if !(share.value > 0.0 && share.value <= 1.0) {
                let finding =
                    Diagnostic::definition("`min_support` must be larger than 0 and at most 1").at(&share.place);
                return Err(vec![finding.help("a number of sequences is written `min_count: 100`")]);
            }
            if let Some(count) = &self.min_count {
                return refuse("say either `min_support` or `min_count`", &count.place);
            }
        }
        if let Some(count) = self.min_count.as_ref().filter(|count| count.value == 0) {
            return refuse("`min_count` must be at least 1: a pattern that never occurs is not frequent", &count.place);
        }
        if self.min_length.value == 0 {
            return refuse("`min_length` must be at least 1", &self.min_length.place);
        }
        if let Some(length) = &self.max_length
            && !(self.min_length.value..=SequenceOptions::LONGEST).contains(&length.value)
        {
            return refuse("`max_length` must be from `min_length` to 1,000", &length.place);
        }
        if let Some(top) = self.top.as_ref().filter(|top| top.value == 0) {
            return refuse("`top` must be at least 1", &top.place);
        }
        if self.method.value == Method::CmSpam && (distances.timed || distances.limits.max_span.is_some()) {
            let message = "`cm_spam` takes gaps in positions only, and no `max_span`";
            return Err(vec![
                Diagnostic::definition(message)
                    .at(&self.method.place)
                    .help("leave `method` out, or write `prefixspan`"),
            ]);
        }
        self.check_rules()?;
        self.check_confirm(table)
    }

    fn check_rules(&self) -> Result<(), Findings> {
        let Some(rules) = &self.rules else { return Ok(()) };
        let refuse = |message: &str, place| Err(vec![Diagnostic::definition(message).at(place)]);
        if !(0.0..=1.0).contains(&rules.min_confidence.value) {
            return refuse("`min_confidence` must be from 0 to 1", &rules.min_confidence.place);
        }
        if !(rules.min_lift.value >= 0.0 && rules.min_lift.value.is_finite()) {
            return refuse("`min_lift` must be at least 0", &rules.min_lift.place);
        }
        if let Some(alpha) = rules.alpha.as_ref().filter(|alpha| !(0.0..=1.0).contains(&alpha.value)) {
            return refuse("`alpha` must be from 0 to 1", &alpha.place);
        }
        if self.kind.value != Kind::All {
            let message = "rules are made of all patterns, so `kind` cannot leave some out";
            return refuse(message, &self.kind.place);
        }
        match &self.top {
            Some(top) => refuse("rules are made of all patterns, so `top` cannot leave some out", &top.place),
            None => Ok(()),
        }
    }

    fn check_confirm(&self, table: &TableShape) -> Result<(), Findings> {
        let Some(confirm) = &self.confirm else { return Ok(()) };
        let refuse = |finding: Diagnostic, place| Err(vec![finding.at(place)]);
        if self.rules.is_none() {
            return refuse(Diagnostic::definition("`confirm` needs `rules` to confirm"), &confirm.on.place);
        }
        if !(0.0..=1.0).contains(&confirm.alpha.value) {
            return refuse(Diagnostic::definition("`alpha` must be from 0 to 1"), &confirm.alpha.place);
        }
        let Some(split) = &table.split else {
            let finding = Diagnostic::definition("`confirm` needs rows that a `split` above has divided");
            return refuse(finding, &confirm.on.place);
        };
        let others = || split.parts.iter().skip(1).map(String::as_str);
        if others().any(|part| part == confirm.on.value) {
            return Ok(());
        }
        let finding = if split.parts.first() == Some(&confirm.on.value) {
            Diagnostic::definition(format!("`{}` is the part that is mined", confirm.on.value))
        } else {
            Diagnostic::definition(format!("`{}` is no part of `{}`", confirm.on.value, split.stage))
        };
        let finding = match nearest(&confirm.on.value, others()) {
            Some(near) => finding.label(format!("did you mean `{near}`?")),
            None => finding.help(format!("its other parts are {}", others().collect::<Vec<_>>().join(", "))),
        };
        refuse(finding, &confirm.on.place)
    }
}
