use super::*;

fn tags(tags: &[(&str, &str)]) -> Tree {
    tags.iter().map(|(key, value)| tree! { "Key" => *key, "Value" => *value }).collect::<Vec<_>>().into()
}

fn subnet(id: &str, vpc: &str, zone: &str, tagged: &[(&str, &str)]) -> Tree {
    tree! { "SubnetId" => id, "VpcId" => vpc, "AvailabilityZone" => zone, "State" => "available", "Tags" => tags(tagged) }
}

fn group(id: &str, vpc: &str, name: &str) -> Tree {
    tree! { "GroupId" => id, "VpcId" => vpc, "GroupName" => name }
}

fn world() -> (Vec<Item>, Vec<Item>) {
    let gone = subnet("subnet-9", "vpc-a", "az1", &[("tier", "private")]).with("State", "pending");
    let subnets = [
        subnet("subnet-3", "vpc-a", "az1", &[("tier", "private"), ("Name", "three")]),
        subnet("subnet-1", "vpc-a", "az2", &[("tier", "private"), ("team", "shop")]),
        subnet("subnet-2", "vpc-a", "az1", &[("tier", "public")]),
        subnet("subnet-4", "vpc-b", "az1", &[("tier", "shared")]),
        gone,
    ];
    let groups = [
        group("sg-1", "vpc-a", "web"),
        group("sg-2", "vpc-b", "web"),
        group("sg-3", "vpc-b", "db"),
        group("sg-4", "vpc-a", "app"),
    ];
    (items(&SUBNETS, &subnets), items(&GROUPS, &groups))
}

fn lookup(subnets: &[Tree], groups: &[Tree]) -> Lookup {
    let some = |terms: &[Tree]| (!terms.is_empty()).then(|| Box::new(Tree::from(terms.to_vec())));
    Lookup { subnets: some(subnets), groups: some(groups), named: None }
}

fn found(subnets: &[Tree], groups: &[Tree]) -> Result<Vec<String>, String> {
    let (all, security) = world();
    let spec = tree! { "networkConfiguration" => tree! { "awsvpcConfiguration" => Tree::map() } };
    let there = There { subnets: &all, groups: &security };
    let resolved = resolve(&lookup(subnets, groups), &spec, there)?;
    let filled = resolved.fill(&spec);
    let network = filled.at(&["networkConfiguration", "awsvpcConfiguration"]).unwrap();
    let ids = SORTS.iter().flat_map(|sort| network.list(sort.list)).filter_map(Tree::as_text);
    Ok(ids.map(str::to_owned).collect())
}

fn tagged(key: &str, value: &str) -> Tree {
    tree! { "tags" => Tree::map().with(key, value) }
}

#[test]
fn terms_are_alternatives_and_their_parts_are_not() {
    for (terms, ids) in [
        (vec![tagged("tier", "private")], vec!["subnet-3", "subnet-1"]),
        (vec![tagged("team", "*")], vec!["subnet-1"]),
        (vec![tree! { "id" => "subnet-2" }, tree! { "name" => "three" }], vec!["subnet-2", "subnet-3"]),
        (vec![tagged("tier", "private").with("name", "three")], vec!["subnet-3"]),
        (vec![tagged("tier", "private"), tagged("team", "shop")], vec!["subnet-3", "subnet-1"]),
    ] {
        assert_eq!(found(&terms, &[]), Ok(ids.into_iter().map(str::to_owned).collect()), "{terms:?}");
    }
}

