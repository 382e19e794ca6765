//! Reads an expression of the cluster query language. Must not know: instances.

use regex_lite::Regex;

use super::judge::moment;
use super::lex::{Token, tokens};
use super::{Comparison, LONGEST, Query, Subject, Test};

/// How deep parentheses and negations may nest.
const DEEPEST: usize = 64;

/// Reads an expression.
///
/// # Errors
/// What is wrong with it.
pub fn read(text: &str) -> Result<Query, String> {
    if text.chars().count() > LONGEST {
        return Err(format!("it has more than {LONGEST} characters"));
    }
    let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable(), depth: 0 };
    let query = parser.any()?;
    match parser.tokens.next() {
        None => Ok(query),
        Some(token) => Err(format!("unexpected {}", name(&token))),
    }
}

fn name(token: &Token) -> String {
    match token {
        Token::Open => "`(`".to_owned(),
        Token::Close => "`)`".to_owned(),
        Token::ListOpen => "`[`".to_owned(),
        Token::ListClose => "`]`".to_owned(),
        Token::Comma => "`,`".to_owned(),
        Token::Sign(sign) => format!("`{sign}`"),
        Token::Word { text, .. } => format!("`{text}`"),
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

impl Parser {
    /// Takes a sign or a keyword, if it is next.
    fn takes(&mut self, sign: &str, keyword: &str) -> bool {
        let found = match self.tokens.peek() {
            Some(Token::Sign(found)) => *found == sign,
            Some(Token::Word { text, quoted: false }) => text == keyword,
            _ => false,
        };
        if found {
            self.tokens.next();
        }
        found
    }

    fn any(&mut self) -> Result<Query, String> {
        let mut parts = vec![self.all()?];
        while self.takes("||", "or") {
            parts.push(self.all()?);
        }
        Ok(joined(parts, Query::Any))
    }

    fn all(&mut self) -> Result<Query, String> {
        let mut parts = vec![self.single()?];
        while self.takes("&&", "and") {
            parts.push(self.single()?);
        }
        Ok(joined(parts, Query::All))
    }

    fn single(&mut self) -> Result<Query, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("it is nested more than {DEEPEST} deep"));
        }
        let query = if self.takes("!", "not") {
            Query::Not(Box::new(self.single()?))
        } else if self.tokens.next_if_eq(&Token::Open).is_some() {
            let inside = self.any()?;
            if self.tokens.next_if_eq(&Token::Close).is_none() {
                return Err("a parenthesis is not closed".to_owned());
            }
            inside
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(query)
    }

    fn test(&mut self) -> Result<Query, String> {
        let subject = match self.tokens.next() {
            Some(Token::Word { text, quoted: false }) => subject(&text)?,
            Some(token) => return Err(format!("expected a subject, not {}", name(&token))),
            None => return Err("it ends where a subject should be".to_owned()),
        };
        let (operator, negated) = self.operator()?;
        let test = match operator {
            Operator::Exists => Test::Exists,
            Operator::In => Test::In(self.list()?),
            Operator::Matches => {
                let pattern = self.argument()?;
                // Java's `matches`: the whole of the value.
                let whole = Regex::new(&format!("^(?:{pattern})$"));
                Test::Matches(whole.map_err(|_| format!("`{pattern}` is not a pattern"))?)
            }
            Operator::Compare(comparison) => {
                let argument = self.argument()?;
                if subject == Subject::RegisteredAt && moment(&argument).is_none() {
                    return Err(format!("`{argument}` is not a time such as 2026-11-22T09:46:39+00:00"));
                }
                Test::Compare(comparison, argument)
            }
        };
        let query = Query::Test { subject, test };
        Ok(if negated { Query::Not(Box::new(query)) } else { query })
    }

    /// The operator, and whether its opposite is meant.
    fn operator(&mut self) -> Result<(Operator, bool), String> {
        let token = self.tokens.next().ok_or("it ends where an operator should be")?;
        let word = match &token {
            Token::Sign("!") => match self.tokens.next() {
                Some(Token::Word { text, quoted: false }) if text == "in" => "not_in",
                Some(Token::Word { text, quoted: false }) if text == "exists" => "not_exists",
                _ => return Err("expected `!in` or `!exists`".to_owned()),
            },
            Token::Sign(sign) => sign,
            Token::Word { text, quoted: false } => text.as_str(),
            other => return Err(format!("expected an operator, not {}", name(other))),
        };
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        let found = match word {
            "==" | "equals" => (Operator::Compare(Equal), false),
            "!=" | "not_equals" => (Operator::Compare(Equal), true),
            ">" | "greater_than" => (Operator::Compare(Greater), false),
            ">=" | "greater_than_equal" => (Operator::Compare(GreaterOrEqual), false),
            "<" | "less_than" => (Operator::Compare(Less), false),
            "<=" | "less_than_equal" => (Operator::Compare(LessOrEqual), false),
            "exists" => (Operator::Exists, false),
            "not_exists" => (Operator::Exists, true),
            "in" => (Operator::In, false),
            "not_in" => (Operator::In, true),
            "=~" | "matches" => (Operator::Matches, false),
            "!~" | "not_matches" => (Operator::Matches, true),
            other => return Err(format!("`{other}` is not an operator")),
        };
        Ok(found)
    }

    fn argument(&mut self) -> Result<String, String> {
        match self.tokens.next() {
            Some(Token::Word { text, .. }) => Ok(text),
            Some(token) => Err(format!("expected a value, not {}", name(&token))),
            None => Err("it ends where a value should be".to_owned()),
        }
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        if self.tokens.next_if_eq(&Token::ListOpen).is_none() {
            return Err("expected a list such as `[a, b]`".to_owned());
        }
        let mut items = vec![self.argument()?];
        while self.tokens.next_if_eq(&Token::Comma).is_some() {
            items.push(self.argument()?);
        }
        match self.tokens.next() {
            Some(Token::ListClose) => Ok(items),
            _ => Err("a list is not closed".to_owned()),
        }
    }
}

enum Operator {
    Exists,
    In,
    Matches,
    Compare(Comparison),
}

fn joined(mut parts: Vec<Query>, join: fn(Vec<Query>) -> Query) -> Query {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            parts.push(last);
            join(parts)
        }
        (_, None) => join(parts),
    }
}

fn subject(word: &str) -> Result<Subject, String> {
    match word {
        "agentConnected" => Ok(Subject::AgentConnected),
        "agentVersion" => Ok(Subject::AgentVersion),
        "ec2InstanceId" => Ok(Subject::MachineId),
        "registeredAt" => Ok(Subject::RegisteredAt),
        "runningTasksCount" => Ok(Subject::RunningTasks),
        "task:group" => Ok(Subject::TaskGroup),
        _ => match word.strip_prefix("attribute:").filter(|name| !name.is_empty()) {
            Some(name) => Ok(Subject::Attribute(name.to_owned())),
            None => Err(format!("`{word}` is not a subject")),
        },
    }
}
