//! From bytes to the tree: everything that is YAML, and the refusal of everything in YAML that surprises people.
//!
//! Anchors, aliases, merge keys, tags and further documents are refused because a reader of the file could not
//! see what it says; size and depth are bounded because a file may come from anywhere.
//!
//! # Guarantees
//! No input makes this panic, recurse or take more than a multiple of the file's size in time and memory.

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span};

use super::tree::{Entry, Map, Node, Value};
use crate::model::{Finding, Located, Position, Severity, SpecPath};

/// The largest file that is read, in bytes.
pub(super) const LARGEST: usize = 1024 * 1024;

/// How deep lists and maps may lie in each other. The file's own form needs six.
const DEEPEST: usize = 16;

/// A file whose bytes are no text that is taken: as much of it as can be shown, and why.
pub(super) struct NoText {
    /// The text up to where it can be shown.
    pub text: String,
    /// What is wrong with it.
    pub finding: Located,
}

/// The text of a file, if it is text that can be read at all.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, Box<NoText>> {
    let none =
        |text: String, at, code, message, hint| Err(Box::new(NoText { text, finding: told(at, code, message, hint) }));
    if bytes.len() > LARGEST {
        let message = "the file is larger than 1 MiB";
        return none(String::new(), Position::first(), "too-large", message, "split it: one file a cluster");
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let text = String::from_utf8_lossy(good).into_owned();
            let at = place_of(&text, text.len());
            return none(text, at, "not-utf8", "the file is not UTF-8 from here on", "save it as UTF-8");
        }
    };
    if text.starts_with('\u{feff}') {
        let message = "the file begins with a byte order mark";
        return none(text, Position::first(), "byte-order-mark", message, "save it as UTF-8 without one");
    }
    // NUL and the like show as nothing, and end a text early in many a program.
    match text.find(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        Some(at) => {
            let at = place_of(&text, at);
            none(text, at, "control-character", "there is a control character here", "take it out")
        }
        None => Ok(text),
    }
}

/// The tree of a text, and what was refused on the way. No tree if it could not be made out at all.
pub(super) fn tree(text: &str) -> (Option<Node>, Vec<Located>) {
    let mut builder =
        Builder { text, open: Vec::new(), root: None, documents: 0, aliased: false, findings: Vec::new() };
    for event in Parser::new_from_str(text) {
        let stop = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(text.len());
                if let Some(tab) = tab_after(text, at) {
                    builder.refuse(tab, "yaml", "a tab cannot indent YAML", "use spaces");
                } else {
                    let message = format!("this is not YAML: {}", error.info());
                    builder.refuse(place_of(text, at), "yaml", &message, "");
                }
                Err(())
            }
        };
        if stop.is_err() {
            return (None, builder.findings);
        }
    }
    if builder.root.is_none() && builder.findings.is_empty() {
        let hint = "`bricklayer init` writes a file to start from";
        builder.refuse(Position::first(), "empty", "there is nothing in this file", hint);
    }
    (builder.root, builder.findings)
}

fn told(at: Position, code: &'static str, message: &str, hint: &str) -> Located {
    let hint = (!hint.is_empty()).then(|| hint.to_owned());
    let finding =
        Finding { path: SpecPath::default(), severity: Severity::Error, code, message: message.to_owned(), hint };
    Located { at, finding }
}

/// A tab that indents the line of `byte` or the next one: what parsers say of it rarely has the word in it.
fn tab_after(text: &str, byte: usize) -> Option<Position> {
    let mut start = text.get(..byte)?.rfind('\n').map_or(0, |at| at + 1);
    for line in text[start..].split_inclusive('\n').take(2) {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indent].find('\t') {
            return Some(place_of(text, start + tab));
        }
        start += line.len();
    }
    None
}

