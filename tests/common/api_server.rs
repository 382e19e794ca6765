//! An API server with one Lease, as kube's client sees it: resource versions, refusals as the real one has them, and a
//! way there on which requests are late, lost, or applied after nobody waits for them any more.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use ecs_operator::clock::Clock;
use http::{Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};

pub const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/ecs/leases";

/// What is stored; clones are the same server.
#[derive(Clone)]
pub struct ApiServer {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub struct State {
    pub lease: Option<Value>,
    version: u64,
    born: u64,
    /// It answers nobody.
    pub away: bool,
    /// Requests that were applied: when, and who holds the lease then.
    pub writes: usize,
    pub refused: usize,
}

/// The way from one client to the server.
#[derive(Clone)]
pub struct Way {
    inner: Arc<Mutex<Weather>>,
}

/// What the way is like now.
#[derive(Clone, Debug)]
pub struct Weather {
    pub rng: fastrand::Rng,
    /// Nothing gets through, in either direction.
    pub cut: bool,
    /// Usual time of one direction.
    pub latency: Duration,
    /// Of a thousand requests so many fare ill.
    pub per_mille: u32,
}

impl Way {
    pub fn new(seed: u64) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        let weather = Weather { rng, cut: false, latency: Duration::from_millis(10), per_mille: 0 };
        Self { inner: Arc::new(Mutex::new(weather)) }
    }

    pub fn weather(&self) -> MutexGuard<'_, Weather> {
        self.inner.lock().unwrap()
    }
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Fine,
    /// Answered without being looked at.
    Status(u16),
    /// It never arrives.
    Lost,
    /// It is applied, and the answer is lost.
    Unheard,
    /// It is applied much later, when nobody waits for it any more.
    Late,
    /// The answer is not what it should be.
    Garbage,
}

const FATES: [Fate; 8] = [
    Fate::Status(409),
    Fate::Status(429),
    Fate::Status(500),
    Fate::Status(503),
    Fate::Lost,
    Fate::Unheard,
    Fate::Late,
    Fate::Garbage,
];

impl ApiServer {
    pub fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), state: Arc::default() }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Who holds the lease by the record.
    pub fn holder(&self) -> Option<String> {
        let state = self.state();
        Some(state.lease.as_ref()?["spec"]["holderIdentity"].as_str()?.to_owned())
    }

    /// What a person does with kubectl: another spec, or none.
    pub fn edit(&self, spec: Value) {
        let mut state = self.state();
        let version = state.next();
        match &mut state.lease {
            Some(lease) => {
                lease["spec"] = spec;
                lease["metadata"]["resourceVersion"] = version.into();
            }
            None => state.make(json!({ "metadata": { "name": "ecs-operator" }, "spec": spec })),
        }
    }

    pub fn delete(&self) {
        self.state().lease = None;
    }

    /// A client whose requests go this way.
    pub fn client(&self, way: &Way) -> kube::Client {
        kube::Client::new(Door { server: self.clone(), way: way.clone() }, "ecs")
    }

    /// Applies a request at once.
    fn apply(&self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let mut state = self.state();
        let answer = state.apply(method, path, body);
        if method != "GET" {
            *(if answer.0 < 300 { &mut state.writes } else { &mut state.refused }) += 1;
        }
        answer
    }

    async fn carry(self, way: Way, request: Request<Body>) -> Response<String> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
        let (fate, there, back) = {
            let mut weather = way.weather();
            let ill = weather.rng.u32(0..1000) < weather.per_mille;
            let fate = if ill { *weather.rng.choice(&FATES).unwrap() } else { Fate::Fine };
            let (usual, rng) = (weather.latency, &mut weather.rng);
            let there = usual.mul_f64(0.5 + 0.5 * rng.f64());
            let back = usual.mul_f64(0.5 + 0.5 * rng.f64());
            let late = Duration::from_secs(weather.rng.u64(5..40));
            (fate, if fate == Fate::Late { late } else { there }, back)
        };
        let lost = |way: &Way| way.weather().cut || fate == Fate::Lost;
        if lost(&way) {
            return std::future::pending().await;
        }
        self.clock.sleep(there).await;
        if lost(&way) || self.state().away {
            return std::future::pending().await;
        }
        let (status, said) = match fate {
            Fate::Status(status) => (status, refusal("injected")),
            _ => self.apply(&method, &path, &body),
        };
        self.clock.sleep(back).await;
        if lost(&way) || matches!(fate, Fate::Unheard | Fate::Late) {
            return std::future::pending().await;
        }
        let text = if fate == Fate::Garbage { garbage(&way) } else { said.to_string() };
        Response::builder().status(status).body(text).unwrap()
    }
}

