//! A temporary folder in which the tests write files and run the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder of its own for one test; it is removed with the value.
pub(crate) struct Workshop {
    folder: tempfile::TempDir,
}

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The exit code; none when a signal ended the process.
    pub(crate) code: Option<i32>,
    /// The output stream.
    pub(crate) stdout: String,
    /// The error stream.
    pub(crate) stderr: String,
}

impl Outcome {
    /// The outcome, which has to be a success.
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Workshop {
    /// An empty folder, in memory where there is such a place: the program syncs what it writes, and disks take their time.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap() }
    }

    /// A folder with the pipeline `p.yaml`.
    pub(crate) fn with_pipeline(text: &str) -> Self {
        let workshop = Self::new();
        workshop.write("p.yaml", text);
        workshop
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// The text of a file.
    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The records of an NDJSON file.
    #[track_caller]
    pub(crate) fn read_ndjson(&self, name: &str) -> Vec<Value> {
        self.read(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Whether there is a file or a folder of that name.
    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path().join(name).exists()
    }

    /// The program, to be run in the folder.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gristmill"));
        command.args(arguments).current_dir(self.path()).env("NO_COLOR", "1");
        command
    }

    /// Runs the program in the folder.
    pub(crate) fn gristmill<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Outcome {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs `p.yaml`, which has to succeed, and gives the record of the run.
    #[track_caller]
    pub(crate) fn run(&self) -> Value {
        self.gristmill(["run", "p.yaml", "--quiet"]).success();
        self.manifest()
    }

    /// The record of the last run.
    pub(crate) fn manifest(&self) -> Value {
        let runs = self.runs();
        let last = runs.last().expect("there was a run");
        let text = std::fs::read_to_string(last.join("manifest.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The folders of the runs, the earliest first.
    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.path().join(".gristmill/runs")) else { return Vec::new() };
        let mut runs: Vec<(std::time::SystemTime, PathBuf)> = entries
            .map(|entry| entry.unwrap().path())
            .map(|path| (std::fs::metadata(&path).unwrap().modified().unwrap(), path))
            .collect();
        runs.sort();
        runs.into_iter().map(|(_, path)| path).collect()
    }

    /// All files of the folder with their content, but for those of the state; folders are keys with a slash at their end.
    pub(crate) fn snapshot(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.everything();
        files.retain(|name, _| name != ".gristmill/" && !name.starts_with(".gristmill/"));
        files
    }

    /// All files of the folder with their content; folders are keys with a slash at their end.
    pub(crate) fn everything(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.path().to_path_buf()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.path()).unwrap().display().to_string();
                if path.is_dir() {
                    found.insert(format!("{name}/"), Vec::new());
                    open.push(path);
                } else {
                    found.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
        found
    }
}

/// The folder of the project.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A stage of the record of a run.
#[track_caller]
pub(crate) fn stage<'a>(manifest: &'a Value, id: &str) -> &'a Value {
    let stages = manifest["stages"].as_array().unwrap();
    stages.iter().find(|stage| stage["id"] == id).unwrap_or_else(|| panic!("there is no stage `{id}`"))
}

/// How each stage of a run ended: `a done, b cached`.
pub(crate) fn statuses(manifest: &Value) -> String {
    let stages = manifest["stages"].as_array().unwrap();
    let texts =
        stages.iter().map(|stage| format!("{} {}", stage["id"].as_str().unwrap(), stage["status"].as_str().unwrap()));
    texts.collect::<Vec<_>>().join(", ")
}

/// `sum(inputs) + sum(changes) - out` of a stage: 0 when every row is accounted for; none without a ledger.
pub(crate) fn unexplained(stage: &Value) -> Option<i64> {
    let ledger = stage.get("ledger").filter(|ledger| !ledger.is_null())?;
    let sum = |rows: &Value, at: &dyn Fn(&Value) -> i64| rows.as_array().unwrap().iter().map(at).sum::<i64>();
    let inputs = sum(&ledger["inputs"], &|input| input[1].as_i64().unwrap());
    let changes = sum(&ledger["changes"], &|change| change["rows"].as_i64().unwrap());
    Some(inputs + changes - ledger["out"].as_i64().unwrap())
}
