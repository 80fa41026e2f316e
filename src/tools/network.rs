//! A node's network interfaces, from ip(8).

use super::succeeded;
use crate::model::{Command, Output, Program, Query, ReadError};

/// Asks for the interfaces that have an address in `network`, an address with its prefix.
#[must_use]
pub fn interfaces(network: &str) -> Query<Vec<String>> {
    let args = ["-oneline", "address", "show", "to", network];
    Query { command: Command::reads(Program::Tool("ip"), args), read }
}

fn read(output: &Output) -> Result<Vec<String>, ReadError> {
    succeeded(output, "iproute2")?;
    // `2: eth0    inet 192.168.7.11/24 brd … scope global eth0`; a virtual one is `eth0@if5`.
    let name = |line: &str| {
        let name = line.split_whitespace().nth(1)?;
        Some(name.split('@').next().unwrap_or(name).to_owned())
    };
    let mut names: Vec<String> = output.stdout.lines().filter_map(name).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_named_once_and_without_their_other_end() {
        let stdout = "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever\n\
                      5: management@if6    inet 192.168.7.11/24 scope global management\n\
                      5: management@if6    inet 192.168.7.99/24 scope global secondary management\n";
        let output = Output { stdout: stdout.to_owned(), ..Output::default() };
        assert_eq!(read(&output).unwrap(), ["lo", "management"]);
    }
}
