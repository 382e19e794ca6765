//! The door inside the process: the SDK's clients call it where they would open a connection. Must not know: sockets.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use super::super::Sim;
use super::{Request, Response, served};

/// An HTTP client for `Config::builder().http_client(…)`, or to be wrapped by one that loses answers.
///
/// The request takes effect when half of the latency is over, so that a caller who gives up can do so on either
/// side of it.
#[derive(Clone, Debug)]
pub struct Connector {
    sim: Sim,
}

impl Connector {
    /// A connector to that world.
    pub fn new(sim: Sim) -> Self {
        Self { sim }
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sim = self.sim.clone();
        HttpConnectorFuture::new(async move {
            let request = read(&request)?;
            write(served(&sim, &request).await)
        })
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn read(request: &HttpRequest) -> Result<Request, ConnectorError> {
    let streamed = || ConnectorError::user("the embedded cloud takes no streamed bodies".into());
    let body = request.body().bytes().ok_or_else(streamed)?.to_vec();
    let headers = request.headers().iter().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Ok(Request { headers: headers.collect(), body })
}

fn write(response: Response) -> Result<HttpResponse, ConnectorError> {
    let status = response.status.try_into().map_err(|problem| ConnectorError::other(Box::new(problem), None))?;
    let mut answer = HttpResponse::new(status, SdkBody::from(response.body));
    for (name, value) in response.headers {
        let placed = answer.headers_mut().try_insert(name, value);
        placed.map_err(|problem| ConnectorError::other(Box::new(problem), None))?;
    }
    Ok(answer)
}
