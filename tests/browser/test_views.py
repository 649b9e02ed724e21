"""Every view of the page on the whole kit: what it shows, on a desk and on a phone, in each theme, for those who do not see it."""
import json
import subprocess

import pytest

from browser import DESKTOP, PHONE
from patchbay import ROOT, plugin_folder

VIEWS = ["now", "map", "devices", "processes", "interfaces", "locks", "ports", "recovery", "plugins", "log", "plots"]
SHOWN = {  # what stands in a view once it has come, as an expression
    "now": "document.querySelector('.position [data-lat]') && document.querySelector('.sky .sat')",
    "map": "document.querySelector('canvas.map')?.map.points.devices.length > 100 && document.querySelector('canvas.map').map.kit",
    "devices": "document.querySelectorAll('.vrow').length > 5",
    "processes": "document.querySelectorAll('.node').length === 5",
    "interfaces": "document.querySelector('[data-row=lo]')",
    "locks": "document.querySelector('main .card')",
    "ports": "document.querySelectorAll('main tbody tr').length > 3",
    "recovery": "document.querySelector('main .card')",
    "plugins": "document.querySelectorAll('main tbody tr').length > 7",
    "log": "document.querySelectorAll('.log p').length > 3",
    "plots": "document.querySelectorAll('.plot canvas').length > 4",
}


def page(kit, browser, options=None, view="now"):
    p = browser.open(f"{kit.url}#/{view}", options or DESKTOP)
    p.live()
    return p


def test_each_view_has_a_link_in_the_nav_and_shows_something(kit, browser, shots):
    p = page(kit, browser)
    for view in VIEWS:
        p.click(at=f'nav a[href="#/{view}"]')
        p.until(f"document.querySelector('nav a[aria-current=page]').getAttribute('href') === '#/{view}'")
        p.until(SHOWN[view])
        p.shot(file=str(shots / f"{view}.png"))
    assert p.errors() == []
    p.close()


def test_a_phone_has_all_of_it_without_scrolling_sideways(kit, browser, shots):
    p = page(kit, browser, PHONE)
    for view in VIEWS:
        p.go(view)
        p.until(SHOWN[view])
        wide = p.js("({page: document.documentElement.scrollWidth, window: innerWidth})")
        assert wide["page"] <= wide["window"], f"{view} is {wide['page']} wide"
        small = p.js("""[...document.querySelectorAll('main button, nav a')].filter(e => e.offsetParent && !e.closest('.quiet') && !e.matches('.quiet, .sort'))
            .map(e => [e.textContent || e.ariaLabel, e.getBoundingClientRect().height]).filter(([, h]) => h < 36)""")
        assert small == [], f"{view}: too small for a finger: {small}"
        p.shot(file=str(shots / f"{view}-phone.png"))
    assert p.errors() == []
    p.close()


@pytest.mark.parametrize("theme", ["dark", "light", "night"])
def test_nothing_serious_for_those_who_do_not_see_it(kit, browser, shots, theme):
    p = page(kit, browser)
    p.js(f"localStorage.setItem('patchbay-theme', {json.dumps(theme)})")
    p.reload()
    p.live()
    assert p.js("document.documentElement.dataset.theme") == theme
    serious = []
    for view in VIEWS:
        p.go(view)
        p.until(SHOWN[view])
        if theme != "dark":
            p.shot(file=str(shots / f"{view}-{theme}.png"))
        serious += [{"view": view, **v} for v in p.axe() if v["impact"] in ("serious", "critical")]
    assert serious == [], f"{theme}: {json.dumps(serious, indent=1)}"
    p.close()


def test_the_keyboard_reaches_everything(kit, browser):
    p = page(kit, browser)
    p.press(key="?")
    p.until("document.querySelector('[role=dialog]')")
    p.press(key="Escape")
    p.until("!document.querySelector('[role=dialog]')")
    for keys, view in (("gd", "devices"), ("gp", "processes"), ("2", "map"), ("gt", "plots"), ("1", "now"), ("gd", "devices")):
        for k in keys:
            p.press(key=k)
        p.until(f"location.hash === '#/{view}'")
    p.until(SHOWN["devices"])
    p.press(key="/")
    p.until("document.activeElement.matches('input[type=search]')")
    p.press(key="Escape")
    p.js("document.querySelector('.virtual').focus()")
    p.press(key="ArrowDown")
    p.press(key="ArrowDown")
    chosen = p.until("document.querySelector('.vrow.active')?.dataset.mac")
    p.press(key="Enter")
    p.until(f"location.hash === '#/devices/' + encodeURIComponent({json.dumps(chosen)})")
    before = p.js("document.documentElement.dataset.theme + localStorage.getItem('patchbay-theme')")
    p.press(key="t")
    p.until(f"document.documentElement.dataset.theme + localStorage.getItem('patchbay-theme') !== {json.dumps(before)}")
    p.js("localStorage.clear()")
    p.close()


def test_first_paint_is_small_and_all_from_here(kit, browser):
    p = browser.open(kit.url, DESKTOP)
    p.live()
    requests = p.requests()
    assert all(r.startswith(kit.url) or r.startswith("blob:") for r in requests), requests
    files = [r for r in requests if "/api/" not in r]
    size = sum(len(kit.daemon.get(r[len(kit.url) - 1:], headers={"Accept-Encoding": "gzip"}).body) for r in files)
    print(f"first paint: {len(files)} files, {size} bytes with gzip")
    assert 5000 < size < 100_000
    p.close()


def test_what_moves_keeps_still_where_that_is_asked_for(kit, browser):
    p = page(kit, browser, {**DESKTOP, "reducedMotion": "reduce"})
    assert p.js("[...document.querySelectorAll('*')].filter(e => getComputedStyle(e).transitionDuration !== '0s' || getComputedStyle(e).animationName !== 'none').length") == 0
    p.close()


def test_the_types_are_right(modules, tmp_path):
    web = tmp_path / "web"
    web.mkdir()
    for name in ("src", "tsconfig.json"):
        (web / name).symlink_to(ROOT / "plugins/dashboard/web" / name)
    installed = next((plugin_folder() / "dashboard").glob("*.p/node_modules"))
    both = web / "node_modules"
    both.mkdir()
    for package in installed.iterdir():
        (both / package.name).symlink_to(package)
    done = subprocess.run(["node", str(modules / "typescript/bin/tsc"), "-p", str(web), "--preserveSymlinks"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
