//! What selector terms stand for, as a plan shows it. Must not know: how it was found out.

use serde::Serialize;

use crate::kinds::lookup::{GROUPS, Item, NamedGroup, Resolved, SORTS, Sort};
use crate::shape::plain;

/// A list that EC2 was asked for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LookedUp {
    /// The member of `awsvpcConfiguration`.
    list: &'static str,
    /// The member of `networkConfiguration` that asks for it; `manifests` where groups are named.
    pub from: &'static str,
    items: Vec<Found>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    /// Absent where an earlier step's answer tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
}

/// So many are shown in text; the JSON has all.
const SHOWN_MAX: usize = 6;

impl LookedUp {
    /// What was found, list by list; nothing where nothing was asked for, or is known.
    pub fn of(resolved: Option<&Resolved>) -> Vec<Self> {
        let shown = |text: &String| plain(text).into_owned();
        let found = |item: &Item| Found {
            id: Some(shown(&item.id)),
            name: item.name.as_ref().map(shown),
            zone: item.zone.as_ref().map(shown),
        };
        let one = |sort: &'static Sort| {
            let items = resolved?.of(sort)?.iter().map(found).collect();
            Some(Self { list: sort.list, from: sort.terms, items })
        };
        let mut all: Vec<Self> = SORTS.into_iter().filter_map(one).collect();
        if let Some(named) = resolved.and_then(|resolved| resolved.named.as_ref()) {
            let found = |group: &NamedGroup| Found {
                id: group.id.as_ref().map(shown),
                name: group.name.as_ref().map(|name| format!("SecurityGroup/{}", plain(name))),
                zone: None,
            };
            let items = named.iter().map(found).collect();
            all.push(Self { list: GROUPS.list, from: "manifests", items });
        }
        all
    }

    /// `subnets: [subnet-1 (us-east-1a), …]`, with at most so many of them.
    pub fn line(&self, ellipsis: char) -> String {
        let one = |found: &Found| match (&found.id, found.zone.as_ref().or(found.name.as_ref())) {
            (Some(id), Some(more)) => format!("{id} ({more})"),
            (Some(id), None) => id.clone(),
            (None, Some(name)) => format!("{name} (known after apply)"),
            (None, None) => "(known after apply)".to_owned(),
        };
        let mut items: Vec<String> = self.items.iter().take(SHOWN_MAX).map(one).collect();
        if self.items.len() > SHOWN_MAX {
            items.push(ellipsis.to_string());
        }
        format!("{}: [{}]", self.list, items.join(", "))
    }
}
