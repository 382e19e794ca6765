//! "Did you mean …": the closest known word to a mistyped one.

/// The word of `among` that `word` was most likely meant to be, if any is close enough to be a slip: at most a third
/// of its letters wrong, letter case counting nothing.
pub fn nearest<'a>(word: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded: Vec<char> = word.to_lowercase().chars().collect();
    let allowed = (folded.len() / 3).clamp(1, 4);
    among
        .map(|known| (distance(&folded, &known.to_lowercase().chars().collect::<Vec<_>>()), known))
        .filter(|(slips, _)| *slips <= allowed)
        .min()
        .map(|(_, known)| known)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
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
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(a.len())
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
}
