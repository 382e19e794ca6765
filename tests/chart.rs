//! The Helm chart: what two versions of helm make of every shape in ci/, held to Kubernetes' schemas, to the restricted
//! profile and to the program's own flags.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::process::{Said, have, program, said};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

/// Both are in use; `.ci/run parts` fetches them.
const HELMS: [&str; 2] = ["helm-3", "helm-4"];

/// The oldest that has what the chart uses, and the newest that the validator knows well.
const KUBERNETES: [&str; 2] = ["1.29", "1.34"];

fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/ecs-operator")
}

/// Every shape that is tried.
fn shapes() -> Vec<PathBuf> {
    let mut all: Vec<_> = fs::read_dir(chart().join("ci")).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    assert!(all.len() >= 5, "{all:?}");
    all
}

/// The helms that are installed.
fn helms(test: &str) -> Vec<&'static str> {
    HELMS.into_iter().filter(|helm| have(test, helm, Command::new(helm).arg("version"))).collect()
}

fn template(helm: &str, values: &Path, more: &[&str]) -> Said {
    let mut command = Command::new(helm);
    command.args(["template", "it", "--namespace", "ecs"]).arg(chart()).arg("--values").arg(values);
    said(command.args(more))
}

fn documents(text: &str) -> Vec<Value> {
    let all = serde_yaml::Deserializer::from_str(text).map(|one| Value::deserialize(one).unwrap());
    all.filter(|one| !one.is_null()).collect()
}

/// The pods in what was rendered: of deployments, and of tests.
fn pods(documents: &[Value]) -> Vec<&Value> {
    let pod = |one: &'_ Value| match one["kind"].as_str()? {
        "Deployment" => Some("template"),
        "Pod" => Some(""),
        _ => None,
    };
    documents
        .iter()
        .filter_map(|one| Some(if pod(one)?.is_empty() { &one["spec"] } else { &one["spec"]["template"]["spec"] }))
        .collect()
}

fn containers(pod: &Value) -> Vec<&Value> {
    ["initContainers", "containers"].iter().filter_map(|kind| pod[*kind].as_array()).flatten().collect()
}

#[test]
fn helm_takes_every_shape() {
    for helm in helms("helm_takes_every_shape") {
        for shape in shapes() {
            let told = said(Command::new(helm).args(["lint", "--strict"]).arg(chart()).arg("--values").arg(&shape));
            assert_eq!(told.code, 0, "{helm} {}: {}\n{}", shape.display(), told.out, told.err);
            let told = template(helm, &shape, &[]);
            assert_eq!(told.code, 0, "{helm} {}: {}", shape.display(), told.err);
            let names: Vec<String> = documents(&told.out)
                .iter()
                .map(|one| format!("{} {}/{}", one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]))
                .collect();
            for name in &names {
                assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name} is made twice");
            }
        }
    }
}

#[test]
fn kubernetes_takes_what_is_made() {
    let test = "kubernetes_takes_what_is_made";
    if !have(test, "kubernetes-validate", Command::new("kubernetes-validate").arg("--version")) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let mut files = Vec::new();
    for helm in helms(test) {
        for shape in shapes() {
            let file = folder.path().join(format!("{helm}-{}", shape.file_name().unwrap().to_str().unwrap()));
            // Kinds of the Prometheus operator are not Kubernetes' own.
            let all = documents(&template(helm, &shape, &[]).out);
            let own = all.iter().filter(|one| one["apiVersion"] != "monitoring.coreos.com/v1");
            fs::write(&file, own.map(|one| format!("---\n{one}\n")).collect::<String>()).unwrap();
            files.push(file);
        }
    }
    if files.is_empty() {
        return;
    }
    for version in KUBERNETES {
        let told = said(Command::new("kubernetes-validate").args(["-k", version, "--strict"]).args(&files));
        assert!(told.code == 0 && !told.err.contains("WARN"), "{version}: {}\n{}", told.out, told.err);
    }
}

