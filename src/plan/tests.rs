//! The decisions for a service, one sentence each.

mod controllers;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Answers, Before, Due, Facts, Need, Plan, Preflight, Reason, Resolution, StepEffect, Verdict, plan};
use crate::check::preflight::Judged;
use crate::kinds::tags::{self, Attempt, Ownership};
use crate::kinds::{Key, Kind, Object, Observed, Origin, Place, Policy, service};
use crate::manifest::{At, Fault};
use crate::rollout::{Entry, Journal};
use crate::shape::{Path, Time, Tree};
use crate::tree;

const NOW: Time = Time(1_800_000_000_000);

fn us() -> Ownership {
    Ownership { owner: "acme".into(), source: "prod".into() }
}

fn desired(spec: Tree) -> Object {
    let place = Place { account: "123456789012".into(), region: "us-east-1".into() };
    Object {
        lookup: Default::default(),
        key: Key::new(place, Some("prod".into()), Kind::Service, "web".into()),
        spec: spec.with("serviceName", "web"),
        reconcile: Default::default(),
        origin: Origin::default(),
    }
}

/// A service that runs `revision`, steady since long ago, after an attempt to bring `attempt` to it.
fn live(object: &Object, revision: &str, attempt: &str, hash_of: &str) -> Tree {
    let attempt = Attempt {
        hash: service::deploy_hash(object, hash_of),
        task_definition: attempt.into(),
        at: Time(NOW.0 - 600_000),
        restart: "-".into(),
        network: None,
    };
    let primary = tree! {
        "id" => "ecs-svc/1", "status" => "PRIMARY", "rolloutState" => "COMPLETED", "createdAt" => Time(NOW.0 - 590_000),
    };
    tree! {
        "serviceName" => "web", "status" => "ACTIVE", "desiredCount" => 2, "runningCount" => 2, "pendingCount" => 0,
        "serviceArn" => "arn:aws:ecs:us-east-1:123456789012:service/prod/web",
        "taskDefinition" => format!("arn:aws:ecs:us-east-1:123456789012:task-definition/{revision}"),
        "deployments" => vec![primary],
        "tags" => vec![tags::tag(tags::OWNER, "acme/prod"), attempt.tag()],
    }
}

fn wants(reference: &str) -> Resolution {
    Resolution::Realised { reference: reference.into(), content: reference.into(), object: None }
}

fn looked_ahead(answers: &Answers) -> Answers {
    let mut answers = answers.clone();
    for due in [Due::Create, Due::Rollout, Due::ScaleOut] {
        answers.preflight.entry(due).or_insert(Preflight::none(due));
    }
    answers
}

/// Preflight has nothing to say, unless a test lets it.
fn decide_with(object: &Object, shown: Observed, wanted: Resolution, answers: &Answers) -> Result<Plan, Need> {
    let answers = looked_ahead(answers);
    let cluster = Observed::Present(tree! { "clusterName" => "prod", "status" => "ACTIVE" });
    let facts = Facts {
        former: None,
        held: None,
        us: &us(),
        observed: &shown,
        date: NOW,
        cluster: &cluster,
        cluster_declared: false,
        task_definition: wanted,
        grace: Duration::from_secs(3600),
        answers: &answers,
        before: &Before::default(),
    };
    plan(object, &facts)
}

fn decide(object: &Object, shown: &Tree, wanted: &str) -> Result<Plan, Need> {
    decide_with(object, Observed::Present(shown.clone()), wants(wanted), &Answers::default())
}

fn after(object: &Object, shown: &Tree, wanted: &str, entries: &[(&str, &str)]) -> Plan {
    let entry = |(index, (task_definition, status)): (usize, &(&str, &str))| Entry {
        created_at: Time(NOW.0 - 590_000 + index as i64 * 1000),
        finished_at: None,
        status: (*status).into(),
        reason: String::new(),
        task_definition: (*task_definition).into(),
    };
    let journal = Journal { entries: entries.iter().enumerate().map(entry).collect() };
    let answers = Answers { task_definitions: BTreeMap::new(), journal: Some(journal), ..Answers::default() };
    decide_with(object, Observed::Present(shown.clone()), wants(wanted), &answers).unwrap()
}

