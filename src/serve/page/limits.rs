//! How much the page shows, how often, and to how many.

use std::time::Duration;

/// Objects on one page.
pub const OBJECTS: usize = 50;
/// Objects that are opened by themselves, those in trouble or at work.
pub const OPENED: usize = 6;
/// Clusters that are counted one by one.
pub const CLUSTERS: usize = 50;
/// Happenings of all objects together.
pub const HAPPENINGS: usize = 12;
/// Services without a manifest that are named.
pub const ORPHANS: usize = 50;
/// Deployments of one service.
pub const DEPLOYMENTS: usize = 8;
/// Characters of one foreign text.
pub const TEXT_CHARS: usize = 2000;
/// Characters of what is filtered by.
pub const FILTER_CHARS: usize = 200;
/// Pages that are followed live, each on a connection of its own; further ones are not live, and try again.
pub const READERS: usize = 16;
/// From one event to the next of a page that is followed.
pub const EVENTS_EVERY: Duration = Duration::from_secs(1);
/// Without news, a sign of life after so long; ages are brought up to date with it.
pub const EVENTS_BEAT: Duration = Duration::from_secs(20);
/// How long one page is followed on one connection; it comes back by itself.
pub const EVENTS_LIFE: Duration = Duration::from_secs(15 * 60);
