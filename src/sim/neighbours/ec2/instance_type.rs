//! Instance types as EC2 describes them, out of the table that placement goes by. Must not know: instances.

use crate::shape::Tree;
use crate::sim::ecs::Fault;
use crate::sim::ecs::coverage::{Entry, partial};
use crate::sim::ecs::instance::types::{self, Type};
use crate::tree;

use super::listing::Listing;

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[partial(
    "DescribeInstanceTypes",
    |world, input| LISTING.answer(world, input),
    "the types that the embedded ECS does not have; of the others, disks and speeds",
)];

const LISTING: Listing = Listing {
    ids: "InstanceTypes",
    missing: |name| {
        let text = format!("The following supplied instance types do not exist: [{name}]");
        Fault::new("InvalidInstanceType", text)
    },
    id: "InstanceType",
    filter: "Filters",
    list: "InstanceTypes",
    filters: &[
        ("bare-metal", "BareMetal"),
        ("burstable-performance-supported", "BurstablePerformanceSupported"),
        ("current-generation", "CurrentGeneration"),
        ("hypervisor", "Hypervisor"),
        ("instance-type", "InstanceType"),
        ("memory-info.size-in-mib", "MemoryInfo.SizeInMiB"),
        ("network-info.maximum-network-interfaces", "NetworkInfo.MaximumNetworkInterfaces"),
        ("processor-info.supported-architecture", "ProcessorInfo.SupportedArchitectures"),
        ("supported-root-device-type", "SupportedRootDeviceTypes"),
        ("supported-usage-class", "SupportedUsageClasses"),
        ("supported-virtualization-type", "SupportedVirtualizationTypes"),
        ("vcpu-info.default-vcpus", "VCpuInfo.DefaultVCpus"),
    ],
    all: |_| types::ALL.iter().map(show).collect(),
};

fn show(one: &Type) -> Tree {
    // Arm's cores have one thread each.
    let threads = if one.arm || one.vcpus == 1 { 1 } else { 2 };
    let gpus =
        (one.gpus > 0).then(|| tree! { "Gpus" => vec![tree! { "Count" => one.gpus, "Manufacturer" => "NVIDIA" }] });
    tree! {
        "InstanceType" => one.name,
        "CurrentGeneration" => true,
        "FreeTierEligible" => one.name == "t3.micro",
        "SupportedUsageClasses" => vec!["on-demand", "spot"],
        "SupportedRootDeviceTypes" => vec!["ebs"],
        "SupportedVirtualizationTypes" => vec!["hvm"],
        "BareMetal" => false,
        "Hypervisor" => "nitro",
        "ProcessorInfo" => tree! { "SupportedArchitectures" => vec![if one.arm { "arm64" } else { "x86_64" }] },
        "VCpuInfo" => tree! {
            "DefaultVCpus" => one.vcpus,
            "DefaultCores" => one.vcpus / threads,
            "DefaultThreadsPerCore" => threads,
        },
        "MemoryInfo" => tree! { "SizeInMiB" => one.memory_gib * 1024 },
        "NetworkInfo" => tree! {
            "MaximumNetworkInterfaces" => one.interfaces,
            "MaximumNetworkCards" => 1,
            "DefaultNetworkCardIndex" => 0,
            "Ipv6Supported" => true,
            "EnaSupport" => "required",
        },
        "BurstablePerformanceSupported" => one.name.starts_with('t'),
        "DedicatedHostsSupported" => !one.name.starts_with('t'),
        "HibernationSupported" => false,
        "AutoRecoverySupported" => true,
    }
    .with_some("GpuInfo", gpus)
}
