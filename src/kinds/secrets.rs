//! What may be secret in a spec: values that AWS takes in plain text. The API marks hardly any of them.

use std::borrow::Cow;

use crate::shape::{Path, Segment, Tree};

/// Members whose values are never shown, wherever they stand.
pub const MEMBERS: [&str; 6] = ["environment", "command", "entryPoint", "options", "dockerLabels", "driverOpts"];
/// Members whose values are never shown where they stand in this other one.
pub const MEMBERS_IN: [(&str, &str); 2] =
    [("dockerVolumeConfiguration", "labels"), ("proxyConfiguration", "properties")];
/// Lists of what has a name and a value: the name is no secret, and tells a reader which of them is meant.
const NAMED: [&str; 3] = ["environment", "properties", "secrets"];
const NAME: &str = "name";

/// Shorter values can't be told from ordinary words.
const LENGTH_MIN: usize = 4;
/// Labels that tell the embedded cloud what to do; its reasons are their words.
const SIMULATED: &str = "ecs-operator.sim/";
/// What stands in place of a value.
const REDACTED: &str = "(redacted)";

/// Whether values below a member may be secret; `within` is the member around it.
pub fn is_member(within: Option<&str>, name: &str) -> bool {
    MEMBERS.contains(&name) || within.is_some_and(|within| MEMBERS_IN.contains(&(within, name)))
}

/// Whether what stands at this path may be secret.
pub fn is_secret(path: &Path) -> bool {
    let mut within = None;
    path.0.iter().any(|segment| {
        let Segment::Name(name) = segment else { return false };
        is_member(within.replace(name.as_str()), name)
    })
}

/// Whether this is the path of a variable's name.
pub fn is_name(path: &Path) -> bool {
    match path.0.as_slice() {
        [.., Segment::Name(list), Segment::Index(_), Segment::Name(name)] => {
            name == NAME && NAMED.contains(&list.as_str())
        }
        _ => false,
    }
}

/// Whether a member that may be secret stands anywhere in it.
pub fn holds(tree: &Tree) -> bool {
    holds_within(None, tree)
}

fn holds_within(within: Option<&str>, tree: &Tree) -> bool {
    match tree {
        Tree::Map(map) => map.iter().any(|(name, value)| is_member(within, name) || holds_within(Some(name), value)),
        Tree::List(items) => items.iter().any(|item| holds_within(None, item)),
        _ => false,
    }
}

/// A text without the secret values of this spec: what AWS says may repeat what was sent.
pub fn redact(spec: &Tree, text: &str) -> String {
    let mut values = Vec::new();
    collect(spec, None, false, &mut values);
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let text = values.iter().fold(text.to_owned(), |text, value| text.replace(value.as_ref(), REDACTED));
    without_cut_value(&values, text)
}

/// Reasons are cut at a length: a value may stand at the end by its beginning alone.
fn without_cut_value(values: &[Cow<'_, str>], text: String) -> String {
    let bare = text.trim_end_matches(['.', '…', ' ']);
    let cut = |value: &Cow<'_, str>| {
        let beginnings = value.char_indices().map(|(at, _)| at).filter(|at| *at >= 2 * LENGTH_MIN).rev();
        beginnings.filter_map(|at| value.get(..at)).find(|beginning| bare.ends_with(beginning)).map(str::len)
    };
    match values.iter().filter_map(cut).max() {
        Some(length) => {
            let (kept, rest) = (bare.len() - length, text.get(bare.len()..).unwrap_or_default());
            format!("{}{REDACTED}{rest}", text.get(..kept).unwrap_or_default())
        }
        None => text,
    }
}

fn collect<'a>(tree: &'a Tree, within: Option<&str>, secret: bool, values: &mut Vec<Cow<'a, str>>) {
    match tree {
        Tree::Map(map) => map
            .iter()
            .filter(|(name, _)| !name.starts_with(SIMULATED))
            .for_each(|(name, value)| collect(value, Some(name), secret || is_member(within, name), values)),
        Tree::List(items) => {
            let named = within.is_some_and(|within| NAMED.contains(&within));
            for item in items {
                match item {
                    Tree::Map(map) if named => map
                        .iter()
                        .filter(|(name, value)| !(name.as_str() == NAME && value.as_text().is_some()))
                        .for_each(|(name, value)| collect(value, Some(name), secret, values)),
                    item => collect(item, None, secret, values),
                }
            }
        }
        Tree::Text(text) if secret && text.len() >= LENGTH_MIN => {
            // A shell complains of one line, and many a message has its words in quotes.
            let lines = text.lines().map(str::trim).filter(|line| line.len() >= 2 * LENGTH_MIN && *line != &**text);
            for value in std::iter::once(&**text).chain(lines) {
                values.push(Cow::Borrowed(value));
                let escaped = format!("{value:?}");
                let bare = escaped.get(1..escaped.len() - 1).filter(|bare| *bare != value);
                values.extend(bare.map(|bare| Cow::Owned(bare.to_owned())));
            }
        }
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

    #[test]
    fn only_the_name_of_a_variable_is_harmless() {
        let labels = tree! { "name" => "hunter2" };
        let driver = tree! { "options" => tree! { "name" => "s3cret" } };
        let spec =
            tree! { "containerDefinitions" => vec![tree! { "dockerLabels" => labels, "logConfiguration" => driver }] };
        assert_eq!(redact(&spec, "hunter2 and s3cret"), "(redacted) and (redacted)");
    }

    #[test]
    fn members_that_are_secret_only_in_their_place_are_known() {
        let volume = tree! {
            "driverOpts" => tree! { "o" => "password=hunter2" }, "labels" => tree! { "a" => "s3cret" },
        };
        let proxy = vec![tree! { "name" => "IgnoredUID", "value" => "1337" }];
        let spec = tree! {
            "volumes" => vec![tree! { "dockerVolumeConfiguration" => volume }],
            "proxyConfiguration" => tree! { "properties" => proxy },
        };
        assert!(holds(&spec));
        let said = redact(&spec, "IgnoredUID 1337, password=hunter2, s3cret");
        assert_eq!(said, "IgnoredUID (redacted), (redacted), (redacted)");
        for (path, secret) in [
            ("volumes.data.dockerVolumeConfiguration.labels.a", true),
            ("volumes.data.dockerVolumeConfiguration.driverOpts.o", true),
            ("proxyConfiguration.properties.IgnoredUID.value", true),
            ("metadata.labels.a", false),
            ("volumes.data.name", false),
        ] {
            assert_eq!(is_secret(&Path::from(path)), secret, "{path}");
        }
    }

    #[test]
    fn values_are_found_quoted_line_by_line_and_cut_off() {
        let script = "set -e\necho \"hunter2secret\"";
        let spec = tree! { "command" => vec![script] };
        for said in
            ["exec: \"echo \\\"hunter2secret\\\"\"", "line 2: echo \"hunter2secret\"", "exec: set -e\necho \"hunt…"]
        {
            assert!(!redact(&spec, said).contains("hunt"), "{}", redact(&spec, said));
        }
    }
}
