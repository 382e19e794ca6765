//! One look's working set: the tasks of a service as they count, and the two things a scheduler can do with them.
//! Must not know: which of them are right to do; but an unlawful one is refused here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::shape::{Time, Tree};
use crate::tree;

use super::super::super::world::World;
use super::super::capacity_provider::fargate;
use super::super::task::retirement::REASON;
use super::super::task::{self, Order, Stop, Task};
use super::super::throttle;
use super::places::{self, Place, Unplaced};
use super::{Bounds, Decision, Deployment, Kind, Service, capacity, events, show};

/// The record of decisions never grows beyond this.
const MOST_DECISIONS: usize = 65_536;

/// How a task counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// On its way: not RUNNING yet.
    Pending,
    /// RUNNING, and not healthy yet; or failing its checks within the grace period.
    Young,
    Healthy,
    /// Failing its checks.
    Sick,
    /// Ordered to stop.
    Leaving,
}

/// One counted task.
#[derive(Clone, Debug)]
struct Seat {
    id: String,
    deployment: usize,
    stand: Stand,
    zone: String,
    subnet: String,
    provider: Option<String>,
    /// Counts for the lower bound, though it may have to go for another reason than its health.
    sound: bool,
    protected: bool,
    /// Its platform is retired (§8).
    retiring: bool,
    /// Its instance is to be left.
    displaced: bool,
}

impl Seat {
    fn is_sound(&self) -> bool {
        self.sound && matches!(self.stand, Stand::Healthy | Stand::Sick)
    }

    fn holds_out(&self) -> bool {
        self.protected && self.stand != Stand::Leaving
    }
}

/// A look at a service.
pub(super) struct Round<'a> {
    pub world: &'a mut World,
    pub service: &'a mut Service,
    pub bounds: Bounds,
    seats: Vec<Seat>,
    stopped_pending: i64,
    stopped_running: Vec<String>,
    started: Vec<String>,
    /// Instances that the service's tasks have to leave.
    unfit: BTreeSet<String>,
    /// Why the last task that was to start has no place.
    pub unplaced: Option<Unplaced>,
    /// When the next look is due at the latest.
    pub wake: Option<Time>,
    /// Starts go to this zone only (§2.12).
    pub zone: Option<String>,
}

impl<'a> Round<'a> {
    pub fn new(world: &'a mut World, service: &'a mut Service) -> Self {
        let bounds = service.bounds();
        let unfit = places::unfit(world, service);
        let mut round = Self {
            world,
            service,
            bounds,
            seats: Vec::new(),
            stopped_pending: 0,
            stopped_running: Vec::new(),
            started: Vec::new(),
            unfit,
            unplaced: None,
            wake: None,
            zone: None,
        };
        let ids = round.service.tasks.iter().cloned().collect::<Vec<_>>();
        for id in ids {
            round.seat(id);
        }
        round
    }

    fn seat(&mut self, id: String) {
        let grace = self.service.settings.int("healthCheckGracePeriodSeconds").unwrap_or(0);
        let grace = Duration::from_secs(u64::try_from(grace).unwrap_or(0));
        let now = self.world.now();
        let key = (self.service.cluster.clone(), id);
        let Some(task) = self.world.ecs.tasks.get(&key).filter(|task| task.is_counted()) else { return };
        let deployments = &self.service.deployments;
        let Some(deployment) = deployments.iter().position(|one| Some(&one.id) == task.started_by.as_ref()) else {
            return;
        };
        let (stand, until) = stand(task, grace, now);
        self.seats.push(Seat {
            id: key.1,
            deployment,
            stand,
            zone: task.zone.clone(),
            subnet: task.interface.as_ref().map(|one| one.subnet.clone()).unwrap_or_default(),
            provider: task.capacity_provider.clone(),
            sound: task.is_healthy(),
            protected: self.service.is_active() && task.is_protected(now),
            retiring: task.retiring,
            displaced: task.host.as_ref().is_some_and(|host| self.unfit.contains(&host.instance)),
        });
        let expiry = task.protected_until.filter(|expiry| now < *expiry);
        self.wake_at(until);
        self.wake_at(expiry);
    }

