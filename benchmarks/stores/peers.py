"""Other ways to keep hidden states on disk: each writes float16 [tokens, channels] to a path, and reads ranges of tokens back."""

import os
from pathlib import Path

import numpy as np

GROUP = 512  # tokens of a chunk, as of rdcodec's groups


class Peer:
    """One way and setting. `write` and `open` are its own; `open` returns a function of start and stop that gives the tokens."""

    def __init__(self, name, write, opened):
        self.name, self.write, self.open = name, write, opened


def size_of(path):
    path = Path(path)
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(os.path.getsize(file) for file in files if file.is_file())


# ---- raw


def write_npy(path, h):
    with open(path, "wb") as file:
        np.save(file, h)


def open_npy(path):
    array = np.load(path, mmap_mode="r")
    return lambda start, stop: np.array(array[start:stop])


def write_safetensors(path, h):
    from safetensors.numpy import save_file

    save_file({"states": h}, path)


def open_safetensors(path):
    from safetensors import safe_open

    tensor = safe_open(path, framework="np").get_slice("states")
    return lambda start, stop: tensor[start:stop]


# ---- zarr


def zarr_peer(name, codec, tokens=GROUP):
    def write(path, h):
        import zarr

        array = zarr.create_array(
            str(path), shape=h.shape, chunks=(tokens, h.shape[1]), dtype=h.dtype, compressors=codec(h.dtype.itemsize), zarr_format=3
        )
        array[:] = h

    def open_(path):
        import zarr

        array = zarr.open_array(str(path), mode="r")
        return lambda start, stop: array[start:stop]

    return Peer(name, write, open_)


def zarr_zstd(level):
    def codec(itemsize):
        from zarr.codecs import ZstdCodec

        return ZstdCodec(level=level)

    return codec


def zarr_blosc(shuffle, level):
    def codec(itemsize):
        from zarr.codecs import BloscCodec

        return BloscCodec(cname="zstd", clevel=level, shuffle=shuffle, typesize=itemsize)

    return codec


# ---- HDF5


def hdf5_peer(name, options):
    def write(path, h):
        import h5py

        with h5py.File(path, "w") as file:
            file.create_dataset("states", data=h, chunks=(min(GROUP, len(h)), h.shape[1]), **options())

    def open_(path):
        import h5py
        import hdf5plugin  # noqa: F401 (brings the filters)

        array = h5py.File(path, "r")["states"]
        return lambda start, stop: array[start:stop]

    return Peer(name, write, open_)


def hdf5_zstd():
    import hdf5plugin

    return {"shuffle": True, **hdf5plugin.Zstd(clevel=19)}


def hdf5_blosc2():
    import hdf5plugin

    return dict(hdf5plugin.Blosc2(cname="zstd", clevel=9, filters=hdf5plugin.Blosc2.BITSHUFFLE))


# ---- Arrow


def write_arrow(path, h):
    import pyarrow as pa

    channels = h.shape[1]
    schema = pa.schema([("states", pa.list_(pa.from_numpy_dtype(h.dtype), channels))])
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=19))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema, options=options) as writer:
        for start in range(0, len(h), GROUP):
            rows = h[start : start + GROUP]
            writer.write_batch(pa.record_batch([pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), channels)], schema=schema))


def open_arrow(path):
    import pyarrow as pa

    reader = pa.ipc.open_file(pa.memory_map(str(path)))

    def group(number):
        column = reader.get_batch(number).column(0)
        return column.values.to_numpy(zero_copy_only=False).reshape(len(column), -1)

    def read(start, stop):
        rows = [
            group(number)[max(0, start - number * GROUP) : stop - number * GROUP] for number in range(start // GROUP, -(-stop // GROUP))
        ]
        return np.concatenate(rows)

    return read


# ---- int8: a scale a token, beside


def int8(peer):
    """A peer that keeps 8-bit integers and a float16 scale of each token, and gives float16 back."""

    def write(path, h):
        path = Path(path)
        path.mkdir()
        values = h.astype(np.float32)
        scales = np.maximum(np.abs(values).max(axis=1), 1e-6) / 127
        peer.write(path / "values", np.round(values / scales[:, None]).astype(np.int8))
        np.save(path / "scales.npy", scales.astype(np.float16))

    def open_(path):
        read, scales = peer.open(next(Path(path).glob("values*"))), np.load(Path(path) / "scales.npy")
        return lambda start, stop: read(start, stop) * scales[start:stop, None]

    return Peer(f"{peer.name}, int8", write, open_)


def lossless():
    """dict of str to list of Peer: the settings that are tried of each, of which the smallest counts."""
    levels = [("zstd 9", zarr_zstd(9)), ("zstd 19", zarr_zstd(19))]
    shuffles = [("Blosc zstd 9, shuffle", zarr_blosc("shuffle", 9)), ("Blosc zstd 9, bitshuffle", zarr_blosc("bitshuffle", 9))]
    return {
        ".npy, memory map": [Peer(".npy, memory map", write_npy, open_npy)],
        "safetensors": [Peer("safetensors", write_safetensors, open_safetensors)],
        "zarr v3": [zarr_peer(f"zarr v3, {name}", codec) for name, codec in (*levels, *shuffles)],
        "HDF5": [hdf5_peer("HDF5, shuffle, zstd 19", hdf5_zstd), hdf5_peer("HDF5, Blosc2 zstd 9, bitshuffle", hdf5_blosc2)],
        "Arrow": [Peer("Arrow IPC, zstd 19", write_arrow, open_arrow)],
    }
