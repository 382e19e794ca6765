//! Image references (docs/ecs.md §1.2).

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{TaskDefinition, has};

use super::row;

/// Of a reference, without its digest.
const REFERENCE_MAX: usize = 255;
const SHA256_DIGITS: usize = 64;

pub const RULES: &[Rule] = &[
    row!(
        "image-missing",
        Error,
        Look::TaskDefinition(missing),
        "Every container has an image (ECS: Container.image should not be null or empty)."
    ),
    row!(
        "image-reference",
        Error,
        Look::TaskDefinition(reference),
        "An image is named by at most 255 characters without blanks, and a sha256 digest by 64 hexadecimal digits (ECS: \
         task definition parameters)."
    ),
    row!(
        "image-tag",
        Warning,
        Look::TaskDefinition(tag),
        "An image without a tag, or with the tag latest, is another one tomorrow: Git then doesn't say what runs, and \
         a rollback brings the new image too."
    ),
];

/// `ACCOUNT.dkr.ecr.REGION.amazonaws.com/…`: a pull that needs a role.
pub fn is_private_ecr(image: &str) -> bool {
    let Some((host, _)) = image.split_once('/') else { return false };
    let parts: Vec<&str> = host.split('.').collect();
    let [account, "dkr", "ecr" | "ecr-fips", _region, "amazonaws", ..] = parts.as_slice() else { return false };
    account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
}

fn missing(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers().filter(|(_, container)| !has(container, "image")) {
        let name = container.text("name").unwrap_or("?");
        report.value(at, format!("the container {name} has no image"), "say which image it runs");
    }
}

fn reference(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        let (Some(image), at) = (container.text("image"), at.name("image")) else { continue };
        let (reference, digest) = image.split_once('@').map_or((image, None), |(left, right)| (left, Some(right)));
        // Registries know other digests too.
        let hex = digest.and_then(|digest| digest.strip_prefix("sha256:"));
        let length = reference.chars().count();
        if image.contains(char::is_whitespace) {
            report.value(at, format!("{image:?} has blanks; an image has none"), "remove them");
        } else if length > REFERENCE_MAX {
            let message = format!("the image's name has {length} characters; ECS takes {REFERENCE_MAX}");
            report.value(at, message, "use a shorter name or tag");
        } else if hex.is_some_and(|hex| hex.len() != SHA256_DIGITS || !hex.bytes().all(|it| it.is_ascii_hexdigit())) {
            let message = format!("the digest of {reference} is not {SHA256_DIGITS} hexadecimal digits");
            report.value(at, message, "copy the whole digest");
        }
    }
}

fn tag(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        let Some(image) = container.text("image").filter(|image| !image.is_empty() && !image.contains('@')) else {
            continue;
        };
        // A colon before the last slash is a port.
        let last = image.rsplit('/').next().unwrap_or(image);
        let said = match last.split_once(':') {
            None | Some((_, "")) => format!("the image {image} has no tag, which means latest"),
            Some((_, "latest")) => format!("the image {image} is whatever is latest when a task starts"),
            Some(_) => continue,
        };
        report.value(at.name("image"), said, "name a version, or better a digest");
    }
}

#[cfg(test)]
mod tests {
    use super::is_private_ecr;

    #[test]
    fn tells_private_ecr_from_others() {
        assert!(is_private_ecr("123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1"));
        assert!(is_private_ecr("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/web"));
        for image in ["nginx", "public.ecr.aws/nginx/nginx", "ghcr.io/a/b:1", "12.dkr.ecr.r.amazonaws.com/x"] {
            assert!(!is_private_ecr(image), "{image}");
        }
    }
}
