//! Bad inputs by number: each row is read, parsed and judged in this process, in bounded time, and has one finding at
//! one place, or is legal and has none.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

/// What has to come of it.
#[derive(Debug)]
pub enum Wanted {
    /// One error of this rule at `file:line:column`, and no other.
    Error(&'static str, &'static str),
    /// One warning of this rule at `file:line:column`, and nothing else.
    Warning(&'static str, &'static str),
    /// It is legal: nothing is said.
    Legal,
    /// The directory as a whole is not taken, in these words.
    Refused(&'static str),
    /// A test of that name in that file shows it.
    Elsewhere(&'static str, &'static str),
}

pub use Wanted::{Elsewhere, Error, Legal, Refused, Warning};

pub struct Bad {
    pub number: u8,
    pub name: &'static str,
    pub make: Box<dyn Fn(&Path)>,
    pub wanted: Wanted,
}

fn bad(number: u8, name: &'static str, make: impl Fn(&Path) + 'static, wanted: Wanted) -> Bad {
    Bad { number, name, make: Box::new(make), wanted }
}

fn elsewhere(number: u8, name: &'static str, file: &'static str, test: &'static str) -> Bad {
    bad(number, name, |_| {}, Elsewhere(file, test))
}

/// A file `x.yaml`.
fn text<T: Into<Vec<u8>>>(text: T) -> impl Fn(&Path) + use<T> {
    let text = text.into();
    move |dir: &Path| fs::write(dir.join("x.yaml"), &text).unwrap()
}

fn named(name: &'static [u8], text: &'static str) -> impl Fn(&Path) + use<> {
    move |dir: &Path| fs::write(dir.join(std::ffi::OsStr::from_bytes(name)), text).unwrap()
}

pub const CLUSTER: &str = "apiVersion: ecs-operator.io/v1\nkind: Cluster\nmetadata: { name: x }\n";

/// A cluster whose spec, from line 4 on, is this.
fn cluster(spec: &str) -> impl Fn(&Path) + use<> {
    text(format!("{CLUSTER}{spec}"))
}

/// A cluster with other metadata, which stand in line 3.
fn metadata(metadata: &str) -> impl Fn(&Path) + use<> {
    text(format!("apiVersion: ecs-operator.io/v1\nkind: Cluster\nmetadata: {metadata}\n"))
}

/// A sound service whose further members are these, from line 7 on.
pub fn service(members: &str) -> String {
    format!(
        "apiVersion: ecs-operator.io/v1\nkind: Service\nmetadata: {{ name: web, cluster: prod }}\nspec:\n  taskDefinition: \
         web:1\n  deploymentConfiguration: {{ deploymentCircuitBreaker: {{ enable: true, rollback: true }} }}\n{members}"
    )
}

/// Percentages of a rolling update; they stand in line 6.
fn percents(count: u32, min: i64, max: i64) -> impl Fn(&Path) + use<> {
    let percents = format!("{{ minimumHealthyPercent: {min}, maximumPercent: {max}, deploymentCircuitBreaker");
    text(service(&format!("  desiredCount: {count}\n")).replacen("{ deploymentCircuitBreaker", &percents, 1))
}

/// A sound task definition on instances whose one container has these members too, from line 9 on.
fn container(members: &str) -> String {
    format!(
        "apiVersion: ecs-operator.io/v1\nkind: TaskDefinition\nmetadata: {{ name: web }}\nspec:\n  containerDefinitions:\n  \
         - name: web\n    memory: 128\n    {}{members}",
        if members.contains("image:") { "" } else { "image: nginx:1\n" }
    )
}

/// A sound task definition on Fargate whose further members are these, from line 7 on.
fn fargate(members: &str) -> String {
    format!(
        "apiVersion: ecs-operator.io/v1\nkind: TaskDefinition\nmetadata: {{ name: web }}\nspec:\n  requiresCompatibilities: \
         [FARGATE]\n  networkMode: awsvpc\n{members}  containerDefinitions: [{{ name: web, image: nginx:1 }}]\n"
    )
}

/// Numbers 1 to 25: files and paths.
pub fn files() -> Vec<Bad> {
    let unreadable = |place: &'static str| Error("unreadable-file", place);
    let link = |to: &'static str| move |dir: &Path| symlink(to, dir.join("x.yaml")).unwrap();
    vec![
        bad(1, "a link to /etc/passwd", link("/etc/passwd"), unreadable("x.yaml:1:1")),
        bad(2, "a link to another tenant", outside, unreadable("x.yaml:1:1")),
        bad(3, "a link to itself", link("x.yaml"), unreadable("x.yaml:1:1")),
        bad(4, "a chain of 41 links", chain, unreadable("x.yaml:1:1")),
        bad(5, "a link inside the root", inside, Legal),
        bad(6, "an absolute path", cluster("spec: { file: /etc/passwd }\n"), Error("unknown-member", "x.yaml:4:9")),
        bad(7, "a path upwards", defaults("include: [../other]\n"), Error("not-supported-yet", "x.yaml:3:1")),
        bad(8, "a path upwards, encoded", defaults("include: [%2e%2e/]\n"), Error("yaml-syntax", "x.yaml:3:11")),
        bad(9, "NUL in a path", defaults("include: [\"a\0b\"]\n"), Error("odd-character", "x.yaml:3:13")),
        bad(10, "a name that is not UTF-8", named(b"\xff.yaml", CLUSTER), unreadable("\u{fffd}.yaml:1:1")),
        bad(11, "a name with a newline", named(b"a\nb.yaml", CLUSTER), unreadable("a\\nb.yaml:1:1")),
        bad(11, "a name with an escape", named(b"\x1b[2Jx.yaml", CLUSTER), unreadable("\\u{1b}[2Jx.yaml:1:1")),
        bad(12, "a pipe", pipe, unreadable("x.yaml:1:1")),
        bad(13, "a socket", socket, unreadable("x.yaml:1:1")),
        bad(14, "a folder", |dir| fs::create_dir(dir.join("x.yaml")).unwrap(), Legal),
        elsewhere(15, "mode 000", "tests/bad_inputs.rs", "a_file_that_may_not_be_read_is_named"),
        bad(16, "a hard link", hard_link, Legal),
        bad(17, "a name of 255 bytes", long_name, Legal),
        bad(17, "folders in folders", deep_folders, unreadable("d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d:1:1")),
        bad(18, "very many files", many_files, Refused("too much to read")),
        bad(19, "a sparse gigabyte", sparse, unreadable("x.yaml:1:1")),
        elsewhere(20, "a file that grows", "tests/source.rs", "a_file_that_never_rests_does_not_hide_the_others"),
        elsewhere(21, "a root that flips", "tests/source.rs", "a_hundred_reads_under_flips_never_mix_two_revisions"),
        elsewhere(22, "no root", "tests/bad_inputs.rs", "a_directory_that_is_no_source_is_named"),
        bad(23, "what editors and Git leave", leftovers, Legal),
        bad(24, "names that differ in case", |dir| pair(dir, ["a.yaml", "A.yaml"]), Legal),
        bad(25, "one stem twice", |dir| pair(dir, ["a.yaml", "a.yml"]), Legal),
    ]
}

fn defaults(members: &str) -> impl Fn(&Path) + use<> {
    text(format!("apiVersion: ecs-operator.io/v1\nkind: Defaults\n{members}"))
}

fn outside(dir: &Path) {
    fs::create_dir_all(dir.join("../other-tenant")).unwrap();
    fs::write(dir.join("../other-tenant/x.yaml"), CLUSTER).unwrap();
    symlink("../other-tenant/x.yaml", dir.join("x.yaml")).unwrap();
}

fn chain(dir: &Path) {
    fs::write(dir.join("l0"), CLUSTER).unwrap();
    for n in 1..=41 {
        symlink(format!("l{}", n - 1), dir.join(format!("l{n}"))).unwrap();
    }
    symlink("l41", dir.join("x.yaml")).unwrap();
}

fn inside(dir: &Path) {
    fs::create_dir(dir.join(".shared")).unwrap();
    fs::write(dir.join(".shared/cluster"), CLUSTER).unwrap();
    symlink(".shared/cluster", dir.join("x.yaml")).unwrap();
}

fn pipe(dir: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(dir.join("x.yaml")).status().unwrap().success());
}

