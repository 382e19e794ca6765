//! The commands and their flags. Each flag has an environment name `ECS_OPERATOR_<FLAG>`; the flag wins. What is on or
//! off takes `true`, `yes`, `1` and their opposites there.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser as Yes;
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args as Flags, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::check::duration;
use crate::kinds::adopt::Former;
use crate::shape::plain;
use crate::telemetry::LogFormat;

use super::config::Config;
use super::exit::{Exit, HELP};
use super::{help, print};

/// GitOps for Amazon ECS: manifests in a directory become running services, and stay so.
#[derive(Debug, Parser)]
#[command(name = "ecs-operator", version, after_help = HELP, disable_help_subcommand = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub logs: Logs,
    /// Print the settings in force, where each is from, and all limits; and do nothing.
    #[arg(long, global = true, env = "ECS_OPERATOR_PRINT_CONFIG", value_parser = Yes::new())]
    pub print_config: bool,
    /// A file that sets flags, in YAML or JSON: their long names, and their values. A flag or an environment variable
    /// counts for more.
    #[arg(long, global = true, value_name = "FILE", env = "ECS_OPERATOR_CONFIG")]
    pub config: Option<PathBuf>,
    /// The settings of the command, as they were found.
    #[arg(skip)]
    pub settings: Vec<Setting>,
}

/// One setting, and where it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub name: String,
    pub value: String,
    pub from: String,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look for what is wrong with manifests, without AWS.
    #[command(after_help = HELP, after_long_help = help::of("validate"))]
    Validate(Validate),
    /// Show what would be done, and do nothing.
    #[command(after_help = HELP, after_long_help = help::of("plan"))]
    Plan(Plan),
    /// Look whether each service could roll now: percentages, addresses, ways out, room on instances.
    #[command(after_help = HELP, after_long_help = help::of("preflight"))]
    Preflight(Preflight),
    /// Do what is to be done, once.
    #[command(after_help = HELP, after_long_help = help::of("apply"))]
    Apply(Apply),
    /// Keep AWS as the directory says, until stopped.
    #[command(after_help = HELP, after_long_help = help::of("run"))]
    Run(Run),
    /// Write manifests for what lives in clusters, or stands in other tools' files.
    #[command(after_help = HELP, after_long_help = help::of("import"))]
    Import(Import),
    /// Tell how the objects of a running operator are.
    #[command(after_help = HELP, after_long_help = help::of("status"))]
    Status(Status),
    /// Tell what a rule asks for, with an example, or what a condition's reason means.
    #[command(after_help = HELP, after_long_help = help::of("explain"))]
    Explain(Explain),
    /// Print the JSON Schema of manifests, for editors and CI.
    #[command(after_help = HELP, after_long_help = help::of("schema"))]
    Schema(Schema),
    /// Serve the embedded ECS to any ECS client.
    #[command(after_help = HELP, after_long_help = help::of("sim"))]
    Sim(Sim),
    /// Watch the operator at work on the embedded ECS, in six acts that check themselves.
    #[command(after_help = HELP, after_long_help = help::of("demo"))]
    Demo(Demo),
    /// Print a completion script for a shell.
    #[command(after_help = HELP, after_long_help = help::of("completion"))]
    Completion(Completion),
    /// Print the version.
    #[command(after_help = HELP, after_long_help = help::of("version"))]
    Version(Version),
}

/// What is written to standard error.
#[derive(Clone, Debug, Flags)]
pub struct Logs {
    /// Log lines as text, or as one JSON object each.
    #[arg(
        long,
        help_heading = "Logs",
        global = true,
        value_name = "text|json",
        env = "ECS_OPERATOR_LOG_FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,
    /// What to log: a level, or target=level pairs.
    #[arg(long, help_heading = "Logs", global = true, value_name = "FILTER", env = "ECS_OPERATOR_LOG")]
    pub log: Option<String>,
}

