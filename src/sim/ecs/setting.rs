//! Account settings (docs/ecs.md §6.5). What changes what happens here: `containerInsights` is a new cluster's default,
//! `awsvpcTrunking` gives new instances more network interfaces, `fargateTaskRetirementWaitPeriod` is the time from a
//! notice to its date, and without a long ARN format, what is made has ARNs of the old form, and can't be tagged (§1.1).

use crate::shape::Tree;
use crate::tree;

use super::super::world::World;
use super::coverage::{Entry, full};
use super::page::{Order, Row, Sizes, page};
use super::{Answer, Ecs, Fault};

/// A setting: its name, its value where nobody set it, and the values it may have; none where it can't be set.
type Known = (&'static str, &'static str, &'static [&'static str]);

const SWITCH: &[&str] = &["enabled", "disabled"];

/// Weak: the defaults of a new account, as documented in autumn 2026.
const KNOWN: &[Known] = &[
    ("awsvpcTrunking", "disabled", SWITCH),
    ("containerInsights", "disabled", &["enabled", "disabled", "enhanced"]),
    ("containerInstanceLongArnFormat", "enabled", SWITCH),
    ("defaultLogDriverMode", "non-blocking", &["blocking", "non-blocking"]),
    ("fargateEventWindows", "disabled", SWITCH),
    ("fargateFIPSMode", "disabled", SWITCH),
    ("fargateTaskRetirementWaitPeriod", "7", &["0", "7", "14"]),
    ("guardDutyActivate", "off", &[]),
    ("serviceLongArnFormat", "enabled", SWITCH),
    ("tagResourceAuthorization", "on", &["on", "off"]),
    ("taskLongArnFormat", "enabled", SWITCH),
];

/// Pages of ListAccountSettings (§7.2).
const SIZES: Sizes = Sizes { usual: 10, max: 10 };

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    full("DeleteAccountSetting", delete),
    full("ListAccountSettings", list),
    full("PutAccountSetting", put),
    full("PutAccountSettingDefault", put_default),
];

/// Whose settings hold for everyone who has none.
fn root(world: &World) -> String {
    format!("arn:aws:iam::{}:root", world.settings.account)
}

fn known(input: &Tree) -> Result<&'static Known, Fault> {
    let name = input.text("name").unwrap_or_default();
    KNOWN.iter().find(|(known, _, _)| *known == name).ok_or_else(|| Fault::invalid(format!("Invalid setting: {name}.")))
}

fn shown(name: &str, value: &str, principal: &str) -> Tree {
    let kind = if name == "guardDutyActivate" { "aws_managed" } else { "user" };
    tree! { "name" => name, "value" => value, "principalArn" => principal, "type" => kind }
}

/// The value that holds for a principal.
fn effective<'a>(ecs: &'a Ecs, name: &str, principal: &str, root: &str) -> &'a str {
    let of = |principal: &str| ecs.settings.get(&(name.to_owned(), principal.to_owned())).map(String::as_str);
    let default = KNOWN.iter().find(|(known, _, _)| *known == name).map_or("", |(_, default, _)| default);
    of(principal).or_else(|| of(root)).unwrap_or(default)
}

/// The value that holds for the caller.
pub fn holds(world: &World, name: &str) -> String {
    effective(&world.ecs, name, &world.caller(), &root(world)).to_owned()
}

/// Whether a new cluster has Container Insights, unless its request says so.
pub fn container_insights(world: &World) -> String {
    holds(world, "containerInsights")
}

/// What has ARNs of two forms: their word in an ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Service,
    Task,
    ContainerInstance,
}

impl Kind {
    /// Its word in an ARN, and the setting that decides on the form.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Service => ("service", "serviceLongArnFormat"),
            Self::Task => ("task", "taskLongArnFormat"),
            Self::ContainerInstance => ("container-instance", "containerInstanceLongArnFormat"),
        }
    }
}

/// Whether something new has an ARN with its cluster in it, as everything has unless that is switched off.
pub fn is_long(world: &World, kind: Kind) -> bool {
    is_enabled(world, kind.words().1)
}

