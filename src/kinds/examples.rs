//! Every row of the normaliser by an example: `RULE PLACE | spec | what AWS shows | a spec that is not the same`.
//!
//! The trees stand for the structure around the place, or for the whole where a `/` precedes them. Without its row the
//! first two would differ: an example shows that the row is needed, and its neighbour that it takes nothing more.

use crate::shape::{Path, Segment, Tree, json};

use super::diff::{Difference, diff};
use super::normalise::{self, Row, Rule};
use super::{Definition, Kind, definition};

const OF: [(Kind, &str); 4] = [
    (Kind::Cluster, include_str!("examples/cluster.txt")),
    (Kind::SecurityGroup, include_str!("examples/security_group.txt")),
    (Kind::TaskDefinition, include_str!("examples/task_definition.txt")),
    (Kind::Service, include_str!("examples/service.txt")),
];

/// What ECS was seen to read back for what was declared, as it was and as it is: `KIND | spec | shown | drifted`. From
/// recordings of live services and task definitions.
const RECORDED: &str = include_str!("examples/recorded.txt");

struct Example {
    head: &'static str,
    spec: Tree,
    shown: Tree,
    other: Tree,
}

fn examples(text: &'static str) -> impl Iterator<Item = Example> {
    text.lines().map(|line| {
        let parts: Vec<&'static str> = line.split(" | ").collect();
        let [head, spec, shown, other] = parts.as_slice() else { panic!("not in four parts: {line}") };
        let (spec, whole) = spec.strip_prefix('/').map_or((*spec, false), |spec| (spec, true));
        let around = head.split_once(' ').and_then(|(_, at)| at.rsplit_once('.')).filter(|_| !whole);
        let tree = |text: &str| {
            let tree = json::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
            around.map_or(tree.clone(), |(parent, _)| within(parent, tree))
        };
        Example { head, spec: tree(spec), shown: tree(shown), other: tree(other) }
    })
}

/// The structure in its place in a whole.
fn within(parent: &str, tree: Tree) -> Tree {
    parent.split('.').rev().fold(tree, |tree, segment| match segment.strip_suffix("[]") {
        Some(list) => Tree::map().with(list, vec![tree]),
        None => Tree::map().with(segment, tree),
    })
}

fn compare(rows: &[Row], spec: &Tree, shown: &Tree) -> Vec<Difference> {
    let (desired, observed) = normalise::canonical(rows, spec, shown);
    diff(&desired, &observed)
}

#[test]
fn every_row_has_an_example_that_needs_it_and_a_neighbour_that_differs() {
    for (kind, text) in OF {
        let Definition { rows, .. } = definition(kind);
        let all: Vec<Example> = examples(text).collect();
        for (index, row) in rows.iter().enumerate() {
            let head = format!("{} {}", row.rule.word(), row.at);
            let of_row: Vec<&Example> = all.iter().filter(|example| example.head == head).collect();
            assert!(!of_row.is_empty(), "{kind}: no example of: {head}");
            let without: Vec<Row> =
                rows.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, row)| *row).collect();
            for Example { spec, shown, other, .. } in of_row {
                assert_eq!(compare(rows, spec, shown), [], "{kind} {head}");
                // An empty list is no difference; it is there to be sent.
                let needed = match row.rule {
                    Rule::Absent(normalise::Default::EmptyList) => {
                        normalise::filled(&without, spec) != normalise::filled(rows, spec)
                    }
                    _ => !compare(&without, spec, shown).is_empty(),
                };
                assert!(needed, "{kind} {head}: the row is not needed");
                assert_ne!(compare(rows, other, shown), [], "{kind} {head}: the neighbour is the same");
            }
        }
        let heads: Vec<String> = rows.iter().map(|row| format!("{} {}", row.rule.word(), row.at)).collect();
        for Example { head, .. } in all {
            assert!(heads.iter().any(|one| one == head), "{kind}: an example of no row: {head}");
        }
    }
}

