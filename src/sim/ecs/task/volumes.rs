//! Managed EBS volumes: configured when a task or a service is, made and attached with each task, deleted or kept when
//! it stops (docs/ecs.md §4.2, §5.1). Must not know: who launches.
//!
//! A service's volumes are deleted with each of its tasks; those of a standalone task too, unless its
//! `terminationPolicy` says `deleteOnTermination: false`. What is kept stays in the account, attached to nothing.

use crate::shape::{Time, Tree};
use crate::tree;

use super::super::super::world::World;
use super::super::{Ecs, Fault};
use super::Task;

/// A task has one such volume at most (§4.2).
const MOST: usize = 1;
/// MiB a second; with gp3 only.
const THROUGHPUT: std::ops::RangeInclusive<i64> = 125..=1_000;
/// MiB a second; with a snapshot only.
const INITIALIZATION_RATE: std::ops::RangeInclusive<i64> = 100..=300;

/// What a volume type takes: sizes in GiB, iops where they may be given, and whether they must be.
struct Kind {
    name: &'static str,
    sizes: (i64, i64),
    iops: Option<(i64, i64)>,
    iops_required: bool,
}

const fn kind(name: &'static str, sizes: (i64, i64), iops: Option<(i64, i64)>, iops_required: bool) -> Kind {
    Kind { name, sizes, iops, iops_required }
}

const KINDS: &[Kind] = &[
    kind("gp3", (1, 16_384), Some((3_000, 16_000)), false),
    kind("gp2", (1, 16_384), None, false),
    kind("io1", (4, 16_384), Some((100, 64_000)), true),
    kind("io2", (4, 16_384), Some((100, 256_000)), true),
    kind("st1", (125, 16_384), None, false),
    kind("sc1", (125, 16_384), None, false),
    kind("standard", (1, 1_024), None, false),
];

/// A volume in the account.
#[derive(Clone, Debug)]
pub struct Volume {
    pub id: String,
    pub size_gib: i64,
    pub kind: String,
    pub zone: String,
    pub created: Time,
    /// The task it is attached to, by cluster and id.
    pub attached_to: Option<(String, String)>,
}

/// A volume as its task shows it.
#[derive(Clone, Debug)]
pub struct Disk {
    pub attachment_id: String,
    /// In the task definition.
    pub name: String,
    pub volume: String,
    pub role: String,
    pub deleted_with_task: bool,
    pub status: &'static str,
}

/// Judges `volumeConfigurations` against the definition they configure.
///
/// # Errors
/// `InvalidParameterException`. The first two texts are ECS's; where it adds what EBS said, that is worded here.
pub fn judge(configurations: &[Tree], definition: &Tree, fargate: bool) -> Result<(), Fault> {
    let at_launch = |volume: &&Tree| volume.bool("configuredAtLaunch") == Some(true);
    let open = definition.list("volumes").iter().filter(at_launch).filter_map(|volume| volume.text("name"));
    let open = open.collect::<Vec<_>>();
    for one in configurations {
        let name = one.text("name").unwrap_or_default();
        if !open.contains(&name) {
            return Err(Fault::invalid(format!(
                "The volume name '{name}' in your request does not have a matching volume in your Task Definition"
            )));
        }
    }
    if configurations.len() > MOST {
        return Err(Fault::invalid("Only one volume can be configured at launch."));
    }
    let configured = |name: &&str| configurations.iter().any(|one| one.text("name") == Some(name));
    if let Some(name) = open.iter().find(|name| !configured(name)) {
        let text = format!("The volume '{name}' of your Task Definition is configured at launch: configure it.");
        return Err(Fault::invalid(text));
    }
    configurations.iter().try_for_each(|one| {
        let ebs = one.get("managedEBSVolume").ok_or("MissingParameter: managedEBSVolume");
        let verdict = ebs.map_err(str::to_owned).and_then(|ebs| judge_ebs(ebs, fargate));
        verdict.map_err(|why| Fault::invalid(format!("ECS managed EBS volume configuration was invalid. {why}")))
    })
}

