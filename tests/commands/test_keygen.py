"""`zibrato keygen`: new pairs in files that are their owner's alone, and no key overwritten."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import zmq
import zmq.auth

from zibrato.commands.keygen import main, make_keys


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_pair_is_its_owner_s(tmp_path: Path, umask: int) -> None:
    directory = tmp_path / "new" / "keys"
    before = os.umask(umask)
    try:
        main([str(directory), "web-1"])
    finally:
        os.umask(before)
    public, secret = zmq.auth.load_certificate(directory / "web-1.key_secret")
    assert secret is not None
    assert zmq.curve_public(secret) == public
    assert zmq.auth.load_certificate(directory / "web-1.key") == (public, None)
    assert secret.decode() not in (directory / "web-1.key").read_text()
    assert mode(directory) == 0o700
    assert mode(directory / "web-1.key_secret") == 0o600
    assert mode(directory / "web-1.key") & 0o022 == 0


def test_a_daemon_s_has_a_place_for_clients(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path)])
    assert mode(tmp_path / "clients") == 0o700
    assert f"{tmp_path}/server.key to clients" in capsys.readouterr().out
    main([str(tmp_path), "web-1"])
    output = capsys.readouterr().out
    assert f"{tmp_path}/web-1.key to clients/" in output
    for file in tmp_path.glob("*.key_secret"):
        _, secret = zmq.auth.load_certificate(file)
        assert secret is not None
        assert secret.decode() not in output


@pytest.mark.parametrize("name", ["server.key", "server.key_secret"])
def test_no_key_is_overwritten_unless_that_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("of mine")
    with pytest.raises(SystemExit, match=f"^zibrato keygen: .*{name} is there already; give"):
        main([str(tmp_path)])
    assert {path.name for path in tmp_path.iterdir()} == {name, "clients"}
    assert (tmp_path / name).read_text() == "of mine"
    main([str(tmp_path), "--force"])
    assert "of mine" not in (tmp_path / name).read_text()
    assert mode(tmp_path / "server.key_secret") == 0o600


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("of mine")
    (tmp_path / "a.key_secret").symlink_to(tmp_path / "elsewhere")
    make_keys(tmp_path, "a", force=True)
    assert (tmp_path / "elsewhere").read_text() == "of mine"
    (tmp_path / "b.key_secret").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError, match="is there already"):
        make_keys(tmp_path, "b")


def test_where_others_write_nothing_is_kept(tmp_path: Path) -> None:
    tmp_path.chmod(0o770)
    with pytest.raises(SystemExit, match=r"others may write to .*; chmod it to 700"):
        main([str(tmp_path)])
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit, match=r"^zibrato keygen: .*File exists"):
        main([str(tmp_path / "file")])


@pytest.mark.parametrize("name", ["", "../a", "-a", "a b", "\x1b[31m", "a" * 101])
def test_a_name_is_a_file_s(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"^NAME: expected up to 100 letters"):
        make_keys(tmp_path, name)
