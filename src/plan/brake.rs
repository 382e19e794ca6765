//! The brake: what would touch too much at once without anybody having asked for it is not done at all (design D7a).

/// So many services may be redeployed by drift alone, whatever their share.
const FREE: usize = 5;
/// The share of services beyond that.
const SHARE_PERCENT: usize = 20;

/// Whether `drifted` services of `all` are too many to be redeployed without a new revision of the source.
pub fn is_mass_change(drifted: usize, all: usize) -> bool {
    drifted > FREE.max(all * SHARE_PERCENT / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_or_a_fifth_pass() {
        for (drifted, all, mass) in [(5, 6, false), (6, 6, true), (20, 100, false), (21, 100, true), (0, 0, false)] {
            assert_eq!(is_mass_change(drifted, all), mass, "{drifted} of {all}");
        }
    }
}