fn socket(dir: &Path) {
    drop(std::os::unix::net::UnixListener::bind(dir.join("x.yaml")).unwrap());
}

fn hard_link(dir: &Path) {
    fs::write(dir.join("../y.yaml"), CLUSTER).unwrap();
    fs::hard_link(dir.join("../y.yaml"), dir.join("x.yaml")).unwrap();
}

fn long_name(dir: &Path) {
    fs::write(dir.join("x".repeat(250) + ".yaml"), CLUSTER).unwrap();
}

fn deep_folders(dir: &Path) {
    let deep = (0..40).fold(dir.to_owned(), |dir, _| dir.join("d"));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("x.yaml"), CLUSTER).unwrap();
}

fn many_files(dir: &Path) {
    for n in 0..=ecs_operator::source::limits::FILES {
        fs::write(dir.join(format!("{n}.yaml")), "").unwrap();
    }
}

fn sparse(dir: &Path) {
    fs::File::create(dir.join("x.yaml")).unwrap().set_len(1 << 30).unwrap();
}

fn leftovers(dir: &Path) {
    for folder in [".git", "..data"] {
        fs::create_dir(dir.join(folder)).unwrap();
        fs::write(dir.join(folder).join("x.yaml"), "{").unwrap();
    }
    for name in ["x.yaml~", ".x.yaml.swp", "#x.yaml#", "x.yaml.orig", "4913"] {
        fs::write(dir.join(name), "{").unwrap();
    }
}

