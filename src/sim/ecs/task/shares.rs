//! How one RunTask spreads over the providers of a strategy (ecs-semantics §3.5). Must not know: tasks.

use crate::shape::Tree;

/// The provider of each of `count` tasks: first the base, then what remains by weight, by largest remainder, ties in
/// the order of the list (the rounding is inferred). One `None` a task without a strategy.
pub fn providers(strategy: &[Tree], count: usize) -> Vec<Option<String>> {
    if strategy.is_empty() {
        return vec![None; count];
    }
    let number = |item: &Tree, name| usize::try_from(item.int(name).unwrap_or(0)).unwrap_or(0);
    let mut left = count;
    let mut shares: Vec<usize> = Vec::new();
    for item in strategy {
        let base = number(item, "base").min(left);
        shares.push(base);
        left -= base;
    }
    let weights: usize = strategy.iter().map(|item| number(item, "weight")).sum();
    let (mut given, mut rests) = (0, Vec::new());
    for (place, (item, share)) in strategy.iter().zip(&mut shares).enumerate() {
        let product = left * number(item, "weight");
        let (whole, rest) = (product.checked_div(weights).unwrap_or(0), product.checked_rem(weights).unwrap_or(0));
        *share += whole;
        given += whole;
        rests.push((std::cmp::Reverse(rest), place));
    }
    rests.sort();
    for (_, place) in rests.iter().take(left - given) {
        if let Some(share) = shares.get_mut(*place) {
            *share += 1;
        }
    }
    let named = strategy.iter().zip(shares).flat_map(|(item, share)| {
        let name = item.text("capacityProvider").unwrap_or_default().to_owned();
        std::iter::repeat_n(Some(name), share)
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn split(items: &[(i64, i64)], count: usize) -> Vec<usize> {
        let name = |place: usize| format!("p{place}");
        let strategy = items.iter().enumerate().map(|(place, (base, weight))| {
            tree! { "capacityProvider" => name(place), "base" => *base, "weight" => *weight }
        });
        let all = providers(&strategy.collect::<Vec<_>>(), count);
        assert_eq!(all.len(), count);
        (0..items.len()).map(|place| all.iter().filter(|one| **one == Some(name(place))).count()).collect()
    }

    #[test]
    fn base_first_then_by_weight() {
        for (items, count, expected) in [
            (&[(0, 1)][..], 10, &[10][..]),
            (&[(2, 1), (0, 3)], 10, &[4, 6]),
            (&[(2, 1), (0, 3)], 1, &[1, 0]),
            (&[(0, 1), (0, 1)], 3, &[2, 1]),
            (&[(0, 1), (0, 1), (0, 1)], 10, &[4, 3, 3]),
            (&[(5, 0), (0, 1)], 7, &[5, 2]),
            (&[(0, 1), (0, 4)], 10, &[2, 8]),
            (&[(100, 1), (0, 1)], 10, &[10, 0]),
        ] {
            assert_eq!(split(items, count), expected, "{items:?} {count}");
        }
        assert_eq!(providers(&[], 2), [None, None]);
    }
}
