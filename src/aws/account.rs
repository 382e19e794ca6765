//! Which account, by the credentials, region and endpoint that AWS's own tools would use.

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, Region};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use crate::clock::Clock;

use super::Settings;

/// Where requests to a loopback endpoint are signed for when nobody says: it is a simulator's.
const LOOPBACK_REGION: &str = "us-east-1";

/// The settings for the account at hand; `None` without a region. What is given here wins over the environment, and
/// that over AWS's configuration files. An endpoint on loopback needs no credentials.
pub async fn find(region: Option<&str>, endpoint: Option<&str>, clock: &Clock) -> Option<Settings> {
    let tls = Provider::Rustls(CryptoMode::Ring);
    let http = aws_smithy_http_client::Builder::new().tls_provider(tls).build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone());
    let known = endpoint.map(str::to_owned).or_else(|| std::env::var("AWS_ENDPOINT_URL").ok());
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    } else if known.as_deref().is_some_and(is_loopback) {
        // Without asking the instance's metadata service, which takes seconds to be found missing.
        let here = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new());
        loader = loader.region(here.or_else(ProfileFileRegionProvider::new()).or_else(LOOPBACK_REGION));
    }
    let found = loader.load().await;
    // One endpoint for all, as AWS's tools have it; an ECS endpoint given here is the others' too where it is a simulator.
    let everywhere = || found.endpoint_url().map(str::to_owned);
    let of = |variable: &str| std::env::var(variable).ok().or_else(everywhere);
    let sts_endpoint =
        endpoint.filter(|url| is_loopback(url)).map(str::to_owned).or_else(|| of("AWS_ENDPOINT_URL_STS"));
    let ec2_endpoint =
        endpoint.filter(|url| is_loopback(url)).map(str::to_owned).or_else(|| of("AWS_ENDPOINT_URL_EC2"));
    let endpoint = endpoint.map(str::to_owned).or_else(|| of("AWS_ENDPOINT_URL_ECS"));
    let loopback = endpoint.as_deref().is_some_and(is_loopback);
    let keys = std::env::var_os("AWS_ACCESS_KEY_ID").is_some();
    let region = found.region().map(ToString::to_string).or_else(|| loopback.then(|| LOOPBACK_REGION.to_owned()))?;
    let mut settings =
        Settings { endpoint, ec2_endpoint, sts_endpoint, ..Settings::simulated(&region, http, clock.clone()) };
    if let Some(credentials) = found.credentials_provider().filter(|_| keys || !loopback) {
        settings.credentials = credentials;
    }
    Some(settings)
}

fn is_loopback(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    ["127.", "localhost", "[::1]"].iter().any(|prefix| host.starts_with(prefix))
}
