//! The program as a process of its own: started, listened to, asked over HTTP, and always killed in the end.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a condition is waited for. Generous: nothing here measures speed.
pub const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// The program, with nothing of the machine's own AWS or operator settings around it.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecs-operator"));
    clean(&mut command);
    command
}

/// Takes away what would make a test mean something else on another machine.
pub fn clean(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("AWS_") || name.starts_with("ECS_OPERATOR_") {
            command.env_remove(name);
        }
    }
    for shown in ["COLUMNS", "LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR", "TERM"] {
        command.env_remove(shown);
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_CONFIG_FILE", "/nonexistent");
    command.env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent").stdin(Stdio::null());
}

/// Waits until there is something, and says what was missing if it never comes.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, look)
}

/// The same, for what takes longer.
pub fn until_within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < limit, "still not after {limit:?}: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// Whether a real part that a test asks is there. Where it is not the test is skipped by name; with `REAL_PARTS=1`, as
/// in CI, it fails.
pub fn have(test: &str, part: &str, probe: &mut Command) -> bool {
    let found = probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) {
        return true;
    }
    assert!(std::env::var_os("REAL_PARTS").is_none_or(|wanted| wanted != "1"), "{test}: {part} is not installed");
    skipped(test, &format!("{part} is not installed"));
    false
}

/// Where the packages of node are installed.
pub fn node_parts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/parts/node")
}

/// Says so past the test runner, which keeps what passing tests print to itself.
pub fn skipped(test: &str, why: &str) {
    drop(writeln!(std::io::stderr(), "skipped: {test} ({why})"));
}

/// What a command that ended said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs a command to its end, which must come.
pub fn said(command: &mut Command) -> Said {
    let mut child = Child::start(command);
    let status = child.ended_within(PATIENCE);
    Said { code: status.code().unwrap_or(-1), out: child.out(), err: child.err() }
}

/// A running process whose output is collected; killed when dropped.
pub struct Child {
    child: std::process::Child,
    out: Arc<Mutex<Vec<u8>>>,
    err: Arc<Mutex<Vec<u8>>>,
    readers: Vec<std::thread::JoinHandle<()>>,
    closed: Arc<AtomicBool>,
}

impl Child {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let closed = Arc::new(AtomicBool::new(false));
        let (out, reading_out) = collect(child.stdout.take().unwrap(), &closed);
        let (err, reading_err) = collect(child.stderr.take().unwrap(), &closed);
        Self { child, out, err, readers: vec![reading_out, reading_err], closed }
    }

    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.out.lock().unwrap()).into_owned()
    }

    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.err.lock().unwrap()).into_owned()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads nothing more: from the next line on, its output goes to nobody.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Sends a signal: `TERM`, `INT`.
    pub fn signal(&self, name: &str) {
        // The shell's own; a `kill` program is not everywhere.
        let sent = Command::new("sh").args(["-c", &format!("kill -s {name} {}", self.child.id())]).status();
        assert!(sent.unwrap().success(), "no {name} to {}", self.child.id());
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Its end, and all that it said until then.
    pub fn ended_within(&mut self, limit: Duration) -> ExitStatus {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < limit, "it still runs after {limit:?}:\n{}\n{}", self.out(), self.err());
            std::thread::sleep(PAUSE);
        };
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        status
    }

    /// The most memory it had resident so far, as the kernel counts it.
    pub fn resident_max_kib(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches("kB").trim().parse().ok()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn collect(
    from: impl Read + Send + 'static,
    closed: &Arc<AtomicBool>,
) -> (Arc<Mutex<Vec<u8>>>, std::thread::JoinHandle<()>) {
    let all = Arc::new(Mutex::new(Vec::new()));
    let (into, closed) = (Arc::clone(&all), Arc::clone(closed));
    let reading = std::thread::spawn(move || {
        let mut lines = BufReader::new(from);
        let mut line = Vec::new();
        while !closed.load(Ordering::Relaxed) && lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            into.lock().unwrap().append(&mut line);
        }
    });
    (all, reading)
}

/// One HTTP answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// Asks once; `None` while nobody answers.
pub fn get(at: SocketAddr, path: &str) -> Option<Answer> {
    ask(at, "GET", path)
}

