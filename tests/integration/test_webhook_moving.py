"""The configuration that docs/moving.md tells people to write: it passes the check of the daemon itself."""
import re
import subprocess

from patchbay import ROOT, executable, plugin_folder


def test_the_configuration_of_the_guide_is_a_good_one(tmp_path):
    text = re.search(r"```toml\n(.*?)```", (ROOT / "docs/moving.md").read_text(), re.DOTALL).group(1)
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    for so in plugin_folder().glob("*.so"):
        (plugins / so.name).write_bytes(so.read_bytes())
        (plugins / so.name).chmod(0o644)
    config = tmp_path / "patchbay.toml"
    config.write_text(f'[auth]\nmode = "none"\n[plugin_host]\ndirectories = ["{plugins}"]\n[state]\ndirectory = "{tmp_path}"\n{text}')
    r = subprocess.run([executable(), "--check", "--config", config], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stdout + r.stderr
