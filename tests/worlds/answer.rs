//! AWS as a captured world describes it: reads are answered, and everything else is refused and remembered.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use ecs_operator::shape::ec2_query::write_xml;
use ecs_operator::shape::{Tree, json, table};
use ecs_operator::tree;

#[derive(Clone, Debug)]
pub struct Captured {
    world: Arc<Tree>,
    /// What was asked for and is no read that a world answers.
    pub refused: Arc<Mutex<Vec<String>>>,
}

impl Captured {
    pub fn new(world: &Tree) -> Self {
        Self { world: Arc::new(world.clone()), refused: Arc::default() }
    }

    fn answer(&self, operation: &str, input: &Tree) -> Option<Tree> {
        let asked = |member: &str| input.list(member).iter().filter_map(Tree::as_text).map(last).collect::<Vec<_>>();
        let named = |of: &str, name: &str, names: &[&str], cluster: Option<&str>| {
            let is = |one: &&Tree| {
                let here = cluster.is_none_or(|name| one.text("clusterArn").map(last) == Some(name));
                here && one.text(name).is_some_and(|name| names.contains(&name))
            };
            self.world.list(of).iter().filter(is).cloned().collect::<Vec<_>>()
        };
        let cluster = input.text("cluster").map(last);
        Some(match operation {
            "DescribeClusters" => {
                let found = named("clusters", "clusterName", &asked("clusters"), None);
                tree! { "clusters" => found, "failures" => Tree::List(vec![]) }
            }
            "ListServices" => {
                let here = |one: &&Tree| one.text("clusterArn").map(last) == cluster;
                let all: Vec<&str> =
                    self.world.list("services").iter().filter(here).filter_map(|one| one.text("serviceArn")).collect();
                tree! { "serviceArns" => all }
            }
            "DescribeServices" => {
                let found = named("services", "serviceName", &asked("services"), cluster);
                tree! { "services" => found, "failures" => Tree::List(vec![]) }
            }
            "DescribeTaskDefinition" => self.revision(last(input.text("taskDefinition")?))?,
            "DescribeSecurityGroups" => tree! { "SecurityGroups" => self.world.list("securityGroups").to_vec() },
            _ => return None,
        })
    }

    /// One revision, or the newest of a family.
    fn revision(&self, reference: &str) -> Option<Tree> {
        let is = |one: &&Tree| {
            let arn = one.at(&["taskDefinition", "taskDefinitionArn"]).and_then(Tree::as_text).unwrap();
            last(arn) == reference || last(arn).split(':').next() == Some(reference)
        };
        let number = |one: &&Tree| one.at(&["taskDefinition", "revision"]).and_then(Tree::as_int);
        self.world.list("taskDefinitions").iter().filter(is).max_by_key(number).cloned()
    }
}

fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

impl HttpConnector for Captured {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = String::from_utf8(request.body().bytes().unwrap_or_default().to_vec()).unwrap();
        let (operation, input) = match request.headers().get("x-amz-target") {
            Some(target) => (last(&target.replace('.', "/")).to_owned(), json::read(body.as_bytes()).unwrap()),
            None => (body.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap().to_owned(), Tree::map()),
        };
        let is_ec2 = request.headers().get("x-amz-target").is_none();
        let (status, text) = match self.answer(&operation, &input) {
            Some(tree) if is_ec2 => {
                let output = table::ec2().output(&operation).unwrap();
                let inner = write_xml(table::ec2(), output, &tree);
                (
                    200,
                    format!(
                        "<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">{inner}</{operation}Response>"
                    ),
                )
            }
            Some(tree) => (200, json::write(&tree)),
            None => {
                self.refused.lock().unwrap().push(format!("{operation} {}", json::write(&input)));
                (400, r#"{"__type":"AccessDeniedException","message":"a captured world is only read"}"#.to_owned())
            }
        };
        HttpConnectorFuture::ready(Ok(HttpResponse::new(u16::try_into(status).unwrap(), SdkBody::from(text))))
    }
}

impl HttpClient for Captured {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
