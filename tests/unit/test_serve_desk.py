"""The desk of a server: so many requests, for so long; a place is free when its work has ended."""

from __future__ import annotations

import asyncio
import time
from threading import Event

import pytest

from pipeline.serve.desk import Desk
from pipeline.serve.limits import Limits, Refusal


async def body() -> bytes:
    return b"body"


def upper(content: bytes) -> bytes:
    return content.upper()


def test_work_is_done_on_what_is_received() -> None:
    desk = Desk(Limits())
    assert asyncio.run(desk.do(body, upper)) == b"BODY"
    assert desk.inside == 0


def test_more_than_may_wait_are_told_to_come_later() -> None:
    desk, free = Desk(Limits(at_once=1, waiting=2)), Event()

    async def asked() -> list[object]:
        asks = [asyncio.create_task(desk.do(body, lambda _: free.wait(10))) for _ in range(4)]
        refused, _ = await asyncio.wait(asks, return_when=asyncio.FIRST_COMPLETED)
        assert desk.inside == 3
        free.set()
        return [refused.pop().exception(), *await asyncio.gather(*asks, return_exceptions=True)]

    refusal, *found = asyncio.run(asked())
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.headers, refusal.sentence) == (
        *(429, {"Retry-After": "1"}),
        "3 requests are being answered already: try again later",
    )
    assert found == [True, True, True, refusal]
    assert desk.inside == 0


def test_what_takes_too_long_keeps_its_place_until_it_ends() -> None:
    desk, free = Desk(Limits(at_once=1, waiting=0, seconds=0.05)), Event()

    async def asked() -> tuple[Refusal, Refusal]:
        with pytest.raises(Refusal) as late:
            await desk.do(body, lambda _: free.wait(10))
        with pytest.raises(Refusal) as full:
            await desk.do(body, upper)
        free.set()
        while desk.inside:
            await asyncio.sleep(0.001)
        assert await desk.do(body, upper) == b"BODY"
        return late.value, full.value

    late, full = asyncio.run(asked())
    assert (late.status, full.status) == (503, 429)
    assert late.sentence == "no answer within 0.05 seconds: try again, or ask for less at once"
    assert late.headers == {"Retry-After": "1"}


def test_who_sends_slowly_is_not_waited_for() -> None:
    desk = Desk(Limits(seconds=0.05))

    async def slow() -> bytes:
        await asyncio.sleep(10)
        return b""

    with pytest.raises(Refusal) as late:
        asyncio.run(desk.do(slow, upper))
    assert late.value.status == 503
    assert desk.inside == 0


def test_what_has_not_begun_in_time_is_not_begun() -> None:
    desk, free, begun = Desk(Limits(at_once=1, waiting=1, seconds=0.05)), Event(), Event()

    async def asked() -> None:
        asks = desk.do(body, lambda _: free.wait(10)), desk.do(body, lambda _: begun.set())
        found = await asyncio.gather(*asks, return_exceptions=True)
        assert [type(each) for each in found] == [Refusal, Refusal]
        free.set()

    asyncio.run(asked())
    desk.close()
    assert not begun.is_set()
    assert desk.inside == 0


def test_later_is_when_another_like_the_last_has_ended() -> None:
    desk = Desk(Limits(at_once=1, waiting=0, seconds=5))

    async def asked() -> Refusal:
        await desk.do(body, lambda _: time.sleep(1.1))
        going = asyncio.create_task(desk.do(body, lambda _: time.sleep(0.1)))
        await asyncio.sleep(0)
        with pytest.raises(Refusal) as full:
            await desk.do(body, upper)
        await going
        return full.value

    assert asyncio.run(asked()).headers == {"Retry-After": "2"}
