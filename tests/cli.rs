//! The commands as a person types them: exit codes, what they print, and what they ask of ECS.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail by panicking, and processes run in real time"
)]

mod common;

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use common::process::{
    Child, PATIENCE, Said, Sim, World, ask, get, hello, image, program, said, tagged, until, write_hello,
};
use tempfile::TempDir;

/// Fast enough for a rollout in seconds, slow enough that none misses its deadline between two looks.
const SCALE: &str = "30";

fn plan(dir: &Path, world: World, more: &[&str]) -> Said {
    said(program().arg("plan").arg(dir).args(["--endpoint-url", &world.url()]).args(more))
}

fn apply(dir: &Path, world: World, more: &[&str]) -> Said {
    said(program().arg("apply").arg(dir).args(["--endpoint-url", &world.url()]).args(more))
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn a_first_plan_an_apply_and_nothing_left_to_do() {
    let sim = Sim::start(SCALE);
    let world = sim.world;
    let first = plan(&hello(), world, &["--detailed-exitcode"]);
    assert_eq!((first.code, first.err.as_str()), (2, ""), "{first:?}");
    let heads: Vec<&str> =
        lines(&first.out).into_iter().filter(|line| !line.starts_with(' ') && !line.is_empty()).collect();
    let wanted = [
        "+ Cluster/hello  is created: does not exist",
        "+ TaskDefinition/hello-world  registers a revision: no revision has this content",
        "+ hello/Service/hello-world  is created: does not exist; Cluster/hello is not ACTIVE yet",
        "Plan: 2 to create, 1 to register.",
    ];
    assert_eq!(heads, wanted);
    assert_eq!(plan(&hello(), world, &[]).code, 0, "without the flag a plan that was made is a success");
    assert_eq!(world.writes(), vec![], "plan writes nothing");

    let done = apply(&hello(), world, &["--wait"]);
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{done:?}");
    assert!(done.out.contains("hello/Service/hello-world  Converged\n"), "{}", done.out);
    assert_eq!(lines(&done.out).last(), Some(&"Done: 3 objects, all as the manifests say."));
    assert_eq!(world.stable_image("hello-world"), Some(image("1.28")), "it waited until the rollout was over");
    let made: Vec<String> = world.writes().into_iter().map(|(operation, _)| operation).collect();
    assert_eq!(made.len(), 3, "{made:?}");

    let again = apply(&hello(), world, &["--wait"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(world.writes().len(), 3, "a second apply changes nothing");
    let empty = plan(&hello(), world, &["--detailed-exitcode"]);
    assert_eq!((empty.code, empty.out.as_str()), (0, "Nothing to do: 3 objects are as the manifests say.\n"));
}

#[test]
fn a_change_is_shown_field_by_field_and_rolls_once() {
    let sim = Sim::start(SCALE);
    let root = TempDir::new().unwrap();
    write_hello(root.path(), tagged("1.1"));
    assert_eq!(apply(root.path(), sim.world, &["--wait"]).code, 0);
    write_hello(root.path(), |text| tagged("1.2")(text).replace("desiredCount: 2", "desiredCount: 3"));
    let change = plan(root.path(), sim.world, &["--detailed-exitcode"]);
    assert_eq!(change.code, 2, "{change:?}");
    for line in [
        "+ TaskDefinition/hello-world  registers a revision: no revision has this content",
        "    ~ containerDefinitions[web].image:",
        "          \"public.ecr.aws/nginx/nginx:1.1\" -> \"public.ecr.aws/nginx/nginx:1.2\"",
        "~ hello/Service/hello-world  starts a deployment: taskDefinition changed",
        "    ~ taskDefinition: \"hello-world:1\" -> (known after apply)",
        "    ~ desiredCount: 2 -> 3  # in place, ",
        "Plan: 1 to register, 1 to deploy; 1 unchanged.",
    ] {
        assert!(lines(&change.out).iter().any(|shown| shown.starts_with(line)), "no {line:?} in\n{}", change.out);
    }
    let before = sim.world.writes().len();
    assert_eq!(apply(root.path(), sim.world, &["--wait"]).code, 0);
    let made: Vec<String> = sim.world.writes().into_iter().skip(before).map(|(operation, _)| operation).collect();
    assert_eq!(made, ["RegisterTaskDefinition", "TagResource", "UpdateService"]);
    assert_eq!(sim.world.stable_image("hello-world"), Some(image("1.2")));
}

#[test]
fn without_wait_apply_ends_when_all_is_written() {
    let sim = Sim::start("1");
    let done = apply(&hello(), sim.world, &[]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(sim.world.writes().len(), 3);
    let last = "2 of 3 objects as the manifests say, 1 rollout in progress (--wait follows them).";
    assert_eq!(lines(&done.out).last(), Some(&last));
    assert_eq!(sim.world.stable_image("hello-world"), None, "the rollout still goes on");
}

#[test]
fn a_rollout_that_fails_is_told_with_its_cause_and_held() {
    let sim = Sim::start(SCALE);
    let root = TempDir::new().unwrap();
    write_hello(root.path(), tagged("1.1"));
    assert_eq!(apply(root.path(), sim.world, &["--wait"]).code, 0);
    let cause = "CannotPullContainerError: manifest for nginx:1.2 not found";
    write_hello(root.path(), |text| {
        let label = format!("dockerLabels: {{ ecs-operator.sim/fail-to-start: '{cause}' }}\n      portMappings:");
        tagged("1.2")(text).replace("portMappings:", &label)
    });
    let failed = apply(root.path(), sim.world, &["--wait"]);
    assert_eq!(failed.code, 3, "{failed:?}");
    assert!(failed.out.contains("RolledBack") && failed.out.contains("circuit breaker"), "{}", failed.out);
    for row in [
        "! hello/Service/hello-world  RolledBack",
        "    failed    hello-world:2",
        "    cause     CannotPullContainerError: manifest for nginx:1.2 not found (",
        "    ECS says  Service deployment rolled back",
        "    runs now  hello-world:1, ",
        "    next      commit a mend",
    ] {
        assert!(failed.out.lines().any(|line| line.starts_with(row)), "no {row:?} in\n{}", failed.out);
    }
    until("the rollback to end", || sim.world.stable_image("hello-world").filter(|runs| *runs == image("1.1")));
    // It is held: nobody tries it again until Git asks for something else.
    let before = sim.world.writes().len();
    let held = apply(root.path(), sim.world, &["--wait"]);
    assert_eq!(held.code, 3, "{held:?}");
    assert_eq!(sim.world.writes().len(), before);
    let shown = plan(root.path(), sim.world, &["--detailed-exitcode"]);
    assert!(
        shown.out.contains("blocked, RolledBack: ") && shown.out.contains("Plan: 1 blocked; 2 unchanged."),
        "{shown:?}"
    );
    assert_eq!(shown.code, 2);
    write_hello(root.path(), tagged("1.3"));
    assert_eq!(apply(root.path(), sim.world, &["--wait"]).code, 0);
    assert_eq!(sim.world.stable_image("hello-world"), Some(image("1.3")));
}

#[test]
fn what_takes_too_long_is_said_so() {
    let sim = Sim::start("1");
    let late = apply(&hello(), sim.world, &["--wait", "--timeout", "2s"]);
    assert_eq!(late.code, 4, "{late:?}");
    assert!(late.err.contains("not done in 2s") && late.err.contains("detached; ECS goes on with"), "{}", late.err);
}

#[test]
fn a_stopped_apply_ends_what_is_in_hand_and_no_more() {
    let sim = Sim::start("1");
    let mut command = program();
    command.arg("apply").arg(hello()).args(["--wait", "--endpoint-url", &sim.world.url()]);
    let mut apply = Child::start(&mut command);
    until("the service", || sim.world.service("hello-world"));
    apply.signal("INT");
    assert_eq!(apply.ended_within(PATIENCE).code(), Some(4), "{}", apply.err());
    assert!(apply.err().contains("stopping"), "{}", apply.err());
    let detached =
        format!("detached; ECS goes on with 1 rollout; `ecs-operator apply {} --wait` follows", hello().display());
    assert!(apply.err().contains(&detached), "{}", apply.err());
    assert!(apply.out().contains("1 rollout in progress") || apply.out().contains("Not done"), "{}", apply.out());
    assert_eq!(sim.world.writes().len(), 3);
}

#[test]
fn another_owners_objects_are_refused() {
    let sim = Sim::start(SCALE);
    assert_eq!(apply(&hello(), sim.world, &["--owner", "first"]).code, 0);
    let before = sim.world.writes().len();
    let refused = apply(&hello(), sim.world, &["--owner", "second", "--wait"]);
    assert_eq!((refused.code, refused.err.as_str()), (5, ""), "what is printed is not logged besides: {refused:?}");
    assert!(refused.out.contains("NotOwned") && refused.out.contains("first"), "{}", refused.out);
    assert_eq!(sim.world.writes().len(), before);
    let shown = plan(&hello(), sim.world, &["--owner", "second"]);
    assert!(shown.out.contains("blocked, NotOwned: "), "{}", shown.out);
}

#[test]
fn what_another_tool_renders_comes_by_standard_input_or_as_a_file() {
    let names = ["cluster.yaml", "defaults.yaml", "service.yaml", "task-definition.yaml"];
    let texts = names.map(|name| std::fs::read_to_string(hello().join(name)).unwrap());
    let rendered = texts.join("---\n");
    let root = TempDir::new().unwrap();
    let file = root.path().join("rendered.yaml");
    std::fs::write(&file, &rendered).unwrap();
    let plan = |path: &Path| {
        let input = std::fs::File::open(&file).unwrap();
        said(program().arg("plan").arg(path).args(["--sim", "--owner", "me"]).stdin(input))
    };
    for (path, name) in [(Path::new("-"), "<stdin>:"), (file.as_path(), "rendered.yaml:")] {
        let shown = plan(path);
        assert_eq!((shown.code, shown.err.as_str()), (0, ""), "{shown:?}");
        assert!(shown.out.contains("Plan: 2 to create, 1 to register.") && shown.out.contains(name), "{}", shown.out);
    }
    std::fs::write(&file, rendered.replace("desiredCount", "desiredCont")).unwrap();
    let wrong = said(program().args(["validate", "-"]).stdin(std::fs::File::open(&file).unwrap()));
    assert_eq!(wrong.code, 1, "{wrong:?}");
    assert!(wrong.out.contains("<stdin>:") && wrong.out.contains("did you mean desiredCount?"), "{}", wrong.out);
    let twice = said(program().arg("validate").arg(&file).arg(root.path().join("./rendered.yaml")));
    assert!(!twice.out.contains("duplicate-object"), "one file by two names is one file: {}", twice.out);
    let pipe = Command::new("bash")
        .args(["-c", "\"$0\" validate <(cat \"$1\")", env!("CARGO_BIN_EXE_ecs-operator")])
        .arg(hello().join("cluster.yaml"))
        .output()
        .unwrap();
    assert!(pipe.status.success(), "a pipe is read like a file: {pipe:?}");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let lost = program().arg("validate").arg(hello()).stdout(full).stderr(Stdio::null()).status().unwrap();
    assert_eq!(lost.code(), Some(1), "what can't be written is no success");
    let followed = said(program().args(["run", "-", "--sim"]));
    assert!(followed.code == 1 && followed.err.contains("run follows a directory"), "{followed:?}");
    let nowhere = said(program().args(["validate", "/nowhere/at/all"]));
    assert_eq!((nowhere.code, nowhere.out.as_str()), (2, ""), "could not look: {nowhere:?}");
}

#[test]
fn an_embedded_ecs_needs_nothing_else() {
    let done = said(program().arg("apply").arg(hello()).args(["--sim", "--wait", "--time-scale", "200"]));
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{done:?}");
    assert!(done.out.contains("hello/Service/hello-world  Converged"), "{}", done.out);
    let mut by_environment = program();
    by_environment
        .arg("plan")
        .arg(hello())
        .env("ECS_OPERATOR_SIM", "true")
        .env("ECS_OPERATOR_DETAILED_EXITCODE", "true");
    assert_eq!(said(&mut by_environment).code, 2);
    for (value, code) in [("1", 2), ("yes", 2), ("on", 2), ("0", 0), ("false", 0), ("no", 0), ("maybe", 1), ("", 1)] {
        let mut asked = program();
        asked.arg("plan").arg(hello()).env("ECS_OPERATOR_SIM", "1").env("ECS_OPERATOR_DETAILED_EXITCODE", value);
        assert_eq!(said(&mut asked).code, code, "{value:?}");
    }
    let sim = Sim::start("1");
    let mut off = program();
    off.arg("plan").arg(hello()).args(["--endpoint-url", &sim.world.url()]).env("ECS_OPERATOR_SIM", "false");
    assert_eq!(said(&mut off).code, 0);
    let mut variable = program();
    variable.arg("plan").arg(hello()).args(["--sim", "--var", "SUBNET_A=not${a}subnet"]);
    assert_eq!(said(&mut variable).code, 0);
}

/// An AWS that refuses everybody, as STS words it.
fn refusing(code: &'static str) -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(10) {
            let mut stream = stream.unwrap();
            let mut request = [0; 16 * 1024];
            assert!(stream.read(&mut request).unwrap_or(0) > 0);
            let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>No.</Message></Error>");
            let body = format!("<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>");
            let head =
                format!("HTTP/1.1 403 Forbidden\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n", body.len());
            // Whoever asked may have gone.
            drop(stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes()));
        }
    });
    address
}

