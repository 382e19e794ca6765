//! Makes a plan's steps. Must not know: how the plan was made.

use crate::aws::{CallError, Class};
use crate::kinds::{Kind, Object, service, task_definition};
use crate::lease::Claim;
use crate::plan::{Plan, StepEffect};
use crate::shape::Tree;
use crate::telemetry::{Action, Stage};

use super::pass::{Memory, Shared};

/// A refused call starts no rollout, so it keeps no place; and the revision it named is looked for anew, should that be
/// why. After an ambiguous one the next observation tells.
pub fn gave_back(shared: &Shared, object: &Object, error: &CallError) {
    let mut known = shared.known();
    if !error.ambiguous {
        known.rolling.remove(&object.key);
        known.started.remove(&object.key);
    }
    if !matches!(error.class(), Class::Terminal | Class::Conflict) {
        return;
    }
    let named = match object.key.kind {
        Kind::TaskDefinition => Some(object.key.clone()),
        Kind::Service => service::task_definition(object).manifest(),
        Kind::Cluster | Kind::SecurityGroup => None,
    };
    known.revisions.retain(|(of, _), _| Some(of) != named.as_ref());
}

/// Makes the steps in their order, up to the first that fails, each only while the claim holds; returns how many calls
/// changed something.
pub async fn apply(
    shared: &Shared,
    object: &Object,
    plan: &Plan,
    memory: &mut Memory,
    claim: &Claim,
) -> Result<usize, CallError> {
    let began = shared.clock.now();
    let mut changes = 0;
    for step in &plan.steps {
        let reply = shared.aws.write(&step.call, || claim.enter()).await?;
        changes += 1;
        let (named, own) = (step.call.input.text("service"), object.aws_name());
        if step.effect == StepEffect::Deletes {
            // What was written to it is gone with it.
            memory.witness = memory.witness.take().filter(|_| named != Some(own));
        } else if object.key.kind == Kind::Service && named.is_none_or(|named| named == own) {
            memory.witness.get_or_insert_default().take(&step.call, &reply.tree, shared.clock.now());
        }
        if step.effect == StepEffect::Register {
            registered(shared, object, &reply.tree);
        }
        shared.metrics.change_applied(&object.key, action(step.effect));
    }
    shared.metrics.stage_ended(Stage::Apply, shared.clock.now().since(began));
    Ok(changes)
}

fn registered(shared: &Shared, object: &Object, answer: &Tree) {
    let arn = answer.at(&["taskDefinition", "taskDefinitionArn"]).and_then(Tree::as_text);
    if let Some(arn) = arn {
        let content = task_definition::content_hash(object);
        let reference = task_definition::short(arn).to_owned();
        let mut known = shared.known();
        known.revisions.insert((object.key.clone(), content), reference);
        known.retained.remove(&object.key);
    }
}

fn action(effect: StepEffect) -> Action {
    match effect {
        StepEffect::Create => Action::Created,
        StepEffect::Register => Action::Registered,
        StepEffect::Adopt => Action::Adopted,
        StepEffect::Memory | StepEffect::Tags | StepEffect::InPlace | StepEffect::Deploys | StepEffect::Drains => {
            Action::Updated
        }
        StepEffect::Deletes => Action::Deleted,
    }
}
