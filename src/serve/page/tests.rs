//! What the page says, in process: its structure, what it escapes, and how large it gets.

use super::super::tests::face;
use super::*;
use crate::kinds::{Key, Kind, Place};
use crate::rollout::{Bounds, DeploymentStatus, EventStatus, RolloutStatus, Timeline};
use crate::shape::Time;
use crate::status::{Condition, ConditionType, DRIFT_MAX, HAPPENINGS_MAX, Happening, ObjectStatus, TasksStopped, What};

const NOW: Time = Time(1_790_000_000_000);

fn key(cluster: &str, name: &str) -> Key {
    let place = Place { account: "123456789012".into(), region: "us-east-1".into() };
    Key::new(place, Some(cluster.into()), Kind::Service, name.into())
}

fn object(reason: &'static str, holds: &[ConditionType], message: &str) -> ObjectStatus {
    let one = |kind: &ConditionType| {
        let (status, message) = (Some(holds.contains(kind)), message.to_owned());
        (*kind, Condition { status, reason: reason.into(), message, since: Time(NOW.0 - 240_000) })
    };
    ObjectStatus { conditions: ConditionType::ALL.iter().map(one).collect(), ..ObjectStatus::default() }
}

fn deployment(status: &str, name: &str, state: &str, running: i64) -> DeploymentStatus {
    DeploymentStatus {
        status: status.into(),
        task_definition: name.into(),
        state: state.into(),
        desired: 4,
        running,
        pending: 1,
        failed: 2,
    }
}

fn rolling(name: &str, at: i64) -> RolloutStatus {
    let deployments = vec![
        deployment("PRIMARY", &format!("{name}:2"), "IN_PROGRESS", at % 4),
        deployment("ACTIVE", &format!("{name}:1"), "COMPLETED", 4 - at % 4),
    ];
    RolloutStatus {
        bounds: Bounds { lower: 2, upper: 6 },
        desired: 4,
        running: 4,
        pending: at % 2,
        deployments,
        since: Time(NOW.0 - 90_000),
        at: Time(NOW.0 - 90_000 + at * 1000),
        event: Some(EventStatus {
            at: NOW,
            message: format!("(service {name}) has started 1 tasks: (task 0123) {name}."),
        }),
    }
}

fn at_work(name: &str) -> ObjectStatus {
    let mut timeline = Timeline::begin(None, &rolling(name, 1));
    (2..90).for_each(|at| timeline.see(&rolling(name, at)));
    ObjectStatus {
        rollout: Some(Box::new(rolling(name, 90))),
        timeline: Some(Arc::new(timeline)),
        ..object("RolloutInProgress", &[ConditionType::Reconciling], "2 of 4 new tasks run")
    }
}

fn status(objects: Vec<(Key, ObjectStatus)>) -> Status {
    Status {
        objects: objects.into_iter().map(|(key, one)| (key, Arc::new(one))).collect(),
        synced: true,
        ..Status::default()
    }
}

fn shown(status: &Status, view: &View) -> String {
    let (_, ending) = watch::channel(false);
    let readers = Arc::new(Semaphore::new(1));
    let page = Page { face: face(status.clone(), NOW), answers: Answers::default(), readers, ending };
    document(&page, status, view)
}

/// Every tag is closed where it has to be, and every id stands once.
fn well_formed(html: &str) {
    let (mut open, mut ids) = (Vec::new(), std::collections::BTreeSet::new());
    let mut rest = html;
    while let Some((_, tag)) = rest.split_once('<') {
        let (tag, after) = tag.split_once('>').unwrap();
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "</{name}> closes something else");
            continue;
        }
        if let Some((_, id)) = tag.split_once(" id=\"") {
            assert!(ids.insert(id.split('"').next().unwrap()), "twice: {tag}");
        }
        let name = tag.split(' ').next().unwrap().trim_end_matches('/');
        if !tag.ends_with('/') && !["!doctype", "meta", "link", "input", "br"].contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
    for table in html.split("<table").skip(1).map(|rest| rest.split("</table>").next().unwrap()) {
        let cells: Vec<usize> =
            table.split("<tr>").skip(1).map(|row| row.matches("<th ").count() + row.matches("<td").count()).collect();
        assert!(cells.windows(2).all(|pair| pair[0] == pair[1]), "{cells:?}: {table}");
    }
}

