//! Whose a live object is, and what follows: hands off, ours by its tags alone, or another's that is shared (design D3a,
//! D6).

use std::collections::BTreeSet;

use crate::kinds::adopt::{self, Adopt, Left};
use crate::kinds::claims::Claim;
use crate::kinds::tags::{self, Owner};
use crate::kinds::{Difference, Kind, Object, definition, security_group};
use crate::shape::Tree;

use super::{Facts, Need, Plan, Reason, Step, StepEffect, Verdict, service, tag_step};

/// Whose an object that is there is to us.
pub(super) enum Standing {
    /// Ours, or shared with whoever keeps it.
    Open,
    /// It is not ours yet, and becomes so: how, and whether it was kept by an owner of this program.
    Comes {
        how: String,
        was_kept: bool,
    },
    Refused(Verdict),
}

/// Whose the object with these tags is to us.
pub(super) fn standing(object: &Object, facts: &Facts<'_>, live: &[Tree]) -> Standing {
    let us = facts.us;
    let refused = |message: String| Standing::Refused(Verdict::Blocked(Reason::NotOwned, message));
    match (tags::owner(live, us), object.reconcile.adopt, Claim::of(live)) {
        (Owner::Us, ..) => Standing::Open,
        (Owner::Other(other), ..) if facts.former.is_some_and(|former| former.is(&other)) => {
            Standing::Comes { how: format!("taken over from {other}: its owner's tag is written"), was_kept: true }
        }
        (Owner::Other(other), ..) => {
            refused(format!("it belongs to {other}, we are {us}; --take-over {other} makes what is declared here ours"))
        }
        (Owner::Nobody, Adopt::Shared, _) => Standing::Open,
        (Owner::Nobody, Adopt::IfUnowned, None) => Standing::Comes {
            how: "nobody's: its owner's tag is written, and nothing else".to_owned(),
            was_kept: false,
        },
        (Owner::Nobody, Adopt::Never | Adopt::IfUnowned, Some(claim)) => refused(format!(
            "it belongs to {claim}{}; to have it, end that claim (`ecs-operator import` tells how) and tag it {}={us}",
            shared_is_a_way(object.key.kind, "; reconcile.adopt: Shared changes what is declared, and leaves it there"),
            tags::OWNER
        )),
        (Owner::Nobody, Adopt::Never, None) => refused(format!(
            "it exists and carries no owner; reconcile.adopt: IfUnowned makes it {us}'s by its tags alone{}",
            shared_is_a_way(
                object.key.kind,
                ", adopt: Shared leaves it to whoever has it and changes what is declared"
            )
        )),
    }
}

fn shared_is_a_way(kind: Kind, words: &'static str) -> &'static str {
    if Adopt::Shared.fault(kind).is_none() { words } else { "" }
}

/// What is not there, and is not ours to make.
pub(super) fn absent(object: &Object) -> Option<Plan> {
    let message = "it does not exist, and reconcile.adopt: Shared never creates it";
    let shared = object.reconcile.adopt == Adopt::Shared;
    shared.then(|| Plan::of(Verdict::Blocked(Reason::SharedAbsent, message.to_owned())))
}

/// The plan for what is there and is not ours: of its adoption, or why it is left alone. `None` where it is planned like
/// anything else.
pub(super) fn stands_apart(object: &Object, facts: &Facts<'_>, shown: &Tree) -> Result<Option<Plan>, Need> {
    let live = shown.list(definition(object.key.kind).tags.list);
    let (how, was_kept) = match standing(object, facts, live) {
        Standing::Open => return Ok(None),
        Standing::Comes { how, was_kept } => (how, was_kept),
        Standing::Refused(verdict) => {
            // What can't be tagged anyway says so first.
            let legacy = (object.key.kind == Kind::Service).then(|| service::hands_off(shown)).flatten();
            return Ok(Some(Plan::of(legacy.unwrap_or(verdict))));
        }
    };
    let mut differences = adopt::differences(object, shown);
    if object.key.kind == Kind::Service {
        if let Some(verdict) = service::hands_off(shown) {
            return Ok(Some(Plan::of(verdict)));
        }
        differences.splice(0..0, service::other_definition(object, facts, shown)?);
    }
    if let Some(why) = service::suspended(live, facts) {
        return Ok(Some(Plan { differences, ..Plan::of(Verdict::Blocked(Reason::Suspended, why)) }));
    }
    let mut all = vec![tags::tag(tags::OWNER, &facts.us.to_string())];
    if object.key.kind == Kind::SecurityGroup {
        all.push(tags::tag(tags::OBJECT, &object.key.name));
    }
    let whole = adopt::over_live(object, shown, |_| true);
    let undeclared = adopt::undeclared(object, &whole, shown);
    let mut reason = how;
    if !undeclared.is_empty() && !was_kept {
        all.push(Left::of(undeclared.iter().map(Difference::member)).tag());
        reason = format!("{reason}; what no manifest declares stays: {}", paths(&undeclared));
    }
    let steps = vec![adopt_step(object, shown, all, reason)];
    Ok(Some(Plan::due(steps, differences)))
}

/// The step that makes an object ours.
fn adopt_step(object: &Object, shown: &Tree, all: Vec<Tree>, reason: String) -> Step {
    let arn = |member: &str| shown.text(member).unwrap_or_default();
    match object.key.kind {
        Kind::SecurityGroup => Step::new(security_group::tag(arn("GroupId"), &all), StepEffect::Adopt, reason),
        Kind::Cluster => tagged(arn("clusterArn"), all, &reason),
        Kind::Service => tagged(arn("serviceArn"), all, &reason),
        Kind::TaskDefinition => tagged(arn("taskDefinitionArn"), all, &reason),
    }
}

/// The same for what has an ARN.
pub(super) fn tagged(arn: &str, all: Vec<Tree>, reason: &str) -> Step {
    Step { effect: StepEffect::Adopt, ..tag_step(arn, all, reason) }
}

fn paths(differences: &[Difference]) -> String {
    let paths: Vec<String> = differences.iter().map(|one| one.path.to_string()).collect();
    paths.join(", ")
}

/// The plan with what was left at adoption told of; what is no longer different is forgotten.
pub(super) fn with_left(mut plan: Plan, declared: &Object, effective: &Object, shown: &Tree) -> Plan {
    let before = Left::read(shown.list(definition(declared.key.kind).tags.list));
    if declared.reconcile.adopt == Adopt::Shared || before.is_empty() {
        return plan;
    }
    let left = adopt::undeclared(declared, effective, shown);
    let members: BTreeSet<&str> = left.iter().map(Difference::member).collect();
    let now = Left::of(members);
    if now != before {
        let reason = "what is left as it was found has become less".to_owned();
        let step = adopt_step(declared, shown, vec![now.tag()], reason);
        plan.steps.push(Step { effect: StepEffect::Memory, ..step });
        if plan.verdict == Verdict::Converged {
            plan.verdict = Verdict::Due;
        }
    } else if plan.verdict == Verdict::Converged {
        let message = format!(
            "adopted as it was found: {} have left their defaults and are not declared; declare them, either way",
            paths(&left)
        );
        plan.verdict = Verdict::Blocked(Reason::Adopted, message);
    }
    plan.differences.extend(left);
    plan
}
