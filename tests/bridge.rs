//! The bridge to the SDK, for every operation the SDK has: the shape table agrees with the SDK's schemas, trees reach
//! the wire unchanged, and each thing wrong with a tree is found once, at its place.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};
use aws_smithy_schema::{Schema, ShapeType};
use aws_smithy_types::{BigDecimal, BigInteger, Blob, DateTime, Document};
use common::trees::{Draw, mutations};
use ecs_operator::aws::operations::OPERATIONS;
use ecs_operator::shape::check::{Strictness, check};
use ecs_operator::shape::table::{self, Shape};
use ecs_operator::shape::{Time, Tree};
use ecs_operator::sim::Sim;
use ecs_operator::sim::wire::Connector;
use ecs_operator::sim::world::Settings;

/// Asks for every member there is, and takes down what the SDK asks for: structure → member → kind.
#[derive(Default)]
struct Probe {
    shapes: BTreeMap<String, BTreeMap<String, String>>,
    /// Which member of a union to ask for; a union is one member at a time.
    turn: usize,
}

type Read<T> = Result<T, SerdeError>;

fn kind(shape: ShapeType) -> String {
    match shape {
        ShapeType::Union => "Structure".into(),
        other => format!("{other:?}"),
    }
}

impl ShapeDeserializer for Probe {
    fn read_struct(
        &mut self,
        schema: &Schema<'_>,
        member: &mut dyn FnMut(&Schema<'_>, &mut dyn ShapeDeserializer) -> Read<()>,
    ) -> Read<()> {
        let name = schema.shape_id().shape_name().to_owned();
        let members = schema.members();
        let asked = |one: &&Schema<'_>| (one.member_name().unwrap_or("?").to_owned(), kind(one.shape_type()));
        let first = self.shapes.insert(name, members.iter().map(asked).collect()).is_none();
        if schema.shape_type() == ShapeType::Union {
            let one = members.get(self.turn % members.len().max(1));
            return one.map_or(Ok(()), |one| member(one, self));
        }
        if first {
            // A shape met again is not entered, and so can't be built; that must not end the walk.
            members.iter().for_each(|one| drop(member(one, self)));
        }
        Ok(())
    }

    fn read_list(&mut self, _: &Schema<'_>, item: &mut dyn FnMut(&mut dyn ShapeDeserializer) -> Read<()>) -> Read<()> {
        item(self)
    }

    fn read_map(
        &mut self,
        _: &Schema<'_>,
        entry: &mut dyn FnMut(String, &mut dyn ShapeDeserializer) -> Read<()>,
    ) -> Read<()> {
        entry("k".into(), self)
    }

    fn read_boolean(&mut self, _: &Schema<'_>) -> Read<bool> {
        Ok(false)
    }

    fn read_byte(&mut self, _: &Schema<'_>) -> Read<i8> {
        Ok(0)
    }

    fn read_short(&mut self, _: &Schema<'_>) -> Read<i16> {
        Ok(0)
    }

    fn read_integer(&mut self, _: &Schema<'_>) -> Read<i32> {
        Ok(0)
    }

    fn read_long(&mut self, _: &Schema<'_>) -> Read<i64> {
        Ok(0)
    }

    fn read_float(&mut self, _: &Schema<'_>) -> Read<f32> {
        Ok(0.0)
    }

    fn read_double(&mut self, _: &Schema<'_>) -> Read<f64> {
        Ok(0.0)
    }

    fn read_big_integer(&mut self, _: &Schema<'_>) -> Read<BigInteger> {
        panic!("ECS has no big integers")
    }

    fn read_big_decimal(&mut self, _: &Schema<'_>) -> Read<BigDecimal> {
        panic!("ECS has no big decimals")
    }

    fn read_string(&mut self, _: &Schema<'_>) -> Read<String> {
        Ok("x".into())
    }

    fn read_blob(&mut self, _: &Schema<'_>) -> Read<Blob> {
        Ok(Blob::new(vec![]))
    }

    fn read_timestamp(&mut self, _: &Schema<'_>) -> Read<DateTime> {
        Ok(DateTime::from_secs(0))
    }

    fn read_document(&mut self, _: &Schema<'_>) -> Read<Document> {
        Ok(Document::Null)
    }

    fn is_null(&self) -> bool {
        false
    }

    fn container_size(&self) -> Option<usize> {
        None
    }
}

/// The table's word for a shape, in the SDK's terms.
fn table_kind(shape: &Shape) -> &'static str {
    match shape {
        Shape::Structure(_) => "Structure",
        Shape::List { .. } => "List",
        Shape::Map { .. } => "Map",
        Shape::Text(_) => "String",
        Shape::Integer(_) => "Integer",
        Shape::Long(_) => "Long",
        Shape::Float(_) => "Double",
        Shape::Boolean => "Boolean",
        Shape::Timestamp => "Timestamp",
        Shape::Blob => "Blob",
        Shape::Document => "Document",
    }
}

