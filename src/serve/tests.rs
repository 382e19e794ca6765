//! Over a real socket on loopback, as kubelet and Prometheus come.

use std::net::SocketAddr;
use std::pin::pin;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

mod readers;

use super::*;
use crate::telemetry::MAX_SERVICES_DEFAULT;

struct Server {
    at: SocketAddr,
    status: watch::Sender<Arc<Status>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

/// A face that shows one status for ever.
pub fn face(status: Status, now: Time) -> Face {
    let (_, receiver) = watch::channel(Arc::new(status));
    let metrics = Arc::new(Metrics::new(receiver.clone(), MAX_SERVICES_DEFAULT).unwrap());
    let reasons = &[("RolledBack", "Held like nothing else.")];
    Face { status: receiver, metrics, clock: Clock::simulated(now, 1.0), reasons }
}

async fn start() -> Server {
    let (status, receiver) = watch::channel(Arc::new(Status::default()));
    let metrics = Arc::new(Metrics::new(receiver.clone(), MAX_SERVICES_DEFAULT).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { drop(stopped.await) };
    let face = Face { status: receiver, metrics, clock: Clock::system(), reasons: &[] };
    let task = tokio::spawn(serve(listener, face, shutdown));
    Server { at, status, stop, task }
}

/// Sends `request` and reads all there is until the server closes.
async fn ask(at: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn request(at: SocketAddr, method: &str, path: &str) -> String {
    ask(at, &format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
}

#[tokio::test]
async fn probes_say_what_is() {
    let server = start().await;
    let live = request(server.at, "GET", "/livez").await;
    assert!(live.starts_with("HTTP/1.1 200 ") && live.ends_with("\r\n\r\nok\n"), "{live}");
    let waiting = request(server.at, "GET", "/readyz").await;
    assert!(waiting.starts_with("HTTP/1.1 503 ") && waiting.contains("the directory has not been read"), "{waiting}");
    server.status.send_modify(|status| Arc::make_mut(status).source.last_success = Some(Time(1)));
    assert!(request(server.at, "GET", "/readyz").await.starts_with("HTTP/1.1 200 "));
    server.status.send_replace(Arc::new(Status { synced: true, ..Status::default() }));
    assert!(request(server.at, "GET", "/readyz").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn metrics_come_as_text() {
    let server = start().await;
    let answer = request(server.at, "GET", "/metrics").await;
    assert!(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{answer}");
    assert!(answer.contains("\necs_operator_build_info{version="), "{answer}");
    let head = request(server.at, "HEAD", "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn nothing_else_is_there_and_nothing_can_be_written() {
    let server = start().await;
    for path in ["//", "/metrics/", "/debug", "/%2e%2e/livez", "/livez/../metrics"] {
        assert!(request(server.at, "GET", path).await.starts_with("HTTP/1.1 404 "), "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = request(server.at, method, "/livez").await;
        assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("allow: GET,HEAD"), "{answer}");
    }
    for body in ["Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"] {
        let answer = ask(server.at, &format!("GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{body}")).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
    let long = "a".repeat(CONNECTIONS.header_bytes);
    let answer = ask(server.at, &format!("GET /livez HTTP/1.1\r\nHost: {long}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn a_slow_client_blocks_no_other_and_is_sent_away() {
    let server = start().await;
    let mut slow = Vec::new();
    for _ in 0..CONNECTIONS.connections - 1 {
        let mut stream = TcpStream::connect(server.at).await.unwrap();
        stream.write_all(b"GET /livez HTTP/1.1\r\nHo").await.unwrap();
        slow.push(stream);
    }
    assert!(request(server.at, "GET", "/livez").await.starts_with("HTTP/1.1 200 "), "others wait for slow clients");
    // Now no place is left: the next client waits until the slow ones run into the limit.
    slow.push(TcpStream::connect(server.at).await.unwrap());
    assert!(request(server.at, "GET", "/livez").await.starts_with("HTTP/1.1 200 "), "a full house never empties");
    let mut rest = Vec::new();
    slow[0].read_to_end(&mut rest).await.unwrap();
    assert!(!String::from_utf8_lossy(&rest).contains("200"), "half a request is no request");
}

#[tokio::test]
async fn probes_apart_wait_for_nobody_who_reads_metrics() {
    let server = start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(probes(listener, server.status.subscribe(), async move { drop(stopped.await) }));
    let mut slow = Vec::new();
    for _ in 0..CONNECTIONS.connections {
        slow.push(TcpStream::connect(server.at).await.unwrap());
    }
    let mut waiting = pin!(request(server.at, "GET", "/livez"));
    tokio::select! {
        biased;
        live = request(at, "GET", "/livez") => assert!(live.starts_with("HTTP/1.1 200 "), "{live}"),
        early = &mut waiting => panic!("the house is not full: {early}"),
    }
    for _ in 0..PROBES.connections {
        assert!(request(at, "GET", "/livez").await.starts_with("HTTP/1.1 200 "), "a place is not given back");
    }
    assert!(request(at, "GET", "/readyz").await.starts_with("HTTP/1.1 503 "));
    assert!(request(at, "GET", "/metrics").await.starts_with("HTTP/1.1 404 "), "nothing else is there");
    stop.send(()).unwrap();
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_end_waits_for_nobody_who_idles() {
    let server = start().await;
    let mut kept = TcpStream::connect(server.at).await.unwrap();
    kept.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 15];
    kept.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    server.stop.send(()).unwrap();
    #[allow(clippy::disallowed_methods, reason = "a real socket takes real time")]
    let ended = tokio::time::timeout(Duration::from_secs(2), server.task).await;
    ended.expect("an idle connection holds up the end").unwrap().unwrap();
    assert!(TcpStream::connect(server.at).await.is_err(), "still listening");
}
