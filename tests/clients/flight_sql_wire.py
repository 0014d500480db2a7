"""The wire for the checks of `flight_sql.py`: messages written and read by hand, calls without a
client library, and what a refusal has to look like.

Nothing is generated, so that no library's idea of a message stands between a check and the server.
"""

import re
import struct
import time

import grpc
import pyarrow as pa
import pyarrow.flight as flight

# For one call. Nothing that is checked takes a tenth of it, unless the server is stuck.
TIMEOUT = 60
OPTIONS = flight.FlightCallOptions(timeout=TIMEOUT)

CHECKS = []


def check(function):
    """Makes a function of a `Server` one of the checks."""
    CHECKS.append(function)
    return function


def same(found, expected, what):
    assert found == expected, f"{what}: {found!r} is not {expected!r}"


# Protocol buffers.


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def message(fields):
    """A message from its fields by number: text, bytes, numbers, truths, other messages as
    dictionaries, and lists of those; `None` is absent."""
    out = b""
    for number, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            out += field(number, one)
    return out


def field(number, value):
    match value:
        case None:
            return b""
        case dict():
            return field(number, message(value))
        case str():
            return field(number, value.encode())
        case bytes():
            return varint(number << 3 | 2) + varint(len(value)) + value
        case float():
            return varint(number << 3 | 1) + struct.pack("<d", value)
        case int():
            return varint(number << 3) + varint(value)
    raise TypeError(value)


def fields(data):
    """The fields of a message: for each number the list of its values, numbers or bytes."""
    found, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value

    def take(count):
        nonlocal at
        at += count
        assert at <= len(data), "a message ends in the middle of a field"
        return data[at - count : at]

    while at < len(data):
        key = number()
        kind = key & 7
        assert kind in (0, 1, 2, 5), f"not a message: {data[:80]!r}"
        value = number() if kind == 0 else take({1: 8, 5: 4}.get(kind) or number())
        found.setdefault(key >> 3, []).append(value)
    return found


def only(data, number, default=b""):
    """The last value of a field."""
    return fields(data).get(number, [default])[-1]


PREFIX = "type.googleapis.com/arrow.flight.protocol.sql."


def any_of(name, body=None):
    """A Flight SQL message in its `Any`."""
    return message({1: PREFIX + name, 2: message(body or {}) or None})


def from_any(data, name):
    """The body of an `Any` that holds a message of this name."""
    same(only(data, 1).decode(), PREFIX + name, "the type of an answer")
    return only(data, 2)


# Calls.

SERVICE = "/arrow.flight.protocol.FlightService/"
PATH, COMMAND = 1, 2


def described(command):
    return flight.FlightDescriptor.for_command(command)


class Server:
    """What is checked."""

    def __init__(self, address):
        self.address = address
        self.target = address.removeprefix("grpc://")
        self.flightsql = f"flightsql://{self.target}?transport=tcp"
        self.client = flight.connect(address)
        self.channel = self.connect()
        grpc.channel_ready_future(self.channel).result(timeout=10)

    def connect(self):
        """A connection that nobody else has, although gRPC shares them by default."""
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
        return grpc.insecure_channel(self.target, options)

    # With pyarrow, which is the C++ client.

    def info(self, command):
        return self.client.get_flight_info(described(command), OPTIONS)

    def schema(self, command):
        return self.client.get_schema(described(command), OPTIONS).schema

    def redeem(self, ticket):
        return self.client.do_get(flight.Ticket(ticket), OPTIONS)

    def read(self, command):
        """What a command answers; its schema is the announced one."""
        info = self.info(command)
        same(len(info.endpoints), 1, "endpoints")
        reader = self.redeem(info.endpoints[0].ticket.ticket)
        assert reader.schema.equals(info.schema), f"{reader.schema} was {info.schema} before"
        return reader.read_all()

    def sql(self, text):
        return self.read(any_of("CommandStatementQuery", {1: text}))

    def count(self, table):
        return self.sql(f"SELECT count(*) AS n FROM {table}")["n"][0].as_py()

    def act(self, name, body=b""):
        """The answers of an action."""
        found = self.client.do_action(flight.Action(name, body), OPTIONS)
        return [answer.body.to_pybytes() for answer in found]

    def prepare(self, text):
        """Handle, schema of the answer, and schema of the parameters of a statement."""
        body = any_of("ActionCreatePreparedStatementRequest", {1: text})
        (answer,) = self.act("CreatePreparedStatement", body)
        made = from_any(answer, "ActionCreatePreparedStatementResult")
        return only(made, 1), schema_of(only(made, 2)), schema_of(only(made, 3))

    # Without any client.

    def unary(self, method, request, metadata=(), channel=None):
        call = (channel or self.channel).unary_unary(SERVICE + method)
        return call(request, metadata=metadata, timeout=TIMEOUT)

    def stream(self, method, request, metadata=(), channel=None, timeout=TIMEOUT):
        call = (channel or self.channel).unary_stream(SERVICE + method)
        return call(request, metadata=metadata, timeout=timeout)

    def handshake(self, requests=(), metadata=()):
        """What came with the answer before its messages, by name."""
        call = self.channel.stream_stream(SERVICE + "Handshake")
        call = call(iter(requests), metadata=metadata, timeout=TIMEOUT)
        initial = dict(call.initial_metadata())
        list(call)
        return initial

    def ticket(self, command):
        """The only ticket to the answer of a command."""
        info = self.unary("GetFlightInfo", message({1: COMMAND, 2: command}))
        (endpoint,) = fields(info)[3]
        return only(only(endpoint, 1), 1)


