//! The daemon that speaks to a quorum device (corosync-qdevice(8)): what it runs with, whether it has the device's vote,
//! and the certificate that it needs where the two speak TLS.
//!
//! It reads the map of Corosync once, when it is started: a reload gives Corosync other values and leaves it as it is.

use crate::model::{Command, Output, Program, Query, ReadError};
use crate::tools::succeeded;

/// The daemon, its unit without `.service`, and its package.
pub const QDEVICE: &str = "corosync-qdevice";
/// Where it looks for certificates.
const CERTIFICATES: &str = "/etc/corosync/qdevice/net/nssdb";
/// What it calls the certificate of its cluster.
const CLUSTER_CERTIFICATE: &str = "Cluster Cert";

/// What the daemon runs with, and what it has of its device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceState {
    /// The device's host.
    pub host: String,
    /// Its algorithm, as `corosync.conf` calls it.
    pub algorithm: String,
    /// Whether TLS is spoken, as `corosync.conf` calls it.
    pub tls: String,
    /// How it stands with the host: `Connected`, `Connect failed`, …
    pub connection: String,
    /// Whether this node has the device's vote.
    pub votes: bool,
}

/// Asks the daemon.
#[must_use]
pub fn device() -> Query<DeviceState> {
    Query { command: Command::reads(Program::Tool("corosync-qdevice-tool"), ["-sv"]), read: read_device }
}

fn read_device(output: &Output) -> Result<DeviceState, ReadError> {
    if output.status == 3 && output.stderr.contains("is QDevice running?") {
        return Err(ReadError::Off(QDEVICE));
    }
    succeeded(output, QDEVICE)?;
    let get = |key: &str| {
        let found = output.stdout.lines().find_map(|line| line.split_once(':').filter(|(name, _)| *name == key));
        found.map(|(_, value)| value.trim()).ok_or_else(|| ReadError::Garbled(format!("no `{key}`")))
    };
    let known = |value: &str, words: &[(&str, &str)]| {
        let word = words.iter().find(|(said, _)| *said == value).map_or(value, |(_, word)| *word);
        word.to_owned()
    };
    let host = get("QNetd host")?;
    Ok(DeviceState {
        host: host.rsplit_once(':').map_or(host, |(host, _port)| host).to_owned(),
        algorithm: known(get("Algorithm")?, &[("Fifty-Fifty split", "ffsplit"), ("LMS", "lms")]),
        tls: known(get("TLS")?, &[("Unsupported", "off"), ("Supported", "on"), ("Required", "required")]),
        connection: get("State")?.to_owned(),
        votes: get("Poll timer running")? == "Yes (cast vote)",
    })
}

/// Asks for which cluster a node has a certificate that it can prove to be its own.
#[must_use]
pub fn certificate() -> Query<Option<String>> {
    let args = ["-L", "-d", CERTIFICATES, "-n", CLUSTER_CERTIFICATE];
    Query { command: Command::reads(Program::Tool("certutil"), args), read: read_certificate }
}

fn read_certificate(output: &Output) -> Result<Option<String>, ReadError> {
    let nothing = ["SEC_ERROR_BAD_DATABASE", "Could not find cert"];
    if output.status == 255 && nothing.iter().any(|words| output.stderr.contains(words)) {
        return Ok(None);
    }
    succeeded(output, QDEVICE)?;
    let lines = || output.stdout.lines().map(str::trim);
    let name = lines().find_map(|line| line.strip_prefix("Subject: \"CN=")?.strip_suffix('"'));
    let Some(name) = name else { return Err(ReadError::Garbled("no `Subject`".to_owned())) };
    // `User` stands for the key that belongs to it.
    let has_key = lines().skip_while(|line| *line != "SSL Flags:").nth(1) == Some("User");
    Ok(has_key.then(|| name.to_owned()))
}

/// The command by which a person gives all `nodes` the certificate of `cluster`, signed by `host`.
#[must_use]
pub fn certify(cluster: &str, host: &str, nodes: &[&str]) -> String {
    format!("{QDEVICE}-net-certutil -Q -n {cluster} {host} {}", nodes.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::sample;

    #[test]
    fn a_device_votes_or_cannot_be_reached_or_nobody_asks_it() {
        let with = read_device(&sample::read("92-quorum-device/corosync-qdevice-tool.txt")).unwrap();
        let expected = DeviceState {
            host: "admin".to_owned(),
            algorithm: "ffsplit".to_owned(),
            tls: "required".to_owned(),
            connection: "Connected".to_owned(),
            votes: true,
        };
        assert_eq!(with, expected);
        for state in ["91-quorum-device-waiting", "93-quorum-device-lost"] {
            let without = read_device(&sample::read(&format!("{state}/corosync-qdevice-tool.txt"))).unwrap();
            let expected = DeviceState { connection: "Connect failed".to_owned(), votes: false, ..expected.clone() };
            assert_eq!(without, expected, "{state}");
        }
        let off = read_device(&sample::read("90-quorum-device-off/corosync-qdevice-tool.txt"));
        assert_eq!(off, Err(ReadError::Off("corosync-qdevice")));
    }

    #[test]
    fn a_certificate_is_a_clusters_and_counts_with_its_key_only() {
        let read = |name: &str| read_certificate(&sample::read(&format!("90-quorum-device-off/{name}.txt")));
        assert_eq!(read("certutil"), Ok(Some("cluster01".to_owned())));
        assert_eq!([read("certutil-nothing"), read("certutil-lacking")], [Ok(None), Ok(None)]);
        let mut keyless = sample::read("90-quorum-device-off/certutil.txt");
        keyless.stdout = keyless.stdout.replace("            User\n", "            Valid CA\n");
        assert_eq!(read_certificate(&keyless), Ok(None));
    }
}
