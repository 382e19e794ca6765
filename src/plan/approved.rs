//! What a plan file lets be written: its steps, and nothing else. Must not know: where plans are kept.

use std::collections::BTreeMap;

use crate::kinds::{Key, Kind, tags};
use crate::shape::{Call, Path, Segment, Tree};

use super::{Plan, Reason, Replacement, Step, StepEffect, Verdict};

/// Steps that somebody has looked at, by object, and replacements, of which later steps follow from the first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Approved(BTreeMap<Key, (Vec<Step>, Option<Replacement>)>);

impl Approved {
    /// All steps of these plans.
    pub fn of(plans: &[(Key, Plan)]) -> Self {
        let one = |(key, plan): &(Key, Plan)| (key.clone(), (plan.steps.clone(), plan.replacement.clone()));
        Self(plans.iter().map(one).collect())
    }

    /// Why this plan's steps may not be made, where one of them is none of those that were looked at.
    pub fn refusal(&self, key: &Key, plan: &Plan) -> Option<Verdict> {
        let (known, replacement) = match self.0.get(key) {
            Some((steps, replacement)) => (steps.as_slice(), replacement.as_ref()),
            None => (&[][..], None),
        };
        let same = |one: &Replacement, other: &Replacement| (one.how, &one.new) == (other.how, &other.new);
        if plan.replacement.as_ref().zip(replacement).is_some_and(|(now, then)| same(now, then)) {
            return None;
        }
        // The rules of a new group follow when EC2 has said what it is.
        let is_new_group = key.kind == Kind::SecurityGroup && known.iter().any(|one| one.effect == StepEffect::Create);
        let refused = plan.steps.iter().find(|step| !is_new_group && !permits(known, step))?;
        let message = format!(
            "{} ({}) is not in the plan file: something has moved since; plan anew",
            refused.call.operation, refused.reason
        );
        Some(Verdict::Blocked(Reason::NotInPlan, message))
    }
}

fn permits(known: &[Step], step: &Step) -> bool {
    let same = |one: &Step| {
        let late: Vec<Path> = one.late.iter().chain(&step.late).cloned().collect();
        one.call.operation == step.call.operation && settled(&one.call, &late) == settled(&step.call, &late)
    };
    // Our own memory goes with whatever else is done to the object.
    let is_memory =
        || step.effect == StepEffect::Memory || step.effect == StepEffect::Tags && !has_tags(&settled(&step.call, &[]));
    !known.is_empty() && (known.iter().any(same) || is_memory())
}

fn has_tags(input: &Tree) -> bool {
    !input.list(tags::ECS.list).is_empty() || !input.list(tags::EC2.list).is_empty()
}

/// Members that are made when a call is made.
const MADE_LATE: &str = "clientToken";

/// The input without what is only known, or made, when the call is: values of earlier steps, tokens, our memory.
pub fn settled(call: &Call, late: &[Path]) -> Tree {
    let mut input = call.input.clone();
    input.remove(MADE_LATE);
    for path in late {
        take_out(&mut input, &path.0);
    }
    for words in [&tags::ECS, &tags::EC2] {
        let memory = |tag: &Tree| matches!(tag.text(words.key), Some(tags::ATTEMPT | tags::SAID));
        if let Some(Tree::List(items)) = input.as_map_mut().and_then(|map| map.get_mut(words.list)) {
            items.retain(|tag| !memory(tag));
        }
    }
    input
}

fn take_out(tree: &mut Tree, path: &[Segment]) {
    match path {
        [Segment::Name(name)] => drop(tree.remove(name)),
        [Segment::Name(name), rest @ ..] => {
            if let Some(below) = tree.as_map_mut().and_then(|map| map.get_mut(name)) {
                take_out(below, rest);
            }
        }
        [Segment::Index(_), ..] | [] => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Place;
    use crate::tree;

    fn key(kind: Kind) -> Key {
        let place = Place { account: "123456789012".into(), region: "eu-west-1".into() };
        Key::new(place, Some("prod".into()), kind, "web".into())
    }

    fn update(count: i64, definition: &str) -> Step {
        let input = tree! { "service" => "web", "desiredCount" => count, "taskDefinition" => definition };
        Step::new(Call::ecs("UpdateService", input), StepEffect::Deploys, "it changed")
    }

    fn tag(key: &str) -> Step {
        let input = tree! { "resourceArn" => "arn", "tags" => vec![tags::tag(key, "x")] };
        Step::new(Call::ecs("TagResource", input), StepEffect::Tags, "tags are missing")
    }

    #[test]
    fn only_what_was_planned_passes_with_late_values_and_our_memory_aside() {
        let planned = Step { late: vec![Path::from("taskDefinition")], ..update(2, "web") };
        let plan = Plan { steps: vec![planned], ..Plan::of(Verdict::Due) };
        let approved = Approved::of(&[(key(Kind::Service), plan)]);
        let of = |steps: &[Step]| Plan { steps: steps.to_vec(), ..Plan::of(Verdict::Due) };
        let refused = |steps: &[Step]| approved.refusal(&key(Kind::Service), &of(steps)).is_some();
        assert!(!refused(&[tag(tags::ATTEMPT), update(2, "web:7")]));
        assert!(refused(&[update(3, "web:7")]), "another count");
        assert!(refused(&[tag("team")]), "a tag that nobody planned");
        assert!(!refused(&[]));
        assert!(Approved::default().refusal(&key(Kind::Service), &of(&[tag(tags::ATTEMPT)])).is_some());
    }
}
