"""How answers leave the server: in one piece, and nothing of one that is cut off."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock, call

import pytest

from mock_authz.serving import LARGE_PIECE, WholeAnswers


@pytest.fixture
def below() -> Mock:
    return Mock(spec=asyncio.Transport)


async def _turn() -> None:
    """Let the event loop go round once."""
    turned = asyncio.Event()
    asyncio.get_running_loop().call_soon(turned.set)
    await turned.wait()


def test_head_and_body_leave_in_one_piece(below: Mock) -> None:
    async def answer() -> None:
        transport = WholeAnswers(below, asyncio.get_running_loop())
        transport.write(b"head")
        transport.write(b"body")
        below.write.assert_not_called()
        await _turn()

    asyncio.run(answer())

    assert below.write.mock_calls == [call(b"headbody")]


def test_what_is_written_in_another_turn_leaves_by_itself(below: Mock) -> None:
    async def stream() -> None:
        transport = WholeAnswers(below, asyncio.get_running_loop())
        for piece in (b"one", b"two"):
            transport.write(piece)
            await _turn()

    asyncio.run(stream())

    assert below.write.mock_calls == [call(b"one"), call(b"two")]


def test_a_large_piece_does_not_wait(below: Mock) -> None:
    async def answer() -> None:
        transport = WholeAnswers(below, asyncio.get_running_loop())
        transport.write(b"head")
        transport.write(b"x" * LARGE_PIECE)
        below.write.assert_called_once_with(b"head" + b"x" * LARGE_PIECE)
        await _turn()

    asyncio.run(answer())

    assert below.write.call_count == 1


def test_what_was_written_leaves_before_the_connection_closes(below: Mock) -> None:
    async def answer() -> None:
        transport = WholeAnswers(below, asyncio.get_running_loop())
        transport.write(b"whole")
        transport.close()
        await _turn()

    asyncio.run(answer())

    assert below.mock_calls == [call.write(b"whole"), call.close()]


def test_an_aborted_connection_sends_nothing_more(below: Mock) -> None:
    async def answer() -> None:
        transport = WholeAnswers(below, asyncio.get_running_loop())
        transport.write(b"never")
        transport.abort()
        await _turn()

    asyncio.run(answer())

    assert below.mock_calls == [call.abort()]