/// The SDK names inputs and outputs after the operation, AWS's description names them as it pleases.
fn sdk_names() -> BTreeMap<String, &'static str> {
    let table = table::ecs();
    let sides = |operation: &table::Operation| {
        [(format!("{}Input", operation.name), operation.input), (format!("{}Output", operation.name), operation.output)]
    };
    table.operations.values().flat_map(sides).collect()
}

#[test]
fn the_sdk_and_the_table_agree_on_every_member() {
    let table = table::ecs();
    let names: BTreeSet<&str> = OPERATIONS.iter().map(|row| row.name).collect();
    assert_eq!(names, table.operations.keys().copied().collect(), "one row an operation");
    let mut probe = Probe::default();
    for row in OPERATIONS {
        drop((row.walk)(&mut probe));
    }
    for turn in 1..12 {
        // A shape is entered once a turn; unions show another member each time.
        let seen = std::mem::take(&mut probe.shapes);
        probe = Probe { shapes: BTreeMap::new(), turn };
        for row in OPERATIONS {
            drop((row.walk)(&mut probe));
        }
        probe.shapes.extend(seen);
    }
    let renamed = sdk_names();
    let mut disagreements = Vec::new();
    for (name, members) in &probe.shapes {
        let ours = renamed.get(name).copied().unwrap_or(name);
        let Some(structure) = table.structure(ours) else {
            disagreements.push(format!("{name}: not in the table"));
            continue;
        };
        let known: BTreeMap<String, String> = structure
            .members
            .iter()
            .map(|(member, about)| ((*member).to_owned(), table_kind(&table.shapes[about.shape]).to_owned()))
            .collect();
        if known != *members {
            disagreements.push(format!("{name}: the SDK has {members:?}, the table {known:?}"));
        }
    }
    assert!(disagreements.is_empty(), "{disagreements:#?}");
    let members: usize = probe.shapes.values().map(BTreeMap::len).sum();
    println!("operations {} structures {} members {members}", OPERATIONS.len(), probe.shapes.len());
    let reachable = table.shapes.values().filter(|shape| matches!(shape, Shape::Structure(one) if !one.error)).count();
    assert_eq!(probe.shapes.len(), reachable, "every structure of the table was seen in the SDK");
}

fn client(sim: &Sim) -> aws_sdk_ecs::Client {
    let config = aws_sdk_ecs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::for_tests())
        .endpoint_url("http://sim")
        .http_client(Connector::new(sim.clone()))
        .retry_config(RetryConfig::disabled())
        .build();
    aws_sdk_ecs::Client::from_conf(config)
}

/// What the SDK adds to random trees of all operations, both ways: `STRUCTURE MEMBER`.
fn added_by_the_sdk() -> BTreeSet<String> {
    let table = table::ecs();
    let mut draw = Draw { table, rng: fastrand::Rng::with_seed(3) };
    let mut added = BTreeSet::new();
    for row in OPERATIONS {
        let operation = &table.operations[row.name];
        for (name, echo) in [(operation.input, row.echo_input), (operation.output, row.echo_output)] {
            for _ in 0..60 {
                let structure = table.structure(name).unwrap();
                let tree = draw.structure(structure, 0);
                compare(name, &tree, &echo(&tree).unwrap(), &mut added);
            }
        }
    }
    added
}

