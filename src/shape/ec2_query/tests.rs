use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::super::check::{Strictness, check};
use super::super::table::{Structure, Table, ec2};
use super::*;
use crate::shape::Map;
use crate::tree;

fn input(operation: &str) -> &'static Structure {
    ec2().input(operation).unwrap()
}

fn output(operation: &str) -> &'static Structure {
    ec2().output(operation).unwrap()
}

fn form(pairs: &[(&str, &str)]) -> Form {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_form_is_read_and_written() {
    let tree = tree! {
        "GroupId" => "sg-1",
        "IpPermissions" => vec![tree! {
            "IpProtocol" => "tcp", "FromPort" => 443, "ToPort" => 443,
            "UserIdGroupPairs" => vec![tree! { "GroupId" => "sg-2" }],
            "IpRanges" => vec![tree! { "CidrIp" => "10.0.0.0/8", "Description" => "in" }],
        }],
        "DryRun" => false,
    };
    let pairs = [
        ("DryRun", "false"),
        ("GroupId", "sg-1"),
        ("IpPermissions.1.FromPort", "443"),
        ("IpPermissions.1.Groups.1.GroupId", "sg-2"),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/8"),
        ("IpPermissions.1.IpRanges.1.Description", "in"),
        ("IpPermissions.1.ToPort", "443"),
    ];
    let structure = input("AuthorizeSecurityGroupIngress");
    assert_eq!(write_form(ec2(), structure, &tree), form(&pairs));
    assert_eq!(read_form(ec2(), structure, &form(&pairs)), Ok(tree));
}

#[test]
fn numbers_may_have_gaps_and_order_counts_by_number() {
    let pairs = form(&[("SubnetId.10", "c"), ("SubnetId.2", "b"), ("SubnetId.1", "a")]);
    let expected = tree! { "SubnetIds" => vec!["a", "b", "c"] };
    assert_eq!(read_form(ec2(), input("DescribeSubnets"), &pairs), Ok(expected));
}

#[test]
fn a_form_that_can_not_be_meant_names_its_parameter() {
    for (name, value, expected) in [
        ("Colour", "red", "The parameter Colour is not recognized"),
        ("SubnetIds.1", "a", "The parameter SubnetIds.1 is not recognized"),
        ("SubnetId", "a", "The parameter SubnetId is not recognized"),
        ("SubnetId.x", "a", "The parameter SubnetId.x is not recognized"),
        ("SubnetId.1.Name", "a", "The parameter SubnetId.1.Name is not recognized"),
        ("Filter.1.Values.1", "a", "The parameter Filter.1.Values.1 is not recognized"),
        ("MaxResults", "many", "Invalid value 'many' for MaxResults. It should be a 32-bit integer."),
        ("MaxResults", "3000000000", "Invalid value '3000000000' for MaxResults. It should be a 32-bit integer."),
        ("DryRun", "maybe", "Invalid value 'maybe' for DryRun. It should be true or false."),
    ] {
        let error = read_form(ec2(), input("DescribeSubnets"), &form(&[(name, value)])).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let deep = format!("Filter{}", ".1".repeat(100_000));
    assert!(read_form(ec2(), input("DescribeSubnets"), &form(&[(&deep, "x")])).is_err());
}

#[test]
fn an_answer_is_written_and_read() {
    let tree = tree! {
        "Subnets" => vec![tree! {
            "SubnetId" => "subnet-1", "DefaultForAz" => true, "AvailableIpAddressCount" => 4091,
            "Tags" => vec![tree! { "Key" => "a<b", "Value" => "" }], "Ipv6CidrBlockAssociationSet" => Vec::<Tree>::new(),
        }],
    };
    let xml = "<subnetSet><item><availableIpAddressCount>4091</availableIpAddressCount><defaultForAz>true</defaultForAz>\
               <ipv6CidrBlockAssociationSet/><subnetId>subnet-1</subnetId>\
               <tagSet><item><key>a&lt;b</key><value/></item></tagSet></item></subnetSet>";
    assert_eq!(write_xml(ec2(), output("DescribeSubnets"), &tree), xml);
    let whole = format!(
        "<?xml version=\"1.0\"?>\n<DescribeSubnetsResponse xmlns=\"x\">\n  <requestId>1</requestId>{xml}\
         <new><deep/></new></DescribeSubnetsResponse>"
    );
    assert_eq!(read_xml(ec2(), output("DescribeSubnets"), &whole), Ok(tree));
}

#[test]
fn times_are_iso_8601() {
    let tree = tree! { "NatGateways" => vec![tree! { "CreateTime" => 1_772_323_200.5 }] };
    let xml = write_xml(ec2(), output("DescribeNatGateways"), &tree);
    assert_eq!(xml, "<natGatewaySet><item><createTime>2026-03-01T00:00:00.500Z</createTime></item></natGatewaySet>");
}

#[test]
fn an_answer_that_is_not_whole_is_no_answer() {
    let deep = "<a>".repeat(100_000);
    for xml in [
        "",
        "x",
        "<a>",
        "<a></b>",
        "<a/></a>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
        "<a>&nbsp;</a>",
        "<a>&#xD800;</a>",
        &deep,
        "<a><subnetSet><item><defaultForAz>perhaps</defaultForAz></item></subnetSet></a>",
        "<a><subnetSet><item><availableIpAddressCount>1.5</availableIpAddressCount></item></subnetSet></a>",
    ] {
        assert!(read_xml(ec2(), output("DescribeSubnets"), xml).is_err(), "{xml:.40}");
    }
}

#[test]
fn every_shape_of_the_table_can_be_carried() {
    for (name, shape) in &ec2().shapes {
        assert!(!matches!(shape, Shape::Map { .. } | Shape::Document), "{name}");
        let Shape::Structure(structure) = shape else { continue };
        for (kind, names) in [
            ("form", structure.members.iter().map(|(name, one)| one.in_form(name).to_owned()).collect::<Vec<_>>()),
            ("xml", structure.members.iter().map(|(name, one)| one.in_xml(name).into_owned()).collect()),
        ] {
            let mut single = names.clone();
            single.sort();
            single.dedup();
            assert_eq!(single.len(), names.len(), "{kind} of {name}: {names:?}");
            assert!(names.iter().all(|name| !name.contains('.')), "{names:?}");
        }
    }
}

/// A tree of the shape, drawn from numbers. Nothing in it is empty, where a form could not carry that.
struct Draw<'a> {
    numbers: std::slice::Iter<'a, u32>,
    empties: bool,
}

impl Draw<'_> {
    fn below(&mut self, bound: u32) -> u32 {
        self.numbers.next().map_or(0, |number| number % bound)
    }

    fn structure(&mut self, table: &Table, structure: &Structure, depth: usize) -> Tree {
        let mut members = Map::new();
        for (name, member) in &structure.members {
            if self.below(3) == 0 {
                let value = self.value(table, member.shape, depth + 1);
                if self.empties || !(matches!(value, Tree::Map(_) | Tree::List(_)) && value.is_empty()) {
                    members.insert((*name).to_owned(), value);
                }
            }
        }
        Tree::Map(members)
    }

    fn value(&mut self, table: &Table, shape: &str, depth: usize) -> Tree {
        match &table.shapes[shape] {
            Shape::Structure(structure) => self.structure(table, structure, depth),
            Shape::List { item } => {
                let items: Vec<Tree> = (0..self.below(4)).map(|_| self.value(table, item, depth + 1)).collect();
                let kept = |value: &Tree| self.empties || matches!(value, Tree::Text(_)) || !value.is_empty();
                Tree::List(items.into_iter().filter(kept).collect())
            }
            Shape::Text(text) if !text.values.is_empty() => {
                let index = self.below(u32::try_from(text.values.len()).unwrap()) as usize;
                Tree::from(text.values[index])
            }
            Shape::Integer(_) => Tree::Int(i64::from(self.below(u32::MAX) as i32)),
            Shape::Long(_) => Tree::Int(i64::from(self.below(u32::MAX)) * 1_000_003 - 1_000_000_000_000),
            Shape::Float(_) => Tree::Float(f64::from(self.below(u32::MAX)) / 977.0),
            Shape::Boolean => Tree::Bool(self.below(2) == 0),
            Shape::Timestamp => Tree::Float(f64::from(self.below(u32::MAX)) + f64::from(self.below(1000)) / 1000.0),
            _ => {
                let texts = ["", "a", "a<b>&\"c'", " é\r\n\t漢 ", "]]>", "&amp;", "10.0.0.0/8", "true", "%20+&="];
                Tree::from(texts[self.below(9) as usize])
            }
        }
    }
}

