//! Where images come from, by their references. Must not know: registries.

/// `ACCOUNT.dkr.ecr.REGION.amazonaws.com/…`: a pull that needs a role.
pub fn is_private_ecr(image: &str) -> bool {
    let Some((host, _)) = image.split_once('/') else { return false };
    let parts: Vec<&str> = host.split('.').collect();
    let [account, dkr, ecr, _region, rest @ ..] = parts.as_slice() else { return false };
    account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && *dkr == "dkr"
        && ["ecr", "ecr-fips"].contains(ecr)
        && rest.first() == Some(&"amazonaws")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_private_ecr_from_others() {
        assert!(is_private_ecr("123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1"));
        assert!(is_private_ecr("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/web"));
        for image in ["nginx", "public.ecr.aws/nginx/nginx", "ghcr.io/a/b:1", "12.dkr.ecr.r.amazonaws.com/x"] {
            assert!(!is_private_ecr(image), "{image}");
        }
    }
}
