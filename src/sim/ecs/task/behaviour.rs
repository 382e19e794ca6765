//! How a simulated container behaves, read from the docker labels of its definition. Must not know: tasks, services.
//!
//! All labels begin with `ecs-operator.sim/`; a span is seconds (`30`, `30s`) or `5m`, `2h`.
//!
//! | label | value | what the container does |
//! |---|---|---|
//! | `exit-after` | span | exits by itself so long after RUNNING; the task stops with it if it is essential |
//! | `exit-code` | 0–255 | the code it exits with, by itself or on SIGTERM; 0 without the label |
//! | `fail-to-start` | text | the task never reaches RUNNING: it stops with this reason, e.g. `CannotPullContainerError: pull image manifest has been retried 5 time(s)` |
//! | `slow-start` | span | from the end of the pull to RUNNING, or to the failure of `fail-to-start` |
//! | `unhealthy-after` | span | its health check fails from so long after RUNNING; needs a `healthCheck` on the essential container, or a target group on the service |
//! | `stop-takes` | span | from SIGTERM to its exit; what outlasts `stopTimeout` is killed (exit code 137) |
//! | `interrupt-after` | span | on FARGATE_SPOT: the capacity is taken back so long after RUNNING |
//! | `image-size` | e.g. `250MB`, `1.5GB` | what its image weighs, compressed; see `task/pull.rs` |
//! | `image-compression` | `gzip`, `zstd`, `none` | how; gzip without the label |
//! | `image-endpoint` | `vpc`, `internet` | the way to its registry: a VPC endpoint, or out through a gateway; see `task/pull.rs` |
//!
//! A label under the prefix that isn't in this table, or whose value can't be read, is refused when a service
//! is created or updated with the definition, in a message that names it.

use std::time::Duration;

use crate::shape::Tree;

use super::super::Fault;
use super::pull::{Compression, Endpoint, mebibytes};

/// What every label of the simulator begins with.
pub const PREFIX: &str = "ecs-operator.sim/";

/// A span that no simulated container outlives on purpose; keeps arithmetic far from its limits.
const LONGEST_SECS: u64 = 366 * 24 * 3600;

/// What one container does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Behaviour {
    pub exit_after: Option<Duration>,
    pub exit_code: Option<i64>,
    pub fail_to_start: Option<String>,
    pub slow_start: Option<Duration>,
    pub unhealthy_after: Option<Duration>,
    pub stop_takes: Option<Duration>,
    pub interrupt_after: Option<Duration>,
    /// In MiB.
    pub image_size: Option<u64>,
    pub compression: Option<Compression>,
    pub endpoint: Option<Endpoint>,
}

impl Behaviour {
    /// Reads the labels of one container definition.
    ///
    /// # Errors
    /// `InvalidParameterException` that names the container and the label.
    pub fn of(container: &Tree) -> Result<Self, Fault> {
        let mut behaviour = Self::default();
        let labels = container.get("dockerLabels").and_then(Tree::as_map);
        for (label, value) in labels.into_iter().flatten() {
            let Some(name) = label.strip_prefix(PREFIX) else { continue };
            let text = value.as_text().unwrap_or_default().trim();
            behaviour.read(name, text).map_err(|why| {
                let container = container.text("name").unwrap_or_default();
                Fault::invalid(format!("The container {container} has the label {label} = \"{text}\": {why}."))
            })?;
        }
        Ok(behaviour)
    }

    fn read(&mut self, name: &str, text: &str) -> Result<(), &'static str> {
        match name {
            "exit-after" => self.exit_after = Some(span(text)?),
            "exit-code" => self.exit_code = Some(exit_code(text)?),
            "fail-to-start" if text.is_empty() => return Err("it must give the reason"),
            "fail-to-start" => self.fail_to_start = Some(text.to_owned()),
            "slow-start" => self.slow_start = Some(span(text)?),
            "unhealthy-after" => self.unhealthy_after = Some(span(text)?),
            "stop-takes" => self.stop_takes = Some(span(text)?),
            "interrupt-after" => self.interrupt_after = Some(span(text)?),
            "image-size" => {
                self.image_size =
                    Some(mebibytes(text).ok_or("it must be a size such as 250MB or 1.5GB, at most 100GB")?);
            }
            "image-compression" => {
                self.compression = Some(Compression::read(text).ok_or("it must be gzip, zstd or none")?);
            }
            "image-endpoint" => self.endpoint = Some(Endpoint::read(text).ok_or("it must be vpc or internet")?),
            _ => return Err("the simulator has no such label"),
        }
        Ok(())
    }
}