fn operations(plan: &Plan) -> Vec<(&'static str, StepEffect)> {
    plan.steps.iter().map(|step| (step.call.operation, step.effect)).collect()
}

fn reason(plan: &Plan) -> Option<Reason> {
    match &plan.verdict {
        Verdict::Waiting(reason, _) | Verdict::Blocked(reason, _) => Some(*reason),
        Verdict::Converged | Verdict::Due | Verdict::Rolling(_) | Verdict::Settling(_) => None,
    }
}

const TAGGED: (&str, StepEffect) = ("TagResource", StepEffect::Tags);
/// What is for our memory alone.
const REMEMBERED: (&str, StepEffect) = ("TagResource", StepEffect::Memory);
const DEPLOYED: (&str, StepEffect) = ("UpdateService", StepEffect::Deploys);
const IN_PLACE: (&str, StepEffect) = ("UpdateService", StepEffect::InPlace);

#[test]
fn what_is_not_there_is_created_with_its_memory_in_the_same_call() {
    let object = desired(tree! { "desiredCount" => 2 });
    let plan = decide_with(&object, Observed::Absent, wants("web:1"), &Answers::default()).unwrap();
    assert_eq!(operations(&plan), [("CreateService", StepEffect::Create)]);
    let tags = tags::read(plan.steps[0].call.input.list("tags"));
    assert_eq!(tags.get(tags::OWNER), Some(&"acme/prod"));
    assert!(tags.contains_key(tags::ATTEMPT));
}

#[test]
fn what_could_not_be_observed_is_never_taken_for_absent() {
    let unknown = Observed::Unknown("throttled".into());
    let plan = decide_with(&desired(tree! {}), unknown, wants("web:1"), &Answers::default()).unwrap();
    assert_eq!((operations(&plan), reason(&plan)), (vec![], Some(Reason::Unobserved)));
}

#[test]
fn a_steady_service_that_is_as_wanted_is_left_alone() {
    let object = desired(tree! { "desiredCount" => 2 });
    let plan = decide(&object, &live(&object, "web:1", "web:1", "web:1"), "web:1").unwrap();
    assert_eq!((operations(&plan), &plan.verdict), (vec![], &Verdict::Converged));
}

#[test]
fn another_count_is_changed_in_place_and_another_image_is_deployed_after_it_was_written_down() {
    let object = desired(tree! { "desiredCount" => 2 });
    let shown = live(&object, "web:1", "web:1", "web:1");
    let scaled = desired(tree! { "desiredCount" => 4 });
    assert_eq!(operations(&decide(&scaled, &shown, "web:1").unwrap()), [IN_PLACE]);
    assert_eq!(operations(&decide(&object, &shown, "web:2").unwrap()), [TAGGED, DEPLOYED]);
}

#[test]
fn before_the_same_attempt_is_made_again_the_journal_is_read() {
    let object = desired(tree! { "desiredCount" => 2 });
    let shown = live(&object, "web:1", "web:2", "web:2");
    assert_eq!(decide(&object, &shown, "web:2"), Err(Need::Journal(Time(NOW.0 - 600_000))));
}

#[test]
fn an_attempt_that_was_never_made_is_made_without_writing_it_down_again() {
    let object = desired(tree! { "desiredCount" => 2 });
    let plan = after(&object, &live(&object, "web:1", "web:2", "web:2"), "web:2", &[]);
    assert_eq!(operations(&plan), [DEPLOYED]);
}

