//! A difference as people read it: one leaf a line, named by the keys of its lists, with its place in the manifest.
//! Must not know: how it is shown.

use std::collections::BTreeSet;

use crate::shape::{Name, Path, Segment, Tree, json};

use super::diff::Difference;
use super::normalise::{self, Row};

/// One leaf that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// `containerDefinitions[web].environment[LOG_LEVEL].value`.
    pub name: String,
    /// In canonical form.
    pub path: Path,
    /// Where the spec has it; `None` where the manifest leaves it out, and AWS's default counts.
    pub declared_at: Option<Path>,
    /// How the spec could say it, where it does not.
    pub addition: Option<Addition>,
    pub observed: Option<Tree>,
    pub desired: Option<Tree>,
}

/// What a spec would need to have a leaf it leaves out.
#[derive(Clone, Debug, PartialEq)]
pub struct Addition {
    /// The deepest structure or list on the way that it has.
    pub below: Path,
    /// The names from there; none where the leaf is another item of the list.
    names: Vec<String>,
    is_item: bool,
}

impl Addition {
    /// The line of YAML that gives the leaf this value.
    pub fn line(&self, value: &Tree) -> String {
        let value = json::write(value);
        match (self.names.split_first(), self.is_item) {
            (None, _) => format!("- {value}"),
            (Some((first, rest)), is_item) => {
                let value = if is_item { format!("[{value}]") } else { value };
                let value = rest.iter().rev().fold(value, |inner, name| format!("{{ {name}: {inner} }}"));
                format!("{first}: {value}")
            }
        }
    }
}

/// The leaves of differences between this spec and what was observed. What a new branch has by default alone is not
/// among them: nobody wrote it.
pub fn leaves(rows: &[Row], spec: &Tree, differences: &[Difference]) -> Vec<Leaf> {
    let mut found = Vec::new();
    for difference in differences {
        let Difference { path, observed, desired } = difference;
        split(path.clone(), observed.as_ref(), desired.as_ref(), &mut |path, observed, desired| {
            let is_branch = path != difference.path;
            let Found { name, at, addition, is_key } = find(rows, spec, &path);
            if !(is_branch && observed.is_none() && at.is_none()) {
                let (observed, desired) = (observed.cloned(), desired.cloned());
                let leaf = Leaf { name, path, declared_at: at, addition, observed, desired };
                found.push((leaf, is_branch && is_key));
            }
        });
    }
    without_told_keys(found)
}

/// The key of a whole item stands in the names of its other leaves; alone it is a leaf.
fn without_told_keys(found: Vec<(Leaf, bool)>) -> Vec<Leaf> {
    let others: BTreeSet<Path> =
        found.iter().filter(|(_, is_key)| !is_key).flat_map(|(leaf, _)| above(&leaf.path)).collect();
    let told = |leaf: &Leaf| others.contains(&leaf.path.parent());
    found.into_iter().filter(|(leaf, is_key)| !(*is_key && told(leaf))).map(|(leaf, _)| leaf).collect()
}

fn above(path: &Path) -> impl Iterator<Item = Path> {
    (1..path.0.len()).map(|depth| Path(path.0.iter().take(depth).cloned().collect()))
}

/// All that a spec declares, as leaves of something new.
pub fn declared(rows: &[Row], spec: &Tree) -> Vec<Leaf> {
    let canonical = normalise::canonical_alone(rows, spec);
    let new = |(name, value): (&Name, &Tree)| Difference {
        path: Path::root().name(name),
        observed: None,
        desired: Some(value.clone()),
    };
    let all: Vec<Difference> = canonical.as_map().into_iter().flatten().map(new).collect();
    leaves(rows, spec, &all).into_iter().filter(|leaf| leaf.declared_at.is_some()).collect()
}

type Each<'a> = dyn FnMut(Path, Option<&Tree>, Option<&Tree>) + 'a;

/// Takes a branch that one side does not have apart; two sides that differ are a leaf already.
fn split(path: Path, observed: Option<&Tree>, desired: Option<&Tree>, each: &mut Each<'_>) {
    let branch = match (observed, desired) {
        (None, Some(Tree::Map(map))) | (Some(Tree::Map(map)), None) if !map.is_empty() => map,
        _ => return each(path, observed, desired),
    };
    for (name, value) in branch {
        let below = path.name(name);
        if desired.is_some() {
            split(below, None, Some(value), each);
        } else {
            split(below, Some(value), None, each);
        }
    }
}

