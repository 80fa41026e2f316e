//! bricklayer: a declarative operator for highly available services on `GlusterFS`.

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
