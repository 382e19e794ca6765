//! Tasks that wait in PROVISIONING until their capacity provider has an instance for them (ecs-semantics §3.1, §3.3,
//! §6.3). Must not know: how a group grows, who asked for the task.
//!
//! They wait where managed scaling is on; without it a task that has no place is refused at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::shape::Tree;

use super::super::super::world::World;
use super::super::instance::{Claim, Status, in_cluster};
use super::super::placement::{self, Launch};
use super::super::task_definition::TaskDefinition;
use super::super::{Ecs, capacity_provider, service};
use super::launch::{launch_at_last, launch_waiting};
use super::life::{fail_waiting, put_down};
use super::{LastStatus, Order, Step, Task};

/// So many tasks of a cluster can wait (§7.5).
pub const MOST: usize = 500;
/// A task waits for 10 to 30 minutes. Weak: ECS's builders told so when managed scaling was new.
const PATIENCE_LEAST: Duration = Duration::from_secs(600);
const PATIENCE_JITTER_MS: u64 = 1_200_000;

/// What a service's event says when too many wait (§2.8).
pub const FULL: &str = "tasks provisioning capacity limit was exceeded";

type Key = (String, String);

/// What a waiting task asks of an instance.
#[derive(Clone, Debug)]
pub struct Wait {
    pub definition: Arc<TaskDefinition>,
    pub overrides: Tree,
    pub subnets: Vec<Tree>,
    pub constraints: Vec<Tree>,
    pub strategy: Vec<Tree>,
    /// `volumeConfigurations`: the volumes come into being where the task does.
    pub volumes: Vec<Tree>,
    /// Security groups of its interface.
    pub groups: Vec<String>,
}

impl Wait {
    /// What is looked for, for the task that waits so.
    pub fn request<'a>(&'a self, task: &'a Task, kept: &'a BTreeMap<String, Vec<Claim>>) -> placement::Request<'a> {
        static NOWHERE: BTreeSet<String> = BTreeSet::new();
        placement::Request {
            definition: &self.definition.body,
            overrides: &self.overrides,
            launch: Launch::Ec2,
            provider: task.capacity_provider.as_deref(),
            group: &task.group,
            subnets: &self.subnets,
            constraints: &self.constraints,
            strategy: &self.strategy,
            except: &NOWHERE,
            kept,
        }
    }
}

/// The tasks of a cluster that wait, those first that have waited longest.
pub fn all<'a>(ecs: &'a Ecs, cluster: &'a str) -> Vec<&'a Task> {
    let from = (cluster.to_owned(), String::new());
    let here = ecs.tasks.range(from..).take_while(|((of, _), _)| of == cluster).map(|(_, task)| task);
    let mut waiting = here.filter(|task| waits(task)).collect::<Vec<_>>();
    waiting.sort_by_key(|task| task.created);
    waiting
}

fn waits(task: &Task) -> bool {
    task.waits.is_some() && task.wanted && task.last == LastStatus::Provisioning
}

/// Whether no further task of a cluster can wait.
pub fn is_full(ecs: &Ecs, cluster: &str) -> bool {
    all(ecs, cluster).len() >= MOST
}

/// Starts a task that waits, and returns its id.
pub fn begin(world: &mut World, mut order: Order, mut wait: Wait) -> String {
    let cluster = order.cluster.clone();
    wait.volumes = std::mem::take(&mut order.volumes);
    wait.groups = std::mem::take(&mut order.groups);
    let id = launch_waiting(world, order, wait);
    let patience = PATIENCE_LEAST + Duration::from_millis(world.below(PATIENCE_JITTER_MS));
    put_down(world, &(cluster.clone(), id.clone()), patience, Step::GiveUp);
    capacity_provider::changed(world, &cluster);
    id
}

/// Gives places to those who wait, as far as there are any.
pub fn place_all(world: &mut World, cluster: &str) {
    let keys = all(&world.ecs, cluster).into_iter().map(Task::key).collect::<Vec<_>>();
    if keys.is_empty() {
        return;
    }
    let kept = service::kept_for_daemons(world, cluster);
    let (mut placed, mut hopeless) = (0, BTreeSet::new());
    for key in &keys {
        let Some(task) = world.ecs.tasks.get(key).cloned() else { continue };
        let Some(wait) = task.waits.clone() else { continue };
        // Where one of a kind has no place, the next has none.
        let kind = (task.definition.clone(), task.group.clone(), task.capacity_provider.clone());
        if hopeless.contains(&kind) {
            continue;
        }
        match placement::place(world, cluster, &wait.request(&task, &kept)) {
            Ok(place) => {
                launch_at_last(world, key, &wait, place);
                placed += 1;
            }
            Err(_) if wait.overrides.is_empty() => drop(hopeless.insert(kind)),
            Err(_) => {}
        }
    }
    if placed > 0 && keys.len() >= MOST {
        service::capacity_changed(world, cluster);
    }
}

/// It has waited long enough: it fails to start.
pub(super) fn give_up(world: &mut World, key: &Key) {
    let Some(task) = world.ecs.tasks.get(key).filter(|task| waits(task)).cloned() else { return };
    let Some(wait) = task.waits.clone() else { return };
    let here = in_cluster(&world.ecs, &key.0).filter(|one| one.capacity_provider == task.capacity_provider);
    let states = here.filter(|one| one.is_registered()).map(|one| one.status).collect::<Vec<_>>();
    let reason = if states.is_empty() {
        "EMPTY CAPACITY PROVIDER"
    } else if !states.contains(&Status::Active) {
        "NO ACTIVE INSTANCES"
    } else {
        let kept = service::kept_for_daemons(world, &key.0);
        let failed = placement::place(world, &key.0, &wait.request(&task, &kept)).err().unwrap_or_default();
        placement::event(&failed).map_or("NO ACTIVE INSTANCES", |(lack, _)| lack.reason())
    };
    let full = is_full(&world.ecs, &key.0);
    fail_waiting(world, key, reason.to_owned());
    if full {
        service::capacity_changed(world, &key.0);
    }
    capacity_provider::changed(world, &key.0);
}
