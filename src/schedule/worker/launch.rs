//! What is started for a run.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::timekeeper::Timeouts;
use crate::definition::Secrets;
use crate::schedule::termination::GRACE;

/// The variable that tells `gristmill run` that a server listens to it: the folder of its run. `run` ends when nobody reads its events
/// any more, and processes that are left behind are known by it.
pub const SERVE: &str = "GRISTMILL_SERVE";

/// Variables that begin so are the server's own (its token, its mail password): no worker gets them.
const OWN: &[u8] = b"GRISTMILL_";

/// How long it is waited for a process that holds the folder of the run.
const MOMENT: Duration = Duration::from_secs(2);

/// A run of a pipeline that is to be started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program: `gristmill`.
    pub program: PathBuf,
    /// What stands before `run` on its command line; nothing, but for tests and wrappers.
    pub arguments: Vec<OsString>,
    /// The pipeline file.
    pub pipeline: PathBuf,
    /// The served folder, where the program is run.
    pub base: PathBuf,
    /// The folder of the run, from the root; its name is the run's.
    pub folder: PathBuf,
    /// The folder of the run with which it compares itself; none where there is none.
    pub previous: Option<PathBuf>,
    /// Values of parameters. Texts are given as they are, everything else as JSON.
    pub parameters: Map<String, Value>,
    /// Memory that it may use, in bytes [default: what `run` takes].
    pub memory: Option<u64>,
    /// Threads [default: what `run` takes].
    pub threads: Option<u16>,
    /// Whether all work is done again.
    pub no_cache: bool,
    /// How long the run and each stage may take.
    pub timeouts: Timeouts,
    /// How long it may take to end by itself once it is told to.
    pub grace: Duration,
    /// Bytes that the log may have.
    pub longest_log: u64,
    /// What must not be shown in the log, beside what the worker masks by itself.
    pub secrets: Secrets,
    /// Further variables of the server that the worker must not get.
    pub withheld: Vec<OsString>,
}

impl Launch {
    /// A run with defaults: no limits, 10 s to end, a log of 64 MiB.
    pub fn new(program: PathBuf, pipeline: PathBuf, base: PathBuf, folder: PathBuf) -> Self {
        Self {
            program,
            arguments: Vec::new(),
            pipeline,
            base,
            folder,
            previous: None,
            parameters: Map::new(),
            memory: None,
            threads: None,
            no_cache: false,
            timeouts: Timeouts::default(),
            grace: GRACE.unsigned_abs(),
            longest_log: super::log::LONGEST,
            secrets: Secrets::default(),
            withheld: Vec::new(),
        }
    }