#[test]
fn what_ecs_was_seen_to_read_back_is_no_difference() {
    let all: Vec<Example> = examples(RECORDED).collect();
    assert!(all.len() >= 20);
    for Example { head, spec, shown, other } in all {
        let definition = definition(Kind::parse(head).unwrap());
        assert_eq!(definition.differences(&spec, &shown), [], "{head} {}", json::write(&shown));
        assert_ne!(definition.differences(&spec, &other), [], "{head} {}", json::write(&other));
        assert!(!definition.is_same(&spec, &other), "{head} {}", json::write(&other));
    }
}

#[test]
fn order_that_means_something_is_compared() {
    let container = |member: &str, items: [&str; 2]| {
        let list = Tree::map().with(member, items.to_vec()).with("name", "c");
        Tree::map().with("containerDefinitions", vec![list])
    };
    let definition = definition(Kind::TaskDefinition);
    for member in ["command", "entryPoint", "dnsServers", "dnsSearchDomains"] {
        let found = definition.differences(&container(member, ["a", "b"]), &container(member, ["b", "a"]));
        let path = ["containerDefinitions", "c", member].map(|name| Segment::Name(name.to_owned()));
        assert_eq!(found.iter().map(|one| one.path.clone()).collect::<Vec<_>>(), [Path(path.to_vec())]);
    }
}

/// One content is registered once: a revision that says the same in other words, and carries another hash, is taken for
/// what it is; its neighbour is registered.
#[test]
fn what_a_row_makes_equal_is_not_registered_again() {
    use crate::kinds::{Key, Object, Observed, Place, tags};
    use crate::plan::{Answers, Facts, Resolution, plan};
    use crate::shape::Time;
    let us = tags::Ownership { owner: "us".into(), source: "test".into() };
    let place = Place { account: "1".into(), region: "r".into() };
    let key = Key::new(place, None, Kind::TaskDefinition, "web".into());
    let operations = |spec: &Tree, shown: &Tree| {
        let spec = spec.clone().with("family", "web");
        let (lookup, reconcile, origin) = Default::default();
        let object = Object { key: key.clone(), spec, lookup, reconcile, origin };
        let arn = "arn:aws:ecs:r:1:task-definition/web:1";
        let live = shown.clone().with("status", "ACTIVE").with("revision", 1).with("taskDefinitionArn", arn);
        let all = vec![tags::tag(tags::OWNER, "us/test"), tags::tag(tags::CONTENT, "by other rules")];
        let answer = Tree::map().with("taskDefinition", live.with("family", "web")).with("tags", all);
        let task_definitions = [("web".to_owned(), Observed::Present(answer))].into();
        let facts = Facts {
            us: &us,
            former: None,
            observed: &Observed::Absent,
            date: Time(0),
            cluster: &Observed::Absent,
            cluster_declared: false,
            task_definition: Resolution::NotNeeded,
            held: None,
            grace: std::time::Duration::ZERO,
            answers: &Answers { task_definitions, ..Answers::default() },
            before: &crate::plan::Before::default(),
        };
        let plan = plan(&object, &facts).unwrap();
        plan.steps.iter().map(|step| step.call.operation).collect::<Vec<_>>()
    };
    let Some((_, text)) = OF.iter().find(|(kind, _)| *kind == Kind::TaskDefinition) else { panic!() };
    // What AWS alone writes is in no manifest.
    let rows = definition(Kind::TaskDefinition).rows.iter().filter(|row| !matches!(row.rule, Rule::Owned));
    let rows: Vec<String> = rows.map(|row| format!("{} {}", row.rule.word(), row.at)).collect();
    let mut seen = 0;
    for Example { head, spec, shown, other } in
        examples(text).filter(|example| rows.iter().any(|row| row == example.head))
    {
        assert_eq!(operations(&spec, &shown), Vec::<&str>::new(), "{head}");
        assert_eq!(operations(&other, &shown), ["RegisterTaskDefinition"], "{head}");
        seen += 1;
    }
    assert!(seen >= rows.len(), "{seen} examples of {} rows", rows.len());
}
