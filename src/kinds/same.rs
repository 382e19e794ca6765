//! Whether a spec and what AWS shows are the same, without a copy of either: the question that is asked most, and nearly
//! always answered with yes. What differs, and where, is for [`super::diff`] to tell. Must not know: which kind it is.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::shape::table::{Shape, Table};
use crate::shape::{Map, Tree, map};

use super::normalise::{Row, Rule};
use super::{Definition, Kind, definition, diff};

/// The rows of each kind, by where they are for.
static RULES: LazyLock<BTreeMap<Kind, Node>> =
    LazyLock::new(|| Kind::ALL.into_iter().map(|kind| (kind, Node::of(definition(kind)))).collect());

static NO_MEMBERS: LazyLock<Map> = LazyLock::new(Map::new);
static NO_RULES: Node = Node {
    members: BTreeMap::new(),
    item: None,
    zero: None,
    absent: Absent::Nothing,
    unmanaged: false,
    owned: false,
    spelling: None,
    alike: &[],
    unsaid: &[],
    set: None,
    unclear: false,
};

/// Whether [`Definition::differences`] would find none. Where that takes more than a look, the answer is no.
pub fn is_same(kind: Kind, spec: &Tree, shown: &Tree) -> bool {
    let Some(root) = RULES.get(&kind) else { return false };
    Look { spec, shown }.members(root, [Some(spec), Some(shown)], Names::Known)
}

/// All that rows and shapes say of one place.
#[derive(Debug, Default)]
struct Node {
    /// In the order of their names.
    members: BTreeMap<&'static str, Node>,
    item: Option<Box<Node>>,
    /// What the SDK sends for an absent member.
    zero: Option<Tree>,
    absent: Absent,
    unmanaged: bool,
    owned: bool,
    spelling: Option<fn(&Tree) -> Option<Tree>>,
    alike: &'static [&'static str],
    unsaid: &'static [&'static str],
    set: Option<&'static [&'static str]>,
    /// It takes more than a look.
    unclear: bool,
}

/// What an absent member stands for, where the structure around it is there.
#[derive(Debug, Default)]
enum Absent {
    #[default]
    Nothing,
    This(Tree),
    Derived(fn(&Tree, &Tree) -> Option<Tree>),
}

impl Node {
    fn of(definition: &Definition) -> Self {
        let mut root = zeros(definition.table(), definition.spec, 0).unwrap_or_default();
        // The SDK fills in what is inside a spec, not the spec.
        root.members.values_mut().for_each(|node| node.zero = None);
        for row in definition.rows {
            root.take(row);
        }
        let shown = definition.shown_as.iter().filter_map(|name| definition.table().structure(name));
        let shown: BTreeSet<&'static str> = shown.flat_map(|shape| shape.members.keys().copied()).collect();
        root.members.retain(|name, _| shown.contains(name));
        for name in shown {
            root.members.entry(name).or_default();
        }
        root
    }

    fn take(&mut self, row: &Row) {
        let mut node = self;
        for segment in row.at.split('.') {
            let (name, is_list) = segment.strip_suffix("[]").map_or((segment, false), |name| (name, true));
            node = node.members.entry(name).or_default();
            if is_list {
                node = node.item.get_or_insert_default();
            }
        }
        match row.rule {
            Rule::Owned => node.owned = true,
            Rule::Unmanaged => node.unmanaged = true,
            Rule::Present => {
                node.unclear |= node.members.values().any(|below| below.zero.is_some());
                node.absent = Absent::This(Tree::map());
            }
            Rule::Absent(default) => node.absent = Absent::This(default.into()),
            Rule::Derived(rule) => node.absent = Absent::Derived(rule),
            Rule::Spelling(rule) => node.spelling = Some(rule),
            Rule::Set(keys) => node.set = Some(keys),
            Rule::Alike(values) => node.alike = values,
            Rule::Unsaid(values) => node.unsaid = values,
            Rule::Named(_) => node.unclear = true,
        }
    }

    /// A value as far as it says anything: of alike ones the first, and none where it is as good as unsaid.
    fn said<'a>(&self, value: &'a Tree) -> Option<&'a str> {
        let text = value.as_text()?;
        let alike = self.alike.contains(&text).then(|| self.alike.first().copied()).flatten();
        Some(alike.unwrap_or(text)).filter(|text| !self.unsaid.contains(text))
    }
}

/// More levels than any structure has.
const DEPTH_MAX: usize = 32;

/// The zeros that the SDK fills in, at every depth; `None` where there are none.
fn zeros(table: &Table, shape: &'static str, depth: usize) -> Option<Node> {
    let below = |shape: &'static str| (depth < DEPTH_MAX).then(|| zeros(table, shape, depth + 1)).flatten();
    match table.shapes.get(shape)? {
        Shape::Structure(structure) => {
            let mut node = Node::default();
            for (name, member) in &structure.members {
                node.members.extend(below(member.shape).map(|below| (*name, below)));
            }
            for (name, zero) in table.zero_filled(shape) {
                node.members.entry(name).or_default().zero = Some(zero);
            }
            (!node.members.is_empty()).then_some(node)
        }
        Shape::List { item } => below(item).map(|item| Node { item: Some(Box::new(item)), ..Node::default() }),
        Shape::Map { value, .. } => below(value).map(|_| Node { unclear: true, ..Node::default() }),
        _ => None,
    }
}

