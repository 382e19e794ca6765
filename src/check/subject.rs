//! What the rules look at: specs that fit their shape, with the questions that many rules ask. Must not know: rules.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::kinds::normalise::filled;
use crate::kinds::tags::Words;
use crate::kinds::{Lookup, Object, Place, service, task_definition};
use crate::manifest::Fault;
use crate::shape::{Path, Tree};

/// Any object.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub spec: &'a Tree,
    pub tags: &'static Words,
    pub place: &'a Place,
}

/// What a task definition is to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Launch {
    Fargate,
    Ec2,
    External,
}

impl Launch {
    pub const ALL: [Self; 3] = [Self::Fargate, Self::Ec2, Self::External];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fargate => "FARGATE",
            Self::Ec2 => "EC2",
            Self::External => "EXTERNAL",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|launch| launch.as_str() == text)
    }
}

/// A task definition, seen as the launch types it says it requires would see it, or as one that a service wants it for.
#[derive(Clone)]
pub struct TaskDefinition<'a> {
    pub name: &'a str,
    pub spec: &'a Tree,
    pub place: &'a Place,
    launches: Vec<Launch>,
}

impl<'a> TaskDefinition<'a> {
    pub fn of(object: &'a Object) -> Self {
        let required = object.spec.list("requiresCompatibilities").iter().filter_map(Tree::as_text);
        Self {
            name: &object.key.name,
            spec: &object.spec,
            place: &object.key.place,
            launches: required.filter_map(Launch::parse).collect(),
        }
    }

    /// The same as a service of that launch type needs it, whatever it says it requires.
    pub fn wanted_on(&self, launch: Launch) -> Self {
        Self { launches: vec![launch], ..self.clone() }
    }

    pub fn runs_on(&self, launch: Launch) -> bool {
        self.launches.contains(&launch)
    }

    /// The containers with their paths in the spec.
    pub fn containers(&self) -> impl Iterator<Item = (Path, &'a Tree)> + use<'a> {
        items(self.spec, &Path::root(), "containerDefinitions")
    }

    pub fn volumes(&self) -> impl Iterator<Item = (Path, &'a Tree)> + use<'a> {
        items(self.spec, &Path::root(), "volumes")
    }

    pub fn container(&self, name: &str) -> Option<&'a Tree> {
        self.containers().map(|(_, container)| container).find(|container| container.text("name") == Some(name))
    }

    /// Every container's name, for "did you mean".
    pub fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.containers().filter_map(|(_, container)| container.text("name"))
    }

    /// Bridge unless said otherwise (docs/ecs.md §4.2).
    pub fn network_mode(&self) -> &'a str {
        self.spec.text("networkMode").unwrap_or("bridge")
    }

    pub fn is_windows(&self) -> bool {
        let family = self.spec.at(&["runtimePlatform", "operatingSystemFamily"]).and_then(Tree::as_text);
        family.is_some_and(|family| family.starts_with("WINDOWS"))
    }

    pub fn has_execution_role(&self) -> bool {
        self.spec.text("executionRoleArn").is_some_and(|role| !role.is_empty())
    }

    /// The task's CPU units, in whatever spelling.
    pub fn cpu(&self) -> Option<i64> {
        self.size("cpu")
    }

    /// The task's memory in MiB, in whatever spelling.
    pub fn memory(&self) -> Option<i64> {
        self.size("memory")
    }

    fn size(&self, member: &str) -> Option<i64> {
        let alone = Tree::map().with_some(member, self.spec.get(member));
        let number = filled(task_definition::DEFINITION.rows, &alone).text(member)?.trim().parse().ok()?;
        (number > 0).then_some(number)
    }
}

/// What keeps task definitions from launch types that they don't say they require; each is found out once, however
/// many services ask.
#[derive(Debug, Default)]
pub struct Launches(RefCell<BTreeMap<(String, Launch), Option<Fault>>>);

impl Launches {
    /// What was found for a definition of that name, or is found now.
    pub fn fault(&self, definition: &str, launch: Launch, find: impl FnOnce() -> Option<Fault>) -> Option<Fault> {
        let key = (definition.to_owned(), launch);
        if let Some(known) = self.0.borrow().get(&key) {
            return known.clone();
        }
        let found = find();
        self.0.borrow_mut().insert(key, found.clone());
        found
    }
}

/// A service, and its task definition where that is a sound manifest.
#[derive(Clone)]
pub struct Service<'a> {
    pub spec: &'a Tree,
    pub lookup: &'a Lookup,
    pub place: &'a Place,
    pub definition: Option<TaskDefinition<'a>>,
    pub launches: &'a Launches,
}

impl<'a> Service<'a> {
    pub fn is_daemon(&self) -> bool {
        self.spec.text("schedulingStrategy") == Some("DAEMON")
    }

    /// Where its tasks run, as far as the manifest says so itself.
    pub fn launch(&self) -> Option<Launch> {
        let providers = self.spec.list("capacityProviderStrategy");
        let fargate = |item: &Tree| matches!(item.text("capacityProvider"), Some("FARGATE" | "FARGATE_SPOT"));
        match self.spec.text("launchType") {
            Some(text) => Launch::parse(text),
            None => (!providers.is_empty() && providers.iter().all(fargate)).then_some(Launch::Fargate),
        }
    }

    /// Its part in Service Connect, where that is switched on.
    pub fn connect(&self) -> Option<&'a Tree> {
        self.spec.get("serviceConnectConfiguration").filter(|connect| connect.bool("enabled") == Some(true))
    }

    pub fn controller(&self) -> &'a str {
        service::controller(self.spec)
    }

    /// A list of the spec with each item's path.
    pub fn items(&self, list: &str) -> impl Iterator<Item = (Path, &'a Tree)> + use<'a> {
        items(self.spec, &Path::root(), list)
    }
}

/// The items of a list member, with their paths; `at` is the path of `tree`.
pub fn items<'a>(tree: &'a Tree, at: &Path, list: &str) -> impl Iterator<Item = (Path, &'a Tree)> + use<'a> {
    let at = at.name(list);
    tree.list(list).iter().enumerate().map(move |(index, item)| (at.index(index), item))
}

/// Whether the member is there and says something.
pub fn has(tree: &Tree, member: &str) -> bool {
    tree.get(member).is_some_and(|value| !value.is_empty())
}

/// Visits every node that a pattern leads to: names joined by dots, `[]` after a list's name for each of its items.
pub fn each<'a>(tree: &'a Tree, pattern: &str, visit: &mut dyn FnMut(Path, &'a Tree)) {
    each_below(tree, &Path::root(), pattern, visit);
}

fn each_below<'a>(tree: &'a Tree, at: &Path, pattern: &str, visit: &mut dyn FnMut(Path, &'a Tree)) {
    let (first, rest) = pattern.split_once('.').unwrap_or((pattern, ""));
    let mut go = |at: Path, node: &'a Tree| {
        if rest.is_empty() { visit(at, node) } else { each_below(node, &at, rest, visit) }
    };
    match first.strip_suffix("[]") {
        Some(list) => items(tree, at, list).for_each(|(at, item)| go(at, item)),
        None => {
            if let Some(node) = tree.get(first) {
                go(at.name(first), node);
            }
        }
    }
}

/// Words as people list them: `a, b or c`.
pub fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
