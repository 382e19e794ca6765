//! The embedded cloud: a faithful ECS that stands below the SDK, in virtual time.
//!
//! `wire/` holds the doors (HTTP on loopback, and a connector inside the process), `world/` time, chance and the
//! agenda, `ecs/` what ECS does, `neighbours/` the services around it. Must not know: the operator. Of this crate it
//! imports `shape/` only.

pub mod ecs;
pub mod neighbours;
pub mod wire;
pub mod world;

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::shape::{Time, Tree};
use ecs::Fault;
use world::{LoggedCall, Settings, World};

/// A wait, as a clock gives it.
type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A handle to one simulated account and region; clones share it.
#[derive(Clone)]
pub struct Sim {
    world: Arc<Mutex<World>>,
    now: Arc<dyn Fn() -> Time + Send + Sync>,
    sleep: Arc<dyn Fn(Duration) -> Wait + Send + Sync>,
}

impl Sim {
    /// A new world whose clock is `now`. The world has no timers: it catches up with the clock at each call.
    pub fn new(settings: Settings, now: impl Fn() -> Time + Send + Sync + 'static) -> Self {
        let start = now();
        Self {
            world: Arc::new(Mutex::new(World::new(settings, start))),
            now: Arc::new(now),
            sleep: Arc::new(plain_sleep),
        }
    }

    /// The same world, with a clock to wait on where there is a latency; without one, tokio's time counts.
    #[must_use]
    pub fn with_sleep<F>(mut self, sleep: impl Fn(Duration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.sleep = Arc::new(move |span| Box::pin(sleep(span)));
        self
    }

    /// Answers one request, and writes it into the call log.
    ///
    /// # Errors
    /// What the service would answer; `UnknownOperationException` for a service that is not simulated.
    pub fn call(&self, service: &str, operation: &str, input: Tree) -> Result<Tree, Fault> {
        let mut world = self.world();
        let at = world.now();
        let answer = match service {
            "ecs" => match ecs::throttle::admit(&mut world, operation) {
                Ok(()) => ecs::call(&mut world, service, operation, &input),
                Err(fault) => Err(fault),
            },
            "ec2" => neighbours::ec2::call(&mut world, operation, &input),
            "sts" => neighbours::sts::call(&world, operation),
            _ => Err(Fault::unknown_operation()),
        };
        let status = answer.as_ref().map_or_else(|fault| fault.status, |_| 200);
        world.log(LoggedCall { at, service: service.to_owned(), operation: operation.to_owned(), input, status });
        answer
    }

    /// Half of a request's way there and back; takes no time in a world without latency.
    pub async fn travel(&self) {
        let latency = self.world().settings.latency;
        if latency > Duration::ZERO {
            (self.sleep)(latency / 2).await;
        }
    }

    /// The world, brought up to the present.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance_to((self.now)());
        world
    }
}

#[allow(clippy::disallowed_methods, reason = "a world that was given no clock to wait on")]
fn plain_sleep(span: Duration) -> Wait {
    Box::pin(tokio::time::sleep(span))
}

impl std::fmt::Debug for Sim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sim")
    }
}
