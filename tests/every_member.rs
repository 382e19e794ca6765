//! No false drift, and no drift unseen: over specs with every member that AWS shows. What was created from a spec shows
//! no difference to it, in whatever order and spelling; any change of one member shows that member and nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;
#[path = "every_member/menus.rs"]
mod menus;

use std::cell::RefCell;
use std::collections::BTreeSet;

use common::harness::Rig;
use ecs_operator::aws::{Aws, alone};
use ecs_operator::kinds::normalise::{self, Rule};
use ecs_operator::kinds::{Definition, Difference, Kind, definition, leaf, service};
use ecs_operator::shape::table::{self, Shape};
use ecs_operator::shape::{Call, Path, Segment, Tree};
use ecs_operator::tree;
use menus::{EXCUSED, MENUS, Menu, RUNS, lay, read};
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::test_runner::TestRunner;

fn laid(menu: &Menu, members: &[&str], container: &[&str]) -> Tree {
    let mut spec = read(menu.base);
    members.iter().for_each(|members| lay(&mut spec, members));
    if let Some(Tree::List(containers)) = spec.as_map_mut().unwrap().get_mut("containerDefinitions") {
        container.iter().for_each(|members| lay(&mut containers[0], members));
    }
    spec.with(definition(menu.kind).name_member, "it")
}

/// A world in which the menus' specs can be realised.
async fn world() -> Aws {
    let aws = Rig::new(1).person();
    let cluster = tree! { "clusterName" => "prod", "capacityProviders" => vec!["FARGATE", "FARGATE_SPOT"] };
    aws.write(&Call::ecs("CreateCluster", cluster), alone).await.unwrap();
    for (family, text) in RUNS {
        aws.write(&Call::ecs("RegisterTaskDefinition", read(text).with("family", *family)), alone).await.unwrap();
    }
    aws
}

/// What AWS shows of what was created from the spec, through the SDK; its words where it refuses.
async fn realised(kind: Kind, spec: &Tree) -> Result<Tree, String> {
    let aws = world().await;
    let Definition { create, describe, .. } = definition(kind);
    let in_cluster = kind == Kind::Service;
    let place = |input: Tree| input.with_some("cluster", in_cluster.then_some("prod"));
    aws.write(&Call::ecs(create, place(spec.clone())), alone).await.map_err(|error| error.to_string())?;
    let names = if describe.limit == 1 { Tree::from("it") } else { Tree::from(vec!["it"]) };
    let ask = place(Tree::map().with(describe.names, names).with("include", describe.include.to_vec()));
    let answer = aws.read(&Call::ecs(describe.operation, ask)).await.unwrap().tree;
    let shown = answer.get(describe.answer).unwrap();
    let shown = shown.as_list().map_or(shown, |items| &items[0]);
    Ok(if in_cluster { service::shown(shown).into_owned() } else { shown.clone() })
}

fn virtually<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(work)
}

/// The differences; where a glance sees none there are none.
fn differences(definition: &Definition, spec: &Tree, shown: &Tree) -> Vec<Difference> {
    let found = definition.differences(spec, shown);
    assert!(found.is_empty() || !definition.is_same(spec, shown), "{}: {found:?} of {spec:?}", definition.kind);
    found
}

fn paths(definition: &Definition, spec: &Tree, shown: &Tree) -> Vec<String> {
    differences(definition, spec, shown).iter().map(|one| one.path.to_string()).collect()
}

/// The places of a tree's leaves, lists' items all alike.
fn places(tree: &Tree, at: &str, found: &mut BTreeSet<String>) {
    match tree {
        Tree::Map(map) => {
            for (name, value) in map {
                places(value, &if at.is_empty() { name.to_string() } else { format!("{at}.{name}") }, found);
            }
        }
        Tree::List(items) => items.iter().for_each(|item| places(item, &format!("{at}[]"), found)),
        _ => drop(found.insert(at.to_owned())),
    }
}

/// The places of a shape's leaves; below a free map there is one, and below a document none.
fn all_places(shape: &str, at: &str, found: &mut BTreeSet<String>) {
    match &table::ecs().shapes[shape] {
        Shape::Structure(structure) => {
            for (name, member) in &structure.members {
                all_places(
                    member.shape,
                    &if at.is_empty() { (*name).to_owned() } else { format!("{at}.{name}") },
                    found,
                );
            }
        }
        Shape::List { item } => all_places(item, &format!("{at}[]"), found),
        _ => drop(found.insert(at.to_owned())),
    }
}