#[test]
fn nobody_to_talk_to_is_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = said(program().arg("plan").arg(hello()).args(["--endpoint-url", &format!("http://{free}")]));
    assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{refused:?}");
    assert!(refused.err.starts_with("error: ") && refused.err.lines().count() == 1, "{}", refused.err);
    let told = "Connection refused (os error 111) (nothing listens there: is --endpoint-url right, and is it running?)";
    assert!(refused.err.trim_end().ends_with(told), "{}", refused.err);
    let aws = |flags: &[&str], environment: &[(&str, &str)]| {
        let said = said(program().arg("plan").arg(hello()).args(flags).envs(environment.iter().copied()));
        assert_eq!((said.code, said.out.as_str(), said.err.lines().count()), (1, "", 1), "{said:?}");
        said.err
    };
    let keys = [("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")];
    let nobody = aws(&["--region", "us-east-1"], &[]);
    assert!(nobody.contains("NoCredentials") && nobody.contains("AWS_PROFILE"), "{nobody}");
    let no_region = aws(&["--region", "us east"], &keys);
    assert!(no_region.contains("valid host label") && no_region.contains("eu-west-1"), "{no_region}");
    for (code, remedy) in [("ExpiredToken", "aws sso login"), ("InvalidClientTokenId", "the right profile")] {
        let refused = aws(&["--endpoint-url", &format!("http://{}", refusing(code))], &keys);
        assert!(refused.contains(code) && refused.contains(remedy), "{refused}");
    }
    let nowhere = said(program().arg("plan").arg(hello()));
    assert_eq!(nowhere.code, 1, "{nowhere:?}");
    assert!(nowhere.err.contains("--region") && nowhere.err.contains("AWS_REGION"), "{}", nowhere.err);
    let taken = Sim::start("1");
    let twice = said(program().args(["sim", "--listen", &taken.world.0.to_string()]));
    assert_eq!(twice.code, 1, "{twice:?}");
    assert!(twice.err.contains("can't listen on"), "{}", twice.err);
}