/// Where the manifests are, whose they are, and which AWS they are for.
#[derive(Clone, Debug, Flags)]
pub struct Place {
    /// The directory with the manifests: a link that git-sync flips, a mounted ConfigMap, or a plain directory. `plan`,
    /// `preflight` and `apply` also take a file, or `-` for standard input; `apply` also what `plan --out` wrote.
    pub path: PathBuf,
    /// Who owns what is made from the directory. Defaults to `owner` in its ecs-operator.yaml.
    #[arg(long, value_name = "NAME", env = "ECS_OPERATOR_OWNER")]
    pub owner: Option<String>,
    /// The value of a variable; wins over all manifests. Repeatable.
    #[arg(long = "var", value_name = "NAME=VALUE", env = "ECS_OPERATOR_VAR", hide_env_values = true, value_delimiter = ',', value_parser = variable)]
    pub variables: Vec<(String, String)>,
    #[command(flatten)]
    pub cloud: Cloud,
}

/// Which AWS.
#[derive(Clone, Debug, Flags)]
pub struct Cloud {
    /// The region. Defaults to the one AWS's own tools would use.
    #[arg(long, help_heading = "AWS", value_name = "REGION", env = "ECS_OPERATOR_REGION")]
    pub region: Option<String>,
    /// Send all requests here instead of to AWS; a loopback address needs no credentials.
    #[arg(long, help_heading = "AWS", value_name = "URL", env = "ECS_OPERATOR_ENDPOINT_URL")]
    pub endpoint_url: Option<String>,
    /// Use an embedded ECS inside this process instead of AWS.
    #[arg(long, help_heading = "AWS", env = "ECS_OPERATOR_SIM", value_parser = Yes::new())]
    pub sim: bool,
    /// With --sim: how many times faster than real time goes by, for operator and ECS alike.
    #[arg(long, help_heading = "AWS", value_name = "N", env = "ECS_OPERATOR_TIME_SCALE", default_value_t = 1.0, value_parser = scale)]
    pub time_scale: f64,
    /// With --sim: what chance is drawn from.
    #[arg(long, help_heading = "AWS", value_name = "N", env = "ECS_OPERATOR_SEED", default_value_t = 1)]
    pub seed: u64,
    /// The share of each of AWS's API buckets that the operator allows itself, in percent.
    #[arg(long, help_heading = "AWS", value_name = "PERCENT", env = "ECS_OPERATOR_API_SHARE", default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub api_share: u8,
}

