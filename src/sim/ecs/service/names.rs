//! What requests of services and tasks have in common: references to clusters and services, and pages.
//! Must not know: what a service is.

use crate::shape::Tree;

use super::super::super::world::World;
use super::super::Fault;

/// The name of the cluster a request is for: `cluster` is a name or an ARN, `default` when absent (§1.1).
///
/// # Errors
/// `ClusterNotFoundException` when there is no such ACTIVE cluster.
pub fn cluster_of(world: &World, input: &Tree) -> Result<String, Fault> {
    let reference = input.text("cluster").filter(|text| !text.is_empty()).unwrap_or("default");
    let name = reference.rsplit_once(":cluster/").map_or(reference, |(_, name)| name);
    let right_place = !reference.starts_with("arn:") || reference == world.arn(&format!("cluster/{name}"));
    match world.ecs.clusters.get(name) {
        Some(cluster) if cluster.active && right_place => Ok(name.to_owned()),
        _ => Err(Fault::new("ClusterNotFoundException", "Cluster not found.")),
    }
}

/// The name in a service's name or ARN; an ARN of another cluster is refused (§1.1).
///
/// # Errors
/// `InvalidParameterException`.
pub fn service_name(world: &World, cluster: &str, reference: &str) -> Result<String, Fault> {
    let Some((_, path)) = reference.split_once(":service/") else { return Ok(reference.to_owned()) };
    if reference != world.arn(&format!("service/{path}")) {
        return Err(Fault::invalid(format!("Invalid identifier: {reference}")));
    }
    match path.split_once('/') {
        Some((other, name)) if other == cluster => Ok(name.to_owned()),
        Some((other, _)) => {
            Err(Fault::invalid(format!("Identifier is for cluster {other}. Your cluster is {cluster}")))
        }
        None => Ok(path.to_owned()),
    }
}

/// Whether `include` has TAGS.
pub fn asks_for_tags(input: &Tree) -> bool {
    input.list("include").iter().any(|one| one.as_text() == Some("TAGS"))
}

/// One page of rows in the order of their keys, and the token of the next (§7.2). A token is the last key seen, so
/// that rows which come and go between pages are neither lost nor doubled.
///
/// # Errors
/// `InvalidParameterException` for a token that was never given out, or a page size out of range.
pub fn page(
    mut rows: Vec<(String, Tree)>,
    input: &Tree,
    default: usize,
    most: usize,
) -> Result<(Vec<Tree>, Option<String>), Fault> {
    let size = match input.int("maxResults") {
        None => default,
        Some(wanted) => usize::try_from(wanted)
            .ok()
            .filter(|wanted| (1..=most).contains(wanted))
            .ok_or_else(|| Fault::invalid(format!("maxResults must be between 1 and {most}.")))?,
    };
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    if let Some(token) = input.text("nextToken").filter(|token| !token.is_empty()) {
        let last = unhex(token).ok_or_else(|| Fault::invalid("Invalid token"))?;
        rows.retain(|(key, _)| *key > last);
    }
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(|(key, _)| hex(key));
    Ok((rows.into_iter().map(|(_, tree)| tree).collect(), next))
}

fn hex(key: &str) -> String {
    key.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(token: &str) -> Option<String> {
    let digits = token.bytes().map(|byte| char::from(byte).to_digit(16)).collect::<Option<Vec<_>>>()?;
    let bytes = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    String::from_utf8(bytes.collect::<Option<Vec<_>>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn pages_neither_lose_nor_double() {
        let rows = (0..25).map(|n| (format!("s{n:02}"), Tree::from(n))).collect::<Vec<_>>();
        let (first, token) = page(rows.clone(), &Tree::map(), 10, 100).unwrap();
        let (second, token) = page(rows.clone(), &tree! { "nextToken" => token.unwrap() }, 10, 100).unwrap();
        let (third, none) = page(rows, &tree! { "nextToken" => token.unwrap() }, 10, 100).unwrap();
        assert_eq!([first, second, third].concat(), (0..25).map(Tree::from).collect::<Vec<_>>());
        assert_eq!(none, None);
    }

    #[test]
    fn foreign_tokens_and_sizes_are_refused() {
        for input in [tree! { "nextToken" => "zz" }, tree! { "nextToken" => "é" }, tree! { "maxResults" => 101 }] {
            assert!(page(Vec::new(), &input, 10, 100).is_err());
        }
    }
}
