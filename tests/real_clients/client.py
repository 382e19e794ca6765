"""Clients of the embedded ECS whose endpoint is the program's first argument."""

import sys

import boto3
from botocore.config import Config

# Refusals for want of speed are waited out.
PATIENT = Config(retries={"max_attempts": 10, "mode": "adaptive"})


def client(service="ecs", **more):
    return boto3.client(
        service,
        endpoint_url=sys.argv[1],
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        **more,
    )
