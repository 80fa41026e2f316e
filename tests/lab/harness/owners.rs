//! Who has the files of a database: of these there must never be two.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use super::{Lab, tell};

/// How often it is looked. A service that moves takes longer from one node's last file to the other's first.
const EVERY: Duration = Duration::from_millis(100);
/// A node has them that has the volume mounted, but to ask another copy, or a server that may still write.
const HAS_FILES: &str =
    "grep ' fuse.glusterfs ' /proc/mounts | grep -qv ' /run/bricklayer-guard' || pgrep -x postgres >/dev/null; echo $?";
/// Drops what goes to the hypervisor's sshd, which is on the admin host, and nothing else.
const NO_HYPERVISOR: &str = "add table ip lab; add chain ip lab out { type filter hook output priority 0; }; \
    add rule ip lab out ip daddr 192.168.8.1 tcp dport 22 drop";

impl Lab {
    /// Asserts that no two nodes have the files at once while something happens, as the nodes themselves show it.
    #[track_caller]
    pub fn never_two_owners<T>(&self, happens: impl FnOnce() -> T) -> T {
        let over = AtomicBool::new(false);
        let (result, looks) = scope(|scope| {
            let watch = scope.spawn(|| self.owners_until(&over));
            let result = catch_unwind(AssertUnwindSafe(happens));
            over.store(true, Ordering::Relaxed);
            (result, watch.join().expect("it does not panic"))
        });
        let result = result.unwrap_or_else(|cause| resume_unwind(cause));
        let of = |owners: usize| looks.iter().filter(|look| look.len() == owners).count();
        tell(&format!("looked {} times who has the files: nobody {}, one node {}", looks.len(), of(0), of(1)));
        assert!(looks.len() > 10, "too few looks to tell");
        assert!(looks.iter().all(|look| look.len() < 2), "two nodes had the files of one database");
        result
    }

    /// The owners at each look.
    fn owners_until(&self, over: &AtomicBool) -> Vec<Vec<&str>> {
        let mut looks = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let nodes = self.nodes.iter().map(String::as_str);
            looks.push(nodes.filter(|node| self.has_files(node)).collect());
            sleep(EVERY);
        }
        looks
    }

    /// Whether a node has files of a volume open, or may have: one that is off has none.
    pub fn has_files(&self, node: &str) -> bool {
        self.quietly(node, HAS_FILES).trim() == "0"
    }

    /// Keeps a node's fence agents from the hypervisor. The node loses nothing else, so its clients do not either.
    #[track_caller]
    pub fn hide_hypervisor(&self, node: &str) {
        self.on(node, &format!("nft '{NO_HYPERVISOR}'"));
    }

    /// Lets them reach it again.
    #[track_caller]
    pub fn show_hypervisor(&self, node: &str) {
        self.on(node, "nft delete table ip lab");
    }
}
