//! What the reader of the text, the comparison with AWS's shapes and the making of objects say. Nothing here looks:
//! these rows give those findings their explanation.

use crate::check::rule::{Example, Look, Rule};
use crate::manifest::{SETTINGS_FILE, Severity};

use super::row;

pub const RULES: &[Rule] = &[
    without_example(
        "unreadable-file",
        "Every file of the directory is read, or it is not known what is desired: a \
        file without permission, a link that leads nowhere or out of the directory, a pipe.",
    ),
    without_example("file-too-large", "A file of manifests has at most 1 MiB: more is something else, or a slip."),
    without_example("too-many-documents", "A file has at most 1,000 documents. Split it."),
    row!(
        "yaml-syntax",
        Error,
        Look::Reading,
        "The text is YAML. From the place named on, the parser could not follow; the slip is there or just before it."
    ),
    Rule {
        name: "json-syntax",
        severity: Severity::Error,
        summary: "A file whose name ends in .json is JSON, which has no comments and no comma after the last item.",
        look: Look::Reading,
        example: Some(Example { file: "json-syntax.json", text: include_str!("../examples/json-syntax.json") }),
    },
    row!(
        "odd-character",
        Error,
        Look::Reading,
        "Control characters, and characters that change the direction of text or can't be seen, make a manifest mean \
         something else than it shows."
    ),
    row!("too-deep", Error, Look::Reading, "Lists and maps are at most 64 deep inside each other; AWS has far fewer."),
    row!(
        "too-many-values",
        Error,
        Look::Reading,
        "A document holds at most 100,000 values, aliases counted as often as they are used: a few lines of aliases \
         could otherwise fill the memory."
    ),
    row!(
        "unknown-tag",
        Error,
        Look::Reading,
        "YAML tags such as CloudFormation's !Ref mean nothing here; the value itself, or a variable, does."
    ),
    row!(
        "duplicate-key",
        Error,
        Look::Reading,
        "A key stands once in its map. YAML's parsers differ in which of two they take."
    ),
    row!(
        "not-supported-yet",
        Error,
        Look::Reading,
        "What is to come, and this version does not handle, is refused here rather than passed over."
    ),
    row!("merge-key", Error, Look::Reading, "The merge key << takes a map, or a list of maps."),
    row!(
        "key-not-a-string",
        Error,
        Look::Reading,
        "Keys are strings, as in JSON: 80 and true are none until they are in quotes."
    ),
    row!("number-range", Error, Look::Reading, "AWS knows no infinite numbers, and no integers beyond 64 bits."),
    row!(
        "variable",
        Error,
        Look::Reading,
        "${var.NAME}, ${aws.region} and ${aws.account} are replaced; a variable is defined under vars of a Defaults \
         document in this directory or above it, or with --var."
    ),
    row!(
        "defaults",
        Error,
        Look::Reading,
        "A Defaults document defines variables for its directory and below: plain values, each name once a directory."
    ),
    Rule {
        name: "settings",
        severity: Severity::Error,
        summary: "The settings file says whose objects these are: owner, source and clusters. It is taken whole or not \
                  at all.",
        look: Look::Reading,
        example: Some(Example { file: SETTINGS_FILE, text: include_str!("../examples/settings.yaml") }),
    },
    row!(
        "envelope",
        Error,
        Look::Reading,
        "A manifest has apiVersion, kind, metadata with a name, spec, and at will reconcile."
    ),
    row!("api-version", Error, Look::Reading, "There is one version of manifests: ecs-operator.io/v1."),
    row!(
        "unknown-member",
        Error,
        Look::Shape,
        "Every member of a spec is one of the AWS API's, in its spelling. ECS would ignore or refuse any other, and \
         what was meant would be missing."
    ),
    row!("missing-member", Error, Look::Shape, "Some members AWS requires wherever their structure is given."),
    row!(
        "null",
        Error,
        Look::Shape,
        "Null is neither absent nor empty, and AWS tells the three apart only sometimes. Leave the member out."
    ),
    row!("type", Error, Look::Shape, "Each member has a type in the AWS API: \"2\" is no number, and 256 no string."),
    row!("value", Error, Look::Shape, "Some members take only certain words, or numbers and texts of certain sizes."),
    row!(
        "reconcile",
        Error,
        Look::Objects,
        "The reconcile block says how the operator treats an object: restartedAt, rollout with progressDeadline and \
         onFailure, drift (Heal, Warn or Ignore), and ignore."
    ),
    row!(
        "ignore-pointer",
        Error,
        Look::Objects,
        "reconcile.ignore holds JSON pointers into the spec, at members that AWS shows: their drift is left. A pointer \
         at nothing would leave nothing, and nobody would know."
    ),
    row!(
        "duplicate-object",
        Error,
        Look::Objects,
        "An object is declared once. Of two declarations neither is in force, since it can't be known which was meant."
    ),
    row!(
        "reference",
        Error,
        Look::Objects,
        "A bare name in taskDefinition is a TaskDefinition of the manifests; a live one is named with its revision. \
         AWS's newest revision is nobody's decision. A security group without sg- is a SecurityGroup of the manifests."
    ),
];

/// A row whose example would be a file of its own kind, or a very long one.
const fn without_example(name: &'static str, summary: &'static str) -> Rule {
    Rule { name, severity: Severity::Error, summary, look: Look::Reading, example: None }
}
