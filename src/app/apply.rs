//! `apply`: the loop of `run`, once, until nothing is left to do.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::check::Desired;
use crate::cli::live::Live;
use crate::cli::{Exit, Terminal, args, draw, ink, print};
use crate::clock::Clock;
use crate::kinds::{Key, Kind};
use crate::plan::{Reason, Verdict};
use crate::reconcile::{Controller, Ended, Settings, Shared, Until};
use crate::status::{SourceStatus, Status};

use super::plan::Ready;
use super::{Trouble, failed, plan, planfile, stop};

/// Brings everything to what the directory says, or to what a plan file holds.
pub async fn apply(flags: args::Apply, clock: Clock) -> Result<Exit, Trouble> {
    if planfile::is_one(&flags.place.path) {
        return planfile::apply(flags, clock).await;
    }
    if flags.manifests.is_some() {
        return Err(Trouble::Input(format!(
            "--manifests is for plan files, and {} is none",
            flags.place.path.display()
        )));
    }
    match plan::prepare(&flags.place, flags.take_over.clone(), &clock).await? {
        Some(ready) => carry_out(ready, &flags, &clock).await,
        None => Ok(Exit::Error),
    }
}

/// Runs the loop until it is settled, printing what happens.
pub async fn carry_out(ready: Ready, flags: &args::Apply, clock: &Clock) -> Result<Exit, Trouble> {
    let (shared, desired) = (Arc::new(ready.shared), Arc::new(ready.desired));
    let until = Until::Settled { rolled_out: flags.wait };
    let settings = Settings { seed: flags.place.cloud.seed, ..Settings::default() };
    let screen = Mutex::new(Live::default());
    let detached = Cell::new(false);
    let stop = async {
        // What is written to standard error goes below what is drawn.
        let said = || screen.lock().unwrap_or_else(PoisonError::into_inner).leave();
        tokio::select! {
            biased;
            () = stop::asked_with(said) => {}
            () = clock.sleep(flags.timeout) => {
                said();
                print::err(format_args!("not done in {}", ink::span(flags.timeout)));
            }
        }
        detached.set(true);
    };
    let loops = Loop { shared: Arc::clone(&shared), desired: Arc::clone(&desired), settings, until };
    let (ended, status) = loops.run(&screen, stop).await;
    failed::tell(&shared, &desired, &ended, &status).await;
    print::out(summary(&ended, flags.wait));
    if detached.get() {
        print::err(detachment(&ended, &flags.place.path.display().to_string()));
    }
    Ok(exit(&ended, flags.wait))
}

/// What goes on without us, and how to see the end of it.
fn detachment(ended: &BTreeMap<Key, Ended>, path: &str) -> String {
    let rolls = |ended: &&Ended| matches!(ended, Ended::Applied { .. } | Ended::Stands(Verdict::Rolling(_)));
    let rolling = ended.iter().filter(|(key, _)| key.kind == Kind::Service).filter(|(_, one)| rolls(one)).count();
    let again = |what: &str| format!("`ecs-operator apply {path} --wait` {what}");
    match rolling {
        0 => format!("detached; no rollout is in progress; {}", again("goes on")),
        _ => format!(
            "detached; ECS goes on with {}; {}",
            print::counted(rolling, "rollout"),
            again("follows them again")
        ),
    }
}

/// The last line: how far it came.
fn summary(ended: &BTreeMap<Key, Ended>, wait: bool) -> String {
    let count = |is: fn(&Ended) -> bool| ended.values().filter(|ended| is(ended)).count();
    let done = count(|ended| matches!(ended, Ended::Stands(Verdict::Converged)));
    let rolling = count(|ended| matches!(ended, Ended::Stands(Verdict::Rolling(_))));
    let objects = print::counted(ended.len(), "object");
    let rollouts = print::counted(rolling, "rollout");
    let hint = if wait { "" } else { " (--wait follows them)" };
    match (done == ended.len(), rolling) {
        (true, _) => format!("Done: {objects}, all as the manifests say."),
        (false, 0) => format!("Not done: {done} of {objects} as the manifests say."),
        (false, _) => format!("{done} of {objects} as the manifests say, {rollouts} in progress{hint}."),
    }
}

/// The loop over one desired state.
struct Loop {
    shared: Arc<Shared>,
    desired: Arc<Desired>,
    settings: Settings,
    until: Until,
}

impl Loop {
    /// Runs until it is settled or stopped, telling each object's story as it changes and drawing what rolls.
    pub async fn run(
        self,
        screen: &Mutex<Live>,
        stop: impl Future<Output = ()>,
    ) -> (BTreeMap<Key, Ended>, Arc<Status>) {
        let objects: Vec<Key> = self.desired.objects.keys().cloned().collect();
        // The loop ends by itself; nothing new will come through these.
        let (_desired, desired) = watch::channel(self.desired);
        let (_source, source) = watch::channel(SourceStatus::default());
        let (published, mut pictures) = watch::channel(Arc::new(Status::default()));
        let controller = Controller::new(self.shared, self.settings, self.until, desired, source, published);
        let tell = async {
            let mut shown = Arc::new(Status::default());
            while pictures.changed().await.is_ok() {
                let now = pictures.borrow_and_update().clone();
                let terminal = Terminal::of_stdout();
                let (news, frame) = if terminal.live {
                    (print::progress(&shown, &now), draw::screen(&terminal, &now))
                } else {
                    (draw::news(&terminal, &shown, &now), Vec::new())
                };
                screen.lock().unwrap_or_else(PoisonError::into_inner).show(&terminal, &news, &frame);
                shown = now;
            }
            // The last picture is told in words.
            screen.lock().unwrap_or_else(PoisonError::into_inner).show(&Terminal::of_stdout(), &[], &[]);
            shown
        };
        let (mut ended, status) = tokio::join!(controller.run(stop), tell);
        for key in objects {
            // What was never looked at did not end well.
            ended.entry(key).or_insert(Ended::Stands(Verdict::Due));
        }
        (ended, status)
    }
}

/// The worst of what happened.
fn exit(ended: &BTreeMap<Key, Ended>, wait: bool) -> Exit {
    let one = |ended: &Ended| match ended {
        Ended::Stands(Verdict::Converged) => Exit::Done,
        Ended::Stands(Verdict::Rolling(_) | Verdict::Settling(_)) if !wait => Exit::Done,
        Ended::Stands(Verdict::Blocked(Reason::RolledBack | Reason::RolloutFailed, _)) => Exit::RolledBack,
        Ended::Stands(Verdict::Blocked(Reason::RolloutTimedOut, _)) => Exit::TimedOut,
        Ended::Stands(Verdict::Blocked(Reason::NotInPlan, _)) => Exit::Moved,
        Ended::Stands(Verdict::Blocked(..)) => Exit::Blocked,
        Ended::Failed(_) | Ended::Resting(_) => Exit::Error,
        Ended::Stands(Verdict::Rolling(_) | Verdict::Settling(_) | Verdict::Waiting(..) | Verdict::Due) => {
            Exit::TimedOut
        }
        Ended::Applied { .. } | Ended::Drifted => Exit::TimedOut,
    };
    // An error says more than a rollout that failed, that more than what is not to be touched, and all more than
    // what is late.
    let worst = [Exit::Error, Exit::RolledBack, Exit::Moved, Exit::Blocked, Exit::TimedOut];
    worst.into_iter().find(|exit| ended.values().any(|ended| one(ended) == *exit)).unwrap_or(Exit::Done)
}
