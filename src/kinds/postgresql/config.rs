//! The files that a server reads, the same on every node that may serve it: they are no part of the data, so that they
//! can be looked at while nothing is mounted, and a broken one can be mended.

use super::{One, access_file, serving, settings_file};
use crate::kinds::{Assessment, Cx, files, nodes};
use crate::model::{Difference, Item, NodeName, Place, SpecPath, Subject};
use crate::tools::node;
use crate::tools::postgresql::{self, Programs, Runs, Server, Settings};

/// Looks at the files of `one` on all its nodes.
pub(super) fn assess(one: &One<'_>, found: &mut Assessment) {
    let texts = texts(one);
    for name in &one.nodes {
        let seen = texts.each_ref().map(|(path, _)| one.cx.see(name, &node::text_of(path)));
        let Some(programs) = one.programs(name) else { continue };
        let server = one.server(name);
        let mut differ = false;
        for ((path, text), seen) in texts.iter().zip(seen) {
            let item = files::compare((path, name), &seen, text, postgresql::write(path, text), found);
            differ |= item.is_some();
            found.items.extend(item.map(|item| item.needs(nodes::installed(name, programs.package))));
        }
        if let Some(server) = server {
            running(one, name, &programs, &server, differ, found);
        }
    }
}

/// Looks at what starts and stops the servers, on all nodes that may serve one.
pub(super) fn control(cx: &Cx<'_>, found: &mut Assessment) {
    let (path, text) = (postgresql::CONTROL_FILE, postgresql::control());
    for name in serving(cx.spec) {
        files::keep(cx, (path, name), text, node::write_program, found);
    }
}

/// The two files, path and text.
fn texts(one: &One<'_>) -> [(String, String); 2] {
    let access_file = access_file(one.name);
    let owner = one.owner();
    let settings = Settings {
        owner: &owner,
        data: &one.database.data_dir,
        listen: &one.database.listen,
        port: one.database.port,
        access_file: &access_file,
        others: &one.database.settings,
    };
    let settings = (settings_file(one.name), settings.text());
    let access = postgresql::access(&owner, &one.database.access);
    [settings, (access_file, access)]
}

impl One<'_> {
    /// The server on `node`, if that can be told.
    pub(super) fn server(&self, node: &NodeName) -> Option<Server> {
        let programs = self.programs(node)?;
        let files = [settings_file(self.name), access_file(self.name)];
        let query = postgresql::server(&programs, self.database.port, &self.database.data_dir, &files);
        self.cx.see(node, &query).known().cloned()
    }
}

/// Has a server that runs read what it has not read.
fn running(one: &One<'_>, node: &NodeName, programs: &Programs, server: &Server, differ: bool, found: &mut Assessment) {
    if server.runs != Runs::Ours {
        return;
    }
    if differ || server.has_read == Some(false) {
        let summary = format!("have the database of service {} on {node} read its files again", one.name);
        let command = postgresql::reload(programs, &one.database.data_dir);
        let subject = Subject::on("database", one.name, node);
        let item = Item::run(&subject, "reload", summary, Place::On(node.clone()), command)
            .because(Difference::changed("files", "not read since they were written", "in force"))
            .needs(files::written(&settings_file(one.name), node))
            .needs(files::written(&access_file(one.name), node));
        found.item(item.assumed_if(differ));
    }
    if !server.waiting.is_empty() {
        found.findings.warn(
            SpecPath::of(["services", one.name.as_str()]),
            "restart-pending",
            format!("{} of the database of service {} wait for a restart", server.waiting.join(", "), one.name),
            format!("`bricklayer service restart {}` interrupts it for a moment and puts them into force", one.name),
        );
    }
}
