//! What can go wrong with a call, and what that means for trying again.

use std::error::Error;

use aws_sdk_ecs::config::http::HttpResponse;
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};

/// What to do after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The same call would fail again until the input, or a permission, changes.
    Terminal,
    /// It may work the next time.
    Transient,
    /// AWS asks for fewer calls.
    Throttled,
    /// Somebody else is at it: look again, then decide.
    Conflict,
}

/// A call that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {code}: {message}")]
pub struct CallError {
    pub operation: &'static str,
    /// AWS's name of the error, or ours for what never reached AWS: `Timeout`, `Network`, `NoCredentials`, `BadInput`,
    /// `BadAnswer`, `Fenced`.
    pub code: String,
    pub message: String,
    pub class: Class,
    /// Whether AWS may have applied the call all the same: observe before trying again.
    pub ambiguous: bool,
}

/// What [`CallError::category`] can say.
pub const CATEGORIES: [&str; 8] =
    ["AccessDenied", "Conflict", "Invalid", "Network", "NotFound", "Server", "Throttled", "Timeout"];

impl CallError {
    /// A call that could not even be made.
    pub fn bad_input(operation: &'static str, message: impl Into<String>) -> Self {
        Self::new(operation, "BadInput", message.into(), Class::Terminal, false)
    }

    /// An answer that can't be used; AWS may have done what it was asked for.
    pub fn bad_answer(operation: &'static str, message: impl Into<String>) -> Self {
        Self::new(operation, "BadAnswer", message.into(), Class::Transient, true)
    }

    /// A call that was not sent, since whoever wanted it may not write any more.
    pub(super) fn fenced(operation: &'static str) -> Self {
        Self::new(operation, FENCED, "another may lead by now".into(), Class::Conflict, false)
    }

    /// A call whose answer was not waited for.
    pub(super) fn late(operation: &'static str) -> Self {
        Self::new(operation, "Timeout", "no answer in time".into(), Class::Transient, true)
    }

    /// Nothing was sent: the right to write was lost before.
    pub fn is_fenced(&self) -> bool {
        self.code == FENCED
    }

    fn new(operation: &'static str, code: &str, message: String, class: Class, ambiguous: bool) -> Self {
        Self { operation, code: code.to_owned(), message, class, ambiguous }
    }

    pub fn class(&self) -> Class {
        self.class
    }

    /// A stable, closed set of words for metrics.
    pub fn category(&self) -> &'static str {
        match (self.class, self.code.as_str()) {
            (_, "AccessDeniedException" | "UnauthorizedOperation" | "AuthFailure" | NO_CREDENTIALS) => "AccessDenied",
            (_, "Timeout") => "Timeout",
            (_, "Network") => "Network",
            (_, code) if code.ends_with("NotFoundException") || code.ends_with(".NotFound") => "NotFound",
            (_, "ClientException") if self.message.contains("Unable to describe task definition") => "NotFound",
            (Class::Throttled, _) => "Throttled",
            (Class::Conflict, _) => "Conflict",
            (Class::Transient, _) => "Server",
            (Class::Terminal, _) => "Invalid",
        }
    }

    /// What a person can do about it, where that is known.
    pub fn remedy(&self) -> Option<&'static str> {
        let fits = |(code, part, _): &&(&str, &str, &str)| {
            (*code == "*" || *code == self.code) && self.message.to_lowercase().contains(part)
        };
        REMEDIES.iter().find(fits).map(|(_, _, remedy)| *remedy)
    }

    /// The error with what to do about it: where it was forbidden, by the IAM action that is missing.
    pub fn told(&self) -> String {
        let service = match self.operation {
            "GetCallerIdentity" => "sts",
            name if super::ec2::operation(name).is_some() => "ec2",
            _ => "ecs",
        };
        match self.remedy() {
            Some(FORBIDDEN) => format!("{self} (grant the role {service}:{}, or use another role)", self.operation),
            Some(remedy) => format!("{self} ({remedy})"),
            None => self.to_string(),
        }
    }

    /// Takes down what the SDK says.
    pub(super) fn from_sdk<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let told = || told(error);
        match error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("UnknownError");
                let message = service.err().message().unwrap_or_default().to_owned();
                let class = classify(code, &message, service.raw().status().as_u16());
                Self::new(operation, code, message, class, class == Class::Transient)
            }
            SdkError::TimeoutError(_) => Self::late(operation),
            SdkError::DispatchFailure(_) if told().contains("credentials") => {
                Self::new(operation, NO_CREDENTIALS, told(), Class::Transient, false)
            }
            SdkError::DispatchFailure(_) => Self::new(operation, "Network", told(), Class::Transient, true),
            SdkError::ResponseError(_) => Self::new(operation, "BadAnswer", told(), Class::Transient, true),
            _ => Self::new(operation, "BadInput", told(), Class::Terminal, false),
        }
    }
}

