"""Reads a simulated tenant with Microsoft's own clients, msal and msgraph-sdk, over HTTPS.

Prints one line and ends with 0 when all of it is as it should be; a failed check ends with 1.

    python graph_sdk.py --graph https://127.0.0.1:PORT/v1.0 --login https://127.0.0.1:PORT --ca ca.pem
"""

import argparse
import asyncio
import ssl
import sys

import httpx
import msal
import requests
from kiota_abstractions.authentication import (
    AccessTokenProvider,
    AllowedHostsValidator,
    BaseBearerTokenAuthenticationProvider,
)
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.groups.item.members.members_request_builder import MembersRequestBuilder
from msgraph.generated.models.device import Device
from msgraph.generated.models.group import Group
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.service_principal import ServicePrincipal
from msgraph.generated.models.user import User
from msgraph.generated.users.count.count_request_builder import CountRequestBuilder
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core import GraphClientFactory

TENANT = "contoso.example"
CLIENT_ID = "00000000-0000-4000-8000-000000000001"
SECRET = "simulated-secret"

# Of how many groups the members are read: enough to meet members of every kind.
GROUPS = 40


def check(holds, said):
    """Ends the script when something is not as it should be."""
    if not holds:
        sys.exit(f"mismatch: {said}")


def application(options, secret):
    # What the environment says of authorities and proxies would win over what is said here.
    session = requests.Session()
    session.trust_env, session.verify = False, options.ca
    # Instance discovery asks Microsoft's cloud whether it knows the host; it does not.
    return msal.ConfidentialClientApplication(
        CLIENT_ID,
        authority=f"{options.login}/{TENANT}",
        client_credential=secret,
        instance_discovery=False,
        http_client=session,
    )


class Tokens(AccessTokenProvider):
    """Gives the SDK the tokens that msal fetches and keeps."""

    def __init__(self, application):
        self.application = application

    async def get_authorization_token(self, uri, additional_authentication_context={}):
        scopes = ["https://graph.microsoft.com/.default"]
        answer = self.application.acquire_token_for_client(scopes=scopes)
        check("access_token" in answer, f"no token: {answer}")
        return answer["access_token"]

    def get_allowed_hosts_validator(self):
        return AllowedHostsValidator([])


def client(options, tokens):
    trusted = ssl.create_default_context(cafile=options.ca)
    http = httpx.AsyncClient(
        verify=trusted, trust_env=False, base_url=options.graph, timeout=30
    )
    http = GraphClientFactory.create_with_default_middleware(client=http)
    provider = BaseBearerTokenAuthenticationProvider(tokens)
    adapter = GraphRequestAdapter(provider, client=http)
    adapter.base_url = options.graph
    return GraphServiceClient(request_adapter=adapter)


async def pages(builder, configuration):
    """All rows of a list, page after page, and how many pages they came on."""
    page = await builder.get(request_configuration=configuration)
    rows, count, links = list(page.value), 1, set()
    while page.odata_next_link:
        check(page.odata_next_link not in links, "a link led to itself")
        links.add(page.odata_next_link)
        # Headers are not carried by the link: they have to be sent again.
        again = RequestConfiguration(headers=configuration.headers)
        page = await builder.with_url(page.odata_next_link).get(request_configuration=again)
        rows += page.value
        count += 1
    return rows, count


async def all_users(graph):
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        select=["id", "displayName", "userPrincipalName", "accountEnabled", "createdDateTime"],
        top=100,
    )
    users, count = await pages(graph.users, RequestConfiguration(query_parameters=query))
    eventual = RequestConfiguration()
    eventual.headers.add("ConsistencyLevel", "eventual")
    told = await graph.users.count.get(request_configuration=eventual)
    check(len(users) == told, f"{len(users)} users were read and {told} counted")
    check(len({user.id for user in users}) == len(users), "a user came twice")
    check(count == -(-len(users) // 100), f"{len(users)} users came on {count} pages")
    check(count > 1, "there was no next page to follow")
    check(all(isinstance(user, User) for user in users), "a row is not a user")
    check(all(user.created_date_time.tzinfo for user in users), "a moment has no time zone")
    check(all(isinstance(user.account_enabled, bool) for user in users), "no boolean")
    return users


async def some_users(graph, users):
    """A filter that only the index answers, an expanded manager, one user, and none."""
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        filter="accountEnabled ne true and endsWith(userPrincipalName,'.example')",
        orderby=["displayName"],
        select=["id", "accountEnabled", "userPrincipalName"],
        count=True,
        top=7,
    )
    configuration = RequestConfiguration(query_parameters=query)
    configuration.headers.add("ConsistencyLevel", "eventual")
    disabled, _ = await pages(graph.users, configuration)
    wanted = {
        user.id
        for user in users
        if not user.account_enabled and user.user_principal_name.endswith(".example")
    }
    check({user.id for user in disabled} == wanted, "the filter gave other users")

    query = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(
        select=["id", "displayName"], expand=["manager($select=id,displayName)"]
    )
    configuration = RequestConfiguration(query_parameters=query)
    managed = 0
    for user in users[:10]:
        one = await graph.users.by_user_id(user.id).get(request_configuration=configuration)
        check(one.display_name == user.display_name, "one user is not as in the list")
        managed += isinstance(one.manager, User)
    check(managed > 0, "nobody among ten has a manager")

    try:
        await graph.users.by_user_id("nobody@contoso.example").get()
        check(False, "a user was found who does not exist")
    except ODataError as error:
        check(error.response_status_code == 404, f"status {error.response_status_code}")
        check(error.error.code == "Request_ResourceNotFound", f"code {error.error.code}")
        check(bool(error.error.inner_error.request_id), "an error without a request id")


async def all_members(graph):
    groups, _ = await pages(graph.groups, RequestConfiguration())
    groups = groups[:GROUPS]
    query = MembersRequestBuilder.MembersRequestBuilderGetQueryParameters(
        select=["id", "displayName"], top=5
    )
    rows, paged, kinds = 0, 0, set()
    for group in groups:
        builder = graph.groups.by_group_id(group.id).members
        members, count = await pages(builder, RequestConfiguration(query_parameters=query))
        check(len({one.id for one in members}) == len(members), "a member came twice")
        rows, paged = rows + len(members), paged + (count > 1)
        kinds |= {type(member) for member in members}
    check(paged > 0, "no group has members on a second page")
    check({User, Group, Device} <= kinds, f"members are only {kinds}")
    check(ServicePrincipal not in kinds, "v1.0 listed a service principal as a member")
    return len(groups), rows


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--graph", required=True)
    parser.add_argument("--login", required=True)
    parser.add_argument("--ca", required=True)
    options = parser.parse_args()

    refused = application(options, "a wrong secret").acquire_token_for_client(
        scopes=["https://graph.microsoft.com/.default"]
    )
    check(refused.get("error") == "invalid_client", f"a wrong secret gave {refused}")
    check(refused.get("error_codes") == [7000215], f"a wrong secret gave {refused}")

    graph = client(options, Tokens(application(options, SECRET)))
    users = await all_users(graph)
    await some_users(graph, users)
    groups, members = await all_members(graph)
    print(f"msgraph-sdk read {len(users)} users and {members} members of {groups} groups")


asyncio.run(main())
