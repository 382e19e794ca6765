//! `plan --simulate`: what is foretold on a copy is what then happens, and nothing is written to foretell it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::time::Duration;

use common::golden;
use common::harness::{HOUR, MINUTE, Rig, Wanted, cluster, converged, key, task};
use common::replacement::{START, STOP, changed, either, fargate, service};
use ecs_operator::app::Assumed;
use ecs_operator::cli::plan::{Forecast, Outcome, Played, View, markdown, text};
use ecs_operator::cli::terminal::Terminal;
use ecs_operator::sim::ecs::instance::{Wish, add};
use ecs_operator::sim::ecs::service::Kind;
use ecs_operator::tree;

const UNICODE: Terminal = Terminal { unicode: true, ..Terminal::PLAIN };

/// What is foretold of `prod/web`; nothing is written meanwhile.
async fn forecast(rig: &mut Rig, assumed: &Assumed) -> (View, Forecast) {
    rig.lose_operator();
    let mark = rig.mark();
    let view = rig.simulated(assumed).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new(), "a forecast asks, and writes nothing");
    let forecast = view.forecast(&key("web")).cloned().unwrap_or_else(|| panic!("{}", text(&view, &UNICODE)));
    (view, forecast)
}

fn done(forecast: &Forecast) -> Played {
    assert_eq!(forecast.outcome, Outcome::Done, "{forecast:?}");
    forecast.course.unwrap()
}

/// Lets the real rollout happen: its peak, its lowest, and how long it took.
async fn truth(rig: &mut Rig, before: i64) -> (i64, i64, Duration) {
    rig.sim.world().ecs.decisions.clear();
    let mark = rig.mark();
    rig.start();
    rig.converge(12 * HOUR).await;
    let world = rig.sim.world();
    let (mut peak, mut lowest) = (before, before);
    for one in world.ecs.decisions.iter().filter(|one| one.service == "web") {
        match one.kind {
            Kind::Start => peak = peak.max(one.total + 1),
            Kind::Stop { healthy: true } => lowest = lowest.min(one.healthy - 1),
            Kind::Stop { healthy: false } => {}
        }
    }
    let asked = world.calls()[mark..].iter().find(|call| call.operation == "UpdateService").unwrap().at;
    let service = &world.ecs.services[&("prod".to_owned(), "web".to_owned())];
    let ended = service.journal.last().and_then(|entry| entry.finished).unwrap_or(asked);
    (peak, lowest, ended.since(asked))
}