/// The id and the ARN of something new: an id of 32 hex digits is written as a UUID in ARNs of the old form (§1.1).
pub fn new_arn(world: &World, kind: Kind, cluster: &str, id: &str) -> (String, String) {
    let (word, _) = kind.words();
    if is_long(world, kind) {
        return (id.to_owned(), world.arn(&format!("{word}/{cluster}/{id}")));
    }
    let id = if kind == Kind::Service { id.to_owned() } else { as_uuid(id) };
    let arn = world.arn(&format!("{word}/{id}"));
    (id, arn)
}

fn as_uuid(hex: &str) -> String {
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, hex.len())].join("-")
}

/// Tags need long ARNs: those of the request itself, and those that tasks are given by it (§1.1, §1.4).
///
/// # Errors
/// `InvalidParameterException`.
pub fn check_taggable(world: &World, kind: Kind, input: &Tree) -> Result<(), Fault> {
    let (word, _) = kind.words();
    if !input.list("tags").is_empty() && !is_long(world, kind) {
        return Err(Fault::invalid(format!(
            "The new ARN and resource ID format must be enabled to add tags to the {word}. Opt in to the new format and \
             try again."
        )));
    }
    let propagates = input.text("propagateTags").is_some_and(|from| from != "NONE");
    let gives = propagates || input.bool("enableECSManagedTags") == Some(true);
    if gives && !(is_long(world, kind) && is_long(world, Kind::Task)) {
        return Err(Fault::invalid(
            "The new ARN and resource ID format must be enabled to propagate tags. Opt in to the new format and try \
             again.",
        ));
    }
    Ok(())
}

/// Whose settings a request is about: a user, a role or the root of this account; the caller where it does not say.
fn principal(world: &World, input: &Tree) -> Result<String, Fault> {
    let Some(asked) = input.text("principalArn") else { return Ok(world.caller()) };
    let rest = asked.strip_prefix(&format!("arn:aws:iam::{}:", world.settings.account)).unwrap_or_default();
    let named = |kind: &str| rest.strip_prefix(kind).is_some_and(|name| !name.is_empty());
    if rest == "root" || named("user/") || named("role/") {
        return Ok(asked.to_owned());
    }
    Err(Fault::invalid(format!("Invalid principalArn: {asked}."))) // our wording
}

/// How many days lie between the notice of a Fargate task's retirement and the date (§8.1).
pub fn retirement_wait_days(world: &World) -> u64 {
    holds(world, "fargateTaskRetirementWaitPeriod").parse().unwrap_or(7)
}

/// Whether a switch is on for everyone who did not set it.
pub fn is_enabled(world: &World, name: &str) -> bool {
    holds(world, name) == "enabled"
}

fn put(world: &mut World, input: &Tree) -> Answer {
    let principal = principal(world, input)?;
    set(world, input, principal)
}

fn put_default(world: &mut World, input: &Tree) -> Answer {
    let principal = root(world);
    set(world, input, principal)
}

fn set(world: &mut World, input: &Tree, principal: String) -> Answer {
    let (name, _, values) = known(input)?;
    let value = input.text("value").unwrap_or_default();
    if !values.contains(&value) {
        let allowed = values.join(", ");
        return Err(Fault::invalid(format!("Invalid value for {name}: {value}. Valid values: {allowed}.")));
    }
    let answer = tree! { "setting" => shown(name, value, &principal) };
    world.ecs.settings.insert(((*name).to_owned(), principal), value.to_owned());
    Ok(answer)
}

/// Back to the default: the answer shows what holds now.
fn delete(world: &mut World, input: &Tree) -> Answer {
    let (name, _, values) = known(input)?;
    if values.is_empty() {
        return Err(Fault::invalid(format!("The setting {name} is managed by AWS."))); // our wording
    }
    let principal = principal(world, input)?;
    world.ecs.settings.remove(&((*name).to_owned(), principal.clone()));
    let value = effective(&world.ecs, name, &principal, &root(world));
    Ok(tree! { "setting" => shown(name, value, &principal) })
}

