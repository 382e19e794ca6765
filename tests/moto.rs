//! No false drift on an ECS that others wrote: moto's server. What is created there shows no difference, and what is
//! imported from there plans empty; where moto does not do as ECS does stands in a table, row by row.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;
#[path = "moto/gaps.rs"]
mod gaps;
#[path = "every_member/menus.rs"]
mod menus;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;

use common::judge;
use common::process::{Child, clean, have, until};
use ecs_operator::app::{Cloud, Options, assemble, live, view};
use ecs_operator::aws::{Aws, Settings, account, alone};
use ecs_operator::cli::plan::Secrets;
use ecs_operator::clock::Clock;
use ecs_operator::import::{self, Ways};
use ecs_operator::kinds::{Adopt, Definition, Kind, Place, definition, leaf, service, tags::Ownership};
use ecs_operator::observe::Observer;
use ecs_operator::shape::{Call, Tree, json};
use ecs_operator::status::Status;
use ecs_operator::tree;
use gaps::GAPS;
use menus::{MENUS, Menu, RUNS, lay, read};
use tokio::sync::watch;

/// moto's server on a port of its own.
struct Moto {
    _child: Child,
    url: String,
}

impl Moto {
    fn start() -> Self {
        let mut server = Command::new("moto_server");
        clean(&mut server);
        let child = Child::start(server.args(["-H", "127.0.0.1", "-p", "0"]));
        let url = until("the address of moto's server", || {
            let told = child.err();
            let (_, rest) = told.split_once("Running on ")?;
            Some(rest.split_once('\n')?.0.trim().to_owned())
        });
        Self { _child: child, url }
    }
}

/// Each member of a menu by itself on the menu's base, and the base.
fn specs(menu: &Menu, ground: &Ground) -> Vec<Tree> {
    let base = read(&ground.named(menu.base));
    let with = |members: &str, of_container: bool| {
        let (mut spec, members) = (base.clone(), ground.named(members));
        match spec.as_map_mut().unwrap().get_mut("containerDefinitions") {
            Some(Tree::List(containers)) if of_container => lay(&mut containers[0], &members),
            _ => lay(&mut spec, &members),
        }
        spec
    };
    let of_spec = menu.members.iter().map(|one| with(one, false));
    let of_container = menu.container.iter().map(|one| with(one, true));
    [base.clone()].into_iter().chain(of_spec).chain(of_container).collect()
}