#[test]
fn a_failed_attempt_is_held_and_only_its_deploying_part() {
    let object = desired(tree! { "desiredCount" => 2 });
    let shown = live(&object, "web:1", "web:2", "web:2");
    for status in ["ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", "STOPPED", "ROLLBACK_IN_PROGRESS"] {
        let plan = after(&object, &shown, "web:2", &[("web:2", status)]);
        assert_eq!((operations(&plan), reason(&plan)), (vec![], Some(Reason::RolledBack)), "{status}");
    }
    let scaled = desired(tree! { "desiredCount" => 4 });
    let plan = after(&scaled, &shown, "web:2", &[("web:2", "ROLLBACK_SUCCESSFUL")]);
    assert_eq!((operations(&plan), reason(&plan)), (vec![IN_PLACE], Some(Reason::RolledBack)));
    assert_eq!(plan.steps[0].call.input.get("taskDefinition"), None, "the live revision stays");
}

#[test]
fn git_asking_for_something_else_ends_a_hold() {
    let object = desired(tree! { "desiredCount" => 2 });
    let shown = live(&object, "web:1", "web:2", "web:2");
    assert_eq!(operations(&decide(&object, &shown, "web:3").unwrap()), [TAGGED, DEPLOYED]);
    let mut again = object;
    Arc::make_mut(&mut again.reconcile).restarted_at = Some("2026-11-22 once more".into());
    assert_eq!(operations(&decide(&again, &shown, "web:2").unwrap()), [TAGGED, DEPLOYED]);
}

#[test]
fn a_deployment_of_someone_else_is_left_alone_for_the_grace_and_then_reverted() {
    let object = desired(tree! { "desiredCount" => 2 });
    let shown = live(&object, "web:9", "web:2", "web:2");
    let done = [("web:2", "SUCCESSFUL"), ("web:9", "SUCCESSFUL")];
    let plan = after(&object, &shown, "web:2", &done);
    assert_eq!((operations(&plan), reason(&plan)), (vec![], Some(Reason::Overridden)));
    let journal = Journal {
        entries: vec![Entry {
            created_at: Time(NOW.0 - 3_600_000),
            finished_at: None,
            status: "SUCCESSFUL".into(),
            reason: String::new(),
            task_definition: "web:9".into(),
        }],
    };
    let answers = Answers { task_definitions: BTreeMap::new(), journal: Some(journal), ..Answers::default() };
    let plan = decide_with(&object, Observed::Present(shown), wants("web:2"), &answers).unwrap();
    assert_eq!((operations(&plan), plan.drift), (vec![TAGGED, DEPLOYED], true));
}

#[test]
fn what_failed_stays_held_after_someone_else_has_mended_it() {
    let object = desired(tree! { "desiredCount" => 2 });
    let shown = live(&object, "web:1", "web:2", "web:2");
    let entry = |at: i64, task_definition: &str, status: &str| Entry {
        created_at: Time(NOW.0 - at),
        finished_at: None,
        status: status.into(),
        reason: String::new(),
        task_definition: task_definition.into(),
    };
    for status in ["STOPPED", "ROLLBACK_SUCCESSFUL"] {
        let entries = vec![entry(9_000_000, "web:2", status), entry(8_000_000, "web:1", "SUCCESSFUL")];
        let answers =
            Answers { task_definitions: BTreeMap::new(), journal: Some(Journal { entries }), ..Answers::default() };
        let plan = decide_with(&object, Observed::Present(shown.clone()), wants("web:2"), &answers).unwrap();
        assert_eq!((operations(&plan), reason(&plan)), (vec![], Some(Reason::RolledBack)), "{status}");
    }
}

#[test]
fn the_silence_of_a_journal_that_has_forgotten_is_no_reason_to_deploy() {
    let object = desired(tree! { "desiredCount" => 2 });
    let mut shown = live(&object, "web:1", "web:2", "web:2");
    let old = Attempt { at: Time(NOW.0 - 81 * 86_400_000), ..Attempt::read(shown.list("tags")).unwrap() };
    shown.set("tags", vec![tags::tag(tags::OWNER, "acme/prod"), old.tag()]);
    let plan = after(&object, &shown, "web:2", &[]);
    assert_eq!((operations(&plan), reason(&plan)), (vec![], Some(Reason::RolledBack)));
}

