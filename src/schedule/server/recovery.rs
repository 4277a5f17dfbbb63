//! What an earlier server left: runs at work whose workers may still live, links that were not switched, files half-written.
//!
//! The start waits for none of it: what has to be ended is ended on threads, while the loop turns. Until the worker of a run is gone
//! for sure, the run counts as at work, so that no second one begins beside it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::exit::Exit;
use super::turn::{Loop, Told};
use crate::schedule::gate::Shelf;
use crate::schedule::service::{RUNS, Result, STATE};
use crate::schedule::store::{Claim, Depth, Origin, Run, RunId, RunState};
use crate::schedule::termination::GRACE;
use crate::schedule::worker::{Identity, Orphan};

/// A run at work that has no worker of this server.
#[derive(Debug)]
pub(super) struct Orphaned {
    run: Run,
    gone: bool,
}

impl Loop {
    /// Finds out what an earlier server left. For the start, with the folder's lock.
    ///
    /// Errors: the database.
    pub(super) fn recover(&mut self) -> Result<()> {
        for job in self.service.store().jobs()? {
            if let Some(definition) = self.service.in_force(&job)? {
                self.folder.remember(definition);
            }
        }
        self.refresh()?;
        let at_work = self.service.store().at_work()?;
        if !at_work.is_empty() {
            let runs = self.service.base().join(STATE).join(RUNS);
            let living: BTreeMap<String, Identity> = self
                .launcher
                .orphans(&runs)
                .into_iter()
                .filter_map(|(folder, worker)| Some((folder.file_name()?.to_str()?.to_owned(), worker)))
                .collect();
            self.log.info(self.now, "recovering").count("runs", at_work.len() as u64).write();
            for run in at_work {
                let found = living.get(run.id.as_str()).copied();
                self.orphan(run, found);
            }
        }
        match Shelf::new(self.service.base()).clear() {
            Ok(0) => {}
            Ok(count) => self.log.info(self.now, "half_done_removed").count("things", count as u64).write(),
            Err(error) => self.log.warning(self.now, "half_done_stays").with("why", error).write(),
        }
        self.service.pulse().started();
        self.sweep_ended_aside();
        self.verify_aside();
        Ok(())
    }

    /// Sweeps the folders of runs that have ended, beside the loop: a server may have died between an end and its sweep.
    fn sweep_ended_aside(&self) {
        let service = Arc::clone(&self.service);
        self.aside.run(
            "left behind",
            Box::new(move || {
                let runs = service.base().join(STATE).join(RUNS);
                for entry in std::fs::read_dir(runs).into_iter().flatten().flatten() {
                    let id = RunId::from(entry.file_name().to_string_lossy().as_ref());
                    // Only what is final has no worker, now and later.
                    if service.store().run(&id).is_ok_and(|run| run.state.is_final()) {
                        sweep_folder(&entry.path());
                    }
                }
            }),
        );
    }

    /// Looks through the whole database, beside the loop: at the start only a small one is looked through whole.
    fn verify_aside(&self) {
        let (service, log) = (Arc::clone(&self.service), self.log.clone());
        self.aside.run(
            "verify",
            Box::new(move || {
                let found = match service.store().verify(Depth::File) {
                    Ok(found) => found,
                    Err(error) => vec![error.to_string()],
                };
                if let Some(first) = found.first() {
                    let text = format!(
                        "the database `{}` is damaged: {first}; stop the server and put a backup in its place",
                        service.store().path().display()
                    );
                    service.troubles().note("damage", text);
                    let entry = log.error(service.now(), "database_damaged").count("findings", found.len() as u64);
                    entry.with("first", first).write();
                }
            }),
        );
    }

