//! What is to be done for a cluster.

use crate::kinds::drift::{self, Sorted};
use crate::kinds::{Effect, Object, cluster, tags};

use super::{Facts, Plan, Reason, Step, StepEffect, Verdict, members, said_step, tag_step};

pub fn plan(object: &Object, facts: &Facts<'_>) -> Plan {
    let alive = facts.observed.present().filter(|shown| shown.text("status") != Some("INACTIVE"));
    let Some(shown) = alive else {
        return Plan::due(
            vec![Step::new(cluster::create(object, facts.us), StepEffect::Create, "does not exist")],
            vec![],
        );
    };
    let Sorted { due, told, missing_tags, said } = drift::sort(object, shown);
    let mut differences = due.clone();
    differences.extend(told.iter().cloned());
    if tags::read(shown.list("tags")).contains_key(tags::SUSPEND) {
        let message = format!("the tag {} is set", tags::SUSPEND);
        return Plan { differences, ..Plan::of(Verdict::Blocked(Reason::Suspended, message)) };
    }
    let changed = members(&object.key, &due, Effect::InPlace);
    let names: Vec<&str> = changed.iter().map(String::as_str).collect();
    let calls = cluster::update(object, shown, &names).into_iter();
    let mut steps: Vec<Step> =
        calls.map(|call| Step::new(call, StepEffect::InPlace, format!("{} differ", names.join(", ")))).collect();
    let arn = shown.text("clusterArn");
    if let Some(arn) = arn.filter(|_| !missing_tags.is_empty()) {
        steps.push(tag_step(arn, missing_tags, "declared tags are missing"));
    }
    steps.extend(arn.zip(said).map(|(arn, said)| said_step(arn, said)));
    let verdict = match (steps.is_empty(), shown.text("status")) {
        (false, _) => Verdict::Due,
        (true, Some("ACTIVE")) if !told.is_empty() => Verdict::Blocked(Reason::DriftKept, drift::story(&told)),
        (true, Some("ACTIVE")) => Verdict::Converged,
        (true, status) => Verdict::Settling(format!("the cluster is {}", status.unwrap_or("in no state"))),
    };
    Plan { steps, differences, ..Plan::of(verdict) }
}
