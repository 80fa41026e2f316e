//! bricklayer: a declarative operator for highly available services on `GlusterFS`.
//!
//! This page is the map; there is no code in this file. A file says what a cluster is to be. bricklayer looks at the
//! nodes, works out what differs, and runs what is ready, looking again after every round, until nothing differs:
//!
//! ```text
//!   cluster.yaml ──spec──▶ Spec ───────────────┐
//!                           └─▶ findings       ▼
//!   Intent ──────────────────────────────▶ planner ──▶ Plan ──▶ read by people (plan), or:
//!                                              ▲         │
//!          answers, by node and command: Facts │         │ the steps that are ready
//!                                              │         ▼
//!   nodes ◀──reads── observe ◀──questions──────┤      execute ──changes──▶ nodes
//!     └──────answers──▶ observe ───────────────┘         │
//!                          ▲                             │
//!                          └── reconcile: forget the answers, look and plan again
//! ```
//!
//! All choice is in the plan, and the plan is a pure function of file, facts and intent. There is no list of steps
//! that is walked: a step is done when the next plan lacks it. So a reply that was lost, an operator that was killed
//! and a colleague who typed the command by hand are one case, and no kind guards against any of them.
//!
//! # How questions come about
//!
//! Nobody lists what must be asked. A kind looks at the nodes through [`kinds::Cx`] as if every answer were there;
//! what it looked for and did not find is noted, and is the next wave of questions. [`observe`] asks them, a round
//! trip a node, and has the kinds look again until nothing is missing. What cannot be seen is a fact too, with its
//! reason: *unknown* holds whatever rests on it, *not yet* is planned for and marked as assumed.
//!
//! # What meets a need
//!
//! Only a milestone that a kind has positively seen, from an answer newer than the last change. That nobody plans to
//! bring a thing about does not mean that it is there.
//!
//! # What a verb is
//!
//! A wish ([`model::Wish`]) in the intent: a plan made for it holds what it asks for and nothing else, under the same
//! safety, and the same loop runs it. So `service relocate` waits for its outcome, takes its constraint away again, and
//! when it is killed on the way, the next run finds the rest as drift.
//!
//! # What reaches a node
//!
//! A named program with its arguments, or one of the fixed scripts in `src/tools/scripts/`, fed to `sh` on its
//! standard input. Values of a file are arguments or standard input, never program text. Nothing is installed for it.
//! A secret is a reference until the transport reads it, at the moment in which it goes to a node.
//!
//! # Rooms
//!
//! - [`model`]: the nouns, such as `Command`, `Facts`, `Item`, `Plan` and `Report`. No I/O, no async, no clock: any of
//!   them can be built by hand in a test.
//! - [`tools`]: a file for each family of external programs, with its command lines, the readers of its output, and
//!   what its refusals mean. Pure. The named scripts lie in here, as their one contract with the nodes.
//! - [`kinds`]: a file for each kind of thing a user can write: its YAML form, its checks, and what it does about a
//!   difference. Kinds are data in and items out; they run nothing. Fence devices, failover domains and services come
//!   together in one neutral document (`model::ClusterDocument`); what differs between it and the cluster manager's own
//!   configuration is one item, because resources that come one by one start where they must not; a new service whose
//!   database is still to be made is a second one.
//! - [`spec`]: reads and checks a file. It alone knows which YAML crate there is, and it makes the JSON Schema.
//! - [`planner`]: lets the kinds assess, turns what their items threaten into needs or refusals (`safety`, the one
//!   place that says what is unsafe), and puts the rest in order.
//! - [`transport`]: the one boundary to the nodes: ssh, this machine, or a simulated cluster of fake programs. The
//!   fakes print what the real programs were recorded to print and do not use [`tools`], so that a reader's mistake
//!   cannot hide behind a writer's twin of it.
//! - [`observe`]: asks in waves until the plan has no question left. Never fails as a whole.
//! - [`execute`]: runs a round of ready items under the lease, writes the journal, and has [`tools`] judge what a
//!   program said: done, busy, or refused.
//! - [`reconcile`]: the loop of the drawing, with its retries and its end.
//! - [`watch`]: when to run the loop again: triggers become one wake a cluster, a cluster is never worked on twice at
//!   once, outcomes become the next wake. What a turn does is handed in by [`cli`].
//! - [`view`]: everything that is printed, for people and for programs, from the same values.
//! - [`cli`]: a file for each verb: its arguments and a thin `run`.
//!
//! # Arrows
//!
//! Who may use whom, and nobody else: a test reads this drawing and every `crate::` path in the sources.
//!
//! ```text
//! cli        → watch, reconcile, execute, observe, spec, transport, kinds, view, model
//! watch      → execute, spec, kinds, view, model
//! reconcile  → execute, observe, planner, transport, kinds, model
//! execute    → observe, transport, tools, model
//! observe    → planner, transport, kinds, model
//! planner    → kinds, tools, model
//! spec       → kinds, model
//! kinds      → tools, model
//! tools      → model
//! transport  → model
//! view       → model
//! model      → nothing
//! ```
//!
//! Adding a kind is one file in `kinds/` and one line in its list. Adding a program is one file in `tools/` and its
//! fake in the simulated transport.

pub mod cli;
pub mod execute;
pub mod kinds;
#[cfg(test)]
mod laws;
pub mod model;
pub mod observe;
pub mod planner;
pub mod reconcile;
pub mod spec;
pub mod tools;
pub mod transport;
pub mod view;
pub mod watch;