fn garbage(way: &Way) -> String {
    let texts = ["", "null", "{\"metadata\":{}}", "<html>", "{\"metadata\":{\"resourceVersion\":7}}", "[[[["];
    (*way.weather().rng.choice(&texts).unwrap()).to_owned()
}

fn refusal(message: &str) -> Value {
    json!({ "kind": "Status", "status": "Failure", "message": message })
}

impl State {
    fn next(&mut self) -> String {
        self.version += 1;
        self.version.to_string()
    }

    fn make(&mut self, mut object: Value) {
        self.born += 1;
        object["metadata"]["uid"] = format!("uid-{}", self.born).into();
        object["metadata"]["resourceVersion"] = self.next().into();
        self.lease = Some(object);
    }

    fn apply(&mut self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let named = path.strip_prefix(PATH).unwrap();
        if method == "GET" {
            return self.lease.clone().map_or((404, refusal("not found")), |lease| (200, lease));
        }
        let object: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(object["metadata"]["name"], "ecs-operator");
        if let Some(wrong) = wrong(&object["spec"]) {
            return (422, refusal(&wrong));
        }
        match (method, &self.lease) {
            ("POST", Some(_)) => (409, refusal("already exists")),
            ("POST", None) => {
                assert_eq!(named, "");
                self.make(object);
                (201, self.lease.clone().unwrap())
            }
            ("PUT", None) => (404, refusal("not found")),
            ("PUT", Some(stored)) => {
                assert_eq!(named, "/ecs-operator");
                for member in ["uid", "resourceVersion"] {
                    let (given, is) = (&object["metadata"][member], &stored["metadata"][member]);
                    assert!(given.is_string(), "an update without {member} would overwrite anything");
                    if given != is {
                        return (409, refusal("the object has been modified"));
                    }
                }
                let version = self.next();
                let mut object = object;
                object["metadata"]["resourceVersion"] = version.into();
                self.lease = Some(object.clone());
                (200, object)
            }
            _ => (405, refusal("no such method")),
        }
    }
}

/// What the real one would refuse in a spec.
fn wrong(spec: &Value) -> Option<String> {
    for member in ["renewTime", "acquireTime"] {
        if let Some(text) = spec[member].as_str() {
            let fraction =
                text.strip_suffix('Z').and_then(|text| text.rsplit_once('.')).map(|(_, digits)| digits.len());
            if fraction != Some(6) {
                return Some(format!("{member}: {text}"));
            }
        }
    }
    let duration = spec["leaseDurationSeconds"].as_i64().unwrap_or(1);
    let transitions = spec["leaseTransitions"].as_i64().unwrap_or(0);
    let fits = duration > 0 && (0..=i64::from(i32::MAX)).contains(&transitions);
    (!fits).then(|| format!("{spec}"))
}

/// What kube's client calls.
#[derive(Clone)]
struct Door {
    server: ApiServer,
    way: Way,
}

impl tower_service::Service<Request<Body>> for Door {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // On its way, it goes on whether or not anybody waits for it.
        let carried = tokio::spawn(self.server.clone().carry(self.way.clone(), request));
        Box::pin(async move { Ok(carried.await.unwrap()) })
    }
}
