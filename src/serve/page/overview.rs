//! The whole page, in fragments that can be replaced one by one. Must not know: how they reach their reader.

use crate::kinds::Key;
use crate::status::{SourceStatus, Status};

use super::html::{Html, counted};
use super::limits;
use super::object::{self, Sight};
use super::view::{Selection, State, View};

/// An element with an id, which may be replaced as a whole; items in it that have ids too, one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    pub id: &'static str,
    pub pieces: Vec<Piece>,
}

/// A part of a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// What changes only with the fragment.
    Frame(Html),
    Item {
        id: String,
        html: Html,
    },
}

impl Fragment {
    fn plain(id: &'static str, html: Html) -> Self {
        Self { id, pieces: vec![Piece::Frame(html)] }
    }

    pub fn write(&self, into: &mut Html) {
        for piece in &self.pieces {
            match piece {
                Piece::Frame(html) | Piece::Item { html, .. } => drop(into.html(html)),
            }
        }
    }
}

/// What the page shows of a status.
pub fn fragments(status: &Status, view: &View, sight: &Sight) -> Vec<Fragment> {
    if let Some(key) = &view.key {
        return alone(status, key, sight);
    }
    let selection = Selection::of(status, view);
    vec![
        Fragment::plain("headline", headline(status, &selection)),
        Fragment::plain("source", source(&status.source, sight)),
        Fragment::plain("counts", counts(&selection, view)),
        Fragment::plain("clusters", clusters(&selection, view)),
        objects(&selection, view, sight),
        Fragment::plain("lately", lately(&selection, sight)),
        Fragment::plain("orphans", orphans(status)),
    ]
}

/// One object, or that there is none of that name.
fn alone(status: &Status, key: &str, sight: &Sight) -> Vec<Fragment> {
    let found = key.parse::<Key>().ok().and_then(|key| status.objects.get_key_value(&key));
    let mut headline = Html::default();
    headline.raw("<header class=\"headline\" id=\"headline\"><p class=\"back\"><a href=\"/\">All objects</a></p><h1>");
    headline.text(&found.map_or_else(|| "No such object".to_owned(), |(key, _)| key.short())).raw("</h1></header>");
    let mut html = Html::default();
    html.raw("<section class=\"objects\" id=\"objects\" aria-label=\"Object\">");
    match found {
        Some((key, one)) => drop(html.html(&object::page(key, one, sight))),
        None => {
            html.raw("<p>The operator knows no object <code>").text(key);
            html.raw("</code>: it is declared no more, or was never.</p>");
        }
    }
    html.raw("</section>");
    vec![Fragment::plain("headline", headline), Fragment::plain("objects", html)]
}

fn headline(status: &Status, selection: &Selection<'_>) -> Html {
    let count = |state| selection.counts.of(state);
    let all = selection.counts.all();
    let (state, said) = match (count(State::Failing), count(State::Working)) {
        _ if all == 0 => (State::Unknown, "No object is declared".to_owned()),
        (0, 0) if count(State::Ready) == all => (State::Ready, "Everything is as Git says".to_owned()),
        (0, 0) if count(State::Unknown) == all => (State::Unknown, "Nothing has been looked at yet".to_owned()),
        (0, 0) => (State::Ready, format!("{} as Git says", of(count(State::Ready), all))),
        (0, working) => (State::Working, format!("{} in progress", of(working, all))),
        (1, _) => (State::Failing, format!("{} needs attention", of(1, all))),
        (failing, _) => (State::Failing, format!("{} need attention", of(failing, all))),
    };
    let mut html = Html::default();
    html.raw("<header class=\"headline ").raw(state.name()).raw("\" id=\"headline\" aria-live=\"polite\"><h1>");
    object::sign(&mut html, state);
    html.raw(" ").text(&said).raw("</h1>");
    if !status.synced {
        html.raw("<p class=\"none\">Not everything has been looked at yet.</p>");
    }
    html.raw("</header>");
    html
}

fn of(some: usize, all: usize) -> String {
    format!("{some} of {}", counted(all, "object"))
}

