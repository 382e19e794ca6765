//! Ports, networks and proxies.

use super::Row;

pub const PORTS: &[Row] = &[
    (
        "ec2",
        "{'networkMode':'none','containerDefinitions':[PORT_80]}",
        "{'networkMode':'bridge','containerDefinitions':[PORT_80]}",
        "Port mappings are not supported when networkMode=none.",
    ),
    (
        "ec2",
        "a:{'portMappings':[{'containerPort':1,'containerPortRange':'1-2'}]}",
        "a:{'portMappings':[{'containerPortRange':'1-2'}]}",
        "cannot specify both single port and port range",
    ),
    (
        "ec2",
        "a:{'portMappings':[{'containerPort':65536}]}",
        "a:{'portMappings':[{'containerPort':65535}]}",
        "Invalid 'containerPort' setting for container 'a'.",
    ),
    (
        "ec2",
        "a:{'portMappings':[{'containerPortRange':'1-101'}]}",
        "a:{'portMappings':[{'containerPortRange':'1-100'}]}",
        "Invalid 'containerPortRange' setting for container 'a'.",
    ),
    (
        "awsvpc",
        "a:{'portMappings':[{'containerPort':80,'hostPort':8080}]}",
        "a:{'portMappings':[{'containerPort':80,'hostPort':80}]}",
        "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
    ),
    (
        "awsvpc",
        "a:{'portMappings':[{'containerPort':80},{'containerPort':80,'protocol':'tcp'}]}",
        "a:{'portMappings':[{'containerPort':80},{'containerPort':80,'protocol':'udp'}]}",
        "container port is used multiple times in task",
    ),
    (
        "ec2",
        "a:{'portMappings':[{'containerPort':80,'hostPort':3000},{'containerPort':81,'hostPort':3000}]}",
        "a:{'portMappings':[{'containerPort':80,'hostPort':3000},{'containerPort':81,'hostPort':3001}]}",
        "TCP host port '3000' is mapped multiple times in task",
    ),
    (
        "ec2",
        "{'networkMode':'host','containerDefinitions':[BOUND_UDP,BOUND_TWICE]}",
        "{'networkMode':'host','containerDefinitions':[BOUND_UDP]}",
        "UDP host port '53' is mapped multiple times in task",
    ),
    (
        "ec2",
        "a:{'portMappings':[{'containerPort':80,'name':'Web'}]}",
        "a:{'portMappings':[{'containerPort':80,'name':'web'}]}",
        "Invalid port mapping name 'Web'.",
    ),
    (
        "ec2",
        "a:{'portMappings':[{'containerPort':80,'name':'w'},{'containerPort':81,'name':'w'}]}",
        "a:{'portMappings':[{'containerPort':80,'name':'w'},{'containerPort':81,'name':'x'}]}",
        "port mapping name is already used",
    ),
];

pub const NETWORK: &[Row] = &[
    ("awsvpc", "a:{'hostname':'h'}", "{}", "hostname is not supported on container when networkMode=awsvpc."),
    (
        "awsvpc",
        "a:{'extraHosts':[{'hostname':'h','ipAddress':'1.1.1.1'}]}",
        "{}",
        "Extra hosts are not supported on container when networkMode=awsvpc.",
    ),
    (
        "awsvpc",
        "a:{'dnsServers':['1.1.1.1']}",
        "a:{'dnsServers':[]}",
        "DNS servers are not supported on container when networkMode=awsvpc.",
    ),
    (
        "awsvpc",
        "a:{'disableNetworking':true}",
        "a:{'disableNetworking':false}",
        "Disable Networking is not supported on container when networkMode=awsvpc.",
    ),
    (
        "ec2",
        "{'networkMode':'host','containerDefinitions':[LINKED,B]}",
        "{'networkMode':'bridge','containerDefinitions':[LINKED,B]}",
        "Links are not supported on container when networkMode=host.",
    ),
    (
        "external",
        "{'networkMode':'awsvpc'}",
        "{'networkMode':'host'}",
        "External compatible task definitions do not support network mode 'awsvpc'.",
    ),
    (
        "ec2",
        "{'networkMode':'bridge','proxyConfiguration':{'containerName':'a'}}",
        "{'networkMode':'awsvpc','proxyConfiguration':{'containerName':'a',PROXIED}}",
        "APPMESH proxy configuration is only supported in networkMode=awsvpc",
    ),
    (
        "awsvpc",
        "{'proxyConfiguration':{'containerName':'envoy'}}",
        "{'proxyConfiguration':{'containerName':'a',PROXIED}}",
        "Proxy container [envoy] does not exist",
    ),
    (
        "awsvpc",
        "{'proxyConfiguration':{'containerName':'a','properties':[{'name':'ProxyIngressPort','value':'1'}]}}",
        "{'proxyConfiguration':{'containerName':'a',PROXIED}}",
        "Proxy egress port not found",
    ),
];
