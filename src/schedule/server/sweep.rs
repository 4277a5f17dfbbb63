//! What is removed: old runs with their folders, records, versions, and what is beyond the budget of the disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use jiff::SignedDuration;

use super::log::Journal;
use super::turn::{Loop, Teller, Told};
use crate::schedule::retention::{Keep, Past, over_budget};
use crate::schedule::service::{RUNS, Result, STATE, Service};
use crate::schedule::store::{Retention, Run, RunFilter, RunState};

/// One sweep.
struct Sweep {
    service: Arc<Service>,
    log: Journal,
    keep: BTreeMap<String, Keep>,
    disk: Option<u64>,
    versions: usize,
}

/// Says that a sweep is through, however it ends.
struct Through(Teller);

impl Drop for Through {
    fn drop(&mut self) {
        self.0.tell(Told::Swept);
    }
}

impl Loop {
    /// Removes what need not be kept, beside the loop.
    pub(super) fn sweep_aside(&mut self) {
        self.sweeping = true;
        let keep = self.jobs.iter().map(|(name, known)| (name.clone(), known.definition.keep)).collect();
        let sweep = Sweep {
            service: Arc::clone(&self.service),
            log: self.log.clone(),
            keep,
            disk: self.options.disk,
            versions: self.options.versions,
        };
        let through = Through(self.told.clone());
        self.aside.run(
            "sweep",
            Box::new(move || {
                let _through = through;
                if let Err(error) = sweep.all() {
                    sweep.log.warning(sweep.service.now(), "sweep_failed").with("why", error).write();
                }
            }),
        );
    }
}

impl Sweep {
    fn all(&self) -> Result<()> {
        let now = self.service.now();
        let store = self.service.store();
        let mut runs = 0;
        for job in store.jobs()? {
            let keep = self.keep.get(&job.name).copied().unwrap_or_default();
            let days = SignedDuration::from_hours(i64::from(keep.days).saturating_mul(24));
            let retention = Retention { runs: keep.runs, age: days, ..Retention::default() };
            loop {
                let swept = store.sweep_runs(&job.name, &retention, now)?;
                runs += swept.runs.len();
                if !swept.more {
                    break;
                }
            }
        }
        while store.sweep_records(&Retention::default(), now)?.more {}
        let folders = self.remove_garbage()?;
        let versions = match self.service.sweep_versions(self.versions) {
            Ok(swept) => swept.versions.len(),
            Err(error) => {
                self.log.warning(now, "versions_not_swept").with("why", error).write();
                0
            }
        };
        let over = match self.disk {
            Some(budget) => self.hold_budget(budget)?,
            None => 0,
        };
        let entry = self.log.info(now, "swept").count("runs", runs as u64).count("folders", folders as u64);
        entry.count("versions", versions as u64).count("over_budget", over as u64).write();
        Ok(())
    }

    /// Removes the folders of runs that are not in the history any more.
    fn remove_garbage(&self) -> Result<usize> {
        let store = self.service.store();
        let mut removed = 0;
        loop {
            let garbage = store.garbage(500)?;
            let mut gone = 0;
            for folder in &garbage {
                let there = own_folder(&self.service.base().join(STATE), folder);
                let result = there.map_or(Ok(()), |path| remove(&path));
                match result {
                    Ok(()) => {
                        store.collected(folder)?;
                        gone += 1;
                    }
                    Err(error) => {
                        let entry = self.log.warning(self.service.now(), "folder_stays").with("folder", folder);
                        entry.with("why", crate::staging::reason(&error)).write();
                    }
                }
            }
            removed += gone;
            // What cannot be removed is tried again with the next sweep.
            if gone == 0 || garbage.len() < 500 {
                return Ok(removed);
            }
        }
    }

