//! What `--help` adds to the flags: examples, and the exit codes.

use super::exit::HELP;

/// One way to use a command, and what it is good for.
type Example = (&'static str, &'static str);

const RUN: &[Example] = &[
    ("ecs-operator run /git/current", "follow what git-sync keeps there"),
    ("ecs-operator run /git/current --observe", "look and tell only; read permissions are enough"),
    ("ecs-operator run shop --sim --time-scale 20", "the same on an embedded ECS, twenty times faster"),
];
const VALIDATE: &[Example] = &[
    ("ecs-operator validate shop", "everything that is wrong in a directory"),
    ("ecs-operator validate -o github shop", "the same as annotations of a pull request"),
    ("kustomize build envs/prod | ecs-operator validate -", "what another tool renders"),
];
const EXPLAIN: &[Example] = &[
    ("ecs-operator explain fargate-size", "what breaks the rule, what is said then, what keeps it"),
    ("ecs-operator explain RolledBack", "what the reason of a condition means"),
    ("ecs-operator explain", "all rules"),
];
const PLAN: &[Example] = &[
    ("ecs-operator plan shop", "what apply would do"),
    ("ecs-operator plan shop --detailed-exitcode", "exit with 2 when there is something to do"),
    ("ecs-operator plan shop -o markdown > comment.md", "for a pull request"),
    ("ecs-operator plan shop --simulate", "with what each rollout comes to, played on a copy"),
    ("ecs-operator plan shop --simulate --start-time 90s --healthy-after 30s", "for tasks that start slowly"),
    ("ecs-operator plan shop --out shop.plan", "look at it now, and apply exactly that later"),
    ("ecs-operator plan shop -o json | jq .summary", "for programs; docs/plan.md tells the members"),
];
const PREFLIGHT: &[Example] = &[
    ("ecs-operator preflight shop", "whether each service could roll now, and what is in its way"),
    ("ecs-operator preflight -o github shop", "the same as annotations of a pull request"),
];
const IMPORT: &[Example] = &[
    ("ecs-operator import --cluster prod --out shop", "everything that lives in a cluster; its plan is empty"),
    ("ecs-operator import --cluster prod --out - --redact-env", "look at it first, without values of variables"),
    ("ecs-operator import --cluster prod --out shop --adopt", "manifests that ask for what they describe"),
    ("ecs-operator import --from ecspresso.yml --out shop", "what ecspresso deploys"),
    ("ecs-operator import --from template.yaml --parameter Stage=prod --out shop", "of a CloudFormation template"),
    ("terraform show -json | ecs-operator import --from - --out shop", "of a Terraform state"),
];
const STATUS: &[Example] = &[
    ("ecs-operator status", "all objects of the operator on this machine"),
    ("ecs-operator status prod/Service/web", "one of them, with its rollout"),
    ("ecs-operator status --watch", "go on showing"),
];
const APPLY: &[Example] = &[
    ("ecs-operator apply shop --wait", "bring it about, and follow the rollouts; Ctrl-C detaches"),
    ("ecs-operator apply shop --wait --timeout 10m", "give up following after ten minutes"),
    ("ecs-operator apply shop.plan --wait", "what `plan --out` wrote; exit with 6 when anything has moved since"),
    ("ecs-operator apply shop.plan --manifests checkout/shop", "the same, with the manifests in another place"),
    ("ecs-operator apply shop --sim --time-scale 60", "rehearse on an embedded ECS"),
];
const SCHEMA: &[Example] = &[
    ("ecs-operator schema > schema.json", "then begin manifests with: # yaml-language-server: $schema=schema.json"),
    ("ecs-operator schema Settings", "of ecs-operator.yaml"),
];
const COMPLETION: &[Example] = &[("source <(ecs-operator completion bash)", "in this shell, from now on")];
const SIM: &[Example] = &[
    ("ecs-operator sim --time-scale 20", "an ECS on http://127.0.0.1:4566, twenty times faster than real time"),
    ("AWS_ENDPOINT_URL=http://127.0.0.1:4566 aws ecs list-clusters", "any client will do"),
];
const DEMO: &[Example] = &[
    ("ecs-operator demo", "six acts; then the stage stays open for you"),
    ("ecs-operator demo --once", "exit with 1 should an act go otherwise"),
];

/// What stands below a command's flags in `--help`.
pub fn of(command: &str) -> String {
    let examples = match command {
        "run" => RUN,
        "validate" => VALIDATE,
        "explain" => EXPLAIN,
        "plan" => PLAN,
        "preflight" => PREFLIGHT,
        "import" => IMPORT,
        "status" => STATUS,
        "apply" => APPLY,
        "schema" => SCHEMA,
        "completion" => COMPLETION,
        "sim" => SIM,
        "demo" => DEMO,
        _ => &[],
    };
    let told: String = examples.iter().map(|(typed, why)| format!("  $ {typed}\n      {why}\n")).collect();
    if told.is_empty() { HELP.to_owned() } else { format!("Examples:\n{told}\n{HELP}") }
}
