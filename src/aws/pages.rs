//! Answers that come in pages, as one.

use crate::shape::{Call, Tree};

use super::client::Aws;
use super::error::CallError;
use super::operations::Reply;

/// More pages than any account fills; who has more is told so, and not half an answer.
pub const PAGES_MAX: usize = 50;

impl Aws {
    /// Follows the answer's token to the last page of [`PAGES_MAX`].
    ///
    /// # Errors
    /// As [`Aws::pages_within`].
    pub async fn pages(&self, call: &Call, answer: &str) -> Result<Reply, CallError> {
        self.pages_within(call, answer, PAGES_MAX).await
    }

    /// Follows the answer's token to the last page; `answer` is the member that holds the list. The date is the first
    /// page's: what is shown is at least as new.
    ///
    /// # Errors
    /// What AWS answered to any of the calls, or that there are more pages than are followed.
    pub async fn pages_within(&self, call: &Call, answer: &str, pages_max: usize) -> Result<Reply, CallError> {
        let next = if call.service == "ecs" { "nextToken" } else { "NextToken" };
        let mut all = Vec::new();
        let (mut date, mut token) = (None, None::<String>);
        for _ in 0..pages_max {
            let input = call.input.clone().with_some(next, token.as_deref());
            let mut page = self.read(&Call { input, ..call.clone() }).await?;
            date = date.or(page.date);
            if let Some(Tree::List(items)) = page.tree.remove(answer) {
                all.extend(items);
            }
            token = page.tree.text(next).filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(Reply { tree: Tree::map().with(answer, all), date });
            }
        }
        Err(CallError::bad_answer(call.operation, format!("there are more than {pages_max} pages")))
    }
}
