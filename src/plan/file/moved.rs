//! What differs between a plan file and the same plan made now. Must not know: what follows from it.

use std::fmt;

use crate::kinds::diff;
use crate::shape::{Map, Name, Tree, json, plain};

use super::evidence::THERE;
use super::{Entry, PlanFile};

/// One thing that is not as it was when the plan was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// `CLUSTER/Kind/NAME`; absent where it is the place or the owner.
    pub object: Option<String>,
    pub path: String,
    pub was: Option<Tree>,
    pub is: Option<Tree>,
}

/// `prod/Service/web desiredCount: 2 → 5`.
impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: &Option<Tree>| match side {
            None => "nothing".to_owned(),
            Some(Tree::Text(text)) => text.to_string(),
            Some(other) => json::write(other),
        };
        let Self { object, path, was, is } = self;
        let told = match (path.as_str(), was, is) {
            (THERE, Some(Tree::Bool(true)), _) => "is gone".to_owned(),
            (THERE, Some(Tree::Bool(false)), _) => "is there now".to_owned(),
            (DECLARED, Some(_), None) => "is no longer declared".to_owned(),
            (DECLARED, None, _) => "is declared now".to_owned(),
            (DECLARED, Some(_), Some(_)) => "is declared otherwise".to_owned(),
            _ => format!("{path}: {} -> {}", side(was), side(is)),
        };
        match object {
            Some(object) => f.write_str(&plain(&format!("{object}  {told}"))),
            None => f.write_str(&plain(&told)),
        }
    }
}

/// Stands in a path's place where Git has moved.
const DECLARED: &str = "declared";

impl PlanFile {
    /// Whether only the name of the revision has changed.
    pub fn is_of(&self, revision: &str) -> bool {
        self.revision == revision
    }

    /// What is not as in this file, given the same plan made now; none where it is the same to the last value.
    pub fn moved(&self, now: &Self) -> Vec<Move> {
        let pairs = [
            ("account", &self.place.account, &now.place.account),
            ("region", &self.place.region, &now.place.region),
            ("owner", &self.owner, &now.owner),
        ];
        let differs = pairs.into_iter().filter(|(_, was, is)| was != is);
        let elsewhere = |(path, was, is): (&str, &String, &String)| Move {
            object: None,
            path: path.to_owned(),
            was: Some(was.into()),
            is: Some(is.into()),
        };
        let elsewhere: Vec<Move> = differs.map(elsewhere).collect();
        // Of another place, or for another owner, nothing else can be the same.
        if !elsewhere.is_empty() {
            return elsewhere;
        }
        let names: std::collections::BTreeSet<&String> = self.objects.keys().chain(now.objects.keys()).collect();
        let one = |name: &String| between(name, self.objects.get(name), now.objects.get(name));
        names.into_iter().flat_map(one).collect()
    }
}

fn between(name: &str, was: Option<&Entry>, is: Option<&Entry>) -> Vec<Move> {
    let a_move = |path: &str, was: Option<Tree>, is: Option<Tree>| Move {
        object: Some(name.into()),
        path: path.into(),
        was,
        is,
    };
    let (was, is) = match (was, is) {
        (Some(was), Some(is)) if was.declared == is.declared => (was, is),
        (was, is) => return vec![a_move(DECLARED, was.map(|_| true.into()), is.map(|_| true.into()))],
    };
    let live = sides(&was.evidence, &is.evidence);
    if !live.is_empty() {
        return live.into_iter().map(|(path, was, is)| a_move(&path, was, is)).collect();
    }
    steps(&was.steps, &is.steps).into_iter().map(|(path, was, is)| a_move(&path, was, is)).collect()
}

type Sides = Vec<(String, Option<Tree>, Option<Tree>)>;

fn sides(was: &Map, is: &Map) -> Sides {
    // What is gone, or has come, has nothing else that would be worth telling.
    if was.get(THERE) != is.get(THERE) {
        return vec![(THERE.to_owned(), was.get(THERE).cloned(), is.get(THERE).cloned())];
    }
    let differs = |path: &&Name| was.get(path) != is.get(path);
    let names: std::collections::BTreeSet<&Name> = was.keys().chain(is.keys()).collect();
    let one = |path: &Name| (path.to_string(), was.get(path).cloned(), is.get(path).cloned());
    names.into_iter().filter(differs).map(one).collect()
}

/// Calls that would be others, though nothing else says why: what selector terms match, a value of `--var`.
fn steps(was: &[Tree], is: &[Tree]) -> Sides {
    let operations = |steps: &[Tree]| {
        let all: Vec<&str> = steps.iter().filter_map(|step| step.text("operation")).collect();
        Tree::from(if all.is_empty() { "none".to_owned() } else { all.join(", ") })
    };
    if operations(was) != operations(is) {
        return vec![("calls".to_owned(), Some(operations(was)), Some(operations(is)))];
    }
    let of = |(was, is): (&Tree, &Tree)| -> Sides {
        let members = ["input", "late", "sealed"];
        let kept = |step: &Tree| -> Tree {
            let kept = members.iter().filter_map(|name| Some(((*name).to_owned(), step.get(name)?.clone())));
            Tree::Map(kept.collect())
        };
        let operation = was.text("operation").unwrap_or_default();
        let differences = diff(&kept(is), &kept(was)).into_iter();
        differences.map(|one| (format!("{operation} {}", one.path), one.observed, one.desired)).collect()
    };
    was.iter().zip(is).flat_map(of).collect()
}
