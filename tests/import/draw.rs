//! Services and task definitions drawn by chance over the members that the kinds manage.

use ecs_operator::shape::Tree;
use ecs_operator::tree;

pub struct Draw {
    pub rng: fastrand::Rng,
}

/// Sizes that Fargate has.
const SIZES: [(&str, &str); 4] = [("256", "512"), ("512", "1024"), ("1024", "2048"), ("1 vCPU", "3 GB")];

/// Texts that YAML, variables or shells would make something of.
const TEXTS: &[&str] = &[
    "",
    "plain",
    "on",
    "No",
    "null",
    "~",
    "0x1F",
    "1e3",
    "007",
    "12:30:45",
    "2026-11-25",
    "- dash",
    "# no comment",
    "a: b",
    "key: [x, y]",
    "{ a: b }",
    "'single' \"double\" \\back",
    "${var.NAME} and ${aws.region} and ${HOME}",
    "${var.DOLLAR}{x}",
    "two\nlines",
    "two\nlines\n",
    "three\n\n\n",
    "\nfirst is empty",
    "  indented\n    more",
    "trailing space \n and tab\t",
    "tab\tinside",
    "carriage\r\nreturn",
    "é☃😀",
    "\u{1b}[31mred",
    "%TAG",
    "!Ref x",
    "&anchor *alias",
    "--- ",
    "...",
    "@at `tick`",
    "a long text that has to be folded because it does not fit on one line, with single spaces and  double ones, and some more words",
    "averyveryverylongtextwithoutanyspaceatallthatcannotbefoldedanywhereandsoithastostayononelinewhateverthelinewidthis",
];