/// What is read of Git, and what is wrong with it.
fn source(source: &SourceStatus, sight: &Sight) -> Html {
    let mut html = Html::default();
    html.raw("<section class=\"source\" id=\"source\" aria-label=\"Source\"><p>");
    if source.revision.is_empty() {
        html.raw("No revision has been read yet.");
    } else {
        let short: String = source.revision.chars().take(REVISION_CHARS).collect();
        html.raw("Revision <code").attribute("title", &source.revision).raw(">").text(&short).raw("</code>");
        if let Some(at) = source.revision_since {
            html.raw(", for ").ago(sight.now, at);
        }
        html.raw("; ").text(&counted(source.accepted, "document")).raw(" in force");
        for (count, what) in [(source.rejected, " rejected"), (source.skipped, " for other places")] {
            if count > 0 {
                html.raw(", ").of(count).raw(what);
            }
        }
        if let Some(at) = source.last_success {
            html.raw("; read ").ago(sight.now, at).raw(" ago");
        }
        html.raw(".");
    }
    html.raw("</p>");
    if !source.problems.is_empty() {
        html.raw("<div class=\"problems\"><h2>");
        object::sign(&mut html, State::Failing);
        html.raw(" The directory has problems; what was good stays in force</h2><ul>");
        for problem in &source.problems {
            html.raw("<li>").text(problem).raw("</li>");
        }
        html.raw("</ul></div>");
    }
    html.raw("</section>");
    html
}

/// As many as tell one commit from another.
const REVISION_CHARS: usize = 12;

/// How many objects there are in each state; each count shows those.
fn counts(selection: &Selection<'_>, view: &View) -> Html {
    let mut html = Html::default();
    html.raw("<nav class=\"counts\" id=\"counts\" aria-label=\"States\"><ul>");
    let mut one = |state: Option<State>, count: usize| {
        html.raw("<li><a class=\"").raw(state.map_or("all", State::name));
        html.raw(if count == 0 { " zero\"" } else { "\"" }).attribute("href", &view.with_state(state).address());
        html.attribute("id", &format!("count-{}", state.map_or("all", State::name)));
        html.raw(if view.state == state { " aria-current=\"true\">" } else { ">" });
        if let Some(state) = state {
            object::sign(&mut html, state);
        }
        html.raw("<span class=\"number\">").of(count).raw("</span> <span>");
        html.raw(state.map_or("All", State::words)).raw("</span></a></li>");
    };
    one(None, selection.left.all());
    State::ALL.into_iter().for_each(|state| one(Some(state), selection.left.of(state)));
    html.raw("</ul></nav>");
    html
}

/// Clusters with their counts, the worst first.
fn clusters(selection: &Selection<'_>, view: &View) -> Html {
    let mut html = Html::default();
    html.raw("<section class=\"clusters\" id=\"clusters\" aria-label=\"Clusters\">");
    if selection.clusters.len() > 1 {
        html.raw("<details id=\"clusters-d\"><summary id=\"clusters-s\">")
            .text(&counted(selection.clusters.len(), "cluster"));
        html.raw("</summary><table><thead><tr><th scope=\"col\">Cluster</th>");
        for state in State::ALL {
            html.raw("<th scope=\"col\" class=\"n\">");
            object::sign(&mut html, state);
            html.raw("<span class=\"said\">").raw(state.words()).raw("</span></th>");
        }
        html.raw("</tr></thead><tbody>");
        for (name, counts) in selection.clusters.iter().take(limits::CLUSTERS) {
            html.raw("<tr><th scope=\"row\"><a").attribute("href", &view.with_cluster(name).address()).raw(">");
            html.text(name).raw("</a></th>");
            for state in State::ALL {
                let count = counts.of(state);
                html.raw(if count == 0 { "<td class=\"n zero\">" } else { "<td class=\"n\">" }).of(count).raw("</td>");
            }
            html.raw("</tr>");
        }
        html.raw("</tbody></table>");
        if let Some(more) = selection.clusters.len().checked_sub(limits::CLUSTERS).filter(|more| *more > 0) {
            html.raw("<p class=\"foot\">and ").of(more).raw(" more; the filter finds them</p>");
        }
        html.raw("</details>");
    }
    html.raw("</section>");
    html
}

