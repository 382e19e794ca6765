//! `Tree`: a manifest's spec, a live resource, a request, an answer — all in one form.

use std::fmt;

use super::map::Map;
use super::name::Name;
use super::plain;

/// A value as AWS's JSON protocols can carry it. Absent, null, zero and "" differ.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Tree {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Box<str>),
    List(Vec<Tree>),
    Map(Map),
}

/// Builds a map tree: `tree! { "name" => "web", "desiredCount" => 3 }`.
#[macro_export]
macro_rules! tree {
    ($($key:expr => $value:expr),* $(,)?) => {
        $crate::shape::Tree::Map($crate::shape::Map::from(
            [$(($crate::shape::Name::from($key), $crate::shape::Tree::from($value))),*] as [($crate::shape::Name, $crate::shape::Tree); _],
        ))
    };
}

impl Tree {
    /// An empty structure.
    pub fn map() -> Self {
        Self::Map(Map::new())
    }

    /// The member of that name, if this is a map that has it.
    pub fn get(&self, name: &str) -> Option<&Tree> {
        self.as_map()?.get(name)
    }

    /// Follows names down nested maps: `spec.at(&["awsvpcConfiguration", "subnets"])`.
    pub fn at(&self, names: &[&str]) -> Option<&Tree> {
        names.iter().try_fold(self, |tree, name| tree.get(name))
    }

    /// The node a path leads to.
    pub fn find(&self, path: &Path) -> Option<&Tree> {
        path.0.iter().try_fold(self, |tree, segment| match segment {
            Segment::Name(name) => tree.get(name),
            Segment::Index(index) => tree.as_list()?.get(*index),
        })
    }

    /// Sets a member; anything that is not a map becomes one.
    pub fn set(&mut self, name: &str, value: impl Into<Tree>) {
        if !matches!(self, Self::Map(_)) {
            *self = Self::map();
        }
        if let Self::Map(map) = self {
            map.insert(name, value.into());
        }
    }

    /// The same tree with one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Tree>) -> Self {
        self.set(name, value);
        self
    }

    /// The same tree with one more member, where there is a value for it.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<Tree>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) -> Option<Tree> {
        match self {
            Self::Map(map) => map.remove(name),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Tree]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    /// The text member of that name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    /// The integer member of that name.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_int()
    }

    /// The boolean member of that name.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// The items of the list member of that name; none when it is absent or no list.
    pub fn list(&self, name: &str) -> &[Tree] {
        self.get(name).and_then(Tree::as_list).unwrap_or_default()
    }

    /// Null, "", an empty list or an empty map.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Map(map) => map.is_empty(),
            Self::Bool(_) | Self::Int(_) | Self::Float(_) => false,
        }
    }

    /// What people call this kind of value, with its article.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl From<bool> for Tree {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i32> for Tree {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<i64> for Tree {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<usize> for Tree {
    fn from(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Tree {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Tree {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Tree {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

impl From<Box<str>> for Tree {
    fn from(value: Box<str>) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Tree {
    fn from(value: &String) -> Self {
        Self::Text(value.as_str().into())
    }
}

impl From<&Name> for Tree {
    fn from(value: &Name) -> Self {
        Self::from(value.as_str())
    }
}

impl From<Map> for Tree {
    fn from(value: Map) -> Self {
        Self::Map(value)
    }
}

impl From<super::Time> for Tree {
    fn from(value: super::Time) -> Self {
        value.to_tree()
    }
}

impl From<&Tree> for Tree {
    fn from(value: &Tree) -> Self {
        value.clone()
    }
}

impl<T: Into<Tree>> From<Vec<T>> for Tree {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

/// One step into a tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    Name(String),
    Index(usize),
}

/// Where in a tree; prints as `containerDefinitions[0].portMappings[1].hostPort`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(pub Vec<Segment>);

impl Path {
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of a member below this one.
    #[must_use]
    pub fn name(&self, name: &str) -> Self {
        self.step(Segment::Name(name.to_owned()))
    }

    /// The path of a list item below this one.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.step(Segment::Index(index))
    }

    fn step(&self, segment: Segment) -> Self {
        let mut path = self.clone();
        path.0.push(segment);
        path
    }

    /// The path without its last step; the root stays the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        let mut path = self.clone();
        path.0.pop();
        path
    }

    /// This path below another one.
    #[must_use]
    pub fn below(&self, prefix: &Path) -> Self {
        Self(prefix.0.iter().chain(&self.0).cloned().collect())
    }
}

/// Splits at dots: `Path::from("spec.desiredCount")`.
impl From<&str> for Path {
    fn from(dotted: &str) -> Self {
        Self(dotted.split('.').filter(|name| !name.is_empty()).map(|name| Segment::Name(name.to_owned())).collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Name(name) if depth == 0 => f.write_str(&plain(name))?,
                Segment::Name(name) => write!(f, ".{}", plain(name))?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_print_as_people_write_them() {
        let path = Path::from("spec.containerDefinitions").index(0).name("image");
        assert_eq!(path.to_string(), "spec.containerDefinitions[0].image");
        assert_eq!(path.parent().to_string(), "spec.containerDefinitions[0]");
    }

    #[test]
    fn a_member_takes_five_words() {
        assert_eq!(size_of::<(Name, Tree)>(), 5 * size_of::<usize>());
    }

    #[test]
    fn finds_what_a_path_names() {
        let tree = tree! { "a" => vec![tree! { "b" => 7 }] };
        assert_eq!(tree.find(&Path::from("a").index(0).name("b")), Some(&Tree::Int(7)));
        assert_eq!(tree.find(&Path::from("a").index(1)), None);
        assert_eq!(tree.at(&["a", "b"]), None);
    }
}
