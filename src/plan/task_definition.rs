//! What is to be done for a task definition: find the revision with our content, or register one.
//!
//! Registration is ECS's scarcest call and has no token, so the family's two newest revisions are read first: one of
//! them may be the registration whose answer we lost.

use crate::kinds::{Object, Observed, tags, task_definition};
use crate::shape::Tree;

use super::{Facts, Need, Plan, Resolution, Step, StepEffect, Verdict, not_owned, tag_step};

pub fn plan(object: &Object, facts: &Facts<'_>) -> Result<Plan, Need> {
    let converged = |reference: String| Plan { realised: Some(reference), ..Plan::of(Verdict::Converged) };
    match &facts.task_definition {
        Resolution::Realised { reference, .. } => return Ok(converged(reference.clone())),
        Resolution::NotNeeded | Resolution::Late { .. } | Resolution::Missing(_) => {}
    }
    let (found, newest) = look(object, facts)?;
    if let Some(answer) = found {
        return Ok(tagged(object, answer));
    }
    if let Some(refused) = newest.as_ref().and_then(|whose| not_owned(whose, facts.us)) {
        return Ok(Plan::of(refused));
    }
    let register =
        Step::new(task_definition::register(object, facts.us), StepEffect::Register, "no revision has this content");
    let differences = match facts.answers.task_definitions.get(object.aws_name()) {
        Some(Observed::Present(newest)) => task_definition::differences(object, newest),
        _ => vec![],
    };
    Ok(Plan::due(vec![register], differences))
}

/// The revision is there; its tags, which are no part of the content, may have to follow.
fn tagged(object: &Object, answer: &Tree) -> Plan {
    let arn = answer.at(&["taskDefinition", "taskDefinitionArn"]).and_then(Tree::as_text).unwrap_or_default();
    let missing = tags::missing(object.tags(), answer.list("tags"));
    let plan = if missing.is_empty() {
        Plan::of(Verdict::Converged)
    } else {
        Plan::due(vec![tag_step(arn, missing, "declared tags are missing")], vec![])
    };
    Plan { realised: Some(task_definition::short(arn).to_owned()), ..plan }
}

/// The answer about the usable revision with the object's content, if one of the newest two has it, and whose the
/// family is.
fn look<'a>(object: &Object, facts: &Facts<'a>) -> Result<(Option<&'a Tree>, Option<tags::Owner>), Need> {
    let family = object.aws_name();
    let Some(newest) = read(facts, family)? else { return Ok((None, None)) };
    if is_usable(object, newest, facts) {
        return Ok((Some(newest), Some(tags::Owner::Us)));
    }
    let whose = tags::owner(newest.list("tags"), facts.us);
    let revision = newest.at(&["taskDefinition", "revision"]).and_then(Tree::as_int).unwrap_or(1);
    if revision <= 1 {
        return Ok((None, Some(whose)));
    }
    let Some(before) = read(facts, &format!("{family}:{}", revision - 1))? else { return Ok((None, Some(whose))) };
    let family_is_ours = whose == tags::Owner::Us || tags::owner(before.list("tags"), facts.us) == tags::Owner::Us;
    let whose = if family_is_ours { tags::Owner::Us } else { whose };
    Ok((is_usable(object, before, facts).then_some(before), Some(whose)))
}

fn read<'a>(facts: &Facts<'a>, reference: &str) -> Result<Option<&'a Tree>, Need> {
    match facts.answers.task_definitions.get(reference) {
        Some(Observed::Present(answer)) => Ok(Some(answer)),
        Some(Observed::Absent) => Ok(None),
        Some(Observed::Unknown(_)) | None => Err(Need::TaskDefinition(reference.to_owned())),
    }
}

/// Whether a revision is ours, ACTIVE and of our content: by its hash, or read anew where the hash was made by other
/// rules.
fn is_usable(object: &Object, answer: &Tree, facts: &Facts<'_>) -> bool {
    let all = answer.list("tags");
    let active = answer.at(&["taskDefinition", "status"]).and_then(Tree::as_text) == Some("ACTIVE");
    let ours = tags::owner(all, facts.us) == tags::Owner::Us;
    let content = task_definition::content_hash(object);
    let same =
        || tags::read(all).get(tags::CONTENT) == Some(&content.as_str()) || task_definition::equals(object, answer);
    ours && active && same()
}
