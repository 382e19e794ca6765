//! What may be secret in a spec: values that AWS takes in plain text. The API marks hardly any of them.

use crate::shape::{Path, Segment, Tree};

/// Members whose values are never shown.
pub const MEMBERS: [&str; 5] = ["environment", "command", "entryPoint", "options", "dockerLabels"];

/// Shorter values can't be told from ordinary words.
const LENGTH_MIN: usize = 4;

/// Whether what stands at this path may be secret.
pub fn is_secret(path: &Path) -> bool {
    let named = |segment: &Segment| matches!(segment, Segment::Name(name) if MEMBERS.contains(&name.as_str()));
    path.0.iter().any(named)
}

/// Whether a member that may be secret stands anywhere in it.
pub fn holds(tree: &Tree) -> bool {
    match tree {
        Tree::Map(map) => map.iter().any(|(name, value)| MEMBERS.contains(&name.as_str()) || holds(value)),
        Tree::List(items) => items.iter().any(holds),
        _ => false,
    }
}

/// A text without the secret values of this spec: an error of AWS's may repeat what was sent.
pub fn redact(spec: &Tree, text: &str) -> String {
    let mut values = Vec::new();
    collect(spec, false, &mut values);
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values.into_iter().fold(text.to_owned(), |text, value| text.replace(value, "(redacted)"))
}

fn collect<'a>(tree: &'a Tree, secret: bool, values: &mut Vec<&'a str>) {
    match tree {
        // The name of a variable is no secret, and stands in many a message.
        Tree::Map(map) => map.iter().filter(|(name, _)| name.as_str() != "name").for_each(|(name, value)| {
            collect(value, secret || MEMBERS.contains(&name.as_str()), values);
        }),
        Tree::List(items) => items.iter().for_each(|item| collect(item, secret, values)),
        Tree::Text(text) if secret && text.len() >= LENGTH_MIN => values.push(text),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn secrets_are_taken_out_and_the_rest_stays() {
        let container = tree! {
            "name" => "web", "image" => "nginx",
            "environment" => vec![tree! { "name" => "TOKEN", "value" => "hunter2" }],
            "command" => vec!["serve", "--key=s3cret"],
        };
        let spec = tree! { "containerDefinitions" => vec![container] };
        let said = redact(&spec, "nginx: TOKEN=hunter2 in serve --key=s3cret");
        assert_eq!(said, "nginx: TOKEN=(redacted) in (redacted) (redacted)");
    }
}
