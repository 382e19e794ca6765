//! One object: a line of what matters, and below it everything that is known. Must not know: the other objects.

use crate::kinds::{Key, hash};
use crate::picture::{self, NARROW, Picture};
use crate::rollout::{DeploymentStatus, RolloutStatus, Timeline};
use crate::shape::Time;
use crate::status::{ConditionType, Happening, ObjectStatus};

use super::html::{Html, counted, span};
use super::limits;
use super::view::{State, View};

/// What an object is drawn with.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    pub now: Time,
    /// What the reasons of conditions mean.
    pub reasons: &'static [(&'static str, &'static str)],
    /// Its details can be seen without being asked for.
    pub open: bool,
}

/// The id of an object's element: names may have any letters, ids may not.
pub fn id(key: &Key) -> String {
    format!("o-{}", hash::short(&key.to_string(), 16))
}

/// The object as an item of a list.
pub fn item(key: &Key, one: &ObjectStatus, sight: &Sight) -> Html {
    let (id, state) = (id(key), State::of(one));
    let mut html = Html::default();
    html.raw("<li class=\"object ").raw(state.name()).raw("\"").attribute("id", &id).raw("><details");
    html.attribute("id", &format!("{id}-d")).raw(if sight.open { " open>" } else { ">" });
    html.raw("<summary").attribute("id", &format!("{id}-s")).raw(">");
    line(&mut html, key, one, sight, state);
    html.raw("</summary><div class=\"body\">");
    body(&mut html, key, one, sight);
    html.raw("<p class=\"foot\"><a").attribute("href", &View::of(key).address());
    html.raw(">").text(&key.short()).raw(" on a page of its own</a></p></div></details></li>");
    html
}

/// The object alone, in full.
pub fn page(key: &Key, one: &ObjectStatus, sight: &Sight) -> Html {
    let state = State::of(one);
    let mut html = Html::default();
    html.raw("<div class=\"object alone ").raw(state.name()).raw("\"").attribute("id", &id(key));
    html.raw("><p class=\"line\">");
    line(&mut html, key, one, sight, state);
    html.raw("</p><div class=\"body\">");
    body(&mut html, key, one, sight);
    html.raw("</div></div>");
    html
}

/// Sign, name, reason, tasks, since when.
fn line(html: &mut Html, key: &Key, one: &ObjectStatus, sight: &Sight, state: State) {
    sign(html, state);
    html.raw("<span class=\"said\">").raw(state.words()).raw(": </span>");
    html.raw("<span class=\"name\"><b>").text(&key.name).raw("</b> <span class=\"kind\">").raw(key.kind.as_str());
    html.raw("</span></span> ");
    let ready = one.conditions.ready();
    html.raw("<span class=\"reason\">").text(ready.map_or("Pending", |ready| ready.reason.as_ref()));
    html.raw("</span> <span class=\"tasks\">");
    if let Some(tasks) = one.tasks {
        html.of(tasks.running).raw("<span class=\"of\">/").of(tasks.desired);
        html.raw("</span><span class=\"said\"> tasks run</span>");
    }
    html.raw("</span> <span class=\"since\">");
    if let Some(ready) = ready {
        html.raw("<span class=\"said\">for </span>").ago(sight.now, ready.since);
    }
    html.raw("</span>");
}

/// The sign of a state: a shape of its own beside its colour.
pub fn sign(html: &mut Html, state: State) {
    html.raw("<svg class=\"sign ")
        .raw(state.name())
        .raw("\" aria-hidden=\"true\" focusable=\"false\"><use href=\"#sign-");
    html.raw(state.name()).raw("\"/></svg>");
}

