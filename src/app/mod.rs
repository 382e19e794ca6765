//! Composition: what the commands are made of, wired together. Must not know: decisions.

mod apply;
mod cloud;
pub mod demo;
mod desired;
mod election;
mod failed;
mod feed;
mod import;
mod input;
mod limits;
mod operator;
mod plan;
mod planfile;
mod preflight;
mod run;
mod sim;
mod simulate;
mod status;
mod stop;
mod tell;
mod validate;

use crate::cli::args::{Place, Setting};
use crate::cli::{Args, Command, Exit, print};
use crate::clock::Clock;
use crate::shape::plain;
use crate::source::SETTINGS_FILE;
use crate::telemetry;

pub use cloud::Cloud;
pub use election::Election;
pub use import::live;
pub use limits::limits;
pub use operator::{Options, assemble};
pub use plan::all as plans;
pub use plan::view;
pub use preflight::ahead;
pub use simulate::{Assumed, simulate};

/// What stops a command, in words for the person who typed it.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("{0}")]
    Input(String),
    #[error("{context}: {source}")]
    Io { context: String, source: std::io::Error },
    #[error(transparent)]
    Call(#[from] crate::aws::CallError),
    #[error(transparent)]
    Ask(#[from] crate::serve::AskError),
    #[error(transparent)]
    Metrics(#[from] telemetry::MetricsError),
    #[error(transparent)]
    Logs(#[from] telemetry::LogError),
}

impl Trouble {
    /// What happened, and what to do about it where that is known.
    fn told(&self) -> String {
        let remedy = match self {
            Self::Call(error) => error.remedy(),
            Self::Input(_) | Self::Io { .. } | Self::Ask(_) | Self::Metrics(_) | Self::Logs(_) => None,
        };
        remedy.map_or_else(|| self.to_string(), |remedy| format!("{self} ({remedy})"))
    }
}

/// What commands log whose output a person reads: not what they print anyway, and not that the SDK looked for settings
/// in places that are not there.
const AT_A_TERMINAL: &str = "warn,ecs_operator=off,aws_config=error,aws_runtime=error";

/// Does what the arguments say.
pub async fn main(args: Args) -> Exit {
    if args.print_config {
        print::out(limits::config(&in_force(&args)).trim_end());
        return Exit::Done;
    }
    let clock = clock(&args.command);
    let usual = if matches!(args.command, Command::Run(_)) { "info" } else { AT_A_TERMINAL };
    let filter = args.logs.log.as_deref().unwrap_or(usual);
    let wall = clock.clone();
    let result = match telemetry::init_logs(args.logs.log_format, filter, move || wall.wall()) {
        Ok(()) => command(args.command, clock).await,
        Err(error) => Err(error.into()),
    };
    let exit = result.unwrap_or_else(|trouble| {
        print::err(format_args!("error: {}", plain(&trouble.told())));
        Exit::Error
    });
    if !print::is_lost() {
        return exit;
    }
    print::err("error: the output could not be written");
    if exit == Exit::Done { Exit::Error } else { exit }
}

async fn command(command: Command, clock: Clock) -> Result<Exit, Trouble> {
    match command {
        Command::Run(flags) => run::run(flags, clock).await,
        Command::Validate(flags) => validate::validate(&flags),
        Command::Explain(flags) => tell::explain(&flags),
        Command::Schema(flags) => tell::schema(&flags),
        Command::Version(flags) => Ok(tell::version(&flags)),
        Command::Completion(flags) => Ok(tell::completion(&flags)),
        Command::Import(flags) => import::import(flags, clock).await,
        Command::Status(flags) => status::status(flags, clock).await,
        Command::Plan(flags) => plan::plan(flags, clock).await,
        Command::Preflight(flags) => preflight::preflight(flags, clock).await,
        Command::Apply(flags) => apply::apply(flags, clock).await,
        Command::Sim(flags) => sim::sim(flags, clock).await,
        Command::Demo(flags) => demo::demo(flags).await,
    }
}

/// The settings of the command, with what the directory's own settings file says where no flag says otherwise.
fn in_force(args: &Args) -> Vec<Setting> {
    let mut settings = args.settings.clone();
    let Some(place) = place(&args.command) else { return settings };
    let Some(said) = desired::settings(&place.path) else { return settings };
    let clusters = Some(said.clusters.join(",")).filter(|clusters| !clusters.is_empty());
    for (name, value) in [("owner", said.owner), ("source", said.source), ("clusters", clusters)] {
        let known = settings.iter().any(|setting| setting.name == name);
        if let Some(value) = value.filter(|_| !known) {
            let from = place.path.join(SETTINGS_FILE).display().to_string();
            settings.push(Setting { name: name.to_owned(), value, from });
        }
    }
    settings
}

/// Where a command finds its manifests.
fn place(command: &Command) -> Option<&Place> {
    match command {
        Command::Run(run) => Some(&run.place),
        Command::Plan(plan) => Some(&plan.place),
        Command::Preflight(preflight) => Some(&preflight.place),
        Command::Apply(apply) => Some(&apply.place),
        Command::Validate(_)
        | Command::Explain(_)
        | Command::Status(_)
        | Command::Schema(_)
        | Command::Version(_)
        | Command::Completion(_)
        | Command::Import(_)
        | Command::Sim(_)
        | Command::Demo(_) => None,
    }
}

/// The clock that a command's time goes by: with an embedded ECS, both share it.
fn clock(command: &Command) -> Clock {
    let cloud = match command {
        Command::Sim(sim) => return Clock::simulated_from_now(sim.time_scale),
        Command::Import(import) => Some(&import.cloud),
        // The demo's acts have a clock of their own.
        other => place(other).map(|place| &place.cloud),
    };
    let simulated = cloud.filter(|cloud| cloud.sim);
    simulated.map_or_else(Clock::system, |cloud| Clock::simulated_from_now(cloud.time_scale))
}