    /// Asks for another look no later than that.
    pub fn wake_at(&mut self, at: Option<Time>) {
        self.wake = match (self.wake, at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    pub fn total(&self) -> i64 {
        count(self.seats.iter())
    }

    pub fn healthy(&self) -> i64 {
        count(self.seats.iter().filter(|seat| seat.is_sound()))
    }

    /// Protected tasks of a deployment that are to stay (§2.18).
    pub fn protected(&self, deployment: usize) -> i64 {
        count(self.seats.iter().filter(|seat| seat.deployment == deployment && seat.holds_out()))
    }

    /// Tasks of a deployment that fail their checks.
    pub fn failing(&self, deployment: usize) -> i64 {
        let fails = |seat: &&Seat| seat.deployment == deployment && seat.stand == Stand::Sick && !seat.retiring;
        count(self.seats.iter().filter(fails))
    }

    pub fn leaving(&self) -> i64 {
        count(self.seats.iter().filter(|seat| seat.stand == Stand::Leaving))
    }

    /// How many tasks of a deployment stand so.
    pub fn of(&self, deployment: usize, stands: &[Stand]) -> i64 {
        count(self.seats.iter().filter(|seat| seat.deployment == deployment && stands.contains(&seat.stand)))
    }

    /// How many of those that stand so have to leave their instances.
    pub fn displaced(&self, deployment: usize, stands: &[Stand]) -> i64 {
        let leaves = |seat: &&Seat| seat.displaced && seat.deployment == deployment && stands.contains(&seat.stand);
        count(self.seats.iter().filter(leaves))
    }

    /// The tasks of a deployment that are to stay.
    pub fn live(&self, deployment: usize) -> i64 {
        self.of(deployment, &[Stand::Pending, Stand::Young, Stand::Healthy, Stand::Sick])
    }

    /// Counted tasks of all other deployments.
    pub fn others(&self, deployment: usize) -> i64 {
        count(self.seats.iter().filter(|seat| seat.deployment != deployment))
    }

    /// How many more tasks the upper bound has room for.
    pub fn room(&self) -> i64 {
        self.bounds.upper - self.total()
    }

    /// Whether this look has changed anything.
    pub fn acted(&self) -> bool {
        self.stopped_pending > 0 || !self.stopped_running.is_empty() || !self.started.is_empty()
    }

    /// Stops up to `most` tasks of a deployment that stand so, from the fullest zone first, and no healthy one below
    /// the lower bound. Returns how many.
    pub fn stop(&mut self, deployment: usize, stand: Stand, most: i64) -> i64 {
        let primary = self.service.deployments.first().map(|one| one.id.clone()).unwrap_or_default();
        let reason = format!("Scaling activity initiated by (deployment {primary})");
        let mut stopped = 0;
        while stopped < most {
            let Some(place) = self.in_fullest_zone(deployment, stand) else { break };
            if !self.stop_one(place, reason.clone()) {
                break;
            }
            stopped += 1;
        }
        stopped
    }

    fn in_fullest_zone(&self, deployment: usize, stand: Stand) -> Option<usize> {
        let mut zones: BTreeMap<&str, i64> = BTreeMap::new();
        for seat in self.seats.iter().filter(|seat| seat.stand != Stand::Leaving) {
            *zones.entry(&seat.zone).or_default() += 1;
        }
        let candidates = self.seats.iter().enumerate();
        let candidates =
            candidates.filter(|(_, seat)| seat.deployment == deployment && seat.stand == stand && !seat.holds_out());
        let fullest = candidates.max_by_key(|(place, seat)| {
            (seat.displaced, zones.get(seat.zone.as_str()).copied().unwrap_or(0), std::cmp::Reverse(*place))
        });
        fullest.map(|(place, _)| place)
    }

    /// Stops one task that fails its checks, chosen at random (§2.4).
    pub fn stop_sick(&mut self, deployment: usize) {
        let is_sick = |seat: &Seat| seat.deployment == deployment && seat.stand == Stand::Sick;
        let places = self.seats.iter().enumerate().filter(|(_, seat)| is_sick(seat)).map(|(place, _)| place);
        let places = places.collect::<Vec<_>>();
        let chosen = self.world.below(places.len() as u64);
        let chosen = usize::try_from(chosen).ok().and_then(|chosen| places.get(chosen)).copied();
        let Some((place, seat)) = chosen.and_then(|place| Some((place, self.seats.get(place)?))) else { return };
        if seat.retiring {
            self.stop_one(place, REASON.to_owned());
            return;
        }
        let Some(of) = self.service.deployments.get(deployment) else { return };
        let (event, reason) = sickness(of, &seat.id);
        if self.stop_one(place, reason) {
            events::tell(self.world, self.service, &event);
            // The breaker's second stage counts tasks that were stopped for their health (§2.9).
            if let Some(deployment) = self.service.deployments.get_mut(deployment).filter(|one| one.ran) {
                deployment.failures += 1;
            }
        }
    }

    fn stop_one(&mut self, place: usize, reason: String) -> bool {
        let Some(seat) = self.seats.get(place).cloned() else { return false };
        let healthy = seat.is_sound();
        if healthy && self.healthy() <= self.bounds.lower {
            return false;
        }
        self.record(Kind::Stop { healthy });
        let key = (self.service.cluster.clone(), seat.id.clone());
        task::begin_stop(self.world, &key, Stop { code: "ServiceSchedulerInitiated", reason });
        match seat.stand {
            Stand::Pending => self.stopped_pending += 1,
            Stand::Young | Stand::Healthy | Stand::Sick | Stand::Leaving => self.stopped_running.push(seat.id),
        }
        if let Some(seat) = self.seats.get_mut(place) {
            seat.stand = Stand::Leaving;
        }
        true
    }

    /// Starts up to `most` tasks of a deployment, as far as the upper bound has room. Returns how many.
    pub fn start(&mut self, deployment: usize, most: i64) -> i64 {
        let mut started = 0;
        while started < most && self.room() > 0 {
            let Some(mut order) = self.order(deployment) else { break };
            let Some(of) = self.service.deployments.get(deployment) else { break };
            let placed = match places::find(self.world, self.service, of, &mut order, self.zone.as_deref()) {
                Ok(placed) => placed,
                Err(why) => {
                    self.unplaced = Some(why);
                    break;
                }
            };
            if matches!(placed, Place::Fargate) && !throttle::launches(self.world, 1) {
                events::tell_once(self.world, self.service, events::THROTTLED, events::THROTTLED_TEXT);
                break;
            }
            self.record(Kind::Start);
            let id = match placed {
                Place::Fargate => task::launch(self.world, order),
                Place::Provisioning(wait) => task::waiting::begin(self.world, order, wait),
                Place::Instance(placed) => {
                    order.subnet = self.emptiest(placed.subnets.iter().map(String::as_str));
                    task::launch_on(self.world, order, placed)
                }
            };
            super::pin::hold(self.world, self.service, deployment, &id);
            self.service.tasks.insert(id.clone());
            self.started.push(id.clone());
            self.seat(id);
            started += 1;
        }
        started
    }

    fn order(&self, deployment: usize) -> Option<Order> {
        let deployment = self.service.deployments.get(deployment)?;
        let mut providers = BTreeMap::new();
        for provider in
            self.seats.iter().filter(|seat| seat.stand != Stand::Leaving).filter_map(|seat| seat.provider.clone())
        {
            *providers.entry(provider).or_default() += 1;
        }
        let provider = capacity::next_provider(&deployment.spec, &providers);
        let network = deployment.spec.at(&["networkConfiguration", "awsvpcConfiguration"]).cloned().unwrap_or_default();
        Some(Order {
            cluster: self.service.cluster.clone(),
            group: format!("service:{}", self.service.name),
            started_by: Some(deployment.id.clone()),
            service: Some(self.service.name.clone()),
            definition: Arc::clone(&deployment.definition),
            platform_version: show::resolved_platform(&deployment.spec).unwrap_or_default().to_owned(),
            subnet: self.emptiest_subnet(&deployment.spec, provider.as_deref()),
            capacity_provider: provider,
            groups: network.list("securityGroups").iter().filter_map(Tree::as_text).map(str::to_owned).collect(),
            public: network.text("assignPublicIp") == Some("ENABLED"),
            targets: deployment.target_groups().map(|(group, _)| group.to_owned()).collect(),
            in_registry: !deployment.spec.list("serviceRegistries").is_empty(),
            execute_command: self.service.settings.bool("enableExecuteCommand") == Some(true),
            tags: task_tags(self.service, &deployment.definition.tags),
            overrides: Tree::map(),
            volumes: deployment.spec.list("volumeConfigurations").to_vec(),
        })
    }

    /// Starts go to the zone with the fewest tasks (§2.3) where Fargate has capacity, and there to the subnet with the
    /// fewest; ties in the order of the list.
    fn emptiest_subnet(&self, spec: &Tree, provider: Option<&str>) -> String {
        let subnets = spec.at(&["networkConfiguration", "awsvpcConfiguration", "subnets"]).and_then(Tree::as_list);
        let wanted = |subnet: &&str| self.zone.as_ref().is_none_or(|zone| task::zone_of(self.world, subnet) == *zone);
        let wanted = subnets.unwrap_or_default().iter().filter_map(Tree::as_text).filter(wanted);
        let open = wanted.clone().filter(|subnet| fargate::is_open(self.world, provider, subnet));
        let found = self.emptiest(open);
        if found.is_empty() { self.emptiest(wanted) } else { found }
    }

    fn emptiest<'b>(&self, names: impl Iterator<Item = &'b str>) -> String {
        let here = |subnet: &&str| {
            let staying = || self.seats.iter().filter(|seat| seat.stand != Stand::Leaving);
            let zone = task::zone_of(self.world, subnet);
            let in_zone = staying().filter(|seat| seat.zone == zone).count();
            (in_zone, staying().filter(|seat| seat.subnet == **subnet).count())
        };
        names.min_by_key(here).unwrap_or_default().to_owned()
    }

    fn record(&mut self, kind: Kind) {
        if !self.world.ecs.watched {
            return;
        }
        // Counted from the tasks themselves, so that the record can be held against the seats' arithmetic.
        let cluster = &self.service.cluster;
        let tasks = self.service.tasks.iter().filter_map(|id| self.world.ecs.tasks.get(&(cluster.clone(), id.clone())));
        let tasks = tasks.collect::<Vec<_>>();
        let decision = Decision {
            at: self.world.now(),
            cluster: self.service.cluster.clone(),
            service: self.service.name.clone(),
            kind,
            total: number(tasks.iter().filter(|task| task.is_counted()).count()),
            healthy: number(tasks.iter().filter(|task| task.is_healthy()).count()),
            lower: self.bounds.lower,
            upper: self.bounds.upper,
            desired: self.service.desired,
        };
        let decisions = &mut self.world.ecs.decisions;
        if decisions.len() >= MOST_DECISIONS {
            decisions.drain(..MOST_DECISIONS / 2);
        }
        decisions.push(decision);
    }

    /// Tells which running tasks are new behind the target groups.
    pub fn register(&mut self) {
        let mut registered: BTreeMap<String, i64> = BTreeMap::new();
        for seat in &self.seats {
            let task = self.world.ecs.tasks.get_mut(&(self.service.cluster.clone(), seat.id.clone()));
            let Some(task) = task.filter(|task| task.is_running() && !task.registered) else { continue };
            task.registered = true;
            for target in &task.targets {
                *registered.entry(target.clone()).or_default() += 1;
            }
        }
        for (target, number) in registered {
            let text = format!("registered {number} targets in (target-group {target})");
            events::tell(self.world, self.service, &text);
        }
    }

    /// How many tasks that are to stay stand in which zone.
    pub fn zones(&self) -> BTreeMap<String, i64> {
        let mut zones = BTreeMap::new();
        for seat in self.seats.iter().filter(|seat| seat.stand != Stand::Leaving) {
            *zones.entry(seat.zone.clone()).or_default() += 1;
        }
        zones
    }

    /// The ids of what was stopped and started, for whoever tells it in words of their own.
    pub fn take_news(&mut self) -> (Vec<String>, Vec<String>) {
        (std::mem::take(&mut self.stopped_running), std::mem::take(&mut self.started))
    }

    /// How many of these tasks stand in which target group.
    fn targets(&self, ids: &[String]) -> BTreeMap<String, i64> {
        let mut targets = BTreeMap::new();
        let tasks = ids.iter().filter_map(|id| self.world.ecs.tasks.get(&(self.service.cluster.clone(), id.clone())));
        for target in tasks.flat_map(|task| &task.targets) {
            *targets.entry(target.clone()).or_default() += 1;
        }
        targets
    }

    /// Tells what was stopped and started; `replaced` of the started ones stand in for unhealthy tasks.
    pub fn tell(&mut self, replaced: i64) {
        let (stopped, started) = (std::mem::take(&mut self.stopped_running), std::mem::take(&mut self.started));
        if self.stopped_pending > 0 {
            let text = format!("stopped {} pending tasks.", self.stopped_pending);
            events::tell(self.world, self.service, &text);
        }
        if !stopped.is_empty() {
            let targets = self.targets(&stopped);
            if !targets.is_empty() {
                let text = format!("has begun draining connections on {} tasks.", stopped.len());
                events::tell(self.world, self.service, &text);
            }
            for (target, number) in targets {
                let text = format!("deregistered {number} targets in (target-group {target})");
                events::tell(self.world, self.service, &text);
            }
            let list = events::task_list(&stopped);
            events::tell(self.world, self.service, &format!("has stopped {} running tasks: {list}.", stopped.len()));
        }
        if !started.is_empty() {
            let list = events::task_list(&started);
            let mut text = format!("has started {} tasks: {list}.", started.len());
            if replaced > 0 {
                text += &format!(" Amazon ECS replaced {replaced} tasks due to an unhealthy status.");
            }
            events::tell(self.world, self.service, &text);
            events::clear_placement(self.service);
        }
        self.stopped_pending = 0;
    }
}

/// How a task counts now, and when that will change by time alone.
fn stand(task: &Task, grace: Duration, now: Time) -> (Stand, Option<Time>) {
    if !task.wanted {
        return (Stand::Leaving, None);
    }
    if task.is_pending() {
        return (Stand::Pending, None);
    }
    let grace_ends = task.times.started.unwrap_or(now).after(grace);
    match (task.is_healthy(), task.sick) {
        _ if task.retiring => (Stand::Sick, None),
        (true, _) => (Stand::Healthy, None),
        (false, true) if now < grace_ends => (Stand::Young, Some(grace_ends)),
        (false, true) => (Stand::Sick, None),
        (false, false) => (Stand::Young, None),
    }
}

fn count<'a>(seats: impl Iterator<Item = &'a Seat>) -> i64 {
    number(seats.count())
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The event and the stopped reason of a task whose checks fail (§2.8, §3.3).
fn sickness(of: &Deployment, id: &str) -> (String, String) {
    match of.target_groups().next() {
        Some((group, port)) => {
            let event = format!(
                "(task {id}) (port {port}) is unhealthy in (target-group {group}) due to (reason Health checks failed)."
            );
            (event, format!("Task failed ELB health checks in (target-group {group})"))
        }
        None => {
            (format!("(task {id}) failed container health checks."), "Task failed container health checks".to_owned())
        }
    }
}

/// Managed and propagated tags, as they are at launch (§1.4).
fn task_tags(service: &Service, of_definition: &[Tree]) -> Vec<Tree> {
    let mut tags = match service.settings.text("propagateTags") {
        Some("SERVICE") => service.tags.clone(),
        Some("TASK_DEFINITION") => of_definition.to_vec(),
        _ => Vec::new(),
    };
    if service.settings.bool("enableECSManagedTags") == Some(true) {
        tags.push(tree! { "key" => "aws:ecs:clusterName", "value" => &service.cluster });
        tags.push(tree! { "key" => "aws:ecs:serviceName", "value" => &service.name });
    }
    tags
}
