"""Certificates for a test, made by openssl: one authority, and whatever it signs."""
import pathlib
import subprocess


def _openssl(*args, stdin=None):
    subprocess.run(["openssl", *map(str, args)], check=True, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Authority:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key, self.certificate = self.folder / "ca.key", self.folder / "ca.pem"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-out", self.certificate,
                 "-subj", "/CN=test authority", "-days", "2", "-addext", "keyUsage=critical,keyCertSign", "-addext", "basicConstraints=critical,CA:true")
        self.made = 0

    def sign(self, name, certificate, key, names="DNS:localhost,IP:127.0.0.1,IP:::1", days=2):
        """Writes `certificate` and `key`, each whole or not at all. Returns its serial number."""
        self.made += 1
        request, half_key, half = self.folder / "request", self.folder / "half.key", self.folder / "half.pem"
        extensions = self.folder / "extensions"
        extensions.write_text(f"subjectAltName={names}\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", half_key, "-out", request, "-subj", f"/CN={name}")
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-set_serial", 1000 + self.made, "-days", days,
                 "-extfile", extensions, "-out", half)
        half_key.replace(key)
        half.replace(certificate)
        return 1000 + self.made