/// The objects of the page, by state and cluster.
fn objects(selection: &Selection<'_>, view: &View, sight: &Sight) -> Fragment {
    let mut pieces = Vec::new();
    let mut frame = Html::default();
    frame.raw("<section class=\"objects\" id=\"objects\" aria-label=\"Objects\">");
    if selection.shown.is_empty() {
        frame.raw("<p class=\"none\">");
        frame.raw(if view.is_all() { "There is nothing to show yet." } else { "Nothing fits the filter." }).raw("</p>");
    }
    let mut before: Option<(State, Option<&str>)> = None;
    let mut opened = 0;
    for (state, (key, one)) in &selection.shown {
        let (state, cluster) = (*state, key.cluster.as_deref());
        if before != Some((state, cluster)) {
            if before.is_some() {
                frame.raw("</ul>");
            }
            if before.is_none_or(|(other, _)| other != state) {
                section(&mut frame, state, selection.left.of(state));
            }
            group(&mut frame, state, cluster);
            before = Some((state, cluster));
        }
        let open = matches!(state, State::Failing | State::Working) && opened < limits::OPENED;
        opened += usize::from(open);
        pieces.push(Piece::Frame(std::mem::take(&mut frame)));
        pieces.push(Piece::Item { id: object::id(key), html: object::item(key, one, &Sight { open, ..*sight }) });
    }
    if before.is_some() {
        frame.raw("</ul>");
    }
    pages(&mut frame, selection, view);
    frame.raw("</section>");
    pieces.push(Piece::Frame(frame));
    Fragment { id: "objects", pieces }
}

fn section(html: &mut Html, state: State, count: usize) {
    html.raw("<h2 class=\"").raw(state.name()).raw("\">");
    object::sign(html, state);
    html.raw(" ").raw(state.words()).raw(" <span class=\"number\">").of(count).raw("</span></h2>");
}

fn group(html: &mut Html, state: State, cluster: Option<&str>) {
    let name = cluster.unwrap_or("In no cluster");
    html.raw("<h3>").text(name).raw("</h3><ul class=\"list\"");
    html.attribute("aria-label", &format!("{}: {name}", state.words())).raw(">");
}

fn pages(html: &mut Html, selection: &Selection<'_>, view: &View) {
    if selection.pages < 2 {
        return;
    }
    let first = (selection.page - 1) * limits::OBJECTS + 1;
    let last = first + selection.shown.len().saturating_sub(1);
    html.raw("<nav class=\"pages\" aria-label=\"Pages\">");
    if selection.page > 1 {
        html.raw("<a rel=\"prev\" id=\"page-prev\"").attribute("href", &view.with_page(selection.page - 1).address());
        html.raw(">Previous</a> ");
    }
    html.raw("<span>").of(first).raw("–").of(last).raw(" of ").of(selection.matches).raw("</span>");
    if selection.page < selection.pages {
        html.raw(" <a rel=\"next\" id=\"page-next\"").attribute("href", &view.with_page(selection.page + 1).address());
        html.raw(">Next</a>");
    }
    html.raw("</nav>");
}

/// The newest happenings of all objects.
fn lately(selection: &Selection<'_>, sight: &Sight) -> Html {
    let mut html = Html::default();
    html.raw("<section class=\"lately\" id=\"lately\" aria-labelledby=\"lately-h\"><h2 id=\"lately-h\">Lately</h2>");
    if selection.happenings.is_empty() {
        html.raw("<p class=\"none\">Nothing has happened since this operator began.</p>");
    } else {
        html.raw("<ol class=\"happenings\">");
        for (key, happening) in &selection.happenings {
            html.raw("<li").raw(object::class_of(happening)).raw("><span class=\"when\">").ago(sight.now, happening.at);
            html.raw(" ago</span> <span class=\"what\"><a").attribute("href", &View::of(key).address()).raw(">");
            html.text(&key.short()).raw("</a> ");
            object::what(&mut html, happening);
            html.raw("</span></li>");
        }
        html.raw("</ol>");
    }
    html.raw("</section>");
    html
}

/// Services of ours that nobody declares any more.
fn orphans(status: &Status) -> Html {
    let mut html = Html::default();
    html.raw("<section class=\"orphans\" id=\"orphans\" aria-label=\"Orphans\">");
    if !status.orphans.is_empty() {
        html.raw("<h2>Ours, and no manifest declares them any more</h2><p>Nothing deletes them.</p><ul>");
        for name in status.orphans.iter().take(limits::ORPHANS) {
            html.raw("<li><code>").text(name).raw("</code></li>");
        }
        html.raw("</ul>");
        if let Some(more) = status.orphans.len().checked_sub(limits::ORPHANS).filter(|more| *more > 0) {
            html.raw("<p class=\"foot\">and ").of(more).raw(" more</p>");
        }
    }
    html.raw("</section>");
    html
}

/// The clusters that the filter offers.
pub fn names(status: &Status) -> Vec<&str> {
    // Keys are in the order of their clusters.
    let mut names: Vec<&str> = status.objects.keys().filter_map(|key| key.cluster.as_deref()).collect();
    names.dedup();
    names.truncate(limits::CLUSTERS);
    names
}
