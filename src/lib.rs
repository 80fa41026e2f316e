//! bricklayer: a declarative operator for highly available services on `GlusterFS`.

pub mod cli;
pub mod kinds;
pub mod model;
pub mod spec;
pub mod tools;
pub mod transport;
pub mod view;
