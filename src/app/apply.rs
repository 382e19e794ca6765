//! `apply`: the loop of `run`, once, until nothing is left to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::check::Desired;
use crate::cli::{Exit, args, print};
use crate::clock::Clock;
use crate::kinds::Key;
use crate::plan::{Reason, Verdict};
use crate::reconcile::{Controller, Ended, Settings, Shared, Until};
use crate::status::{SourceStatus, Status};

use super::{Trouble, plan, stop};

/// Brings everything to what the directory says, printing what happens.
pub async fn apply(flags: args::Apply, clock: Clock) -> Result<Exit, Trouble> {
    let Some(ready) = plan::prepare(&flags.place, &clock).await? else { return Ok(Exit::Error) };
    let until = Until::Settled { rolled_out: flags.wait };
    let settings = Settings { seed: flags.place.cloud.seed, ..Settings::default() };
    let stop = async {
        tokio::select! {
            biased;
            () = stop::asked() => {}
            () = clock.sleep(flags.timeout) => print::err(format_args!("not done in {:?}", flags.timeout)),
        }
    };
    let ended = once(ready.shared, ready.desired, settings, until, stop).await;
    print::out(summary(&ended, flags.wait));
    Ok(exit(&ended, flags.wait))
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

/// Runs the loop over one desired state until it is settled or stopped, printing each object's story as it changes.
pub async fn once(
    shared: Shared,
    desired: Desired,
    settings: Settings,
    until: Until,
    stop: impl Future<Output = ()>,
) -> BTreeMap<Key, Ended> {
    let objects: Vec<Key> = desired.objects.keys().cloned().collect();
    // The loop ends by itself; nothing new will come through these.
    let (_desired, desired) = watch::channel(Arc::new(desired));
    let (_source, source) = watch::channel(SourceStatus::default());
    let (published, mut pictures) = watch::channel(Arc::new(Status::default()));
    let controller = Controller::new(Arc::new(shared), settings, until, desired, source, published);
    let tell = async {
        let mut shown = Arc::new(Status::default());
        while pictures.changed().await.is_ok() {
            let now = pictures.borrow_and_update().clone();
            print::progress(&shown, &now).iter().for_each(print::out);
            shown = now;
        }
    };
    let (mut ended, ()) = tokio::join!(controller.run(stop), tell);
    for key in objects {
        // What was never looked at did not end well.
        ended.entry(key).or_insert(Ended::Stands(Verdict::Due));
    }
    ended
}

/// The worst of what happened.
fn exit(ended: &BTreeMap<Key, Ended>, wait: bool) -> Exit {
    let one = |ended: &Ended| match ended {
        Ended::Stands(Verdict::Converged) => Exit::Done,
        Ended::Stands(Verdict::Rolling(_) | Verdict::Settling(_)) if !wait => Exit::Done,
        Ended::Stands(Verdict::Blocked(Reason::RolledBack | Reason::RolloutFailed, _)) => Exit::RolledBack,
        Ended::Stands(Verdict::Blocked(Reason::RolloutTimedOut, _)) => Exit::TimedOut,
        Ended::Stands(Verdict::Blocked(..)) | Ended::Failed(_) | Ended::Resting(_) => Exit::Error,
        Ended::Stands(Verdict::Rolling(_) | Verdict::Settling(_) | Verdict::Waiting(..) | Verdict::Due) => {
            Exit::TimedOut
        }
        Ended::Applied { .. } | Ended::Drifted => Exit::TimedOut,
    };
    // An error says more than a rollout that failed, and that more than one that is late.
    let worst = [Exit::Error, Exit::RolledBack, Exit::TimedOut];
    worst.into_iter().find(|exit| ended.values().any(|ended| one(ended) == *exit)).unwrap_or(Exit::Done)
}
