//! What can be wrong with a job file beyond the types of its values. Each option is looked at by itself, so that a mistake in one hides
//! none in another.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;

use super::files::{Pattern, Watch};
use super::inside::{self, Refused};
use super::parameters;
use super::partitions::{Partitions, Span, Unit};
use super::pipeline;
use super::read::{NAMES, is_name};
use super::size::Size;
use super::written::{WrittenFiles, WrittenPartitions, WrittenSpan};
use crate::definition::{Node, Spanned, Value, decode};
use crate::diagnostic::{Diagnostic, Findings};
use crate::schedule::notify::{self, Channel, ChannelOptions};
use crate::schedule::{Period, Schedule, Trigger, zone};

/// The least memory that a run takes, in bytes: what `gristmill run --memory` takes.
const LEAST_MEMORY: u64 = 64 << 20;
/// Priorities lie from minus this to this.
const HIGHEST_PRIORITY: i64 = 1_000;
/// The most runs at a time and cores that can be meant.
const MOST: u32 = 10_000;
/// So many jobs one may wait for.
const MOST_AFTER: usize = 100;
/// So long files have to rest when nothing is said, in seconds.
const SETTLED: u64 = 30;

/// The options that became something else than what is written.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) pipeline: PathBuf,
    pub(super) schedule: Option<Trigger>,
    pub(super) files: Option<Watch>,
    pub(super) partitions: Option<Partitions>,
    pub(super) notify: Vec<Channel>,
}

/// Looks at the options of a job file and collects what is wrong.
pub(super) struct Check<'a> {
    root: &'a Node,
    findings: Findings,
}

impl<'a> Check<'a> {
    pub(super) fn new(root: &'a Node) -> Self {
        Self { root, findings: Findings::new() }
    }

    pub(super) fn report(&mut self, found: Diagnostic) {
        self.findings.push(found);
    }

    pub(super) fn report_all(&mut self, found: Findings) {
        self.findings.extend(found);
    }

    pub(super) fn into_findings(self) -> Findings {
        self.findings
    }

    /// Everything; `None` where the pipeline is wrong.
    pub(super) fn all(&mut self, name: &str, base: Option<&Path>) -> Option<Checked> {
        let schedule = self.schedule();
        let zone = schedule.as_ref().map(|trigger| trigger.zone().clone());
        let files = self.files();
        // Where they are written but wrong, nothing is said of references to them.
        let partitions = self.partitions(zone);
        let known = (partitions.is_some() == self.node("partitions").is_some()).then_some(partitions.as_ref());
        if let Some(node) = self.node("parameters") {
            self.findings.extend(parameters::findings(node, known));
        }
        self.after(name);
        self.numbers();
        self.times();
        let pipeline = self.pipeline(base, known.flatten());
        self.triggers();
        let notify = self.notify()?;
        Some(Checked { pipeline: pipeline?, schedule, files, partitions, notify })
    }