#[test]
fn what_matches_nothing_or_too_much_is_told_by_what_there_is() {
    let by_name = |name: &str| tree! { "name" => name };
    for (subnets, groups, told) in [
        (vec![tagged("tier", "privat")], vec![], "did you mean private?"),
        (vec![tagged("tier", "database")], vec![], "there are private, public, shared"),
        (vec![tagged("teir", "private")], vec![], "the tag teir is on none; did you mean tier?"),
        (vec![tree! { "id" => "subnet-9" }], vec![], "the id subnet-9 is on none"),
        (vec![tagged("tier", "public").with("name", "three")], vec![], "none matches all"),
        (vec![tagged("tier", "*")], vec![], "2 VPCs: subnet-2, subnet-3, subnet-1 in vpc-a; subnet-4 in vpc-b"),
        (vec![tagged("tier", "private")], vec![by_name("db")], "leads to sg-3 in vpc-b, and the subnets are in vpc-a"),
        (vec![tagged("tier", "private")], vec![by_name("web")], "security groups of 2 VPCs"),
        (vec![], vec![by_name("wbe")], "did you mean web?"),
    ] {
        let error = found(&subnets, &groups).unwrap_err();
        assert!(error.contains(told), "{error}");
    }
    let ids = found(&[tagged("tier", "private")], &[by_name("app")]).unwrap();
    assert_eq!(ids, ["subnet-3", "subnet-1", "sg-4"]);
}

#[test]
fn no_more_than_ecs_takes() {
    let many: Vec<Tree> =
        (0..17).map(|n| subnet(&format!("subnet-{n}"), "vpc-a", "az1", &[("tier", "private")])).collect();
    let (all, terms) = (items(&SUBNETS, &many), lookup(&[tagged("tier", "private")], &[]));
    let error = resolve(&terms, &tree! {}, There { subnets: &all, groups: &[] }).unwrap_err();
    assert_eq!(error, "subnetSelectorTerms matches 17 subnets; ECS takes at most 16");
    assert!(resolve(&terms, &tree! {}, There { subnets: &all[1..], groups: &[] }).is_ok());
}

#[test]
fn terms_are_taken_out_and_their_order_means_nothing() {
    let (a, b) = (tagged("tier", "private"), tree! { "id" => "subnet-1" });
    let mut spec = tree! { "networkConfiguration" => tree! { "subnetSelectorTerms" => vec![a.clone(), b.clone()] } };
    let taken = Lookup::take_from(&mut spec);
    assert_eq!(taken, lookup(&[a.clone(), b.clone()], &[]));
    assert_eq!(spec, tree! { "networkConfiguration" => tree! { "awsvpcConfiguration" => Tree::map() } });
    assert_eq!(taken.canonical(), lookup(&[b, a], &[]).canonical());
    assert_eq!(Lookup::default().canonical(), Tree::Null);
}

#[test]
fn a_group_that_is_no_id_is_one_of_the_manifests() {
    let network = |groups: Vec<&str>| {
        tree! { "networkConfiguration" => tree! { "awsvpcConfiguration" => tree! { "securityGroups" => groups } } }
    };
    let mut spec = network(vec!["sg-1"]);
    assert!(Lookup::take_from(&mut spec).is_empty());
    let mut spec = network(vec!["sg-1", "web"]);
    let taken = Lookup::take_from(&mut spec);
    assert_eq!(taken.names().collect::<Vec<_>>(), ["web"]);
    let found = |id: Option<&str>| Resolved { named: named(&taken, |_| id.map(str::to_owned)), ..Resolved::default() };
    assert_eq!(found(None).late().collect::<Vec<_>>(), ["web"]);
    assert_eq!(found(Some("sg-2")).fill(&spec), network(vec!["sg-1", "sg-2"]));
    assert_eq!(without(&taken, &network(vec!["sg-1", "sg-2"])), spec);
}

#[test]
fn the_hash_follows_the_ids_and_not_their_order() {
    let with = |ids: Vec<&str>| {
        tree! { "networkConfiguration" => tree! { "awsvpcConfiguration" => tree! { "subnets" => ids } } }
    };
    let terms = lookup(&[tagged("tier", "private")], &[]);
    assert_eq!(hash(&terms, &with(vec!["a", "b"])), hash(&terms, &with(vec!["b", "a"])));
    assert_ne!(hash(&terms, &with(vec!["a"])), hash(&terms, &with(vec!["b"])));
    assert_eq!(hash(&Lookup::default(), &with(vec!["a"])), None);
    assert_eq!(without(&terms, &with(vec!["a"])), without(&terms, &with(vec!["b"])));
    let live = with(vec!["x"]);
    assert_eq!(as_live(&terms, &with(vec![]), &live), live);
}
