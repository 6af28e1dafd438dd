"""`rdcodec serve` and `rdcodec generate` as people run them: two processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request

import pytest
from tiny_ends import LAYER, PROMPT, generated, prompts

from rdcodec.cli.app import run
from rdcodec.serving import TextPieces

NEW = 24
SECONDS = 120  # of a busy machine


@pytest.fixture(scope="module")
def codec_dir(codec_of, tmp_path_factory):
    folder = tmp_path_factory.mktemp("codec")
    codec_of("llama").save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def expected(whole_of, codec_of):
    model, tokenizer = whole_of("llama")
    tokens = generated(model, LAYER, codec_of("llama"), *prompts(tokenizer, PROMPT), NEW)
    return tokenizer.decode(tokens[0])


class Served:
    """`rdcodec serve` as a process."""

    def __init__(self, folder, codec_dir, listen="127.0.0.1:0", *more):
        command = [
            sys.executable,
            "-m",
            "rdcodec.cli",
            "serve",
            "--model",
            folder,
            "--layer",
            LAYER,
            "--codec",
            codec_dir,
            "--listen",
            listen,
            *more,
        ]
        self.process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        )
        ends = threading.Timer(SECONDS, self.process.kill)
        ends.start()
        line = self.process.stdout.readline()
        ends.cancel()
        assert line.startswith("listening on port "), (line, self.process.stderr.read())
        self.port = int(line.split()[-1])

    def end(self, number):
        """Lines of its log, and its exit status."""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=SECONDS)
        return [json.loads(line) for line in log.splitlines() if line.startswith("{")], self.process.returncode


def environment():
    return {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_two_processes(folder_of, codec_dir, expected, tmp_path, capsys):
    (tmp_path / "token").write_text("secret\n")
    server = Served(folder_of("llama"), codec_dir, "127.0.0.1:0", "--token-file", tmp_path / "token")
    try:
        ends = ["--model", folder_of("llama"), "--codec", str(codec_dir), "--connect", f"127.0.0.1:{server.port}", "--patience", "0"]
        text = ["--prompt", PROMPT, "--max-new-tokens", str(NEW)]
        assert run(["generate", *ends, *text]) == 1
        assert capsys.readouterr().err.splitlines()[-1] == "rdcodec: UNAUTHENTICATED: a bearer token is needed"
        ends += ["--token-file", str(tmp_path / "token"), "--json", str(tmp_path / "figures.json")]
        capsys.readouterr()
        assert run(["generate", *ends, *text]) == 0
        shown = capsys.readouterr()
        assert shown.out == expected + "\n" and "bits/token" in shown.err
        figures = json.loads((tmp_path / "figures.json").read_text())
        assert figures["text"] == expected and figures["said_tokens"] == NEW and sum(figures["shares"].values()) == pytest.approx(1)
    finally:
        log, status = server.end(signal.SIGTERM)
    assert status == 0 and [line["event"] for line in log] == [
        "listening",
        "refused",
        "session opened",
        "session closed",
        "stopping",
        "stopped",
    ]


@pytest.mark.slow
def test_a_server_that_is_killed_and_started_again(folder_of, codec_dir, expected):
    """In the middle of a text, without a word; the head is another process, which sees nothing of it but time that goes by."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    server = Served(folder_of("llama"), codec_dir, listen)
    command = [sys.executable, "-m", "rdcodec.cli", "generate", "--model", folder_of("llama"), "--codec", codec_dir, "--connect", listen]
    options = ["--prompt", PROMPT, "--max-new-tokens", NEW, "--patience", SECONDS]
    head = subprocess.Popen(
        [str(part) for part in command + options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    try:
        begun = head.stdout.read(2)
        head.send_signal(signal.SIGSTOP)
        server.end(signal.SIGKILL)
        server = Served(folder_of("llama"), codec_dir, listen)
        head.send_signal(signal.SIGCONT)
        rest, errors = head.communicate(timeout=SECONDS)
    finally:
        head.kill()
        server.end(signal.SIGTERM)
    assert head.returncode == 0, errors
    assert begun + rest == expected + "\n" and "rdcodec: link lost {" in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "--listen", "0.0.0.0:1"], "0.0.0.0 is not this machine"),
        (["serve", "--listen", "nowhere"], "address: expected HOST:PORT"),
        (["serve", "--tls-key", "key.pem"], "certificate and key: expected both or neither"),
        (["serve", "--layer", "1"], "codec: expected one of layer 1, got one of layer 2"),
        (["generate", "--connect", "example.org:1"], "example.org is not this machine"),
        (["generate", "--connect", "127.0.0.1:1", "--temperature", "-1"], "temperature: expected 0 to 100"),
        (["generate", "--connect", "127.0.0.1:1", "--prompt", "a", "--chat"], "--chat: the model's tokenizer has no template"),
        (["generate", "--connect", "127.0.0.1:1", "--token-file", "/dev/null"], "/dev/null: expected a token"),
        (["generate", "--connect", "127.0.0.1:1", "--prompt", "a", "--patience", "0"], "UNAVAILABLE"),
    ],
)
def test_wrong_options(folder_of, codec_dir, arguments, message, capsys):
    capsys.readouterr()
    assert run([*arguments, "--model", folder_of("llama"), "--codec", str(codec_dir)]) == 1
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_pieces_of_text(whole_of):
    """Letters of several tokens come whole, and lines begin anew."""
    _, tokenizer = whole_of("llama")
    text = "Größe, 漢字\nand 🙂 more\n\nlines"
    pieces = TextPieces(tokenizer)
    found = list(pieces.of(tokenizer(text)["input_ids"]))
    assert "".join(found) == text and "漢" in found and "\n" in found
    cut = list(TextPieces(tokenizer).of(tokenizer("漢")["input_ids"][:2]))
    assert cut[:2] == ["", ""] and cut[2] != ""


@pytest.mark.slow
def test_an_endpoint_for_other_programs(folder_of, codec_dir, server, expected):
    """It ends at Ctrl-C also where a shell started it in the background, and so had it ignore that."""
    background = ["sh", "-c", "trap '' INT && exec \"$@\"", "sh"]
    command = [*background, sys.executable, "-m", "rdcodec.cli", "generate", "--model", folder_of("llama"), "--codec", codec_dir]
    command += ["--connect", f"127.0.0.1:{server.port}", "--openai-port", 0]
    head = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True, env=environment())
    try:
        line = head.stdout.readline().strip()
        assert line.startswith("answering at http://127.0.0.1:")
        body = json.dumps({"prompt": PROMPT, "max_tokens": NEW, "temperature": 0}).encode()
        request = urllib.request.Request(line.split()[-1] + "/completions", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            assert json.load(answer)["choices"][0]["text"] == expected
        head.send_signal(signal.SIGINT)
        assert head.wait(SECONDS) == 0
    finally:
        head.kill()
