//! One row an operation of aws-sdk-ecs: the only place where the SDK's operations are named.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_ecs::Client;
use aws_sdk_ecs::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
};
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::Input;
use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};

use crate::shape::{Time, Tree};

use super::bridge::{self, TreeReader};
use super::error::CallError;

/// What AWS answered, and when, by its own clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub tree: Tree,
    /// The `Date` of the answer; ages of AWS's timestamps are measured to it.
    pub date: Option<Time>,
}

type Sent<'a> = Pin<Box<dyn Future<Output = Result<Reply, CallError>> + Send + 'a>>;

/// How to send one operation.
pub struct Operation {
    pub name: &'static str,
    pub send: for<'a> fn(&'a Client, &Tree) -> Sent<'a>,
    /// The input as the SDK would hold it, as a tree again: what the SDK fills in shows here.
    pub echo_input: fn(&Tree) -> Result<Tree, SerdeError>,
    /// The same for the output.
    pub echo_output: fn(&Tree) -> Result<Tree, SerdeError>,
    /// Walks input and output through a deserialiser of the caller's.
    pub walk: fn(&mut dyn ShapeDeserializer) -> [Result<(), SerdeError>; 2],
}

/// The row of that name.
pub fn operation(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|row| row.name == name)
}

macro_rules! operations {
    ($($method:ident $name:ident $input:ident $output:ident;)*) => {
        /// All operations of Amazon ECS that the SDK has.
        pub static OPERATIONS: &[Operation] = &[$({
            use aws_sdk_ecs::operation::$method::{$input, $output};
            Operation {
                name: stringify!($name),
                send: |client, tree| {
                    let input = $input::deserialize(&mut TreeReader::new(tree));
                    Box::pin(async move {
                        let bad = |error: SerdeError| CallError::bad_input(stringify!($name), error.to_string());
                        let wire = Wire::new(Input::erase(input.map_err(bad)?));
                        let sent = client.$method().customize().interceptor(wire.clone()).send().await;
                        let output = sent.map_err(|error| CallError::from_sdk(stringify!($name), &error))?;
                        let tree = bridge::write($output::SCHEMA, &output).map_err(bad)?;
                        Ok(Reply { tree, date: wire.date() })
                    })
                },
                echo_input: |tree| bridge::write($input::SCHEMA, &$input::deserialize(&mut TreeReader::new(tree))?),
                echo_output: |tree| bridge::write($output::SCHEMA, &$output::deserialize(&mut TreeReader::new(tree))?),
                walk: |walker| [$input::deserialize(walker).map(drop), $output::deserialize(walker).map(drop)],
            }
        }),*];
    };
}

