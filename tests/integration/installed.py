"""An installed Patchbay, as a stranger's build finds it: headers, pkg-config file, plugins, demo."""
import os
import pathlib
import subprocess

from patchbay import ROOT


class Installed:
    """What `meson install` of PATCHBAY_BUILD (build/) gives, moved to a folder of its own."""

    def __init__(self, folder):
        build = pathlib.Path(os.environ.get("PATCHBAY_BUILD", ROOT / "build")).resolve()
        subprocess.run(["meson", "install", "-C", str(build), "--no-rebuild", "--quiet", "--destdir", str(folder)], check=True, stdout=subprocess.DEVNULL, timeout=120)
        pc = next(pathlib.Path(folder).rglob("patchbay.pc"))
        built_for = next(line.partition("=")[2] for line in pc.read_text().splitlines() if line.startswith("prefix="))
        self.prefix = pathlib.Path(str(folder) + built_for)
        pc.write_text(pc.read_text().replace(built_for, str(self.prefix)))
        self.env = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent)}
        self.plugins = pathlib.Path(self.pkg_config("--variable=plugindir"))

    def pkg_config(self, *arguments):
        return subprocess.run(["pkg-config", *arguments, "patchbay"], env=self.env, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
