//! What uses revisions of task definitions, whoever started it: services everywhere, their deployments, tasks. A question
//! that fails is an error, so that what was not seen is never taken for unused. Must not know: why someone asks.

use std::collections::BTreeSet;

use crate::aws::CallError;
use crate::kinds::{Kind, definition, task_definition};
use crate::shape::{Call, Tree};
use crate::tree;

use super::{Observer, describe};

/// More pages than any account's quotas fill; who has more is told so, and not half an answer.
pub const LIST_PAGES_MAX: usize = 200;
/// The largest page of the lists, and so many tasks ECS describes in one call (docs/ecs.md §7.2).
const PAGE: i64 = 100;
/// So many deployments tell what a service would go back to; DescribeServiceRevisions takes no more.
const DEPLOYMENTS: i64 = 20;

/// A service anywhere in the account and region, as it is described.
#[derive(Clone, Debug, PartialEq)]
pub struct Everywhere {
    pub clusters: Vec<String>,
    /// Cluster, and DescribeServices' entry.
    pub services: Vec<(String, Tree)>,
}

/// What a service's journal tells of revisions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// A deployment is not over.
    pub is_open: bool,
    /// What the newest deployment was from and to, and what the last good one brought (`family:revision`).
    pub runs: BTreeSet<String>,
}

impl Observer {
    /// All services of all clusters.
    ///
    /// # Errors
    /// What AWS answered to any of the questions.
    pub async fn everywhere(&self) -> Result<Everywhere, CallError> {
        let listed = self.listed(&Call::ecs("ListClusters", tree! { "maxResults" => PAGE }), "clusterArns").await?;
        let clusters: Vec<String> = listed.iter().map(|arn| task_definition::short(arn).to_owned()).collect();
        let mut services = Vec::new();
        for cluster in &clusters {
            let list = tree! { "cluster" => cluster.as_str(), "maxResults" => PAGE };
            let arns = self.listed(&Call::ecs("ListServices", list), "serviceArns").await?;
            for chunk in arns.chunks(definition(Kind::Service).describe.limit) {
                let answer = self.aws.read(&describe(Kind::Service, Some(cluster), chunk)).await?.tree;
                all_answered("DescribeServices", &answer)?;
                services.extend(answer.list("services").iter().map(|one| (cluster.clone(), one.clone())));
            }
        }
        Ok(Everywhere { clusters, services })
    }

    /// The revisions (`family:revision`) of a family that tasks of the cluster run, or are about to.
    ///
    /// # Errors
    /// What AWS answered to any of the questions.
    pub async fn tasks_of(&self, cluster: &str, family: &str) -> Result<BTreeSet<String>, CallError> {
        let mut found = BTreeSet::new();
        for wanted in ["RUNNING", "STOPPED"] {
            let list = tree! {
                "cluster" => cluster, "family" => family, "desiredStatus" => wanted, "maxResults" => PAGE,
            };
            let arns = self.listed(&Call::ecs("ListTasks", list), "taskArns").await?;
            for chunk in arns.chunks(usize::try_from(PAGE).unwrap_or(1)) {
                let input = tree! { "cluster" => cluster, "tasks" => chunk.to_vec() };
                let answer = self.aws.read(&Call::ecs("DescribeTasks", input)).await?.tree;
                all_answered("DescribeTasks", &answer)?;
                let alive = answer.list("tasks").iter().filter(|task| task.text("lastStatus") != Some("STOPPED"));
                let runs = alive.filter_map(|task| task.text("taskDefinitionArn"));
                found.extend(runs.map(|arn| task_definition::short(arn).to_owned()));
            }
        }
        Ok(found)
    }

    /// What a service's newest deployments ran.
    ///
    /// # Errors
    /// What AWS answered to any of the questions.
    pub async fn past(&self, cluster: &str, service: &str) -> Result<Past, CallError> {
        let input = tree! { "cluster" => cluster, "service" => service, "maxResults" => DEPLOYMENTS };
        let listed = self.aws.read(&Call::ecs("ListServiceDeployments", input)).await?.tree;
        let deployments = listed.list("serviceDeployments");
        let is_over = |one: &Tree| OVER.contains(&one.text("status").unwrap_or_default());
        let good = deployments.iter().find(|one| one.text("status") == Some("SUCCESSFUL"));
        let arns: Vec<&str> = deployments.first().into_iter().chain(good).flat_map(revisions).collect();
        let arns: BTreeSet<&str> = arns.into_iter().collect();
        let mut past = Past { is_open: !deployments.iter().all(is_over), runs: BTreeSet::new() };
        if arns.is_empty() {
            return Ok(past);
        }
        let input = tree! { "serviceRevisionArns" => arns.into_iter().collect::<Vec<_>>() };
        let answer = self.aws.read(&Call::ecs("DescribeServiceRevisions", input)).await?.tree;
        all_answered("DescribeServiceRevisions", &answer)?;
        let runs = answer.list("serviceRevisions").iter().filter_map(|one| one.text("taskDefinition"));
        past.runs = runs.map(|arn| task_definition::short(arn).to_owned()).collect();
        Ok(past)
    }

    /// The numbers of a family's ACTIVE revisions, newest first.
    ///
    /// # Errors
    /// What AWS answered.
    pub async fn active_revisions(&self, family: &str) -> Result<Vec<i64>, CallError> {
        let input = tree! { "familyPrefix" => family, "status" => "ACTIVE", "sort" => "DESC", "maxResults" => PAGE };
        let arns = self.listed(&Call::ecs("ListTaskDefinitions", input), "taskDefinitionArns").await?;
        let of_family = arns.iter().filter_map(|arn| task_definition::parts(arn)).filter(|(name, _)| *name == family);
        let mut numbers: Vec<i64> = of_family.map(|(_, number)| number).collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        Ok(numbers)
    }

    /// All pages of a list of names.
    async fn listed(&self, call: &Call, answer: &str) -> Result<Vec<String>, CallError> {
        let all = self.aws.pages_within(call, answer, LIST_PAGES_MAX).await?.tree;
        Ok(all.list(answer).iter().filter_map(Tree::as_text).map(str::to_owned).collect())
    }
}

/// The states in which ECS does nothing more for a deployment (docs/ecs.md §1.3).
const OVER: [&str; 5] = ["SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", "FAILED"];

/// The service revisions that a deployment is from, to, and back to.
fn revisions(deployment: &Tree) -> impl Iterator<Item = &str> {
    let sources = deployment.list("sourceServiceRevisionArns").iter().filter_map(Tree::as_text);
    let back = deployment.at(&["rollback", "serviceRevisionArn"]).and_then(Tree::as_text);
    sources.chain(deployment.text("targetServiceRevisionArn")).chain(back)
}

/// What is gone since it was listed uses nothing; any other failure leaves open what does.
fn all_answered(operation: &'static str, answer: &Tree) -> Result<(), CallError> {
    let open = answer.list("failures").iter().filter_map(|one| one.text("reason")).find(|reason| *reason != "MISSING");
    open.map_or(Ok(()), |reason| Err(CallError::bad_answer(operation, format!("it does not show all: {reason}"))))
}
