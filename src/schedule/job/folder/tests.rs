//! A real folder of job files, written and rewritten between looks.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use super::*;

struct Served {
    base: tempfile::TempDir,
    folder: Folder,
}

impl Served {
    fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir(base.path().join("jobs")).unwrap();
        fs::write(base.path().join("p.yaml"), "name: p\nstages: [{read: {path: x.csv}}]\n").unwrap();
        let folder = Folder::new(base.path());
        Self { base, folder }
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.base.path().join(file), text).unwrap();
    }

    /// Writes a file that looks as if nobody had touched it for a minute.
    fn write_old(&self, file: &str, text: &str) {
        self.write(file, text);
        let old = SystemTime::now() - Duration::from_secs(60);
        fs::File::options().write(true).open(self.base.path().join(file)).unwrap().set_modified(old).unwrap();
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.base.path().join(file)).unwrap();
    }

    fn look(&mut self, settle: Settle) -> Vec<String> {
        self.folder.look(settle).unwrap().iter().map(said).collect()
    }

    fn now(&mut self) -> Vec<String> {
        self.look(Settle::Now)
    }

    fn wait(&mut self) -> Vec<String> {
        self.look(Settle::Wait)
    }

    /// What is in force, as `name: description`.
    fn in_force(&self) -> Vec<String> {
        let described = |definition: &Definition| definition.description.clone().unwrap_or_default();
        self.folder.in_force().iter().map(|(name, definition)| format!("{name}: {}", described(definition))).collect()
    }
}

/// News in a line.
fn said(news: &News) -> String {
    let lines = |findings: &Findings| findings.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
    match news {
        News::Good { name, file, definition, warnings, .. } => {
            let described = definition.description.clone().unwrap_or_default();
            format!("good {name} {file} {described} {}", lines(warnings)).trim_end().to_owned()
        }
        News::Bad { name, file, findings } => format!("bad {name} {file} {}", lines(findings)),
        News::Gone { name } => format!("gone {name}"),
    }
}

const GOOD: &str = "description: one\npipeline: p.yaml\n";

#[test]
fn without_a_folder_there_are_no_jobs() {
    let base = tempfile::tempdir().unwrap();
    assert!(Folder::new(base.path()).look(Settle::Now).unwrap().is_empty());
}

#[test]
fn a_job_has_the_name_of_its_file_and_its_hash_is_that_of_its_text() {
    let mut served = Served::new();
    served.write("jobs/load-2.yaml", GOOD);
    let news = served.folder.look(Settle::Now).unwrap();
    let [News::Good { name, file, hash, definition, warnings }] = news.as_slice() else { panic!("{news:?}") };
    assert_eq!((name.as_str(), file.as_str(), definition.name.as_str()), ("load-2", "jobs/load-2.yaml", "load-2"));
    // By b3sum.
    assert_eq!(hash, blake3::hash(GOOD.as_bytes()).to_hex().as_str());
    assert_eq!((definition.source.text(), warnings.len()), (GOOD, 0));
    assert_eq!(served.now(), Vec::<String>::new());
}

#[test]
fn what_is_no_job_file_is_passed_over() {
    let mut served = Served::new();
    for file in
        ["jobs/.load.yaml", "jobs/load.yaml~", "jobs/load.yaml.swp", "jobs/#load.yaml#", "jobs/README.md", "jobs/.yaml"]
    {
        served.write(file, GOOD);
    }
    fs::create_dir(served.base.path().join("jobs/more")).unwrap();
    served.write("jobs/more/deep.yaml", GOOD);
    assert_eq!(served.now(), Vec::<String>::new());
}

#[test]
fn a_file_is_read_when_it_looks_the_same_twice() {
    let mut served = Served::new();
    served.write("jobs/load.yaml", "description: half\npipeline: p.yaml\n");
    assert_eq!(served.wait(), Vec::<String>::new());
    // Somebody is still writing.
    served.write("jobs/load.yaml", "description: half\npipeline: p.yaml\npaused: tr");
    assert_eq!(served.wait(), Vec::<String>::new());
    served.write("jobs/load.yaml", "description: whole\npipeline: p.yaml\npaused: true\n");
    assert_eq!(served.wait(), Vec::<String>::new());
    assert_eq!(served.wait(), ["good load jobs/load.yaml whole"]);
    assert_eq!(served.wait(), Vec::<String>::new());
}

