//! What clusters show, as objects. Must not know: how it was read.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::claims::{self, Claim};
use crate::kinds::{Definition, Kind, definition, service, task_definition};
use crate::shape::{Path, Tree};

use super::{Found, Note, What, redact};

/// What was read, as AWS answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// DescribeClusters' entries.
    pub clusters: Vec<Tree>,
    /// Cluster, and DescribeServices' entry.
    pub services: Vec<(String, Tree)>,
    /// DescribeTaskDefinition's whole answers, by `family:revision`.
    pub revisions: BTreeMap<String, Tree>,
    /// The number of each family's newest ACTIVE revision.
    pub newest: BTreeMap<String, i64>,
}

/// The objects, and what could not be one.
pub fn found(live: &Live) -> (Vec<Found>, Vec<Note>) {
    let mut notes = Vec::new();
    let mut all: Vec<Found> = live.clusters.iter().map(cluster).collect();
    let mut used = BTreeMap::<&str, BTreeSet<i64>>::new();
    for (_, shown) in &live.services {
        if let Some((family, revision)) = runs(shown).and_then(task_definition::parts) {
            used.entry(family).or_default().insert(revision);
        }
    }
    let mut managed = BTreeSet::new();
    for (family, revisions) in &used {
        let Some(last) = revisions.last() else { continue };
        let reference = format!("{family}:{last}");
        let Some(answer) = live.revisions.get(&reference) else {
            notes.push(Note::new(
                What::Refused,
                format!("{reference} could not be read; its services name it as it is"),
            ));
            continue;
        };
        let one = revision(&reference, answer, live.newest.get(*family).copied());
        if one.refused.is_none() {
            managed.insert(reference);
        }
        all.push(one);
    }
    all.extend(live.services.iter().map(|(cluster, shown)| of_service(cluster, shown, &managed)));
    (all, notes)
}

/// The task definition a service has of its own, with its revision.
fn runs(shown: &Tree) -> Option<&str> {
    shown.text("taskDefinition").filter(|_| service::controller(shown) != service::EXTERNAL)
}

/// The members of a description that can be given, literal to the letter.
fn given(definition: &Definition, shown: &Tree, found: &mut Found) {
    let known = |name: &str| definition.structure().members.contains_key(name);
    let members = shown.as_map().into_iter().flatten().filter(|(name, _)| known(name));
    let mut spec = Tree::Map(members.map(|(name, value)| (name.clone(), value.clone())).collect());
    redact::literal(&mut spec, &mut found.variables);
    found.spec = spec;
}

fn with_tags(found: &mut Found, live: &[Tree]) {
    let own = claims::own_tags(live);
    found.spec.remove("tags");
    if !own.is_empty() {
        let mut own = Tree::List(own);
        redact::literal(&mut own, &mut found.variables);
        found.spec.set("tags", own);
    }
    found.claim = Claim::of(live);
}

fn cluster(shown: &Tree) -> Found {
    let name = shown.text("clusterName").unwrap_or_default();
    let mut found = Found::new(Kind::Cluster, name, Tree::map(), format!("cluster {name}"));
    given(definition(Kind::Cluster), shown, &mut found);
    with_tags(&mut found, shown.list("tags"));
    found
}

fn revision(reference: &str, answer: &Tree, newest: Option<i64>) -> Found {
    let shown = answer.get("taskDefinition").cloned().unwrap_or_default();
    let (family, number) = task_definition::parts(reference).unwrap_or((reference, 0));
    let mut found = Found::new(Kind::TaskDefinition, family, Tree::map(), reference);
    given(definition(Kind::TaskDefinition), &shown, &mut found);
    with_tags(&mut found, answer.list("tags"));
    let inactive = shown.text("status") != Some("ACTIVE");
    found.refused = match newest {
        _ if inactive => Some(format!("{reference} is deregistered: to keep it here would register it anew")),
        // A pass looks at the newest two revisions; an older one would be registered a second time.
        Some(newest) if number + 1 < newest => Some(format!(
            "its services run {reference}, and the family is at {family}:{newest} already: to keep it here would \
             register it anew"
        )),
        _ => None,
    };
    found
}

/// Names what a service runs: the manifest of its family, where there is one of that revision.
fn say_runs(found: &mut Found, reference: &str, managed: &BTreeSet<String>) {
    found.runs = Some(reference.to_owned());
    let family = task_definition::parts(reference).map_or(reference, |(family, _)| family);
    if managed.contains(reference) {
        found.spec.set("taskDefinition", family);
    } else {
        found.spec.set("taskDefinition", reference);
        let why = "a revision by its number: the family has moved on, and a manifest of it would register another";
        found.remarks.insert(Path::from("taskDefinition"), vec![why.to_owned()]);
    }
}

fn of_service(cluster: &str, shown: &Tree, managed: &BTreeSet<String>) -> Found {
    let name = shown.text("serviceName").unwrap_or_default();
    let mut found = Found::new(Kind::Service, name, Tree::map(), format!("service {name} of cluster {cluster}"));
    given(definition(Kind::Service), &service::shown(shown), &mut found);
    for member in ["cluster", "clientToken"] {
        found.spec.remove(member);
    }
    if found.spec.text("schedulingStrategy") == Some("DAEMON") {
        // As many as there are instances.
        found.spec.remove("desiredCount");
    }
    with_tags(&mut found, shown.list("tags"));
    found.cluster = Some(cluster.to_owned());
    match runs(shown).map(task_definition::short) {
        Some(reference) => say_runs(&mut found, reference, managed),
        None => {
            service::rows::IN_TASK_SETS.iter().for_each(|member| drop(found.spec.remove(member)));
            let why = "what runs, where and behind what is said by its task sets";
            found.remarks.insert(Path::from("deploymentController"), vec![why.to_owned()]);
        }
    }
    if service::controller(shown) == service::CODE_DEPLOY {
        let why = "left out, whatever CodeDeploy deploys is as it should be";
        found.remarks.entry(Path::from("taskDefinition")).or_default().push(why.to_owned());
    }
    let arn = shown.text("serviceArn").unwrap_or_default();
    found.refused = match shown.text("status") {
        Some("ACTIVE") if arn.matches('/').count() < 2 => {
            Some("its ARN has the old short form, which can't be tagged; recreate the service".to_owned())
        }
        Some("ACTIVE") => None,
        status => Some(format!("it is {}", status.unwrap_or("in no state"))),
    };
    found
}
