//! The six acts. Each says what happens and what must come of it, and then looks whether it did.

use std::time::Duration;

use crate::app::Trouble;
use crate::rollout::{Sample, why_stopped};
use crate::shape::{Tree, json};
use crate::tree;

use super::play::Play;
use super::stage::Stage;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The service that is played with: few enough tasks to count, and bounds that make the rollout go in waves.
const TASKS: i64 = 8;
const MORE_TASKS: i64 = 10;
const CAUSE: &str = "CannotStartContainerError: exec /docker-entrypoint.sh: exec format error";

/// The shipped manifests with other bounds, another tag, and so many tasks.
fn hello(tag: &'static str, tasks: i64, label: Option<&'static str>) -> impl Fn(&str) -> String {
    move |text| {
        let text = text
            .replace("nginx:1.28", &format!("nginx:{tag}"))
            .replace("desiredCount: 2", &format!("desiredCount: {tasks}"))
            .replace("maximumPercent: 200", "maximumPercent: 150")
            .replace("minimumHealthyPercent: 100", "minimumHealthyPercent: 75")
            // Moves between zones are true to ECS, and would be told in the middle of another story.
            .replace("desiredCount:", "availabilityZoneRebalancing: DISABLED\n  desiredCount:");
        let labels =
            |label| format!("dockerLabels: {{ ecs-operator.sim/fail-to-start: \"{label}\" }}\n      portMappings:");
        label.map_or(text.clone(), |label| text.replace("portMappings:", &labels(label)))
    }
}

/// What Git says from the second act on.
fn bad(play: &Play, tasks: i64) -> impl Fn(&str) -> String + use<> {
    hello("1.30", tasks, play.script.crash.then_some(CAUSE))
}

/// Before the first act: the service comes into being.
pub async fn creation(play: &mut Play) -> Result<(), Trouble> {
    let must = "The operator has never seen this account. It must make a cluster, a revision and a service, by one \
                call each.";
    play.begin("manifests/hello-world, with 8 tasks that roll between 75 % and 150 %", must);
    let commit = play.commit("the first commit, nginx 1.28", hello("1.28", TASKS, None))?;
    play.stage.start()?;
    let done = play.converge(&commit).await;
    play.check(done, "ECS runs what Git says");
    play.end(3, 1);
    Ok(())
}

/// A good image.
pub async fn good_image(play: &mut Play) -> Result<(), Trouble> {
    let must = "It must roll without ever leaving its bounds, and be called done only when ECS has completed our own \
                revision.";
    play.begin("A good image: nginx 1.28 becomes 1.29", must);
    let (before, _) = play.stage.decisions();
    let commit = play.commit("image 1.29", hello("1.29", TASKS, None))?;
    let done = play.converge(&commit).await;
    play.check(done && live(&play.stage) == "hello-world:2 COMPLETED", "hello-world:2 is PRIMARY and COMPLETED");
    let (decisions, unlawful) = play.stage.decisions();
    let followed = play.timelines.get(&play.acts.len());
    let inside = followed.is_some_and(|timeline| timeline.samples.iter().all(Sample::is_inside));
    let words = format!(
        "never fewer than 6 healthy tasks, never more than 12 in all: {} decisions of ECS's scheduler, {unlawful} \
         outside",
        decisions - before
    );
    play.check(inside && unlawful == 0, &words);
    play.end(3, 1);
    Ok(())
}

/// An image that does not start.
pub async fn bad_image(play: &mut Play) -> Result<(), Trouble> {
    let must = "ECS must roll it back. The operator must say so, and why, and then leave it alone: no retry, for a \
                whole day.";
    play.begin("A bad image: nginx 1.30 does not start", must);
    let commit = play.commit("image 1.30, built for another processor", bad(play, TASKS))?;
    let rolled_back = play.follow(HOUR, |stage| back(stage, &commit, TASKS)).await;
    play.check(rolled_back, "RolledBack: told, and held; hello-world:2 runs again with all its tasks");
    let cause = why_stopped(&play.stage.stopped_tasks(), "hello-world:3").unwrap_or_default();
    play.check(cause.contains(CAUSE), &format!("the cause: {cause}"));
    if rolled_back {
        a_quiet_day(play).await;
    }
    play.end(3, 1);
    Ok(())
}

async fn a_quiet_day(play: &mut Play) {
    let (mark, deployments) = (play.stage.mark(), play.stage.deployments());
    play.pass(DAY, |_| false).await;
    let quiet = play.stage.tally_since(mark);
    let retries = play.stage.deployments() - deployments;
    let words = format!("a day later: {retries} retries, {} writes, {} looks", quiet.writes, quiet.reads);
    play.check(quiet.writes == 0 && retries == 0 && play.stage.reason() == "RolledBack", &words);
}

/// A scale-out while the bad image is held.
pub async fn scale_out(play: &mut Play) -> Result<(), Trouble> {
    let must = "The hold stops deployments only: two more tasks of the revision that runs must come at once, and \
                none of the bad one.";
    play.begin("More tasks, while the bad image is held", must);
    let deployments = play.stage.deployments();
    let commit = play.commit("desiredCount 10; the image is still the bad one", bad(play, MORE_TASKS))?;
    let done = play.follow(10 * MINUTE, |stage| back(stage, &commit, MORE_TASKS)).await;
    play.check(done, "10 tasks of hello-world:2, still RolledBack");
    let made = play.stage.deployments() - deployments;
    play.check(made == 0, &format!("{made} new deployments: changed in place"));
    play.end(1, 0);
    Ok(())
}