#[test]
fn a_file_that_nobody_has_touched_for_some_time_is_read_at_once() {
    let mut served = Served::new();
    served.write_old("jobs/load.yaml", GOOD);
    assert_eq!(served.wait(), ["good load jobs/load.yaml one"]);
    served.write_old("jobs/load.yaml", "description: other\npipeline: p.yaml\n");
    assert_eq!(served.wait(), ["good load jobs/load.yaml other"]);
}

#[test]
fn a_bad_file_is_told_and_the_last_good_version_stays_in_force() {
    let mut served = Served::new();
    served.write("jobs/load.yaml", GOOD);
    served.now();
    served.write("jobs/load.yaml", "description: two\npipelin: p.yaml\n");
    assert_eq!(served.wait(), Vec::<String>::new());
    let told = served.wait();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with(
            "bad load jobs/load.yaml jobs/load.yaml:2:1: unknown option `pipelin`: did you mean `pipeline`?"
        ),
        "{told:?}"
    );
    assert_eq!(served.in_force(), ["load: one"]);
    assert_eq!(served.wait(), Vec::<String>::new());
    served.write("jobs/load.yaml", "description: three\npipeline: p.yaml\n");
    served.wait();
    assert_eq!(served.wait(), ["good load jobs/load.yaml three"]);
    assert_eq!(served.in_force(), ["load: three"]);
}

#[test]
fn a_file_that_goes_back_to_what_is_in_force_is_good_again() {
    let mut served = Served::new();
    served.write("jobs/load.yaml", GOOD);
    served.now();
    served.write("jobs/load.yaml", "pipeline: [\n");
    assert!(served.now()[0].starts_with("bad load"));
    served.write("jobs/load.yaml", GOOD);
    assert_eq!(served.now(), ["good load jobs/load.yaml one"]);
}

#[test]
fn a_mistake_that_lies_in_another_file_is_mended_there() {
    let mut served = Served::new();
    served.write_old("jobs/load.yaml", "description: one\npipeline: other.yaml\n");
    assert_eq!(
        served.wait(),
        [
            "bad load jobs/load.yaml jobs/load.yaml:2:11: `other.yaml` cannot be taken: there is no such file (write a path from the served \
          folder down, with `/` between folders, such as `pipelines/load.yaml`)"
        ]
    );
    assert_eq!(served.wait(), Vec::<String>::new());
    served.write("other.yaml", "name: p\nstages: [{read: {path: x.csv}}]\n");
    assert_eq!(served.wait(), ["good load jobs/load.yaml one"]);
}

#[test]
fn a_definition_from_the_database_stays_in_force_while_the_file_is_bad() {
    let mut served = Served::new();
    served.write("jobs/load.yaml", "pipeline: [\n");
    let kept = crate::schedule::job::recall("load", &crate::diagnostic::Source::new("jobs/load.yaml", GOOD)).unwrap();
    served.folder.remember(Arc::new(kept));
    assert!(served.now()[0].starts_with("bad load"));
    assert_eq!(served.in_force(), ["load: one"]);
}

#[test]
fn a_file_that_is_gone_takes_its_job_with_it_but_not_while_an_editor_replaces_it() {
    let mut served = Served::new();
    served.write_old("jobs/load.yaml", GOOD);
    served.write_old("jobs/other.yaml", GOOD);
    assert_eq!(served.wait().len(), 2);
    // An editor takes the file away and puts another there.
    served.remove("jobs/load.yaml");
    assert_eq!(served.wait(), Vec::<String>::new());
    served.write_old("jobs/load.yaml", "description: two\npipeline: p.yaml\n");
    assert_eq!(served.wait(), ["good load jobs/load.yaml two"]);
    served.remove("jobs/load.yaml");
    assert_eq!(served.wait(), Vec::<String>::new());
    assert_eq!(served.in_force(), ["load: two", "other: one"]);
    assert_eq!(served.wait(), ["gone load"]);
    assert_eq!(served.in_force(), ["other: one"]);
    served.remove("jobs/other.yaml");
    assert_eq!(served.now(), ["gone other"]);
    assert_eq!(served.now(), Vec::<String>::new());
}

