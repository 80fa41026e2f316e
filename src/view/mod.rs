//! What people and programs read: each view draws one value of the model and decides nothing.

pub mod diagnostics;