/// Subnets and security groups of moto's EC2, in the place of the menus'.
struct Ground(BTreeMap<&'static str, String>);

impl Ground {
    async fn make(aws: &Aws) -> Self {
        let subnets = aws.read(&ec2("DescribeSubnets", tree! {})).await.unwrap().tree;
        let subnet = |nth: usize| subnets.list("Subnets")[nth].text("SubnetId").unwrap().to_owned();
        let vpc = subnets.list("Subnets")[0].text("VpcId").unwrap().to_owned();
        let mut all =
            BTreeMap::from([("subnet-0123456789abcdef0", subnet(0)), ("subnet-0123456789abcdef1", subnet(1))]);
        for id in ["sg-0123456789abcdef0", "sg-0123456789abcdef1"] {
            let input =
                tree! { "GroupName" => id.trim_start_matches("sg-"), "Description" => id, "VpcId" => vpc.as_str() };
            let made = aws.write(&ec2("CreateSecurityGroup", input), alone).await.unwrap().tree;
            all.insert(id, made.text("GroupId").unwrap().to_owned());
        }
        Self(all)
    }

    /// The menu's text with what is there; moto has no service without a security group.
    fn named(&self, text: &str) -> String {
        let alone = r#""subnets": ["subnet-0123456789abcdef0"]"#;
        let text = text.replace(alone, &format!(r#"{alone}, "securityGroups": ["sg-0123456789abcdef0"]"#));
        self.0.iter().fold(text, |text, (id, real)| text.replace(id, real))
    }
}

fn ec2(operation: &'static str, input: Tree) -> Call {
    Call { service: "ec2", operation, input }
}

/// Creates it, and gives what is then described.
async fn realised(aws: &Aws, kind: Kind, name: &str, spec: &Tree) -> Result<Tree, String> {
    let Definition { create, describe, name_member, .. } = definition(kind);
    let in_cluster = kind == Kind::Service;
    let place = |input: Tree| input.with_some("cluster", in_cluster.then_some("prod"));
    let input = place(spec.clone().with(name_member, name));
    aws.write(&Call::ecs(create, input), alone).await.map_err(|error| error.to_string())?;
    let names = if describe.limit == 1 { Tree::from(name) } else { Tree::from(vec![name]) };
    let ask = place(Tree::map().with(describe.names, names).with("include", describe.include.to_vec()));
    let answer = aws.read(&Call::ecs(describe.operation, ask)).await.map_err(|error| error.to_string())?.tree;
    let shown = answer.get(describe.answer).ok_or("it is not described")?;
    let shown = shown.as_list().map_or(Some(shown), |items| items.first()).ok_or("it is not described")?;
    Ok(if in_cluster { service::shown(shown).into_owned() } else { shown.clone() })
}

/// Where a spec and what is shown differ, without the names of items: `containerDefinitions[].ulimits[]`.
fn differing(kind: Kind, spec: &Tree, shown: &Tree) -> BTreeSet<String> {
    let definition = definition(kind);
    let found = definition.differences(spec, shown);
    let plain = |name: &str| {
        let parts = name.split('[').enumerate();
        let rest = |(nth, part): (usize, &str)| match (nth, part.split_once(']')) {
            (0, _) => part.to_owned(),
            (_, Some((_, rest))) => format!("[]{rest}"),
            (_, None) => String::new(),
        };
        parts.map(rest).collect::<String>()
    };
    leaf::leaves(definition.rows, spec, &found).iter().map(|leaf| plain(&leaf.name)).collect()
}

/// So many registrations go at once.
const BURST: usize = 20;

async fn client(moto: &Moto, clock: &Clock) -> Aws {
    let found = account::find(Some("us-east-1"), Some(&moto.url), clock).await.unwrap();
    Aws::new(Settings { share: 1.0, ..found })
}

fn owner() -> Vec<Tree> {
    vec![tree! { "key" => "ecs-operator/owner", "value" => "us/test" }]
}

/// Creates all that the menus have, and tells where what is described differs from what was asked for.
async fn created(moto: &Moto, clock: &Clock) -> BTreeSet<(Kind, String)> {
    let aws = client(moto, clock).await;
    let ground = Ground::make(&aws).await;
    let cluster = tree! { "clusterName" => "prod", "tags" => owner() };
    aws.write(&Call::ecs("CreateCluster", cluster), alone).await.unwrap();
    for (family, text) in RUNS {
        let input = read(text).with("family", *family).with("tags", owner());
        aws.write(&Call::ecs("RegisterTaskDefinition", input), alone).await.unwrap();
    }
    let mut found = BTreeSet::new();
    for menu in MENUS {
        let kind = menu.kind;
        // moto throttles nobody, and a client's own thrift begins anew with it.
        let mut aws = client(moto, clock).await;
        for (nth, spec) in specs(menu, &ground).into_iter().enumerate() {
            if nth % BURST == BURST - 1 {
                aws = client(moto, clock).await;
            }
            let name = format!("{}-{nth}", menu.name.replace([' ', '\''], "-"));
            let spec = spec.with("tags", owner()).with(definition(kind).name_member, name.as_str());
            match realised(&aws, kind, &name, &spec).await {
                Ok(shown) => found.extend(differing(kind, &spec, &shown).into_iter().map(|at| (kind, at))),
                Err(said) => drop(found.insert((kind, format!("{name}: {said}")))),
            }
        }
    }
    found
}

/// Imports the cluster, takes its objects over, and gives what a plan would do to them.
async fn planned(moto: &Moto, clock: &Clock) -> Vec<Tree> {
    let place = Place { account: "123456789012".into(), region: "us-east-1".into() };
    let observer = Observer::new(client(moto, clock).await, clock.clone(), |_| ());
    let (live, mut notes) = live(&observer, &["prod".to_owned()]).await.unwrap();
    let (found, more) = import::from_live(&live);
    notes.extend(more);
    let made = import::compose(found, notes, &Ways { redact_env: false, adopt: Adopt::Never, place: place.clone() });
    let texts: Vec<(&str, &str)> = made.files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let (reading, desired) = (judge::read(&place, &texts), judge::desired_at(&place, &texts));
    assert!(desired.findings.is_empty(), "{:#?}", desired.findings);
    println!("{} objects were imported from moto, {} notes", desired.objects.len(), made.notes.len());
    let us = Ownership { owner: "us".into(), source: "test".into() };
    let (_, status) = watch::channel(Arc::new(Status::default()));
    let unused = Cloud::simulated(clock, 1, None);
    let mut shared = assemble(unused, clock, us, place, &Options::default(), &status).unwrap();
    shared.aws = client(moto, clock).await;
    shared.observer = Observer::new(shared.aws.clone(), clock.clone(), |_| ());
    let view = view(&shared, &desired, &reading, &Secrets::Shown, str::to_owned).await.unwrap();
    json::read(view.json().as_bytes()).unwrap().list("objects").to_vec()
}

/// Nothing is due, but that what runs is noted.
fn is_left_alone(object: &Tree) -> bool {
    let of_memory = |change: &Tree| change.text("path").is_some_and(|path| path.starts_with("tags[ecs-operator/"));
    let only_notes = object.list("calls").iter().all(|call| call.as_text() == Some("TagResource"));
    only_notes && object.list("changes").iter().all(of_memory) && object.text("action") != Some("blocked")
}

#[tokio::test]
async fn what_moto_keeps_is_no_drift_and_is_imported_as_it_is() {
    let test = "what_moto_keeps_is_no_drift_and_is_imported_as_it_is";
    if !have(test, "moto's server", Command::new("moto_server").arg("--help")) {
        return;
    }
    let (moto, clock) = (Moto::start(), Clock::system());
    let found = created(&moto, &clock).await;
    let known = |(kind, at): &(Kind, String)| GAPS.iter().any(|(of, gap, _)| of == kind && at.starts_with(gap));
    let new: Vec<_> = found.iter().filter(|one| !known(one)).collect();
    assert!(new.is_empty(), "what moto shows differs, and no row of moto/gaps.rs says so: {new:#?}");
    let is_there =
        |(kind, gap, _): &&(Kind, &str, &str)| found.iter().any(|(of, at)| of == kind && at.starts_with(gap));
    let closed: Vec<_> = GAPS.iter().filter(|gap| !is_there(gap)).collect();
    assert!(closed.is_empty(), "moto does these as ECS does: take the rows out of moto/gaps.rs: {closed:#?}");
    let objects = planned(&moto, &clock).await;
    let touched: Vec<String> = objects.iter().filter(|one| !is_left_alone(one)).map(json::write).collect();
    assert!(touched.is_empty() && objects.len() > 30, "of {}: {touched:#?}", objects.len());
}