#[test]
fn a_remembered_job_without_a_file_is_gone() {
    let mut served = Served::new();
    let kept = crate::schedule::job::recall("load", &crate::diagnostic::Source::new("jobs/load.yaml", GOOD)).unwrap();
    served.folder.remember(Arc::new(kept));
    assert_eq!(served.now(), ["gone load"]);
}

#[test]
fn two_files_of_one_name_are_refused_until_one_is_gone() {
    let mut served = Served::new();
    served.write("jobs/load.yml", GOOD);
    assert_eq!(served.now(), ["good load jobs/load.yml one"]);
    served.write("jobs/load.yaml", "description: two\npipeline: p.yaml\n");
    assert_eq!(
        served.now(),
        [
            "bad load jobs/load.yaml jobs/load.yaml:1:1: `jobs/load.yaml` and `jobs/load.yml` are both the job `load` (remove or rename one \
          of them)"
        ]
    );
    assert_eq!(served.in_force(), ["load: one"]);
    served.remove("jobs/load.yml");
    assert_eq!(served.now(), ["good load jobs/load.yaml two"]);
}

#[test]
fn files_whose_names_cannot_be_jobs_say_so() {
    let mut served = Served::new();
    served.write("jobs/My Job.yaml", GOOD);
    served.write("jobs/a.b.yml", GOOD);
    let told = served.now();
    assert_eq!(told.len(), 2);
    assert!(
        told[0].starts_with(
            "bad My Job jobs/My Job.yaml jobs/My Job.yaml:1:1: `My Job` cannot name a job (rename the file;"
        ),
        "{told:?}"
    );
    assert!(told[1].starts_with("bad a.b jobs/a.b.yml jobs/a.b.yml:1:1: `a.b` cannot name a job"), "{told:?}");
}

#[test]
fn links_folders_pipes_and_bytes_that_are_no_text_are_told() {
    let mut served = Served::new();
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), GOOD).unwrap();
    symlink(outside.path(), served.base.path().join("jobs/link.yaml")).unwrap();
    symlink("../p.yaml", served.base.path().join("jobs/inside.yaml")).unwrap();
    fs::create_dir(served.base.path().join("jobs/folder.yaml")).unwrap();
    let pipe = served.base.path().join("jobs/pipe.yaml");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0)
        .unwrap();
    fs::write(served.base.path().join("jobs/bytes.yaml"), b"pipeline: \xff\n").unwrap();
    fs::write(served.base.path().join("jobs/huge.yaml"), "#".repeat((1 << 20) + 10)).unwrap();
    let told = served.now();
    for (at, part) in [
        (0, "bad bytes jobs/bytes.yaml jobs/bytes.yaml:1:11: the file is not UTF-8"),
        (1, "bad folder jobs/folder.yaml jobs/folder.yaml:1:1: `jobs/folder.yaml` cannot be taken: it is a folder"),
        (2, "bad huge jobs/huge.yaml jobs/huge.yaml:1:1: the file is larger than 1 MiB"),
        (3, "bad inside jobs/inside.yaml jobs/inside.yaml:1:1: unknown option `name`"),
        (
            4,
            "bad link jobs/link.yaml jobs/link.yaml:1:1: `jobs/link.yaml` cannot be taken: a link leads out of the served folder",
        ),
        (5, "bad pipe jobs/pipe.yaml jobs/pipe.yaml:1:1: `jobs/pipe.yaml` cannot be taken: it is no ordinary file"),
    ] {
        assert!(told[at].starts_with(part), "{}", told[at]);
    }
}

#[test]
fn a_folder_of_jobs_that_leads_out_is_refused() {
    let base = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("load.yaml"), GOOD).unwrap();
    symlink(outside.path(), base.path().join("jobs")).unwrap();
    let refused = Folder::new(base.path()).look(Settle::Now).unwrap_err();
    assert!(refused[0].message.contains("a link leads out of the served folder"), "{refused:?}");
}

