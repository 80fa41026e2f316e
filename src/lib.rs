//! bricklayer: a declarative operator for highly available services on `GlusterFS`.

pub mod kinds;
pub mod model;
pub mod tools;
pub mod transport;