#[test]
fn whoever_stops_reading_stops_nothing() {
    let sim = Sim::start(SCALE);
    let mut command = program();
    command.arg("apply").arg(hello()).args(["--wait", "--endpoint-url", &sim.world.url()]);
    let mut apply = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((apply.stdout.take(), apply.stderr.take()));
    assert_eq!(apply.wait().unwrap().code(), Some(0));
    assert_eq!(sim.world.stable_image("hello-world"), Some(image("1.28")));
    let mut plan = program().arg("plan").arg(hello()).arg("--sim").stdout(Stdio::piped()).spawn().unwrap();
    drop(plan.stdout.take());
    assert_eq!(plan.wait().unwrap().code(), Some(0));
}

#[test]
fn a_browser_at_the_embedded_ecs_is_told_what_is_there() {
    let sim = Sim::start("1");
    for (path, status) in [("/", 200), ("/favicon.ico", 404)] {
        let answer = get(sim.world.0, path).unwrap();
        assert_eq!(answer.status, status);
        assert!(answer.body.contains("/_sim/state") && answer.body.contains("AWS_ENDPOINT_URL"), "{}", answer.body);
    }
}

#[test]
fn help_lists_commands_and_exit_codes() {
    let help = said(program().arg("--help"));
    assert_eq!(help.code, 0, "{help:?}");
    for command in ["run", "plan", "apply", "sim", "demo"] {
        assert!(help.out.contains(&format!("\n  {command} ")), "{}", help.out);
        let one = said(program().args([command, "--help"]));
        for code in ["Exit codes:", "  0  ", "  1  ", "  2  ", "  3  ", "  4  ", "  5  ", "  130  "] {
            assert!(one.out.contains(code), "no {code:?} in\n{}", one.out);
        }
    }
    let version = said(program().arg("--version"));
    assert_eq!(version.out, format!("ecs-operator {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_was_mistyped_is_explained() {
    let here = hello().display().to_string();
    for (arguments, words) in [
        (vec!["aply"], "apply"),
        (vec!["run"], "<PATH>"),
        (vec!["plan", &here, "--sim", "--endpoint-url", "http://127.0.0.1:1"], "cannot be used with"),
        (vec!["run", ".", "--resync", "5"], "write a time"),
        (vec!["run", ".", "--sim-listen", "127.0.0.1:0"], "--sim"),
        (vec!["plan", ".", "--sim", "--var", "X"], "NAME=VALUE"),
        (vec!["sim", "--listen", "here"], "invalid"),
        (vec!["sim", "--time-scale", "0"], "above 0"),
        (vec!["demo", "--log-format", "xml"], "text"),
    ] {
        let said = said(program().args(&arguments));
        // Not clap's own 2, which says of a plan that there is something to do.
        assert!(said.code == 1 && said.out.is_empty(), "{arguments:?}: {said:?}");
        assert!(said.err.contains(words), "{arguments:?}: {}", said.err);
    }
    let filter = said(program().args(["demo", "--log", "info,a=loud"]));
    assert_eq!(filter.code, 1);
    assert!(filter.err.contains("bad log filter"), "{}", filter.err);
}

#[test]
fn spot_tasks_of_sim_end_by_chance_where_it_is_told_to() {
    let stopped = |more: &[&str]| {
        let sim = Sim::told(more);
        let at = sim.world.0;
        let call = |operation: &str, input: &str| {
            let answer = aws(at, operation, input);
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            answer
        };
        let providers = r#""capacityProviders": ["FARGATE_SPOT"]"#;
        call("CreateCluster", &format!(r#"{{"clusterName": "default", {providers}}}"#));
        call(
            "RegisterTaskDefinition",
            r#"{"family": "app", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
            "memory": "512", "containerDefinitions": [{"name": "app", "image": "app:1"}]}"#,
        );
        call(
            "RunTask",
            r#"{"taskDefinition": "app", "count": 10, "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT",
            "weight": 1}], "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}}"#,
        );
        ask(at, "POST", "/_sim/advance?seconds=7400").unwrap();
        call("ListTasks", r#"{"desiredStatus": "STOPPED"}"#).matches(":task/").count()
    };
    assert_eq!(stopped(&[]), 0);
    // A life lasts from nothing to twice the mean; STOPPED tasks are shown for an hour.
    assert!(stopped(&["--spot-life", "1h"]) > 0);
    assert_eq!(said(program().args(["sim", "--spot-life", "0s"])).code, 1);
}

/// One request as the aws cli makes it; the whole answer.
fn aws(at: std::net::SocketAddr, operation: &str, input: &str) -> String {
    let scope = "Credential=x/20260101/us-east-1/ecs/aws4_request, SignedHeaders=host, Signature=x";
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: AmazonEC2ContainerServiceV20141113.{operation}\r\nAuthorization: AWS4-HMAC-SHA256 {scope}\r\n\
         Content-Length: {}\r\n\r\n",
        input.len()
    );
    let mut stream = std::net::TcpStream::connect(at).unwrap();
    stream.write_all((head + input).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_configuration_file_sets_what_no_flag_and_no_variable_does() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("run.yaml");
    let text = "# of the cluster\nresync: 90s\nworkers: 4\nvar: { TAG: CANARY }\nobserve: true\nstrict: true\n";
    std::fs::write(&file, text).unwrap();
    let shown = |more: &[&str]| {
        let mut run = program();
        run.arg("run").arg(hello()).arg("--config").arg(&file).arg("--print-config").args(more);
        said(run.env("ECS_OPERATOR_ROLLOUTS", "3"))
    };
    let told = shown(&["--workers", "7"]);
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{told:?}");
    let at = |line: usize| format!("{}:{line}", file.display());
    for wanted in [
        format!("resync = 90s  # {}", at(2)),
        "workers = 7  # flag".to_owned(),
        "rollouts = 3  # environment".to_owned(),
        format!("var = (not shown)  # {}", at(4)),
        format!("observe = true  # {}", at(5)),
        "grace = 1h  # default".to_owned(),
        format!("owner = hello  # {}", hello().join("ecs-operator.yaml").display()),
    ] {
        assert!(lines(&told.out).contains(&wanted.as_str()), "no {wanted:?} in\n{}", told.out);
    }
    assert!(!told.out.contains("CANARY") && !told.out.contains("strict"), "{}", told.out);

    for (text, wanted) in [
        ("resnc: 1s", "run.yaml:1:1: no command has a flag --resnc that a file could set (did you mean resync?)"),
        ("log: debug\nresync: [[1]]", "run.yaml:2:1: resync takes a value, a list of values, or a map"),
        ("resync: banana", "invalid value 'banana' for '--resync <TIME>'"),
        ("resync: banana", "resync is set by "),
        ("[resync]", "run.yaml:1:1: the configuration is a list; it takes a map"),
        ("config: other.yaml", "no command has a flag --config that a file could set"),
        ("a: {", "run.yaml:"),
    ] {
        std::fs::write(&file, text).unwrap();
        let told = shown(&[]);
        assert_eq!((told.code, told.out.as_str()), (1, ""), "{text}: {told:?}");
        assert!(told.err.contains(wanted), "{text}: {}", told.err);
    }
    std::fs::remove_file(&file).unwrap();
    let told = shown(&[]);
    assert_eq!(told.code, 1);
    assert!(told.err.contains("run.yaml: cannot be read"), "{}", told.err);
}
