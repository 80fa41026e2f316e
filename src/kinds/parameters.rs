//! Options of fence agents and parameters of resource agents: names and values that end in XML and on an agent's
//! standard input, a line each.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::model::{Findings, SpecPath};

/// The schema of options by name: to an editor, `20` and `true` are no texts; to the programs every value is one.
pub(super) fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } })
}

/// Whether `name: value` can be told to an agent; says so of `path` if not.
pub(super) fn check(name: &str, value: &str, path: &SpecPath, findings: &mut Findings) -> bool {
    check_name(name, path, findings) && check_value(name, value, path, findings)
}

/// Whether `name` can be the name of an option.
pub(super) fn check_name(name: &str, path: &SpecPath, findings: &mut Findings) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let good = name.starts_with(first) && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if !good {
        let message = format!("`{}` is not an option name", name.escape_debug());
        findings.error(path.clone(), "bad-name", message, "letters, digits and `_ - .`, a letter or `_` first");
    }
    good
}

fn check_value(name: &str, value: &str, path: &SpecPath, findings: &mut Findings) -> bool {
    let good = !value.is_empty() && is_one_line(value);
    if !good {
        let message = format!("`{}` is not a value for `{name}`", value.escape_debug());
        findings.error(path.clone(), "option-value", message, "write one line of text, or leave the option out");
    }
    good
}

/// Whether `text` is one line of what XML can carry (XML 1.0, `Char`) and a reader can see.
pub(super) fn is_one_line(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{2028}' | '\u{2029}'))
}

/// Whether an option of this name has a secret for its value: `password`, `snmp_priv_passwd`, `apikey`. A script or
/// file that has the secret is none itself.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let word = ["passw", "passphrase", "secret", "apikey", "api_key"].iter().any(|word| name.contains(word));
    (word || name == "token") && !name.ends_with("script") && !name.ends_with("file")
}

/// Whether agents take the secret of this name from a script, too: `password_script` stands beside `password` and
/// `passwd`, `snmp_priv_passwd_script` beside `snmp_priv_passwd` in the metadata of all that have one.
pub(super) fn has_script(name: &str) -> bool {
    name.ends_with("password") || name.ends_with("passwd")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_carry_a_secret_are_known_by_their_names() {
        // From the metadata of the fence agents of Debian 12.
        for secret in ["password", "passwd", "snmp_priv_passwd", "secret_key", "apikey", "token"] {
            assert!(is_secret(secret), "{secret}");
        }
        for open in ["password_script", "passwd_script", "token_file", "identity_file", "privlvl", "username", "ip"] {
            assert!(!is_secret(open), "{open}");
        }
    }
}