impl Draw {
    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.rng.usize(0..of.len())]
    }

    fn maybe(&mut self) -> bool {
        self.rng.bool()
    }

    fn rare(&mut self) -> bool {
        self.rng.u8(0..5) == 0
    }

    fn text(&mut self) -> String {
        self.one(TEXTS).to_owned()
    }

    fn tags(&mut self) -> Tree {
        let count = self.rng.usize(0..3);
        let tag =
            |at: usize| tree! { "key" => format!("team{at}"), "value" => self.one(&["shop", "on", "007", "a b", ""]) };
        Tree::List((0..count).map(tag).collect())
    }

    /// What RegisterTaskDefinition takes.
    pub fn definition(&mut self, family: &str) -> Tree {
        let mode = self.one(&["fargate", "fargate", "awsvpc", "bridge", "host", "none", "absent"]).to_owned();
        let fargate = mode == "fargate";
        let mut spec = tree! { "family" => family };
        match mode.as_str() {
            "fargate" => {
                spec.set("requiresCompatibilities", vec!["FARGATE"]);
                spec.set("networkMode", "awsvpc");
                let (cpu, memory) = SIZES[self.rng.usize(0..SIZES.len())];
                spec.set("cpu", cpu);
                spec.set("memory", memory);
            }
            "absent" => {}
            mode => spec.set("networkMode", mode),
        }
        if self.maybe() {
            spec.set("executionRoleArn", "arn:aws:iam::123456789012:role/execution");
        }
        if self.rare() {
            spec.set("taskRoleArn", "arn:aws:iam::123456789012:role/task");
        }
        if fargate && self.rare() {
            spec.set("ephemeralStorage", tree! { "sizeInGiB" => 30 });
        }
        if fargate && self.maybe() {
            let chip = self.one(&["X86_64", "ARM64"]);
            spec.set("runtimePlatform", tree! { "cpuArchitecture" => chip, "operatingSystemFamily" => "LINUX" });
        }
        if self.rare() {
            spec.set("enableFaultInjection", self.rng.bool());
        }
        if self.rare() && !fargate {
            spec.set("pidMode", self.one(&["task", "host"]));
            spec.set(
                "placementConstraints",
                vec![tree! { "type" => "memberOf", "expression" => "attribute:ecs.os-type == linux" }],
            );
        }
        let volumes = self.volumes(fargate);
        let containers = 1 + self.rng.usize(0..2);
        let containers: Vec<Tree> = (0..containers).map(|at| self.container(at, fargate, &mode, &volumes)).collect();
        spec.set("containerDefinitions", containers);
        if !volumes.is_empty() || self.rare() {
            spec.set("volumes", volumes);
        }
        if self.maybe() {
            let tags = self.tags();
            if !tags.is_empty() {
                spec.set("tags", tags);
            }
        }
        spec
    }

    fn volumes(&mut self, fargate: bool) -> Vec<Tree> {
        let mut all = Vec::new();
        if self.rare() {
            all.push(tree! { "name" => "scratch" });
        }
        if self.rare() {
            let mut efs = tree! { "fileSystemId" => "fs-0123456789abcdef0" };
            if self.maybe() {
                efs.set("rootDirectory", "/");
            }
            if self.maybe() {
                efs.set("transitEncryption", "ENABLED");
                efs.set("authorizationConfig", tree! { "iam" => self.one(&["ENABLED", "DISABLED"]) });
            }
            all.push(tree! { "name" => "shared", "efsVolumeConfiguration" => efs });
        }
        if self.rare() && !fargate {
            all.push(tree! { "name" => "host", "host" => tree! { "sourcePath" => "/data" } });
        }
        all
    }

    fn container(&mut self, at: usize, fargate: bool, mode: &str, volumes: &[Tree]) -> Tree {
        let mut one = tree! { "name" => format!("c{at}"), "image" => self.one(&["nginx:1", "redis", "a.b/c@sha256:0123456789012345678901234567890123456789012345678901234567890123"]) };
        if !fargate || self.rare() {
            one.set("memory", 64 + i64::from(self.rng.u8(0..100)));
        }
        if self.maybe() {
            one.set("cpu", [0, 10, 64][self.rng.usize(0..3)]);
        }
        if at > 0 && self.maybe() {
            one.set("essential", false);
        } else if self.maybe() {
            one.set("essential", true);
        }
        if self.maybe() && mode != "none" {
            let mut port = tree! { "containerPort" => 8080 + i64::try_from(at).unwrap() };
            if self.maybe() {
                port.set("protocol", self.one(&["tcp", "udp"]));
            }
            if self.maybe() {
                let host = match mode {
                    "bridge" | "absent" => [0, 9000 + i64::try_from(at).unwrap()][self.rng.usize(0..2)],
                    _ => port.int("containerPort").unwrap(),
                };
                port.set("hostPort", host);
            }
            one.set("portMappings", vec![port]);
        }
        self.texts(&mut one);
        self.blocks(&mut one, fargate);
        let mounts: Vec<Tree> = volumes
            .iter()
            .enumerate()
            .map(|(nth, volume)| {
                let mount =
                    tree! { "sourceVolume" => volume.text("name").unwrap(), "containerPath" => format!("/m{nth}") };
                mount.with_some("readOnly", [None, Some(true), Some(false)][self.rng.usize(0..3)])
            })
            .collect();
        if !mounts.is_empty() {
            one.set("mountPoints", mounts);
        }
        if at > 0 && self.rare() {
            one.set("dependsOn", vec![tree! { "containerName" => "c0", "condition" => "START" }]);
        }
        if at > 0 && self.rare() {
            let from = tree! { "sourceContainer" => "c0" };
            one.set("volumesFrom", vec![from.with_some("readOnly", self.rng.bool().then_some(false))]);
        }
        one
    }

    fn texts(&mut self, one: &mut Tree) {
        if self.maybe() {
            let count = self.rng.usize(0..6);
            let list: Vec<Tree> =
                (0..count).map(|nth| tree! { "name" => format!("V{nth}"), "value" => self.text() }).collect();
            one.set("environment", list);
        }
        if self.maybe() {
            let words: Vec<String> = (0..self.rng.usize(1..4)).map(|_| self.text()).collect();
            one.set(self.one(&["command", "entryPoint"]), words);
        }
        if self.rare() {
            one.set("dockerLabels", tree! { "com.example/on" => self.text(), "y" => "n" });
        }
        if self.rare() {
            one.set("workingDirectory", "/srv");
            one.set("user", "1000:1000");
        }
    }

    fn blocks(&mut self, one: &mut Tree, fargate: bool) {
        if self.rare() {
            let check = tree! { "command" => vec!["CMD-SHELL", "curl -f http://localhost/ || exit 1"] };
            let check = check
                .with_some("interval", self.rng.bool().then_some([30, 10][self.rng.usize(0..2)]))
                .with_some("retries", self.rng.bool().then_some([3, 5][self.rng.usize(0..2)]))
                .with_some("startPeriod", self.rng.bool().then_some([0, 60][self.rng.usize(0..2)]));
            one.set("healthCheck", check);
        }
        if self.rare() {
            let options =
                tree! { "awslogs-group" => "/ecs/x", "awslogs-region" => "us-east-1", "awslogs-stream-prefix" => "x" };
            one.set("logConfiguration", tree! { "logDriver" => "awslogs", "options" => options });
        }
        if self.rare() {
            one.set("ulimits", vec![tree! { "name" => "nofile", "softLimit" => 1024, "hardLimit" => 4096 }]);
        }
        if self.rare() {
            let mut linux = tree! { "initProcessEnabled" => self.rng.bool() };
            if self.maybe() {
                linux.set("capabilities", tree! { "drop" => vec!["ALL"] });
            }
            if !fargate && self.maybe() {
                linux.set("sharedMemorySize", 64);
            }
            one.set("linuxParameters", linux);
        }
        if self.rare() {
            let flag = self.one(&["readonlyRootFilesystem", "interactive", "pseudoTerminal"]);
            one.set(flag, self.rng.bool());
        }
        if self.rare() {
            one.set("stopTimeout", [30, 60][self.rng.usize(0..2)]);
        }
        if self.rare() {
            one.set("versionConsistency", self.one(&["enabled", "disabled"]));
        }
        if self.rare() {
            let policy = tree! { "enabled" => self.rng.bool() };
            one.set("restartPolicy", policy.with_some("restartAttemptPeriod", self.rng.bool().then_some(300)));
        }
    }

    /// What CreateService takes, cluster and task definition aside.
    pub fn service(&mut self, name: &str, definition: &Tree) -> Tree {
        let mut spec = tree! { "serviceName" => name };
        let fargate = !definition.list("requiresCompatibilities").is_empty();
        let daemon = !fargate && self.rare();
        if daemon {
            spec.set("schedulingStrategy", "DAEMON");
        } else {
            spec.set("desiredCount", self.rng.i64(0..3));
            if self.maybe() {
                spec.set("schedulingStrategy", "REPLICA");
            }
        }
        match (fargate, self.rare()) {
            (true, true) => {
                let one = tree! { "capacityProvider" => "FARGATE", "weight" => 1 };
                let one = one.with_some("base", self.rng.bool().then_some(0));
                spec.set("capacityProviderStrategy", vec![one]);
            }
            (true, false) => spec.set("launchType", "FARGATE"),
            (false, _) => spec.set("launchType", "EC2"),
        }
        if definition.text("networkMode") == Some("awsvpc") {
            let mut vpc = tree! { "subnets" => vec!["subnet-0123456789abcdef1", "subnet-0123456789abcdef0"] };
            if self.maybe() {
                vpc.set("securityGroups", vec!["sg-0123456789abcdef0"]);
            }
            if self.maybe() && fargate {
                vpc.set("assignPublicIp", self.one(&["ENABLED", "DISABLED"]));
            }
            spec.set("networkConfiguration", tree! { "awsvpcConfiguration" => vpc });
        }
        self.deployment(&mut spec, daemon);
        if self.rare() && fargate {
            spec.set("platformVersion", self.one(&["LATEST", "1.4.0"]));
        }
        if self.rare() {
            spec.set("enableECSManagedTags", self.rng.bool());
            spec.set("enableExecuteCommand", self.rng.bool());
        }
        if self.rare() {
            spec.set("propagateTags", self.one(&["SERVICE", "TASK_DEFINITION", "NONE"]));
        }
        if self.rare() && !daemon {
            spec.set("availabilityZoneRebalancing", self.one(&["ENABLED", "DISABLED"]));
        }
        if self.rare() && !fargate && !daemon {
            let field = self.one(&["cpu", "memory", "host", "instanceId", "attribute:ecs.availability-zone"]);
            let kind = if field == "cpu" || field == "memory" { "binpack" } else { "spread" };
            spec.set("placementStrategy", vec![tree! { "type" => kind, "field" => field }]);
        }
        if self.rare() && !fargate {
            spec.set("placementConstraints", vec![tree! { "type" => "distinctInstance" }]);
        }
        if self.maybe() {
            let tags = self.tags();
            if !tags.is_empty() {
                spec.set("tags", tags);
            }
        }
        spec
    }

    fn deployment(&mut self, spec: &mut Tree, daemon: bool) {
        if self.rare() {
            return;
        }
        let mut configuration = Tree::map();
        if self.maybe() {
            configuration.set("maximumPercent", if daemon { 100 } else { [200, 150][self.rng.usize(0..2)] });
            configuration.set("minimumHealthyPercent", if daemon { 0 } else { [100, 50, 0][self.rng.usize(0..3)] });
        }
        if self.maybe() {
            let breaker = tree! { "enable" => self.rng.bool(), "rollback" => self.rng.bool() };
            configuration.set("deploymentCircuitBreaker", breaker);
        }
        if self.rare() {
            let alarms = tree! { "alarmNames" => vec!["b", "a"], "enable" => true, "rollback" => self.rng.bool() };
            configuration.set("alarms", alarms);
        }
        if self.rare() && !daemon {
            configuration.set("strategy", "ROLLING");
        }
        if !configuration.is_empty() {
            spec.set("deploymentConfiguration", configuration);
        }
    }
}
