//! One file for each family of external programs: what is asked of them, how their arguments are built and how
//! their output is read. Pure: nothing here runs anything.

pub mod gluster_options;
