//! `demo`: the shipped manifests on the embedded ECS, one change, its rollout printed.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use crate::cli::{Exit, args, print};
use crate::clock::Clock;
use crate::plan::Verdict;
use crate::reconcile::status::Status;
use crate::reconcile::{Ended, Settings, Until};
use crate::shape::Tree;
use crate::source::{self, Snapshot};

use super::{Cloud, Options, Trouble, apply, assemble, plan, stop};

/// The manifests that come with the program, as they stand in its repository.
const HELLO_WORLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/hello-world");
