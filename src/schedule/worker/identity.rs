//! Who a process is, beyond its number: numbers are given again.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use super::launch::SERVE;

/// A process that cannot be taken for a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Its number.
    pub pid: u32,
    /// When it began, as the system counts it: field 22 of `/proc/PID/stat`. 0 where the system does not tell, and then it is never
    /// found again.
    pub started: i64,
}

impl Identity {
    /// The process that has this number now; none when there is none.
    pub fn of(pid: u32) -> Option<Self> {
        Found::look(pid).map(|found| Self { pid, started: found.started })
    }

    /// Whether the process is there and at work: not another with its number, and not one that has ended and waits to be asked how.
    pub fn is_alive(self) -> bool {
        Found::look(self.pid).is_some_and(|found| found.started == self.started && found.lives())
    }
}

/// A process as `/proc/PID/stat` tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) pid: u32,
    pub(super) group: u32,
    pub(super) started: i64,
    state: char,
}

impl Found {
    pub(super) fn look(pid: u32) -> Option<Self> {
        let stat = fs::read(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
        Self::parse(&String::from_utf8_lossy(&stat))
    }

    /// `PID (name) state parent group .. started ..`, where the name may hold anything, parentheses too.
    fn parse(stat: &str) -> Option<Self> {
        let (before, after) = stat.rsplit_once(')')?;
        let pid = before.split_once(' ')?.0.parse().ok()?;
        // The third field is the first of these.
        let fields: Vec<&str> = after.split_ascii_whitespace().collect();
        Some(Self {
            pid,
            state: fields.first()?.chars().next()?,
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    /// Whether it still works: a zombie has ended.
    pub(super) fn lives(self) -> bool {
        !matches!(self.state, 'Z' | 'X' | 'x')
    }

    /// Sends it a signal, if it is still the process that was found: its number may have been given to another one since.
    pub(super) fn send(self, signal: Signal) {
        let is_the_same = || Self::look(self.pid).is_some_and(|now| now.started == self.started);
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else { return };
        // One that has ended meanwhile needs no signal.
        #[cfg(target_os = "linux")]
        if let Ok(held) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
            // What is held stays the process that has the number now, whoever gets the number next.
            if is_the_same() {
                let _ = rustix::process::pidfd_send_signal(held, signal);
            }
            return;
        }
        if is_the_same() {
            let _ = kill_process(pid, signal);
        }
    }

    /// The folder of the run that it was started for, itself or by another that was. Processes of other users are not looked into.
    pub(super) fn run(self) -> Option<PathBuf> {
        let environment = fs::read(Path::new("/proc").join(self.pid.to_string()).join("environ")).ok()?;
        let mut variables = environment.split(|byte| *byte == 0);
        let folder = variables.find_map(|variable| variable.strip_prefix(SERVE.as_bytes())?.strip_prefix(b"="))?;
        Some(PathBuf::from(OsStr::from_bytes(folder)))
    }

    /// Whether it was started for the run with that folder.
    pub(super) fn is_of_run(self, folder: &Path) -> bool {
        self.run().is_some_and(|run| run == folder)
    }
}

/// All processes that can be seen. Time: one small file a process.
pub(super) fn processes() -> impl Iterator<Item = Found> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(Found::look)
}

/// Processes at work that were started for the run with that folder, in whatever group.
pub(super) fn of_run(folder: &Path) -> Vec<Found> {
    processes().filter(|found| found.lives() && found.is_of_run(folder)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn names_with_parentheses_and_spaces_are_no_fields() {
        let stat = "4242 (a) b (c)) S 1 77 77 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 987654 8192 1 18446744073709551615";
        let found = Found::parse(stat).unwrap();
        assert_eq!(found, Found { pid: 4242, group: 77, started: 987_654, state: 'S' });
        assert!(found.lives());
        assert!(!Found::parse(&stat.replace(") S", ") Z")).unwrap().lives());
        for damaged in ["", "4242", "4242 (a", "4242 (a) S 1", "x (a) S 1 77 77 0 -1 0 1 0 0 0 1 2 0 0 20 0 1 0 5"] {
            assert_eq!(Found::parse(damaged), None, "{damaged}");
        }
    }

    #[test]
    fn this_process_is_itself_and_no_other_with_its_number() {
        let own = Identity::of(std::process::id()).unwrap();
        assert!(own.is_alive());
        assert!(!Identity { started: own.started + 1, ..own }.is_alive());
        assert_eq!(Identity::of(u32::MAX), None);
        assert!(processes().any(|found| found.pid == own.pid));
    }
}