#[derive(Clone, Debug, Flags)]
pub struct Run {
    #[command(flatten)]
    pub place: Place,
    /// Look and report, but write nothing; needs read permissions only.
    #[arg(long, env = "ECS_OPERATOR_OBSERVE", value_parser = Yes::new())]
    pub observe: bool,
    /// Where metrics and probes are served.
    #[arg(long, value_name = "ADDR", env = "ECS_OPERATOR_LISTEN", default_value = crate::serve::LISTEN_DEFAULT)]
    pub listen: SocketAddr,
    /// Where probes are answered besides, so that they wait for nobody who reads metrics or the page.
    #[arg(long, value_name = "ADDR", env = "ECS_OPERATOR_PROBE_LISTEN")]
    pub probe_listen: Option<SocketAddr>,
    /// How often everything is looked at again.
    #[arg(long, value_name = "TIME", env = "ECS_OPERATOR_RESYNC", default_value = "60s", value_parser = span)]
    pub resync: Duration,
    /// How often a rollout in progress is looked at.
    #[arg(long, value_name = "TIME", env = "ECS_OPERATOR_ACTIVE", default_value = "5s", value_parser = span)]
    pub active: Duration,
    /// How often the directory is looked at without a hint from the kernel.
    #[arg(long, value_name = "TIME", env = "ECS_OPERATOR_POLL", default_value = "5s", value_parser = span)]
    pub poll: Duration,
    /// Do without the kernel's hints about files: polling alone is enough.
    #[arg(long, env = "ECS_OPERATOR_POLL_ONLY", value_parser = Yes::new())]
    pub poll_only: bool,
    /// Passes at a time.
    #[arg(long, value_name = "N", env = "ECS_OPERATOR_WORKERS", default_value_t = crate::reconcile::controller::WORKERS_DEFAULT, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: u16,
    /// Rollouts at a time.
    #[arg(long, value_name = "N", env = "ECS_OPERATOR_ROLLOUTS", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub rollouts: u16,
    /// Whose objects become ours: another owner's, or one of its sources', where a manifest here declares them.
    #[arg(long, value_name = "OWNER[/SOURCE]", env = "ECS_OPERATOR_TAKE_OVER", value_parser = former)]
    pub take_over: Option<Former>,
    /// How long a deployment that someone else started is left alone.
    #[arg(long, value_name = "TIME", env = "ECS_OPERATOR_GRACE", default_value = "1h", value_parser = span)]
    pub grace: Duration,
    /// Beyond so many services their own series are left out of the metrics.
    #[arg(long, value_name = "N", env = "ECS_OPERATOR_METRICS_MAX_SERVICES", default_value_t = crate::telemetry::MAX_SERVICES_DEFAULT)]
    pub metrics_max_services: usize,
    /// With --sim: serve the embedded ECS to other clients too.
    #[arg(long, value_name = "ADDR", env = "ECS_OPERATOR_SIM_LISTEN", requires = "sim")]
    pub sim_listen: Option<SocketAddr>,
    #[command(flatten)]
    pub election: Election,
}

/// Which of several replicas writes.
#[derive(Clone, Debug, Flags)]
#[group(skip)]
pub struct Election {
    /// One of several replicas: write only while holding a Kubernetes Lease, and be a warm standby otherwise.
    #[arg(long, help_heading = "Leader election", env = "ECS_OPERATOR_LEADER_ELECTION", value_parser = Yes::new(), conflicts_with = "sim")]
    pub leader_election: bool,
    /// The Lease's name.
    #[arg(
        long,
        help_heading = "Leader election",
        value_name = "NAME",
        env = "ECS_OPERATOR_LEASE_NAME",
        default_value = "ecs-operator"
    )]
    pub lease_name: String,
    /// The Lease's namespace. Defaults to the one of the pod's ServiceAccount.
    #[arg(long, help_heading = "Leader election", value_name = "NAME", env = "ECS_OPERATOR_LEASE_NAMESPACE")]
    pub lease_namespace: Option<String>,
    /// What the holder is called, before a random ending: the pod's name. Defaults to HOSTNAME, which it is in a pod.
    #[arg(long, help_heading = "Leader election", value_name = "NAME", env = "ECS_OPERATOR_LEASE_IDENTITY")]
    pub lease_identity: Option<String>,
}

