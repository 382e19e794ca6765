//! `status`: how the objects of a running operator are.

use std::time::Duration;

use crate::cli::args::Output;
use crate::cli::live::Live;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, args, draw, print};
use crate::clock::Clock;
use crate::kinds::Key;
use crate::serve::{self, Report};
use crate::status::Status;

use super::{Trouble, stop};

/// How often it is asked while it is watched.
const WATCHED_EVERY: Duration = Duration::from_secs(2);

/// Asks once, or until stopped.
pub async fn status(flags: args::Status, clock: Clock) -> Result<Exit, Trouble> {
    if !flags.watch {
        let report = asked(&flags, &clock).await?;
        match flags.output {
            Output::Json => print::out(serde_json::to_string_pretty(&report).unwrap_or_default()),
            Output::Text => lines(&report, flags.key.is_some(), &Terminal::of_stdout()).iter().for_each(print::out),
        }
        return Ok(Exit::Done);
    }
    tokio::select! {
        biased;
        () = stop::asked() => {}
        () = watched(&flags, &clock) => {}
    }
    Ok(Exit::Done)
}

/// The report, of one object alone where one was asked for.
async fn asked(flags: &args::Status, clock: &Clock) -> Result<Report, Trouble> {
    let mut report = serve::status(&flags.server, clock).await?;
    if let Some(wanted) = &flags.key {
        let key = one(&report.status, wanted)?;
        report.status.objects.retain(|known, _| *known == key);
    }
    Ok(report)
}

/// The one key that was meant: by its whole name, or by a part that no other has.
fn one(status: &Status, wanted: &str) -> Result<Key, Trouble> {
    let whole = |key: &&Key| key.short() == wanted || key.to_string() == wanted;
    if let Some(key) = status.objects.keys().find(whole) {
        return Ok(key.clone());
    }
    let named: Vec<&Key> = status.objects.keys().filter(|key| key.name == wanted).collect();
    let part = || status.objects.keys().filter(|key| key.short().contains(wanted)).collect();
    let found = if named.len() == 1 { named } else { part() };
    match found.as_slice() {
        [key] => Ok((*key).clone()),
        [] => {
            let short: Vec<String> = status.objects.keys().map(Key::short).collect();
            let near = crate::shape::near::nearest(wanted, short.iter().map(String::as_str));
            let hint = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            Err(Trouble::Input(format!("the operator knows no object {wanted:?}{hint}")))
        }
        several => {
            let names: Vec<String> = several.iter().take(NAMED_MOST).map(|key| key.short()).collect();
            Err(Trouble::Input(format!("{wanted:?} fits several objects: {}", names.join(", "))))
        }
    }
}

/// So many objects are named where one was meant.
const NAMED_MOST: usize = 8;

fn lines(report: &Report, in_full: bool, terminal: &Terminal) -> Vec<String> {
    if in_full {
        report.status.objects.iter().flat_map(|(key, one)| draw::object(terminal, key, one, report.now)).collect()
    } else {
        draw::table(terminal, &report.status, report.now)
    }
}

async fn watched(flags: &args::Status, clock: &Clock) {
    let mut shown = Status::default();
    let mut screen = Live::default();
    let mut lost = String::new();
    loop {
        // An operator may be started anew while it is watched.
        let report = match asked(flags, clock).await {
            Ok(report) => report,
            Err(trouble) => {
                let why = trouble.to_string();
                if why != lost {
                    screen.leave();
                    print::err(&why);
                    lost = why;
                }
                clock.sleep(WATCHED_EVERY).await;
                continue;
            }
        };
        lost.clear();
        let terminal = Terminal::of_stdout();
        match flags.output {
            // One line each, for programs that follow.
            Output::Json if shown != report.status => print::out(serde_json::to_string(&report).unwrap_or_default()),
            Output::Json => {}
            Output::Text if terminal.live => {
                let mut frame = lines(&report, flags.key.is_some(), &terminal);
                frame.truncate(terminal.height.saturating_sub(1));
                screen.show(&terminal, &[], &frame);
            }
            Output::Text => draw::news(&terminal, &shown, &report.status).iter().for_each(print::out),
        }
        shown = report.status;
        clock.sleep(WATCHED_EVERY).await;
    }
}
