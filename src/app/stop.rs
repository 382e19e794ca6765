//! Being asked to stop: SIGTERM or Ctrl-C once, gracefully; twice, at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{Exit, print};

/// Ends at the first signal; the second ends the process. Both are heard by the same ears, so that none falls between.
pub async fn asked() {
    asked_with(|| ()).await;
}

/// The same, with something to do before it is said that it was heard.
#[allow(clippy::exit, reason = "asked twice, nobody waits for anything to end by itself")]
pub async fn asked_with(heard: impl FnOnce()) {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        // Without signals there is no way to be asked.
        return std::future::pending().await;
    };
    one(&mut term, &mut int).await;
    heard();
    print::err("stopping; once more to stop at once");
    tokio::spawn(async move {
        one(&mut term, &mut int).await;
        std::process::exit(Exit::Interrupted.code().into());
    });
}

async fn one(term: &mut Signal, int: &mut Signal) {
    tokio::select! {
        biased;
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
