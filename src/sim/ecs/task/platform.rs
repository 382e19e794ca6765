//! What the older platforms of Fargate lack, for tasks by themselves and those of services alike (ecs-semantics §4.2,
//! §6.7). Must not know: requests.

use crate::shape::Tree;

use super::super::Fault;
use super::super::task_definition::sizes;
use super::overrides;

/// The platform that has everything, of those with Linux.
const WHOLE: &str = "1.4.0";

/// Judges what a definition asks of a platform, and what is asked beside it: volumes made at launch, ECS Exec.
///
/// # Errors
/// `PlatformTaskDefinitionIncompatibilityException`; the wording is ours.
pub fn judge(version: &str, definition: &Tree, volumes: bool, execute_command: bool) -> Result<(), Fault> {
    let efs = definition.list("volumes").iter().any(|volume| volume.get("efsVolumeConfiguration").is_some());
    let asked = [
        (sizes::task_cpu(definition).is_some_and(|cpu| cpu > sizes::FARGATE_EVERYWHERE_CPU_MAX), "cpu"),
        (definition.get("ephemeralStorage").is_some(), "ephemeralStorage"),
        (efs, "efsVolumeConfiguration"),
        (volumes, "volumeConfigurations"),
        (execute_command, "enableExecuteCommand"),
        (definition.text("pidMode").is_some(), "pidMode"),
    ];
    asked.iter().filter(|(asked, _)| *asked).try_for_each(|(_, what)| wants(version, definition, what))
}

/// Judges a request that brings its own `ephemeralStorage`.
///
/// # Errors
/// As [`judge`].
pub fn judge_storage(version: &str, definition: &Tree, asked: bool) -> Result<(), Fault> {
    if asked { wants(version, definition, "ephemeralStorage") } else { Ok(()) }
}

fn wants(version: &str, definition: &Tree, what: &str) -> Result<(), Fault> {
    if overrides::is_windows(definition) || version == WHOLE {
        return Ok(());
    }
    Err(Fault::new(
        "PlatformTaskDefinitionIncompatibilityException",
        format!("{what} requires the platform version {WHOLE} or later, but this is {version}."),
    ))
}