struct Found {
    name: String,
    at: Option<Path>,
    addition: Option<Addition>,
    /// It is what tells an item from the others of its set.
    is_key: bool,
}

/// Follows a canonical path down a spec as it is written: members by name, items of sets by their keys.
fn find(rows: &[Row], spec: &Tree, path: &Path) -> Found {
    // Keys may be defaults; filling them in moves no item.
    let filled = normalise::filled(rows, spec);
    let (mut written, mut complete) = (Some(spec), Some(&filled));
    let (mut pattern, mut name, mut at) = (String::new(), String::new(), Path::root());
    let (mut segments, mut around, mut is_key) = (path.0.iter(), None, false);
    let mut addition = Some(Addition { below: Path::root(), names: Vec::new(), is_item: false });
    while let Some(Segment::Name(member)) = segments.next() {
        let dot = if pattern.is_empty() { "" } else { "." };
        pattern.push_str(&format!("{dot}{member}"));
        name.push_str(&format!("{dot}{member}"));
        at = at.name(member);
        is_key = around.take() == Some([member.as_str()].as_slice());
        (written, complete) = (written.and_then(|tree| tree.get(member)), complete.and_then(|tree| tree.get(member)));
        let items = written.and_then(Tree::as_list).unwrap_or_default();
        if let Some(all) = normalise::named_items(rows, &pattern, items) {
            let Some(Segment::Name(key)) = segments.next() else { break };
            name.push_str(&format!("[{key}]"));
            let index = all.iter().find(|one| one.name == *key).map(|one| one.index);
            return Found { name, at: index.map(|index| at.index(index)), addition: None, is_key: false };
        }
        match (&mut addition, written) {
            (Some(addition), Some(_)) => addition.below = at.clone(),
            (Some(addition), None) => addition.names.push(member.clone()),
            (None, _) => {}
        }
        let Some(keys) = normalise::set_keys(rows, &pattern) else { continue };
        let Some(Segment::Name(key)) = segments.next() else { break };
        pattern.push_str("[]");
        around = Some(keys);
        name.push_str(&format!("[{key}]"));
        let items = complete.and_then(Tree::as_list).unwrap_or_default();
        let index = normalise::item_names(items, keys).iter().position(|item| item == key);
        let index = index.filter(|_| written.is_some());
        at = index.map_or(at.clone(), |index| at.index(index));
        written = index.and_then(|index| written?.as_list()?.get(index));
        complete = index.and_then(|index| items.get(index));
        match (&mut addition, written) {
            (Some(addition), Some(_)) => addition.below = at.clone(),
            // Of an item with members one leaf is not enough.
            (Some(addition), None) if keys.is_empty() => addition.is_item = true,
            (_, None) => addition = None,
            (None, _) => {}
        }
    }
    let addition = addition.filter(|_| written.is_none());
    Found { name, at: written.map(|_| at), addition, is_key }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::{Kind, definition};
    use crate::tree;

    fn found(kind: Kind, spec: &Tree, shown: &Tree) -> Vec<(String, Option<String>)> {
        let definition = definition(kind);
        let leaves = leaves(definition.rows, spec, &definition.differences(spec, shown));
        leaves.into_iter().map(|leaf| (leaf.name, leaf.declared_at.map(|at| at.to_string()))).collect()
    }

    fn at(name: &str, declared: &str) -> (String, Option<String>) {
        (name.to_owned(), (!declared.is_empty()).then(|| declared.to_owned()))
    }

    fn container(name: &str, level: &str) -> Tree {
        let variables = vec![tree! { "name" => "A", "value" => "1" }, tree! { "name" => "LEVEL", "value" => level }];
        let ports = vec![tree! { "containerPort" => 80 }];
        tree! { "name" => name, "image" => "nginx", "environment" => variables, "portMappings" => ports }
    }

    #[test]
    fn a_changed_variable_is_one_leaf_with_its_place() {
        let spec =
            |level: &str| tree! { "containerDefinitions" => vec![container("log", "x"), container("web", level)] };
        let name = "containerDefinitions[web].environment[LEVEL].value";
        let place = "containerDefinitions[1].environment[1].value";
        assert_eq!(found(Kind::TaskDefinition, &spec("info"), &spec("debug")), [at(name, place)]);
    }

    #[test]
    fn a_new_container_is_shown_by_what_is_written_of_it_and_a_gone_one_by_all_it_had() {
        let spec = tree! { "containerDefinitions" => vec![container("web", "info")] };
        let more =
            tree! { "containerDefinitions" => vec![container("web", "info"), tree! { "name" => "b", "image" => "i" }] };
        let image = at("containerDefinitions[b].image", "containerDefinitions[1].image");
        assert_eq!(found(Kind::TaskDefinition, &more, &spec), [image]);
        let gone = found(Kind::TaskDefinition, &spec, &more);
        assert!(gone.contains(&at("containerDefinitions[b].image", "")), "{gone:?}");
        let gone = found(Kind::TaskDefinition, &tree! {}, &spec);
        assert!(gone.contains(&at("containerDefinitions[web].environment[A].value", "")), "{gone:?}");
    }

    #[test]
    fn keys_may_be_defaults_and_items_their_own_keys() {
        let spec = tree! { "containerDefinitions" => vec![container("web", "info")] };
        let declared: Vec<String> = declared(definition(Kind::TaskDefinition).rows, &spec)
            .into_iter()
            .filter_map(|leaf| Some(format!("{} {}", leaf.name, leaf.declared_at?)))
            .collect();
        let port = "containerDefinitions[web].portMappings[80/tcp].containerPort \
                    containerDefinitions[0].portMappings[0].containerPort";
        assert!(declared.contains(&port.to_owned()), "{declared:#?}");
        let network = |subnets: Vec<&str>| {
            tree! { "networkConfiguration" => tree! { "awsvpcConfiguration" => tree! { "subnets" => subnets } } }
        };
        let name = "networkConfiguration.awsvpcConfiguration.subnets[b]";
        let place = "networkConfiguration.awsvpcConfiguration.subnets[1]";
        assert_eq!(found(Kind::Service, &network(vec!["a", "b"]), &network(vec!["a"])), [at(name, place)]);
    }

    #[test]
    fn what_the_manifest_leaves_out_has_no_place() {
        let network = |public: &str| {
            tree! { "networkConfiguration" => tree! { "awsvpcConfiguration" => tree! { "assignPublicIp" => public } } }
        };
        let name = "networkConfiguration.awsvpcConfiguration.assignPublicIp";
        let spec = tree! { "networkConfiguration" => tree! { "awsvpcConfiguration" => tree! { "subnets" => Tree::List(vec![]) } } };
        assert_eq!(found(Kind::Service, &spec, &network("ENABLED")), [at(name, "")]);
    }

    #[test]
    fn what_is_left_out_is_told_with_the_line_that_would_say_it() {
        let network = |inner: Tree| tree! { "networkConfiguration" => tree! { "awsvpcConfiguration" => inner } };
        let shown = network(tree! { "assignPublicIp" => "ENABLED", "securityGroups" => vec!["a", "b"] });
        for (spec, lines) in [
            (
                network(tree! { "securityGroups" => vec!["a"] }),
                vec![
                    ("networkConfiguration.awsvpcConfiguration", "assignPublicIp: \"ENABLED\""),
                    ("networkConfiguration.awsvpcConfiguration.securityGroups", "- \"b\""),
                ],
            ),
            (
                tree! {},
                vec![
                    ("", "networkConfiguration: { awsvpcConfiguration: { assignPublicIp: \"ENABLED\" } }"),
                    ("", "networkConfiguration: { awsvpcConfiguration: { securityGroups: [\"a\"] } }"),
                    ("", "networkConfiguration: { awsvpcConfiguration: { securityGroups: [\"b\"] } }"),
                ],
            ),
        ] {
            let definition = definition(Kind::Service);
            let told = leaves(definition.rows, &spec, &definition.differences(&spec, &shown));
            let lines: Vec<(String, String)> =
                lines.into_iter().map(|(below, line)| (below.to_owned(), line.to_owned())).collect();
            let said = told.iter().filter_map(|leaf| {
                let addition = leaf.addition.as_ref()?;
                Some((addition.below.to_string(), addition.line(leaf.observed.as_ref()?)))
            });
            let said: Vec<_> = said.collect();
            assert_eq!(said, lines);
        }
    }
}
