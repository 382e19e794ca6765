//! Whether ECS takes constraints and strategies (docs/ecs.md §3.5). Must not know: instances.

use crate::shape::Tree;

use super::super::Fault;
use super::query;
pub use super::strategy::echoed;

const MOST_STRATEGIES: usize = 5;
const MOST_CONSTRAINTS: usize = 10;

/// Judges placement constraints.
///
/// # Errors
/// `InvalidParameterException`.
pub fn constraints(given: &[Tree]) -> Result<(), Fault> {
    if given.len() > MOST_CONSTRAINTS {
        return Err(Fault::invalid(format!("Maximum number of constraints is {MOST_CONSTRAINTS}")));
    }
    for one in given {
        let expression = one.text("expression").filter(|text| !text.is_empty());
        match (one.text("type"), expression) {
            (Some("distinctInstance"), None) => {}
            (Some("distinctInstance"), Some(_)) => {
                return Err(Fault::invalid("distinctInstance expression should not be specified"));
            }
            (Some("memberOf"), Some(text)) => {
                query::read(text).map_err(|why| Fault::invalid(format!("Invalid expression '{text}': {why}")))?;
            }
            (Some("memberOf"), None) => return Err(Fault::invalid("memberOf expression should be specified")),
            (kind, _) => {
                let kind = kind.unwrap_or("null");
                return Err(Fault::invalid(format!("Invalid placement constraint type: {kind}")));
            }
        }
    }
    Ok(())
}

/// Judges placement strategies.
///
/// # Errors
/// `InvalidParameterException`.
pub fn strategies(given: &[Tree]) -> Result<(), Fault> {
    if given.len() > MOST_STRATEGIES {
        return Err(Fault::invalid(format!("Maximum number of strategies is {MOST_STRATEGIES}")));
    }
    for one in given {
        let field = one.text("field").filter(|text| !text.is_empty());
        let lower = field.map(str::to_ascii_lowercase).unwrap_or_default();
        match one.text("type") {
            Some("random") if field.is_some() => {
                return Err(Fault::invalid("random field should not be specified"));
            }
            Some("binpack") if !matches!(lower.as_str(), "cpu" | "memory") => {
                let field = field.unwrap_or_default();
                return Err(Fault::invalid(format!("binpack field '{field}' is invalid")));
            }
            Some("spread") => {
                let attribute = lower.strip_prefix("attribute:").is_some_and(|name| !name.is_empty());
                if !attribute && !matches!(lower.as_str(), "instanceid" | "host") {
                    let field = field.unwrap_or_default();
                    return Err(Fault::invalid(format!("spread field '{field}' is invalid")));
                }
            }
            Some("random" | "binpack") => {}
            kind => {
                let kind = kind.unwrap_or("null");
                return Err(Fault::invalid(format!("Invalid placement strategy type: {kind}")));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn the_rules_are_ecss() {
        let strategy = |kind: &str, field: &str| tree! { "type" => kind, "field" => field };
        for good in [strategy("random", ""), strategy("binpack", "CPU"), strategy("spread", "attribute:stack")] {
            assert!(strategies(&[good]).is_ok());
        }
        for (bad, words) in [
            (strategy("random", "cpu"), "random field"),
            (strategy("binpack", "disk"), "binpack field 'disk' is invalid"),
            (strategy("spread", "zone"), "spread field 'zone' is invalid"),
        ] {
            assert!(strategies(&[bad]).unwrap_err().message.contains(words));
        }
        assert!(strategies(&vec![strategy("random", ""); 6]).is_err());
        let constraint = |kind: &str, text: &str| tree! { "type" => kind, "expression" => text };
        assert!(
            constraints(&[constraint("distinctInstance", ""), constraint("memberOf", "task:group exists")]).is_ok()
        );
        for bad in [constraint("distinctInstance", "x"), constraint("memberOf", ""), constraint("memberOf", "x")] {
            assert!(constraints(&[bad]).is_err());
        }
        assert!(constraints(&vec![constraint("distinctInstance", ""); 11]).is_err());
        assert_eq!(echoed(&strategy("spread", "host")), strategy("spread", "instanceId"));
    }
}
