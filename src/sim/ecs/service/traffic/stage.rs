//! The lifecycle stages of a deployment that shifts traffic, in one table (§2.14). Must not know: tasks.
//!
//! How long the stages take by themselves is published for none but NLB shifts; every span here is inferred.

use std::time::Duration;

/// A lifecycle stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Reconcile,
    PreScaleUp,
    ScaleUp,
    PostScaleUp,
    TestShift,
    PostTestShift,
    /// For hooks only, once a step; no stage of its own to those who look.
    PreProductionShift,
    ProductionShift,
    /// Between two steps; part of the shift to those who look.
    StepBake,
    PostProductionShift,
    Bake,
    CleanUp,
}

/// What there is to say about a stage.
pub(super) struct Row {
    pub stage: Stage,
    /// `lifecycleStage` while it lasts.
    pub shown: &'static str,
    /// What hooks call it, where they may have it.
    pub hooked: Option<&'static str>,
    /// Whether a PAUSE hook may have it.
    pub pauses: bool,
    /// What it takes at least.
    pub takes: Duration,
}

const fn row(stage: Stage, shown: &'static str, hooked: Option<&'static str>, pauses: bool, secs: u64) -> Row {
    Row { stage, shown, hooked, pauses, takes: Duration::from_secs(secs) }
}

const SHIFT: &str = "PRODUCTION_TRAFFIC_SHIFT";

/// All stages, in their order.
pub(super) const STAGES: &[Row] = &[
    row(Stage::Reconcile, "RECONCILE_SERVICE", Some("RECONCILE_SERVICE"), true, 2),
    row(Stage::PreScaleUp, "PRE_SCALE_UP", Some("PRE_SCALE_UP"), true, 0),
    row(Stage::ScaleUp, "SCALE_UP", None, false, 0),
    row(Stage::PostScaleUp, "POST_SCALE_UP", Some("POST_SCALE_UP"), true, 0),
    row(Stage::TestShift, "TEST_TRAFFIC_SHIFT", Some("TEST_TRAFFIC_SHIFT"), false, 10),
    row(Stage::PostTestShift, "POST_TEST_TRAFFIC_SHIFT", Some("POST_TEST_TRAFFIC_SHIFT"), true, 0),
    row(Stage::PreProductionShift, SHIFT, Some("PRE_PRODUCTION_TRAFFIC_SHIFT"), true, 0),
    row(Stage::ProductionShift, SHIFT, Some(SHIFT), false, 10),
    row(Stage::StepBake, SHIFT, None, false, 0),
    row(Stage::PostProductionShift, "POST_PRODUCTION_TRAFFIC_SHIFT", Some("POST_PRODUCTION_TRAFFIC_SHIFT"), true, 0),
    row(Stage::Bake, "BAKE_TIME", None, false, 0),
    row(Stage::CleanUp, "CLEAN_UP", None, false, 0),
];

/// A shift of traffic behind an NLB takes so much longer (§2.14).
pub(super) const NLB_SHIFT: Duration = Duration::from_secs(600);
/// No stage lasts longer.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// A hook's function answers so long after it was called.
pub(super) const HOOK_ANSWERS: Duration = Duration::from_secs(3);
/// One that said IN_PROGRESS is asked again after so long.
pub(super) const HOOK_AGAIN: Duration = Duration::from_secs(30);
/// A PAUSE hook waits so many minutes unless it says (§2.14).
pub(super) const PAUSE_MINUTES: i64 = 20_160;

impl Stage {
    pub(super) fn row(self) -> Option<&'static Row> {
        STAGES.iter().find(|row| row.stage == self)
    }

    pub(super) fn following(self) -> Self {
        let place = STAGES.iter().position(|row| row.stage == self);
        place.and_then(|place| STAGES.get(place + 1)).map_or(Self::CleanUp, |row| row.stage)
    }

    pub(super) fn takes(self, behind_nlb: bool) -> Duration {
        let own = self.row().map_or(Duration::ZERO, |row| row.takes);
        match self {
            Self::TestShift | Self::ProductionShift if behind_nlb => own + NLB_SHIFT,
            _ => own,
        }
    }
}