#[test]
fn what_runs_as_wanted_without_a_memory_of_it_is_remembered_once() {
    let object = desired(tree! { "desiredCount" => 2 });
    let shown = live(&object, "web:1", "web:1", "something else");
    let plan = decide(&object, &shown, "web:1").unwrap();
    assert_eq!(operations(&plan), [REMEMBERED]);
    let noted = Attempt::read(plan.steps[0].call.input.list("tags")).unwrap();
    assert_eq!(noted.hash, service::deploy_hash(&object, "web:1"));
    assert_eq!(noted.at, Time(NOW.0 - 590_000), "since the live deployment began");
}

#[test]
fn without_a_memory_a_recent_deployment_is_someone_elses() {
    let object = desired(tree! { "desiredCount" => 2 });
    let mut shown = live(&object, "web:9", "web:1", "web:1");
    shown.set("tags", vec![tags::tag(tags::OWNER, "acme/prod")]);
    let plan = after(&object, &shown, "web:1", &[("web:9", "SUCCESSFUL")]);
    assert_eq!((operations(&plan), reason(&plan)), (vec![], Some(Reason::Overridden)));
    let plan = after(&object, &shown, "web:1", &[]);
    assert_eq!((operations(&plan), plan.drift), (vec![TAGGED, DEPLOYED], true));
}

#[test]
fn the_same_creation_is_the_same_call() {
    let object = desired(tree! { "desiredCount" => 2 });
    let create = |observed: Observed| {
        let plan = decide_with(&object, observed, wants("web:1"), &Answers::default()).unwrap();
        plan.steps[0].call.clone()
    };
    assert_eq!(create(Observed::Absent), create(Observed::Absent));
    let gone = tree! { "status" => "INACTIVE", "createdAt" => Time(5000) };
    let token = |call: &crate::shape::Call| call.input.text("clientToken").unwrap().to_owned();
    assert_ne!(token(&create(Observed::Absent)), token(&create(Observed::Present(gone))), "another incarnation");
}

#[test]
fn what_was_deployed_and_still_differs_is_not_deployed_for_ever() {
    let object = desired(tree! { "desiredCount" => 2, "platformVersion" => "1.4.0" });
    let shown = live(&object, "web:1", "web:1", "web:1").with("platformVersion", "1.3.0");
    let plan = after(&object, &shown, "web:1", &[("web:1", "SUCCESSFUL")]);
    assert_eq!((operations(&plan), reason(&plan)), (vec![], Some(Reason::DriftPersists)));
}

#[test]
fn what_is_not_ours_or_suspended_or_can_not_be_changed_is_not_touched() {
    let object = desired(tree! { "desiredCount" => 4 });
    let shown = live(&object, "web:1", "web:1", "web:1");
    let tagged = |tag: Tree| {
        let mut tags = shown.list("tags").to_vec();
        tags.push(tag);
        shown.clone().with("tags", tags)
    };
    let foreign = shown.clone().with("tags", vec![tags::tag(tags::OWNER, "other/prod")]);
    let short = shown.clone().with("serviceArn", "arn:aws:ecs:us-east-1:123456789012:service/web");
    for (shown, why) in [
        (foreign, Reason::NotOwned),
        (shown.clone().with("tags", Tree::List(vec![])), Reason::NotOwned),
        (short, Reason::LegacyArn),
        (shown.clone().with("status", "DRAINING"), Reason::Draining),
        (tagged(tags::tag(tags::SUSPEND, "")), Reason::Suspended),
        (shown.clone().with("schedulingStrategy", "DAEMON"), Reason::ReplacementNeeded),
    ] {
        let plan = decide(&object, &shown, "web:1").unwrap();
        assert_eq!((operations(&plan), reason(&plan)), (vec![], Some(why)));
    }
}

