"""A C++ Flight server that keeps the batches of another server and serves them again.

    python pyarrow_server.py grpc://HOST:PORT [TICKET]
"""

import sys

import pyarrow.flight as flight

ticket = sys.argv[2].encode() if len(sys.argv) > 2 else b"users"
reader = flight.connect(sys.argv[1]).do_get(flight.Ticket(ticket))
schema, batches = reader.schema, [chunk.data for chunk in reader]


class Kept(flight.FlightServerBase):
    def do_get(self, context, ticket):
        return flight.GeneratorStream(schema, iter(batches))


server = Kept("grpc://127.0.0.1:0")
print(f"flight: grpc://127.0.0.1:{server.port}", flush=True)
server.serve()
