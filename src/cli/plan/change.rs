//! One change in words: its symbol, its values as far as they are shown, its note.

use crate::cli::Terminal;
use crate::cli::ink::{shorten, signs};
use crate::shape::{Tree, json, plain};

use super::{Accept, Change, Place, Sort, Value, What};

/// How a leaf changes, as a symbol and in words.
impl Change {
    pub(super) fn symbol(&self) -> &'static str {
        match self.change {
            Sort::Added => "+",
            Sort::Removed => "-",
            Sort::Changed => "~",
        }
    }

    /// An item that is its own key has said all with its path: `subnets[subnet-1]`.
    fn is_named_by_value(&self) -> bool {
        let named = |value: &Value| {
            value.shown().and_then(Tree::as_text).is_some_and(|text| self.path.ends_with(&format!("[{text}]")))
        };
        match (&self.before, &self.after) {
            (Some(only), None) | (None, Some(only)) => named(only),
            _ => false,
        }
    }

    /// What it does, and where it is from; only the latter for what is new as a whole.
    pub(super) fn note(&self) -> String {
        let does = match self.effect {
            What::Create | What::Register => None,
            What::Tag => Some("tag"),
            What::Adopt => Some("makes it ours"),
            What::InPlace => Some("in place"),
            What::Deploy => Some("starts a deployment"),
            What::Replace => Some("forces replacement"),
        };
        let from = match &self.origin {
            Some(Place { file, line, column }) => Some(format!("{}:{line}:{column}", plain(file))),
            None if self.declared => None,
            None if self.after.is_none() && !self.known_after_apply => Some("undeclared".to_owned()),
            None if self.before.is_some() => Some("undeclared: has left its default".to_owned()),
            None => Some("not in the manifest: the default".to_owned()),
        };
        let held = (!self.planned).then(|| "held back".to_owned());
        held.into_iter().chain(does.map(str::to_owned)).chain(from).collect::<Vec<_>>().join(", ")
    }

    /// `before → after`, each at most so many characters.
    pub(super) fn values(&self, terminal: &Terminal, most: usize) -> String {
        if self.is_named_by_value() {
            return String::new();
        }
        let arrow = arrow(terminal);
        if let (Some(before), Some(after)) = (&self.before_hash, &self.after_hash) {
            let ellipsis = signs(terminal).ellipsis;
            return format!("{CHANGED}{before}{ellipsis} {arrow} {after}{ellipsis}");
        }
        let shown = |value: &Value| match value {
            Value::Shown(value) => shorten(terminal, &json::write(value), most),
            Value::Secret => SECRET.to_owned(),
        };
        let after = match &self.after {
            _ if self.known_after_apply => Some("(known after apply)".to_owned()),
            after => after.as_ref().map(shown),
        };
        match (self.before.as_ref().map(shown), after) {
            (Some(before), Some(after)) => format!("{before} {arrow} {after}"),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => String::new(),
        }
    }

    /// What stands around the values, in columns.
    pub(super) fn frame(&self, terminal: &Terminal) -> usize {
        arrow(terminal).len()
    }

    /// How to make it what is declared, where it is not to be reverted.
    pub(super) fn hint(&self) -> Option<String> {
        let Accept { line, below, origin } = self.accept.as_ref()?;
        let place =
            origin.as_ref().map_or(String::new(), |Place { file, line, .. }| format!(" ({}:{line})", plain(file)));
        Some(format!("to keep it, add to {below}{place}: {line}"))
    }
}

fn arrow(terminal: &Terminal) -> &'static str {
    if terminal.unicode { "→" } else { "->" }
}

/// What stands in place of a value that may be secret.
const SECRET: &str = "(secret)";
const CHANGED: &str = "changed sha256:";