    /// Ends what may live of a run's worker, beside the loop.
    fn orphan(&mut self, run: Run, found: Option<Identity>) {
        let needs = self.jobs.get(&run.job).map(|known| known.definition.needs()).unwrap_or_default();
        self.permits.works(run.id.as_str(), &run.job, needs, run.origin != Origin::Backfill);
        let known = run.pid.zip(run.pid_started).map(|(pid, started)| Identity { pid, started });
        let worker = known.or(found);
        self.orphans.insert(run.id.clone(), Orphaned { run: run.clone(), gone: false });
        let (launcher, told) = (Arc::clone(&self.launcher), self.told.clone());
        let folder = self.service.folder(&run.id);
        self.aside.run(
            "orphan",
            Box::new(move || {
                let orphan = launcher.end_orphan(worker, &folder, GRACE.unsigned_abs());
                if !matches!(orphan, Orphan::Stays { .. }) {
                    sweep_folder(&folder);
                }
                told.tell(Told::Orphan { run: run.id, orphan });
            }),
        );
    }

    pub(super) fn orphan_gone(&mut self, id: &RunId, orphan: Orphan) {
        let Some(orphaned) = self.orphans.get_mut(id) else { return };
        match orphan {
            Orphan::Stays { processes } => {
                // One that the system does not let end would write beside a second one.
                let entry = self.log.error(self.now, "orphan_stays").with("run", id);
                entry.count("processes", processes.len() as u64).write();
                let run = orphaned.run.clone();
                self.orphan(run, None);
            }
            Orphan::Gone => orphaned.gone = true,
            Orphan::Ended | Orphan::Killed => {
                orphaned.gone = true;
                self.log.info(self.now, "orphan_ended").with("run", id).write();
            }
        }
    }

    /// Ends or gives back runs whose workers are gone.
    ///
    /// Errors: the database; then it is tried again.
    pub(super) fn settle_orphans(&mut self) -> Result<()> {
        let gone: Vec<RunId> =
            self.orphans.iter().filter(|(_, orphaned)| orphaned.gone).map(|(id, _)| id.clone()).collect();
        for id in gone {
            let run = self.service.store().run(&id)?;
            let claim = Claim { run: id.clone(), number: run.claim };
            match run.state {
                RunState::Starting => {
                    self.service.store().give_back(&claim, self.now)?;
                    let after = self.service.store().run(&id)?;
                    self.log.info(self.now, "run_given_back").with("run", &id).with("state", after.state).write();
                    self.tells(&id, &after.job, after.state);
                    self.forget(&id);
                }
                RunState::Running => {
                    let exit = Exit::server_died();
                    let ending = exit.recorded();
                    let follow = self.prepare(&run, exit, Vec::new(), None)?;
                    let service = Arc::clone(&self.service);
                    let lost =
                        service.store().lose(&run, &ending, self.now, |finished| follow.consequences(finished))?;
                    match lost {
                        Some(finished) => self.after_finish(&finished, None),
                        None => self.forget(&id),
                    }
                }
                _ => self.forget(&id),
            }
            self.orphans.remove(&id);
            self.moved = true;
        }
        Ok(())
    }

    /// Looks for runs at work that nobody here works at: their claim was written, but the answer did not come.
    ///
    /// Errors: the database.
    pub(super) fn look_for_lost(&mut self) -> Result<()> {
        let at_work = self.service.store().at_work()?;
        let nobodys: Vec<Run> = at_work
            .into_iter()
            .filter(|run| !self.works.contains_key(&run.id) && !self.orphans.contains_key(&run.id))
            .collect();
        let silent: Vec<Run> =
            self.silence.look(&nobodys, self.passed).into_iter().map(|(run, _)| run.clone()).collect();
        for run in silent {
            self.log.warning(self.now, "run_of_nobody").with("run", &run.id).write();
            self.orphan(run, None);
        }
        Ok(())
    }

    /// Removes what the worker of a run left half-written, beside the loop.
    pub(super) fn sweep_left_behind(&self, id: &RunId) {
        let folder = self.service.folder(id);
        self.aside.run("left behind", Box::new(move || sweep_folder(&folder)));
    }
}

/// Removes what a dead worker left: files that it was writing, wherever it noted them, and its temporary tables.
fn sweep_folder(folder: &Path) {
    crate::staging::sweep(&folder.join("places"));
    // What stays is removed with the folder.
    let _ = std::fs::remove_dir_all(folder.join("scratch"));
    // A supervisor that was killed while it finished a record notes nothing.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(crate::staging::SUFFIX) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
