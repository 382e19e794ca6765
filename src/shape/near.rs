//! "Did you mean …": the closest known word to a mistyped one.

/// A longer word is no slip of a name that someone knows by heart, and comparing two such takes time.
const LETTERS_MAX: usize = 64;

/// The word of `among` that `word` was most likely meant to be, if any is close enough to be a slip: at most a third
/// of its letters wrong, letter case counting nothing.
pub fn nearest<'a>(word: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = folded(word, LETTERS_MAX + 1);
    if folded.len() > LETTERS_MAX {
        return None;
    }
    let allowed = (folded.len() / 3).clamp(1, 4);
    let slips = |known: &'a str| {
        let other = self::folded(known, folded.len() + allowed + 1);
        Some((distance(&folded, &other, allowed)?, known))
    };
    among.filter_map(slips).min().map(|(_, known)| known)
}

/// At most so many of its letters, in lower case.
fn folded(word: &str, most: usize) -> Vec<char> {
    word.chars().flat_map(char::to_lowercase).take(most).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`; none where they are more
/// than allowed.
fn distance(a: &[char], b: &[char], allowed: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > allowed {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        #[cfg(test)]
        work::done();
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX - 1);
            let mut slips = (at(&above, j) + usize::from(from != to)).min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            if swapped {
                slips = slips.min(at(&before, j - 1) + 1);
            }
            row.push(slips);
        }
        // A swap may lead past one such row, and never past two.
        if [&above, &row].iter().all(|row| row.iter().all(|slips| *slips > allowed)) {
            return None;
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().filter(|slips| *slips <= allowed)
}

/// How much was compared, in rows: tests count it.
#[cfg(test)]
pub mod work {
    use std::cell::Cell;

    thread_local! {
        static ROWS: Cell<usize> = const { Cell::new(0) };
    }

    pub fn done() {
        ROWS.set(ROWS.get() + 1);
    }

    /// The rows that it took on this thread.
    pub fn of(it: impl FnOnce()) -> usize {
        let before = ROWS.get();
        it();
        ROWS.get() - before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_slip_and_nothing_far_fetched() {
        let known = ["desiredCount", "taskDefinition", "image", "cpu", "memory"];
        for (word, meant) in [
            ("desiredCont", Some("desiredCount")),
            ("imgae", Some("image")),
            ("DesiredCount", Some("desiredCount")),
            ("task_definition", Some("taskDefinition")),
            ("replicas", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known.into_iter()), meant, "{word}");
        }
    }

    #[test]
    fn does_not_compare_what_can_not_be_near() {
        let long = "a".repeat(3_000);
        let other = format!("{}b", "a".repeat(2_999));
        let rows = work::of(|| assert_eq!(nearest(&long, [other.as_str()].into_iter()), None));
        assert_eq!(rows, 0, "too long for a name");
        let rows = work::of(|| assert_eq!(nearest("image", [long.as_str(), "im"].into_iter()), None));
        assert_eq!(rows, 0, "of another length");
        let (word, far) = ("a".repeat(64), "b".repeat(64));
        let rows = work::of(|| assert_eq!(nearest(&word, [far.as_str()].into_iter()), None));
        assert!(rows < 10, "{rows}: nothing more can come of it");
    }
}
