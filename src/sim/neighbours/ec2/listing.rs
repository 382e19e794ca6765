//! Describe operations: ids, filters, pages, one mechanism for all kinds. Must not know: any kind.

use crate::shape::Tree;
use crate::sim::ecs::{Answer, Fault};
use crate::sim::world::World;

/// Rows of a page unless asked, and at most.
const PAGE: usize = 1_000;
/// Values of one filter, and filters of one request.
const MOST_VALUES: usize = 200;
const MOST_FILTERS: usize = 50;

/// How one Describe operation lists.
pub struct Listing {
    /// The member of the input that names ids, and how one that is not there is told.
    pub ids: &'static str,
    pub missing: fn(&str) -> Fault,
    /// The member of a row that is its id.
    pub id: &'static str,
    /// The member of the input that holds filters.
    pub filter: &'static str,
    /// The member of the answer that holds the rows.
    pub list: &'static str,
    /// A filter's name, and where in a row its values are; lists are gone through.
    pub filters: &'static [(&'static str, &'static str)],
    /// Everything there is.
    pub all: fn(&World) -> Vec<Tree>,
}

/// Whether a row is one that a filter leaves.
type Matches<'a> = Box<dyn Fn(&Tree) -> bool + 'a>;

impl Listing {
    /// Answers a Describe.
    ///
    /// # Errors
    /// For an id that is not there, a filter that is not known, or a token that was never given.
    pub fn answer(&self, world: &World, input: &Tree) -> Answer {
        let rows = self.matching(world, input)?;
        page(rows, self.list, input)
    }

    /// The rows that a request's ids and filters leave.
    pub fn matching(&self, world: &World, input: &Tree) -> Result<Vec<Tree>, Fault> {
        let mut rows = (self.all)(world);
        let ids = input.list(self.ids);
        if !ids.is_empty() {
            let is = |row: &Tree, id: &Tree| row.get(self.id) == Some(id);
            if let Some(missing) = ids.iter().find(|id| !rows.iter().any(|row| is(row, id))) {
                return Err((self.missing)(missing.as_text().unwrap_or_default()));
            }
            rows.retain(|row| ids.iter().any(|id| is(row, id)));
        }
        let filters = input.list(self.filter);
        if filters.len() > MOST_FILTERS {
            return Err(Fault::new("FilterLimitExceeded", "The maximum number of filters has been exceeded."));
        }
        for filter in filters {
            let matches = self.filter(filter)?;
            rows.retain(|row| matches(row));
        }
        Ok(rows)
    }

    fn filter<'a>(&self, filter: &'a Tree) -> Result<Matches<'a>, Fault> {
        let name = filter.text("Name").ok_or_else(|| missing_parameter("Filter.Name"))?;
        let patterns: Vec<&str> = filter.list("Values").iter().filter_map(Tree::as_text).collect();
        if patterns.len() > MOST_VALUES {
            return Err(Fault::new("FilterLimitExceeded", "The maximum number of filter values has been exceeded."));
        }
        if patterns.is_empty() {
            return Err(Fault::new("InvalidParameterValue", "The filter 'null' is invalid"));
        }
        let any = move |values: Vec<String>| {
            patterns.iter().any(|pattern| values.iter().any(|value| is_like(pattern, value)))
        };
        if let Some(key) = name.strip_prefix("tag:") {
            let is = move |tag: &&Tree| tag.text("Key") == Some(key);
            return Ok(Box::new(move |row| {
                let values = tags(row).filter(is).map(|tag| tag.text("Value").unwrap_or_default().to_owned());
                any(values.collect())
            }));
        }
        if name == "tag-key" {
            return Ok(Box::new(move |row| {
                any(tags(row).filter_map(|tag| tag.text("Key")).map(str::to_owned).collect())
            }));
        }
        let row = self.filters.iter().find(|(known, _)| *known == name);
        let (_, path) =
            row.ok_or_else(|| Fault::new("InvalidParameterValue", format!("The filter '{name}' is invalid")))?;
        let path: Vec<&'static str> = path.split('.').collect();
        Ok(Box::new(move |row| {
            let mut values = Vec::new();
            reach(row, &path, &mut values);
            any(values)
        }))
    }
}

fn tags(row: &Tree) -> impl Iterator<Item = &Tree> {
    row.list("Tags").iter().chain(row.list("TagSet"))
}

/// The texts that a path leads to, through every item of a list on its way.
fn reach(tree: &Tree, path: &[&str], values: &mut Vec<String>) {
    match (tree, path.split_first()) {
        (Tree::List(items), _) => items.iter().for_each(|item| reach(item, path, values)),
        (tree, Some((first, rest))) => {
            if let Some(next) = tree.get(first) {
                reach(next, rest, values);
            }
        }
        (Tree::Text(text), None) => values.push(text.to_string()),
        (Tree::Bool(value), None) => values.push(value.to_string()),
        (Tree::Int(value), None) => values.push(value.to_string()),
        (Tree::Float(_), None) => values.extend(crate::shape::Time::from_tree(tree).map(|time| time.to_string())),
        (Tree::Null | Tree::Map(_), None) => {}
    }
}

