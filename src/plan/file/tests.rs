use super::*;
use crate::kinds::{Kind, Lookup, Origin, tags};
use crate::plan::Verdict;
use crate::shape::Call;

const PROGRAM: &str = "1.2.3";

fn place() -> Place {
    Place { account: "123456789012".into(), region: "eu-west-1".into() }
}

fn object(count: i64) -> Object {
    Object {
        key: Key::new(place(), Some("prod".into()), Kind::Service, "web".into()),
        spec: tree! { "serviceName" => "web", "cluster" => "prod", "desiredCount" => count, "tags" => vec![tags::tag("team", "a")] },
        lookup: Lookup::default(),
        reconcile: Default::default(),
        origin: Origin::default(),
    }
}

fn live() -> Tree {
    tree! {
        "serviceName" => "web", "status" => "ACTIVE", "desiredCount" => 2, "runningCount" => 1, "launchType" => "FARGATE",
        "taskDefinition" => "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1",
        "deployments" => vec![tree! { "status" => "PRIMARY", "id" => "ecs-svc/1" }],
        "tags" => vec![tags::tag("team", "a"), tags::tag("cost", "x"), tags::tag(tags::OWNER, "us/test")],
    }
}

fn step(command: &str) -> Step {
    let container = tree! { "name" => "web", "command" => vec![command], "environment" => vec![
        tree! { "name" => "TOKEN", "value" => "hunter2" },
    ] };
    let input = tree! { "family" => "web", "containerDefinitions" => vec![container] };
    Step::new(Call::ecs("RegisterTaskDefinition", input), StepEffect::Register, "no revision has this content")
}

fn file_of(object: &Object, observed: Observed, steps: Vec<Step>) -> PlanFile {
    let seal = Seal::new(&[7; 32]);
    let mut file = PlanFile::new(PROGRAM, "/shop", "r1", &place(), "us/test", seal);
    let plan = Plan { steps, ..Plan::of(Verdict::Due) };
    file.add(&Planned { key: &object.key, object, observed: &observed, newest: None, plan: &plan });
    file
}

fn told(was: &PlanFile, is: &PlanFile) -> Vec<String> {
    was.moved(is).iter().map(ToString::to_string).collect()
}

#[test]
fn a_file_is_read_as_it_was_written_and_holds_no_secret() {
    let file = file_of(&object(2), Observed::Present(live()), vec![step("hunter2")]);
    let text = file.text();
    assert!(text.starts_with(MARK) && !text.contains("hunter2"), "{text}");
    assert_eq!(PlanFile::read(text.as_bytes(), PROGRAM), Ok(file));
}

#[test]
fn whatever_is_cut_off_or_changed_is_damaged() {
    let text = file_of(&object(2), Observed::Present(live()), vec![step("serve")]).text();
    let last = text.trim_end().len();
    for cut in (MARK.len()..last).step_by(7) {
        let read = PlanFile::read(&text.as_bytes()[..cut], PROGRAM);
        assert!(matches!(read, Err(FileError::Damaged(_))), "cut at {cut}: {read:?}");
    }
    // One byte anywhere: what is still read says the same to the last value.
    let good = PlanFile::read(text.as_bytes(), PROGRAM).unwrap();
    for at in 0..last {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        match PlanFile::read(&bytes, PROGRAM) {
            Err(_) => {}
            Ok(read) => assert_eq!(read, good, "byte {at}"),
        }
    }
}

#[test]
fn other_versions_and_too_much_are_refused_by_name() {
    let text = file_of(&object(2), Observed::Absent, vec![]).text();
    let newer = text.replace("{\"ecsOperatorPlan\":1", "{\"ecsOperatorPlan\":2");
    let refused = |text: &[u8], program: &str| PlanFile::read(text, program).unwrap_err().to_string();
    assert!(refused(newer.as_bytes(), PROGRAM).contains("version 2 of plan files"));
    assert!(refused(text.as_bytes(), "1.3.0").contains("made by ecs-operator 1.2.3, and this is ecs-operator 1.3.0"));
    assert_eq!(PlanFile::read(&vec![b' '; BYTES_MAX + 1], PROGRAM), Err(FileError::TooBig));
    assert!(refused(b"{\"ecsOperatorPlan\":{}}", PROGRAM).contains("damaged"));
    assert!(refused(b"[1]", PROGRAM).contains("damaged"));
    assert!(refused(&b"[".repeat(100_000), PROGRAM).contains("damaged"));
}

