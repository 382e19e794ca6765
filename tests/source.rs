//! The directory under real flips: git-sync's exact publish sequence, ConfigMap swaps, half-written files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "real files change in real time")]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::git_sync::Repo;
use ecs_operator::source::{Options, Snapshot, SourceError, State, Watching, limits, load, watch};
use tempfile::TempDir;

const FILES: usize = 8;

fn sha(n: usize) -> String {
    format!("{n:040x}")
}

/// The sha in every file: a read that mixes two revisions shows.
fn publish(repo: &Repo, sha: &str) {
    repo.publish(sha, |tree| {
        fs::create_dir_all(tree.join("envs/prod")).unwrap();
        for n in 0..FILES {
            fs::write(tree.join(format!("f{n}.yaml")), format!("revision: {sha}\n")).unwrap();
        }
        fs::write(tree.join("envs/prod/web.yaml"), format!("revision: {sha}\n")).unwrap();
    });
}

fn fast() -> Options {
    Options { poll: Duration::from_millis(500), inotify: true }
}

/// Hints only: a poll would hide that inotify does not work.
fn hints_only() -> Options {
    Options { poll: Duration::from_secs(3600), inotify: true }
}

async fn until(watching: &Watching, what: &str, is: impl FnMut(&State) -> bool) -> State {
    let mut states = watching.subscribe();
    let waited = tokio::time::timeout(Duration::from_secs(30), states.wait_for(is)).await;
    waited.unwrap_or_else(|_| panic!("still not: {what}; {:?}", watching.counts())).unwrap().clone()
}

fn at(revision: &str) -> impl FnMut(&State) -> bool + use<> {
    let revision = revision.to_owned();
    move |state| state.error.is_none() && state.snapshot.as_ref().is_some_and(|snapshot| snapshot.revision == revision)
}

fn has(path: &str, text: &str) -> impl FnMut(&State) -> bool + use<> {
    let (path, text) = (path.to_owned(), text.to_owned());
    move |state| {
        let found = state.snapshot.as_ref().and_then(|snapshot| snapshot.files.get(&path).cloned());
        state.error.is_none() && found.as_deref() == Some(&text)
    }
}

fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.files.keys().map(String::as_str).collect()
}

fn problem<'a>(snapshot: &'a Snapshot, path: &str) -> &'a str {
    let found = snapshot.problems.iter().find(|problem| problem.path == path);
    &found.unwrap_or_else(|| panic!("no problem at {path} in {:?}", snapshot.problems)).what
}

