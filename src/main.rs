//! Parses the arguments and turns the end into an exit code.

use std::process::ExitCode;

use ecs_operator::cli::Args;

#[tokio::main]
async fn main() -> ExitCode {
    ecs_operator::app::main(Args::from_command_line()).await.into()
}
