//! The operator is lost at every one of its calls, in three positions of each, and a new one with no memory ends where an
//! undisturbed one would have.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::time::Duration;

use common::harness::{HOUR, MINUTE, Rig, Wanted, cluster, task, web};
use common::lossy::Position;
use ecs_operator::shape::Tree;

/// A change of the directory that a converged operator is to carry out; the first brings everything into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Story {
    Create,
    Update,
    UpdateAndRestart,
    Restart,
    ScaleOut,
    TwoInARow,
}

impl Story {
    const ALL: [Self; 6] =
        [Self::Create, Self::Update, Self::UpdateAndRestart, Self::Restart, Self::ScaleOut, Self::TwoInARow];

    /// What there is before, brought about undisturbed.
    async fn before(self, rig: &mut Rig) {
        rig.write("cluster.yaml", cluster("prod"));
        if self != Self::Create {
            web(rig);
            rig.start();
            rig.converge(HOUR).await;
            rig.lose_operator();
        }
    }

    fn change(self, rig: &mut Rig) {
        let restarted = || Some("2026-11-22 rotate".to_owned());
        match self {
            Self::Create => web(rig),
            Self::Update | Self::TwoInARow => drop(rig.write("task.yaml", task("web", "nginx:2", &[]))),
            Self::UpdateAndRestart => {
                rig.write("task.yaml", task("web", "nginx:2", &[]));
                rig.write("service.yaml", Wanted { restarted_at: restarted(), ..Wanted::of("web", 2) }.text("web"));
            }
            Self::Restart => {
                rig.write("service.yaml", Wanted { restarted_at: restarted(), ..Wanted::of("web", 2) }.text("web"));
            }
            Self::ScaleOut => drop(rig.write("service.yaml", Wanted::of("web", 5).text("web"))),
        }
        rig.commit();
    }
}

/// How a run ended.
#[derive(Debug)]
struct End {
    picture: Tree,
    registrations: usize,
    reads: usize,
    writes: Vec<String>,
    /// Calls of the operator that is lost, or would be.
    calls: usize,
}

async fn tell(story: Story, lose_at: Option<(usize, Position)>) -> End {
    let mut rig = Rig::new(7);
    // Looks that only wait for ECS are all alike: fewer of them, fewer points that prove the same.
    rig.settings.active = Duration::from_secs(12);
    story.before(&mut rig).await;
    story.change(&mut rig);
    let mark = rig.mark();
    let first = rig.start();
    first.way().lose_at = lose_at;
    if story == Story::TwoInARow {
        rig.run(MINUTE / 60 / 4).await;
        rig.write("service.yaml", Wanted { maximum: 150, ..Wanted::of("web", 3) }.text("web"))
            .write("task.yaml", task("web", "nginx:3", &[]));
        rig.commit();
    }
    let since = rig.clock.now();
    let ended = rig.until(HOUR, |rig| first.way().lost || rig.is_ready(since)).await;
    assert!(ended, "{story:?} {lose_at:?}: {:#?}", rig.stories());
    let calls = first.way().calls.len();
    if lose_at.is_some() {
        assert!(first.way().lost, "{story:?} {lose_at:?} was not reached");
        rig.start();
    }
    rig.converge(HOUR).await;
    let settled = rig.mark();
    rig.run(5 * MINUTE).await;
    assert_eq!(rig.operations_since(settled), Vec::<String>::new(), "{story:?} {lose_at:?} is not quiet");
    rig.assert_lawful();
    let world = rig.sim.world();
    let since = || world.calls().iter().skip(mark);
    let reads = since().filter(|call| call.operation == "DescribeTaskDefinition").count();
    drop(world);
    End {
        picture: rig.picture(),
        registrations: rig.registrations().values().copied().max().unwrap(),
        reads,
        writes: rig.operations_since(mark),
        calls,
    }
}

async fn exhaust(story: Story) {
    let undisturbed = tell(story, None).await;
    assert_eq!(undisturbed.registrations, 1);
    let mut points = 0;
    for k in 0..undisturbed.calls {
        for position in Position::ALL {
            let end = tell(story, Some((k, position))).await;
            let what = format!("{story:?}, call {k} {position:?}: {:?} after {:?}", end.writes, undisturbed.writes);
            if story != Story::TwoInARow {
                assert_eq!(end.picture, undisturbed.picture, "{what}");
                assert!(end.reads <= undisturbed.reads + 2, "{what}: {} reads", end.reads);
                let ambiguous = usize::from(position != Position::AfterReply);
                assert!(end.writes.len() <= undisturbed.writes.len() + ambiguous, "{what}");
            }
            assert_eq!(end.registrations, 1, "{what}");
            assert!(!end.writes.iter().any(|operation| operation.starts_with("De")), "{what}");
            points += 1;
        }
    }
    println!("{story:?}: {points} crash points, {} calls, writes {:?}", undisturbed.calls, undisturbed.writes);
}

macro_rules! stories {
    ($($name:ident => $story:expr,)*) => {$(
        #[tokio::test(flavor = "current_thread", start_paused = true)]
        async fn $name() {
            exhaust($story).await;
        }
    )*};
}

stories! {
    a_creation_survives_the_loss_of_the_operator_at_any_call => Story::Create,
    an_update_survives_it => Story::Update,
    an_update_with_a_restart_survives_it => Story::UpdateAndRestart,
    a_restart_survives_it => Story::Restart,
    a_scale_out_survives_it => Story::ScaleOut,
    one_change_after_another_survives_it => Story::TwoInARow,
}

/// Two images in one second, and the operator lost right before it deploys the second; how long a new one then takes.
async fn quick(phase: Duration, lose_at: Option<(usize, Position)>) -> (Vec<String>, Duration) {
    let mut rig = Rig::new(7);
    Story::Update.before(&mut rig).await;
    let whole = rig.clock.now().0.rem_euclid(1000);
    rig.run(Duration::from_millis(1000 - whole.unsigned_abs()) + phase).await;
    // Registered already: both are there in no time.
    rig.write("two.yaml", task("two", "nginx:2", &[])).write("three.yaml", task("three", "nginx:3", &[])).commit();
    let way = rig.start();
    rig.converge(HOUR).await;
    rig.run(MINUTE + phase).await;
    rig.write("service.yaml", Wanted::of("two", 2).text("web")).commit();
    way.way().calls.clear();
    way.way().lose_at = lose_at;
    rig.until(MINUTE, |rig| rig.live("web") == "two:1").await;
    rig.write("service.yaml", Wanted::of("three", 2).text("web")).commit();
    rig.until(MINUTE, |rig| way.way().lost || rig.live("web") == "three:1").await;
    let calls = way.way().calls.clone();
    rig.start();
    let since = rig.clock.now();
    rig.converge(2 * HOUR).await;
    assert_eq!(rig.live("web"), "three:1");
    (calls, rig.clock.now().since(since))
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn our_own_last_deployment_is_nobody_elses_however_short_ago() {
    for phase in (0..1000).step_by(100).map(Duration::from_millis) {
        let (calls, _) = quick(phase, None).await;
        let updates = calls.iter().enumerate().filter(|(_, operation)| *operation == "UpdateService");
        let second = updates.map(|(at, _)| at).nth(1).unwrap();
        let (_, took) = quick(phase, Some((second, Position::BeforeApplied))).await;
        assert!(took < HOUR / 2, "{phase:?}: {took:?}");
    }
}

#[test]
fn every_story_is_told() {
    assert_eq!(Story::ALL.len(), 6);
}
