//! Findings as people and machines read them. Must not know: where they come from.

mod explain;
mod mask;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::manifest::{Finding, Severity};
use crate::shape::plain;

pub use explain::{explanation, rules};
pub use text::text;

/// The texts that findings are about, by the names they have in findings.
pub type Sources = BTreeMap<String, Arc<str>>;

/// `1 error, 2 warnings`.
pub fn counted(findings: &[Finding]) -> String {
    let count = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let parts = [(count(Severity::Error), "error"), (count(Severity::Warning), "warning")];
    let told =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| super::print::counted(count, what));
    let unknown = Some(count(Severity::Unknown)).filter(|count| *count > 0).map(|count| format!("{count} unknown"));
    told.chain(unknown).collect::<Vec<_>>().join(", ")
}

pub fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

/// What `validate -o json` prints; members are only ever added.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    format_version: u32,
    documents: usize,
    errors: usize,
    warnings: usize,
    findings: Vec<One<'a>>,
}

#[derive(Serialize)]
pub(in crate::cli) struct One<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    path: String,
    severity: String,
    rule: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    evidence: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a str>,
}

impl<'a> One<'a> {
    pub fn of(finding: &'a Finding) -> Self {
        Self {
            file: &finding.file,
            line: finding.line,
            column: finding.column,
            path: finding.path.to_string(),
            severity: finding.severity.to_string(),
            rule: finding.rule,
            message: &finding.message,
            evidence: &finding.evidence,
            remedy: finding.remedy.as_deref(),
        }
    }
}

/// One JSON object, over several lines.
pub fn json(findings: &[Finding], documents: usize) -> String {
    let errors = findings.iter().filter(|finding| is_error(finding)).count();
    let report = Report {
        format_version: 1,
        documents,
        errors,
        warnings: findings.len() - errors,
        findings: findings.iter().map(One::of).collect(),
    };
    serde_json::to_string_pretty(&report).unwrap_or_default()
}

/// GitHub's workflow commands: each finding becomes an annotation at its line.
pub fn github(findings: &[Finding]) -> String {
    let one = |finding: &Finding| {
        let words = match &finding.remedy {
            Some(remedy) => format!("{} ({remedy})", finding.message),
            None => finding.message.clone(),
        };
        format!(
            "::{} file={},line={},col={},title={}::{}\n",
            // GitHub knows no third kind.
            if is_error(finding) { Severity::Error } else { Severity::Warning },
            property(&finding.file),
            finding.line,
            finding.column,
            property(finding.rule),
            data(&words)
        )
    };
    findings.iter().map(one).collect()
}

/// A workflow command's text: no line of it ends, and what would be read as an escape is none.
fn data(text: &str) -> String {
    plain(text).replace('%', "%25")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Path;

    fn finding() -> Finding {
        Finding {
            file: "a,b.yaml".into(),
            line: 3,
            column: 7,
            path: Path::from("spec.cpu"),
            message: "100% wrong\nreally".into(),
            evidence: Vec::new(),
            remedy: Some("mend it".into()),
            rule: "task-size",
            severity: Severity::Warning,
        }
    }

    #[test]
    fn a_workflow_command_ends_where_it_should() {
        let line = "::warning file=a%2Cb.yaml,line=3,col=7,title=task-size::100%25 wrong␊really (mend it)\n";
        assert_eq!(github(&[finding()]), line);
    }

    #[test]
    fn json_has_every_member() {
        let read: serde_json::Value = serde_json::from_str(&json(&[finding()], 2)).unwrap();
        assert_eq!((&read["documents"], &read["errors"], &read["warnings"]), (&2.into(), &0.into(), &1.into()));
        assert_eq!(read["findings"][0]["path"], "spec.cpu");
        assert_eq!(read["findings"][0]["remedy"], "mend it");
    }
}
