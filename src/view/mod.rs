//! Everything people and programs get to see: views are functions from a model value to text, and [`Ui`] is the
//! one owner of both streams.
//!
//! Data goes to standard output, talk to standard error. The human and the JSON view of a thing are made from the
//! same value, so neither can know more than the other.

pub mod compare;
pub mod diagnostics;
pub mod dot;
pub mod history;
pub mod human;
pub mod json;
mod progress;
pub mod report;
pub mod runbook;
pub mod status;
mod style;

use std::io::{self, BufRead, BufReader, ErrorKind, IsTerminal, Write};

pub use progress::RunView;
pub use style::{Look, Page, Paint, Piece, clean, count, spent};

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// One of the two streams and where it leads.
struct Stream {
    to: Box<dyn Write + Send>,
    look: Look,
    terminal: bool,
    // A reader that went away (`| head`) changes nothing about the work: from then on nothing is written.
    closed: bool,
}

impl Stream {
    fn write(&mut self, text: &str) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        match self.to.write_all(text.as_bytes()).and_then(|()| self.to.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            result => result,
        }
    }
}

/// The one owner of standard output, standard error and the answers a person types.
pub struct Ui {
    out: Stream,
    err: Stream,
    // None where there is nobody to ask.
    answers: Option<Box<dyn BufRead + Send>>,
}

impl Ui {
    /// The streams of this process. `detail` is what `-v` asks for.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is their owner")]
    pub fn of_process(colour: Colour, detail: bool) -> Self {
        let width = terminal_size::terminal_size().map_or(Look::USUAL_WIDTH, |(width, _)| usize::from(width.0).max(40));
        let stream = |to: Box<dyn Write + Send>, terminal: bool| {
            let colour = match colour {
                Colour::Always => true,
                Colour::Never => false,
                Colour::Auto => terminal && colour_is_welcome(),
            };
            Stream { to, look: Look { width, colour, detail }, terminal, closed: false }
        };
        let out = stream(Box::new(io::stdout()), io::stdout().is_terminal());
        let err = stream(Box::new(io::stderr()), io::stderr().is_terminal());
        let answers = (io::stdin().is_terminal() && err.terminal)
            .then(|| Box::new(BufReader::new(io::stdin())) as Box<dyn BufRead + Send>);
        Self { out, err, answers }
    }

    /// Any two streams, no terminal among them, and a person to ask if there is one.
    #[must_use]
    pub fn over(
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        answers: Option<Box<dyn BufRead + Send>>,
    ) -> Self {
        let stream = |to| Stream { to, look: Look::plain(), terminal: false, closed: false };
        Self { out: stream(out), err: stream(err), answers }
    }

    /// How data is read.
    #[must_use]
    pub fn data_look(&self) -> Look {
        self.out.look
    }

    /// How talk is read.
    #[must_use]
    pub fn talk_look(&self) -> Look {
        self.err.look
    }

    /// Whether moving lines can be shown. With `-v` the log needs the place.
    #[must_use]
    pub fn is_lively(&self) -> bool {
        self.err.terminal && !self.err.look.detail
    }

    /// Writes data. That nobody reads it any more is not an error.
    ///
    /// # Errors
    /// Where standard output cannot be written: a full disk.
    pub fn data(&mut self, text: &str) -> io::Result<()> {
        self.out.write(text)
    }

    /// Writes talk: progress, questions, errors. It has nowhere else to go, so it cannot fail.
    pub fn talk(&mut self, text: &str) {
        let _ = self.err.write(text);
    }

    /// Says what went wrong and what to do about it.
    pub fn error(&mut self, message: &str, hints: &[String]) {
        self.say("error:", Paint::Bad, message, hints);
    }

    /// Says what is doubtful.
    pub fn warning(&mut self, message: &str) {
        self.say("warning:", Paint::Warn, message, &[]);
    }

    fn say(&mut self, word: &str, paint: Paint, message: &str, hints: &[String]) {
        let mut page = Page::new(self.err.look);
        let mut lines = message.lines();
        page.put(0, 2, &[(paint, word), (Paint::Plain, lines.next().unwrap_or_default())]);
        for line in lines {
            page.put(2, 4, &[(Paint::Plain, line)]);
        }
        for hint in hints {
            page.put(0, 2, &[(Paint::Help, "hint:"), (Paint::Plain, hint)]);
        }
        self.talk(&page.finish());
    }

    /// Asks a question that is answered by `y` or not at all; none if there is nobody to ask.
    ///
    /// # Errors
    /// Where the answer cannot be read.
    pub fn ask(&mut self, question: &str) -> io::Result<Option<bool>> {
        let answer = self.answer(&format!("{} [y/N] ", clean(question)))?;
        Ok(answer.map(|answer| matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes")))
    }

    /// Has a person type `word`, and tells whether that was typed; nothing where there is nobody.
    ///
    /// # Errors
    /// Where the answer cannot be read.
    pub fn ask_for(&mut self, question: &str, word: &str) -> io::Result<Option<bool>> {
        Ok(self.answer(&format!("{} Type {word}: ", clean(question)))?.map(|answer| answer == word))
    }

    /// What a person types after `prompt`, if there is one.
    fn answer(&mut self, prompt: &str) -> io::Result<Option<String>> {
        let Some(answers) = &mut self.answers else { return Ok(None) };
        self.err.write(prompt)?;
        let mut answer = String::new();
        answers.read_line(&mut answer)?;
        Ok(Some(answer.trim().to_owned()))
    }
}

/// `NO_COLOR` as no-color.org has it: set and not empty; and a terminal that calls itself dumb.
fn colour_is_welcome() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

#[cfg(test)]
pub(crate) mod testing {
    //! A `Ui` whose streams a test can read, and values to look at.

    use std::io::{Cursor, Write};
    use std::sync::{Arc, Mutex};

    use super::Ui;

    /// What was written to one stream.
    #[derive(Clone, Default)]
    pub struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        pub fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A `Ui`, its standard output and its standard error; `answers` is what the person types, if there is one.
    pub fn ui(answers: Option<&'static str>) -> (Ui, Written, Written) {
        let (out, err) = (Written::default(), Written::default());
        let answers = answers.map(|typed| Box::new(Cursor::new(typed)) as Box<dyn std::io::BufRead + Send>);
        (Ui::over(Box::new(out.clone()), Box::new(err.clone()), answers), out, err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        let mut ui = Ui::over(Box::new(Gone), Box::new(Gone), None);
        assert!(ui.data("one").is_ok() && ui.data("two").is_ok());
        ui.talk("three");
    }

    #[test]
    fn only_a_yes_is_a_yes_and_nobody_is_no_answer() {
        for (typed, answer) in [
            (Some("y\n"), Some(true)),
            (Some("Yes\n"), Some(true)),
            (Some("\n"), Some(false)),
            (Some(""), Some(false)),
            (None, None),
        ] {
            assert_eq!(testing::ui(typed).0.ask("Go on?").unwrap(), answer, "{typed:?}");
        }
    }

    #[test]
    fn an_error_is_one_sentence_with_its_hints() {
        let (mut ui, _, err) = testing::ui(None);
        ui.error("it broke\nsecond line", &["mend it".to_owned()]);
        assert_eq!(err.text(), "error: it broke\n  second line\nhint: mend it\n");
    }
}
