"""A headless Chromium, driven over its DevTools protocol on a pair of pipes: no port
is opened, and nothing but the loopback can be reached."""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-breakpad",
    "--metrics-recording-only",
    "--no-proxy-server",
    "--lang=en-US",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def find_chromium():
    return shutil.which("chromium")


class Browser:
    """One browser with one tab; what the tab asked for and complained about is in requests and
    problems."""

    def __init__(self, timeout=60):
        self.timeout = timeout
        self.ids = itertools.count(1)
        self.requests, self.problems = [], []
        self.buffer, self.session = b"", None
        self.profile = tempfile.mkdtemp(prefix="imagebuild-page-")
        their_in, self.out = os.pipe()
        self.inp, their_out = os.pipe()
        command = [find_chromium(), *FLAGS, f"--user-data-dir={self.profile}", "about:blank"]
        # The protocol's descriptors are 3 and 4.
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{their_in} 4>&{their_out}', "chromium", *command],
            pass_fds=(their_in, their_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": self.profile},
        )
        os.close(their_in)
        os.close(their_out)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def close(self):
        try:
            self.session = None
            self.call("Browser.close")
            self.process.wait(20)
        except (OSError, RuntimeError, TimeoutError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.out)
        os.close(self.inp)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, **parameters):
        number = next(self.ids)
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + self.timeout
        while True:
            answer = self._receive(end)
            if answer.get("id") != number:
                self._note(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            else:
                return answer["result"]

    def _receive(self, end):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.inp], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser does not answer")
            data = os.read(self.inp, 1 << 20)
            if not data:
                raise RuntimeError("the browser has ended")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def _note(self, event):
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.problems.append(
                parameters["entry"]["text"] + " " + parameters["entry"].get("url", "")
            )
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in (
            "error",
            "warning",
            "assert",
        ):
            self.problems.append(json.dumps(parameters["args"]))

    def open(self, url):
        """A fresh document, also when only the fragment differs."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)

    def evaluate(self, expression):
        """The value of a JavaScript expression; a promise is awaited."""
        result = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise AssertionError(details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    def wait_for(self, condition, seconds=90):
        """Until the JavaScript expression is true."""
        end = time.monotonic() + seconds
        while True:
            try:
                if self.evaluate(f"!!({condition})"):
                    return
            except (AssertionError, RuntimeError):  # the document is being replaced
                pass
            if time.monotonic() > end:
                raise AssertionError(
                    f"in vain waited for {condition}; the page says:\n"
                    + str(self.evaluate("document.body?.innerText"))
                )
            time.sleep(0.02)

    def resize(self, width, height, scale=1):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 600,
        )

    def prefer(self, scheme):
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    def screenshot(self, **clip):
        parameters = {"format": "png", "captureBeyondViewport": True}
        if clip:
            parameters["clip"] = {"scale": 1, **clip}
        return base64.b64decode(self.call("Page.captureScreenshot", **parameters)["data"])


class Server:
    """The page over ImageBuilds that a test hands it (page_server.cc)."""

    def __init__(self, program, builds):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.origin = f"http://127.0.0.1:{self.process.stdout.readline().strip()}"
        for build in builds:
            self.put(build)

    def put(self, build):
        self._tell(json.dumps(build))

    def delete(self, key):
        self._tell(f"delete {key}")

    def _tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if answer != "ok":
            raise RuntimeError(f"page_server: {answer or 'has ended'}")

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(20)
