//! What is to be done for a task definition: find the revision with our content, or register one.
//!
//! Registration is ECS's scarcest call and has no token, so the family's two newest revisions are read first: one of
//! them may be the registration whose answer we lost.

use crate::kinds::{Object, Observed, tags, task_definition};
use crate::shape::Tree;

use super::adopt::{self, Standing};
use super::{Facts, Need, Plan, Resolution, Step, StepEffect, Verdict, tag_step};

pub fn plan(object: &Object, facts: &Facts<'_>) -> Result<Plan, Need> {
    let converged = |reference: String| Plan { realised: Some(reference), ..Plan::of(Verdict::Converged) };
    match &facts.task_definition {
        Resolution::Realised { reference, .. } => return Ok(converged(reference.clone())),
        Resolution::NotNeeded | Resolution::Late { .. } | Resolution::Missing(_) => {}
    }
    let family = look(object, facts)?;
    if let Some(answer) = family.iter().find(|answer| is_usable(object, answer, facts)) {
        return Ok(tagged(object, answer));
    }
    if let Some(plan) = not_ours(object, facts, &family) {
        return Ok(plan);
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
    let arn = arn(answer);
    let missing = tags::missing(object.tags(), answer.list("tags"));
    let plan = if missing.is_empty() {
        Plan::of(Verdict::Converged)
    } else {
        Plan::due(vec![tag_step(arn, missing, "declared tags are missing")], vec![])
    };
    Plan { realised: Some(task_definition::short(arn).to_owned()), ..plan }
}

/// The answers about the newest revisions: one that is ours is enough, and of others the one before it is read too.
fn look<'a>(object: &Object, facts: &Facts<'a>) -> Result<Vec<&'a Tree>, Need> {
    let family = object.aws_name();
    let Some(newest) = read(facts, family)? else { return Ok(vec![]) };
    let revision = newest.at(&["taskDefinition", "revision"]).and_then(Tree::as_int).unwrap_or(1);
    if is_usable(object, newest, facts) || revision <= 1 {
        return Ok(vec![newest]);
    }
    let before = read(facts, &format!("{family}:{}", revision - 1))?;
    Ok(std::iter::once(newest).chain(before).collect())
}

/// What is done about a family whose newest revisions are not ours: nothing, or the one that has our content, else the
/// newest, becomes ours, and the family with it. `None` where there is none, or one of them is ours.
fn not_ours(object: &Object, facts: &Facts<'_>, family: &[&Tree]) -> Option<Plan> {
    let ours = |answer: &&Tree| tags::owner(answer.list("tags"), facts.us) == tags::Owner::Us;
    if family.iter().any(ours) {
        return None;
    }
    let has_content = |answer: &&&Tree| is_active(answer) && task_definition::equals(object, answer);
    let same = family.iter().find(has_content);
    let chosen = same.or(family.first())?;
    match adopt::standing(object, facts, chosen.list("tags")) {
        Standing::Open => None,
        Standing::Refused(verdict) => Some(Plan::of(verdict)),
        Standing::Comes { how, .. } => {
            let mut all = vec![tags::tag(tags::OWNER, &facts.us.to_string())];
            all.extend(same.map(|_| tags::tag(tags::CONTENT, &task_definition::content_hash(object))));
            let step = adopt::tagged(arn(chosen), all, &how);
            Some(Plan::due(vec![step], task_definition::differences(object, chosen)))
        }
    }
}

fn arn(answer: &Tree) -> &str {
    answer.at(&["taskDefinition", "taskDefinitionArn"]).and_then(Tree::as_text).unwrap_or_default()
}

fn is_active(answer: &Tree) -> bool {
    answer.at(&["taskDefinition", "status"]).and_then(Tree::as_text) == Some("ACTIVE")
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
    let ours = tags::owner(all, facts.us) == tags::Owner::Us;
    let content = task_definition::content_hash(object);
    let same =
        || tags::read(all).get(tags::CONTENT) == Some(&content.as_str()) || task_definition::equals(object, answer);
    ours && is_active(answer) && same()
}
