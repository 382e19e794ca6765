//! AWS's Query protocol: a form in, XML out. The signature tells which service is meant. Must not know: any operation.

use crate::shape::Tree;

use super::super::Sim;
use super::super::ecs::Fault;
use super::{Request, Response, check_size, scope};

/// The services that speak this protocol: signing name, API version, XML namespace.
const SERVICES: &[(&str, &str, &str)] = &[("sts", "2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/")];

/// The namespace of an error that comes from no service in particular.
const NO_NAMESPACE: &str = "https://ecs-operator.io/sim/";

/// Answers a form.
pub fn answer(sim: &Sim, request: &Request, id: &str) -> Response {
    let form = read_form(&request.body);
    let scope = scope::of(request);
    let service = scope.as_ref().ok().map(|scope| scope.service.as_str());
    let row = SERVICES.iter().find(|(name, _, _)| Some(*name) == service);
    let namespace = row.map_or(NO_NAMESPACE, |(_, _, namespace)| namespace);
    let outcome = check_size(request).and(scope.clone()).and_then(|_| {
        let action = form.text("Action").unwrap_or_default().to_owned();
        let known = row.filter(|(_, version, _)| form.text("Version") == Some(*version));
        let (service, _, _) = known.ok_or_else(|| invalid_action(&action, form.text("Version")))?;
        let output = sim.call(service, &action, without_envelope(form.clone()));
        output.map(|output| (action, output))
    });
    let (status, body) = match outcome {
        Ok((action, output)) => (200, success(namespace, &action, &output, id)),
        Err(fault) => (fault.status, failure(namespace, &fault, id)),
    };
    let headers = [("content-type".to_owned(), "text/xml".to_owned())].into();
    Response { status, headers, body: body.into_bytes() }
}

fn invalid_action(action: &str, version: Option<&str>) -> Fault {
    let version = version.unwrap_or_default();
    Fault::new("InvalidAction", format!("Could not find operation {action} for version {version}"))
}

fn without_envelope(mut form: Tree) -> Tree {
    form.remove("Action");
    form.remove("Version");
    form
}

/// `a=1&b=x%20y` as a flat structure of texts.
pub(super) fn read_form(body: &[u8]) -> Tree {
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    Tree::Map(pairs.map(|(name, value)| (decode(name), Tree::Text(decode(value)))).collect())
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

fn failure(namespace: &str, fault: &Fault, id: &str) -> String {
    let side = if fault.status < 500 { "Sender" } else { "Receiver" };
    // Query codes go without the suffix that the JSON protocols give them.
    let code = fault.code.strip_suffix("Exception").unwrap_or(fault.code);
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

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn reads_forms() {
        let form = read_form(b"Action=Get%20It&Version=1&a+b=%41%zz&empty");
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
