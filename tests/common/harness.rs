//! The whole operator over the embedded ECS, under virtual time: manifests as text in, a world out, and operators that
//! can be lost and begun anew with nothing but the directory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ecs_operator::app::{Assumed, Cloud, Election, Options, assemble};
use ecs_operator::aws::{Aws, alone};
use ecs_operator::check::{self, Desired};
use ecs_operator::cli::plan::{Secrets, View};
use ecs_operator::cli::preflight::Ahead;
use ecs_operator::clock::Clock;
use ecs_operator::kinds::{Key, Kind, Place, tags::Ownership};
use ecs_operator::lease::Leadership;
use ecs_operator::manifest::{self, Input, Reading, SETTINGS_FILE, Variables};
use ecs_operator::plan::Approved;
use ecs_operator::reconcile::{Controller, Settings, Until};
use ecs_operator::shape::{Call, Time, Tree};
use ecs_operator::sim::Sim;
use ecs_operator::sim::world::LoggedCall;
use ecs_operator::status::{ConditionType, ObjectStatus, SourceStatus, Status};
use ecs_operator::telemetry::Metrics;
use ecs_operator::tree;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::lossy::{Lossy, mutates};

/// Half a second past a second: AWS's `Date` has no fractions.
const START: Time = Time(1_790_000_000_500);

pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// One world, its clock, the directory, and at most one operator.
pub struct Rig {
    pub clock: Clock,
    pub sim: Sim,
    pub options: Options,
    pub settings: Settings,
    pub owner: &'static str,
    /// What plans tell of secrets, always by the same key.
    pub secrets: Secrets,
    texts: BTreeMap<String, String>,
    /// Broken texts are part of the test.
    pub may_be_broken: bool,
    revision: u32,
    pub operator: Option<Operator>,
    /// What an operator may write, where it applies a plan file.
    pub approved: Option<Approved>,
}

/// A running operator.
pub struct Operator {
    pub way: Lossy,
    desired: watch::Sender<Arc<Desired>>,
    _source: watch::Sender<SourceStatus>,
    pub status: watch::Receiver<Arc<Status>>,
    pub leadership: Leadership,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Operator {
    /// As SIGTERM ends it.
    pub async fn end(mut self) {
        self.stop.send_replace(true);
        (&mut self.task).await.unwrap();
    }

    /// How many of its calls would change something.
    pub fn writes(&self) -> usize {
        self.way.way().calls.iter().filter(|operation| mutates(operation)).count()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.way.way().lost = true;
        self.task.abort();
    }
}

impl Rig {
    pub fn new(seed: u64) -> Self {
        let clock = Clock::simulated(START, 1.0);
        let sim = Cloud::simulated(&clock, seed, None).sim.unwrap();
        {
            let mut world = sim.world();
            world.settings.latency = Duration::from_millis(40);
            world.ecs.watched = true;
        }
        let settings = Settings { seed, ..Settings::default() };
        Self {
            clock,
            sim,
            options: Options::default(),
            settings,
            owner: "us",
            secrets: Secrets::Hashed(vec![7; 32]),
            texts: BTreeMap::new(),
            may_be_broken: false,
            revision: 0,
            operator: None,
            approved: None,
        }
    }

    /// Writes a file of the directory; seen with the next [`Rig::commit`].
    pub fn write(&mut self, file: &str, text: impl Into<String>) -> &mut Self {
        self.texts.insert(file.to_owned(), text.into());
        self
    }

    /// Takes a file away; seen with the next [`Rig::commit`].
    pub fn remove(&mut self, file: &str) {
        assert!(self.texts.remove(file).is_some(), "there is no {file}");
    }

    /// A new revision of the directory; a running operator sees it at once.
    pub fn commit(&mut self) {
        self.revision += 1;
        if let Some(operator) = &self.operator {
            operator.desired.send_replace(Arc::new(self.desired()));
        }
    }

    /// Shows the present revision to an operator that was taken out of the rig.
    pub fn tell(&self, other: &Operator) {
        other.desired.send_replace(Arc::new(self.desired()));
    }

