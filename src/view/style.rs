//! How text is laid out and coloured: one small page that every human view writes on.
//!
//! Everything that reaches a terminal goes through [`Page`], and so through [`clean`]: no word of a node's
//! output can move the cursor, change a title or hide a line.

use std::time::Duration;

/// What a view has to know about where it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Whether colours are understood and wanted. Every view is readable without them.
    pub colour: bool,
    /// Whether the reader asked for more than the usual (`-v`).
    pub detail: bool,
}

impl Look {
    /// The width where nobody knows it.
    pub const USUAL_WIDTH: usize = 80;

    /// Eighty columns without colour: files, pipes and tests.
    #[must_use]
    pub fn plain() -> Self {
        Self { width: Self::USUAL_WIDTH, colour: false, detail: false }
    }
}

/// What a piece of text is, from which its colour follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Running text.
    Plain,
    /// A heading, or the name of what a line is about.
    Strong,
    /// Exact words of a program, and what is of less interest.
    Dim,
    /// Something that comes into being, or went well.
    Good,
    /// Something that changes, or is doubtful.
    Warn,
    /// Something that goes, or went wrong.
    Bad,
    /// Something that helps.
    Help,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Warn => "\x1b[33m",
            Self::Bad => "\x1b[1;31m",
            Self::Help => "\x1b[36m",
        }
    }
}

/// A piece of a line. Pieces are set apart by a blank.
pub type Piece<'a> = (Paint, &'a str);

/// A text as it grows, wrapped at words.
#[derive(Debug)]
pub struct Page {
    text: String,
    look: Look,
}

impl Page {
    /// An empty page.
    #[must_use]
    pub fn new(look: Look) -> Self {
        Self { text: String::new(), look }
    }

    /// Where it is read.
    #[must_use]
    pub fn look(&self) -> Look {
        self.look
    }

    /// Adds a paragraph that starts at column `indent` and goes on at column `hang` where it is wrapped.
    /// A word that is wider than the page stays whole: it may be a path that somebody wants to copy.
    pub fn put(&mut self, indent: usize, hang: usize, pieces: &[Piece<'_>]) {
        let cleaned: Vec<(Paint, String)> = pieces.iter().map(|(paint, text)| (*paint, clean(text))).collect();
        let words = cleaned.iter().flat_map(|(paint, text)| text.split(' ').map(move |word| (*paint, word)));
        self.text.push_str(&" ".repeat(indent));
        let (mut column, mut at_start, mut ink) = (indent, true, Paint::Plain);
        for (paint, word) in words.filter(|(_, word)| !word.is_empty()) {
            let width = word.chars().count();
            if !at_start && column + 1 + width > self.look.width {
                self.dip(&mut ink, Paint::Plain);
                self.text.push('\n');
                self.text.push_str(&" ".repeat(hang));
                (column, at_start) = (hang, true);
            }
            if !at_start {
                self.text.push(' ');
                column += 1;
            }
            self.dip(&mut ink, paint);
            self.text.push_str(word);
            (column, at_start) = (column + width, false);
        }
        self.dip(&mut ink, Paint::Plain);
        self.text.push('\n');
    }

    /// Adds a line as it is, cleaned but not wrapped: rows of a table, lines of a file.
    pub fn row(&mut self, indent: usize, cells: &[Piece<'_>]) {
        self.text.push_str(&" ".repeat(indent));
        let mut ink = Paint::Plain;
        for (paint, text) in cells {
            self.dip(&mut ink, *paint);
            self.text.push_str(&clean(text));
        }
        self.dip(&mut ink, Paint::Plain);
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
    }

    /// Adds an empty line, unless the page is empty or ends with one.
    pub fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn dip(&mut self, ink: &mut Paint, paint: Paint) {
        if !self.look.colour || *ink == paint {
            return;
        }
        if *ink != Paint::Plain {
            self.text.push_str("\x1b[0m");
        }
        self.text.push_str(paint.code());
        *ink = paint;
    }

    /// The whole text.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }
}

/// `text` on one line without anything a terminal would obey: escape sequences and direction marks vanish, line
/// breaks and tabs become blanks, other control characters become `\u{fffd}`.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => skip_sequence(&mut rest),
            // The same sequences in their one-character form.
            '\u{9b}' => skip_until_final(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut rest),
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => cleaned.push(' '),
            '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() => cleaned.push('\u{fffd}'),
            c => cleaned.push(c),
        }
    }
    cleaned
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn skip_sequence(rest: &mut Chars<'_>) {
    match rest.next() {
        Some('[') => skip_until_final(rest),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(rest),
        // Escapes with intermediate characters, such as the choice of a character set.
        Some(' '..='/') => {
            while rest.next_if(|c| matches!(c, ' '..='/')).is_some() {}
            rest.next();
        }
        _ => {}
    }
}

fn skip_until_final(rest: &mut Chars<'_>) {
    while rest.next_if(|c| matches!(c, '\x20'..='\x3f')).is_some() {}
    rest.next_if(|c| matches!(c, '\x40'..='\x7e'));
}

fn skip_string(rest: &mut Chars<'_>) {
    // Ends at BEL or ST; a line break ends it too, so that an unfinished one can't swallow what follows.
    while let Some(c) = rest.next_if(|c| *c != '\n') {
        match c {
            '\x07' | '\u{9c}' => return,
            '\x1b' => {
                rest.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

/// A duration as people say it: `0.8s`, `42s`, `3m 20s`, `2h 5m`.
#[must_use]
pub fn spent(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", time.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `1 step`, `2 steps`.
#[must_use]
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_terminal_would_obey_survives() {
        for (dirty, expected) in [
            ("\x1b[31mred\x1b[0m", "red"),
            ("a\x1b]0;title\x07b", "ab"),
            ("a\x1b]8;;http://x\x1b\\b", "ab"),
            ("a\u{9b}2Jb", "ab"),
            ("a\x1b(0b", "ab"),
            ("a\x1bcb", "ab"),
            ("one\r\ntwo\tthree", "one  two three"),
            ("bell\x07", "bell\u{fffd}"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            ("unfinished \x1b[", "unfinished "),
            ("cut \x1b]0;off\nnext", "cut  next"),
        ] {
            assert_eq!(clean(dirty), expected, "{dirty:?}");
        }
    }

    #[test]
    fn a_paragraph_is_wrapped_at_words_and_keeps_long_words_whole() {
        let mut page = Page::new(Look { width: 20, ..Look::plain() });
        page.put(2, 4, &[(Paint::Good, "one two three"), (Paint::Plain, "/a/path/that/is/much/too/long four")]);
        assert_eq!(page.finish(), "  one two three\n    /a/path/that/is/much/too/long\n    four\n");
    }

    #[test]
    fn colours_end_with_the_words_they_belong_to() {
        let mut page = Page::new(Look { width: 12, colour: true, ..Look::plain() });
        page.put(0, 2, &[(Paint::Plain, "a"), (Paint::Good, "long word here")]);
        assert_eq!(page.finish(), "a \x1b[32mlong word\x1b[0m\n  \x1b[32mhere\x1b[0m\n");
    }

    #[test]
    fn durations_are_said_as_people_say_them() {
        let said = [800, 42_000, 200_000, 7_500_000].map(|ms| spent(Duration::from_millis(ms)));
        assert_eq!(said, ["0.8s", "42s", "3m 20s", "2h 5m"]);
    }
}
