//! Account settings (ecs-semantics §6.5). Two change what happens: `containerInsights` is a new cluster's default,
//! `awsvpcTrunking` gives new instances more network interfaces.

use crate::shape::Tree;
use crate::tree;

use super::super::world::World;
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
pub const OPERATIONS: &[(&str, super::Operation)] = &[
    ("DeleteAccountSetting", delete),
    ("ListAccountSettings", list),
    ("PutAccountSetting", put),
    ("PutAccountSettingDefault", put_default),
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

/// Whether a new cluster has Container Insights, unless its request says so.
pub fn container_insights(world: &World) -> String {
    effective(&world.ecs, "containerInsights", &world.caller(), &root(world)).to_owned()
}

/// Whether a switch is on for everyone who did not set it.
pub fn is_enabled(world: &World, name: &str) -> bool {
    effective(&world.ecs, name, &world.caller(), &root(world)) == "enabled"
}

fn put(world: &mut World, input: &Tree) -> Answer {
    let principal = input.text("principalArn").map_or_else(|| world.caller(), str::to_owned);
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
    let (name, _, _) = known(input)?;
    let principal = input.text("principalArn").map_or_else(|| world.caller(), str::to_owned);
    world.ecs.settings.remove(&((*name).to_owned(), principal.clone()));
    let value = effective(&world.ecs, name, &principal, &root(world));
    Ok(tree! { "setting" => shown(name, value, &principal) })
}

/// What a principal set itself, or with `effectiveSettings` what holds for it.
fn list(world: &mut World, input: &Tree) -> Answer {
    let principal = input.text("principalArn").map_or_else(|| world.caller(), str::to_owned);
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