/// What a principal set itself, or with `effectiveSettings` what holds for it.
fn list(world: &mut World, input: &Tree) -> Answer {
    let principal = principal(world, input)?;
    if input.get("value").is_some() && input.get("name").is_none() {
        // Wording is ours.
        return Err(Fault::invalid("To filter by a value, specify the name of the setting, too."));
    }
    let root = root(world);
    let all = input.bool("effectiveSettings") == Some(true);
    let rows = KNOWN.iter().filter_map(|(name, _, _)| {
        let own = world.ecs.settings.get(&((*name).to_owned(), principal.clone())).map(String::as_str);
        let value = if all { Some(effective(&world.ecs, name, &principal, &root)) } else { own };
        Some(shown(name, value?, &principal))
    });
    let asked =
        |row: &Tree| ["name", "value"].iter().all(|part| input.get(part).is_none_or(|it| row.get(part) == Some(it)));
    let rows: Vec<Tree> = rows.filter(asked).collect();
    let keys = rows.iter().filter_map(|row| row.text("name")).map(|name| Row { key: name.into(), shown: name.into() });
    let mut answer = page(keys.collect(), Order::Ascending, input, "settings", SIZES)?;
    let on_page = |row: &&Tree| row.get("name").is_some_and(|name| answer.list("settings").contains(name));
    let settings: Vec<Tree> = rows.iter().filter(on_page).cloned().collect();
    answer.set("settings", settings);
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::super::call;
    use super::*;
    use crate::shape::Time;
    use crate::sim::world::Settings;

    fn ask(world: &mut World, operation: &str, input: Tree) -> Answer {
        call(world, "ecs", operation, &input)
    }

    #[test]
    fn own_settings_come_before_defaults() {
        let mut world = World::new(Settings::default(), Time(0));
        let insights = |value: &str| tree! { "name" => "containerInsights", "value" => value };
        ask(&mut world, "PutAccountSettingDefault", insights("enhanced")).unwrap();
        assert_eq!(container_insights(&world), "enhanced");
        ask(&mut world, "PutAccountSetting", insights("enabled")).unwrap();
        let own = ask(&mut world, "ListAccountSettings", tree! {}).unwrap();
        assert_eq!(own.list("settings").len(), 1);
        let made = ask(&mut world, "CreateCluster", tree! {}).unwrap();
        assert_eq!(made.at(&["cluster", "settings"]), Some(&vec![insights("enabled")].into()));
        let back = ask(&mut world, "DeleteAccountSetting", tree! { "name" => "containerInsights" }).unwrap();
        assert_eq!(back.at(&["setting", "value"]), Some(&"enhanced".into()));
    }

    fn service(world: &mut World, name: &str, more: Tree) -> Answer {
        let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-1"] } };
        let mut input = tree! {
            "serviceName" => name, "taskDefinition" => "f", "desiredCount" => 1, "launchType" => "FARGATE",
            "networkConfiguration" => network,
        };
        more.as_map().unwrap().iter().for_each(|(name, value)| input.set(name, value));
        ask(world, "CreateService", input)
    }

    #[test]
    fn without_long_arns_there_are_short_ones_that_cannot_be_tagged() {
        let mut world = World::new(Settings::default(), Time(0));
        for name in ["serviceLongArnFormat", "taskLongArnFormat"] {
            ask(&mut world, "PutAccountSettingDefault", tree! { "name" => name, "value" => "disabled" }).unwrap();
        }
        ask(&mut world, "CreateCluster", tree! {}).unwrap();
        let container = tree! { "name" => "c", "image" => "i" };
        let definition = tree! {
            "family" => "f", "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
            "requiresCompatibilities" => vec!["FARGATE"], "containerDefinitions" => vec![container],
        };
        ask(&mut world, "RegisterTaskDefinition", definition).unwrap();
        let tags = vec![tree! { "key" => "a", "value" => "b" }];
        for more in [
            tree! { "tags" => tags.clone() },
            tree! { "propagateTags" => "SERVICE" },
            tree! { "enableECSManagedTags" => true },
        ] {
            let refused = service(&mut world, "web", more).unwrap_err();
            assert!(refused.message.contains("new ARN and resource ID format must be enabled"), "{refused:?}");
        }
        let made = service(&mut world, "web", tree! {}).unwrap();
        let arn = made.at(&["service", "serviceArn"]).and_then(Tree::as_text).unwrap().to_owned();
        assert_eq!(arn, "arn:aws:ecs:us-east-1:123456789012:service/web");
        world.skip(std::time::Duration::from_secs(120));
        let described = ask(&mut world, "DescribeServices", tree! { "services" => vec![&arn] }).unwrap();
        assert_eq!(described.list("services")[0].int("runningCount"), Some(1));
        let tasks = ask(&mut world, "ListTasks", tree! { "serviceName" => &arn }).unwrap();
        let task = tasks.list("taskArns")[0].as_text().unwrap().to_owned();
        let id = task.rsplit_once(":task/").unwrap().1;
        assert_eq!((id.len(), id.matches('-').count()), (36, 4), "{id}");
        let described = ask(&mut world, "DescribeTasks", tree! { "tasks" => vec![&task] }).unwrap();
        assert_eq!(described.list("tasks")[0].text("taskArn"), Some(task.as_str()));
        for arn in [&arn, &task] {
            let refused = ask(&mut world, "TagResource", tree! { "resourceArn" => arn, "tags" => tags.clone() });
            assert!(refused.unwrap_err().message.contains("Long arn format must be used"), "{arn}");
        }
        ask(&mut world, "StopTask", tree! { "task" => &task }).unwrap();
        let own = tree! { "name" => "serviceLongArnFormat", "value" => "enabled" };
        ask(&mut world, "PutAccountSetting", own).unwrap();
        let long = service(&mut world, "new", tree! { "tags" => tags }).unwrap();
        let arn = long.at(&["service", "serviceArn"]).and_then(Tree::as_text).unwrap();
        assert!(arn.ends_with(":service/default/new"), "{arn}");
    }

    #[test]
    fn every_name_takes_its_values_and_no_other() {
        let mut world = World::new(Settings::default(), Time(0));
        for (name, _, values) in KNOWN {
            for value in *values {
                let set = tree! { "name" => *name, "value" => *value };
                let answer = ask(&mut world, "PutAccountSetting", set).unwrap();
                assert_eq!(answer.at(&["setting", "value"]), Some(&(*value).into()));
            }
            let bad = tree! { "name" => *name, "value" => "perhaps" };
            assert_eq!(ask(&mut world, "PutAccountSetting", bad).unwrap_err().code, "InvalidParameterException");
        }
        let table = crate::shape::table::ecs();
        let crate::shape::table::Shape::Text(names) = &table.shapes["SettingName"] else { panic!("an enum") };
        assert!(names.values.iter().all(|name| KNOWN.iter().any(|(known, _, _)| known == name)), "{names:?}");
    }

    #[test]
    fn principals_have_settings_of_their_own() {
        let mut world = World::new(Settings::default(), Time(0));
        let role = "arn:aws:iam::123456789012:role/ci";
        let of_role = tree! { "name" => "awsvpcTrunking", "value" => "enabled", "principalArn" => role };
        ask(&mut world, "PutAccountSetting", of_role).unwrap();
        let listed = |world: &mut World, ask_for: Tree| ask(world, "ListAccountSettings", ask_for).unwrap();
        assert_eq!(listed(&mut world, tree! {}).list("settings").len(), 0);
        let own = listed(&mut world, tree! { "principalArn" => role });
        assert_eq!(own.list("settings")[0].text("principalArn"), Some(role));
        let both = tree! { "name" => "awsvpcTrunking", "value" => "disabled", "effectiveSettings" => true };
        assert_eq!(listed(&mut world, both).list("settings").len(), 1, "the caller's is as it was");
        for bad in [
            tree! { "principalArn" => "arn:aws:iam::000000000000:root" },
            tree! { "principalArn" => "me" },
            tree! { "value" => "enabled" },
        ] {
            let refused = ask(&mut world, "ListAccountSettings", bad).unwrap_err();
            assert_eq!(refused.code, "InvalidParameterException");
        }
    }

    #[test]
    fn all_that_holds_comes_in_pages() {
        let mut world = World::new(Settings::default(), Time(0));
        let first = ask(&mut world, "ListAccountSettings", tree! { "effectiveSettings" => true }).unwrap();
        let token = first.text("nextToken").unwrap();
        let ask_second = tree! { "effectiveSettings" => true, "nextToken" => token };
        let second = ask(&mut world, "ListAccountSettings", ask_second).unwrap();
        assert_eq!(first.list("settings").len() + second.list("settings").len(), KNOWN.len());
        let bad = tree! { "name" => "guardDutyActivate", "value" => "on" };
        assert_eq!(ask(&mut world, "PutAccountSetting", bad).unwrap_err().code, "InvalidParameterException");
    }
}
