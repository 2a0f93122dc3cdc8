"""The sandbox itself in the management API: its settings, and all of it as a seed file."""

from __future__ import annotations

import asyncio

from mock_authz.oauth.reply import YAML, Reply
from mock_authz.seed.dumping import dump_seed
from mock_authz.settings import Settings, as_mapping
from mock_authz.usecases import administer
from mock_authz.usecases.context import Context
from mock_authz.web.rest import Call
from mock_authz.web.settings_body import read_settings


def show_settings(_: Call, context: Context) -> Reply:
    """Show all settings."""
    return Reply(200, as_mapping(context.settings))


def change_settings(call: Call, context: Context) -> Reply:
    """Change some settings, for what is issued later."""
    given = call.body.members()
    read_settings(call.body, given, over=Settings())
    call.body.finish()
    if not given:
        return show_settings(call, context)
    return Reply(200, as_mapping(administer.change_settings(context, given).settings))


async def dump(_: Call, context: Context) -> Reply:
    """Write the sandbox as a seed file."""
    # In a thread: it hashes the passwords that nobody has used yet.
    text = await asyncio.to_thread(dump_seed, context.store, context.sandbox)
    # RFC 9512: YAML. It holds hashes of passwords, so nobody is to keep it unasked.
    return Reply(200, media_type=YAML, text=text, headers={"cache-control": "no-store"})
