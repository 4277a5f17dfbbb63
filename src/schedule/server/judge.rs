//! Gates: whether what a run made becomes current. Judged beside the loop, one run at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::turn::{Loop, Told};
use super::work::Phase;
use crate::run::manifest::RunRecord;
use crate::schedule::gate::{self, Evidence, Held, Judged, Promote, Shelf};
use crate::schedule::job::Definition;
use crate::schedule::service::{Result, Service};
use crate::schedule::store::{NewPromotion, Object, Run, RunId, Verdict};
use crate::staging::write_atomically;

/// What became of each condition, in the folder of the run: a list of [`Judged`].
const JUDGED: &str = "gate.json";

/// What gates say of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Opinion {
    /// The verdicts that are recorded.
    pub(super) promotions: Vec<NewPromotion>,
    /// Each condition.
    pub(super) conditions: Vec<Judged>,
    /// Why they refuse what the run made, if they do.
    pub(super) refused: Option<String>,
}

/// Whether a run of the job has to be judged.
pub(super) fn has_gates(definition: &Definition) -> bool {
    !definition.require.is_empty() || !definition.promote.is_empty()
}

impl Loop {
    /// Lets gates judge a run. They see what earlier runs made current: the next run is judged when this one has ended.
    pub(super) fn judge(&mut self, id: &RunId) {
        let Some(work) = self.works.get_mut(id) else { return };
        let (exit, record) = match std::mem::replace(&mut work.phase, Phase::Works) {
            Phase::Ended(exit, record) => (exit, record),
            other => {
                work.phase = other;
                return;
            }
        };
        work.phase = Phase::Judging(exit);
        let Some(definition) = work.definition.clone() else { return };
        let (run, claim, told, service) =
            (work.run.clone(), work.claim.number, self.told.clone(), Arc::clone(&self.service));
        self.judging = Some(id.clone());
        self.aside.run(
            "gates",
            Box::new(move || {
                let opinion = judged(&service, &definition, &run, record.as_deref());
                told.tell(Told::Judged { run: run.id, claim, opinion });
            }),
        );
    }
}

/// What gates say of what a run made. What cannot be judged is refused.
fn judged(service: &Service, definition: &Definition, run: &Run, record: Option<&RunRecord>) -> Opinion {
    let promote = &definition.promote;
    let (conditions, metrics) = match record {
        None => {
            let why = "the run left no record that it could be judged by".to_owned();
            (vec![beside("the run left a record", why)], Object::new())
        }
        Some(record) => {
            let conditions = conditions(service, definition, promote, run, record)
                .unwrap_or_else(|error| vec![beside("the run can be judged", format!("it cannot be judged: {error}"))]);
            (conditions, gate::metrics(&definition.require, record))
        }
    };
    let verdict = gate::follow(&conditions);
    let refused = match &verdict {
        Verdict::Promote => None,
        Verdict::Refuse(reason) => Some(reason.clone()),
    };
    let mut names: Vec<&str> = promote.iter().map(|(name, _)| name).collect();
    if names.is_empty() && refused.is_some() {
        // Conditions without anything to promote: that they refused is kept under the job's name.
        names.push(&definition.name);
    }
    let promotions = names
        .into_iter()
        .map(|name| NewPromotion {
            name: name.to_owned(),
            version: run.id.as_str().to_owned(),
            verdict: verdict.clone(),
            metrics: metrics.clone(),
            decided_by: "gate".to_owned(),
        })
        .collect();
    Opinion { promotions, conditions, refused }
}

/// Something that does not hold and that no job asks for.
fn beside(condition: &str, why: String) -> Judged {
    Judged { condition: condition.to_owned(), held: Held::Unknown, found: String::new(), wanted: String::new(), why }
}

/// What became of each condition. Where all hold, what is to be promoted is copied to where its versions are kept.
fn conditions(
    service: &Service,
    definition: &Definition,
    promote: &Promote,
    run: &Run,
    record: &RunRecord,
) -> Result<Vec<Judged>> {
    let last = match service.store().last_good(&run.job, run.number)? {
        Some(last) => service.record_of(&last.id)?,
        None => None,
    };
    let mut champions = BTreeMap::new();
    for (name, _) in promote.iter() {
        if let Some(champion) = service.store().champion(name)? {
            champions.insert(name.to_owned(), champion.metrics);
        }
    }
    let evidence = Evidence { record, last_success: last.as_ref(), champions: &champions };
    let mut judged = gate::judge(&definition.require, &evidence);
    if let Ok(text) = serde_json::to_vec(&judged) {
        // For people who look at the run; the verdict does not rest on it.
        let _ = write_atomically(&service.folder(&run.id).join(JUDGED), &text);
    }
    if gate::follow(&judged) == Verdict::Promote
        && let Err(error) = Shelf::new(service.base()).stage(run.id.as_str(), promote, record)
    {
        judged.push(beside("what the run made can be kept", error.to_string()));
    }
    Ok(judged)
}
