"""Chromium for a test: `Browser(modules)` starts driver.mjs, `open(url)` gives a Page."""
import json
import os
import pathlib
import shutil
import subprocess

from patchbay import SLOW, die_with_parent

HERE = pathlib.Path(__file__).resolve().parent
PHONE = {"viewport": {"width": 390, "height": 844}, "deviceScaleFactor": 2, "isMobile": True, "hasTouch": True}
DESKTOP = {"viewport": {"width": 1360, "height": 850}}


class Browser:
    def __init__(self, modules):
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
        assert chromium, "no chromium: apt install chromium"
        self.process = subprocess.Popen(["node", str(HERE / "driver.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent,
                                        env={**os.environ, "NODE_MODULES": str(pathlib.Path(modules).resolve()), "CHROMIUM": chromium})

    def order(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the browser has ended"
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(f"{order}: {answer['error']}")
        return answer["ok"]

    def open(self, url, options=None, **more):
        return Page(self, self.order(do="open", url=url, options=options or DESKTOP, **more))

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Page:
    def __init__(self, browser, number):
        self.browser, self.number = browser, number

    def __getattr__(self, name):
        return lambda **order: self.browser.order(do=name, page=self.number, **order)

    def js(self, text):
        return self.browser.order(do="eval", page=self.number, js=text)

    def until(self, js, limit=15):
        """Waits until an expression is true; gives its value."""
        return self.browser.order(do="wait", page=self.number, js=js, limit=int(limit * 1000 * SLOW))

    def go(self, view):
        self.js(f"location.hash = {json.dumps('#/' + view)}")
        self.until(f"document.querySelector('main h1')?.textContent && location.hash === {json.dumps('#/' + view)}")

    def live(self):
        return self.until("document.querySelector('[data-link]')?.dataset.link === 'live'")

    def errors(self):
        """What the page complained of: errors, refused by its policy, dialogs that should not be."""
        return [m for m in self.told() if m["type"] in ("error", "pageerror", "dialog") and "Failed to load resource" not in m["text"] and "net::ERR" not in m["text"]]