    fn place(&self) -> Place {
        let world = self.sim.world();
        Place { account: world.settings.account.clone(), region: world.settings.region.clone() }
    }

    pub fn desired(&self) -> Desired {
        let desired = self.judged();
        let problems: Vec<String> = desired.findings.iter().map(ToString::to_string).collect();
        assert!(problems.is_empty() || self.may_be_broken, "{problems:#?}");
        desired
    }

    /// The directory, read.
    pub fn reading(&self) -> Reading {
        let place = self.place();
        let text = |(name, text): (&String, &String)| (name.clone(), Arc::<str>::from(text.as_str()));
        let mut files: BTreeMap<String, Arc<str>> = self.texts.iter().map(text).collect();
        let settings = files.remove(SETTINGS_FILE);
        let variables = Variables {
            region: Some(place.region.clone()),
            account: Some(place.account.clone()),
            overrides: BTreeMap::new(),
        };
        let settings = settings.as_ref();
        manifest::read(&Input { files: &files, settings, unreadable: &BTreeMap::new(), variables: &variables })
    }

    /// The desired state, whatever is wrong with the texts.
    pub fn judged(&self) -> Desired {
        check::desired(&self.reading(), &self.place(), &format!("r{}", self.revision), None)
    }

    /// Begins an operator that knows nothing but the directory; one that runs is lost.
    pub fn start(&mut self) -> Lossy {
        self.operator = None;
        let operator = self.begin(|metrics| Election::none(metrics));
        let way = operator.way.clone();
        self.operator = Some(operator);
        way
    }

    /// Begins an operator that takes part in an election, beside any other.
    pub fn begin(&self, election: impl FnOnce(&Arc<Metrics>) -> Election) -> Operator {
        let way = Lossy::new(&self.sim);
        let (published, status) = watch::channel(Arc::new(Status::default()));
        let cloud = Cloud::on(self.sim.clone(), &self.clock).through(way.http());
        let us = Ownership { owner: self.owner.into(), source: "test".into() };
        let mut shared = assemble(cloud, &self.clock, us, self.place(), &self.options, &status).unwrap();
        shared.approved.clone_from(&self.approved);
        let election = election(&shared.metrics);
        shared.leadership = election.leadership.clone();
        let leadership = election.leadership.clone();
        let (desired, new) = watch::channel(Arc::new(self.desired()));
        let (source, news) = watch::channel(SourceStatus::default());
        let settings = self.settings.clone();
        let controller = Controller::new(Arc::new(shared), settings, Until::Stopped, new, news, published);
        let (stop, mut stopped) = watch::channel(false);
        let (leaving, leave) = watch::channel(false);
        let task = tokio::spawn(async move {
            let stop = async {
                drop(stopped.wait_for(|stopped| *stopped).await);
                leaving.send_replace(true);
            };
            tokio::join!(election.hold(leave), controller.run(stop));
        });
        Operator { way, desired, _source: source, status, leadership, stop, task }
    }

    pub fn lose_operator(&mut self) {
        self.operator = None;
    }

    pub async fn run(&self, span: Duration) {
        self.clock.sleep(span).await;
    }

    /// Waits, at most `span`, until it is so; looks often at first, then once a second. Whether it came to be.
    pub async fn until(&self, span: Duration, so: impl Fn(&Self) -> bool) -> bool {
        let began = self.clock.now();
        while self.clock.now() < began.after(span) {
            if so(self) {
                return true;
            }
            let soon = self.clock.now().since(began) < Duration::from_secs(2);
            self.clock.sleep(Duration::from_millis(if soon { 20 } else { 1000 })).await;
        }
        so(self)
    }

    /// Every object is Ready, by a look that is newer than now.
    pub async fn converge(&self, span: Duration) {
        let since = self.clock.now();
        let done = self.until(span, |rig| rig.is_ready(since)).await;
        assert!(done, "not converged: {:#?}", self.stories());
    }

