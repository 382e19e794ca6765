//! EBS volumes that a service gives each of its tasks (docs/ecs.md §4.2, §5.1).

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Service, has};
use crate::shape::Tree;

use super::row;

/// What a type of volume can have.
struct Type {
    name: &'static str,
    gib: (i64, i64),
    /// Absent where they can't be set.
    iops: Option<(i64, i64)>,
}

const fn of_type(name: &'static str, gib: (i64, i64), iops: Option<(i64, i64)>) -> Type {
    Type { name, gib, iops }
}

/// Where sources differ, the wider range: EBS has raised its limits more than once.
const TYPES: &[Type] = &[
    of_type("gp2", (1, 16_384), None),
    of_type("gp3", (1, 65_536), Some((3_000, 80_000))),
    of_type("io1", (4, 16_384), Some((100, 64_000))),
    of_type("io2", (4, 65_536), Some((100, 256_000))),
    of_type("st1", (125, 16_384), None),
    of_type("sc1", (125, 16_384), None),
    of_type("standard", (1, 1_024), None),
];
/// What ECS takes where a manifest names no type.
const TYPE_DEFAULT: &str = "gp3";

pub const RULES: &[Rule] = &[
    row!(
        "ebs-size",
        Error,
        Look::Service(size),
        "An EBS volume has a size that its type can have, or a snapshot to take it from (ECS: EBS volume \
         configuration)."
    ),
    row!(
        "ebs-performance",
        Error,
        Look::Service(performance),
        "IOPS can be set for gp3, io1 and io2, and must be for the latter two; throughput only for gp3 (ECS: EBS volume \
         configuration)."
    ),
    row!(
        "ebs-initialization",
        Error,
        Look::Service(initialization),
        "A rate of initialization is that of a snapshot (ECS: EBS volume configuration)."
    ),
    row!("ebs-daemon", Error, Look::Service(daemon), "EBS volumes are for REPLICA services (ECS: EBS volumes)."),
];

fn each<'a>(service: &Service<'a>) -> impl Iterator<Item = (crate::shape::Path, &'a Tree)> + use<'a> {
    let member = "managedEBSVolume";
    service.items("volumeConfigurations").filter_map(move |(at, one)| Some((at.name(member), one.get(member)?)))
}

fn kind(volume: &Tree) -> &str {
    volume.text("volumeType").unwrap_or(TYPE_DEFAULT)
}

fn size(service: &Service<'_>, report: &mut Report<'_>) {
    for (at, volume) in each(service) {
        let Some(gib) = volume.int("sizeInGiB") else {
            if !has(volume, "snapshotId") {
                report.key(at, "a volume with neither a size nor a snapshot", "add sizeInGiB");
            }
            continue;
        };
        let Some(Type { name, gib: (min, max), .. }) = TYPES.iter().find(|one| one.name == kind(volume)) else {
            continue;
        };
        if !(*min..=*max).contains(&gib) {
            report.value(
                at.name("sizeInGiB"),
                format!("{gib} GiB; {name} volumes have {min} to {max}"),
                "choose a size in between",
            );
        }
    }
}

fn performance(service: &Service<'_>, report: &mut Report<'_>) {
    for (at, volume) in each(service) {
        let kind = kind(volume);
        let Some(row) = TYPES.iter().find(|one| one.name == kind) else { continue };
        match (volume.int("iops"), row.iops) {
            (Some(_), None) => report.key(at.name("iops"), format!("iops can't be set for {kind}"), "leave it out"),
            (Some(iops), Some((min, max))) if !(min..=max).contains(&iops) => {
                report.value(
                    at.name("iops"),
                    format!("{iops} IOPS; {kind} has {min} to {max}"),
                    "choose a number in between",
                );
            }
            (None, _) if ["io1", "io2"].contains(&kind) => {
                report.key(at.clone(), format!("a volume of type {kind} without iops"), "add iops");
            }
            _ => {}
        }
        if volume.get("throughput").is_some() && kind != "gp3" {
            report.key(
                at.name("throughput"),
                format!("throughput can't be set for {kind}"),
                "leave it out, or use gp3",
            );
        }
    }
}

fn initialization(service: &Service<'_>, report: &mut Report<'_>) {
    for (at, volume) in each(service) {
        if volume.get("volumeInitializationRate").is_some() && !has(volume, "snapshotId") {
            report.key(at.name("volumeInitializationRate"), "there is no snapshot to initialize from", "leave it out");
        }
    }
}

fn daemon(service: &Service<'_>, report: &mut Report<'_>) {
    if service.is_daemon() && has(service.spec, "volumeConfigurations") {
        report.key("volumeConfigurations", "EBS volumes for a DAEMON service", "use REPLICA, or a host volume");
    }
}
