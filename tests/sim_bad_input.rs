//! What no client should send to the embedded ECS's socket: it is answered in AWS's form or the connection is closed, soon,
//! and whoever comes next is served.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test says what it expects, and waits in tokio's own time"
)]

use std::time::Duration;

use ecs_operator::shape::{Time, Tree, json};
use ecs_operator::sim::Sim;
use ecs_operator::sim::wire::{self, BODY_LIMIT_BYTES, CONNECTIONS};
use ecs_operator::sim::world::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Nothing here takes long; whatever does, hangs.
const SOON: Duration = Duration::from_secs(30);
/// Connections of the flood, and how many at a time: fewer than a listener's queue holds, or the kernel lets some wait.
const FLOOD: usize = 10_000;
const AT_ONCE: usize = 100;

async fn door() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let sim = Sim::new(Settings::default(), || Time(0));
    tokio::spawn(wire::serve(listener, sim, std::future::pending()));
    address
}

const SIGNED: &str = "authorization: AWS4-HMAC-SHA256 Credential=AK/20260301/us-east-1/ecs/aws4_request, \
                      SignedHeaders=host, Signature=0\r\ncontent-type: application/x-amz-json-1.1\r\n";

/// A request for an operation as ECS wants it, with any body.
fn request(operation: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: sim\r\nconnection: close\r\nx-amz-target: AmazonEC2ContainerServiceV20141113.{operation}\r\n\
         {SIGNED}content-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// What comes back until the connection closes; writing may fail where the server has seen enough.
async fn exchange(address: &str, sent: &[u8], close: bool) -> Vec<u8> {
    let talk = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        drop(stream.write_all(sent).await);
        if close {
            drop(stream.shutdown().await);
        }
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        answer
    };
    let first = String::from_utf8_lossy(&sent[..sent.len().min(60)]).into_owned();
    tokio::time::timeout(SOON, talk).await.unwrap_or_else(|_| panic!("no end of {first:?}"))
}

/// Status and body of an answer.
fn read(answer: &[u8]) -> (u16, Tree) {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, json::read(body.as_bytes()).unwrap_or_default())
}

async fn is_well(address: &str) {
    let (status, answer) = read(&exchange(address, &request("ListClusters", b"{}"), false).await);
    assert_eq!((status, answer.list("clusterArns").len()), (200, 0));
}

#[tokio::test]
async fn bad_requests_are_answered_in_awss_form() {
    let address = door().await;
    let long = "x".repeat(100_000);
    let named = |name: &str| format!("{{\"clusterName\":\"{name}\"}}").into_bytes();
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("CreateCluster", b"{".to_vec(), 400, "SerializationException"),
        ("CreateCluster", b"{\"clusterName\":}".to_vec(), 400, "SerializationException"),
        ("CreateCluster", b"\xff\xfe\x00".to_vec(), 400, "SerializationException"),
        ("CreateCluster", b"\"x\"".to_vec(), 400, "SerializationException"),
        ("CreateCluster", deep, 400, "SerializationException"),
        ("CreateCluster", b"{\"clusterName\":1e999}".to_vec(), 400, "SerializationException"),
        ("CreateCluster", b"{\"tags\":{\"a\":1}}".to_vec(), 400, "SerializationException"),
        ("CreateCluster", named(&long), 400, "InvalidParameterException"),
        ("CreateCluster", named("a\\u0000b"), 400, "InvalidParameterException"),
        ("CreateService", b"{}".to_vec(), 400, "InvalidParameterException"),
        ("RegisterTaskDefinition", b"{}".to_vec(), 400, "ClientException"),
        ("DescribeTasks", b"{\"tasks\":[\"x\"],\"cluster\":\"none\"}".to_vec(), 400, "ClusterNotFoundException"),
        ("CreateNothing", b"{}".to_vec(), 400, "UnknownOperationException"),
        (&long, b"{}".to_vec(), 400, "UnknownOperationException"),
        ("CreateCluster", vec![b' '; BODY_LIMIT_BYTES + 1], 413, "RequestEntityTooLargeException"),
        ("CreateCluster", vec![b' '; BODY_LIMIT_BYTES * 3], 413, "RequestEntityTooLargeException"),
    ];
    for (operation, body, status, code) in cases {
        let answer = exchange(&address, &request(operation, &body), false).await;
        // A body that is cut off may take the answer with it: the client was still sending.
        if answer.is_empty() && status == 413 {
            continue;
        }
        let (got, answer) = read(&answer);
        let start = String::from_utf8_lossy(&body[..body.len().min(30)]).into_owned();
        assert_eq!((got, answer.text("__type").unwrap_or_default()), (status, code), "{start:?} {answer:?}");
        assert!(!answer.text("message").unwrap().is_empty(), "{start:?} {answer:?}");
    }
    is_well(&address).await;
}

