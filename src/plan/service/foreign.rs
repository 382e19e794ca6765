//! Services that others deploy than ECS: what is changed in place all the same, what is left to them, and how a service
//! comes over to EXTERNAL (docs/ecs.md §2.13). Must not know: ECS's own deployments.

use super::super::{Facts, Need, Plan, Reason, Verdict, memory_step};
use super::{Change, NO_REVISION, Wanted, attempt, settle};
use crate::kinds::service::{self, CODE_DEPLOY, ECS, EXTERNAL};
use crate::kinds::{Difference, Object};
use crate::rollout::{self, Progress};
use crate::shape::Tree;

const CONTROLLER: &str = "deploymentController";
const TASK_DEFINITION: &str = "taskDefinition";

/// In whose hands a service is, where ECS does not simply deploy it.
pub enum Hands {
    /// This controller's, and no manifest says so or otherwise.
    Unsaid(String),
    /// This controller's, as declared.
    Theirs(String),
    /// It goes over to EXTERNAL, in place.
    Over,
    /// ECS is to take it over as soon as CodeDeploy is done.
    Busy,
}

/// In whose hands a service is; nothing where what is wanted is for ECS to deploy, a take-over too.
pub fn hands(object: &Object, shown: &Tree, change: &Change) -> Option<Hands> {
    let declared = object.spec.get(CONTROLLER).map(|_| service::controller(&object.spec));
    let live = service::controller(shown);
    // Drift that is left is no wish.
    let goes = change.differences.iter().any(|one| one.member() == CONTROLLER);
    match (live, declared) {
        (ECS, None | Some(ECS)) => None,
        (ECS | CODE_DEPLOY, Some(EXTERNAL)) if goes => Some(Hands::Over),
        (CODE_DEPLOY, Some(ECS)) if goes && rollout::is_in_progress(shown) => Some(Hands::Busy),
        (_, Some(ECS)) if goes => None,
        (ECS, Some(theirs)) => Some(Hands::Theirs(theirs.to_owned())),
        (theirs, Some(_)) => Some(Hands::Theirs(theirs.to_owned())),
        (theirs, None) => Some(Hands::Unsaid(theirs.to_owned())),
    }
}

/// What is done about a service in other hands: what UpdateService changes in place there, and no more.
pub fn plan(
    hands: Hands,
    object: &Object,
    facts: &Facts<'_>,
    shown: &Tree,
    wanted: &Wanted<'_>,
    mut change: Change,
) -> Result<Plan, Need> {
    let verdict = match hands {
        Hands::Unsaid(controller) => {
            let message = format!("{controller} deploys it; {TAKE_OVER}");
            Some(Verdict::Blocked(Reason::ForeignController, message))
        }
        Hands::Theirs(controller) => {
            retain(&mut change, &controller);
            let allowed = service::rows::allowed_under(&controller);
            // What is left out is theirs to say, and what nothing shows can't differ.
            let is_said =
                |member: &str| object.spec.get(member).is_some() && !service::IN_DEPLOYMENTS.contains(&member);
            let ours = |member: &str| allowed.contains(&member) || member == "tags" || is_said(member);
            change.differences.retain(|one| ours(one.member()));
            refusal(&controller, &change).map(|message| Verdict::Blocked(Reason::ForeignController, message))
        }
        Hands::Over => over(facts, shown, object, &mut change),
        Hands::Busy => Some(Verdict::Rolling("CodeDeploy deploys; ECS takes over when it has done".to_owned())),
    };
    let goes = change.goes_over();
    let mut plan = settle(object, facts, shown, change, verdict)?;
    if let Some(arn) = shown.text("serviceArn").filter(|_| goes) {
        // Or what ECS is to deploy one day would be taken for what it deployed before.
        let noted = attempt(object, facts, wanted, NO_REVISION).tag();
        plan.steps.insert(0, memory_step(arn, vec![noted], "that others deploy it from now on is written down"));
    }
    Ok(plan)
}

const TAKE_OVER: &str =
    "to let ECS take over, in place and by a deployment, declare deploymentController: { type: ECS }";

