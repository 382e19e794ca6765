//! gitignore's patterns, as `.ecs-operator-ignore` uses them.
//!
//! Must not know: the file system. Written here because the crates that do this walk directories themselves (we must
//! read below a pinned directory, without following links out of it) and bring eight more crates along.

/// The patterns of one ignore file, which hold for the folder it lies in and below.
#[derive(Clone, Debug, Default)]
pub(super) struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    /// `!pattern`: takes back what an earlier rule excluded.
    keep: bool,
    only_folders: bool,
    /// One glob per path segment; `None` stands for `**`.
    segments: Vec<Option<Vec<char>>>,
}

impl Ignore {
    pub(super) fn parse(text: &str) -> Self {
        Self { rules: text.lines().filter_map(rule).collect() }
    }

    /// Whether the last rule that matches excludes `path` (relative to the ignore file's folder); nothing when no rule
    /// matches.
    pub(super) fn excludes(&self, path: &str, folder: bool) -> Option<bool> {
        let names: Vec<Vec<char>> = path.split('/').map(|name| name.chars().collect()).collect();
        let hit = self.rules.iter().rev().find(|rule| (folder || !rule.only_folders) && rule.matches(&names));
        hit.map(|rule| !rule.keep)
    }
}

fn rule(line: &str) -> Option<Rule> {
    let line = trim_unescaped(line.strip_suffix('\r').unwrap_or(line));
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (keep, pattern) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
    let (only_folders, pattern) = pattern.strip_suffix('/').map_or((false, pattern), |rest| (true, rest));
    // A slash at the start or in the middle anchors the pattern to this folder; without one it matches at any depth.
    let anchored = pattern.contains('/');
    let mut segments: Vec<Option<Vec<char>>> = if anchored { Vec::new() } else { vec![None] };
    let names = pattern.strip_prefix('/').unwrap_or(pattern).split('/');
    segments.extend(names.map(|name| (name != "**").then(|| name.chars().collect())));
    // `**/**` says no more than `**`, and costs much more to match.
    segments.dedup_by(|next, before| next.is_none() && before.is_none());
    Some(Rule { keep, only_folders, segments })
}

/// Trailing spaces do not count unless a backslash stands before them.
fn trim_unescaped(line: &str) -> &str {
    let trimmed = line.trim_end_matches(' ');
    match line.get(..trimmed.len() + 1) {
        Some(longer) if trimmed.ends_with('\\') => longer,
        _ => trimmed,
    }
}

impl Rule {
    fn matches(&self, names: &[Vec<char>]) -> bool {
        path_matches(&self.segments, names)
    }
}

fn path_matches(segments: &[Option<Vec<char>>], names: &[Vec<char>]) -> bool {
    match (segments.split_first(), names.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        // A last `**` wants something below: `a/**` matches a/b and not a itself.
        (Some((None, [])), _) => !names.is_empty(),
        (Some((None, rest)), Some((_, below))) => path_matches(rest, names) || path_matches(segments, below),
        (Some((Some(glob), rest)), Some((name, below))) => name_matches(glob, name) && path_matches(rest, below),
        (Some(_), None) => false,
    }
}

/// `*`, `?`, `[a-z]`, `[!a-z]` and `\` within one name. Steps back to the last star only, so it takes at most
/// pattern × name steps.
fn name_matches(glob: &[char], name: &[char]) -> bool {
    let (mut g, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(letter) = name.get(n) {
        if glob.get(g) == Some(&'*') {
            star = Some((g + 1, n));
            g += 1;
        } else if let Some(width) = glob.get(g..).and_then(|rest| one_matches(rest, *letter)) {
            g += width;
            n += 1;
        } else if let Some((after, from)) = star {
            star = Some((after, from + 1));
            (g, n) = (after, from + 1);
        } else {
            return false;
        }
    }
    glob.get(g..).is_none_or(|rest| rest.iter().all(|left| *left == '*'))
}

/// How many letters of the glob match this one letter of the name.
fn one_matches(glob: &[char], letter: char) -> Option<usize> {
    match glob {
        ['?', ..] => Some(1),
        ['\\', escaped, ..] => (*escaped == letter).then_some(2),
        ['[', set @ ..] => set_matches(set, letter),
        [literal, ..] => (*literal == letter).then_some(1),
        [] => None,
    }
}

fn set_matches(set: &[char], letter: char) -> Option<usize> {
    let negated = matches!(set.first(), Some('!' | '^'));
    let body = set.get(usize::from(negated)..)?;
    // A bracket right at the start is a member of the set.
    let end = body.iter().skip(1).position(|end| *end == ']')? + 1;
    let mut members = body.get(..end)?;
    let mut inside = false;
    while let Some(first) = members.first() {
        if let [low, '-', high, rest @ ..] = members {
            inside |= (low..=high).contains(&&letter);
            members = rest;
        } else {
            inside |= *first == letter;
            members = members.get(1..)?;
        }
    }
    (inside != negated).then_some(usize::from(negated) + end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_gitignore() {
        for (patterns, path, folder, excluded) in [
            ("*.json", "a/b.json", false, Some(true)),
            ("*.json", "a/b.yaml", false, None),
            ("/top.yaml", "top.yaml", false, Some(true)),
            ("/top.yaml", "a/top.yaml", false, None),
            ("a/b.yaml", "a/b.yaml", false, Some(true)),
            ("a/b.yaml", "x/a/b.yaml", false, None),
            ("draft/", "draft", true, Some(true)),
            ("draft/", "draft", false, None),
            ("draft/", "a/draft", true, Some(true)),
            ("**/x.yaml", "x.yaml", false, Some(true)),
            ("**/x.yaml", "a/b/x.yaml", false, Some(true)),
            ("a/**", "a/b/c", false, Some(true)),
            ("a/**", "a", true, None),
            ("a/**/z", "a/z", false, Some(true)),
            ("a/**/z", "a/b/c/z", false, Some(true)),
            ("*.yaml\n!keep.yaml", "keep.yaml", false, Some(false)),
            ("!keep.yaml\n*.yaml", "keep.yaml", false, Some(true)),
            ("# note\n\n\\#x", "#x", false, Some(true)),
            ("\\!x", "!x", false, Some(true)),
            ("x\\ ", "x ", false, Some(true)),
            ("x  ", "x", false, Some(true)),
            ("v[0-9].yaml", "v7.yaml", false, Some(true)),
            ("v[!0-9].yaml", "v7.yaml", false, None),
            ("[]x]y", "]y", false, Some(true)),
            ("a?c", "abc", false, Some(true)),
            ("a?c", "a/c", false, None),
            ("a*b*c", "axxbyybzzc", false, Some(true)),
            ("*.yaml\r\n", "x.yaml", false, Some(true)),
            ("[z", "z", false, None),
        ] {
            assert_eq!(Ignore::parse(patterns).excludes(path, folder), excluded, "{patterns:?} on {path}");
        }
    }

    #[test]
    fn many_stars_end_soon() {
        let glob = "a*".repeat(40) + "b";
        assert_eq!(Ignore::parse(&glob).excludes(&"a".repeat(255), false), None);
        let deep = "**/".repeat(12) + "b";
        assert_eq!(Ignore::parse(&deep).excludes(&"a/".repeat(15), false), None);
    }
}
