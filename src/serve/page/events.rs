//! Following the page live: a stream of events that carry the fragments that have changed since the last, as the server
//! draws them. Must not know: what is in them.
//!
//! At most one event waits for a reader at a time. One who reads slowly gets fewer, each with the newest; one who does
//! not read is sent away by the connection's limits.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::pending;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::task::spawn_blocking;

use crate::connections::within;

use super::html::Html;
use super::limits::{EVENTS_BEAT, EVENTS_EVERY, EVENTS_LIFE};
use super::overview::{Fragment, Piece};
use super::view::View;
use super::{Page, draw};

/// A reader comes back so long after a connection ended, in milliseconds.
const BACK_AFTER: &str = "retry: 2000\n\n";
/// Says nothing but that somebody is there.
const BEAT: &str = ":\n\n";

/// The events of one reader, until it goes, or the server ends; `place` is given back then.
pub fn follow(page: Page, view: View, place: OwnedSemaphorePermit) -> Body {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let ending = page.ending.clone();
        tokio::select! {
            biased;
            () = ended(ending) => {}
            () = sender.closed() => {}
            _ = within(EVENTS_LIFE, tell(&page, &view, &sender)) => {}
        }
        drop(place);
    });
    Body::new(Events(receiver))
}

/// The server is asked to stop.
async fn ended(mut ending: watch::Receiver<bool>) {
    drop(ending.wait_for(|ending| *ending).await);
}

/// Sends what changes, until nobody takes it, or there will be no more.
async fn tell(page: &Page, view: &View, sender: &mpsc::Sender<Bytes>) {
    let mut status = page.face.status.clone();
    let mut shown = Shown::default();
    let mut first = true;
    loop {
        let now = Arc::clone(&status.borrow_and_update());
        let (drawn, view) = (page.clone(), view.clone());
        let work = spawn_blocking(move || {
            let event = shown.event(&draw(&drawn, &now, &view));
            (shown, event)
        });
        let Ok((kept, event)) = work.await else { return };
        shown = kept;
        let text = match (event, first) {
            (Some(event), true) => format!("{BACK_AFTER}{event}"),
            (Some(event), false) => event,
            (None, _) => BEAT.to_owned(),
        };
        first = false;
        if sender.send(text.into()).await.is_err() {
            return;
        }
        within(EVENTS_EVERY, pending::<()>()).await;
        // Without news ages are looked after.
        if let Some(Err(_)) = within(EVENTS_BEAT, status.changed()).await {
            return;
        }
    }
}

/// What a reader has been shown, by id, as hashes.
#[derive(Debug, Default)]
struct Shown(BTreeMap<String, u64>);

impl Shown {
    /// The event with all that is not shown yet; none where all is.
    fn event(&mut self, fragments: &[Fragment]) -> Option<String> {
        let mut now = BTreeMap::new();
        let mut news = Html::default();
        for fragment in fragments {
            let frame = frame(fragment);
            let is_new = self.0.get(fragment.id) != Some(&frame);
            now.insert(fragment.id.to_owned(), frame);
            if is_new {
                fragment.write(&mut news);
            }
            for piece in &fragment.pieces {
                let Piece::Item { id, html } = piece else { continue };
                let item = hash(html.as_str());
                if !is_new && self.0.get(id) != Some(&item) {
                    news.html(html);
                }
                now.insert(id.clone(), item);
            }
        }
        self.0 = now;
        (!news.as_str().is_empty()).then(|| event(news.as_str()))
    }
}

/// What is to be drawn anew as a whole when it changes: all but the items themselves.
fn frame(fragment: &Fragment) -> u64 {
    let mut hasher = DefaultHasher::new();
    for piece in &fragment.pieces {
        match piece {
            Piece::Frame(html) => html.as_str().hash(&mut hasher),
            Piece::Item { id, .. } => id.hash(&mut hasher),
        }
    }
    hasher.finish()
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// One event; a line of it is a line of data.
fn event(markup: &str) -> String {
    let lines: String = markup.lines().map(|line| format!("data: {line}\n")).collect();
    format!("event: swap\n{lines}\n")
}

/// Events as the body of an answer.
struct Events(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(id: &'static str, frame: &'static str, items: &[(&str, &str)]) -> Fragment {
        let mut pieces = vec![Piece::Frame(Html::default().raw(frame).clone())];
        pieces.extend(
            items
                .iter()
                .map(|(id, text)| Piece::Item { id: (*id).to_owned(), html: Html::default().text(text).clone() }),
        );
        Fragment { id, pieces }
    }

    #[test]
    fn only_what_changed_is_sent() {
        let mut shown = Shown::default();
        let page = |head: &'static str, items: &[(&str, &str)]| [fragment("a", head, &[]), fragment("b", "-", items)];
        let first = shown.event(&page("head", &[("1", "one"), ("2", "two")])).unwrap();
        assert_eq!(first, "event: swap\ndata: head-onetwo\n\n");
        assert_eq!(shown.event(&page("head", &[("1", "one"), ("2", "two")])), None);
        let item = shown.event(&page("head", &[("1", "one"), ("2", "zwei")])).unwrap();
        assert_eq!(item, "event: swap\ndata: zwei\n\n");
        let gone = shown.event(&page("neck", &[("2", "zwei")])).unwrap();
        assert_eq!(gone, "event: swap\ndata: neck-zwei\n\n");
        assert_eq!(shown.0.len(), 3, "what is no longer there is forgotten");
    }

    #[test]
    fn no_line_of_an_event_is_anything_but_data() {
        let told = event("<svg>\nevent: x\n\nretry: 1</svg>");
        assert_eq!(told, "event: swap\ndata: <svg>\ndata: event: x\ndata: \ndata: retry: 1</svg>\n\n");
    }
}
