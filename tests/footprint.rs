//! What the operator keeps in memory of each service and its task definition, to the byte: a bounded number of bytes,
//! the same however many there are, and no more with time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail by panicking"
)]

mod common;

use std::alloc::System;
use std::time::Duration;

use cap::Cap;
use common::fleet::fleet;
use common::harness::{HOUR, MINUTE, Rig};

/// Counts the bytes that are allocated at present.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Bytes of a service and its task definition: what is declared, what AWS shows, what is told of them. It is 6,300 as this
/// is written.
const PER_SERVICE_MAX: f64 = 7_000.0;
const FEW: usize = 20;
const MANY: usize = 60;

/// A world in which all of it is there.
async fn settled(services: usize) -> Rig {
    let mut rig = Rig::new(1);
    rig.options.rollouts_max = services;
    for (file, text) in fleet(services) {
        rig.write(&file, text);
    }
    rig.start();
    rig.converge(24 * HOUR).await;
    rig.operator.take().unwrap().end().await;
    rig
}

/// Bytes that an operator holds after so many rounds over a world in which there is nothing to do.
async fn held(rig: &mut Rig, rounds: u32) -> f64 {
    let mark = rig.mark();
    rig.start();
    rig.run(rounds * MINUTE + Duration::from_secs(30)).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new(), "there was nothing to do");
    let operator = rig.operator.take().unwrap();
    // What the test itself remembers of it.
    operator.way.way().calls = Vec::new();
    let before = ALLOCATOR.allocated();
    operator.end().await;
    (before - ALLOCATOR.allocated()) as f64
}

// One test only: others of this process would count, too.
#[tokio::test(start_paused = true)]
async fn a_service_takes_its_bytes_and_no_more_with_time() {
    let few = held(&mut settled(FEW).await, 3).await;
    let mut rig = settled(MANY).await;
    let many = held(&mut rig, 3).await;
    let later = held(&mut rig, 53).await;
    let each = (many - few) / (MANY - FEW) as f64;
    println!("{few} bytes for {FEW} services, {many} for {MANY}: {each:.0} a service; {later} after 50 more rounds");
    assert!(each <= PER_SERVICE_MAX, "{each} bytes a service");
    assert!(later <= many * 1.01, "{many} bytes became {later}");
}