    /// Removes kept results, those not used for longest first, and then folders of runs, the oldest first, until all fit the budget.
    /// The runs stay in the history.
    fn hold_budget(&self, budget: u64) -> Result<usize> {
        let state = self.service.base().join(STATE);
        let runs = state.join(RUNS);
        let cache = hold_cache(&state, budget.saturating_sub(crate::disk::taken(&runs)));
        let mut history = Vec::new();
        let mut before = None;
        loop {
            let page = self.service.store().runs(&RunFilter::default(), before, 1000)?;
            history.extend(page.items.iter().map(|run| past(run, &runs)));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        let gone = over_budget(&history, budget.saturating_sub(cache));
        for run in &gone {
            if let Some(path) = own_folder(&self.service.base().join(STATE), &format!("{RUNS}/{run}"))
                && let Err(error) = remove(&path)
            {
                let entry = self.log.warning(self.service.now(), "folder_stays").with("folder", run);
                entry.with("why", crate::staging::reason(&error)).write();
            }
        }
        Ok(gone.len())
    }
}

/// Removes results of stages until the rest fits; gives what they take. Nothing is removed while a run may be reading them.
fn hold_cache(state: &Path, budget: u64) -> u64 {
    let mut kept: Vec<(SystemTime, u64, PathBuf)> = fs::read_dir(state.join("cache"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| {
            let path = entry.path();
            // What is used again is touched.
            let used = path.join("stage.json").metadata().or_else(|_| path.metadata());
            let used = used.and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            (used, crate::disk::taken(&path), path)
        })
        .collect();
    let mut total = kept.iter().fold(0_u64, |sum, (_, bytes, _)| sum.saturating_add(*bytes));
    // Runs share this lock; one that begins meanwhile waits a moment.
    let alone = fs::File::options().write(true).open(state.join("lock"));
    let Some(_alone) = alone.ok().filter(|_| total > budget).filter(|lock| lock.try_lock().is_ok()) else {
        return total;
    };
    kept.sort();
    for (_, bytes, path) in kept {
        if total <= budget {
            break;
        }
        if remove(&path).is_ok() {
            total = total.saturating_sub(bytes);
        }
    }
    total
}

fn past(run: &Run, runs: &Path) -> Past {
    Past {
        run: run.id.as_str().to_owned(),
        job: run.job.clone(),
        made: run.queued,
        ended: run.ended,
        succeeded: run.state == RunState::Succeeded,
        bytes: crate::disk::taken(&runs.join(run.id.as_str())),
    }
}

/// The folder of a run as it stands in the database, `runs/RUN`, if it is one: nothing else is ever removed.
fn own_folder(state: &Path, folder: &str) -> Option<PathBuf> {
    let name = folder.strip_prefix(RUNS)?.strip_prefix('/')?;
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let path = state.join(RUNS).join(name);
    // A link in its place leads elsewhere.
    let real = path.symlink_metadata().is_ok_and(|found| found.is_dir());
    (plain && real).then_some(path)
}

/// Removes a folder; one that has gone meanwhile is removed.
fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn results_that_were_not_used_for_longest_go_first_and_none_while_a_run_may_read_them() {
        let base = tempfile::tempdir().unwrap();
        let state = base.path();
        let lock = fs::File::create(state.join("lock")).unwrap();
        for (age, name) in ["new", "middle", "old"].into_iter().enumerate() {
            let folder = state.join("cache").join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("stage.json"), vec![0; 100]).unwrap();
            let used = SystemTime::now() - std::time::Duration::from_secs(3600 * age as u64);
            fs::File::options().write(true).open(folder.join("stage.json")).unwrap().set_modified(used).unwrap();
        }
        lock.lock_shared().unwrap();
        assert_eq!(hold_cache(state, 150), 300);
        drop(lock);
        assert_eq!(hold_cache(state, 300), 300);
        assert_eq!(hold_cache(state, 150), 100);
        assert!(state.join("cache/new").exists() && !state.join("cache/middle").exists());
    }

    #[test]
    fn only_folders_of_runs_are_ever_removed() {
        let base = tempfile::tempdir().unwrap();
        let state = base.path().join(".gristmill");
        fs::create_dir_all(state.join("runs/20260301-100000-00000001/artifacts")).unwrap();
        fs::create_dir_all(base.path().join("out")).unwrap();
        std::os::unix::fs::symlink(base.path().join("out"), state.join("runs/20260301-100000-00000002")).unwrap();
        let found = own_folder(&state, "runs/20260301-100000-00000001").unwrap();
        for other in [
            "runs/20260301-100000-00000002",
            "runs/20260301-100000-00000003",
            "runs/",
            "runs",
            "runs/..",
            "runs/../../out",
            "runs//etc",
            "/etc",
            "",
            "cache",
            "runs/a/b",
        ] {
            assert_eq!(own_folder(&state, other), None, "{other}");
        }
        remove(&found).unwrap();
        remove(&found).unwrap();
        assert!(!found.exists() && base.path().join("out").exists());
    }
}