#[test]
fn a_failed_or_late_rollout_says_so_and_writes_nothing() {
    let object = desired(tree! { "desiredCount" => 2 });
    let with = |state: &str, began: i64| {
        let primary = tree! {
            "id" => "ecs-svc/1", "status" => "PRIMARY", "rolloutState" => state, "createdAt" => Time(NOW.0 - began),
        };
        live(&object, "web:1", "web:1", "web:1").with("deployments", vec![primary])
    };
    for (shown, why) in [
        (with("FAILED", 1000), Some(Reason::RolloutFailed)),
        (with("IN_PROGRESS", 901_000), Some(Reason::RolloutTimedOut)),
        (with("IN_PROGRESS", 1000), None),
    ] {
        let plan = decide(&object, &shown, "web:1").unwrap();
        assert_eq!((operations(&plan), reason(&plan)), (vec![], why));
    }
}

#[test]
fn a_service_whose_cluster_is_nowhere_says_what_to_do() {
    let object = desired(tree! { "desiredCount" => 2 });
    for (declared, why, steps) in [(false, Reason::ClusterAbsent, 0), (true, Reason::DependencyNotReady, 1)] {
        let facts = Facts {
            former: None,
            held: None,
            us: &us(),
            observed: &Observed::Absent,
            date: NOW,
            cluster: &Observed::Absent,
            cluster_declared: declared,
            task_definition: wants("web:1"),
            grace: Duration::ZERO,
            answers: &looked_ahead(&Answers::default()),
            before: &Before::default(),
        };
        let plan = plan(&object, &facts).unwrap();
        assert_eq!((reason(&plan), plan.steps.len()), (Some(why), steps));
    }
}

#[test]
fn a_task_definition_that_is_not_there_yet_keeps_no_scale_out_waiting() {
    let before = desired(tree! { "desiredCount" => 2 });
    let shown = live(&before, "web:1", "web:1", "web:1");
    let scaled = desired(tree! { "desiredCount" => 4 });
    let declared = desired(tree! {});
    let key = Key::new(declared.key.place.clone(), None, Kind::TaskDefinition, "web".into());
    let declared = Object { key, ..declared };
    let late = Resolution::Late { content: "new".into(), object: Arc::new(declared) };
    let answers = Answers { task_definitions: [("web:1".to_owned(), Observed::Absent)].into(), ..Answers::default() };
    let plan = decide_with(&scaled, Observed::Present(shown), late, &answers).unwrap();
    assert_eq!(operations(&plan), [IN_PLACE, DEPLOYED]);
    assert_eq!(plan.steps.iter().map(|step| step.late.is_empty()).collect::<Vec<_>>(), [true, false]);
}

/// Preflight finds something that does this.
fn finds(due: Due, does: Policy) -> Answers {
    let fault = Fault::new(Path::from("spec"), At::Value, "preflight-addresses", "too few");
    let said = Preflight { judged: vec![Judged { fault, does }], ..Preflight::none(due) };
    Answers { preflight: [(due, said)].into(), ..Answers::default() }
}

#[test]
fn what_preflight_holds_is_not_written_and_all_else_is() {
    let before = desired(tree! { "desiredCount" => 4 });
    let shown = || Observed::Present(live(&before, "web:1", "web:1", "web:1").with("desiredCount", 4));
    let holds = |object: &Object, shown: Observed, due: Due, does: Policy, wanted: &str| {
        let plan = decide_with(object, shown, wants(wanted), &finds(due, does)).unwrap();
        (operations(&plan), reason(&plan))
    };
    let (blocked, waits) = (Some(Reason::PreflightBlocked), Some(Reason::PreflightWaiting));
    for (does, why) in [(Policy::Block, blocked), (Policy::Wait, waits)] {
        assert_eq!(holds(&before, Observed::Absent, Due::Create, does, "web:1"), (vec![], why));
        assert_eq!(holds(&before, shown(), Due::Rollout, does, "web:2"), (vec![], why));
        // A scale-in and a scale-out that have room go ahead of a rollout that has none.
        for count in [2, 6] {
            let scaled = desired(tree! { "desiredCount" => count });
            assert_eq!(holds(&scaled, shown(), Due::Rollout, does, "web:2"), (vec![IN_PLACE], why));
        }
        // And a rollout is not held for what a scale-out lacks: it counts those tasks itself.
        let scaled = desired(tree! { "desiredCount" => 6 });
        assert_eq!(holds(&scaled, shown(), Due::ScaleOut, does, "web:2"), (vec![TAGGED, DEPLOYED], None));
        let grown = desired(tree! { "desiredCount" => 6, "enableECSManagedTags" => true });
        assert_eq!(holds(&scaled, shown(), Due::ScaleOut, does, "web:1"), (vec![], why));
        assert_eq!(holds(&grown, shown(), Due::ScaleOut, does, "web:1"), (vec![IN_PLACE], why));
        let shrunk = desired(tree! { "desiredCount" => 2 });
        assert_eq!(holds(&shrunk, shown(), Due::ScaleOut, does, "web:1"), (vec![IN_PLACE], None));
    }
    assert_eq!(holds(&before, shown(), Due::Rollout, Policy::Warn, "web:2"), (vec![TAGGED, DEPLOYED], None));
}

