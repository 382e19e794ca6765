//! What a person does to the world from outside: `/_sim/interrupt` and `/_sim/retire`. Must not know: HTTP's types,
//! or what an interruption is.

use std::time::Duration;

use crate::shape::Tree;
use crate::tree;

use super::super::ecs::task::{interruption, retirement};
use super::super::world::World;

/// The value of a query's parameter, with its `%`-escapes read.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// `?task=ARN` takes one Spot task's capacity back; `?mean-life=SECONDS` sets how long new Spot tasks live on average,
/// 0 for ever.
///
/// # Errors
/// What is wrong with it.
pub fn interrupt(world: &mut World, query: &str) -> Result<Tree, String> {
    if let Some(mean) = parameter(query, "mean-life") {
        let secs = mean.parse::<u32>().map_err(|_| format!("`mean-life` is not a number of seconds: {mean}"))?;
        world.settings.spot_life = (secs > 0).then(|| Duration::from_secs(secs.into()));
        return Ok(tree! { "meanLifeSeconds" => i64::from(secs) });
    }
    match parameter(query, "task") {
        Some(task) => interruption::by_hand(world, &task),
        None => Err("Say which: `?task=ARN`; or for new Spot tasks `?mean-life=SECONDS`.".into()),
    }
}

/// `?service=CLUSTER/NAME` or `?task=ARN`, and `&wait=DAYS`.
///
/// # Errors
/// What is wrong with it.
pub fn retire(world: &mut World, query: &str) -> Result<Tree, String> {
    let whose = match (parameter(query, "service"), parameter(query, "task")) {
        (Some(service), None) => retirement::Whose::Service(service),
        (None, Some(task)) => retirement::Whose::Task(task),
        _ => return Err("Say whose: `?service=CLUSTER/NAME` or `?task=ARN`.".into()),
    };
    let wait = parameter(query, "wait")
        .map(|days| days.parse::<u64>().map_err(|_| format!("`wait` is not a number of days: {days}")));
    retirement::announce(world, &whose, wait.transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Time;
    use crate::sim::world::Settings;

    #[test]
    fn reads_parameters() {
        let query = "task=arn%3Aaws:x/y&wait=7";
        assert_eq!(parameter(query, "task").as_deref(), Some("arn:aws:x/y"));
        assert_eq!(parameter(query, "wait").as_deref(), Some("7"));
        assert_eq!(parameter("task=%zz", "task"), None);
        assert_eq!(parameter(query, "service"), None);
    }

    #[test]
    fn says_what_is_wrong() {
        let mut world = World::new(Settings::default(), Time(0));
        for query in ["", "task=none", "mean-life=x"] {
            assert!(interrupt(&mut world, query).is_err(), "{query}");
        }
        for query in ["", "task=none", "service=a/b", "service=a/b&task=c", "task=none&wait=x"] {
            assert!(retire(&mut world, query).is_err(), "{query}");
        }
        assert!(interrupt(&mut world, "mean-life=3600").is_ok());
        assert_eq!(world.settings.spot_life, Some(Duration::from_secs(3600)));
        assert!(interrupt(&mut world, "mean-life=0").is_ok());
        assert_eq!(world.settings.spot_life, None);
    }
}