/// Leaves out what ECS would refuse to change in place under the live controller.
pub fn keep(change: &mut Change, shown: &Tree) {
    let live = service::controller(shown);
    if live != ECS && !change.goes_over() {
        retain(change, live);
    }
}

fn retain(change: &mut Change, controller: &str) {
    let allowed = service::rows::allowed_under(controller);
    change.in_place.retain(|name| allowed.contains(&name.as_str()));
}

impl Change {
    /// To EXTERNAL, in place.
    fn goes_over(&self) -> bool {
        self.in_place.iter().any(|name| name == CONTROLLER)
    }
}

/// Why what differs is not brought about, and who can; `None` where all of it is.
fn refusal(controller: &str, change: &Change) -> Option<String> {
    let allowed = service::rows::allowed_under(controller);
    let theirs = |one: &&Difference| !allowed.contains(&one.member()) && one.member() != "tags";
    let mut members: Vec<&str> = change.differences.iter().filter(theirs).map(Difference::member).collect();
    members.dedup();
    let revisions = change.differences.iter().find(|one| one.member() == TASK_DEFINITION).map(revisions);
    let parts = members.iter().map(|member| match &revisions {
        Some(revisions) if *member == TASK_DEFINITION => format!("{member} ({revisions})"),
        _ => (*member).to_owned(),
    });
    let restart = change.restart.then(|| "reconcile.restartedAt".to_owned());
    let parts: Vec<String> = parts.chain(restart).collect();
    if parts.is_empty() {
        return None;
    }
    let by = if controller == CODE_DEPLOY { "with CodeDeploy" } else { "with task sets" };
    let balancers = members.contains(&"loadBalancers");
    let shifts =
        if balancers { "; what CodeDeploy shifts by itself is left by reconcile.ignore: [/loadBalancers]" } else { "" };
    Some(format!(
        "{} changed, and {controller} deploys it: deploy that {by}, or take it back{shifts}; {TAKE_OVER}",
        parts.join(", ")
    ))
}

/// `web:1 runs, web:2 in Git`.
fn revisions(one: &Difference) -> String {
    let text = |side: &Option<Tree>| side.as_ref().and_then(Tree::as_text).map(str::to_owned);
    let live = text(&one.observed).filter(|live| !live.is_empty());
    format!(
        "{} runs, {} in Git",
        live.unwrap_or_else(|| "none".to_owned()),
        text(&one.desired).unwrap_or_else(|| "another, not registered yet,".to_owned())
    )
}

/// What keeps a service from going over to EXTERNAL, by what ECS shows of it.
fn obstacle(shown: &Tree) -> Option<&'static str> {
    let connected = shown.at(&["serviceConnectConfiguration", "enabled"]).and_then(Tree::as_bool) == Some(true);
    let latticed = !shown.list("vpcLatticeConfigurations").is_empty();
    connected.then_some("Service Connect").or(latticed.then_some("VPC Lattice"))
}

/// Lets a service go over to EXTERNAL with what it has, which is switched off in the same call where ECS refuses it
/// there; says why not, or not yet.
fn over(facts: &Facts<'_>, shown: &Tree, object: &Object, change: &mut Change) -> Option<Verdict> {
    let obstacle = obstacle(&service::shown(shown));
    let late = rollout::progress(shown, object.reconcile.progress_deadline, facts.date);
    let busy = rollout::is_in_progress(shown);
    let verdict = match (obstacle, late) {
        (Some(what), _) => Some(Verdict::Blocked(
            Reason::ReplacementNeeded,
            format!(
                "with {what} no service goes over to the deployment controller EXTERNAL: take it away by a deployment of \
                 the present controller's, or take the change back"
            ),
        )),
        // How it stands is told as ever.
        (None, Progress::Failed { timed_out: true, .. } | Progress::Rolling { .. }) if busy => None,
        (None, _) if busy => Some(Verdict::Rolling("it goes over to EXTERNAL when the deployment is done".to_owned())),
        (None, _) => {
            let allowed = service::rows::allowed_under(CODE_DEPLOY);
            change.in_place.retain(|name| name == CONTROLLER || allowed.contains(&name.as_str()));
            return None;
        }
    };
    retain(change, EXTERNAL);
    verdict
}
