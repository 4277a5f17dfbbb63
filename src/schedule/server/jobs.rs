//! The jobs that there are: their files, what the database says of them, and the files that they watch.

use std::collections::BTreeMap;
use std::time::Duration;

use super::admission::Active;
use super::tick::Known;
use super::turn::{Loop, Told};
use crate::schedule::job::files::{Poller, Snapshot, snapshot};
use crate::schedule::job::folder::Settle;
use crate::schedule::job::{News, Watch};
use crate::schedule::notify::Lookup;
use crate::schedule::service::{Result, words};
use crate::schedule::store::{JobState, Origin, Outcome, Planned, Recorded, RunState};

/// The files that a job watches.
#[derive(Debug)]
pub(super) struct Watched {
    watch: Watch,
    poller: Poller,
    /// Whether somebody looks at the files now.
    looking: bool,
    /// Files that have changed, while an earlier run of the job keeps them from being run.
    pending: Option<crate::schedule::job::files::Changed>,
    /// What the database has.
    kept: Option<String>,
    trouble: Option<String>,
}

/// Watched files are looked at so often.
pub(super) const LOOK: Duration = Duration::from_secs(2);

impl Loop {
    /// Looks at the folder of job files and takes in what has changed.
    ///
    /// Errors: the database. Then the same is found at the next look.
    pub(super) fn poll_folder(&mut self, settle: Settle) -> Result<()> {
        if self.unsaved.is_empty() {
            match self.folder.look(settle) {
                Ok(news) => {
                    self.service.troubles().over("jobs");
                    self.unsaved.extend(news);
                }
                Err(findings) => {
                    let text = words(&findings);
                    if self.service.troubles().note("jobs", text.clone()) {
                        self.log.error(self.now, "jobs_unreadable").with("why", text).write();
                    }
                    return Ok(());
                }
            }
        }
        let changed = !self.unsaved.is_empty() || !self.polled;
        while let Some(news) = self.unsaved.front().cloned() {
            self.take_in(&news)?;
            self.present.hears(&news);
            self.unsaved.pop_front();
        }
        if changed {
            self.service.keep_only(&self.folder, &self.present)?;
            self.polled = true;
            self.refresh()?;
        }
        Ok(())
    }

    fn take_in(&mut self, news: &News) -> Result<()> {
        match news {
            News::Good { name, hash, definition, warnings, .. } => {
                // What the definition before says has been turned into occurrences up to now; the new one counts from now on.
                let other = match self.service.store().job(name) {
                    Ok(job) => job.state == JobState::Gone || job.definition.as_deref() != Some(hash),
                    Err(_) => false,
                };
                if other {
                    self.service.store().record(name, &[], Some(self.now), self.now)?;
                }
                self.service.take_in(news)?;
                if other || !self.jobs.contains_key(name) {
                    self.log
                        .info(self.now, "job_in_force")
                        .with("job", name)
                        .with("definition", &hash[..hash.len().min(12)])
                        .write();
                }
                for warning in warnings {
                    self.log.warning(self.now, "job_warning").with("job", name).with("why", warning).write();
                }
                let lookup = Lookup::process(self.service.base());
                for trouble in definition.notify.iter().flat_map(|channel| channel.troubles(&lookup)) {
                    self.log.warning(self.now, "message_trouble").with("job", name).with("why", trouble).write();
                }
            }
            News::Bad { name, findings, .. } => {
                self.service.take_in(news)?;
                self.log.warning(self.now, "job_bad").with("job", name).with("why", words(findings)).write();
            }
            News::Gone { name } => {
                self.service.take_in(news)?;
                self.log.info(self.now, "job_gone").with("job", name).write();
            }
        }
        Ok(())
    }

    /// Learns from the database which jobs may run; others may have paused one.
    ///
    /// Errors: the database.
    pub(super) fn refresh(&mut self) -> Result<()> {
        let mut jobs = BTreeMap::new();
        for job in self.service.store().jobs()? {
            let Some(definition) = self.service.in_force(&job)? else { continue };
            let name = job.name.clone();
            let known = Known::new(job, definition, self.jobs.get(&name));
            jobs.insert(name, known);
        }
        self.jobs = jobs;
        Ok(())
    }

