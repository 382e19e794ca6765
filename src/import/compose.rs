//! Objects into files: minimal, ordered, read once more as the operator reads them; what it would refuse is commented
//! out with the reason. Must not know: where objects come from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::check;
use crate::kinds::{Adopt, Kind, claims, definition};
use crate::manifest::{self, API_VERSION, DEFAULTS_KIND, Finding, Input, Severity, Variables};
use crate::shape::check::shape_at;
use crate::shape::{Map, Path, Segment, Tree, table};
use crate::tree;

use super::names::{self, placeholder};
use super::yaml::{self, Remarks};
use super::{File, Found, Imported, Note, Variable, Ways, What, fit, minimal, redact};

/// The file that gives variables their values.
const VARIABLES_FILE: &str = "variables.yaml";
/// The name of the rule that knows a secret by its look.
const SECRET_RULE: &str = "plain-secret";
/// Where an account or region is not known, one is as good as another.
const ANY_ACCOUNT: &str = "000000000000";
const ANY_REGION: &str = "us-east-1";
/// What stands for a value that is not known while the rules look.
const SAMPLE: &str = "placeholder";
/// Refusing an object may leave another without what it names; no chain is longer.
const ROUNDS: usize = 4;

/// Files of the objects, with the notes of their sources and what is to be said besides.
pub fn compose(found: Vec<Found>, mut notes: Vec<Note>, ways: &Ways) -> Imported {
    let mut all = once_each(found, &mut notes);
    let environment = if ways.redact_env { 0 } else { all.iter().map(|one| redact::count(&one.spec)).sum() };
    if ways.redact_env {
        let mut taken = BTreeMap::new();
        all.iter_mut().for_each(|one| redact::environment(one, &mut taken));
    }
    for one in &mut all {
        one.spec = minimal::minimal(definition(one.kind), &one.spec);
    }
    let variables = variables(&all);
    let paths = names::files(&all);
    let mut looked = Looked::default();
    for _ in 0..ROUNDS {
        looked = look(&all, &paths, &variables, ways);
        if !refuse(&mut all, &paths, &looked.errors) {
            break;
        }
    }
    for one in &all {
        if let Some(why) = &one.refused {
            notes.push(Note::new(What::Refused, why.clone()).of(one));
        }
    }
    let claims = all.iter().filter_map(|one| Some((names::short(one), one.claim.clone()?))).collect();
    let unmarked = all.iter().filter(|one| one.claim.is_none()).map(|one| one.kind);
    let if_terraform = claims::if_terraform(unmarked);
    let mut files: Vec<File> = all.iter().zip(&paths).map(|(one, path)| file(one, path, ways.adopt)).collect();
    files.extend(defaults(&variables));
    notes.sort();
    notes.dedup();
    let missing = |(_, one): &(&String, &Variable)| one.default.is_none();
    let open = variables.iter().filter(missing).map(|(name, one)| (name.clone(), one.clone())).collect();
    let (secrets, warnings) = (looked.secrets, looked.warnings);
    Imported { files, notes, claims, if_terraform, variables: open, environment, secrets, warnings }
}

/// Each object once; two of one name that differ are told of, and the first stays.
fn once_each(found: Vec<Found>, notes: &mut Vec<Note>) -> Vec<Found> {
    let mut kept: BTreeMap<(Kind, String, String), Found> = BTreeMap::new();
    for one in found {
        let key = (one.kind, one.cluster.clone().unwrap_or_default(), one.name.clone());
        match kept.get(&key) {
            None => drop(kept.insert(key, one)),
            Some(first) if first.spec == one.spec => {}
            Some(first) => {
                let message = format!("{} has it in another form than {}, which is written", one.from, first.from);
                notes.push(Note::new(What::Refused, message).of(&one));
            }
        }
    }
    kept.into_values().collect()
}

fn variables(all: &[Found]) -> BTreeMap<String, Variable> {
    all.iter().flat_map(|one| one.variables.clone()).collect()
}

/// What the operator says of the files.
#[derive(Default)]
struct Looked {
    /// The first error of each file.
    errors: BTreeMap<String, String>,
    warnings: usize,
    secrets: usize,
}