    pub fn is_ready(&self, since: Time) -> bool {
        let Some(operator) = &self.operator else { return false };
        let (desired, status) = (operator.desired.borrow(), operator.status.borrow());
        desired.objects.keys().all(|key| {
            status.objects.get(key).is_some_and(|one| {
                one.conditions.holds(ConditionType::Ready) && one.last_reconcile.is_some_and(|at| at > since)
            })
        })
    }

    /// Reason and message of each object.
    pub fn stories(&self) -> BTreeMap<String, (String, String)> {
        let Some(operator) = &self.operator else { return BTreeMap::new() };
        let status = operator.status.borrow();
        let story = |(key, one): (&Key, &Arc<ObjectStatus>)| {
            let ready = one.conditions.ready()?;
            Some((key.short(), (ready.reason.to_string(), ready.message.clone())))
        };
        status.objects.iter().filter_map(story).collect()
    }

    /// What is ours and declared no more, and what is told of it.
    pub fn orphans(&self) -> Vec<String> {
        self.operator.iter().flat_map(|operator| operator.status.borrow().orphans.clone()).collect()
    }

    pub fn reason(&self, key: &str) -> String {
        self.stories().remove(key).map_or(String::new(), |(reason, _)| reason)
    }

    /// Where the call log stands now.
    pub fn mark(&self) -> usize {
        self.sim.world().calls().len()
    }

    /// The calls since a mark that changed something, or tried to.
    pub fn writes_since(&self, mark: usize) -> Vec<LoggedCall> {
        self.sim.world().calls().iter().skip(mark).filter(|call| mutates(&call.operation)).cloned().collect()
    }

    /// Their operations.
    pub fn operations_since(&self, mark: usize) -> Vec<String> {
        self.writes_since(mark).into_iter().map(|call| call.operation).collect()
    }

    /// Registrations that took effect, by content.
    pub fn registrations(&self) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        for call in self.sim.world().calls() {
            if call.operation == "RegisterTaskDefinition" && call.status == 200 {
                let content = tag(call.input.list("tags"), "ecs-operator/content").unwrap_or_default();
                *found.entry(content).or_default() += 1;
            }
        }
        found
    }

    /// A service's part of the world, as it is.
    pub fn service<T>(&self, name: &str, look: impl Fn(&ecs_operator::sim::ecs::service::Service) -> T) -> T {
        let world = self.sim.world();
        look(&world.ecs.services[&("prod".to_owned(), name.to_owned())])
    }

    /// `family:revision` of the PRIMARY.
    pub fn live(&self, name: &str) -> String {
        self.service(name, |service| short(&service.deployments[0].definition.arn))
    }

    /// What the world has become, without what no two runs have in common: ids, times, numbers of revisions.
    pub fn picture(&self) -> Tree {
        let world = self.sim.world();
        let content = |arn: &str| {
            let (family, revision) = short(arn).split_once(':').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
            let found = &world.ecs.families[&family].revisions[&revision.parse().unwrap()];
            let images =
                found.body.list("containerDefinitions").iter().map(|one| one.text("image").unwrap().to_owned());
            format!("{family} {}", images.collect::<Vec<_>>().join(" "))
        };
        let mut picture = tree! {};
        for (name, cluster) in &world.ecs.clusters {
            picture.set(&format!("cluster {name}"), tree! { "active" => cluster.active });
        }
        for (family, all) in &world.ecs.families {
            let revisions: Vec<String> = all.revisions.values().map(|one| content(&one.arn)).collect();
            picture.set(&format!("family {family}"), revisions);
        }
        for ((cluster, name), service) in &world.ecs.services {
            let mut spec = service.spec.clone();
            spec.remove("taskDefinition");
            let deployments: Vec<String> = service
                .deployments
                .iter()
                .map(|one| format!("{} {}", content(&one.definition.arn), one.rollout.as_str()))
                .collect();
            let journal: Vec<String> = service
                .journal
                .iter()
                .map(|entry| {
                    let revision = service.revisions.iter().find(|one| one.arn == entry.target).unwrap();
                    format!("{} {}", content(&revision.definition.arn), entry.status.as_str())
                })
                .collect();
            let attempt = tag(&service.tags, "ecs-operator/attempt").unwrap_or_default();
            let hash = attempt.split(':').nth(1).unwrap_or_default().to_owned();
            picture.set(
                &format!("service {cluster}/{name}"),
                tree! {
                    "status" => service.status.as_str(), "desired" => service.desired, "spec" => spec,
                    "settings" => &service.settings, "deployments" => deployments, "journal" => journal,
                    "attempt" => hash, "tasks" => i64::try_from(service.tasks.len()).unwrap(),
                },
            );
        }
        picture
    }

