//! A real kube-apiserver over a real etcd, the chart's own Role, and whole processes of the operator.
#![cfg(feature = "kubernetes")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail by panicking, and processes of their own run in real time"
)]

mod common;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use common::process::{Child, Sim, get, have, image, program, said, tagged, until, until_within, write_hello};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/ecs/leases";
/// Far more than taking over takes; how long it takes at most is measured in virtual time.
const SOON: Duration = Duration::from_secs(45);

fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An API server that lets tokens in, and whoever has the first of them do anything.
struct Cluster {
    folder: TempDir,
    port: u16,
    server: Child,
    _etcd: Child,
    runtime: tokio::runtime::Runtime,
}

impl Cluster {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let (client, peer, port) = (free(), free(), free());
        let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        let etcd = Child::start(Command::new("etcd").args(["--data-dir", &at("etcd")]).args([
            "--listen-client-urls",
            &client,
            "--advertise-client-urls",
            &client,
            "--listen-peer-urls",
            &peer,
        ]));
        let made = said(Command::new("openssl").args(["genrsa", "-out", &at("sa.key"), "2048"]));
        assert_eq!(made.code, 0, "{}", made.err);
        fs::write(at("tokens.csv"), "admin,admin,1,system:masters\n").unwrap();
        let server = Child::start(
            Command::new("kube-apiserver")
                .args(["--etcd-servers", &client, "--bind-address", "127.0.0.1", "--secure-port", &port.to_string()])
                .args(["--cert-dir", &at("certs"), "--token-auth-file", &at("tokens.csv")])
                .args([
                    "--service-account-key-file",
                    &at("sa.key"),
                    "--service-account-signing-key-file",
                    &at("sa.key"),
                ])
                .args(["--service-account-issuer", "https://kubernetes.default.svc", "--authorization-mode", "RBAC"])
                .args(["--service-cluster-ip-range", "10.0.0.0/24"]),
        );
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let cluster = Self { folder, port, server, _etcd: etcd, runtime };
        until("the API server's certificate", || cluster.authority());
        until("a ready API server", || (cluster.ask("admin", "GET", "/readyz", None).0 == 200).then_some(()));
        cluster
    }

    /// The certificate that signed the server's: the last of the file.
    fn authority(&self) -> Option<PathBuf> {
        let chain = fs::read_to_string(self.folder.path().join("certs/apiserver.crt")).ok()?;
        let last = chain.rfind("-----BEGIN").filter(|_| chain.trim_end().ends_with("END CERTIFICATE-----"))?;
        let path = self.folder.path().join("ca.crt");
        fs::write(&path, chain.split_at(last).1).unwrap();
        Some(path)
    }

    /// A kubeconfig for a token.
    fn kubeconfig(&self, token: &str) -> PathBuf {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{ "name": "it", "cluster": {
                "server": format!("https://127.0.0.1:{}", self.port),
                "certificate-authority": self.folder.path().join("ca.crt"),
            } }],
            "users": [{ "name": "it", "user": { "token": token } }],
            "contexts": [{ "name": "it", "context": { "cluster": "it", "user": "it", "namespace": "ecs" } }],
        });
        let path = self.folder.path().join(format!("config-{}", token.len()));
        fs::write(&path, config.to_string()).unwrap();
        path
    }

    /// Asks with a token: the status, and what was said.
    fn ask(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let config: Kubeconfig = Kubeconfig::read_from(self.kubeconfig(token)).unwrap();
        self.runtime.block_on(async {
            let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
            let client = kube::Client::try_from(config).unwrap();
            let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
            let request = http::Request::builder().method(method).uri(path).header("content-type", "application/json");
            match client.request_text(request.body(body).unwrap()).await {
                Ok(text) => (200, serde_json::from_str(&text).unwrap_or_default()),
                Err(kube::Error::Api(status)) => (status.code, json!(status.message)),
                Err(error) => (0, json!(error.to_string())),
            }
        })
    }

    /// What the chart makes for the Lease, and a token of its ServiceAccount.
    fn install(&self) -> String {
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/ecs-operator");
        let values = chart.join("ci/git-https-values.yaml");
        let mut helm = Command::new("helm-3");
        helm.args(["template", "it", "--namespace", "ecs", "--kube-version", "1.34"]).arg(&chart).arg("--values");
        let told = said(helm.arg(values).args(["--set", "fullnameOverride=it"]));
        assert_eq!(told.code, 0, "{}", told.err);
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "ecs" } });
        assert_eq!(self.ask("admin", "POST", "/api/v1/namespaces", Some(&namespace)).0, 200);
        for document in serde_yaml::Deserializer::from_str(&told.out) {
            let object = Value::deserialize(document).unwrap();
            let path = match object["kind"].as_str().unwrap_or_default() {
                "Lease" => LEASES.to_owned(),
                "ServiceAccount" => "/api/v1/namespaces/ecs/serviceaccounts".to_owned(),
                "Role" => "/apis/rbac.authorization.k8s.io/v1/namespaces/ecs/roles".to_owned(),
                "RoleBinding" => "/apis/rbac.authorization.k8s.io/v1/namespaces/ecs/rolebindings".to_owned(),
                _ => continue,
            };
            let (status, said) = self.ask("admin", "POST", &path, Some(&object));
            assert_eq!(status, 200, "{said}");
        }
        let wanted = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} });
        let (status, said) =
            self.ask("admin", "POST", "/api/v1/namespaces/ecs/serviceaccounts/it/token", Some(&wanted));
        assert_eq!(status, 200, "{said}");
        said["status"]["token"].as_str().unwrap().to_owned()
    }

    fn holder(&self) -> Option<String> {
        let (_, lease) = self.ask("admin", "GET", &format!("{LEASES}/it"), None);
        lease["spec"]["holderIdentity"].as_str().map(str::to_owned)
    }
}