/// Our name for a write that was not sent.
const FENCED: &str = "Fenced";
/// Our name for an error before the first request.
const NO_CREDENTIALS: &str = "NoCredentials";

/// By code (`*` is any) and a part of the message in small letters: what to do.
const REMEDIES: [(&str, &str, &str); 17] = [
    (
        NO_CREDENTIALS,
        "",
        "give some as AWS's own tools take them: AWS_PROFILE, AWS_ACCESS_KEY_ID, `aws sso login`, or a role",
    ),
    ("Network", "dns error", "is the region right? There is no such host, or no name server to ask"),
    ("Network", "refused", "nothing listens there: is --endpoint-url right, and is it running?"),
    ("Network", "", "is there a way from here to AWS? A proxy, a VPC endpoint or a NAT gateway may be missing"),
    ("Timeout", "", "is there a way from here to AWS? A proxy, a VPC endpoint or a NAT gateway may be missing"),
    ("ExpiredToken", "", EXPIRED),
    ("ExpiredTokenException", "", EXPIRED),
    ("RequestExpired", "", CLOCK),
    ("*", "signature expired", CLOCK),
    ("*", "signature not yet current", CLOCK),
    ("InvalidClientTokenId", "", UNKNOWN_KEYS),
    ("UnrecognizedClientException", "", UNKNOWN_KEYS),
    ("SignatureDoesNotMatch", "", "the secret key does not belong to the access key"),
    ("InvalidSignatureException", "valid region", "give the region of that endpoint with --region"),
    ("AccessDeniedException", "", FORBIDDEN),
    ("UnauthorizedOperation", "", FORBIDDEN),
    ("*", "valid host label", "give a region such as eu-west-1 with --region"),
];
const FORBIDDEN: &str = "grant the role this action, or use another role";
const EXPIRED: &str = "the credentials have expired: get new ones, e.g. with `aws sso login`";
const CLOCK: &str = "the request had the wrong time when it arrived: is this machine's clock right?";
const UNKNOWN_KEYS: &str =
    "AWS does not know these keys: is it the right profile, and the region one that the account has switched on?";

/// How deep the causes of an error are told.
const CAUSES: usize = 8;
/// What only says that something below it failed.
const WRAPPERS: [&str; 6] = [
    "dispatch failure",
    "other",
    "io error",
    "client error (Connect)",
    "failed to construct request",
    "the credential provider was not enabled",
];

/// An error and its causes in words. Never as the SDK's own `DisplayErrorContext` does, which adds the whole answer:
/// that holds the environment of containers.
fn told(error: &dyn Error) -> String {
    let mut words = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause.filter(|_| words.len() < CAUSES) {
        words.push(error.to_string());
        cause = error.source();
    }
    words.dedup();
    let telling = |word: &&String| !WRAPPERS.contains(&word.as_str());
    // What follows the first line lists each place that was looked at.
    let lines = words.iter().filter(telling).filter_map(|word| word.lines().next());
    lines.collect::<Vec<_>>().join(": ")
}

/// Codes that ask for patience, whatever the operation.
const THROTTLES: [&str; 4] = ["ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"];