/// A value of the spec, and what is shown in its place.
type Pair<'a> = [Option<&'a Tree>; 2];

/// Which members of a structure are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Those that rows or shapes speak of.
    Known,
    All,
}

struct Look<'a> {
    spec: &'a Tree,
    shown: &'a Tree,
}

impl Look<'_> {
    fn same(&self, node: Option<&Node>, pair: Pair<'_>) -> bool {
        if node.is_some_and(|node| node.unclear) {
            return pair == [None, None];
        }
        match pair {
            [None, None] => true,
            [Some(Tree::Map(_)) | None, Some(Tree::Map(_)) | None] => {
                self.members(node.unwrap_or(&NO_RULES), pair, Names::All)
            }
            [Some(Tree::List(items)), None] | [None, Some(Tree::List(items))] => items.is_empty(),
            [Some(Tree::List(spec)), Some(Tree::List(shown))] => self.lists(node, spec, shown),
            [spec, shown] => match node {
                Some(node) if !(node.alike.is_empty() && node.unsaid.is_empty()) => {
                    let said = [spec, shown].map(|value| value.and_then(|value| node.said(value)));
                    said[0] == said[1] && [spec, shown].iter().flatten().all(|value| value.as_text().is_some())
                }
                _ => diff::same(spec, shown),
            },
        }
    }

    fn lists(&self, node: Option<&Node>, spec: &[Tree], shown: &[Tree]) -> bool {
        let item = node.and_then(|node| node.item.as_deref());
        if spec.len() != shown.len() {
            return false;
        }
        let same = |(spec, shown): (&Tree, &Tree)| self.same(item, [Some(spec), Some(shown)]);
        if spec.iter().zip(shown).all(same) {
            return true;
        }
        let Some(keys) = node.and_then(|node| node.set) else { return false };
        let (Some(spec), Some(shown)) = (by_key(spec, keys), by_key(shown, keys)) else { return false };
        spec.len() == shown.len()
            && spec.into_iter().zip(shown).all(|((a, spec), (b, shown))| a == b && same((spec, shown)))
    }

    /// Two structures, of which one may be absent.
    fn members(&self, node: &Node, pair: Pair<'_>, names: Names) -> bool {
        fn entries(tree: Option<&Tree>) -> std::iter::Peekable<map::Iter<'_>> {
            tree.and_then(Tree::as_map).unwrap_or(&NO_MEMBERS).iter().peekable()
        }
        let (mut spec, mut shown, mut known) = (entries(pair[0]), entries(pair[1]), node.members.iter().peekable());
        loop {
            let next = [spec.peek().map(|one| one.0.as_str()), shown.peek().map(|one| one.0.as_str())];
            let next = next.into_iter().chain([known.peek().map(|one| *one.0)]).flatten().min();
            let Some(name) = next else { return true };
            let values = [spec.next_if(|one| one.0 == name), shown.next_if(|one| one.0 == name)];
            let node = known.next_if(|one| *one.0 == name).map(|one| one.1);
            let is_compared = node.is_some() || names == Names::All;
            if is_compared && !self.member(node, pair, values.map(|one| one.map(|one| one.1))) {
                return false;
            }
        }
    }

    /// One member of two structures, of which one may be absent.
    fn member(&self, node: Option<&Node>, around: Pair<'_>, values: Pair<'_>) -> bool {
        let said = values.map(|value| value.filter(|value| **value != Tree::Null));
        let Some(node) = node else { return self.same(None, said) };
        let ([spec, shown], [of_spec, of_shown]) = (said, around);
        if node.owned || node.unmanaged && spec.is_none() {
            return true;
        }
        let [written, _] = values;
        let zero = node.zero.as_ref().filter(|_| written.is_none() && of_spec.is_some());
        let spec = of_spec.and_then(|around| node.stands_for(self.spec, around, spec.or(zero)));
        let shown = of_shown.and_then(|around| node.stands_for(self.shown, around, shown));
        self.same(Some(node), [spec.as_deref(), shown.as_deref()])
    }
}

impl Node {
    /// What the member of a structure that is there stands for.
    fn stands_for<'a>(&'a self, whole: &Tree, around: &Tree, said: Option<&'a Tree>) -> Option<Cow<'a, Tree>> {
        match (said, &self.absent) {
            (Some(said), _) => {
                let spelled = self.spelling.and_then(|rule| rule(said)).map(Cow::Owned);
                Some(spelled.unwrap_or(Cow::Borrowed(said)))
            }
            (None, Absent::Nothing) => None,
            (None, Absent::This(tree)) => Some(Cow::Borrowed(tree)),
            (None, Absent::Derived(rule)) => rule(whole, around).map(Cow::Owned),
        }
    }
}

/// The items of a set by what tells them apart, where that is one text and no two have the same.
fn by_key<'a>(items: &'a [Tree], keys: &[&str]) -> Option<BTreeMap<&'a str, &'a Tree>> {
    let key = |item: &'a Tree| match keys {
        [] => item.as_text(),
        [key] => item.text(key),
        _ => None,
    };
    let all: BTreeMap<&str, &Tree> = items.iter().map(|item| Some((key(item)?, item))).collect::<Option<_>>()?;
    (all.len() == items.len()).then_some(all)
}
