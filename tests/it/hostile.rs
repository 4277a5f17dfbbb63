//! Broken pipelines and broken files: one clear error with its place, the right exit code, and nothing half-written.
//!
//! Each file of `tests/cases/hostile/` is a pipeline with its expectation in comments; `README.md` there has the words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::{Outcome, Workshop, root};

/// A case as its file describes it.
#[derive(Default)]
struct Case {
    name: String,
    text: String,
    run: Vec<String>,
    environment: Vec<(String, String)>,
    file_limit: Option<u32>,
    files: Vec<(String, Vec<u8>)>,
    folders: Vec<String>,
    exit: i32,
    errors: Option<usize>,
    at: Vec<String>,
    says: Vec<String>,
    never: Vec<String>,
    leaves: Vec<String>,
    gives: Vec<(String, String)>,
    skips_check: bool,
}

impl Case {
    fn read(path: &Path) -> Self {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).unwrap();
        let mut case = Self { name, text: text.clone(), run: vec!["run".into()], ..Self::default() };
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let Some(directive) = line.strip_prefix("#: ") else { continue };
            let (word, rest) = directive.split_once(' ').unwrap_or((directive, ""));
            let mut block = String::new();
            while let Some(content) = lines.peek().and_then(|line| line.strip_prefix("#|")) {
                block.push_str(content.strip_prefix(' ').unwrap_or(content));
                block.push('\n');
                lines.next();
            }
            case.directive(word, rest, block);
        }
        case
    }

    fn directive(&mut self, word: &str, rest: &str, block: String) {
        let owned = rest.to_owned();
        match word {
            "run" => self.run = rest.split(' ').map(str::to_owned).collect(),
            "env" => self.environment.push(rest.split_once('=').map(|(k, v)| (k.into(), v.into())).unwrap()),
            "file_limit" => self.file_limit = Some(rest.parse().unwrap()),
            "file" => self.files.push((owned, block.into_bytes())),
            "data" => {
                let (from, to) = rest.split_once(" as ").unwrap_or((rest, rest));
                let path = root().join("tests/data/hostile").join(from);
                self.files.push((to.into(), std::fs::read(&path).unwrap()));
            }
            "folder" => self.folders.push(owned),
            "exit" => self.exit = rest.parse().unwrap(),
            "errors" => self.errors = Some(rest.parse().unwrap()),
            "at" => self.at.push(owned),
            "says" => self.says.push(owned),
            "never" => self.never.push(owned),
            "leaves" => self.leaves.push(owned),
            "gives" => self.gives.push((owned, block)),
            "only_run" => self.skips_check = true,
            other => panic!("{}: `{other}` is no word of a case", self.name),
        }
    }

    fn workshop(&self) -> Workshop {
        let workshop = Workshop::new();
        workshop.write(&self.name, &self.text);
        for (name, content) in &self.files {
            workshop.write(name, content);
        }
        for folder in &self.folders {
            std::fs::create_dir_all(workshop.path().join(folder)).unwrap();
        }
        workshop
    }

    fn execute(&self, workshop: &Workshop, arguments: &[String]) -> Outcome {
        let mut command = workshop.command(arguments);
        if let Some(kilobytes) = self.file_limit {
            let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$@\"");
            let program = command.get_program().to_owned();
            command = std::process::Command::new("bash");
            command.args(["-c", &script, "limited"]).arg(program).args(arguments).current_dir(workshop.path());
            command.env("NO_COLOR", "1");
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.output().unwrap().into()
    }

    /// Everything that is not as it should be.
    fn failures(&self) -> Vec<String> {
        let workshop = self.workshop();
        let before = workshop.snapshot();
        let began = Instant::now();
        let mut arguments = self.run.clone();
        arguments.insert(1, self.name.clone());
        let outcome = self.execute(&workshop, &arguments);
        let mut failures = self.compare(&outcome);
        if began.elapsed() > Duration::from_secs(5) {
            failures.push(format!("it took {:.1} s", began.elapsed().as_secs_f64()));
        }
        failures.extend(self.changes(&before, &workshop.snapshot()));
        failures.extend(self.secrets(&workshop, &outcome));
        if self.exit == 2 && arguments[0] == "run" && !self.skips_check {
            if workshop.exists(".gristmill/runs") && !workshop.runs().is_empty() {
                failures.push("a run was begun, though the check can see the error".into());
            }
            arguments[0] = "check".into();
            let checked = self.compare(&self.execute(&workshop, &arguments));
            failures.extend(checked.into_iter().map(|failure| format!("check: {failure}")));
        }
        failures
    }

    fn compare(&self, outcome: &Outcome) -> Vec<String> {
        let mut failures = Vec::new();
        let said = plain(&outcome.stderr);
        if outcome.code != Some(self.exit) {
            failures.push(format!("exit code {:?} in place of {}", outcome.code, self.exit));
        }
        for phrase in &self.says {
            if !said.contains(&plain(phrase)) {
                failures.push(format!("it does not say `{phrase}`"));
            }
        }
        for place in &self.at {
            let (file, place) = match place.split_once(' ') {
                Some((file, place)) => (file, place),
                None => (self.name.as_str(), place.as_str()),
            };
            if !said.contains(&plain(&format!("[{file}:{place}]"))) {
                failures.push(format!("it does not point at {file}:{place}"));
            }
        }
        let errors =
            outcome.stderr.lines().filter(|line| line.trim_start_matches([' ', '×']).starts_with("error: ")).count();
        let expected = self.errors.unwrap_or(usize::from(self.exit != 0));
        if errors != expected {
            failures.push(format!("{errors} errors in place of {expected}"));
        }
        if !failures.is_empty() {
            failures.push(format!("it said:\n{}{}", outcome.stdout, outcome.stderr));
        }
        failures
    }

    /// What stands in the folder that should not, and what is missing there.
    fn changes(&self, before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
        let mut failures = Vec::new();
        for (name, content) in before {
            if after.get(name) != Some(content) && !self.expects(name) {
                failures.push(format!("`{name}` was changed or removed"));
            }
        }
        for name in after.keys().filter(|name| !before.contains_key(*name) && !self.expects(name)) {
            failures.push(format!("`{name}` was left behind"));
        }
        for name in &self.leaves {
            if !after.contains_key(name) {
                failures.push(format!("`{name}` was not written"));
            }
        }
        for (name, content) in &self.gives {
            let found = after.get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            if found.as_ref() != Some(content) {
                failures.push(format!("`{name}` is {found:?} in place of {content:?}"));
            }
        }
        failures
    }

    /// Whether the case says that this file, or this folder with a slash at its end, is there afterwards.
    fn expects(&self, name: &str) -> bool {
        let mut expected = self.leaves.iter().chain(self.gives.iter().map(|(name, _)| name));
        expected.any(|expected| expected == name || name.ends_with('/') && expected.starts_with(name))
    }

    /// Where a text appears that must appear nowhere.
    fn secrets(&self, workshop: &Workshop, outcome: &Outcome) -> Vec<String> {
        let mut texts = workshop.everything();
        // The case itself, which names the secret, and the input files are no output.
        texts.remove(&self.name);
        for (name, _) in &self.files {
            texts.remove(name);
        }
        texts.insert("stdout".into(), outcome.stdout.clone().into_bytes());
        texts.insert("stderr".into(), outcome.stderr.clone().into_bytes());
        let mut failures = Vec::new();
        for secret in &self.never {
            for (name, content) in &texts {
                let content = String::from_utf8_lossy(content);
                if content.contains(secret.as_str()) {
                    failures.push(format!("`{secret}` stands in {name}"));
                }
            }
        }
        failures
    }
}

/// The words of a message without spaces, line breaks and the lines that are drawn around them.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !"│·╰╭─┬┴├".contains(*c)).collect()
}

#[test]
fn every_hostile_case_gives_one_clear_error() {
    let folder = root().join("tests/cases/hostile");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    paths.sort();
    assert!(paths.len() >= 60, "{} cases", paths.len());
    let failed: Vec<String> = std::thread::scope(|scope| {
        let parts = paths.chunks(paths.len().div_ceil(4));
        let threads: Vec<_> = parts
            .map(|part| scope.spawn(move || part.iter().filter_map(|path| failed(path)).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "{} of {} cases failed\n\n{}", failed.len(), paths.len(), failed.join("\n\n"));
}

fn failed(path: &Path) -> Option<String> {
    let case = Case::read(path);
    let failures = case.failures();
    (!failures.is_empty()).then(|| format!("{}: {}", case.name, failures.join("\n  ")))
}
