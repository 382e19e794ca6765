//! The tasks of a service: read for people, when a rollout has failed or is foretold, never by a pass. ECS keeps those
//! that stopped for an hour.

use crate::aws::CallError;
use crate::kinds::{Object, service};
use crate::shape::{Call, Tree};
use crate::tree;

use super::Observer;

impl Observer {
    /// Those that ECS still knows, a page of them: two calls.
    ///
    /// # Errors
    /// What AWS answers; most of all that reading tasks is not allowed.
    pub async fn stopped_tasks(&self, object: &Object) -> Result<Vec<Tree>, CallError> {
        self.tasks(object, "STOPPED").await
    }

    /// Those that run, or are on their way: a page of them.
    ///
    /// # Errors
    /// What AWS answers; most of all that reading tasks is not allowed.
    pub async fn running_tasks(&self, object: &Object) -> Result<Vec<Tree>, CallError> {
        self.tasks(object, "RUNNING").await
    }

    async fn tasks(&self, object: &Object, wanted: &str) -> Result<Vec<Tree>, CallError> {
        let cluster = service::cluster(object);
        let of = tree! { "cluster" => cluster, "serviceName" => object.aws_name(), "desiredStatus" => wanted };
        let listed = self.aws.read(&Call::ecs("ListTasks", of)).await?;
        let arns = listed.tree.list("taskArns").to_vec();
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let these = tree! { "cluster" => cluster, "tasks" => arns };
        Ok(self.aws.read(&Call::ecs("DescribeTasks", these)).await?.tree.list("tasks").to_vec())
    }
}
