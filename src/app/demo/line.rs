//! The operator's line to ECS, which can be cut behind a write. Must not know: what is asked on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::sim::Sim;
use crate::sim::wire::Connector;

/// A connector for one operator; clones are one line.
#[derive(Clone, Debug)]
pub struct Line {
    inner: Connector,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Nothing goes through any more once this operation was answered.
    cut_after: Option<&'static str>,
    cut: bool,
}

impl Line {
    pub fn new(sim: &Sim) -> Self {
        Self { inner: Connector::new(sim.clone()), state: Arc::default() }
    }

    pub fn http(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// Cuts the line behind the next call of that operation.
    pub fn cut_after(&self, operation: &'static str) {
        self.state().cut_after = Some(operation);
    }

    /// Cuts it now.
    pub fn cut(&self) {
        self.state().cut = true;
    }

    pub fn is_cut(&self) -> bool {
        self.state().cut
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let line = self.clone();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        HttpConnectorFuture::new(async move {
            if line.is_cut() {
                return std::future::pending().await;
            }
            let reply = line.inner.call(request).await;
            let mut state = line.state();
            if state.cut_after == Some(operation.as_str()) {
                state.cut = true;
            }
            reply
        })
    }
}

impl HttpClient for Line {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