#[test]
fn every_member_that_aws_shows_is_on_a_menu() {
    // EC2 has no menu: what its rules may say in several ways is held by the examples of its rows.
    for kind in Kind::ALL.into_iter().filter(|kind| definition(*kind).service == "ecs") {
        let definition = definition(kind);
        let mut covered = BTreeSet::new();
        for menu in MENUS.iter().filter(|menu| menu.kind == kind) {
            let alone = menu.members.iter().map(|one| laid(menu, &[one], &[]));
            for spec in alone.chain(menu.container.iter().map(|one| laid(menu, &[], &[one]))) {
                let shown = virtually(realised(kind, &spec)).unwrap_or_else(|said| panic!("{}: {said}", menu.name));
                assert_eq!(paths(definition, &spec, &shown), Vec::<String>::new(), "{}: {spec:?}", menu.name);
                places(&spec, "", &mut covered);
            }
        }
        let mut all = BTreeSet::new();
        definition.shown_as.iter().for_each(|shape| all_places(shape, "", &mut all));
        // Of what a deployment shows only what the spec has can be compared.
        all.retain(|at| definition.structure().members.contains_key(at.split(['.', '[']).next().unwrap()));
        let is = |at: &str, prefix: &str| {
            at == prefix || at.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        let excused = |at: &str| EXCUSED.iter().any(|(of, prefix, _)| *of == kind && is(at, prefix));
        // The entries of a free map are below its place.
        let has = |at: &str| covered.iter().any(|one| is(one, at));
        let missing: Vec<&String> = all.iter().filter(|at| !has(at) && !excused(at)).collect();
        assert!(missing.is_empty(), "{kind}: on no menu: {missing:#?}");
        for (_, prefix, _) in EXCUSED.iter().filter(|(of, ..)| *of == kind) {
            assert!(all.iter().any(|at| is(at, prefix)) && !covered.iter().any(|at| is(at, prefix)), "{prefix}");
        }
    }
}

/// Every leaf of a tree, and every item of a list.
fn leaves(tree: &Tree, at: &Path, found: &mut Vec<Path>) {
    match tree {
        Tree::Map(map) => map.iter().for_each(|(name, value)| leaves(value, &at.name(name), found)),
        Tree::List(items) => {
            items.iter().enumerate().for_each(|(index, item)| leaves(item, &at.index(index), found));
        }
        _ => found.push(at.clone()),
    }
}

fn find_mut<'a>(tree: &'a mut Tree, path: &Path) -> &'a mut Tree {
    path.0.iter().fold(tree, |tree, segment| match (segment, tree) {
        (Segment::Name(name), Tree::Map(map)) => map.get_mut(name).unwrap(),
        (Segment::Index(index), Tree::List(items)) => &mut items[*index],
        (segment, tree) => panic!("no {segment:?} in {tree:?}"),
    })
}

fn another(value: &Tree) -> Tree {
    match value {
        Tree::Bool(bool) => Tree::Bool(!bool),
        Tree::Int(int) => Tree::Int(int + 1),
        Tree::Float(float) => Tree::Float(float + 1.0),
        Tree::Text(text) => format!("{text}x").into(),
        other => panic!("no leaf: {other:?}"),
    }
}

/// The set that the leaf is a key in, if it is one.
fn set_of(definition: &Definition, path: &Path) -> Option<Path> {
    let keys = |of: &Path| normalise::set_keys(definition.rows, &normalise::pattern(of));
    match path.0.as_slice() {
        [.., Segment::Index(_)] => Some(path.parent()).filter(|of| keys(of).is_some()),
        [.., Segment::Index(_), Segment::Name(name)] => {
            let of = path.parent().parent();
            keys(&of).is_some_and(|keys| keys.contains(&name.as_str())).then_some(of)
        }
        _ => None,
    }
}