/// Somebody changes the network by hand.
pub async fn by_hand(play: &mut Play) -> Result<(), Trouble> {
    let must = "In ECS that is a deployment. It must be told at once, left alone for an hour, in case somebody is \
                putting out a fire, and then be healed by one call and the tag that remembers it.";
    play.begin("Somebody switches assignPublicIp off, by hand", must);
    let deployments = play.stage.deployments();
    let commit = play.commit("image 1.29 again, known to ECS as hello-world:2", hello("1.29", MORE_TASKS, None))?;
    let since = play.stage.clock.now();
    let settled = play.pass(10 * MINUTE, |stage| stage.is_ready(&commit, since)).await;
    let noted = play.stage.tally_since(play.mark());
    let made = play.stage.deployments() - deployments;
    let words = format!("Git agrees with what runs: {made} deployments, and {} tag that notes it", noted.writes);
    play.check(settled && made == 0 && noted.writes == 1, &words);

    let network = public_ip(&play.stage, "DISABLED");
    play.stage.update_by_hand(tree! { "networkConfiguration" => network }).await?;
    let (at, mark) = (play.stage.clock.now(), play.stage.mark());
    let named = play.pass(5 * MINUTE, |stage| stage.reason() == "Overridden").await;
    let after = play.stage.clock.now().since(at).as_secs().div_ceil(60);
    play.check(named, &format!("Overridden: told within {after} min"));
    let healed = play.pass(2 * HOUR, |stage| stage.is_ready(&commit, at)).await;
    let writes = play.stage.writes_since(mark);
    let names: Vec<&str> = writes.iter().map(|call| call.operation.as_str()).collect();
    let waited = writes.first().map(|call| call.at.since(at) >= 59 * MINUTE).unwrap_or_default();
    let address = writes.last().and_then(|call| assigned(&call.input).cloned()).unwrap_or_default();
    let words = format!("healed after an hour: {}, assignPublicIp {}", names.join(", "), json::write(&address));
    let once = names == ["TagResource", "UpdateService"] && address == "ENABLED".into();
    play.check(healed && waited && once, &words);
    play.end(3, 0);
    Ok(())
}

/// The directory goes empty.
pub async fn nothing_left(play: &mut Play) -> Result<(), Trouble> {
    let must = "A repository that lost its files, a broken mount, a wrong branch: an empty directory must never be \
                taken for an order to delete.";
    play.begin("Every file vanishes from Git", must);
    let commit = play.stage.publish_nothing()?;
    play.committed(&commit, "a commit without files");
    play.pass(HOUR, |_| false).await;
    let problems = play.stage.problems().join("; ");
    play.check(problems.contains("holds no manifest any more"), &format!("the operator says: {problems}"));
    let rollout = play.stage.look();
    let running = rollout.map(|rollout| rollout.running).unwrap_or_default();
    play.check(running == MORE_TASKS, &format!("an hour later {running} tasks run, and nothing was deleted"));
    play.end(0, 0);
    Ok(())
}

/// The operator dies between two calls.
pub async fn killed(play: &mut Play) -> Result<(), Trouble> {
    let must = "It has registered a revision and has told nobody. The next operator, which knows only the directory, \
                must find that revision and carry on: one registration, not two.";
    play.begin("The operator is killed between two calls", must);
    play.stage.cut_after("RegisterTaskDefinition");
    play.commit("the files are back, with image 1.31", hello("1.31", MORE_TASKS, None))?;
    let cut = play.pass(5 * MINUTE, Stage::is_cut).await;
    play.stage.kill();
    let deployments = play.stage.deployments();
    let alone = live(&play.stage) == "hello-world:2 COMPLETED";
    play.check(cut && alone, "killed after RegisterTaskDefinition, before anything was deployed");
    play.pass(5 * MINUTE, |_| false).await;
    play.stage.start()?;
    let since = play.stage.clock.now();
    play.screen.say("    another operator begins");
    let done = play.follow(HOUR, |stage| stage.reason() == "Converged" && is_newer(stage, since)).await;
    let made = play.stage.deployments() - deployments;
    let words = format!("hello-world:4 is PRIMARY and COMPLETED, by {made} deployment");
    play.check(done && live(&play.stage) == "hello-world:4 COMPLETED" && made == 1, &words);
    play.end(3, 1);
    Ok(())
}

/// The operator is at that commit and says that it was rolled back; what ran before runs again, in full.
fn back(stage: &Stage, commit: &str, tasks: i64) -> bool {
    let full = stage.look().is_some_and(|rollout| rollout.running == tasks && !rollout.is_rolling());
    full && stage.status().source.revision == commit
        && stage.reason() == "RolledBack"
        && live(stage) == "hello-world:2 COMPLETED"
}

/// A look later than that has been taken at the service.
fn is_newer(stage: &Stage, since: crate::shape::Time) -> bool {
    stage.service().and_then(|(_, one)| one.last_reconcile).is_some_and(|at| at > since)
}

/// `family:revision STATE` of the PRIMARY.
fn live(stage: &Stage) -> String {
    let rollout = stage.look();
    let primary = rollout.as_ref().and_then(|rollout| rollout.primary());
    primary.map(|one| format!("{} {}", one.task_definition, one.state)).unwrap_or_default()
}

/// The service's network, with another `assignPublicIp`.
fn public_ip(stage: &Stage, value: &str) -> Tree {
    let mut network = stage.network();
    if let Some(awsvpc) = network.get("awsvpcConfiguration").cloned() {
        network.set("awsvpcConfiguration", awsvpc.with("assignPublicIp", value));
    }
    network
}

fn assigned(input: &Tree) -> Option<&Tree> {
    input.at(&["networkConfiguration", "awsvpcConfiguration", "assignPublicIp"])
}
