"""The functions of the library that tests call, by ctypes."""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint8, c_uint64, c_void_p

import numpy as np

TYPES = {"float32": 0, "float16": 1, "bfloat16": 2}


class Status(ctypes.Structure):
    _fields_ = [("error", c_int), ("at", c_uint64), ("got", c_int64)]


class Message(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char * 256)]


class Bytes(ctypes.Structure):
    _fields_ = [("bytes", POINTER(c_uint8)), ("size", c_size_t)]


class Facts(ctypes.Structure):
    _fields_ = [
        *(("family", c_char_p), ("codec_id", c_uint8 * 8), ("channels", c_size_t), ("layer", c_int32)),
        *(("min_quality", c_int32), ("max_quality", c_int32), ("default_quality", c_int32)),
        *(("model_type", ctypes.c_char * 104), ("fingerprint", ctypes.c_char * 24)),
    ]


class LibraryError(Exception):
    """An error of the library, with its number and its text."""

    def __init__(self, number, text):
        super().__init__(text)
        self.number = number


class Library:
    def __init__(self, functions):
        self.functions = functions
        functions.rdc_checkpoint_describe.restype = POINTER(Facts)
        functions.rdc_checkpoint_describe.argtypes = [c_void_p]
        for kind in ("checkpoint", "encoder", "decoder"):
            getattr(functions, f"rdc_{kind}_free").argtypes = [c_void_p]
        functions.rdc_error_text.argtypes = [Status, c_char_p, c_size_t]
        functions.rdc_error_text.restype = None

    def call(self, name, *arguments):
        """A function that returns a status."""
        function = getattr(self.functions, name)
        function.restype = Status
        status = function(*arguments)
        if status.error:
            text = ctypes.create_string_buffer(256)
            self.functions.rdc_error_text(status, text, len(text))
            raise LibraryError(status.error, text.value.decode())

    def load(self, path):
        """The codec of a folder or a file."""
        return self._loaded("rdc_checkpoint_load", str(path).encode())

    def read(self, tensors, config=None):
        """The codec of bytes."""
        config_size = c_size_t(0 if config is None else len(config))
        return self._loaded("rdc_checkpoint_read", config, config_size, tensors, c_size_t(len(tensors)))

    def _loaded(self, name, *arguments):
        made, message = c_void_p(), Message()
        try:
            self.call(name, byref(made), *arguments, byref(message))
        except LibraryError as error:
            raise LibraryError(error.number, message.text.decode("ascii")) from None
        return Checkpoint(self, made)


class _Owned:
    """A pointer that is given back."""

    def __init__(self, library, pointer, free):
        self.library, self.pointer, self._free = library, pointer, free

    def __del__(self):
        self._free(self.pointer)


class Checkpoint(_Owned):
    def __init__(self, library, pointer):
        super().__init__(library, pointer, library.functions.rdc_checkpoint_free)
        self.facts = library.functions.rdc_checkpoint_describe(pointer).contents

    def encoder(self, quality=None):
        made = c_void_p()
        quality = self.facts.default_quality if quality is None else quality
        self.library.call("rdc_encoder_make", byref(made), self.pointer, c_int32(quality))
        return Encoder(self, made)

    def decoder(self):
        made = c_void_p()
        self.library.call("rdc_decoder_make", byref(made), self.pointer)
        return Decoder(self, made)


class _End(_Owned):
    def __init__(self, checkpoint, pointer):
        super().__init__(checkpoint.library, pointer, getattr(checkpoint.library.functions, f"rdc_{self.kind}_free"))
        self.checkpoint = checkpoint

    def fork(self):
        made = c_void_p()
        self.library.call(f"rdc_{self.kind}_fork", byref(made), self.pointer)
        return type(self)(self.checkpoint, made)


class Encoder(_End):
    kind = "encoder"

    def set_quality(self, quality):
        self.library.call("rdc_encoder_set_quality", self.pointer, c_int32(quality))

    def restart(self):
        self.library.functions.rdc_encoder_restart(self.pointer)

    def encode(self, h, dtype="float32"):
        frame = Bytes()
        h = np.ascontiguousarray(h)
        self.library.call("rdc_encoder_encode", self.pointer, h.ctypes.data_as(c_void_p), TYPES[dtype], c_size_t(len(h)), byref(frame))
        return ctypes.string_at(frame.bytes, frame.size)


class Decoder(_End):
    kind = "decoder"

    def peek(self, data):
        """Size and tokens of the frame at the start of bytes."""
        size, tokens = c_size_t(), c_size_t()
        self.library.call("rdc_decoder_peek", self.pointer, data, c_size_t(len(data)), byref(size), byref(tokens))
        return size.value, tokens.value

    def decode(self, frame, dtype="float32", room=64):
        h, tokens = _room(room, self.checkpoint, dtype), c_size_t()
        arguments = bytes_of(frame), TYPES[dtype], h.ctypes.data_as(c_void_p), c_size_t(room), byref(tokens)
        self.library.call("rdc_decoder_decode", self.pointer, *arguments)
        return h[: tokens.value]


def encode_rows(encoders, h):
    """Frames of the tokens of several rows, float32 [rows, tokens, channels]."""
    rows, frames = (c_void_p * len(encoders))(*(end.pointer for end in encoders)), (Bytes * len(encoders))()
    h = np.ascontiguousarray(h, np.float32)
    encoders[0].library.call(
        "rdc_encoders_encode", rows, c_size_t(len(encoders)), h.ctypes.data_as(c_void_p), 0, c_size_t(h.shape[1]), frames
    )
    return [ctypes.string_at(frame.bytes, frame.size) for frame in frames]


def decode_rows(decoders, frames, tokens):
    """And back, float32 [rows, tokens, channels]."""
    rows, given = (c_void_p * len(decoders))(*(end.pointer for end in decoders)), (Bytes * len(frames))(*map(bytes_of, frames))
    h = np.empty((len(decoders), tokens, decoders[0].checkpoint.facts.channels), np.float32)
    decoders[0].library.call("rdc_decoders_decode", rows, c_size_t(len(decoders)), given, 0, h.ctypes.data_as(c_void_p), c_size_t(tokens))
    return h


def bytes_of(data):
    return Bytes(ctypes.cast(ctypes.c_char_p(data), POINTER(c_uint8)), len(data))


def _room(tokens, checkpoint, dtype):
    return np.empty((tokens, checkpoint.facts.channels), np.float32 if dtype == "float32" else np.uint16)
