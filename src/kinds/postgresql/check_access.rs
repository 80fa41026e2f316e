//! Lines of `pg_hba.conf`: a line that the server cannot read keeps it from starting, on every node.

use std::net::IpAddr;

use crate::kinds::services::Cidr;
use crate::kinds::{Postgresql, parameters};
use crate::model::{Findings, SpecPath};

/// Connections over the network (the server's manual, "The `pg_hba.conf` File").
const HOST: &[&str] = &["host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"];

/// How a user proves who they are.
const METHODS: &[&str] = &[
    "trust",
    "reject",
    "scram-sha-256",
    "md5",
    "password",
    "gss",
    "sspi",
    "ident",
    "peer",
    "ldap",
    "radius",
    "cert",
    "pam",
    "bsd",
];

/// Words that stand for addresses.
const PLACES: &[&str] = &["all", "samehost", "samenet"];

/// Looks at the lines of `server`.
pub(super) fn check_access(server: &Postgresql, path: &SpecPath, findings: &mut Findings) {
    for (index, line) in server.access.iter().enumerate() {
        let path = path.at(index);
        match read(line) {
            Err(message) => {
                let hint = "write `host DATABASE USER ADDRESS METHOD`: `host all all 192.168.7.0/24 scram-sha-256`";
                findings.error(path, "bad-access", message, hint);
            }
            Ok(entry) => check_entry(&entry, path, findings),
        }
    }
}

/// What is looked at of a line.
struct Entry {
    address: Option<String>,
    method: String,
    options: Vec<String>,
}

fn check_entry(entry: &Entry, path: SpecPath, findings: &mut Findings) {
    let everywhere = |address: &str| address == "all" || address.ends_with("/0") || address.starts_with("0.0.0.0 ");
    if entry.method == "trust" && entry.address.as_deref().is_some_and(everywhere) {
        let message = "whoever reaches the server is let in from everywhere, as whoever they say they are";
        findings.warn(path.clone(), "trust-from-everywhere", message, "write a network, or `scram-sha-256`");
    }
    let secret = |option: &String| option.split_once('=').is_some_and(|(name, _)| parameters::is_secret(name));
    if let Some((name, _)) = entry.options.iter().find(|option| secret(option)).and_then(|o| o.split_once('=')) {
        let message = format!("the value of `{name}` is a secret, and this file is none");
        findings.error(path, "inline-secret", message, "use a method that needs none here");
    }
}

/// Reads a line as the server does.
fn read(line: &str) -> Result<Entry, String> {
    if !parameters::is_one_line(line) && line.contains(|c: char| c != '\t' && c.is_control()) {
        return Err(format!("`{}` is more than one line", line.escape_debug()));
    }
    let fields = fields(line)?;
    let mut rest = fields.iter().map(String::as_str);
    let mut next = |what: &str| rest.next().ok_or_else(|| format!("`{line}` says no {what}"));
    let kind = next("kind of connection")?;
    if kind != "local" && !HOST.contains(&kind) {
        return Err(format!("`{kind}` is no kind of connection: `local`, `{}`", HOST.join("`, `")));
    }
    next("database")?;
    next("user")?;
    let mut address = None;
    let mut method = next(if kind == "local" { "method" } else { "address" })?;
    if kind != "local" {
        let mut place = method.to_owned();
        method = next("method")?;
        if let (Ok(_), Ok(mask)) = (place.parse::<IpAddr>(), method.parse::<IpAddr>()) {
            place = format!("{place} {mask}");
            method = next("method")?;
        } else if !is_place(&place) {
            return Err(format!("`{place}` is no address: it needs the prefix of its network, or is `all`"));
        }
        address = Some(place);
    }
    if !METHODS.contains(&method) {
        return Err(format!("`{method}` is no method: `{}`", METHODS.join("`, `")));
    }
    let options: Vec<String> = rest.map(str::to_owned).collect();
    match options.iter().find(|option| !option.contains('=')) {
        Some(odd) => Err(format!("`{odd}` stands behind the method, and an option is `NAME=VALUE`")),
        None => Ok(Entry { address, method: method.to_owned(), options }),
    }
}

/// Whether an address is one with its prefix, a name, or a word for several.
fn is_place(text: &str) -> bool {
    if PLACES.contains(&text) {
        return true;
    }
    if text.contains('/') {
        let any = text.strip_suffix("/0").is_some_and(|address| address.parse::<IpAddr>().is_ok());
        return any || Cidr::try_from(text.to_owned()).is_ok();
    }
    // A number without its prefix is refused by the server, a name is looked up.
    let name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    text.parse::<IpAddr>().is_err() && text.contains(|c: char| c.is_ascii_alphabetic()) && text.chars().all(name)
}

/// The fields of a line; blanks within quotes do not end one.
fn fields(line: &str) -> Result<Vec<String>, String> {
    let mut fields: Vec<String> = Vec::new();
    let (mut quoted, mut open) = (false, false);
    for c in line.chars() {
        match c {
            '#' if !quoted => return Err(format!("`{line}` has a comment: write it in this file instead")),
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => {
                open = false;
                continue;
            }
            _ => {}
        }
        if !std::mem::replace(&mut open, true) {
            fields.push(String::new());
        }
        if let Some(field) = fields.last_mut() {
            field.push(c);
        }
    }
    if quoted { Err(format!("a quote is not closed in `{line}`")) } else { Ok(fields) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_the_server_reads_are_taken() {
        for good in [
            "local all all peer",
            "local \"my db\" all scram-sha-256",
            "host all all 192.168.7.0/24 scram-sha-256",
            "host all all 0.0.0.0/0 scram-sha-256",
            "hostssl all,other +admins ::/0 cert map=people clientcert=verify-full",
            "host all all 10.0.0.0 255.0.0.0 md5",
            "host all all .example.com gss",
            "host all all samenet reject",
            "host\tall\tall\tall\tmd5",
        ] {
            assert!(read(good).is_ok(), "{good}: {:?}", read(good).err());
        }
    }

    #[test]
    fn lines_that_would_keep_the_server_from_starting_are_refused() {
        for bad in [
            "",
            "all all all md5",
            "host all all md5",
            "host all all 10.0.0.1 md5",
            "host all all 10.0.0.0/33 md5",
            "host all all 10.0.0.0/8 md6",
            "host all all 10.0.0.0/8 md5 really",
            "host all all 10.0.0.0/8",
            "local all md5",
            "host all \"all 10.0.0.0/8 md5",
            "host all all 10.0.0.0/8 md5 # everybody",
            "host all all 10.0.0.0/8 md5\nhost all all all trust",
            "include other.conf",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
