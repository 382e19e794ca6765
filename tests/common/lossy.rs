//! The way to the simulator, on which calls are counted, lost and answered wrongly, and at whose k-th call the operator
//! itself is lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use ecs_operator::shape::Time;
use ecs_operator::sim::Sim;
use ecs_operator::sim::wire::Connector;

/// Where in a call the operator is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// The simulator never sees the call.
    BeforeApplied,
    /// It applies the call, and nobody hears of it.
    BeforeReply,
    /// The operator hears of it, and makes no other call.
    AfterReply,
}

impl Position {
    pub const ALL: [Self; 3] = [Self::BeforeApplied, Self::BeforeReply, Self::AfterReply];
}

/// Chance on the way.
#[derive(Clone, Debug)]
pub struct Faults {
    pub rng: fastrand::Rng,
    /// Of a thousand calls so many go wrong.
    pub per_mille: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Fine,
    Throttled,
    RefusedBefore,
    FailedAfter,
    LostBefore,
    LostAfter,
    CutAfter,
}

impl Faults {
    fn draw(&mut self) -> Fate {
        if self.rng.u32(0..1000) >= self.per_mille {
            return Fate::Fine;
        }
        let fates = [
            Fate::Throttled,
            Fate::RefusedBefore,
            Fate::FailedAfter,
            Fate::LostBefore,
            Fate::LostAfter,
            Fate::CutAfter,
        ];
        self.rng.choice(&fates).copied().unwrap_or(Fate::Fine)
    }
}

/// What the way has seen and is to do.
#[derive(Debug, Default)]
pub struct Way {
    /// Operations in the order of their calls, those that were lost included.
    pub calls: Vec<String>,
    /// Lose the operator at this call (from 0).
    pub lose_at: Option<(usize, Position)>,
    /// It is lost: nothing it asks for is heard any more.
    pub lost: bool,
    pub faults: Option<Faults>,
    /// Operations that are refused, with their status and code.
    pub refused: BTreeMap<&'static str, (u16, &'static str)>,
    /// DescribeServices may answer what was true so long ago, half of the time.
    pub stale: Option<(fastrand::Rng, Duration)>,
    /// What it has answered, by question.
    answers: BTreeMap<Vec<u8>, Vec<(Time, Vec<u8>)>>,
    /// Changes that were applied and whose reply did not come.
    pub ambiguous: usize,
}

/// A connector for one operator; clones share what they have seen.
#[derive(Clone, Debug)]
pub struct Lossy {
    sim: Sim,
    inner: Connector,
    way: Arc<Mutex<Way>>,
}

/// Whether the operation changes anything.
pub fn mutates(operation: &str) -> bool {
    !["Describe", "List", "Get"].iter().any(|verb| operation.starts_with(verb))
}

impl Lossy {
    pub fn new(sim: &Sim) -> Self {
        Self { sim: sim.clone(), inner: Connector::new(sim.clone()), way: Arc::default() }
    }

    pub fn way(&self) -> MutexGuard<'_, Way> {
        self.way.lock().unwrap()
    }

    pub fn http(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// Keeps the answer, and maybe gives an older one in its place.
    fn grow_stale(&self, question: Vec<u8>, answer: &mut HttpResponse) {
        let now = self.sim.world().now();
        let mut way = self.way();
        let Some((mut rng, span)) = way.stale.take() else { return };
        let all = way.answers.entry(question).or_default();
        all.push((now, answer.body().bytes().unwrap_or_default().to_vec()));
        all.retain(|(at, _)| now.since(*at) <= span);
        if rng.bool()
            && let Some((_, older)) = rng.choice(all.as_slice())
        {
            *answer.body_mut() = SdkBody::from(older.clone());
        }
        way.stale = Some((rng, span));
    }

    /// What becomes of the next call.
    fn next(&self, operation: &str) -> (Option<Position>, Fate) {
        let mut way = self.way();
        if way.lost {
            return (Some(Position::BeforeApplied), Fate::Fine);
        }
        let at = way.calls.len();
        way.calls.push(operation.to_owned());
        let position = way.lose_at.filter(|(k, _)| *k == at).map(|(_, position)| position);
        let fate = way.faults.as_mut().map_or(Fate::Fine, Faults::draw);
        if mutates(operation) && [Fate::FailedAfter, Fate::LostAfter, Fate::CutAfter].contains(&fate) {
            way.ambiguous += 1;
        }
        (position, fate)
    }
}

impl HttpConnector for Lossy {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        let (service, operation) = asked(&request);
        HttpConnectorFuture::new(async move {
            let (position, fate) = this.next(&operation);
            if position == Some(Position::BeforeApplied) {
                this.way().lost = true;
                return std::future::pending().await;
            }
            let refused = this.way().refused.get(operation.as_str()).copied();
            if let Some((status, code)) = refused {
                return Ok(error(service, status, code));
            }
            match fate {
                Fate::Throttled => return Ok(error(service, 400, "ThrottlingException")),
                Fate::RefusedBefore => return Ok(error(service, 500, "ServerException")),
                Fate::LostBefore => return std::future::pending().await,
                Fate::Fine | Fate::FailedAfter | Fate::LostAfter | Fate::CutAfter => {}
            }
            let question = request.body().bytes().unwrap_or_default().to_vec();
            let mut reply = this.inner.call(request).await;
            if let (Ok(answer), "DescribeServices") = (&mut reply, operation.as_str()) {
                this.grow_stale(question, answer);
            }
            match position {
                Some(Position::BeforeReply) => {
                    this.way().lost = true;
                    return std::future::pending().await;
                }
                Some(_) => this.way().lost = true,
                None => {}
            }
            match fate {
                Fate::FailedAfter => Ok(error(service, 500, "ServerException")),
                Fate::LostAfter => std::future::pending().await,
                Fate::CutAfter => Err(ConnectorError::io("the connection was reset".into())),
                _ => reply,
            }
        })
    }
}

impl HttpClient for Lossy {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Which service, and which operation of it.
fn asked(request: &HttpRequest) -> (Service, String) {
    if let Some(target) = request.headers().get("x-amz-target") {
        return (Service::Ecs, target.rsplit('.').next().unwrap_or_default().to_owned());
    }
    let form = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
    let action = form.split('&').find_map(|pair| pair.strip_prefix("Action="));
    (Service::Ec2, action.unwrap_or_default().to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Ecs,
    Ec2,
}

fn error(service: Service, status: u16, code: &str) -> HttpResponse {
    if service == Service::Ec2 {
        let error = format!("<Error><Code>{code}</Code><Message>injected</Message></Error>");
        let body = format!("<Response><Errors>{error}</Errors><RequestID>1</RequestID></Response>");
        return HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
    }
    let body = format!("{{\"__type\":\"{code}\",\"message\":\"injected\"}}");
    let mut answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
    answer.headers_mut().try_insert("content-type", "application/x-amz-json-1.1").unwrap();
    answer
}