pub fn ask(at: SocketAddr, method: &str, path: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect_timeout(&at, Duration::from_secs(5)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {at}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

/// What the embedded ECS shows of itself.
#[derive(Clone, Copy, Debug)]
pub struct World(pub SocketAddr);

impl World {
    pub fn url(self) -> String {
        format!("http://{}", self.0)
    }

    pub fn state(self) -> Value {
        self.page("/_sim/state")
    }

    /// Operations that change something, oldest first, with their inputs.
    pub fn writes(self) -> Vec<(String, Value)> {
        let calls = self.page("/_sim/calls");
        let call = |call: &Value| (call["operation"].as_str().unwrap().to_owned(), call["input"].clone());
        let reads = |operation: &str| ["Describe", "List", "Get"].iter().any(|verb| operation.starts_with(verb));
        calls.as_array().unwrap().iter().map(call).filter(|(operation, _)| !reads(operation)).collect()
    }

    /// How often an operation was asked for.
    pub fn asked(self, operation: &str) -> usize {
        let calls = self.page("/_sim/calls");
        calls.as_array().unwrap().iter().filter(|call| call["operation"] == operation).count()
    }

    pub fn service(self, name: &str) -> Option<Value> {
        let state = self.state();
        let found = state["services"].as_array()?.iter().find(|service| service["serviceName"] == name)?;
        Some(found.clone())
    }

    /// The image that a service's own task definition names, once nothing but that runs.
    pub fn stable_image(self, name: &str) -> Option<String> {
        let state = self.state();
        let service = state["services"].as_array()?.iter().find(|service| service["serviceName"] == name)?;
        let [only] = service["deployments"].as_array()?.as_slice() else { return None };
        let steady = only["rolloutState"] == "COMPLETED" && service["runningCount"] == service["desiredCount"];
        let definitions = state["taskDefinitions"].as_array()?;
        let runs = definitions.iter().find(|one| one["taskDefinitionArn"] == service["taskDefinition"])?;
        steady.then(|| runs["containerDefinitions"][0]["image"].as_str().unwrap().to_owned())
    }

    fn page(self, path: &str) -> Value {
        let answer = until("the embedded ECS answers", || get(self.0, path));
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }
}

/// `ecs-operator sim` on a port of its own.
pub struct Sim {
    pub child: Child,
    pub world: World,
}

impl Sim {
    pub fn start(scale: &str) -> Self {
        Self::told(&["--time-scale", scale])
    }

    pub fn told(flags: &[&str]) -> Self {
        let child = Child::start(program().args(["sim", "--listen", "127.0.0.1:0"]).args(flags));
        let at = until("the address of the embedded ECS", || after(&child.out(), "listens on http://"));
        Self { child, world: World(at) }
    }
}

/// `ecs-operator run --sim` on ports of its own.
pub struct Operator {
    pub child: Child,
    pub face: SocketAddr,
    pub world: World,
}

/// The address in the first line of a JSON log that says this.
pub fn logged_address(child: &Child, what: &str) -> SocketAddr {
    until(what, || {
        let line = child.err().lines().find(|line| line.contains(what)).map(str::to_owned)?;
        let line: Value = serde_json::from_str(&line).unwrap();
        Some(line["address"].as_str().unwrap().parse().unwrap())
    })
}

impl Operator {
    pub fn start(dir: &Path, more: &[&str]) -> Self {
        Self::starting(program().arg("run").arg(dir).args(more))
    }

    pub fn starting(command: &mut Command) -> Self {
        command.args(["--sim", "--listen", "127.0.0.1:0", "--sim-listen", "127.0.0.1:0"]);
        command.args(["--log-format", "json"]);
        let child = Child::start(command);
        let world = World(logged_address(&child, "the embedded ECS listens"));
        let face = logged_address(&child, "metrics and probes listen");
        Self { child, face, world }
    }

    /// Waits until the service runs that image and nothing else.
    pub fn until_runs(&self, service: &str, image: &str) {
        let began = Instant::now();
        loop {
            let runs = self.world.stable_image(service);
            if runs.as_deref() == Some(image) {
                return;
            }
            let log = self.child.err();
            assert!(began.elapsed() < PATIENCE, "{service} runs {runs:?}, not {image}:\n{log}");
            std::thread::sleep(PAUSE);
        }
    }

    pub fn metrics(&self) -> String {
        until("metrics", || get(self.face, "/metrics")).body
    }

    /// Waits until a series has a value.
    pub fn until_metric(&self, series: &str, value: &str) {
        let line = format!("{series} {value}");
        let began = Instant::now();
        while !self.metrics().lines().any(|one| one == line) {
            let shown = self.metrics();
            let shown: Vec<&str> = shown.lines().filter(|one| one.starts_with(series)).collect();
            assert!(began.elapsed() < PATIENCE, "wanted {line}, got {shown:?}:\n{}", self.child.err());
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits until a line of the log says all of that, and gives it.
    pub fn until_logged(&self, words: &[&str]) -> Value {
        let line = until(&format!("a log line with {words:?}"), || {
            let log = self.child.err();
            log.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
        });
        serde_json::from_str(&line).unwrap()
    }
}

/// AWS that says whose account it is, and answers everything of ECS with that body, or never.
pub fn odd_aws(body: Option<&'static str>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming().take(1000) {
            let mut stream = stream.unwrap();
            let mut request = vec![0; 16 * 1024];
            let read = stream.read(&mut request).unwrap_or(0);
            let ecs = String::from_utf8_lossy(&request[..read]).to_lowercase().contains("x-amz-target");
            let (kind, body) = match (ecs, body) {
                (true, None) => {
                    held.push(stream);
                    continue;
                }
                (true, Some(body)) => ("application/x-amz-json-1.1", body),
                (false, _) => ("text/xml", IDENTITY),
            };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
            // Whoever asked may have gone.
            drop(stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes()));
        }
    });
    address
}

const IDENTITY: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/u</Arn><UserId>u</UserId>\
    <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

fn after(text: &str, mark: &str) -> Option<SocketAddr> {
    let (_, rest) = text.split_once(mark)?;
    rest.split([' ', '\n']).next()?.parse().ok()
}

/// The shipped manifests.
pub fn hello() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/hello-world")
}

/// Copies the shipped manifests into a folder, edited.
pub fn write_hello(into: &Path, edit: impl Fn(&str) -> String) {
    fs::create_dir_all(into).unwrap();
    for file in fs::read_dir(hello()).unwrap() {
        let file = file.unwrap().path();
        fs::write(into.join(file.file_name().unwrap()), edit(&fs::read_to_string(&file).unwrap())).unwrap();
    }
}

/// The image of the shipped manifests with another tag.
pub fn image(tag: &str) -> String {
    format!("public.ecr.aws/nginx/nginx:{tag}")
}

/// An edit that changes the tag of the image.
pub fn tagged(tag: &str) -> impl Fn(&str) -> String + use<> {
    let tag = tag.to_owned();
    move |text| text.replace("nginx:1.28", &format!("nginx:{tag}"))
}
