"""What the lab's servers hand out: a Go module proxy, packages, an image, a git repository. All generated here.

Everything is plain files under one folder per service, so the server itself stays a file server: a path that is a
folder is answered by its `_index`, and `<file>.type` beside a file holds its Content-Type.
"""

import base64
import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import zipfile
from pathlib import Path

MODULES = {
    "github.com/acme/greet": ("v1.4.0", "package greet\n\nfunc Hello(n string) string { return \"hello \" + n }\n"),
    "github.com/acme/clock": ("v0.2.1", "package clock\n\nfunc Now() string { return \"12:00\" }\n"),
}  # fmt: skip
TAGS = ("1.0", "latest")
BLOB_SIZE = 300_000


def make(root: Path) -> None:
    """Fill `root`. Takes well under a second."""
    for name, (version, source) in MODULES.items():
        _go_module(root / "go", name, version, source)
    _image(root / "registry", "acme/base")
    _npm(root / "npm", "left-pad-x", "1.0.0")
    _pypi(root / "pypi", "labpkg", "1.0")
    _put(root / "files" / "tool.tar.gz", b"\x1f\x8b" + bytes(range(256)) * (BLOB_SIZE // 256), "application/gzip")
    _put(root / "files" / "_index", b"lab files\n", "text/plain")
    _git(root / "git" / "acme" / "shop.git")


def _put(path: Path, data: bytes, kind: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if kind:
        path.with_name(path.name + ".type").write_text(kind)


def module_files(name: str, version: str, source: str) -> dict[str, bytes]:
    """The files of a module's zip, by their names in it."""
    package = name.rsplit("/", 1)[1]
    files = {"go.mod": f"module {name}\n\ngo 1.21\n", f"{package}.go": source}
    return {f"{name}@{version}/{k}": v.encode() for k, v in files.items()}


def _dirhash(files: dict[str, bytes]) -> str:
    """Go's h1 hash (golang.org/x/mod/sumdb/dirhash)."""
    lines = "".join(f"{hashlib.sha256(files[n]).hexdigest()}  {n}\n" for n in sorted(files))
    return "h1:" + base64.b64encode(hashlib.sha256(lines.encode()).digest()).decode()


def go_sum(*, wrong: bool = False) -> str:
    """The right go.sum for MODULES; `wrong=True` spoils every module hash."""
    lines = []
    for name, (version, source) in MODULES.items():
        files = module_files(name, version, source)
        whole = _dirhash({"x": b"spoilt"}) if wrong else _dirhash(files)
        lines.append(f"{name} {version} {whole}\n")
        lines.append(f"{name} {version}/go.mod {_dirhash({'go.mod': files[f'{name}@{version}/go.mod']})}\n")
    return "".join(sorted(lines))


def _go_module(root: Path, name: str, version: str, source: str) -> None:
    files = module_files(name, version, source)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, data in files.items():
            archive.writestr(zipfile.ZipInfo(member, (2024, 1, 1, 0, 0, 0)), data)
    info = json.dumps({"Version": version, "Time": "2024-01-01T00:00:00Z"}).encode()
    base = root / name / "@v"
    text = "text/plain; charset=utf-8"
    _put(base / "list", f"{version}\n".encode(), text)
    _put(base / f"{version}.info", info, "application/json")
    _put(base / f"{version}.mod", files[f"{name}@{version}/go.mod"], text)
    _put(base / f"{version}.zip", buffer.getvalue(), "application/zip")
    _put(root / name / "@latest", info, "application/json")


def _image(root: Path, name: str) -> None:
    layer_tar = io.BytesIO()
    with tarfile.open(fileobj=layer_tar, mode="w") as tar:
        data = bytes(range(256)) * (BLOB_SIZE // 256)
        member = tarfile.TarInfo("data.bin")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    plain = layer_tar.getvalue()
    layer = gzip.compress(plain, 0, mtime=0)  # stored, not squeezed: slow downloads need bytes
    diff = "sha256:" + hashlib.sha256(plain).hexdigest()
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sh"]},
                         "rootfs": {"type": "layers", "diff_ids": [diff]}}).encode()  # fmt: skip
    docker = "application/vnd.docker."
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": docker + "distribution.manifest.v2+json",
        "config": _blob(root, name, config, docker + "container.image.v1+json"),
        "layers": [_blob(root, name, layer, docker + "image.rootfs.diff.tar.gzip")],
    }).encode()  # fmt: skip
    _put(root / "v2" / "_index", b"{}", "application/json")
    digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
    for tag in (*TAGS, digest):
        _put(root / "v2" / name / "manifests" / tag, manifest, docker + "distribution.manifest.v2+json")


def _blob(root: Path, name: str, data: bytes, kind: str) -> dict[str, object]:
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    _put(root / "v2" / name / "blobs" / digest, data, "application/octet-stream")
    return {"mediaType": kind, "size": len(data), "digest": digest}


def _npm(root: Path, name: str, version: str) -> None:
    package = json.dumps({"name": name, "version": version, "main": "index.js"}).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for member, data in (("package/package.json", package), ("package/index.js", b"module.exports = 1\n")):
            item = tarfile.TarInfo(member)
            item.size = len(data)
            tar.addfile(item, io.BytesIO(data))
    tarball = buffer.getvalue()
    _put(root / name / "-" / f"{name}-{version}.tgz", tarball, "application/octet-stream")
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    url = f"https://npm.lab.example/{name}/-/{name}-{version}.tgz"
    one = {"name": name, "version": version, "dist": {"tarball": url, "integrity": integrity}}
    document = {"name": name, "dist-tags": {"latest": version}, "versions": {version: one}}
    _put(root / name / "_index", json.dumps(document).encode(), "application/json")


def _pypi(root: Path, name: str, version: str) -> None:
    info = f"{name}-{version}.dist-info"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", "pad = '" + "x" * 200_000 + "'\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: lab\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    file = f"{name}-{version}-py3-none-any.whl"
    _put(root / "packages" / file, buffer.getvalue(), "application/octet-stream")
    link = f'<!DOCTYPE html><html><body><a href="/packages/{file}">{file}</a></body></html>'
    _put(root / "simple" / name / "_index", link.encode(), "text/html")


def _git(bare: Path) -> None:
    """A bare repository with one commit and about 400 kB in it, made by the real git."""
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(bare.parent), "GIT_CONFIG_NOSYSTEM": "1",
           "GIT_AUTHOR_NAME": "ci", "GIT_AUTHOR_EMAIL": "ci@lab.example", "GIT_AUTHOR_DATE": "1700000000 +0000",
           "GIT_COMMITTER_NAME": "ci", "GIT_COMMITTER_EMAIL": "ci@lab.example",
           "GIT_COMMITTER_DATE": "1700000000 +0000"}  # fmt: skip
    work = bare.with_suffix(".work")
    work.mkdir(parents=True)
    (work / "README").write_text("shop\n")
    noise = b"".join(hashlib.sha256(i.to_bytes(4)).digest() for i in range(12_000))  # does not compress
    (work / "data.bin").write_bytes(noise)
    for args in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "start"],
                 ["clone", "-q", "--bare", ".", str(bare)]):  # fmt: skip
        subprocess.run(["git", *args], cwd=work, env=env, check=True, capture_output=True)
