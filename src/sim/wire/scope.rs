//! Who signed, for which service and region: the credential scope of a SigV4 signature. Verifies nothing.

use super::super::Sim;
use super::super::ecs::Fault;
use super::Request;

/// What a signature says it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    pub region: String,
    pub service: String,
}

/// Reads `Authorization: AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`.
///
/// # Errors
/// 403 `MissingAuthenticationTokenException` without one, 400 `IncompleteSignatureException` for one out of form
/// (docs/ecs.md §7.1).
pub fn of(request: &Request) -> Result<Scope, Fault> {
    let Some(header) = request.header("authorization") else {
        let fault = Fault::new("MissingAuthenticationTokenException", "Missing Authentication Token");
        return Err(Fault { status: 403, ..fault });
    };
    parse(header).ok_or_else(|| {
        Fault::new("IncompleteSignatureException", "The Authorization header is not an AWS Signature Version 4.")
    })
}

fn parse(header: &str) -> Option<Scope> {
    let fields = header.strip_prefix("AWS4-HMAC-SHA256")?;
    let credential = fields.split([',', ' ']).find_map(|field| field.strip_prefix("Credential="))?;
    // From the right, because an access key may hold anything.
    let mut parts = credential.rsplitn(5, '/');
    let (end, service, region) = (parts.next()?, parts.next()?, parts.next()?);
    let (_date, key) = (parts.next()?, parts.next()?);
    let complete = end == "aws4_request" && !key.is_empty() && fields.contains("Signature=");
    complete.then(|| Scope { region: region.to_owned(), service: service.to_owned() })
}

/// A regional service answers only what is signed for its region: the ARNs it gives would be strange elsewhere.
///
/// # Errors
/// 403 `InvalidSignatureException`.
pub fn check_region(sim: &Sim, scope: &Scope) -> Result<(), Fault> {
    if scope.region == sim.world().settings.region {
        return Ok(());
    }
    let text = format!("Credential should be scoped to a valid region, not '{}'.", scope.region);
    Err(Fault { status: 403, ..Fault::new("InvalidSignatureException", text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(value: &str) -> Request {
        let headers = [("authorization".to_owned(), value.to_owned())].into();
        Request { headers, body: Vec::new() }
    }

    #[test]
    fn reads_a_scope() {
        let header =
            "AWS4-HMAC-SHA256 Credential=AK/20261122/eu-west-1/ecs/aws4_request, SignedHeaders=host, Signature=0f";
        let scope = Scope { region: "eu-west-1".into(), service: "ecs".into() };
        assert_eq!(of(&signed(header)), Ok(scope));
    }

    #[test]
    fn refuses_what_is_not_a_signature() {
        let missing = of(&Request::default()).unwrap_err();
        assert_eq!((missing.status, missing.code), (403, "MissingAuthenticationTokenException"));
        for header in ["Bearer x", "AWS4-HMAC-SHA256 Credential=AK/ecs, Signature=1", "AWS4-HMAC-SHA256 Signature=1"] {
            assert_eq!(of(&signed(header)).unwrap_err().code, "IncompleteSignatureException", "{header}");
        }
    }
}
