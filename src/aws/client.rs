//! The AWS of one account and region: runs calls within our budget, each once. Must not know: manifests, plans.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::config::timeout::TimeoutConfig;
use aws_sdk_ecs::config::{BehaviorVersion, Region, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::clock::Clock;
use crate::kinds::Place;
use crate::shape::check::{Strictness, check};
use crate::shape::{Call, Tree, table};

use super::budget::{Budget, SHARE_DEFAULT};
use super::ec2;
use super::error::{CallError, Class};
use super::operations::{self, Reply};

/// How long one attempt may take. Recognisably not one of the SDK's round numbers.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(9);

/// Told of every call that ended: operation, outcome, how long it took, how long it waited for the budget before.
pub type Ended = Arc<dyn Fn(&Call, Result<&Reply, &CallError>, Duration, Duration) + Send + Sync>;

/// What a client is made from.
pub struct Settings {
    pub region: String,
    /// Where to send requests instead of AWS's own endpoints: ECS's, EC2's, and STS's.
    pub endpoint: Option<String>,
    pub ec2_endpoint: Option<String>,
    pub sts_endpoint: Option<String>,
    pub credentials: SharedCredentialsProvider,
    pub http: SharedHttpClient,
    pub clock: Clock,
    /// Fraction of each of AWS's buckets that we may use.
    pub share: f64,
    pub ended: Ended,
}

impl Settings {
    /// The settings of a simulated account: any credentials will do.
    pub fn simulated(region: &str, http: SharedHttpClient, clock: Clock) -> Self {
        let credentials = aws_sdk_ecs::config::Credentials::new("SIMULATED", "SIMULATED", None, None, "simulated");
        Self {
            region: region.to_owned(),
            endpoint: Some("http://ecs.sim".to_owned()),
            ec2_endpoint: Some("http://ec2.sim".to_owned()),
            sts_endpoint: Some("http://sts.sim".to_owned()),
            credentials: SharedCredentialsProvider::new(credentials),
            http,
            clock,
            share: SHARE_DEFAULT,
            ended: Arc::new(|_, _, _, _| ()),
        }
    }
}

/// Lets every call pass: for who shares the account with no other replica, such as a person.
pub fn alone() -> Option<(Duration, ())> {
    Some((Duration::MAX, ()))
}

/// A handle to ECS and its neighbours; clones share budget and connection.
#[derive(Clone)]
pub struct Aws {
    ecs: aws_sdk_ecs::Client,
    ec2: aws_sdk_ec2::Client,
    sts: aws_sdk_sts::Client,
    region: String,
    clock: Clock,
    budget: Arc<Budget>,
    ended: Ended,
}

impl Aws {
    pub fn new(settings: Settings) -> Self {
        let Settings { region, endpoint, ec2_endpoint, sts_endpoint, credentials, http, clock, share, ended } =
            settings;
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        // Retries are ours alone: the SDK's would repeat writes that AWS may have applied.
        macro_rules! config {
            ($sdk:ident, $endpoint:expr) => {{
                let mut config = $sdk::Config::builder()
                    .behavior_version(BehaviorVersion::latest())
                    .region(Region::new(region.clone()))
                    .credentials_provider(credentials.clone())
                    .http_client(http.clone())
                    .retry_config(RetryConfig::disabled())
                    .timeout_config(timeouts.clone())
                    .time_source(SharedTimeSource::new(SdkTime(clock.clone())))
                    .sleep_impl(SharedAsyncSleep::new(SdkSleep(clock.clone())));
                config.set_endpoint_url($endpoint);
                $sdk::Client::from_conf(config.build())
            }};
        }
        Self {
            ecs: config!(aws_sdk_ecs, endpoint),
            ec2: config!(aws_sdk_ec2, ec2_endpoint),
            sts: config!(aws_sdk_sts, sts_endpoint),
            region,
            budget: Arc::new(Budget::new(clock.clone(), share)),
            clock,
            ended,
        }
    }

    /// Sends a call that changes nothing, once, within the budget.
    ///
    /// # Errors
    /// `BadInput` without sending when the input does not fit the operation's shape, or the call would change something;
    /// else what AWS, or the way there, answered.
    pub async fn read(&self, call: &Call) -> Result<Reply, CallError> {
        if call.mutates() {
            return Err(CallError::bad_input(call.operation, "it changes something: it is not for readers"));
        }
        self.write(call, alone).await
    }

    /// Sends any call, if `enter` lets it when all waiting is over, right before it is sent: so long may it take at most,
    /// and what `enter` gave is kept until it has ended.
    ///
    /// # Errors
    /// As [`Aws::read`]; and [`CallError::is_fenced`] where `enter` gave nothing, and nothing was sent.
    pub async fn write<E>(&self, call: &Call, enter: impl Fn() -> Option<(Duration, E)>) -> Result<Reply, CallError> {
        let row = prepare(call)?;
        let waited = self.budget.acquire(call).await;
        let Some((within, entered)) = enter() else { return Err(CallError::fenced(call.operation)) };
        let began = self.clock.now();
        let sent = async {
            match row {
                Row::Ecs(row) => (row.send)(&self.ecs, &call.input).await,
                Row::Ec2(row) => row.call(&self.ec2, &call.input).await,
            }
        };
        let result = match within < ATTEMPT_TIMEOUT {
            true => self.clock.timeout(within, sent).await.unwrap_or_else(|_| Err(CallError::late(call.operation))),
            false => sent.await,
        };
        drop(entered);
        let took = self.clock.now().since(began);
        if result.as_ref().is_err_and(|error| error.class == Class::Throttled) {
            self.budget.throttled(call);
        }
        (self.ended)(call, result.as_ref(), took, waited);
        result
    }

    /// Whose account the credentials belong to, and the region: asked before anything else is.
    ///
    /// # Errors
    /// What STS, or the way there, answered.
    pub async fn place(&self) -> Result<Place, CallError> {
        let answer = self.sts.get_caller_identity().send().await;
        let identity = answer.map_err(|error| CallError::from_sdk("GetCallerIdentity", &error))?;
        let account = identity.account.ok_or_else(|| CallError::bad_input("GetCallerIdentity", "no account"))?;
        Ok(Place { account, region: self.region.clone() })
    }
}

/// How an operation is sent.
enum Row {
    Ecs(&'static operations::Operation),
    Ec2(&'static ec2::Operation),
}

fn prepare(call: &Call) -> Result<Row, CallError> {
    let bad = |message: String| CallError::bad_input(call.operation, message);
    let row = match call.service {
        "ecs" => operations::operation(call.operation).map(Row::Ecs),
        "ec2" => ec2::operation(call.operation).map(Row::Ec2),
        _ => None,
    };
    let row = row.ok_or_else(|| bad("no such operation".into()))?;
    let table = table::table(call.service).ok_or_else(|| bad("no such service".into()))?;
    let input = table.input(call.operation).ok_or_else(|| bad("no such operation".into()))?;
    match check(table, input, &call.input, Strictness::Full).first() {
        Some(mismatch) => Err(bad(mismatch.to_string())),
        None => Ok(row),
    }
}

impl Reply {
    /// The member of the answer, or nothing.
    pub fn get(&self, name: &str) -> Option<&Tree> {
        self.tree.get(name)
    }
}

/// The SDK's clock is ours (signatures, timeouts).
#[derive(Debug)]
struct SdkTime(Clock);

impl TimeSource for SdkTime {
    fn now(&self) -> std::time::SystemTime {
        self.0.wall().into()
    }
}

#[derive(Debug)]
struct SdkSleep(Clock);

impl AsyncSleep for SdkSleep {
    fn sleep(&self, span: Duration) -> Sleep {
        let clock = self.0.clone();
        Sleep::new(async move { clock.sleep(span).await })
    }
}
