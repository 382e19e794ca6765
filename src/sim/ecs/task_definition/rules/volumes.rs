//! Volumes, and the containers that mount them (docs/ecs.md §4.2, §4.3).

use std::collections::BTreeSet;

use crate::shape::Tree;

use super::{Draft, Rule, Verdict, each_container, has, refuse_if};

/// A volume is one of these, or none: then it is an anonymous one.
const KINDS: &[&str] = &[
    "configuredAtLaunch",
    "dockerVolumeConfiguration",
    "efsVolumeConfiguration",
    "s3filesVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
    "host",
];
/// Volumes that a service or RunTask configures (EBS) a definition.
const AT_LAUNCH_LIMIT: usize = 1;
/// Kinds that instances outside AWS can't mount.
const NOT_EXTERNAL: &[&str] = &[
    "efsVolumeConfiguration",
    "configuredAtLaunch",
    "s3filesVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
];

/// Kinds that Linux alone mounts, and the one that Windows alone does.
const LINUX_ONLY: &[&str] = &["efsVolumeConfiguration", "configuredAtLaunch"];
const WINDOWS_ONLY: &str = "fsxWindowsFileServerVolumeConfiguration";

pub const RULES: &[Rule] = &[
    Rule { name: "volumes have unique names", check: have_unique_names },
    Rule { name: "volumes are of one kind", check: are_of_one_kind },
    Rule { name: "one volume at launch", check: one_at_launch },
    Rule { name: "volumes are known", check: are_known },
    Rule { name: "volumes come from known containers", check: come_from_known_containers },
    Rule { name: "efs: iam", check: efs_iam },
    Rule { name: "efs: port", check: efs_port },
    Rule { name: "efs: access point", check: efs_access_point },
    Rule { name: "volumes fit the operating system", check: fit_the_system },
    Rule { name: "external: volumes", check: external_volumes },
];

/// Wordings are ours.
fn have_unique_names(draft: &Draft) -> Verdict {
    let mut seen = BTreeSet::new();
    draft.input.list("volumes").iter().try_for_each(|volume| {
        let label = volume.text("name").unwrap_or_default();
        refuse_if(label.is_empty(), "Volume.name should not be null or empty.")?;
        refuse_if(!seen.insert(label), format!("Volume names must be unique within a task definition: '{label}'."))
    })
}

/// Wording is ours.
fn are_of_one_kind(draft: &Draft) -> Verdict {
    draft.input.list("volumes").iter().try_for_each(|volume| {
        let label = volume.text("name").unwrap_or_default();
        // An empty `host`, and a false `configuredAtLaunch`, say nothing.
        let set = |kind: &&&str| has(volume, kind) && volume.bool(kind) != Some(false);
        let kinds = KINDS.iter().filter(set).count();
        refuse_if(kinds > 1, format!("Volume '{label}' has more than one configuration."))
    })
}

/// Wording is ours.
fn one_at_launch(draft: &Draft) -> Verdict {
    let volumes = draft.input.list("volumes");
    let many = volumes.iter().filter(|volume| volume.bool("configuredAtLaunch") == Some(true)).count();
    refuse_if(many > AT_LAUNCH_LIMIT, "Only one volume can be configured at launch.")
}

fn are_known(draft: &Draft) -> Verdict {
    let volumes = draft.input.list("volumes");
    each_container(draft, |container| {
        container.list("mountPoints").iter().filter_map(|mount| mount.text("sourceVolume")).try_for_each(|source| {
            let known = volumes.iter().any(|volume| volume.text("name") == Some(source));
            refuse_if(!known, format!("Unknown volume '{source}'."))
        })
    })
}

/// Wording is ours.
fn come_from_known_containers(draft: &Draft) -> Verdict {
    each_container(draft, |container| {
        let sources = container.list("volumesFrom").iter().filter_map(|from| from.text("sourceContainer"));
        sources.into_iter().try_for_each(|source| {
            refuse_if(draft.container(source).is_none(), format!("Unknown source container '{source}'."))
        })
    })
}

fn each_efs(draft: &Draft, check: impl FnMut(&Tree) -> Verdict) -> Verdict {
    draft.input.list("volumes").iter().filter_map(|volume| volume.get("efsVolumeConfiguration")).try_for_each(check)
}

fn encrypted(efs: &Tree) -> bool {
    efs.text("transitEncryption") == Some("ENABLED")
}

fn efs_iam(draft: &Draft) -> Verdict {
    each_efs(draft, |efs| {
        let iam = efs.at(&["authorizationConfig", "iam"]).and_then(Tree::as_text) == Some("ENABLED");
        refuse_if(iam && !encrypted(efs), "EFS IAM authorization requires TransitEncryption to be enabled")
    })
}

fn efs_port(draft: &Draft) -> Verdict {
    each_efs(draft, |efs| {
        let port = efs.get("transitEncryptionPort").is_some();
        refuse_if(port && !encrypted(efs), "TransitEncryptionPort requires that TransitEncryption is enabled")
    })
}

fn efs_access_point(draft: &Draft) -> Verdict {
    each_efs(draft, |efs| {
        let point = efs.at(&["authorizationConfig", "accessPointId"]).is_some_and(|id| !id.is_empty());
        let elsewhere = efs.text("rootDirectory").is_some_and(|root| !["", "/"].contains(&root));
        let text = "When using an EFS access point, the root directory must either be set to \"/\" or be omitted";
        refuse_if(point && elsewhere, text)?;
        let text = "EFS access points require TransitEncryption to be enabled"; // our wording
        refuse_if(point && !encrypted(efs), text)
    })
}

/// Wording is ours. A definition that names no operating system runs on its instances', whatever that is.
fn fit_the_system(draft: &Draft) -> Verdict {
    let linux = draft.input.at(&["runtimePlatform", "operatingSystemFamily"]).and_then(Tree::as_text) == Some("LINUX");
    draft.input.list("volumes").iter().try_for_each(|volume| {
        LINUX_ONLY.iter().try_for_each(|kind| {
            let present = has(volume, kind) && volume.bool(kind) != Some(false);
            refuse_if(draft.is_windows() && present, format!("{kind} is not supported on Windows."))
        })?;
        refuse_if(linux && has(volume, WINDOWS_ONLY), format!("{WINDOWS_ONLY} is only supported on Windows."))
    })
}

/// Wording is ours.
fn external_volumes(draft: &Draft) -> Verdict {
    NOT_EXTERNAL.iter().try_for_each(|kind| {
        let present = draft.input.list("volumes").iter().any(|it| has(it, kind) && it.bool(kind) != Some(false));
        let text = format!("External compatible task definitions do not support {kind}");
        refuse_if(draft.external && present, text)
    })
}
