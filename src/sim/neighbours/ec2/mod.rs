//! EC2, as far as tasks and their networks need it: one room a resource. Must not know: protocols.
//!
//! Resources are kept as they are described (`store`); what time or others bring (tags, free addresses, states) is
//! worked out when someone looks. ECS and EC2 know each other: tasks take interfaces, machines join clusters.

mod address;
mod asked;
mod cidr;
mod endpoint;
mod instance;
mod instance_type;
mod interface;
mod internet_gateway;
mod listing;
pub mod named;
mod nat_gateway;
mod network_acl;
mod pool;
pub mod reach;
mod route_table;
mod security_group;
mod store;
mod subnet;
mod tag;
#[cfg(test)]
mod tests;
mod token;
mod user_data;
mod vpc;
mod zone;

use crate::shape::check::{Mismatch, Strictness, What, check};
use crate::shape::{Tree, table};
use crate::sim::ecs::coverage::{Coverage, Entry};
use crate::sim::ecs::{Answer, Fault};
use crate::sim::world::{Settings, World};
use crate::tree;

pub use address::public as public_address;
pub use instance::{adopt, boot, came_back, stands, went};
pub use interface::{give_back, take_for_task};
pub use security_group::of_task as groups_of_interface;
pub use store::{Ec2, Kind};
pub use subnet::zone_of;
pub use user_data::image;

/// The rows of all rooms.
const OPERATIONS: &[&[Entry]] = &[
    address::OPERATIONS,
    endpoint::OPERATIONS,
    instance::OPERATIONS,
    instance_type::OPERATIONS,
    interface::OPERATIONS,
    internet_gateway::OPERATIONS,
    nat_gateway::OPERATIONS,
    network_acl::OPERATIONS,
    route_table::OPERATIONS,
    security_group::OPERATIONS,
    subnet::OPERATIONS,
    tag::OPERATIONS,
    vpc::OPERATIONS,
    zone::OPERATIONS,
];

/// How much of each operation there is.
pub fn coverage() -> Vec<(&'static str, Coverage)> {
    OPERATIONS.iter().copied().flatten().map(|row| (row.name, row.coverage)).collect()
}

/// EC2 of a new account: a default VPC, the same one for the same seed.
pub fn new(settings: &Settings) -> Ec2 {
    let mut ec2 = Ec2::empty(&settings.account, &settings.region, settings.seed);
    vpc::furnish(&mut ec2);
    ec2
}

/// Answers one request.
///
/// # Errors
/// What EC2 would answer.
pub fn call(world: &mut World, operation: &str, input: &Tree) -> Answer {
    let table = table::ec2();
    let entry = OPERATIONS.iter().copied().flatten().find(|entry| entry.name == operation);
    let (Some(shape), Some(entry)) = (table.input(operation), entry) else {
        return Err(Fault::new("InvalidAction", format!("The action {operation} is not valid for this web service.")));
    };
    let mut input = input.clone();
    let dry = input.remove("DryRun") == Some(Tree::Bool(true));
    if let Some(first) = check(table, shape, &input, Strictness::Full).first() {
        return Err(misfit(first));
    }
    if dry {
        let text = "Request would have succeeded, but DryRun flag is set.";
        return Err(Fault { status: 412, ..Fault::new("DryRunOperation", text) });
    }
    asked::learn(world, operation, &input);
    if let Some(answer) = world.ec2.tokens.answered(entry.name, &input)? {
        return Ok(answer);
    }
    let answer = (entry.answer)(world, &input)?;
    world.ec2.tokens.remember(entry.name, &input, &answer);
    Ok(answer)
}

fn misfit(first: &Mismatch) -> Fault {
    let path = first.path.to_string();
    let invalid = |value: &str, why: &str| {
        Fault::new("InvalidParameterValue", format!("Value ({value}) for parameter {path} is invalid. {why}"))
    };
    match &first.what {
        What::Missing { .. } => listing::missing_parameter(&path),
        What::Unknown { name, .. } => Fault::new("UnknownParameter", format!("The parameter {name} is not recognized")),
        What::NotOneOf { found, values, .. } => invalid(found, &format!("It can be {}.", shortened(values))),
        What::OutOfRange { found, range } => invalid(found, &format!("Expecting {range}.")),
        What::WrongType { .. } | What::Null | What::NotOneMember { .. } => {
            Fault::new("InvalidParameterValue", first.to_string())
        }
    }
}

/// Some enums of EC2 have a thousand values.
fn shortened(values: &[&str]) -> String {
    const MOST: usize = 12;
    let shown = values.get(..MOST).unwrap_or(values).join(", ");
    if values.len() > MOST { format!("{shown}, …") } else { shown }
}

/// What operations answer that have nothing to say.
fn done() -> Answer {
    Ok(Tree::map())
}

fn returned() -> Answer {
    Ok(tree! { "Return" => true })
}

/// The member of that name.
///
/// # Errors
/// `MissingParameter`.
fn required<'a>(input: &'a Tree, name: &str) -> Result<&'a str, Fault> {
    input.text(name).ok_or_else(|| listing::missing_parameter(name))
}

/// The texts of a list.
fn texts<'a>(input: &'a Tree, name: &str) -> Vec<&'a str> {
    input.list(name).iter().filter_map(Tree::as_text).collect()
}

fn invalid(text: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterValue", text)
}

fn dependency(text: impl Into<String>) -> Fault {
    Fault::new("DependencyViolation", text)
}

/// An operation has a parameter that asks for what is not simulated: better refused than ignored.
fn refuse_unsupported(input: &Tree, names: &[&str]) -> Result<(), Fault> {
    match names.iter().find(|name| input.get(name).is_some_and(|value| !value.is_empty())) {
        Some(name) => {
            Err(Fault::new("UnsupportedOperation", format!("The embedded EC2 does not have the parameter {name}.")))
        }
        None => Ok(()),
    }
}
