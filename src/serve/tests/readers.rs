//! People, and many at once: what browsers are told, streams of events, floods, readers that don't read.

use super::super::answers::{ANSWERS, Answers};
use super::super::page::limits::READERS;
use super::*;
use crate::kinds::{Key, Kind, Place};
use crate::status::{Condition, ConditionType, ObjectStatus};

fn key(name: &str) -> Key {
    let place = Place { account: "1".into(), region: "r".into() };
    Key::new(place, Some("prod".into()), Kind::Service, name.into())
}

fn says(message: &str) -> ObjectStatus {
    let condition = |status| Condition {
        status: Some(status),
        reason: "RolledBack".into(),
        message: message.into(),
        since: Time(0),
    };
    let conditions = [(ConditionType::Ready, condition(false)), (ConditionType::Stalled, condition(true))];
    ObjectStatus { conditions: conditions.into_iter().collect(), ..ObjectStatus::default() }
}

fn set(server: &Server, name: &str, message: &str) {
    server.status.send_modify(|status| {
        *Arc::make_mut(status).object_mut(&key(name)) = says(message);
    });
}

/// A stream of events, and what has come of it.
struct Reader {
    stream: TcpStream,
    text: String,
}

impl Reader {
    async fn of(at: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        Self { stream, text: String::new() }
    }

    /// Reads on until that has come, and gives all since the last time.
    async fn until(&mut self, words: &str) -> String {
        let mut bytes = [0; 64 * 1024];
        while !self.text.contains(words) {
            let read = self.stream.read(&mut bytes).await.unwrap();
            assert!(read > 0, "it ended without {words:?}: {}", self.text);
            self.text += &String::from_utf8_lossy(&bytes[..read]);
        }
        std::mem::take(&mut self.text)
    }
}

#[tokio::test]
async fn a_browser_is_told_to_do_nothing_but_read() {
    let server = start().await;
    set(&server, "web", "why");
    let policy = "content-security-policy: default-src 'none'; style-src 'self'; script-src 'self';";
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/?q=web&state=failing&page=9", "text/html; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ] {
        let answer = request(server.at, "GET", path).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(policy), "{path}: {answer}");
        assert!(answer.contains(&format!("content-type: {kind}\r\n")), "{path}: {answer}");
        assert!(answer.contains("x-content-type-options: nosniff") && answer.contains("content-length: "), "{answer}");
        let head = request(server.at, "HEAD", path).await;
        assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
        assert!(request(server.at, "POST", path).await.starts_with("HTTP/1.1 405 "), "{path}");
    }
    let page = request(server.at, "GET", "/").await;
    assert!(page.contains("<p class=\"why\">why</p>"), "{page}");
    let odd = request(server.at, "GET", "/?q=%ff%00&page=%zz&q=twice").await;
    assert!(odd.starts_with("HTTP/1.1 200 ") || odd.starts_with("HTTP/1.1 400 "), "{odd}");
}

#[tokio::test]
async fn a_reader_that_follows_is_sent_what_changes() {
    let server = start().await;
    set(&server, "api", "nothing");
    set(&server, "web", "before");
    let mut reader = Reader::of(server.at).await;
    let first = reader.until("</section>\n\n").await;
    assert!(first.starts_with("HTTP/1.1 200 ") && first.contains("content-type: text/event-stream"), "{first}");
    assert!(first.contains("retry: 2000\n\nevent: swap\ndata: <header") && first.contains(">before</p>"), "{first}");
    set(&server, "web", "after");
    let next = reader.until(">after</p>").await;
    assert!(next.contains("event: swap\ndata: <li class=\"object failing\""), "{next}");
    assert!(!next.contains("nothing") && !next.contains("<header"), "only what changed: {next}");
}

#[tokio::test]
async fn so_many_follow_and_no_more_and_a_place_is_given_back() {
    let server = start().await;
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut reader = Reader::of(server.at).await;
        reader.until("event: swap").await;
        readers.push(reader);
    }
    let refused = request(server.at, "GET", "/events").await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after: 30"), "{refused}");
    assert!(request(server.at, "GET", "/livez").await.starts_with("HTTP/1.1 200 "), "probes wait for nobody");
    assert!(request(server.at, "GET", "/").await.starts_with("HTTP/1.1 200 "));
    readers.pop();
    // That one has gone is noticed when the kernel says so.
    while request(server.at, "HEAD", "/events").await.starts_with("HTTP/1.1 503 ") {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_reader_that_never_reads_holds_up_nobody() {
    let server = start().await;
    let _deaf = Reader::of(server.at).await;
    let mut reader = Reader::of(server.at).await;
    reader.until("event: swap").await;
    let long = "x".repeat(2000);
    for turn in 0..3 {
        (0..200).for_each(|number| set(&server, &format!("web-{number}"), &format!("{turn} {long}")));
        reader.until(&format!(">{turn} x")).await;
        assert!(request(server.at, "GET", "/livez").await.starts_with("HTTP/1.1 200 "));
    }
}

#[tokio::test]
async fn streams_end_with_the_server() {
    let server = start().await;
    let mut reader = Reader::of(server.at).await;
    reader.until("event: swap").await;
    let _deaf = Reader::of(server.at).await;
    server.stop.send(()).unwrap();
    #[allow(clippy::disallowed_methods, reason = "a real socket takes real time")]
    let ended = tokio::time::timeout(Duration::from_secs(3), server.task).await;
    ended.expect("a stream holds up the end").unwrap().unwrap();
    let mut rest = Vec::new();
    reader.stream.read_to_end(&mut rest).await.unwrap();
}

#[tokio::test]
async fn a_thousand_at_once_are_all_answered() {
    let server = start().await;
    (0..300).for_each(|number| set(&server, &format!("web-{number}"), "why"));
    let paths = ["/metrics", "/", "/api/v1/status", "/livez"];
    let asked: Vec<_> = (0..1000).map(|turn| tokio::spawn(request(server.at, "GET", paths[turn % 4]))).collect();
    let mut good = 0;
    for answer in asked {
        let answer = answer.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.1 503 "), "{answer}");
        good += usize::from(answer.starts_with("HTTP/1.1 200 "));
    }
    assert!(good >= 500, "{good} of 1000");
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_reads_are_so_many_and_no_more() {
    let answers = Answers::default();
    let ask = || answers.answer("text/plain", || Ok("x".repeat(1_000_000)));
    let mut held = Vec::new();
    for _ in 0..ANSWERS {
        let answer = ask().await;
        assert_eq!(answer.status(), StatusCode::OK);
        held.push(answer);
    }
    assert_eq!(ask().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let read = axum::body::to_bytes(held.remove(0).into_body(), usize::MAX).await.unwrap();
    assert_eq!(read.len(), 1_000_000);
    assert_eq!(ask().await.status(), StatusCode::OK, "a place is given back with the last byte");
    drop(held);
    let broken = answers.answer("text/plain", || Err("no".to_owned())).await;
    assert_eq!(broken.status(), StatusCode::INTERNAL_SERVER_ERROR);
}
