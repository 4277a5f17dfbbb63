//! Random histories with crashes, against a model.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use proptest::prelude::*;

use super::{Served, promote, shelf};

const NAMES: [&str; 2] = ["m", "n"];

#[derive(Debug, Clone)]
enum Step {
    /// A run writes and stages, to both names or one.
    Stage { both: bool, crash: u64 },
    /// The n-th latest version becomes current.
    Publish { name: usize, nth: usize, crash: u64 },
    /// Versions go.
    Sweep { keep: usize, crash: u64 },
    /// The server starts again.
    Start,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // 0: no crash; else at that operation.
    let crash = || prop_oneof![2 => Just(0_u64), 1 => 1_u64..24];
    let step = prop_oneof![
        4 => (any::<bool>(), crash()).prop_map(|(both, crash)| Step::Stage { both, crash }),
        4 => (0..2_usize, 0..6_usize, crash()).prop_map(|(name, nth, crash)| Step::Publish { name, nth, crash }),
        2 => (1..5_usize, crash()).prop_map(|(keep, crash)| Step::Sweep { keep, crash }),
        1 => Just(Step::Start),
    ];
    prop::collection::vec(step, 1..30)
}

/// What must be true of a name.
#[derive(Debug, Default, Clone)]
struct Name {
    /// Versions that are surely there.
    there: BTreeSet<String>,
    /// Versions that may be there: a crash left it open.
    open: BTreeSet<String>,
    /// What may be current; one, unless a crash left it open.
    current: BTreeSet<Option<String>>,
}

fn check(served: &Served, names: &mut BTreeMap<&'static str, Name>) -> Result<(), TestCaseError> {
    for (name, known) in names.iter_mut() {
        let found: BTreeSet<String> = served.shelf.versions(name).unwrap().into_iter().collect();
        prop_assert!(known.there.is_subset(&found), "{name}: {found:?} lacks some of {:?}", known.there);
        let may: BTreeSet<String> = known.there.union(&known.open).cloned().collect();
        prop_assert!(found.is_subset(&may), "{name}: {found:?} has more than {may:?}");
        for version in &found {
            let file =
                |path: &str| fs::read_to_string(served.path(&format!("models/{name}/versions/{version}/{path}")));
            prop_assert_eq!(file("model.json").unwrap(), version.clone());
            prop_assert_eq!(file("weights/0.bin").unwrap(), version.repeat(2));
        }
        let current = served.shelf.current(name).unwrap();
        prop_assert!(known.current.contains(&current), "{name}: {current:?} is none of {:?}", known.current);
        // What is seen is certain from now on.
        *known = Name { there: found, open: BTreeSet::new(), current: BTreeSet::from([current]) };
    }
    Ok(())
}

fn walk(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut served = Served::new();
    let fresh = || Name { current: BTreeSet::from([None]), ..Name::default() };
    let mut names: BTreeMap<&'static str, Name> = NAMES.into_iter().map(|name| (name, fresh())).collect();
    let mut runs = 100_u64;
    for step in steps {
        let crash = match step {
            Step::Stage { crash, .. } | Step::Publish { crash, .. } | Step::Sweep { crash, .. } => crash,
            Step::Start => 0,
        };
        if crash > 0 {
            served.shelf.disk.faults.fail_at(crash, true, false);
        }
        match step {
            Step::Stage { both, .. } => {
                runs += 1;
                let run = runs.to_string();
                served.shelf.disk.faults.end();
                served.write_model(&run);
                if crash > 0 {
                    served.shelf.disk.faults.fail_at(crash, true, false);
                }
                let named = if both { &NAMES[..] } else { &NAMES[..1] };
                let pairs: Vec<(&str, &str)> = named.iter().map(|name| (*name, "out/model")).collect();
                let result = served.stage(&run, &promote(&pairs));
                for name in named {
                    let known = names.get_mut(name).unwrap();
                    if result.is_ok() { &mut known.there } else { &mut known.open }.insert(run.clone());
                }
            }
            Step::Publish { name, nth, .. } => {
                let known = names.get_mut(NAMES[name]).unwrap();
                let Some(version) = known.there.iter().rev().nth(nth).cloned() else {
                    served.shelf.disk.faults.end();
                    continue;
                };
                if served.shelf.publish(NAMES[name], &version).is_ok() {
                    known.current.clear();
                }
                known.current.insert(Some(version));
            }
            Step::Sweep { keep, .. } => {
                let result = served.shelf.sweep(keep, &BTreeSet::new());
                for known in names.values_mut() {
                    let current: BTreeSet<String> = known.current.iter().flatten().cloned().collect();
                    let beyond: Vec<String> = known.there.iter().rev().skip(keep).cloned().collect();
                    for version in beyond.into_iter().filter(|version| !current.contains(version)) {
                        known.there.remove(&version);
                        if result.is_err() {
                            known.open.insert(version);
                        }
                    }
                }
            }
            Step::Start => {}
        }
        let crashed = crash > 0 && served.shelf.disk.faults.end();
        check(&served, &mut names)?;
        if crashed || matches!(step, Step::Start) {
            served.shelf = shelf(served.folder.path());
            served.shelf.clear().unwrap();
            check(&served, &mut names)?;
            let left: Vec<String> = served.listing();
            let is_left = |name: &String| [".partial", ".trash", ".current."].iter().any(|part| name.contains(part));
            prop_assert!(!left.iter().any(is_left), "{left:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_current_is_a_complete_version(steps in steps()) {
        walk(steps)?;
    }
}