#[test]
fn a_held_scale_out_leaves_the_count_alone() {
    let before = desired(tree! { "desiredCount" => 4 });
    let shown = live(&before, "web:1", "web:1", "web:1").with("desiredCount", 4);
    let grown = desired(tree! { "desiredCount" => 6, "enableECSManagedTags" => true });
    let answers = finds(Due::ScaleOut, Policy::Wait);
    let plan = decide_with(&grown, Observed::Present(shown), wants("web:1"), &answers).unwrap();
    let sent = &plan.steps[0].call.input;
    assert_eq!((sent.get("desiredCount"), sent.bool("enableECSManagedTags")), (None, Some(true)));
}

/// A service in the subnets that its terms lead to.
fn looked_up(subnets: &[&str]) -> Object {
    let awsvpc = tree! { "subnets" => subnets.to_vec() };
    let network = tree! { "awsvpcConfiguration" => awsvpc };
    let terms = vec![tree! { "tags" => tree! { "tier" => "private" } }];
    let lookup = crate::kinds::Lookup { subnets: Some(Box::new(terms.into())), ..Default::default() };
    Object { lookup, ..desired(tree! { "desiredCount" => 2, "networkConfiguration" => network }) }
}

/// The service after an attempt to bring it to these subnets, where it is.
fn live_in(object: &Object) -> Tree {
    let shown = live(object, "web:1", "web:1", "web:1")
        .with("networkConfiguration", object.spec.get("networkConfiguration").unwrap());
    let network = crate::kinds::lookup::hash(&object.lookup, &object.spec);
    let attempt = Attempt { network, ..Attempt::read(shown.list("tags")).unwrap() };
    shown.with("tags", vec![tags::tag(tags::OWNER, "acme/prod"), attempt.tag()])
}

#[test]
fn what_terms_lead_to_may_move_which_is_drift_but_for_what_had_failed() {
    let (before, now) = (looked_up(&["subnet-1"]), looked_up(&["subnet-2"]));
    let shown = live_in(&before);
    assert_eq!(decide(&before, &shown, "web:1").unwrap().verdict, Verdict::Converged);
    for (status, steps, drift, why) in [
        ("SUCCESSFUL", vec![TAGGED, DEPLOYED], true, None),
        ("ROLLBACK_SUCCESSFUL", vec![], false, Some(Reason::RolledBack)),
        ("IN_PROGRESS", vec![], false, None),
    ] {
        let plan = after(&now, &shown, "web:1", &[("web:1", status)]);
        assert_eq!((operations(&plan), plan.drift, reason(&plan)), (steps, drift, why), "{status}");
    }
    // The same subnets by another term are another wish, and nothing to deploy.
    let mut other = before.clone();
    other.lookup.subnets = Some(Box::new(vec![tree! { "id" => "subnet-1" }].into()));
    assert_eq!(operations(&decide(&other, &shown, "web:1").unwrap()), [REMEMBERED]);
    // Someone brought it there already: that is written down, and no more.
    assert_eq!(
        operations(
            &decide(
                &now,
                &live_in(&before).with("networkConfiguration", now.spec.get("networkConfiguration").unwrap()),
                "web:1"
            )
            .unwrap()
        ),
        [REMEMBERED]
    );
}