fn write_all(root: &Path, paths: &[&str]) {
    for path in paths {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
}

#[test]
fn the_revision_is_the_commit_that_the_link_names() {
    let repo = Repo::new(false);
    publish(&repo, &sha(1));
    let whole = load(&repo.link()).unwrap();
    assert_eq!(whole.revision, sha(1));
    assert_eq!(whole.files.len(), FILES + 1);
    let below = load(&repo.link().join("envs/prod")).unwrap();
    assert_eq!((below.revision.as_str(), names(&below)), (sha(1).as_str(), vec!["web.yaml"]));
}

#[test]
fn other_links_name_no_revision() {
    let dir = TempDir::new().unwrap();
    write_all(dir.path(), &["release-7/a.yaml"]);
    symlink("release-7", dir.path().join("current")).unwrap();
    let seen = load(&dir.path().join("current")).unwrap();
    assert_eq!((seen.revision.len(), &seen.revision), (64, &seen.content));
}

#[tokio::test(flavor = "multi_thread")]
async fn follows_git_sync_by_hints_alone() {
    for keep_old in [false, true] {
        let repo = Repo::new(keep_old);
        publish(&repo, &sha(1));
        let watching = watch(repo.link(), hints_only());
        until(&watching, "first", at(&sha(1))).await;
        // More than one flip: a watch on the link itself survives none, one on the tree survives one.
        for n in 2..5 {
            publish(&repo, &sha(n));
            until(&watching, "flip", at(&sha(n))).await;
        }
        let counts = watching.counts();
        assert!(counts.events_inotify > 0 && counts.events_poll == 0 && counts.inotify_armed, "{counts:?}");
        assert_eq!(counts.loads_loaded, 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_flips_end_on_the_last() {
    let repo = Repo::new(false);
    publish(&repo, &sha(1));
    let watching = watch(repo.link().join("envs/prod"), hints_only());
    until(&watching, "first", at(&sha(1))).await;
    for n in 2..=101 {
        publish(&repo, &sha(n));
        std::thread::sleep(Duration::from_millis(8));
    }
    let last = until(&watching, "the last", at(&sha(101))).await;
    assert_eq!(last.snapshot.unwrap().files.len(), 1);
    assert!(watching.counts().loads_loaded < 60, "bursts are taken together: {:?}", watching.counts());
}

#[tokio::test(flavor = "multi_thread")]
async fn there_and_back_ends_where_it_began() {
    let repo = Repo::new(false);
    publish(&repo, &sha(1));
    let watching = watch(repo.link(), hints_only());
    until(&watching, "A", at(&sha(1))).await;
    publish(&repo, &sha(2));
    until(&watching, "B", at(&sha(2))).await;
    publish(&repo, &sha(1));
    let back = until(&watching, "A again", at(&sha(1))).await;
    assert!(back.snapshot.unwrap().files.values().all(|text| **text == *format!("revision: {}\n", sha(1))));
}

/// Returns when the directory was looked at `looks` times more and found unchanged.
async fn unchanged_looks(watching: &Watching, looks: u64) {
    let before = watching.counts().loads_unchanged;
    while watching.counts().loads_unchanged < before + looks {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_left_over_tmp_link_is_harmless() {
    let repo = Repo::new(false);
    publish(&repo, &sha(1));
    let watching = watch(repo.link(), fast());
    until(&watching, "first", at(&sha(1))).await;
    symlink(".worktrees/gone", repo.root.path().join("tmp-link")).unwrap();
    unchanged_looks(&watching, 2).await;
    assert!(at(&sha(1))(&watching.subscribe().borrow()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_checked_out_anew_in_place_is_not_believed_at_once() {
    let repo = Repo::new(false);
    publish(&repo, &sha(1));
    let watching = watch(repo.link(), fast());
    let full = until(&watching, "first", at(&sha(1))).await.snapshot.unwrap();
    let tree = repo.root.path().join(".worktrees").join(sha(1));
    fs::remove_file(tree.join("f0.yaml")).unwrap();
    let doubted = until(&watching, "doubt", |state| state.error.is_some()).await;
    assert!(doubted.error.unwrap().to_string().contains("reads differently"));
    assert_eq!(doubted.snapshot.as_ref(), Some(&full));
    let believed = until(&watching, "confirmation", at(&sha(1))).await.snapshot.unwrap();
    assert_eq!(believed.files.len(), FILES);
}

#[test]
fn a_hundred_reads_under_flips_never_mix_two_revisions() {
    for keep_old in [false, true] {
        let repo = Arc::new(Repo::new(keep_old));
        publish(&repo, &sha(1));
        let stop = Arc::new(AtomicBool::new(false));
        let flipping = std::thread::spawn({
            let (repo, stop) = (Arc::clone(&repo), Arc::clone(&stop));
            move || {
                for n in (2..).take_while(|_| !stop.load(Ordering::Relaxed)) {
                    publish(&repo, &sha(n));
                    std::thread::sleep(Duration::from_millis(6));
                }
            }
        });
        let (mut good, mut revisions) = (0, std::collections::BTreeSet::new());
        while good < 100 || revisions.len() < 2 {
            match load(&repo.link()) {
                Ok(snapshot) => {
                    good += 1;
                    assert_eq!(snapshot.files.len(), FILES + 1);
                    let wanted = format!("revision: {}\n", snapshot.revision);
                    assert!(snapshot.files.values().all(|text| **text == *wanted), "{snapshot:?}");
                    revisions.insert(snapshot.revision);
                }
                // Every attempt met a flip: said so, and nothing was read.
                Err(SourceError::Unreadable { .. } | SourceError::Missing { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        stop.store(true, Ordering::Relaxed);
        flipping.join().unwrap();
    }
}

/// kubelet's AtomicWriter.
fn swap(mount: &Path, stamp: &str, text: &str) {
    let old = fs::read_link(mount.join("..data")).ok();
    let fresh = mount.join(stamp);
    fs::create_dir(&fresh).unwrap();
    fs::write(fresh.join("web.yaml"), text).unwrap();
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755)).unwrap();
    drop(symlink("..data/web.yaml", mount.join("web.yaml")));
    symlink(stamp, mount.join("..data_tmp")).unwrap();
    fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    if let Some(old) = old {
        fs::remove_dir_all(mount.join(old)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn follows_a_config_map_by_hints_alone() {
    let mount = TempDir::new().unwrap();
    swap(mount.path(), "..2026_01", "one");
    let watching = watch(mount.path(), hints_only());
    let first = until(&watching, "first", has("web.yaml", "one")).await.snapshot.unwrap();
    assert_eq!(names(&first), ["web.yaml"]);
    swap(mount.path(), "..2026_02", "two");
    until(&watching, "second", has("web.yaml", "two")).await;
    swap(mount.path(), "..2026_03", "three");
    until(&watching, "third", has("web.yaml", "three")).await;
    // The same content under a new time stamp is no new revision.
    let loaded = watching.counts().loads_loaded;
    swap(mount.path(), "..2026_04", "three");
    unchanged_looks(&watching, 1).await;
    assert_eq!(watching.counts().loads_loaded, loaded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_deleted_and_comes_back_is_followed_again() {
    let parent = TempDir::new().unwrap();
    let root = parent.path().join("manifests");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("a.yaml"), "one").unwrap();
    let watching = watch(&root, fast());
    until(&watching, "first", has("a.yaml", "one")).await;
    fs::remove_dir_all(&root).unwrap();
    let gone = until(&watching, "missing", |state| matches!(state.error, Some(SourceError::Missing { .. }))).await;
    assert!(gone.snapshot.is_some_and(|kept| kept.files.len() == 1), "the last good read stays");
    fs::create_dir(&root).unwrap();
    let emptied =
        until(&watching, "emptied", |state| matches!(state.error, Some(SourceError::Emptied { before: 1, .. }))).await;
    assert!(emptied.snapshot.is_some());
    fs::write(root.join("a.yaml"), "two").unwrap();
    until(&watching, "back", has("a.yaml", "two")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_over_is_let_go_and_is_no_news_when_it_comes_back() {
    let parent = TempDir::new().unwrap();
    let (root, away) = (parent.path().join("manifests"), parent.path().join("away"));
    fs::create_dir(&root).unwrap();
    fs::write(root.join("a.yaml"), "one").unwrap();
    let watching = watch(&root, fast());
    let taken = until(&watching, "first", has("a.yaml", "one")).await.snapshot.unwrap();
    let mut states = watching.subscribe();
    states.borrow_and_update();
    watching.let_go(&taken);
    assert!(!states.has_changed().unwrap() && states.borrow().snapshot.is_none());
    assert_eq!(Arc::strong_count(&taken), 1, "nobody else keeps its texts");
    fs::rename(&root, &away).unwrap();
    until(&watching, "missing", |state| state.error.is_some()).await;
    fs::rename(&away, &root).unwrap();
    let back = until(&watching, "back", |state| state.error.is_none()).await;
    assert_eq!((back.snapshot, watching.counts().loads_loaded), (None, 1));
    fs::write(root.join("a.yaml"), "two").unwrap();
    let next = until(&watching, "changed", has("a.yaml", "two")).await.snapshot.unwrap();
    watching.let_go(&taken);
    assert_eq!(watching.subscribe().borrow().snapshot.as_ref(), Some(&next), "only what was taken over goes");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_at_first_is_found_by_hints_alone() {
    let parent = TempDir::new().unwrap();
    let root = parent.path().join("manifests");
    let watching = watch(&root, hints_only());
    until(&watching, "missing", |state| matches!(state.error, Some(SourceError::Missing { .. }))).await;
    fs::create_dir(&root).unwrap();
    until(&watching, "empty but there", |state| state.error.is_none() && state.snapshot.is_some()).await;
    fs::write(root.join("a.yaml"), "one").unwrap();
    until(&watching, "written", has("a.yaml", "one")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_written_file_is_read_again_when_it_is_complete() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    let watching = watch(dir.path(), hints_only());
    until(&watching, "empty", |state| state.snapshot.is_some()).await;
    let path = dir.path().join("sub/web.yaml");
    fs::write(&path, "half").unwrap();
    until(&watching, "half", has("sub/web.yaml", "half")).await;
    fs::write(&path, "half and half").unwrap();
    until(&watching, "whole", has("sub/web.yaml", "half and half")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn polling_alone_is_enough() {
    let repo = Repo::new(false);
    publish(&repo, &sha(1));
    let watching = watch(repo.link(), Options { poll: Duration::from_millis(50), inotify: false });
    until(&watching, "first", at(&sha(1))).await;
    for n in 2..5 {
        publish(&repo, &sha(n));
        until(&watching, "flip", at(&sha(n))).await;
    }
    let counts = watching.counts();
    assert!(counts.events_inotify == 0 && counts.events_poll > 0 && !counts.inotify_armed, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_same_size_in_the_same_moment_is_seen() {
    let dir = TempDir::new().unwrap();
    let watching = watch(dir.path(), Options { poll: Duration::from_millis(20), inotify: false });
    for n in 0..20 {
        fs::write(dir.path().join("a.yaml"), format!("{n:04}")).unwrap();
        until(&watching, "change", has("a.yaml", &format!("{n:04}"))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_ends_with_its_handle() {
    let dir = TempDir::new().unwrap();
    let watching = watch(dir.path(), fast());
    let mut states = watching.subscribe();
    until(&watching, "first", |state| state.snapshot.is_some()).await;
    drop(watching);
    let ended = async { while states.changed().await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(30), ended).await.expect("the sender is gone");
}

#[test]
fn only_manifests_are_read_and_the_settings_stand_apart() {
    let dir = TempDir::new().unwrap();
    write_all(dir.path(), &["a.yaml", "b.yml", "c.json", "sub/d.yaml", "ecs-operator.yaml", "sub/ecs-operator.yaml"]);
    write_all(dir.path(), &[".git/config.yaml", ".hidden.yaml", "..data_tmp.yaml", "README.md", "a.yaml~"]);
    write_all(dir.path(), &[".a.yaml.swp", "x.yaml.bak", "folder.yaml/inner.txt"]);
    let seen = load(dir.path()).unwrap();
    assert_eq!(names(&seen), ["a.yaml", "b.yml", "c.json", "sub/d.yaml", "sub/ecs-operator.yaml"]);
    assert_eq!(seen.settings.as_deref(), Some("x"));
    assert_eq!(seen.problems, []);
}

#[test]
fn ignore_files_hold_for_their_folder_and_below() {
    let dir = TempDir::new().unwrap();
    write_all(dir.path(), &["a.yaml", "drafts/x.yaml", "sub/a.yaml", "sub/keep.yaml", "sub/drafts/y.yaml"]);
    fs::write(dir.path().join(".ecs-operator-ignore"), "/drafts/\nkeep.yaml\n").unwrap();
    fs::write(dir.path().join("sub/.ecs-operator-ignore"), "/a.yaml\n!keep.yaml\n").unwrap();
    assert_eq!(names(&load(dir.path()).unwrap()), ["a.yaml", "sub/drafts/y.yaml", "sub/keep.yaml"]);
}

#[test]
fn one_bad_file_does_not_take_the_others_along() {
    let dir = TempDir::new().unwrap();
    let root = dir.path();
    let path = |name: &str| root.join(name);
    write_all(root, &["good.yaml", "folder/inner.yaml", "line\nbreak.yaml", "escape\u{1b}[31m.yaml"]);
    symlink("/etc/passwd", path("leaves.yaml")).unwrap();
    symlink("../..", path("up")).unwrap();
    symlink("folder/inner.yaml", path("inside.yaml")).unwrap();
    symlink("folder", path("again")).unwrap();
    symlink("loop.yaml", path("loop.yaml")).unwrap();
    symlink(".", path("folder/self")).unwrap();
    symlink("nothing", path("dangling.yaml")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(path("pipe.yaml")).status();
    let _socket = std::os::unix::net::UnixListener::bind(path("socket.yaml")).unwrap();
    fs::write(path("latin.yaml"), b"ok\nna\xefve").unwrap();
    fs::write(path("wide.yaml"), b"\xff\xfea\0").unwrap();
    fs::write(root.join(OsStr::from_bytes(b"b\xffd.yaml")), "x").unwrap();
    fs::File::create(path("huge.yaml")).unwrap().set_len(1 << 30).unwrap();
    let seen = load(root).unwrap();
    assert_eq!(names(&seen), ["again/inner.yaml", "folder/inner.yaml", "good.yaml", "inside.yaml"]);
    for (name, what) in [
        ("leaves.yaml", "leaves the directory"),
        ("up", "leaves the directory"),
        ("loop.yaml", "cannot be followed"),
        ("folder/self", "a folder it lies in"),
        ("dangling.yaml", "to nothing"),
        ("socket.yaml", "a socket, not a file"),
        ("latin.yaml", "not UTF-8 text (line 2, byte 5"),
        ("wide.yaml", "UTF-16"),
        ("b\u{fffd}d.yaml", "name is not plain"),
        ("line\\nbreak.yaml", "name is not plain"),
        ("escape\\u{1b}[31m.yaml", "name is not plain"),
        ("huge.yaml", "a file may have 1048576"),
    ] {
        assert!(problem(&seen, name).contains(what), "{name}: {}", problem(&seen, name));
    }
    if made.is_ok_and(|status| status.success()) {
        assert!(problem(&seen, "pipe.yaml").contains("a named pipe, not a file"));
    }
}

#[test]
fn a_file_that_never_rests_does_not_hide_the_others() {
    for pause in [Duration::ZERO, Duration::from_millis(4)] {
        let dir = TempDir::new().unwrap();
        write_all(dir.path(), &["good.yaml", "busy.yaml"]);
        let stop = Arc::new(AtomicBool::new(false));
        let writing = std::thread::spawn({
            let (path, stop) = (dir.path().join("busy.yaml"), Arc::clone(&stop));
            move || {
                for n in (0..1000).cycle().take_while(|_| !stop.load(Ordering::Relaxed)) {
                    fs::write(&path, "x".repeat(n)).unwrap();
                    std::thread::sleep(pause);
                }
            }
        });
        let seen = load(dir.path());
        stop.store(true, Ordering::Relaxed);
        writing.join().unwrap();
        let seen = seen.unwrap();
        assert!(seen.files.contains_key("good.yaml"));
        // A read may fall into a pause; then it stood still from the first look to the last.
        if !seen.files.contains_key("busy.yaml") {
            assert!(problem(&seen, "busy.yaml").contains("written to all the time"));
        }
    }
}

#[test]
fn mode_000_is_a_problem_of_that_file() {
    let dir = TempDir::new().unwrap();
    write_all(dir.path(), &["open.yaml", "closed.yaml"]);
    let path = dir.path().join("closed.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&path).is_ok() {
        eprintln!("skipped: running as root, whom mode 000 does not stop");
        return;
    }
    let seen = load(dir.path()).unwrap();
    assert_eq!(names(&seen), ["open.yaml"]);
    assert!(problem(&seen, "closed.yaml").contains("ermission denied"));
}

#[test]
fn roots_that_cannot_be_read_say_why() {
    let dir = TempDir::new().unwrap();
    let error = |path: &Path| load(path).unwrap_err();
    assert_eq!(error(&dir.path().join("none")).category(), "missing");
    write_all(dir.path(), &["file"]);
    assert!(error(&dir.path().join("file")).to_string().contains("not a directory"));
    symlink("nowhere", dir.path().join("dangling")).unwrap();
    assert!(error(&dir.path().join("dangling")).to_string().contains("nowhere does not exist"));
    symlink("round", dir.path().join("round")).unwrap();
    assert!(error(&dir.path().join("round")).to_string().contains("symbolic links"));
    fs::create_dir(dir.path().join("empty")).unwrap();
    assert_eq!(load(&dir.path().join("empty")).unwrap().files.len(), 0);
}

#[test]
fn limits_are_named_when_they_are_met() {
    let dir = TempDir::new().unwrap();
    let deep: PathBuf = (0..limits::DEPTH).map(|_| "d").collect();
    fs::create_dir_all(dir.path().join(&deep)).unwrap();
    fs::write(dir.path().join(&deep).join("a.yaml"), "x").unwrap();
    let seen = load(dir.path()).unwrap();
    assert!(problem(&seen, deep.to_str().unwrap()).contains("16 folders deep"));
    let full = TempDir::new().unwrap();
    for n in 0..65 {
        fs::File::create(full.path().join(format!("{n}.yaml"))).unwrap().set_len(limits::FILE_BYTES).unwrap();
    }
    assert_eq!(load(full.path()).unwrap_err().category(), "too_large");
    for n in 0..=limits::FILES {
        fs::write(full.path().join(format!("{n}.yaml")), "").unwrap();
    }
    assert!(load(full.path()).unwrap_err().to_string().contains("more than 10000 manifest files"));
}
