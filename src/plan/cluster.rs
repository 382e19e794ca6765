//! What is to be done for a cluster.

use crate::kinds::{Effect, Object, cluster, definition, tags};

use super::{Facts, Plan, Reason, Step, StepEffect, Verdict, members, not_owned, tag_step};

pub fn plan(object: &Object, facts: &Facts<'_>) -> Plan {
    let alive = facts.observed.present().filter(|shown| shown.text("status") != Some("INACTIVE"));
    let Some(shown) = alive else {
        return Plan::due(
            vec![Step::new(cluster::create(object, facts.us), StepEffect::Create, "does not exist")],
            vec![],
        );
    };
    if let Some(refused) = not_owned(&tags::owner(shown.list("tags"), facts.us), facts.us) {
        return Plan::of(refused);
    }
    let differences = definition(object.key.kind).differences(&object.spec, shown);
    if tags::read(shown.list("tags")).contains_key(tags::SUSPEND) {
        let message = format!("the tag {} is set", tags::SUSPEND);
        return Plan { differences, ..Plan::of(Verdict::Blocked(Reason::Suspended, message)) };
    }
    let changed = members(&object.key, &differences, Effect::InPlace);
    let names: Vec<&str> = changed.iter().map(String::as_str).collect();
    let calls = cluster::update(object, shown, &names).into_iter();
    let mut steps: Vec<Step> =
        calls.map(|call| Step::new(call, StepEffect::InPlace, format!("{} differ", names.join(", ")))).collect();
    let missing = tags::missing(object.tags(), shown.list("tags"));
    if let Some(arn) = shown.text("clusterArn").filter(|_| !missing.is_empty()) {
        steps.push(tag_step(arn, missing, "declared tags are missing"));
    }
    let verdict = match (steps.is_empty(), shown.text("status")) {
        (false, _) => Verdict::Due,
        (true, Some("ACTIVE")) => Verdict::Converged,
        (true, status) => Verdict::Settling(format!("the cluster is {}", status.unwrap_or("in no state"))),
    };
    Plan { steps, differences, ..Plan::of(verdict) }
}