fn look(all: &[Found], paths: &[String], variables: &BTreeMap<String, Variable>, ways: &Ways) -> Looked {
    let place = &ways.place;
    let files: BTreeMap<String, Arc<str>> =
        all.iter().zip(paths).map(|(one, path)| (path.clone(), Arc::from(file(one, path, ways.adopt).text))).collect();
    let or = |said: &str, any: &str| Some(if said.is_empty() { any.to_owned() } else { said.to_owned() });
    let value = |(name, one): (&String, &Variable)| {
        let known = one.hidden.clone().or_else(|| one.default.clone());
        (name.clone(), known.unwrap_or_else(|| sample(all, name)))
    };
    let given = Variables {
        region: or(&place.region, ANY_REGION),
        account: or(&place.account, ANY_ACCOUNT),
        overrides: variables.iter().map(value).collect(),
    };
    let nothing = BTreeMap::new();
    let reading = manifest::read(&Input { files: &files, settings: None, unreadable: &nothing, variables: &given });
    let desired = check::desired(&reading, place, "", None);
    let of: BTreeMap<&str, &Found> = paths.iter().map(String::as_str).zip(all).collect();
    let known = |finding: &&Finding| {
        of.get(finding.file.as_str()).is_none_or(|found| !is_open(found, variables, &finding.path))
    };
    let mut looked = Looked::default();
    for finding in desired.findings.iter().filter(known).filter(|finding| finding.severity == Severity::Error) {
        let (path, message) = (finding.path.to_string(), finding.short());
        let path = if path.is_empty() || message.contains(&path) { String::new() } else { format!("{path}: ") };
        let message = format!("{path}{message} [{}]", finding.rule);
        looked.errors.entry(finding.file.clone()).or_insert(message);
    }
    looked.warnings = desired.warnings.iter().filter(|warning| warning.rule != SECRET_RULE).count();
    let secrets = desired.warnings.iter().chain(&desired.findings).filter(|one| one.rule == SECRET_RULE);
    let hidden = |path: &Path| path.to_string().ends_with(".value");
    looked.secrets = secrets.filter(|one| hidden(&one.path) && known(one)).count();
    looked
}

/// A value of the right type for a variable that stands alone somewhere.
fn sample(all: &[Found], name: &str) -> String {
    let whole = placeholder(name);
    for one in all {
        let mut path = None;
        fit::texts(&one.spec, &mut Path::root(), &mut |at, text| {
            if text == whole && path.is_none() {
                path = Some(at.clone());
            }
        });
        let Some(path) = path else { continue };
        let definition = definition(one.kind);
        let shape = shape_at(definition.table(), definition.structure(), &path);
        match (shape, path.0.as_slice()) {
            (Some(table::Shape::Integer(_) | table::Shape::Long(_)), _) => return "1".to_owned(),
            (Some(table::Shape::Boolean), _) => return "true".to_owned(),
            (Some(table::Shape::Text(text)), _) if !text.values.is_empty() => {
                return text.values.first().copied().unwrap_or_default().to_owned();
            }
            // Sizes that Fargate has.
            (_, [Segment::Name(name)]) if name == "cpu" => return "1024".to_owned(),
            (_, [Segment::Name(name)]) if name == "memory" => return "2048".to_owned(),
            _ => {}
        }
    }
    SAMPLE.to_owned()
}

/// Whether what a finding is about hangs on a value that is not known.
fn is_open(found: &Found, variables: &BTreeMap<String, Variable>, path: &Path) -> bool {
    let below = match path.0.split_first() {
        Some((Segment::Name(first), rest)) if first == "spec" => Path(rest.to_vec()),
        _ => return false,
    };
    let Some(tree) = found.spec.find(&below).or_else(|| found.spec.find(&below.parent())) else { return false };
    let open = |(_, one): &(&String, &Variable)| one.default.is_none() && one.hidden.is_none();
    let names: Vec<String> = variables.iter().filter(open).map(|(name, _)| placeholder(name)).collect();
    let mut any = false;
    fit::texts(tree, &mut Path::root(), &mut |_, text| any |= names.iter().any(|name| text.contains(name.as_str())));
    any
}

