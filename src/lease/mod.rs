//! Who may write: leadership as a value, checked right before each write. Must not know: what is written.
//!
//! One replica of several leads, by a Kubernetes Lease on client-go's rules (15/10/2 s): what counts is the local clock
//! since *we saw* the record change, never a time that somebody else wrote into it. It is no fence: a packet that is on
//! its way when a lease ends still arrives. Therefore every plan is safe with two leaders, and this only keeps them from
//! happening.

#[cfg(feature = "kubernetes")]
mod elector;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
mod leadership;
#[cfg(feature = "kubernetes")]
mod record;

#[cfg(feature = "kubernetes")]
pub use elector::{Elector, Event, Settings};
pub use leadership::{Claim, Leadership, Standing, Writing};

use std::time::Duration;

/// How long the others wait after the record last changed before they take the lease.
pub const LEASE_DURATION: Duration = Duration::from_secs(15);
/// How long after its last renewal a leader begins writes.
pub const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// How often the lease is renewed, or looked at.
pub const RETRY_PERIOD: Duration = Duration::from_secs(2);
/// How much of a period chance adds. client-go adds up to 1.2 of it; with less, a standby takes over within 17.4 s.
pub const JITTER: f64 = 0.15;
/// How long one request to the API server may take: a server that was stopped hangs for ever.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
/// A write is begun before the renew deadline, and ends so long after it: a second before another may take the lease, for
/// clocks that do not run alike.
pub const WRITE_WITHIN: Duration = Duration::from_secs(4);
/// How long giving the lease back may take.
pub const RELEASE_WITHIN: Duration = Duration::from_secs(3);
/// A holder's own lease duration is believed up to here: nonsense in the record shall not lock everybody out.
pub const DURATION_BELIEVED: Duration = Duration::from_secs(60);
/// A Lease takes a kilobyte.
pub const ANSWER_BYTES: usize = 256 * 1024;
