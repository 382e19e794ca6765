//! What objects and their files are called. Must not know: what is in them.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::Kind;

use super::Found;

/// Longer names of files are trouble on some systems.
const LETTERS_MAX: usize = 120;

/// `prod/Service/web`.
pub fn short(found: &Found) -> String {
    match (&found.cluster, found.kind) {
        (Some(cluster), Kind::Service) => format!("{cluster}/Service/{}", found.name),
        (_, kind) => format!("{kind}/{}", found.name),
    }
}

/// The file of each object, in their order. A folder for each cluster where there are several; no two that a file
/// system could take for one.
pub fn files(all: &[Found]) -> Vec<String> {
    let of = |found: &Found| match found.kind {
        Kind::Cluster => Some(found.name.clone()),
        Kind::Service => found.cluster.clone(),
        Kind::TaskDefinition | Kind::SecurityGroup => None,
    };
    let clusters: BTreeSet<String> = all.iter().filter_map(of).collect();
    let mut taken = BTreeMap::<String, usize>::new();
    let path = |found: &Found| {
        let folder = match of(found) {
            Some(cluster) if clusters.len() > 1 => format!("{}/", letters(&cluster)),
            _ => String::new(),
        };
        let path = match found.kind {
            Kind::Cluster => format!("{folder}cluster"),
            Kind::Service => format!("{folder}services/{}", letters(&found.name)),
            Kind::TaskDefinition => format!("task-definitions/{}", letters(&found.name)),
            Kind::SecurityGroup => format!("security-groups/{}", letters(&found.name)),
        };
        let nth = taken.entry(path.to_lowercase()).or_default();
        *nth += 1;
        if *nth == 1 { format!("{path}.yaml") } else { format!("{path}.{nth}.yaml") }
    };
    all.iter().map(path).collect()
}

/// A name that is one in every file system.
fn letters(name: &str) -> String {
    let harmless = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    let bare = name.replace("${var.", "").replace("${aws.", "");
    let kept = bare.chars().filter(|letter| *letter != '}').take(LETTERS_MAX);
    let name: String = kept.map(|letter| if harmless(letter) { letter } else { '_' }).collect();
    if name.is_empty() { "_".to_owned() } else { name }
}

/// A text as the name of a variable.
pub fn variable(text: &str) -> String {
    let harmless = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let name: String =
        text.chars().take(LETTERS_MAX).map(|letter| if harmless(letter) { letter } else { '-' }).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "VALUE".to_owned() } else { name.to_owned() }
}

/// How a variable is written in a manifest.
pub fn placeholder(name: &str) -> String {
    format!("${{var.{name}}}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Tree;

    fn found(kind: Kind, cluster: Option<&str>, name: &str) -> Found {
        Found { cluster: cluster.map(str::to_owned), ..Found::new(kind, name, Tree::map(), "") }
    }

    #[test]
    fn no_two_files_are_one_and_none_leaves_the_directory() {
        let all = [
            found(Kind::Cluster, None, "a"),
            found(Kind::Cluster, None, "b"),
            found(Kind::TaskDefinition, None, "../../etc/web"),
            found(Kind::Service, Some("a"), "web"),
            found(Kind::Service, Some("a"), "Web"),
            found(Kind::Service, Some("b"), "${var.App}-web"),
        ];
        let wanted = [
            "a/cluster.yaml",
            "b/cluster.yaml",
            "task-definitions/______etc_web.yaml",
            "a/services/web.yaml",
            "a/services/Web.2.yaml",
            "b/services/App-web.yaml",
        ];
        assert_eq!(files(&all), wanted);
    }
}