#[derive(Clone, Debug, Flags)]
pub struct Validate {
    /// Directories or files with manifests, or `-` for standard input. References are followed within each directory,
    /// and among all files named one by one.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How findings are written: with the source line, as one JSON object, or as annotations of GitHub's workflows.
    #[arg(short, long, value_name = "text|json|github", env = "ECS_OPERATOR_OUTPUT", default_value = "text")]
    pub output: FindingsOutput,
    /// Warnings count as problems too.
    #[arg(long, env = "ECS_OPERATOR_STRICT", value_parser = Yes::new())]
    pub strict: bool,
    /// The value of a variable; wins over all manifests. Repeatable.
    #[arg(long = "var", value_name = "NAME=VALUE", env = "ECS_OPERATOR_VAR", hide_env_values = true, value_delimiter = ',', value_parser = variable)]
    pub variables: Vec<(String, String)>,
    /// The region that documents without one are for; lets ARNs of others be found.
    #[arg(long, value_name = "REGION", env = "ECS_OPERATOR_REGION")]
    pub region: Option<String>,
    /// The account that documents without one are for; lets ARNs of others be found.
    #[arg(long, value_name = "ID", env = "ECS_OPERATOR_ACCOUNT")]
    pub account: Option<String>,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FindingsOutput {
    Text,
    Json,
    Github,
}

#[derive(Clone, Debug, Flags)]
pub struct Explain {
    /// A rule, as findings name it in brackets, or the reason of a condition; without one, all rules are listed.
    pub name: Option<String>,
}

#[derive(Clone, Debug, Flags)]
pub struct Plan {
    #[command(flatten)]
    pub place: Place,
    /// How the plan is written: for a terminal, as one JSON object, or for a pull request.
    #[arg(short, long, value_name = "text|json|markdown", env = "ECS_OPERATOR_OUTPUT", default_value = "text")]
    pub output: PlanOutput,
    /// Exit with 2 when there is something to do.
    #[arg(long, env = "ECS_OPERATOR_DETAILED_EXITCODE", value_parser = Yes::new())]
    pub detailed_exitcode: bool,
    /// Show what `apply --take-over` would do.
    #[arg(long, value_name = "OWNER[/SOURCE]", env = "ECS_OPERATOR_TAKE_OVER", value_parser = former)]
    pub take_over: Option<Former>,
    /// Show values that may be secret: of variables, commands, labels, options of log drivers.
    #[arg(long, env = "ECS_OPERATOR_SHOW_VALUES", value_parser = Yes::new())]
    pub show_values: bool,
    /// Copy what the plan touches into an embedded ECS, apply the plan there, and tell how each rollout goes.
    #[arg(long, env = "ECS_OPERATOR_SIMULATE", value_parser = Yes::new())]
    pub simulate: bool,
    /// With --simulate: how long each task takes from its creation to RUNNING; without it, what the embedded ECS takes.
    #[arg(long, value_name = "TIME", env = "ECS_OPERATOR_START_TIME", requires = "simulate", value_parser = span)]
    pub start_time: Option<Duration>,
    /// With --simulate: how long each task runs before it counts as healthy; without it, as its checks say.
    #[arg(long, value_name = "TIME", env = "ECS_OPERATOR_HEALTHY_AFTER", requires = "simulate", value_parser = span)]
    pub healthy_after: Option<Duration>,
    /// Write the plan to this file too, for `apply FILE`: only its owner can read it, and values that may be secret are
    /// not in it.
    #[arg(long, value_name = "FILE", env = "ECS_OPERATOR_OUT")]
    pub out: Option<PathBuf>,
}

#[derive(Clone, Debug, Flags)]
pub struct Preflight {
    #[command(flatten)]
    pub place: Place,
    /// How findings are written: with the source line, as one JSON object, or as annotations of GitHub's workflows.
    #[arg(short, long, value_name = "text|json|github", env = "ECS_OPERATOR_OUTPUT", default_value = "text")]
    pub output: FindingsOutput,
}

/// How a plan is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum PlanOutput {
    Text,
    Json,
    Markdown,
}

#[derive(Clone, Debug, Flags)]
pub struct Apply {
    #[command(flatten)]
    pub place: Place,
    /// Follow rollouts to their end.
    #[arg(long, env = "ECS_OPERATOR_WAIT", value_parser = Yes::new())]
    pub wait: bool,
    /// Whose objects become ours: another owner's, or one of its sources', where a manifest here declares them.
    #[arg(long, value_name = "OWNER[/SOURCE]", env = "ECS_OPERATOR_TAKE_OVER", value_parser = former)]
    pub take_over: Option<Former>,
    /// How long to try, and with --wait to follow.
    #[arg(long, value_name = "TIME", env = "ECS_OPERATOR_TIMEOUT", default_value = "30m", value_parser = span)]
    pub timeout: Duration,
    /// With a plan file: the manifests that it was made from, where they are not where they were.
    #[arg(long, value_name = "PATH", env = "ECS_OPERATOR_MANIFESTS")]
    pub manifests: Option<PathBuf>,
}

