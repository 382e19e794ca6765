//! How long Fargate takes to pull a task's images (docs/ecs.md appendix B: size over bandwidth, and no cache).
//! Must not know: what else happens on the way to RUNNING.
//!
//! ```text
//! pull = 0.9 s + Σ over the distinct images: compressed size ÷ min(network, unpacking)
//! ```
//!
//! | vCPU | network, MiB/s | unpacking gzip, MiB/s of compressed size | zstd | none |
//! |---|---|---|---|---|
//! | 0.25 | 50 | 10 | 15 | 40 |
//! | 0.5 | 75 | 20 | 30 | 80 |
//! | 1 | 120 | 40 | 60 | 160 |
//! | 2 | 180 | 80 | 120 | 320 |
//! | 4 and more | 300 | 80 | 120 | 320 |
//!
//! | the way | share of the network |
//! |---|---|
//! | private ECR of the same region, through a VPC endpoint | 100 % |
//! | private ECR of the same region, through a gateway | 80 % |
//! | private ECR of another region | 50 % |
//! | any other registry | 60 % |
//!
//! The form is documented (bandwidth grows with vCPU, unpacking is bound by the CPU, zstd is the faster one, nothing
//! is cached); the numbers are inferred. A size is said by the label `ecs-operator.sim/image-size`, or by the end of
//! the image's tag: `app:2.1-250MB`. Where an image says none, the pull takes as long as §3.1's sample at least: 3.9 s.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::shape::Tree;

use super::super::task_definition::sizes;
use super::behaviour::Behaviour;

const SETUP_MS: u64 = 900;
/// §3.1's sample.
const SAMPLE: Duration = Duration::from_millis(3_900);
const LARGEST_MIB: u64 = 100 * 1024;
/// The least vCPU of Fargate, for definitions that say none.
const LEAST_CPU: i64 = 256;
/// CPU units, and the network's MiB/s up to them.
const NETWORK: &[(i64, u64)] = &[(256, 50), (512, 75), (1_024, 120), (2_048, 180)];
const FASTEST_NETWORK: u64 = 300;
/// More than two vCPU don't make unpacking faster.
const USEFUL_CPU: i64 = 2_048;

/// How an image's layers are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    Gzip,
    Zstd,
    None,
}

impl Compression {
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// MiB of compressed size a second, with one vCPU.
    fn unpacking(self) -> u64 {
        match self {
            Self::Gzip => 40,
            Self::Zstd => 60,
            Self::None => 160,
        }
    }
}

/// The way out of the task's subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Vpc,
    Internet,
}

impl Endpoint {
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "vpc" => Some(Self::Vpc),
            "internet" => Some(Self::Internet),
            _ => None,
        }
    }
}

/// A size in MiB: `250MB`, `1.5GB`, `250MiB`; a unit must be there.
pub fn mebibytes(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let units = [("gib", 1024.0), ("gb", 1024.0), ("mib", 1.0), ("mb", 1.0)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((lower.strip_suffix(name)?.trim_end(), unit)))?;
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let size = number.parse::<f64>().ok().filter(|_| plain)? * unit;
    let whole = size.ceil() as u64;
    (whole <= LARGEST_MIB).then_some(whole)
}

/// What the end of an image's tag says: `app:2.1-250MB`.
fn size_in_tag(image: &str) -> Option<u64> {
    let (_, tag) = image.rsplit('/').next()?.split_once(':')?;
    mebibytes(tag.rsplit_once('-').map_or(tag, |(_, end)| end))
}

/// The region of a private ECR registry.
fn ecr_region(image: &str) -> Option<&str> {
    let (host, _) = image.split_once('/')?;
    let mut parts = host.split('.').skip(1);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("dkr"), Some("ecr" | "ecr-fips"), Some(region), Some("amazonaws")) => Some(region),
        _ => None,
    }
}

/// How long the images of a task take, by its definition.
pub fn span(definition: &Tree, region: &str) -> Duration {
    let cpu = definition.text("cpu").and_then(sizes::cpu_units).unwrap_or(LEAST_CPU);
    let containers = definition.list("containerDefinitions").iter();
    // An image that two containers share is pulled once.
    let images: BTreeMap<&str, &Tree> =
        containers.filter_map(|container| Some((container.text("image")?, container))).collect();
    let spans = images.iter().map(|(image, container)| millis(image, container, cpu, region));
    let spans = spans.collect::<Vec<_>>();
    let told = Duration::from_millis(SETUP_MS + spans.iter().flatten().sum::<u64>());
    if spans.iter().all(Option::is_some) && !spans.is_empty() { told } else { told.max(SAMPLE) }
}

