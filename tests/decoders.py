"""Decoders of nothing, which another process can import."""

from __future__ import annotations

import os
import signal

from components.imaging.files.unreadable import TooManyPixels


def parent_of(_content: bytes) -> int:
    return os.getppid()


def work(_content: bytes) -> None:
    while True:
        pass


def end_by_fault(_content: bytes) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def print_first(content: bytes) -> bytes:
    print("chatter")
    return content


def refuse(_content: bytes) -> None:
    raise TooManyPixels("of their own")


def process(_content: bytes) -> int:
    return os.getpid()