#[derive(Clone, Debug, Flags)]
#[group(id = "source", required = true, args = ["clusters", "from"])]
pub struct Import {
    /// A cluster whose services and task definitions are written. Repeatable.
    #[arg(long = "cluster", value_name = "NAME", env = "ECS_OPERATOR_CLUSTER", value_delimiter = ',')]
    pub clusters: Vec<String>,
    /// Files of other tools: ECS's JSON, ecspresso.yml, CloudFormation templates, what `terraform show -json` prints,
    /// Copilot manifests; or `-` for standard input.
    #[arg(long, value_name = "FILE", env = "ECS_OPERATOR_FROM", num_args = 1.., value_delimiter = ',')]
    pub from: Vec<PathBuf>,
    /// The directory to write, which must be empty or not there; `-` prints everything.
    #[arg(long, value_name = "DIR", env = "ECS_OPERATOR_OUT")]
    pub out: PathBuf,
    /// Write into a directory that has files: those of the same names are lost, others stay.
    #[arg(long, env = "ECS_OPERATOR_FORCE", value_parser = Yes::new())]
    pub force: bool,
    /// Write variables in place of the values of environment variables.
    #[arg(long, env = "ECS_OPERATOR_REDACT_ENV", value_parser = Yes::new())]
    pub redact_env: bool,
    /// Have the manifests ask for what is there: `reconcile.adopt: IfUnowned` in each.
    #[arg(long, env = "ECS_OPERATOR_ADOPT", value_parser = Yes::new())]
    pub adopt: bool,
    /// The value of a CloudFormation template's parameter, or of a pseudo parameter such as AWS::StackName. Repeatable.
    #[arg(long = "parameter", value_name = "KEY=VALUE", env = "ECS_OPERATOR_PARAMETER", hide_env_values = true, value_delimiter = ',', value_parser = variable)]
    pub parameters: Vec<(String, String)>,
    /// How the report is written: what was made, and what could not be brought along.
    #[arg(short, long, value_name = "text|json", env = "ECS_OPERATOR_OUTPUT", default_value = "text")]
    pub output: Output,
    #[command(flatten)]
    pub cloud: Cloud,
}

#[derive(Clone, Debug, Flags)]
pub struct Status {
    /// Only this object, in full: `prod/Service/web`, or a part of it that only one has.
    pub key: Option<String>,
    /// Where the operator serves its status (`run --listen`).
    #[arg(long, value_name = "URL", env = "ECS_OPERATOR_SERVER", default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// Go on showing it: drawn over on a terminal, elsewhere a line for each change.
    #[arg(short, long, env = "ECS_OPERATOR_WATCH", value_parser = Yes::new())]
    pub watch: bool,
    /// How it is written; as JSON it is what the operator serves at /api/v1/status.
    #[arg(short, long, value_name = "text|json", env = "ECS_OPERATOR_OUTPUT", default_value = "text")]
    pub output: Output,
}

#[derive(Clone, Debug, Flags)]
pub struct Schema {
    /// A kind, or `Settings` for ecs-operator.yaml; without one, whatever a manifest may be.
    pub kind: Option<String>,
}

#[derive(Clone, Debug, Flags)]
pub struct Version {
    /// How it is written.
    #[arg(short, long, value_name = "text|json", env = "ECS_OPERATOR_OUTPUT", default_value = "text")]
    pub output: Output,
}

#[derive(Clone, Debug, Flags)]
pub struct Completion {
    /// Whose script: `source <(ecs-operator completion bash)`.
    pub shell: clap_complete::Shell,
}

/// For people or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    Text,
    Json,
}

