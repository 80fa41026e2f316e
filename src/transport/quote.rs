//! How a word is written so that a shell reads it back unchanged: the one place where that is decided.

/// `word` as one word of POSIX `sh`, whatever it holds; nothing for a word with a NUL, which no program can be given.
pub(super) fn quoted(word: &str) -> Option<String> {
    // Between single quotes nothing has a meaning but the closing quote.
    (!word.contains('\0')).then(|| format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // the property is one of real shells
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::*;

    fn echoed_by(shell: &str, words: &[String]) -> Vec<u8> {
        let words: Vec<String> = words.iter().map(|word| quoted(word).unwrap()).collect();
        let mut child =
            Command::new(shell).stdin(Stdio::piped()).stdout(Stdio::piped()).env("LC_ALL", "C").spawn().unwrap();
        let line = format!("printf '%s\\0' {}\n", words.join(" "));
        child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
        child.wait_with_output().unwrap().stdout
    }

    fn comes_back(words: &[String]) {
        let sent: Vec<u8> = words.iter().flat_map(|word| word.bytes().chain([0])).collect();
        for shell in ["sh", "bash"] {
            assert_eq!(echoed_by(shell, words), sent, "{shell}: {words:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn any_words_come_back_unchanged_from_real_shells(
            words in prop::collection::vec("[^\0]{0,40}|[-'\"\\\\$`!*?\\[\\]{}()<>|&;#~ \t\r\n\u{1}\u{7f}\u{80}]{0,30}", 1..20)
        ) {
            comes_back(&words);
        }
    }

    #[test]
    fn the_classics_come_back_unchanged() {
        let words =
            ["", "-n", "--", "'", "''", "'\\''", "a'b", "\\", "\\'", "$(reboot)", "`reboot`", "a\nb\n", "\n", "!!"];
        comes_back(&words.map(str::to_owned));
    }

    #[test]
    fn a_word_with_a_nul_is_refused() {
        assert_eq!(quoted("a\0b"), None);
    }
}
