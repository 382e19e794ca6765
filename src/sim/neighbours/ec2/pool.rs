//! The addresses of a subnet: who holds which. Must not know: what holds them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::Ipv4Addr;

use super::cidr::Block;

/// Addresses that AWS keeps of every subnet: the first four and the last.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>
const RESERVED: u64 = 5;
const FIRST: u32 = 4;

/// The addresses of one subnet.
#[derive(Clone, Debug)]
pub struct Pool {
    block: Block,
    /// Address, and the interface that holds it.
    held: BTreeMap<u32, String>,
    next: u32,
}

impl Pool {
    pub fn new(block: Block) -> Self {
        Self { block, held: BTreeMap::new(), next: FIRST }
    }

    pub fn block(&self) -> Block {
        self.block
    }

    /// How many addresses can be had.
    pub fn free(&self) -> u64 {
        self.block.size().saturating_sub(RESERVED).saturating_sub(self.held.len() as u64)
    }

    /// The next free address, going round, so that one given back comes again as late as can be.
    pub fn take(&mut self, interface: &str) -> Option<Ipv4Addr> {
        if self.free() == 0 {
            return None;
        }
        let end = u32::try_from(self.block.size() - 1).unwrap_or(u32::MAX);
        loop {
            let offset = self.next;
            self.next = if offset + 1 >= end { FIRST } else { offset + 1 };
            let address = self.block.first + offset;
            if let Entry::Vacant(place) = self.held.entry(address) {
                place.insert(interface.to_owned());
                return Some(address.into());
            }
        }
    }

    /// Takes one address, if it can be had.
    pub fn take_this(&mut self, address: Ipv4Addr, interface: &str) -> bool {
        let number = u32::from(address);
        let offset = u64::from(number.wrapping_sub(self.block.first));
        let usable = offset >= u64::from(FIRST) && offset + 1 < self.block.size();
        let free = usable && !self.held.contains_key(&number);
        if free {
            self.held.insert(number, interface.to_owned());
        }
        free
    }

    /// Whoever holds an address gives it back; of another's nothing happens.
    pub fn give_back(&mut self, address: Ipv4Addr, interface: &str) {
        if self.held.get(&u32::from(address)).is_some_and(|holder| holder == interface) {
            self.held.remove(&u32::from(address));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_subnet_has_eleven_addresses() {
        let mut pool = Pool::new(Block::read("10.0.0.16/28").unwrap());
        let taken: Vec<_> = (0..11).map(|number| pool.take(&number.to_string()).unwrap()).collect();
        assert_eq!((taken[0].to_string(), taken[10].to_string()), ("10.0.0.20".into(), "10.0.0.30".into()));
        assert_eq!((pool.take("x"), pool.free()), (None, 0));
        pool.give_back(taken[3], "4");
        assert_eq!(pool.free(), 0, "another's address");
        pool.give_back(taken[3], "3");
        assert_eq!(pool.take("y"), Some(taken[3]));
        pool.give_back(taken[0], "0");
        assert!(
            !pool.take_this("10.0.0.19".parse().unwrap(), "z") && !pool.take_this("10.0.0.31".parse().unwrap(), "z")
        );
        assert!(pool.take_this(taken[0], "z") && !pool.take_this(taken[0], "w"));
    }
}
