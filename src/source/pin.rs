//! Where a path leads right now, link by link: what a read is pinned to, and what is worth watching.
//!
//! Must not know: which files are of interest.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{SourceError, limits};

/// How the directory is brought up to date, as far as can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// git-sync: a link on the way is named after a commit.
    Commit(String),
    /// A ConfigMap or Secret volume: `..data` is flipped.
    Volume,
    /// Written in place.
    Plain,
}

/// A root resolved once. Two pins are equal while no link on the way was flipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    /// The directory to read, without a link in its path.
    pub dir: PathBuf,
    pub layout: Layout,
    /// Every link on the way and what it said.
    pub links: BTreeMap<PathBuf, PathBuf>,
}

/// Follows every link on the way to `root`, and `..data` below it.
pub(super) fn resolve(root: &Path) -> Result<Pin, SourceError> {
    let absolute = std::path::absolute(root).map_err(|error| unreadable(root, error.to_string()))?;
    let mut links = BTreeMap::new();
    let mut commit = None;
    let mut dir = follow(&absolute, &mut links, &mut commit)?;
    let data = dir.join("..data");
    let mut layout = commit.map_or(Layout::Plain, Layout::Commit);
    if fs::symlink_metadata(&data).is_ok_and(|data| data.is_symlink()) {
        dir = follow(&data, &mut links, &mut None)?;
        layout = Layout::Volume;
    } else if links.keys().any(|link| link.ends_with("..data")) {
        layout = Layout::Volume;
    }
    let seen = fs::metadata(&dir).map_err(|error| explain(root, &dir, &error))?;
    if !seen.is_dir() {
        return Err(unreadable(root, "it is not a directory".to_owned()));
    }
    Ok(Pin { dir, layout, links })
}

/// Resolves links one by one, so that each can be named, watched and looked at again.
fn follow(
    path: &Path,
    links: &mut BTreeMap<PathBuf, PathBuf>,
    commit: &mut Option<String>,
) -> Result<PathBuf, SourceError> {
    let mut ahead: Vec<OsString> = steps(path);
    let mut at = PathBuf::from("/");
    let mut hops = 0;
    while let Some(step) = ahead.pop() {
        if step == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&step);
        let seen = fs::symlink_metadata(&next).map_err(|error| explain(path, &next, &error))?;
        if !seen.is_symlink() {
            at = next;
            continue;
        }
        hops += 1;
        if hops > limits::LINKS {
            return Err(unreadable(path, format!("more than {} symbolic links on the way (a loop?)", limits::LINKS)));
        }
        let target = fs::read_link(&next).map_err(|error| explain(path, &next, &error))?;
        if let Some(name) = commit_name(&target) {
            *commit = Some(name);
        }
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        ahead.extend(steps(&target));
        links.insert(next, target);
    }
    Ok(at)
}

/// The names in a path, last first.
fn steps(path: &Path) -> Vec<OsString> {
    let named = path.components().rev().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    named.collect()
}

/// git-sync's contract: the last name in the link is the commit (SHA-1 or SHA-256). Other links (`/var/run`, a release
/// folder) promise nothing about their contents and are not trusted to name a revision.
fn commit_name(target: &Path) -> Option<String> {
    let name = target.file_name()?.to_str()?;
    let hex = name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    (hex && matches!(name.len(), 40 | 64)).then(|| name.to_owned())
}

fn explain(root: &Path, at: &Path, error: &std::io::Error) -> SourceError {
    let path = root.display().to_string();
    match error.kind() {
        std::io::ErrorKind::NotFound if at == root => {
            SourceError::Missing { path, what: "no such directory".to_owned() }
        }
        std::io::ErrorKind::NotFound => SourceError::Missing { path, what: format!("{} does not exist", at.display()) },
        _ => SourceError::Unreadable { path, what: format!("{}: {error}", at.display()) },
    }
}

fn unreadable(root: &Path, what: String) -> SourceError {
    SourceError::Unreadable { path: root.display().to_string(), what }
}
