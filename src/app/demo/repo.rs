//! A repository in a temporary folder, published as git-sync does it. Must not know: what the files say.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use crate::app::Trouble;
use crate::kinds::hash;

/// `.worktrees/<sha>`, and the link `current`; gone when dropped.
#[derive(Debug)]
pub struct Repo {
    root: PathBuf,
    commits: usize,
}

/// More folders of one process than there ever are.
const FOLDERS_MOST: u32 = 10_000;

impl Repo {
    /// A new folder that only we can read.
    ///
    /// # Errors
    /// No temporary folder to write to.
    pub fn new() -> Result<Self, Trouble> {
        let below = std::env::temp_dir();
        let explain = |source| Trouble::Io { context: format!("{}: no folder for the demo", below.display()), source };
        for number in 0..FOLDERS_MOST {
            let root = below.join(format!("ecs-operator-demo-{}-{number}", std::process::id()));
            match fs::DirBuilder::new().mode(0o700).create(&root) {
                Ok(()) => return Ok(Self { root, commits: 0 }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(explain(error)),
            }
        }
        Err(explain(io::ErrorKind::AlreadyExists.into()))
    }

    /// What the operator watches.
    pub fn link(&self) -> PathBuf {
        self.root.join("current")
    }

    /// Publishes a commit: a new worktree, then the link in one step, then the old worktree goes. Returns its hash.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn publish(&mut self, files: &BTreeMap<String, String>) -> Result<String, Trouble> {
        self.commits += 1;
        let all: Vec<String> = files.iter().map(|(name, text)| format!("{name}\n{text}")).collect();
        let sha = hash::short(&format!("{} {}", self.commits, all.join("\n")), 40);
        let context = || format!("{}: cannot be published to", self.root.display());
        self.flip(&sha, files).map_err(|source| Trouble::Io { context: context(), source })?;
        Ok(sha)
    }

    fn flip(&self, sha: &str, files: &BTreeMap<String, String>) -> io::Result<()> {
        let old = fs::read_link(self.link()).ok().map(|target| self.root.join(target));
        let below = Path::new(".worktrees").join(sha);
        let tree = self.root.join(&below);
        fs::create_dir_all(&tree)?;
        for (name, text) in files {
            fs::write(tree.join(name), text)?;
        }
        let link = self.root.join("tmp-link");
        symlink(&below, &link)?;
        fs::rename(&link, self.link())?;
        match old {
            Some(old) if old != tree => fs::remove_dir_all(old),
            _ => Ok(()),
        }
    }
}

impl Drop for Repo {
    fn drop(&mut self) {
        // A folder that stays behind in /tmp harms nobody.
        drop(fs::remove_dir_all(&self.root));
    }
}
