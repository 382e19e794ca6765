//! All limits in one table, as `--print-config` shows it. Must not know: what a limit is for in the code.

use std::time::Duration;

use crate::cli::args::Setting;
use crate::{aws, import, kinds, lease, manifest, observe, plan, reconcile, rollout, serve, sim, source, status};

/// One limit.
struct Limit {
    /// The folder whose it is.
    of: &'static str,
    name: &'static str,
    value: Value,
}

enum Value {
    Count(usize),
    Bytes(usize),
    Span(Duration),
}

const fn count(of: &'static str, name: &'static str, value: usize) -> Limit {
    Limit { of, name, value: Value::Count(value) }
}

const fn bytes(of: &'static str, name: &'static str, value: usize) -> Limit {
    Limit { of, name, value: Value::Bytes(value) }
}

const fn span(of: &'static str, name: &'static str, value: Duration) -> Limit {
    Limit { of, name, value: Value::Span(value) }
}

const LIMITS: &[Limit] = &[
    count("source", "files", source::limits::FILES),
    count("source", "entries", source::limits::ENTRIES),
    bytes("source", "file-bytes", source::limits::FILE_BYTES as usize),
    bytes("source", "total-bytes", source::limits::TOTAL_BYTES as usize),
    count("source", "depth", source::limits::DEPTH),
    count("source", "links", source::limits::LINKS),
    count("source", "attempts", source::limits::ATTEMPTS),
    span("source", "attempt-pause", source::limits::ATTEMPT_PAUSE),
    count("source", "file-attempts", source::limits::FILE_ATTEMPTS),
    span("source", "racy", source::limits::RACY),
    span("source", "poll", source::limits::POLL),
    span("source", "debounce-idle", source::limits::DEBOUNCE_IDLE),
    span("source", "debounce-cap", source::limits::DEBOUNCE_CAP),
    count("manifest", "document-nodes", manifest::limits::DOCUMENT_NODES),
    count("manifest", "file-nodes", manifest::limits::FILE_NODES),
    count("manifest", "reading-nodes", manifest::limits::READING_NODES),
    count("manifest", "depth", manifest::limits::DEPTH),
    count("manifest", "documents", manifest::limits::DOCUMENTS),
    bytes("manifest", "file-bytes", manifest::limits::FILE_BYTES),
    bytes("manifest", "foreign-bytes", manifest::limits::FOREIGN_BYTES),
    count("manifest", "foreign-nodes", manifest::limits::FOREIGN_NODES),
    count("manifest", "findings", manifest::limits::FINDINGS),
    bytes("manifest", "expanded-bytes", manifest::limits::EXPANDED_BYTES),
    count("manifest", "merges", manifest::limits::MERGES),
    count("manifest", "brackets", manifest::limits::BRACKETS),
    count("kinds", "journal-entries", kinds::service::JOURNAL_MAX as usize),
    count("import", "functions-depth", import::limits::FUNCTIONS_DEPTH),
    count("import", "functions", import::limits::FUNCTIONS),
    count("import", "modules-depth", import::limits::MODULES_DEPTH),
    bytes("import", "configuration-bytes", import::limits::CONFIGURATION_BYTES),
    bytes("plan", "file-bytes", plan::file::BYTES_MAX),
    count("observe", "pages", observe::PAGES_MAX),
    count("observe", "revisions-kept", observe::REVISIONS_MAX),
    count("observe", "usage-pages", observe::LIST_PAGES_MAX),
    span("observe", "batch-window", observe::BATCH_WINDOW),
    span("observe", "ground-fresh", observe::GROUND_FRESH),
    span("observe", "ground-again", observe::GROUND_AGAIN),
    span("observe", "network-fresh", observe::NETWORK_FRESH),
    span("observe", "network-again", observe::NETWORK_AGAIN),
    count("aws", "pages", aws::pages::PAGES_MAX),
    span("aws", "attempt-timeout", aws::ATTEMPT_TIMEOUT),
    span("lease", "duration", lease::LEASE_DURATION),
    span("lease", "renew-deadline", lease::RENEW_DEADLINE),
    span("lease", "retry-period", lease::RETRY_PERIOD),
    span("lease", "request-timeout", lease::REQUEST_TIMEOUT),
    span("lease", "release-timeout", lease::RELEASE_WITHIN),
    span("lease", "duration-believed", lease::DURATION_BELIEVED),
    bytes("lease", "answer-bytes", lease::ANSWER_BYTES),
    span("reconcile", "drain", reconcile::controller::DRAIN),
    span("reconcile", "answers-lag", reconcile::witness::LAG_MAX),
    count("serve", "connections", serve::CONNECTIONS.connections),
    span("serve", "connection-life", serve::CONNECTIONS.life),
    span("serve", "header-read-timeout", serve::CONNECTIONS.header_read),
    bytes("serve", "header-bytes", serve::CONNECTIONS.header_bytes),
    bytes("serve", "status-bytes", serve::STATUS_BYTES_MAX),
    span("serve", "write-stall", serve::CONNECTIONS.write_stall),
    span("serve", "drain", serve::CONNECTIONS.drain),
    count("serve", "answers", serve::answers::ANSWERS),
    span("serve", "answer-wait", serve::answers::ANSWER_WAIT),
    count("page", "objects", serve::page::limits::OBJECTS),
    count("page", "opened", serve::page::limits::OPENED),
    count("page", "clusters", serve::page::limits::CLUSTERS),
    count("page", "happenings", serve::page::limits::HAPPENINGS),
    count("page", "orphans", serve::page::limits::ORPHANS),
    count("page", "deployments", serve::page::limits::DEPLOYMENTS),
    count("page", "text-chars", serve::page::limits::TEXT_CHARS),
    count("page", "filter-chars", serve::page::limits::FILTER_CHARS),
    count("page", "readers", serve::page::limits::READERS),
    span("page", "events-every", serve::page::limits::EVENTS_EVERY),
    span("page", "events-beat", serve::page::limits::EVENTS_BEAT),
    span("page", "events-life", serve::page::limits::EVENTS_LIFE),
    count("status", "happenings", status::HAPPENINGS_MAX),
    count("status", "detail-chars", status::DETAIL_CHARS),
    count("status", "timelines", status::TIMELINES_MAX),
    count("status", "drift", status::DRIFT_MAX),
    count("rollout", "samples", rollout::SAMPLES_MAX),
    count("rollout", "revisions", rollout::REVISIONS_MAX),
    count("sim", "call-log", sim::world::CALL_LOG_LIMIT),
    bytes("sim", "body-bytes", sim::wire::BODY_LIMIT_BYTES),
    bytes("sim", "header-bytes", sim::wire::CONNECTIONS.header_bytes),
    count("sim", "connections", sim::wire::CONNECTIONS.connections),
    span("sim", "connection-life", sim::wire::CONNECTIONS.life),
    span("sim", "write-stall", sim::wire::CONNECTIONS.write_stall),
    span("sim", "read-timeout", sim::wire::CONNECTIONS.header_read),
    span("sim", "drain", sim::wire::CONNECTIONS.drain),
];

