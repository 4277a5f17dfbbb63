//! What the system says: how much memory the process uses and may use.

use std::fs;

/// Resident memory of the process in bytes; 0 where the system does not tell.
pub fn resident() -> u64 {
    status_field("VmRSS:")
}

/// Peak of resident memory of the process in bytes; 0 where the system does not tell.
pub fn peak() -> u64 {
    status_field("VmHWM:")
}

/// Resident memory of the process's own and of the files that it has mapped, in bytes.
pub fn resident_parts() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    (kibibytes(&status, "RssAnon:").unwrap_or(0), kibibytes(&status, "RssFile:").unwrap_or(0))
}

fn status_field(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    kibibytes(&status, name).unwrap_or(0)
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Memory that the process may use in bytes: what the machine has, or less where a cgroup says so.
pub fn available() -> u64 {
    let machine = kibibytes(&fs::read_to_string("/proc/meminfo").unwrap_or_default(), "MemTotal:").unwrap_or(4 << 30);
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let cgroup = limits.iter().find_map(|path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    machine.min(cgroup.unwrap_or(machine))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc_are_in_kibibytes() {
        assert_eq!(kibibytes("VmPeak:\t 9 kB\nVmRSS:\t    2048 kB\n", "VmRSS:"), Some(2048 * 1024));
        assert_eq!(kibibytes("nothing", "VmRSS:"), None);
    }
}
