//! Whose text is this: kind and name of a document that cannot be read properly.
//!
//! Must not know: kinds. A wrong answer here could delete what a broken document still describes, so when in doubt the
//! answer is "could be anything".

use crate::shape::Tree;

/// Kind and name of a document, as far as they can be told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    pub kind: String,
    pub name: String,
}

/// From a tree that has faults elsewhere.
pub(super) fn of_tree(tree: &Tree) -> Option<Identity> {
    let kind = tree.text("kind")?;
    let name = tree.at(&["metadata", "name"])?.as_text()?;
    certain(kind, name)
}

/// From text that no parser gets through: the only `kind` and the first `name` below the only `metadata`, in YAML's
/// block style or in JSON.
pub(super) fn of_text(text: &str) -> Option<Identity> {
    let outer = text.lines().filter_map(member).map(|member| member.indent).min()?;
    let (mut kinds, mut metadata, mut names) = (Vec::new(), 0, Vec::new());
    // Inside metadata: the indentation of its members, once it is known.
    let (mut inside, mut inner) = (false, None);
    for member in text.lines().filter_map(member) {
        if member.indent == outer {
            inside = member.name == "metadata";
            inner = None;
        } else if inside && member.name == "name" && *inner.get_or_insert(member.indent) == member.indent {
            names.push(scalar(member.value)?);
        } else if inside {
            inner.get_or_insert(member.indent);
        }
        match member.name {
            "kind" if member.indent == outer => kinds.push(scalar(member.value)?),
            "metadata" if member.indent == outer => {
                metadata += 1;
                names.extend(flow_name(member.value));
            }
            _ => {}
        }
    }
    match (kinds.as_slice(), metadata, names.as_slice()) {
        ([kind], 1, [name]) => certain(kind, name),
        _ => None,
    }
}

/// The name in `{ name: web, cluster: prod }`; nothing when there are braces inside.
fn flow_name(value: &str) -> Option<String> {
    let inside = value.strip_prefix('{').filter(|inside| !inside.contains('{'))?;
    let mut names = inside.split([',', '}']).filter_map(member).filter(|inner| inner.name == "name");
    names.next().and_then(|inner| scalar(inner.value))
}

struct Member<'a> {
    indent: usize,
    name: &'a str,
    value: &'a str,
}

fn member(line: &str) -> Option<Member<'_>> {
    let bare = line.trim_start_matches([' ', '\t', '{', ',']);
    let indent = line.chars().take_while(|letter| *letter == ' ').count();
    let (name, value) = bare.split_once(':')?;
    let name = name.trim().trim_matches(['"', '\'']);
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then_some(Member { indent, name, value: value.trim() })
}

/// A plain or quoted scalar of the letters that names are made of.
fn scalar(value: &str) -> Option<String> {
    let value = value.split(" #").next()?.trim().trim_end_matches([',', '}']).trim();
    let bare = value.trim_matches(['"', '\'']);
    let plain = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
    plain.then(|| bare.to_owned())
}

/// With a variable in it, a name could be any.
fn certain(kind: &str, name: &str) -> Option<Identity> {
    let plain = !kind.is_empty() && !name.is_empty() && !kind.contains("${") && !name.contains("${");
    plain.then(|| Identity { kind: kind.to_owned(), name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_who_a_broken_text_is_only_when_it_is_certain() {
        let web = Some(("Service", "web"));
        for (text, wanted) in [
            ("apiVersion: x\nkind: Service\nmetadata:\n  name: web\nspec: [\n", web),
            ("kind: Service # the web\nmetadata: { name: \"web\", cluster: prod }\nspec: [\n", web),
            ("metadata: {cluster: prod, name: 'web'}\nkind: 'Service'\n\tx", web),
            ("{\n  \"kind\": \"Service\",\n  \"metadata\": {\n    \"name\": \"web\"\n  },\n  \"spec\": [\n", web),
            ("{\"kind\": \"Service\", \"metadata\": {\"name\": \"web\"}, \"spec\": [", None),
            ("kind: Service\nmetadata:\n  name: web-${var.X}\nspec: [\n", None),
            ("kind: Service\nmetadata:\n  name: web\nkind: Service\nmetadata:\n  name: api\n", None),
            ("kind: Service\nspec:\n  name: web\n  x: [", None),
            ("kind: Service\nmetadata:\n  labels: [\n", None),
            ("kind: Service\nmetadata:\n  labels:\n    name: other\n  name: web\nspec: [\n", web),
            ("kind: Service\nmetadata: { labels: { name: other } }\nspec: [\n", None),
            ("]", None),
        ] {
            let wanted = wanted.map(|(kind, name)| Identity { kind: kind.into(), name: name.into() });
            assert_eq!(of_text(text), wanted, "{text}");
        }
    }
}