    /// Every decision of the simulator so far was within the bounds.
    pub fn assert_lawful(&self) {
        let world = self.sim.world();
        let broken: Vec<_> = world.ecs.decisions.iter().filter(|one| !one.is_lawful()).collect();
        assert!(broken.is_empty(), "{broken:#?}");
    }

    /// What the plans of all objects would show.
    pub async fn view(&self) -> View {
        let (_, status) = watch::channel(Arc::new(Status::default()));
        let us = Ownership { owner: self.owner.into(), source: "test".into() };
        let cloud = Cloud::on(self.sim.clone(), &self.clock);
        let shared = assemble(cloud, &self.clock, us, self.place(), &self.options, &status).unwrap();
        let secrets = self.secrets.clone();
        ecs_operator::app::view(&shared, &self.desired(), &self.reading(), &secrets, str::to_owned).await.unwrap()
    }

    /// The steps of the plans as they are now.
    pub async fn approve(&mut self) {
        let (_, status) = watch::channel(Arc::new(Status::default()));
        let us = Ownership { owner: self.owner.into(), source: "test".into() };
        let cloud = Cloud::on(self.sim.clone(), &self.clock);
        let shared = assemble(cloud, &self.clock, us, self.place(), &self.options, &status).unwrap();
        self.approved = Some(Approved::of(&ecs_operator::app::plans(&shared, &self.desired()).await.unwrap()));
    }

    /// The plans as they would be shown, with what becomes of them on a copy.
    pub async fn simulated(&self, assumed: &Assumed) -> View {
        let (_, status) = watch::channel(Arc::new(Status::default()));
        let us = Ownership { owner: self.owner.into(), source: "test".into() };
        let cloud = Cloud::on(self.sim.clone(), &self.clock);
        let shared = assemble(cloud, &self.clock, us, self.place(), &self.options, &status).unwrap();
        let plans = ecs_operator::app::plans(&shared, &self.desired()).await.unwrap();
        let simulation = ecs_operator::app::simulate(&shared, &self.desired(), &plans, assumed).await.unwrap();
        self.view().await.with(simulation)
    }

    /// What `preflight` would say.
    pub async fn ahead(&self) -> Vec<(Key, Ahead)> {
        let (_, status) = watch::channel(Arc::new(Status::default()));
        let us = Ownership { owner: self.owner.into(), source: "test".into() };
        let cloud = Cloud::on(self.sim.clone(), &self.clock);
        let shared = assemble(cloud, &self.clock, us, self.place(), &self.options, &status).unwrap();
        ecs_operator::app::ahead(&shared, &self.desired(), &self.reading(), str::to_owned).await.unwrap()
    }

    /// The texts by their names.
    pub fn sources(&self) -> BTreeMap<String, Arc<str>> {
        self.texts.iter().map(|(name, text)| (name.clone(), Arc::from(text.as_str()))).collect()
    }

    /// A person's own client.
    pub fn person(&self) -> Aws {
        let cloud = Cloud::on(self.sim.clone(), &self.clock);
        let (_, status) = watch::channel(Arc::new(Status::default()));
        let metrics = ecs_operator::telemetry::Metrics::new(status, 10).unwrap();
        cloud.client(Arc::new(metrics))
    }

    /// What a person does by hand.
    pub async fn by_hand(&self, operation: &'static str, input: Tree) -> Tree {
        self.person().write(&Call::ecs(operation, input), alone).await.unwrap().tree
    }

    /// Updates `prod/NAME` by hand.
    pub async fn update_by_hand(&self, name: &str, input: Tree) {
        self.by_hand("UpdateService", input.with("cluster", "prod").with("service", name)).await;
    }

