//! Which cluster a machine's agent joins, by its user data and its image. Must not know: machines.

use crate::sim::ecs::Fault;

use super::invalid;

/// The images of ECS's own that the embedded cloud knows: for x86-64 and for Arm.
pub const IMAGES: [&str; 2] = ["ami-0f64000000000ec50", "ami-0a64000000000ec50"];
/// The parameter that stands for the newest of them.
pub const PARAMETER: &str = "resolve:ssm:/aws/service/ecs/optimized-ami/";

/// ECS's own image for an architecture.
pub fn image(arm: bool) -> &'static str {
    let [x86, on_arm] = IMAGES;
    if arm { on_arm } else { x86 }
}

/// The cluster that a machine's agent joins; none for a machine without an agent.
///
/// # Errors
/// `InvalidParameterValue` for user data that is not Base64.
pub fn cluster_of(image: &str, user_data: Option<&str>) -> Result<Option<String>, Fault> {
    let text = match user_data {
        None => String::new(),
        Some(encoded) => {
            let bytes = decode(encoded).ok_or_else(|| invalid("Invalid BASE64 encoding of user data."))?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
    };
    let value = text.split_once("ECS_CLUSTER=").map(|(_, rest)| {
        let rest = rest.trim_start_matches(['"', '\'']);
        let letters = rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || "-_".contains(*letter));
        letters.collect::<String>()
    });
    let own = IMAGES.contains(&image) || image.starts_with(PARAMETER);
    Ok(value.filter(|name| !name.is_empty()).or_else(|| own.then(|| "default".to_owned())))
}

/// Base64 with or without its padding; line ends do not count.
fn decode(text: &str) -> Option<Vec<u8>> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in text.trim_end().trim_end_matches('=').bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let value = LETTERS.iter().position(|known| *known == letter)?;
        held = (held << 6 | u32::try_from(value).ok()?) & 0xfff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_data_and_images_say_which_cluster() {
        // `#!/bin/bash`, `echo ECS_CLUSTER=prod-1 >> /etc/ecs/ecs.config`
        let script = "IyEvYmluL2Jhc2gKZWNobyBFQ1NfQ0xVU1RFUj1wcm9kLTEgPj4gL2V0Yy9lY3MvZWNzLmNvbmZpZwo=";
        let newest = "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id";
        for (image, data, cluster) in [
            ("ami-1", None, None),
            ("ami-1", Some(script), Some("prod-1")),
            (IMAGES[0], None, Some("default")),
            (newest, None, Some("default")),
            (IMAGES[0], Some(script), Some("prod-1")),
            (IMAGES[0], Some("RUNTX0NMVVNURVI9"), Some("default")),
        ] {
            assert_eq!(cluster_of(image, data).unwrap().as_deref(), cluster, "{image}");
        }
        assert_eq!(cluster_of("ami-1", Some("%")).unwrap_err().code, "InvalidParameterValue");
    }

    #[test]
    fn base64_is_undone() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8", "fo"), ("Zm9v", "foo"), ("Zm9v\nYmE=\n", "fooba")] {
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
    }
}