    /// Lets somebody look at the files that jobs watch. What they find is told to the loop.
    pub(super) fn look_at_files(&mut self) {
        self.watched.retain(|name, _| self.jobs.contains_key(name));
        for (name, known) in &self.jobs {
            let watch = known.definition.files.as_ref().filter(|_| known.job.state == JobState::Present);
            let Some(watch) = watch else {
                self.watched.remove(name);
                continue;
            };
            let same = self.watched.get(name).is_some_and(|watched| watched.watch == *watch);
            if !same {
                let kept = known.job.watched.clone();
                let poller = Poller::new(watch, kept.as_deref());
                let watched =
                    Watched { watch: watch.clone(), poller, looking: false, pending: None, kept, trouble: None };
                self.watched.insert(name.clone(), watched);
            }
            let Some(watched) = self.watched.get_mut(name).filter(|watched| !watched.looking) else { continue };
            watched.looking = true;
            let (base, pattern, job) = (self.service.base().to_path_buf(), watch.path.clone(), name.clone());
            let told = self.told.clone();
            self.aside.run("files", Box::new(move || told.tell(Told::Files { found: snapshot(&base, &pattern), job })));
        }
    }

    /// Somebody has looked at the files of a job.
    pub(super) fn files_seen(&mut self, job: &str, found: std::result::Result<Snapshot, String>) {
        let Some(watched) = self.watched.get_mut(job) else { return };
        watched.looking = false;
        match found {
            Ok(snapshot) => {
                watched.trouble = None;
                let changed = watched.poller.look(snapshot, self.now, self.passed);
                // Files that changed while the earlier change waits are part of one change.
                if let Some(changed) = changed {
                    let mut all = watched.pending.take().map(|before| before.files).unwrap_or_default();
                    all.extend(changed.files.iter().cloned());
                    all.sort();
                    all.dedup();
                    watched.pending = Some(crate::schedule::job::files::Changed { files: all, ..changed });
                }
            }
            Err(why) => {
                if watched.trouble.as_ref() != Some(&why) {
                    self.log.warning(self.now, "files_unreadable").with("job", job).with("why", &why).write();
                }
                watched.trouble = Some(why);
            }
        }
    }

    /// Runs jobs whose files have changed. One whose `overlap` would skip it waits: a change is not forgotten because a run is at
    /// work.
    ///
    /// Errors: the database; then it is tried again.
    pub(super) fn run_changed(&mut self) -> Result<()> {
        let names: Vec<String> = self.watched.keys().cloned().collect();
        for name in names {
            let Some(known) = self.jobs.get(&name).cloned() else { continue };
            let Some(watched) = self.watched.get(&name) else { continue };
            let now_known = watched.poller.known();
            let Some(changed) = watched.pending.clone() else {
                // The first look, which tells what is there.
                if watched.kept.is_none()
                    && let Some(text) = now_known
                {
                    self.service.store().watch(&name, &text, None, self.now)?;
                    self.set_kept(&name, text);
                }
                continue;
            };
            let mut active = Active::of(self.service.store(), &name)?;
            if known.paused().is_none() && active.would_skip(known.definition.overlap) {
                continue;
            }
            let decision = self.decide(&known, changed.at, Origin::File, &mut active, Some(&changed.files))?;
            let planned = Planned { scheduled: changed.at, decision };
            let text = now_known.unwrap_or_default();
            let recorded = self.service.store().watch(&name, &text, Some(&planned), self.now)?;
            if let Some(Recorded::New(Outcome::Started, Some(run))) = &recorded {
                self.tells(run, &name, RunState::Queued);
                let files = changed.files.len() as u64;
                self.log.info(self.now, "run_queued").with("run", run).with("job", &name).count("files", files).write();
            }
            self.set_kept(&name, text);
            if let Some(watched) = self.watched.get_mut(&name) {
                watched.pending = None;
            }
        }
        Ok(())
    }

    fn set_kept(&mut self, name: &str, text: String) {
        if let Some(watched) = self.watched.get_mut(name) {
            watched.kept = Some(text.clone());
        }
        if let Some(known) = self.jobs.get_mut(name) {
            known.job.watched = Some(text);
        }
    }
}