/// Judges the labels of a whole task definition, for a service with target groups or without.
///
/// # Errors
/// See [`Behaviour::of`]; and `unhealthy-after` where no check could see it.
pub fn judge(definition: &Tree, behind_targets: bool) -> Result<(), Fault> {
    for container in definition.list("containerDefinitions") {
        let behaviour = Behaviour::of(container)?;
        let checked = container.get("healthCheck").is_some_and(|check| !check.is_empty());
        let essential = container.bool("essential").unwrap_or(true);
        if behaviour.unhealthy_after.is_some() && !(essential && checked || behind_targets) {
            let name = container.text("name").unwrap_or_default();
            return Err(Fault::invalid(format!(
                "The container {name} has the label {PREFIX}unhealthy-after: it needs a healthCheck on an essential \
                 container, or a target group on the service."
            )));
        }
    }
    Ok(())
}

fn span(text: &str) -> Result<Duration, &'static str> {
    const WHY: &str = "it must be a span such as 30, 30s, 5m or 2h, at most a year";
    let (digits, unit) = match text.strip_suffix('s') {
        Some(digits) => (digits, 1),
        None => match (text.strip_suffix('m'), text.strip_suffix('h')) {
            (Some(digits), _) => (digits, 60),
            (_, Some(digits)) => (digits, 3600),
            _ => (text, 1),
        },
    };
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let secs = digits.parse::<u64>().ok().filter(|_| all_digits).and_then(|number| number.checked_mul(unit));
    secs.filter(|secs| *secs <= LONGEST_SECS).map(Duration::from_secs).ok_or(WHY)
}

fn exit_code(text: &str) -> Result<i64, &'static str> {
    text.parse::<u8>().map(i64::from).map_err(|_| "it must be a number from 0 to 255")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn container(label: &str, value: &str) -> Tree {
        tree! { "name" => "web", "dockerLabels" => tree! { label => value, "com.example/other" => "?" } }
    }

    #[test]
    fn reads_spans_and_codes() {
        for (text, secs) in [("30", 30), ("30s", 30), ("5m", 300), ("2h", 7200), ("0", 0)] {
            let behaviour = Behaviour::of(&container("ecs-operator.sim/exit-after", text)).unwrap();
            assert_eq!(behaviour.exit_after, Some(Duration::from_secs(secs)), "{text}");
        }
        let behaviour = Behaviour::of(&container("ecs-operator.sim/exit-code", "137")).unwrap();
        assert_eq!(behaviour.exit_code, Some(137));
    }

    #[test]
    fn refuses_what_it_cannot_read_and_names_the_label() {
        for (name, text) in [
            ("exit-after", "soon"),
            ("exit-after", "-1"),
            ("exit-after", "+5"),
            ("exit-after", "s"),
            ("exit-after", "999999999999999999h"),
            ("exit-code", "256"),
            ("fail-to-start", " "),
            ("exit-afterwards", "5"),
        ] {
            let fault = Behaviour::of(&container(&format!("{PREFIX}{name}"), text)).unwrap_err();
            assert_eq!(fault.code, "InvalidParameterException");
            assert!(fault.message.contains(&format!("{PREFIX}{name}")), "{}", fault.message);
        }
    }

    #[test]
    fn a_failing_check_needs_a_check() {
        let bare = tree! { "containerDefinitions" => vec![container("ecs-operator.sim/unhealthy-after", "5")] };
        assert!(judge(&bare, false).is_err());
        assert!(judge(&bare, true).is_ok());
        let checked = container("ecs-operator.sim/unhealthy-after", "5")
            .with("healthCheck", tree! { "command" => vec!["CMD", "true"] });
        assert!(judge(&tree! { "containerDefinitions" => vec![checked] }, false).is_ok());
    }
}
