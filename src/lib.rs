//! bricklayer: a declarative operator for highly available services on `GlusterFS`.

pub mod cli;
pub mod execute;
pub mod kinds;
pub mod model;
pub mod observe;
pub mod planner;
pub mod reconcile;
pub mod spec;
pub mod tools;
pub mod transport;
pub mod view;
pub mod watch;
