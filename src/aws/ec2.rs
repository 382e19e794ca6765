//! One row an operation of aws-sdk-ec2 that the operator uses. The SDK has no schemas for EC2: its typed client does
//! endpoint, signature, credentials, timeouts and errors, and our codec the form that goes out and the answer that
//! comes in.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ec2::error::BoxError;
use aws_smithy_types::body::SdkBody;

use crate::shape::ec2_query::{read_xml, write_form};
use crate::shape::{Tree, table};

use super::error::CallError;
use super::operations::{Reply, http_date};

type Sent<'a> = Pin<Box<dyn Future<Output = Result<(), CallError>> + Send + 'a>>;

/// How to send one operation: what is sent and what is answered, the exchange sees.
pub struct Operation {
    pub name: &'static str,
    send: for<'a> fn(&'a Client, Exchange) -> Sent<'a>,
}

macro_rules! operations {
    ($($method:ident $name:ident;)*) => {
        /// The operations of Amazon EC2 that are used.
        pub static OPERATIONS: &[Operation] = &[$(Operation {
            name: stringify!($name),
            send: |client, exchange| Box::pin(async move {
                let sent = client.$method().customize().interceptor(exchange).send().await;
                sent.map(drop).map_err(|error| CallError::from_sdk(stringify!($name), &error))
            }),
        }),*];
    };
}

operations! {
    authorize_security_group_egress AuthorizeSecurityGroupEgress;
    authorize_security_group_ingress AuthorizeSecurityGroupIngress;
    create_security_group CreateSecurityGroup;
    create_tags CreateTags;
    delete_security_group DeleteSecurityGroup;
    delete_tags DeleteTags;
    describe_instance_types DescribeInstanceTypes;
    describe_internet_gateways DescribeInternetGateways;
    describe_nat_gateways DescribeNatGateways;
    describe_route_tables DescribeRouteTables;
    describe_security_groups DescribeSecurityGroups;
    describe_subnets DescribeSubnets;
    describe_vpc_endpoints DescribeVpcEndpoints;
    revoke_security_group_egress RevokeSecurityGroupEgress;
    revoke_security_group_ingress RevokeSecurityGroupIngress;
    update_security_group_rule_descriptions_egress UpdateSecurityGroupRuleDescriptionsEgress;
    update_security_group_rule_descriptions_ingress UpdateSecurityGroupRuleDescriptionsIngress;
}

/// The row of that name.
pub fn operation(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|row| row.name == name)
}

impl Operation {
    /// Sends the input, and reads the answer.
    ///
    /// # Errors
    /// What EC2, or the way there, answered; `BadAnswer`, perhaps after the fact, where that can't be read.
    pub async fn call(&self, client: &Client, input: &Tree) -> Result<Reply, CallError> {
        let exchange = Exchange::new(self.name, input);
        (self.send)(client, exchange.clone()).await?;
        let Answer { xml, date } = std::mem::take(&mut *exchange.answer());
        let shape = table::ec2().output(self.name);
        let tree = match shape.map(|shape| read_xml(table::ec2(), shape, &xml)) {
            Some(tree) => tree.map_err(|error| CallError::bad_answer(self.name, error.to_string()))?,
            None => Tree::map(),
        };
        Ok(Reply { tree, date })
    }
}

/// What came back.
#[derive(Debug, Default)]
struct Answer {
    xml: String,
    date: Option<crate::shape::Time>,
}

/// Puts our form behind the SDK's empty one, and takes the answer as it was.
#[derive(Clone, Debug)]
struct Exchange {
    form: Arc<str>,
    answer: Arc<Mutex<Answer>>,
}

impl Exchange {
    fn new(operation: &str, input: &Tree) -> Self {
        let form = table::ec2().input(operation).map(|shape| write_form(table::ec2(), shape, input));
        let pair = |(name, value): (String, String)| format!("&{}={}", encoded(&name), encoded(&value));
        let form: String = form.into_iter().flatten().map(pair).collect();
        Self { form: form.into(), answer: Arc::default() }
    }

    fn answer(&self) -> std::sync::MutexGuard<'_, Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Letters, digits and `-_.~` as they are, all else by its bytes.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

impl Intercept for Exchange {
    fn name(&self) -> &'static str {
        "trees on EC2's wire"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        // The SDK's own form says which operation, and which version of EC2.
        let head = request.body().bytes().ok_or("the form is not at hand")?;
        let whole = [head, self.form.as_bytes()].concat();
        request.headers_mut().insert("content-length", whole.len().to_string());
        *request.body_mut() = SdkBody::from(whole);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let xml = response.body().bytes().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        let date = response.headers().get("date").and_then(http_date);
        *self.answer() = Answer { xml, date };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_an_operation_of_the_table() {
        for row in OPERATIONS {
            assert!(table::ec2().operations.contains_key(row.name), "{}", row.name);
        }
        assert!(OPERATIONS.is_sorted_by_key(|row| row.name));
    }

    #[test]
    fn forms_are_encoded_to_the_last_byte() {
        assert_eq!(encoded("Filter.1.Name"), "Filter.1.Name");
        assert_eq!(encoded("a b&c=é"), "a%20b%26c%3D%C3%A9");
    }
}