fn four() -> Status {
    let (failed, why) = ("web:3 failed: circuit breaker", "exec: <app>: not found");
    let told = format!("{failed}; the tasks: {why}. Held");
    let mut held = object("RolledBack", &[ConditionType::Stalled, ConditionType::Degraded], &told);
    held.history.add(Happening { took_seconds: Some(65), ..Happening::new(NOW, What::RolloutRolledBack, failed) });
    held.history.because(|_| true, why);
    held.tasks_stopped = Some(Box::new(TasksStopped { task_definition: "web:3".into(), why: why.into() }));
    held.drift = vec!["desiredCount".into()];
    let paused = ObjectStatus { suspended: true, ..object("Suspended", &[ConditionType::Stalled], "the tag is set") };
    status(vec![
        (key("prod", "good"), object("Converged", &[ConditionType::Ready], "")),
        (key("prod", "held"), held),
        (key("test", "moving"), at_work("moving")),
        (key("test", "paused"), paused),
        (key("test", "new"), ObjectStatus::default()),
    ])
}

#[test]
fn what_needs_people_comes_first_and_says_why() {
    let html = shown(&four(), &View::default());
    well_formed(&html);
    let order = [">Needs attention</span>", "1 of 5 objects needs attention"];
    order.iter().for_each(|words| assert!(html.contains(words), "{words}"));
    let list = html.split_once("id=\"objects\"").unwrap().1;
    let places = ["held", "moving", "paused", "good", "new"].map(|name| list.find(&format!("<b>{name}</b>")).unwrap());
    assert!(places.is_sorted(), "{places:?}");
    for words in [
        "<p class=\"why\">web:3 failed: circuit breaker; the tasks: <b class=\"cause\">exec: &lt;app&gt;: not found</b>. Held</p>",
        "circuit breaker</span> <span class=\"cause\">the tasks: exec: &lt;app&gt;: not found</span>",
        "<code>desiredCount</code>",
        "<b>rollout rolled back after 1 min 05 s</b>",
        "Held like nothing else.",
        "<svg xmlns",
        "ECS keeps at least 2 healthy, at most 6 in all",
        "primary, in progress",
        "ago: has started 1 tasks.</p>",
        "<time datetime=\"2026-09-21T14:09:20.000Z\"",
    ] {
        assert!(html.contains(words), "no {words:?} in {html}");
    }
    assert_eq!(html.matches("<details id=\"o-").count(), 5);
    assert_eq!(list.matches(" open>").count(), 2, "what fails and what moves can be seen at once");
}

#[test]
fn a_view_is_an_address_and_back() {
    let asked = |query: &str| {
        let uri = format!("http://x/?{query}").parse().unwrap();
        View::from(Query::<Asked>::try_from_uri(&uri).unwrap().0)
    };
    for query in ["", "q=a%20b%26%2F&state=failing&cluster=pr%C3%B6d&page=3", "key=1/r/c/Service/web"] {
        let view = asked(query);
        let address = view.address();
        assert_eq!(asked(address.strip_prefix("/?").unwrap_or_default()), view, "{address}");
    }
    assert_eq!(asked("state=none&page=-1&more=x"), View { page: 1, ..View::default() });
    assert_eq!(asked(&format!("q={}", "x".repeat(5000))).filter.len(), limits::FILTER_CHARS);
}

#[test]
fn filters_leave_what_was_asked_for() {
    let names = |view: View| {
        let html = shown(&four(), &view);
        well_formed(&html);
        let list = html.split_once("id=\"objects\"").unwrap().1.to_owned();
        ["good", "held", "moving", "new", "paused"]
            .into_iter()
            .filter(|name| list.contains(&format!("<b>{name}</b>")))
            .collect::<Vec<_>>()
    };
    let base = View::default();
    assert_eq!(names(View { filter: "ROLLEDback prod".into(), ..base.clone() }), ["held"]);
    assert_eq!(names(View { cluster: "test".into(), ..base.clone() }), ["moving", "new", "paused"]);
    assert_eq!(names(View { state: Some(view::State::Ready), ..base.clone() }), ["good"]);
    assert_eq!(names(View { filter: "nothing".into(), ..base.clone() }), Vec::<&str>::new());
    assert_eq!(names(View::of(&key("prod", "held"))), ["held"]);
    let gone = shown(&four(), &View { key: Some("1/<i>/c/Service/x".into()), ..base });
    assert!(gone.contains("No such object") && gone.contains("&lt;i&gt;"), "{gone}");
}