fn pair(dir: &Path, names: [&str; 2]) {
    for (name, cluster) in names.into_iter().zip(["one", "two"]) {
        fs::write(dir.join(name), CLUSTER.replace("name: x", &format!("name: {cluster}"))).unwrap();
    }
}

/// Numbers 26 to 33, and 38 to 43: text that is too much, or no text.
pub fn texts() -> Vec<Bad> {
    let syntax = |place: &'static str| Error("yaml-syntax", place);
    let odd = |place: &'static str| Error("odd-character", place);
    let label = |value: &str| metadata(&format!("{{ name: x, labels: {{ a: \"{value}\" }} }}"));
    vec![
        bad(26, "an exponential bomb", text(super::exponential_bomb()), Error("too-many-values", "x.yaml:5:32")),
        bad(27, "a quadratic bomb", text(super::quadratic_bomb()), Error("too-many-values", "x.yaml:5:15854")),
        bad(
            28,
            "100,000 brackets",
            cluster(&format!("spec: {}", "[".repeat(100_000))),
            Error("too-deep", "x.yaml:4:262"),
        ),
        bad(29, "a depth of 129", deep(), Error("too-deep", "x.yaml:68:65")),
        bad(
            30,
            "a string of 10 MB",
            cluster(&format!("spec: {}", "x".repeat(10_000_000))),
            Error("unreadable-file", "x.yaml:1:1"),
        ),
        bad(
            30,
            "a string of 1 MB",
            cluster(&format!("spec: {{ clusterName: {} }}", "x".repeat(1_000_000))),
            Error("name", "x.yaml:4:22"),
        ),
        bad(31, "very many keys", keys(), Error("too-many-values", "x.yaml:49999:8")),
        bad(
            32,
            "a key twice",
            text(service("  desiredCount: 1\n  desiredCount: 2\n")),
            Error("duplicate-key", "x.yaml:8:3"),
        ),
        bad(
            32,
            "a label twice",
            text(container("    dockerLabels: { a: b, a: c }\n")),
            Error("duplicate-key", "x.yaml:9:27"),
        ),
        bad(33, "a null list", text(container("    links:\n")), Error("null", "x.yaml:9:10")),
        bad(38, "a byte order mark", text(format!("\u{feff}{CLUSTER}")), Legal),
        bad(39, "UTF-16", text(utf16()), Error("unreadable-file", "x.yaml:1:1")),
        bad(40, "invalid UTF-8", text(b"a: \xc3\x28\n".as_slice()), Error("unreadable-file", "x.yaml:1:1")),
        bad(41, "CRLF", text(CLUSTER.replace('\n', "\r\n")), Legal),
        bad(41, "lone CR", text(CLUSTER.replace('\n', "\r")), Legal),
        bad(42, "tabs", cluster("spec:\n\ttags: []\n"), syntax("x.yaml:5:1")),
        bad(43, "NUL", cluster("# \0\n"), odd("x.yaml:4:3")),
        bad(43, "a bell", label("\u{7}"), odd("x.yaml:3:36")),
    ]
}