/// A running service of that size and those percentages, with another image declared.
async fn due(seed: u64, count: u32, minimum: u32, maximum: u32, labels: &[(&str, &str)]) -> Rig {
    let mut rig = Rig::new(seed);
    let wanted = Wanted { minimum, maximum, deadline: "10h", ..Wanted::of("web", count) };
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    rig.write("service.yaml", wanted.text("web")).commit();
    rig.start();
    rig.converge(HOUR).await;
    rig.run(MINUTE).await;
    rig.lose_operator();
    rig.write("task.yaml", task("web", "nginx:2", labels)).commit();
    rig
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_foretold_is_what_happens() {
    let mut chance = fastrand::Rng::with_seed(7);
    let mut played = 0;
    for seed in 0..30 {
        let count = chance.u32(1..10);
        let (minimum, maximum) = (chance.u32(0..101), chance.u32(100..260));
        let bounds = ((count * minimum).div_ceil(100), count * maximum / 100);
        if bounds.0 >= bounds.1 {
            continue;
        }
        let mut rig = due(seed, count, minimum, maximum, &[]).await;
        // Another chance than the real one's: what is foretold must not hang on that.
        let (_, forecast) = forecast(&mut rig, &Assumed { seed: seed + 1000, ..Assumed::default() }).await;
        let played_out = done(&forecast);
        let of = format!("{count} tasks at {minimum}-{maximum} %, seed {seed}: {forecast:?}");
        let (peak, lowest, took) = truth(&mut rig, i64::from(count)).await;
        assert_eq!((played_out.lower, played_out.upper), (bounds.0.into(), bounds.1.into()), "{of}");
        assert_eq!((played_out.peak, played_out.lowest), (peak, lowest), "{of}");
        let (foretold, took) = (played_out.seconds as f64, took.as_secs_f64());
        assert!((foretold - took).abs() <= 20.0 + 0.25 * took, "foretold {foretold}, took {took}: {of}");
        assert_eq!(played_out.more_cpu, (peak - i64::from(count)).max(played_out.more_addresses) * 256, "{of}");
        assert!(played_out.more_addresses >= peak - i64::from(count), "{of}");
        assert_eq!(played_out.more_memory, 2 * played_out.more_cpu, "{of}");
        assert!(played_out.steps >= 2 || maximum >= 200 && minimum == 0, "{of}");
        played += 1;
    }
    assert!(played >= 20, "{played}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_assumptions_are_named_and_can_be_others() {
    let mut rig = due(1, 4, 100, 150, &[]).await;
    let (own, other) = (
        Assumed::default(),
        Assumed { start: Some(Duration::from_secs(120)), healthy: Some(Duration::from_secs(60)), ..Assumed::default() },
    );
    let (view, usual) = forecast(&mut rig, &own).await;
    let usual = done(&usual);
    golden::check("plan/simulate.txt", &text(&view, &UNICODE));
    golden::check("plan/simulate.md", &markdown(&view));
    golden::check("plan/simulate.json", &format!("{}\n", view.json()));
    let (view, slow) = forecast(&mut rig, &other).await;
    let slow = done(&slow);
    assert_eq!(slow.start_seconds, Some((120, 120)));
    assert!(matches!(slow.healthy_seconds, Some((60..=61, 60..=61))), "{slow:?}");
    // Two rounds of starts, each by as much slower.
    let (start, healthy) = (usual.start_seconds.unwrap(), usual.healthy_seconds.unwrap());
    let least = 2 * (120 - start.1 + 60 - healthy.1);
    assert!(slow.seconds >= usual.seconds + least - 20, "{usual:?} {slow:?}");
    assert_eq!((slow.peak, slow.lowest, usual.peak, usual.lowest), (6, 4, 6, 4));
    assert!(view.json().contains("\"startTime\": 120"));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_image_that_fails_is_foretold_with_its_reason_and_fails() {
    let why = "CannotPullContainerError: gone";
    let mut rig = due(2, 3, 100, 200, &[("fail-to-start", why)]).await;
    let (view, failed) = forecast(&mut rig, &Assumed::default()).await;
    assert_eq!(failed.outcome, Outcome::Failed, "{failed:?}");
    assert!(failed.message.contains("takes it back") && failed.message.contains(why), "{failed:?}");
    assert_eq!(failed.course.unwrap().lowest, 3);
    assert!(text(&view, &UNICODE).contains("forecast: fails after "), "{}", text(&view, &UNICODE));
    rig.start();
    assert!(rig.until(HOUR, |rig| rig.reason(&key("web")) == "RolledBack").await, "{:?}", rig.stories());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn percentages_without_room_are_held_or_get_no_further() {
    let mut rig = due(3, 3, 100, 200, &[]).await;
    let tight = Wanted { maximum: 125, breaker: false, ..Wanted::of("web", 3) }.text("web");
    rig.write("service.yaml", tight.as_str()).commit();
    let (view, held) = forecast(&mut rig, &Assumed::default()).await;
    assert_eq!(held.outcome, Outcome::Held, "{held:?}");
    assert!(text(&view, &UNICODE).contains("forecast: held by preflight: "));
    rig.write("service.yaml", tight.replace("reconcile: {", "reconcile: { preflight: Warn,")).commit();
    let (view, stuck) = forecast(&mut rig, &Assumed::default()).await;
    assert_eq!(stuck.outcome, Outcome::Stuck, "{stuck:?}");
    assert!(stuck.message.contains("0 of 3 new tasks run; "), "{stuck:?}");
    assert_eq!((stuck.course.unwrap().peak, stuck.course.unwrap().lowest), (3, 3));
    assert!(text(&view, &UNICODE).contains("forecast: gets no further after "));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_creation_and_a_scale_out_are_foretold_too() {
    let mut rig = Rig::new(4);
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    rig.write("service.yaml", Wanted::of("web", 3).text("web")).commit();
    let (_, created) = forecast(&mut rig, &Assumed::default()).await;
    let created = done(&created);
    assert_eq!((created.before, created.peak, created.more_addresses, created.more_cpu), (0, 3, 3, 768));
    rig.start();
    rig.converge(HOUR).await;
    rig.write("service.yaml", Wanted::of("web", 7).text("web")).commit();
    let (_, more) = forecast(&mut rig, &Assumed::default()).await;
    let more = done(&more);
    assert_eq!((more.before, more.lowest, more.peak, more.more_addresses), (3, 3, 7, 4));
    rig.write("service.yaml", Wanted::of("web", 3).text("web")).commit();
    assert!(rig.simulated(&Assumed::default()).await.forecast(&key("web")).is_none(), "nothing is to happen");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_others_hold_of_addresses_counts() {
    let mut rig = due(5, 4, 100, 200, &[]).await;
    // Three more addresses can be had, and four are wanted.
    for subnet in ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"] {
        let free = if subnet.ends_with('0') { 3 } else { 0 };
        ecs_operator::sim::neighbours::ec2::named::leave_free(&mut rig.sim.world(), subnet, free);
    }
    let text = Wanted { deadline: "30m", breaker: false, ..Wanted::of("web", 4) }.text("web");
    rig.write("service.yaml", text.replace("reconcile: {", "reconcile: { preflight: Warn,")).commit();
    let (_, short) = forecast(&mut rig, &Assumed::default()).await;
    let played = short.course.unwrap();
    assert!(played.more_addresses <= 3, "{short:?}");
    // With room for all, in the same place, it is done sooner.
    let mut roomy = due(5, 4, 100, 200, &[]).await;
    let (_, usual) = forecast(&mut roomy, &Assumed::default()).await;
    assert!(played.seconds > done(&usual).seconds, "{short:?} {usual:?}");
}

fn on_ec2(image: &str) -> String {
    format!(
        "apiVersion: ecs-operator.io/v1\nkind: TaskDefinition\nmetadata: {{ name: web }}\nspec:\n  \
         requiresCompatibilities: [EC2]\n  networkMode: bridge\n  containerDefinitions:\n    - name: web\n      \
         image: {image}\n      cpu: 1024\n      memory: 2048\n"
    )
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn machines_are_copied_with_what_is_left_of_them() {
    let mut rig = Rig::new(6);
    rig.write("cluster.yaml", cluster("prod")).commit();
    rig.start();
    rig.converge(HOUR).await;
    for _ in 0..2 {
        add(&mut rig.sim.world(), "prod", Wish { kind: Some("m5.large".into()), ..Wish::default() }).unwrap();
    }
    let service = |count: u32, minimum: u32, maximum: u32| {
        let wanted = Wanted { minimum, maximum, breaker: false, deadline: "30m", ..Wanted::of("web", count) };
        let text = wanted.text("web").replace("launchType: FARGATE", "launchType: EC2");
        let text = text.split_once("  networkConfiguration:").unwrap().0.to_owned();
        text.replace("reconcile: {", "reconcile: { preflight: Warn,")
    };
    rig.write("task.yaml", on_ec2("nginx:1")).write("service.yaml", service(3, 100, 200)).commit();
    rig.converge(HOUR).await;
    // Somebody's own task takes the last place.
    let other = tree! {
        "family" => "other",
        "containerDefinitions" => vec![tree! { "name" => "a", "image" => "a", "cpu" => 1024, "memory" => 2048 }],
    };
    rig.by_hand("RegisterTaskDefinition", other).await;
    rig.by_hand("RunTask", tree! { "cluster" => "prod", "taskDefinition" => "other", "launchType" => "EC2" }).await;
    rig.run(MINUTE).await;
    rig.write("task.yaml", on_ec2("nginx:2")).commit();
    let (_, stuck) = forecast(&mut rig, &Assumed::default()).await;
    assert_eq!(stuck.outcome, Outcome::Stuck, "{stuck:?}");
    assert!(stuck.message.contains("unable to place a task"), "{stuck:?}");
    rig.write("service.yaml", service(3, 50, 100)).commit();
    let (_, goes) = forecast(&mut rig, &Assumed::default()).await;
    let goes = done(&goes);
    assert_eq!((goes.peak, goes.lowest, goes.more_addresses, goes.more_memory), (3, 2, 0, 0));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_can_not_be_copied_is_named() {
    let mut rig = converged(8).await;
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    rig.lose_operator();
    rig.update_by_hand("web", tree! { "forceNewDeployment" => true }).await;
    rig.run(2 * HOUR).await;
    let mark = rig.mark();
    let view = rig.simulated(&Assumed::default()).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert!(text(&view, &UNICODE).contains("Simulated on a copy"));
    rig.update_by_hand("web", tree! { "desiredCount" => 3 }).await;
    let view = rig.simulated(&Assumed::default()).await;
    let shown = text(&view, &UNICODE);
    assert!(shown.contains("not copied: prod/Service/web: only 2 of its 3 tasks run; in the copy all do"), "{shown}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn no_forecast_tells_a_secret() {
    const CANARY: &str = "hunter2secret";
    let mut rig = due(9, 2, 100, 200, &[]).await;
    let lines = format!("      environment: [{{ name: TOKEN, value: {CANARY} }}]\n      command: [sh, {CANARY}]\n");
    let fails = [("fail-to-start", "exec: \"hunter2secret\": not found")];
    rig.write(
        "task.yaml",
        task("web", "nginx:2", &[]).replace(
            "dockerLabels: {  }",
            &format!("dockerLabels: {{ \"ecs-operator.sim/{}\": '{}' }}", fails[0].0, fails[0].1),
        ) + &lines,
    )
    .commit();
    let (view, failed) = forecast(&mut rig, &Assumed::default()).await;
    assert_eq!(failed.outcome, Outcome::Failed, "{failed:?}");
    for shown in [text(&view, &UNICODE), markdown(&view), view.json()] {
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

/// Four tasks run on Fargate, and others are declared to take their place.
async fn replacing(seed: u64, how: &str) -> Rig {
    let mut rig = fargate(seed).await;
    rig.lose_operator();
    rig.write("service.yaml", changed(how)).commit();
    rig
}

/// Lets the operator really replace: the most tasks over both services, the fewest healthy ones, for how many seconds
/// none was, and how many it took.
async fn replaced(rig: &mut Rig) -> (i64, i64, u64, u64) {
    rig.start();
    let since = rig.clock.now();
    let (mut peak, mut lowest, mut dip) = (0, i64::MAX, 0);
    while !rig.is_ready(since) {
        assert!(rig.clock.now() < since.after(2 * HOUR), "{:#?}", rig.stories());
        rig.run(Duration::from_secs(1)).await;
        let world = rig.sim.world();
        let of_service = || world.ecs.tasks.values().filter(|task| task.service.is_some());
        peak = peak.max(of_service().filter(|task| task.is_counted()).count() as i64);
        let healthy = of_service().filter(|task| task.is_healthy()).count() as i64;
        lowest = lowest.min(healthy);
        dip += u64::from(healthy == 0);
    }
    (peak, lowest, dip, rig.clock.now().since(since).as_secs())
}

fn assert_near(foretold: u64, came: u64, within: u64, of: &str) {
    assert!(foretold.abs_diff(came) <= within, "foretold {foretold}, came {came}: {of}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_replacement_is_foretold_as_the_operator_then_does_it() {
    for (seed, how) in [(10, START), (11, STOP), (12, START), (13, STOP)] {
        let mut rig = replacing(seed, how).await;
        let (view, forecast) = forecast(&mut rig, &Assumed { seed: seed + 1000, ..Assumed::default() }).await;
        if seed < 12 {
            let name = if how == START { "start" } else { "stop" };
            golden::check(&format!("plan/simulate-{name}-first.txt"), &text(&view, &UNICODE));
            golden::check(&format!("plan/simulate-{name}-first.json"), &format!("{}\n", view.json()));
        }
        let foretold = done(&forecast);
        let (peak, lowest, dip, took) = replaced(&mut rig).await;
        let of = format!("{how}{seed}: {forecast:?}");
        assert_eq!((foretold.peak, foretold.lowest), (peak, lowest), "{of}");
        assert_near(foretold.seconds, took, 15, &of);
        assert_near(foretold.dip_seconds.unwrap(), dip, 5, &of);
        if how == START {
            assert_eq!((foretold.before, foretold.lowest, foretold.peak, dip), (4, 4, 8, 0), "{of}");
            assert_eq!((foretold.lower, foretold.upper, foretold.dip_estimate), (4, 12, None), "{of}");
            assert_eq!((foretold.more_cpu, foretold.more_memory), (4 * 256, 4 * 512), "{of}");
        } else {
            assert_eq!((foretold.before, foretold.lowest, foretold.peak), (4, 0, 4), "{of}");
            assert!(dip > 0 && foretold.dip_seconds > Some(0), "{of}");
            assert!(foretold.dip_seconds <= foretold.dip_estimate, "{of}");
            assert_eq!((foretold.lower, foretold.upper), (0, 8), "{of}");
        }
        assert!(foretold.steps >= 2, "{of}");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_replacement_that_is_half_done_goes_on_from_there() {
    let cases = [(START, "CreateService", 8, 4), (START, "UpdateService", 8, 4), (STOP, "UpdateService", 4, 0)];
    for (how, wait, most, least) in cases {
        let mut rig = replacing(14, how).await;
        let mark = rig.mark();
        rig.start();
        let there = |rig: &Rig| rig.operations_since(mark).iter().any(|operation| operation == wait);
        assert!(rig.until(2 * HOUR, there).await, "{how} {wait}: {:?}", rig.stories());
        let (view, forecast) = forecast(&mut rig, &Assumed::default()).await;
        let foretold = done(&forecast);
        let of = format!("{how}{wait}: {forecast:?} {}", text(&view, &UNICODE));
        let (peak, lowest, _, took) = replaced(&mut rig).await;
        assert_eq!(foretold.lowest, lowest.min(least), "{of}");
        assert!(foretold.peak >= peak && foretold.peak <= most, "{peak}: {of}");
        assert_near(foretold.seconds, took, 30, &of);
        assert!(view.json().contains("\"notCopied\": [\n"), "{of}");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_replacement_whose_tasks_fail_leaves_the_old_service_where_it_was_started_first() {
    let why = "CannotPullContainerError: gone";
    for (how, breaker) in [(START, true), (START, false), (STOP, true)] {
        let mut rig = replacing(15, how).await;
        let text = changed(how).replace("enable: true", &format!("enable: {breaker}"));
        rig.write("task.yaml", either("nginx:bad", &[("fail-to-start", why)])).write("service.yaml", text).commit();
        let (_, failed) = forecast(&mut rig, &Assumed::default()).await;
        let of = format!("{how}{breaker}: {failed:?}");
        assert_eq!(failed.outcome, if breaker { Outcome::Failed } else { Outcome::Stuck }, "{of}");
        assert!(failed.message.contains(why), "{of}");
        let course = failed.course.unwrap();
        if how == START {
            assert!(failed.message.ends_with("; web stays as it is, with 4 healthy tasks"), "{of}");
            assert_eq!((course.before, course.lowest, course.dip_seconds), (4, 4, Some(0)), "{of}");
            assert_eq!(failed.message.contains("0 of 4 new tasks run; "), !breaker, "{of}");
        } else {
            assert!(failed.message.ends_with("; web is stopped by then, and 0 tasks are healthy"), "{of}");
            assert!(course.lowest == 0 && course.dip_seconds > Some(300), "{of}");
        }
        rig.start();
        let reason = if breaker { "RolloutFailed" } else { "RolloutTimedOut" };
        assert!(rig.until(3 * HOUR, |rig| rig.reason(&key("web")) == reason).await, "{of} {:?}", rig.stories());
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_replacement_that_misses_its_deadline_is_late_and_goes_on() {
    let mut rig = replacing(17, START).await;
    let slow = Assumed { start: Some(20 * MINUTE), ..Assumed::default() };
    let (_, late) = forecast(&mut rig, &slow).await;
    assert_eq!((late.outcome, late.message.as_str()), (Outcome::Late, "reconcile.rollout.progressDeadline is 900 s"));
    let course = late.course.unwrap();
    assert_eq!((course.lowest, course.peak, course.start_seconds), (4, 8, Some((1200, 1200))), "{late:?}");
    assert!(course.seconds > 1500, "{late:?}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_replacement_that_does_not_begin_is_not_played() {
    // Nobody permits it.
    let mut rig = fargate(16).await;
    rig.lose_operator();
    rig.write("service.yaml", service("", "EC2", "web-2")).commit();
    assert!(rig.simulated(&Assumed::default()).await.forecast(&key("web")).is_none());
    // Nothing is there that it could run on.
    let mut bare = Rig::new(16);
    bare.write("cluster.yaml", cluster("prod")).write("task.yaml", either("nginx:1", &[]));
    bare.write("service.yaml", service("", "FARGATE", "web")).commit();
    bare.start();
    bare.converge(HOUR).await;
    bare.write("service.yaml", changed(START)).commit();
    let (_, held) = forecast(&mut bare, &Assumed::default()).await;
    assert_eq!((held.outcome, held.course), (Outcome::Held, None), "{held:?}");
    // What fails a check may be let go on, and where it comes to is told.
    bare.write("service.yaml", changed(STOP).replace("reconcile: {", "reconcile: { preflight: Warn,")).commit();
    let (_, stuck) = forecast(&mut bare, &Assumed::default()).await;
    assert_eq!(stuck.outcome, Outcome::Stuck, "{stuck:?}");
    assert!(stuck.message.contains("0 of 4 new tasks run; ") && stuck.message.contains("unable to place"), "{stuck:?}");
    assert!(stuck.message.ends_with("web is stopped by then, and 0 tasks are healthy"), "{stuck:?}");
}