#[derive(Clone, Debug, Flags)]
pub struct Sim {
    /// Where to serve; keep it on loopback: whoever reaches it can change everything.
    #[arg(long, value_name = "ADDR", env = "ECS_OPERATOR_LISTEN", default_value = "127.0.0.1:4566")]
    pub listen: SocketAddr,
    /// How many times faster than real time goes by.
    #[arg(long, value_name = "N", env = "ECS_OPERATOR_TIME_SCALE", default_value_t = 1.0, value_parser = scale)]
    pub time_scale: f64,
    /// What chance is drawn from.
    #[arg(long, value_name = "N", env = "ECS_OPERATOR_SEED", default_value_t = 1)]
    pub seed: u64,
    /// The region requests have to be signed for.
    #[arg(long, value_name = "REGION", env = "ECS_OPERATOR_REGION", default_value = "us-east-1")]
    pub region: String,
    /// Refuse subnets and security groups that nobody made; otherwise one that ECS is told of comes into being.
    #[arg(long, env = "ECS_OPERATOR_NETWORKS_MUST_EXIST", value_parser = Yes::new())]
    pub networks_must_exist: bool,
    /// Throttle ECS's API by its published buckets, times this factor.
    #[arg(long, value_name = "FACTOR", env = "ECS_OPERATOR_THROTTLE", num_args = 0..=1, default_missing_value = "1",
        value_parser = scale)]
    pub throttle: Option<f64>,
    /// How long tasks on Spot live on average before their capacity is taken back, by chance; without it, for ever.
    #[arg(long, value_name = "TIME", env = "ECS_OPERATOR_SPOT_LIFE", value_parser = span)]
    pub spot_life: Option<Duration>,
}

#[derive(Clone, Debug, Flags)]
pub struct Demo {
    /// Play the acts as fast as it goes, and end: 0 when all passed, 1 when not.
    #[arg(long, env = "ECS_OPERATOR_ONCE", value_parser = Yes::new())]
    pub once: bool,
    /// Write a picture of the first act's rollout to this file, as SVG.
    #[arg(long, value_name = "FILE", env = "ECS_OPERATOR_SVG")]
    pub svg: Option<PathBuf>,
    /// Where metrics and probes are served after the acts.
    #[arg(long, value_name = "ADDR", env = "ECS_OPERATOR_LISTEN", default_value = crate::serve::LISTEN_DEFAULT)]
    pub listen: SocketAddr,
    /// Where the embedded ECS is served after the acts.
    #[arg(long, value_name = "ADDR", env = "ECS_OPERATOR_SIM_LISTEN", default_value = "127.0.0.1:4566")]
    pub sim_listen: SocketAddr,
    /// How many times faster than real time rollouts go by where a person watches.
    #[arg(long, value_name = "N", env = "ECS_OPERATOR_TIME_SCALE", default_value_t = 40.0, value_parser = scale)]
    pub time_scale: f64,
    /// What chance is drawn from.
    #[arg(long, value_name = "N", env = "ECS_OPERATOR_SEED", default_value_t = 1)]
    pub seed: u64,
}

impl Args {
    /// What was typed; or, with help or an error printed, how that ends. A slip of the fingers is an error like any
    /// other: clap's own code for it would say that `plan` has found something to do.
    ///
    /// # Errors
    /// Help, the version, and what can't be read.
    pub fn from_command_line() -> Result<Self, Exit> {
        let config = Self::configuration().map_err(|wrong| {
            wrong.iter().for_each(|line| print::err(format_args!("error: {}", plain(line))));
            Exit::Error
        })?;
        let parsed = config.defaults(Self::command()).try_get_matches().and_then(|matches| {
            let args = Self::from_arg_matches(&matches)?;
            let settings = matches.subcommand().map(|(name, of)| settings(name, of, &config)).unwrap_or_default();
            Ok(Self { settings, ..args })
        });
        parsed.map_err(|error| {
            // Whoever has closed the output does not want to read it.
            drop(error.print());
            let flag = match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::String(shown)) => {
                    shown.trim_start_matches('-').split(' ').next().unwrap_or_default()
                }
                _ => "",
            };
            if let Some(from) = config.says(flag) {
                print::err(format_args!("{flag} is set by {from}, unless a flag or the environment says otherwise"));
            }
            if error.use_stderr() { Exit::Error } else { Exit::Done }
        })
    }

    /// What the configuration file says, if one is named. Whatever else is wrong with the command line is told later.
    fn configuration() -> Result<Config, Vec<String>> {
        let commands = Self::command();
        let Ok(matches) = commands.clone().ignore_errors(true).try_get_matches() else { return Ok(Config::default()) };
        let named = |matches: &ArgMatches| matches.try_get_one::<PathBuf>("config").ok().flatten().cloned();
        let path = matches.subcommand().and_then(|(_, of)| named(of)).or_else(|| named(&matches));
        path.map_or_else(|| Ok(Config::default()), |path| Config::read(&path, &commands))
    }

    /// A completion script.
    pub fn completion(shell: clap_complete::Shell) -> Vec<u8> {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Self::command(), "ecs-operator", &mut script);
        script
    }
}

