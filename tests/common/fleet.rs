//! Many services alike, as manifests.

use std::fmt::Write as _;

pub const CLUSTERS: usize = 4;
/// Services of one file, each with a task definition of its own.
const EACH_FILE: usize = 25;
/// Services that share two subnets, whose addresses are enough for their tasks.
const EACH_SUBNETS: usize = 2_000;

/// Files and their texts: the settings, [`CLUSTERS`] clusters, and so many services over all of them.
pub fn fleet(services: usize) -> Vec<(String, String)> {
    let clusters: String = (0..CLUSTERS)
        .map(|cluster| {
            format!(
                "---\napiVersion: ecs-operator.io/v1\nkind: Cluster\nmetadata: {{ name: c{cluster} }}\nspec: {{}}\n"
            )
        })
        .collect();
    let settings = "owner: us\n".to_owned();
    let mut files = vec![("ecs-operator.yaml".to_owned(), settings), ("clusters.yaml".to_owned(), clusters)];
    for first in (0..services).step_by(EACH_FILE) {
        let mut text = String::new();
        for service in first..services.min(first + EACH_FILE) {
            let cluster = service % CLUSTERS;
            let subnets = service / EACH_SUBNETS * 2;
            let (one, other) = (subnets + 1, subnets + 2);
            write!(
                text,
                "---
apiVersion: ecs-operator.io/v1
kind: TaskDefinition
metadata: {{ name: s{service} }}
spec:
  networkMode: awsvpc
  requiresCompatibilities: [FARGATE]
  cpu: '256'
  memory: '512'
  executionRoleArn: arn:aws:iam::123456789012:role/execution
  containerDefinitions:
    - name: web
      image: nginx:1.{service}
      portMappings: [{{ containerPort: 8080 }}]
      environment:
        - {{ name: STAGE, value: prod }}
        - {{ name: SERVICE, value: s{service} }}
      logConfiguration:
        logDriver: awslogs
        options: {{ awslogs-group: /c{cluster}, awslogs-region: us-east-1, awslogs-stream-prefix: s{service} }}
---
apiVersion: ecs-operator.io/v1
kind: Service
metadata: {{ name: s{service}, cluster: c{cluster} }}
spec:
  desiredCount: 1
  launchType: FARGATE
  networkConfiguration:
    awsvpcConfiguration: {{ subnets: [subnet-{one}, subnet-{other}], securityGroups: [sg-1], assignPublicIp: ENABLED }}
  deploymentConfiguration:
    maximumPercent: 200
    minimumHealthyPercent: 100
    deploymentCircuitBreaker: {{ enable: true, rollback: true }}
"
            )
            .unwrap();
        }
        files.push((format!("services-{first:05}.yaml"), text));
    }
    files
}
