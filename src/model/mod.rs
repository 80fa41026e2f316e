//! The nouns: what every other room speaks about, and nothing that does anything.
//!
//! No I/O, no async, no clock and no randomness in here, so that a plan is a function of its inputs
//! and every type can be built by hand in a test. Nothing in this room uses any other room.

mod command;
mod document;
mod facts;
mod finding;
mod history;
mod interval;
mod item;
mod names;
mod nearest;
mod plan;
mod report;
mod runbook;
mod secret;
mod status;

pub use command::{Command, Daemon, Effect, Failure, Lease, Outcome, Output, Program, Query, ReadError, Script, Stdin};
pub use document::{Agent, ClusterDocument, Fencer, Force, Gate, Group, Operation, Primitive, Role, Score};
pub use facts::{Answer, Facts, Seen, Why};
pub use finding::{Finding, Findings, Located, Position, Severity, Source, SpecPath};
pub use history::{Absence, FenceAttempt, Heal, History, Interruption, Reason};
pub use interval::{Interval, NotAnInterval};
pub use item::{
    Cause, Difference, Held, Item, ItemId, Lane, Milestone, Place, Progress, Risk, Run, Subject, Threat, Wait, Work,
};
pub use names::{
    AbsPath, Address, AgentName, ClusterName, DomainName, FenceDeviceName, InvalidName, MountName, NodeName,
    ServiceName, VolumeName,
};
pub use nearest::{did_you_mean, nearest};
pub use plan::{Allow, Intent, Plan, State, Step, Wish};
pub use report::{Done, Event, Failed, Report, Verdict};
pub use runbook::{Chapter, Instruction, Runbook};
pub use secret::{SecretError, SecretRef};
pub use status::{
    BrickStatus, FencedStatus, FencingStatus, Health, Installed, ManagerStatus, MemberStatus, MountStatus, NodeStatus,
    PeerStatus, PoolView, QuorumDeviceStatus, ServiceStatus, Status, VolumeStatus,
};