/// A replica as a process.
struct Replica {
    child: Child,
    face: SocketAddr,
}

impl Replica {
    fn start(dir: &Path, sim: &Sim, kubeconfig: &Path, name: &str) -> Self {
        let mut command = program();
        command.arg("run").arg(dir).args(["--endpoint-url", &sim.world.url(), "--listen", "127.0.0.1:0"]);
        command.args(["--resync", "1s", "--active", "1s", "--log-format", "json"]);
        command.args(["--leader-election", "--lease-name", "it", "--lease-identity", name]);
        let child = Child::start(command.env("KUBECONFIG", kubeconfig));
        let face = until("the address of metrics and probes", || {
            let log = child.err();
            let line = log.lines().find(|line| line.contains("metrics and probes listen"))?;
            let line: Value = serde_json::from_str(line).ok()?;
            line["address"].as_str()?.parse().ok()
        });
        Self { child, face }
    }

    fn leads(&self) -> bool {
        get(self.face, "/metrics").is_some_and(|answer| answer.body.contains("\necs_operator_leader 1\n"))
    }

    fn until_leads(&self, wanted: bool) {
        until_within(SOON, "a change of the lead", || (self.leads() == wanted).then_some(()));
    }
}

fn parts(test: &str) -> bool {
    have(test, "etcd", Command::new("etcd").arg("--version"))
        && have(test, "kube-apiserver", Command::new("kube-apiserver").arg("--version"))
        && have(test, "helm-3", Command::new("helm-3").arg("version"))
        && have(test, "openssl", Command::new("openssl").arg("version"))
}

fn until_runs(sim: &Sim, tag: &str) {
    let what = format!("the image {tag}");
    until_within(SOON, &what, || sim.world.stable_image("hello-world").filter(|runs| *runs == image(tag)));
}

#[test]
fn two_replicas_share_one_lease_of_a_real_api_server() {
    if !parts("two_replicas_share_one_lease_of_a_real_api_server") {
        return;
    }
    let root = TempDir::new().unwrap();
    write_hello(root.path(), tagged("1.0"));
    let sim = Sim::start("60");
    let cluster = Cluster::start();
    let token = cluster.install();
    // The Role is for this one Lease, and to read and write it alone.
    let of = |method: &str, path: &str, body: Option<&Value>| cluster.ask(&token, method, path, body).0;
    assert_eq!(of("GET", &format!("{LEASES}/it"), None), 200);
    for (method, path) in [("GET", LEASES), ("GET", &format!("{LEASES}/other")), ("DELETE", &format!("{LEASES}/it"))] {
        assert_eq!(of(method, path, None), 403, "{method} {path}");
    }
    let config = cluster.kubeconfig(&token);
    let mut first = Replica::start(root.path(), &sim, &config, "first");
    first.until_leads(true);
    assert!(cluster.holder().unwrap().starts_with("first_"));
    until_runs(&sim, "1.0");
    let second = Replica::start(root.path(), &sim, &config, "second");
    until("a ready standby", || get(second.face, "/readyz").filter(|answer| answer.status == 200));
    assert!(!second.leads());

    // Asked to stop, it gives the lease back.
    first.child.signal("TERM");
    assert!(first.child.ended_within(Duration::from_secs(25)).success(), "{}", first.child.err());
    let began = Instant::now();
    second.until_leads(true);
    println!("after a clean stop: {:?}", began.elapsed());
    write_hello(root.path(), tagged("1.1"));
    until_runs(&sim, "1.1");

    // Killed, it leaves it to run out.
    let third = Replica::start(root.path(), &sim, &config, "third");
    until("a ready standby", || get(third.face, "/readyz").filter(|answer| answer.status == 200));
    drop(second);
    let began = Instant::now();
    third.until_leads(true);
    println!("after a kill: {:?}", began.elapsed());

    // An API server that is stopped answers nothing, and refuses nothing.
    cluster.server.signal("STOP");
    third.until_leads(false);
    let writes = sim.world.writes().len();
    write_hello(root.path(), tagged("1.2"));
    until("a round without a lease", || {
        let status: Value = serde_json::from_str(&get(third.face, "/api/v1/status")?.body).ok()?;
        let objects = status["objects"].as_object()?;
        objects.values().any(|one| one["conditions"]["Ready"]["reason"] == "Standby").then_some(())
    });
    assert_eq!(sim.world.writes().len(), writes, "written without a lease");
    cluster.server.signal("CONT");
    third.until_leads(true);
    until_runs(&sim, "1.2");
    assert_eq!(sim.world.asked("RegisterTaskDefinition"), 3, "one content, one registration");
}

#[test]
fn an_api_server_that_nobody_knows_of_is_an_error_at_once() {
    let root = TempDir::new().unwrap();
    write_hello(root.path(), tagged("1.0"));
    let mut command = program();
    command.arg("run").arg(root.path()).args(["--endpoint-url", "http://127.0.0.1:1", "--listen", "127.0.0.1:0"]);
    command.env("KUBECONFIG", "/nonexistent").env_remove("KUBERNETES_SERVICE_HOST").arg("--leader-election");
    let told = said(&mut command);
    assert_eq!(told.code, 1, "{}", told.err);
    assert!(told.err.contains("--leader-election: no API server is known"), "{}", told.err);
    let told = said(program().arg("run").arg(root.path()).args(["--sim", "--leader-election"]));
    assert!(told.code == 1 && told.err.contains("cannot be used with"), "{}", told.err);
}