/// <https://kubernetes.io/docs/concepts/security/pod-security-standards/>, restricted; and a read-only root besides.
#[test]
fn pods_keep_to_the_restricted_profile() {
    for helm in helms("pods_keep_to_the_restricted_profile") {
        for shape in shapes() {
            let rendered = documents(&template(helm, &shape, &[]).out);
            let pods = pods(&rendered);
            assert_eq!(pods.len(), 2, "{}", shape.display());
            for pod in pods {
                let profile = broken_rules(pod);
                assert!(profile.is_empty(), "{helm} {}: {profile:?}", shape.display());
            }
        }
    }
}

fn broken_rules(pod: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    let mut rule = |holds: bool, what: String| {
        if !holds {
            broken.push(what);
        }
    };
    for shared in ["hostNetwork", "hostPID", "hostIPC"] {
        rule(pod[shared].as_bool() != Some(true), shared.to_owned());
    }
    rule(pod["automountServiceAccountToken"] == false, "the ServiceAccount's token is mounted".to_owned());
    rule(pod["securityContext"]["runAsNonRoot"] == true, "runAsNonRoot".to_owned());
    rule(pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", "seccompProfile".to_owned());
    let volumes = pod["volumes"].as_array().map(Vec::as_slice).unwrap_or_default();
    rule(volumes.iter().all(|volume| volume["hostPath"].is_null()), "hostPath".to_owned());
    for container in containers(pod) {
        let (name, context) = (&container["name"], &container["securityContext"]);
        rule(context["allowPrivilegeEscalation"] == false, format!("{name}: allowPrivilegeEscalation"));
        rule(context["privileged"].as_bool() != Some(true), format!("{name}: privileged"));
        rule(context["capabilities"]["drop"] == serde_json::json!(["ALL"]), format!("{name}: capabilities"));
        rule(context["capabilities"]["add"].is_null(), format!("{name}: added capabilities"));
        rule(context["readOnlyRootFilesystem"] == true, format!("{name}: readOnlyRootFilesystem"));
        let user = context["runAsUser"].as_u64().or_else(|| pod["securityContext"]["runAsUser"].as_u64());
        rule(user.is_some_and(|user| user > 0), format!("{name}: runAsUser"));
        rule(container["resources"]["limits"]["memory"].is_string(), format!("{name}: no limit of memory"));
        let ports = container["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
        rule(ports.iter().all(|port| port["hostPort"].is_null()), format!("{name}: hostPort"));
    }
    broken
}

/// The check itself: a pod without a word about security breaks nearly all of it.
#[test]
fn a_careless_pod_is_found() {
    let pod = serde_json::json!({
        "hostNetwork": true,
        "volumes": [{ "name": "x", "hostPath": { "path": "/" } }],
        "containers": [{ "name": "c", "securityContext": { "capabilities": { "add": ["SYS_ADMIN"] } } }],
    });
    assert_eq!(broken_rules(&pod).len(), 11, "{:?}", broken_rules(&pod));
}

/// The program itself reads the arguments that the chart gives it.
#[test]
fn the_program_understands_its_arguments() {
    for helm in helms("the_program_understands_its_arguments") {
        for shape in shapes() {
            let rendered = documents(&template(helm, &shape, &[]).out);
            for pod in pods(&rendered) {
                let container = containers(pod).into_iter().find(|one| one["name"] != "git-sync").unwrap();
                let arguments = container["args"].as_array().unwrap().iter().map(|one| one.as_str().unwrap());
                let told = said(program().args(arguments).arg("--print-config"));
                assert_eq!(told.code, 0, "{helm} {}: {}", shape.display(), told.err);
            }
        }
    }
}

/// One value against another: what is set, and a part of the sentence that says what to do.
const CONTRADICTIONS: &[(&str, &[&str], &str)] = &[
    ("git-https", &["source.gitSync.repo="], "name the repository with the manifests"),
    ("git-https", &["source.gitSync.ssh.existingSecret=key"], "keep the one that the repository's address needs"),
    ("git-https", &["source.gitSync.repo=git@h:r.git"], "sent over https alone"),
    ("git-https", &["source.gitSync.port=8081"], "probePort and source.gitSync.port are the same"),
    ("git-https", &["source.configMap.name=x"], "source.configMap is filled in"),
    ("git-https", &["source.existingClaim.name=x"], "source.existingClaim.name is set"),
    (
        "git-https",
        &["aws.roleArn=arn:aws:iam::123456789012:role/x"],
        "aws.roleArn and aws.podIdentity are set together",
    ),
    ("git-https", &["serviceMonitor.enabled=true", "podMonitor.enabled=true"], "scraped twice"),
    ("git-https", &["prometheusRule.disabled[0]=Nothing"], "an alert \"Nothing\" that is not there"),
    ("git-ssh-irsa", &["source.gitSync.repo=https://h/r.git"], "give git@HOST:PATH"),
    ("git-ssh-irsa", &["serviceAccount.create=false"], "annotate the existing one"),
    ("git-ssh-irsa", &["serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn=x"], "the role is given twice"),
    ("git-ssh-irsa", &["prometheusRule.overrides.EcsOperatorDriftLoop.for=1h"], "both disables and overrides"),
    ("config-map", &["source.gitSync.repo=https://h/r.git"], "leave the repository out"),
    ("config-map", &["source.configMap.name="], "source.configMap is empty"),
    ("config-map", &["source.configMap.files.a=b"], "not both"),
    ("config-map", &["settings.region="], "set settings.region"),
    ("sim", &["aws.podIdentity=true"], "settings.sim needs no credentials"),
    ("sim", &["settings.endpointUrl=http://h"], "both say where requests go"),
    ("sim", &["replicaCount=2"], "all would write"),
    ("sim", &["leaderElection.enabled=true"], "an ECS of its own"),
    ("sim", &["leaderElection.leaseName=x"], "leaderElection.leaseName is set"),
    ("existing-claim", &["source.existingClaim.name="], "name the PersistentVolumeClaim"),
];

#[test]
fn contradictions_are_refused_with_a_sentence() {
    let sentences = fs::read_to_string(chart().join("templates/_helpers.tpl")).unwrap().matches("fail ").count();
    assert_eq!(sentences, CONTRADICTIONS.len(), "a sentence has no case, or a case no sentence");
    for helm in helms("contradictions_are_refused_with_a_sentence") {
        for (shape, sets, sentence) in CONTRADICTIONS {
            let more: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
            let told = template(helm, &chart().join(format!("ci/{shape}-values.yaml")), &more);
            assert!(told.code != 0 && told.err.contains(sentence), "{helm} {shape} {sets:?}: {}", told.err);
        }
    }
}

#[test]
fn values_that_are_not_there_are_refused() {
    let shape = chart().join("ci/git-https-values.yaml");
    for helm in helms("values_that_are_not_there_are_refused") {
        for wrong in ["setings.owner=x", "settings.ownr=x", "replicaCount=9", "port=http", "settings.workers=0"] {
            let told = template(helm, &shape, &["--set", wrong]);
            assert_ne!(told.code, 0, "{helm} took {wrong}");
        }
    }
}

#[test]
fn every_value_is_described_and_the_schema_is_closed() {
    let read = |name: &str| fs::read_to_string(chart().join(name)).unwrap();
    let values: Value = serde_yaml::from_str(&read("values.yaml")).unwrap();
    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    let documented: Vec<String> = read("values.yaml")
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("# -- ").map(str::to_owned))
        .collect();
    let mut described = Vec::new();
    compare("", &values, &schema, &mut described);
    described.sort();
    let mut lines = documented;
    lines.sort();
    assert_eq!(described, lines, "values.yaml and values.schema.json describe values differently");
}

/// Walks values and schema side by side; what the schema says of each value is collected.
fn compare(path: &str, value: &Value, schema: &Value, described: &mut Vec<String>) {
    let Some(members) = schema["properties"].as_object() else {
        let words = schema["description"].as_str().unwrap_or_else(|| panic!("{path} is not described"));
        described.push(words.to_owned());
        return;
    };
    assert_eq!(schema["additionalProperties"], false, "{path} is open");
    let value = value.as_object().unwrap_or_else(|| panic!("{path} has no members"));
    for name in value.keys() {
        assert!(members.contains_key(name), "{path}.{name} is not in the schema");
    }
    for (name, member) in members.iter().filter(|(name, _)| *name != "global") {
        let inner = value.get(name).unwrap_or_else(|| panic!("{path}.{name} is not in values.yaml"));
        compare(&format!("{path}.{name}"), inner, member, described);
    }
}
