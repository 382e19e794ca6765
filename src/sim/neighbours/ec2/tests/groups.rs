//! Security groups and their rules.

use super::*;

fn group(rig: &mut Rig) -> (String, String) {
    let (vpc, _) = rig.vpc("10.0.0.0/24");
    let input = tree! { "GroupName" => "web", "Description" => "for web", "VpcId" => &vpc };
    let group = rig.id("CreateSecurityGroup", input, &["GroupId"]);
    (vpc, group)
}

fn permission(protocol: &str, from: i64, to: i64, cidr: &str) -> Tree {
    tree! { "IpProtocol" => protocol, "FromPort" => from, "ToPort" => to, "IpRanges" => vec![tree! { "CidrIp" => cidr }] }
}

fn rules(group: &str, permissions: Vec<Tree>) -> Tree {
    tree! { "GroupId" => group, "IpPermissions" => permissions }
}

fn shown(rig: &mut Rig, group: &str) -> Tree {
    rig.only("DescribeSecurityGroups", "SecurityGroups", ("group-id", group))
}

#[test]
fn rules_are_canonical_and_grouped() {
    let mut rig = Rig::new();
    let (vpc, group) = group(&mut rig);
    let own = tree! { "IpProtocol" => "all", "FromPort" => 1, "ToPort" => 2, "UserIdGroupPairs" => vec![tree! { "GroupId" => &group }] };
    let six = tree! { "IpProtocol" => "tcp", "FromPort" => 443, "ToPort" => 443, "Ipv6Ranges" => vec![tree! { "CidrIpv6" => "2001:DB8:0::/32" }] };
    let asked = vec![permission("6", 443, 443, "10.1.2.3/8"), permission("TCP", 443, 443, "192.168.0.0/16"), six, own];
    let answer = rig.ask("AuthorizeSecurityGroupIngress", rules(&group, asked));
    assert_eq!((answer.bool("Return"), answer.list("SecurityGroupRules").len()), (Some(true), 4));
    let all = shown(&mut rig, &group);
    let [every, web] = all.list("IpPermissions") else { panic!("{all:?}") };
    assert_eq!((every.text("IpProtocol"), every.get("FromPort")), (Some("-1"), None));
    assert_eq!(every.list("UserIdGroupPairs")[0].text("GroupId"), Some(group.as_str()));
    assert_eq!((web.text("IpProtocol"), web.int("FromPort"), web.int("ToPort")), (Some("tcp"), Some(443), Some(443)));
    let ranges =
        web.list("IpRanges").iter().filter_map(|one| one.text("CidrIp")).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(ranges.into_iter().collect::<Vec<_>>(), ["10.0.0.0/8", "192.168.0.0/16"]);
    assert_eq!(web.list("Ipv6Ranges")[0].text("CidrIpv6"), Some("2001:db8::/32"));
    assert_eq!(all.list("IpPermissionsEgress").len(), 1);
    assert_eq!(all.text("VpcId"), Some(vpc.as_str()));
    let found = rig.only("DescribeSecurityGroups", "SecurityGroups", ("ip-permission.cidr", "192.168.0.0/16"));
    assert_eq!(found.text("GroupId"), Some(group.as_str()));
    let listed = rig.ask("DescribeSecurityGroupRules", filtered("group-id", &group));
    let ids = listed.list("SecurityGroupRules").iter().filter_map(|rule| rule.text("SecurityGroupRuleId"));
    assert_eq!(ids.filter(|id| id.starts_with("sgr-0")).count(), 5);
}

#[test]
fn a_rule_is_there_once_and_sixty_are_enough() {
    let mut rig = Rig::new();
    let (_, group) = group(&mut rig);
    rig.ask("AuthorizeSecurityGroupIngress", rules(&group, vec![permission("tcp", 80, 80, "10.0.0.0/8")]));
    let again = rules(&group, vec![permission("6", 80, 80, "10.9.9.9/8")]);
    assert_eq!(
        rig.refused("AuthorizeSecurityGroupIngress", again),
        (
            "InvalidPermission.Duplicate",
            "the specified rule \"peer: 10.0.0.0/8, TCP, from port: 80, to port: 80, ALLOW\" already exists".to_owned()
        )
    );
    let more = |count: i64| (0..count).map(|port| permission("udp", port, port, "10.0.0.0/8")).collect::<Vec<_>>();
    assert_eq!(
        rig.code("AuthorizeSecurityGroupIngress", rules(&group, more(60))),
        "RulesPerSecurityGroupLimitExceeded"
    );
    rig.ask("AuthorizeSecurityGroupIngress", rules(&group, more(59)));
    let one = rules(&group, vec![permission("tcp", 81, 81, "10.0.0.0/8")]);
    assert_eq!(rig.code("AuthorizeSecurityGroupIngress", one), "RulesPerSecurityGroupLimitExceeded");
}