#[test]
fn a_folder_that_cannot_be_read_changes_nothing() {
    let mut served = Served::new();
    served.write("jobs/load.yaml", GOOD);
    served.now();
    fs::rename(served.base.path().join("jobs"), served.base.path().join("away")).unwrap();
    served.write("jobs", "a file");
    assert!(served.folder.look(Settle::Wait).is_err());
    assert_eq!(served.in_force(), ["load: one"]);
    served.remove("jobs");
    fs::rename(served.base.path().join("away"), served.base.path().join("jobs")).unwrap();
    assert_eq!(served.wait(), Vec::<String>::new());
}

#[test]
fn jobs_that_would_start_each_other_without_end_are_refused_by_name() {
    let mut served = Served::new();
    served.write("jobs/a.yaml", "pipeline: p.yaml\nafter: [c]\n");
    served.write("jobs/b.yaml", "pipeline: p.yaml\nafter: [x, a]\n");
    served.write("jobs/c.yaml", "pipeline: p.yaml\nafter: [b]\n");
    served.write("jobs/x.yaml", "pipeline: p.yaml\n");
    let end = "jobs would start each other without end: `a` after `c` after `b` after `a` (take one out of `after`)";
    assert_eq!(
        served.now(),
        [
            format!("bad a jobs/a.yaml jobs/a.yaml:2:9: {end}"),
            format!("bad b jobs/b.yaml jobs/b.yaml:2:12: {end}"),
            format!("bad c jobs/c.yaml jobs/c.yaml:2:9: {end}"),
            "good x jobs/x.yaml".to_owned(),
        ]
    );
    // One of them is mended: all are good.
    served.write("jobs/c.yaml", "pipeline: p.yaml\n");
    assert_eq!(served.now(), ["good a jobs/a.yaml", "good b jobs/b.yaml", "good c jobs/c.yaml"]);
}

#[test]
fn the_change_that_closes_a_circle_is_refused_and_the_others_stay() {
    let mut served = Served::new();
    served.write("jobs/a.yaml", "description: one\npipeline: p.yaml\n");
    served.write("jobs/b.yaml", "description: one\npipeline: p.yaml\nafter: [a]\n");
    assert_eq!(served.now().len(), 2);
    served.write("jobs/a.yaml", "description: two\npipeline: p.yaml\nafter: [b]\n");
    assert_eq!(
        served.now(),
        [
            "bad a jobs/a.yaml jobs/a.yaml:3:9: jobs would start each other without end: `a` after `b` after `a` (take one out of `after`)"
        ]
    );
    assert_eq!(served.in_force(), ["a: one", "b: one"]);
    assert_eq!(served.now(), Vec::<String>::new());
    served.remove("jobs/b.yaml");
    assert_eq!(served.now(), ["good a jobs/a.yaml two jobs/a.yaml:3:9: there is no job `b` to run after", "gone b"]);
}

#[test]
fn a_job_after_one_that_is_not_there_is_told_with_the_nearest_until_it_comes() {
    let mut served = Served::new();
    served.write("jobs/load.yaml", "pipeline: p.yaml\nafter: [fetsh]\n");
    served.write("jobs/fetch.yaml", "pipeline: p.yaml\n");
    assert_eq!(
        served.now(),
        [
            "good fetch jobs/fetch.yaml",
            "good load jobs/load.yaml  jobs/load.yaml:2:9: there is no job `fetsh` to run after: did you mean `fetch`?"
        ]
    );
    served.write("jobs/fetsh.yaml", "pipeline: p.yaml\n");
    assert_eq!(served.now(), ["good fetsh jobs/fetsh.yaml", "good load jobs/load.yaml"]);
    // A bad file is a job too.
    served.write("jobs/fetsh.yaml", "pipeline: [\n");
    assert_eq!(served.now().len(), 1);
}

#[test]
fn more_job_files_than_are_read_are_refused() {
    let mut served = Served::new();
    for number in 0..=MOST {
        served.write(&format!("jobs/j{number}.yaml"), "");
    }
    let refused = served.folder.look(Settle::Now).unwrap_err();
    assert_eq!(
        refused[0].to_string(),
        "the folder `jobs` has more than 1000 job files (serve another folder with some of them)"
    );
}
