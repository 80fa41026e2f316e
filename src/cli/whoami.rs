//! Who a run is, for its leases and the journal; and whether another run that holds a lease has ended.
//!
//! A run that was killed leaves its leases, and whoever comes next would wait until they lapse. On the machine where
//! it ran it can be told that it is no more: same boot, same process namespace, and no such process.

use std::fs;

/// The name of this run: host, boot, process namespace, process, and a number that no other run has.
pub(super) fn owner(number: u64) -> String {
    format!("{}:{:08x}", process(std::process::id()), number & 0xffff_ffff)
}

/// Whether the run of `owner` was one of this machine, and is no more.
pub(super) fn is_gone(owner: &str) -> bool {
    let Some((its_process, _)) = owner.rsplit_once(':') else { return false };
    let Some(id) = its_process.rsplit(':').next().and_then(|id| id.parse::<u32>().ok()) else { return false };
    process(id) == its_process && !fs::exists(format!("/proc/{id}")).unwrap_or(true)
}

/// The process `id` of this machine, since it was booted, as this process sees it.
fn process(id: u32) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let host: String = word(&read("/proc/sys/kernel/hostname"), 63);
    let boot = word(&read("/proc/sys/kernel/random/boot_id"), 8);
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let namespace: String = namespace.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    format!("{host}:{boot}:{namespace}:{id}")
}

/// The first characters of a text that can stand in a name.
fn word(text: &str, longest: usize) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).take(longest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_of_this_machine_whose_process_is_no_more_is_gone() {
        assert!(!is_gone(&owner(1)), "this very run");
        let nobody = u32::MAX;
        assert!(is_gone(&format!("{}:{:08x}", process(nobody), 1)));
        let elsewhere = process(nobody).replacen(':', "x:", 1);
        assert!(!is_gone(&format!("{elsewhere}:00000001")));
        assert!(!is_gone("") && !is_gone("somebody") && !is_gone("a:b:c:d"));
    }
}
