"""Files are replaced whole, under the rights that they had or that the umask leaves."""

import errno
import os
import stat

import pytest

from rdcodec.files import check_replaceable, replace_file

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


def test_errors_name_the_file_that_was_asked_for(tmp_path, monkeypatch):
    def fail(source, target):
        raise OSError(errno.ENOSPC, "no space", str(source), None, str(target))

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space") as caught:
        replace_file(tmp_path / "file", b"new")
    assert caught.value.filename == str(tmp_path / "file")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "refused"),
    [("x/y", FileNotFoundError), ("folder", IsADirectoryError), ("file/x", NotADirectoryError), ("new", None), ("file", None)],
)
def test_what_cannot_be_written_is_known_before(tmp_path, name, refused):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    if refused is None:
        check_replaceable(tmp_path / name)
    else:
        with pytest.raises(refused) as caught:
            check_replaceable(tmp_path / name)
        assert caught.value.filename == str(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"] and (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write anywhere")
def test_folders_that_are_not_to_be_written_to(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        check_replaceable(tmp_path / "file")
