//! What a reader wants to see, as it stands in the address, and which objects that is. Must not know: how it is drawn.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::kinds::Key;
use crate::status::{ConditionType, Happening, ObjectStatus, Status};

use super::limits;

/// Where an object stands, in five words; what needs people comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Failing,
    Working,
    Suspended,
    Ready,
    Unknown,
}

impl State {
    pub const ALL: [Self; 5] = [Self::Failing, Self::Working, Self::Suspended, Self::Ready, Self::Unknown];

    pub fn of(one: &ObjectStatus) -> Self {
        if one.conditions.ready().and_then(|ready| ready.status).is_none() {
            Self::Unknown
        } else if one.conditions.holds(ConditionType::Ready) {
            Self::Ready
        } else if one.suspended {
            Self::Suspended
        } else if one.conditions.holds(ConditionType::Stalled)
            || (one.conditions.holds(ConditionType::Degraded) && !one.conditions.holds(ConditionType::Reconciling))
        {
            Self::Failing
        } else {
            Self::Working
        }
    }

    /// Its name in addresses and classes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Working => "working",
            Self::Suspended => "suspended",
            Self::Ready => "ready",
            Self::Unknown => "unknown",
        }
    }

    /// As people say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Failing => "Needs attention",
            Self::Working => "In progress",
            Self::Suspended => "Suspended",
            Self::Ready => "As Git says",
            Self::Unknown => "Not looked at yet",
        }
    }
}

/// The address's query, as it comes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    state: String,
    cluster: String,
    page: String,
    key: String,
}

/// What a reader wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Words that name or reason must have.
    pub filter: String,
    pub state: Option<State>,
    /// Of that cluster alone; empty: all.
    pub cluster: String,
    /// From 1.
    pub page: usize,
    /// One object alone, in full.
    pub key: Option<String>,
}

impl From<Asked> for View {
    /// What means nothing is left out, not refused: addresses are typed and shared by people.
    fn from(asked: Asked) -> Self {
        let cut = |text: &str| text.trim().chars().take(limits::FILTER_CHARS).collect::<String>();
        Self {
            filter: cut(&asked.q),
            state: State::ALL.into_iter().find(|state| state.name() == asked.state),
            cluster: cut(&asked.cluster),
            page: asked.page.parse().unwrap_or(1).max(1),
            key: Some(asked.key).filter(|key| !key.is_empty()),
        }
    }
}

impl View {
    /// The address that shows it.
    pub fn address(&self) -> String {
        let page = if self.page > 1 { self.page.to_string() } else { String::new() };
        let pairs = [
            ("q", self.filter.as_str()),
            ("state", self.state.map_or("", State::name)),
            ("cluster", self.cluster.as_str()),
            ("page", page.as_str()),
            ("key", self.key.as_deref().unwrap_or_default()),
        ];
        let told = pairs.iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<String> = told.map(|(name, value)| format!("{name}={}", encode(value))).collect();
        if query.is_empty() { "/".to_owned() } else { format!("/?{}", query.join("&")) }
    }

    /// Everything that is shown but one thing.
    pub fn with_state(&self, state: Option<State>) -> Self {
        Self { state, page: 1, key: None, ..self.clone() }
    }

    pub fn with_cluster(&self, cluster: &str) -> Self {
        Self { cluster: cluster.to_owned(), page: 1, key: None, ..self.clone() }
    }

    pub fn with_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }

    /// One object.
    pub fn of(key: &Key) -> Self {
        Self { key: Some(key.to_string()), page: 1, ..Self::default() }
    }

    /// Nothing is left out.
    pub fn is_all(&self) -> bool {
        self.filter.is_empty() && self.state.is_none() && self.cluster.is_empty()
    }

    fn shows(&self, key: &Key, one: &ObjectStatus) -> bool {
        if !self.cluster.is_empty()
            && key.cluster.as_deref() != Some(self.cluster.as_str())
            && !names(key, &self.cluster)
        {
            return false;
        }
        let wanted = self.filter.to_lowercase();
        let reason = one.conditions.ready().map(|ready| ready.reason.to_lowercase());
        let name = key.short().to_lowercase();
        let has = |word: &str| name.contains(word) || reason.as_ref().is_some_and(|reason| reason.contains(word));
        wanted.split_whitespace().all(has)
    }
}

