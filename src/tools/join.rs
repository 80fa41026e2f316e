//! What a node does by itself to join the cluster after its bricks are healed: a script of ours and the unit that runs
//! it at boot. It has to work while no bricklayer runs anywhere.

use super::{MARK, scripts};

/// The unit.
pub const UNIT: &str = "bricklayer-join.service";
/// Where the unit's file lies.
pub const UNIT_FILE: &str = "/etc/systemd/system/bricklayer-join.service";
/// Where the script lies.
pub const SCRIPT_FILE: &str = "/usr/local/lib/bricklayer/join";

/// How a node joins.
pub struct Join<'a> {
    /// What the unit belongs to, for people: `cluster cluster01`.
    pub owner: &'a str,
    /// How long it takes until members have found each other, in seconds.
    pub settle: u64,
    /// After how many seconds it joins in any case.
    pub patience: u64,
    /// The volumes whose copies must be complete.
    pub volumes: Vec<&'a str>,
}

impl Join<'_> {
    /// The unit's text (systemd.service(5)).
    #[must_use]
    pub fn unit(&self) -> String {
        let Self { owner, settle, patience, volumes } = self;
        let volumes: String = volumes.iter().flat_map(|volume| [" ", volume]).collect();
        format!(
            "{MARK} {owner}\n[Unit]\nDescription=Join the cluster once the bricks are healed\n\
             Wants=network-online.target\nAfter=network-online.target glusterd.service\n\n\
             [Service]\nExecStart=/bin/sh {SCRIPT_FILE} {settle} {patience}{volumes}\nRestart=on-failure\n\
             RestartSec=10\n\n[Install]\nWantedBy=multi-user.target\n"
        )
    }
}

/// The script's text.
#[must_use]
pub fn script() -> &'static str {
    scripts::BRICKLAYER_JOIN.text
}
