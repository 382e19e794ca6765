//! `demo`: the operator at work on an embedded ECS, in six acts that check themselves.
//!
//! The directory is published as git-sync does it, the operator is the one of `run`, and ECS is the embedded one. All
//! of it runs on one thread in paused time: when nobody has anything to do, the clock jumps to the next thing that is
//! due. So a day passes in a second, two plays with one seed tell the same, and where a person watches, time goes by
//! as slowly as is good for the eyes. After the acts time runs on as everywhere.

mod acts;
mod afterwards;
mod line;
mod play;
mod repo;
mod screen;
mod stage;

use crate::cli::ink::{self, Ink, paint};
use crate::cli::{Exit, Terminal, args, print};
use crate::clock::Clock;
use crate::picture::{self, Picture};
use crate::shape::Time;

use super::{Trouble, stop};
use play::Play;
pub use play::{Act, Script};
pub use screen::Screen;
use stage::Stage;
pub use stage::Tally;

/// When the acts begin: half a second past a second, since AWS's `Date` has no fractions.
const START: Time = Time(1_790_000_000_500);

/// What came of a play.
pub struct Outcome {
    pub acts: Vec<Act>,
    /// All that was said.
    pub text: String,
    /// The first act's rollout, as SVG.
    pub picture: String,
    /// How many calls the log has, the person's among them.
    pub logged: usize,
    pub passed: bool,
}

impl Outcome {
    /// How the command ends.
    pub fn exit(&self) -> Exit {
        if self.passed { Exit::Done } else { Exit::Error }
    }
}

/// Plays the acts on a thread and in a time of their own.
pub async fn demo(flags: args::Demo) -> Result<Exit, Trouble> {
    let explain = |source| Trouble::Io { context: "the demo's thread".to_owned(), source };
    let played = tokio::task::spawn_blocking(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().map_err(explain)?;
        runtime.block_on(evening(flags))
    });
    played.await.map_err(|_| Trouble::Input("the demo ended by a fault of the program; please report it".into()))?
}

async fn evening(flags: args::Demo) -> Result<Exit, Trouble> {
    let terminal = Terminal::of_stdout();
    let once = flags.once;
    let screen = if once { Screen::at_once(terminal) } else { Screen::printed(terminal, flags.time_scale) };
    let machine = Clock::system();
    let began = machine.wall();
    let script = Script { seed: flags.seed, ..Script::default() };
    let (outcome, stage) = tokio::select! {
        biased;
        () = stop::asked() => return Ok(Exit::Interrupted),
        played = perform(script, screen) => played?,
    };
    print::out(format_args!("Wall clock: {:.1} s.", machine.wall().since(began).as_secs_f64()));
    if let Some(file) = &flags.svg {
        let explain = |source| Trouble::Io { context: file.display().to_string(), source };
        std::fs::write(file, &outcome.picture).map_err(explain)?;
        print::out(format_args!("The first act's rollout is drawn in {}.", file.display()));
    }
    if once {
        print::out("Without --once the stage stays open, for aws, curl and `ecs-operator status`.");
    } else {
        afterwards::stay_open(&flags, &stage).await?;
    }
    Ok(outcome.exit())
}

/// Plays all acts; the stage is left as it stands after them. Needs a runtime of one thread in paused time.
///
/// # Errors
/// What stops a play, other than an act that fails.
pub async fn play(script: Script, screen: Screen) -> Result<Outcome, Trouble> {
    perform(script, screen).await.map(|(outcome, _)| outcome)
}

async fn perform(script: Script, screen: Screen) -> Result<(Outcome, Stage), Trouble> {
    let stage = Stage::new(Clock::simulated(START, 1.0), script.seed)?;
    let mut play = Play::new(stage, screen, script);
    prologue(&mut play);
    acts::creation(&mut play).await?;
    acts::good_image(&mut play).await?;
    acts::bad_image(&mut play).await?;
    acts::scale_out(&mut play).await?;
    acts::by_hand(&mut play).await?;
    acts::nothing_left(&mut play).await?;
    acts::killed(&mut play).await?;
    let passed = epilogue(&mut play);
    let Play { stage, screen, acts, timelines, .. } = play;
    let drawn = |timeline| {
        let title = "hello-world: 8 tasks from nginx 1.28 to 1.29";
        Picture { title, timeline, paper: &picture::WIDE, counted: "healthy", after: "after the commit" }.draw()
    };
    let picture = timelines.get(&1).map(drawn).unwrap_or_default();
    Ok((Outcome { acts, text: screen.text(), picture, logged: stage.mark(), passed }, stage))
}

fn prologue(play: &mut Play) {
    let title = paint(&play.screen.terminal, Ink::Bold, "ecs-operator demo");
    play.screen.say(title);
    let words = "A directory as git-sync keeps it, the operator as `run` runs it, and the embedded ECS. Nothing leaves \
                 this machine. Every number below is counted from ECS's log of calls; `least` is what cannot be done \
                 with fewer: for reads, one look a minute.";
    play.screen.say_wrapped("", 0, words);
}

/// The last lines; whether all acts passed.
fn epilogue(play: &mut Play) -> bool {
    let good = play.acts.iter().skip(1).filter(|act| act.passed).count();
    let all = play.acts.len().saturating_sub(1);
    let passed = play.acts.iter().all(|act| act.passed);
    let sum = |of: fn(&Tally) -> usize| {
        let sum = |tally: fn(&Act) -> &Tally| play.acts.iter().map(|act| of(tally(act))).sum::<usize>();
        (sum(|act| &act.tally), sum(|act| &act.least))
    };
    let (reads, writes, registrations) =
        (sum(|tally| tally.reads), sum(|tally| tally.writes), sum(|tally| tally.registrations));
    let tally = |pick: fn(&(usize, usize)) -> usize| Tally {
        reads: pick(&reads),
        writes: pick(&writes),
        registrations: pick(&registrations),
    };
    let counts = play::counts(&tally(|pair| pair.0), &tally(|pair| pair.1));
    let (word, ink) = if passed { ("PASS", Ink::Good) } else { ("FAIL", Ink::Bad) };
    let word = paint(&play.screen.terminal, ink, word);
    let simulated = ink::span(play.simulated());
    play.screen.say("");
    play.screen.say(format!("{word} {good}/{all}"));
    play.screen.say_wrapped("", 0, &format!("{simulated} simulated, {counts}, seed {}.", play.script.seed));
    passed
}
