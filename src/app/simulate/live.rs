//! What the services of a plan stand on, read from AWS. Must not know: the embedded ECS.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::preflight::{Case, Due, Fact, Facts, Platform};
use crate::cli::plan::Gap;
use crate::kinds::{Object, Observed, service, task_definition};
use crate::observe::Named;
use crate::reconcile::Shared;
use crate::shape::Tree;

use super::super::Trouble;
use super::Touched;

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
    /// The services that are there, by the short keys of their objects.
    pub services: BTreeMap<String, (String, Tree)>,
    pub subnets: Vec<Tree>,
    pub gaps: Vec<Gap>,
}

pub async fn look(shared: &Shared, touched: &[Touched<'_>]) -> Result<Live, Trouble> {
    let mut live = Live::default();
    let mut named = Named::default();
    let mut references = BTreeSet::new();
    for Touched { object, plan } in touched {
        let seen = shared.known().seen.get(&object.key).and_then(|seen| seen.observed.present().cloned());
        let seen = seen.filter(|shown| shown.text("status") == Some("ACTIVE"));
        named.take(&object.spec);
        plan.steps.iter().for_each(|step| named.take(&step.call.input));
        if let Some(shown) = seen {
            named.take(&shown);
            references.extend(shown.text("taskDefinition").map(task_definition::short).map(str::to_owned));
            let cluster = service::cluster(object).to_owned();
            live.services.insert(object.key.short(), (cluster, shown));
        }
        let sent = plan.steps.iter().filter(|step| step.late.is_empty());
        let sent = sent.filter_map(|step| step.call.input.text("taskDefinition"));
        references.extend(sent.map(task_definition::short).map(str::to_owned));
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
    let seen = shared.known().clusters.get(&name).map(|seen| seen.observed.clone()).unwrap_or(Observed::Absent);
    let Some(shown) = seen.present().filter(|shown| shown.text("status") == Some("ACTIVE")) else { return };
    let (unknown, facts) = (Fact::Unknown(String::new()), Facts::default());
    let service = live.services.get(&object.key.short()).map(|(_, shown)| shown.clone());
    let case =
        Case { shown: service.as_ref(), cluster: Some(shown), ..Case::of(object, Due::Rollout, &unknown, &facts) };
    let on_machines = case.platform() != Platform::Fargate;
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
    if service.is_some() {
        match shared.observer.running_tasks(object).await {
            Ok(tasks) => live.tasks.extend(tasks),
            Err(error) => gap(live, &object.key.short(), format!("what its tasks hold of the instances: {error}")),
        }
    }
}