fn compare(shape: &str, sent: &Tree, echoed: &Tree, added: &mut BTreeSet<String>) {
    match (&table::ecs().shapes[shape], sent, echoed) {
        (Shape::Structure(structure), Tree::Map(sent), Tree::Map(echoed)) => {
            for (member, value) in echoed {
                match sent.get(member) {
                    Some(before) => compare(structure.members[member.as_str()].shape, before, value, added),
                    None => drop(added.insert(format!("{shape} {member}"))),
                }
            }
            assert!(sent.keys().all(|member| echoed.contains_key(member)), "{shape} lost a member");
        }
        (Shape::List { item }, Tree::List(sent), Tree::List(echoed)) => {
            sent.iter().zip(echoed).for_each(|(sent, echoed)| compare(item, sent, echoed, added));
        }
        (Shape::Map { value, .. }, Tree::Map(sent), Tree::Map(echoed)) => {
            sent.values().zip(echoed.values()).for_each(|(sent, echoed)| compare(value, sent, echoed, added));
        }
        (_, sent, echoed) => assert_eq!(sent, echoed, "{shape}"),
    }
}

#[test]
fn the_table_names_what_the_sdk_fills_with_zeros() {
    let kept = include_str!("../src/shape/tables/ecs.zero.txt");
    let kept: BTreeSet<String> = kept.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    let derived = added_by_the_sdk();
    let lines: Vec<&str> = derived.iter().map(String::as_str).collect();
    assert_eq!(kept, derived, "tables/ecs.zero.txt should say:\n{}", lines.join("\n"));
}

#[tokio::test]
async fn valid_trees_reach_the_simulator_unchanged() {
    let table = table::ecs();
    let sim = Sim::new(Settings::default(), || Time(1_800_000_000_000));
    let client = client(&sim);
    let mut draw = Draw { table, rng: fastrand::Rng::with_seed(20_261_122) };
    let mut trees = 0;
    for row in OPERATIONS {
        let operation = &table.operations[row.name];
        let structure = table.structure(operation.input).unwrap();
        for _ in 0..20 {
            let tree = draw.structure(structure, 0);
            assert_eq!(check(table, structure, &tree, Strictness::Full), [], "{} {tree:?}", row.name);
            // Most are refused for what they say; all have arrived.
            drop((row.send)(&client, &tree).await);
            let arrived = sim.world().calls().last().unwrap().clone();
            assert_eq!(arrived.operation, row.name);
            assert_eq!(arrived.input, table.with_zeros(structure, &tree), "{}", row.name);
            trees += 1;
        }
    }
    println!("trees {trees}");
}

#[test]
fn each_mutation_is_found_once_at_its_place() {
    let table = table::ecs();
    let mut draw = Draw { table, rng: fastrand::Rng::with_seed(7) };
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for operation in table.operations.values() {
        let structure = table.structure(operation.input).unwrap();
        for _ in 0..4 {
            let tree = draw.structure(structure, 0);
            for mutation in mutations(table, structure, &tree) {
                let problems = check(table, structure, &mutation.tree, Strictness::Full);
                let [problem] = problems.as_slice() else {
                    panic!("{} {} at {}: {problems:?}", operation.name, mutation.kind, mutation.at)
                };
                assert_eq!(problem.path, mutation.at, "{} {}", operation.name, mutation.kind);
                let near = problem.remedy().is_some_and(|remedy| remedy.starts_with("did you mean"));
                assert!(near || mutation.kind != "unknown" || structure.members.is_empty(), "{problem}");
                *found.entry(mutation.kind).or_default() += 1;
            }
        }
    }
    println!("{found:?}");
    assert_eq!(found.len(), 5);
}
