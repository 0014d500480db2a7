"""Asks a server for its health and its services: python services.py HOST:PORT"""

import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from google.protobuf.descriptor_pool import DescriptorPool

FLIGHT = "arrow.flight.protocol.FlightService"

channel = grpc.insecure_channel(sys.argv[1])
health = health_pb2_grpc.HealthStub(channel)
for service in ("", FLIGHT):
    answer = health.Check(health_pb2.HealthCheckRequest(service=service))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING, (service, answer)

database = ProtoReflectionDescriptorDatabase(channel)
services = set(database.get_services())
assert {FLIGHT, "grpc.health.v1.Health"} <= services, services
pool = DescriptorPool(database)
methods = {method.name for method in pool.FindServiceByName(FLIGHT).methods}
assert {"DoGet", "ListFlights", "PollFlightInfo"} <= methods, methods
fields = {field.name for field in pool.FindMessageTypeByName("entra_flight.v1.Read").fields}
assert {"table", "columns", "limit"} <= fields, fields
print("health and reflection answer;", len(methods), "methods of Flight")
