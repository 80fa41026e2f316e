//! One file for each family of programs on the nodes: how to call them and how to read what they print.

pub mod scripts;
