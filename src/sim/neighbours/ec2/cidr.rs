//! Blocks of addresses. Must not know: what they are of.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// An IPv4 block: its first address, and how many bits all its addresses share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Block {
    pub first: u32,
    pub bits: u32,
}

impl Block {
    /// Reads `10.0.0.0/16`; bits that tell hosts apart are cleared.
    pub fn read(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let (address, bits) = (address.parse::<Ipv4Addr>().ok()?, length(bits, 32)?);
        Some(Self { first: u32::from(address) & mask(bits), bits })
    }

    pub fn size(self) -> u64 {
        1 << (32 - self.bits)
    }

    pub fn contains(self, address: u32) -> bool {
        address & mask(self.bits) == self.first
    }

    pub fn is_within(self, other: Self) -> bool {
        self.bits >= other.bits && other.contains(self.first)
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.is_within(other) || other.is_within(self)
    }

    /// The blocks of so many bits in this one.
    pub fn parts(self, bits: u32) -> impl Iterator<Item = Self> {
        let count = 1_u64 << bits.saturating_sub(self.bits);
        (0..count).filter_map(move |number| {
            let first = u64::from(self.first) + (number << (32 - bits));
            u32::try_from(first).ok().map(|first| Self { first, bits })
        })
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.first), self.bits)
    }
}

fn mask(bits: u32) -> u32 {
    u32::MAX.checked_shl(32 - bits).unwrap_or(0)
}

fn length(text: &str, most: u32) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|bits| plain && *bits <= most)
}

/// An IPv6 block in EC2's writing: host bits cleared, zeros shortened.
pub fn canonical_v6(text: &str) -> Option<String> {
    let (address, bits) = text.split_once('/')?;
    let (address, bits) = (address.parse::<Ipv6Addr>().ok()?, length(bits, 128)?);
    let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
    Some(format!("{}/{bits}", Ipv6Addr::from(u128::from(address) & mask)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_without_their_hosts() {
        for (text, shown) in [
            ("10.0.0.0/16", Some("10.0.0.0/16")),
            ("10.1.2.3/8", Some("10.0.0.0/8")),
            ("1.2.3.4/32", Some("1.2.3.4/32")),
            ("9.9.9.9/0", Some("0.0.0.0/0")),
            ("10.0.0.0/33", None),
            ("10.0.0/8", None),
            ("10.0.0.0", None),
            ("10.0.0.0/+8", None),
        ] {
            assert_eq!(Block::read(text).map(|block| block.to_string()).as_deref(), shown, "{text}");
        }
        assert_eq!(canonical_v6("2001:DB8:0:0::1/32").as_deref(), Some("2001:db8::/32"));
        assert_eq!(canonical_v6("::/0").as_deref(), Some("::/0"));
        assert_eq!(canonical_v6("::/129"), None);
    }

    #[test]
    fn blocks_lie_within_each_other_or_apart() {
        let [big, small, other] = ["10.0.0.0/16", "10.0.32.0/20", "10.1.0.0/16"].map(|text| Block::read(text).unwrap());
        assert!(small.is_within(big) && !big.is_within(small) && big.overlaps(small) && !big.overlaps(other));
        assert_eq!((big.size(), big.parts(20).count()), (65_536, 16));
        assert_eq!(big.parts(20).nth(2), Some(small));
    }
}