fn judge_ebs(ebs: &Tree, fargate: bool) -> Result<(), String> {
    let combination = |text: &str| Err(format!("InvalidParameterCombination: {text}"));
    let value = |text: String| Err(format!("InvalidParameterValue: {text}"));
    let name = ebs.text("volumeType").unwrap_or("gp3");
    let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
        return value(format!("there is no volume type {name}"));
    };
    if fargate && name == "standard" {
        return combination("the volume type standard is not supported on Fargate");
    }
    let (size, snapshot) = (ebs.int("sizeInGiB"), ebs.text("snapshotId"));
    if size.is_none() && snapshot.is_none() {
        return Err("MissingParameter: the request must contain the parameter size or snapshotId".into());
    }
    let (least, most) = kind.sizes;
    if size.is_some_and(|size| !(least..=most).contains(&size)) {
        return value(format!("a volume of type {name} has {least} to {most} GiB"));
    }
    match (ebs.int("iops"), kind.iops) {
        (None, _) if kind.iops_required => {
            return Err(format!("MissingParameter: the parameter iops must be specified for {name} volumes"));
        }
        (Some(_), None) => return combination(&format!("the parameter iops is not supported for {name} volumes")),
        (Some(iops), Some((least, most))) if !(least..=most).contains(&iops) => {
            return value(format!("a volume of type {name} has {least} to {most} iops"));
        }
        _ => {}
    }
    match ebs.int("throughput") {
        Some(_) if name != "gp3" => return combination("the parameter throughput is supported for gp3 volumes only"),
        Some(rate) if !THROUGHPUT.contains(&rate) => return value("throughput lies between 125 and 1000".into()),
        _ => {}
    }
    match ebs.int("volumeInitializationRate") {
        Some(_) if snapshot.is_none() => combination("volumeInitializationRate requires a snapshotId"),
        Some(rate) if !INITIALIZATION_RATE.contains(&rate) => {
            value("volumeInitializationRate lies between 100 and 300".into())
        }
        _ => Ok(()),
    }
}

/// Makes the volumes of a new task.
pub(super) fn create(
    world: &mut World,
    task: &(String, String),
    zone: &str,
    in_service: bool,
    configurations: &[Tree],
) -> Vec<Disk> {
    let made = configurations.iter().filter_map(|one| Some((one.text("name")?, one.get("managedEBSVolume")?)));
    let made = made.map(|(name, ebs)| {
        let id = format!("vol-0{}", world.chars(16, b"0123456789abcdef"));
        let volume = Volume {
            id: id.clone(),
            // A snapshot's own size is not known here: the least there is.
            size_gib: ebs.int("sizeInGiB").unwrap_or(1),
            kind: ebs.text("volumeType").unwrap_or("gp3").to_owned(),
            zone: zone.to_owned(),
            created: world.now(),
            attached_to: Some(task.clone()),
        };
        world.ecs.volumes.insert(id.clone(), volume);
        let kept = ebs.at(&["terminationPolicy", "deleteOnTermination"]).and_then(Tree::as_bool) == Some(false);
        Disk {
            attachment_id: world.uuid(),
            name: name.to_owned(),
            volume: id,
            role: ebs.text("roleArn").unwrap_or_default().to_owned(),
            deleted_with_task: in_service || !kept,
            status: "CREATED",
        }
    });
    made.collect()
}

/// The volumes go along with the task's interface.
pub(super) fn turn(task: &mut Task, status: &'static str) {
    for disk in &mut task.disks {
        disk.status = status;
    }
}

/// The task is STOPPED: its volumes are deleted, or kept.
pub(super) fn release(ecs: &mut Ecs, key: &(String, String)) {
    let Some(task) = ecs.tasks.get_mut(key) else { return };
    for disk in &mut task.disks {
        if disk.deleted_with_task {
            disk.status = "DELETED";
            ecs.volumes.remove(&disk.volume);
        } else {
            disk.status = "DETACHED";
            if let Some(volume) = ecs.volumes.get_mut(&disk.volume) {
                volume.attached_to = None;
            }
        }
    }
}

/// A task that is forgotten with its cluster leaves no volume behind that was to go with it.
pub fn forget_cluster(ecs: &mut Ecs, cluster: &str) {
    let keys = ecs.tasks.keys().filter(|(of, _)| of == cluster).cloned().collect::<Vec<_>>();
    for key in keys {
        release(ecs, &key);
    }
}

/// The attachments, as DescribeTasks shows them (§3.2).
pub(super) fn attachments(ecs: &Ecs, task: &Task) -> Vec<Tree> {
    let detail = |name: &str, value: &str| tree! { "name" => name, "value" => value };
    let shown = task.disks.iter().map(|disk| {
        let mut details = vec![
            detail("roleArn", &disk.role),
            detail("volumeName", &disk.name),
            detail("deleteOnTermination", if disk.deleted_with_task { "true" } else { "false" }),
        ];
        if disk.status != "CREATED" {
            details.push(detail("volumeId", &disk.volume));
        }
        if let Some(volume) = ecs.volumes.get(&disk.volume) {
            details.push(detail("volumeSize", &volume.size_gib.to_string()));
        }
        tree! {
            "id" => &disk.attachment_id,
            "type" => "AmazonElasticBlockStorage",
            "status" => disk.status,
            "details" => details,
        }
    });
    shown.collect()
}
