//! How a number of tasks is split by a capacity provider strategy (docs/ecs.md §3.5). Must not know: the providers.

use std::collections::BTreeMap;

use crate::shape::Tree;

/// How many of `count` new tasks each provider gets, in the order of the strategy, given how many tasks each has
/// already: the base first, what remains by weight over old and new ones together. Rounding is by the largest
/// remainder, ties in the order of the list (inferred). Nobody gives tasks back.
pub fn distribute(strategy: &[Tree], count: i64, running: &BTreeMap<String, i64>) -> Vec<(String, i64)> {
    let name = |item: &Tree| item.text("capacityProvider").unwrap_or_default().to_owned();
    let number = |item: &Tree, member: &str| item.int(member).unwrap_or(0);
    let mut left = count.max(0);
    let mut given: Vec<i64> = Vec::new();
    for item in strategy {
        let has = running.get(&name(item)).copied().unwrap_or(0);
        let base = (number(item, "base") - has).clamp(0, left);
        left -= base;
        given.push(base);
    }
    // Beyond the base: what each has, and what it should have of the whole.
    let over = |at: usize, item: &Tree, given: &[i64]| {
        let has = running.get(&name(item)).copied().unwrap_or(0) + given.get(at).copied().unwrap_or(0);
        (has - number(item, "base")).max(0)
    };
    let weights: i64 = strategy.iter().map(|item| number(item, "weight")).sum();
    if weights <= 0 {
        return strategy.iter().map(name).zip(given).collect();
    }
    let weighed = |item: &Tree| number(item, "weight") > 0;
    let above: i64 =
        strategy.iter().enumerate().filter(|(_, item)| weighed(item)).map(|(at, item)| over(at, item, &given)).sum();
    let whole = above + left;
    let mut shares = Vec::new();
    for (at, item) in strategy.iter().enumerate().filter(|(_, item)| weighed(item)) {
        let exact = whole.saturating_mul(number(item, "weight"));
        shares.push((at, exact / weights - over(at, item, &given), exact % weights));
    }
    for (at, lacks, _) in &shares {
        let more = (*lacks).clamp(0, left);
        left -= more;
        if let Some(given) = given.get_mut(*at) {
            *given += more;
        }
    }
    // The rest by the largest remainder; among those who have too much already, nobody.
    shares.sort_by_key(|(at, lacks, remainder)| (*lacks < 0, std::cmp::Reverse(*remainder), *at));
    for (at, _, _) in shares.iter().cycle().take(usize::try_from(left).unwrap_or(0)) {
        if let Some(given) = given.get_mut(*at) {
            *given += 1;
        }
    }
    strategy.iter().map(name).zip(given).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    /// (base, weight) of each, the count, what they have, and what they get.
    type Row = (&'static [(i64, i64)], i64, &'static [i64], &'static [i64]);

    const ROWS: &[Row] = &[
        (&[(0, 1)], 5, &[], &[5]),
        (&[(2, 1), (0, 3)], 10, &[], &[4, 6]),
        (&[(2, 1), (0, 3)], 1, &[], &[1, 0]),
        (&[(0, 1), (0, 3)], 1, &[], &[0, 1]),
        (&[(0, 1), (0, 1)], 3, &[], &[2, 1]),
        (&[(0, 1), (0, 2)], 10, &[], &[3, 7]),
        (&[(0, 1), (0, 4)], 5, &[], &[1, 4]),
        (&[(0, 0), (0, 1)], 7, &[], &[0, 7]),
        (&[(3, 0), (0, 1)], 5, &[], &[3, 2]),
        (&[(10, 1), (0, 1)], 4, &[], &[4, 0]),
        (&[(0, 1), (0, 1)], 2, &[2, 0], &[0, 2]),
        (&[(0, 1), (0, 1)], 2, &[5, 0], &[0, 2]),
        (&[(2, 1), (0, 1)], 2, &[2, 0], &[1, 1]),
        (&[(0, 1), (0, 1), (0, 1)], 4, &[], &[2, 1, 1]),
        (&[(0, 333), (0, 333), (0, 334)], 10, &[], &[3, 3, 4]),
        (&[(0, 1), (0, 1)], 0, &[], &[0, 0]),
    ];

    #[test]
    fn base_first_then_by_weight() {
        for (items, count, has, expected) in ROWS {
            let strategy = items.iter().enumerate().map(|(at, (base, weight))| {
                tree! { "capacityProvider" => format!("p{at}"), "base" => *base, "weight" => *weight }
            });
            let strategy = strategy.collect::<Vec<_>>();
            let running = has.iter().enumerate().map(|(at, has)| (format!("p{at}"), *has)).collect();
            let split = distribute(&strategy, *count, &running);
            let numbers = split.iter().map(|(_, number)| *number).collect::<Vec<_>>();
            assert_eq!(numbers, *expected, "{items:?} × {count} on {has:?}");
        }
    }
}
