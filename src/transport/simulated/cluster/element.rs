//! XML as Pacemaker keeps and prints it: elements with attributes in their order, two spaces a level. What it keeps has
//! no text; in what it prints, an element with a text has nothing else.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// Its attributes in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<(String, String)>,
    /// What it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Element>,
    /// Its text, if it is to be printed with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Element {
    /// An element without anything.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// An element with a text.
    #[must_use]
    pub fn text(name: &str, text: &str) -> Self {
        Self { text: Some(text.to_owned()), ..Self::new(name) }
    }

    /// The same with one attribute more.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "what is written is made on the spot")]
    pub fn with(mut self, name: &str, value: impl Display) -> Self {
        self.attributes.push((name.to_owned(), value.to_string()));
        self
    }

    /// The same with one attribute more, if there is a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The same with these children behind its own.
    #[must_use]
    pub fn holding(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// The value of an attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Its id, or nothing's.
    #[must_use]
    pub fn id(&self) -> &str {
        self.get("id").unwrap_or_default()
    }

    /// Its children of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Its first child of that name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Its first child of that name, made if there is none.
    pub fn child_mut(&mut self, name: &str) -> &mut Self {
        let place = self.children.iter().position(|child| child.name == name).unwrap_or_else(|| {
            self.children.push(Self::new(name));
            self.children.len() - 1
        });
        &mut self.children[place]
    }

    /// It and all below it.
    pub fn walk(&self, visit: &mut impl FnMut(&Self)) {
        visit(self);
        for child in &self.children {
            child.walk(visit);
        }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let document = roxmltree::Document::parse(text).map_err(|error| error.to_string())?;
        Ok(Self::of(document.root_element()))
    }

    fn of(node: roxmltree::Node<'_, '_>) -> Self {
        Self {
            name: node.tag_name().name().to_owned(),
            attributes: node.attributes().map(|at| (at.name().to_owned(), at.value().to_owned())).collect(),
            children: node.children().filter(roxmltree::Node::is_element).map(Self::of).collect(),
            text: None,
        }
    }

    /// The text as Pacemaker's programs print it.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = String::new();
        self.print_below(0, &mut text);
        text
    }

    fn print_below(&self, depth: usize, text: &mut String) {
        let indent = "  ".repeat(depth);
        *text += &indent;
        *text += "<";
        *text += &self.name;
        for (name, value) in &self.attributes {
            *text += &[" ", name, "=\"", &escape(value), "\""].concat();
        }
        if let Some(inner) = &self.text {
            *text += &[">", &escape(inner), "</", &self.name, ">\n"].concat();
            return;
        }
        if self.children.is_empty() {
            *text += "/>\n";
            return;
        }
        *text += ">\n";
        for child in &self.children {
            child.print_below(depth + 1, text);
        }
        *text += &[&indent, "</", &self.name, ">\n"].concat();
    }
}

fn escape(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
