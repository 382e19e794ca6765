//! AWS's Query protocols: a form in, XML out. The signature tells which service is meant. Must not know: any operation.
//!
//! EC2 has a protocol of its own: forms and answers go by the shape table (`shape::ec2_query`), and envelopes differ.

use crate::shape::ec2_query::{Form, FormError, escape, read_form, write_xml};
use crate::shape::{Tree, table};

use super::super::Sim;
use super::super::ecs::Fault;
use super::{Request, Response, check_size, scope};

/// A service that speaks one of these protocols.
struct Service {
    /// As in signatures.
    name: &'static str,
    version: &'static str,
    namespace: &'static str,
    dialect: Dialect,
}

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Query,
    Ec2,
}

const SERVICES: &[Service] = &[
    Service {
        name: "sts",
        version: "2011-06-15",
        namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
        dialect: Dialect::Query,
    },
    Service {
        name: "ec2",
        version: "2016-11-15",
        namespace: "http://ec2.amazonaws.com/doc/2016-11-15/",
        dialect: Dialect::Ec2,
    },
];

/// The namespace of an error that comes from no service in particular.
const NO_NAMESPACE: &str = "https://ecs-operator.io/sim/";

/// Answers a form.
pub fn answer(sim: &Sim, request: &Request, id: &str) -> Response {
    let form = read_parameters(&request.body);
    let scope = scope::of(request);
    let name = scope.as_ref().ok().map(|scope| scope.service.as_str());
    let service = SERVICES.iter().find(|service| Some(service.name) == name);
    let dialect = service.map_or(Dialect::Query, |service| service.dialect);
    let namespace = service.map_or(NO_NAMESPACE, |service| service.namespace);
    let outcome = check_size(request).and(scope.clone()).and_then(|scope| {
        let (action, version) = (form.get("Action").cloned().unwrap_or_default(), form.get("Version"));
        let known = service.filter(|service| version.map(String::as_str) == Some(service.version));
        let known = known.ok_or_else(|| invalid_action(&action, version.map(String::as_str)))?;
        if dialect == Dialect::Ec2 {
            // EC2 has a code of its own for that.
            let known = scope::check_region(sim, &scope);
            known.map_err(|fault| Fault { status: 401, code: "AuthFailure", ..fault })?;
        }
        let input = input(dialect, &action, form)?;
        sim.call(known.name, &action, input).map(|output| (action, output))
    });
    let (status, body) = match (outcome, dialect) {
        (Ok((action, output)), Dialect::Query) => (200, success(namespace, &action, &output, id)),
        (Ok((action, output)), Dialect::Ec2) => (200, ec2_success(namespace, &action, &output, id)),
        (Err(fault), Dialect::Query) => (fault.status, failure(namespace, &fault, id)),
        (Err(fault), Dialect::Ec2) => (fault.status, ec2_failure(&fault, id)),
    };
    let headers = [("content-type".to_owned(), "text/xml;charset=UTF-8".to_owned())].into();
    Response { status, headers, body: body.into_bytes() }
}

/// What a form holds besides the operation. An operation that EC2 does not have has no shape; its service says so.
fn input(dialect: Dialect, action: &str, mut form: Form) -> Result<Tree, Fault> {
    form.remove("Action");
    form.remove("Version");
    match (dialect, table::ec2().input(action)) {
        (Dialect::Query, _) => Ok(Tree::Map(form.into_iter().map(|(name, value)| (name, Tree::from(value))).collect())),
        (Dialect::Ec2, None) => Ok(Tree::map()),
        (Dialect::Ec2, Some(shape)) => read_form(table::ec2(), shape, &form).map_err(|error| {
            let code = match error {
                FormError::Unknown(_) => "UnknownParameter",
                FormError::Invalid { .. } => "InvalidParameterValue",
                FormError::Deep(_) => "MalformedQueryString",
            };
            Fault::new(code, error.to_string())
        }),
    }
}

fn invalid_action(action: &str, version: Option<&str>) -> Fault {
    let version = version.unwrap_or_default();
    Fault::new("InvalidAction", format!("Could not find operation {action} for version {version}"))
}

/// `a=1&b=x%20y` as a flat structure of texts.
pub(super) fn read_query(text: &[u8]) -> Tree {
    Tree::Map(read_parameters(text).into_iter().map(|(name, value)| (name, Tree::from(value))).collect())
}

fn read_parameters(body: &[u8]) -> Form {
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

/// Undoes percent encoding; what is no escape stands for itself.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn success(namespace: &str, action: &str, output: &Tree, id: &str) -> String {
    let mut members = String::new();
    elements(output, &mut members);
    format!(
        "<{action}Response xmlns=\"{namespace}\"><{action}Result>{members}</{action}Result>\
         <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>"
    )
}

fn ec2_success(namespace: &str, action: &str, output: &Tree, id: &str) -> String {
    let members = match table::ec2().output(action) {
        Some(shape) => write_xml(table::ec2(), shape, output),
        // What an operation without an output answers.
        None => "<return>true</return>".to_owned(),
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{action}Response xmlns=\"{namespace}\">\
         <requestId>{id}</requestId>{members}</{action}Response>"
    )
}

fn ec2_failure(fault: &Fault, id: &str) -> String {
    let (code, message) = (query_code(fault), escape(&fault.message));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code>\
         <Message>{message}</Message></Error></Errors><RequestID>{id}</RequestID></Response>"
    )
}

/// Query codes go without the suffix that the JSON protocols give them.
fn query_code(fault: &Fault) -> &'static str {
    fault.code.strip_suffix("Exception").unwrap_or(fault.code)
}

fn failure(namespace: &str, fault: &Fault, id: &str) -> String {
    let side = if fault.status < 500 { "Sender" } else { "Receiver" };
    let code = query_code(fault);
    let message = escape(&fault.message);
    format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{side}</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
    )
}

/// Members as elements of their names; items of a list as `member`.
fn elements(tree: &Tree, xml: &mut String) {
    match tree {
        Tree::Map(members) => members.iter().for_each(|(name, value)| element(name, value, xml)),
        Tree::List(items) => items.iter().for_each(|item| element("member", item, xml)),
        Tree::Text(text) => xml.push_str(&escape(text)),
        Tree::Bool(value) => xml.push_str(&value.to_string()),
        Tree::Int(value) => xml.push_str(&value.to_string()),
        Tree::Float(value) => xml.push_str(&value.to_string()),
        Tree::Null => {}
    }
}

fn element(name: &str, value: &Tree, xml: &mut String) {
    xml.push_str(&format!("<{name}>"));
    elements(value, xml);
    xml.push_str(&format!("</{name}>"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn reads_forms() {
        let form = read_query(b"Action=Get%20It&Version=1&a+b=%41%zz&empty");
        let expected = tree! { "Action" => "Get It", "Version" => "1", "a b" => "A%zz", "empty" => "" };
        assert_eq!(form, expected);
    }

    #[test]
    fn writes_xml() {
        let mut xml = String::new();
        elements(&tree! { "A" => "x<y", "B" => vec![1, 2] }, &mut xml);
        assert_eq!(xml, "<A>x&lt;y</A><B><member>1</member><member>2</member></B>");
    }
}
