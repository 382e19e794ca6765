//! What the services of a plan stand on, read from AWS. Must not know: the embedded ECS.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Desired;
use crate::check::preflight::{Case, Due, Fact, Facts, Platform};
use crate::cli::plan::Gap;
use crate::kinds::service::succession;
use crate::kinds::{Object, Observed, service, task_definition};
use crate::observe::{Named, Seen};
use crate::plan::{Replacement, Resolution};
use crate::reconcile::{Shared, lookups, resolution};
use crate::rollout::is_steady;
use crate::shape::{Call, Tree};

use super::super::Trouble;
use super::Touched;
use super::replay::Replaced;

/// What was read, as AWS answered.
#[derive(Debug, Default)]
pub struct Live {
    /// By name.
    pub clusters: BTreeMap<String, Tree>,
    pub providers: Vec<Tree>,
    /// Container instances with their cluster.
    pub instances: Vec<(String, Tree)>,
    /// Running tasks of the services, where they hold places on instances.
    pub tasks: Vec<Tree>,
    /// DescribeTaskDefinition's answers, by family and revision.
    pub definitions: BTreeMap<(String, i64), Tree>,
    pub services: Vec<Service>,
    /// What is replaced, by the short keys of its objects.
    pub replaced: BTreeMap<String, Replaced>,
    pub subnets: Vec<Tree>,
    pub gaps: Vec<Gap>,
}

/// One that is there.
#[derive(Debug)]
pub struct Service {
    /// The short key of its object.
    pub of: String,
    pub cluster: String,
    pub shown: Tree,
    pub part: Part,
}

/// What the copy has of a service when the play begins.
#[derive(Debug)]
pub enum Part {
    /// All its tasks run.
    Stands,
    /// It takes the place of another and is not up yet: its tasks are started then.
    Comes,
    /// It is on its way out: it runs what is left of it, and this is called then.
    Goes(Call),
}

impl Service {
    pub fn name(&self) -> &str {
        self.shown.text("serviceName").unwrap_or_default()
    }

    /// How people are told of it: by its object, and by its name where the object has several.
    pub fn label(&self) -> String {
        let own = self.of.rsplit('/').next() == Some(self.name());
        if own { self.of.clone() } else { format!("{} ({})", self.of, self.name()) }
    }

    /// Its tasks that have not stopped.
    pub fn left(&self) -> i64 {
        self.count("runningCount") + self.count("pendingCount")
    }

    pub fn count(&self, member: &str) -> i64 {
        self.shown.int(member).unwrap_or(0)
    }
}

