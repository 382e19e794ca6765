//! A repository as git-sync lays it out, and its publishing, step by step.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// `.git`, `.worktrees/<sha>`, and the link `current`.
pub struct Repo {
    pub root: TempDir,
    /// Whether the old tree outlives a flip (`--stale-worktree-timeout`).
    keep_old: bool,
}

impl Repo {
    pub fn new(keep_old: bool) -> Self {
        let root = TempDir::new().unwrap();
        fs::create_dir_all(root.path().join(".git")).unwrap();
        Self { root, keep_old }
    }

    pub fn link(&self) -> PathBuf {
        self.root.path().join("current")
    }

    /// mkdir, write, symlink tmp-link, rename it over the link, touch the old tree, remove it.
    pub fn publish(&self, sha: &str, write: impl Fn(&Path)) {
        let root = self.root.path();
        let old = fs::read_link(self.link()).ok().map(|target| root.join(target));
        let below = Path::new(".worktrees").join(sha);
        let tree = root.join(&below);
        drop(fs::remove_dir_all(&tree));
        fs::create_dir_all(&tree).unwrap();
        write(&tree);
        fs::write(tree.join(".git"), "gitdir: ../../.git/worktrees/x").unwrap();
        symlink(&below, root.join("tmp-link")).unwrap();
        fs::rename(root.join("tmp-link"), self.link()).unwrap();
        if let Some(old) = old.filter(|old| *old != tree) {
            fs::File::open(&old).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
            if !self.keep_old {
                fs::remove_dir_all(old).unwrap();
            }
        }
    }
}
