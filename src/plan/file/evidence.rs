//! What of live state a plan rests on. Must not know: what has become of it since.

use crate::kinds::{Kind, Object, Observed, definition, security_group, service, tags};
use crate::rollout;
use crate::shape::{Map, Path, Tree, json};

use super::seal::{SEALED, Seal};

/// Where it is noted whether the object is there.
pub const THERE: &str = "there";

/// Everything that is compared with the manifest, in canonical form; our tags and the declared ones; the deployment
/// that is PRIMARY; the newest revision of a family. Counts of tasks and events come and go by themselves.
pub fn of(object: &Object, observed: &Observed, newest: Option<&str>, seal: &Seal) -> Map {
    let mut found = Map::new();
    let shown = match observed {
        Observed::Absent => {
            if object.key.kind != Kind::TaskDefinition {
                found.insert(THERE, false.into());
            }
            found.extend(newest.map(|newest| ("newest".to_owned(), newest.into())));
            return found;
        }
        Observed::Unknown(_) => {
            found.insert(THERE, "not known".into());
            return found;
        }
        Observed::Present(shown) => shown,
    };
    found.insert(THERE, true.into());
    found.extend(shown.text("status").map(|status| ("status".to_owned(), status.into())));
    for (path, value) in compared(object, shown) {
        leaves(&path, &value, &mut found);
    }
    seal_secrets(&mut found, seal);
    let declared = tags::read(object.tags());
    let list = definition(object.key.kind).tags.list;
    for (key, value) in tags::read(shown.list(list)) {
        if key.starts_with(tags::PREFIX) || declared.contains_key(key) {
            found.insert(format!("tags[{key}]"), value.into());
        }
    }
    if object.key.kind == Kind::Service {
        let id = rollout::primary(shown).and_then(|primary| primary.text("id"));
        found.extend(id.map(|id| ("deployment".to_owned(), id.into())));
        found.extend(shown.text("taskDefinition").map(|arn| ("taskDefinition".to_owned(), arn.into())));
    }
    found
}

/// The canonical members of live state, as far as they count in a comparison.
fn compared(object: &Object, shown: &Tree) -> Vec<(Path, Tree)> {
    let definition = definition(object.key.kind);
    let observed = match object.key.kind {
        Kind::Service => definition.sides(&object.spec, &service::shown(shown)).1,
        Kind::SecurityGroup => definition.sides(&security_group::filled(&object.spec, shown), shown).1,
        Kind::Cluster | Kind::TaskDefinition => definition.sides(&object.spec, shown).1,
    };
    let all = definition.differing(&Tree::map(), &observed);
    all.into_iter().filter_map(|one| Some((one.path, one.observed?))).collect()
}

fn leaves(path: &Path, value: &Tree, found: &mut Map) {
    match value {
        Tree::Map(map) if !map.is_empty() => {
            map.iter().for_each(|(name, value)| leaves(&path.name(name), value, found))
        }
        value => drop(found.insert(path.to_string(), value.clone())),
    }
}

/// No member of these kinds is secret today; one that ever is must not be in a file.
fn seal_secrets(found: &mut Map, seal: &Seal) {
    let is_secret = |path: &str| crate::kinds::secrets::is_secret(&Path::from(path));
    for (path, value) in found.iter_mut().filter(|(path, _)| is_secret(path)) {
        *value = format!("{SEALED} {}", seal.hash(&format!("{path} {}", json::write(value)))).into();
    }
}
