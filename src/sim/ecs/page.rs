//! Pages of a list: `maxResults` and `nextToken` (docs/ecs.md §7.2). Must not know: what is listed.
//!
//! The token that a client sees is the room's own, bound to the request that it continues: of another operation, with
//! other filters, a day later or made up, it is refused. That is done at the door of all operations, for all rooms.

use std::time::Duration;

use crate::shape::{Time, Tree, json};

use super::{Answer, Fault};

/// How long a token can be used. Inferred: tokens are said to expire, not when.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 3600);

/// The input with the room's own token, out of the one that the client was given.
///
/// # Errors
/// `InvalidParameterException` for a token that is not this request's, or too old.
pub fn unbound(operation: &str, input: Tree, now: Time) -> Result<Tree, Fault> {
    let Some(token) = input.text("nextToken").filter(|token| !token.is_empty()) else { return Ok(input) };
    let invalid = || Fault::invalid("Invalid token.");
    let mut parts = token.splitn(3, '.');
    let (Some(print), Some(given), Some(own)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(invalid());
    };
    let given = i64::from_str_radix(given, 16).map(Time).map_err(|_| invalid())?;
    if print != fingerprint(operation, &input, given, own) {
        return Err(invalid());
    }
    if now >= given.after(TOKEN_LIFE) {
        return Err(Fault::invalid("The token has expired."));
    }
    let own = own.to_owned();
    Ok(input.with("nextToken", own))
}

/// The answer with its token bound to the request.
pub fn bound(operation: &str, input: &Tree, now: Time, answer: Tree) -> Tree {
    let Some(own) = answer.text("nextToken").map(str::to_owned) else { return answer };
    let print = fingerprint(operation, input, now, &own);
    answer.with("nextToken", format!("{print}.{:x}.{own}", now.0))
}

/// What a token has in common with the request it continues: all but the page's size (FNV-1a).
fn fingerprint(operation: &str, input: &Tree, now: Time, own: &str) -> String {
    let mut filters = input.clone();
    filters.remove("nextToken");
    filters.remove("maxResults");
    let text = format!("{operation} {} {} {own}", now.0, json::write(&filters));
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
}

/// One row of a list: what it is sorted by, and what is shown of it.
pub struct Row {
    pub key: String,
    pub shown: String,
}

/// Which way a list runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
}

/// The page of a list that `input` asks for, under the name `member`.
///
/// A token names the last row shown, so a list that changes between two pages neither repeats nor skips a row.
///
/// # Errors
/// `InvalidParameterException` for a token that was never given, or a `maxResults` outside 1 to `max`.
pub fn page(mut rows: Vec<Row>, order: Order, input: &Tree, member: &str, sizes: Sizes) -> Answer {
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    if order == Order::Descending {
        rows.reverse();
    }
    let size = sizes.read(input)?;
    let after = input.text("nextToken").filter(|token| !token.is_empty()).map(unseal).transpose()?;
    let begins_after = |row: &Row| match (&after, order) {
        (None, _) => true,
        (Some(last), Order::Ascending) => row.key > *last,
        (Some(last), Order::Descending) => row.key < *last,
    };
    let mut rest: Vec<Row> = rows.into_iter().filter(begins_after).collect();
    let more = rest.len() > size;
    rest.truncate(size);
    let token = if more { rest.last().map(|row| seal(&row.key)) } else { None };
    let shown: Vec<String> = rest.into_iter().map(|row| row.shown).collect();
    Ok(Tree::map().with(member, shown).with_some("nextToken", token))
}

/// How many rows a page has unless asked, and at most.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub usual: i64,
    pub max: i64,
}

/// Of most lists: 100, and no more.
pub const HUNDRED: Sizes = Sizes { usual: 100, max: 100 };

impl Sizes {
    fn read(self, input: &Tree) -> Result<usize, Fault> {
        let asked = input.int("maxResults").unwrap_or(self.usual);
        if !(1..=self.max).contains(&asked) {
            return Err(Fault::invalid(format!("maxResults must be between 1 and {}.", self.max)));
        }
        Ok(usize::try_from(asked).unwrap_or(1))
    }
}

/// Tokens are opaque: hex digits of the last row's key.
fn seal(key: &str) -> String {
    key.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn unseal(token: &str) -> Result<String, Fault> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = token.as_bytes().chunks(2).map(byte).collect();
    let key = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    key.ok_or_else(|| Fault::invalid("Invalid token."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn ask(order: Order, input: &Tree) -> Answer {
        let rows = ["b", "a", "d", "c"].map(|name| Row { key: name.into(), shown: name.to_uppercase() });
        page(rows.into(), order, input, "names", HUNDRED)
    }

    #[test]
    fn pages_follow_one_another() {
        for (order, first, second) in
            [(Order::Ascending, vec!["A", "B", "C"], vec!["D"]), (Order::Descending, vec!["D", "C", "B"], vec!["A"])]
        {
            let one = ask(order, &tree! { "maxResults" => 3 }).unwrap();
            assert_eq!(one.get("names"), Some(&Tree::from(first)));
            let token = one.text("nextToken").unwrap();
            let two = ask(order, &tree! { "maxResults" => 3, "nextToken" => token }).unwrap();
            assert_eq!(two, tree! { "names" => second });
        }
    }

    #[test]
    fn a_token_continues_its_own_request_only() {
        let input = tree! { "cluster" => "a", "maxResults" => 5 };
        let given = bound("ListTasks", &input, Time(7), tree! { "nextToken" => "6162" });
        let token = given.text("nextToken").unwrap().to_owned();
        let with = |cluster: &str, token: &str| tree! { "cluster" => cluster, "nextToken" => token };
        let read = unbound("ListTasks", with("a", &token), Time(8)).unwrap();
        assert_eq!(read.text("nextToken"), Some("6162"));
        let late = Time(7).after(TOKEN_LIFE);
        for (operation, cluster, token, now) in [
            ("ListServices", "a", token.as_str(), Time(8)),
            ("ListTasks", "b", &token, Time(8)),
            ("ListTasks", "a", &token, late),
            ("ListTasks", "a", &token.replacen('.', "0.", 1), Time(8)),
            ("ListTasks", "a", &format!("{token}0"), Time(8)),
            ("ListTasks", "a", "6162", Time(8)),
        ] {
            let refused = unbound(operation, with(cluster, token), now).unwrap_err();
            assert_eq!(refused.code, "InvalidParameterException", "{operation} {cluster} {token}");
        }
    }

    #[test]
    fn refuses_strange_sizes_and_tokens() {
        for input in [tree! { "maxResults" => 0 }, tree! { "maxResults" => 101 }, tree! { "nextToken" => "no!" }] {
            assert_eq!(ask(Order::Ascending, &input).unwrap_err().code, "InvalidParameterException", "{input:?}");
        }
    }
}