/// Whether a change there can't be seen: AWS alone writes it, or does not show it.
fn is_unseen(definition: &Definition, path: &Path) -> bool {
    let Some(Segment::Name(first)) = path.0.first() else { return true };
    let owned = definition.rows.iter().any(|row| row.at == first && matches!(row.rule, Rule::Owned));
    let shows = |shape: &&str| table::ecs().structure(shape).unwrap().members.contains_key(first.as_str());
    owned || !definition.shown_as.iter().any(shows)
}

/// Any change of one leaf shows that leaf and nothing else, but for what follows from it.
fn one_change_is_one_difference(definition: &Definition, spec: &Tree, shown: &Tree) {
    let mut all = Vec::new();
    leaves(spec, &Path::root(), &mut all);
    for path in all.iter().filter(|path| !is_unseen(definition, path)) {
        let mut changed = spec.clone();
        let value = find_mut(&mut changed, path);
        *value = another(value);
        let found = differences(definition, &changed, shown);
        let told = leaf::leaves(definition.rows, &changed, &found);
        let names: Vec<&str> = told.iter().map(|leaf| leaf.name.as_str()).collect();
        if let Some(set) = set_of(definition, path) {
            // Another key is another item: one comes, one goes.
            let is_item = |one: &Difference| one.path.0.iter().rev().nth(1) == set.0.last();
            assert!(found.len() == 2 && found.iter().all(is_item), "{path}: {names:?}");
            continue;
        }
        let derived = |leaf: &leaf::Leaf| {
            leaf.declared_at.is_none()
                && definition.rows.iter().any(|row| {
                    matches!(row.rule, Rule::Derived(_)) && leaf.name.ends_with(row.at.rsplit('.').next().unwrap())
                })
        };
        let (_, rest): (Vec<_>, Vec<_>) = told.iter().partition(|leaf| derived(leaf));
        let here = |leaf: &&leaf::Leaf| leaf.declared_at.as_ref().is_some_and(|at| path.0.starts_with(&at.0));
        assert!(rest.len() == 1 && rest.iter().all(here), "{path} changed to {:?}: {names:?}", changed.find(path));
    }
}

/// What is taken out of a spec shows at its place, or, being the default, not at all.
fn what_is_left_out_shows_nowhere_else(definition: &Definition, spec: &Tree, shown: &Tree) {
    let mut all = Vec::new();
    leaves(spec, &Path::root(), &mut all);
    for path in all.iter().filter(|path| set_of(definition, path).is_none()) {
        let (parent, Some(Segment::Name(name))) = (path.parent(), path.0.last()) else { continue };
        let mut without = spec.clone();
        find_mut(&mut without, &parent).remove(name);
        let found = differences(definition, &without, shown);
        // A structure that nothing is left in is gone itself.
        let elsewhere = |one: &&Difference| !path.0.contains(one.path.0.last().unwrap());
        let derives = ["networkMode", "schedulingStrategy", "portName"].contains(&name.as_str());
        let wrong: Vec<_> = found.iter().filter(elsewhere).filter(|_| !derives).collect();
        assert!(wrong.is_empty(), "without {path}: {wrong:?}");
    }
}

/// Sets in another order are the same; other lists are not.
fn order_counts_where_it_means_something(definition: &Definition, spec: &Tree, shown: &Tree) {
    let mut lists = Vec::new();
    each_list(spec, &Path::root(), &mut lists);
    for path in lists.iter().filter(|path| !is_unseen(definition, path)) {
        let mut turned = spec.clone();
        let Tree::List(items) = find_mut(&mut turned, path) else { panic!("{path}") };
        items.reverse();
        let is_set = normalise::set_keys(definition.rows, &normalise::pattern(path)).is_some();
        let expected = usize::from(!is_set && turned != *spec);
        assert_eq!(differences(definition, &turned, shown).len(), expected, "{path} in another order");
    }
}

fn each_list(tree: &Tree, at: &Path, found: &mut Vec<Path>) {
    match tree {
        Tree::Map(map) => map.iter().for_each(|(name, value)| each_list(value, &at.name(name), found)),
        Tree::List(items) => {
            found.push(at.clone());
            items.iter().enumerate().for_each(|(index, item)| each_list(item, &at.index(index), found));
        }
        _ => {}
    }
}