/// Marks what has errors as refused; whether there is anything new.
fn refuse(all: &mut [Found], paths: &[String], errors: &BTreeMap<String, String>) -> bool {
    let mut any = false;
    for (one, path) in all.iter_mut().zip(paths) {
        if let Some(why) = errors.get(path).filter(|_| one.refused.is_none()) {
            one.refused = Some(why.clone());
            any = true;
        }
    }
    let gone: BTreeSet<String> = all
        .iter()
        .filter(|one| one.kind == Kind::TaskDefinition && one.refused.is_some())
        .map(|one| one.name.clone())
        .collect();
    for one in all.iter_mut().filter(|one| one.kind == Kind::Service) {
        let names_gone = one.spec.text("taskDefinition").is_some_and(|name| gone.contains(name));
        if let Some(runs) = one.runs.clone().filter(|_| names_gone) {
            one.spec.set("taskDefinition", runs);
            let why = "a revision by its number: its content can't be managed by this version";
            one.remarks.insert(Path::from("taskDefinition"), vec![why.to_owned()]);
            // What it was refused for may have been that there is no such manifest.
            if one.refused.as_ref().is_some_and(|why| why.ends_with("[reference]")) {
                one.refused = None;
            }
            any = true;
        }
    }
    any
}

/// One object as its file.
fn file(found: &Found, path: &str, adopt: Adopt) -> File {
    let name_member = definition(found.kind).name_member;
    let mut spec = found.spec.clone();
    if spec.text(name_member) == Some(found.name.as_str()) {
        spec.remove(name_member);
    }
    let mut metadata = tree! { "name" => &found.name };
    if let Some(cluster) = found.cluster.as_deref().filter(|_| found.kind == Kind::Service) {
        metadata.set("cluster", cluster);
    }
    let mut document = tree! { "apiVersion" => API_VERSION, "kind" => found.kind.as_str(), "metadata" => metadata };
    if adopt != Adopt::default() {
        document.set("reconcile", tree! { "adopt" => adopt.as_str() });
    }
    let mut remarks = Remarks::new();
    let mut head = vec![format!("Imported from {}.", found.from)];
    head.extend(found.claim.iter().map(|claim| format!("Another tool keeps it as well: {claim}.")));
    for (at, texts) in &found.remarks {
        if at.0.is_empty() || spec.find(at).is_none() {
            head.extend(texts.iter().cloned());
        } else {
            remarks.insert(at.below(&Path::from("spec")), texts.clone());
        }
    }
    head.extend(found.refused.iter().map(|why| format!("Not managed: {why}.")));
    if !spec.is_empty() {
        document.set("spec", spec);
    }
    let body = yaml::write(&document, &remarks);
    let body = if found.refused.is_some() { commented(&body) } else { body };
    let head: String = head.iter().map(|line| yaml::comment(line, 0)).collect();
    File {
        path: path.to_owned(),
        text: head + &body,
        object: Some(names::short(found)),
        managed: found.refused.is_none(),
    }
}

fn commented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "#\n".to_owned() } else { format!("# {line}\n") }).collect()
}

/// The values that the variables have by default.
fn defaults(variables: &BTreeMap<String, Variable>) -> Option<File> {
    let given: Map =
        variables.iter().filter_map(|(name, one)| Some((name.clone(), Tree::from(one.default.clone()?)))).collect();
    if given.is_empty() {
        return None;
    }
    let why = |name: &str| variables.get(name).map(|one| vec![one.why.clone()]).unwrap_or_default();
    let remarks = given.keys().map(|name| (Path::from("vars").name(name), why(name))).collect();
    let document = tree! { "apiVersion" => API_VERSION, "kind" => DEFAULTS_KIND, "vars" => Tree::Map(given) };
    let text = yaml::write(&document, &remarks);
    Some(File { path: VARIABLES_FILE.to_owned(), text, object: None, managed: true })
}
