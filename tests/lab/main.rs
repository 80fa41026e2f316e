//! Bricklayer on real nodes: real glusterd, real bricks, real ssh, power that is really cut.
//!
//! What the laws of `tests/` prove against fake programs is asked of the daemons here. Every test boots its own nodes
//! with `tests/lab/lab`, works on them as a person would, and looks at what came of it with the daemons' own
//! programs, never with bricklayer alone.
//!
//! As root on Debian 12, with the packages of `tests/lab/lab packages`:
//! `cargo test --test lab -- --ignored --test-threads=1`.

mod absent;
mod article;
mod bricks;
mod cluster;
mod cuts;
mod drift;
mod failover;
#[cfg(feature = "soak")]
mod failover_long;
mod first;
mod gate;
mod grow;
mod harness;
mod install;
mod interrupted;
mod maintenance;
mod names;
mod off;
mod partition;
#[cfg(feature = "soak")]
mod partition_long;
mod quorum_device;
mod replace;
mod shapes;
mod two;
mod watch;
mod way;
mod worst;
