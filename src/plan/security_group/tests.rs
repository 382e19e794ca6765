use std::time::Duration;

use super::super::{Answers, Resolution};
use super::*;
use crate::kinds::{Key, Kind, Observed, Origin, Place, tags::Ownership};
use crate::shape::Time;
use crate::tree;

fn desired(more: Tree) -> Object {
    let place = Place { account: "123456789012".into(), region: "us-east-1".into() };
    let spec = tree! { "GroupName" => "web", "VpcId" => "vpc-1", "Description" => "the web" };
    let members = more.as_map().unwrap().iter();
    Object {
        key: Key::new(place, None, Kind::SecurityGroup, "web".into()),
        spec: members.fold(spec, |spec, (name, value)| spec.with(name, value)),
        lookup: Default::default(),
        reconcile: Default::default(),
        origin: Origin::default(),
    }
}

fn decide(object: &Object, observed: &Observed) -> Plan {
    let facts = Facts {
        former: None,
        us: &Ownership { owner: "acme".into(), source: "prod".into() },
        observed,
        date: Time(0),
        cluster: &Observed::Absent,
        cluster_declared: false,
        task_definition: Resolution::NotNeeded,
        held: None,
        grace: Duration::ZERO,
        before: &Default::default(),
        answers: &Answers::default(),
    };
    crate::plan::plan(object, &facts).unwrap()
}

fn calls(plan: &Plan) -> Vec<(&'static str, bool)> {
    plan.steps.iter().map(|step| (step.call.operation, !step.late.is_empty())).collect()
}

fn port(port: i64) -> Tree {
    tree! { "IpProtocol" => "tcp", "FromPort" => port, "ToPort" => port,
    "IpRanges" => vec![tree! { "CidrIp" => "10.0.0.0/8" }] }
}

fn all() -> Tree {
    tree! { "IpProtocol" => "-1", "IpRanges" => vec![tree! { "CidrIp" => "0.0.0.0/0" }] }
}

fn live(rules: Vec<Tree>, egress: Vec<Tree>) -> Tree {
    tree! {
        "GroupId" => "sg-1", "GroupName" => "web", "VpcId" => "vpc-1", "Description" => "the web",
        "IpPermissions" => rules, "IpPermissionsEgress" => egress,
        "Tags" => vec![tree! { "Key" => tags::OWNER, "Value" => "acme/prod" }],
    }
}

#[test]
fn a_new_group_is_created_and_its_rules_come_when_it_is_known() {
    let plan = decide(&desired(tree! { "IpPermissions" => vec![port(80)] }), &Observed::Absent);
    assert_eq!(calls(&plan), [("CreateSecurityGroup", false), ("AuthorizeSecurityGroupIngress", true)]);
    let closed = desired(tree! { "IpPermissionsEgress" => Tree::List(vec![]) });
    let plan = decide(&closed, &Observed::Absent);
    assert_eq!(calls(&plan), [("CreateSecurityGroup", false), ("RevokeSecurityGroupEgress", true)]);
}

#[test]
fn absent_egress_is_all_and_a_vpc_with_ipv6_lets_that_out_too() {
    let object = desired(tree! {});
    let six = tree! { "IpProtocol" => "-1", "Ipv6Ranges" => vec![tree! { "CidrIpv6" => "::/0" }] };
    for (egress, steps) in [
        (vec![all()], vec![]),
        (vec![all(), six.clone()], vec![]),
        (vec![six], vec![("AuthorizeSecurityGroupEgress", false)]),
        (vec![], vec![("AuthorizeSecurityGroupEgress", false)]),
        (vec![all(), port(443)], vec![("RevokeSecurityGroupEgress", false)]),
    ] {
        assert_eq!(calls(&decide(&object, &Observed::Present(live(vec![], egress.clone())))), steps, "{egress:?}");
    }
}

#[test]
fn many_rules_are_written_in_batches_and_more_before_less() {
    let object = desired(tree! { "IpPermissions" => (1..=120).map(port).collect::<Vec<_>>() });
    let plan = decide(&object, &Observed::Present(live(vec![port(1), port(500)], vec![all()])));
    let added = ("AuthorizeSecurityGroupIngress", false);
    assert_eq!(calls(&plan), [added, added, added, ("RevokeSecurityGroupIngress", false)]);
    assert!(plan.steps.iter().all(|step| step.call.input.list("IpPermissions").len() <= 50));
}

#[test]
fn what_is_another_owners_or_can_not_be_changed_is_not_touched() {
    let shown = live(vec![port(22)], vec![all()]);
    let object = desired(tree! {});
    for (shown, why) in [
        (shown.clone().with("Tags", vec![tree! { "Key" => tags::OWNER, "Value" => "other/prod" }]), Reason::NotOwned),
        (shown.clone().with("Tags", Tree::List(vec![])), Reason::NotOwned),
        (shown.clone().with("VpcId", "vpc-2"), Reason::ReplacementNeeded),
        (shown.with("Description", "another"), Reason::ReplacementNeeded),
    ] {
        let plan = decide(&object, &Observed::Present(shown));
        assert!(plan.steps.is_empty());
        assert!(matches!(plan.verdict, Verdict::Blocked(reason, _) if reason == why), "{:?}", plan.verdict);
    }
}
