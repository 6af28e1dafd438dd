"""Files are replaced whole, under the rights that they had or that the umask leaves."""

import os
import stat

import pytest

from rdcodec.files import replace_file

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664), (0o000, 0o666)])
def test_new_files_follow_the_umask(tmp_path, umask, mask, mode):
    umask(mask)
    replace_file(tmp_path / "file", b"new")
    assert mode_of(tmp_path / "file") == mode
    assert (tmp_path / "file").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o666])
def test_replaced_files_keep_their_mode(tmp_path, umask, mode):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    replace_file(path, b"new")
    assert mode_of(path) == mode and path.read_bytes() == b"new"


@pytest.mark.parametrize("exists", [False, True])
def test_after_a_failure_all_is_as_it_was(tmp_path, exists):
    path = tmp_path / "file"
    if exists:
        path.write_bytes(b"old")
    with pytest.raises(TypeError):
        replace_file(path, "text")
    assert [other.read_bytes() for other in tmp_path.iterdir()] == [b"old"] * exists


def test_a_folder_is_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path / "folder", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
