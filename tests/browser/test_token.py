"""Where tokens are asked for: the page comes without one, asks for it, keeps it in the tab alone, and sends it with everything."""
import subprocess

from browser import DESKTOP
from kit import settings
from patchbay import executable


def hashed(token):
    return subprocess.run([str(executable()), "--hash-token"], input=token, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def test_the_page_asks_for_a_token_and_goes_on_with_it(patchbayd, browser, tmp_path):
    good = "right-" + "x" * 30
    s = settings(tmp_path)
    s["auth"] = {"mode": "token", "tokens": [{"name": "ops", "hash": hashed(good), "role": "operator"}]}
    d = patchbayd(settings=s)
    p = browser.open(f"http://127.0.0.1:{d.port}/#/plugins", DESKTOP)
    p.until("document.querySelector('input[name=token]')")
    p.fill(at="input[name=token]", text="wrong")
    p.click(at=".dialog button")
    p.until("document.querySelector('.dialog')?.textContent.includes('refused')")
    p.fill(at="input[name=token]", text=good)
    p.click(at=".dialog button")
    p.live()
    p.until("document.querySelectorAll('main tbody tr').length > 5 && !document.querySelector('.dialog')")
    assert p.js("[sessionStorage.getItem('patchbay-token'), localStorage.length, document.cookie]") == [good, 0, ""]
    assert not any("right-" in r for r in p.requests())
    p.reload()
    p.live()
    p.click(at="[data-row=locks] .do")
    p.click(at="[data-row=locks] .do.asked")
    p.until("document.querySelector('.message.bad')?.textContent.includes('admin')")  # an operator may not: it says so
    p.close()
