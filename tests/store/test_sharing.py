"""Stores that many make together are, byte for byte, those that one makes alone: whatever happens to one of the many on the way."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rdcodec import RdcodecError
from rdcodec.store import Store
from rdcodec.store.blocks import Blocks
from rdcodec.store.sharing import write_store
from rdcodec.store.sources import Source, array_sources
from rdcodec.store.verification import problems

PROGRAM = "from rdcodec.cli import main; main()"


@pytest.fixture
def arrays(tmp_path, states):
    """Files of 100 tokens each."""
    folder = tmp_path / "arrays"
    folder.mkdir()
    for number in range(8):
        np.save(folder / f"{number}.npy", states(100, number))
    return folder


@pytest.fixture
def blocks(tmp_path, codec, arrays):
    """Blocks of two files each, of a store of this name."""
    return lambda name, sources=None: Blocks(tmp_path / name, codec, sources or array_sources([arrays], 24), 150, group_tokens=64)


def content(path):
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def test_alone(blocks, path, states):
    own, said = blocks("store"), []
    assert len(own) == 4 and write_store(own, progress=lambda *step: said.append(step))
    store = Store.open(path)
    assert np.array_equal(store[:], np.concatenate([states(100, number) for number in range(8)]))
    assert [len(shard.groups) for shard in store.shards] == [4] * 4
    assert [(d.id, d.start, d.stop) for d in store.documents] == [(f"{n}.npy", 100 * n, 100 * n + 100) for n in range(8)]
    assert not any(found for _, found in problems(store)) and not path.with_name("store.blocks").exists()
    assert said[3] == ("packing", 1) and said[-1] == ("joining", 1)


def test_by_several_in_any_order(blocks, path):
    write_store(blocks("store"))
    others = [pickle.loads(pickle.dumps(blocks("other"))), blocks("other")]
    for number in (3, 1, 1, 0):
        others[0].write(number)
    with pytest.raises(FileNotFoundError):
        others[1].join()
    others[1].write(3)
    others[1].write(2)
    others[1].join()
    assert content(path.with_name("other")) == content(path)


def stopped(source, flag):
    """The source, which fails once in the middle."""

    class Stopped:
        def __call__(self, start):
            for states, ids in source.pieces(start):
                yield states[:30], ids
                if not flag.exists():
                    flag.touch()
                    raise RdcodecError("in the middle")
                yield states[30:], ids

    return source._replace(pieces=Stopped())


def test_a_failure_leaves_no_half_block(blocks, path, arrays, tmp_path):
    sources = array_sources([arrays], 24)
    sources[5] = stopped(sources[5], tmp_path / "flag")
    own = blocks("other", sources)
    with pytest.raises(RdcodecError, match="in the middle"):
        write_store(own)
    left = {file.name for file in (tmp_path / "other.blocks").iterdir()}
    assert left == {"plan.json", "00000000", "00000001"} and not (tmp_path / "other").exists()
    write_store(blocks("other", sources))
    write_store(blocks("store"))
    assert content(tmp_path / "other") == content(path)


def test_what_is_refused(blocks, path, codec, arrays):
    with pytest.raises(RdcodecError, match="way: expected here, accelerate, ray, got slurm"):
        write_store(blocks("store"), "slurm")
    with pytest.raises(RdcodecError, match="blocks of other sources or options"):
        Blocks(path, codec, array_sources([arrays], 24), 50, group_tokens=64)
    with pytest.raises(RdcodecError, match="at least one"):
        Blocks(path, codec, [])
    with pytest.raises(RdcodecError, match="block_tokens"):
        Blocks(path, codec, array_sources([arrays], 24), 0)
    write_store(blocks("store"))
    with pytest.raises(FileExistsError, match="a new store"):
        blocks("store")


@pytest.mark.slow
def test_by_processes_that_are_launched(blocks, path, arrays, codec, tmp_path):
    """By torchrun, which `accelerate launch` is for several processes."""
    pytest.importorskip("accelerate")
    codec.save_pretrained(tmp_path / "codec")
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", 2, "--no-python", sys.executable, "-c", PROGRAM]
    given = ["--codec", tmp_path / "codec", "--out", tmp_path / "other", "--group-tokens", 64, "--block-tokens", 150, "--on", "accelerate"]
    done = subprocess.run([*map(str, [*launch, "pack", arrays, *given])], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("800 tokens, 8 documents") == 1
    write_store(blocks("store"))
    assert content(tmp_path / "other") == content(path)


@pytest.fixture
def cluster(monkeypatch):
    """Ray with two nodes on this machine, of a processor each."""
    ray = pytest.importorskip("ray", reason="ray is not installed")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False, configure_logging=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.slow
def test_a_worker_of_a_ray_cluster_is_killed(cluster, blocks, path, arrays, tmp_path):
    def killed(source, flag):
        class Killed:  # here, so that it travels by value: workers cannot import tests
            def __call__(self, start):
                import os
                import signal

                for states, ids in source.pieces(start):
                    yield states[:30], ids
                    if not flag.exists():
                        flag.touch()
                        os.kill(os.getpid(), signal.SIGKILL)
                    yield states[30:], ids

        return source._replace(pieces=Killed())

    sources = array_sources([arrays], 24)
    sources[5] = killed(sources[5], tmp_path / "flag")
    assert write_store(blocks("other", sources), "ray") and (tmp_path / "flag").exists()
    write_store(blocks("store"))
    assert content(tmp_path / "other") == content(path)
    sources[2] = Source("bad", 100, "float16", stopped(sources[2], tmp_path / "again").pieces, {})
    with pytest.raises(RdcodecError, match="in the middle"):
        write_store(blocks("bad", sources), "ray")
    assert not Path(tmp_path / "bad").exists()