    /// The name of the run: that of its folder.
    pub fn run(&self) -> String {
        self.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Makes the folder of the run, and removes from it what an earlier worker of the same run left but for the log: its server died
    /// before it could write down that it had begun, so the run was given back.
    ///
    /// Errors: a worker is still at work there, or the disk does not allow it.
    pub(super) fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        // Nothing is ever removed from another folder.
        if !self.folder.parent().is_some_and(|runs| runs.ends_with(".gristmill/runs")) {
            return Ok(());
        }
        let lock = match File::options().read(true).write(true).open(self.folder.join("lock")) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            lock => Some(lock?),
        };
        // Held until everything is gone. Another run that finishes the record of the dead one holds it for a moment.
        let began = Instant::now();
        while lock.as_ref().is_some_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock))) {
            if began.elapsed() > self.grace.min(MOMENT) {
                return Err(io::Error::new(ErrorKind::ResourceBusy, "an earlier worker of the run is still at work"));
            }
            thread::sleep(Duration::from_millis(2));
        }
        // What it was writing in other places.
        crate::staging::sweep(&self.folder.join("places"));
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name() == super::log::FILE {
                continue;
            }
            if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) }?;
        }
        Ok(())
    }

    /// The process to start: a group of its own, nothing to read, its output to be read here.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(self.run_arguments()).current_dir(&self.base);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os().filter(|(name, _)| self.is_withheld(name)) {
            command.env_remove(name);
        }
        command.env(SERVE, &self.folder);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }

    fn is_withheld(&self, name: &OsStr) -> bool {
        name.as_encoded_bytes().starts_with(OWN) || self.withheld.iter().any(|other| other == name)
    }

    fn run_arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["run".into(), "--json".into()];
        arguments.extend(["--dir".into(), self.base.clone().into()]);
        arguments.extend(["--run-folder".into(), self.folder.clone().into()]);
        if let Some(previous) = &self.previous {
            arguments.extend(["--previous".into(), previous.clone().into()]);
        }
        for (name, value) in &self.parameters {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            // One word, so that no name and no value is taken for an option.
            arguments.push(format!("--set={name}={value}").into());
        }
        if let Some(bytes) = self.memory {
            arguments.push(format!("--memory={bytes}").into());
        }
        if let Some(threads) = self.threads {
            arguments.push(format!("--threads={threads}").into());
        }
        if self.no_cache {
            arguments.push("--no-cache".into());
        }
        arguments.extend(["--".into(), self.pipeline.clone().into()]);
        arguments
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(launch: &Launch) -> String {
        let words: Vec<String> = launch.command().get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        words.join(" ")
    }

    #[test]
    fn the_command_line_is_that_of_run() {
        let mut launch = Launch::new(
            "/bin/gristmill".into(),
            "pipelines/a.yaml".into(),
            "/srv".into(),
            "/srv/.gristmill/runs/7".into(),
        );
        let fixed = "run --json --dir /srv --run-folder /srv/.gristmill/runs/7";
        assert_eq!(words(&launch), format!("{fixed} -- pipelines/a.yaml"));
        launch.previous = Some("/srv/.gristmill/runs/5".into());
        launch.parameters = json!({ "day": "2026-03-01", "late": 30, "deep": false }).as_object().unwrap().clone();
        (launch.memory, launch.threads, launch.no_cache) = (Some(4 << 30), Some(2), true);
        assert_eq!(
            words(&launch),
            format!(
                "{fixed} --previous /srv/.gristmill/runs/5 --set=day=2026-03-01 --set=late=30 --set=deep=false --memory=4294967296 --threads=2 --no-cache -- \
                 pipelines/a.yaml"
            )
        );
        assert_eq!(launch.run(), "7");
    }

    #[test]
    fn the_folder_of_a_run_that_was_given_back_is_emptied_but_for_the_log() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join(".gristmill/runs/7");
        let mut launch = Launch::new("a".into(), "b".into(), base.path().into(), folder.clone());
        launch.grace = Duration::from_millis(10);
        launch.prepare().unwrap();
        for name in ["log.jsonl", "lock", "events.jsonl", ".manifest.json.1-2.x.tmp"] {
            fs::write(folder.join(name), "{}").unwrap();
        }
        fs::create_dir_all(folder.join("scratch/artifacts-1")).unwrap();
        std::os::unix::fs::symlink(base.path(), folder.join("link")).unwrap();
        let lock = File::open(folder.join("lock")).unwrap();
        lock.lock().unwrap();
        assert!(launch.prepare().unwrap_err().to_string().contains("still at work"));
        drop(lock);
        launch.prepare().unwrap();
        let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["log.jsonl"]);
        // A folder that is none of a run keeps what is in it.
        fs::write(base.path().join("data.csv"), "1").unwrap();
        Launch::new("a".into(), "b".into(), base.path().into(), base.path().into()).prepare().unwrap();
        assert!(base.path().join("data.csv").exists());
    }

    #[test]
    fn variables_of_the_server_are_withheld_and_others_are_not() {
        let mut launch = Launch::new("a".into(), "b".into(), "c".into(), "d".into());
        launch.withheld.push("HOOK_KEY".into());
        for (name, withheld) in [
            ("GRISTMILL_TOKEN", true),
            ("GRISTMILL_WORKER", true),
            ("HOOK_KEY", true),
            ("HOOK_KEYS", false),
            ("PATH", false),
            ("MY_GRISTMILL_", false),
        ] {
            assert_eq!(launch.is_withheld(OsStr::new(name)), withheld, "{name}");
        }
    }
}
