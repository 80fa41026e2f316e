//! What can be wrong at the head of the file.

use crate::kinds::{Spec, SshSpec, TransportSpec};
use crate::model::{Findings, SpecPath};

/// Looks at the transport, and at whether there is anything to do at all.
pub(in crate::kinds) fn check(spec: &Spec, findings: &mut Findings) {
    let transport = SpecPath::of(["transport"]);
    match &spec.transport {
        TransportSpec::Local if spec.nodes.len() > 1 => findings.error(
            transport,
            "local-with-many-nodes",
            format!("`local` reaches this machine alone, and there are {} nodes", spec.nodes.len()),
            "write `transport: {ssh: {user: root}}`",
        ),
        TransportSpec::Ssh(ssh) => check_ssh(ssh, &transport.at("ssh"), findings),
        TransportSpec::Local | TransportSpec::Simulated => {}
    }
    if spec.volumes.is_empty() && spec.mounts.is_empty() && !spec.has_manager() {
        findings.warn(
            SpecPath::default(),
            "nothing-to-do",
            "there is neither a volume nor a mount: the nodes become a pool and no more",
            "write `volumes:`",
        );
    }
}

fn check_ssh(ssh: &SshSpec, path: &SpecPath, findings: &mut Findings) {
    let word = |c: char| c.is_ascii_alphanumeric() || "_-.@".contains(c);
    if let Some(user) = &ssh.user
        && (user.is_empty() || user.starts_with('-') || !user.chars().all(word))
    {
        let rule = "a user name is made of letters, digits and `_ - . @`, no `-` first";
        findings.error(path.at("user"), "bad-name", format!("`{user}` is not a user name"), rule);
    }
    if ssh.port == Some(0) {
        findings.error(path.at("port"), "bad-value", "port 0 is no port", "sshd listens on 22 unless told otherwise");
    }
    for (key, file) in [("identityFile", &ssh.identity_file), ("knownHosts", &ssh.known_hosts)] {
        let text = file.as_ref().map(|file| file.to_string_lossy());
        if text.is_some_and(|text| text.is_empty() || text.starts_with('-') || text.contains(['%', '"', '\n'])) {
            let hint = "write a path, relative to this file or absolute, without `%`, quotes and a `-` first";
            findings.error(path.at(key), "bad-value", format!("`{key}` is not a path that ssh takes as written"), hint);
        }
    }
}