/// Numbers 44 to 56: YAML's own.
pub fn yaml() -> Vec<Bad> {
    let syntax = |place: &'static str| Error("yaml-syntax", place);
    let odd = |place: &'static str| Error("odd-character", place);
    vec![
        bad(44, "an unknown anchor", cluster("spec: *a\n"), syntax("x.yaml:4:7")),
        bad(45, "an alias in itself", cluster("spec: &a { b: *a }\n"), Error("too-deep", "x.yaml:4:15")),
        bad(46, "a merge of a map", cluster("spec:\n  <<: { tags: [{ key: a, value: b }] }\n"), Legal),
        bad(46, "a merge of a list", cluster("spec:\n  <<: [{ tags: [] }, {}]\n"), Legal),
        bad(46, "a merge with itself", cluster("spec: &a\n  <<: *a\n"), Error("too-deep", "x.yaml:5:7")),
        bad(47, "!Ref", metadata("{ name: !Ref Name }"), Error("unknown-tag", "x.yaml:3:19")),
        bad(47, "!!binary", metadata("{ name: !!binary aGk= }"), Error("unknown-tag", "x.yaml:3:19")),
        bad(
            47,
            "!!python/object",
            metadata("{ name: !!python/object:os.system x }"),
            Error("unknown-tag", "x.yaml:3:19"),
        ),
        bad(48, "one bad document of three", one_of_three(), Error("yaml-syntax", "x.yaml:8:1")),
        bad(49, "an empty file", text(""), Legal),
        bad(49, "a comment", text("# nothing\n"), Legal),
        bad(49, "only ---", text("---\n---\n"), Legal),
        bad(50, "1,000 documents", text(documents(1_000)), Legal),
        bad(50, "1,001 documents", text(documents(1_001)), Error("too-many-documents", "x.yaml:1:1")),
        bad(51, "an open quote", metadata("{ name: \"x }"), syntax("x.yaml:4:1")),
        bad(51, "an open list", cluster("spec: { tags: [\n"), syntax("x.yaml:5:1")),
        bad(
            52,
            "JSON",
            text("{\"apiVersion\": \"ecs-operator.io/v1\", \"kind\": \"Cluster\", \"metadata\": {\"name\": \"x\"}}"),
            Legal,
        ),
        bad(53, "a list as key", cluster("spec:\n  ? [a]\n  : b\n"), Error("key-not-a-string", "x.yaml:5:3")),
        bad(
            54,
            "a number as key",
            text(container("    dockerLabels: { 80: http }\n")),
            Error("key-not-a-string", "x.yaml:9:21"),
        ),
        bad(55, "text that runs backwards", metadata("{ name: \"x\u{202e}y\" }"), odd("x.yaml:3:21")),
        bad(55, "a letter without width", metadata("{ name: \"x\u{200b}y\" }"), Error("name", "x.yaml:3:19")),
        bad(55, "a letter that looks like another", metadata("{ name: \u{435}cs }"), Error("name", "x.yaml:3:19")),
        bad(56, "something behind the end", cluster("spec: {}\n]\n"), syntax("x.yaml:5:1")),
    ]
}

