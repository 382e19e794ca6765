//! Parses the arguments and turns the end into an exit code.

use std::process::ExitCode;

use ecs_operator::cli::Args;

#[tokio::main]
async fn main() -> ExitCode {
    match Args::from_command_line() {
        Ok(args) => ecs_operator::app::main(args).await.into(),
        Err(exit) => exit.into(),
    }
}