/// The settings in force and where they are from, then all limits: `name = value`, one a line.
pub fn config(settings: &[Setting]) -> String {
    let mut text = String::new();
    for Setting { name, value, from } in settings {
        text.push_str(&format!("{name} = {value}  # {from}\n"));
    }
    text.push('\n');
    for (name, value) in limits() {
        text.push_str(&format!("limit.{name} = {value}\n"));
    }
    text
}

/// All limits: `folder.name`, and the value.
pub fn limits() -> impl Iterator<Item = (String, String)> {
    LIMITS.iter().map(|Limit { of, name, value }| {
        let value = match value {
            Value::Count(count) => count.to_string(),
            Value::Bytes(bytes) => format!("{bytes} bytes"),
            Value::Span(span) => format!("{span:?}"),
        };
        (format!("{of}.{name}"), value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_of_what_is_read_is_left_out() {
        let told: Vec<String> = LIMITS.iter().map(|limit| format!("{}.{}", limit.of, limit.name)).collect();
        let files = [
            ("source", include_str!("../source/limits.rs")),
            ("manifest", include_str!("../manifest/limits.rs")),
            ("import", include_str!("../import/limits.rs")),
            ("page", include_str!("../serve/page/limits.rs")),
        ];
        for (of, text) in files {
            let names = text.lines().filter_map(|line| line.strip_prefix("pub const ")?.split_once(':'));
            for (name, _) in names {
                let name = format!("{of}.{}", name.to_lowercase().replace('_', "-"));
                assert!(told.contains(&name), "{name} is not in the table");
            }
        }
    }
}
