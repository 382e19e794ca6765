//! Who else keeps an object, by the marks that tools leave, and what ends their claim. Must not know: what a claim
//! keeps us from.

use std::collections::BTreeSet;

use crate::shape::Tree;

use super::{Kind, tags};

/// Another tool that keeps the object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// By its tags, or the template it was read from.
    CloudFormation {
        stack: String,
        resource: String,
    },
    Copilot {
        application: String,
        environment: String,
        service: String,
    },
    /// By the state it was read from: tags do not tell.
    Terraform {
        address: String,
    },
    /// This operator, for an owner.
    Operator {
        owner: String,
    },
}

impl Claim {
    /// What an object's tags tell.
    pub fn of(live: &[Tree]) -> Option<Self> {
        let tags = tags::read(live);
        let text = |key: &str| tags.get(key).map(|value| (*value).to_owned());
        if let Some(application) = text("copilot-application") {
            let environment = text("copilot-environment").unwrap_or_default();
            return Some(Self::Copilot {
                application,
                environment,
                service: text("copilot-service").unwrap_or_default(),
            });
        }
        if let Some(stack) = text("aws:cloudformation:stack-name") {
            return Some(Self::CloudFormation {
                stack,
                resource: text("aws:cloudformation:logical-id").unwrap_or_default(),
            });
        }
        text(tags::OWNER).map(|owner| Self::Operator { owner })
    }

    /// The tool, with a capital.
    pub fn tool(&self) -> &'static str {
        match self {
            Self::CloudFormation { .. } => "CloudFormation",
            Self::Copilot { .. } => "Copilot",
            Self::Terraform { .. } => "Terraform",
            Self::Operator { .. } => "ecs-operator",
        }
    }

    /// What ends the claim, in lines for people.
    pub fn ended_by(&self) -> Vec<String> {
        let or = |name: &String, any: &str| if name.is_empty() { any.to_owned() } else { name.clone() };
        match self {
            Self::CloudFormation { stack, resource } => {
                let resource = if resource.is_empty() { "the resource" } else { resource };
                vec![
                    format!("stack {}: {resource}:", if stack.is_empty() { "of the template" } else { stack }),
                    "    DeletionPolicy: Retain".to_owned(),
                    "update the stack with that, then take the resource out of the template and update it again"
                        .to_owned(),
                ]
            }
            Self::Copilot { application, environment, service } => vec![
                format!("stack {}-{}-{}:", or(application, "APP"), or(environment, "ENV"), or(service, "SERVICE")),
                "    DeletionPolicy: Retain".to_owned(),
                "on the service and its task definition, then delete the stack with CloudFormation, not with copilot"
                    .to_owned(),
            ],
            Self::Terraform { address } => vec![
                "removed {".to_owned(),
                format!("  from = {address}"),
                "  lifecycle { destroy = false }".to_owned(),
                "}".to_owned(),
            ],
            Self::Operator { owner } => vec![format!("it is {owner}'s: its directory is where it is declared")],
        }
    }
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CloudFormation { stack, resource } => {
                let stack = if stack.is_empty() { "the template's".to_owned() } else { format!("stack {stack}") };
                let resource = if resource.is_empty() { String::new() } else { format!(", resource {resource}") };
                write!(f, "CloudFormation, {stack}{resource}")
            }
            Self::Copilot { application, environment, service } => {
                let parts = [("application", application), ("environment", environment), ("service", service)];
                let told = parts.iter().filter(|(_, name)| !name.is_empty());
                let told: Vec<String> = told.map(|(what, name)| format!("{what} {name}")).collect();
                write!(f, "Copilot, {}", if told.is_empty() { "its manifest".to_owned() } else { told.join(", ") })
            }
            Self::Terraform { address } => write!(f, "Terraform, {address}"),
            Self::Operator { owner } => write!(f, "ecs-operator, owner {owner}"),
        }
    }
}

/// The tags that people gave an object: not those of AWS's own tools, and not our memory.
pub fn own_tags(live: &[Tree]) -> Vec<Tree> {
    let theirs = |tag: &&Tree| {
        let key = tag.text("key").unwrap_or_default();
        !key.to_ascii_lowercase().starts_with("aws:") && !key.starts_with(tags::PREFIX)
    };
    live.iter().filter(theirs).cloned().collect()
}

/// The blocks for whoever has objects of these kinds in Terraform, of which no tag would tell.
pub fn if_terraform(kinds: impl Iterator<Item = Kind>) -> Vec<String> {
    let resource = |kind: Kind| match kind {
        Kind::Cluster => "aws_ecs_cluster",
        Kind::SecurityGroup => "aws_security_group",
        Kind::TaskDefinition => "aws_ecs_task_definition",
        Kind::Service => "aws_ecs_service",
    };
    let block = |kind| format!("removed {{ from = {}.NAME  lifecycle {{ destroy = false }} }}", resource(kind));
    kinds.collect::<BTreeSet<Kind>>().into_iter().map(block).collect()
}
