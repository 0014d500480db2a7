"""A simulated object store on a free port, until standard input ends: python bucket.py BUCKET"""

import sys

import boto3
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
address = f"http://{host}:{port}"
boto3.client("s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="id",
             aws_secret_access_key="secret").create_bucket(Bucket=sys.argv[1])
print(f"bucket: {address}", flush=True)
sys.stdin.read()
server.stop()