fn survives(numbers: &[u32]) -> TestCaseResult {
    let table = ec2();
    let (choice, rest) = numbers.split_first().unwrap();
    let operation = table.operations.values().nth(*choice as usize % table.operations.len()).unwrap();
    let structure = table.input(operation.name).unwrap();
    let tree = Draw { numbers: rest.iter(), empties: false }.structure(table, structure, 0);
    prop_assert!(check(table, structure, &tree, Strictness::Types).is_empty());
    prop_assert_eq!(read_form(table, structure, &write_form(table, structure, &tree)), Ok(tree));
    if let Some(structure) = table.output(operation.name) {
        let tree = Draw { numbers: rest.iter(), empties: true }.structure(table, structure, 0);
        let xml = format!("<Answer>{}</Answer>", write_xml(table, structure, &tree));
        prop_assert_eq!(read_xml(table, structure, &xml), Ok(tree));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_tree_that_fits_survives_both_wires(numbers in prop::collection::vec(any::<u32>(), 1..400)) {
        survives(&numbers)?;
    }

    #[test]
    fn no_bytes_make_a_reader_fall(text in "[<>/a-c&;#x0-9\\[\\]!\"= -]{0,60}", name in "[A-Za-z.0-9]{0,30}") {
        drop(read_xml(ec2(), output("DescribeSubnets"), &text));
        drop(read_form(ec2(), input("DescribeSubnets"), &form(&[(&name, &text)])));
    }
}
