//! The status for people, at `/`: drawn here, whole, so that it is read without JavaScript; with it, fragments that the
//! server draws anew are swapped in as they change. Must not know: how anything is decided.
//!
//! Nothing is loaded from elsewhere, nothing can be sent, and the browser is told so. Every text that is not this
//! program's is escaped (`Html`), and the whole is as free of secrets as the status is.

mod events;
mod html;
pub mod limits;
mod object;
mod overview;
#[cfg(test)]
mod tests;
mod view;

use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, body::Body};
use tokio::sync::{Semaphore, watch};

use crate::connections::Life;
use crate::status::Status;

use super::answers::Answers;
use super::{CONNECTIONS, Face};
use html::Html;
use object::Sight;
use overview::Fragment;
use view::{Asked, View};

/// What a browser may do with the page: styles, scripts and events of this server, its own form, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of every answer of the page.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-cache"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What the page is drawn from.
#[derive(Clone, Debug)]
pub struct Page {
    face: Face,
    answers: Answers,
    /// Places for readers that follow.
    readers: Arc<Semaphore>,
    ending: watch::Receiver<bool>,
}

/// The page's paths; `ending` tells streams to end.
pub fn router(face: Face, answers: Answers, ending: watch::Receiver<bool>) -> Router {
    let readers = Arc::new(Semaphore::new(limits::READERS));
    Router::new()
        .route("/", get(whole))
        .route("/events", get(followed))
        .route("/page.css", get(|| async { asset("text/css; charset=utf-8", include_str!("page.css")) }))
        .route("/page.js", get(|| async { asset("text/javascript; charset=utf-8", include_str!("page.js")) }))
        .route("/icon.svg", get(|| async { asset("image/svg+xml", include_str!("icon.svg")) }))
        .layer(middleware::map_response(guarded))
        .with_state(Page { face, answers, readers, ending })
}

async fn guarded(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], text)
}

async fn whole(State(page): State<Page>, Query(asked): Query<Asked>) -> Response {
    let status = Arc::clone(&page.face.status.borrow());
    let drawn = page.clone();
    let work = move || Ok(document(&drawn, &status, &View::from(asked)));
    page.answers.answer("text/html; charset=utf-8", work).await
}

/// A stream of what changes in a view.
async fn followed(State(page): State<Page>, life: Extension<Life>, Query(asked): Query<Asked>) -> Response {
    let Ok(place) = Arc::clone(&page.readers).try_acquire_owned() else {
        let again = [(header::RETRY_AFTER, "30")];
        let said = "as many follow already as may at once\n";
        return (StatusCode::SERVICE_UNAVAILABLE, again, said).into_response();
    };
    // The stream ends by itself, before the connection has to.
    life.lasts(limits::EVENTS_LIFE + CONNECTIONS.life);
    let events: Body = events::follow(page, View::from(asked), place);
    ([(header::CONTENT_TYPE, "text/event-stream")], events).into_response()
}

/// The fragments of a view, as they are now.
fn draw(page: &Page, status: &Status, view: &View) -> Vec<Fragment> {
    let sight = Sight { now: page.face.clock.wall(), reasons: page.face.reasons, open: true };
    overview::fragments(status, view, &sight)
}

/// The whole page.
fn document(page: &Page, status: &Status, view: &View) -> String {
    let mut html = Html::default();
    html.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>").text(&title(view));
    html.raw(HEAD);
    html.raw(include_str!("signs.svg"));
    html.raw("<a class=\"skip\" href=\"#objects\">Skip to the objects</a><header class=\"bar\"><div class=\"inner\">");
    html.raw("<p class=\"brand\"><a href=\"/\">ecs-operator</a></p>").raw(LIVE).raw("</div></header><main>");
    let fragments = draw(page, status, view);
    for fragment in &fragments {
        fragment.write(&mut html);
        if fragment.id == "clusters" {
            form(&mut html, status, view);
        }
    }
    html.raw("</main><footer><p>ecs-operator ").text(env!("CARGO_PKG_VERSION")).raw(", read only. Also here: ");
    html.raw("<a href=\"/api/v1/status\">the status as JSON</a>, <a href=\"/metrics\">the metrics</a>.</p></footer>");
    html.raw("<script src=\"/page.js\"></script></body></html>\n");
    html.into_string()
}

const HEAD: &str = "</title><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta \
                    name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"/icon.svg\" \
                    type=\"image/svg+xml\"><link rel=\"stylesheet\" href=\"/page.css\"></head><body>";

/// All that can be said of being live; which of it holds is for the script to say, and for the styles to show.
const LIVE: &str = "<p class=\"live\" role=\"status\"><span class=\"off\">As of now. <a href=\"\">Read again</a></span>\
                    <span class=\"on\" hidden>Live</span><span class=\"lost\" hidden>Connection lost; \
                    trying again</span></p>";

fn title(view: &View) -> String {
    match &view.key {
        Some(key) => format!("{} – ecs-operator", key.split('/').skip(2).collect::<Vec<_>>().join("/")),
        None => "ecs-operator".to_owned(),
    }
}

/// The filter; it works without JavaScript.
fn form(html: &mut Html, status: &Status, view: &View) {
    html.raw(
        "<form class=\"filter\" id=\"filter\" role=\"search\" action=\"/\" method=\"get\"><label for=\"q\">Filter",
    );
    html.raw("</label><input id=\"q\" name=\"q\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\" maxlength=\"200\"");
    html.attribute("value", &view.filter).raw(" placeholder=\"name or reason\">");
    let names = overview::names(status);
    let known = view.cluster.is_empty() || names.contains(&view.cluster.as_str());
    if names.len() > 1 || !view.cluster.is_empty() {
        html.raw("<span class=\"pair\"><label for=\"cluster\">Cluster</label><select id=\"cluster\" name=\"cluster\">");
        html.raw("<option value=\"\">all</option>");
        for name in names.into_iter().chain((!known).then_some(view.cluster.as_str())) {
            html.raw("<option").attribute("value", name);
            html.raw(if name == view.cluster { " selected>" } else { ">" }).text(name).raw("</option>");
        }
        html.raw("</select></span>");
    }
    if let Some(state) = view.state {
        html.raw("<input type=\"hidden\" name=\"state\"").attribute("value", state.name()).raw(">");
    }
    html.raw("<button>Filter</button>");
    if !view.is_all() {
        html.raw("<a class=\"reset\" href=\"/\">Show all</a>");
    }
    html.raw("</form>");
}