#[test]
fn what_moved_is_told_by_its_path_and_what_comes_and_goes_is_not() {
    let was = file_of(&object(2), Observed::Present(live()), vec![]);
    let now = |change: &dyn Fn(&mut Tree)| {
        let mut shown = live();
        change(&mut shown);
        told(&was, &file_of(&object(2), Observed::Present(shown), vec![]))
    };
    let tagged = |key: &'static str, value: &'static str| {
        move |shown: &mut Tree| {
            let mut tags = shown.list("tags").to_vec();
            tags.retain(|tag| tag.text("key") != Some(key));
            tags.push(tags::tag(key, value));
            shown.set("tags", tags);
        }
    };
    assert_eq!(now(&|shown| shown.set("runningCount", 2)), Vec::<String>::new());
    assert_eq!(now(&tagged("cost", "y")), Vec::<String>::new(), "a tag that is no business of the manifest");
    assert_eq!(now(&|shown| shown.set("desiredCount", 5)), ["prod/Service/web  desiredCount: 2 -> 5"]);
    assert_eq!(now(&tagged("team", "b")), ["prod/Service/web  tags[team]: a -> b"]);
    assert_eq!(now(&tagged(tags::OWNER, "them/x")), ["prod/Service/web  tags[ecs-operator/owner]: us/test -> them/x"]);
    assert_eq!(now(&tagged(tags::SUSPEND, "")), ["prod/Service/web  tags[ecs-operator/suspend]: nothing -> "]);
    let deployed = vec![tree! { "status" => "PRIMARY", "id" => "ecs-svc/2" }];
    assert_eq!(
        now(&|shown| shown.set("deployments", deployed.clone())),
        ["prod/Service/web  deployment: ecs-svc/1 -> ecs-svc/2"]
    );
    assert_eq!(now(&|shown| shown.set("status", "DRAINING")), ["prod/Service/web  status: ACTIVE -> DRAINING"]);
    assert_eq!(told(&was, &file_of(&object(2), Observed::Absent, vec![])), ["prod/Service/web  is gone"]);
}

#[test]
fn git_the_place_and_the_owner_count_too() {
    let was = file_of(&object(2), Observed::Present(live()), vec![step("serve")]);
    let same = file_of(&object(2), Observed::Present(live()), vec![step("serve")]);
    assert_eq!(told(&was, &PlanFile { revision: "r2".into(), ..same.clone() }), Vec::<String>::new());
    let git = file_of(&object(3), Observed::Present(live()), vec![]);
    assert_eq!(told(&was, &git), ["prod/Service/web  is declared otherwise"]);
    let none = PlanFile { objects: BTreeMap::new(), ..same.clone() };
    assert_eq!(told(&was, &none), ["prod/Service/web  is no longer declared"]);
    assert_eq!(told(&none, &was), ["prod/Service/web  is declared now"]);
    let elsewhere = Place { region: "us-east-1".into(), ..place() };
    assert_eq!(told(&was, &PlanFile { place: elsewhere, ..same.clone() }), ["region: eu-west-1 -> us-east-1"]);
    assert_eq!(told(&was, &PlanFile { owner: "them/test".into(), ..same }), ["owner: us/test -> them/test"]);
}

#[test]
fn another_call_is_told_and_a_secret_that_changed_is_told_without_it() {
    let with = |steps: Vec<Step>| file_of(&object(2), Observed::Present(live()), steps);
    let was = with(vec![step("serve")]);
    assert_eq!(told(&was, &with(vec![])), ["prod/Service/web  calls: RegisterTaskDefinition -> none"]);
    let secret = told(&was, &with(vec![step("hunter3")]));
    assert!(
        secret.len() == 1 && secret[0].starts_with("prod/Service/web  RegisterTaskDefinition sealed: "),
        "{secret:?}"
    );
    assert!(!secret[0].contains("hunter"));
}