#[tokio::test]
async fn what_is_no_request_is_refused_or_closed() {
    let address = door().await;
    let head = |more: &str| format!("POST / HTTP/1.1\r\nhost: sim\r\n{SIGNED}{more}\r\n");
    let cases = [
        "\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "BREW / HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n\r\n".to_owned(),
        format!("POST /{} HTTP/1.1\r\nhost: sim\r\n\r\n", "x".repeat(100_000)),
        format!("POST / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(100_000)),
        format!("POST / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(1_000)),
        head("content-length: -1\r\n"),
        head("content-length: 99999999999999999999999\r\n"),
        head("content-length: 2\r\ncontent-length: 3\r\n") + "{}",
        head("transfer-encoding: chunked\r\nconnection: close\r\n") + "zz\r\n{}\r\n0\r\n\r\n",
        head("content-length: 100\r\n") + "{\"early\"",
        head("content-length: 2\r\nconnection: close\r\nx-amz-target: é\r\n") + "{}",
        head("content-length: 2\r\nconnection: close\r\nx-amz-target: ..\r\n") + "{}",
        head("content-length: 2\r\nconnection: close\r\nexpect: 100-continue\r\n") + "{}",
    ];
    for sent in cases {
        let answer = exchange(&address, sent.as_bytes(), true).await;
        let status = answer.get(9..12).map(|it| String::from_utf8_lossy(it).into_owned()).unwrap_or_default();
        let start = &sent.chars().take(60).collect::<String>();
        assert!(answer.is_empty() || status.starts_with('4') || status == "100", "{start:?}: {status}");
    }
    is_well(&address).await;
}

#[tokio::test]
async fn a_client_that_has_said_everything_still_hears_the_answer() {
    let address = door().await;
    let answer = exchange(&address, &request("ListClusters", b"{}"), true).await;
    assert_eq!(read(&answer).0, 200);
}

/// Time stands still but for what is waited for: the server's patience ends at once.
#[tokio::test(start_paused = true)]
async fn slow_clients_are_not_waited_for() {
    let address = door().await;
    let full = request("CreateCluster", b"{\"clusterName\":\"slow\"}");
    for cut in [0, 1, 40, full.len() - 10] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(&full[..cut]).await.unwrap();
        let mut answer = Vec::new();
        let began = tokio::time::Instant::now();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(began.elapsed() <= CONNECTIONS.header_read + CONNECTIONS.drain, "{cut}: {:?}", began.elapsed());
        if cut > full.len() / 2 {
            let (status, answer) = read(&answer);
            assert_eq!((status, answer.text("__type")), (408, Some("RequestTimeoutException")));
        }
    }
    is_well(&address).await;
}

#[tokio::test]
async fn more_connections_than_there_are_places_for_are_closed() {
    let address = door().await;
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS.connections + 40 {
        open.push(TcpStream::connect(&address).await.unwrap());
    }
    let mut closed = 0;
    for stream in open.iter_mut().skip(CONNECTIONS.connections) {
        let mut byte = [0];
        let end = tokio::time::timeout(SOON, stream.read(&mut byte)).await.expect("it is closed");
        closed += usize::from(!matches!(end, Ok(1..)));
    }
    assert_eq!(closed, 40);
    drop(open);
    // The server sees them go one after the other.
    for _ in 0..100 {
        if !exchange(&address, &request("ListClusters", b"{}"), false).await.is_empty() {
            return is_well(&address).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no place became free");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_leave_it_well() {
    let address = door().await;
    let flood = async {
        for batch in 0..FLOOD / AT_ONCE {
            let visits = (0..AT_ONCE).map(|number| tokio::spawn(visit(address.clone(), batch * AT_ONCE + number)));
            for visit in visits.collect::<Vec<_>>() {
                visit.await.unwrap();
            }
        }
    };
    tokio::time::timeout(SOON * 4, flood).await.expect("the flood ends");
    is_well(&address).await;
}

/// One of several rude manners.
async fn visit(address: String, number: usize) {
    let Ok(mut stream) = TcpStream::connect(&address).await else { return };
    let good = request("ListClusters", b"{}");
    let sent: &[u8] = match number % 5 {
        0 => &[],
        1 => &good[..20],
        2 => &good,
        3 => &good[..good.len() - 1],
        _ => b"\x16\x03\x01 hello",
    };
    drop(stream.write_all(sent).await);
    if number % 5 == 2 {
        let mut answer = Vec::new();
        drop(tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.expect("an end"));
    }
}