fn deep() -> impl Fn(&Path) + use<> {
    text((0..129).fold(format!("{CLUSTER}spec:\n"), |text, n| text + &" ".repeat(n + 1) + "a:\n"))
}

fn keys() -> impl Fn(&Path) + use<> {
    let mut spec = format!("{CLUSTER}spec:\n");
    for n in 0..100_000 {
        writeln!(spec, " k{n}:").unwrap();
    }
    text(spec)
}

fn utf16() -> Vec<u8> {
    std::iter::once(0xfeff).chain(CLUSTER.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn one_of_three() -> impl Fn(&Path) + use<> {
    let broken = CLUSTER.replace("{ name: x }", "{ name: y");
    text(format!("{CLUSTER}---\n{broken}---\n{}", CLUSTER.replace("name: x", "name: z")))
}

fn documents(count: usize) -> String {
    (0..count).map(|n| CLUSTER.replace("name: x", &format!("name: c{n}")) + "---\n").collect()
}

/// Numbers 34 to 37: values that are nearly right.
pub fn values() -> Vec<Bad> {
    let count = |value: &str| text(service(&format!("  desiredCount: {value}\n")));
    let port = |value: &str| text(container(&format!("    portMappings: [{{ containerPort: {value} }}]\n")));
    let kind = Error("type", "x.yaml:7:17");
    let name = |value: &str| metadata(&format!("{{ name: {value} }}"));
    let not_a_name = || Error("envelope", "x.yaml:3:19");
    vec![
        bad(34, "3.0", count("3.0"), kind),
        bad(34, "\"3\"", count("\"3\""), Error("type", "x.yaml:7:17")),
        bad(34, "-1", count("-1"), Error("desired-count", "x.yaml:7:17")),
        bad(34, "1e1", count("1e1"), Error("type", "x.yaml:7:17")),
        bad(34, "0x3, which is 3", count("0x3"), Legal),
        bad(34, "010, which is text", count("010"), Error("type", "x.yaml:7:17")),
        bad(34, "3_0, which is text", count("3_0"), Error("type", "x.yaml:7:17")),
        bad(34, "2^31", count("2147483648"), Error("type", "x.yaml:7:17")),
        bad(34, "10^30", count("1000000000000000000000000000000"), Error("number-range", "x.yaml:7:17")),
        bad(34, ".inf", count(".inf"), Error("number-range", "x.yaml:7:17")),
        bad(34, ".nan", count(".nan"), Error("number-range", "x.yaml:7:17")),
        bad(35, "port 0", port("0"), Error("port-number", "x.yaml:9:37")),
        bad(35, "port 65536", port("65536"), Error("port-number", "x.yaml:9:37")),
        bad(36, "a name no, which is text", name("no"), Legal),
        bad(36, "a name 123", name("123"), not_a_name()),
        bad(36, "a name ~", name("~"), not_a_name()),
        bad(36, "a name 2024-01-01, which is text", name("2024-01-01"), Legal),
        bad(36, "a name 1e3", name("1e3"), not_a_name()),
        bad(37, "essential: yes, which is text", text(container("    essential: yes\n")), Error("type", "x.yaml:9:16")),
    ]
}

/// Numbers 57 to 66: meaning.
pub fn meaning() -> Vec<Bad> {
    vec![
        bad(57, "one service twice", twice, Error("duplicate-object", "x.yaml:3:19")),
        bad(58, "one name in two clusters", two_clusters(), Legal),
        bad(
            59,
            "a name of 256 letters",
            metadata(&format!("{{ name: {} }}", "x".repeat(256))),
            Error("name", "x.yaml:3:19"),
        ),
        bad(59, "a dot in a name", metadata("{ name: a.b }"), Error("name", "x.yaml:3:19")),
        bad(60, "one family twice", families(), Error("duplicate-object", "x.yaml:3:19")),
        bad(61, "containers in a circle", text(circle()), Error("depends-on-cycle", "x.yaml:7:46")),
        bad(61, "a circle of 300 containers", text(chained(300)), Error("container-count", "x.yaml:6:3")),
        bad(62, "an unknown kind", text(CLUSTER.replace("Cluster", "Pod")), Error("kind", "x.yaml:2:7")),
        bad(62, "an unknown version", text(CLUSTER.replace("/v1", "/v9")), Error("api-version", "x.yaml:1:13")),
        bad(63, "a slip", text(service("  desiredCont: 1\n")), Error("unknown-member", "x.yaml:7:3")),
        bad(
            64,
            "more than 64 KiB",
            text(container(&format!("    user: \"{}\"\n", "x".repeat(65_536)))),
            Error("definition-size", "x.yaml:4:1"),
        ),
        bad(65, "minimum above maximum", percents(4, 90, 50), Error("percent-range", "x.yaml:6:73")),
        bad(65, "100 and 100", percents(4, 100, 100), Error("percent-blocked", "x.yaml:6:74")),
        bad(65, "100 and 50", percents(4, 100, 50), Error("percent-range", "x.yaml:6:74")),
        bad(65, "0 and 0", percents(4, 0, 0), Error("percent-range", "x.yaml:6:72")),
        bad(65, "no room by rounding", percents(1, 50, 150), Warning("percent-rounding", "x.yaml:6:73")),
        bad(
            66,
            "no such size",
            text(fargate("  cpu: \"256\"\n  memory: \"4096\"\n")),
            Error("fargate-size", "x.yaml:8:11"),
        ),
    ]
}

/// Numbers 67 to 75: what is dangerous, or another's.
pub fn dangers() -> Vec<Bad> {
    let environment = |list: &str| text(container(&format!("    environment: {list}\n")));
    let image = |image: &str| text(container(&format!("image: {image}\n")));
    let role = |role: &str| text(fargate(&format!("  cpu: \"256\"\n  memory: \"512\"\n  taskRoleArn: {role}\n")));
    let tags = |tags: &str| cluster(&format!("spec:\n  tags: {tags}\n"));
    let volume = "  volumes: [{ name: all, host: { sourcePath: / } }]\n";
    vec![
        bad(
            67,
            "a role of another account",
            role("arn:aws:iam::210987654321:role/x"),
            Error("foreign-arn", "x.yaml:9:16"),
        ),
        bad(67, "any role", role("arn:aws:iam::123456789012:role/*"), Error("role-arn", "x.yaml:9:16")),
        bad(68, "an image without a tag", image("nginx"), Warning("image-tag", "x.yaml:8:12")),
        bad(68, "latest", image("nginx:latest"), Warning("image-tag", "x.yaml:8:12")),
        bad(68, "half a digest", image("nginx@sha256:0123"), Error("image-reference", "x.yaml:8:12")),
        bad(68, "an image of 300 letters", image(&("x".repeat(300) + ":1")), Error("image-reference", "x.yaml:8:12")),
        bad(
            69,
            "a password",
            environment("[{ name: DB_PASSWORD, value: hunter2hunter2 }]"),
            Warning("plain-secret", "x.yaml:9:47"),
        ),
        bad(69, "a number for a secret", environment("[{ name: PIN, value: 8675309 }]"), Error("type", "x.yaml:9:39")),
        bad(
            70,
            "a name with =",
            environment("[{ name: A=hunter2hunter2, value: b }]"),
            Warning("environment-equals", "x.yaml:9:27"),
        ),
        bad(70, "no name", environment("[{ name: \"\", value: b }]"), Error("environment-name", "x.yaml:9:19")),
        bad(
            70,
            "a name twice",
            environment("[{ name: A, value: b }, { name: A, value: c }]"),
            Warning("environment-twice", "x.yaml:9:50"),
        ),
        bad(
            70,
            "a name in two cases, which are two",
            environment("[{ name: http_proxy, value: b }, { name: HTTP_PROXY, value: c }]"),
            Legal,
        ),
        bad(71, "another template language", environment("[{ name: A, value: \"{{ range 1000000000 }}\" }]"), Legal),
        bad(
            71,
            "a variable in a variable",
            defaults("vars: { A: \"${var.B}\", B: \"${var.A}\" }\n"),
            Error("defaults", "x.yaml:3:12"),
        ),
        bad(
            72,
            "a token for logs",
            text(container("    logConfiguration: { logDriver: splunk, options: { splunk-token: hunter2hunter2 } }\n")),
            Warning("plain-secret", "x.yaml:9:69"),
        ),
        bad(73, "privileged", text(container("    privileged: true\n")), Warning("privileged", "x.yaml:9:17")),
        bad(
            73,
            "SYS_ADMIN",
            text(container("    linuxParameters: { capabilities: { add: [SYS_ADMIN] } }\n")),
            Warning("privileged", "x.yaml:9:46"),
        ),
        bad(73, "the host's /", text(container(volume)), Warning("host-root", "x.yaml:9:46")),
        bad(
            74,
            "51 tags",
            tags(&format!("[{}]", (0..51).map(|n| format!("{{ key: t{n}, value: x }}, ")).collect::<String>())),
            Error("tag-count", "x.yaml:5:3"),
        ),
        bad(74, "a tag of AWS's", tags("[{ key: \"AWS:x\", value: x }]"), Error("tag-key", "x.yaml:5:17")),
        bad(
            74,
            "the owner's tag",
            tags("[{ key: ecs-operator/owner, value: me }]"),
            Error("reserved-tag", "x.yaml:5:17"),
        ),
        bad(
            75,
            "a cluster of another account",
            text(service("").replace("cluster: prod", "cluster: \"arn:aws:ecs:eu-west-1:210987654321:cluster/prod\"")),
            Error("cluster", "x.yaml:3:33"),
        ),
        bad(
            75,
            "a task definition of another region",
            text(service("").replace("web:1", "arn:aws:ecs:us-west-2:123456789012:task-definition/web:1")),
            Error("foreign-arn", "x.yaml:5:19"),
        ),
    ]
}

fn twice(dir: &Path) {
    fs::write(dir.join("x.yaml"), service("")).unwrap();
    fs::write(dir.join("y.yaml"), service("")).unwrap();
}

fn two_clusters() -> impl Fn(&Path) + use<> {
    text(service("") + "---\n" + &service("").replace("prod", "test"))
}

fn families() -> impl Fn(&Path) + use<> {
    let other = container("").replace("name: web }", "name: api }").replace("spec:\n", "spec:\n  family: web\n");
    text(container("") + "---\n" + &other)
}

fn circle() -> String {
    let one = |name: &str, on: &str| {
        format!(
            "  - {{ name: {name}, image: \"nginx:1\", dependsOn: [{{ containerName: {on}, condition: START }}] }}\n"
        )
    };
    format!(
        "apiVersion: ecs-operator.io/v1\nkind: TaskDefinition\nmetadata: {{ name: web }}\nspec:\n  memory: \"512\"\n  \
         containerDefinitions:\n{}{}",
        one("a", "b"),
        one("b", "a")
    )
}

/// Each waits for the next.
fn chained(count: usize) -> String {
    let one = |n: usize| {
        let next = (n + 1) % count;
        format!(
            "  - {{ name: c{n}, image: \"nginx:1\", dependsOn: [{{ containerName: c{next}, condition: START }}] }}\n"
        )
    };
    let head = container("").split_once("  - name").unwrap().0.replace("spec:\n", "spec:\n  memory: \"512\"\n");
    head + &(0..count).map(one).collect::<String>()
}
