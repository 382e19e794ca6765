//! Selector terms: what stands for subnets and security groups that EC2 is asked for.

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::Service;
use crate::kinds::lookup::{SORTS, Sort};
use crate::shape::near::nearest;
use crate::shape::{Path, Tree};

use super::row;

pub const RULES: &[Rule] = &[
    row!(
        "selector-terms",
        Error,
        Look::Service(terms),
        "subnetSelectorTerms and securityGroupSelectorTerms are lists of terms of which any may match; a term has an id, \
         or tags and a name that all have to match. A tag's value * stands for any."
    ),
    row!(
        "selector-terms-and-ids",
        Error,
        Look::Service(beside_ids),
        "Subnets and security groups are named by selector terms or by their ids: beside one another it is not known \
         which of them is meant."
    ),
];

/// What a term may hold.
const MEMBERS: [&str; 3] = ["id", "name", "tags"];

fn at(sort: &Sort) -> Path {
    Path::from("networkConfiguration").name(sort.terms)
}

fn terms(service: &Service<'_>, report: &mut Report<'_>) {
    for sort in SORTS {
        let Some(terms) = service.lookup.of(sort) else { continue };
        let all = terms.as_list().unwrap_or_default();
        if all.is_empty() {
            let message = format!("{} has no term, which matches nothing", sort.terms);
            report.value(at(sort), message, "write a list such as [{ tags: { tier: private } }]");
        }
        for (index, term) in all.iter().enumerate() {
            one(sort, term, &at(sort).index(index), report);
        }
    }
}

fn one(sort: &Sort, term: &Tree, at: &Path, report: &mut Report<'_>) {
    let Some(members) = term.as_map().filter(|members| !members.is_empty()) else {
        let message = format!("a term that says nothing would match no {}", sort.noun);
        return report.value(at.clone(), message, "write an id, a name, or tags: { tier: private }");
    };
    for (name, value) in members {
        let at = at.name(name);
        match name.as_str() {
            "tags" => tags(value, &at, report),
            "id" | "name" if value.as_text().is_some_and(|text| !text.is_empty()) => {}
            "id" | "name" => report.value(at, format!("{name} takes a text"), ""),
            name => {
                let near = nearest(name, MEMBERS.into_iter()).map(|near| format!("did you mean {near}?"));
                let message = format!("a term has no member {name:?}; there are {}", MEMBERS.join(", "));
                report.key(at, message, near.unwrap_or_default());
            }
        }
    }
    if members.contains_key("id") && members.len() > 1 {
        let remedy = "keep the id, or write two terms where either will do";
        report.value(at.clone(), format!("an id says all; beside it nothing can be asked of a {}", sort.noun), remedy);
    }
}

fn tags(tags: &Tree, at: &Path, report: &mut Report<'_>) {
    let Some(tags) = tags.as_map().filter(|tags| !tags.is_empty()) else {
        return report.value(at.clone(), "tags takes a map with at least one tag", "write { tier: private }");
    };
    for (key, value) in tags {
        if value.as_text().is_none() {
            let remedy = match value {
                Tree::Int(value) => format!("write \"{value}\""),
                Tree::Bool(value) => format!("write \"{value}\""),
                _ => "write a text, or \"*\" for any".to_owned(),
            };
            report.value(at.name(key), format!("a tag's value is a string, and this is {}", value.noun()), remedy);
        }
    }
}

fn beside_ids(service: &Service<'_>, report: &mut Report<'_>) {
    let network = service.spec.at(&["networkConfiguration", "awsvpcConfiguration"]);
    for sort in SORTS.into_iter().filter(|sort| service.lookup.of(sort).is_some()) {
        if network.is_some_and(|network| network.get(sort.list).is_some()) {
            let at = Path::from("networkConfiguration.awsvpcConfiguration").name(sort.list);
            report.key(at, format!("{} beside {}", sort.list, sort.terms), "keep one of them");
        }
    }
}
