//! Client tokens: a request that comes again is answered as before, and nothing is made twice. Must not know: any
//! operation.
//!
//! <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>

use std::collections::VecDeque;

use crate::shape::Tree;
use crate::sim::ecs::Fault;

/// How many are remembered; weak, EC2 says how long: a day at least.
const MOST: usize = 1_000;

/// A request that had a token, and its answer.
#[derive(Debug)]
struct Remembered {
    operation: &'static str,
    input: Tree,
    answer: Tree,
}

/// What was asked with tokens, the oldest first.
#[derive(Debug, Default)]
pub struct Tokens(VecDeque<Remembered>);

impl Tokens {
    /// The answer that a request was given before.
    ///
    /// # Errors
    /// `IdempotentParameterMismatch` where its token came with another request.
    pub fn answered(&self, operation: &str, input: &Tree) -> Result<Option<Tree>, Fault> {
        let Some(token) = token(input) else { return Ok(None) };
        let same = |one: &&Remembered| one.operation == operation && self::token(&one.input) == Some(token);
        match self.0.iter().find(same) {
            Some(one) if one.input == *input => Ok(Some(one.answer.clone())),
            Some(_) => {
                let text = "The client token that was specified is not unique to this request.";
                Err(Fault::new("IdempotentParameterMismatch", text))
            }
            None => Ok(None),
        }
    }

    pub fn remember(&mut self, operation: &'static str, input: &Tree, answer: &Tree) {
        if token(input).is_some() {
            if self.0.len() >= MOST {
                self.0.pop_front();
            }
            self.0.push_back(Remembered { operation, input: input.clone(), answer: answer.clone() });
        }
    }
}

fn token(input: &Tree) -> Option<&str> {
    input.text("ClientToken").filter(|token| !token.is_empty())
}