fn body(html: &mut Html, key: &Key, one: &ObjectStatus, sight: &Sight) {
    why(html, one, sight);
    if !one.drift.is_empty() {
        html.raw("<p class=\"drift\"><b>Drift:</b> ");
        for (place, path) in one.drift.iter().enumerate() {
            html.raw(if place == 0 { "<code>" } else { ", <code>" }).text(path).raw("</code>");
        }
        html.raw(" — somebody else’s change, not Git’s.</p>");
    }
    if let Some(timeline) = &one.timeline {
        drawn(html, key, timeline);
    }
    if let Some(rollout) = &one.rollout {
        deployments(html, rollout);
        event(html, key, rollout, sight.now);
    }
    html.raw("<div class=\"columns\">");
    conditions(html, one, sight.now);
    history(html, one, sight.now);
    html.raw("</div>");
    html.raw("<p class=\"foot\">").raw("Generation ").of(one.generation);
    if one.observed_generation < one.generation {
        html.raw(", ").of(one.observed_generation).raw(" acted on");
    }
    if let Some(at) = one.last_reconcile {
        html.raw("; looked at ").ago(sight.now, at).raw(" ago");
    }
    html.raw(". <span class=\"key\">").of(key).raw("</span></p>");
}

/// What is the matter, and what that means.
fn why(html: &mut Html, one: &ObjectStatus, sight: &Sight) {
    let Some(ready) = one.conditions.ready().filter(|ready| ready.status != Some(true)) else {
        return;
    };
    if !ready.message.is_empty() {
        html.raw("<p class=\"why\">");
        let said = one.tasks_stopped.as_ref().map(|stopped| stopped.why.as_str());
        match said.and_then(|said| Some((ready.message.split_once(said)?, said))) {
            // What mends it follows from what the tasks say.
            Some(((before, after), said)) => {
                html.text(before).raw("<b class=\"cause\">").text(said).raw("</b>").text(after)
            }
            None => html.text(&ready.message),
        };
        html.raw("</p>");
    }
    if let Some((_, means)) = sight.reasons.iter().find(|(reason, _)| *reason == ready.reason) {
        html.raw("<p class=\"means\"><b>").text(&ready.reason).raw(":</b> ").raw(means).raw("</p>");
    }
}

/// The rollout as a picture, and in words for those who don't see it.
fn drawn(html: &mut Html, key: &Key, timeline: &Timeline) {
    let Some(last) = timeline.samples.last() else { return };
    let took = span(timeline.until.since(timeline.began).as_secs());
    let title = format!(
        "{}: {}. {} tasks run, {} in all; at least {} healthy, at most {}.",
        key.name,
        if timeline.over { format!("the last rollout, {took}") } else { format!("a rollout in progress for {took}") },
        last.all(),
        last.total,
        last.bounds.lower,
        last.bounds.upper
    );
    html.raw("<figure class=\"rollout\"><figcaption>");
    html.raw(if timeline.over { "Last rollout, " } else { "Rollout in progress, " }).text(&took);
    html.raw("</figcaption>");
    html.picture(&Picture { title: &title, timeline, paper: &NARROW, counted: "running", after: "" });
    html.raw("<ul class=\"legend\">");
    for (place, name) in timeline.revisions.iter().enumerate() {
        html.raw("<li><span class=\"swatch ").raw(picture::class(timeline, place)).raw("\"></span>").text(name);
        html.raw(", ").of(last.of(place)).raw(" running</li>");
    }
    html.raw("<li><span class=\"swatch all\"></span>all tasks, ").of(last.total).raw("</li>");
    html.raw("<li><span class=\"swatch bound\"></span>ECS keeps at least ").of(last.bounds.lower);
    html.raw(" healthy, at most ").of(last.bounds.upper).raw(" in all</li></ul></figure>");
}

fn deployments(html: &mut Html, rollout: &RolloutStatus) {
    html.raw("<table class=\"deployments\"><caption>Deployments</caption><thead><tr><th scope=\"col\">Revision</th>");
    html.raw("<th scope=\"col\" class=\"n\">Want</th><th scope=\"col\" class=\"n\">Run</th>");
    html.raw("<th scope=\"col\" class=\"n\">Start</th><th scope=\"col\" class=\"n\">Failed</th></tr></thead><tbody>");
    for one in rollout.deployments.iter().take(limits::DEPLOYMENTS) {
        html.raw("<tr><th scope=\"row\">").text(&one.task_definition);
        html.raw(" <span class=\"stands\">").text(&stands(one)).raw("</span></th>");
        for (count, is_bad) in
            [(one.desired, false), (one.running, false), (one.pending, false), (one.failed, one.failed > 0)]
        {
            html.raw(if is_bad { "<td class=\"n bad\">" } else { "<td class=\"n\">" }).of(count).raw("</td>");
        }
        html.raw("</tr>");
    }
    html.raw("</tbody></table>");
    if let Some(more) = rollout.deployments.len().checked_sub(limits::DEPLOYMENTS).filter(|more| *more > 0) {
        html.raw("<p class=\"foot\">and ").text(&counted(more, "more deployment")).raw("</p>");
    }
}