/// What is described can be pasted.
fn a_description_is_a_manifest(definition: &Definition, shown: &Tree) {
    let pasted = shown.as_map().unwrap().iter().filter(|(name, _)| !definition.is_read_only(name));
    let pasted = Tree::Map(pasted.map(|(name, value)| (name.clone(), value.clone())).collect());
    assert_eq!(paths(definition, &pasted, shown), Vec::<String>::new());
}

/// null, `[]` and `{}` say nothing, wherever the shape allows them.
fn nothing_is_said_in_many_ways(definition: &Definition, spec: &Tree, shown: &Tree) {
    let unmanaged =
        |name: &str| definition.rows.iter().any(|row| row.at == name && matches!(row.rule, Rule::Unmanaged));
    let containers = table::ecs().structure("ContainerDefinition").unwrap();
    let mut around = vec![(Path::root(), definition.structure())];
    if definition.kind == Kind::TaskDefinition {
        let of = |index| (Path::from("containerDefinitions").index(index), containers);
        around.extend((0..spec.list("containerDefinitions").len()).map(of));
    }
    for (path, structure) in around {
        for (name, member) in &structure.members {
            let there = spec.find(&path).unwrap();
            if there.get(name).is_some() {
                continue;
            }
            let empty = match &table::ecs().shapes[member.shape] {
                Shape::List { .. } => Tree::List(vec![]),
                Shape::Map { .. } => Tree::map(),
                _ => Tree::Null,
            };
            let ours = path == Path::root() && unmanaged(name);
            for nothing in [Tree::Null, empty].into_iter().filter(|nothing| !ours || *nothing == Tree::Null) {
                let mut said = spec.clone();
                find_mut(&mut said, &path).set(name, nothing);
                assert_eq!(paths(definition, &said, shown), Vec::<String>::new(), "{path}.{name}");
            }
        }
    }
}

#[test]
fn what_was_created_is_what_is_declared_and_one_change_is_one_difference() {
    const CASES: u32 = 32;
    for menu in MENUS {
        let of = |all: &'static [&'static str]| subsequence(all.to_vec(), 0..=all.len().min(10)).prop_shuffle();
        let refused = RefCell::new(Vec::new());
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) };
        let result = TestRunner::new(config).run(&(of(menu.members), of(menu.container)), |(members, container)| {
            let spec = laid(menu, &members, &container);
            let shown = match virtually(realised(menu.kind, &spec)) {
                Ok(shown) => shown,
                Err(said) => {
                    refused.borrow_mut().push(said);
                    return Ok(());
                }
            };
            let definition = definition(menu.kind);
            prop_assert_eq!(paths(definition, &spec, &shown), Vec::<String>::new());
            // Ports come in another order, and need more than a glance; what is looked at every minute does not.
            let glance = definition.is_same(&spec, &shown) || menu.kind == Kind::TaskDefinition;
            prop_assert!(glance, "it takes more than a glance");
            a_description_is_a_manifest(definition, &shown);
            one_change_is_one_difference(definition, &spec, &shown);
            what_is_left_out_shows_nowhere_else(definition, &spec, &shown);
            order_counts_where_it_means_something(definition, &spec, &shown);
            nothing_is_said_in_many_ways(definition, &spec, &shown);
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{}: {error}", menu.name));
        let refused = refused.into_inner();
        println!("{}: {} of {CASES} were refused", menu.name, refused.len());
        assert!(refused.len() < CASES as usize * 3 / 4, "{}: most is refused: {refused:#?}", menu.name);
    }
}

#[test]
fn a_secret_with_the_suffix_of_its_arn_is_another_than_one_without() {
    let of = |suffix: &str| {
        let arn = format!("arn:aws:secretsmanager:us-east-1:123456789012:secret:db{suffix}");
        let container = tree! { "name" => "c", "secrets" => vec![tree! { "name" => "DB", "valueFrom" => arn }] };
        tree! { "containerDefinitions" => vec![container] }
    };
    let definition = definition(Kind::TaskDefinition);
    let found = paths(definition, &of(""), &of("-a1B2c3"));
    assert_eq!(found, ["containerDefinitions.c.secrets.DB.valueFrom"]);
    assert_eq!(paths(definition, &of("-a1B2c3"), &of("-a1B2c3")), Vec::<String>::new());
}