/// The place of one character.
fn place_of(text: &str, byte: usize) -> Position {
    let before = &text[..byte.min(text.len())];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let wide = text[before.len()..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    Position {
        start: before.len(),
        end: before.len() + wide,
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

/// A list or map whose end has not come yet.
enum Open {
    List { at: Position, items: Vec<Node> },
    Map { at: Position, map: Map, key: Option<(String, Position)> },
}

struct Builder<'a> {
    text: &'a str,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    aliased: bool,
    findings: Vec<Located>,
}

impl Builder<'_> {
    /// Takes the next event; an error ends the reading.
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), ()> {
        let at = self.place(&span);
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(_, anchor, tag)
            | Event::MappingStart(_, anchor, tag) => (*anchor, tag.is_some()),
            _ => (0, false),
        };
        if tag {
            let at = span.tag_span().map_or_else(|| at.clone(), |span| self.place(&span));
            self.refuse(at, "tag", "tags (`!…`) are not taken", "leave it out: each field knows its own type");
        }
        if anchor != 0 {
            self.alias(at.clone());
        }
        match event {
            Event::Scalar(text, style, ..) => {
                let plain = matches!(style, ScalarStyle::Plain);
                self.scalar(text.into_owned(), plain, tag, at);
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.alias(at.clone());
                self.node(Node { at, value: Value::Refused });
            }
            Event::SequenceStart(..) => return self.push(Open::List { at, items: Vec::new() }),
            Event::MappingStart(..) => return self.push(Open::Map { at, map: Map::default(), key: None }),
            Event::SequenceEnd | Event::MappingEnd => self.close(&at),
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let hint = "put each cluster into a file of its own, in one folder";
                    self.refuse(at, "second-document", "a second document begins here", hint);
                    return Err(());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn scalar(&mut self, text: String, plain: bool, tag: bool, at: Position) {
        let value = match text.as_str() {
            _ if tag => Value::Refused,
            "" | "~" | "null" if plain => Value::Nothing,
            _ => Value::Scalar { text, plain },
        };
        self.node(Node { at, value });
    }

    fn push(&mut self, open: Open) -> Result<(), ()> {
        if self.open.len() >= DEEPEST {
            let (Open::List { at, .. } | Open::Map { at, .. }) = open;
            self.refuse(at, "too-deep", "lists and maps lie too deep in each other here", "");
            return Err(());
        }
        self.open.push(open);
        Ok(())
    }

    /// A list or map is complete. In brackets on one line, its place is all of it.
    fn close(&mut self, end: &Position) {
        let stretch =
            |at: Position| if end.line == at.line && end.end > at.end { Position { end: end.end, ..at } } else { at };
        match self.open.pop() {
            Some(Open::List { at, items }) => self.node(Node { at: stretch(at), value: Value::List(items) }),
            Some(Open::Map { at, map, .. }) => self.node(Node { at: stretch(at), value: Value::Map(map) }),
            None => {}
        }
    }

    /// A value is complete: it is the whole, an item, a key, or what stands behind one.
    fn node(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { map, key, .. }) => match key.take() {
                Some((key, at)) => {
                    let again = at.clone();
                    if let Err(first) = map.add(Entry { key: key.clone(), at, value: node }) {
                        let message = format!("`{key}` is written twice; the first is on line {}", first.line);
                        self.refuse(again, "duplicate-key", &message, "keep one of them");
                    }
                }
                None => self.key(node),
            },
        }
    }

    fn key(&mut self, node: Node) {
        let at = node.at.clone();
        let text = match node.value {
            Value::Scalar { text, plain } if text == "<<" && plain => {
                self.refuse(at.clone(), "merge-key", "merge keys (`<<`) are not taken", "write the keys out");
                text
            }
            Value::Scalar { text, .. } => text,
            Value::Refused => String::new(),
            Value::Nothing | Value::List(_) | Value::Map(_) => {
                self.refuse(at.clone(), "bad-key", "a key must be a word", "");
                String::new()
            }
        };
        if let Some(Open::Map { key, .. }) = self.open.last_mut() {
            *key = Some((text, at));
        }
    }

    /// One finding for all anchors and aliases: a file that is made of them would give as many.
    fn alias(&mut self, at: Position) {
        if !std::mem::replace(&mut self.aliased, true) {
            self.refuse(at, "alias", "anchors (`&`) and aliases (`*`) are not taken", "write the value out");
        }
    }

    fn refuse(&mut self, at: Position, code: &'static str, message: &str, hint: &str) {
        self.findings.push(told(at, code, message, hint));
    }

    /// The place of a span, up to the end of its first line.
    fn place(&self, span: &Span) -> Position {
        let range = span.byte_range().unwrap_or(self.text.len()..self.text.len());
        let start = range.start.min(self.text.len());
        let first_line = self.text.get(start..range.end).and_then(|text| text.lines().next()).unwrap_or_default();
        Position {
            start,
            end: start + first_line.trim_end().len(),
            line: span.start.line().max(1),
            column: span.start.col() + 1,
        }
    }
}
