//! Whether the system killed processes for want of memory.

use std::fs;
use std::path::Path;

/// Processes that the system killed for want of memory so far, in the control group of this process or, where there is none, on the
/// machine; 0 where it does not tell.
pub(super) fn kills() -> u64 {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = group(&groups).map(|path| Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/')));
    let events = own.and_then(|path| fs::read_to_string(path.join("memory.events")).ok());
    if let Some(number) = events.as_deref().and_then(number) {
        return number;
    }
    fs::read_to_string("/proc/vmstat").ok().as_deref().and_then(number).unwrap_or(0)
}

/// The path of the control group of version 2.
fn group(groups: &str) -> Option<&str> {
    groups.lines().find_map(|line| line.strip_prefix("0::"))
}

fn number(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn both_files_of_the_system_are_read() {
        assert_eq!(number("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n"), Some(2));
        assert_eq!(number("pgscan_direct 0\noom_kill 17\ndrop_pagecache 0\n"), Some(17));
        assert_eq!(number("oom_killer 3\n"), None);
        assert_eq!(
            group("12:memory:/old\n0::/system.slice/gristmill.service\n"),
            Some("/system.slice/gristmill.service")
        );
        assert_eq!(group("12:memory:/old\n"), None);
    }
}
