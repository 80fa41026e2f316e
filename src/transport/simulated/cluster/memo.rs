//! What is worked out from something once and kept beside it, because time asks for it twice a second.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::config::Config;
use super::element::Element;

/// What was worked out, if it was. It is no part of what it lies beside: of two equal things, one may have it already.
#[derive(Clone, Debug)]
pub struct Memo<T>(OnceLock<Arc<T>>);

impl<T> Memo<T> {
    /// What was worked out, or is now.
    pub fn or_work_out(&self, work: impl FnOnce() -> T) -> &Arc<T> {
        self.0.get_or_init(|| Arc::new(work()))
    }
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> PartialEq for Memo<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Memo<T> {}

/// A configuration as it is written, with what Pacemaker makes of it. All who have the same share it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Written {
    element: Arc<Element>,
    #[serde(skip)]
    config: Memo<Config>,
}

impl Written {
    /// What Pacemaker makes of it.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(self.config.or_work_out(|| Config::read(&self.element)))
    }
}

impl From<Element> for Written {
    fn from(element: Element) -> Self {
        Self { element: Arc::new(element), config: Memo::default() }
    }
}

impl Deref for Written {
    type Target = Element;

    fn deref(&self) -> &Element {
        &self.element
    }
}

impl DerefMut for Written {
    fn deref_mut(&mut self) -> &mut Element {
        self.config = Memo::default();
        Arc::make_mut(&mut self.element)
    }
}