operations! {
    associate_gateway_with_cluster AssociateGatewayWithCluster AssociateGatewayWithClusterInput AssociateGatewayWithClusterOutput;
    continue_service_deployment ContinueServiceDeployment ContinueServiceDeploymentInput ContinueServiceDeploymentOutput;
    create_capacity_provider CreateCapacityProvider CreateCapacityProviderInput CreateCapacityProviderOutput;
    create_cluster CreateCluster CreateClusterInput CreateClusterOutput;
    create_daemon CreateDaemon CreateDaemonInput CreateDaemonOutput;
    create_express_gateway_service CreateExpressGatewayService CreateExpressGatewayServiceInput CreateExpressGatewayServiceOutput;
    create_gateway CreateGateway CreateGatewayInput CreateGatewayOutput;
    create_service CreateService CreateServiceInput CreateServiceOutput;
    create_task_set CreateTaskSet CreateTaskSetInput CreateTaskSetOutput;
    delete_account_setting DeleteAccountSetting DeleteAccountSettingInput DeleteAccountSettingOutput;
    delete_attributes DeleteAttributes DeleteAttributesInput DeleteAttributesOutput;
    delete_capacity_provider DeleteCapacityProvider DeleteCapacityProviderInput DeleteCapacityProviderOutput;
    delete_cluster DeleteCluster DeleteClusterInput DeleteClusterOutput;
    delete_daemon DeleteDaemon DeleteDaemonInput DeleteDaemonOutput;
    delete_daemon_task_definition DeleteDaemonTaskDefinition DeleteDaemonTaskDefinitionInput DeleteDaemonTaskDefinitionOutput;
    delete_express_gateway_service DeleteExpressGatewayService DeleteExpressGatewayServiceInput DeleteExpressGatewayServiceOutput;
    delete_gateway DeleteGateway DeleteGatewayInput DeleteGatewayOutput;
    delete_service DeleteService DeleteServiceInput DeleteServiceOutput;
    delete_task_definitions DeleteTaskDefinitions DeleteTaskDefinitionsInput DeleteTaskDefinitionsOutput;
    delete_task_set DeleteTaskSet DeleteTaskSetInput DeleteTaskSetOutput;
    deregister_container_instance DeregisterContainerInstance DeregisterContainerInstanceInput DeregisterContainerInstanceOutput;
    deregister_task_definition DeregisterTaskDefinition DeregisterTaskDefinitionInput DeregisterTaskDefinitionOutput;
    describe_capacity_providers DescribeCapacityProviders DescribeCapacityProvidersInput DescribeCapacityProvidersOutput;
    describe_clusters DescribeClusters DescribeClustersInput DescribeClustersOutput;
    describe_container_instances DescribeContainerInstances DescribeContainerInstancesInput DescribeContainerInstancesOutput;
    describe_daemon DescribeDaemon DescribeDaemonInput DescribeDaemonOutput;
    describe_daemon_deployments DescribeDaemonDeployments DescribeDaemonDeploymentsInput DescribeDaemonDeploymentsOutput;
    describe_daemon_revisions DescribeDaemonRevisions DescribeDaemonRevisionsInput DescribeDaemonRevisionsOutput;
    describe_daemon_task_definition DescribeDaemonTaskDefinition DescribeDaemonTaskDefinitionInput DescribeDaemonTaskDefinitionOutput;
    describe_express_gateway_service DescribeExpressGatewayService DescribeExpressGatewayServiceInput DescribeExpressGatewayServiceOutput;
    describe_gateway DescribeGateway DescribeGatewayInput DescribeGatewayOutput;
    describe_gateway_resources DescribeGatewayResources DescribeGatewayResourcesInput DescribeGatewayResourcesOutput;
    describe_gateway_route DescribeGatewayRoute DescribeGatewayRouteInput DescribeGatewayRouteOutput;
    describe_service_deployments DescribeServiceDeployments DescribeServiceDeploymentsInput DescribeServiceDeploymentsOutput;
    describe_service_revisions DescribeServiceRevisions DescribeServiceRevisionsInput DescribeServiceRevisionsOutput;
    describe_services DescribeServices DescribeServicesInput DescribeServicesOutput;
    describe_task_definition DescribeTaskDefinition DescribeTaskDefinitionInput DescribeTaskDefinitionOutput;
    describe_task_sets DescribeTaskSets DescribeTaskSetsInput DescribeTaskSetsOutput;
    describe_tasks DescribeTasks DescribeTasksInput DescribeTasksOutput;
    disassociate_gateway_from_cluster DisassociateGatewayFromCluster DisassociateGatewayFromClusterInput DisassociateGatewayFromClusterOutput;
    discover_poll_endpoint DiscoverPollEndpoint DiscoverPollEndpointInput DiscoverPollEndpointOutput;
    execute_command ExecuteCommand ExecuteCommandInput ExecuteCommandOutput;
    get_task_protection GetTaskProtection GetTaskProtectionInput GetTaskProtectionOutput;
    list_account_settings ListAccountSettings ListAccountSettingsInput ListAccountSettingsOutput;
    list_attributes ListAttributes ListAttributesInput ListAttributesOutput;
    list_clusters ListClusters ListClustersInput ListClustersOutput;
    list_container_instances ListContainerInstances ListContainerInstancesInput ListContainerInstancesOutput;
    list_daemon_deployments ListDaemonDeployments ListDaemonDeploymentsInput ListDaemonDeploymentsOutput;
    list_daemon_task_definitions ListDaemonTaskDefinitions ListDaemonTaskDefinitionsInput ListDaemonTaskDefinitionsOutput;
    list_daemons ListDaemons ListDaemonsInput ListDaemonsOutput;
    list_gateway_cluster_associations ListGatewayClusterAssociations ListGatewayClusterAssociationsInput ListGatewayClusterAssociationsOutput;
    list_gateway_routes ListGatewayRoutes ListGatewayRoutesInput ListGatewayRoutesOutput;
    list_gateways ListGateways ListGatewaysInput ListGatewaysOutput;
    list_service_deployments ListServiceDeployments ListServiceDeploymentsInput ListServiceDeploymentsOutput;
    list_services ListServices ListServicesInput ListServicesOutput;
    list_services_by_namespace ListServicesByNamespace ListServicesByNamespaceInput ListServicesByNamespaceOutput;
    list_tags_for_resource ListTagsForResource ListTagsForResourceInput ListTagsForResourceOutput;
    list_task_definition_families ListTaskDefinitionFamilies ListTaskDefinitionFamiliesInput ListTaskDefinitionFamiliesOutput;
    list_task_definitions ListTaskDefinitions ListTaskDefinitionsInput ListTaskDefinitionsOutput;
    list_tasks ListTasks ListTasksInput ListTasksOutput;
    put_account_setting PutAccountSetting PutAccountSettingInput PutAccountSettingOutput;
    put_account_setting_default PutAccountSettingDefault PutAccountSettingDefaultInput PutAccountSettingDefaultOutput;
    put_attributes PutAttributes PutAttributesInput PutAttributesOutput;
    put_cluster_capacity_providers PutClusterCapacityProviders PutClusterCapacityProvidersInput PutClusterCapacityProvidersOutput;
    register_container_instance RegisterContainerInstance RegisterContainerInstanceInput RegisterContainerInstanceOutput;
    register_daemon_task_definition RegisterDaemonTaskDefinition RegisterDaemonTaskDefinitionInput RegisterDaemonTaskDefinitionOutput;
    register_task_definition RegisterTaskDefinition RegisterTaskDefinitionInput RegisterTaskDefinitionOutput;
    run_task RunTask RunTaskInput RunTaskOutput;
    start_task StartTask StartTaskInput StartTaskOutput;
    stop_service_deployment StopServiceDeployment StopServiceDeploymentInput StopServiceDeploymentOutput;
    stop_task StopTask StopTaskInput StopTaskOutput;
    submit_attachment_state_changes SubmitAttachmentStateChanges SubmitAttachmentStateChangesInput SubmitAttachmentStateChangesOutput;
    submit_container_state_change SubmitContainerStateChange SubmitContainerStateChangeInput SubmitContainerStateChangeOutput;
    submit_task_state_change SubmitTaskStateChange SubmitTaskStateChangeInput SubmitTaskStateChangeOutput;
    tag_resource TagResource TagResourceInput TagResourceOutput;
    untag_resource UntagResource UntagResourceInput UntagResourceOutput;
    update_capacity_provider UpdateCapacityProvider UpdateCapacityProviderInput UpdateCapacityProviderOutput;
    update_cluster UpdateCluster UpdateClusterInput UpdateClusterOutput;
    update_cluster_settings UpdateClusterSettings UpdateClusterSettingsInput UpdateClusterSettingsOutput;
    update_container_agent UpdateContainerAgent UpdateContainerAgentInput UpdateContainerAgentOutput;
    update_container_instances_state UpdateContainerInstancesState UpdateContainerInstancesStateInput UpdateContainerInstancesStateOutput;
    update_daemon UpdateDaemon UpdateDaemonInput UpdateDaemonOutput;
    update_express_gateway_service UpdateExpressGatewayService UpdateExpressGatewayServiceInput UpdateExpressGatewayServiceOutput;
    update_gateway UpdateGateway UpdateGatewayInput UpdateGatewayOutput;
    update_service UpdateService UpdateServiceInput UpdateServiceOutput;
    update_service_primary_task_set UpdateServicePrimaryTaskSet UpdateServicePrimaryTaskSetInput UpdateServicePrimaryTaskSetOutput;
    update_task_protection UpdateTaskProtection UpdateTaskProtectionInput UpdateTaskProtectionOutput;
    update_task_set UpdateTaskSet UpdateTaskSetInput UpdateTaskSetOutput;
}

/// Puts our input in place of the empty one, and takes the date from the answer.
#[derive(Clone, Debug)]
struct Wire {
    input: Arc<Mutex<Option<Input>>>,
    date: Arc<Mutex<Option<Time>>>,
}

impl Wire {
    fn new(input: Input) -> Self {
        Self { input: Arc::new(Mutex::new(Some(input))), date: Arc::default() }
    }

    fn date(&self) -> Option<Time> {
        *self.date.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Wire {
    fn name(&self) -> &'static str {
        "trees on the wire"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(input) = self.input.lock().unwrap_or_else(PoisonError::into_inner).take() {
            *context.input_mut() = input;
        }
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").and_then(http_date);
        *self.date.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}

pub(super) fn http_date(text: &str) -> Option<Time> {
    let date = aws_smithy_types::DateTime::from_str(text, aws_smithy_types::date_time::Format::HttpDate).ok()?;
    date.to_millis().ok().map(Time)
}