pub async fn look(shared: &Shared, desired: &Desired, touched: &[Touched<'_>]) -> Result<Live, Trouble> {
    let mut live = Live::default();
    let mut named = Named::default();
    let mut references = BTreeSet::new();
    for Touched { object, plan } in touched {
        named.take(&object.spec);
        plan.steps.iter().for_each(|step| named.take(&step.call.input));
        for shown in there(shared, object, plan.replacement.as_ref()) {
            named.take(&shown);
            references.extend(shown.text("taskDefinition").map(task_definition::short).map(str::to_owned));
            let (of, cluster) = (object.key.short(), service::cluster(object).to_owned());
            let part = part(object, plan.replacement.as_ref(), &shown);
            live.services.push(Service { of, cluster, shown, part });
        }
        let sent = plan.steps.iter().filter(|step| step.late.is_empty());
        let sent = sent.filter_map(|step| step.call.input.text("taskDefinition"));
        references.extend(sent.map(task_definition::short).map(str::to_owned));
        if let Some(replacement) = &plan.replacement {
            let replaced = replaced(shared, desired, object, replacement).await;
            named.take(&replaced.object.spec);
            if let Resolution::Realised { reference, .. } = &replaced.runs {
                references.insert(task_definition::short(reference).to_owned());
            }
            live.replaced.insert(object.key.short(), replaced);
        }
    }
    for reference in references {
        definition(shared, &mut live, &reference).await?;
    }
    for Touched { object, .. } in touched {
        capacity(shared, &mut live, object).await;
    }
    if named != Named::default() {
        let (ground, _) = shared.observer.ground(&named, || named.clone()).await;
        match &ground.subnets {
            Ok(subnets) => live.subnets.clone_from(subnets),
            Err(error) => gap(&mut live, "subnets", format!("zones and free addresses are not known: {error}")),
        }
    }
    Ok(live)
}

/// The object's services that are not gone: under its name, and those whose place that one takes.
fn there(shared: &Shared, object: &Object, replacement: Option<&Replacement>) -> Vec<Tree> {
    let known = shared.known();
    let own = known.seen.shown(&object.key).filter(is_active);
    let names = known.before.get(&object.key);
    let old = replacement.into_iter().flat_map(|replacement| &replacement.old);
    let old = old.filter_map(|name| names?.get(name)?.as_ref());
    own.into_iter().chain(old.filter_map(|seen| seen.observed.present().cloned())).collect()
}

fn is_active(shown: &Tree) -> bool {
    shown.text("status") == Some("ACTIVE")
}

fn part(object: &Object, replacement: Option<&Replacement>, shown: &Tree) -> Part {
    let Some(replacement) = replacement else { return Part::Stands };
    let name = shown.text("serviceName").unwrap_or_default();
    let goes = replacement.old.iter().any(|old| old == name);
    match goes {
        true if !is_active(shown) => Part::Goes(succession::delete(object, name)),
        true if shown.int("desiredCount") == Some(0) && !service::is_daemon(shown) => {
            Part::Goes(succession::drain(object, name))
        }
        false if !is_steady(shown) => Part::Comes,
        _ => Part::Stands,
    }
}

/// What the planner goes by, as the operator would have it.
async fn replaced(shared: &Shared, desired: &Desired, object: &Object, replacement: &Replacement) -> Replaced {
    let seen = shared.known().seen.get(&object.key);
    let seen = seen.unwrap_or(Seen {
        observed: Observed::Absent,
        date: shared.clock.now(),
        begun: shared.clock.now(),
        failure: None,
    });
    let (filled, _) = lookups::looked_up(shared, desired, object, &seen).await;
    let runs = resolution(shared, desired, &filled, &seen);
    Replaced { runs, object: filled.into_owned(), replacement: replacement.clone() }
}

fn gap(live: &mut Live, of: &str, what: String) {
    live.gaps.push(Gap { of: of.to_owned(), what });
}

async fn definition(shared: &Shared, live: &mut Live, reference: &str) -> Result<(), Trouble> {
    let Some((family, revision)) = task_definition::parts(reference) else { return Ok(()) };
    match shared.observer.task_definition(reference, false).await? {
        Observed::Present(answer) => drop(live.definitions.insert((family.to_owned(), revision), answer)),
        Observed::Absent | Observed::Unknown(_) => gap(live, reference, "AWS does not show it".into()),
    }
    Ok(())
}

/// The service's cluster, and its machines where the service runs on some.
async fn capacity(shared: &Shared, live: &mut Live, object: &Object) {
    let name = service::cluster(object).to_owned();
    let seen = shared.known().clusters.get(&name).map(|seen| seen.observed).unwrap_or(Observed::Absent);
    let Some(shown) = seen.present().filter(|shown| shown.text("status") == Some("ACTIVE")) else { return };
    let (unknown, facts) = (Fact::Unknown(String::new()), Facts::default());
    let there: Vec<Tree> =
        live.services.iter().filter(|one| one.of == object.key.short()).map(|one| one.shown.clone()).collect();
    let own = there.iter().find(|one| one.text("serviceName") == Some(object.aws_name()));
    let case = Case { shown: own, cluster: Some(shown), ..Case::of(object, Due::Rollout, &unknown, &facts) };
    let stands_on = |one: &Tree| Case { spec: one, shown: None, ..case }.platform();
    let mut platforms = there.iter().map(stands_on).chain([case.platform()]);
    let on_machines = platforms.any(|platform| platform != Platform::Fargate);
    let first = live.clusters.insert(name.clone(), shown.clone()).is_none();
    let providers = shown.list("capacityProviders").iter().filter_map(Tree::as_text);
    let has_groups = providers.into_iter().any(|one| !matches!(one, "FARGATE" | "FARGATE_SPOT"));
    if !on_machines && !has_groups {
        return;
    }
    let machines = shared.observer.machines(&name, &seen).await;
    let known = |one: &Tree| live.providers.iter().any(|other| other.text("name") == one.text("name"));
    match &machines.providers {
        Ok(all) => {
            let new: Vec<Tree> = all.iter().filter(|one| !known(one)).cloned().collect();
            live.providers.extend(new);
        }
        Err(error) => gap(live, &format!("Cluster/{name}"), format!("its capacity providers: {error}")),
    }
    if !on_machines {
        return;
    }
    let copied = live.instances.iter().any(|(cluster, _)| *cluster == name);
    match &machines.instances {
        Ok(all) if first || !copied => live.instances.extend(all.iter().map(|one| (name.clone(), one.clone()))),
        Ok(_) => {}
        Err(error) => gap(live, &format!("Cluster/{name}"), format!("its container instances: {error}")),
    }
    for one in &there {
        let name = one.text("serviceName").unwrap_or_default();
        let named = Object { spec: object.spec.clone().with("serviceName", name), ..object.clone() };
        match shared.observer.running_tasks(&named).await {
            Ok(tasks) => live.tasks.extend(tasks),
            Err(error) => gap(live, &object.key.short(), format!("what its tasks hold of the instances: {error}")),
        }
    }
}
