"""Chromium without a screen, by the DevTools protocol: a page is used as a person uses it."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

import websocket

CHROMIUM = shutil.which("chromium")
_WAITS_SECONDS = 60


class Page:
    """A page; keys go to what has the focus."""

    def __init__(self, socket: websocket.WebSocket) -> None:
        self._socket = socket
        self._number = 0
        self.asked: list[str] = []
        """The addresses of all that it has loaded."""
        self.complaints: list[str] = []
        """Of scripts and of the rules about what may be loaded."""
        for domain in ("Page", "Runtime", "Network", "DOM", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while (message := json.loads(self._socket.recv())).get("id") != self._number:
            self._note(message)
        assert "error" not in message, message
        return message["result"]

    def _note(self, message: dict[str, Any]) -> None:
        told = message.get("params", {})
        if message["method"] == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])
        elif message["method"] == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"]))
        elif message["method"] == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.complaints.append(told["entry"]["text"])

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def value(self, expression: str) -> Any:
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, expression: str) -> None:
        until = time.monotonic() + _WAITS_SECONDS
        while not self.value(expression):
            assert time.monotonic() < until, expression
            time.sleep(0.02)

    def choose(self, selector: str, *files: Path) -> None:
        """Files, in a field for them."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def press(self, key: str, code: int, text: str = "") -> None:
        written = {"text": text} if text else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **written)

    def picture(self, file: Path) -> None:
        file.write_bytes(b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]))


@contextmanager
def page(width: int = 1280, height: int = 800, *, downloads: Path | None = None) -> Iterator[Page]:
    """A page in a browser of its own."""
    assert CHROMIUM
    with TemporaryDirectory() as profile:
        options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0")
        options += (f"--window-size={width},{height}", f"--user-data-dir={profile}", "--remote-allow-origins=*")
        browser = subprocess.Popen(
            [CHROMIUM, *options, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            port = _port(Path(profile) / "DevToolsActivePort")
            with urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
                [target] = [each for each in json.load(answer) if each["type"] == "page"]
            socket = websocket.create_connection(target["webSocketDebuggerUrl"], timeout=_WAITS_SECONDS)
            opened = Page(socket)
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            opened.call("Emulation.setDeviceMetricsOverride", **size)
            if downloads:
                opened.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
            yield opened
            socket.close()
        finally:
            browser.terminate()
            browser.wait(30)


def _port(file: Path) -> int:
    until = time.monotonic() + _WAITS_SECONDS
    while not file.is_file() or not file.read_text():
        assert time.monotonic() < until, "Chromium does not start"
        time.sleep(0.05)
    return int(file.read_text().splitlines()[0])
