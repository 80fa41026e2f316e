//! What an agent says of itself: the parameters that it takes (`AGENT -o metadata`, OCF Resource Agent API).

use std::collections::BTreeMap;

use roxmltree::Document;

use crate::model::{Command, Output, Program, Query, ReadError};
use crate::tools::{complaint, scripts};

/// What an agent takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Its parameters, and whether each must be given.
    pub parameters: BTreeMap<String, bool>,
}

/// Asks a fence agent what it takes.
#[must_use]
pub fn metadata(agent: &str) -> Query<Metadata> {
    Query { command: Command::reads(Program::Script(scripts::LOOK_AGENT), [agent]), read }
}

fn read(output: &Output) -> Result<Metadata, ReadError> {
    if !output.success() {
        return Err(ReadError::Refused(complaint(output)));
    }
    let document = Document::parse(&output.stdout).map_err(|error| ReadError::Garbled(error.to_string()))?;
    let all = document.descendants().filter(|node| node.has_tag_name("parameter"));
    let parameter = |node: roxmltree::Node<'_, '_>| {
        // An old name of a parameter is marked as required as the new one is.
        let required = node.attribute("required") == Some("1") && node.attribute("deprecated") != Some("1");
        Some((node.attribute("name")?.to_owned(), required))
    };
    Ok(Metadata { parameters: all.filter_map(parameter).collect() })
}
