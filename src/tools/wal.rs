//! How far a copy of a database had come, read from its own files on a brick by `pg_controldata`: what a person looks at
//! who has to choose between two copies.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::postgresql::Programs;
use super::{field, rows, scripts, succeeded};
use crate::model::{Command, Output, Program, Query, ReadError};

/// How far a copy had come. Each is nothing where the copy cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The position in the WAL of the last checkpoint: `0/1952788`.
    pub checkpoint: Option<String>,
    /// When that was.
    pub checkpoint_at: Option<Timestamp>,
    /// When the WAL was last written, by the brick's clock.
    pub written_at: Option<Timestamp>,
}

/// Asks how far the copies in `directories` had come, by a node's own programs.
pub fn reached(programs: &Programs, directories: impl IntoIterator<Item = String>) -> Query<BTreeMap<String, Reached>> {
    let args = std::iter::once(programs.bin.clone()).chain(directories);
    Query { command: Command::reads(Program::Script(scripts::LOOK_CONTROL), args), read }
}

fn read(output: &Output) -> Result<BTreeMap<String, Reached>, ReadError> {
    succeeded(output, "sh")?;
    let row = |[path, checkpoint, checkpoint_at, written_at]: [&str; 4]| {
        let reached = Reached {
            checkpoint: field(checkpoint)?,
            checkpoint_at: field(checkpoint_at)?,
            written_at: field(written_at)?,
        };
        Ok((path.to_owned(), reached))
    };
    rows(&output.stdout)?.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_tells_how_far_it_had_come_or_that_it_cannot_be_read() {
        let stdout = "/b/pgsql\t0/1952788\t2026-11-27T13:23:45Z\t2026-11-27T13:24:01Z\n/c/pgsql\t-\t-\t-\n".to_owned();
        let told = read(&Output { stdout, ..Output::default() }).unwrap();
        assert_eq!(told["/b/pgsql"].checkpoint.as_deref(), Some("0/1952788"));
        assert_eq!(told["/b/pgsql"].written_at.unwrap().to_string(), "2026-11-27T13:24:01Z");
        assert_eq!(told["/c/pgsql"], Reached { checkpoint: None, checkpoint_at: None, written_at: None });
    }
}