fn millis(image: &str, container: &Tree, cpu: i64, region: &str) -> Option<u64> {
    let behaviour = Behaviour::of(container).unwrap_or_default();
    let size = behaviour.image_size.or_else(|| size_in_tag(image))?;
    let share = match (ecr_region(image), behaviour.endpoint) {
        (None, _) => 60,
        (Some(of), _) if of != region => 50,
        (Some(_), Some(Endpoint::Vpc)) => 100,
        (Some(_), Some(Endpoint::Internet) | None) => 80,
    };
    let network = NETWORK.iter().find(|(most, _)| cpu <= *most).map_or(FASTEST_NETWORK, |(_, speed)| *speed);
    let units = u64::try_from(cpu.clamp(LEAST_CPU, USEFUL_CPU)).unwrap_or(0);
    let unpacking = behaviour.compression.unwrap_or(Compression::Gzip).unpacking() * units / 1024;
    // In hundredths of MiB a second.
    let speed = (network * share).min(unpacking * 100).max(1);
    Some(size * 100_000 / speed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn secs(cpu: &str, image: &str, labels: &[(&str, &str)]) -> f64 {
        let labels = labels.iter().map(|(name, value)| (format!("ecs-operator.sim/{name}"), Tree::from(*value)));
        let container = tree! { "name" => "a", "image" => image, "dockerLabels" => Tree::Map(labels.collect()) };
        span(&tree! { "cpu" => cpu, "containerDefinitions" => vec![container] }, "eu-west-1").as_secs_f64()
    }

    const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1-400MB";

    #[test]
    fn an_unknown_image_takes_as_long_as_the_sample() {
        assert_eq!(secs("256", "nginx:1", &[]), 3.9);
        assert_eq!(secs("4096", "nginx:1-alpine", &[]), 3.9);
    }

    #[test]
    fn size_over_the_slower_of_network_and_unpacking() {
        for (cpu, labels, expected) in [
            ("256", &[][..], 40.0),
            ("1024", &[], 10.0),
            ("4096", &[], 5.0),
            ("1024", &[("image-compression", "zstd")], 6.666),
            ("256", &[("image-compression", "none")], 10.0),
            ("1024", &[("image-compression", "none"), ("image-endpoint", "vpc")], 3.333),
            ("1024", &[("image-compression", "none"), ("image-endpoint", "internet")], 4.166),
            ("1024", &[("image-size", "800MB")], 20.0),
        ] {
            assert!((secs(cpu, ECR, labels) - 0.9 - expected).abs() < 0.001, "{cpu} {labels:?}");
        }
        let elsewhere = ECR.replace("eu-west-1", "us-east-1");
        assert!(
            secs("4096", &elsewhere, &[("image-compression", "none")])
                > secs("4096", ECR, &[("image-compression", "none")])
        );
    }

    #[test]
    fn nothing_is_cached_but_one_image_is_pulled_once() {
        let container = |name: &str, image: &str| tree! { "name" => name, "image" => image };
        let of = |images: [&str; 2]| {
            let containers = images.map(|image| container(image, image)).to_vec();
            span(&tree! { "cpu" => "256", "containerDefinitions" => containers }, "eu-west-1")
        };
        assert_eq!(of(["a:1-100MB", "a:1-100MB"]), of(["a:1-100MB", "a:1-100MB"]));
        assert_eq!(of(["a:1-100MB", "a:1-100MB"]), Duration::from_millis(10_900));
        assert_eq!(of(["a:1-100MB", "b:1-100MB"]), Duration::from_millis(20_900));
    }

    #[test]
    fn reads_sizes() {
        for (text, mib) in [("250MB", 250), ("1.5 GB", 1536), ("10mib", 10), ("100gb", LARGEST_MIB)] {
            assert_eq!(mebibytes(text), Some(mib), "{text}");
        }
        for text in ["", "250", "MB", "-1MB", "101GB", "1e3MB"] {
            assert_eq!(mebibytes(text), None, "{text}");
        }
        assert_eq!(size_in_tag("host:5000/app:v1-1GB"), Some(1024));
        assert_eq!(size_in_tag("host:5000/app"), None);
    }
}