/// What a command's flags have become.
fn settings(command: &str, matches: &ArgMatches, config: &Config) -> Vec<Setting> {
    let known = Args::command();
    let of = known.find_subcommand(command);
    let flags = of.into_iter().flat_map(clap::Command::get_arguments).chain(known.get_arguments());
    let one = |flag: &clap::Arg| {
        let id = flag.get_id().as_str();
        let from = match matches.value_source(id)? {
            ValueSource::CommandLine => "flag",
            ValueSource::EnvVariable => "environment",
            _ => flag.get_long().and_then(|long| config.says(long)).unwrap_or("default"),
        };
        let from = from.to_owned();
        let given = matches.try_get_raw(id).ok().flatten()?;
        let values: Vec<String> = given.map(|value| value.to_string_lossy().into_owned()).collect();
        // A variable's value may be a secret.
        let value = if flag.is_hide_env_values_set() { "(not shown)".to_owned() } else { values.join(",") };
        Some(Setting { name: flag.get_long().unwrap_or(id).to_owned(), value, from })
    };
    flags.filter_map(one).collect()
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

fn span(text: &str) -> Result<Duration, String> {
    duration(text).ok_or_else(|| "write a time from 1s to 24h, such as 90s, 15m or 2h".to_owned())
}

fn former(text: &str) -> Result<Former, String> {
    let parts: Vec<&str> = text.split('/').collect();
    let fits = parts.len() <= 2 && parts.iter().all(|part| !part.is_empty());
    fits.then(|| Former(text.to_owned())).ok_or_else(|| "write an owner, or OWNER/SOURCE".to_owned())
}

/// A day in a second and a half is as fast as it gets.
const SCALE_MAX: f64 = 60_000.0;

fn scale(text: &str) -> Result<f64, String> {
    let fits = |scale: &f64| *scale > 0.0 && *scale <= SCALE_MAX;
    text.parse().ok().filter(fits).ok_or_else(|| format!("write a number above 0 and up to {SCALE_MAX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_are_consistent_and_every_one_has_its_environment_name() {
        Args::command().debug_assert();
        for command in Args::command().get_subcommands() {
            for flag in command.get_arguments().filter(|flag| flag.get_long().is_some_and(|long| long != "help")) {
                let name = format!("ECS_OPERATOR_{}", flag.get_long().unwrap().to_uppercase().replace('-', "_"));
                let env = flag.get_env().map(|env| env.to_string_lossy().into_owned());
                assert_eq!(env, Some(name), "{} --{}", command.get_name(), flag.get_long().unwrap());
            }
        }
    }

    #[test]
    fn values_are_read_as_people_write_them() {
        assert_eq!(variable("TAG=1.2=3"), Ok(("TAG".into(), "1.2=3".into())));
        assert!(variable("TAG").is_err());
        assert_eq!(span("15m"), Ok(Duration::from_secs(900)));
        assert!(span("0s").is_err() && span("15").is_err() && scale("0").is_err() && scale("1e9").is_err());
    }
}