/// `*` stands for any letters, `?` for one, a backslash for what follows it. Linear in the pattern times the text.
pub fn is_like(pattern: &str, text: &str) -> bool {
    #[derive(Clone, Copy, PartialEq)]
    enum Piece {
        Any,
        One,
        Letter(char),
    }
    let mut pieces = Vec::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        pieces.push(match letter {
            '*' => Piece::Any,
            '?' => Piece::One,
            '\\' => Piece::Letter(letters.next().unwrap_or('\\')),
            letter => Piece::Letter(letter),
        });
    }
    // Which beginnings of the pattern the text so far can be.
    let follow = |at: &mut Vec<bool>| {
        for (index, piece) in pieces.iter().enumerate() {
            let here = at.get(index).copied().unwrap_or(false);
            if let Some(next) = at.get_mut(index + 1).filter(|_| here && *piece == Piece::Any) {
                *next = true;
            }
        }
    };
    let mut at = vec![false; pieces.len() + 1];
    if let Some(start) = at.first_mut() {
        *start = true;
    }
    follow(&mut at);
    for letter in text.chars() {
        let mut next = vec![false; pieces.len() + 1];
        for (index, piece) in pieces.iter().enumerate().filter(|(index, _)| at.get(*index) == Some(&true)) {
            let to = match piece {
                Piece::Any => index,
                Piece::One => index + 1,
                Piece::Letter(wanted) if *wanted == letter => index + 1,
                Piece::Letter(_) => continue,
            };
            if let Some(place) = next.get_mut(to) {
                *place = true;
            }
        }
        at = next;
        follow(&mut at);
    }
    at.last() == Some(&true)
}

/// The page that the input asks for. A token names how many rows were shown, and how many there were.
///
/// # Errors
/// `InvalidParameterValue` for a token that was never given.
pub fn page(rows: Vec<Tree>, list: &str, input: &Tree) -> Answer {
    let size = input.int("MaxResults").and_then(|size| usize::try_from(size).ok()).unwrap_or(PAGE).clamp(1, PAGE);
    let from = match input.text("NextToken").filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => read_token(token, list)
            .ok_or_else(|| Fault::new("InvalidParameterValue", "Unable to parse pagination token"))?,
    };
    let more = rows.len() > from + size;
    let shown: Vec<Tree> = rows.into_iter().skip(from).take(size).collect();
    let token = more.then(|| token(from + size, list));
    Ok(Tree::map().with(list, shown).with_some("NextToken", token))
}

/// Opaque to clients: where the next page begins, under a sum that binds it to its list.
fn token(from: usize, list: &str) -> String {
    format!("{:016x}{from:x}", crate::sim::ecs::spread(&format!("{list}/{from}")))
}

fn read_token(given: &str, list: &str) -> Option<usize> {
    let from = usize::from_str_radix(given.get(16..)?, 16).ok()?;
    (token(from, list) == given).then_some(from)
}

/// A parameter that has to be there. EC2 writes its name with a small first letter.
pub fn missing_parameter(name: &str) -> Fault {
    let mut letters = name.chars();
    let small: String = letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect();
    Fault::new("MissingParameter", format!("The request must contain the parameter {small}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn wildcards_stand_for_letters() {
        for (pattern, text, like) in [
            ("web", "web", true),
            ("web", "web2", false),
            ("w*", "web", true),
            ("*b", "web", true),
            ("*", "", true),
            ("?", "", false),
            ("w?b", "web", true),
            ("w?b", "weeb", false),
            ("a*b*c", "a-b-b-c", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("WEB", "web", false),
        ] {
            assert_eq!(is_like(pattern, text), like, "{pattern} {text}");
        }
        assert!(!is_like(&"*a".repeat(200), &"b".repeat(255)));
    }

    #[test]
    fn pages_follow_one_another() {
        let rows = || (0..12).map(|number| tree! { "N" => number }).collect::<Vec<_>>();
        let first = page(rows(), "Rows", &tree! { "MaxResults" => 5 }).unwrap();
        let token = first.text("NextToken").unwrap().to_owned();
        let second = page(rows(), "Rows", &tree! { "MaxResults" => 5, "NextToken" => &token }).unwrap();
        assert_eq!((first.list("Rows").len(), second.list("Rows")[0].int("N")), (5, Some(5)));
        let last = tree! { "MaxResults" => 5, "NextToken" => second.text("NextToken").unwrap() };
        let last = page(rows(), "Rows", &last).unwrap();
        assert_eq!((last.list("Rows").len(), last.get("NextToken")), (2, None));
        for (token, list) in [(token.as_str(), "Others"), ("x", "Rows"), ("", "Rows")] {
            let answer = page(rows(), list, &tree! { "NextToken" => token });
            assert_eq!(answer.is_err(), !token.is_empty(), "{token}");
        }
    }
}
