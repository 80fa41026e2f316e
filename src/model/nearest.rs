//! "Did you mean": the known name that a mistyped one is nearest to.

/// So many known names are looked at; a hint is not worth more of the reader's time.
const LOOKED_AT: usize = 2_000;

/// The name of `known` that `written` is most likely a slip of, if any is near enough.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let slips = (written.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .take(LOOKED_AT)
        .filter(|name| name.len().abs_diff(written.len()) <= slips)
        .map(|name| (strsim::osa_distance(&written.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= slips)
        .min()
        .map(|(_, name)| name)
}

/// The hint for a mistyped name: the nearest one, or `otherwise`.
pub fn did_you_mean<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
    otherwise: impl Into<String>,
) -> String {
    nearest(written, known).map_or_else(|| otherwise.into(), |name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        assert_eq!(nearest("node0l", ["node01", "node02"]), Some("node01"));
        assert_eq!(nearest("Volumes", ["nodes", "volumes"]), Some("volumes"));
        assert_eq!(nearest("replcia", ["replica", "arbiter"]), Some("replica"));
        assert_eq!(nearest("db1", ["node01", "node02"]), None);
        assert_eq!(nearest("", ["a"]), Some("a"));
    }
}