/// Every text of a status that somebody else can choose.
#[test]
fn foreign_text_stays_text_wherever_it_stands() {
    const EVIL: &str = "\"><script>alert('x')</script>&<!--\u{202e}\r\n";
    let mut one = at_work(EVIL);
    for condition in one.conditions.values_mut() {
        condition.message = EVIL.into();
        condition.reason = EVIL.into();
    }
    one.drift = vec![EVIL.into()];
    one.history.add(Happening::new(NOW, What::Troubled, EVIL));
    let mut all = status(vec![(key(EVIL, EVIL), one.clone()), (key("b", "b"), one)]);
    all.orphans.insert(EVIL.into());
    all.source.revision = EVIL.into();
    all.source.problems = vec![EVIL.into()];
    for view in [
        View::default(),
        View { filter: EVIL.into(), cluster: EVIL.into(), ..View::default() },
        View::of(&key("b", "b")),
        View { key: Some(EVIL.into()), ..View::default() },
    ] {
        let html = shown(&all, &view);
        well_formed(&html);
        assert_eq!(html.matches("<script").count(), 1, "only the page's own");
        assert!(!html.contains("<!--") && !html.contains('\u{202e}') && !html.contains('\r'), "{html}");
        assert!(!html.contains("style="), "the policy takes none");
    }
}

/// The largest that names, messages and histories can be.
fn enormous(count: usize) -> Status {
    let text = "<&\"'>".repeat(4000);
    let mut one = at_work(&"w".repeat(255));
    for condition in one.conditions.values_mut() {
        condition.message.clone_from(&text);
        condition.status = Some(condition.reason == "x");
    }
    one.rollout.as_mut().unwrap().deployments =
        (0..100).map(|number| deployment("ACTIVE", &format!("{}:{number}", "w".repeat(255)), "FAILED", 1)).collect();
    (0..50).for_each(|at| one.history.add(Happening::new(Time(at), What::Troubled, format!("{at}{text}"))));
    assert_eq!(one.history.iter().count(), HAPPENINGS_MAX);
    one.drift = vec!["w".repeat(255); DRIFT_MAX];
    let name = |number: usize| format!("{number:05}{}", "n".repeat(250));
    let mut all = status((0..count).map(|number| (key(&name(number % 500), &name(number)), one.clone())).collect());
    all.orphans = (0..count).map(name).collect();
    all
}

#[test]
fn ten_thousand_objects_at_their_worst_are_a_page_of_bounded_size() {
    let few = shown(&enormous(limits::OBJECTS), &View::default());
    let many = shown(&enormous(10_000), &View::default());
    well_formed(&many);
    assert!(many.len() < few.len() + few.len() / 4, "{} against {}", many.len(), few.len());
    assert!(many.len() < 8 * 1024 * 1024, "{}", many.len());
    assert!(many.contains("<span>1–50 of 10000</span>"), "pages");
    // And as they usually are.
    let usual = (0..10_000).map(|number| {
        let cluster = format!("c{:02}", number % 20);
        (key(&cluster, &format!("service-{number:05}")), object("Converged", &[ConditionType::Ready], ""))
    });
    let html = shown(&status(usual.collect()), &View { page: 7, ..View::default() });
    assert!(html.len() < 128 * 1024, "{}", html.len());
    assert!(html.contains("<span>301–350 of 10000</span>"), "page 7");
}

#[test]
fn ages_alone_change_nothing_within_a_minute() {
    let all = four();
    let drawn = |now: Time| {
        let sight = Sight { now, reasons: &[], open: true };
        overview::fragments(&all, &View::default(), &sight)
    };
    assert_eq!(drawn(NOW), drawn(Time(NOW.0 + 59_000)));
    assert_ne!(drawn(NOW), drawn(Time(NOW.0 + 61_000)));
}
