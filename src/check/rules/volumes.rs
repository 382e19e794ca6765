//! Volumes, and the containers that mount them (docs/ecs.md §4.2, §4.3).

use std::collections::BTreeMap;

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{TaskDefinition, has, items, one_of};
use crate::shape::near::nearest;
use crate::shape::{Path, Tree};

use super::containers::which;
use super::row;

/// A volume is one of these, or none: then it is of the task's own disk.
const KINDS: &[&str] = &[
    "configuredAtLaunch",
    "dockerVolumeConfiguration",
    "efsVolumeConfiguration",
    "s3filesVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
    "host",
];
/// By operating system.
const LINUX_ONLY: &[&str] = &["efsVolumeConfiguration", "configuredAtLaunch"];
const WINDOWS_ONLY: &[&str] = &["fsxWindowsFileServerVolumeConfiguration"];
/// Volumes that a service configures (EBS) in one task definition.
const AT_LAUNCH_MAX: usize = 1;

pub const RULES: &[Rule] = &[
    row!(
        "volume-name",
        Error,
        Look::TaskDefinition(name),
        "Every volume has a name of its own, by which containers mount it (ECS: task definition parameters)."
    ),
    row!(
        "volume-kind",
        Error,
        Look::TaskDefinition(kind),
        "A volume is of one kind (ECS: task definition parameters)."
    ),
    row!(
        "volume-at-launch",
        Error,
        Look::TaskDefinition(at_launch),
        "A task definition has at most one volume that is configured at launch (ECS: EBS volumes)."
    ),
    row!(
        "volume-system",
        Error,
        Look::TaskDefinition(system),
        "EFS and EBS volumes are for Linux, FSx for Windows File Server volumes for Windows (ECS: storage options)."
    ),
    row!(
        "mount-unknown",
        Error,
        Look::TaskDefinition(mount),
        "A container mounts volumes of its task definition (ECS: Unknown volume)."
    ),
    row!(
        "volumes-from-unknown",
        Error,
        Look::TaskDefinition(volumes_from),
        "volumesFrom names another container of the task definition (ECS: task definition parameters)."
    ),
    row!(
        "efs-encryption",
        Error,
        Look::TaskDefinition(efs_encryption),
        "EFS access points, IAM authorization and a port for encrypted transit need transitEncryption: ENABLED (ECS: \
         EFS IAM authorization requires TransitEncryption to be enabled)."
    ),
    row!(
        "efs-root",
        Error,
        Look::TaskDefinition(efs_root),
        "An EFS access point has a directory of its own (ECS: When using an EFS access point, the root directory must \
         either be set to \"/\" or be omitted)."
    ),
];

fn name(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let mut seen = BTreeMap::new();
    for (at, volume) in definition.volumes() {
        let Some(name) = volume.text("name").filter(|name| !name.is_empty()) else {
            report.value(at, "a volume without a name", "give it one");
            continue;
        };
        if let Some(first) = seen.insert(name, at.clone()) {
            report.value(at.name("name"), format!("{first} is also called {name}"), "give one of them another name");
        }
    }
}

/// Whether a volume says that it is of this kind: a `host` without a path and a false `configuredAtLaunch` say nothing.
fn says(volume: &Tree, kind: &str) -> bool {
    let empty = kind == "host" && volume.at(&["host", "sourcePath"]).is_none_or(Tree::is_empty);
    has(volume, kind) && volume.bool(kind) != Some(false) && !empty
}

fn kind(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, volume) in definition.volumes() {
        let kinds: Vec<&str> = KINDS.iter().copied().filter(|kind| says(volume, kind)).collect();
        if let [first, second, ..] = kinds.as_slice() {
            let message = format!("a volume that has {first} can't also have {second}");
            report.key(at.name(second), message, format!("keep {}", one_of(&kinds)));
        }
    }
}

fn at_launch(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let many = definition.volumes().filter(|(_, volume)| says(volume, "configuredAtLaunch"));
    for (at, _) in many.skip(AT_LAUNCH_MAX) {
        report.value(at.name("configuredAtLaunch"), "a second volume that is configured at launch", "keep one");
    }
}

fn system(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let family = definition.spec.at(&["runtimePlatform", "operatingSystemFamily"]).and_then(Tree::as_text);
    // Without a family it is that of the instances.
    let (kinds, system): (&[&str], &str) = match (definition.is_windows(), family) {
        (true, _) => (LINUX_ONLY, "Linux"),
        (false, Some("LINUX")) => (WINDOWS_ONLY, "Windows"),
        (false, _) => return,
    };
    for (at, volume) in definition.volumes() {
        if let Some(kind) = kinds.iter().find(|kind| says(volume, kind)) {
            report.key(at.name(kind), format!("{kind} is for {system} only"), "use a volume of another kind");
        }
    }
}

fn mount(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let names = || definition.volumes().filter_map(|(_, volume)| volume.text("name"));
    for (at, container) in definition.containers() {
        for (at, mount) in items(container, &at, "mountPoints") {
            if report.is_full() {
                return;
            }
            let Some(source) = mount.text("sourceVolume").filter(|source| names().all(|name| name != *source)) else {
                continue;
            };
            let remedy = match nearest(source, names()) {
                Some(near) => format!("did you mean {near}?"),
                None => "declare it under volumes".to_owned(),
            };
            report.value(at.name("sourceVolume"), format!("there is no volume {source}"), remedy);
        }
    }
}

fn volumes_from(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        for (at, from) in items(container, &at, "volumesFrom") {
            if report.is_full() {
                return;
            }
            let source = from.text("sourceContainer").unwrap_or_default();
            if definition.container(source).is_none() {
                let message = format!("there is no container {source} to take volumes from");
                report.value(at, message, which(definition, source));
            }
        }
    }
}

fn each_efs<'a>(definition: &TaskDefinition<'a>) -> impl Iterator<Item = (Path, &'a Tree)> + use<'a> {
    let member = "efsVolumeConfiguration";
    definition.volumes().filter_map(move |(at, volume)| Some((at.name(member), volume.get(member)?)))
}

fn access_point(efs: &Tree) -> bool {
    efs.at(&["authorizationConfig", "accessPointId"]).is_some_and(|id| !id.is_empty())
}

fn efs_encryption(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, efs) in each_efs(definition) {
        let iam = efs.at(&["authorizationConfig", "iam"]).and_then(Tree::as_text) == Some("ENABLED");
        let needs = [
            (iam, "authorizationConfig", "IAM authorization"),
            (access_point(efs), "authorizationConfig", "an access point"),
            (efs.get("transitEncryptionPort").is_some(), "transitEncryptionPort", "transitEncryptionPort"),
        ];
        let first = needs.into_iter().find(|(needs, ..)| *needs);
        if let Some((_, member, what)) = first.filter(|_| efs.text("transitEncryption") != Some("ENABLED")) {
            let message = format!("{what} needs encrypted transit");
            report.key(at.name(member), message, "write transitEncryption: ENABLED");
        }
    }
}

fn efs_root(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, efs) in each_efs(definition) {
        let elsewhere = efs.text("rootDirectory").filter(|root| !["", "/"].contains(root));
        if let Some(root) = elsewhere.filter(|_| access_point(efs)) {
            let message = format!("rootDirectory {root} beside an access point, which has its own");
            report.value(at.name("rootDirectory"), message, "leave it out");
        }
    }
}