def schema_of(data):
    """The schema in an encapsulated message of Arrow IPC; `None` for no bytes."""
    if not data:
        return None
    marker, length = struct.unpack_from("<II", data)
    assert marker == 0xFFFFFFFF, f"an encapsulated message begins with FFFFFFFF, not {marker:08X}"
    assert length % 8 == 0 and length + 8 == len(data), f"{length} of {len(data)} bytes"
    return pa.ipc.read_schema(pa.py_buffer(data))


# Refusals.

# What the exceptions of pyarrow, of gRPC and of ADBC are among gRPC's codes.
CODES = {
    "ArrowInvalid": "INVALID_ARGUMENT",
    "ArrowKeyError": "NOT_FOUND",
    "ArrowNotImplementedError": "UNIMPLEMENTED",
    "ArrowCancelled": "CANCELLED",
    "FlightCancelledError": "CANCELLED",
    "FlightTimedOutError": "DEADLINE_EXCEEDED",
    "FlightUnauthenticatedError": "UNAUTHENTICATED",
    "FlightUnauthorizedError": "PERMISSION_DENIED",
    "NOT_IMPLEMENTED": "UNIMPLEMENTED",
    "UNAUTHORIZED": "PERMISSION_DENIED",
    "TIMEOUT": "DEADLINE_EXCEEDED",
}

# What libraries say in place of a sentence for people.
NO_SENTENCE = ["rotobuf message", "DecodeError", "wire type", "buffer underflow", "panicked"]
NO_SENTENCE += ["has no default implementation", "ot yet implemented", "Unable to unpack", "Some("]


# What clients put around the words of a server.
AROUND = [r"with message: (.*?)(?:\. gRPC client debug context|\. Detail: |$)"]
AROUND += [r"\[FlightSQL\] (.*?)(?: \(\w+; [^()]*\)\. Vendor code: \d+)?$"]


def failed(error):
    """The code and the words of a failure, whichever client tells of it."""
    if isinstance(error, grpc.RpcError):
        return error.code().name, error.details()
    code = getattr(getattr(error, "status_code", None), "name", type(error).__name__)
    said = str(error)
    for pattern in AROUND:
        found = re.search(pattern, said, re.DOTALL)
        said = found[1] if found else said
    return CODES.get(code, code), said


def fails(call, codes):
    """The words with which a call fails, which has to be with one of `codes`."""
    try:
        answer = call()
    except AssertionError:
        raise
    except Exception as error:
        code, said = failed(error)
    else:
        raise AssertionError(f"nothing was refused, the answer is {answer!r:.200}")
    assert code in codes.split("|"), f"{code} is not {codes}: {said}"
    return said


def refused(call, codes, *patterns):
    """A call has to fail with one of `codes`, in a sentence in which each pattern is found."""
    said = fails(call, codes)
    assert len(said.split()) > 3, f"no sentence: {said!r}"
    # What lies behind it may stand below.
    for words in NO_SENTENCE:
        assert words not in said.splitlines()[0], f"a library speaks: {said}"
    for pattern in patterns:
        assert re.search(pattern, said, re.IGNORECASE), f"`{pattern}` is not in: {said}"


def runs_or_refuses(call, codes, *patterns):
    """A call may do what it says, or be refused as `refused` has it; what it answers."""
    try:
        return call()
    except Exception as error:
        fault = error

    def again():
        raise fault

    refused(again, codes, *patterns)
    return None


# What a refusal to write says, and with which codes it comes.
WRITES = ("UNIMPLEMENTED|PERMISSION_DENIED", "only reads|read-only")


def seconds(call):
    """How long a call takes."""
    began = time.monotonic()
    call()
    return time.monotonic() - began
