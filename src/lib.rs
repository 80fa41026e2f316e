//! bricklayer: a declarative operator for highly available services on `GlusterFS`.

pub mod execute;
pub mod kinds;
pub mod model;
pub mod observe;
pub mod planner;
pub mod reconcile;
pub mod tools;
pub mod transport;