/// Codes and texts that say: look again, then decide. Somebody else is at it, or AWS has not caught up with itself
/// (docs/ecs.md §1.3, §4.3, §5.1, §7.6).
const CONFLICTS: [(&str, &str); 18] = [
    ("ConflictException", ""),
    ("UpdateInProgressException", ""),
    ("ServiceNotActiveException", ""),
    ("ServiceNotFoundException", ""),
    ("ClusterNotFoundException", ""),
    // EC2 shows what is new or gone a little later.
    ("InvalidGroup.Duplicate", ""),
    ("InvalidGroup.NotFound", ""),
    ("InvalidPermission.Duplicate", ""),
    ("InvalidPermission.NotFound", ""),
    ("IncorrectState", ""),
    ("ClientException", "Too many concurrent attempts to create a new revision"),
    ("ClientException", "TaskDefinition is inactive"),
    ("InvalidParameterException", "TaskDefinition is inactive"),
    ("InvalidParameterException", "still Draining"),
    ("InvalidParameterException", "Creation of service was not idempotent"),
    ("InvalidParameterException", "while deployments are active"),
    ("InvalidParameterException", "does not have an associated load balancer"),
    ("InvalidParameterException", "Unable to assume the service linked role"),
];

/// Codes that mean: this call, never. What is not known here may pass.
const TERMINAL: [&str; 22] = [
    "AccessDeniedException",
    "BlockedException",
    "ClientException",
    "InvalidGroup.Reserved",
    "InvalidParameter",
    "InvalidParameterCombination",
    "InvalidParameterException",
    "InvalidParameterValue",
    "InvalidPermission.Malformed",
    "InvalidVpcID.NotFound",
    "LimitExceededException",
    "MissingParameter",
    "NamespaceNotFoundException",
    "PlatformTaskDefinitionIncompatibilityException",
    "PlatformUnknownException",
    "RulesPerSecurityGroupLimitExceeded",
    "SecurityGroupLimitExceeded",
    "SerializationException",
    "TagLimitExceeded",
    "UnauthorizedOperation",
    "UnsupportedFeatureException",
    "UnsupportedOperation",
];

fn classify(code: &str, message: &str, status: u16) -> Class {
    if THROTTLES.contains(&code) {
        Class::Throttled
    } else if CONFLICTS.iter().any(|(known, text)| *known == code && message.contains(text)) {
        Class::Conflict
    } else if status < 500 && TERMINAL.contains(&code) {
        Class::Terminal
    } else {
        Class::Transient
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies_follow_code_and_text() {
        let of = |code: &str, message: &str| {
            CallError::new("ListClusters", code, message.into(), Class::Transient, false).remedy().unwrap_or_default()
        };
        assert!(of("Network", "dns error: failed to lookup address").contains("region"));
        assert!(of("Network", "tcp connect error: Connection refused").contains("--endpoint-url"));
        assert!(of("Network", "something else").contains("NAT"));
        assert!(of("ExpiredTokenException", "").contains("expired"));
        for code in ["SignatureDoesNotMatch", "InvalidSignatureException"] {
            assert!(
                of(code, "Signature expired: 20261125T1 is now earlier than 20261125T2").contains("clock"),
                "{code}"
            );
        }
        assert!(of("SignatureDoesNotMatch", "The signature we calculated differs").contains("secret key"));
        assert!(of("UnrecognizedClientException", "").contains("profile"));
        assert_eq!(of("InvalidParameterException", "subnets can not be empty."), "");
    }

    #[test]
    fn classes_follow_code_text_and_status() {
        for (code, message, status, class) in [
            ("ThrottlingException", "Rate exceeded", 400, Class::Throttled),
            ("ServerException", "", 500, Class::Transient),
            ("InternalFailure", "", 503, Class::Transient),
            ("InvalidParameterException", "Unable to Start a service that is still Draining.", 400, Class::Conflict),
            ("InvalidParameterException", "subnets can not be empty.", 400, Class::Terminal),
            ("AccessDeniedException", "", 400, Class::Terminal),
            (
                "InvalidParameterException",
                "Unable to assume the service linked role. Please verify",
                400,
                Class::Conflict,
            ),
            ("UnauthorizedOperation", "You are not authorized", 403, Class::Terminal),
            ("RequestLimitExceeded", "Request limit exceeded.", 503, Class::Throttled),
            ("Throttling", "", 400, Class::Throttled),
            ("Unavailable", "", 503, Class::Transient),
            ("ExpiredTokenException", "", 400, Class::Transient),
            ("SomethingNewException", "", 400, Class::Transient),
        ] {
            assert_eq!(classify(code, message, status), class, "{code} {message}");
        }
    }
}
