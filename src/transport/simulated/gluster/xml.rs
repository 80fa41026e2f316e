//! The envelope and the indentation of `gluster --xml`.

use std::fmt::Display;

use crate::model::Output;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// An XML text in the making.
pub struct Xml {
    text: String,
    depth: usize,
}

impl Xml {
    /// A document whose root is `cliOutput`.
    pub fn document(fill: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self { text: HEAD.to_owned(), depth: 0 };
        xml.element("cliOutput", fill);
        xml.text
    }

    /// An element that holds what `fill` writes; an empty one closes itself.
    pub fn element(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.element_with(name, "", fill);
    }

    /// The same with attributes.
    pub fn element_with(&mut self, name: &str, attributes: &str, fill: impl FnOnce(&mut Self)) {
        self.indent();
        let start = self.text.len();
        self.text += &["<", name, attributes, ">\n"].concat();
        let filled = self.text.len();
        self.depth += 1;
        fill(self);
        self.depth -= 1;
        if self.text.len() == filled {
            self.text.truncate(start);
            self.text += &["<", name, attributes, "/>\n"].concat();
        } else {
            self.indent();
            self.text += &["</", name, ">\n"].concat();
        }
    }

    /// An element with a text.
    pub fn leaf(&mut self, name: &str, value: impl Display) {
        self.leaf_with(name, "", value);
    }

    /// The same with attributes.
    pub fn leaf_with(&mut self, name: &str, attributes: &str, value: impl Display) {
        let value = escape(&value.to_string());
        if value.is_empty() {
            self.line(&format!("<{name}{attributes}/>"));
        } else {
            self.line(&format!("<{name}{attributes}>{value}</{name}>"));
        }
    }

    /// A line as it is.
    pub fn line(&mut self, line: &str) {
        self.indent();
        self.text += line;
        self.text.push('\n');
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.depth));
    }

    /// The three elements by which every answer is judged.
    pub fn verdict(&mut self, ret: i32, errno: i32, error: &str) {
        self.leaf("opRet", ret);
        self.leaf("opErrno", errno);
        self.leaf("opErrstr", error);
    }
}

/// `value` as text of an element.
pub fn escape(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An answer: exit status 0 whatever the verdict.
pub fn answer(ret: i32, errno: i32, error: &str, fill: impl FnOnce(&mut Xml)) -> Output {
    let stdout = Xml::document(|xml| {
        xml.verdict(ret, errno, error);
        fill(xml);
    });
    Output { status: 0, stdout, stderr: String::new() }
}

/// Success with what `fill` adds.
pub fn accepted(fill: impl FnOnce(&mut Xml)) -> Output {
    answer(0, 0, "", fill)
}

/// Success of an operation that names itself and says a word.
pub fn accepted_operation(operation: &str, word: &str) -> Output {
    accepted(|xml| {
        xml.leaf("cliOp", operation);
        xml.leaf("output", word);
    })
}

/// A refusal without a body.
pub fn refused(error: &str) -> Output {
    answer(-1, 30800, error, |_| {})
}

/// A refusal of an operation that names itself; most of them say the error twice.
pub fn refused_operation(errno: i32, error: &str, operation: &str, word: &str) -> Output {
    answer(-1, errno, error, |xml| {
        xml.leaf("cliOp", operation);
        xml.leaf("output", word);
    })
}
