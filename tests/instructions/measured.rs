//! The pure folders alone, built as they are shipped: what one look at unchanged services costs. `measured WHAT FOLDER`
//! gets everything ready, and then does WHAT: nothing, `parse`, `diff` or `plan`.

#[path = "../../src/check/mod.rs"]
pub mod check;
#[path = "../../src/kinds/mod.rs"]
pub mod kinds;
#[path = "../../src/manifest/mod.rs"]
pub mod manifest;
#[path = "../../src/plan/mod.rs"]
pub mod plan;
#[path = "../../src/rollout/mod.rs"]
pub mod rollout;
#[path = "../../src/shape/mod.rs"]
pub mod shape;

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use kinds::{Key, Kind, Object, Observed, Place, drift, service, tags::Ownership, task_definition};
use manifest::{Input, Variables};
use plan::{Answers, Before, Facts, Resolution, Verdict};
use shape::{Time, Tree, json};

struct Ready {
    services: Vec<Object>,
    shown: Vec<Observed>,
    cluster: Observed,
    definition: Arc<Object>,
}

fn ready(folder: &str) -> (Ready, Vec<u8>) {
    let read = |name: &str| fs::read(format!("{folder}/{name}")).unwrap();
    let files = BTreeMap::from([("m.yaml".to_owned(), Arc::from(String::from_utf8(read("manifests.yaml")).unwrap()))]);
    let place = Place { account: "123456789012".into(), region: "us-east-1".into() };
    let variables = Variables::default();
    let input = Input { files: &files, settings: None, unreadable: &BTreeMap::new(), variables: &variables };
    let desired = check::desired(&manifest::read(&input), &place, "r1", None);
    assert!(desired.findings.is_empty(), "{:?}", desired.findings);
    let bytes = read("services.json");
    let shown: BTreeMap<String, Tree> = json::read(&bytes).unwrap().list("services").iter().map(named).collect();
    let services: Vec<Object> = desired.services().cloned().collect();
    let shown = services.iter().map(|one| Observed::Present(shown[&one.key.name].clone())).collect();
    let definition = Key::new(place, None, Kind::TaskDefinition, "web".into());
    let cluster = Observed::Present(json::read(&read("cluster.json")).unwrap());
    (Ready { services, shown, cluster, definition: desired.objects[&definition].clone() }, bytes)
}

fn named(service: &Tree) -> (String, Tree) {
    (service.text("serviceName").unwrap().to_owned(), service.clone())
}

impl Ready {
    fn diff(&self, nth: usize) {
        let shown = self.shown[nth].present().unwrap();
        let sorted = drift::sort(&self.services[nth], &service::shown(shown));
        assert!(black_box(sorted) == drift::Sorted::default());
    }

    fn plan(&self, nth: usize) {
        let content = task_definition::content_hash(&self.definition);
        let object = Some(Arc::clone(&self.definition));
        let reference = "web:1".to_owned();
        let facts = Facts {
            us: &Ownership { owner: "us".into(), source: "test".into() },
            former: None,
            observed: &self.shown[nth],
            date: Time(1_790_003_600_000),
            cluster: &self.cluster,
            cluster_declared: true,
            task_definition: Resolution::Realised { reference, content, object },
            held: None,
            grace: Duration::from_secs(3600),
            answers: &Answers::default(),
            before: &Before::default(),
        };
        let plan = plan::plan(&self.services[nth], &facts).unwrap();
        assert!(plan.verdict == Verdict::Converged && plan.steps.is_empty(), "{plan:?}");
        black_box(plan);
    }
}

fn main() {
    let [_, what, folder] = std::env::args().collect::<Vec<_>>().try_into().unwrap();
    let (ready, bytes) = ready(&folder);
    // The tables of shapes are read once.
    ready.plan(0);
    for nth in 0..ready.services.len() {
        match what.as_str() {
            "diff" => ready.diff(nth),
            "plan" => ready.plan(nth),
            _ => {}
        }
    }
    if what == "parse" {
        black_box(serde_json::from_slice::<serde_json::Value>(&bytes).unwrap());
    }
}