/// The cluster's own manifest belongs to it.
fn names(key: &Key, cluster: &str) -> bool {
    key.kind == crate::kinds::Kind::Cluster && key.name == cluster
}

fn encode(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// How many objects there are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counts([usize; State::ALL.len()]);

impl Counts {
    fn add(&mut self, state: State) {
        if let Some(count) = self.0.get_mut(state as usize) {
            *count += 1;
        }
    }

    pub fn of(&self, state: State) -> usize {
        self.0.get(state as usize).copied().unwrap_or(0)
    }

    pub fn all(&self) -> usize {
        self.0.iter().sum()
    }
}

/// An object with what is known of it.
pub type Known<'a> = (&'a Key, &'a ObjectStatus);

/// The objects of a view, and what is counted of all.
#[derive(Debug)]
pub struct Selection<'a> {
    /// Of all objects.
    pub counts: Counts,
    /// Of what the filter and the cluster leave, whatever its state.
    pub left: Counts,
    /// Clusters with their counts, the worst first.
    pub clusters: Vec<(&'a str, Counts)>,
    /// Those on the page, by state and key.
    pub shown: Vec<(State, Known<'a>)>,
    /// How many there are on all pages.
    pub matches: usize,
    pub page: usize,
    pub pages: usize,
    /// The newest of all objects, the newest first.
    pub happenings: Vec<(&'a Key, &'a Happening)>,
}

impl<'a> Selection<'a> {
    pub fn of(status: &'a Status, view: &View) -> Self {
        let (mut counts, mut left) = (Counts::default(), Counts::default());
        let mut clusters: BTreeMap<&str, Counts> = BTreeMap::new();
        // The status is in the order of keys, and so is each list.
        let mut by_state: BTreeMap<State, Vec<Known<'a>>> = BTreeMap::new();
        let mut happenings: Vec<(&Key, &Happening)> = Vec::new();
        for (key, one) in &status.objects {
            let state = State::of(one);
            counts.add(state);
            if let Some(cluster) = &key.cluster {
                clusters.entry(cluster).or_default().add(state);
            }
            if view.shows(key, one) {
                left.add(state);
                if view.state.is_none_or(|wanted| wanted == state) {
                    by_state.entry(state).or_default().push((key, one));
                }
            }
            for happening in one.history.iter().rev().take(limits::HAPPENINGS) {
                keep_newest(&mut happenings, (key, happening));
            }
        }
        let mut clusters: Vec<(&str, Counts)> = clusters.into_iter().collect();
        clusters.sort_by(|(name, counts), (other, others)| others.cmp(counts).then(name.cmp(other)));
        let matches = by_state.values().map(Vec::len).sum::<usize>();
        let pages = matches.div_ceil(limits::OBJECTS).max(1);
        let page = view.page.clamp(1, pages);
        let all = by_state.into_iter().flat_map(|(state, known)| known.into_iter().map(move |one| (state, one)));
        let shown = all.skip((page - 1) * limits::OBJECTS).take(limits::OBJECTS).collect();
        Self { counts, left, clusters, shown, matches, page, pages, happenings }
    }
}

/// Keeps a short list of the newest, the newest first.
fn keep_newest<'a>(kept: &mut Vec<(&'a Key, &'a Happening)>, one: (&'a Key, &'a Happening)) {
    let place = kept.partition_point(|(_, other)| other.at >= one.1.at);
    if place < limits::HAPPENINGS {
        kept.insert(place, one);
        kept.truncate(limits::HAPPENINGS);
    }
}