    /// What stands under an option; nothing is as if it were left out.
    fn node(&self, key: &str) -> Option<&'a Node> {
        self.root.get(key).filter(|node| node.value != Value::Null)
    }

    /// An option, where its type is right.
    fn option<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        decode(self.node(key)?).ok()
    }

    fn schedule(&mut self) -> Option<Trigger> {
        let written: Schedule = self.option("schedule")?;
        let node = self.node("schedule")?;
        match written.check() {
            Ok(trigger) => Some(trigger),
            Err(error) => {
                let place = error.option().and_then(|option| node.get(option)).unwrap_or(node).place.clone();
                self.report(Diagnostic::definition(error.to_string()).at(&place));
                None
            }
        }
    }

    fn files(&mut self) -> Option<Watch> {
        let written: WrittenFiles = self.option("files")?;
        let settled = written.settled.or_else(|| Period::seconds(SETTLED).ok())?;
        Some(Watch { path: self.pattern(&written.path)?, settled })
    }

    fn pattern(&mut self, written: &Spanned<String>) -> Option<Pattern> {
        let pattern = Pattern::new(written);
        self.path(written, pattern)
    }

    fn path<T>(&mut self, written: &Spanned<String>, path: Result<T, Refused>) -> Option<T> {
        path.map_err(|refused| self.report(refused.diagnostic(written).at(&written.place))).ok()
    }

    fn partitions(&mut self, zone: Option<TimeZone>) -> Option<Partitions> {
        let written: WrittenPartitions = self.option("partitions")?;
        Some(match written {
            WrittenPartitions::Days(span) => Partitions::Spans(self.span(&span, Unit::Day, zone)?),
            WrittenPartitions::Months(span) => Partitions::Spans(self.span(&span, Unit::Month, zone)?),
            WrittenPartitions::Files(path) => Partitions::Files(self.pattern(&path)?),
        })
    }

    fn span(&mut self, written: &WrittenSpan, unit: Unit, zone: Option<TimeZone>) -> Option<Span> {
        let mut read = |date: &Spanned<String>| {
            let start = unit.read(date);
            start.map_err(|error| self.report(Diagnostic::definition(error.to_string()).at(&date.place))).ok()
        };
        let from = read(&written.from);
        let to = written.to.as_ref().map(&mut read);
        if let (Some(from), Some(Some(to)), Some(place)) = (from, to, written.to.as_ref().map(|to| &to.place))
            && to < from
        {
            let found = Diagnostic::definition("the last partition is before the first").at(place);
            self.report(found.help("exchange `from` and `to`"));
            return None;
        }
        let zone = match &written.zone {
            None => zone.unwrap_or(TimeZone::UTC),
            Some(name) => match zone::named(name) {
                Ok(zone) => zone,
                Err(error) => {
                    self.report(Diagnostic::definition(error.to_string()).at(&name.place));
                    return None;
                }
            },
        };
        let to = match to {
            Some(to) => Some(to?),
            None => None,
        };
        Some(Span { unit, from: from?, to, zone })
    }

    fn after(&mut self, name: &str) {
        let Some(after) = self.option::<Vec<Spanned<String>>>("after") else { return };
        for (at, other) in after.iter().enumerate() {
            let found = if other.value == name {
                Diagnostic::definition("a job cannot run after itself")
                    .help("leave it out; `retries` tries a failed run again")
            } else if !is_name(other) {
                Diagnostic::definition(format!("`{other}` cannot name a job"))
                    .help(format!("{NAMES}; it is the name of the file without `.yaml`"))
            } else if after.iter().take(at).any(|earlier| earlier == other) {
                Diagnostic::definition(format!("`{other}` is named twice")).help("leave one out")
            } else if at == MOST_AFTER {
                Diagnostic::definition(format!("more than {MOST_AFTER} jobs are waited for"))
                    .help("put a job between them")
            } else {
                continue;
            };
            self.report(found.at(&other.place));
        }
    }

    fn numbers(&mut self) {
        if let Some(memory) = self.option::<Spanned<Size>>("memory")
            && memory.0 < LEAST_MEMORY
        {
            let found = Diagnostic::definition(format!("a run needs at least 64MiB of memory, not {}", memory.value));
            self.report(found.at(&memory.place).help("write a size such as `4GiB`"));
        }
        for (key, what) in [("runs", "runs at a time"), ("cores", "cores")] {
            if let Some(number) = self.option::<Spanned<u32>>(key)
                && !(1..=MOST).contains(&number.value)
            {
                let found =
                    Diagnostic::definition(format!("{} {what} cannot be: they are from 1 to {MOST}", number.value));
                let pause = if key == "runs" { "; `paused: true` lets nothing start by itself" } else { "" };
                self.report(found.at(&number.place).help(format!("leave `{key}` out for no limit{pause}")));
            }
        }
        if let Some(priority) = self.option::<Spanned<i64>>("priority")
            && priority.value.checked_abs().is_none_or(|size| size > HIGHEST_PRIORITY)
        {
            let found = Diagnostic::definition(format!("a priority is from -{HIGHEST_PRIORITY} to {HIGHEST_PRIORITY}"));
            self.report(found.at(&priority.place));
        }
    }

    fn times(&mut self) {
        let (Some(run), Some(stage)) =
            (self.option::<Spanned<Period>>("timeout"), self.option::<Spanned<Period>>("stage_timeout"))
        else {
            return;
        };
        if stage.value > run.value {
            let message = format!("a stage may take {}, but the whole run only {}", stage.value, run.value);
            self.report(
                Diagnostic::warning(message).at(&stage.place).help("a `stage_timeout` is shorter than the `timeout`"),
            );
        }
    }

    /// The pipeline as it is written, where it is a file inside the served folder.
    fn pipeline(&mut self, base: Option<&Path>, partitions: Option<&Partitions>) -> Option<PathBuf> {
        let path = self.pipeline_path(base);
        // Conditions that need no pipeline are looked at without one.
        let file = path.as_ref().and_then(|(_, _, file)| file.as_deref());
        let written = path.as_ref().map(|(written, _, _)| written);
        let found = pipeline::findings(self.root, written, file, base, partitions);
        self.report_all(found);
        path.map(|(_, path, _)| path)
    }

    /// The pipeline's path as it is written, without `.`, and its file.
    fn pipeline_path(&mut self, base: Option<&Path>) -> Option<(Spanned<String>, PathBuf, Option<PathBuf>)> {
        let written: Spanned<String> = self.option("pipeline")?;
        let names = self.path(&written, inside::names(&written))?;
        let file = match base {
            Some(base) => Some(self.path(&written, inside::file(base, &names))?),
            None => None,
        };
        let path = names.iter().collect();
        Some((written, path, file))
    }

    fn notify(&mut self) -> Option<Vec<Channel>> {
        // Each channel by itself, so that one whose options cannot be read hides no other.
        let node = self.node("notify");
        let Some(Value::Sequence(items)) = node.map(|node| &node.value) else { return Some(Vec::new()) };
        let options: Vec<ChannelOptions> = items.iter().filter_map(|item| decode(item).ok()).collect();
        notify::check(&options).map_err(|findings| self.report_all(findings)).ok()
    }

    /// Warns of a job that nothing starts.
    fn triggers(&mut self) {
        let triggers = ["schedule", "files", "after"];
        if triggers.iter().any(|key| self.node(key).is_some()) || self.option::<bool>("http") != Some(false) {
            return;
        }
        let Some(node) = self.node("http") else { return };
        let found = Diagnostic::warning("nothing starts this job but a person").at(&node.place);
        self.report(found.help("give it a `schedule`, `files` or `after`, if that is not what you want"));
    }
}