/// `primary, in progress`.
fn stands(one: &DeploymentStatus) -> String {
    let state = one.state.to_lowercase().replace('_', " ");
    let status = one.status.to_lowercase();
    if state.is_empty() { status } else { format!("{status}, {state}") }
}

fn event(html: &mut Html, key: &Key, rollout: &RolloutStatus, now: Time) {
    let Some(event) = &rollout.event else { return };
    let said = event.message.strip_prefix(&format!("(service {}) ", key.name)).unwrap_or(&event.message);
    html.raw("<p class=\"event\"><b>ECS</b>, ").ago(now, event.at).raw(" ago: ");
    match said.split_once(": (task ") {
        // Which tasks it were says nothing to people.
        Some((before, _)) => html.text(before).raw("."),
        None => html.text(said),
    };
    html.raw("</p>");
}

fn conditions(html: &mut Html, one: &ObjectStatus, now: Time) {
    if one.conditions.is_empty() {
        html.raw("<p>It has not been looked at yet.</p>");
        return;
    }
    html.raw("<table class=\"conditions\"><caption>Conditions</caption><thead><tr><th scope=\"col\">Condition</th>");
    html.raw("<th scope=\"col\">Holds</th><th scope=\"col\" class=\"n\">For</th></tr></thead><tbody>");
    for (kind, condition) in one.conditions.iter() {
        let (words, class) = match (condition.status, kind) {
            (Some(true), ConditionType::Ready) => ("yes", "<td class=\"good\">"),
            (Some(true), ConditionType::Reconciling) => ("yes", "<td class=\"busy\">"),
            (Some(true), ConditionType::Stalled | ConditionType::Degraded) => ("yes", "<td class=\"bad\">"),
            (Some(false), _) => ("no", "<td>"),
            (None, _) => ("not known", "<td>"),
        };
        html.raw("<tr><th scope=\"row\">").raw(kind.as_str()).raw("</th>").raw(class).raw(words);
        html.raw("</td><td class=\"n\">").ago(now, condition.since).raw("</td></tr>");
    }
    html.raw("</tbody></table>");
}

fn history(html: &mut Html, one: &ObjectStatus, now: Time) {
    html.raw("<div class=\"history\"><h4>Lately</h4>");
    if one.history.newest().is_none() {
        html.raw("<p class=\"none\">Nothing since this operator began.</p></div>");
        return;
    }
    html.raw("<ol class=\"happenings\">");
    for happening in one.history.iter().rev() {
        html.raw("<li").raw(class_of(happening)).raw("><span class=\"when\">").ago(now, happening.at);
        html.raw(" ago</span> <span class=\"what\">");
        what(html, happening);
        html.raw("</span></li>");
    }
    html.raw("</ol></div>");
}

/// The class of an item that is about something bad.
pub fn class_of(happening: &Happening) -> &'static str {
    if happening.what.is_bad() { " class=\"bad\"" } else { "" }
}

/// What happened, how long it took, and why.
pub fn what(html: &mut Html, happening: &Happening) {
    html.raw("<b>").raw(happening.what.words());
    if let Some(seconds) = happening.took_seconds {
        html.raw(" after ").text(&span(seconds));
    }
    if happening.times > 1 {
        html.raw(", ").of(happening.times).raw(" times");
    }
    html.raw("</b>");
    if !happening.detail.is_empty() {
        html.raw(" <span class=\"detail\">").text(&happening.detail).raw("</span>");
    }
    if let Some(cause) = &happening.cause {
        html.raw(" <span class=\"cause\">the tasks: ").text(cause).raw("</span>");
    }
}
