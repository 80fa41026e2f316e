//! The named scripts, each a file in `scripts/`; the table of what they take and print is in `scripts/README.md`.
//!
//! Pieces that more than one script needs, and that must not drift apart, are put in front of it: `put.sh` (how a file
//! is written), `blank.sh` (when a device counts as blank), `candidate.sh` (a configuration in the live CIB's place) and
//! `brick.sh` (how a node looks at its own bricks).

use crate::model::Script;

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $text:expr, $word:literal;)*) => {
        $($(#[$doc])* pub const $name: Script = Script { name: $word, text: $text };)*

        /// Every script there is.
        pub const ALL: &[Script] = &[$($name),*];
    };
}

scripts! {
    /// System, clock, uptime and packages of a node.
    LOOK_NODE = include_str!("scripts/look-node.sh"), "look-node";
    /// What lies where bricks are or are to be.
    LOOK_BRICKS = include_str!("scripts/look-bricks.sh"), "look-bricks";
    /// What is on block devices and where they are mounted.
    LOOK_DEVICES = concat!(include_str!("scripts/blank.sh"), include_str!("scripts/look-devices.sh")), "look-devices";
    /// Which addresses a node knows behind names.
    LOOK_NAMES = include_str!("scripts/look-names.sh"), "look-names";
    /// How ports answer.
    LOOK_PORTS = include_str!("scripts/look-ports.sh"), "look-ports";
    /// Writes a file, whole or not at all.
    WRITE_FILE = concat!(include_str!("scripts/put.sh"), include_str!("scripts/write-file.sh")), "write-file";
    /// Removes a regular file.
    REMOVE_FILE = include_str!("scripts/remove-file.sh"), "remove-file";
    /// Keeps our block in `/etc/hosts`.
    WRITE_HOSTS = concat!(include_str!("scripts/put.sh"), include_str!("scripts/write-hosts.sh")), "write-hosts";
    /// Installs packages without letting their services start.
    INSTALL_PACKAGES = include_str!("scripts/install-packages.sh"), "install-packages";
    /// Takes away the hold on services that an interrupted installation left.
    RELEASE_HOLD = include_str!("scripts/release-hold.sh"), "release-hold";
    /// Makes a brick's directory.
    MAKE_BRICK = include_str!("scripts/make-brick.sh"), "make-brick";
    /// Stops glusterd and the bricks of the node.
    STOP_GLUSTER = include_str!("scripts/stop-gluster.sh"), "stop-gluster";
    /// Has a new machine's glusterd take the place of a lost one's.
    ADOPT_PEER = include_str!("scripts/adopt-peer.sh"), "adopt-peer";
    /// Takes the volume id from an empty brick directory.
    RELEASE_BRICK = include_str!("scripts/release-brick.sh"), "release-brick";
    /// Makes a file system on a blank device.
    FORMAT_DEVICE = concat!(include_str!("scripts/blank.sh"), include_str!("scripts/format-device.sh")), "format-device";
    /// Replaces a mount unit's file while the mount is down.
    REPLACE_MOUNT = concat!(include_str!("scripts/put.sh"), include_str!("scripts/replace-mount.sh")), "replace-mount";
    /// Which key Corosync has.
    LOOK_AUTHKEY = include_str!("scripts/look-authkey.sh"), "look-authkey";
    /// Makes Corosync's key.
    MAKE_AUTHKEY = concat!(include_str!("scripts/put.sh"), include_str!("scripts/make-authkey.sh")), "make-authkey";
    /// Whether Pacemaker has ever kept anything.
    LOOK_CIB_FOLDER = include_str!("scripts/look-cib-folder.sh"), "look-cib-folder";
    /// Puts down what Pacemaker begins with.
    SEED_CIB = concat!(include_str!("scripts/put.sh"), include_str!("scripts/seed-cib.sh")), "seed-cib";
    /// Joins the cluster after the bricks are healed: it is installed on the nodes, and not sent along.
    BRICKLAYER_JOIN = include_str!("scripts/bricklayer-join.sh"), "bricklayer-join";
    /// Writes a secret.
    WRITE_SECRET = concat!(include_str!("scripts/put.sh"), include_str!("scripts/write-secret.sh")), "write-secret";
    /// What Pacemaker would make of a configuration.
    TRY_CIB = concat!(include_str!("scripts/candidate.sh"), include_str!("scripts/try-cib.sh")), "try-cib";
    /// Puts a configuration into force, if the CIB is still the planned one.
    PUSH_CIB = concat!(include_str!("scripts/candidate.sh"), include_str!("scripts/push-cib.sh")), "push-cib";
    /// What a fence agent says of itself.
    LOOK_AGENT = include_str!("scripts/look-agent.sh"), "look-agent";
    /// Compares a secret with what is there.
    CHECK_SECRET = include_str!("scripts/check-secret.sh"), "check-secret";
    /// Writes a file that a group may read.
    WRITE_CONFIG = concat!(include_str!("scripts/put.sh"), include_str!("scripts/write-config.sh")), "write-config";
    /// Sets one key of a file that is somebody else's.
    SET_KEY = concat!(include_str!("scripts/put.sh"), include_str!("scripts/set-key.sh")), "set-key";
    /// What lies where a database is or is to be.
    LOOK_DATABASE = include_str!("scripts/look-database.sh"), "look-database";
    /// How far copies of a database had come.
    LOOK_CONTROL = include_str!("scripts/look-control.sh"), "look-control";
    /// Makes a database on a volume.
    MAKE_DATABASE = include_str!("scripts/make-database.sh"), "make-database";
    /// How a database server is.
    LOOK_SERVER = include_str!("scripts/look-server.sh"), "look-server";
    /// `pg_ctl` for a database on a volume: it is installed on the nodes, and not sent along.
    PG_CTL = include_str!("scripts/pg-ctl.sh"), "pg-ctl";
    /// How mount points are while nothing is mounted there.
    LOOK_MOUNT_POINTS = include_str!("scripts/look-mount-points.sh"), "look-mount-points";
    /// Makes a mount point to which nothing can be written.
    MAKE_MOUNT_POINT = include_str!("scripts/make-mount-point.sh"), "make-mount-point";
    /// The agent of the heal gate: it is installed on the nodes, and not sent along.
    HEALGATE = concat!(include_str!("scripts/brick.sh"), include_str!("scripts/healgate.sh")), "healgate";
    /// Looks at bricks before glusterd serves them: it is installed on the nodes, and not sent along.
    GUARD = concat!(include_str!("scripts/brick.sh"), include_str!("scripts/guard.sh")), "guard";
    /// Has glusterd serve bricks whose other copies cannot be asked.
    GO_ON_ALONE = include_str!("scripts/go-on-alone.sh"), "go-on-alone";
    /// What the logs tell of failures and recoveries.
    LOOK_HISTORY = include_str!("scripts/look-history.sh"), "look-history";
    /// Takes, renews and releases the lease.
    LEASE = include_str!("scripts/lease.sh"), "lease";
}