    /// Sets a tag on a service by hand.
    pub async fn tag_by_hand(&self, arn: &str, key: &str, value: &str) {
        let input = tree! { "resourceArn" => arn, "tags" => vec![tree! { "key" => key, "value" => value }] };
        self.by_hand("TagResource", input).await;
    }
}

pub fn tag(tags: &[Tree], key: &str) -> Option<String> {
    let found = tags.iter().find(|tag| tag.text("key") == Some(key))?;
    found.text("value").map(str::to_owned)
}

pub fn short(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}

/// The cluster all tests use.
pub fn cluster(name: &str) -> String {
    format!("apiVersion: ecs-operator.io/v1\nkind: Cluster\nmetadata: {{ name: {name} }}\n")
}

/// A task definition of one container; labels tell how it behaves.
pub fn task(name: &str, image: &str, labels: &[(&str, &str)]) -> String {
    let labels: Vec<String> =
        labels.iter().map(|(label, value)| format!("\"ecs-operator.sim/{label}\": \"{value}\"")).collect();
    format!(
        "apiVersion: ecs-operator.io/v1\nkind: TaskDefinition\nmetadata: {{ name: {name} }}\nspec:\n  \
         requiresCompatibilities: [FARGATE]\n  networkMode: awsvpc\n  cpu: \"256\"\n  memory: \"512\"\n  \
         containerDefinitions:\n    - name: web\n      image: {image}\n      dockerLabels: {{ {} }}\n      \
         healthCheck: {{ command: [CMD, \"true\"] }}\n",
        labels.join(", ")
    )
}

/// What a test wants of a service.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub task: String,
    pub cluster: String,
    pub count: u32,
    pub maximum: u32,
    pub minimum: u32,
    pub breaker: bool,
    pub deadline: &'static str,
    pub restarted_at: Option<String>,
    pub more: String,
}

impl Wanted {
    pub fn of(task: &str, count: u32) -> Self {
        Self {
            task: task.into(),
            cluster: "prod".into(),
            count,
            maximum: 200,
            minimum: 100,
            breaker: true,
            deadline: "15m",
            restarted_at: None,
            more: String::new(),
        }
    }

    pub fn text(&self, name: &str) -> String {
        let Self { task, cluster, count, maximum, minimum, breaker, deadline, restarted_at, more } = self;
        let restart = restarted_at.as_ref().map_or(String::new(), |text| format!(", restartedAt: \"{text}\""));
        format!(
            "apiVersion: ecs-operator.io/v1\nkind: Service\nmetadata: {{ name: {name}, cluster: {cluster} }}\n\
             reconcile: {{ rollout: {{ progressDeadline: {deadline} }}{restart} }}\nspec:\n  taskDefinition: {task}\n  \
             launchType: FARGATE\n  desiredCount: {count}\n  deploymentConfiguration:\n    maximumPercent: {maximum}\n    \
             minimumHealthyPercent: {minimum}\n    deploymentCircuitBreaker: {{ enable: {breaker}, rollback: {breaker} }}\n  \
             availabilityZoneRebalancing: DISABLED\n  networkConfiguration:\n    awsvpcConfiguration:\n      \
             subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]\n      securityGroups: [sg-0123456789abcdef0]\n{more}"
        )
    }
}

/// The key of a service in `prod`, in the short form.
pub fn key(name: &str) -> String {
    format!("prod/{}/{name}", Kind::Service)
}

/// A cluster, a task definition and a service `web` of two tasks.
pub fn web(rig: &mut Rig) {
    rig.write("cluster.yaml", cluster("prod"));
    rig.write("task.yaml", task("web", "nginx:1", &[]));
    rig.write("service.yaml", Wanted::of("web", 2).text("web"));
    rig.commit();
}

/// An operator that has brought [`web`] about.
pub async fn converged(seed: u64) -> Rig {
    let mut rig = Rig::new(seed);
    web(&mut rig);
    rig.start();
    rig.converge(HOUR).await;
    rig
}
