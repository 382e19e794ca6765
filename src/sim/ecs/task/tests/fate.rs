//! Protection (ecs-semantics §2.18), Spot interruption (§3.3) and retirement (§8).

use std::time::Duration;

use super::rig::Rig;
use crate::shape::Tree;
use crate::sim::ecs::task::{interruption, retirement};
use crate::sim::world::Settings;
use crate::tree;

const HELD: &str = "was unable to scale in due to (reason 1 tasks under protection)";

fn protect(rig: &mut Rig, tasks: Vec<String>, more: Tree) -> Tree {
    let input = tree! { "cluster" => "default", "tasks" => tasks, "protectionEnabled" => true };
    let input = more.as_map().unwrap().iter().fold(input, |input, (name, value)| input.with(name, value));
    rig.ask("UpdateTaskProtection", input)
}

#[test]
fn protection_lasts_two_hours_unless_told_otherwise() {
    let mut rig = Rig::with(&[]);
    rig.serve(1, (100, 200), tree! {});
    let web = rig.serving();
    let alone = rig.run_tasks(tree! {});
    let tasks = vec![web[0].clone(), alone[0].clone(), "abc".into()];
    let answer = protect(&mut rig, tasks.clone(), tree! {});
    let reasons = answer.list("failures").iter().map(|one| one.text("reason").unwrap()).collect::<Vec<_>>();
    assert_eq!(reasons, ["TASK_NOT_VALID", "MISSING"]);
    assert_eq!(answer.list("protectedTasks")[0].bool("protectionEnabled"), Some(true));
    let get = |rig: &mut Rig| {
        let answer = rig.ask("GetTaskProtection", tree! { "cluster" => "default", "tasks" => vec![web[0].as_str()] });
        answer.list("protectedTasks")[0].clone()
    };
    let all = |rig: &mut Rig| {
        let answer = rig.ask("GetTaskProtection", tree! { "cluster" => "default" });
        assert_eq!(answer.list("failures"), []);
        answer.list("protectedTasks").iter().map(|one| one.text("taskArn").unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(all(&mut rig), web, "named by nobody, the protected ones are shown");
    let until = get(&mut rig).get("expirationDate").cloned();
    assert_eq!(until, Some(Tree::from(rig.world.now().after(Duration::from_secs(7_200)))));
    rig.wait(7_201);
    assert_eq!(get(&mut rig).bool("protectionEnabled"), Some(false));
    assert_eq!(get(&mut rig).get("expirationDate"), None);
    assert_eq!(all(&mut rig), Vec::<String>::new());
    assert_eq!(
        rig.refused("GetTaskProtection", tree! { "cluster" => "default", "tasks" => Vec::<String>::new() }).message,
        "Tasks cannot be empty."
    );
    protect(&mut rig, web.clone(), tree! { "expiresInMinutes" => 1 });
    rig.wait(59);
    assert_eq!(get(&mut rig).bool("protectionEnabled"), Some(true));
    protect(&mut rig, web.clone(), tree! { "protectionEnabled" => false });
    assert_eq!(get(&mut rig).bool("protectionEnabled"), Some(false));
    let input = |more: Tree| {
        let input = tree! { "cluster" => "default", "tasks" => web.clone(), "protectionEnabled" => true };
        more.as_map().unwrap().iter().fold(input, |input, (name, value)| input.with(name, value))
    };
    for more in [
        tree! { "expiresInMinutes" => 0 },
        tree! { "expiresInMinutes" => 2_881 },
        tree! { "protectionEnabled" => false, "expiresInMinutes" => 5 },
        tree! { "tasks" => vec!["a"; 11] },
        tree! { "tasks" => Vec::<String>::new() },
    ] {
        assert_eq!(rig.refused("UpdateTaskProtection", input(more)).code, "InvalidParameterException");
    }
}

#[test]
fn a_protected_task_outlives_a_scale_in() {
    let mut rig = Rig::with(&[]);
    rig.serve(3, (100, 200), tree! {});
    let chosen = rig.serving()[1].clone();
    protect(&mut rig, vec![chosen.clone()], tree! { "expiresInMinutes" => 30 });
    rig.update(tree! { "desiredCount" => 1 });
    rig.wait(120);
    assert_eq!(rig.serving(), std::slice::from_ref(&chosen));
    rig.update(tree! { "desiredCount" => 0 });
    rig.wait(120);
    assert_eq!(rig.serving(), std::slice::from_ref(&chosen));
    assert!(rig.messages()[0].contains(HELD), "{:?}", rig.messages());
    assert_eq!(rig.messages().iter().filter(|text| text.contains(HELD)).count(), 1);
    rig.wait(1_800);
    assert_eq!(rig.counts(), (0, 0), "until its protection ends");
}

#[test]
fn a_protected_task_holds_up_a_rollout_and_no_other_is_protected_then() {
    let mut rig = Rig::with(&[]);
    rig.serve(2, (100, 200), tree! {});
    let old = rig.serving();
    protect(&mut rig, vec![old[0].clone(), old[1].clone()], tree! { "expiresInMinutes" => 60 });
    protect(&mut rig, vec![old[1].clone()], tree! { "protectionEnabled" => false });
    rig.update(tree! { "forceNewDeployment" => true });
    rig.wait(300);
    let serving = rig.serving();
    assert!(serving.contains(&old[0]) && !serving.contains(&old[1]) && serving.len() == 3, "{serving:?}");
    assert!(rig.messages().iter().any(|text| text.contains(HELD)), "{:?}", rig.messages());
    assert_eq!(rig.service().deployments.len(), 2, "it is not over");
    rig.wait(3_600);
    assert_eq!((rig.service().deployments.len(), rig.counts()), (1, (2, 2)));
    assert!(rig.messages()[0].contains("steady state"), "{:?}", rig.messages());
}

#[test]
fn no_more_protection_while_protected_tasks_block_a_deployment() {
    let mut rig = Rig::with(&[]);
    rig.serve(2, (0, 100), tree! {});
    let old = rig.serving();
    protect(&mut rig, vec![old[0].clone()], tree! {});
    rig.update(tree! { "desiredCount" => 2, "forceNewDeployment" => true });
    rig.wait(200);
    // One new task has replaced the unprotected one; the protected one holds up the other.
    assert!(rig.serving().contains(&old[0]));
    let again = protect(&mut rig, vec![old[0].clone()], tree! {});
    assert_eq!(again.list("failures").len(), 0, "what is protected can be protected longer");
    let key = rig.task(&old[0]).key();
    rig.world.ecs.tasks.get_mut(&key).unwrap().protected_until = None;
    let blocked = protect(&mut rig, vec![old[0].clone()], tree! {});
    assert_eq!(blocked.list("failures")[0].text("reason"), Some("DEPLOYMENT_BLOCKED"), "{:?}", rig.messages());
}

#[test]
fn health_spot_people_and_deletion_heed_no_protection() {
    let mut rig = Rig::with(&[]);
    rig.serve(1, (100, 200), tree! {});
    let chosen = rig.serving();
    protect(&mut rig, chosen.clone(), tree! {});
    rig.ask("StopTask", tree! { "task" => &chosen[0] });
    rig.wait(120);
    assert!(!rig.serving().contains(&chosen[0]));
    let next = rig.serving();
    protect(&mut rig, next, tree! {});
    rig.ask("DeleteService", tree! { "service" => "web", "force" => true });
    rig.wait(120);
    assert_eq!(rig.counts(), (0, 0));
}

fn spot() -> Tree {
    tree! { "capacityProviderStrategy" => vec![tree! { "capacityProvider" => "FARGATE_SPOT", "weight" => 1 }] }
}

#[test]
fn spot_tasks_are_warned_and_over_within_two_minutes() {
    for (labels, over) in [(&[("stop-takes", "10m")][..], 45), (&[("stop-takes", "5")], 20)] {
        let mut rig = Rig::with(labels);
        let arn = rig.run_tasks(spot()).remove(0);
        rig.wait(60);
        let (key, before) = (rig.task(&arn).key(), rig.task(&arn).version);
        interruption::interrupt(&mut rig.world, &key);
        let warned = rig.describe(&arn);
        let told = ["lastStatus", "desiredStatus", "stopCode", "stoppedReason"].map(|name| warned.text(name).unwrap());
        assert_eq!(told, ["RUNNING", "STOPPED", "SpotInterruption", "Your Spot Task was interrupted."]);
        assert_eq!(warned.int("version"), Some(before + 1));
        rig.wait(over);
        assert_eq!(rig.describe(&arn).text("lastStatus"), Some("STOPPED"));
    }
}

#[test]
fn draining_is_cut_short_for_spot() {
    let mut rig = Rig::with(&[]);
    let container = tree! {
        "name" => "app", "image" => "app:1", "portMappings" => vec![tree! { "containerPort" => 80 }],
    };
    rig.define("app", &[], tree! { "containerDefinitions" => vec![container] });
    let group = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef";
    let balancer = tree! { "targetGroupArn" => group, "containerName" => "app", "containerPort" => 80 };
    rig.serve(1, (100, 200), spot().with("loadBalancers", vec![balancer]));
    let arn = rig.serving().remove(0);
    interruption::by_hand(&mut rig.world, &arn).unwrap();
    rig.wait(5);
    assert_eq!(rig.describe(&arn).text("lastStatus"), Some("DEACTIVATING"));
    rig.wait(118);
    assert!(rig.describe(&arn).get("executionStoppedAt").is_some(), "within two minutes");
    assert_eq!(rig.counts().0, 1, "the service has replaced it");
}

#[test]
fn labels_and_chance_interrupt_spot_only() {
    let mut rig = Rig::with(&[("interrupt-after", "30")]);
    let on_spot = rig.run_tasks(spot()).remove(0);
    let on_demand = rig.run_tasks(tree! {}).remove(0);
    rig.wait(120);
    assert_eq!(rig.describe(&on_spot).text("stopCode"), Some("SpotInterruption"));
    assert_eq!(rig.describe(&on_demand).text("lastStatus"), Some("RUNNING"));
    assert!(interruption::by_hand(&mut rig.world, &on_demand).is_err());

    let lives = |seed: u64| {
        let mean = Some(Duration::from_secs(3_600));
        let mut rig = Rig::new(Settings { seed, spot_life: mean, ..Settings::default() });
        rig.define("app", &[], Tree::map());
        let arns = rig.run_tasks(spot().with("count", 10));
        rig.wait(7_400);
        let ended = arns.iter().filter_map(|arn| {
            let times = &rig.world.ecs.tasks.values().find(|task| task.arn == *arn)?.times;
            times.stopping
        });
        ended.collect::<Vec<_>>()
    };
    assert!(!lives(1).is_empty());
    assert_eq!(lives(1), lives(1), "the same seed, the same interruptions");
    assert_ne!(lives(1), lives(2));
}

/// Retires the service's tasks and follows the counts until `secs` after the date: the least healthy, the most wanted.
fn follow(rig: &mut Rig, secs: u64) -> (usize, usize) {
    let (mut least, mut most) = (usize::MAX, 0);
    for _ in 0..secs {
        rig.wait(1);
        let counted = rig.world.ecs.tasks.values().filter(|task| task.service.is_some() && task.is_counted()).count();
        (least, most) = (least.min(rig.counts().1), most.max(counted));
    }
    (least, most)
}

fn retire_service(rig: &mut Rig, wait: Option<u64>) -> Tree {
    retirement::announce(&mut rig.world, &retirement::Whose::Service("default/web".into()), wait).unwrap()
}

#[test]
fn with_room_above_replacements_start_first() {
    let mut rig = Rig::with(&[]);
    rig.serve(2, (100, 200), tree! {});
    let old = rig.serving();
    let notice = retire_service(&mut rig, None);
    assert_eq!(notice.list("affectedEntities")[0].text("entityValue"), Some("default|web"));
    assert_eq!((notice.list("affectedEntities").len(), notice.list("tasks").len()), (1, 2));
    rig.wait(7 * 86_400 - 60);
    assert_eq!(rig.serving(), old, "nothing happens before the date, seven days by default");
    let (least, most) = follow(&mut rig, 600);
    assert_eq!(least, 2, "never fewer than desired");
    assert!(most <= 4);
    assert!(rig.serving().iter().all(|arn| !old.contains(arn)));
    let stopped = rig.describe(&old[0]);
    assert_eq!(stopped.text("stopCode"), Some("ServiceSchedulerInitiated"));
    assert_eq!(stopped.text("stoppedReason"), Some(retirement::REASON));
    assert!(rig.messages().iter().all(|text| !text.contains("unhealthy")), "{:?}", rig.messages());
    assert_eq!(rig.service().deployments[0].failed_tasks, 0);
    assert!(rig.world.ecs.decisions.iter().all(crate::sim::ecs::service::Decision::is_lawful));
}

#[test]
fn without_room_the_old_one_stops_first() {
    let mut rig = Rig::with(&[]);
    rig.serve(2, (50, 100), tree! {});
    let old = rig.serving();
    retire_service(&mut rig, Some(0));
    let (least, most) = follow(&mut rig, 900);
    assert_eq!((least, most), (1, 2), "the dip, and no more than one at a time");
    assert!(rig.serving().iter().all(|arn| !old.contains(arn)));
    assert_eq!(rig.counts(), (2, 2));
}

#[test]
fn what_cannot_be_replaced_is_stopped_all_the_same() {
    let mut rig = Rig::with(&[]);
    rig.serve(1, (50, 100), tree! {});
    let old = rig.serving();
    // One task, of which one must stay and no second may be: the scheduler can't move.
    retire_service(&mut rig, Some(0));
    rig.wait(3_600);
    assert_eq!(rig.serving(), old);
    rig.wait(retirement::PATIENCE.as_secs());
    assert_ne!(rig.serving(), old);
    assert_eq!(rig.counts(), (1, 1));
}

#[test]
fn a_standalone_task_is_stopped_and_a_new_deployment_comes_before() {
    let mut rig = Rig::with(&[]);
    let arn = rig.run_tasks(tree! {}).remove(0);
    rig.ask("PutAccountSettingDefault", tree! { "name" => "fargateTaskRetirementWaitPeriod", "value" => "14" });
    rig.wait(60);
    let notice = retirement::announce(&mut rig.world, &retirement::Whose::Task(arn.clone()), None).unwrap();
    assert_eq!(notice.list("affectedEntities")[0].text("entityValue"), Some(arn.as_str()));
    rig.wait(14 * 86_400 - 10);
    assert_eq!(rig.describe(&arn).text("desiredStatus"), Some("RUNNING"));
    rig.wait(120);
    let stopped = rig.describe(&arn);
    assert_eq!(
        (stopped.text("stopCode"), stopped.text("stoppedReason")),
        (Some("TerminationNotice"), Some(retirement::REASON))
    );
    assert!(rig.ask("ListTasks", tree! {}).list("taskArns").is_empty());

    rig.serve(1, (100, 200), tree! {});
    retire_service(&mut rig, Some(1));
    rig.update(tree! { "forceNewDeployment" => true });
    rig.wait(600);
    let fresh = rig.serving();
    rig.wait(2 * 86_400);
    assert_eq!(rig.serving(), fresh, "they are on the new platform already");
}