#[test]
fn rules_are_revoked_changed_and_described() {
    let mut rig = Rig::new();
    let (_, group) = group(&mut rig);
    let web = || vec![permission("tcp", 80, 80, "10.0.0.0/8")];
    let answer = rig.ask("AuthorizeSecurityGroupIngress", rules(&group, web()));
    let id = answer.list("SecurityGroupRules")[0].text("SecurityGroupRuleId").unwrap().to_owned();
    let mut told = web();
    told[0] = told[0].clone().with("IpRanges", vec![tree! { "CidrIp" => "10.0.0.0/8", "Description" => "office" }]);
    rig.ask("UpdateSecurityGroupRuleDescriptionsIngress", rules(&group, told));
    let rule = rig.only("DescribeSecurityGroupRules", "SecurityGroupRules", ("security-group-rule-id", &id));
    assert_eq!(rule.text("Description"), Some("office"));
    let new = tree! { "IpProtocol" => "tcp", "FromPort" => 8080, "ToPort" => 8080, "CidrIpv4" => "10.0.0.0/8" };
    let update = tree! { "SecurityGroupRuleId" => &id, "SecurityGroupRule" => new };
    rig.ask("ModifySecurityGroupRules", tree! { "GroupId" => &group, "SecurityGroupRules" => vec![update] });
    assert_eq!(rig.code("RevokeSecurityGroupIngress", rules(&group, web())), "InvalidPermission.NotFound");
    let revoked =
        rig.ask("RevokeSecurityGroupIngress", tree! { "GroupId" => &group, "SecurityGroupRuleIds" => vec![&id] });
    assert_eq!(revoked.list("RevokedSecurityGroupRules")[0].int("FromPort"), Some(8080));
    assert!(shown(&mut rig, &group).list("IpPermissions").is_empty());
    let out = tree! { "IpProtocol" => "-1", "IpRanges" => vec![tree! { "CidrIp" => "0.0.0.0/0" }] };
    rig.ask("RevokeSecurityGroupEgress", rules(&group, vec![out.clone()]));
    assert!(shown(&mut rig, &group).list("IpPermissionsEgress").is_empty());
    // In the default VPC it is told in the answer.
    let default = rig.id("CreateSecurityGroup", tree! { "GroupName" => "x", "Description" => "y" }, &["GroupId"]);
    let answer = rig.ask("RevokeSecurityGroupIngress", rules(&default, web()));
    assert_eq!((answer.bool("Return"), answer.list("UnknownIpPermissions").len()), (Some(false), 1));
    let flat =
        tree! { "GroupName" => "x", "IpProtocol" => "tcp", "FromPort" => 22, "ToPort" => 22, "CidrIp" => "10.0.0.0/8" };
    rig.ask("AuthorizeSecurityGroupIngress", flat);
    assert_eq!(shown(&mut rig, &default).list("IpPermissions").len(), 1);
}

#[test]
fn groups_that_are_used_stay() {
    let mut rig = Rig::new();
    let (vpc, group) = group(&mut rig);
    let again = tree! { "GroupName" => "web", "Description" => "x", "VpcId" => &vpc };
    assert_eq!(rig.code("CreateSecurityGroup", again), "InvalidGroup.Duplicate");
    let other = tree! { "GroupName" => "db", "Description" => "x", "VpcId" => &vpc };
    let other = rig.id("CreateSecurityGroup", other, &["GroupId"]);
    let from_web = tree! { "IpProtocol" => "tcp", "FromPort" => 5432, "ToPort" => 5432, "UserIdGroupPairs" => vec![tree! { "GroupId" => &group }] };
    rig.ask("AuthorizeSecurityGroupIngress", rules(&other, vec![from_web]));
    assert_eq!(rig.code("DeleteSecurityGroup", tree! { "GroupId" => &group }), "DependencyViolation");
    rig.ask("DeleteSecurityGroup", tree! { "GroupId" => &other });
    rig.ask("DeleteSecurityGroup", tree! { "GroupId" => &group });
    assert_eq!(rig.code("DeleteSecurityGroup", tree! { "GroupId" => &group }), "InvalidGroup.NotFound");
    let own = rig.only("DescribeSecurityGroups", "SecurityGroups", ("vpc-id", &vpc));
    let own = tree! { "GroupId" => own.text("GroupId").unwrap() };
    assert_eq!(rig.code("DeleteSecurityGroup", own), "CannotDelete");
}

#[test]
fn permissions_that_can_not_be_meant_are_refused() {
    let mut rig = Rig::new();
    let (_, group) = group(&mut rig);
    for (permission, message) in [
        (permission("tcp", 80, 79, "10.0.0.0/8"), "Invalid TCP/UDP port range (80:79)"),
        (permission("tcp", 80, 80, "10.0.0.0/99"), "CIDR block 10.0.0.0/99 is malformed"),
        (permission("quic", 80, 80, "10.0.0.0/8"), "Invalid value 'quic' for IP protocol. Unknown protocol."),
        (
            tree! { "IpProtocol" => "tcp", "IpRanges" => vec![tree! { "CidrIp" => "10.0.0.0/8" }] },
            "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
        ),
    ] {
        let refused = rig.refused("AuthorizeSecurityGroupIngress", rules(&group, vec![permission]));
        assert_eq!(refused, ("InvalidParameterValue", message.to_owned()));
    }
    let nobody = tree! { "IpProtocol" => "-1", "UserIdGroupPairs" => vec![tree! { "GroupId" => "sg-none" }] };
    assert_eq!(rig.code("AuthorizeSecurityGroupIngress", rules(&group, vec![nobody])), "InvalidGroup.NotFound");
    let twice = vec![permission("tcp", 80, 80, "10.0.0.0/8"), permission("6", 80, 80, "10.0.0.0/8")];
    assert_eq!(rig.code("AuthorizeSecurityGroupIngress", rules(&group, twice)), "InvalidParameterValue");
}
